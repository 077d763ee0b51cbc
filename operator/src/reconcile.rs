//! The pipeline: observe, plan, apply, and again, while that makes progress.
//!
//! What a reconcile leaves in memory decides no write: it only lets the next one be content with a glance (`memory.rs`) when nothing
//! has changed. So every first round that writes is the same as the first one after a crash. What was written needs no look, where
//! AWS's answer tells enough (`resources/after.rs`). Failures are data: one resource's does not stop the others.

mod memory;
mod pauses;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::time::Duration;

use futures::future::join;
use futures::{StreamExt, stream};
use tokio::time::{Instant, sleep};

use crate::cloud::{Answer, Cloud, CloudError, Depth, ErrorKind, Message, Observed, Scope};
use crate::drift::{self, Wanted};
use crate::gallery::{Goal, Identity};
use crate::graph::ResourceId;
use crate::plan::{Action, Plan};
use crate::preflight::{self, Preflight};
use crate::resources::{Change, Step, after};
pub use memory::Memory;
use pauses::{Pauses, Repeats, backoff};

/// How long one reconcile waits for what AWS finishes within seconds: a function that becomes active, a role that Lambda
/// hears of (7-12 s measured, tail 60 s). Slower things are the requeue's.
const PATIENCE: Duration = Duration::from_secs(45);
/// In how many rounds of one reconcile a resource may be changed. Four suffice for a function (code, configuration,
/// concurrency, tags); whatever needs more shows no effect of our calls, and would be changed for ever.
const MOST_ROUNDS: usize = 8;
/// How often a reconcile tries again to read what found no answer, besides the SDK's own repeats.
const MOST_READS: u32 = 3;
/// Independent resources that are worked on at once, well below Lambda's 15 control-plane calls a second.
const PARALLEL: usize = 10;

/// What came of a reconcile.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// What the first round found to do. In a gallery that was in sync, this is the drift.
    pub found: Plan,
    /// What is left to do or to wait for.
    pub plan: Plan,
    /// What was done, in order.
    pub applied: Vec<Action>,
    /// What went wrong in the last round, by resource.
    pub failures: Vec<Failure>,
    /// What was seen last.
    pub seen: Observed,
    /// What is wanted of each resource.
    pub wanted: Wanted,
    /// Resources of [`Self::plan`] that are left as they are: drift that is only reported.
    pub held: BTreeSet<ResourceId>,
    /// What stands in the way of a gallery of which nothing is there.
    pub preflight: Preflight,
    /// Only what may have changed was looked at; the rest of `seen` is remembered.
    pub is_glance: bool,
}

/// A call that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The resource it was for.
    pub resource: ResourceId,
    /// Its ARN, as far as that is known: what a permission would have to be for.
    pub arn: String,
    /// How it failed.
    pub error: CloudError,
}

impl Failure {
    fn new(identity: &Identity, resource: ResourceId, error: CloudError) -> Self {
        Self { resource, arn: identity.arn_of(resource), error }
    }
}

impl Outcome {
    /// The goal is reached and nothing failed.
    pub fn is_complete(&self) -> bool {
        self.failures.is_empty() && self.plan.is_complete()
    }

    /// Nothing would have to be done but what is held, and what waits for that.
    pub fn is_only_held(&self) -> bool {
        let Plan { actions, conflicts, .. } = &self.plan;
        let is_held = actions.iter().all(|action| self.held.contains(&action.resource));
        let is_quiet = self.failures.is_empty() && conflicts.is_empty();
        !self.held.is_empty() && is_held && is_quiet && self.plan.aws_at_work().next().is_none()
    }
}

/// Hears of each round while its calls are made, and says what is to be left as it is.
pub trait Progress: Sync {
    /// The plan to carry out stands in `outcome.plan`.
    fn round(&self, outcome: &Outcome) -> impl Future<Output = ()> + Send;

    /// Does somebody want to know how everything is now? Else an older list will do where there is one.
    fn is_asked(&self) -> bool {
        true
    }

    /// Where things were when they were last looked at: only to be found sooner.
    fn hint(&self) -> Observed {
        Observed::default()
    }

    /// Is this resource only to be looked at?
    fn holds(&self, _wanted: &Wanted, _id: ResourceId) -> bool {
        false
    }
}

/// Nobody listens.
#[derive(Debug)]
pub struct Quiet;

impl Progress for Quiet {
    async fn round(&self, _: &Outcome) {}
}

/// Looks, and says what would have to be done. Changes nothing.
pub async fn look(cloud: &impl Cloud, goal: &Goal) -> Outcome {
    look_at(cloud, goal, (Depth::ListedNow, Observed::default())).await
}

async fn look_at(cloud: &impl Cloud, goal: &Goal, (depth, hint): (Depth, Observed)) -> Outcome {
    let mut outcome = Outcome { wanted: drift::wanted(goal), seen: hint, ..Outcome::default() };
    let depth = if matches!(goal, Goal::Present(_)) { depth } else { Depth::Bare };
    outcome.failures = observe(cloud, goal, (everything(goal), depth), &mut outcome.seen).await;
    outcome.plan = Plan::new(goal, &outcome.seen);
    outcome.found = outcome.plan.clone();
    outcome
}

/// Looks only at what may have changed since. `None`: something has, so that everything has to be looked at.
pub async fn glance(cloud: &impl Cloud, goal: &Goal, memory: &Memory) -> Option<Outcome> {
    let mut outcome =
        Outcome { wanted: drift::wanted(goal), is_glance: true, seen: memory.seen()?, ..Outcome::default() };
    outcome.failures = observe(cloud, goal, (memory.scope(), Depth::Known), &mut outcome.seen).await;
    outcome.plan = Plan::new(goal, &outcome.seen);
    outcome.found = outcome.plan.clone();
    let Plan { actions, conflicts, .. } = &outcome.plan;
    // Where AWS does not answer, more questions are no help.
    let is_enough = !outcome.failures.is_empty() || (actions.is_empty() && conflicts.is_empty());
    is_enough.then_some(outcome)
}

/// Reads what is to be changed, where that was not read just now but taken from an older list.
async fn confirm(cloud: &impl Cloud, goal: &Goal, outcome: &mut Outcome) {
    let planned = outcome.plan.actions.iter().map(|action| action.resource);
    let is_old = |id: &ResourceId| may_be_listed(*id) && outcome.seen.state(*id).is_some();
    let scope: Scope = planned.filter(is_old).collect();
    if scope.is_empty() || matches!(goal, Goal::Absent(..)) {
        return;
    }
    let failures = observe(cloud, goal, (scope, Depth::Whole), &mut outcome.seen).await;
    outcome.failures.extend(failures);
    outcome.plan = Plan::new(goal, &outcome.seen);
    outcome.found = outcome.plan.clone();
}

/// May a look take it from a list that is older than itself ([`Depth::Listed`])?
fn may_be_listed(id: ResourceId) -> bool {
    id.is_shared() || matches!(id, ResourceId::RestApi | ResourceId::Distribution | ResourceId::Role(_))
}

/// Finds out what stands in the way of a gallery of which nothing is there yet.
pub async fn preflight(cloud: &impl Cloud, goal: &Goal, outcome: &mut Outcome) {
    if let Goal::Present(gallery) = goal
        && preflight::is_due(outcome)
    {
        let account = cloud.account(&gallery.identity, &preflight::question(gallery, outcome)).await;
        outcome.preflight = preflight::check(gallery, outcome, &account);
    }
}

/// Does what can be done now, until it is done, AWS needs longer, or something stands in the way.
pub async fn reconcile(cloud: &impl Cloud, goal: &Goal, progress: &impl Progress) -> Outcome {
    let deadline = Instant::now() + PATIENCE;
    let (mut pauses, mut repeats) = (Pauses::default(), Repeats::default());
    let depth = if progress.is_asked() { Depth::ListedNow } else { Depth::Listed };
    let mut outcome = look_at(cloud, goal, (depth, progress.hint())).await;
    if depth == Depth::Listed {
        confirm(cloud, goal, &mut outcome).await;
    }
    // When deleting, nothing is touched that something unseen may depend on.
    if !outcome.failures.is_empty() && matches!(goal, Goal::Absent(..)) {
        return outcome;
    }
    preflight(cloud, goal, &mut outcome).await;
    if !outcome.preflight.is_passed() {
        return outcome;
    }
    // A resource that could not be read is not touched; one that AWS does not show yet is looked at again.
    let (mut unseen, failures) = unseen(std::mem::take(&mut outcome.failures));
    outcome.failures = failures;
    let mut blocked: BTreeSet<ResourceId> = outcome.failures.iter().map(|failure| failure.resource).collect();
    loop {
        let planned = outcome.plan.actions.iter().map(|action| action.resource);
        outcome.held = planned.filter(|id| progress.holds(&outcome.wanted, *id)).collect();
        let actions = outcome.plan.actions.iter().filter(|action| {
            let id = action.resource;
            !blocked.contains(&id) && !unseen.contains_key(&id) && !outcome.held.contains(&id)
        });
        let (now, later): (Vec<_>, Vec<_>) = actions.cloned().partition(|action| repeats.allow(action));
        let mut scope: Scope = unseen.keys().copied().collect();
        if now.is_empty() {
            // What takes minutes is the next reconcile's to look at: CloudFront allows few calls.
            scope.extend(outcome.plan.aws_at_work().map(|(id, _)| id).filter(|id| !is_slow(*id)));
            scope.extend(later.iter().map(|action| action.resource));
            if scope.is_empty() || Instant::now() > deadline {
                outcome.failures.extend(unseen.into_values());
                return outcome;
            }
            join(progress.round(&outcome), sleep(pauses.next())).await;
        } else {
            // Side by side: Kubernetes takes some 10 ms to write it down.
            let ((), mut round) = join(progress.round(&outcome), apply(cloud, goal.identity(), &now)).await;
            scope.append(&mut round.note(&mut outcome.seen));
            if matches!(goal, Goal::Present(_)) {
                repeats.note(&round.applied);
            }
            let before = outcome.applied.len();
            if take_over(goal, &mut outcome, &mut blocked, round) {
                pauses.restart(&outcome.applied[before..]);
            } else if outcome.failures.iter().any(is_not_ready) && Instant::now() < deadline {
                sleep(pauses.next()).await;
            } else {
                outcome.failures.extend(unseen.into_values());
                return outcome;
            }
        }
        scope.retain(|id| !blocked.contains(id));
        let depth = if matches!(goal, Goal::Present(_)) { Depth::Whole } else { Depth::Bare };
        let failures = observe(cloud, goal, (scope, depth), &mut outcome.seen).await;
        let (now_unseen, failed) = self::unseen(failures);
        if !failed.is_empty() {
            outcome.failures.extend(now_unseen.into_values().chain(failed));
            return outcome;
        }
        unseen = now_unseen;
        outcome.plan = Plan::new(goal, &outcome.seen);
        // What failed as "not yet" and is no longer planned has come right by itself.
        let planned: BTreeSet<_> = outcome.plan.actions.iter().map(|action| action.resource).collect();
        outcome
            .failures
            .retain(|failure| planned.contains(&failure.resource) || blocked.contains(&failure.resource));
    }
}

/// Reads, and reads again what found no answer: to begin anew would cost forty calls more, just when AWS has none to spare.
async fn observe(
    cloud: &impl Cloud,
    goal: &Goal,
    (mut scope, depth): (Scope, Depth),
    seen: &mut Observed,
) -> Vec<Failure> {
    let mut reads = 0;
    let mut given_up = Vec::new();
    // Its tags tell what its caches were told.
    if scope.contains(&ResourceId::Invalidation) {
        scope.insert(ResourceId::Distribution);
    }
    while !scope.is_empty() {
        let errors = cloud.observe(goal.identity(), (&scope, depth), seen).await;
        let failures =
            errors.into_iter().map(|(resource, error)| Failure::new(goal.identity(), resource, error));
        let (again, others): (Vec<_>, Vec<_>) = failures
            .partition(|failure| matches!(failure.error.kind, ErrorKind::Throttled | ErrorKind::Unavailable));
        given_up.extend(others);
        if again.is_empty() || reads == MOST_READS {
            given_up.extend(again);
            return given_up;
        }
        sleep(backoff(reads)).await;
        reads += 1;
        let again: Scope = again.iter().map(|failure| failure.resource).collect();
        // With what is read only when they are there.
        scope.retain(|id| {
            again.contains(id) || id.found_below().is_some_and(|parent| again.contains(&parent))
        });
    }
    given_up
}

/// Enters what came of a round. Was anything done?
fn take_over(
    goal: &Goal,
    outcome: &mut Outcome,
    blocked: &mut BTreeSet<ResourceId>,
    Round { applied, answers: _, failures }: Round,
) -> bool {
    // What was given up stays told, also through rounds in which others go on.
    outcome.failures.retain(|failure| blocked.contains(&failure.resource));
    outcome.failures.extend(failures);
    let hopeless = outcome.failures.iter().filter(|failure| !is_not_ready(failure));
    blocked.extend(hopeless.map(|failure| failure.resource));
    let progressed = !applied.is_empty();
    outcome.applied.extend(applied);
    for failure in without_effect(goal, outcome) {
        blocked.insert(failure.resource);
        outcome.failures.push(failure);
    }
    progressed
}

fn is_not_ready(failure: &Failure) -> bool {
    failure.error.kind == ErrorKind::NotReady
}

/// Failures to read what AWS does not show yet, by resource, and the others.
fn unseen(failures: Vec<Failure>) -> (BTreeMap<ResourceId, Failure>, Vec<Failure>) {
    let (unseen, others): (Vec<_>, Vec<_>) = failures.into_iter().partition(is_not_ready);
    (unseen.into_iter().map(|failure| (failure.resource, failure)).collect(), others)
}

/// Resources that were changed in too many rounds already, as failures.
fn without_effect(goal: &Goal, outcome: &Outcome) -> Vec<Failure> {
    let mut rounds = BTreeMap::<ResourceId, usize>::new();
    for action in &outcome.applied {
        *rounds.entry(action.resource).or_default() += 1;
    }
    // What is being emptied takes as many rounds as it takes.
    let kind = if matches!(goal, Goal::Absent(..)) { ErrorKind::NotReady } else { ErrorKind::Rejected };
    let source = Message(format!("AWS accepted the same change {MOST_ROUNDS} times and shows no effect."));
    let error = CloudError { service: "aws", operation: "every call", kind, code: String::new(), source };
    let many = rounds.into_iter().filter(|(_, rounds)| *rounds >= MOST_ROUNDS);
    many.map(|(resource, _)| Failure::new(goal.identity(), resource, error.clone())).collect()
}

/// Everything that `goal` is about.
fn everything(goal: &Goal) -> Scope {
    let goes = |id: &ResourceId| !id.is_shared() && !id.goes_with_its_parent();
    ResourceId::all().filter(|id| matches!(goal, Goal::Present(_)) || goes(id)).collect()
}

/// AWS takes minutes, so that a reconcile does not wait for it.
fn is_slow(id: ResourceId) -> bool {
    matches!(id, ResourceId::Distribution)
}

/// What was done, and what came of it.
#[derive(Default)]
struct Round {
    applied: Vec<Action>,
    /// What AWS answered to each step of `applied`.
    answers: Vec<Vec<Answer>>,
    failures: Vec<Failure>,
}

impl Round {
    /// Enters what AWS's answers tell. What they do not tell has to be looked at.
    fn note(&mut self, seen: &mut Observed) -> Scope {
        let mut unknown: Scope = self.failures.iter().map(|failure| failure.resource).collect();
        for (Action { resource, steps }, answers) in self.applied.iter().zip(self.answers.drain(..)) {
            // Half made is not made: nothing may build on it before it is looked at.
            if unknown.contains(resource) {
                continue;
            }
            for (step, answer) in steps.iter().zip(answers) {
                if !after::note(seen, &step.change, &answer) {
                    unknown.insert(*resource);
                }
            }
        }
        unknown
    }
}

/// Carries out actions: side by side, each one's steps in order. The rest of an action that failed is skipped.
async fn apply(cloud: &impl Cloud, identity: &Identity, actions: &[Action]) -> Round {
    let mut round = Round::default();
    let carry_out = actions.iter().map(|action| apply_steps(cloud, identity, action)).collect::<Vec<_>>();
    let mut results = stream::iter(carry_out).buffer_unordered(PARALLEL);
    while let Some((resource, done, error)) = results.next().await {
        if !done.is_empty() {
            let (steps, answers) = done.into_iter().unzip();
            round.applied.push(Action { resource, steps });
            round.answers.push(answers);
        }
        if let Some(error) = error {
            round.failures.push(Failure::new(identity, resource, error));
        }
    }
    round
}

async fn apply_steps(
    cloud: &impl Cloud,
    identity: &Identity,
    action: &Action,
) -> (ResourceId, Vec<(Step<Change>, Answer)>, Option<CloudError>) {
    let mut done = Vec::new();
    for step in &action.steps {
        let answer = match cloud.apply(identity, &step.change).await {
            Ok(answer) => answer,
            Err(error) => {
                tracing::info!(resource = %action.resource, operation = error.operation, code = error.code,
                kind = ?error.kind, message = %error.source, "AWS refused a call");
                return (action.resource, done, Some(error));
            }
        };
        done.push((step.clone(), answer));
    }
    (action.resource, done, None)
}

#[cfg(test)]
mod tests;

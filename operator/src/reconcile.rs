//! The pipeline: observe, plan, apply, and again, while that makes progress.
//!
//! Nothing survives a reconcile in memory, so every first round is the same as the first one after a crash. Failures are
//! data: one resource's does not stop the others.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::time::Duration;

use futures::StreamExt;
use futures::stream;
use tokio::time::{Instant, sleep};

use crate::cloud::{Cloud, CloudError, ErrorKind, Message, Observed, Scope};
use crate::gallery::{Goal, Identity};
use crate::graph::ResourceId;
use crate::plan::{Action, Plan};
use crate::resources::{Change, Step};

/// How long one reconcile waits for what AWS finishes within seconds: a function that becomes active, a role that Lambda
/// hears of (7-12 s measured, tail 60 s). Slower things are the requeue's.
const PATIENCE: Duration = Duration::from_secs(45);
/// In how many rounds of one reconcile a resource may be changed. Four suffice for a function (code, configuration,
/// concurrency, tags); whatever needs more shows no effect of our calls, and would be changed for ever.
const MOST_ROUNDS: usize = 8;
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
}

/// A call that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The resource it was for.
    pub resource: ResourceId,
    /// How it failed.
    pub error: CloudError,
}

impl Outcome {
    /// The goal is reached and nothing failed.
    pub fn is_complete(&self) -> bool {
        self.failures.is_empty() && self.plan.is_complete()
    }
}

/// Hears of each round before its calls are made.
pub trait Progress: Sync {
    /// The plan to carry out stands in `outcome.plan`.
    fn round(&self, outcome: &Outcome) -> impl Future<Output = ()> + Send;
}

/// Nobody listens.
#[derive(Debug)]
pub struct Quiet;

impl Progress for Quiet {
    async fn round(&self, _: &Outcome) {}
}

/// Looks, and says what would have to be done. Changes nothing.
pub async fn look(cloud: &impl Cloud, goal: &Goal) -> Outcome {
    let mut outcome = Outcome::default();
    let errors = cloud.observe(goal.identity(), &everything(goal), &mut outcome.seen).await;
    outcome.failures = failures(errors);
    outcome.plan = Plan::new(goal, &outcome.seen);
    outcome.found = outcome.plan.clone();
    outcome
}

/// Does what can be done now, until it is done, AWS needs longer, or something stands in the way.
pub async fn reconcile(cloud: &impl Cloud, goal: &Goal, progress: &impl Progress) -> Outcome {
    let deadline = Instant::now() + PATIENCE;
    let mut pauses = Pauses::default();
    let mut outcome = look(cloud, goal).await;
    // A resource that could not be read is not touched. When deleting, nothing is: what cannot be seen may depend on it.
    let mut blocked: BTreeSet<ResourceId> = outcome.failures.iter().map(|failure| failure.resource).collect();
    if !blocked.is_empty() && matches!(goal, Goal::Absent(..)) {
        return outcome;
    }
    loop {
        let actions: Vec<_> = outcome
            .plan
            .actions
            .iter()
            .filter(|action| !blocked.contains(&action.resource))
            .cloned()
            .collect();
        let mut scope: Scope = outcome.plan.to_read_again().difference(&blocked).copied().collect();
        if actions.is_empty() {
            let brief = outcome.plan.aws_at_work().any(|(id, _)| !is_slow(id));
            if !brief || Instant::now() > deadline {
                return outcome;
            }
            progress.round(&outcome).await;
            sleep(pauses.next()).await;
        } else {
            progress.round(&outcome).await;
            let round = apply(cloud, goal.identity(), &actions).await;
            // What was given up stays told, also through rounds in which others go on.
            outcome.failures.retain(|failure| blocked.contains(&failure.resource));
            outcome.failures.extend(round.failures);
            let not_ready = |failure: &&Failure| failure.error.kind == ErrorKind::NotReady;
            let hopeless = outcome.failures.iter().filter(|failure| !not_ready(failure));
            blocked.extend(hopeless.map(|failure| failure.resource));
            let progressed = !round.applied.is_empty();
            outcome.applied.extend(round.applied);
            for failure in without_effect(goal, &outcome) {
                blocked.insert(failure.resource);
                outcome.failures.push(failure);
            }
            if progressed {
                pauses = Pauses::default();
            } else if outcome.failures.iter().any(|failure| not_ready(&failure)) && Instant::now() < deadline
            {
                sleep(pauses.next()).await;
            } else {
                return outcome;
            }
        }
        scope.retain(|id| !blocked.contains(id));
        let errors = cloud.observe(goal.identity(), &scope, &mut outcome.seen).await;
        if !errors.is_empty() {
            outcome.failures.extend(failures(errors));
            return outcome;
        }
        outcome.plan = Plan::new(goal, &outcome.seen);
        // What failed as "not yet" and is no longer planned has come right by itself.
        let planned: BTreeSet<_> = outcome.plan.actions.iter().map(|action| action.resource).collect();
        outcome
            .failures
            .retain(|failure| planned.contains(&failure.resource) || blocked.contains(&failure.resource));
    }
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
    many.map(|(resource, _)| Failure { resource, error: error.clone() }).collect()
}

/// Everything that `goal` is about.
fn everything(goal: &Goal) -> Scope {
    ResourceId::all().filter(|id| matches!(goal, Goal::Present(_)) || !id.is_shared()).collect()
}

/// AWS takes minutes, so that a reconcile does not wait for it.
fn is_slow(id: ResourceId) -> bool {
    matches!(id, ResourceId::Distribution)
}

fn failures(errors: Vec<(ResourceId, CloudError)>) -> Vec<Failure> {
    errors.into_iter().map(|(resource, error)| Failure { resource, error }).collect()
}

#[derive(Default)]
struct Round {
    applied: Vec<Action>,
    failures: Vec<Failure>,
}

/// Carries out actions: side by side, each one's steps in order. The rest of an action that failed is skipped.
async fn apply(cloud: &impl Cloud, identity: &Identity, actions: &[Action]) -> Round {
    let mut round = Round::default();
    let carry_out = actions.iter().map(|action| apply_steps(cloud, identity, action)).collect::<Vec<_>>();
    let mut results = stream::iter(carry_out).buffer_unordered(PARALLEL);
    while let Some((resource, steps, error)) = results.next().await {
        if !steps.is_empty() {
            round.applied.push(Action { resource, steps });
        }
        if let Some(error) = error {
            round.failures.push(Failure { resource, error });
        }
    }
    round
}

async fn apply_steps(
    cloud: &impl Cloud,
    identity: &Identity,
    action: &Action,
) -> (ResourceId, Vec<Step<Change>>, Option<CloudError>) {
    let mut done = Vec::new();
    for step in &action.steps {
        if let Err(error) = cloud.apply(identity, &step.change).await {
            tracing::info!(resource = %action.resource, operation = error.operation, code = error.code,
                kind = ?error.kind, message = %error.source, "AWS refused a call");
            return (action.resource, done, Some(error));
        }
        done.push(step.clone());
    }
    (action.resource, done, None)
}

/// Dense at first, because most things that are not ready are so a moment later: 0.25, 0.5, 1, 2, 2 … seconds.
#[derive(Default)]
struct Pauses(u32);

impl Pauses {
    fn next(&mut self) -> Duration {
        let pause = Duration::from_millis(250 << self.0.min(3));
        self.0 += 1;
        pause
    }
}

#[cfg(test)]
mod tests;

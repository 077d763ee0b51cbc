//! From what came out to what is shown: conditions and status. Pure; the words of a `PhotoGallery` are all here and in
//! `story.rs`.
//!
//! `Ready`, `Reconciling` and `Stalled` follow kstatus; the last two are there only while true. `lastTransitionTime` moves
//! with `status` alone, so a status that says the same is equal, and is not written.

use functions_core::contract::FunctionName;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use photogallery_crds::{ConditionType, FunctionStatus, PhotoGalleryStatus, Reason, ResourceStatus};

use crate::cloud::Observed;
use crate::drift;
use crate::gallery::{Goal, Identity, InvalidSpec};
use crate::graph::ResourceId;
use crate::plan::Plan;
use crate::policy;
use crate::preflight;
use crate::reconcile::Outcome;
use crate::resources::function::Activity;
use crate::resources::{self, Describe, State};

/// What there is to report.
#[derive(Clone, Copy, Debug)]
pub enum Report<'a> {
    /// A reconcile of this generation begins.
    Begin,
    /// The spec cannot be carried out.
    Invalid(&'a InvalidSpec),
    /// A round, or the end, of a reconcile.
    Outcome(&'a Goal, &'a Outcome, Stage),
}

/// How far the reconcile is that an outcome comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// More rounds follow.
    UnderWay,
    /// It ended, for now.
    Ended,
    /// Nothing was to be changed: `suspend`.
    OnlyLooked,
}

/// The status after `report`.
pub fn next(
    previous: &PhotoGalleryStatus,
    generation: i64,
    now: Timestamp,
    report: Report<'_>,
) -> PhotoGalleryStatus {
    let mut status = PhotoGalleryStatus { observed_generation: Some(generation), ..previous.clone() };
    let mut conditions = Conditions { previous, generation, now, next: Vec::new() };
    match report {
        Report::Begin => begin(&mut conditions),
        Report::Invalid(problem) => invalid(&mut conditions, problem),
        Report::Outcome(goal, outcome, stage) => {
            describe(&mut status, goal.identity(), outcome);
            if stage != Stage::UnderWay {
                status.last_observed_time = Some(Time(now));
            }
            // Also before the first call of a reconcile, so that a death in it leaves no wrong memory.
            let (settled, is_acting) = (&outcome.plan.settled, stage != Stage::OnlyLooked);
            status.last_matched = drift::remembered(previous, &outcome.wanted, settled, is_acting);
            match goal {
                Goal::Present(_) => present(&mut conditions, &status, outcome, stage),
                Goal::Absent(..) => absent(&mut conditions, outcome),
            }
        }
    }
    status.conditions = conditions.next;
    status
}

/// A condition of a status.
pub fn condition(status: &PhotoGalleryStatus, kind: ConditionType) -> Option<&Condition> {
    status.conditions.iter().find(|condition| condition.type_ == kind.as_str())
}

/// Is the condition there and true?
pub fn is_true(status: &PhotoGalleryStatus, kind: ConditionType) -> bool {
    condition(status, kind).is_some_and(|condition| condition.status == "True")
}

struct Conditions<'a> {
    previous: &'a PhotoGalleryStatus,
    generation: i64,
    now: Timestamp,
    next: Vec<Condition>,
}

impl Conditions<'_> {
    fn set(&mut self, kind: ConditionType, status: &str, reason: Reason, message: impl Into<String>) {
        let before = condition(self.previous, kind).filter(|before| before.status == status);
        let last_transition_time =
            before.map_or(Time(self.now), |before| before.last_transition_time.clone());
        self.next.push(Condition {
            type_: kind.as_str().into(),
            status: status.into(),
            reason: reason.as_str().into(),
            message: message.into(),
            observed_generation: Some(self.generation),
            last_transition_time,
        });
    }

    /// Takes a condition over as it was, or sets it.
    fn keep_or(&mut self, kind: ConditionType, status: &str, reason: Reason, message: &str) {
        match condition(self.previous, kind) {
            Some(before) => {
                let before = before.clone();
                self.next.push(before);
            }
            None => self.set(kind, status, reason, message),
        }
    }

    /// How long the condition has been true.
    fn since(&self, kind: ConditionType) -> SignedDuration {
        let before = condition(self.previous, kind).filter(|before| before.status == "True");
        before.map_or(SignedDuration::ZERO, |before| self.now.duration_since(before.last_transition_time.0))
    }
}

use ConditionType::{Accepted, Ready, Reconciling, Stalled, Synced};

fn begin(conditions: &mut Conditions<'_>) {
    conditions.set(Accepted, "True", Reason::Valid, "The spec is valid.");
    conditions.set(Synced, "Unknown", Reason::Pending, "Looking at what is there.");
    conditions.keep_or(Ready, "Unknown", Reason::Pending, "Looking at what is there.");
    conditions.set(Reconciling, "True", Reason::Progressing, "Looking at what is there.");
}

fn invalid(conditions: &mut Conditions<'_>, problem: &InvalidSpec) {
    let message = problem.to_string();
    conditions.set(Accepted, "False", Reason::InvalidSpec, &message);
    conditions.set(Synced, "False", Reason::InvalidSpec, "The last valid spec stays in force.");
    conditions.keep_or(Ready, "False", Reason::InvalidSpec, &message);
    conditions.set(Stalled, "True", Reason::InvalidSpec, message);
}

fn present(conditions: &mut Conditions<'_>, status: &PhotoGalleryStatus, outcome: &Outcome, stage: Stage) {
    conditions.set(Accepted, "True", Reason::Valid, "The spec is valid.");
    let Verdict { synced, reason, message, stalled } = verdict(conditions, outcome, stage);
    conditions.set(Synced, synced, reason, &message);
    ready(conditions, status, outcome);
    if synced != "True" && stage != Stage::OnlyLooked && reason != Reason::Drifted {
        if stalled {
            conditions.set(Stalled, "True", reason, message);
        } else {
            conditions.set(Reconciling, "True", reason, message);
        }
    }
}

struct Verdict {
    synced: &'static str,
    reason: Reason,
    message: String,
    stalled: bool,
}

/// What `Synced` says of an outcome, and whether a person must act.
fn verdict(conditions: &Conditions<'_>, outcome: &Outcome, stage: Stage) -> Verdict {
    let Outcome { plan, failures, .. } = outcome;
    let says = |synced, reason, message, stalled| Verdict { synced, reason, message, stalled };
    if !outcome.preflight.is_passed() {
        return says("False", outcome.preflight.reason(), outcome.preflight.message(), true);
    }
    if !plan.conflicts.is_empty() {
        let message = preflight::message(&preflight::conflicts(&plan.conflicts), "", &[]);
        return says("False", Reason::ResourceConflict, message, true);
    }
    if let Some(failure) = policy::worst(failures) {
        let answer = policy::answer(failure.error.kind);
        let synced = if answer.unknown { "Unknown" } else { "False" };
        return says(synced, answer.reason, policy::advice(failure), answer.stalled);
    }
    if stage == Stage::OnlyLooked && !plan.actions.is_empty() {
        let message = format!("spec.suspend is true, so nothing is changed. Found to do:\n{plan}");
        return says("False", Reason::Suspended, shortened(message), false);
    }
    if outcome.is_only_held() {
        let held = plan.actions.iter().filter(|action| outcome.held.contains(&action.resource));
        let message = format!(
            "spec.driftPolicy is Report, so what others changed is left as it is. {}",
            drift::report(held)
        );
        return says("False", Reason::Drifted, message, false);
    }
    if let Some((_, what)) = plan.aws_at_work().next() {
        let message = format!("{what}; {} so far.", duration(conditions.since(Reconciling)));
        return says("False", Reason::Progressing, message, false);
    }
    if !plan.actions.is_empty() || !plan.waiting.is_empty() {
        return says("False", Reason::Progressing, under_way(plan), false);
    }
    let message = format!("All {} resources match the spec.", plan.settled.len());
    says("True", Reason::UpToDate, message, false)
}

/// Kubernetes ends a condition's message at 32,768 bytes.
fn shortened(mut message: String) -> String {
    message.truncate(message.floor_char_boundary(32_000));
    message
}

fn under_way(plan: &Plan) -> String {
    let (done, all) = (plan.settled.len(), plan.settled.len() + plan.actions.len() + plan.waiting.len());
    let now: Vec<_> = plan.actions.iter().map(|action| action.resource.kind()).collect();
    let mut now: Vec<_> = now.into_iter().map(|kind| kind.replace('-', " ")).collect();
    now.dedup();
    if now.is_empty() {
        return format!("{done} of {all} resources match the spec.");
    }
    format!("{done} of {all} resources match the spec; working on {}.", now.join(", "))
}

/// `Ready` is about visitors: it stays true through an update, as long as everything that serves them is there.
fn ready(conditions: &mut Conditions<'_>, status: &PhotoGalleryStatus, outcome: &Outcome) {
    if !outcome.preflight.is_passed() {
        return conditions.set(
            Ready,
            "False",
            Reason::Creating,
            "Nothing is made before what is in the way is settled.",
        );
    }
    let missing = ResourceId::all().find(|id| outcome.seen.state(*id).is_none());
    let was = is_true(conditions.previous, Ready);
    let deploying = matches!(outcome.seen.state(ResourceId::Distribution), Some(State::Usable(_)));
    // Once deployed, a distribution goes on serving its previous configuration while a change is under way.
    let complete = outcome.is_complete() && !deploying;
    let unknown = outcome.failures.iter().any(|failure| policy::answer(failure.error.kind).unknown);
    if unknown && (missing.is_none() || was) {
        return conditions.keep_or(Ready, "Unknown", Reason::Unavailable, "AWS does not answer.");
    }
    if complete || (was && missing.is_none()) {
        let url = status.url.as_deref().unwrap_or_default();
        return conditions.set(Ready, "True", Reason::Live, format!("Live at {url}."));
    }
    let seen_live = condition(conditions.previous, Ready)
        .is_some_and(|before| before.reason == Reason::Updating.as_str());
    let reason = if was || seen_live { Reason::Updating } else { Reason::Creating };
    let message = missing
        .map_or("Not everything is as the spec says yet.".to_owned(), |id| format!("{id} is missing."));
    conditions.set(Ready, "False", reason, message);
}

fn absent(conditions: &mut Conditions<'_>, outcome: &Outcome) {
    conditions.set(Accepted, "True", Reason::Valid, "Deletion was asked for.");
    conditions.set(Ready, "False", Reason::Deleting, "The gallery is being deleted.");
    if let Some(failure) = policy::worst(&outcome.failures) {
        let answer = policy::answer(failure.error.kind);
        let message = policy::advice(failure);
        conditions.set(Synced, if answer.unknown { "Unknown" } else { "False" }, answer.reason, &message);
        let kind = if answer.stalled { Stalled } else { Reconciling };
        return conditions.set(kind, "True", answer.reason, message);
    }
    let left: Vec<_> = outcome.plan.actions.iter().map(|action| action.resource).collect();
    let left: Vec<_> = left.iter().chain(outcome.plan.waiting.keys()).map(ToString::to_string).collect();
    let so_far = duration(conditions.since(Reconciling));
    let message = match outcome.plan.aws_at_work().next() {
        Some((id, what)) => format!("{id}: {what}; {so_far} so far. Left: {}.", left.join(", ")),
        None if left.is_empty() => {
            "Everything is gone. Looking once more in a moment, because AWS tells late of what was just made."
                .into()
        }
        None => format!("Left to delete: {}.", left.join(", ")),
    };
    conditions.set(Synced, "False", Reason::Deleting, &message);
    conditions.set(Reconciling, "True", Reason::Deleting, message);
}

/// Everything that a person would look up in the AWS console.
fn describe(status: &mut PhotoGalleryStatus, identity: &Identity, outcome: &Outcome) {
    let seen = &outcome.seen;
    if let Some(distribution) = &seen.distribution {
        status.url = Some(identity.installation.viewer.url(&distribution.domain));
    }
    if let Some(api) = &seen.rest_api {
        status.api_url = Some(format!("https://{}/{}", identity.rest_api_host(&api.id), crate::names::STAGE));
    }
    status.functions = FunctionName::ALL.into_iter().filter_map(|name| function(seen, name)).collect();
    status.resources = ResourceId::all().filter_map(|id| resource(seen, identity, id)).collect();
}

fn function(seen: &Observed, name: FunctionName) -> Option<FunctionStatus> {
    let found = seen.functions.get(&name)?;
    Some(FunctionStatus {
        name: name.as_str().into(),
        architecture: Some(found.architecture.clone()),
        code_sha256: Some(hexadecimal(&found.code_sha256)),
        state: Some(function_state(&found.activity).into()),
    })
}

/// In Lambda's words: a function answers while it is updated.
fn function_state(activity: &Activity) -> &'static str {
    match activity {
        Activity::Active | Activity::Updating => "Active",
        Activity::Creating | Activity::Deleting => "Pending",
        Activity::Failed(_) => "Failed",
    }
}

/// Lambda tells digests in base64; every tool that a person would compare with prints hexadecimal.
fn hexadecimal(base64: &str) -> String {
    let bytes = data_encoding::BASE64.decode(base64.as_bytes());
    bytes.map_or_else(|_| base64.to_owned(), |bytes| data_encoding::HEXLOWER.encode(&bytes))
}

fn resource(seen: &Observed, identity: &Identity, id: ResourceId) -> Option<ResourceStatus> {
    let description = resources::visit(id, seen, Describe(identity))?;
    let text = id.to_string();
    let (kind, role) = text.split_once('/').unwrap_or((&text, ""));
    let kind = kind.split('-').map(capitalized).collect();
    let state = state_word(seen.state(id)?).into();
    Some(ResourceStatus { kind, role: role.into(), name: description.name, arn: description.arn, state })
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
}

fn state_word(state: State) -> &'static str {
    match state {
        State::Ready => "Ready",
        State::Usable(_) => "Deploying",
        State::Pending(_) => "Pending",
    }
}

/// `2m10s`, `45s`.
fn duration(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    if seconds < 60 { format!("{seconds}s") } else { format!("{}m{:02}s", seconds / 60, seconds % 60) }
}

#[cfg(test)]
mod tests;

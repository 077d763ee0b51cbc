//! Events: the story of a gallery, one line a step, not one an API call. Pure.

use std::collections::{BTreeMap, BTreeSet};

use functions_core::contract::FunctionName;
use photogallery_crds::{ConditionType, PhotoGalleryStatus, Reason};

use crate::cloud::Observed;
use crate::drift;
use crate::gallery::{DataPolicy, Goal, Identity};
use crate::graph::{BucketRole, ResourceId};
use crate::plan::Action;
use crate::reconcile::Outcome;
use crate::resources::{Difference, Effect};
use crate::status::{condition, is_true};

/// One line of the story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Something a person should look at.
    pub warning: bool,
    /// One word in CamelCase.
    pub reason: &'static str,
    /// The sentence.
    pub note: String,
}

impl Line {
    fn normal(reason: &'static str, note: impl Into<String>) -> Self {
        Self { warning: false, reason, note: note.into() }
    }
    fn warning(reason: &'static str, note: impl Into<String>) -> Self {
        Self { warning: true, reason, note: note.into() }
    }
}

/// Most lines that one reconcile may tell of changed resources, so that a flood does not drown the story.
const MOST_LINES: usize = 12;
/// From how many resources on the same update is one line.
const MANY: usize = 3;

/// What the steps of a reconcile tell, a line a resource. `before` is the status as it was before this reconcile.
pub fn of_outcome(before: &PhotoGalleryStatus, outcome: &Outcome) -> Vec<Line> {
    let is_drift = |id: ResourceId| drift::is_drift(before, &outcome.wanted, id);
    let mut lines = Vec::new();
    let code: Vec<_> = changed_code(&outcome.applied)
        .into_iter()
        .filter(|name| !is_drift(ResourceId::Function(*name)))
        .collect();
    if !code.is_empty() {
        let word = if code.len() == 1 { "function" } else { "functions" };
        let names: Vec<_> = code.into_iter().map(FunctionName::as_str).collect();
        let note = format!("{word} {} (build {})", names.join(", "), env!("CARGO_PKG_VERSION"));
        lines.push(Line::normal("Deployed", note));
    }
    let mut updates: Vec<(String, Vec<ResourceId>)> = Vec::new();
    let mut changes = Vec::new();
    for (id, actions) in by_resource(&outcome.applied) {
        if is_drift(id) {
            changes.extend(drift_line(id, &actions));
        } else if let Some(text) = update_text(id, &actions) {
            match updates.iter_mut().find(|(known, _)| *known == text) {
                Some((_, ids)) => ids.push(id),
                None => updates.push((text, vec![id])),
            }
        }
    }
    for (text, ids) in updates {
        if ids.len() >= MANY {
            changes.push(Line::normal("Updated", format!("{} resources: {text}", ids.len())));
        } else {
            changes.extend(ids.into_iter().map(|id| Line::normal("Updated", format!("{id}: {text}"))));
        }
    }
    let (told, all) = (changes.len().min(MOST_LINES), changes.len());
    let is_alarming = changes[told..].iter().any(|line| line.warning);
    lines.extend(changes.into_iter().take(MOST_LINES));
    if all > told {
        let note = format!("{} more resources", all - told);
        let (drift, update) = (Line::warning("Drift", note.clone()), Line::normal("Updated", note));
        lines.push(if is_alarming { drift } else { update });
    }
    lines
}

/// The actions of each resource, in the order in which the resources were first touched.
fn by_resource(applied: &[Action]) -> Vec<(ResourceId, Vec<Action>)> {
    let mut all: Vec<(ResourceId, Vec<Action>)> = Vec::new();
    for action in applied {
        match all.iter_mut().find(|(id, _)| *id == action.resource) {
            Some((_, actions)) => actions.push(action.clone()),
            None => all.push((action.resource, vec![action.clone()])),
        }
    }
    all
}

fn creates(action: &Action) -> bool {
    action.steps.iter().any(|step| step.effect == Effect::Create)
}

/// What somebody else had done to a resource. `None`: nothing but what nobody notices.
fn drift_line(id: ResourceId, actions: &[Action]) -> Option<Line> {
    // What was missing is completed when it is made again. What we ourselves took away before was not missing.
    if actions.first().is_some_and(creates) {
        return Some(Line::warning("Drift", format!("{id} was missing, made again")));
    }
    let put_back =
        |Difference { field, from, to }: &Difference| format!("{field} was {from}, put back to {to}");
    let parts: Vec<_> = drift::differences(actions).iter().map(put_back).collect();
    (!parts.is_empty()).then(|| Line::warning("Drift", format!("{id}: {}", drift::joined(&parts))))
}

/// What a new spec or operator changed. Code is told by `Deployed`; the zips and the invalidation that this takes, by what they are
/// for. What was made in this reconcile is completed, not changed.
fn update_text(id: ResourceId, actions: &[Action]) -> Option<String> {
    let is_means = matches!(id, ResourceId::Artefacts | ResourceId::Invalidation);
    if is_means || actions.iter().any(creates) {
        return None;
    }
    let changed = drift::differences(actions).into_iter().filter(|difference| difference.field != "code");
    let parts: Vec<_> =
        changed.map(|Difference { field, from, to }| format!("{field} {from} -> {to}")).collect();
    (!parts.is_empty()).then(|| drift::joined(&parts))
}

/// Functions whose code was deployed.
fn changed_code(applied: &[Action]) -> Vec<FunctionName> {
    let deploys = |action: &&Action| {
        action.steps.iter().any(|step| match &step.effect {
            Effect::Create => true,
            Effect::Update(differences) => differences.iter().any(|difference| difference.field == "code"),
            Effect::Detail | Effect::Delete | Effect::Retain => false,
        })
    };
    let names = applied.iter().filter(deploys).filter_map(|action| match action.resource {
        ResourceId::Function(name) => Some(name),
        _ => None,
    });
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// What a person should know of the account in which a gallery is made. Once: afterwards it is there, and this is not asked again.
pub fn of_preflight(outcome: &Outcome) -> Vec<Line> {
    let is_told = outcome.preflight.is_passed();
    let notes = outcome.preflight.notes.iter().filter(|_| is_told);
    notes.map(|note| Line::warning("QuotaNearEnd", note)).collect()
}

/// What the change from one status to the next tells: it begins, it is live, it stalls.
pub fn of_transition(before: &PhotoGalleryStatus, after: &PhotoGalleryStatus) -> Vec<Line> {
    let mut lines = Vec::new();
    let (was, is) = (condition(before, ConditionType::Stalled), condition(after, ConditionType::Stalled));
    if let Some(is) = is
        && was.is_none_or(|was| (&was.status, &was.reason) != (&is.status, &is.reason))
    {
        lines.push(Line::warning("Stalled", format!("{}: {}", is.reason, is.message)));
    }
    if is_true(after, ConditionType::Ready) && !is_true(before, ConditionType::Ready) {
        lines.push(Line::normal(Reason::Live.into(), after.url.clone().unwrap_or_default()));
    }
    lines
}

/// What `after` says of drift that is only reported, and none of `known` has said.
pub fn newly_reported(known: &[&PhotoGalleryStatus], after: &PhotoGalleryStatus) -> Vec<Line> {
    let lines = |status: &PhotoGalleryStatus| {
        let synced = condition(status, ConditionType::Synced);
        let drifted = synced.filter(|synced| synced.reason == Reason::Drifted.as_str());
        let message = drifted.map(|drifted| drifted.message.clone()).unwrap_or_default();
        // Below the headline, each is about a resource.
        message.lines().skip(1).filter(|line| line.contains(": ")).map(str::to_owned).collect::<BTreeSet<_>>()
    };
    let known: BTreeSet<_> = known.iter().flat_map(|status| lines(status)).collect();
    lines(after).difference(&known).map(|line| Line::warning("Drift", line)).collect()
}

/// The first line of a gallery's story: what will be made.
pub fn creating(seen: &Observed) -> Line {
    let mut counts = BTreeMap::new();
    for id in ResourceId::all().filter(|id| !id.is_shared() && seen.state(*id).is_none()) {
        if let Some((rank, one, many)) = noun(id) {
            counts.entry(rank).or_insert((0, one, many)).0 += 1;
        }
    }
    let parts = counts
        .into_values()
        .map(|(count, one, many)| format!("{count} {}", if count == 1 { one } else { many }));
    Line::normal(Reason::Creating.into(), parts.collect::<Vec<_>>().join(", "))
}

const fn noun(id: ResourceId) -> Option<(u8, &'static str, &'static str)> {
    Some(match id {
        ResourceId::Bucket(_) => (0, "bucket", "buckets"),
        ResourceId::Table => (1, "table", "tables"),
        ResourceId::Role(_) => (2, "role", "roles"),
        ResourceId::LogGroup(_) => (3, "log group", "log groups"),
        ResourceId::Function(_) => (4, "function", "functions"),
        ResourceId::RestApi => (5, "REST API", "REST APIs"),
        ResourceId::Distribution => (6, "distribution", "distributions"),
        _ => return None,
    })
}

/// Deletion begins.
pub fn deleting(data: DataPolicy) -> Line {
    let note = match data {
        DataPolicy::Retain => "everything but the photos and their metadata (deletionPolicy: Retain)",
        DataPolicy::Delete => "everything, photos included (deletionPolicy: Delete)",
    };
    Line::normal(Reason::Deleting.into(), note)
}

/// The last line of a gallery's story. `photos` is how many originals stay; `None` when they could not be counted.
pub fn gone(goal: &Goal, seen: &Observed, photos: Option<u64>) -> Line {
    let Goal::Absent(identity, DataPolicy::Retain) = goal else {
        return Line::normal("Deleted", "everything, photos included");
    };
    let Some(kept) = kept(identity, seen, photos) else {
        return Line::normal("Deleted", "there was no data to keep");
    };
    Line::normal("Retained", kept)
}

fn kept(identity: &Identity, seen: &Observed, photos: Option<u64>) -> Option<String> {
    let count = photos.map(|count| format!(" ({count} {})", if count == 1 { "object" } else { "objects" }));
    let bucket = seen.buckets.contains_key(&BucketRole::Photos).then(|| {
        format!("photos in s3://{}{}", identity.bucket(BucketRole::Photos), count.unwrap_or_default())
    });
    let table = seen.table.is_some().then(|| format!("metadata in table {}", identity.table()));
    let parts: Vec<_> = bucket.into_iter().chain(table).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

#[cfg(test)]
mod tests;

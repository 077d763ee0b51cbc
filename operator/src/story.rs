//! Events: the story of a gallery, one line a step, not one an API call. Pure.

use std::collections::{BTreeMap, BTreeSet};

use photogallery_crds::{ConditionType, PhotoGalleryStatus, Reason};

use crate::cloud::Observed;
use crate::gallery::{DataPolicy, Goal, Identity};
use crate::graph::{BucketRole, ResourceId};
use crate::plan::Action;
use crate::reconcile::Outcome;
use crate::resources::{Difference, Effect};
use crate::status::{condition, hexadecimal, is_true};

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

/// Most lines that one reconcile may tell of changed fields, so that a flood of drift does not drown the story.
const MOST_DIFFERENCES: usize = 12;

/// What the steps of a reconcile tell. `before` is the status as it was before this reconcile.
pub fn of_outcome(before: &PhotoGalleryStatus, generation: i64, outcome: &Outcome) -> Vec<Line> {
    let applied = &outcome.applied;
    // A new build of the operator changes what a gallery in sync should be. That is not somebody else's doing.
    let in_sync = !is_new_build(before, outcome)
        && condition(before, ConditionType::Synced)
            .is_some_and(|synced| synced.status == "True" && synced.observed_generation == Some(generation));
    let mut lines = Vec::new();
    let code = changed_code(applied);
    if !code.is_empty() && !in_sync {
        let word = if code.len() == 1 { "function" } else { "functions" };
        let note = format!("{word} {} (build {})", code.join(", "), env!("CARGO_PKG_VERSION"));
        lines.push(Line::normal("Deployed", note));
    }
    let created: BTreeSet<_> =
        applied.iter().filter(|action| creates(action)).map(|action| action.resource).collect();
    let mut changed = 0;
    for action in applied {
        for effect in action.steps.iter().map(|step| &step.effect) {
            match effect {
                // What was made in this reconcile is completed, not changed.
                Effect::Update(_) if created.contains(&action.resource) => {}
                Effect::Update(differences) => {
                    for difference in
                        differences.iter().filter(|difference| is_news(in_sync, action.resource, difference))
                    {
                        changed += 1;
                        if changed <= MOST_DIFFERENCES {
                            lines.push(difference_line(in_sync, action.resource, difference));
                        }
                    }
                }
                // In a gallery that was complete, a missing resource is drift too.
                Effect::Create if in_sync => {
                    lines
                        .push(Line::warning("Drift", format!("{} was missing, made again", action.resource)));
                }
                Effect::Create | Effect::Detail | Effect::Delete | Effect::Retain => {}
            }
        }
    }
    if changed > MOST_DIFFERENCES {
        lines.push(Line::normal("Updated", format!("{} more fields", changed - MOST_DIFFERENCES)));
    }
    lines
}

fn creates(action: &Action) -> bool {
    action.steps.iter().any(|step| step.effect == Effect::Create)
}

/// Did this reconcile bring other code than the status tells of, or another site than visitors were last told of? Code that
/// somebody else has replaced is put back to what the status tells of.
fn is_new_build(before: &PhotoGalleryStatus, outcome: &Outcome) -> bool {
    let is_new = |action: &Action, difference: &Difference| match action.resource {
        ResourceId::Function(name) if difference.field == "code" => {
            let now = outcome.seen.functions.get(&name).map(|function| hexadecimal(&function.code_sha256));
            before
                .functions
                .iter()
                .any(|function| function.name == name.as_str() && function.code_sha256 != now)
        }
        ResourceId::Invalidation => difference.field == "site",
        _ => false,
    };
    outcome.applied.iter().any(|action| {
        action.steps.iter().any(|step| match &step.effect {
            Effect::Update(differences) => differences.iter().any(|difference| is_new(action, difference)),
            Effect::Create | Effect::Detail | Effect::Delete | Effect::Retain => false,
        })
    })
}

/// Code that was meant to change is told by `Deployed`; the zips and the invalidation that this takes, by what they are for.
fn is_news(in_sync: bool, resource: ResourceId, difference: &Difference) -> bool {
    let is_means = matches!(resource, ResourceId::Artefacts | ResourceId::Invalidation);
    in_sync || (difference.field != "code" && !is_means)
}

fn difference_line(in_sync: bool, resource: ResourceId, difference: &Difference) -> Line {
    let Difference { field, from, to } = difference;
    if in_sync {
        Line::warning("Drift", format!("{resource}: {field} was {from}, put back to {to}"))
    } else {
        Line::normal("Updated", format!("{resource}: {field} {from} -> {to}"))
    }
}

/// Functions whose code was deployed.
fn changed_code(applied: &[Action]) -> Vec<&'static str> {
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
    names.into_iter().map(functions_core::contract::FunctionName::as_str).collect()
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

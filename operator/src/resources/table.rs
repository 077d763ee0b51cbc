//! The metadata table: one row a photo, listed newest first by an index.
//!
//! Found by its deterministic name; whose it is, its tags say. We own capacity mode, index, point-in-time recovery and our
//! tags. Keys cannot be changed after creation, and encryption is DynamoDB's default.
//!
//! Slow: creation (seconds), deletion (seconds), adding the index to a table that has rows (minutes). While DynamoDB is at
//! it, it refuses every other change, and nothing is planned. A table takes one `UpdateTable` at a time, and one tagging
//! call in about two seconds, so a round plans one of each at most. Creation is refused when the table exists, so its
//! repeat does no harm.

use serde::{Deserialize, Serialize};

use super::{Description, Difference, Kind, State, Step, tag_differences};
use crate::cloud;
use crate::gallery::{DataPolicy, Gallery, Identity};
use crate::names::{self, TAG_KEYS, TAG_RETAINED, Tags};

/// This kind.
#[derive(Debug)]
pub struct Table;

/// A table as it should be. All but the tags is the same for all.
#[derive(Clone, Debug, PartialEq)]
pub struct Desired {
    /// Tags.
    pub tags: Tags,
}

/// A table as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observed {
    /// What DynamoDB is doing with it.
    pub status: Status,
    /// Pays for requests instead of capacity.
    pub is_on_demand: bool,
    /// The index that lists newest first.
    pub index: Index,
    /// Can be restored to any second of the last weeks.
    pub has_recovery: bool,
    /// Refuses to be deleted.
    pub is_protected: bool,
    /// Tags. Empty while DynamoDB does not tell them.
    pub tags: Tags,
}

/// The index that lists newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Index {
    /// It is not there.
    Missing,
    /// It has our keys and all attributes.
    AsPlanned,
    /// It has our name and is another one; the text says which.
    Other(String),
}

/// What [`Index::AsPlanned`] has, in words.
pub const PLANNED_INDEX: &str = "listing photoId, ALL attributes";

/// What DynamoDB is doing with a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// Makes it, or does not tell its tags yet.
    Creating,
    /// Nothing.
    Active,
    /// Changes it.
    Updating,
    /// Deletes it.
    Deleting,
}

/// One call.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// `CreateTable`, with index and tags.
    Create(Tags),
    /// `UpdateContinuousBackups`.
    EnableRecovery,
    /// `UpdateTable` to on-demand capacity.
    PayPerRequest,
    /// `UpdateTable` with the index.
    AddIndex,
    /// `UpdateTable` without the index: it cannot be changed.
    RemoveIndex,
    /// `TagResource`.
    SetTags(Tags),
    /// `UntagResource`.
    RemoveTags(Vec<String>),
    /// `UpdateTable` without deletion protection.
    AllowDeletion,
    /// `DeleteTable`.
    Delete,
}

impl Kind for Table {
    type Key = ();
    type Desired = Desired;
    type Observed = Observed;
    type Change = Change;

    fn desired((): (), gallery: &Gallery, _seen: &cloud::Observed) -> Option<Desired> {
        Some(Desired { tags: gallery.tags() })
    }

    fn update(want: &Desired, seen: Option<&Observed>) -> Vec<Step<Change>> {
        let Some(seen) = seen else { return vec![Step::create(Change::Create(want.tags.clone()))] };
        if seen.status != Status::Active {
            return Vec::new();
        }
        let recovery = (!seen.has_recovery).then(|| {
            let difference = Difference::new("point-in-time recovery", "off", "on");
            Step::update(Change::EnableRecovery, [difference])
        });
        tag_step(want, seen).into_iter().chain(recovery).chain(table_step(seen)).collect()
    }

    fn delete((): (), seen: &Observed, data: DataPolicy) -> Vec<Step<Change>> {
        if seen.status != Status::Active {
            return Vec::new();
        }
        match data {
            DataPolicy::Retain if seen.tags.contains_key(TAG_RETAINED) => Vec::new(),
            DataPolicy::Retain => {
                let tag = Tags::from([(TAG_RETAINED.into(), "true".into())]);
                vec![Step::retain(Change::SetTags(tag))]
            }
            // The deletion follows when DynamoDB has made this change.
            DataPolicy::Delete if seen.is_protected => {
                let difference = Difference::new("deletion protection", "on", "off");
                vec![Step::update(Change::AllowDeletion, [difference])]
            }
            DataPolicy::Delete => vec![Step::delete(Change::Delete)],
        }
    }

    fn stays((): (), seen: &Observed, data: DataPolicy) -> bool {
        data == DataPolicy::Retain && seen.tags.contains_key(TAG_RETAINED)
    }

    fn state(seen: &Observed) -> State {
        match seen.status {
            Status::Creating => State::Pending("DynamoDB is creating the table, usually 10-20 s"),
            Status::Active => State::Ready,
            Status::Updating => {
                State::Usable("DynamoDB is changing the table, usually some seconds, minutes for an index")
            }
            Status::Deleting => State::Pending("DynamoDB is deleting the table, usually some seconds"),
        }
    }

    fn describe((): (), gallery: &Identity, _seen: &Observed) -> Description {
        Description { name: gallery.table(), arn: Some(gallery.table_arn()) }
    }
}

/// One tagging call, because the next one would be refused. It names all that differs, also what the following calls do. The mark
/// of retained rows stays until the tags say whose they are now. What we set is in the list of ours from then on until it is gone,
/// or nobody would know it for ours.
fn tag_step(want: &Desired, seen: &Observed) -> Option<Step<Change>> {
    let (set, remove) = names::tag_changes(&want.tags, &seen.tags);
    let mut first = set.clone();
    first.remove(TAG_KEYS);
    first.extend(names::keys_meanwhile(&want.tags, &seen.tags));
    first.retain(|key, value| seen.tags.get(key) != Some(value));
    let change = if remove.iter().any(|key| key == TAG_RETAINED) && !first.is_empty() {
        Change::SetTags(first)
    } else if !remove.is_empty() {
        Change::RemoveTags(remove)
    } else if !set.is_empty() {
        Change::SetTags(set)
    } else {
        return None;
    };
    Some(Step::update(change, tag_differences(&want.tags, &seen.tags)))
}

/// The first thing that `UpdateTable` has to change; it takes one at a time.
fn table_step(seen: &Observed) -> Option<Step<Change>> {
    if seen.is_on_demand {
        let index = |change, from: &str| {
            let difference = Difference::new("index newest-first", from, PLANNED_INDEX);
            Some(Step::update(change, [difference]))
        };
        match &seen.index {
            Index::AsPlanned => None,
            Index::Missing => index(Change::AddIndex, "missing"),
            Index::Other(other) => index(Change::RemoveIndex, other),
        }
    } else {
        let difference = Difference::new("capacity", "provisioned", "on demand");
        Some(Step::update(Change::PayPerRequest, [difference]))
    }
}

#[cfg(test)]
mod tests;

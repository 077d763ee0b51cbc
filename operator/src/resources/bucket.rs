//! A bucket with everything but its policy and its CORS rule: access, encryption, lifecycle, tags.
//!
//! Found by its deterministic name; whose it is, its tags say, which it has from the first moment on because creation
//! carries them. We own all that [`Desired`] and [`update`](Bucket::update) name, including the lifecycle as a whole: a
//! foreign rule could expire photos. Access control lists are ours by way of object ownership, under which there are none.
//! Tags of others stay. Versioning is not ours: we never turn it on, and deletion copes with it.
//!
//! Slow: a name that was just deleted may be refused for up to an hour (`OperationAborted`). Not idempotent: nothing. A
//! repeated creation is refused or answered with success, and either way the next observation finds the bucket.

use std::collections::BTreeSet;
use std::fmt;

use functions_core::contract::key;
use serde::{Deserialize, Deserializer, Serialize};

use super::{After, Description, Difference, Kind, Step, tag_differences};
use crate::cloud::{self, Answer};
use crate::gallery::{DataPolicy, Gallery, Identity};
use crate::graph::BucketRole;
use crate::names::{self, TAG_RETAINED, Tags};

/// This kind.
#[derive(Debug)]
pub struct Bucket;

/// Encryption with keys that S3 manages.
pub const ENCRYPTION: &str = "AES256";
/// Objects belong to the bucket's owner and have no access control lists.
pub const OWNERSHIP: &str = "BucketOwnerEnforced";
/// The settings of Block Public Access, in S3's words. All are on.
pub const BLOCKS: [&str; 4] =
    ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"];
/// Days after which what visitors sent and nobody checked goes, and uploads in parts that nobody finished.
const LEFTOVER_DAYS: i32 = 1;

/// A bucket as it should be. Access, ownership and encryption are the same for all.
#[derive(Clone, Debug, PartialEq)]
pub struct Desired {
    /// Tags.
    pub tags: Tags,
    /// Lifecycle rules, all of them.
    pub lifecycle: Vec<Rule>,
}

/// A bucket as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observed {
    /// Tags.
    pub tags: Tags,
    /// Settings of Block Public Access that are off, of [`BLOCKS`].
    #[serde(deserialize_with = "blocks")]
    pub unblocked: BTreeSet<&'static str>,
    /// Object ownership, when set.
    pub ownership: Option<String>,
    /// Algorithm of the default encryption, when set. With the key for KMS, so that it differs from ours.
    pub encryption: Option<String>,
    /// Lifecycle rules.
    pub lifecycle: Vec<Rule>,
}

/// What S3 does to objects by age.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Rule {
    /// Name.
    pub id: String,
    /// Which objects; empty for all.
    pub prefix: String,
    /// Days after which an object is deleted.
    pub expire_days: Option<i32>,
    /// Days after which an unfinished upload in parts is deleted.
    pub abort_days: Option<i32>,
    /// Days after which an object moves to Glacier Instant Retrieval.
    pub archive_days: Option<i32>,
    /// What it says besides, such as that it is off. None of ours does.
    pub besides: String,
}

/// One call, except [`Change::Empty`].
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// `CreateBucket`, in the gallery's region, without access control lists.
    Create(Tags),
    /// `PutPublicAccessBlock`, all four.
    BlockPublicAccess,
    /// `PutBucketAcl`: nobody but the owner. S3 refuses to end access control lists while one lets others in
    /// (`InvalidBucketAclWithObjectOwnership`).
    CloseAccessList,
    /// `PutBucketOwnershipControls`.
    EnforceOwnership,
    /// `PutBucketEncryption`.
    Encrypt,
    /// `PutBucketLifecycleConfiguration`. Replaces all rules.
    PutLifecycle(Vec<Rule>),
    /// `PutBucketTagging`. Replaces all tags, hence holds those of others too.
    PutTags(Tags),
    /// Deletes a bounded number of object versions and unfinished uploads. What is left is for the next round.
    Empty,
    /// `DeleteBucket`.
    Delete,
}

impl Kind for Bucket {
    type Key = BucketRole;
    type Desired = Desired;
    type Observed = Observed;
    type Change = Change;

    fn desired(role: BucketRole, gallery: &Gallery, _seen: &cloud::Observed) -> Option<Desired> {
        let tags = match role {
            BucketRole::Artefacts => gallery.identity.installation.shared_tags(),
            BucketRole::Frontend | BucketRole::Photos | BucketRole::Thumbnails => gallery.tags(),
        };
        let archive_days = gallery.spec.photos.archive_after_days;
        Some(Desired { tags, lifecycle: lifecycle(role, archive_days) })
    }

    fn update(want: &Desired, seen: Option<&Observed>) -> Vec<Step<Change>> {
        let Some(seen) = seen else {
            return vec![
                Step::create(Change::Create(want.tags.clone())),
                // Before any policy: what is public for a moment is public.
                Step::detail(Change::BlockPublicAccess),
                Step::detail(Change::Encrypt),
                Step::detail(Change::PutLifecycle(want.lifecycle.clone())),
            ];
        };
        let mut steps = Vec::new();
        let unblocked: Vec<_> =
            seen.unblocked.iter().map(|setting| Difference::new(*setting, "off", "on")).collect();
        if !unblocked.is_empty() {
            steps.push(Step::update(Change::BlockPublicAccess, unblocked));
        }
        if let Some(difference) = setting("object ownership", seen.ownership.as_deref(), OWNERSHIP) {
            steps.push(Step::detail(Change::CloseAccessList));
            steps.push(Step::update(Change::EnforceOwnership, [difference]));
        }
        if let Some(difference) = setting("encryption", seen.encryption.as_deref(), ENCRYPTION) {
            steps.push(Step::update(Change::Encrypt, [difference]));
        }
        let rules = rule_differences(&want.lifecycle, &seen.lifecycle);
        if !rules.is_empty() {
            steps.push(Step::update(Change::PutLifecycle(want.lifecycle.clone()), rules));
        }
        let tags = tag_differences(&want.tags, &seen.tags);
        if !tags.is_empty() {
            steps.push(Step::update(Change::PutTags(names::merged_tags(&want.tags, &seen.tags)), tags));
        }
        steps
    }

    fn delete(role: BucketRole, seen: &Observed, data: DataPolicy) -> Vec<Step<Change>> {
        if !outlives(role, data) {
            return vec![Step::detail(Change::Empty), Step::delete(Change::Delete)];
        }
        if seen.tags.contains_key(TAG_RETAINED) {
            return Vec::new();
        }
        let mut tags = seen.tags.clone();
        tags.insert(TAG_RETAINED.into(), "true".into());
        vec![Step::retain(Change::PutTags(tags))]
    }

    fn stays(role: BucketRole, seen: &Observed, data: DataPolicy) -> bool {
        outlives(role, data) && seen.tags.contains_key(TAG_RETAINED)
    }

    fn after(seen: Option<&Observed>, change: &Change, _: &Answer) -> After<Observed> {
        let mut now = match (seen, change) {
            // What S3 sets by itself differs by the bucket's age; the steps of a creation set it all.
            (_, Change::Create(tags)) => {
                return After::Is(Observed {
                    tags: tags.clone(),
                    unblocked: BLOCKS.into(),
                    ownership: Some(OWNERSHIP.into()),
                    encryption: None,
                    lifecycle: Vec::new(),
                });
            }
            (_, Change::Delete) => return After::Gone,
            (None, _) => return After::Unknown,
            (Some(seen), _) => seen.clone(),
        };
        match change {
            Change::BlockPublicAccess => now.unblocked.clear(),
            Change::EnforceOwnership => now.ownership = Some(OWNERSHIP.into()),
            Change::Encrypt => now.encryption = Some(ENCRYPTION.into()),
            Change::PutLifecycle(rules) => now.lifecycle.clone_from(rules),
            Change::PutTags(tags) => now.tags.clone_from(tags),
            Change::CloseAccessList | Change::Empty | Change::Create(_) | Change::Delete => {}
        }
        After::Is(now)
    }

    fn describe(role: BucketRole, gallery: &Identity, _seen: &Observed) -> Description {
        Description { name: gallery.bucket(role), arn: Some(gallery.bucket_arn(role)) }
    }
}

/// Does the bucket stay when its gallery goes?
fn outlives(role: BucketRole, data: DataPolicy) -> bool {
    role == BucketRole::Photos && data == DataPolicy::Retain
}

/// Filter and id are explicit: S3 makes up what is left out, and it would differ at every look.
fn lifecycle(role: BucketRole, archive_days: Option<i32>) -> Vec<Rule> {
    let unfinished =
        Rule { id: "unfinished-uploads".into(), abort_days: Some(LEFTOVER_DAYS), ..Rule::default() };
    let mut rules = vec![unfinished];
    if role == BucketRole::Photos {
        let incoming = Rule { id: "incoming".into(), prefix: key::INCOMING.into(), ..Rule::default() };
        rules.push(Rule { expire_days: Some(LEFTOVER_DAYS), ..incoming });
        if archive_days.is_some() {
            let archive = Rule { id: "archive".into(), prefix: key::PHOTOS.into(), ..Rule::default() };
            rules.push(Rule { archive_days, ..archive });
        }
    }
    rules
}

fn setting(name: &str, seen: Option<&str>, want: &str) -> Option<Difference> {
    (seen != Some(want)).then(|| Difference::new(name, seen.unwrap_or("missing"), want))
}

/// One difference for each rule that is missing, other or too many. Their order means nothing.
fn rule_differences(want: &[Rule], seen: &[Rule]) -> Vec<Difference> {
    let named = |rules: &[Rule], id: &str| rules.iter().find(|rule| rule.id == id).cloned();
    let changed = want.iter().filter(|rule| !seen.contains(rule)).map(|rule| {
        let from = named(seen, &rule.id).map_or("missing".into(), |rule| rule.to_string());
        Difference::new(format!("lifecycle {}", rule.id), from, rule)
    });
    let surplus = seen.iter().filter(|rule| named(want, &rule.id).is_none());
    changed
        .chain(surplus.map(|rule| Difference::new(format!("lifecycle {}", rule.id), rule, "none")))
        .collect()
}

/// `incoming/: expire after 1 day`
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = [
            ("expire", self.expire_days),
            ("end unfinished uploads", self.abort_days),
            ("archive", self.archive_days),
        ];
        let days = |days: i32| if days == 1 { "1 day".to_owned() } else { format!("{days} days") };
        let what =
            what.into_iter().filter_map(|(what, after)| Some(format!("{what} after {}", days(after?))));
        let mut what: Vec<_> = what.collect();
        what.extend((!self.besides.is_empty()).then(|| self.besides.clone()));
        let prefix = if self.prefix.is_empty() { String::new() } else { format!("{}: ", self.prefix) };
        write!(f, "{prefix}{}", what.join(", "))
    }
}

fn blocks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeSet<&'static str>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    Ok(BLOCKS.into_iter().filter(|block| names.iter().any(|name| name == block)).collect())
}

#[cfg(test)]
mod tests;

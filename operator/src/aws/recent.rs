//! What we made or deleted a moment ago. AWS tells of it late: a role, a function, a bucket may read as missing for seconds after
//! its creation, its tags may come later still, and a deleted log group may come back with a function's last words. A list may even
//! leave out what was in it before: of REST APIs, which are found by nothing else, the ids are kept.
//!
//! A guard, not a way of working: an operator that has just started knows nothing of this, does what it sees, and is refused
//! or corrects itself a round later.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::cloud::{Answer, CloudError, ErrorKind, Message, Observed};
use crate::gallery::Identity;
use crate::graph::ResourceId;
use crate::resources::{
    Change, bucket, distribution, function, log_group, origin_access_control, permission,
    response_headers_policy, rest_api, role, stage, table,
};

/// How long something may be missing after AWS said that it made it. Afterwards somebody has deleted it.
const VISIBLE_AFTER: Duration = Duration::from_secs(60);
/// How long a REST API may be missing that was perhaps made: there was no answer, and it has no name to be refused by.
const PERHAPS_VISIBLE_AFTER: Duration = Duration::from_secs(10);
/// How long what we deleted is ours when it comes back.
const BACK_WITHIN: Duration = Duration::from_secs(600);

/// Region and gallery, and which of its resources.
type Key = (String, ResourceId);

/// The memory.
#[derive(Debug, Default)]
pub struct Recent {
    /// Ids of REST APIs, by region and gallery.
    rest_apis: Mutex<BTreeMap<String, String>>,
    /// Until when it may be missing.
    made: Mutex<BTreeMap<Key, Instant>>,
    /// Since when it is gone.
    deleted: Mutex<BTreeMap<Key, Instant>>,
    /// Since when there is what the operator's policy knows by its tags alone.
    tagged: Mutex<BTreeMap<Key, Instant>>,
}

/// What a change does to the existence of its resource.
enum Touch {
    Made,
    Deleted,
}

impl Recent {
    /// A change was asked for.
    pub(super) fn note(&self, gallery: &Identity, change: &Change, result: &Result<Answer, CloudError>) {
        let Some((id, touch)) = touch(change) else { return };
        let key = key(gallery, id);
        if result.is_ok() && matches!(touch, Touch::Made) && known_by_tags(id) == Some(id) {
            let mut tagged = lock(&self.tagged);
            tagged.retain(|_, since| since.elapsed() < VISIBLE_AFTER);
            tagged.insert(key.clone(), Instant::now());
        }
        if id == ResourceId::RestApi {
            match (&touch, result) {
                (Touch::Made, Ok(Answer::Assigned(made))) => self.note_rest_api(gallery, Some(made.clone())),
                // If it was one too many, the next list tells which is left.
                (Touch::Deleted, Ok(_)) => self.note_rest_api(gallery, None),
                (Touch::Made | Touch::Deleted, _) => {}
            }
        }
        match (touch, result) {
            (Touch::Made, Ok(_)) => drop(lock(&self.made).insert(key, Instant::now() + VISIBLE_AFTER)),
            (Touch::Made, Err(error)) if is_perhaps_made(id, error) => {
                lock(&self.made).insert(key, Instant::now() + PERHAPS_VISIBLE_AFTER);
            }
            (Touch::Deleted, Ok(_)) => {
                lock(&self.made).remove(&key);
                let mut deleted = lock(&self.deleted);
                deleted.retain(|_, since| since.elapsed() < BACK_WITHIN);
                deleted.insert(key, Instant::now());
            }
            (Touch::Made | Touch::Deleted, Err(_)) => {}
        }
    }

    /// A resource was looked at, from `begun` on, and `part` is what was seen of it. An error when it was made a moment ago and
    /// is missing, or looks like somebody else's because its tags are missing.
    pub(super) fn check(
        &self,
        gallery: &Identity,
        id: ResourceId,
        begun: Instant,
        part: &Observed,
    ) -> Result<(), CloudError> {
        let key = key(gallery, id);
        let mut made = lock(&self.made);
        let Some(until) = made.get(&key).copied() else { return Ok(()) };
        let is_missing = part.state(id).is_none() || part.foreign.contains_key(&id);
        if is_missing && begun < until {
            let source = Message("it was made a moment ago, and AWS does not show it yet.".into());
            let (kind, code) = (ErrorKind::NotReady, String::new());
            return Err(CloudError { service: "aws", operation: "observe", kind, code, source });
        }
        // Once seen, it stays seen: when it is missing later, somebody has deleted it.
        made.remove(&key);
        Ok(())
    }

    /// The operator's policy lets it touch REST APIs and distributions with an owner's tag (`crate::iam_policy`), and IAM may hear
    /// of a new one's tags late. A denial is then no missing permission yet.
    pub(super) fn settle(&self, gallery: &Identity, id: ResourceId, error: CloudError) -> CloudError {
        let since = known_by_tags(id).and_then(|id| lock(&self.tagged).get(&key(gallery, id)).copied());
        let is_new = since.is_some_and(|since| since.elapsed() < VISIBLE_AFTER);
        let kind =
            if is_new && error.kind == ErrorKind::AccessDenied { ErrorKind::NotReady } else { error.kind };
        CloudError { kind, ..error }
    }

    /// A gallery has this REST API, or none any more.
    pub(super) fn note_rest_api(&self, gallery: &Identity, id: Option<String>) {
        let (mut all, key) = (lock(&self.rest_apis), whose(gallery));
        match id {
            Some(id) => drop(all.insert(key, id)),
            None => drop(all.remove(&key)),
        }
    }

    /// The REST API that the gallery had when it was last looked for.
    pub(super) fn rest_api(&self, gallery: &Identity) -> Option<String> {
        lock(&self.rest_apis).get(&whose(gallery)).cloned()
    }

    /// Did we delete it within the last minutes?
    pub(super) fn was_deleted(&self, gallery: &Identity, id: ResourceId) -> bool {
        lock(&self.deleted).get(&key(gallery, id)).is_some_and(|since| since.elapsed() < BACK_WITHIN)
    }
}

/// May a creation have been carried out though it failed? A bucket's second attempt, by the SDK or by us, is told that it is ours.
fn is_perhaps_made(id: ResourceId, error: &CloudError) -> bool {
    let is_lost = error.kind == ErrorKind::Unavailable;
    match id {
        ResourceId::RestApi => is_lost,
        ResourceId::Bucket(_) => is_lost || error.code == "BucketAlreadyOwnedByYou",
        _ => false,
    }
}

/// The resource by whose tags the operator's policy knows this one.
fn known_by_tags(id: ResourceId) -> Option<ResourceId> {
    match id {
        ResourceId::RestApi | ResourceId::Deployment | ResourceId::Stage => Some(ResourceId::RestApi),
        ResourceId::Distribution | ResourceId::Invalidation => Some(ResourceId::Distribution),
        _ => None,
    }
}

/// The resource that a change is of, where tags matter for it.
pub(super) fn tagged_resource(change: &Change) -> Option<ResourceId> {
    match change {
        Change::RestApi(_) | Change::Deployment(_) | Change::Stage(_) => Some(ResourceId::RestApi),
        Change::Distribution(_) | Change::Invalidation(_) => Some(ResourceId::Distribution),
        _ => None,
    }
}

fn key(gallery: &Identity, id: ResourceId) -> Key {
    (whose(gallery), id)
}

fn whose(gallery: &Identity) -> String {
    format!("{} {gallery}", gallery.region)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn touch(change: &Change) -> Option<(ResourceId, Touch)> {
    use Touch::{Deleted, Made};
    let touch = match change {
        Change::OriginAccessControl(origin_access_control::Change::Create(_)) => {
            (ResourceId::OriginAccessControl, Made)
        }
        Change::ResponseHeadersPolicy(response_headers_policy::Change::Create(_)) => {
            (ResourceId::ResponseHeadersPolicy, Made)
        }
        Change::Bucket(role, bucket::Change::Create(_)) => (ResourceId::Bucket(*role), Made),
        Change::Bucket(role, bucket::Change::Delete) => (ResourceId::Bucket(*role), Deleted),
        Change::Table(table::Change::Create(_)) => (ResourceId::Table, Made),
        Change::Table(table::Change::Delete) => (ResourceId::Table, Deleted),
        Change::LogGroup(name, log_group::Change::Create(_)) => (ResourceId::LogGroup(*name), Made),
        Change::LogGroup(name, log_group::Change::Delete) => (ResourceId::LogGroup(*name), Deleted),
        Change::Role(name, role::Change::Create(_)) => (ResourceId::Role(*name), Made),
        Change::Role(name, role::Change::Delete) => (ResourceId::Role(*name), Deleted),
        Change::RestApi(rest_api::Change::Create { .. }) => (ResourceId::RestApi, Made),
        Change::RestApi(rest_api::Change::Delete { .. }) => (ResourceId::RestApi, Deleted),
        Change::Stage(stage::Change { call: stage::Call::Create { .. }, .. }) => (ResourceId::Stage, Made),
        Change::Distribution(distribution::Change::Create(_)) => (ResourceId::Distribution, Made),
        Change::Distribution(distribution::Change::Delete { .. }) => (ResourceId::Distribution, Deleted),
        Change::Function(name, function::Change::Create(_)) => (ResourceId::Function(*name), Made),
        Change::Function(name, function::Change::Delete) => (ResourceId::Function(*name), Deleted),
        Change::Permission(name, permission::Change::Remove(_)) => (ResourceId::Permission(*name), Deleted),
        _ => return None,
    };
    Some(touch)
}

#[cfg(test)]
mod tests {
    use functions_core::contract::FunctionName;

    use super::*;
    use crate::cloud::Foreign;
    use crate::graph::BucketRole;
    use crate::names::Tags;
    use crate::testing::drive::run;
    use crate::testing::galleries::identity;

    const ID: ResourceId = ResourceId::Bucket(BucketRole::Photos);

    fn make() -> Change {
        Change::Bucket(BucketRole::Photos, bucket::Change::Create(Tags::new()))
    }

    fn seen() -> Observed {
        let found = bucket::Observed {
            tags: Tags::new(),
            unblocked: std::collections::BTreeSet::new(),
            ownership: None,
            encryption: None,
            lifecycle: Vec::new(),
        };
        Observed { buckets: [(BucketRole::Photos, found)].into(), ..Observed::default() }
    }

    fn without_tags() -> Observed {
        let foreign = Foreign { name: "b".into(), whose: "it does not carry this operator's tags".into() };
        Observed { foreign: [(ID, foreign)].into(), ..Observed::default() }
    }

    fn lost() -> CloudError {
        let source = Message("the connection was reset".into());
        let (kind, code) = (ErrorKind::Unavailable, String::new());
        CloudError { service: "s3", operation: "Create", kind, code, source }
    }

    /// A look of this moment.
    fn check(recent: &Recent, gallery: &Identity, id: ResourceId, part: &Observed) -> Result<(), CloudError> {
        recent.check(gallery, id, Instant::now(), part)
    }

    #[test]
    fn what_was_just_made_is_not_missing() {
        run(async {
            let (recent, gallery) = (Recent::default(), identity("photos", "summer"));
            check(&recent, &gallery, ID, &Observed::default()).unwrap();
            recent.note(&gallery, &make(), &Ok(Answer::Done));
            let error = check(&recent, &gallery, ID, &Observed::default()).unwrap_err();
            assert_eq!(error.kind, ErrorKind::NotReady);
            check(&recent, &identity("photos", "other"), ID, &Observed::default()).unwrap();
            // Somebody deletes it after it was seen.
            check(&recent, &gallery, ID, &seen()).unwrap();
            check(&recent, &gallery, ID, &Observed::default()).unwrap();
        });
    }

    #[test]
    fn nothing_is_waited_for_without_end() {
        run(async {
            let (recent, gallery) = (Recent::default(), identity("photos", "summer"));
            recent.note(&gallery, &make(), &Ok(Answer::Done));
            let before = Instant::now();
            tokio::time::advance(VISIBLE_AFTER).await;
            recent.check(&gallery, ID, before, &Observed::default()).expect_err("it began before");
            check(&recent, &gallery, ID, &Observed::default()).unwrap();
        });
    }

    #[test]
    fn what_was_just_made_is_not_somebody_else_s() {
        run(async {
            let (recent, gallery) = (Recent::default(), identity("photos", "summer"));
            check(&recent, &gallery, ID, &without_tags()).unwrap();
            recent.note(&gallery, &make(), &Ok(Answer::Done));
            check(&recent, &gallery, ID, &without_tags()).unwrap_err();
        });
    }

    #[test]
    fn what_was_perhaps_made_is_waited_for_a_little() {
        run(async {
            let (recent, gallery) = (Recent::default(), identity("photos", "summer"));
            let (name, description) = ("n".into(), "d".into());
            let make_api = Change::RestApi(rest_api::Change::Create { name, description, tags: Tags::new() });
            let ours =
                CloudError { code: "BucketAlreadyOwnedByYou".into(), kind: ErrorKind::NotReady, ..lost() };
            recent.note(&gallery, &make(), &Err(ours));
            recent.note(&gallery, &make_api, &Err(lost()));
            check(&recent, &gallery, ID, &without_tags()).unwrap_err();
            check(&recent, &gallery, ResourceId::RestApi, &Observed::default()).unwrap_err();
            tokio::time::advance(PERHAPS_VISIBLE_AFTER).await;
            check(&recent, &gallery, ID, &without_tags()).unwrap();
            check(&recent, &gallery, ResourceId::RestApi, &Observed::default()).unwrap();
            let refused =
                CloudError { code: "BucketAlreadyExists".into(), kind: ErrorKind::NotOurs, ..lost() };
            recent.note(&gallery, &make(), &Err(refused));
            check(&recent, &gallery, ID, &without_tags()).unwrap();
        });
    }

    /// To see it fail: let `settle` give the error back as it came.
    #[test]
    fn a_denial_of_what_was_just_made_with_tags_is_no_missing_permission_for_a_minute() {
        run(async {
            let (recent, gallery) = (Recent::default(), identity("photos", "summer"));
            let denied = || CloudError { kind: ErrorKind::AccessDenied, ..lost() };
            let kind = |id| recent.settle(&gallery, id, denied()).kind;
            assert_eq!(kind(ResourceId::Stage), ErrorKind::AccessDenied);
            let (name, description) = ("n".into(), "d".into());
            let make_api = Change::RestApi(rest_api::Change::Create { name, description, tags: Tags::new() });
            recent.note(&gallery, &make_api, &Err(denied()));
            assert_eq!(kind(ResourceId::Stage), ErrorKind::AccessDenied, "it was not made");
            recent.note(&gallery, &make_api, &Ok(Answer::Done));
            recent.note(&gallery, &make(), &Ok(Answer::Done));
            assert_eq!(kind(ResourceId::Stage), ErrorKind::NotReady);
            assert_eq!(kind(ResourceId::Distribution), ErrorKind::AccessDenied);
            assert_eq!(kind(ID), ErrorKind::AccessDenied, "a bucket is known by its name");
            assert_eq!(recent.settle(&gallery, ResourceId::RestApi, lost()).kind, ErrorKind::Unavailable);
            tokio::time::advance(VISIBLE_AFTER).await;
            assert_eq!(kind(ResourceId::Stage), ErrorKind::AccessDenied);
        });
    }

    #[test]
    fn a_rest_api_is_known_by_its_id_until_it_is_deleted() {
        let (recent, gallery) = (Recent::default(), identity("photos", "summer"));
        let (name, description, id) = ("n".into(), "d".into(), "a1".to_owned());
        let make_api = Change::RestApi(rest_api::Change::Create { name, description, tags: Tags::new() });
        recent.note(&gallery, &make_api, &Err(lost()));
        assert_eq!(recent.rest_api(&gallery), None);
        recent.note(&gallery, &make_api, &Ok(Answer::Assigned(id.clone())));
        assert_eq!(recent.rest_api(&gallery), Some(id.clone()));
        assert_eq!(recent.rest_api(&identity("photos", "other")), None);
        let delete = Change::RestApi(rest_api::Change::Delete { id: id.clone() });
        recent.note(&gallery, &delete, &Err(lost()));
        assert_eq!(recent.rest_api(&gallery), Some(id));
        recent.note(&gallery, &delete, &Ok(Answer::Done));
        assert_eq!(recent.rest_api(&gallery), None);
    }

    #[test]
    fn what_we_deleted_may_be_missing_and_may_come_back() {
        run(async {
            let (recent, gallery) = (Recent::default(), identity("photos", "summer"));
            recent.note(&gallery, &make(), &Ok(Answer::Done));
            recent.note(
                &gallery,
                &Change::Bucket(BucketRole::Photos, bucket::Change::Delete),
                &Ok(Answer::Done),
            );
            check(&recent, &gallery, ID, &Observed::default()).unwrap();
            assert!(recent.was_deleted(&gallery, ID));
            assert!(!recent.was_deleted(&gallery, ResourceId::LogGroup(FunctionName::List)));
            tokio::time::advance(BACK_WITHIN).await;
            assert!(!recent.was_deleted(&gallery, ID));
        });
    }
}

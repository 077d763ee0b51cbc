//! Every field of everything that is observed, changed by somebody else.
//!
//! Each kind is taken apart without `..`, so that a new field does not compile before it has a case here, or a word why not.

mod api;
mod cdn;
mod functions;
mod storage;

use functions_core::contract::FunctionName;

use crate::cloud::Observed;
use crate::graph::{BucketRole, ResourceId};
use crate::names::{TAG_KEYS, TAG_RETAINED, Tags};

const PHOTOS: BucketRole = BucketRole::Photos;
const LIST: FunctionName = FunctionName::List;

/// One field that is not as it should be.
pub(super) struct Case {
    pub id: ResourceId,
    /// What was changed.
    pub what: String,
    /// The world as it looks then.
    pub seen: Observed,
    /// How many calls put it back.
    pub calls: usize,
}

/// All cases, from a world in sync.
pub(super) struct Cases {
    base: Observed,
    pub all: Vec<Case>,
}

impl Cases {
    fn add(
        &mut self,
        id: ResourceId,
        what: impl Into<String>,
        calls: usize,
        change: impl FnOnce(&mut Observed),
    ) {
        let mut seen = self.base.clone();
        change(&mut seen);
        let what = what.into();
        assert_ne!(seen, self.base, "{id} {what}: nothing is changed");
        self.all.push(Case { id, what, seen, calls });
    }

    fn tags(&mut self, id: ResourceId, of: fn(&mut Observed) -> &mut Tags) {
        self.add(id, "tag of the spec changed", 1, |seen| drop(of(seen).insert("team".into(), "x".into())));
        self.add(id, "tag of the spec removed", 1, |seen| drop(of(seen).remove("team")));
        self.add(id, "list of our tags changed", 1, |seen| {
            drop(of(seen).insert(TAG_KEYS.into(), "theirs".into()))
        });
        self.add(id, "marked as retained", 1, |seen| {
            drop(of(seen).insert(TAG_RETAINED.into(), "true".into()))
        });
    }
}

/// Changes every field of `base` in turn.
pub(super) fn cases(base: Observed) -> Vec<Case> {
    let Observed {
        origin_access_control: _,
        response_headers_policy: _,
        buckets: _,
        table: _,
        log_groups: _,
        roles: _,
        rest_api: _,
        deployment: _,
        stage: _,
        distribution: _,
        bucket_policies: _,
        upload_cors: _,
        artefacts: _,
        functions: _,
        permissions: _,
        notification: _,
        site: _,
        invalidation: _,
        // What is not ours is a conflict and no drift.
        foreign: _,
    } = &base;
    let mut cases = Cases { base, all: Vec::new() };
    for change in [
        cdn::control,
        cdn::headers,
        cdn::distribution,
        cdn::origins,
        cdn::behavior,
        cdn::invalidation,
        storage::bucket,
        storage::lifecycle,
        storage::table,
        storage::bucket_policy,
        storage::cors,
        storage::artefacts,
        storage::notification,
        storage::site,
        functions::log_group,
        functions::role,
        functions::function,
        functions::configuration,
        functions::permission,
        api::rest_api,
        api::deployment,
        api::stage,
    ] {
        change(&mut cases);
    }
    cases.all
}

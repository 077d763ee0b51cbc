//! The seam between deciding and doing: what was observed, the trait that does it, and its errors.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::Future;

use functions_core::contract::FunctionName;
use serde::{Deserialize, Serialize};

use crate::gallery::Identity;
use crate::graph::{BucketRole, ResourceId};
use crate::ownership::Whose;
use crate::preflight::{Account, Question};
use crate::resources::{self, Change, State, StateOf};

/// A snapshot of what a gallery has in AWS; empty by default. Only what is provably ours.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "one field per kind, each documented in its file")]
pub struct Observed {
    pub origin_access_control: Option<resources::origin_access_control::Observed>,
    pub response_headers_policy: Option<resources::response_headers_policy::Observed>,
    pub buckets: BTreeMap<BucketRole, resources::bucket::Observed>,
    pub table: Option<resources::table::Observed>,
    pub log_groups: BTreeMap<FunctionName, resources::log_group::Observed>,
    pub roles: BTreeMap<FunctionName, resources::role::Observed>,
    pub rest_api: Option<resources::rest_api::Observed>,
    pub deployment: Option<resources::deployment::Observed>,
    pub stage: Option<resources::stage::Observed>,
    pub distribution: Option<resources::distribution::Observed>,
    pub bucket_policies: BTreeMap<BucketRole, resources::bucket_policy::Observed>,
    pub upload_cors: Option<resources::upload_cors::Observed>,
    pub artefacts: Option<resources::artefacts::Observed>,
    pub functions: BTreeMap<FunctionName, resources::function::Observed>,
    pub permissions: BTreeMap<FunctionName, resources::permission::Observed>,
    pub notification: Option<resources::notification::Observed>,
    pub site: Option<resources::site::Observed>,
    pub invalidation: Option<resources::invalidation::Observed>,
    /// Resources that have our name but not our tags, with whose they are.
    #[serde(with = "crate::pairs")]
    pub foreign: BTreeMap<ResourceId, Foreign>,
}

/// Somebody else's resource under one of our names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Foreign {
    /// AWS's name of it.
    pub name: String,
    /// Whose it is.
    pub whose: Whose,
}

impl Observed {
    /// How far AWS is with a resource; `None` when it is not there.
    pub fn state(&self, id: ResourceId) -> Option<State> {
        resources::visit(id, self, StateOf)
    }

    /// Is it there, and may others build on it?
    pub fn is_usable(&self, id: ResourceId) -> bool {
        matches!(self.state(id), Some(State::Ready | State::Usable(_)))
    }
}

/// What one observation finds.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen<T> {
    /// Nothing there.
    Nothing,
    /// Ours.
    Ours(T),
    /// Somebody else's.
    Foreign(Foreign),
}

/// Which resources an observation reads.
pub type Scope = BTreeSet<ResourceId>;

/// How closely an observation looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Every field that we own, as AWS tells it now.
    Whole,
    /// The same, of a whole gallery: by lists, where one tells as much as several calls.
    ListedNow,
    /// The same, but what galleries share and what AWS lists only for the whole account may be as known from a look a little
    /// while ago. That something is not there is never believed of an old list.
    Listed,
    /// The same as [`Self::Whole`], of what was seen before: found by the ids in `seen`, not searched for.
    Known,
    /// Whose it is, and what a deletion has to know.
    Bare,
}

/// What AWS's answer to a change tells that the change itself does not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Answer {
    /// That it is done.
    #[default]
    Done,
    /// The id or ARN that AWS assigned.
    Assigned(String),
    /// A distribution as it is now.
    Distribution {
        /// Its id.
        id: String,
        /// Its domain.
        domain: String,
        /// Version of the configuration.
        etag: String,
        /// Has the configuration arrived everywhere?
        is_deployed: bool,
    },
}

/// AWS, as far as a reconcile needs it.
pub trait Cloud: Send + Sync {
    /// Reads the resources in `scope` into `seen`, replacing what it held of them. Never writes.
    ///
    /// Resources that could not be read keep their old entry in `seen` and come back with the error.
    fn observe(
        &self,
        gallery: &Identity,
        look: (&Scope, Depth),
        seen: &mut Observed,
    ) -> impl Future<Output = Vec<(ResourceId, CloudError)>> + Send;

    /// Makes one call.
    fn apply(
        &self,
        gallery: &Identity,
        change: &Change,
    ) -> impl Future<Output = Result<Answer, CloudError>> + Send;

    /// What the account says of itself, as far as it does. Right after an observation of everything, whose lists it counts.
    fn account(&self, gallery: &Identity, question: &Question) -> impl Future<Output = Account> + Send;

    /// How many objects the photos bucket keeps under `photos/`, for the last words of a gallery that retains them.
    fn count_photos(&self, gallery: &Identity) -> impl Future<Output = Result<u64, CloudError>> + Send;
}

/// A refused or failed AWS call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to call {service}:{operation}")]
pub struct CloudError {
    /// Service, as IAM names it: `s3`, `lambda`, `apigateway` …
    pub service: &'static str,
    /// AWS's name of the operation: `CreateFunction` …
    pub operation: &'static str,
    /// What it means for us.
    pub kind: ErrorKind,
    /// AWS's code, empty when there was no answer.
    pub code: String,
    /// AWS's message, or what happened on the way.
    #[source]
    pub source: Message,
}

/// AWS's words. Kept as text, because the SDK's errors differ by operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message(pub String);

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Message {}

/// What an error means for the reconcile. `policy.rs` turns it into condition, event and requeue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::EnumIter, strum::IntoStaticStr)]
pub enum ErrorKind {
    /// Somebody else's resource has the name.
    NotOurs,
    /// The operator's credentials do not allow the call.
    AccessDenied,
    /// AWS says that the request is wrong; repeating it will not help.
    Rejected,
    /// A quota is used up.
    LimitExceeded,
    /// Something earlier has not settled in AWS yet; repeating it soon will help.
    NotReady,
    /// AWS allows the call only now and then, and others of ours come first. It was not made.
    Queued {
        /// After how long it is likely to be made.
        seconds: u32,
    },
    /// Too many requests.
    Throttled,
    /// No answer, or AWS's fault. The call may have been applied.
    Unavailable,
}

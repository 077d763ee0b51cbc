//! Everything that there is in the account, whoever made it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Operation, Quotas, apigateway, cloudfront, dynamodb, iam, lambda, limits, s3};
use crate::cloud::{Answer, CloudError};
use crate::gallery::Identity;
use crate::preflight::Denied;
use crate::resources::{
    Change, deployment, distribution, log_group, origin_access_control, response_headers_policy, rest_api,
    role,
};

/// The account.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct World {
    /// By name.
    pub buckets: BTreeMap<String, s3::Bucket>,
    /// By name.
    pub tables: BTreeMap<String, dynamodb::Table>,
    /// By name.
    pub log_groups: BTreeMap<String, log_group::Observed>,
    /// By name.
    pub roles: BTreeMap<String, iam::Role>,
    /// By name.
    pub functions: BTreeMap<String, lambda::Function>,
    /// By id.
    pub rest_apis: BTreeMap<String, apigateway::RestApi>,
    /// By id.
    pub origin_access_controls: BTreeMap<String, origin_access_control::Desired>,
    /// By id.
    pub response_headers_policies: BTreeMap<String, cloudfront::HeadersPolicy>,
    /// By id.
    pub distributions: BTreeMap<String, cloudfront::Distribution>,
    /// How many there may be.
    pub quotas: Quotas,
    /// What IAM's simulator says that the operator may not do.
    pub denied: Vec<Denied>,
    /// How long things take.
    pub slow: Slow,
    /// How many ids were assigned. Also the time.
    pub assigned: usize,
}

/// How many observations things take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Slow {
    /// A table: made, changed, deleted.
    pub table: usize,
    /// A function: made, changed.
    pub function: usize,
    /// A distribution: made, changed.
    pub distribution: usize,
    /// How often Lambda refuses a new role before it has heard of it. AWS does; it is the one refusal that no order avoids.
    pub role: usize,
    /// How many objects one round deletes; 0: as many as AWS does.
    pub emptying: usize,
}

/// How many more observations show it at work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Busy(pub usize);

impl Busy {
    /// Is it at work? One observation less from now on.
    pub(super) fn look(&mut self) -> bool {
        let is_busy = self.is_busy();
        self.0 = self.0.saturating_sub(1);
        is_busy
    }

    pub(super) fn is_busy(self) -> bool {
        self.0 > 0
    }
}

impl World {
    /// Makes one call, or refuses it as AWS would.
    pub(super) fn apply(
        &mut self,
        gallery: &Identity,
        change: &Change,
        call: Operation,
    ) -> Result<(), CloudError> {
        limits::check(self, gallery, change, call)?;
        match change {
            Change::OriginAccessControl(change) => cloudfront::control(self, change, call),
            Change::ResponseHeadersPolicy(change) => cloudfront::headers(self, change, call),
            Change::Bucket(role, change) => s3::bucket(self, gallery, *role, change, call),
            Change::Table(change) => dynamodb::table(self, gallery, change, call),
            Change::LogGroup(name, change) => super::logs::log_group(self, gallery, *name, change, call),
            Change::Role(name, change) => iam::role(self, gallery, *name, change, call),
            Change::RestApi(change) => apigateway::rest_api(self, change, call),
            Change::Deployment(change) => apigateway::deployment(self, change, call),
            Change::Stage(change) => apigateway::stage(self, change, call),
            Change::Distribution(change) => cloudfront::distribution(self, gallery, change, call),
            Change::BucketPolicy(role, change) => s3::policy(self, gallery, *role, change, call),
            Change::UploadCors(change) => s3::cors(self, gallery, change, call),
            Change::Artefacts(change) => s3::artefacts(self, gallery, change, call),
            Change::Function(name, change) => lambda::function(self, gallery, *name, change, call),
            Change::Permission(name, change) => lambda::permission(self, gallery, *name, change, call),
            Change::Notification(change) => s3::notification(self, gallery, change, call),
            Change::Site(change) => s3::site(self, gallery, change, call),
            Change::Invalidation(change) => cloudfront::invalidation(self, change, call),
        }
    }

    /// What AWS answers to a call that it has just carried out.
    pub(super) fn answer(&self, gallery: &Identity, change: &Change) -> Answer {
        let last = |prefix: &str| Answer::Assigned(id(prefix, self.assigned));
        match change {
            Change::OriginAccessControl(origin_access_control::Change::Create(_)) => last("OAC"),
            Change::ResponseHeadersPolicy(response_headers_policy::Change::Create(_)) => last("RHP"),
            Change::RestApi(rest_api::Change::Create { .. }) => last("api"),
            Change::Deployment(deployment::Change::Create { .. }) => last("d"),
            Change::Role(name, role::Change::Create(_)) => Answer::Assigned(gallery.role_arn(*name)),
            Change::Distribution(change) => self.distribution(change),
            _ => Answer::Done,
        }
    }

    fn distribution(&self, change: &distribution::Change) -> Answer {
        let id = match change {
            distribution::Change::Create(_) => id("DIST", self.assigned),
            distribution::Change::Update { id, .. } | distribution::Change::Disable { id, .. } => id.clone(),
            distribution::Change::Tag { .. }
            | distribution::Change::Untag { .. }
            | distribution::Change::Delete { .. } => return Answer::Done,
        };
        self.distributions.get(&id).map_or(Answer::Done, |found| found.answer(&id))
    }

    /// An id that was never given before.
    pub(super) fn assign(&mut self, prefix: &str) -> String {
        self.assigned += 1;
        id(prefix, self.assigned)
    }

    /// Everything there is, by kind and name, for counts that do not trust anybody's bookkeeping.
    pub(crate) fn inventory(&self) -> BTreeSet<String> {
        fn list<T>(kind: &'static str, all: &BTreeMap<String, T>) -> impl Iterator<Item = String> {
            all.keys().map(move |name| format!("{kind} {name}"))
        }
        list("bucket", &self.buckets)
            .chain(list("table", &self.tables))
            .chain(list("log group", &self.log_groups))
            .chain(list("role", &self.roles))
            .chain(list("function", &self.functions))
            .chain(list("REST API", &self.rest_apis))
            .chain(list("origin access control", &self.origin_access_controls))
            .chain(list("response headers policy", &self.response_headers_policies))
            .chain(list("distribution", &self.distributions))
            .collect()
    }
}

fn id(prefix: &str, number: usize) -> String {
    format!("{prefix}{number:04}")
}

//! How many there may be of a kind, and how large things may be.

use super::Operation;
use super::world::World;
use crate::cloud::CloudError;
use crate::gallery::Identity;
use crate::names::Tags;
use crate::preflight::{Account, Limit, Question, Quota, Usage};
use crate::resources::{
    Change, bucket, bucket_policy, distribution, function, log_group, origin_access_control,
    response_headers_policy, rest_api, role, stage, table,
};

/// How many an account may have, by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quotas {
    pub buckets: usize,
    pub tables: usize,
    pub roles: usize,
    pub rest_apis: usize,
    pub distributions: usize,
    pub origin_access_controls: usize,
    pub response_headers_policies: usize,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            buckets: 10_000,
            tables: 2500,
            roles: 1000,
            rest_apis: 600,
            distributions: 200,
            origin_access_controls: 100,
            response_headers_policies: 20,
        }
    }
}

/// What the account says of itself: what `check` goes by, as far as the operator asks for it.
pub(super) fn account(world: &World, question: &Question) -> Account {
    let quotas = &world.quotas;
    let all = [
        (Quota::Roles, world.roles.len(), quotas.roles),
        (Quota::RestApis, world.rest_apis.len(), quotas.rest_apis),
        (Quota::Distributions, world.distributions.len(), quotas.distributions),
        (Quota::OriginAccessControls, world.origin_access_controls.len(), quotas.origin_access_controls),
        (
            Quota::ResponseHeadersPolicies,
            world.response_headers_policies.len(),
            quotas.response_headers_policies,
        ),
    ];
    let asked = all.into_iter().filter(|(quota, ..)| question.needs.contains_key(quota));
    let usage = asked
        .map(|(quota, used, limit)| (quota, Usage { used: used as u64, limit: Limit::Exact(limit as u64) }));
    Account { usage: usage.collect(), denied: world.denied.clone() }
}

/// Refuses what is one too many, or too large.
pub(super) fn check(
    world: &World,
    gallery: &Identity,
    change: &Change,
    call: Operation,
) -> Result<(), CloudError> {
    quota(world, gallery, change, call)?;
    size(change, call)
}

fn quota(world: &World, gallery: &Identity, change: &Change, call: Operation) -> Result<(), CloudError> {
    let Quotas {
        buckets,
        tables,
        roles,
        rest_apis,
        distributions,
        origin_access_controls,
        response_headers_policies,
    } = world.quotas;
    let (is_full, status, code) = match change {
        // What is there already is refused for that.
        Change::Bucket(role, bucket::Change::Create(_)) => {
            let is_new = !world.buckets.contains_key(&gallery.bucket(*role));
            (is_new && world.buckets.len() >= buckets, 400, "TooManyBuckets")
        }
        Change::Table(table::Change::Create(_)) => {
            (world.tables.len() >= tables, 400, "LimitExceededException")
        }
        Change::Role(_, role::Change::Create(_)) => (world.roles.len() >= roles, 409, "LimitExceeded"),
        Change::RestApi(rest_api::Change::Create { .. }) => {
            (world.rest_apis.len() >= rest_apis, 429, "LimitExceededException")
        }
        Change::Distribution(distribution::Change::Create(_)) => {
            (world.distributions.len() >= distributions, 400, "TooManyDistributions")
        }
        Change::OriginAccessControl(origin_access_control::Change::Create(_)) => {
            let full = world.origin_access_controls.len() >= origin_access_controls;
            (full, 400, "TooManyOriginAccessControls")
        }
        Change::ResponseHeadersPolicy(response_headers_policy::Change::Create(_)) => {
            let full = world.response_headers_policies.len() >= response_headers_policies;
            (full, 400, "TooManyResponseHeadersPolicies")
        }
        _ => return Ok(()),
    };
    if is_full { Err(call.refuse(status, code, "The quota of the account is used up.")) } else { Ok(()) }
}

fn size(change: &Change, call: Operation) -> Result<(), CloudError> {
    let too_long = |what: &str, limit: usize| {
        Err(call.refuse(400, "ValidationException", format!("{what}: more than {limit}")))
    };
    if let Some(tags) = tags(change) {
        if tags.len() > 50 {
            return too_long("tags", 50);
        }
        if tags.iter().any(|(key, value)| key.chars().count() > 128 || value.chars().count() > 256) {
            return too_long("a tag's value", 256);
        }
    }
    match change {
        Change::BucketPolicy(_, bucket_policy::Change::Put(policy))
            if policy.to_string().len() > 20 * 1024 =>
        {
            too_long("bytes of a bucket policy", 20 * 1024)
        }
        Change::Role(_, role::Change::Policy(policy)) if policy.to_string().len() > 10_240 => {
            too_long("characters of a role's policies", 10_240)
        }
        Change::Role(_, role::Change::Trust(trust) | role::Change::Create(role::Desired { trust, .. }))
            if trust.to_string().len() > 2048 =>
        {
            too_long("characters of a trust policy", 2048)
        }
        Change::Role(_, role::Change::Describe(text)) if text.chars().count() > 1000 => {
            too_long("characters of a description", 1000)
        }
        Change::Function(
            _,
            function::Change::Configuration { configuration, .. }
            | function::Change::Create(function::Desired { configuration, .. }),
        ) => {
            let bytes: usize =
                configuration.environment.iter().map(|(key, value)| key.len() + value.len()).sum();
            if bytes > 4096 { too_long("bytes of an environment", 4096) } else { Ok(()) }
        }
        Change::Distribution(
            distribution::Change::Update { config, .. }
            | distribution::Change::Create(distribution::Desired { config, .. }),
        ) if config.comment.chars().count() > 128 => too_long("characters of a comment", 128),
        Change::RestApi(rest_api::Change::Body { wanted, .. }) if wanted.body.len() > 6 * 1024 * 1024 => {
            too_long("bytes of a body", 6 * 1024 * 1024)
        }
        _ => Ok(()),
    }
}

/// The tags that a call sets.
fn tags(change: &Change) -> Option<&Tags> {
    match change {
        Change::Bucket(_, bucket::Change::Create(tags) | bucket::Change::PutTags(tags))
        | Change::Table(table::Change::Create(tags) | table::Change::SetTags(tags))
        | Change::LogGroup(_, log_group::Change::Create(tags) | log_group::Change::SetTags(tags))
        | Change::Role(_, role::Change::Create(role::Desired { tags, .. }) | role::Change::Tag(tags))
        | Change::RestApi(rest_api::Change::Create { tags, .. } | rest_api::Change::Tag { tags, .. })
        | Change::Function(
            _,
            function::Change::Create(function::Desired { tags, .. }) | function::Change::Tag(tags),
        )
        | Change::Stage(stage::Change {
            call: stage::Call::Create { tags, .. } | stage::Call::Tag(tags),
            ..
        })
        | Change::Distribution(
            distribution::Change::Create(distribution::Desired { tags, .. })
            | distribution::Change::Tag { tags, .. },
        ) => Some(tags),
        _ => None,
    }
}

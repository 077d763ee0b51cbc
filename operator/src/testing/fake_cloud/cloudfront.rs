//! Distributions and what they refer to.

use std::collections::{BTreeMap, BTreeSet};

use super::Operation;
use super::s3::Object;
use super::world::{Busy, World};
use crate::cloud::{Answer, CloudError};
use crate::gallery::Identity;
use crate::graph::BucketRole;
use crate::names::{TAG_SITE, Tags, set_tags, unset_tags};
use crate::resources::distribution::{Change, Config, Desired, Observed, Origin};
use crate::resources::{invalidation, origin_access_control, response_headers_policy};

/// A distribution.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Distribution {
    /// Idempotency token of its creation.
    pub caller_reference: String,
    /// Version of the configuration.
    pub version: usize,
    /// How long it takes to arrive everywhere.
    pub busy: Busy,
    /// Our part of the configuration.
    pub config: Config,
    /// Parts that others set, such as a web ACL. No update may lose them.
    pub others: BTreeMap<String, String>,
    /// Tags.
    pub tags: Tags,
    /// What the bucket held when the caches were last told: key and digest.
    pub told: Option<BTreeMap<String, Object>>,
}

impl Distribution {
    /// As it is now; a deployment comes closer to its end.
    pub(super) fn look(&mut self, id: &str) -> Observed {
        Observed {
            id: id.to_owned(),
            domain: format!("{}.cloudfront.net", id.to_lowercase()),
            etag: self.etag(),
            is_deployed: !self.busy.look(),
            config: self.config.clone(),
            tags: self.tags.clone(),
        }
    }

    /// What AWS says of it when it was changed.
    pub(super) fn answer(&self, id: &str) -> Answer {
        let (id, domain) = (id.to_owned(), format!("{}.cloudfront.net", id.to_lowercase()));
        Answer::Distribution { id, domain, etag: self.etag(), is_deployed: !self.busy.is_busy() }
    }

    /// Does it pass requests to a host that begins like this?
    pub(crate) fn asks(&self, beginning: &str) -> bool {
        let hosts = self.config.origins.values().map(|origin| match origin {
            Origin::Bucket { host, .. } | Origin::Https { host } | Origin::Other { host, .. } => host,
        });
        hosts.into_iter().any(|host| host.starts_with(beginning))
    }

    fn etag(&self) -> String {
        format!("E{}", self.version)
    }

    fn write(&mut self, etag: &str, call: Operation, observations: usize) -> Result<&mut Config, CloudError> {
        if etag != self.etag() {
            let message = "The request failed because it didn't meet the preconditions.";
            return Err(call.refuse(412, "PreconditionFailed", message));
        }
        self.version += 1;
        self.busy = Busy(observations);
        Ok(&mut self.config)
    }
}

/// A response headers policy.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HeadersPolicy {
    /// Name.
    pub name: String,
    /// Comment.
    pub comment: String,
    /// Headers.
    pub headers: response_headers_policy::Headers,
    /// What others have set besides.
    pub besides: BTreeSet<String>,
}

impl HeadersPolicy {
    fn of(policy: &response_headers_policy::Desired) -> Self {
        let response_headers_policy::Desired { name, headers } = policy.clone();
        Self { name, comment: response_headers_policy::COMMENT.into(), headers, besides: BTreeSet::new() }
    }
}

pub(super) fn control(
    world: &mut World,
    change: &origin_access_control::Change,
    call: Operation,
) -> Result<(), CloudError> {
    match change {
        origin_access_control::Change::Create(config) => {
            if world.origin_access_controls.values().any(|other| other.name == config.name) {
                let message = "An origin access control with this name already exists.";
                return Err(call.refuse(409, "OriginAccessControlAlreadyExists", message));
            }
            let id = world.assign("OAC");
            world.origin_access_controls.insert(id, config.clone());
        }
        origin_access_control::Change::Update { id, config } => {
            let missing = || call.refuse(404, "NoSuchOriginAccessControl", "It does not exist.");
            *world.origin_access_controls.get_mut(id).ok_or_else(missing)? = config.clone();
        }
    }
    Ok(())
}

pub(super) fn headers(
    world: &mut World,
    change: &response_headers_policy::Change,
    call: Operation,
) -> Result<(), CloudError> {
    match change {
        response_headers_policy::Change::Create(policy) => {
            if world.response_headers_policies.values().any(|other| other.name == policy.name) {
                let message = "A response headers policy with this name already exists.";
                return Err(call.refuse(409, "ResponseHeadersPolicyAlreadyExists", message));
            }
            let id = world.assign("RHP");
            world.response_headers_policies.insert(id, HeadersPolicy::of(policy));
        }
        response_headers_policy::Change::Update { id, policy } => {
            let missing = || call.refuse(404, "NoSuchResponseHeadersPolicy", "It does not exist.");
            *world.response_headers_policies.get_mut(id).ok_or_else(missing)? = HeadersPolicy::of(policy);
        }
    }
    Ok(())
}

/// Everything that a configuration refers to is there.
fn check(world: &World, gallery: &Identity, config: &Config, call: Operation) -> Result<(), CloudError> {
    for origin in config.origins.values() {
        let (host, control) = match origin {
            Origin::Bucket { host, access_control } => (host, Some(access_control)),
            Origin::Https { host } | Origin::Other { host, .. } => (host, None),
        };
        if control.is_some_and(|id| !world.origin_access_controls.contains_key(id)) {
            return Err(call.refuse(400, "InvalidOriginAccessControl", "It does not exist."));
        }
        let bucket = gallery.bucket(BucketRole::Frontend);
        let is_bucket =
            *host == gallery.bucket_host(BucketRole::Frontend) && world.buckets.contains_key(&bucket);
        let is_api = world.rest_apis.keys().any(|id| *host == gallery.rest_api_host(id));
        if !is_bucket && !is_api {
            return Err(call.refuse(400, "InvalidOrigin", format!("{host} does not exist.")));
        }
    }
    let behaviors = config.patterns.iter().map(|(_, behavior)| behavior).chain([&config.default]);
    let mut policies = behaviors.map(|behavior| &behavior.response_headers_policy);
    if policies.any(|id| !id.is_empty() && !world.response_headers_policies.contains_key(id)) {
        return Err(call.refuse(404, "NoSuchResponseHeadersPolicy", "It does not exist."));
    }
    Ok(())
}

pub(super) fn distribution(
    world: &mut World,
    gallery: &Identity,
    change: &Change,
    call: Operation,
) -> Result<(), CloudError> {
    let slow = world.slow.distribution;
    let (id, config) = match change {
        Change::Create(wanted) => return create(world, gallery, wanted, call),
        Change::Update { id, config, .. } => (id, Some(config)),
        Change::Tag { id, .. } | Change::Untag { id, .. } => (id, None),
        Change::Disable { id, .. } | Change::Delete { id, .. } => (id, None),
    };
    if let Some(config) = config {
        check(world, gallery, config, call)?;
    }
    let Some(found) = world.distributions.get_mut(id) else {
        return match change {
            Change::Delete { .. } => Ok(()),
            _ => Err(call.refuse(404, "NoSuchDistribution", "The specified distribution does not exist.")),
        };
    };
    match change {
        Change::Create(_) => {}
        Change::Update { etag, config, .. } => *found.write(etag, call, slow)? = config.clone(),
        Change::Disable { etag, .. } => found.write(etag, call, slow)?.enabled = false,
        Change::Tag { tags, .. } => set_tags(&mut found.tags, tags),
        Change::Untag { keys, .. } => unset_tags(&mut found.tags, keys),
        Change::Delete { etag, .. } => {
            if found.config.enabled || found.busy.is_busy() {
                let message = "The distribution you are trying to delete has not been disabled.";
                return Err(call.refuse(409, "DistributionNotDisabled", message));
            }
            found.write(etag, call, 0)?;
            world.distributions.remove(id);
        }
    }
    Ok(())
}

fn create(
    world: &mut World,
    gallery: &Identity,
    wanted: &Desired,
    call: Operation,
) -> Result<(), CloudError> {
    let Desired { caller_reference, config, tags } = wanted;
    let mut all = world.distributions.iter();
    if let Some((id, _)) = all.find(|(_, other)| other.caller_reference == *caller_reference) {
        let message = format!(
            "The caller reference that you are using to create a distribution is associated with another \
             distribution. Already exists: {id}"
        );
        return Err(call.refuse(409, "DistributionAlreadyExists", message));
    }
    check(world, gallery, config, call)?;
    let made = Distribution {
        caller_reference: caller_reference.clone(),
        version: 1,
        busy: Busy(world.slow.distribution),
        config: config.clone(),
        others: BTreeMap::new(),
        tags: tags.clone(),
        told: None,
    };
    let id = world.assign("DIST");
    world.distributions.insert(id, made);
    Ok(())
}

pub(super) fn invalidation(
    world: &mut World,
    change: &invalidation::Change,
    call: Operation,
) -> Result<(), CloudError> {
    let missing = || call.refuse(404, "NoSuchDistribution", "The specified distribution does not exist.");
    match change {
        invalidation::Change::Create { distribution } => {
            let found = world.distributions.get_mut(distribution).ok_or_else(missing)?;
            let buckets = world.buckets.iter();
            let mut served = buckets.filter(|(name, _)| found.asks(&format!("{name}.s3.")));
            found.told = Some(served.next().map(|(_, bucket)| bucket.objects.clone()).unwrap_or_default());
        }
        invalidation::Change::Remember { distribution, site } => {
            let found = world.distributions.get_mut(distribution).ok_or_else(missing)?;
            found.tags.insert(TAG_SITE.into(), site.clone());
        }
        invalidation::Change::Forget { distribution } => {
            world.distributions.get_mut(distribution).ok_or_else(missing)?.tags.remove(TAG_SITE);
        }
    }
    Ok(())
}

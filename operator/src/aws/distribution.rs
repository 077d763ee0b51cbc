//! The distribution: found by comment or origin, told ours by its tags; one `CloudFront` write per change.

mod config;

use aws_sdk_cloudfront::types::{
    DistributionConfig, DistributionConfigWithTags, DistributionSummary, Tag, TagKeys, Tags as SdkTags,
};
use aws_smithy_types::error::operation::BuildError;

use super::Clients;
use super::error::{failed, found, invalid_request};
use super::needs::{CallNeeds, Need, On, call};
use crate::cloud::{CloudError, Foreign, Seen};
use crate::gallery::Identity;
use crate::graph::BucketRole;
use crate::names::Tags;
use crate::ownership::Ownership;
use crate::preflight::Quota;
use crate::resources::distribution::{Change, Desired, Observed};

/// What IAM asks of whoever makes these calls.
pub(super) const NEEDS: &[CallNeeds] = &[
    call("cloudfront", "ListDistributions", &[Need("cloudfront:ListDistributions", On::Anything)]),
    call("cloudfront", "ListTagsForResource", &[Need("cloudfront:ListTagsForResource", On::Distribution)]),
    call("cloudfront", "GetDistribution", &[Need("cloudfront:GetDistribution", On::OwnDistribution)]),
    call(
        "cloudfront",
        "CreateDistributionWithTags",
        &[
            Need("cloudfront:CreateDistribution", On::NewDistribution),
            Need("cloudfront:TagResource", On::NewDistribution),
        ],
    ),
    call(
        "cloudfront",
        "GetDistributionConfig",
        &[Need("cloudfront:GetDistributionConfig", On::OwnDistribution)],
    ),
    call("cloudfront", "UpdateDistribution", &[Need("cloudfront:UpdateDistribution", On::OwnDistribution)]),
    call("cloudfront", "TagResource", &[Need("cloudfront:TagResource", On::OwnDistribution)]),
    call("cloudfront", "UntagResource", &[Need("cloudfront:UntagResource", On::OwnDistribution)]),
    call("cloudfront", "DeleteDistribution", &[Need("cloudfront:DeleteDistribution", On::OwnDistribution)]),
];

const MISSING: &[&str] = &["NoSuchDistribution", "NoSuchResource"];

pub(super) async fn observe(clients: &Clients, gallery: &Identity) -> Result<Seen<Observed>, CloudError> {
    let mut left = None;
    for id in candidates(clients, gallery).await? {
        let Some(tags) = tags(clients, &gallery.distribution_arn(&id)).await? else { continue };
        if let Ownership::NotOurs(whose) = gallery.ownership(&tags) {
            // One that somebody else has made to look like ours is not in the way.
            left = left.or(whose.adopt.is_some().then_some(Foreign { name: id, whose }));
            continue;
        }
        let answer = clients.cloudfront.get_distribution().id(&id).send().await;
        let Some(answer) = found(answer, MISSING, failed("cloudfront", "GetDistribution"))? else { continue };
        let Some(distribution) = answer.distribution else { continue };
        return Ok(Seen::Ours(Observed {
            domain: distribution.domain_name,
            etag: answer.e_tag.unwrap_or_default(),
            is_deployed: distribution.status == "Deployed",
            config: distribution.distribution_config.as_ref().map(config::read).unwrap_or_default(),
            id,
            tags,
        }));
    }
    Ok(left.map_or(Seen::Nothing, Seen::Foreign))
}

/// Ids of those that look like ours. Somebody may have changed the comment, but not what it is for.
async fn candidates(clients: &Clients, gallery: &Identity) -> Result<Vec<String>, CloudError> {
    let (comment, host) = (gallery.distribution_comment(), gallery.bucket_host(BucketRole::Frontend));
    let looks_like_ours = |found: &DistributionSummary| {
        let mut origins = found.origins().into_iter().flat_map(aws_sdk_cloudfront::types::Origins::items);
        found.comment == comment || origins.any(|origin| origin.domain_name == host)
    };
    let mut pages = clients.cloudfront.list_distributions().into_paginator().send();
    let (mut ids, mut count) = (Vec::new(), 0);
    while let Some(page) = pages.next().await {
        let page = page.map_err(failed("cloudfront", "ListDistributions"))?;
        let items = page.distribution_list.and_then(|list| list.items).unwrap_or_default();
        count += items.len();
        ids.extend(items.into_iter().filter(looks_like_ours).map(|found| found.id));
    }
    clients.counts.note(Quota::Distributions, count);
    Ok(ids)
}

/// Tags of something of `CloudFront`'s; `None` when there is no such thing.
pub(super) async fn tags(clients: &Clients, arn: &str) -> Result<Option<Tags>, CloudError> {
    let answer = clients.cloudfront.list_tags_for_resource().resource(arn).send().await;
    let answer = found(answer, MISSING, failed("cloudfront", "ListTagsForResource"))?;
    let items = answer.map(|answer| answer.tags.and_then(|tags| tags.items).unwrap_or_default());
    Ok(items.map(|items| items.into_iter().map(|tag| (tag.key, tag.value.unwrap_or_default())).collect()))
}

/// `TagResource` on anything of `CloudFront`'s.
pub(super) async fn tag(clients: &Clients, arn: &str, tags: &Tags) -> Result<(), CloudError> {
    let tags = sdk_tags(tags).map_err(invalid_request("cloudfront", "TagResource"))?;
    let call = clients.cloudfront.tag_resource().resource(arn).tags(tags);
    call.send().await.map(drop).map_err(failed("cloudfront", "TagResource"))
}

/// `UntagResource` on anything of `CloudFront`'s.
pub(super) async fn untag(clients: &Clients, arn: &str, keys: &[String]) -> Result<(), CloudError> {
    let keys = TagKeys::builder().set_items(Some(keys.to_vec())).build();
    let call = clients.cloudfront.untag_resource().resource(arn).tag_keys(keys);
    call.send().await.map(drop).map_err(failed("cloudfront", "UntagResource"))
}

fn sdk_tags(tags: &Tags) -> Result<SdkTags, BuildError> {
    let items = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build());
    Ok(SdkTags::builder().set_items(Some(items.collect::<Result<_, _>>()?)).build())
}

pub(super) async fn apply(clients: &Clients, gallery: &Identity, change: &Change) -> Result<(), CloudError> {
    match change {
        Change::Create(wanted) => create(clients, wanted).await,
        Change::Update { id, etag, config } => {
            update(clients, id, etag, |current| config::write(config, current)).await
        }
        Change::Disable { id, etag } => {
            update(clients, id, etag, |mut current| {
                current.enabled = false;
                Ok(current)
            })
            .await
        }
        Change::Tag { id, tags } => tag(clients, &gallery.distribution_arn(id), tags).await,
        Change::Untag { id, keys } => untag(clients, &gallery.distribution_arn(id), keys).await,
        Change::Delete { id, etag } => {
            let answer = clients.cloudfront.delete_distribution().id(id).if_match(etag).send().await;
            found(answer, MISSING, failed("cloudfront", "DeleteDistribution")).map(drop)
        }
    }
}

async fn create(clients: &Clients, wanted: &Desired) -> Result<(), CloudError> {
    let invalid = || invalid_request("cloudfront", "CreateDistributionWithTags");
    let Desired { caller_reference, config, tags } = wanted;
    let base = DistributionConfig::builder().caller_reference(caller_reference).comment("").enabled(true);
    let config = base.build().and_then(|base| config::write(config, base)).map_err(invalid())?;
    let tags = sdk_tags(tags).map_err(invalid())?;
    let with_tags = DistributionConfigWithTags::builder().distribution_config(config).tags(tags).build();
    let call = clients.cloudfront.create_distribution_with_tags().distribution_config_with_tags(with_tags);
    call.send().await.map(drop).map_err(failed("cloudfront", "CreateDistributionWithTags"))
}

/// Reads the configuration, changes it and writes it back, if it is still the one that the plan saw.
async fn update(
    clients: &Clients,
    id: &str,
    etag: &str,
    change: impl FnOnce(DistributionConfig) -> Result<DistributionConfig, BuildError>,
) -> Result<(), CloudError> {
    let invalid = || invalid_request("cloudfront", "UpdateDistribution");
    let answer = clients.cloudfront.get_distribution_config().id(id).send().await;
    let answer = answer.map_err(failed("cloudfront", "GetDistributionConfig"))?;
    let missing = || BuildError::missing_field("distribution_config", "CloudFront did not tell it");
    let config = answer.distribution_config.ok_or_else(missing).and_then(change).map_err(invalid())?;
    let call = clients.cloudfront.update_distribution().id(id).if_match(etag).distribution_config(config);
    call.send().await.map(drop).map_err(failed("cloudfront", "UpdateDistribution"))
}

#[cfg(test)]
mod tests;

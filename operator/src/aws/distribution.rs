//! The distribution: found by comment or origin, told ours by its tags; one `CloudFront` write per change.

mod config;

use aws_sdk_cloudfront::types::{
    Distribution, DistributionConfig, DistributionConfigWithTags, Tag, TagKeys, Tags as SdkTags,
};
use aws_smithy_types::error::operation::BuildError;

use super::error::{failed, found, invalid_request};
use super::needs::{CallNeeds, Need, On, call};
use super::{Clients, Looking, lists};
use crate::cloud::{Answer, CloudError, Depth, Foreign, Seen};
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
/// Status of one whose configuration has arrived everywhere.
const DEPLOYED: &str = "Deployed";

/// A distribution of a list: what tells whose it may be.
#[derive(Debug)]
pub(super) struct Listed {
    id: String,
    comment: String,
    origins: Vec<String>,
}

pub(super) async fn observe(looking: &Looking<'_>) -> Result<Seen<Observed>, CloudError> {
    let Looking { clients, gallery, known, depth, .. } = *looking;
    // Where it was, it is, unless it is gone.
    let known = known.distribution.as_ref().filter(|_| depth != Depth::Bare);
    if let Some(known) = known
        && let Seen::Ours(found) = first_of_ours(clients, gallery, vec![known.id.clone()]).await?
    {
        return Ok(Seen::Ours(found));
    }
    let ids = candidates(looking).await?;
    first_of_ours(clients, gallery, ids).await
}

/// Ours among those that look like it.
async fn first_of_ours(
    clients: &Clients,
    gallery: &Identity,
    ids: Vec<String>,
) -> Result<Seen<Observed>, CloudError> {
    let mut left = None;
    for id in ids {
        let Some(tags) = tags(clients, &gallery.distribution_arn(&id)).await? else { continue };
        if let Ownership::NotOurs(whose) = gallery.ownership(&tags) {
            // One that somebody else has made to look like ours is not in the way.
            left = left.or(whose.adopt.is_some().then_some(Foreign { name: id, whose }));
            continue;
        }
        let answer = clients.cloudfront("GetDistribution").await.get_distribution().id(&id).send().await;
        let Some(answer) = found(answer, MISSING, failed("cloudfront", "GetDistribution"))? else { continue };
        let Some(distribution) = answer.distribution else { continue };
        return Ok(Seen::Ours(Observed {
            domain: distribution.domain_name,
            etag: answer.e_tag.unwrap_or_default(),
            is_deployed: distribution.status == DEPLOYED,
            config: distribution.distribution_config.as_ref().map(config::read).unwrap_or_default(),
            id,
            tags,
        }));
    }
    Ok(left.map_or(Seen::Nothing, Seen::Foreign))
}

/// Ids of those that look like ours. Somebody may have changed the comment, but not what it is for.
async fn candidates(looking: &Looking<'_>) -> Result<Vec<String>, CloudError> {
    let Looking { clients, gallery, .. } = *looking;
    let (comment, host) = (gallery.distribution_comment(), gallery.bucket_host(BucketRole::Frontend));
    let looks_like_ours = |found: &&Listed| found.comment == comment || found.origins.contains(&host);
    let pick = |all: &Vec<Listed>| {
        let ids: Vec<_> = all.iter().filter(looks_like_ours).map(|found| found.id.clone()).collect();
        (!ids.is_empty()).then_some(ids)
    };
    let found = lists::find(looking, &clients.account_lists.distributions, || list(clients), pick).await?;
    Ok(found.unwrap_or_default())
}

async fn list(clients: &Clients) -> Result<Vec<Listed>, CloudError> {
    let mut pages =
        clients.cloudfront("ListDistributions").await.list_distributions().into_paginator().send();
    let mut all = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(failed("cloudfront", "ListDistributions"))?;
        let items = page.distribution_list.and_then(|list| list.items).unwrap_or_default();
        all.extend(items.into_iter().map(|found| {
            let origins = found.origins().into_iter().flat_map(aws_sdk_cloudfront::types::Origins::items);
            let origins = origins.map(|origin| origin.domain_name.clone()).collect();
            Listed { origins, id: found.id, comment: found.comment }
        }));
    }
    clients.counts.note(Quota::Distributions, all.len());
    Ok(all)
}

/// Tags of something of `CloudFront`'s; `None` when there is no such thing.
pub(super) async fn tags(clients: &Clients, arn: &str) -> Result<Option<Tags>, CloudError> {
    let answer =
        clients.cloudfront("ListTagsForResource").await.list_tags_for_resource().resource(arn).send().await;
    let answer = found(answer, MISSING, failed("cloudfront", "ListTagsForResource"))?;
    let items = answer.map(|answer| answer.tags.and_then(|tags| tags.items).unwrap_or_default());
    Ok(items.map(|items| items.into_iter().map(|tag| (tag.key, tag.value.unwrap_or_default())).collect()))
}

/// `TagResource` on anything of `CloudFront`'s.
pub(super) async fn tag(clients: &Clients, arn: &str, tags: &Tags) -> Result<(), CloudError> {
    let tags = sdk_tags(tags).map_err(invalid_request("cloudfront", "TagResource"))?;
    let call = clients.cloudfront("TagResource").await.tag_resource().resource(arn).tags(tags);
    call.send().await.map(drop).map_err(failed("cloudfront", "TagResource"))
}

/// `UntagResource` on anything of `CloudFront`'s.
pub(super) async fn untag(clients: &Clients, arn: &str, keys: &[String]) -> Result<(), CloudError> {
    let keys = TagKeys::builder().set_items(Some(keys.to_vec())).build();
    let call = clients.cloudfront("UntagResource").await.untag_resource().resource(arn).tag_keys(keys);
    call.send().await.map(drop).map_err(failed("cloudfront", "UntagResource"))
}

fn sdk_tags(tags: &Tags) -> Result<SdkTags, BuildError> {
    let items = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build());
    Ok(SdkTags::builder().set_items(Some(items.collect::<Result<_, _>>()?)).build())
}

pub(super) async fn apply(
    clients: &Clients,
    gallery: &Identity,
    change: &Change,
) -> Result<Answer, CloudError> {
    match change {
        Change::Create(wanted) => return create(clients, wanted).await,
        Change::Update { id, etag, config } => {
            return update(clients, id, etag, |current| config::write(config, current)).await;
        }
        Change::Disable { id, etag } => {
            let disable = |mut current: DistributionConfig| {
                current.enabled = false;
                Ok(current)
            };
            return update(clients, id, etag, disable).await;
        }
        Change::Tag { id, tags } => tag(clients, &gallery.distribution_arn(id), tags).await,
        Change::Untag { id, keys } => untag(clients, &gallery.distribution_arn(id), keys).await,
        Change::Delete { id, etag } => {
            let client = clients.cloudfront("DeleteDistribution").await;
            let answer = client.delete_distribution().id(id).if_match(etag).send().await;
            found(answer, MISSING, failed("cloudfront", "DeleteDistribution")).map(drop)
        }
    }
    .map(|()| Answer::Done)
}

async fn create(clients: &Clients, wanted: &Desired) -> Result<Answer, CloudError> {
    let invalid = || invalid_request("cloudfront", "CreateDistributionWithTags");
    let Desired { caller_reference, config, tags } = wanted;
    let base = DistributionConfig::builder().caller_reference(caller_reference).comment("").enabled(true);
    let config = base.build().and_then(|base| config::write(config, base)).map_err(invalid())?;
    let tags = sdk_tags(tags).map_err(invalid())?;
    let with_tags = DistributionConfigWithTags::builder().distribution_config(config).tags(tags).build();
    let client = clients.cloudfront("CreateDistributionWithTags").await;
    let call = client.create_distribution_with_tags().distribution_config_with_tags(with_tags);
    let made = call.send().await.map_err(failed("cloudfront", "CreateDistributionWithTags"))?;
    Ok(answered(made.distribution, made.e_tag))
}

/// Reads the configuration, changes it and writes it back, if it is still the one that the plan saw.
async fn update(
    clients: &Clients,
    id: &str,
    etag: &str,
    change: impl FnOnce(DistributionConfig) -> Result<DistributionConfig, BuildError>,
) -> Result<Answer, CloudError> {
    let invalid = || invalid_request("cloudfront", "UpdateDistribution");
    let client = clients.cloudfront("GetDistributionConfig").await;
    let answer = client.get_distribution_config().id(id).send().await;
    let answer = answer.map_err(failed("cloudfront", "GetDistributionConfig"))?;
    let missing = || BuildError::missing_field("distribution_config", "CloudFront did not tell it");
    let config = answer.distribution_config.ok_or_else(missing).and_then(change).map_err(invalid())?;
    let client = clients.cloudfront("UpdateDistribution").await;
    let call = client.update_distribution().id(id).if_match(etag).distribution_config(config);
    let made = call.send().await.map_err(failed("cloudfront", "UpdateDistribution"))?;
    Ok(answered(made.distribution, made.e_tag))
}

fn answered(made: Option<Distribution>, etag: Option<String>) -> Answer {
    match (made, etag) {
        (Some(made), Some(etag)) => Answer::Distribution {
            is_deployed: made.status == DEPLOYED,
            id: made.id,
            domain: made.domain_name,
            etag,
        },
        _ => Answer::Done,
    }
}

#[cfg(test)]
mod tests;

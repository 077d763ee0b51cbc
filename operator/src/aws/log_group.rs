//! Calls for `resources::log_group`.

use std::collections::BTreeMap;

use functions_core::contract::FunctionName;

use super::error::{failed, found};
use super::needs::{CallNeeds, Need, On, call};
use super::{Clients, Looking, by_tags};
use crate::cloud::{CloudError, Seen};
use crate::gallery::Identity;
use crate::graph::ResourceId;
use crate::names::Tags;
use crate::resources::log_group::{Change, Observed};

/// What IAM asks of whoever makes these calls.
pub(super) const NEEDS: &[CallNeeds] = &[
    call("logs", "DescribeLogGroups", &[Need("logs:DescribeLogGroups", On::Anything)]),
    call("logs", "ListTagsForResource", &[Need("logs:ListTagsForResource", On::LogGroup)]),
    call(
        "logs",
        "CreateLogGroup",
        &[Need("logs:CreateLogGroup", On::LogGroup), Need("logs:TagResource", On::LogGroup)],
    ),
    call("logs", "PutRetentionPolicy", &[Need("logs:PutRetentionPolicy", On::LogGroup)]),
    call("logs", "TagResource", &[Need("logs:TagResource", On::LogGroup)]),
    call("logs", "UntagResource", &[Need("logs:UntagResource", On::LogGroup)]),
    call("logs", "DeleteLogGroup", &[Need("logs:DeleteLogGroup", On::LogGroup)]),
];

pub(super) async fn observe(looking: &Looking<'_>, name: FunctionName) -> Result<Seen<Observed>, CloudError> {
    let Looking { clients, gallery, .. } = *looking;
    let group = gallery.log_group(name);
    let groups = looking.groups.get_or_try_init(|| Groups::read(clients, gallery)).await?;
    let found_group = groups.0.get(&group).copied();
    let Some(retention_days) = found_group else { return Ok(Seen::Nothing) };
    let call = clients
        .logs("ListTagsForResource")
        .await
        .list_tags_for_resource()
        .resource_arn(gallery.log_group_arn(name))
        .send();
    let tags = found(call.await, &["ResourceNotFoundException"], failed("logs", "ListTagsForResource"))?;
    let Some(tags) = tags else { return Ok(Seen::Nothing) };
    let tags = tags.tags.unwrap_or_default().into_iter();
    let tags: Tags = tags.filter(|(key, _)| !key.starts_with("aws:")).collect();
    let seen = Observed { retention_days, tags: tags.clone() };
    // A function's last words can bring back what we deleted, and then it is bare.
    if tags.is_empty() && clients.recent.was_deleted(gallery, ResourceId::LogGroup(name)) {
        return Ok(Seen::Ours(seen));
    }
    Ok(by_tags(gallery, &tags, &group, seen))
}

/// The log groups whose names begin like those of a gallery, with their retention: one call for all four, where no other gallery's
/// name begins with this one's.
#[derive(Debug)]
pub(super) struct Groups(BTreeMap<String, Option<i32>>);

impl Groups {
    async fn read(clients: &Clients, gallery: &Identity) -> Result<Self, CloudError> {
        let names = FunctionName::ALL.map(|name| gallery.log_group(name));
        let prefix = names.iter().fold(names[0].as_str(), |prefix, name| common(prefix, name));
        let call =
            clients.logs("DescribeLogGroups").await.describe_log_groups().log_group_name_prefix(prefix);
        let pages = call.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
        let groups = pages.map_err(failed("logs", "DescribeLogGroups"))?.into_iter();
        let groups = groups.filter_map(|group| Some((group.log_group_name?, group.retention_in_days)));
        Ok(Self(groups.collect()))
    }
}

/// What two names have in common at the beginning.
fn common<'a>(one: &'a str, other: &str) -> &'a str {
    let same = one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    // Names are of ASCII letters.
    one.get(..same).unwrap_or_default()
}

pub(super) async fn apply(
    clients: &Clients,
    gallery: &Identity,
    name: FunctionName,
    change: &Change,
) -> Result<(), CloudError> {
    let (group, arn) = (gallery.log_group(name), gallery.log_group_arn(name));
    match change {
        Change::Create(tags) => {
            let call = clients.logs("CreateLogGroup").await.create_log_group().log_group_name(group);
            let call = call.set_tags(Some(tags.clone().into_iter().collect())).send();
            call.await.map_err(failed("logs", "CreateLogGroup"))?;
        }
        Change::Keep { days } => {
            let call = clients
                .logs("PutRetentionPolicy")
                .await
                .put_retention_policy()
                .log_group_name(group)
                .retention_in_days(*days)
                .send();
            call.await.map_err(failed("logs", "PutRetentionPolicy"))?;
        }
        Change::SetTags(tags) => {
            let call = clients
                .logs("TagResource")
                .await
                .tag_resource()
                .resource_arn(arn)
                .set_tags(Some(tags.clone().into_iter().collect()));
            call.send().await.map_err(failed("logs", "TagResource"))?;
        }
        Change::RemoveTags(keys) => {
            let call = clients
                .logs("UntagResource")
                .await
                .untag_resource()
                .resource_arn(arn)
                .set_tag_keys(Some(keys.clone()));
            call.send().await.map_err(failed("logs", "UntagResource"))?;
        }
        Change::Delete => {
            let call = clients.logs("DeleteLogGroup").await.delete_log_group().log_group_name(group).send();
            found(call.await, &["ResourceNotFoundException"], failed("logs", "DeleteLogGroup"))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudwatchlogs::Client;
    use aws_sdk_cloudwatchlogs::operation::create_log_group::CreateLogGroupOutput;
    use aws_sdk_cloudwatchlogs::operation::describe_log_groups::DescribeLogGroupsOutput;
    use aws_sdk_cloudwatchlogs::operation::list_tags_for_resource::ListTagsForResourceOutput;
    use aws_sdk_cloudwatchlogs::types::LogGroup;
    use aws_smithy_mocks::{Rule, mock};

    use super::*;
    use crate::cloud::Answer;
    use crate::resources;
    use crate::testing::clients::{clients, json_refusal};
    use crate::testing::galleries::identity;

    const NAME: FunctionName = FunctionName::List;

    fn groups(suffixes: &'static [&'static str]) -> Rule {
        mock!(Client::describe_log_groups).then_output(|| {
            let name = identity("photos", "summer").log_group(NAME);
            let group =
                |suffix| LogGroup::builder().log_group_name(format!("{name}{suffix}")).retention_in_days(30);
            let groups = suffixes.iter().map(|suffix| group(suffix).build()).collect();
            DescribeLogGroupsOutput::builder().set_log_groups(Some(groups)).build()
        })
    }

    fn tagged(tags: Tags) -> Rule {
        mock!(Client::list_tags_for_resource)
            // With `:*` at its end AWS refuses the ARN.
            .match_requests(|request| request.resource_arn().is_some_and(|arn| !arn.ends_with('*')))
            .then_output(move || {
                ListTagsForResourceOutput::builder()
                    .set_tags(Some(tags.clone().into_iter().collect()))
                    .build()
            })
    }

    #[tokio::test]
    async fn only_the_exact_name_is_found() {
        let gallery = identity("photos", "summer");
        let seen = observe(&Looking::whole(&clients(&[&groups(&["-other"])]), &gallery), NAME).await.unwrap();
        assert_eq!(seen, Seen::Nothing);
        let (found, tags) = (groups(&["", "-other"]), tagged(gallery.owner_tags()));
        let seen = observe(&Looking::whole(&clients(&[&found, &tags]), &gallery), NAME).await.unwrap();
        assert_eq!(seen, Seen::Ours(Observed { retention_days: Some(30), tags: gallery.owner_tags() }));
    }

    #[tokio::test]
    async fn a_log_group_without_our_tags_is_not_ours() {
        let (found, tags) = (groups(&[""]), tagged(Tags::new()));
        let seen = observe(&Looking::whole(&clients(&[&found, &tags]), &identity("photos", "summer")), NAME)
            .await
            .unwrap();
        assert!(matches!(seen, Seen::Foreign(_)), "{seen:?}");
    }

    #[tokio::test]
    async fn a_group_that_comes_back_after_its_deletion_is_ours() {
        let (found, tags) = (groups(&[""]), tagged(Tags::new()));
        let (clients, gallery) = (clients(&[&found, &tags]), identity("photos", "summer"));
        clients.recent.note(&gallery, &resources::Change::LogGroup(NAME, Change::Delete), &Ok(Answer::Done));
        let seen = observe(&Looking::whole(&clients, &gallery), NAME).await.unwrap();
        assert_eq!(seen, Seen::Ours(Observed { retention_days: Some(30), tags: Tags::new() }));
    }

    #[tokio::test]
    async fn a_log_group_is_made_with_its_tags() {
        let gallery = identity("photos", "summer");
        let rule = mock!(Client::create_log_group)
            .match_requests(|request| {
                let gallery = identity("photos", "summer");
                request.log_group_name() == Some(&gallery.log_group(NAME))
                    && request.tags().is_some_and(|tags| tags.len() == gallery.owner_tags().len())
            })
            .then_output(|| CreateLogGroupOutput::builder().build());
        apply(&clients(&[&rule]), &gallery, NAME, &Change::Create(gallery.owner_tags())).await.unwrap();
        assert_eq!(rule.num_calls(), 1);
    }

    #[tokio::test]
    async fn deleting_what_is_gone_is_no_error() {
        let message = "The specified log group does not exist.";
        let rule = mock!(Client::delete_log_group)
            .then_http_response(|| json_refusal("ResourceNotFoundException", message));
        apply(&clients(&[&rule]), &identity("photos", "summer"), NAME, &Change::Delete).await.unwrap();
    }
}

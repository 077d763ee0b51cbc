//! What the whole AWS account holds, listed as its root: a witness that does not trust the operator.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use functions_core::contract::FunctionName;
use photogallery_operator::graph::BucketRole;
use photogallery_tests::local_aws::Clients;
use photogallery_tests::stack::Stack;

use super::Gallery;

/// One line a resource, such as `bucket pg-photos-…`. Of resources whose names may repeat, the id stands in the line too.
pub type Inventory = BTreeSet<String>;

/// Everything of the kinds that a gallery is made of, and the users and policies that nobody should make.
pub async fn inventory(stack: &Stack) -> Result<Inventory> {
    let aws = stack.aws();
    let mut all = Inventory::new();
    let mut add =
        |kind: &str, names: Vec<String>| all.extend(names.into_iter().map(|name| format!("{kind} {name}")));
    add("bucket", buckets(aws).await?);
    add("table", aws.dynamodb.list_tables().send().await?.table_names.unwrap_or_default());
    add("function", functions(aws).await?);
    add("role", aws.iam.list_roles().send().await?.roles.into_iter().map(|role| role.role_name).collect());
    add("user", aws.iam.list_users().send().await?.users.into_iter().map(|user| user.user_name).collect());
    add("log group", log_groups(aws).await?);
    add("REST API", rest_apis(aws).await?);
    add("distribution", distributions(aws).await?);
    add("origin access control", origin_access_controls(aws).await?);
    add("response headers policy", response_headers_policies(aws).await?);
    Ok(all)
}

/// What all galleries share, and what stays when they go: the artefact bucket, the origin access control, the headers policy.
pub fn is_shared(line: &str) -> bool {
    ["bucket pg-artefacts-", "origin access control pg-", "response headers policy pg-headers-"]
        .iter()
        .any(|start| line.starts_with(start))
}

/// The inventory without what is shared.
pub async fn unshared(stack: &Stack) -> Result<Inventory> {
    let mut all = inventory(stack).await?;
    all.retain(|line| !is_shared(line));
    Ok(all)
}

/// The resources of a gallery that have names of their own; REST API and distribution are found by [`count`].
pub fn named_resources(gallery: &Gallery<'_>) -> Inventory {
    let identity = gallery.identity();
    let buckets = BucketRole::OF_A_GALLERY.map(|role| format!("bucket {}", identity.bucket(role)));
    let functions = FunctionName::ALL.iter().flat_map(|function| {
        [
            format!("function {}", identity.function(*function)),
            format!("role {}", identity.role(*function)),
            format!("log group {}", identity.log_group(*function)),
        ]
    });
    buckets.into_iter().chain(functions).chain([format!("table {}", identity.table())]).collect()
}

async fn buckets(aws: &Clients) -> Result<Vec<String>> {
    let buckets = aws.s3.list_buckets().send().await?.buckets.unwrap_or_default();
    Ok(buckets.into_iter().filter_map(|bucket| bucket.name).collect())
}

async fn functions(aws: &Clients) -> Result<Vec<String>> {
    let pages = aws.lambda.list_functions().into_paginator().items().send();
    let functions = pages.collect::<Result<Vec<_>, _>>().await.context("failed to list functions")?;
    Ok(functions.into_iter().filter_map(|function| function.function_name).collect())
}

async fn log_groups(aws: &Clients) -> Result<Vec<String>> {
    let pages = aws.logs.describe_log_groups().into_paginator().items().send();
    let groups = pages.collect::<Result<Vec<_>, _>>().await.context("failed to list log groups")?;
    Ok(groups.into_iter().filter_map(|group| group.log_group_name).collect())
}

async fn rest_apis(aws: &Clients) -> Result<Vec<String>> {
    let pages = aws.apigateway.get_rest_apis().into_paginator().items().send();
    let apis = pages.collect::<Result<Vec<_>, _>>().await.context("failed to list REST APIs")?;
    Ok(apis
        .into_iter()
        .map(|api| format!("{} {}", api.name.unwrap_or_default(), api.id.unwrap_or_default()))
        .collect())
}

async fn distributions(aws: &Clients) -> Result<Vec<String>> {
    let list = aws.cloudfront.list_distributions().send().await?.distribution_list;
    let items = list.and_then(|list| list.items).unwrap_or_default();
    Ok(items
        .into_iter()
        .map(|distribution| format!("{} {}", distribution.comment, distribution.id))
        .collect())
}

async fn origin_access_controls(aws: &Clients) -> Result<Vec<String>> {
    let list = aws.cloudfront.list_origin_access_controls().send().await?.origin_access_control_list;
    let items = list.and_then(|list| list.items).unwrap_or_default();
    Ok(items.into_iter().map(|control| format!("{} {}", control.name, control.id)).collect())
}

async fn response_headers_policies(aws: &Clients) -> Result<Vec<String>> {
    let list = aws.cloudfront.list_response_headers_policies().send().await?.response_headers_policy_list;
    let items = list.and_then(|list| list.items).unwrap_or_default().into_iter();
    let policies = items.filter_map(|item| item.response_headers_policy);
    Ok(policies
        .map(|policy| {
            let name = policy.response_headers_policy_config.map(|config| config.name).unwrap_or_default();
            format!("{name} {}", policy.id)
        })
        .collect())
}

/// How many lines of the inventory start like this.
pub fn count(inventory: &Inventory, start: &str) -> usize {
    inventory.iter().filter(|line| line.starts_with(start)).count()
}

/// Checks that the gallery is there, whole and once.
pub async fn exists_once(gallery: &Gallery<'_>) -> Result<()> {
    let all = inventory(gallery.stack).await?;
    let missing: Vec<_> = named_resources(gallery).difference(&all).cloned().collect();
    ensure!(missing.is_empty(), "missing: {missing:#?}");
    let identity = gallery.identity();
    for start in [
        format!("REST API {} ", identity.rest_api()),
        format!("distribution {} ", identity.distribution_comment()),
    ] {
        ensure!(count(&all, &start) == 1, "{start}is not there once: {all:#?}");
    }
    Ok(())
}

//! What the whole AWS account holds, and what of it is a gallery's.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use functions_core::contract::FunctionName;
use photogallery_operator::graph::BucketRole;
use photogallery_tests::inventory;
use photogallery_tests::stack::Stack;

use super::Gallery;

/// One line a resource, such as `bucket pg-photos-…`. Of resources whose names may repeat, the id stands in the line too.
pub type Inventory = BTreeSet<String>;

/// Everything of the kinds that a gallery is made of, and the users that nobody should make.
pub async fn inventory(stack: &Stack) -> Result<Inventory> {
    Ok(inventory::names(stack.aws()).await?.iter().map(ToString::to_string).collect())
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

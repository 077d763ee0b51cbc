//! Calls for `resources::table`.

use std::time::{Duration, SystemTime};

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, CreateGlobalSecondaryIndexAction, DeleteGlobalSecondaryIndexAction,
    GlobalSecondaryIndex, GlobalSecondaryIndexDescription, GlobalSecondaryIndexUpdate, IndexStatus,
    KeySchemaElement, KeyType, PointInTimeRecoverySpecification, PointInTimeRecoveryStatus, Projection,
    ProjectionType, ScalarAttributeType, TableDescription, TableStatus, Tag,
};
use aws_smithy_types::error::operation::BuildError;
use functions_core::contract::table::{LISTING, NEWEST_FIRST, PHOTO_ID};
use futures::try_join;

use super::error::{failed, found, invalid_request};
use super::needs::{CallNeeds, Need, On, call};
use super::{Clients, Looking, by_tags};
use crate::cloud::{CloudError, Depth, Seen};
use crate::gallery::Identity;
use crate::names::Tags;
use crate::resources::table::{Change, Index, Observed, Status};

/// What IAM asks of whoever makes these calls.
pub(super) const NEEDS: &[CallNeeds] = &[
    call("dynamodb", "DescribeTable", &[Need("dynamodb:DescribeTable", On::Table)]),
    call("dynamodb", "ListTagsOfResource", &[Need("dynamodb:ListTagsOfResource", On::Table)]),
    call("dynamodb", "DescribeContinuousBackups", &[Need("dynamodb:DescribeContinuousBackups", On::Table)]),
    call(
        "dynamodb",
        "CreateTable",
        &[Need("dynamodb:CreateTable", On::Table), Need("dynamodb:TagResource", On::Table)],
    ),
    call("dynamodb", "UpdateContinuousBackups", &[Need("dynamodb:UpdateContinuousBackups", On::Table)]),
    call("dynamodb", "UpdateTable", &[Need("dynamodb:UpdateTable", On::Table)]),
    call("dynamodb", "TagResource", &[Need("dynamodb:TagResource", On::Table)]),
    call("dynamodb", "UntagResource", &[Need("dynamodb:UntagResource", On::Table)]),
    call("dynamodb", "DeleteTable", &[Need("dynamodb:DeleteTable", On::Table)]),
];

/// How long a table's tags may stay unread after its creation before it counts as one without tags.
const TAGS_LATENCY: Duration = Duration::from_secs(30);

pub(super) async fn observe(looking: &Looking<'_>) -> Result<Seen<Observed>, CloudError> {
    let Looking { clients, gallery, .. } = *looking;
    let call = clients.dynamodb.describe_table().table_name(gallery.table()).send();
    let table = found(call.await, &["ResourceNotFoundException"], failed("dynamodb", "DescribeTable"))?;
    let Some(table) = table.and_then(|answer| answer.table) else { return Ok(Seen::Nothing) };
    let mut seen = observed(&table);
    // Neither tags nor backups are told of a table that comes or goes. Nobody does anything to it meanwhile.
    if matches!(seen.status, Status::Creating | Status::Deleting) {
        return Ok(Seen::Ours(seen));
    }
    let has_recovery =
        async { if looking.depth == Depth::Bare { Ok(false) } else { has_recovery(clients, gallery).await } };
    let (tags, has_recovery) = try_join!(tags(clients, gallery), has_recovery)?;
    if tags.is_empty() && is_young(&table) {
        seen.status = Status::Creating;
        return Ok(Seen::Ours(seen));
    }
    (seen.tags, seen.has_recovery) = (tags, has_recovery);
    let tags = seen.tags.clone();
    Ok(by_tags(gallery, &tags, &gallery.table(), seen))
}

fn observed(table: &TableDescription) -> Observed {
    let status = match table.table_status() {
        Some(TableStatus::Creating) => Status::Creating,
        Some(TableStatus::Updating) => Status::Updating,
        Some(TableStatus::Deleting) => Status::Deleting,
        _ => Status::Active,
    };
    // Absent for provisioned capacity.
    let mode = table.billing_mode_summary().and_then(|summary| summary.billing_mode());
    Observed {
        status,
        is_on_demand: mode == Some(&BillingMode::PayPerRequest),
        index: index_of(table),
        has_recovery: false,
        is_protected: table.deletion_protection_enabled() == Some(true),
        tags: Tags::new(),
    }
}

/// One that is going is gone; it is made anew when `DynamoDB` is done.
fn index_of(table: &TableDescription) -> Index {
    let is_ours = |index: &&GlobalSecondaryIndexDescription| {
        index.index_name() == Some(NEWEST_FIRST) && index.index_status() != Some(&IndexStatus::Deleting)
    };
    let Some(found) = table.global_secondary_indexes().iter().find(is_ours) else { return Index::Missing };
    let keys: Vec<_> = found.key_schema().iter().map(|key| (key.attribute_name(), key.key_type())).collect();
    let projected = found.projection().and_then(Projection::projection_type);
    if keys == [(LISTING, &KeyType::Hash), (PHOTO_ID, &KeyType::Range)]
        && projected == Some(&ProjectionType::All)
    {
        return Index::AsPlanned;
    }
    let names: Vec<_> = keys.into_iter().map(|(name, _)| name).collect();
    let projected = projected.map_or("no", ProjectionType::as_str);
    Index::Other(format!("{}, {projected} attributes", names.join(" ")))
}

fn is_young(table: &TableDescription) -> bool {
    let created = table.creation_date_time().and_then(|created| SystemTime::try_from(*created).ok());
    let age = created.and_then(|created| SystemTime::now().duration_since(created).ok());
    age.is_some_and(|age| age < TAGS_LATENCY)
}

async fn tags(clients: &Clients, gallery: &Identity) -> Result<Tags, CloudError> {
    let (mut tags, mut next) = (Tags::new(), None);
    loop {
        let call =
            clients.dynamodb.list_tags_of_resource().resource_arn(gallery.table_arn()).set_next_token(next);
        let page = call.send().await;
        let page = found(page, &["ResourceNotFoundException"], failed("dynamodb", "ListTagsOfResource"))?;
        let Some(page) = page else { return Ok(tags) };
        let ours = page.tags.unwrap_or_default().into_iter().filter(|tag| !tag.key.starts_with("aws:"));
        tags.extend(ours.map(|tag| (tag.key, tag.value)));
        next = page.next_token;
        if next.is_none() {
            return Ok(tags);
        }
    }
}

async fn has_recovery(clients: &Clients, gallery: &Identity) -> Result<bool, CloudError> {
    let call = clients.dynamodb.describe_continuous_backups().table_name(gallery.table()).send();
    let codes = ["TableNotFoundException"];
    let answer = found(call.await, &codes, failed("dynamodb", "DescribeContinuousBackups"))?;
    let backups = answer.and_then(|answer| answer.continuous_backups_description);
    let recovery = backups.and_then(|backups| backups.point_in_time_recovery_description);
    let status = recovery.and_then(|recovery| recovery.point_in_time_recovery_status);
    Ok(status == Some(PointInTimeRecoveryStatus::Enabled))
}

pub(super) async fn apply(clients: &Clients, gallery: &Identity, change: &Change) -> Result<(), CloudError> {
    let (dynamodb, name) = (&clients.dynamodb, gallery.table());
    let update = |call: aws_sdk_dynamodb::operation::update_table::builders::UpdateTableFluentBuilder| async {
        call.send().await.map_err(failed("dynamodb", "UpdateTable")).map(drop)
    };
    match change {
        Change::Create(tags) => create(clients, gallery, tags).await,
        Change::EnableRecovery => {
            let recovery =
                PointInTimeRecoverySpecification::builder().point_in_time_recovery_enabled(true).build();
            let recovery = recovery.map_err(invalid_request("dynamodb", "UpdateContinuousBackups"))?;
            let call = dynamodb.update_continuous_backups().table_name(name);
            let call = call.point_in_time_recovery_specification(recovery).send();
            call.await.map_err(failed("dynamodb", "UpdateContinuousBackups")).map(drop)
        }
        Change::PayPerRequest => {
            update(dynamodb.update_table().table_name(name).billing_mode(BillingMode::PayPerRequest)).await
        }
        Change::AddIndex => {
            let (attributes, index) = attributes()
                .and_then(|attributes| Ok((attributes, new_index()?)))
                .map_err(invalid_request("dynamodb", "UpdateTable"))?;
            let index = GlobalSecondaryIndexUpdate::builder().create(index).build();
            let call = dynamodb.update_table().table_name(name).set_attribute_definitions(Some(attributes));
            update(call.global_secondary_index_updates(index)).await
        }
        Change::RemoveIndex => {
            let gone = DeleteGlobalSecondaryIndexAction::builder().index_name(NEWEST_FIRST).build();
            let gone = gone.map_err(invalid_request("dynamodb", "UpdateTable"))?;
            let index = GlobalSecondaryIndexUpdate::builder().delete(gone).build();
            update(dynamodb.update_table().table_name(name).global_secondary_index_updates(index)).await
        }
        Change::SetTags(tags) => {
            let tags = to_tags(tags).map_err(invalid_request("dynamodb", "TagResource"))?;
            let call = dynamodb.tag_resource().resource_arn(gallery.table_arn()).set_tags(Some(tags)).send();
            call.await.map_err(failed("dynamodb", "TagResource")).map(drop)
        }
        Change::RemoveTags(keys) => {
            let call = dynamodb.untag_resource().resource_arn(gallery.table_arn());
            let call = call.set_tag_keys(Some(keys.clone())).send();
            call.await.map_err(failed("dynamodb", "UntagResource")).map(drop)
        }
        Change::AllowDeletion => {
            update(dynamodb.update_table().table_name(name).deletion_protection_enabled(false)).await
        }
        Change::Delete => {
            let call = dynamodb.delete_table().table_name(name).send();
            found(call.await, &["ResourceNotFoundException"], failed("dynamodb", "DeleteTable")).map(drop)
        }
    }
}

async fn create(clients: &Clients, gallery: &Identity, tags: &Tags) -> Result<(), CloudError> {
    let invalid = || invalid_request("dynamodb", "CreateTable");
    let index = index().map_err(invalid())?;
    let call = clients
        .dynamodb
        .create_table()
        .table_name(gallery.table())
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(Some(attributes().map_err(invalid())?))
        .key_schema(key(PHOTO_ID, KeyType::Hash).map_err(invalid())?)
        .global_secondary_indexes(index)
        .set_tags(Some(to_tags(tags).map_err(invalid())?));
    call.send().await.map_err(failed("dynamodb", "CreateTable")).map(drop)
}

fn attributes() -> Result<Vec<AttributeDefinition>, BuildError> {
    let string = |name| {
        AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S).build()
    };
    Ok(vec![string(PHOTO_ID)?, string(LISTING)?])
}

fn index() -> Result<GlobalSecondaryIndex, BuildError> {
    GlobalSecondaryIndex::builder()
        .index_name(NEWEST_FIRST)
        .set_key_schema(Some(index_keys()?))
        .projection(everything())
        .build()
}

fn new_index() -> Result<CreateGlobalSecondaryIndexAction, BuildError> {
    CreateGlobalSecondaryIndexAction::builder()
        .index_name(NEWEST_FIRST)
        .set_key_schema(Some(index_keys()?))
        .projection(everything())
        .build()
}

fn index_keys() -> Result<Vec<KeySchemaElement>, BuildError> {
    Ok(vec![key(LISTING, KeyType::Hash)?, key(PHOTO_ID, KeyType::Range)?])
}

fn everything() -> Projection {
    Projection::builder().projection_type(ProjectionType::All).build()
}

fn key(name: &str, kind: KeyType) -> Result<KeySchemaElement, BuildError> {
    KeySchemaElement::builder().attribute_name(name).key_type(kind).build()
}

fn to_tags(tags: &Tags) -> Result<Vec<Tag>, BuildError> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

#[cfg(test)]
mod tests;

//! What stays in AWS when a gallery goes. The account is listed as its root, so that nothing depends on what the operator knows
//! of; what all galleries share (see `account::is_shared`) may stay.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use functions_core::contract::FunctionName;
use http::Method;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, DeleteParams};
use photogallery_operator::graph::BucketRole;
use photogallery_tests::wait;
use serde_json::json;

use crate::photos::{follow, processed};
use crate::support::account::{Inventory, inventory, is_shared, unshared};
use crate::support::gallery::Event;
use crate::support::pictures::phone_jpeg;
use crate::support::{Gallery, alone};

#[test]
fn with_delete_nothing_is_left() -> Result<()> {
    alone("delete", &[], async |stack| {
        let before = unshared(stack).await?;
        let gallery = Gallery::apply(stack, "delete", json!({ "deletionPolicy": "Delete" })).await?;
        let visitor = gallery.visitor().await?;
        // Old versions and delete markers keep a bucket from being empty just as objects do.
        let bucket = gallery.identity().bucket(BucketRole::Photos);
        let enabled = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
        stack
            .aws()
            .s3
            .put_bucket_versioning()
            .bucket(&bucket)
            .versioning_configuration(enabled)
            .send()
            .await?;
        let first = visitor.upload("a.jpg", "image/jpeg", &phone_jpeg(60, 80)?).await?;
        visitor.upload("b.jpg", "image/jpeg", &phone_jpeg(80, 60)?).await?;
        processed(&visitor, 2).await?;
        ensure!(visitor.api(Method::DELETE, &format!("/api/photos/{first}"), None).await?.0 == 204);
        // Nobody could delete a role with a policy that somebody else has added.
        let role = gallery.identity().role(FunctionName::List);
        let policy = json!({ "Version": "2012-10-17", "Statement": [
            { "Effect": "Deny", "Action": "s3:GetBucketAcl", "Resource": "*" },
        ]});
        let put = stack.aws().iam.put_role_policy().role_name(role).policy_name("of-others");
        put.policy_document(policy.to_string()).send().await?;

        gallery.delete().await?;

        let left = unshared(stack).await?;
        ensure!(left == before, "left: {:#?}", left.difference(&before).collect::<Vec<_>>());
        let shared: Vec<_> = inventory(stack).await?.into_iter().filter(|line| is_shared(line)).collect();
        ensure!(shared.len() == 3, "shared by all galleries are {shared:#?}");
        ends_with(&gallery, "Deleted", "everything, photos included").await
    })
}

#[test]
fn with_retain_exactly_photos_and_rows_are_left_and_the_next_gallery_of_the_name_takes_them_back()
-> Result<()> {
    alone("retain", &[], async |stack| {
        let before = unshared(stack).await?;
        let gallery = Gallery::apply(stack, "retain", json!({})).await?;
        let visitor = gallery.visitor().await?;
        let files = [phone_jpeg(60, 80)?, phone_jpeg(80, 60)?];
        for (number, file) in files.iter().enumerate() {
            visitor.upload(&format!("{number}.jpg"), "image/jpeg", file).await?;
        }
        let photos = processed(&visitor, 2).await?;
        let data = data(&gallery).await?;

        gallery.delete().await?;

        let identity = gallery.identity();
        let (bucket, table) = (identity.bucket(BucketRole::Photos), identity.table());
        let kept: Inventory = [format!("bucket {bucket}"), format!("table {table}")].into();
        let left: Inventory = unshared(stack).await?.difference(&before).cloned().collect();
        ensure!(left == kept, "left are {left:#?}, not {kept:#?}");
        ensure!(data == self::data(&gallery).await?, "the data is not what it was");
        is_marked(&gallery, true).await?;
        let note = format!("photos in s3://{bucket} (2 objects), metadata in table {table}");
        ends_with(&gallery, "Retained", &note).await?;

        gallery.apply_again(json!({})).await?;

        let visitor = gallery.visitor().await?;
        let again = visitor.photos().await?;
        let ids =
            |photos: &[serde_json::Value]| photos.iter().map(|it| it["photoId"].clone()).collect::<Vec<_>>();
        ensure!(ids(&again) == ids(&photos), "{again:#?}");
        for (photo, file) in again.iter().zip(files.iter().rev()) {
            let original = follow(&photo["url"]).await?;
            ensure!(
                original.status() == 200 && original.body() == file,
                "{} is not what it was",
                photo["filename"]
            );
        }
        is_marked(&gallery, false).await?;
        visitor.upload("new.jpg", "image/jpeg", &files[0]).await?;
        ensure!(processed(&visitor, 3).await?[0]["status"] == "ready");
        Ok(())
    })
}

#[test]
fn a_deleted_namespace_ends_and_leaves_only_what_is_retained() -> Result<()> {
    alone("namespace", &[], async |stack| {
        let before = unshared(stack).await?;
        let (gone, kept) = futures::try_join!(
            Gallery::apply_in(stack, "doomed", "gone", json!({ "deletionPolicy": "Delete" })),
            Gallery::apply_in(stack, "doomed", "kept", json!({}))
        )?;
        for gallery in [&gone, &kept] {
            let visitor = gallery.visitor().await?;
            visitor.upload("a.jpg", "image/jpeg", &phone_jpeg(60, 80)?).await?;
            processed(&visitor, 1).await?;
        }
        let data = data(&kept).await?;

        let namespaces: Api<Namespace> = Api::all(stack.kube());
        namespaces.delete("doomed", &DeleteParams::default()).await?;
        wait::until("the namespace's end", Duration::from_secs(90), async || {
            Ok(namespaces.get_opt("doomed").await?.is_none().then_some(()))
        })
        .await?;

        let identity = kept.identity();
        let expected: Inventory = [
            format!("bucket {}", identity.bucket(BucketRole::Photos)),
            format!("table {}", identity.table()),
        ]
        .into();
        let left: Inventory = unshared(stack).await?.difference(&before).cloned().collect();
        ensure!(left == expected, "left are {left:#?}, not {expected:#?}");
        ensure!(data == self::data(&kept).await?, "the data is not what it was");
        is_marked(&kept, true).await
    })
}

/// The objects of the photos bucket with their digests, and the rows.
async fn data(gallery: &Gallery<'_>) -> Result<(BTreeMap<String, String>, BTreeSet<String>)> {
    let (identity, aws) = (gallery.identity(), gallery.stack.aws());
    let objects = aws.s3.list_objects_v2().bucket(identity.bucket(BucketRole::Photos)).send().await?;
    let objects = objects.contents().iter().map(|object| {
        (object.key().unwrap_or_default().to_owned(), object.e_tag().unwrap_or_default().to_owned())
    });
    let rows = aws.dynamodb.scan().table_name(identity.table()).send().await?;
    let rows = rows.items().iter().map(|row| {
        let sorted: BTreeMap<_, _> = row.iter().collect();
        format!("{sorted:?}")
    });
    Ok((objects.collect(), rows.collect()))
}

/// Is the data marked as retained?
async fn is_marked(gallery: &Gallery<'_>, expected: bool) -> Result<()> {
    const TAG: &str = "photogallery.dev/retained";
    let (identity, aws) = (gallery.identity(), gallery.stack.aws());
    let bucket = aws.s3.get_bucket_tagging().bucket(identity.bucket(BucketRole::Photos)).send().await?;
    let table = aws.dynamodb.list_tags_of_resource().resource_arn(identity.table_arn()).send().await?;
    let bucket_is = bucket.tag_set().iter().any(|tag| tag.key() == TAG);
    let table_is = table.tags().iter().any(|tag| tag.key() == TAG);
    ensure!(
        bucket_is == expected && table_is == expected,
        "bucket {bucket_is}, table {table_is}, not {expected}"
    );
    Ok(())
}

async fn ends_with(gallery: &Gallery<'_>, reason: &str, note: &str) -> Result<()> {
    let events = gallery.events().await?;
    let last = Event { warning: false, reason: reason.into(), note: note.into() };
    ensure!(events.last().context("no events")? == &last, "the story ends otherwise: {events:#?}");
    Ok(())
}

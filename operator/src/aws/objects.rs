//! Listing and deleting the objects of a bucket, for the kinds that live in one.

use std::collections::BTreeMap;

use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use aws_smithy_types::error::operation::BuildError;
use futures::{StreamExt, TryStreamExt, stream};

use super::error::{classify, failed, found, invalid_request};
use super::needs::{CallNeeds, Need, On, call};
use super::{Clients, bucket};
use crate::cloud::{CloudError, Message};
use crate::gallery::Identity;
use crate::graph::BucketRole;

/// What IAM asks of whoever makes these calls.
pub(super) const NEEDS: &[CallNeeds] = &[
    call("s3", "ListObjectsV2", &[Need("s3:ListBucket", On::Bucket)]),
    call("s3", "ListObjectVersions", &[Need("s3:ListBucketVersions", On::Bucket)]),
    call(
        "s3",
        "DeleteObjects",
        &[Need("s3:DeleteObject", On::Object), Need("s3:DeleteObjectVersion", On::Object)],
    ),
    call("s3", "ListMultipartUploads", &[Need("s3:ListBucketMultipartUploads", On::Bucket)]),
    call("s3", "AbortMultipartUpload", &[Need("s3:AbortMultipartUpload", On::Object)]),
];

/// How many pages of up to 1000 versions one call of [`empty`] deletes. What is left is for the next round, so that a
/// gallery with many photos does not keep the others waiting.
const PAGES: usize = 20;
/// Unfinished uploads that are ended at the same time.
const AT_ONCE: usize = 8;

/// What a list tells of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Listed {
    /// `ETag` without quotes.
    pub etag: String,
    /// When it was last written, in seconds since 1970.
    pub written: i64,
}

/// Objects below a prefix by key. `None` when the bucket is not there or not this account's.
pub(super) async fn list(
    clients: &Clients,
    gallery: &Identity,
    role: BucketRole,
    prefix: &str,
) -> Result<Option<BTreeMap<String, Listed>>, CloudError> {
    let call = clients.s3.list_objects_v2().bucket(gallery.bucket(role)).prefix(prefix);
    let mut pages = call.expected_bucket_owner(bucket::account(gallery)).into_paginator().send();
    let mut objects = BTreeMap::new();
    while let Some(page) = pages.next().await {
        let Some(page) = bucket::part(page, &[], failed("s3", "ListObjectsV2"))? else { return Ok(None) };
        objects.extend(page.contents.unwrap_or_default().into_iter().filter_map(|object| {
            let etag = object.e_tag.unwrap_or_default().trim_matches('"').to_owned();
            let written = object.last_modified.map_or(0, |time| time.secs());
            Some((object.key?, Listed { etag, written }))
        }));
    }
    Ok(Some(objects))
}

/// Deletes what is in a bucket: every version, every marker, every unfinished upload, as far as [`PAGES`] go.
pub(super) async fn empty(clients: &Clients, gallery: &Identity, role: BucketRole) -> Result<(), CloudError> {
    end_uploads(clients, gallery, role).await?;
    for _ in 0..PAGES {
        // Always the first page: what the last one held is gone.
        let call = clients.s3.list_object_versions().bucket(gallery.bucket(role));
        let page = call.expected_bucket_owner(bucket::account(gallery)).send().await;
        let page = found(page, &["NoSuchBucket"], failed("s3", "ListObjectVersions"))?;
        let Some(page) = page else { return Ok(()) };
        let versions = page.versions().iter().map(|version| (version.key(), version.version_id()));
        let markers = page.delete_markers().iter().map(|marker| (marker.key(), marker.version_id()));
        let objects: Vec<_> =
            versions.chain(markers).filter_map(|(key, version)| Some((key?, version))).collect();
        if objects.is_empty() {
            return Ok(());
        }
        delete(clients, gallery, role, &objects).await?;
    }
    Ok(())
}

/// Deletes up to 1000 objects, each with its version where it matters. Objects that are not there count as deleted.
pub(super) async fn delete(
    clients: &Clients,
    gallery: &Identity,
    role: BucketRole,
    objects: &[(&str, Option<&str>)],
) -> Result<(), CloudError> {
    let objects = to_delete(objects).map_err(invalid_request("s3", "DeleteObjects"))?;
    let call = clients.s3.delete_objects().bucket(gallery.bucket(role)).delete(objects);
    let call = call.expected_bucket_owner(bucket::account(gallery)).send();
    let answer = call.await.map_err(failed("s3", "DeleteObjects"))?;
    // The answer is a success whatever became of the objects.
    let Some(error) = answer.errors().first() else { return Ok(()) };
    let (code, message) = (error.code().unwrap_or_default(), error.message().unwrap_or_default());
    let key = error.key().unwrap_or_default();
    Err(CloudError {
        service: "s3",
        operation: "DeleteObjects",
        kind: classify(Some(200), code, message),
        code: code.to_owned(),
        source: Message(format!("{key}: {message}")),
    })
}

fn to_delete(objects: &[(&str, Option<&str>)]) -> Result<Delete, BuildError> {
    let objects = objects.iter().map(|(key, version)| {
        ObjectIdentifier::builder().key(*key).set_version_id(version.map(str::to_owned)).build()
    });
    Delete::builder().quiet(true).set_objects(Some(objects.collect::<Result<_, _>>()?)).build()
}

/// They do not keep a bucket from being deleted, but they cost.
async fn end_uploads(clients: &Clients, gallery: &Identity, role: BucketRole) -> Result<(), CloudError> {
    let (s3, name, owner) = (&clients.s3, &gallery.bucket(role), bucket::account(gallery));
    let page = s3.list_multipart_uploads().bucket(name).expected_bucket_owner(owner).send().await;
    let page = found(page, &["NoSuchBucket"], failed("s3", "ListMultipartUploads"))?;
    let uploads = page.and_then(|page| page.uploads).unwrap_or_default();
    stream::iter(uploads)
        .map(Ok)
        .try_for_each_concurrent(AT_ONCE, |upload| async move {
            let call = s3.abort_multipart_upload().bucket(name).expected_bucket_owner(owner);
            let call = call.set_key(upload.key).set_upload_id(upload.upload_id).send().await;
            found(call, &["NoSuchUpload", "NoSuchBucket"], failed("s3", "AbortMultipartUpload")).map(drop)
        })
        .await
}

#[cfg(test)]
mod tests;

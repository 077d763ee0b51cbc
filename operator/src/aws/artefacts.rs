//! Calls for `resources::artefacts`.

use std::collections::BTreeMap;

use aws_sdk_s3::primitives::ByteStream;

use super::error::{failed, unreadable};
use super::needs::{CallNeeds, Need, On, call};
use super::objects::Listed;
use super::{Clients, bucket, objects};
use crate::cloud::{CloudError, Seen};
use crate::gallery::Identity;
use crate::graph::BucketRole;
use crate::resources::artefacts::{Change, Observed, PREFIX};

/// What IAM asks of whoever makes these calls.
pub(super) const NEEDS: &[CallNeeds] = &[call("s3", "PutObject", &[Need("s3:PutObject", On::Zip)])];

const ROLE: BucketRole = BucketRole::Artefacts;

/// Only called for a bucket that is ours: whoever could put zips into another one could have our functions run them.
pub(super) async fn observe(clients: &Clients, gallery: &Identity) -> Result<Seen<Observed>, CloudError> {
    let objects = objects::list(clients, gallery, ROLE, PREFIX).await?;
    let keys =
        |objects: BTreeMap<String, Listed>| objects.into_iter().map(|(key, object)| (key, object.etag));
    Ok(objects.map_or(Seen::Nothing, |objects| Seen::Ours(Observed { keys: keys(objects).collect() })))
}

pub(super) async fn apply(
    clients: &Clients,
    gallery: &Identity,
    Change::Put { key, zip }: &Change,
) -> Result<(), CloudError> {
    let body = zip.body.read().await.map_err(unreadable("s3", "PutObject"))?;
    let call =
        clients.s3.put_object().bucket(gallery.bucket(ROLE)).expected_bucket_owner(bucket::account(gallery));
    let call = call.key(key).content_type("application/zip").checksum_sha256(&zip.sha256);
    let call = call.body(ByteStream::from(body)).send();
    call.await.map_err(failed("s3", "PutObject")).map(drop)
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::Client;
    use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
    use aws_sdk_s3::operation::put_object::PutObjectOutput;
    use aws_sdk_s3::types::Object;
    use aws_smithy_mocks::mock;
    use functions_core::contract::FunctionName;

    use super::*;
    use crate::resources::{Body, artefacts};
    use crate::testing::clients::clients;
    use crate::testing::galleries::identity;

    #[tokio::test]
    async fn all_pages_of_our_bucket_are_read() {
        let page = |keys: std::ops::Range<usize>, next: Option<&str>| {
            let objects = keys.map(|key| Object::builder().key(format!("functions/{key}")).build()).collect();
            let page = ListObjectsV2Output::builder().set_contents(Some(objects));
            page.is_truncated(next.is_some()).set_next_continuation_token(next.map(str::to_owned)).build()
        };
        let first = mock!(Client::list_objects_v2)
            .match_requests(|request| {
                request.prefix() == Some("functions/") && request.continuation_token().is_none()
            })
            .then_output(move || page(0..1000, Some("more")));
        let second = mock!(Client::list_objects_v2)
            .match_requests(|request| request.continuation_token() == Some("more"))
            .then_output(move || page(1000..1002, None));
        let clients = clients(&[&first, &second]);
        let Seen::Ours(seen) = observe(&clients, &identity("photos", "summer")).await.unwrap() else {
            panic!()
        };
        assert_eq!(seen.keys.len(), 1002);
    }

    #[tokio::test]
    async fn s3_is_told_the_digest_to_check() {
        let rule = mock!(Client::put_object)
            .match_requests(|request| {
                request.key() == Some("functions/0/list-arm64.zip")
                    && request.checksum_sha256() == Some("c2hh")
                    && request.expected_bucket_owner() == Some("123456789012")
            })
            .then_output(|| PutObjectOutput::builder().build());
        let zip = artefacts::Zip {
            function: FunctionName::List,
            sha256: "c2hh".into(),
            md5: "0123".into(),
            body: Body::Memory("zip".into()),
        };
        let change = Change::Put { key: "functions/0/list-arm64.zip".into(), zip };
        apply(&clients(&[&rule]), &identity("photos", "summer"), &change).await.unwrap();
        assert_eq!(rule.num_calls(), 1);
    }
}

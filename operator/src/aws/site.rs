//! Calls for `resources::site`.

use aws_sdk_s3::primitives::ByteStream;

use super::error::{failed, unreadable};
use super::needs::{CallNeeds, Need, On, call};
use super::{Clients, bucket, objects};
use crate::cloud::{CloudError, Seen};
use crate::gallery::Identity;
use crate::graph::BucketRole;
use crate::resources::site::{Change, Observed};

/// What IAM asks of whoever makes these calls.
pub(super) const NEEDS: &[CallNeeds] = &[call("s3", "PutObject", &[Need("s3:PutObject", On::SiteObject)])];

const ROLE: BucketRole = BucketRole::Frontend;

pub(super) async fn observe(clients: &Clients, gallery: &Identity) -> Result<Seen<Observed>, CloudError> {
    let files = objects::list(clients, gallery, ROLE, "").await?;
    Ok(files.map_or(Seen::Nothing, |files| Seen::Ours(Observed { files })))
}

pub(super) async fn apply(clients: &Clients, gallery: &Identity, change: &Change) -> Result<(), CloudError> {
    match change {
        Change::Put { path, file } => {
            let body = file.body.read().await.map_err(unreadable("s3", "PutObject"))?;
            let call = clients.s3.put_object().bucket(gallery.bucket(ROLE)).key(path);
            let call = call.expected_bucket_owner(bucket::account(gallery));
            let call = call.content_type(file.content_type).cache_control(file.cache_control);
            let call = call.body(ByteStream::from(body)).send();
            call.await.map_err(failed("s3", "PutObject")).map(drop)
        }
        Change::Delete(paths) => {
            let objects: Vec<_> = paths.iter().map(|path| (path.as_str(), None)).collect();
            objects::delete(clients, gallery, ROLE, &objects).await
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::Client;
    use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
    use aws_sdk_s3::operation::put_object::PutObjectOutput;
    use aws_sdk_s3::types::Object;
    use aws_smithy_mocks::mock;

    use super::*;
    use crate::resources::{Body, site};
    use crate::testing::clients::{clients, refusal};
    use crate::testing::galleries::identity;

    #[tokio::test]
    async fn a_file_is_known_by_its_digest_without_quotes() {
        let rule = mock!(Client::list_objects_v2).then_output(|| {
            let page = Object::builder().key("index.html").e_tag("\"0123\"").build();
            ListObjectsV2Output::builder().contents(page).build()
        });
        let Seen::Ours(seen) = observe(&clients(&[&rule]), &identity("photos", "summer")).await.unwrap()
        else {
            panic!()
        };
        assert_eq!(seen.files["index.html"], "0123");
    }

    #[tokio::test]
    async fn an_empty_bucket_is_an_empty_site_and_no_bucket_is_none() {
        let rule = mock!(Client::list_objects_v2).then_output(|| ListObjectsV2Output::builder().build());
        let seen = observe(&clients(&[&rule]), &identity("photos", "summer")).await.unwrap();
        assert_eq!(seen, Seen::Ours(Observed::default()));
        let rule = mock!(Client::list_objects_v2).then_http_response(|| refusal(404, "NoSuchBucket", "none"));
        let seen = observe(&clients(&[&rule]), &identity("photos", "summer")).await.unwrap();
        assert_eq!(seen, Seen::Nothing);
    }

    #[tokio::test]
    async fn a_file_is_stored_with_its_headers() {
        let rule = mock!(Client::put_object)
            .match_requests(|request| {
                request.key() == Some("index.html")
                    && request.content_type() == Some("text/html; charset=utf-8")
                    && request.cache_control() == Some("no-cache")
            })
            .then_output(|| PutObjectOutput::builder().build());
        let file = site::File {
            md5: "0123".into(),
            content_type: "text/html; charset=utf-8",
            cache_control: "no-cache",
            body: Body::Memory("<!doctype html>".into()),
        };
        let change = Change::Put { path: "index.html".into(), file };
        apply(&clients(&[&rule]), &identity("photos", "summer"), &change).await.unwrap();
        assert_eq!(rule.num_calls(), 1);
    }
}

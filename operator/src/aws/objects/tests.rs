//! Emptying a bucket, as S3 has it.

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::abort_multipart_upload::AbortMultipartUploadOutput;
use aws_sdk_s3::operation::delete_objects::DeleteObjectsOutput;
use aws_sdk_s3::operation::list_multipart_uploads::ListMultipartUploadsOutput;
use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use aws_sdk_s3::types::{DeleteMarkerEntry, Error, MultipartUpload, ObjectVersion};
use aws_smithy_mocks::{Rule, mock};

use super::*;
use crate::cloud::ErrorKind;
use crate::testing::clients::{clients, refusal};
use crate::testing::galleries::identity;

const ROLE: BucketRole = BucketRole::Photos;

fn no_uploads() -> Rule {
    mock!(Client::list_multipart_uploads).then_output(|| ListMultipartUploadsOutput::builder().build())
}

fn one_page() -> ListObjectVersionsOutput {
    let version = ObjectVersion::builder().key("photos/a").version_id("null").build();
    let marker = DeleteMarkerEntry::builder().key("photos/b").version_id("v1").build();
    ListObjectVersionsOutput::builder().versions(version).delete_markers(marker).build()
}

#[tokio::test]
async fn versions_and_markers_are_deleted_until_none_is_left() {
    let list = mock!(Client::list_object_versions)
        .sequence()
        .output(one_page)
        .output(|| ListObjectVersionsOutput::builder().build())
        .build();
    let delete = mock!(Client::delete_objects)
        .match_requests(|request| {
            let objects = request.delete().map(Delete::objects).unwrap_or_default();
            let objects: Vec<_> = objects.iter().map(|object| (object.key(), object.version_id())).collect();
            objects == [("photos/a", Some("null")), ("photos/b", Some("v1"))]
        })
        .then_output(|| DeleteObjectsOutput::builder().build());
    empty(&clients(&[&no_uploads(), &list, &delete]), &identity("photos", "summer"), ROLE).await.unwrap();
    assert_eq!((list.num_calls(), delete.num_calls()), (2, 1));
}

#[tokio::test]
async fn a_bucket_with_very_many_objects_is_left_to_the_next_round() {
    let list = mock!(Client::list_object_versions).then_output(one_page);
    let delete = mock!(Client::delete_objects).then_output(|| DeleteObjectsOutput::builder().build());
    empty(&clients(&[&no_uploads(), &list, &delete]), &identity("photos", "summer"), ROLE).await.unwrap();
    assert_eq!(list.num_calls(), PAGES);
}

#[tokio::test]
async fn an_object_that_could_not_be_deleted_is_told_though_the_answer_is_a_success() {
    let answers = [("InternalError", ErrorKind::Unavailable), ("AccessDenied", ErrorKind::AccessDenied)];
    for (code, kind) in answers {
        let delete = mock!(Client::delete_objects).then_output(move || {
            let error =
                Error::builder().key("photos/a").code(code).message("We encountered an error").build();
            DeleteObjectsOutput::builder().errors(error).build()
        });
        let error =
            super::delete(&clients(&[&delete]), &identity("photos", "summer"), ROLE, &[("photos/a", None)])
                .await;
        let error = error.unwrap_err();
        assert_eq!(error.kind, kind);
        assert_eq!(error.source.0, "photos/a: We encountered an error");
    }
}

#[tokio::test]
async fn unfinished_uploads_are_ended() {
    let uploads = mock!(Client::list_multipart_uploads).then_output(|| {
        let upload = |id: &str| MultipartUpload::builder().key("incoming/a").upload_id(id).build();
        ListMultipartUploadsOutput::builder().uploads(upload("1")).uploads(upload("2")).build()
    });
    let one = mock!(Client::abort_multipart_upload)
        .match_requests(|request| request.upload_id() == Some("1"))
        .then_output(|| AbortMultipartUploadOutput::builder().build());
    let gone = mock!(Client::abort_multipart_upload)
        .match_requests(|request| request.upload_id() == Some("2"))
        .then_http_response(|| refusal(404, "NoSuchUpload", "gone"));
    let none =
        mock!(Client::list_object_versions).then_output(|| ListObjectVersionsOutput::builder().build());
    let clients = clients(&[&uploads, &one, &gone, &none]);
    empty(&clients, &identity("photos", "summer"), ROLE).await.unwrap();
    assert_eq!((one.num_calls(), gone.num_calls()), (1, 1));
}

#[tokio::test]
async fn a_bucket_that_is_gone_is_empty() {
    let rule =
        mock!(Client::list_object_versions).then_http_response(|| refusal(404, "NoSuchBucket", "none"));
    empty(&clients(&[&no_uploads(), &rule]), &identity("photos", "summer"), ROLE).await.unwrap();
}

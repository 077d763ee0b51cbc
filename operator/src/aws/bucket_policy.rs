//! Calls for `resources::bucket_policy`.

use super::error::failed;
use super::needs::{CallNeeds, Need, On, call};
use super::{Clients, bucket};
use crate::cloud::{CloudError, Seen};
use crate::gallery::Identity;
use crate::graph::BucketRole;
use crate::resources::bucket_policy::{Change, Observed};
use crate::resources::document;

/// What IAM asks of whoever makes these calls.
pub(super) const NEEDS: &[CallNeeds] = &[
    call("s3", "GetBucketPolicy", &[Need("s3:GetBucketPolicy", On::Bucket)]),
    call("s3", "PutBucketPolicy", &[Need("s3:PutBucketPolicy", On::Bucket)]),
];

pub(super) async fn observe(
    clients: &Clients,
    gallery: &Identity,
    role: BucketRole,
) -> Result<Seen<Observed>, CloudError> {
    let call = clients.s3.get_bucket_policy().bucket(gallery.bucket(role));
    let answer = call.expected_bucket_owner(bucket::account(gallery)).send().await;
    let answer = bucket::part(answer, &["NoSuchBucketPolicy"], failed("s3", "GetBucketPolicy"))?;
    let policy = answer.and_then(|answer| answer.policy);
    Ok(policy.map_or(Seen::Nothing, |policy| Seen::Ours(Observed { document: document::parse(&policy) })))
}

pub(super) async fn apply(
    clients: &Clients,
    gallery: &Identity,
    role: BucketRole,
    Change::Put(policy): &Change,
) -> Result<(), CloudError> {
    let call = clients.s3.put_bucket_policy().bucket(gallery.bucket(role)).policy(document::text(policy));
    let call = call.expected_bucket_owner(bucket::account(gallery)).send();
    call.await.map_err(failed("s3", "PutBucketPolicy")).map(drop)
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::Client;
    use aws_sdk_s3::operation::put_bucket_policy::PutBucketPolicyOutput;
    use aws_smithy_mocks::mock;
    use serde_json::json;

    use super::*;
    use crate::testing::clients::{clients, refusal};
    use crate::testing::galleries::identity;

    const ROLE: BucketRole = BucketRole::Photos;

    #[tokio::test]
    async fn no_policy_no_bucket_and_another_account_s_bucket_are_nothing_here() {
        for (status, code, message) in [
            (404, "NoSuchBucketPolicy", "The bucket policy does not exist"),
            (404, "NoSuchBucket", "The specified bucket does not exist"),
            (403, "AccessDenied", "Access Denied"),
        ] {
            let rule =
                mock!(Client::get_bucket_policy).then_http_response(move || refusal(status, code, message));
            let seen = observe(&clients(&[&rule]), &identity("photos", "summer"), ROLE).await.unwrap();
            assert_eq!(seen, Seen::Nothing, "{code}");
        }
    }

    #[tokio::test]
    async fn a_refusal_is_not_mistaken_for_a_missing_policy() {
        let message =
            "User: arn:aws:iam::123456789012:user/x is not authorized to perform: s3:GetBucketPolicy";
        let rule =
            mock!(Client::get_bucket_policy).then_http_response(|| refusal(403, "AccessDenied", message));
        let error = observe(&clients(&[&rule]), &identity("photos", "summer"), ROLE).await.unwrap_err();
        assert_eq!(error.kind, crate::cloud::ErrorKind::AccessDenied);
    }

    #[tokio::test]
    async fn the_policy_goes_to_the_bucket_of_this_account() {
        let rule = mock!(Client::put_bucket_policy)
            .match_requests(|request| {
                request.bucket().is_some_and(|bucket| bucket.starts_with("pg-photos-summer-photos-"))
                    && request.expected_bucket_owner() == Some("123456789012")
                    && request.policy() == Some(r#"{"Statement":[],"Version":"2012-10-17"}"#)
            })
            .then_output(|| PutBucketPolicyOutput::builder().build());
        let change = Change::Put(json!({"Version": "2012-10-17", "Statement": []}));
        apply(&clients(&[&rule]), &identity("photos", "summer"), ROLE, &change).await.unwrap();
        assert_eq!(rule.num_calls(), 1);
    }
}

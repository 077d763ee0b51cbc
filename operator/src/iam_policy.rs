//! The policy that the operator's own role needs: `photogallery-operator iam-policy`.
//!
//! Every action is one that `crate::aws` calls, and no more; names begin with the prefix of the installation and roles lie
//! below one path, so the operator cannot touch anything else. It cannot read photos: it gets objects from the artefact
//! bucket and from the sites' buckets only. REST APIs and distributions have ids that AWS assigns, so these two are limited to what they are, not to
//! which; there the operator's own rule holds, that it changes nothing without its tags.

use std::io::Write as _;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::names::ROLE_PATH;
use crate::resources::document::sorted;

/// Prints the policy as JSON.
pub fn print(account: &str, partition: &str, prefix: &str) -> ExitCode {
    let policy = sorted(&policy(account, partition, prefix));
    // A reader that has seen enough, such as `head`, closes the pipe.
    let is_written = writeln!(std::io::stdout(), "{policy:#}").is_ok();
    if is_written { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The policy for an operator in `account` whose names begin with `prefix`. Holds for every region.
pub fn policy(account: &str, partition: &str, prefix: &str) -> Value {
    let arn = |service: &str, resource: &str| format!("arn:{partition}:{service}:*:{account}:{resource}");
    let bucket = |rest: &str| format!("arn:{partition}:s3:::{prefix}-{rest}");
    let role = |names: &str| format!("arn:{partition}:iam::{account}:role{ROLE_PATH}{names}");
    let api = |path: &str| format!("arn:{partition}:apigateway:*::/{path}");
    let own = |actions: &[&str], resource: String| {
        // S3's ARNs hold no account: somebody else may have a bucket that begins with the prefix.
        let account = json!({"StringEquals": {"aws:ResourceAccount": account}});
        json!({"Effect": "Allow", "Action": actions, "Resource": resource, "Condition": account})
    };
    let allow = |actions: &[&str], resource: Value| json!({"Effect": "Allow", "Action": actions, "Resource": resource});
    json!({
        "Version": "2012-10-17",
        "Statement": [
            // What a creation needs: a bucket that is not there has no account yet.
            allow(&["s3:CreateBucket", "s3:PutBucketOwnershipControls", "s3:TagResource"], json!(bucket("*"))),
            own(BUCKET, bucket("*")),
            own(OBJECT, bucket("*/*")),
            // Lambda takes the code in the name of whoever makes the function.
            own(&["s3:GetObject"], bucket("artefacts-*/*")),
            // The headers of the site's files. A name ends in a hash of eight characters.
            own(&["s3:GetObject"], bucket("*-site-????????/*")),
            allow(TABLE, json!(arn("dynamodb", &format!("table/{prefix}-*")))),
            allow(LOG_GROUP, json!(arn("logs", &format!("log-group:/aws/lambda/{prefix}-*")))),
            // A list by prefix, which AWS does not check by group.
            allow(&["logs:DescribeLogGroups"], json!("*")),
            allow(ROLE, json!(role(&format!("{prefix}-*")))),
            // A role that is not there has no path, and asking for it would be denied instead of answered with "none".
            allow(&["iam:GetRole"], json!(format!("arn:{partition}:iam::{account}:role/{prefix}-*"))),
            json!({
                "Effect": "Allow",
                "Action": "iam:PassRole",
                "Resource": role("*"),
                "Condition": {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}},
            }),
            allow(FUNCTION, json!(arn("lambda", &format!("function:{prefix}-*")))),
            allow(
                &["apigateway:DELETE", "apigateway:GET", "apigateway:PATCH", "apigateway:POST", "apigateway:PUT"],
                json!([api("restapis"), api("restapis/*"), api("tags/*")]),
            ),
            allow(CLOUDFRONT, json!("*")),
        ],
    })
}

const BUCKET: &[&str] = &[
    "s3:DeleteBucket",
    "s3:GetBucketCORS",
    "s3:GetBucketNotification",
    "s3:GetBucketOwnershipControls",
    "s3:GetBucketPolicy",
    "s3:GetBucketPublicAccessBlock",
    "s3:GetBucketTagging",
    "s3:GetEncryptionConfiguration",
    "s3:GetLifecycleConfiguration",
    "s3:ListBucket",
    "s3:ListBucketMultipartUploads",
    "s3:ListBucketVersions",
    "s3:PutBucketAcl",
    "s3:PutBucketCORS",
    "s3:PutBucketNotification",
    "s3:PutBucketPolicy",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketTagging",
    "s3:PutEncryptionConfiguration",
    "s3:PutLifecycleConfiguration",
];

const OBJECT: &[&str] =
    &["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObject"];

const TABLE: &[&str] = &[
    "dynamodb:CreateTable",
    "dynamodb:DeleteTable",
    "dynamodb:DescribeContinuousBackups",
    "dynamodb:DescribeTable",
    "dynamodb:ListTagsOfResource",
    "dynamodb:TagResource",
    "dynamodb:UntagResource",
    "dynamodb:UpdateContinuousBackups",
    "dynamodb:UpdateTable",
];

const LOG_GROUP: &[&str] = &[
    "logs:CreateLogGroup",
    "logs:DeleteLogGroup",
    "logs:ListTagsForResource",
    "logs:PutRetentionPolicy",
    "logs:TagResource",
    "logs:UntagResource",
];

const ROLE: &[&str] = &[
    "iam:CreateRole",
    "iam:DeleteRole",
    "iam:DeleteRolePolicy",
    "iam:DetachRolePolicy",
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies",
    "iam:ListRolePolicies",
    "iam:PutRolePolicy",
    "iam:TagRole",
    "iam:UntagRole",
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateRole",
];

const FUNCTION: &[&str] = &[
    "lambda:AddPermission",
    "lambda:CreateFunction",
    "lambda:DeleteFunction",
    "lambda:DeleteFunctionConcurrency",
    "lambda:GetFunction",
    "lambda:GetPolicy",
    "lambda:ListTags",
    "lambda:PutFunctionConcurrency",
    "lambda:RemovePermission",
    "lambda:TagResource",
    "lambda:UntagResource",
    "lambda:UpdateFunctionCode",
    "lambda:UpdateFunctionConfiguration",
];

const CLOUDFRONT: &[&str] = &[
    "cloudfront:CreateDistribution",
    // AWS asks for the one above and for TagResource; what stands in for it asks for the call's own name.
    "cloudfront:CreateDistributionWithTags",
    "cloudfront:CreateInvalidation",
    "cloudfront:CreateOriginAccessControl",
    "cloudfront:CreateResponseHeadersPolicy",
    "cloudfront:DeleteDistribution",
    "cloudfront:GetDistribution",
    "cloudfront:GetDistributionConfig",
    "cloudfront:GetOriginAccessControlConfig",
    "cloudfront:GetResponseHeadersPolicyConfig",
    "cloudfront:ListDistributions",
    "cloudfront:ListOriginAccessControls",
    "cloudfront:ListResponseHeadersPolicies",
    "cloudfront:ListTagsForResource",
    "cloudfront:TagResource",
    "cloudfront:UntagResource",
    "cloudfront:UpdateDistribution",
    "cloudfront:UpdateOriginAccessControl",
    "cloudfront:UpdateResponseHeadersPolicy",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_fits_into_a_managed_policy() {
        let policy = policy("123456789012", "aws-us-gov", &"p".repeat(crate::names::PREFIX_LENGTH));
        // IAM does not count white space.
        assert!(policy.to_string().len() <= 6144, "{} characters", policy.to_string().len());
    }

    #[test]
    fn it_is_as_reviewed() {
        insta::assert_yaml_snapshot!(sorted(&policy("123456789012", "aws", "pg")));
    }

    #[test]
    fn only_lists_and_cloudfront_are_not_limited_to_names() {
        let policy = policy("123456789012", "aws", "pg");
        let all =
            policy["Statement"].as_array().unwrap().iter().filter(|statement| statement["Resource"] == "*");
        let actions = all.flat_map(|statement| statement["Action"].as_array().unwrap());
        for action in actions.map(|action| action.as_str().unwrap()) {
            assert!(action.starts_with("cloudfront:") || action == "logs:DescribeLogGroups", "{action}");
        }
    }

    #[test]
    fn it_holds_every_call_to_a_service_whose_actions_are_named_like_its_calls() {
        let policy = policy("123456789012", "aws", "pg").to_string();
        let mut sources = Vec::new();
        read(concat!(env!("CARGO_MANIFEST_DIR"), "/src/aws").as_ref(), &mut sources);
        let mut calls = 0;
        for source in &sources {
            let named = source.split("failed(\"").skip(1).filter_map(|rest| rest.split_once("\")"));
            for (service, operation) in named.filter_map(|(call, _)| call.split_once("\", \"")) {
                if !["s3", "apigateway"].contains(&service) {
                    calls += 1;
                    assert!(
                        policy.contains(&format!("\"{service}:{operation}\"")),
                        "{service}:{operation} is missing"
                    );
                }
            }
        }
        assert!(calls > 40, "only {calls} calls found");
    }

    fn read(folder: &std::path::Path, sources: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                read(&path, sources);
            } else {
                sources.push(std::fs::read_to_string(path).unwrap());
            }
        }
    }
}

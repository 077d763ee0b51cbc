//! Which AWS operation a change is, and how it is refused.

use crate::aws::error::classify;
use crate::cloud::{CloudError, Message};
use crate::resources::stage::Call;
use crate::resources::{
    Change, artefacts, bucket, bucket_policy, deployment, distribution, function, invalidation, log_group,
    notification, origin_access_control, permission, response_headers_policy, rest_api, role, site, table,
    upload_cors,
};

/// An operation of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Operation {
    /// As IAM names it.
    pub service: &'static str,
    /// As AWS names it.
    pub name: &'static str,
}

impl Operation {
    /// A refusal, of the kind that the real one would be.
    pub(crate) fn refuse(self, status: u16, code: &str, message: impl Into<String>) -> CloudError {
        let message = message.into();
        CloudError {
            service: self.service,
            operation: self.name,
            kind: classify(Some(status), code, &message),
            code: code.to_owned(),
            source: Message(message),
        }
    }

    /// A refusal of what AWS would let through, though it never should happen.
    pub(super) fn forbid(self, message: impl Into<String>) -> CloudError {
        self.refuse(400, "Strict", message)
    }
}

/// The operation that makes a change. Where `apply` makes more than one call, the one that writes last.
pub(super) fn of(change: &Change) -> Operation {
    let (service, name) = match change {
        Change::OriginAccessControl(change) => ("cloudfront", origin_access_control_name(change)),
        Change::ResponseHeadersPolicy(change) => ("cloudfront", response_headers_policy_name(change)),
        Change::Bucket(_, change) => ("s3", bucket_name(change)),
        Change::Table(change) => ("dynamodb", table_name(change)),
        Change::LogGroup(_, change) => ("logs", log_group_name(change)),
        Change::Role(_, change) => ("iam", role_name(change)),
        Change::RestApi(change) => ("apigateway", rest_api_name(change)),
        Change::Deployment(deployment::Change::Create { .. }) => ("apigateway", "CreateDeployment"),
        Change::Deployment(deployment::Change::Delete { .. }) => ("apigateway", "DeleteDeployment"),
        Change::Stage(change) => ("apigateway", stage_name(&change.call)),
        Change::Distribution(change) => ("cloudfront", distribution_name(change)),
        Change::BucketPolicy(_, bucket_policy::Change::Put(_)) => ("s3", "PutBucketPolicy"),
        Change::UploadCors(upload_cors::Change::Put(_)) => ("s3", "PutBucketCors"),
        Change::Artefacts(artefacts::Change::Put { .. }) => ("s3", "PutObject"),
        Change::Function(_, change) => ("lambda", function_name(change)),
        Change::Permission(_, permission::Change::Add(_)) => ("lambda", "AddPermission"),
        Change::Permission(_, permission::Change::Remove(_)) => ("lambda", "RemovePermission"),
        Change::Notification(notification::Change::Put(_) | notification::Change::Remove) => {
            ("s3", "PutBucketNotificationConfiguration")
        }
        Change::Site(site::Change::Put { .. }) => ("s3", "PutObject"),
        Change::Site(site::Change::Delete(_)) => ("s3", "DeleteObjects"),
        Change::Invalidation(invalidation::Change::Create { .. }) => ("cloudfront", "CreateInvalidation"),
        Change::Invalidation(invalidation::Change::Remember { .. }) => ("cloudfront", "TagResource"),
        Change::Invalidation(invalidation::Change::Forget { .. }) => ("cloudfront", "UntagResource"),
    };
    Operation { service, name }
}

fn origin_access_control_name(change: &origin_access_control::Change) -> &'static str {
    match change {
        origin_access_control::Change::Create(_) => "CreateOriginAccessControl",
        origin_access_control::Change::Update { .. } => "UpdateOriginAccessControl",
    }
}

fn response_headers_policy_name(change: &response_headers_policy::Change) -> &'static str {
    match change {
        response_headers_policy::Change::Create(_) => "CreateResponseHeadersPolicy",
        response_headers_policy::Change::Update { .. } => "UpdateResponseHeadersPolicy",
    }
}

fn bucket_name(change: &bucket::Change) -> &'static str {
    match change {
        bucket::Change::Create(_) => "CreateBucket",
        bucket::Change::BlockPublicAccess => "PutPublicAccessBlock",
        bucket::Change::CloseAccessList => "PutBucketAcl",
        bucket::Change::EnforceOwnership => "PutBucketOwnershipControls",
        bucket::Change::Encrypt => "PutBucketEncryption",
        bucket::Change::PutLifecycle(_) => "PutBucketLifecycleConfiguration",
        bucket::Change::PutTags(_) => "PutBucketTagging",
        bucket::Change::Empty => "DeleteObjects",
        bucket::Change::Delete => "DeleteBucket",
    }
}

fn table_name(change: &table::Change) -> &'static str {
    match change {
        table::Change::Create(_) => "CreateTable",
        table::Change::EnableRecovery => "UpdateContinuousBackups",
        table::Change::PayPerRequest
        | table::Change::AddIndex
        | table::Change::RemoveIndex
        | table::Change::AllowDeletion => "UpdateTable",
        table::Change::SetTags(_) => "TagResource",
        table::Change::RemoveTags(_) => "UntagResource",
        table::Change::Delete => "DeleteTable",
    }
}

fn log_group_name(change: &log_group::Change) -> &'static str {
    match change {
        log_group::Change::Create(_) => "CreateLogGroup",
        log_group::Change::Keep { .. } => "PutRetentionPolicy",
        log_group::Change::SetTags(_) => "TagResource",
        log_group::Change::RemoveTags(_) => "UntagResource",
        log_group::Change::Delete => "DeleteLogGroup",
    }
}

fn role_name(change: &role::Change) -> &'static str {
    match change {
        role::Change::Create(_) => "CreateRole",
        role::Change::Bound(_) => "PutRolePermissionsBoundary",
        role::Change::Trust(_) => "UpdateAssumeRolePolicy",
        role::Change::Policy(_) => "PutRolePolicy",
        role::Change::Describe(_) => "UpdateRole",
        role::Change::Tag(_) => "TagRole",
        role::Change::Untag(_) => "UntagRole",
        role::Change::DeletePolicy(_) => "DeleteRolePolicy",
        role::Change::Detach(_) => "DetachRolePolicy",
        role::Change::Delete => "DeleteRole",
    }
}

fn rest_api_name(change: &rest_api::Change) -> &'static str {
    match change {
        rest_api::Change::Create { .. } => "CreateRestApi",
        rest_api::Change::Body { .. } => "PutRestApi",
        rest_api::Change::Settings { .. } => "UpdateRestApi",
        rest_api::Change::Tag { .. } => "TagResource",
        rest_api::Change::Untag { .. } => "UntagResource",
        rest_api::Change::Delete { .. } => "DeleteRestApi",
    }
}

fn stage_name(call: &Call) -> &'static str {
    match call {
        Call::Create { .. } => "CreateStage",
        Call::Update { .. } => "UpdateStage",
        Call::Tag(_) => "TagResource",
        Call::Untag(_) => "UntagResource",
    }
}

fn distribution_name(change: &distribution::Change) -> &'static str {
    match change {
        distribution::Change::Create(_) => "CreateDistributionWithTags",
        distribution::Change::Update { .. } | distribution::Change::Disable { .. } => "UpdateDistribution",
        distribution::Change::Tag { .. } => "TagResource",
        distribution::Change::Untag { .. } => "UntagResource",
        distribution::Change::Delete { .. } => "DeleteDistribution",
    }
}

fn function_name(change: &function::Change) -> &'static str {
    match change {
        function::Change::Create(_) => "CreateFunction",
        function::Change::Code { .. } => "UpdateFunctionCode",
        function::Change::Configuration { .. } => "UpdateFunctionConfiguration",
        function::Change::ReserveConcurrency(_) => "PutFunctionConcurrency",
        function::Change::ShareConcurrency => "DeleteFunctionConcurrency",
        function::Change::Tag(_) => "TagResource",
        function::Change::Untag(_) => "UntagResource",
        function::Change::Delete => "DeleteFunction",
    }
}

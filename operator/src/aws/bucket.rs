//! Calls for `resources::bucket`.

use std::collections::BTreeSet;

use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketCannedAcl, BucketLifecycleConfiguration, BucketLocationConstraint,
    CreateBucketConfiguration, ExpirationStatus, LifecycleExpiration, LifecycleRule, LifecycleRuleFilter,
    ObjectOwnership, OwnershipControls, OwnershipControlsRule, PublicAccessBlockConfiguration,
    ServerSideEncryption, ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration,
    ServerSideEncryptionRule, Tag, Tagging, Transition, TransitionStorageClass,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::error::operation::BuildError;
use futures::try_join;

use super::error::{failed, found, invalid_request};
use super::needs::{CallNeeds, Need, On, call};
use super::{Clients, Looking, objects};
use crate::cloud::{CloudError, Depth, Foreign, Seen};
use crate::gallery::Identity;
use crate::graph::BucketRole;
use crate::names::Tags;
use crate::ownership::Ownership;
use crate::resources::bucket::{BLOCKS, Change, Observed, Rule};

/// What IAM asks of whoever makes these calls.
pub(super) const NEEDS: &[CallNeeds] = &[
    call("s3", "GetBucketTagging", &[Need("s3:GetBucketTagging", On::Bucket)]),
    call("s3", "GetPublicAccessBlock", &[Need("s3:GetBucketPublicAccessBlock", On::Bucket)]),
    call("s3", "GetBucketOwnershipControls", &[Need("s3:GetBucketOwnershipControls", On::Bucket)]),
    call("s3", "GetBucketEncryption", &[Need("s3:GetEncryptionConfiguration", On::Bucket)]),
    call("s3", "GetBucketLifecycleConfiguration", &[Need("s3:GetLifecycleConfiguration", On::Bucket)]),
    // Ownership and tags are set with the creation.
    call(
        "s3",
        "CreateBucket",
        &[
            Need("s3:CreateBucket", On::NewBucket),
            Need("s3:PutBucketOwnershipControls", On::NewBucket),
            Need("s3:TagResource", On::NewBucket),
        ],
    ),
    call("s3", "PutPublicAccessBlock", &[Need("s3:PutBucketPublicAccessBlock", On::Bucket)]),
    call("s3", "PutBucketAcl", &[Need("s3:PutBucketAcl", On::Bucket)]),
    call("s3", "PutBucketOwnershipControls", &[Need("s3:PutBucketOwnershipControls", On::NewBucket)]),
    call("s3", "PutBucketEncryption", &[Need("s3:PutEncryptionConfiguration", On::Bucket)]),
    call("s3", "PutBucketLifecycleConfiguration", &[Need("s3:PutLifecycleConfiguration", On::Bucket)]),
    call("s3", "PutBucketTagging", &[Need("s3:PutBucketTagging", On::Bucket)]),
    call("s3", "DeleteBucket", &[Need("s3:DeleteBucket", On::Bucket)]),
];

/// Where a bucket is made when no place is given; S3 refuses it as a place.
const DEFAULT_REGION: &str = "us-east-1";

pub(super) async fn observe(looking: &Looking<'_>, role: BucketRole) -> Result<Seen<Observed>, CloudError> {
    let Looking { clients, gallery, .. } = *looking;
    let tags = match owned(clients, gallery, role).await? {
        Seen::Ours(tags) => tags,
        Seen::Nothing => return Ok(Seen::Nothing),
        Seen::Foreign(foreign) => return Ok(Seen::Foreign(foreign)),
    };
    if looking.depth == Depth::Bare {
        let (unblocked, lifecycle) = (BTreeSet::new(), Vec::new());
        return Ok(Seen::Ours(Observed { tags, unblocked, ownership: None, encryption: None, lifecycle }));
    }
    let bucket = gallery.bucket(role);
    let (unblocked, ownership, encryption, lifecycle) = try_join!(
        unblocked(clients, gallery, &bucket),
        ownership(clients, gallery, &bucket),
        encryption(clients, gallery, &bucket),
        lifecycle(clients, gallery, &bucket),
    )?;
    Ok(Seen::Ours(Observed { tags, unblocked, ownership, encryption, lifecycle }))
}

pub(super) async fn count_photos(clients: &Clients, gallery: &Identity) -> Result<u64, CloudError> {
    let photos =
        objects::list(clients, gallery, BucketRole::Photos, functions_core::contract::key::PHOTOS).await?;
    Ok(photos.map_or(0, |photos| photos.len() as u64))
}

/// Whose a bucket is, and its tags. Asks for the tags and not by `HEAD`, whose refusals do not say why.
async fn owned(clients: &Clients, gallery: &Identity, role: BucketRole) -> Result<Seen<Tags>, CloudError> {
    let name = gallery.bucket(role);
    let account = &gallery.installation.account;
    let result = clients.s3.get_bucket_tagging().bucket(&name).expected_bucket_owner(account).send().await;
    let tags = match result {
        Ok(answer) => tags_of(answer.tag_set()),
        Err(error) if is_of_another_account(&error) => {
            let whose = "it belongs to another AWS account".into();
            return Ok(Seen::Foreign(Foreign { name, whose }));
        }
        Err(error) => match error.code().unwrap_or_default() {
            "NoSuchBucket" => return Ok(Seen::Nothing),
            "NoSuchTagSet" => Tags::new(),
            "PermanentRedirect" | "IllegalLocationConstraintException" => {
                let whose = "it is in another AWS region".into();
                return Ok(Seen::Foreign(Foreign { name, whose }));
            }
            _ => return Err(failed("s3", "GetBucketTagging")(error)),
        },
    };
    let ownership = match role {
        BucketRole::Artefacts => gallery.installation.ownership(&tags),
        BucketRole::Frontend | BucketRole::Photos | BucketRole::Thumbnails => gallery.ownership(&tags),
    };
    Ok(match ownership {
        Ownership::Ours => Seen::Ours(tags),
        Ownership::NotOurs(whose) => Seen::Foreign(Foreign { name, whose }),
    })
}

/// What is part of a bucket: `None` when it has none (AWS says so with one of `codes`), or when the bucket is not there or
/// in another account; the bucket's own observation tells which.
pub(super) fn part<T, E>(
    result: Result<T, SdkError<E, HttpResponse>>,
    codes: &[&str],
    failed: impl FnOnce(SdkError<E, HttpResponse>) -> CloudError,
) -> Result<Option<T>, CloudError>
where
    E: ProvideErrorMetadata,
{
    match result {
        Err(error) if is_of_another_account(&error) => Ok(None),
        other => found(other, &[&["NoSuchBucket", "PermanentRedirect"], codes].concat(), failed),
    }
}

/// Within an account a refusal says who may not do what; across accounts S3 says no more than "Access Denied".
fn is_of_another_account<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    let says_why = error.message().is_some_and(|message| message.contains("not authorized to perform"));
    error.code() == Some("AccessDenied") && !says_why
}

async fn unblocked(
    clients: &Clients,
    gallery: &Identity,
    bucket: &str,
) -> Result<BTreeSet<&'static str>, CloudError> {
    let call = clients.s3.get_public_access_block().bucket(bucket).expected_bucket_owner(account(gallery));
    let codes = ["NoSuchPublicAccessBlockConfiguration"];
    let answer = found(call.send().await, &codes, failed("s3", "GetPublicAccessBlock"))?;
    let blocks = answer.and_then(|answer| answer.public_access_block_configuration);
    let settings = blocks.map_or([None; 4], |blocks| {
        [
            blocks.block_public_acls,
            blocks.ignore_public_acls,
            blocks.block_public_policy,
            blocks.restrict_public_buckets,
        ]
    });
    let off = BLOCKS.into_iter().zip(settings).filter(|(_, setting)| *setting != Some(true));
    Ok(off.map(|(name, _)| name).collect())
}

async fn ownership(
    clients: &Clients,
    gallery: &Identity,
    bucket: &str,
) -> Result<Option<String>, CloudError> {
    let call =
        clients.s3.get_bucket_ownership_controls().bucket(bucket).expected_bucket_owner(account(gallery));
    let codes = ["OwnershipControlsNotFoundError"];
    let answer = found(call.send().await, &codes, failed("s3", "GetBucketOwnershipControls"))?;
    let rules = answer.and_then(|answer| answer.ownership_controls).map(|controls| controls.rules);
    Ok(rules.unwrap_or_default().first().map(|rule| rule.object_ownership.as_str().to_owned()))
}

async fn encryption(
    clients: &Clients,
    gallery: &Identity,
    bucket: &str,
) -> Result<Option<String>, CloudError> {
    let call = clients.s3.get_bucket_encryption().bucket(bucket).expected_bucket_owner(account(gallery));
    let codes = ["ServerSideEncryptionConfigurationNotFoundError"];
    let answer = found(call.send().await, &codes, failed("s3", "GetBucketEncryption"))?;
    let rules = answer.and_then(|answer| answer.server_side_encryption_configuration).map(|all| all.rules);
    let default =
        rules.unwrap_or_default().into_iter().find_map(|rule| rule.apply_server_side_encryption_by_default);
    Ok(default.map(|default| match default.kms_master_key_id() {
        Some(key) => format!("{} with {key}", default.sse_algorithm().as_str()),
        None => default.sse_algorithm().as_str().to_owned(),
    }))
}

async fn lifecycle(clients: &Clients, gallery: &Identity, bucket: &str) -> Result<Vec<Rule>, CloudError> {
    let call = clients
        .s3
        .get_bucket_lifecycle_configuration()
        .bucket(bucket)
        .expected_bucket_owner(account(gallery));
    let codes = ["NoSuchLifecycleConfiguration"];
    let answer = found(call.send().await, &codes, failed("s3", "GetBucketLifecycleConfiguration"))?;
    let rules = answer.map(|answer| answer.rules.unwrap_or_default());
    Ok(rules.unwrap_or_default().iter().map(rule_of).collect())
}

pub(super) async fn apply(
    clients: &Clients,
    gallery: &Identity,
    role: BucketRole,
    change: &Change,
) -> Result<(), CloudError> {
    let (s3, bucket, owner) = (&clients.s3, gallery.bucket(role), account(gallery));
    match change {
        Change::Create(tags) => {
            let place =
                (gallery.region != DEFAULT_REGION).then(|| BucketLocationConstraint::from(&*gallery.region));
            let place = CreateBucketConfiguration::builder().set_location_constraint(place);
            let tags = to_tags(tags).map_err(invalid_request("s3", "CreateBucket"))?;
            let call =
                s3.create_bucket().bucket(bucket).object_ownership(ObjectOwnership::BucketOwnerEnforced);
            let call = call.create_bucket_configuration(place.set_tags(Some(tags)).build());
            call.send().await.map_err(failed("s3", "CreateBucket"))?;
        }
        Change::BlockPublicAccess => {
            let call = s3.put_public_access_block().bucket(bucket).expected_bucket_owner(owner);
            let call = call.public_access_block_configuration(all_blocked()).send();
            call.await.map_err(failed("s3", "PutPublicAccessBlock"))?;
        }
        Change::CloseAccessList => {
            let call = s3.put_bucket_acl().bucket(bucket).expected_bucket_owner(owner);
            let call = call.acl(BucketCannedAcl::Private).send();
            call.await.map_err(failed("s3", "PutBucketAcl"))?;
        }
        Change::EnforceOwnership => {
            let call = s3.put_bucket_ownership_controls().bucket(bucket).expected_bucket_owner(owner);
            let controls = enforced().map_err(invalid_request("s3", "PutBucketOwnershipControls"))?;
            let call = call.ownership_controls(controls).send();
            call.await.map_err(failed("s3", "PutBucketOwnershipControls"))?;
        }
        Change::Encrypt => {
            let call = s3.put_bucket_encryption().bucket(bucket).expected_bucket_owner(owner);
            let encryption = by_s3().map_err(invalid_request("s3", "PutBucketEncryption"))?;
            let call = call.server_side_encryption_configuration(encryption).send();
            call.await.map_err(failed("s3", "PutBucketEncryption"))?;
        }
        Change::PutLifecycle(rules) => {
            let call = s3.put_bucket_lifecycle_configuration().bucket(bucket).expected_bucket_owner(owner);
            let rules = to_rules(rules).map_err(invalid_request("s3", "PutBucketLifecycleConfiguration"))?;
            let call = call.lifecycle_configuration(rules).send();
            call.await.map_err(failed("s3", "PutBucketLifecycleConfiguration"))?;
        }
        Change::PutTags(tags) => {
            let call = s3.put_bucket_tagging().bucket(bucket).expected_bucket_owner(owner);
            let tags = to_tags(tags).and_then(|tags| Tagging::builder().set_tag_set(Some(tags)).build());
            let call = call.tagging(tags.map_err(invalid_request("s3", "PutBucketTagging"))?).send();
            call.await.map_err(failed("s3", "PutBucketTagging"))?;
        }
        Change::Empty => objects::empty(clients, gallery, role).await?,
        Change::Delete => {
            let call = s3.delete_bucket().bucket(bucket).expected_bucket_owner(owner).send();
            found(call.await, &["NoSuchBucket"], failed("s3", "DeleteBucket"))?;
        }
    }
    Ok(())
}

/// The account that a bucket must belong to. S3 checks it with every call that carries it.
pub(super) fn account(gallery: &Identity) -> &str {
    &gallery.installation.account
}

fn tags_of(tags: &[Tag]) -> Tags {
    let ours = tags.iter().filter(|tag| !tag.key().starts_with("aws:"));
    ours.map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect()
}

fn to_tags(tags: &Tags) -> Result<Vec<Tag>, BuildError> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

fn all_blocked() -> PublicAccessBlockConfiguration {
    PublicAccessBlockConfiguration::builder()
        .block_public_acls(true)
        .ignore_public_acls(true)
        .block_public_policy(true)
        .restrict_public_buckets(true)
        .build()
}

fn enforced() -> Result<OwnershipControls, BuildError> {
    let rule =
        OwnershipControlsRule::builder().object_ownership(ObjectOwnership::BucketOwnerEnforced).build()?;
    OwnershipControls::builder().rules(rule).build()
}

fn by_s3() -> Result<ServerSideEncryptionConfiguration, BuildError> {
    let default =
        ServerSideEncryptionByDefault::builder().sse_algorithm(ServerSideEncryption::Aes256).build()?;
    let rule = ServerSideEncryptionRule::builder().apply_server_side_encryption_by_default(default).build();
    ServerSideEncryptionConfiguration::builder().rules(rule).build()
}

fn to_rules(rules: &[Rule]) -> Result<BucketLifecycleConfiguration, BuildError> {
    let rules = rules.iter().map(|rule| {
        let Rule { id, prefix, expire_days, abort_days, archive_days, besides: _ } = rule;
        let expiration = expire_days.map(|days| LifecycleExpiration::builder().days(days).build());
        let abort = abort_days
            .map(|days| AbortIncompleteMultipartUpload::builder().days_after_initiation(days).build());
        let archive = archive_days.map(|days| {
            Transition::builder().days(days).storage_class(TransitionStorageClass::GlacierIr).build()
        });
        LifecycleRule::builder()
            .id(id)
            .filter(LifecycleRuleFilter::builder().prefix(prefix).build())
            .status(ExpirationStatus::Enabled)
            .set_expiration(expiration)
            .set_abort_incomplete_multipart_upload(abort)
            .set_transitions(archive.map(|archive| vec![archive]))
            .build()
    });
    BucketLifecycleConfiguration::builder().set_rules(Some(rules.collect::<Result<_, _>>()?)).build()
}

/// A rule in our words. What they cannot say stands beside them, so that it differs from every rule of ours.
fn rule_of(rule: &LifecycleRule) -> Rule {
    // Rules of old have the prefix beside the filter.
    #[expect(deprecated, reason = "a rule that another tool wrote may still have it")]
    let prefix = rule.filter().and_then(|filter| filter.prefix()).or(rule.prefix()).unwrap_or_default();
    let expire_days = rule.expiration().and_then(aws_sdk_s3::types::LifecycleExpiration::days);
    let abort = rule.abort_incomplete_multipart_upload();
    let archive =
        rule.transitions().iter().find(|it| it.storage_class() == Some(&TransitionStorageClass::GlacierIr));
    let archive_days = archive.and_then(aws_sdk_s3::types::Transition::days);
    Rule {
        id: rule.id().unwrap_or_default().to_owned(),
        prefix: prefix.to_owned(),
        expire_days,
        abort_days: abort.and_then(aws_sdk_s3::types::AbortIncompleteMultipartUpload::days_after_initiation),
        archive_days,
        besides: besides(rule, expire_days, archive_days),
    }
}

fn besides(rule: &LifecycleRule, expire_days: Option<i32>, archive_days: Option<i32>) -> String {
    let is_filtered = rule.filter().is_some_and(|filter| {
        let sizes = filter.object_size_greater_than().or(filter.object_size_less_than());
        filter.tag().is_some() || filter.and().is_some() || sizes.is_some()
    });
    let moves = rule.transitions().len() != usize::from(archive_days.is_some());
    let of_versions =
        rule.noncurrent_version_expiration().is_some() || !rule.noncurrent_version_transitions().is_empty();
    let all = [
        (*rule.status() != ExpirationStatus::Enabled, "off"),
        (is_filtered, "not for all objects"),
        (moves, "move to other storage classes"),
        (rule.expiration().is_some() != expire_days.is_some(), "expire otherwise"),
        (of_versions, "for old versions"),
    ];
    let said: Vec<_> = all.into_iter().filter_map(|(is_so, what)| is_so.then_some(what)).collect();
    said.join(", ")
}

#[cfg(test)]
mod tests;

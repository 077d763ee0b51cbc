//! Buckets with their parts, the zips, the table.

use anyhow::{Context as _, Result};
use aws_sdk_dynamodb::types as dynamo;
use aws_sdk_s3::types::{
    BucketLifecycleConfiguration, CorsConfiguration, CorsRule, Event, ExpirationStatus, FilterRule,
    FilterRuleName, LambdaFunctionConfiguration, LifecycleExpiration, LifecycleRule, LifecycleRuleFilter,
    NotificationConfiguration, NotificationConfigurationFilter, ObjectOwnership, OwnershipControls,
    OwnershipControlsRule, PublicAccessBlockConfiguration, S3KeyFilter, ServerSideEncryption,
    ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration, ServerSideEncryptionRule, Tag, Tagging,
};
use functions_core::contract::FunctionName;
use futures::FutureExt as _;
use photogallery_operator::graph::BucketRole::{Artefacts, Frontend, Photos, Thumbnails};
use photogallery_tests::local_aws::{ACCOUNT, REGION};
use serde_json::{Value, json};

use super::{Account, Case, case};

pub(super) fn cases() -> Vec<Case> {
    let blocked = ["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"];
    let blocked: Vec<_> = blocked.iter().map(|block| format!("{block} was off, put back to on")).collect();
    let blocked: Vec<_> = blocked.iter().map(String::as_str).collect();
    vec![
        case("bucket/photos", &blocked, |it| it.public_access().boxed_local(), |it| it.open().boxed_local()),
        case(
            "bucket/frontend",
            &["object ownership was ObjectWriter, put back to BucketOwnerEnforced"],
            |it| it.ownership().boxed_local(),
            |it| it.own_objects_otherwise().boxed_local(),
        ),
        case(
            "bucket/thumbnails",
            &["encryption was aws:kms with arn:aws:kms:theirs, put back to AES256"],
            |it| it.encryption().boxed_local(),
            |it| it.encrypt_otherwise().boxed_local(),
        ),
        case(
            "bucket/artefacts",
            &[
                "lifecycle unfinished-uploads was missing, put back to end unfinished uploads after 1 day",
                "lifecycle theirs was functions/: expire after 1 day, put back to none",
            ],
            |it| it.lifecycle().boxed_local(),
            |it| it.expire_zips().boxed_local(),
        ),
        case(
            "bucket-policy/thumbnails",
            &[],
            |it| it.policy(Thumbnails).boxed_local(),
            |it| {
                async move {
                    it.aws.s3.delete_bucket_policy().bucket(it.bucket(Thumbnails)).send().await?;
                    Ok(())
                }
                .boxed_local()
            },
        ),
        case(
            "bucket-policy/photos",
            &["policy statement Theirs was Allow s3:GetObject for AWS arn:…"],
            |it| it.policy(Photos).boxed_local(),
            |it| it.let_the_account_in().boxed_local(),
        ),
        case(
            "upload-cors",
            &[
                "origins was *, put back to http…",
                "methods was GET, PUT, put back to POST",
                "headers was *, put back to none",
                "exposed headers was none, put back to ETag",
                "max age was 1 s, put back to 3600 s",
            ],
            |it| it.cors().boxed_local(),
            |it| it.let_any_page_in().boxed_local(),
        ),
        case(
            "notification",
            &[
                "events was s3:ObjectCreated:Put, put back to s3:ObjectCreated:*",
                "prefix was none, put back to incoming/",
                "suffix was .jpg, put back to none",
            ],
            |it| it.notification().boxed_local(),
            |it| it.tell_less().boxed_local(),
        ),
        case(
            "table",
            &[
                "point-in-time recovery was off, put back to on",
                "capacity was provisioned, put back to on demand",
            ],
            |it| it.table().boxed_local(),
            |it| it.provision().boxed_local(),
        ),
    ]
}

pub(super) fn more_cases() -> Vec<Case> {
    vec![
        case(
            "bucket/photos",
            &["tag team was theirs, put back to events"],
            |it| it.tags().boxed_local(),
            |it| it.tag_otherwise().boxed_local(),
        ),
        // Which S3 asks about at each write of the notification.
        case(
            "permission/thumbnail",
            &["source was arn:aws:s3:::theirs, put back to arn:aws:s3:::pg-drift-drift-photos-…"],
            |it| it.permissions(FunctionName::Thumbnail).boxed_local(),
            |it| it.let_another_bucket_call().boxed_local(),
        ),
        case(
            "notification",
            &[],
            |it| it.notification().boxed_local(),
            |it| async move { it.put_notifications(Vec::new()).await }.boxed_local(),
        ),
        case(
            "table",
            &["index newest-first was missing, put back to listing photoId, ALL attributes"],
            |it| it.table().boxed_local(),
            |it| it.remove_index().boxed_local(),
        ),
        case(
            "upload-cors",
            &[],
            |it| it.cors().boxed_local(),
            |it| {
                async move {
                    it.aws.s3.delete_bucket_cors().bucket(it.bucket(Photos)).send().await?;
                    Ok(())
                }
                .boxed_local()
            },
        ),
    ]
}

impl Account<'_> {
    async fn public_access(&self) -> Result<String> {
        let seen = self.aws.s3.get_public_access_block().bucket(self.bucket(Photos)).send().await?;
        Ok(format!("{:?}", seen.public_access_block_configuration()))
    }

    async fn open(&self) -> Result<()> {
        let open = PublicAccessBlockConfiguration::builder()
            .block_public_acls(false)
            .ignore_public_acls(false)
            .block_public_policy(false)
            .restrict_public_buckets(false);
        let call = self.aws.s3.put_public_access_block().bucket(self.bucket(Photos));
        call.public_access_block_configuration(open.build()).send().await?;
        Ok(())
    }

    async fn ownership(&self) -> Result<String> {
        let seen = self.aws.s3.get_bucket_ownership_controls().bucket(self.bucket(Frontend)).send().await?;
        Ok(format!("{:?}", seen.ownership_controls()))
    }

    async fn own_objects_otherwise(&self) -> Result<()> {
        let rule =
            OwnershipControlsRule::builder().object_ownership(ObjectOwnership::ObjectWriter).build()?;
        let controls = OwnershipControls::builder().rules(rule).build()?;
        let call = self.aws.s3.put_bucket_ownership_controls().bucket(self.bucket(Frontend));
        call.ownership_controls(controls).send().await?;
        Ok(())
    }

    async fn encryption(&self) -> Result<String> {
        let seen = self.aws.s3.get_bucket_encryption().bucket(self.bucket(Thumbnails)).send().await?;
        let rules = seen.server_side_encryption_configuration().context("no encryption")?.rules();
        let default = rules.first().and_then(|rule| rule.apply_server_side_encryption_by_default());
        Ok(format!("{default:?}"))
    }

    async fn encrypt_otherwise(&self) -> Result<()> {
        let key = ServerSideEncryptionByDefault::builder().sse_algorithm(ServerSideEncryption::AwsKms);
        let key = key.kms_master_key_id("arn:aws:kms:theirs").build()?;
        let rule = ServerSideEncryptionRule::builder().apply_server_side_encryption_by_default(key).build();
        let encryption = ServerSideEncryptionConfiguration::builder().rules(rule).build()?;
        let call = self.aws.s3.put_bucket_encryption().bucket(self.bucket(Thumbnails));
        call.server_side_encryption_configuration(encryption).send().await?;
        Ok(())
    }

    async fn lifecycle(&self) -> Result<String> {
        let call = self.aws.s3.get_bucket_lifecycle_configuration().bucket(self.bucket(Artefacts));
        Ok(format!("{:?}", call.send().await?.rules()))
    }

    async fn expire_zips(&self) -> Result<()> {
        let rule = LifecycleRule::builder().id("theirs").status(ExpirationStatus::Enabled);
        let rule = rule.filter(LifecycleRuleFilter::builder().prefix("functions/").build());
        let rule = rule.expiration(LifecycleExpiration::builder().days(1).build()).build()?;
        let rules = BucketLifecycleConfiguration::builder().rules(rule).build()?;
        let call = self.aws.s3.put_bucket_lifecycle_configuration().bucket(self.bucket(Artefacts));
        call.lifecycle_configuration(rules).send().await?;
        Ok(())
    }

    async fn policy(&self, role: photogallery_operator::graph::BucketRole) -> Result<String> {
        let seen = self.aws.s3.get_bucket_policy().bucket(self.bucket(role)).send().await;
        Ok(seen.ok().and_then(|seen| seen.policy).unwrap_or_else(|| "none".into()))
    }

    /// One statement more. (One that denies everything would lock the operator out too, which then says so.)
    async fn let_the_account_in(&self) -> Result<()> {
        let bucket = self.bucket(Photos);
        let seen = self.aws.s3.get_bucket_policy().bucket(&bucket).send().await?;
        let mut policy: Value = serde_json::from_str(seen.policy().unwrap_or_default())?;
        policy["Statement"].as_array_mut().context("no statements")?.push(json!({
            "Sid": "Theirs",
            "Effect": "Allow",
            "Principal": { "AWS": format!("arn:aws:iam::{ACCOUNT}:root") },
            "Action": "s3:GetObject",
            "Resource": format!("arn:aws:s3:::{bucket}/*"),
        }));
        self.aws.s3.put_bucket_policy().bucket(bucket).policy(policy.to_string()).send().await?;
        Ok(())
    }

    async fn cors(&self) -> Result<String> {
        let seen = self.aws.s3.get_bucket_cors().bucket(self.bucket(Photos)).send().await;
        Ok(format!("{:?}", seen.ok().map(|seen| seen.cors_rules.unwrap_or_default())))
    }

    async fn let_any_page_in(&self) -> Result<()> {
        let rule = CorsRule::builder().allowed_origins("*").allowed_methods("GET").allowed_methods("PUT");
        let rule = rule.allowed_headers("*").max_age_seconds(1).build()?;
        let rules = CorsConfiguration::builder().cors_rules(rule).build()?;
        self.aws.s3.put_bucket_cors().bucket(self.bucket(Photos)).cors_configuration(rules).send().await?;
        Ok(())
    }

    async fn notification(&self) -> Result<String> {
        let call = self.aws.s3.get_bucket_notification_configuration().bucket(self.bucket(Photos));
        let seen = call.send().await?;
        let ours = seen.lambda_function_configurations().iter().find(|it| it.id() != Some("theirs"));
        Ok(format!("{ours:?}"))
    }

    /// Ours, and with it one of somebody else that is to stay.
    async fn tell_less(&self) -> Result<()> {
        let suffix = FilterRule::builder().name(FilterRuleName::Suffix).value(".jpg").build();
        let filter = S3KeyFilter::builder().filter_rules(suffix).build();
        let function = self.identity.function_arn(FunctionName::Thumbnail);
        let ours = LambdaFunctionConfiguration::builder().id("photogallery-thumbnail");
        let ours = ours.lambda_function_arn(function).events(Event::S3ObjectCreatedPut);
        let ours = ours.filter(NotificationConfigurationFilter::builder().key(filter).build()).build()?;
        self.put_notifications(vec![ours]).await
    }

    async fn put_notifications(&self, mut entries: Vec<LambdaFunctionConfiguration>) -> Result<()> {
        let theirs = LambdaFunctionConfiguration::builder().id("theirs").events(Event::S3ObjectRemoved);
        let arn = format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:theirs");
        entries.push(theirs.lambda_function_arn(arn).build()?);
        let all = NotificationConfiguration::builder().set_lambda_function_configurations(Some(entries));
        let call = self.aws.s3.put_bucket_notification_configuration().bucket(self.bucket(Photos));
        call.notification_configuration(all.build()).send().await?;
        Ok(())
    }

    async fn tags(&self) -> Result<String> {
        let seen = self.aws.s3.get_bucket_tagging().bucket(self.bucket(Photos)).send().await?;
        let mut tags: Vec<_> = seen.tag_set().iter().map(|tag| format!("{tag:?}")).collect();
        tags.sort();
        Ok(tags.concat())
    }

    async fn tag_otherwise(&self) -> Result<()> {
        let seen = self.aws.s3.get_bucket_tagging().bucket(self.bucket(Photos)).send().await?;
        let mut tags = seen.tag_set;
        tags.retain(|tag| tag.key() != "team");
        tags.push(Tag::builder().key("team").value("theirs").build()?);
        let tags = Tagging::builder().set_tag_set(Some(tags)).build()?;
        self.aws.s3.put_bucket_tagging().bucket(self.bucket(Photos)).tagging(tags).send().await?;
        Ok(())
    }

    async fn table(&self) -> Result<String> {
        let name = self.identity.table();
        let table = self.aws.dynamodb.describe_table().table_name(&name).send().await?;
        let table = table.table.context("no table")?;
        let mode = table.billing_mode_summary().and_then(|summary| summary.billing_mode());
        let indexes: Vec<_> = table.global_secondary_indexes().iter().map(|it| it.index_name()).collect();
        let backups = self.aws.dynamodb.describe_continuous_backups().table_name(&name).send().await?;
        let backups = backups.continuous_backups_description.context("no backups")?;
        let recovery =
            backups.point_in_time_recovery_description.and_then(|it| it.point_in_time_recovery_status);
        Ok(format!("{mode:?} {indexes:?} {recovery:?}"))
    }

    async fn provision(&self) -> Result<()> {
        let name = self.identity.table();
        let off = dynamo::PointInTimeRecoverySpecification::builder().point_in_time_recovery_enabled(false);
        let call = self.aws.dynamodb.update_continuous_backups().table_name(&name);
        call.point_in_time_recovery_specification(off.build()?).send().await?;
        let few = dynamo::ProvisionedThroughput::builder().read_capacity_units(1).write_capacity_units(1);
        let few = few.build()?;
        let index = dynamo::UpdateGlobalSecondaryIndexAction::builder().index_name("newest-first");
        let index = index.provisioned_throughput(few.clone()).build()?;
        let index = dynamo::GlobalSecondaryIndexUpdate::builder().update(index).build();
        let call = self.aws.dynamodb.update_table().table_name(&name);
        let call = call.billing_mode(dynamo::BillingMode::Provisioned).global_secondary_index_updates(index);
        call.provisioned_throughput(few).send().await?;
        Ok(())
    }

    async fn remove_index(&self) -> Result<()> {
        let gone = dynamo::DeleteGlobalSecondaryIndexAction::builder().index_name("newest-first").build()?;
        let index = dynamo::GlobalSecondaryIndexUpdate::builder().delete(gone).build();
        let call = self.aws.dynamodb.update_table().table_name(self.identity.table());
        call.global_secondary_index_updates(index).send().await?;
        Ok(())
    }
}

//! Things of others in the account: with names one letter beside ours, with our very names where AWS does not keep them unique,
//! with tags like ours.

use anyhow::{Context as _, Result};
use aws_sdk_cloudfront::types::{
    DefaultCacheBehavior, DistributionConfig, Origin, Origins, S3OriginConfig, ViewerProtocolPolicy,
};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{FunctionCode, Runtime};
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration, Tag, Tagging};

use crate::artifacts;
use crate::inventory::Item;
use crate::local_aws::{ACCOUNT, Clients, REGION};

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
/// In the place of what tells our names from others'.
const HASH: &str = "aaaaaaaa";

/// Makes them, from what a gallery is made of.
pub async fn make(aws: &Clients, gallery: &[Item]) -> Result<()> {
    for item in gallery {
        let name = beside(&item.name);
        match item.kind {
            "bucket" if !name.contains("artefacts") => bucket(aws, &name).await.context("bucket")?,
            "table" => table(aws, &name).await.context("table")?,
            "log group" => {
                aws.logs.create_log_group().log_group_name(&name).send().await.context("log group")?;
            }
            "role" => {
                let role = aws.iam.create_role().path("/photogallery/").role_name(&name);
                role.assume_role_policy_document(TRUST).send().await.context("role")?;
            }
            // No two have one name for AWS's sake.
            "REST API" => {
                aws.apigateway.create_rest_api().name(&item.name).tags("team", "others").send().await?;
            }
            "distribution" => distribution(aws, &item.name).await.context("distribution")?,
            _ => {}
        }
    }
    // They run under roles.
    for item in gallery.iter().filter(|item| item.kind == "function") {
        function(aws, &beside(&item.name)).await.context("function")?;
    }
    Ok(())
}

/// Our names end with a hash.
fn beside(name: &str) -> String {
    name.rsplit_once('-').map_or_else(|| format!("{name}-{HASH}"), |(start, _)| format!("{start}-{HASH}"))
}

async fn bucket(aws: &Clients, name: &str) -> Result<()> {
    let there = CreateBucketConfiguration::builder()
        .location_constraint(BucketLocationConstraint::from(REGION))
        .build();
    aws.s3.create_bucket().bucket(name).create_bucket_configuration(there).send().await?;
    aws.s3.put_object().bucket(name).key("photos/precious").body(b"1".to_vec().into()).send().await?;
    let tag = Tag::builder().key("photogallery.dev/owner-id").value("somebody else's operator").build()?;
    let tags = Tagging::builder().tag_set(tag).build()?;
    aws.s3.put_bucket_tagging().bucket(name).tagging(tags).send().await?;
    Ok(())
}

async fn table(aws: &Clients, name: &str) -> Result<()> {
    let key = KeySchemaElement::builder().attribute_name("id").key_type(KeyType::Hash).build()?;
    let id =
        AttributeDefinition::builder().attribute_name("id").attribute_type(ScalarAttributeType::S).build()?;
    let table = aws.dynamodb.create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
    table.key_schema(key).attribute_definitions(id).send().await?;
    Ok(())
}

async fn function(aws: &Clients, name: &str) -> Result<()> {
    let zip = artifacts::functions().join(artifacts::architecture()).join("list.zip");
    let code = FunctionCode::builder().zip_file(Blob::new(std::fs::read(zip)?)).build();
    let function = aws.lambda.create_function().function_name(name).code(code);
    let function = function.runtime(Runtime::Providedal2023).handler("theirs");
    function.role(format!("arn:aws:iam::{ACCOUNT}:role/photogallery/{name}")).send().await?;
    Ok(())
}

/// With our very comment, by which lists are searched.
async fn distribution(aws: &Clients, comment: &str) -> Result<()> {
    let origin = Origin::builder()
        .id("theirs")
        .domain_name("theirs.s3.eu-west-1.amazonaws.com")
        .s3_origin_config(S3OriginConfig::builder().origin_access_identity("").build())
        .build()?;
    let behavior = DefaultCacheBehavior::builder()
        .target_origin_id("theirs")
        .viewer_protocol_policy(ViewerProtocolPolicy::HttpsOnly)
        // AWS's own for what may be cached.
        .cache_policy_id("658327ea-f89d-4fab-a63d-7e88639e58f6")
        .build()?;
    let config = DistributionConfig::builder()
        .caller_reference("theirs")
        .comment(comment)
        .enabled(true)
        .origins(Origins::builder().quantity(1).items(origin).build()?)
        .default_cache_behavior(behavior)
        .build()?;
    aws.cloudfront.create_distribution().distribution_config(config).send().await?;
    Ok(())
}

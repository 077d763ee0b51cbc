//! What others do to the one gallery of an account, as the account's root: they change everything that can be changed, fill it,
//! and clear away what it leaves to the next one.

use anyhow::{Context as _, Result};
use aws_sdk_apigateway::types::{Op, PatchOperation};
use aws_sdk_cloudfront::types::{
    OriginAccessControlSigningBehaviors, ResponseHeadersPolicyType, Tag as CdnTag, Tags as CdnTags,
};
use aws_sdk_dynamodb::types::{
    BillingMode, PointInTimeRecoverySpecification, ProvisionedThroughput, Tag as TableTag,
};
use aws_sdk_iam::types::Tag as RoleTag;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_s3::types::{
    NotificationConfiguration, ServerSideEncryption, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule, Tag, Tagging,
};

use crate::artifacts;
use crate::local_aws::{ACCOUNT, Clients, REGION};

/// The owner of the gallery wants another value.
const TEAM: &str = "team";
/// The operator takes it away: the data is in use.
const RETAINED: &str = "photogallery.dev/retained";
/// What the site was when visitors were last told of a change.
const SITE: &str = "photogallery.dev/site-sha256";
const ANOTHER_BOUNDARY: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

/// A file of the site is written once more, as it was. Only then a look asks for its headers.
pub(super) async fn rewrite_a_file(aws: &Clients) -> Result<()> {
    let (s3, site) = (&aws.s3, bucket_named(aws, "-site-").await?);
    let page = s3.get_object().bucket(&site).key("index.html").send().await?;
    let call = s3.put_object().bucket(&site).key("index.html");
    let call = call.set_content_type(page.content_type).set_cache_control(page.cache_control);
    call.body(page.body.collect().await?.into_bytes().into()).send().await?;
    Ok(())
}

/// Changes everything.
pub(super) async fn everything(aws: &Clients) -> Result<()> {
    bucket(aws).await.context("the bucket")?;
    table(aws).await.context("the table")?;
    functions(aws).await.context("the functions")?;
    role_and_log_group(aws).await.context("role and log group")?;
    rest_api(aws).await.context("the REST API")?;
    cdn(aws).await.context("the distribution")?;
    Ok(())
}

async fn bucket(aws: &Clients) -> Result<()> {
    let (s3, photos, site) =
        (&aws.s3, bucket_named(aws, "-photos-").await?, bucket_named(aws, "-site-").await?);
    s3.delete_public_access_block().bucket(&photos).send().await?;
    s3.delete_bucket_ownership_controls().bucket(&photos).send().await?;
    s3.delete_bucket_lifecycle().bucket(&photos).send().await?;
    s3.delete_bucket_cors().bucket(&photos).send().await?;
    s3.delete_bucket_policy().bucket(&photos).send().await?;
    let none = NotificationConfiguration::builder().build();
    let call = s3.put_bucket_notification_configuration().bucket(&photos).notification_configuration(none);
    call.send().await?;
    let by_key =
        ServerSideEncryptionByDefault::builder().sse_algorithm(ServerSideEncryption::AwsKms).build()?;
    let rule = ServerSideEncryptionRule::builder().apply_server_side_encryption_by_default(by_key).build();
    let encryption = ServerSideEncryptionConfiguration::builder().rules(rule).build()?;
    let call = s3.put_bucket_encryption().bucket(&photos);
    call.server_side_encryption_configuration(encryption).send().await?;
    let mut tags = s3.get_bucket_tagging().bucket(&photos).send().await?.tag_set;
    tags.retain(|tag| tag.key() != TEAM);
    tags.push(Tag::builder().key(TEAM).value("theirs").build()?);
    let tags = Tagging::builder().set_tag_set(Some(tags)).build()?;
    s3.put_bucket_tagging().bucket(&photos).tagging(tags).send().await?;
    s3.put_object().bucket(&site).key("stray.html").body(b"stray".to_vec().into()).send().await?;
    s3.delete_object().bucket(&site).key("index.html").send().await?;
    Ok(())
}

async fn table(aws: &Clients) -> Result<()> {
    let dynamodb = &aws.dynamodb;
    let name = dynamodb.list_tables().send().await?.table_names.unwrap_or_default();
    let name = name.first().context("no table")?;
    let arn = format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}");
    let off = PointInTimeRecoverySpecification::builder().point_in_time_recovery_enabled(false).build()?;
    let call = dynamodb.update_continuous_backups().table_name(name);
    call.point_in_time_recovery_specification(off).send().await?;
    let few = ProvisionedThroughput::builder().read_capacity_units(1).write_capacity_units(1).build()?;
    let call = dynamodb.update_table().table_name(name).billing_mode(BillingMode::Provisioned);
    call.provisioned_throughput(few).send().await?;
    for (key, value) in [(TEAM, "theirs"), (RETAINED, "true")] {
        let tag = TableTag::builder().key(key).value(value).build()?;
        dynamodb.tag_resource().resource_arn(&arn).tags(tag).send().await?;
    }
    Ok(())
}

async fn functions(aws: &Clients) -> Result<()> {
    let (lambda, list, upload) =
        (&aws.lambda, function(aws, "-list-").await?, function(aws, "-upload-").await?);
    let zip = artifacts::functions().join(artifacts::architecture()).join("delete.zip");
    let call = lambda.update_function_code().function_name(&list);
    call.zip_file(Blob::new(std::fs::read(zip)?)).send().await?;
    lambda.update_function_configuration().function_name(&list).timeout(77).send().await?;
    lambda.put_function_concurrency().function_name(&list).reserved_concurrent_executions(1).send().await?;
    lambda.delete_function_concurrency().function_name(&upload).send().await?;
    let arn = format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{list}");
    lambda.tag_resource().resource(arn).tags(TEAM, "theirs").tags(RETAINED, "true").send().await?;
    // For somebody else's API.
    lambda.remove_permission().function_name(&list).statement_id("photogallery").send().await?;
    let call = lambda.add_permission().function_name(&list).statement_id("photogallery");
    let call = call.action("lambda:InvokeFunction").principal("apigateway.amazonaws.com");
    call.source_arn(format!("arn:aws:execute-api:{REGION}:{ACCOUNT}:theirs/*")).send().await?;
    Ok(())
}

async fn role_and_log_group(aws: &Clients) -> Result<()> {
    let (iam, name) = (&aws.iam, function(aws, "-list-").await?);
    iam.put_role_permissions_boundary()
        .role_name(&name)
        .permissions_boundary(ANOTHER_BOUNDARY)
        .send()
        .await?;
    iam.update_assume_role_policy().role_name(&name).policy_document(TRUST).send().await?;
    iam.delete_role_policy().role_name(&name).policy_name("photogallery").send().await?;
    iam.update_role().role_name(&name).description("theirs").send().await?;
    for (key, value) in [(TEAM, "theirs"), (RETAINED, "true")] {
        let tag = RoleTag::builder().key(key).value(value).build()?;
        iam.tag_role().role_name(&name).tags(tag).send().await?;
    }
    let group = format!("/aws/lambda/{name}");
    aws.logs.put_retention_policy().log_group_name(&group).retention_in_days(1).send().await?;
    let arn = format!("arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}");
    aws.logs.tag_resource().resource_arn(arn).tags(TEAM, "theirs").tags(RETAINED, "true").send().await?;
    Ok(())
}

async fn rest_api(aws: &Clients) -> Result<()> {
    let apis = aws.apigateway.get_rest_apis().send().await?.items.unwrap_or_default();
    let id = apis.into_iter().next().and_then(|api| api.id).context("no REST API")?;
    let arn = format!("arn:aws:apigateway:{REGION}::/restapis/{id}");
    let call = aws.apigateway.tag_resource().resource_arn(&arn).tags(TEAM, "theirs").tags(RETAINED, "true");
    // The body would have to be another.
    call.tags("photogallery.dev/body-sha256", "theirs").send().await?;
    let change = PatchOperation::builder().op(Op::Replace).path("/*/*/throttling/rateLimit").value("1");
    let call = aws.apigateway.update_stage().rest_api_id(&id).stage_name("api");
    call.patch_operations(change.build()).send().await?;
    Ok(())
}

async fn cdn(aws: &Clients) -> Result<()> {
    let cloudfront = &aws.cloudfront;
    let list = cloudfront.list_distributions().send().await?.distribution_list;
    let found = list.and_then(|list| list.items).unwrap_or_default().into_iter().next();
    let (id, arn) = found.map(|found| (found.id, found.arn)).context("no distribution")?;
    let seen = cloudfront.get_distribution_config().id(&id).send().await?;
    let mut config = seen.distribution_config.context("no configuration")?;
    config.comment = "theirs".into();
    let call = cloudfront.update_distribution().id(&id).set_if_match(seen.e_tag).distribution_config(config);
    call.send().await?;
    let tags = [(TEAM, "theirs"), (RETAINED, "true"), (SITE, "theirs")];
    let tags = tags.map(|(key, value)| CdnTag::builder().key(key).value(value).build());
    let tags = CdnTags::builder().set_items(Some(tags.into_iter().collect::<Result<_, _>>()?)).build();
    cloudfront.tag_resource().resource(arn).tags(tags).send().await?;

    for id in controls(aws).await? {
        let seen = cloudfront.get_origin_access_control_config().id(&id).send().await?;
        let mut config = seen.origin_access_control_config.context("no configuration")?;
        config.signing_behavior = OriginAccessControlSigningBehaviors::Never;
        let call = cloudfront.update_origin_access_control().id(&id).set_if_match(seen.e_tag);
        call.origin_access_control_config(config).send().await?;
    }
    for id in headers_policies(aws).await? {
        let seen = cloudfront.get_response_headers_policy_config().id(&id).send().await?;
        let mut config = seen.response_headers_policy_config.context("no configuration")?;
        config.security_headers_config = None;
        let call = cloudfront.update_response_headers_policy().id(&id).set_if_match(seen.e_tag);
        call.response_headers_policy_config(config).send().await?;
    }
    Ok(())
}

/// Photos, an upload that nobody finished, and policies of others on a role: what a deletion must take away first.
pub(super) async fn fill(aws: &Clients) -> Result<()> {
    let (photos, role) = (bucket_named(aws, "-photos-").await?, function(aws, "-list-").await?);
    aws.s3.put_object().bucket(&photos).key("photos/1").body(b"photo".to_vec().into()).send().await?;
    aws.s3.create_multipart_upload().bucket(&photos).key("incoming/2").send().await?;
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListBucket","Resource":"*"}]}"#;
    aws.iam.put_role_policy().role_name(&role).policy_name("theirs").policy_document(policy).send().await?;
    aws.iam.attach_role_policy().role_name(&role).policy_arn(ANOTHER_BOUNDARY).send().await?;
    Ok(())
}

/// What all galleries share and leave, so that the next one makes it anew.
pub(super) async fn remove_shared(aws: &Clients) -> Result<()> {
    for bucket in buckets(aws).await? {
        let objects = aws.s3.list_objects_v2().bucket(&bucket).send().await?.contents.unwrap_or_default();
        for key in objects.into_iter().filter_map(|object| object.key) {
            aws.s3.delete_object().bucket(&bucket).key(key).send().await?;
        }
        aws.s3.delete_bucket().bucket(&bucket).send().await?;
    }
    for id in controls(aws).await? {
        let tag = aws.cloudfront.get_origin_access_control().id(&id).send().await?.e_tag;
        aws.cloudfront.delete_origin_access_control().id(&id).set_if_match(tag).send().await?;
    }
    for id in headers_policies(aws).await? {
        let tag = aws.cloudfront.get_response_headers_policy().id(&id).send().await?.e_tag;
        aws.cloudfront.delete_response_headers_policy().id(&id).set_if_match(tag).send().await?;
    }
    Ok(())
}

async fn buckets(aws: &Clients) -> Result<Vec<String>> {
    let buckets = aws.s3.list_buckets().send().await?.buckets.unwrap_or_default();
    Ok(buckets.into_iter().filter_map(|bucket| bucket.name).collect())
}

async fn bucket_named(aws: &Clients, part: &str) -> Result<String> {
    let found = buckets(aws).await?.into_iter().find(|name| name.contains(part));
    found.with_context(|| format!("no bucket {part}"))
}

/// A function's name is its role's too.
async fn function(aws: &Clients, part: &str) -> Result<String> {
    let functions = aws.lambda.list_functions().send().await?.functions.unwrap_or_default();
    let mut names = functions.into_iter().filter_map(|function| function.function_name);
    names.find(|name| name.contains(part)).with_context(|| format!("no function {part}"))
}

async fn controls(aws: &Clients) -> Result<Vec<String>> {
    let list = aws.cloudfront.list_origin_access_controls().send().await?.origin_access_control_list;
    Ok(list.and_then(|list| list.items).unwrap_or_default().into_iter().map(|control| control.id).collect())
}

async fn headers_policies(aws: &Clients) -> Result<Vec<String>> {
    let list = aws.cloudfront.list_response_headers_policies().send().await?.response_headers_policy_list;
    let items = list.and_then(|list| list.items).unwrap_or_default().into_iter();
    // The others are AWS's own, which nobody can delete.
    let custom = items.filter(|item| item.r#type == ResponseHeadersPolicyType::Custom);
    Ok(custom.filter_map(|item| item.response_headers_policy).map(|policy| policy.id).collect())
}

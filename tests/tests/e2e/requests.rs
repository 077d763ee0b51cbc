//! A gallery's whole life, by which every AWS operation that operator and functions know is called at least once; and every request
//! of it is one that AWS's own models allow (`docs/testing.md`). The check itself is part of every end-to-end test; this one makes
//! sure that it has seen everything.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use aws_sdk_apigateway::types::{Op, PatchOperation};
use aws_sdk_cloudfront::types::FrameOptionsList;
use aws_sdk_lambda::types::Environment;
use functions_core::contract::FunctionName;
use http::Method;
use photogallery_operator::graph::BucketRole;
use photogallery_tests::permissions::{self, Roles};
use photogallery_tests::stack::Stack;
use photogallery_tests::tools::Tools;
use photogallery_tests::{artifacts, aws_models};
use serde_json::json;

use crate::changes::copy_with_another_list;
use crate::photos::processed;
use crate::support::gallery::{moment, rest_api_id};
use crate::support::pictures::phone_jpeg;
use crate::support::{Gallery, alone};

/// What the functions and the visitors' browsers ask on behalf of a photo, and the operator when it starts.
const BESIDES: &[&str] = &[
    "sts:GetCallerIdentity",
    "s3:PostObject",
    "s3:GetObject",
    "s3:PutObject",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
];
/// Asked only where a quota seems to be near its end, which no life here comes to: `operator/src/aws/account/tests.rs`.
const SELDOM: &[&str] = &["servicequotas:GetServiceQuota", "servicequotas:GetAWSDefaultServiceQuota"];
/// A life's requests; fewer would mean that the record has a hole.
const AT_LEAST: u64 = 500;

#[test]
fn every_request_of_a_gallery_s_whole_life_is_one_that_aws_takes() -> Result<()> {
    alone("requests", &[], async |stack| {
        let spec = json!({
            "deletionPolicy": "Delete",
            "tags": { "team": "events", "cost centre": "photos + co" },
            "functions": { "list": { "reservedConcurrency": 2 } },
        });
        let gallery = Gallery::apply(stack, "whole-life", spec).await?;
        photos_come_and_go(&gallery).await?;
        everything_is_changed(&gallery).await?;
        a_photo_is_kept_as_it_was_sent(&gallery).await?;
        everything_is_changed_by_others(&gallery).await?;
        the_api_is_deleted_by_others(&gallery).await?;
        a_new_build_is_deployed(&gallery).await?;
        what_others_left_is_in_the_way_of_deletion(&gallery).await?;
        gallery.delete().await?;

        let retained = Gallery::apply(stack, "kept", json!({})).await?;
        photos_come_and_go(&retained).await?;
        retained.delete().await?;
        retained.apply_again(json!({})).await?;
        retained.settled().await?;
        retained.delete().await?;

        everything_was_called(stack).await
    })
}

/// To see it fail: give an action in a table of `operator/src/aws` a name that its service does not have.
#[tokio::test]
async fn the_policies_that_the_operator_asks_for_are_ones_that_iam_takes() -> Result<()> {
    let tools = Tools::find().await?;
    let policies = [
        permissions::of_operator(Roles::Bounded).await?,
        permissions::of_operator(Roles::Unbounded).await?,
        permissions::boundary().await?,
    ];
    for policy in policies {
        aws_models::check_policy(&tools, &policy).await?;
    }
    Ok(())
}

/// The check, and that it has seen each operation.
async fn everything_was_called(stack: &Stack) -> Result<()> {
    let report = stack.check_requests().await?;
    ensure!(
        report.requests >= AT_LEAST,
        "only {} requests are recorded: {:#?}",
        report.requests,
        report.operations
    );
    every_right_was_used(stack).await?;
    let mut expected = named_in_the_operator()?;
    ensure!(expected.len() > 90, "only {} operations are named in operator/src/aws", expected.len());
    expected.extend(BESIDES.iter().map(|name| (*name).to_owned()));
    let often = expected.iter().filter(|name| !SELDOM.contains(&name.as_str()));
    let missing: Vec<_> = often.filter(|name| !report.operations.contains_key(*name)).collect();
    ensure!(missing.is_empty(), "never called: {missing:#?}");
    // And the other way round: what is called is named, so that this list is the whole.
    let unnamed: Vec<_> = report.operations.keys().filter(|name| !expected.contains(*name)).collect();
    ensure!(unnamed.is_empty(), "called, and not named in operator/src/aws: {unnamed:#?}");
    Ok(())
}

/// What the operator's policy allows is what its calls asked IAM for. To see it fail: let the local AWS take an action for another one
/// (`tests/local-aws/permissions.py`).
async fn every_right_was_used(stack: &Stack) -> Result<()> {
    let policy = permissions::needed(&permissions::of_operator(Roles::Bounded).await?)?;
    let asked: BTreeSet<_> = stack.operator_calls()?.into_iter().flat_map(|call| call.actions).collect();
    let unused: Vec<_> =
        permissions::actions(&policy)?.into_iter().filter(|action| !asked.contains(action)).collect();
    ensure!(unused.is_empty(), "allowed, and never asked for: {unused:#?}");
    Ok(())
}

/// `service:Operation` of each call, as the sources name it for its errors.
fn named_in_the_operator() -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    read(&artifacts::root().join("operator/src/aws"), &mut |source| {
        let calls = source.split("failed(\"").skip(1).filter_map(|rest| rest.split_once("\")"));
        names.extend(
            calls
                .filter_map(|(call, _)| call.split_once("\", \""))
                .map(|(service, name)| format!("{service}:{name}")),
        );
    })?;
    Ok(names)
}

fn read(folder: &Path, take: &mut impl FnMut(&str)) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            read(&path, take)?;
        } else {
            take(
                &std::fs::read_to_string(&path)
                    .with_context(|| format!("failed to read {}", path.display()))?,
            );
        }
    }
    Ok(())
}

async fn photos_come_and_go(gallery: &Gallery<'_>) -> Result<()> {
    let visitor = gallery.visitor().await?;
    let first = visitor.upload("Été à la mer.jpg", "image/jpeg", &phone_jpeg(60, 80)?).await?;
    visitor.upload("b.jpg", "image/jpeg", &phone_jpeg(80, 60)?).await?;
    processed(&visitor, 2).await?;
    let deleted = visitor.api(Method::DELETE, &format!("/api/photos/{first}"), None).await?;
    ensure!(deleted.0 == 204, "{deleted:?}");
    Ok(())
}

/// Which is a copy in S3; a cleaned one is written.
async fn a_photo_is_kept_as_it_was_sent(gallery: &Gallery<'_>) -> Result<()> {
    let visitor = gallery.visitor().await?;
    visitor.upload("c.jpg", "image/jpeg", &phone_jpeg(90, 60)?).await?;
    processed(&visitor, 2).await?;
    Ok(())
}

/// Each kind that the spec has a say in.
async fn everything_is_changed(gallery: &Gallery<'_>) -> Result<()> {
    gallery
        .change(json!({
            "title": "Winter 2026",
            "photos": { "archiveAfterDays": 90, "metadata": "Keep" },
            "functions": {
                "logRetentionDays": 7,
                "thumbnail": { "memoryMiB": 1024 },
                "list": { "timeoutSeconds": 12, "reservedConcurrency": null },
            },
            "api": { "throttle": { "burst": 90 }, "additionalAllowedOrigins": ["https://www.example.com"] },
            "cdn": { "priceClass": "PriceClass_All" },
            // Two that IAM takes for one.
            "tags": { "team": null, "cost centre": "42", "project/é": "x=y", "Stage": "one", "stage": "two" },
        }))
        .await?;
    gallery.settled().await.map(drop)
}

/// What only drift leads to: settings that the spec has no say in.
async fn everything_is_changed_by_others(gallery: &Gallery<'_>) -> Result<()> {
    api_and_cdn_are_changed(gallery).await?;
    let (aws, identity) = (gallery.stack.aws(), gallery.identity());
    let role = identity.role(FunctionName::List);
    let trust = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Principal": { "Service": "ec2.amazonaws.com" }, "Action": "sts:AssumeRole" },
    ]});
    aws.iam.update_role().role_name(&role).description("mine").send().await?;
    let boundary = aws.iam.put_role_permissions_boundary().role_name(&role);
    boundary.permissions_boundary("arn:aws:iam::aws:policy/ReadOnlyAccess").send().await?;
    aws.iam.update_assume_role_policy().role_name(&role).policy_document(trust.to_string()).send().await?;
    let bucket = identity.bucket(BucketRole::Thumbnails);
    aws.s3.delete_bucket_ownership_controls().bucket(&bucket).send().await?;
    aws.s3.delete_public_access_block().bucket(&bucket).send().await?;
    let function = gallery.function(FunctionName::List);
    let environment = Environment::builder().variables("LOG", "debug").build();
    aws.lambda
        .update_function_configuration()
        .function_name(&function)
        .environment(environment)
        .send()
        .await?;
    let permission = "photogallery";
    aws.lambda.remove_permission().function_name(&function).statement_id(permission).send().await?;
    let other = aws.lambda.add_permission().function_name(&function).statement_id(permission);
    let other = other.action("lambda:InvokeFunction").principal("events.amazonaws.com");
    other.send().await?;
    gallery.reconcile().await.map(drop)
}

/// Its id is asked for when the list does not have it any more.
async fn the_api_is_deleted_by_others(gallery: &Gallery<'_>) -> Result<()> {
    let before = gallery.status().await?;
    let api = rest_api_id(&before)?;
    gallery.stack.aws().apigateway.delete_rest_api().rest_api_id(api).send().await?;
    gallery.reconcile().await?;
    ensure!(rest_api_id(&gallery.status().await?)? != api, "it is gone, and still what the status says");
    Ok(())
}

async fn api_and_cdn_are_changed(gallery: &Gallery<'_>) -> Result<()> {
    let (aws, status) = (gallery.stack.aws(), gallery.status().await?);
    let api = rest_api_id(&status)?;
    let close =
        PatchOperation::builder().op(Op::Replace).path("/disableExecuteApiEndpoint").value("true").build();
    aws.apigateway.update_rest_api().rest_api_id(api).patch_operations(close).send().await?;
    // Looks like an earlier one of ours.
    aws.apigateway.create_deployment().rest_api_id(api).description("0".repeat(64)).send().await?;

    let controls = aws.cloudfront.list_origin_access_controls().send().await?.origin_access_control_list;
    let control = controls
        .and_then(|list| list.items)
        .and_then(|items| items.into_iter().next())
        .context("no control")?;
    let read = aws.cloudfront.get_origin_access_control_config().id(&control.id).send().await?;
    let mut config = read.origin_access_control_config.context("no configuration")?;
    config.description = Some("mine".into());
    let update = aws.cloudfront.update_origin_access_control().id(&control.id).set_if_match(read.e_tag);
    update.origin_access_control_config(config).send().await?;

    let policies = aws.cloudfront.list_response_headers_policies().send().await?.response_headers_policy_list;
    let policies = policies.and_then(|list| list.items).unwrap_or_default().into_iter();
    let mut policies = policies.filter_map(|item| item.response_headers_policy);
    let policy = policies.find(|policy| {
        policy.response_headers_policy_config.as_ref().is_some_and(|config| config.name.starts_with("pg-"))
    });
    let id = policy.context("no headers policy")?.id;
    let read = aws.cloudfront.get_response_headers_policy_config().id(&id).send().await?;
    let mut config = read.response_headers_policy_config.context("no configuration")?;
    let security = config.security_headers_config.as_mut().context("no security headers")?;
    security.frame_options.as_mut().context("no frames")?.frame_option = FrameOptionsList::Sameorigin;
    let update = aws.cloudfront.update_response_headers_policy().id(&id).set_if_match(read.e_tag);
    update.response_headers_policy_config(config).send().await.map(drop).map_err(Into::into)
}

async fn a_new_build_is_deployed(gallery: &Gallery<'_>) -> Result<()> {
    let copy = gallery.stack.folder().join("functions");
    copy_with_another_list(&copy)?;
    let started = moment().await?;
    gallery
        .stack
        .operator
        .restart_with(|settings| {
            settings.set("FUNCTIONS_DIR", copy.display().to_string());
        })
        .await?;
    gallery.settled_after(started).await.map(drop)
}

/// A managed policy, an unfinished upload, a protected table.
async fn what_others_left_is_in_the_way_of_deletion(gallery: &Gallery<'_>) -> Result<()> {
    let (aws, identity) = (gallery.stack.aws(), gallery.identity());
    let attach = aws.iam.attach_role_policy().role_name(identity.role(FunctionName::Upload));
    attach.policy_arn("arn:aws:iam::aws:policy/ReadOnlyAccess").send().await?;
    let upload = aws.s3.create_multipart_upload().bucket(identity.bucket(BucketRole::Photos));
    upload.key("photos/half").send().await?;
    let protect = aws.dynamodb.update_table().table_name(identity.table()).deletion_protection_enabled(true);
    protect.send().await.map(drop).map_err(Into::into)
}

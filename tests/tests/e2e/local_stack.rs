//! The parts of the local stack by themselves: what the other end-to-end tests take for granted.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use aws_sdk_apigateway::primitives::Blob;
use aws_sdk_apigateway::types::PutMode;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, DeleteParams, ListParams, ObjectMeta, PostParams};
use photogallery_tests::control_plane::{self, ControlPlane};
use photogallery_tests::local_aws::{Clients, LocalAws, REGION, Wishes};
use photogallery_tests::run::Run;
use photogallery_tests::tools::Tools;
use photogallery_tests::{Progress, artifacts, inventory, visitor, wait};
use serde_json::json;

fn claim(name: &str) -> Result<Run> {
    let folder = artifacts::root().join(format!("target/stacks/{name}-{}", std::process::id()));
    Run::claim(&folder, true, Progress::silent())
}

/// S3 wants to be told the region that it is asked in.
fn here() -> CreateBucketConfiguration {
    CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::from(REGION)).build()
}

#[tokio::test]
async fn a_namespace_comes_and_goes_and_a_service_account_is_no_more_than_itself() -> Result<()> {
    let run = claim("control-plane")?;
    let plane = ControlPlane::start(&run, &Tools::find().await?).await?;
    let namespaces: Api<Namespace> = Api::all(plane.client().await?);
    let metadata = ObjectMeta { name: Some("short-lived".into()), ..Default::default() };
    namespaces.create(&PostParams::default(), &Namespace { metadata, ..Default::default() }).await?;

    let token = wait::until_ok("a token", Duration::from_secs(10), async || {
        plane.token("short-lived", "default").await
    })
    .await?;
    let account = control_plane::client(&plane.kubeconfig_with_token(&token)).await?;
    let refused = Api::<Namespace>::all(account).list(&ListParams::default()).await;
    let refused = refused.err().context("an account without rights may list namespaces")?.to_string();
    ensure!(refused.contains("system:serviceaccount:short-lived:default"), "{refused}");

    namespaces.delete("short-lived", &DeleteParams::default()).await?;
    wait::until("the namespace's end", Duration::from_secs(20), async || {
        Ok(namespaces.get_opt("short-lived").await?.is_none().then_some(()))
    })
    .await?;
    plane.stop().await
}

#[tokio::test]
async fn local_aws_lets_a_user_do_what_the_policy_says_and_no_more() -> Result<()> {
    let run = claim("aws-iam")?;
    let aws = LocalAws::start(&run, &Tools::find().await?, Wishes::default()).await?;
    let policy = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": ["s3:CreateBucket", "s3:PutObject"], "Resource": "arn:aws:s3:::mine*" },
    ]});
    let credentials = aws.create_user("someone", &policy.to_string()).await?;
    let key = credentials.access_key_id().to_owned();
    let someone = Clients::new(&aws.config(credentials, REGION));

    someone.s3.create_bucket().bucket("mine-1").create_bucket_configuration(here()).send().await?;
    let denied = someone
        .s3
        .create_bucket()
        .bucket("theirs")
        .create_bucket_configuration(here())
        .send()
        .await
        .err()
        .context("not refused")?;
    ensure!(denied.into_service_error().meta().code() == Some("AccessDenied"));
    let anonymous = visitor::get(aws.port, &format!("127.0.0.1:{}", aws.port), "/mine-1").await?;
    ensure!(anonymous.status() == 403, "an anonymous list answered {}", anonymous.status());

    let calls: Vec<_> = aws.calls()?.into_iter().filter(|call| call.caller == key).collect();
    ensure!(calls.len() == 2 && calls.iter().all(|call| call.write && call.service == "s3"), "{calls:#?}");
    ensure!(calls[1].error == "AccessDenied" && calls[1].status == 403, "{calls:#?}");
    aws.stop().await
}

#[tokio::test]
async fn the_person_looking_around_may_read_and_not_write() -> Result<()> {
    let run = claim("aws-developer")?;
    let aws = LocalAws::start(&run, &Tools::find().await?, Wishes::default()).await?;
    let root = Clients::new(&aws.config(LocalAws::root(), REGION));
    root.s3.create_bucket().bucket("photos-1").create_bucket_configuration(here()).send().await?;
    root.s3.put_object().bucket("photos-1").key("a").body(b"x".to_vec().into()).send().await?;
    let credentials = aws.create_user("developer", "arn:aws:iam::aws:policy/ReadOnlyAccess").await?;
    let developer = Clients::new(&aws.config(credentials, REGION));

    ensure!(developer.s3.list_buckets().send().await?.buckets().len() == 1);
    developer.s3.get_object().bucket("photos-1").key("a").send().await?;
    developer.lambda.list_functions().send().await?;
    developer.dynamodb.list_tables().send().await?;
    developer.apigateway.get_rest_apis().send().await?;
    developer.cloudfront.list_distributions().send().await?;
    let denied =
        developer.s3.delete_object().bucket("photos-1").key("a").send().await.err().context("not refused")?;
    ensure!(denied.into_service_error().meta().code() == Some("AccessDenied"));
    aws.stop().await
}

/// To see it fail: leave a word out of `GONE` in `inventory.rs`.
#[tokio::test]
async fn what_goes_while_the_account_is_listed_is_not_in_the_list() -> Result<()> {
    let run = claim("aws-inventory")?;
    let aws = LocalAws::start(&run, &Tools::find().await?, Wishes::default()).await?;
    let root = Clients::new(&aws.config(LocalAws::root(), REGION));
    root.s3.create_bucket().bucket("photos-1").create_bucket_configuration(here()).send().await?;
    root.s3.put_object().bucket("photos-1").key("a").body(b"x".to_vec().into()).send().await?;
    let all: Vec<_> = inventory::take(&root).await?.iter().map(ToString::to_string).collect();
    let own = |line: &&String| line.contains("photos-1");
    ensure!(all.iter().filter(own).eq(["bucket photos-1", "object photos-1/a"]), "{all:#?}");
    for kind in ["bucket", "table", "function", "role", "log group", "REST API", "distribution"] {
        let (name, id) = ("gone".to_owned(), "abcdef1234".to_owned());
        let gone = inventory::Item { kind, name, id, host: String::new(), content: String::new() };
        let found = inventory::describe(&root, gone).await.with_context(|| format!("a {kind}"))?;
        ensure!(found.is_empty(), "{found:?}");
    }
    aws.stop().await
}

#[tokio::test]
async fn a_rest_api_is_imported_and_overwritten_from_openapi() -> Result<()> {
    let run = claim("aws-openapi")?;
    let aws = LocalAws::start(&run, &Tools::find().await?, Wishes::default()).await?;
    let gateway = Clients::new(&aws.config(LocalAws::root(), REGION)).apigateway;
    let api = gateway.create_rest_api().name("test").send().await?.id.context("no id")?;
    let put = async |path: &str| -> Result<()> {
        let operation = json!({
            "responses": { "200": { "description": "ok" } },
            "x-amazon-apigateway-integration": {
                "type": "mock",
                "requestTemplates": { "application/json": "{\"statusCode\": 200}" },
                "responses": { "default": {
                    "statusCode": "200", "responseTemplates": { "application/json": "{\"path\": \"here\"}" }
                }},
            },
        });
        let body = json!({ "openapi": "3.0.1", "info": { "title": "test", "version": "1" },
            "paths": { path: { "get": operation } } });
        let body = Blob::new(body.to_string());
        gateway.put_rest_api().rest_api_id(&api).mode(PutMode::Overwrite).body(body).send().await?;
        Ok(())
    };
    let get = async |path: &str| visitor::get(aws.port, &format!("{api}.execute-api.localhost"), path).await;

    put("/first").await?;
    gateway.create_deployment().rest_api_id(&api).stage_name("api").send().await?;
    let answer = get("/api/first").await?;
    ensure!(answer.status() == 200 && &answer.body()[..] == br#"{"path": "here"}"#, "{answer:?}");

    put("/second").await?;
    ensure!(get("/api/second").await?.status() == 200);
    ensure!(get("/api/first").await?.status() == 403, "a path that the new body omits is still there");
    aws.stop().await
}

//! What others change in AWS is put back, and told.

use anyhow::{Context as _, Result, ensure};
use aws_sdk_apigateway::types::{Op, PatchOperation};
use aws_sdk_lambda::types::Environment;
use functions_core::contract::FunctionName;
use photogallery_operator::graph::BucketRole;
use photogallery_tests::local_aws::Clients;
use serde_json::json;

use crate::support::{Gallery, shared};

#[test]
fn drift_is_put_back_and_an_event_names_the_resource_and_the_field() -> Result<()> {
    shared(async |stack| {
        let gallery = Gallery::apply(stack, "drift", json!({})).await?;
        gallery.settled().await?;

        a_removed_bucket_policy_comes_back(&gallery, stack.aws()).await?;
        a_changed_environment_is_put_back(&gallery, stack.aws()).await?;
        a_deleted_file_of_the_site_comes_back(&gallery, stack.aws()).await?;
        a_changed_throttle_is_put_back(&gallery, stack.aws()).await?;

        let events = gallery.events().await?;
        let drift: Vec<_> = events.iter().filter(|event| event.reason == "Drift").collect();
        ensure!(drift.len() == 4, "four changes, but the story is {events:#?}");
        Ok(())
    })
}

async fn a_removed_bucket_policy_comes_back(gallery: &Gallery<'_>, aws: &Clients) -> Result<()> {
    let bucket = gallery.identity().bucket(BucketRole::Frontend);
    let before = aws.s3.get_bucket_policy().bucket(&bucket).send().await?.policy.context("no policy")?;
    aws.s3.delete_bucket_policy().bucket(&bucket).send().await?;

    gallery.reconcile().await?;

    let after = aws.s3.get_bucket_policy().bucket(&bucket).send().await?.policy;
    ensure!(after.as_ref() == Some(&before), "the policy is {after:?}, not {before}");
    gallery.tells(true, "Drift", "bucket-policy/frontend was missing, made again").await
}

async fn a_changed_environment_is_put_back(gallery: &Gallery<'_>, aws: &Clients) -> Result<()> {
    let name = gallery.function(FunctionName::List);
    let read = async || aws.lambda.get_function_configuration().function_name(&name).send().await;
    let environment = read().await?.environment.and_then(|it| it.variables).context("no environment")?;
    let mut changed = environment.clone();
    changed.insert("LOG".into(), "debug".into());
    let changed = Environment::builder().set_variables(Some(changed)).build();
    aws.lambda.update_function_configuration().function_name(&name).environment(changed).send().await?;

    gallery.reconcile().await?;

    let after = read().await?.environment.and_then(|it| it.variables);
    ensure!(after.as_ref() == Some(&environment), "the environment is {after:?}");
    gallery.tells(true, "Drift", "function/list: environment LOG was debug, put back to info").await
}

async fn a_deleted_file_of_the_site_comes_back(gallery: &Gallery<'_>, aws: &Clients) -> Result<()> {
    let bucket = gallery.identity().bucket(BucketRole::Frontend);
    let files = aws.s3.list_objects_v2().bucket(&bucket).prefix("assets/").send().await?;
    let file = files.contents().first().and_then(|file| file.key()).context("the site has no assets")?;
    aws.s3.delete_object().bucket(&bucket).key(file).send().await?;

    let status = gallery.reconcile().await?;

    let url = status["url"].as_str().context("no url")?;
    let visitor = photogallery_tests::visitor::Visitor::new(url)?;
    let answer = visitor.get(&format!("/{file}")).await?;
    ensure!(answer.status() == 200, "{file} answers {}", answer.status());
    let cached =
        answer.headers().get("cache-control").and_then(|value| value.to_str().ok()).unwrap_or_default();
    ensure!(cached.contains("immutable"), "{file} has lost its headers: {cached}");
    gallery.tells(true, "Drift", &format!("site: {file} was missing, put back to as built")).await
}

async fn a_changed_throttle_is_put_back(gallery: &Gallery<'_>, aws: &Clients) -> Result<()> {
    let status = gallery.status().await?;
    let address = status["apiUrl"].as_str().context("no apiUrl")?;
    let api = address.trim_start_matches("https://").split('.').next().unwrap_or_default();
    let change =
        PatchOperation::builder().op(Op::Replace).path("/*/*/throttling/rateLimit").value("5").build();
    let stage = aws.apigateway.update_stage().rest_api_id(api).stage_name("api");
    stage.patch_operations(change).send().await?;

    gallery.reconcile().await?;

    let stage = aws.apigateway.get_stage().rest_api_id(api).stage_name("api").send().await?;
    let all = stage.method_settings().and_then(|settings| settings.get("*/*")).context("no throttle")?;
    ensure!(
        format!("{}", all.throttling_rate_limit()) == "50" && all.throttling_burst_limit() == 100,
        "{all:?}"
    );
    gallery.tells(true, "Drift", "stage: throttle rate was 5/s, put back to 50/s").await
}

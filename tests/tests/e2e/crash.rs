//! An operator that dies in the middle, and one that takes over.

use anyhow::{Result, ensure};
use photogallery_tests::killer::{At, Killer, Moment};
use photogallery_tests::stack::Stack;
use serde_json::json;

use crate::photos::processed;
use crate::support::account::{count, inventory, is_shared, named_resources, unshared};
use crate::support::gallery::{condition, rest_api_id};
use crate::support::pictures::phone_jpeg;
use crate::support::{Gallery, alone_with_killer, dies};

/// After so many of the sixty writes to AWS: among the first, among roles and log groups, among the site's files, among functions.
const POINTS: [usize; 4] = [2, 15, 35, 50];

#[test]
fn an_operator_killed_anywhere_in_a_create_goes_on_after_a_restart_and_makes_nothing_twice() -> Result<()> {
    alone_with_killer("crash", async |stack, killer| {
        let before = unshared(stack).await?;
        let mut expected = before;
        for (number, point) in POINTS.into_iter().enumerate() {
            killer.arm(Some((At::Write(point), Moment::Heard)));
            let gallery = Gallery::apply(stack, &format!("crash-{number}"), json!({})).await?;
            dies(stack, killer).await?;
            ensure!(!is_ready(&gallery).await?, "it was done already");
            stack.operator.start().await?;
            let visitor = gallery.visitor().await?;
            ensure!(visitor.photos().await?.is_empty());
            expected.extend(named_resources(&gallery));
            has_one_of_each(&gallery).await?;
        }
        let mut found = unshared(stack).await?;
        found.retain(|line| !line.starts_with("REST API ") && !line.starts_with("distribution "));
        ensure!(found == expected, "{:#?}", found.symmetric_difference(&expected).collect::<Vec<_>>());
        let all = inventory(stack).await?;
        let shared: Vec<_> = all.iter().filter(|line| is_shared(line)).collect();
        ensure!(shared.len() == 3, "shared by all galleries are {shared:#?}");
        ensure!(
            count(&all, "REST API ") == POINTS.len() && count(&all, "distribution ") == POINTS.len(),
            "{all:#?}"
        );
        a_delete_goes_on_after_a_kill(stack, killer).await
    })
}

async fn a_delete_goes_on_after_a_kill(stack: &Stack, killer: &Killer) -> Result<()> {
    let before = unshared(stack).await?;
    let gallery = Gallery::apply(stack, "crash-delete", json!({ "deletionPolicy": "Delete" })).await?;
    let visitor = gallery.visitor().await?;
    visitor.upload("a.jpg", "image/jpeg", &phone_jpeg(60, 80)?).await?;
    processed(&visitor, 1).await?;
    killer.arm(Some((At::Write(6), Moment::Heard)));
    let delete = ["delete", "pgal", "crash-delete", "--namespace=crash-delete", "--wait=false"];
    stack.kubectl(&delete, None).await?;
    dies(stack, killer).await?;
    stack.operator.start().await?;
    gallery.delete().await.or_else(|error| {
        // It was quicker than kubectl.
        if format!("{error:#}").contains("NotFound") { Ok(()) } else { Err(error) }
    })?;
    let left = unshared(stack).await?;
    ensure!(left == before, "left: {:#?}", left.difference(&before).collect::<Vec<_>>());
    Ok(())
}

async fn is_ready(gallery: &Gallery<'_>) -> Result<bool> {
    let status = gallery.status().await?;
    Ok(condition(&status, "Ready").is_some_and(|ready| ready["status"] == "True"))
}

/// What has no name that AWS would keep unique: REST API, distribution, deployment, permission, notification.
pub(crate) async fn has_one_of_each(gallery: &Gallery<'_>) -> Result<()> {
    use functions_core::contract::FunctionName;
    use photogallery_operator::graph::BucketRole;
    let (identity, aws) = (gallery.identity(), gallery.stack.aws());
    let all = inventory(gallery.stack).await?;
    ensure!(count(&all, &format!("REST API {} ", identity.rest_api())) == 1, "{all:#?}");
    ensure!(count(&all, &format!("distribution {} ", identity.distribution_comment())) == 1, "{all:#?}");
    let status = gallery.status().await?;
    let api = rest_api_id(&status)?;
    let deployments = aws.apigateway.get_deployments().rest_api_id(api).send().await?;
    ensure!(deployments.items().len() == 1, "deployments: {:#?}", deployments.items());
    let stages = aws.apigateway.get_stages().rest_api_id(api).send().await?;
    ensure!(stages.item().len() == 1, "stages: {:#?}", stages.item());
    let bucket = identity.bucket(BucketRole::Photos);
    let notification = aws.s3.get_bucket_notification_configuration().bucket(bucket).send().await?;
    ensure!(notification.lambda_function_configurations().len() == 1, "{notification:#?}");
    for function in FunctionName::ALL {
        let policy = aws.lambda.get_policy().function_name(identity.function(function)).send().await?;
        let policy: serde_json::Value = serde_json::from_str(policy.policy().unwrap_or_default())?;
        ensure!(policy["Statement"].as_array().map_or(0, Vec::len) == 1, "{function}: {policy:#}");
    }
    Ok(())
}

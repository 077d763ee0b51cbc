//! What the operator may do: a role that lacks something, and functions' roles with and without a permissions boundary.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use functions_core::contract::FunctionName;
use photogallery_operator::graph::BucketRole;
use photogallery_tests::local_aws::Clients;
use photogallery_tests::permissions::{self, BOUNDARY, Roles, without};
use photogallery_tests::stack::{OPERATOR_USER, Options, Stack};
use photogallery_tests::wait;
use serde_json::{Value, json};

use crate::support::gallery::condition;
use crate::support::{Gallery, alone, alone_with, refusal};

/// How soon a permission that was granted is used, with nobody asking for it: within a minute, and the time that it takes.
const GRANTED_WITHIN: Duration = Duration::from_secs(75);

/// To see it fail: let `policy::answer` come back to
/// `AccessDenied` after five minutes, or name the operation in place of the action.
#[test]
fn a_missing_permission_is_named_with_its_resource_and_once_it_is_there_the_gallery_goes_on_by_itself()
-> Result<()> {
    alone("permission", &[], async |stack| {
        // Without what a preflight asks for: it would tell before any call is refused.
        let whole = permissions::needed(&permissions::of_operator(Roles::Bounded).await?)?;
        stack.aws.set_user_policy(OPERATOR_USER, &without(&whole, "lambda:CreateFunction")?).await?;
        let gallery = Gallery::apply(stack, "permission", json!({})).await?;
        let status = says_what_is_missing(&gallery, "lambda:CreateFunction").await?;
        let message = stalled(&status);
        let functions = FunctionName::ALL.map(|name| gallery.identity().function_arn(name));
        ensure!(
            functions.iter().any(|arn| message.contains(&format!(" on {arn}, for function/"))),
            "{message}"
        );
        ensure!(message.ends_with("Add it to the operator's role; I will go on by myself."), "{message}");
        ensure!(condition(&status, "Reconciling").is_none(), "stalled and reconciling at once: {status:#}");
        ensure!(condition(&status, "Ready").is_some_and(|ready| ready["status"] == "False"), "{status:#}");
        gallery.tells(true, "Stalled", &format!("AccessDenied: {message}")).await?;

        stack.aws.set_user_policy(OPERATOR_USER, &whole).await?;
        goes_on(&gallery).await?;
        let visitor = gallery.visitor().await?;
        ensure!(visitor.photos().await?.is_empty());
        Ok(())
    })
}

/// Of a live gallery, one after the other: each service's words, and those that say nothing of the resource.
#[test]
fn what_a_live_gallery_may_not_look_at_is_named_with_its_resource() -> Result<()> {
    alone("permissions", &[], async |stack| {
        let whole = permissions::of_operator(Roles::Bounded).await?;
        let gallery = Gallery::apply(stack, "permissions", json!({})).await?;
        gallery.settled().await?;
        let identity = gallery.identity();
        let api = format!("arn:aws:apigateway:{}::/restapis*", identity.region);
        for (action, resource) in [
            ("s3:GetEncryptionConfiguration", identity.bucket_arn(BucketRole::Photos)),
            ("dynamodb:DescribeContinuousBackups", identity.table_arn()),
            ("iam:GetAccountAuthorizationDetails", "*".into()),
            ("lambda:ListTags", identity.function_arn(FunctionName::List)),
            ("logs:ListTagsForResource", identity.log_group_arn(FunctionName::List)),
            ("apigateway:GET", api),
            ("cloudfront:ListTagsForResource", identity.distribution_arn("*")),
            ("cloudfront:GetDistribution", identity.distribution_arn("*")),
        ] {
            stack.aws.set_user_policy(OPERATOR_USER, &without(&whole, action)?).await?;
            gallery.annotate().await?;
            let status = says_what_is_missing(&gallery, action).await?;
            let message = stalled(&status);
            let (_, on) = message.split_once(" on ").context("no resource")?;
            // Of the four buckets, functions … the first that was refused is told.
            let named = on.split(", for ").next().unwrap_or_default();
            let kind = |arn: &str| arn.splitn(6, ':').take(5).collect::<Vec<_>>().join(":");
            ensure!(named == resource || (named != "*" && kind(named) == kind(&resource)), "{message}");
        }
        stack.aws.set_user_policy(OPERATOR_USER, &whole).await?;
        gallery.reconcile().await?;
        Ok(())
    })
}

/// To see it fail: do not give `boundary` to `create_role` (the operator's own policy then refuses to make roles).
#[test]
fn roles_are_bounded_and_the_operator_can_make_none_that_is_not() -> Result<()> {
    alone("boundary", &[], async |stack| {
        let gallery = Gallery::apply(stack, "boundary", json!({})).await?;
        gallery.settled().await?;
        let iam = &stack.aws().iam;
        for function in FunctionName::ALL {
            let name = gallery.function(function);
            ensure!(boundary_of(stack, &name).await?.as_deref() == Some(BOUNDARY), "{name} is not bounded");
        }
        // Drift of the boundary is put back.
        let name = gallery.function(FunctionName::List);
        let theirs = "arn:aws:iam::aws:policy/ReadOnlyAccess";
        iam.put_role_permissions_boundary().role_name(&name).permissions_boundary(theirs).send().await?;
        gallery.reconcile().await?;
        ensure!(boundary_of(stack, &name).await?.as_deref() == Some(BOUNDARY), "it was not put back");
        let told = format!("role/list: permissions boundary was {theirs}, put back to {BOUNDARY}");
        gallery.tells(true, "Drift", &told).await?;

        // Who has the operator's keys.
        let thief = thief(stack).await?.iam;
        let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
        let role = || {
            thief.create_role().path("/photogallery/").role_name("pg-mine").assume_role_policy_document(trust)
        };
        ensure!(refusal(role().send().await)? == "AccessDenied");
        ensure!(refusal(role().permissions_boundary(theirs).send().await)? == "AccessDenied");
        let off = thief.delete_role_permissions_boundary().role_name(&name).send().await;
        ensure!(refusal(off)? == "AccessDenied");
        let all = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
        let version =
            thief.create_policy_version().policy_arn(BOUNDARY).policy_document(all).set_as_default(true);
        ensure!(refusal(version.send().await)? == "AccessDenied");
        iam.put_role_permissions_boundary().role_name(&name).permissions_boundary(theirs).send().await?;
        let put = thief.put_role_policy().role_name(&name).policy_name("mine").policy_document(all);
        ensure!(refusal(put.send().await)? == "AccessDenied", "a policy for a role with another boundary");
        Ok(())
    })
}

/// To see it fail: let `iam_policy` print a condition on `iam:PermissionsBoundary` without `--permissions-boundary`.
#[test]
fn without_a_boundary_the_operator_works_and_one_that_others_set_stays() -> Result<()> {
    let options = Options { roles: Roles::Unbounded, ..Options::test("unbounded") };
    alone_with(options, async |stack| {
        let gallery = Gallery::apply(stack, "unbounded", json!({})).await?;
        let visitor = gallery.visitor().await?;
        ensure!(visitor.photos().await?.is_empty());
        let name = gallery.function(FunctionName::List);
        ensure!(boundary_of(stack, &name).await?.is_none(), "a boundary that nobody asked for");
        let call = stack.aws().iam.put_role_permissions_boundary().role_name(&name);
        call.permissions_boundary(BOUNDARY).send().await?;
        gallery.reconcile().await?;
        ensure!(
            boundary_of(stack, &name).await?.as_deref() == Some(BOUNDARY),
            "somebody's boundary was taken away"
        );
        Ok(())
    })
}

/// What has no name of ours must carry an owner's tag. To see it fail: take the condition from `On::OwnDistribution`.
#[test]
fn who_has_the_operator_s_keys_cannot_touch_distributions_and_rest_apis_of_others() -> Result<()> {
    alone("others", &[], async |stack| {
        let gallery = Gallery::apply(stack, "others", json!({})).await?;
        gallery.settled().await?;
        let thief = thief(stack).await?;
        let root = stack.aws();
        let api = root.apigateway.create_rest_api().name("theirs").send().await?.id.context("no id")?;
        ensure!(
            refusal(thief.apigateway.delete_rest_api().rest_api_id(&api).send().await)?
                == "AccessDeniedException"
        );
        let arn = format!("arn:aws:apigateway:{}::/restapis/{api}", gallery.identity().region);
        let tag = thief.apigateway.tag_resource().resource_arn(arn).tags("photogallery.dev/owner-id", "mine");
        ensure!(refusal(tag.send().await)? == "AccessDeniedException", "it could be made ours");
        let untagged = thief.apigateway.create_rest_api().name("mine").send().await;
        ensure!(refusal(untagged)? == "AccessDeniedException");

        // Ours, and then without the tag.
        let list = root.cloudfront.list_distributions().send().await?.distribution_list;
        let found =
            list.and_then(|list| list.items).unwrap_or_default().into_iter().next().context("none")?;
        thief.cloudfront.get_distribution_config().id(&found.id).send().await?;
        let owner = aws_sdk_cloudfront::types::TagKeys::builder().items("photogallery.dev/owner-id").build();
        root.cloudfront.untag_resource().resource(&found.arn).tag_keys(owner).send().await?;
        ensure!(
            refusal(thief.cloudfront.get_distribution_config().id(&found.id).send().await)? == "AccessDenied"
        );
        let delete = thief.cloudfront.delete_distribution().id(&found.id).if_match("any").send().await;
        ensure!(refusal(delete)? == "AccessDenied");
        Ok(())
    })
}

/// Who may what the operator may.
async fn thief(stack: &Stack) -> Result<Clients> {
    let policy = permissions::of_operator(Roles::Bounded).await?;
    Ok(stack.aws_as(stack.aws.create_user("thief", &policy).await?))
}

async fn boundary_of(stack: &Stack, role: &str) -> Result<Option<String>> {
    let role = stack.aws().iam.get_role().role_name(role).send().await?.role.context("no role")?;
    Ok(role.permissions_boundary.and_then(|boundary| boundary.permissions_boundary_arn))
}

async fn says_what_is_missing(gallery: &Gallery<'_>, action: &str) -> Result<Value> {
    let first = format!("Missing permission {action} on ");
    let is_told = |status: &Value| stalled(status).starts_with(&first);
    gallery
        .wait_for(&format!("to say that {action} is missing"), |object| is_told(&object.data["status"]))
        .await
}

fn stalled(status: &Value) -> String {
    let stalled = condition(status, "Stalled").filter(|stalled| stalled["reason"] == "AccessDenied");
    stalled.and_then(|stalled| stalled["message"].as_str()).unwrap_or_default().to_owned()
}

async fn goes_on(gallery: &Gallery<'_>) -> Result<()> {
    wait::until("the gallery going on by itself", GRANTED_WITHIN, async || {
        let status = gallery.status().await?;
        Ok(condition(&status, "Stalled").is_none().then_some(()))
    })
    .await
}

//! From `kubectl apply` to a gallery that is live, and all that its status and events say.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use functions_core::contract::FunctionName;
use photogallery_operator::graph::BucketRole;
use photogallery_operator::names::sha256_hex;
use photogallery_tests::artifacts;
use photogallery_tests::stack::Stack;
use photogallery_tests::visitor::{self, Visitor};
use serde_json::{Value, json};

use crate::support::gallery::{condition, ensure_condition, rest_api_id};
use crate::support::{Gallery, shared};

#[test]
fn a_gallery_becomes_ready_and_its_status_and_events_tell_everything() -> Result<()> {
    shared(async |stack| {
        let gallery = Gallery::apply(stack, "ready", json!({ "tags": { "team": "events" } })).await?;
        let wait = ["wait", "pgal/ready", "--namespace=ready", "--for=condition=Ready", "--timeout=120s"];
        stack.kubectl(&wait, None).await?;
        let status = gallery.settled().await?;

        conditions_say_that_all_is_well(&gallery, &status).await?;
        addresses_are_where_the_gallery_is(stack, &status).await?;
        every_resource_is_listed(&gallery, &status)?;
        functions_run_what_was_built(&status)?;
        the_story_is_told_in_three_lines(&gallery, &status).await?;
        kubectl_shows_one_readable_line(stack, &status).await?;
        resources_carry_our_tags_and_the_spec_s(&gallery).await
    })
}

async fn conditions_say_that_all_is_well(gallery: &Gallery<'_>, status: &Value) -> Result<()> {
    let url = status["url"].as_str().context("no url")?;
    let object = gallery.object().await?;
    ensure!(status["observedGeneration"].as_i64() == object.metadata.generation);
    let count = status["resources"].as_array().map_or(0, Vec::len);
    ensure_condition(status, "Accepted", ("True", "Valid", "The spec is valid."))?;
    ensure_condition(
        status,
        "Synced",
        ("True", "UpToDate", &format!("All {count} resources match the spec.")),
    )?;
    ensure_condition(status, "Ready", ("True", "Live", &format!("Live at {url}.")))?;
    for absent in ["Reconciling", "Stalled"] {
        ensure!(condition(status, absent).is_none(), "{absent} is still there: {status:#}");
    }
    Ok(())
}

async fn addresses_are_where_the_gallery_is(stack: &Stack, status: &Value) -> Result<()> {
    let url = status["url"].as_str().context("no url")?;
    let ending = format!(".cloudfront.localhost:{}", stack.aws.port);
    ensure!(url.starts_with("http://") && url.ends_with(&ending), "{url}");
    let api = status["apiUrl"].as_str().context("no apiUrl")?;
    ensure!(
        api.starts_with("https://") && api.ends_with(".execute-api.eu-west-1.amazonaws.com/api"),
        "{api}"
    );

    let visitor = Visitor::new(url)?;
    let page = visitor.get("/").await?;
    ensure!(page.status() == 200, "the page answers {}", page.status());
    ensure!(page.headers()["content-type"].to_str()?.starts_with("text/html"));
    let config: Value = serde_json::from_slice(visitor.get("/config.json").await?.body())?;
    ensure!(config["title"] == "Summer 2026" && config["apiBase"] == "/api", "{config:#}");
    ensure!(config["maxUploadBytes"] == 25 * 1024 * 1024, "{config:#}");
    ensure!(visitor.photos().await?.is_empty());

    let host = api.trim_start_matches("https://").trim_end_matches("/api");
    let label = host.split('.').next().unwrap_or_default();
    let direct =
        visitor::get(stack.aws.port, &format!("{label}.execute-api.localhost"), "/api/photos").await?;
    ensure!(direct.status() == 200, "nothing answers at apiUrl");
    Ok(())
}

fn every_resource_is_listed(gallery: &Gallery<'_>, status: &Value) -> Result<()> {
    let identity = gallery.identity();
    let resources = status["resources"].as_array().context("no resources")?;
    let listed = |kind: &str, role: &str| {
        let found =
            resources.iter().find(|it| it["kind"] == kind && it["role"].as_str().unwrap_or("") == role);
        found.with_context(|| format!("{kind} {role} is not listed in {resources:#?}"))
    };
    let mut expected = vec![("Table".to_owned(), String::new(), identity.table(), identity.table_arn())];
    for role in BucketRole::OF_A_GALLERY {
        expected.push((
            "Bucket".into(),
            role.as_str().into(),
            identity.bucket(role),
            identity.bucket_arn(role),
        ));
    }
    for name in FunctionName::ALL {
        let role = name.to_string();
        expected.push((
            "Function".into(),
            role.clone(),
            identity.function(name),
            identity.function_arn(name),
        ));
        expected.push(("Role".into(), role.clone(), identity.role(name), identity.role_arn(name)));
        expected.push(("LogGroup".into(), role, identity.log_group(name), identity.log_group_arn(name)));
    }
    for (kind, role, name, arn) in expected {
        let found = listed(&kind, &role)?;
        ensure!(found["name"] == *name && found["arn"] == *arn && found["state"] == "Ready", "{found:#}");
    }
    let api = rest_api_id(status)?;
    ensure!(listed("RestApi", "")?["arn"] == *identity.rest_api_arn(api));
    ensure!(listed("Stage", "")?["arn"] == *identity.stage_arn(api));
    let distribution = listed("Distribution", "")?;
    let id = distribution["name"].as_str().unwrap_or_default();
    ensure!(distribution["arn"] == *identity.distribution_arn(id), "{distribution:#}");
    Ok(())
}

fn functions_run_what_was_built(status: &Value) -> Result<()> {
    let functions = status["functions"].as_array().context("no functions")?;
    let names: BTreeSet<_> = functions.iter().filter_map(|function| function["name"].as_str()).collect();
    ensure!(names == BTreeSet::from(["upload", "list", "delete", "thumbnail"]), "{names:?}");
    for function in functions {
        let name = function["name"].as_str().unwrap_or_default();
        let zip = artifacts::functions().join(artifacts::architecture()).join(format!("{name}.zip"));
        ensure!(function["codeSha256"] == *sha256_hex(&std::fs::read(zip)?), "{function:#}");
        ensure!(
            function["architecture"] == artifacts::architecture() && function["state"] == "Active",
            "{function:#}"
        );
    }
    Ok(())
}

async fn the_story_is_told_in_three_lines(gallery: &Gallery<'_>, status: &Value) -> Result<()> {
    let events = gallery.events().await?;
    let reasons: Vec<_> = events.iter().map(|event| event.reason.as_str()).collect();
    ensure!(reasons == ["Creating", "Deployed", "Live"], "{events:#?}");
    ensure!(events.iter().all(|event| !event.warning), "{events:#?}");
    ensure!(events[0].note.starts_with("3 buckets, 1 table, 4 roles, 4 log groups"), "{}", events[0].note);
    ensure!(
        events[1].note.starts_with("functions upload, list, delete, thumbnail (build "),
        "{}",
        events[1].note
    );
    ensure!(events[2].note == status["url"], "{}", events[2].note);
    Ok(())
}

async fn kubectl_shows_one_readable_line(stack: &Stack, status: &Value) -> Result<()> {
    let table = stack.kubectl(&["get", "pgal", "--namespace=ready"], None).await?;
    let lines: Vec<Vec<_>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    ensure!(lines[0] == ["NAME", "READY", "REASON", "URL", "AGE"], "{table}");
    let url = status["url"].as_str().unwrap_or_default();
    ensure!(lines[1][..4] == ["ready", "True", "Live", url], "{table}");
    let all = stack.kubectl(&["get", "aws", "--namespace=ready", "--output=name"], None).await?;
    ensure!(all.trim() == "photogallery.photogallery.dev/ready", "{all}");
    Ok(())
}

async fn resources_carry_our_tags_and_the_spec_s(gallery: &Gallery<'_>) -> Result<()> {
    let (identity, aws) = (gallery.identity(), gallery.stack.aws());
    let uid = gallery.object().await?.metadata.uid.context("no uid")?;
    let expected = [
        ("photogallery.dev/owner-id", identity.installation.owner_id.clone()),
        ("photogallery.dev/namespace", "ready".into()),
        ("photogallery.dev/name", "ready".into()),
        ("photogallery.dev/uid", uid),
        ("team", "events".into()),
    ];
    let bucket = aws.s3.get_bucket_tagging().bucket(identity.bucket(BucketRole::Photos)).send().await?;
    let role = aws.iam.list_role_tags().role_name(identity.role(FunctionName::List)).send().await?;
    let function = aws.lambda.list_tags().resource(identity.function_arn(FunctionName::List)).send().await?;
    let table = aws.dynamodb.list_tags_of_resource().resource_arn(identity.table_arn()).send().await?;
    let group = identity.log_group_arn(FunctionName::List);
    let group = aws.logs.list_tags_for_resource().resource_arn(group).send().await?;
    for (key, value) in expected {
        let said = [
            ("bucket", bucket.tag_set().iter().any(|tag| tag.key() == key && tag.value() == value)),
            ("role", role.tags().iter().any(|tag| tag.key() == key && tag.value() == value)),
            ("function", function.tags().is_some_and(|tags| tags.get(key) == Some(&value))),
            ("table", table.tags().iter().any(|tag| tag.key() == key && tag.value() == value)),
            ("log group", group.tags().is_some_and(|tags| tags.get(key) == Some(&value))),
        ];
        for (kind, is_tagged) in said {
            ensure!(is_tagged, "the {kind} lacks the tag {key}={value}");
        }
    }
    Ok(())
}

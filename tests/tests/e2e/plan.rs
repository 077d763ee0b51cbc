//! Looking without touching: `suspend: true`, and the command `plan`.

use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use functions_core::contract::FunctionName;
use photogallery_tests::local_aws::REGION;
use photogallery_tests::stack::Stack;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::support::gallery::{condition, manifest, moment};
use crate::support::{Gallery, shared};

#[test]
fn a_suspended_gallery_is_looked_at_and_reported_on_and_not_changed() -> Result<()> {
    shared(async |stack| {
        let gallery = Gallery::apply(stack, "suspended", json!({})).await?;
        gallery.settled().await?;
        let before = revision(&gallery).await?;
        let events = gallery.events().await?.len();

        let asked = moment().await?;
        gallery
            .change(json!({ "suspend": true, "functions": { "thumbnail": { "memoryMiB": 1024 } } }))
            .await?;
        let status = gallery
            .wait_for("to say that it is suspended", |object| {
                let status = &object.data["status"];
                let seen = status["lastObservedTime"].as_str().and_then(|time| time.parse().ok());
                status["observedGeneration"].as_i64() == object.metadata.generation
                    && seen.is_some_and(|seen: k8s_openapi::jiff::Timestamp| seen >= asked)
                    && condition(status, "Synced").is_some_and(|synced| synced["reason"] == "Suspended")
            })
            .await?;

        let synced = condition(&status, "Synced").context("no Synced")?;
        let message = synced["message"].as_str().unwrap_or_default();
        ensure!(synced["status"] == "False", "{synced:#}");
        ensure!(message.starts_with("spec.suspend is true, so nothing is changed."), "{message}");
        let words: Vec<_> = message.split_whitespace().collect();
        ensure!(words.join(" ").contains("~ function/thumbnail memory 512 MiB -> 1024 MiB"), "{message}");
        ensure!(condition(&status, "Ready").is_some_and(|ready| ready["status"] == "True"), "{status:#}");
        for absent in ["Reconciling", "Stalled"] {
            ensure!(condition(&status, absent).is_none(), "{status:#}");
        }
        ensure!(revision(&gallery).await? == before, "the function was changed");
        ensure!(gallery.events().await?.len() == events, "{:#?}", gallery.events().await?);

        gallery.change(json!({ "suspend": false })).await?;
        gallery.settled().await?;
        gallery.tells(false, "Updated", "function/thumbnail: memory 512 MiB -> 1024 MiB").await
    })
}

async fn revision(gallery: &Gallery<'_>) -> Result<(Option<String>, Option<i32>)> {
    let name = gallery.function(FunctionName::Thumbnail);
    let function = gallery.stack.aws().lambda.get_function_configuration().function_name(name).send().await?;
    Ok((function.revision_id, function.memory_size))
}

#[test]
fn plan_shows_what_would_change_and_changes_nothing() -> Result<()> {
    shared(async |stack| {
        let gallery = Gallery::apply(stack, "plan", json!({})).await?;
        gallery.settled().await?;
        let object = gallery.object().await?;

        let nothing = plan(stack, &manifest(&gallery.name, &json!({}))).await?;
        ensure!(nothing.code == 0, "{nothing:#?}");
        ensure!(
            nothing.output.starts_with(&format!("plan/plan in {REGION}, account 000000000000\n")),
            "{nothing:#?}"
        );
        ensure!(
            nothing.output.trim_end().ends_with(" resources unchanged. Nothing was changed."),
            "{nothing:#?}"
        );

        let change = json!({
            "thumbnails": { "maxWidthPixels": 600 },
            "functions": { "thumbnail": { "memoryMiB": 1024 } },
        });
        let change = plan(stack, &manifest(&gallery.name, &change)).await?;
        ensure!(change.code == 2, "{change:#?}");
        let lines: Vec<String> =
            change.output.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        for line in [
            "~ function/thumbnail memory 512 MiB -> 1024 MiB",
            "~ function/thumbnail MAX_WIDTH 400 -> 600",
            "! existing thumbnails keep their size and format; new uploads use the new ones",
        ] {
            ensure!(lines.iter().any(|it| it == line), "no line {line:?} in {}", change.output);
        }
        ensure!(lines.last().is_some_and(|line| line.ends_with("Nothing was changed.")), "{change:#?}");

        let mut another = gallery.name.clone();
        another.name = "another".into();
        let creation = plan(stack, &manifest(&another, &json!({}))).await?;
        ensure!(creation.code == 2 && creation.output.contains("+ bucket/photos"), "{creation:#?}");

        let refused = plan(stack, &manifest(&gallery.name, &json!({ "region": "eu-west-2" }))).await?;
        ensure!(refused.code == 1 && refused.output.is_empty(), "{refused:#?}");
        ensure!(
            refused.error.contains("spec.region: Invalid value: \"eu-west-2\": cannot change."),
            "{refused:#?}"
        );
        ensure!(refused.error.contains("the API server refuses the manifest"), "{refused:#?}");

        // It ran with a reader's keys; and this is what it tried.
        let reader = stack.developer.access_key_id();
        let tried: Vec<_> = stack.aws_calls()?.into_iter().filter(|call| call.caller == reader).collect();
        let writes: Vec<_> = tried.iter().filter(|call| call.write).collect();
        ensure!(!tried.is_empty() && writes.is_empty(), "{writes:#?}");
        let after = gallery.object().await?;
        ensure!(
            after.metadata.resource_version == object.metadata.resource_version,
            "the object was written to"
        );
        ensure!(gallery.object().await?.data == object.data);
        Ok(())
    })
}

#[derive(Debug)]
struct Plan {
    code: i32,
    output: String,
    error: String,
}

/// Runs `plan -f -`, as somebody who may read AWS and write to Kubernetes.
async fn plan(stack: &Stack, manifest: &Value) -> Result<Plan> {
    let mut settings = stack.operator.settings();
    settings
        .set("KUBECONFIG", stack.control_plane.kubeconfig.display().to_string())
        .set("AWS_ACCESS_KEY_ID", stack.developer.access_key_id())
        .set("AWS_SECRET_ACCESS_KEY", stack.developer.secret_access_key());
    let mut command = Command::new(&settings.binary);
    command.args(["plan", "--filename", "-"]).env_clear().envs(&settings.environment);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn()?;
    let mut input = child.stdin.take().context("no standard input")?;
    input.write_all(manifest.to_string().as_bytes()).await?;
    drop(input);
    let output = child.wait_with_output().await?;
    Ok(Plan {
        code: output.status.code().context("it was killed")?,
        output: String::from_utf8(output.stdout)?,
        error: String::from_utf8(output.stderr)?,
    })
}

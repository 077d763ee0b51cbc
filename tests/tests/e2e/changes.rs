//! What a new spec and a new build change.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use functions_core::contract::FunctionName;
use photogallery_operator::names::sha256_hex;
use photogallery_tests::artifacts;
use photogallery_tests::visitor::Visitor;
use serde_json::{Value, json};

use crate::photos::{follow, processed};
use crate::support::pictures::{ensure_upright, phone_jpeg};
use crate::support::{Gallery, alone, shared};

#[test]
fn a_changed_spec_is_told_in_events_and_takes_effect_on_the_next_upload() -> Result<()> {
    shared(async |stack| {
        let gallery = Gallery::apply(stack, "changes", json!({})).await?;
        let visitor = gallery.visitor().await?;
        visitor.upload("before.jpg", "image/jpeg", &phone_jpeg(600, 800)?).await?;
        let before = processed(&visitor, 1).await?;
        ensure_upright(follow(&before[0]["thumbnailUrl"]).await?.body(), (300, 400))?;
        let told = gallery.events().await?.len();

        gallery
            .change(json!({
                "title": "Winter 2026",
                "thumbnails": { "maxWidthPixels": 150 },
                "functions": { "thumbnail": { "memoryMiB": 1024 }, "list": { "timeoutSeconds": 12 } },
                "api": { "throttle": { "burst": 90 } },
            }))
            .await?;
        gallery.settled().await?;

        for (reason, note) in [
            ("Updated", "function/thumbnail: memory 512 MiB -> 1024 MiB; environment MAX_WIDTH 400 -> 150"),
            ("Updated", "function/list: timeout 10 s -> 12 s"),
            ("Updated", "stage: throttle burst 100 -> 90"),
        ] {
            gallery.tells(false, reason, note).await?;
        }
        let events = gallery.events().await?;
        ensure!(events[told..].iter().all(|event| !event.warning), "{:#?}", &events[told..]);
        ensure!(events[told..].iter().all(|event| event.reason == "Updated"), "{:#?}", &events[told..]);
        let name = gallery.function(FunctionName::Thumbnail);
        let function = stack.aws().lambda.get_function_configuration().function_name(name).send().await?;
        ensure!(function.memory_size() == Some(1024), "{function:?}");
        let config: Value = serde_json::from_slice(visitor.get("/config.json").await?.body())?;
        ensure!(
            config["title"] == "Winter 2026" && config["thumbnail"]["maxWidthPixels"] == 150,
            "{config:#}"
        );

        visitor.upload("after.jpg", "image/jpeg", &phone_jpeg(600, 800)?).await?;
        let after = processed(&visitor, 2).await?;
        ensure!(after[0]["filename"] == "after.jpg", "{after:#?}");
        ensure_upright(follow(&after[0]["thumbnailUrl"]).await?.body(), (150, 200))?;
        ensure_upright(follow(&after[1]["thumbnailUrl"]).await?.body(), (300, 400))
    })
}

#[test]
fn a_new_build_of_a_function_is_deployed_when_the_operator_starts_with_it() -> Result<()> {
    alone("new-build", &[], async |stack| {
        let gallery = Gallery::apply(stack, "new-build", json!({})).await?;
        let visitor = gallery.visitor().await?;
        ensure!(visitor.photos().await?.is_empty());
        let old = digests(&gallery).await?;

        let copy = stack.folder().join("functions");
        let zip = copy_with_another_list(&copy)?;
        let started = crate::support::gallery::moment().await?;
        stack
            .operator
            .restart_with(|settings| {
                settings.set("FUNCTIONS_DIR", copy.display().to_string());
            })
            .await?;
        gallery.settled_after(started).await?;

        let new = digests(&gallery).await?;
        for ((name, old), (_, new)) in old.iter().zip(&new) {
            ensure!((old == new) != (name == "list"), "{name}: {old} became {new}");
        }
        ensure!(new.iter().any(|(name, digest)| name == "list" && *digest == sha256_hex(&zip)), "{new:?}");
        let told = gallery.events().await?;
        let deployed: Vec<_> = told.iter().filter(|event| event.reason == "Deployed").collect();
        ensure!(deployed.len() == 2 && deployed[1].note.starts_with("function list (build "), "{told:#?}");
        ensure!(told.iter().all(|event| !event.warning), "a new build is no drift: {told:#?}");
        works(&visitor).await
    })
}

/// Name and digest of each function, as the status says.
async fn digests(gallery: &Gallery<'_>) -> Result<Vec<(String, String)>> {
    let status = gallery.status().await?;
    let functions = status["functions"].as_array().context("no functions")?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Ok(functions.iter().map(|function| (text(&function["name"]), text(&function["codeSha256"]))).collect())
}

/// The built functions, with one of them as another build.
pub(crate) fn copy_with_another_list(to: &Path) -> Result<Vec<u8>> {
    let (from, to) =
        (artifacts::functions().join(artifacts::architecture()), to.join(artifacts::architecture()));
    fs::create_dir_all(&to)?;
    for file in fs::read_dir(&from)? {
        let file = file?;
        fs::copy(file.path(), to.join(file.file_name()))?;
    }
    let zip = artifacts::another_build(fs::read(to.join("list.zip"))?)?;
    fs::write(to.join("list.zip"), &zip)?;
    Ok(zip)
}

async fn works(visitor: &Visitor) -> Result<()> {
    visitor.upload("new.jpg", "image/jpeg", &phone_jpeg(60, 80)?).await?;
    let photos = processed(visitor, 1).await?;
    ensure!(photos[0]["status"] == "ready", "{photos:#?}");
    Ok(())
}

//! Manifests that must not get in: the API server's answer has to teach.

use anyhow::{Context as _, Result, ensure};
use futures::{StreamExt as _, TryStreamExt as _};
use photogallery_tests::artifacts;
use photogallery_tests::gallery::{self, Name};
use photogallery_tests::stack::Stack;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::gallery::merge;
use crate::support::shared;

/// A case of `tests/fixtures/refusals.yaml`, which says how to read it.
#[derive(Deserialize)]
struct Case {
    name: String,
    patch: Value,
    says: String,
    #[serde(default)]
    update: bool,
}

const NAMESPACE: &str = "refusals";
/// Not watched by any operator's tests: a gallery for the cases that change one.
const EXISTING: &str = "existing";

#[test]
fn bad_manifests_are_refused_with_words_that_teach() -> Result<()> {
    shared(async |stack| {
        let cases = std::fs::read_to_string(artifacts::root().join("tests/fixtures/refusals.yaml"))?;
        let cases: Vec<Case> = serde_norway::from_str(&cases)?;
        ensure!(cases.len() > 30, "only {} cases", cases.len());
        gallery::create_namespace(stack, NAMESPACE).await?;
        let mut existing = smallest(EXISTING);
        // The operator need not make it: this test is between the API server and us.
        existing["spec"]["suspend"] = json!(true);
        stack.kubectl(&["apply", "--filename=-"], Some(&existing.to_string())).await?;

        let wrong: Vec<String> = futures::stream::iter(&cases)
            .map(|case| check(stack, case, &existing))
            .buffer_unordered(4)
            .try_filter_map(async |problem| Ok(problem))
            .try_collect()
            .await?;
        ensure!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
        Ok(())
    })
}

fn smallest(name: &str) -> Value {
    let Name { namespace, name } = Name { namespace: NAMESPACE.into(), name: name.into() };
    json!({
        "apiVersion": "photogallery.dev/v1alpha1",
        "kind": "PhotoGallery",
        "metadata": { "name": name, "namespace": namespace },
        "spec": { "title": "Summer 2026", "region": "eu-west-1" },
    })
}

/// What is wrong with the answer, if anything.
async fn check(stack: &Stack, case: &Case, existing: &Value) -> Result<Option<String>> {
    let mut manifest = if case.update { existing.clone() } else { smallest("summer") };
    merge(&mut manifest, &case.patch);
    manifest["metadata"]["namespace"] = json!(NAMESPACE);
    // A dry run passes through all checks, and a case that gets in does not disturb the others.
    let apply = ["apply", "--filename=-", "--dry-run=server", "--validate=strict"];
    let Err(error) = stack.kubectl(&apply, Some(&manifest.to_string())).await else {
        return Ok(Some(format!("- {}: was accepted", case.name)));
    };
    let said = format!("{error:#}");
    ensure!(!said.contains("connection refused"), "{said}");
    Ok((!said.contains(&case.says)).then(|| format!("- {}: says {said:?}, not {:?}", case.name, case.says)))
}

#[test]
fn a_good_manifest_is_accepted_with_its_defaults_and_without_warnings() -> Result<()> {
    shared(async |stack| {
        gallery::create_namespace(stack, NAMESPACE).await?;
        let apply = ["create", "--filename=-", "--dry-run=server", "--validate=strict", "--output=json"];
        let made = stack.kubectl(&apply, Some(&smallest("defaults").to_string())).await?;
        let made: Value = serde_json::from_str(&made)?;
        let expected = json!({
            "title": "Summer 2026",
            "region": "eu-west-1",
            "photos": {
                "maxUploadMiB": 25,
                "contentTypes": ["image/jpeg", "image/png", "image/webp", "image/gif"],
                "metadata": "Clean",
            },
            "thumbnails": { "maxWidthPixels": 400, "maxHeightPixels": 400, "format": "JPEG", "quality": 80 },
            "functions": {
                "architecture": "arm64",
                "logRetentionDays": 30,
                "upload": { "memoryMiB": 128, "timeoutSeconds": 5 },
                "list": { "memoryMiB": 256, "timeoutSeconds": 10 },
                "delete": { "memoryMiB": 128, "timeoutSeconds": 10 },
                "thumbnail": { "memoryMiB": 512, "timeoutSeconds": 30 },
            },
            "api": { "throttle": { "requestsPerSecond": 50, "burst": 100 }, "additionalAllowedOrigins": [] },
            "cdn": { "priceClass": "PriceClass_100" },
            "deletionPolicy": "Retain",
            "driftPolicy": "Correct",
            "suspend": false,
        });
        let spec = made.get("spec").context("no spec")?;
        ensure!(*spec == expected, "the defaults are {spec:#}");
        Ok(())
    })
}

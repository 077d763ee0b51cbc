//! A gallery in sync is looked at, and left alone.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures::{StreamExt as _, pin_mut};
use k8s_openapi::jiff::Timestamp;
use kube::api::{DynamicObject, WatchEvent, WatchParams};
use photogallery_tests::stack::Stack;
use photogallery_tests::{gallery, wait};
use serde_json::{Value, json};

use crate::support::{Gallery, alone, metrics};

/// Long enough for whatever a write might set off.
const SILENCE: Duration = Duration::from_secs(3);

#[test]
fn a_resync_in_sync_writes_nothing_to_aws_and_one_time_to_kubernetes_which_sets_nothing_off() -> Result<()> {
    alone("resync", &[], async |stack| {
        let gallery = Gallery::apply(stack, "resync", json!({})).await?;
        gallery.settled().await?;
        quiet(stack).await?;
        for _ in 0..2 {
            a_forced_resync_is_silent(&gallery).await?;
        }
        Ok(())
    })
}

async fn a_forced_resync_is_silent(gallery: &Gallery<'_>) -> Result<()> {
    let stack = gallery.stack;
    let (before, events) = (gallery.object().await?, gallery.events().await?);
    let (writes, series) = metrics::aws_writes(stack).await?;
    let (reconciles, calls) = (metrics::reconciles(stack).await?, metrics::aws_calls(stack).await?);
    let logged = stack.operator_calls()?.len();

    let asked = crate::support::gallery::moment().await?;
    let annotated = gallery.annotate().await?;
    gallery.settled_after(asked).await?;
    tokio::time::sleep(SILENCE).await;

    let (writes_after, series_after) = metrics::aws_writes(stack).await?;
    ensure!(
        writes_after.to_bits() == writes.to_bits(),
        "it wrote to AWS; before:\n{series}\nafter:\n{series_after}"
    );
    let calls_after = metrics::aws_calls(stack).await?;
    ensure!(calls_after > calls, "it did not even look");
    let since: Vec<_> = stack.operator_calls()?.split_off(logged);
    let written: Vec<_> = since.iter().filter(|call| call.write).collect();
    ensure!(written.is_empty(), "AWS saw writes: {written:#?}");
    let refused: Vec<_> = since.iter().filter(|call| call.status == 403).collect();
    ensure!(refused.is_empty(), "AWS refused: {refused:#?}");

    let reconciles_after = metrics::reconciles(stack).await?;
    ensure!(
        (reconciles_after - reconciles - 1.0).abs() < 0.1,
        "{reconciles} reconciles became {reconciles_after}"
    );
    let versions = versions_since(gallery, &annotated).await?;
    ensure!(versions.len() <= 1, "{} writes to the object: {versions:#?}", versions.len());
    ensure!(gallery.events().await? == events, "it told something: {:#?}", gallery.events().await?);
    let after = gallery.object().await?;
    let (before, after) = (comparable(before), comparable(after));
    ensure!(before == after, "more than lastObservedTime differs: {before:#} became {after:#}");
    Ok(())
}

/// Every state of the object after this one.
async fn versions_since(gallery: &Gallery<'_>, object: &DynamicObject) -> Result<Vec<DynamicObject>> {
    let version = object.metadata.resource_version.as_deref().context("no resourceVersion")?;
    let this = WatchParams::default().fields(&format!("metadata.name={}", gallery.name.name)).timeout(1);
    let api = gallery::api(gallery.stack, &gallery.name.namespace);
    let watch = api.watch(&this, version).await?;
    pin_mut!(watch);
    let mut versions = Vec::new();
    while let Some(event) = watch.next().await {
        match event? {
            WatchEvent::Added(object) | WatchEvent::Modified(object) | WatchEvent::Deleted(object) => {
                versions.push(object);
            }
            WatchEvent::Bookmark(_) => {}
            WatchEvent::Error(error) => return Err(error).context("the watch ended"),
        }
    }
    Ok(versions)
}

/// The object without what a resync may change, and without what the API server counts.
fn comparable(object: DynamicObject) -> Value {
    let mut metadata = object.metadata;
    metadata.resource_version = None;
    metadata.managed_fields = None;
    metadata.annotations = None;
    let mut data = object.data;
    if let Some(status) = data["status"].as_object_mut() {
        status.remove("lastObservedTime");
    }
    json!({ "metadata": metadata, "data": data })
}

/// Waits until the operator has nothing left to do.
async fn quiet(stack: &Stack) -> Result<()> {
    let (mut count, mut since) = (-1.0, Timestamp::now());
    wait::until("the operator's rest", Duration::from_mins(1), async || {
        let now = metrics::reconciles(stack).await?;
        if (now - count).abs() > 0.1 {
            (count, since) = (now, Timestamp::now());
        }
        let long_enough = Timestamp::now().duration_since(since).unsigned_abs() > SILENCE;
        Ok(long_enough.then_some(()))
    })
    .await
}

//! What Kubernetes does to an operator: the API server goes away and comes back without its memory, others write where it
//! writes, objects go and come back under the same name.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use functions_core::contract::FunctionName;
use kube::api::{Patch, PatchParams};
use photogallery_operator::graph::BucketRole;
use photogallery_tests::killer::{At, Moment};
use photogallery_tests::{gallery, wait};
use serde_json::{Value, json};

use crate::photos::processed;
use crate::support::account::exists_once;
use crate::support::pictures::phone_jpeg;
use crate::support::{Gallery, after_writes, alone, alone_with_killer, dies, shared, writes};

#[test]
fn an_api_server_that_restarts_in_the_middle_of_a_create_costs_time_and_nothing_else() -> Result<()> {
    // A lease longer than a restart takes on a busy machine.
    alone("api-server", &[("LEASE_DURATION", "5m")], async |stack| {
        let gallery = Gallery::apply(stack, "api-server", json!({})).await?;
        after_writes(stack, &stack.operator_key, 12).await?;
        stack.control_plane.stop_api_server().await?;
        stack.control_plane.start_api_server().await?;

        let visitor = gallery.visitor().await?;
        ensure!(visitor.photos().await?.is_empty());
        exists_once(&gallery).await?;

        // Where the operator's watch was, the new API server does not know (410 Gone), so that it had to begin anew. It hears
        // of what happens now. The watch is tried again after growing pauses, and the gallery may be live before.
        wait::until("the end of the old watch", Duration::from_mins(2), async || {
            let log = std::fs::read_to_string(stack.operator.settings().log)?;
            Ok(log.contains("too old resource version").then_some(()))
        })
        .await?;
        gallery.change(json!({ "title": "After the restart" })).await?;
        gallery.settled().await?;
        let config: Value = serde_json::from_slice(visitor.get("/config.json").await?.body())?;
        ensure!(config["title"] == "After the restart", "{config:#}");
        Ok(())
    })
}

#[test]
fn an_operator_without_an_api_server_ends_with_its_term_and_the_next_goes_on() -> Result<()> {
    alone("no-api-server", &[("LEASE_DURATION", "9s")], async |stack| {
        let gallery = Gallery::apply(stack, "no-api-server", json!({})).await?;
        after_writes(stack, &stack.operator_key, 12).await?;
        stack.control_plane.stop_api_server().await?;
        let status =
            wait::until("the operator's end", Duration::from_mins(1), async || stack.operator.exited())
                .await?;
        ensure!(!status.success(), "it ended as if all were well");
        let written = writes(stack, &stack.operator_key)?;
        stack.control_plane.start_api_server().await?;
        ensure!(writes(stack, &stack.operator_key)? == written, "a write came after its end");

        stack.operator.kill()?;
        stack.operator.start().await?;
        gallery.settled().await?;
        exists_once(&gallery).await
    })
}

#[test]
fn others_who_write_the_status_all_the_time_neither_stop_a_gallery_nor_are_believed() -> Result<()> {
    shared(async |stack| {
        let gallery = Gallery::apply(stack, "hammered", json!({})).await?;
        let api = gallery::api(stack, "hammered");
        let lie = Patch::Merge(json!({ "status": {
            "url": "http://elsewhere.example",
            "observedGeneration": 99,
            "resources": [],
            "conditions": [{
                "type": "Ready", "status": "False", "reason": "Lie", "message": "Nothing is there.",
                "lastTransitionTime": "2026-01-01T00:00:00Z", "observedGeneration": 99,
            }],
        }}));
        let lies = async {
            let mut told = 0;
            loop {
                if api.patch_status("hammered", &PatchParams::default(), &lie).await.is_ok() {
                    told += 1;
                }
                if told > 50 && exists_once(&gallery).await.is_ok() {
                    return told;
                }
            }
        };
        tokio::time::timeout(Duration::from_mins(2), lies).await.context("the gallery was not made")?;

        let status = gallery.reconcile().await?;
        let url = status["url"].as_str().context("no url")?;
        ensure!(url.contains("cloudfront"), "{url}");
        ensure!(status["resources"].as_array().is_some_and(|all| all.len() > 20), "{status:#}");
        exists_once(&gallery).await
    })
}

#[test]
fn a_spec_that_changes_all_the_time_ends_as_the_last_one_says() -> Result<()> {
    shared(async |stack| {
        let gallery = Gallery::apply(stack, "churn", json!({})).await?;
        for number in 0..20 {
            let memory = 128 + 64 * (number % 5);
            gallery
                .change(json!({
                    "title": format!("Title {number}"),
                    "functions": { "list": { "memoryMiB": memory } },
                    "tags": { "number": number.to_string() },
                }))
                .await?;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let visitor = gallery.visitor().await?;
        let config: Value = serde_json::from_slice(visitor.get("/config.json").await?.body())?;
        ensure!(config["title"] == "Title 19", "{config:#}");
        let name = gallery.function(FunctionName::List);
        let function = stack.aws().lambda.get_function_configuration().function_name(name).send().await?;
        ensure!(function.memory_size() == Some(128 + 64 * 4), "{function:?}");
        ensure!(tag(&gallery, "number").await?.as_deref() == Some("19"), "the last tag is not there");
        exists_once(&gallery).await
    })
}

#[test]
fn a_gallery_made_again_while_the_old_one_still_goes_is_a_new_one() -> Result<()> {
    shared(async |stack| {
        let spec = json!({ "deletionPolicy": "Delete" });
        let gallery = Gallery::apply(stack, "again", spec.clone()).await?;
        let visitor = gallery.visitor().await?;
        visitor.upload("a.jpg", "image/jpeg", &phone_jpeg(60, 80)?).await?;
        processed(&visitor, 1).await?;
        let old = gallery.object().await?.metadata.uid;

        gallery.begin_delete().await?;
        // As an impatient owner does. What is applied to an object that goes, goes with it.
        wait::until("the gallery to be another", Duration::from_mins(2), async || {
            if gallery.apply_again(spec.clone()).await.is_err() {
                return Ok(None);
            }
            let object = gallery::api(stack, "again").get_opt("again").await?;
            Ok(object.filter(|object| object.metadata.uid != old).map(|_| ()))
        })
        .await?;

        let visitor = gallery.visitor().await?;
        ensure!(visitor.photos().await?.is_empty(), "the old one's photos are there");
        exists_once(&gallery).await?;
        let new = gallery.object().await?.metadata.uid;
        ensure!(tag(&gallery, "photogallery.dev/uid").await? == new, "its tags are not its own");
        Ok(())
    })
}

#[test]
fn what_a_deletion_left_when_its_finalizer_was_taken_away_is_told_and_taken_over_when_asked() -> Result<()> {
    alone_with_killer("finalizer", async |stack, killer| {
        let gallery = Gallery::apply(stack, "finalizer", json!({})).await?;
        let visitor = gallery.visitor().await?;
        visitor.upload("a.jpg", "image/jpeg", &phone_jpeg(60, 80)?).await?;
        let photos = processed(&visitor, 1).await?;
        let object = gallery.object().await?;
        let old = object.metadata.uid.context("no uid")?;

        killer.arm(Some((At::Write(6), Moment::Heard)));
        gallery.begin_delete().await?;
        dies(stack, killer).await?;
        let api = gallery::api(stack, "finalizer");
        let none = Patch::Merge(json!({ "metadata": { "finalizers": null } }));
        api.patch("finalizer", &PatchParams::default(), &none).await?;
        ensure!(api.get_opt("finalizer").await?.is_none(), "the object is still there");

        stack.operator.start().await?;
        gallery.apply_again(json!({})).await?;
        let message = gallery.conflict().await?;
        ensure!(message.contains(&format!("belongs to an earlier gallery with uid {old}.")), "{message}");
        // Nothing is taken before somebody says so: a second look says the same.
        gallery.annotate().await?;
        gallery.conflict().await?;
        ensure!(tag(&gallery, "photogallery.dev/uid").await?.as_deref() == Some(&old), "it was taken");

        gallery.adopt(&message).await?;
        let visitor = gallery.visitor().await?;
        let again = visitor.photos().await?;
        ensure!(again.len() == 1 && again[0]["photoId"] == photos[0]["photoId"], "{again:#?}");
        exists_once(&gallery).await
    })
}

/// A tag of the frontend bucket, which a deletion comes to late.
async fn tag(gallery: &Gallery<'_>, key: &str) -> Result<Option<String>> {
    let bucket = gallery.identity().bucket(BucketRole::Frontend);
    let tags = gallery.stack.aws().s3.get_bucket_tagging().bucket(bucket).send().await?.tag_set;
    Ok(tags.into_iter().find(|tag| tag.key == key).map(|tag| tag.value))
}

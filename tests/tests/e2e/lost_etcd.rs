//! A cluster that lost its etcd: the same manifests are applied to a new one, whose owner id and uids are others.

use anyhow::{Result, ensure};
use photogallery_tests::stack::{Options, Stack};
use serde_json::{Value, json};

use crate::photos::{follow, processed};
use crate::support::account::{Inventory, exists_once, inventory, is_shared, unshared};
use crate::support::pictures::phone_jpeg;
use crate::support::{Gallery, alone};

#[test]
fn galleries_of_a_lost_cluster_are_told_and_left_alone_until_one_annotation_takes_them_over() -> Result<()> {
    alone("lost-etcd", &[], async |lost| {
        let nothing = unshared(lost).await?;
        let gallery = Gallery::apply(lost, "lost", json!({})).await?;
        let visitor = gallery.visitor().await?;
        let file = phone_jpeg(60, 80)?;
        visitor.upload("a.jpg", "image/jpeg", &file).await?;
        let photos = processed(&visitor, 1).await?;
        let url = gallery.status().await?["url"].clone();
        lost.operator.kill()?;
        let before = inventory(lost).await?;

        let new = lost.beside(Options::test("new-cluster")).await?;
        let outcome = in_the_new_cluster(&new, &before, &url).await;
        if outcome.is_err() {
            // Besides what is kept of the first cluster.
            new.diagnose(&photogallery_tests::shared::failure_folder().join("new-cluster")).await?;
        }
        outcome?;

        let again = visitor.photos().await?;
        ensure!(again.len() == 1 && again[0]["photoId"] == photos[0]["photoId"], "{again:#?}");
        ensure!(follow(&again[0]["url"]).await?.body() == &file, "the photo is not what it was");
        visitor.upload("b.jpg", "image/jpeg", &file).await?;
        processed(&visitor, 2).await?;

        let gallery = Gallery::named(&new, "lost", "lost").await?;
        gallery.change(json!({ "deletionPolicy": "Delete" })).await?;
        gallery.delete().await?;
        let mut left = unshared(lost).await?;
        left.remove("user operator-of-another-cluster");
        ensure!(left == nothing, "left: {:#?}", left.difference(&nothing).collect::<Vec<_>>());
        new.stop().await
    })
}

/// Applies the gallery, sees it refused, and takes it over. `before`: what the account held.
async fn in_the_new_cluster(new: &Stack, before: &Inventory, url: &Value) -> Result<()> {
    let gallery = Gallery::apply(new, "lost", json!({})).await?;
    let message = gallery.conflict().await?;
    ensure!(message.contains("each belongs to the operator with owner id "), "{message}");
    gallery.annotate().await?;
    gallery.conflict().await?;
    let beyond = more(new, before).await?;
    ensure!(
        beyond.iter().all(|line| is_shared(line) || line.starts_with("user ")),
        "made besides: {beyond:#?}"
    );
    is_untouched(new, before).await?;

    gallery.adopt(&message).await?;
    let status = gallery.settled().await?;
    ensure!(status["url"] == *url, "the address was {url} and is {}", status["url"]);
    exists_once(&gallery).await?;
    let beyond = more(new, before).await?;
    ensure!(
        beyond.iter().all(|line| is_shared(line) || line.starts_with("user ")),
        "made besides: {beyond:#?}"
    );

    // The annotation has done its work.
    new.kubectl(&["annotate", "pgal/lost", "--namespace=lost", "photogallery.dev/adopt-"], None).await?;
    let status = gallery.reconcile().await?;
    ensure!(status["url"] == *url, "{status:#}");
    Ok(())
}

async fn more(new: &Stack, before: &Inventory) -> Result<Vec<String>> {
    Ok(inventory(new).await?.difference(before).cloned().collect())
}

/// Nothing of what was there is gone, and nothing of its name was written to.
async fn is_untouched(new: &Stack, before: &Inventory) -> Result<()> {
    let now = inventory(new).await?;
    let gone: Vec<_> = before.difference(&now).collect();
    ensure!(gone.is_empty(), "gone: {gone:#?}");
    let writes = new.operator_calls()?.into_iter().filter(|call| call.write);
    let touched: Vec<_> =
        writes.map(|call| call.operation).filter(|operation| operation.contains("pg-lost-lost-")).collect();
    ensure!(touched.is_empty(), "touched: {touched:#?}");
    Ok(())
}

//! All that a large photo has besides the thumbnail, and that none of it comes back once the photo is deleted.

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use functions_core::contract::FunctionName;
use http::Method;
use jiff::Timestamp;
use photogallery_operator::graph::BucketRole;
use serde_json::{Value, json};

use crate::photos::{follow, nothing_is_left_under_incoming, processed};
use crate::support::pictures::{ensure_upright, phone_jpeg};
use crate::support::{Gallery, shared};

#[test]
fn a_large_photo_has_renditions_and_a_placeholder_and_stays_away_when_deleted() -> Result<()> {
    shared(async |stack| {
        let gallery = Gallery::apply(stack, "renditions", json!({})).await?;
        let visitor = gallery.visitor().await?;
        let file = phone_jpeg(1600, 2400)?;
        let id = visitor.upload("large.jpg", "image/jpeg", &file).await?;
        let photos = processed(&visitor, 1).await?;
        let photo = &photos[0];
        ensure!(photo["status"] == "ready", "{photo:#}");
        can_be_seen_in_every_size(photo).await?;
        has_a_placeholder(photo)?;
        nothing_is_left_under_incoming(&gallery).await?;

        let path = format!("/api/photos/{id}");
        ensure!(visitor.api(Method::DELETE, &path, None).await?.0 == 204);
        let event = json!({ "Records": [{
            "eventName": "ObjectCreated:Post",
            "eventTime": Timestamp::now().to_string(),
            "s3": {
                "bucket": { "name": gallery.identity().bucket(BucketRole::Photos) },
                "object": { "key": format!("incoming/{id}"), "size": file.len() },
            },
        }]});
        is_still_gone_after(&gallery, &event).await.context("the same event again")?;
        put_again(&gallery, &id, &file).await?;
        is_still_gone_after(&gallery, &event).await.context("the same file again")
    })
}

async fn can_be_seen_in_every_size(photo: &Value) -> Result<()> {
    let renditions = photo["renditions"].as_array().with_context(|| format!("no renditions: {photo:#}"))?;
    let sizes: Vec<_> = renditions.iter().map(|it| (&it["width"], &it["height"])).collect();
    ensure!(json!(sizes) == json!([[683, 1024], [1365, 2048]]), "{renditions:#?}");
    for (rendition, size) in renditions.iter().zip([(683, 1024), (1365, 2048)]) {
        let shown = follow(&rendition["url"]).await?;
        ensure!(shown.status() == 200 && shown.headers()["content-type"] == "image/jpeg", "{shown:?}");
        ensure_upright(shown.body(), size).with_context(|| format!("{rendition:#}"))?;
    }
    Ok(())
}

fn has_a_placeholder(photo: &Value) -> Result<()> {
    let hash = STANDARD.decode(photo["thumbhash"].as_str().context("no thumbhash")?)?;
    // The first five bytes say how long the rest is; without transparency that is at most 25 in all.
    ensure!((5..=25).contains(&hash.len()), "the thumbhash has {} bytes", hash.len());
    let colour = photo["dominantColor"].as_str().context("no colour")?;
    let digits = colour.strip_prefix('#').unwrap_or_default();
    ensure!(digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()), "{colour}");
    Ok(())
}

/// As the form does it, which may be used once more before it expires.
async fn put_again(gallery: &Gallery<'_>, id: &str, file: &[u8]) -> Result<()> {
    let put = gallery.stack.aws().s3.put_object().bucket(gallery.identity().bucket(BucketRole::Photos));
    let put = put.key(format!("incoming/{id}")).content_type("image/jpeg").metadata("filename", "large.jpg");
    put.body(file.to_vec().into()).send().await?;
    Ok(())
}

async fn is_still_gone_after(gallery: &Gallery<'_>, event: &Value) -> Result<()> {
    let function = gallery.function(FunctionName::Thumbnail);
    let invoke = gallery.stack.aws().lambda.invoke().function_name(function);
    let answer = invoke.payload(event.to_string().into_bytes().into()).send().await?;
    ensure!(answer.function_error().is_none(), "{answer:?}");
    nothing_is_left_under_incoming(gallery).await?;
    ensure!(gallery.visitor().await?.photos().await?.is_empty(), "the photo is back");
    let identity = gallery.identity();
    for role in [BucketRole::Photos, BucketRole::Thumbnails] {
        let objects = gallery.stack.aws().s3.list_objects_v2().bucket(identity.bucket(role)).send().await?;
        ensure!(objects.contents().is_empty(), "{} keeps {:#?}", role.as_str(), objects.contents());
    }
    Ok(())
}

//! What both commands show: the example applied, the gallery turning Ready, photos in it.

use std::time::Duration;

use anyhow::Result;
use photogallery_tests::visitor::Visitor;
use photogallery_tests::{Stack, gallery, photos};
use serde_json::Value;

/// When the operator last looked at the gallery. To be asked before a new operator starts, which looks at once.
pub async fn last_observed(stack: &Stack) -> Option<Value> {
    let (gallery, _) = gallery::example().ok()?;
    let status = gallery::status(stack, &gallery).await.ok()?;
    Some(status["lastObservedTime"].clone()).filter(|time| !time.is_null())
}

/// The gallery's URL, with photos behind it. `seen`: wait until the operator has looked again since then.
pub async fn show(stack: &Stack, seen: Option<&Value>, deadline: Duration) -> Result<String> {
    let gallery = gallery::apply_example(stack).await?;
    stack.progress().step(format!("gallery {gallery} applied"));
    let url = gallery::wait_until_ready(stack, &gallery, seen, deadline).await?;
    stack.progress().step(format!("gallery {gallery} is Ready"));
    let visitor = Visitor::new(&url)?;
    let there = visitor.photos().await?.len();
    if there == 0 {
        let count = photos::upload_samples(&visitor, stack.progress()).await?;
        stack.progress().step(format!("{count} photos are in the gallery"));
    } else {
        stack.progress().step(format!("{there} photos are still in the gallery"));
    }
    Ok(format!("{}/", url.trim_end_matches('/')))
}

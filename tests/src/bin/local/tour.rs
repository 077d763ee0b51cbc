//! What both commands show: the example applied, the gallery turning Ready, photos in it.

use std::time::Duration;

use anyhow::Result;
use photogallery_tests::visitor::Visitor;
use photogallery_tests::{Stack, gallery, photos};

/// Locally it takes seconds; a cold laptop on battery may need more.
const DEADLINE: Duration = Duration::from_secs(300);

/// The gallery's URL, with photos behind it. `restarted`: the operator is a new one, so wait for its first word.
pub async fn show(stack: &Stack, restarted: bool) -> Result<String> {
    let gallery = gallery::apply_example(stack).await?;
    stack.progress().step(format!("gallery {gallery} applied"));
    let seen = if restarted {
        Some(gallery::status(stack, &gallery).await?["lastObservedTime"].clone())
    } else {
        None
    };
    let seen = seen.filter(|time| !time.is_null());
    let url = gallery::wait_until_ready(stack, &gallery, seen.as_ref(), DEADLINE).await?;
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

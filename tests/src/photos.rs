//! Sample photographs, uploaded as a visitor would.

use std::time::Duration;

use anyhow::{Context as _, Result};
use futures::{StreamExt as _, TryStreamExt as _};

use crate::progress::Progress;
use crate::visitor::Visitor;
use crate::{tools, wait};

/// Uploads a dozen photographs through the gallery's API and waits until all have their thumbnails. The answer is how many.
pub async fn upload_samples(visitor: &Visitor, progress: &Progress) -> Result<usize> {
    let folder = tools::folder("sample-photos").await?;
    let mut files: Vec<_> = std::fs::read_dir(&folder)?.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| content_type(file).is_some());
    files.sort();
    progress.step(format!("uploading {} photos through the gallery's API", files.len()));
    let uploads = futures::stream::iter(&files).map(|file| async move {
        let bytes = tokio::fs::read(file).await?;
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        visitor.upload(&name, content_type(file).unwrap_or_default(), &bytes).await
    });
    let uploaded: Vec<String> = uploads.buffer_unordered(2).try_collect().await?;
    wait::until("the last thumbnail", Duration::from_secs(120), async || {
        let photos = visitor.photos().await.context("failed to list the photos")?;
        let ready = photos.iter().filter(|photo| photo["status"] == "ready").count();
        let failed: Vec<_> = photos.iter().filter(|photo| photo["status"] == "failed").collect();
        anyhow::ensure!(failed.is_empty(), "photos failed: {failed:?}");
        Ok((ready >= uploaded.len()).then_some(ready))
    })
    .await
}

fn content_type(file: &std::path::Path) -> Option<&'static str> {
    match file.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "jpg" | "jpeg" => Some("image/jpeg"),
        "png" => Some("image/png"),
        "webp" => Some("image/webp"),
        _ => None,
    }
}

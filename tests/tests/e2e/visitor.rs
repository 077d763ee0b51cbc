//! A visitor with a browser.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use image::ImageFormat;
use photogallery_tests::shared::failure_folder;
use photogallery_tests::{artifacts, tools};
use serde_json::json;
use tokio::process::Command;

use crate::support::pictures::{encoded, phone_jpeg, picture};
use crate::support::{Gallery, shared};

/// A browser on two busy cores takes its time.
const PATIENCE: Duration = Duration::from_secs(150);

#[test]
fn a_visitor_uploads_three_kinds_of_photos_sees_them_upright_opens_one_and_deletes_one() -> Result<()> {
    shared(async |stack| {
        let gallery = Gallery::apply(stack, "visitor", json!({})).await?;
        let visitor = gallery.visitor().await?;
        let status = gallery.status().await?;
        let url = status["url"].as_str().context("no url")?;
        let chromium = tools::folder("chromium").await?;

        let folder = stack.folder().join("visitor");
        let (fixtures, screenshots) = (folder.join("photos"), folder.join("screenshots"));
        std::fs::create_dir_all(&fixtures)?;
        std::fs::write(fixtures.join("phone.jpg"), phone_jpeg(960, 1280)?)?;
        std::fs::write(fixtures.join("landscape.png"), encoded(&picture(900, 600), ImageFormat::Png)?)?;
        std::fs::write(fixtures.join("tower.webp"), encoded(&picture(500, 800), ImageFormat::WebP)?)?;

        let script = artifacts::root().join("frontend/tests/visitor.mjs");
        let mut command = Command::new("node");
        command
            .arg(&script)
            .env("GALLERY_URL", url)
            .env("CHROME_PATH", &chromium)
            .env("FIXTURES", &fixtures)
            .env("OUT", &screenshots)
            .env("WAIT_SECONDS", "60")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let output = tokio::time::timeout(PATIENCE, command.output())
            .await
            .context("the visitor did not finish in time")?
            .context("failed to run node")?;
        let said =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if !output.status.success() {
            keep(&screenshots)?;
        }
        ensure!(output.status.success(), "the visitor was not content:\n{said}");

        let photos = visitor.photos().await?;
        ensure!(
            photos.len() == 2,
            "of three photos one was deleted, but {photos:#?} are left; visitor:\n{said}"
        );
        ensure!(photos.iter().all(|photo| photo["status"] == "ready"), "{photos:#?}");
        Ok(())
    })
}

/// Puts the screenshots beside the logs of the failure.
fn keep(screenshots: &Path) -> Result<()> {
    let folder = failure_folder();
    std::fs::create_dir_all(&folder)?;
    for file in std::fs::read_dir(screenshots)? {
        let file = file?;
        std::fs::copy(file.path(), folder.join(file.file_name()))?;
    }
    Ok(())
}

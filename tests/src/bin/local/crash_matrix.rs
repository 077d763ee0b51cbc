//! `local crash-matrix`: the table of `docs/reliability.md`.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use photogallery_tests::matrix::{self, Extent};
use photogallery_tests::{Progress, artifacts, section};

/// Where the table stands.
const FILE: &str = "docs/reliability.md";
const SECTION: &str = "deaths of the binary";

#[derive(Debug, Clone, Copy, Args)]
pub struct Arguments {
    /// Stacks side by side. Each spends much of its time in the pause between the last two looks of a deletion.
    #[arg(long, default_value_t = 5)]
    lanes: usize,
    /// So many points of creation, spread over all; 0: all.
    #[arg(long, default_value_t = 0)]
    create: usize,
    /// So many points of a change, spread over all; 0: all.
    #[arg(long, default_value_t = 200)]
    change: usize,
    /// So many points of deletion, spread over all; 0: all. Each gallery is deleted anyway.
    #[arg(long, default_value_t = 0)]
    delete: usize,
    /// Leave the file as it is.
    #[arg(long)]
    dry_run: bool,
}

pub async fn run(arguments: Arguments) -> Result<()> {
    let Arguments { lanes, create, change, delete, dry_run } = arguments;
    let some = |count: usize| (count > 0).then_some(count);
    let extent = Extent { create: some(create), change: some(change), delete: some(delete) };
    let (progress, started) = (Progress::stdout(), Instant::now());
    let report = matrix::run("crash-matrix", lanes, extent, &progress).await?;
    let table = report.table();
    progress.say(format!("\n{table}\n"));
    let (points, minutes) = (report.points(), started.elapsed().as_secs() / 60);
    progress.say(format!("{points} deaths in {minutes} minutes; not reached: {}", report.not_reached));
    if !report.is_clean() {
        bail!("not every death was survived:\n{}", report.complaints.join("\n"));
    }
    if !dry_run {
        write(&artifacts::root().join(FILE), &table)?;
        progress.say(format!("written to {FILE}"));
    }
    Ok(())
}

/// Puts the table between its markers.
fn write(file: &Path, table: &str) -> Result<()> {
    let text = std::fs::read_to_string(file).with_context(|| format!("failed to read {}", file.display()))?;
    std::fs::write(file, section::replaced(&text, SECTION, table)?)?;
    Ok(())
}

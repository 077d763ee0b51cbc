//! `local bench-operator`: `target/bench/operator.json` and the operator's part of `docs/benchmarks.md`.

use std::fs;

use anyhow::{Context as _, Result};
use clap::Args;
use photogallery_tests::bench::{self, Extent};
use photogallery_tests::{Progress, artifacts, section};

/// Where the tables stand.
const FILE: &str = "docs/benchmarks.md";
const SECTION: &str = "operator";
const FOLDER: &str = "target/bench";

#[derive(Debug, Clone, Copy, Args)]
pub struct Arguments {
    /// One round and few galleries, to see that it works. Changes no documentation.
    #[arg(long)]
    quick: bool,
    /// How often each step is measured.
    #[arg(long)]
    rounds: Option<usize>,
    /// How many galleries at once.
    #[arg(long)]
    galleries: Option<usize>,
    /// Leave the documentation as it is.
    #[arg(long)]
    dry_run: bool,
}

pub async fn run(arguments: Arguments) -> Result<()> {
    let Arguments { quick, rounds, galleries, dry_run } = arguments;
    let extent = if quick { Extent::QUICK } else { Extent::FULL };
    let extent =
        Extent { rounds: rounds.unwrap_or(extent.rounds), many: galleries.unwrap_or(extent.many), ..extent };
    let progress = Progress::stdout();
    let report = bench::run("bench-operator", extent, &progress).await?;
    let text = report.section();
    progress.say(format!("\n{text}\n"));

    let folder = artifacts::root().join(FOLDER);
    fs::create_dir_all(&folder)?;
    let file = folder.join(if quick { "operator-quick.json" } else { "operator.json" });
    fs::write(&file, format!("{}\n", serde_json::to_string_pretty(&report)?))?;
    progress.say(format!("written to {}", file.display()));
    if !quick && !dry_run {
        let file = artifacts::root().join(FILE);
        let document = fs::read_to_string(&file).with_context(|| format!("failed to read {FILE}"))?;
        fs::write(&file, section::replaced(&document, SECTION, &text)?)?;
        progress.say(format!("written to {FILE}"));
    }
    Ok(())
}

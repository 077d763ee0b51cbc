//! `local iam-minimal`: is every action of the operator's policy needed?

use std::time::Instant;

use anyhow::{Result, bail};
use clap::Args;
use photogallery_tests::Progress;
use photogallery_tests::minimal::{self, Trial};

#[derive(Debug, Clone, Args)]
pub struct Arguments {
    /// Stacks side by side.
    #[arg(long, default_value_t = 2)]
    lanes: usize,
    /// Only these actions, such as `iam:PassRole`; may be repeated.
    #[arg(long)]
    only: Vec<String>,
}

pub async fn run(arguments: Arguments) -> Result<()> {
    let Arguments { lanes, only } = arguments;
    let (progress, started) = (Progress::stdout(), Instant::now());
    let only: Vec<&str> = only.iter().map(String::as_str).collect();
    let only = (!only.is_empty()).then_some(&*only);
    let trial = Trial { only, also: None };
    let report = minimal::run("iam-minimal", lanes, trial, &progress).await?;
    progress.say(format!("\n{}, in {} minutes", report.summary(), started.elapsed().as_secs() / 60));
    let complaints = report.complaints();
    if !complaints.is_empty() {
        bail!("the policy allows more than is needed, or its lack is not named:\n{}", complaints.join("\n"));
    }
    Ok(())
}

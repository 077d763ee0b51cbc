//! `local demo`: in the foreground, until Ctrl-C; then nothing is left.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};
use photogallery_tests::{Options, Progress, Stack, run};
use tokio::signal::unix::{SignalKind, signal};

use crate::{environment, tour};

pub async fn run() -> Result<()> {
    let progress = Progress::stdout();
    let folder = environment::folder().join("demo");
    if let Some(owner) = run::owner(&folder) {
        anyhow::bail!("a demo already runs (process {owner}); stop it with Ctrl-C there");
    }
    let outcome = tokio::select! {
        outcome = show(&folder, progress.clone()) => outcome,
        () = interrupted() => Ok(None),
    };
    let stopped = match outcome {
        Ok(Some(stack)) => {
            interrupted().await;
            progress.say("\nstopping");
            stack.stop().await
        }
        Ok(None) => Ok(()),
        Err(error) => Err(match environment::keep_logs(&folder) {
            Some(logs) => error.context(format!("the demo failed (logs: {logs})")),
            None => error,
        }),
    };
    run::clear(&folder)?;
    environment::remove_if_empty();
    stopped?;
    progress.say("stopped; nothing is left running");
    Ok(())
}

async fn show(folder: &Path, progress: Progress) -> Result<Option<Stack>> {
    let options = Options {
        folder: folder.to_owned(),
        temporary: false,
        operator: BTreeMap::new(),
        start_operator: true,
        interposer: None,
        progress: progress.clone(),
    };
    let stack = Stack::start(options).await?;
    let url = tour::show(&stack, None).await?;
    let file = folder.join("env");
    environment::write(&file, &stack, &url)?;
    progress.say(format!(
        "\n\
         The gallery:   {url}\n\
         Look around:   . {}      in another terminal, then for example\n\
         \x20                kubectl get pgal -A          kubectl describe pgal -A\n\
         \x20                kubectl get events -A        aws s3 ls\n\
         Stop:          Ctrl-C\n",
        environment::short(&file)
    ));
    Ok(Some(stack))
}

/// Ctrl-C, a closed terminal, or a polite kill.
pub async fn interrupted() {
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    let waits =
        kinds.into_iter().filter_map(|kind| signal(kind).context("no signals").ok()).map(|mut signal| {
            Box::pin(async move {
                signal.recv().await;
            })
        });
    futures::future::select_all(waits).await;
}

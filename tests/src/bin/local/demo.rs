//! `local demo`: in the foreground, until Ctrl-C; then nothing is left.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use photogallery_tests::proxy::Interposer;
use photogallery_tests::weather::Weather;
use photogallery_tests::{Options, Progress, Stack, run};
use tokio::signal::unix::{SignalKind, signal};

use crate::sky::{self, Sky};
use crate::{environment, tour};

pub async fn run(sky: Sky) -> Result<()> {
    let progress = Progress::stdout();
    let weather = sky.weather()?;
    let folder = environment::folder().join("demo");
    if let Some(owner) = run::owner(&folder) {
        anyhow::bail!("a demo already runs (process {owner}); stop it with Ctrl-C there");
    }
    let outcome = tokio::select! {
        outcome = show(&folder, sky, weather.clone(), progress.clone()) => outcome,
        () = interrupted() => Ok(None),
    };
    let stopped = match outcome {
        Ok(Some(stack)) => {
            interrupted().await;
            if let Some(report) = sky::report(weather.as_ref()) {
                progress.say(report);
            }
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

async fn show(
    folder: &Path,
    sky: Sky,
    weather: Option<Arc<Weather>>,
    progress: Progress,
) -> Result<Option<Stack>> {
    if let Some(weather) = &weather {
        progress.step(weather.describe());
    }
    let options = Options {
        folder: folder.to_owned(),
        temporary: false,
        operator: BTreeMap::new(),
        start_operator: true,
        interposer: weather.clone().map(|weather| weather as Arc<dyn Interposer>),
        bounded: true,
        recorded: false,
        progress: progress.clone(),
    };
    let stack = Stack::start(options).await?;
    let url = match tour::show(&stack, None, sky.deadline()).await {
        Err(error) if sky.is_hostile() => {
            progress.say(format!("\nAs this weather has it, a person must act first: {error:#}"));
            "none yet".into()
        }
        other => other?,
    };
    if let Some(report) = sky::report(weather.as_ref()) {
        progress.say(report);
    }
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

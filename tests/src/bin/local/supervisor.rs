//! `local up` and `local down`, and the process in the background.
//!
//! A connection to its socket in `.local/` asks it to bring the gallery up from what is built now. The answer is lines for the
//! person, then `ok` or `error` alone on the last line. SIGTERM ends it.

use std::collections::BTreeMap;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use photogallery_tests::proxy::Interposer;
use photogallery_tests::weather::Weather;
use photogallery_tests::{Options, Progress, Stack, artifacts, run, wait};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};

use crate::sky::{self, Sky};
use crate::{demo, environment, tour};

/// Relative, since a socket's path may have 108 bytes only; every command runs in the checkout.
const SOCKET: &str = ".local/up.socket";

fn folder() -> PathBuf {
    environment::folder().join("up")
}

/// Starts the background process if there is none, has it show the gallery, and tells how to reach it.
#[expect(clippy::print_stdout, reason = "telling the person at the terminal")]
pub async fn up(sky: Sky) -> Result<()> {
    std::env::set_current_dir(artifacts::root())?;
    let connection = match UnixStream::connect(SOCKET).await {
        Ok(connection) => {
            if sky.weather()?.is_some() {
                println!(
                    "the weather stays as it was at the first `make up`; to change it, `make down` first"
                );
            }
            connection
        }
        Err(_) => start(sky).await?,
    };
    if !follow(connection).await? {
        let log = environment::short(&folder().join("log"));
        bail!(
            "the gallery is not up (logs: {log}); `make up` tries again with what is built then, `make down` stops it"
        );
    }
    let env = environment::short(&environment::folder().join("env"));
    println!(
        "\nLook around:   . {env}      then for example kubectl get pgal -A\n\
         Changed code:  make up         Stop: make down"
    );
    Ok(())
}

/// Stops the background process, whatever it is doing, and removes what it left.
#[expect(clippy::print_stdout, reason = "telling the person at the terminal")]
pub async fn down() -> Result<()> {
    let owner = run::owner(&folder()).and_then(|owner| Pid::from_raw(owner.cast_signed()));
    if let Some(owner) = owner {
        println!("stopping process {owner}");
        kill_process(owner, Signal::TERM).context("failed to stop the background process")?;
        wait::until("the end of the background process", Duration::from_secs(60), async || {
            Ok(run::owner(&folder()).is_none().then_some(()))
        })
        .await?;
    }
    // What a process leaves that was killed.
    run::clear(&folder())?;
    remove_files();
    let _ = std::fs::remove_dir_all(environment::folder().join("failed"));
    environment::remove_if_empty();
    println!("down: nothing is left running");
    Ok(())
}

fn remove_files() {
    for left in ["env", "up.log", "up.socket"] {
        let _ = std::fs::remove_file(environment::folder().join(left));
    }
}

/// Leaves a process in the background and waits until it listens.
async fn start(sky: Sky) -> Result<UnixStream> {
    run::clear(&folder())?;
    std::fs::create_dir_all(environment::folder())?;
    let _ = std::fs::remove_file(SOCKET);
    let log = environment::folder().join("up.log");
    let file = std::fs::File::create(&log)?;
    let mut child = Command::new(std::env::current_exe()?)
        .arg("supervise")
        .args(sky.arguments())
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        .process_group(0)
        .spawn()
        .context("failed to start the background process")?;
    wait::until("the start of the background process", Duration::from_secs(30), async || {
        if let Some(status) = child.try_wait()? {
            bail!("the background process ended ({status}): {}", std::fs::read_to_string(&log)?.trim());
        }
        Ok(UnixStream::connect(SOCKET).await.ok())
    })
    .await
}

/// Prints what the background process says.
#[expect(clippy::print_stdout, reason = "telling the person at the terminal")]
async fn follow(connection: UnixStream) -> Result<bool> {
    let mut lines = BufReader::new(connection).lines();
    while let Some(line) = lines.next_line().await? {
        match line.as_str() {
            "ok" => return Ok(true),
            "error" => return Ok(false),
            line => println!("{line}"),
        }
    }
    bail!("the background process died; see .local/up.log")
}

/// The background process: one request after another until someone ends it.
pub async fn run(sky: Sky) -> Result<()> {
    let weather = sky.weather()?;
    std::env::set_current_dir(artifacts::root())?;
    let listener = UnixListener::bind(SOCKET).with_context(|| format!("failed to listen at {SOCKET}"))?;
    let mut stack = None;
    let outcome = tokio::select! {
        outcome = serve(&listener, &mut stack, sky, weather.as_ref()) => outcome,
        () = demo::interrupted() => Ok(()),
    };
    if let Some(stack) = stack {
        stack.stop().await?;
    }
    remove_files();
    run::clear(&folder())?;
    outcome
}

/// Ends only when the first start fails: there is nothing to keep running then.
async fn serve(
    listener: &UnixListener,
    stack: &mut Option<Stack>,
    sky: Sky,
    weather: Option<&Arc<Weather>>,
) -> Result<()> {
    loop {
        let (_, mut writer) = listener.accept().await?.0.into_split();
        let (sender, mut lines) = tokio::sync::mpsc::unbounded_channel::<String>();
        // Whoever asked may have gone; the work goes on.
        let forward = tokio::spawn(async move {
            while let Some(line) = lines.recv().await {
                let _ = writer.write_all(format!("{line}\n").as_bytes()).await;
            }
        });
        let progress = stack.as_ref().map_or_else(Progress::silent, |stack| stack.progress().clone());
        let to_asker = sender.clone();
        progress.restart(move |line| drop(to_asker.send(line.to_owned())));
        let outcome = bring_up(stack, sky, weather, progress.clone()).await;
        let last = match &outcome {
            Ok(url) => {
                format!("{}\nThe gallery:   {url}\nok", sky::report(weather).unwrap_or_default())
            }
            Err(error) => format!("error: {error:#}\nerror"),
        };
        drop(sender.send(last));
        progress.restart(|_| {});
        drop(sender);
        forward.await?;
        if stack.is_none() {
            return outcome.map(|_| ());
        }
    }
}

async fn bring_up(
    stack: &mut Option<Stack>,
    sky: Sky,
    weather: Option<&Arc<Weather>>,
    progress: Progress,
) -> Result<String> {
    let mut seen = None;
    let stack = if let Some(stack) = stack {
        seen = tour::last_observed(stack).await;
        stack.update().await?;
        stack
    } else {
        if let Some(weather) = weather {
            progress.step(weather.describe());
        }
        let options = Options {
            folder: folder(),
            temporary: false,
            operator: BTreeMap::new(),
            start_operator: true,
            interposer: weather.cloned().map(|weather| weather as Arc<dyn Interposer>),
            bounded: true,
            recorded: false,
            progress,
        };
        match Stack::start(options).await {
            Ok(started) => stack.insert(started),
            Err(error) => {
                let logs = environment::keep_logs(&folder()).unwrap_or_default();
                return Err(error.context(format!("the start failed (logs: {logs})")));
            }
        }
    };
    let url = tour::show(stack, seen.as_ref(), sky.deadline()).await?;
    environment::write(&environment::folder().join("env"), stack, &url)?;
    Ok(url)
}

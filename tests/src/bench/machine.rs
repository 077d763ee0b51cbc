//! What it was measured on, and with what.

use std::fs::read_to_string;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Serialize;
use tokio::process::Command;

use crate::stack::Stack;
use crate::{artifacts, tools};

/// The machine.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Machine {
    pub processor: String,
    pub architecture: &'static str,
    pub cores: usize,
    pub memory_mib: u64,
    pub system: String,
    pub kernel: String,
    /// Processes that ran or wanted to, over the minute before: on an idle machine next to none.
    pub load_before: f64,
}

/// The programs.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Versions {
    pub operator: String,
    /// With a `+` behind it: and what was not committed.
    pub commit: String,
    pub kubernetes: String,
    pub ministack: String,
    pub boto3: String,
    pub botocore: String,
    pub python: String,
}

impl Machine {
    pub(super) fn here() -> Result<Self> {
        let load = read_to_string("/proc/loadavg")?;
        let memory = value("/proc/meminfo", "MemTotal", ':').unwrap_or_default();
        let memory = memory.split(' ').next().unwrap_or_default().parse::<u64>()? / 1024;
        Ok(Self {
            // Not every architecture tells.
            processor: value("/proc/cpuinfo", "model name", ':').unwrap_or_else(|| "unknown".into()),
            architecture: artifacts::architecture(),
            cores: std::thread::available_parallelism()?.get(),
            memory_mib: memory,
            system: value("/etc/os-release", "PRETTY_NAME", '=').unwrap_or_else(|| "unknown".into()),
            kernel: read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            load_before: load.split(' ').next().unwrap_or_default().parse()?,
        })
    }
}

impl Versions {
    pub(super) async fn of(stack: &Stack, boto3: &Path) -> Result<Self> {
        let mut operator = Command::new(artifacts::operator());
        let operator = tools::output(operator.arg("--version").env_clear(), None).await?;
        let kubernetes = stack.kube().apiserver_version().await?.git_version;
        let script = "import platform; from importlib.metadata import version; \
                      print(*map(version, ('ministack', 'boto3', 'botocore')), platform.python_version())";
        let mut python = Command::new(stack.tools.python.join("python3"));
        let python =
            tools::output(python.args(["-c", script]).env_clear().env("PYTHONPATH", boto3), None).await?;
        let mut words = python.split_whitespace().map(str::to_owned);
        let mut next = || words.next().context("Python does not tell its versions");
        let (ministack, boto3, botocore, python) = (next()?, next()?, next()?, next()?);
        let operator = operator.trim().rsplit(' ').next().unwrap_or_default().to_owned();
        Ok(Self { operator, commit: commit().await, kubernetes, ministack, boto3, botocore, python })
    }
}

/// A copy without its history has none.
async fn commit() -> String {
    let git = async |arguments: &[&str]| {
        let mut command = Command::new("git");
        tools::output(command.args(arguments).current_dir(artifacts::root()), None).await
    };
    let (Ok(commit), Ok(changed)) =
        (git(&["rev-parse", "--short=12", "HEAD"]).await, git(&["status", "--porcelain"]).await)
    else {
        return "unknown".into();
    };
    format!("{}{}", commit.trim(), if changed.is_empty() { "" } else { "+" })
}

/// `name: value` or `name=value`, without quotes.
fn value(file: &str, name: &str, between: char) -> Option<String> {
    let text = read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.split_once(between).filter(|(key, _)| key.trim() == name));
    line.map(|(_, value)| value.trim().trim_matches('"').to_owned())
}

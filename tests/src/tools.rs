//! The programs of others that the stack is made of, found by the scripts in `tests/tools`, and one-shot commands.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::artifacts;

/// Where the scripts say the tools are.
#[derive(Debug, Clone)]
pub struct Tools {
    /// etcd, kube-apiserver, kube-controller-manager, kubectl, helm.
    pub control_plane: PathBuf,
    /// python3 with the local AWS.
    pub python: PathBuf,
}

impl Tools {
    /// Builds or installs what is missing, as `make` did already in the usual case.
    pub async fn find() -> Result<Self> {
        Ok(Self { control_plane: folder("control-plane").await?, python: folder("python").await? })
    }

    pub fn kubectl(&self) -> PathBuf {
        self.control_plane.join("kubectl")
    }

    pub fn helm(&self) -> PathBuf {
        self.control_plane.join("helm")
    }
}

/// The answer of one of the scripts, a folder.
pub async fn folder(script: &str) -> Result<PathBuf> {
    let script = artifacts::root().join("tests/tools").join(script);
    let output =
        Command::new(&script).stdin(Stdio::null()).stderr(Stdio::inherit()).kill_on_drop(true).output().await;
    let output = output.with_context(|| format!("failed to run {}", script.display()))?;
    ensure!(output.status.success(), "{} failed ({})", script.display(), output.status);
    Ok(PathBuf::from(String::from_utf8(output.stdout)?.trim()))
}

/// Runs a command to its end. Its standard output, or an error with what it said.
pub async fn output(command: &mut Command, input: Option<&str>) -> Result<String> {
    command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let program =
        Path::new(command.as_std().get_program()).file_name().unwrap_or_default().display().to_string();
    let mut child = command.spawn().with_context(|| format!("failed to start {program}"))?;
    if let (Some(input), Some(mut pipe)) = (input, child.stdin.take()) {
        pipe.write_all(input.as_bytes()).await.with_context(|| format!("{program} does not read"))?;
    }
    let output = child.wait_with_output().await?;
    ensure!(
        output.status.success(),
        "{program} failed ({}): {}",
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

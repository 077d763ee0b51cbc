//! The folder of one run: its data, its logs, its processes. Whoever claims it first clears what a killed run left there.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};

use crate::process::{Watchdog, kill_recorded, started_at};
use crate::progress::Progress;

/// What every part of a stack needs to start.
#[derive(Debug)]
pub struct Run {
    pub folder: PathBuf,
    pub watchdog: Arc<Watchdog>,
    pub progress: Progress,
}

impl Run {
    /// Takes the folder over, or says who has it. `temporary`: it goes with us, even when we are killed.
    pub fn claim(folder: &Path, temporary: bool, progress: Progress) -> Result<Self> {
        if let Some(owner) = owner(folder) {
            bail!("{} is in use by process {owner}", folder.display());
        }
        clear(folder)?;
        std::fs::create_dir_all(folder.join("log"))?;
        let folder = folder.canonicalize()?;
        let process = std::process::id();
        std::fs::write(
            folder.join("owner"),
            format!("{process} {}", started_at(process).unwrap_or_default()),
        )?;
        let watchdog = Watchdog::start(folder.join("processes"), temporary.then_some(&folder))?;
        Ok(Self { folder, watchdog, progress })
    }

    pub fn log(&self, name: &str) -> PathBuf {
        self.folder.join("log").join(name)
    }

    /// A folder for data, made.
    pub fn data(&self, name: &str) -> Result<PathBuf> {
        let folder = self.folder.join(name);
        std::fs::create_dir_all(&folder).with_context(|| format!("failed to make {}", folder.display()))?;
        Ok(folder)
    }
}

/// The living process that has claimed the folder, if any.
pub fn owner(folder: &Path) -> Option<u32> {
    let owner = std::fs::read_to_string(folder.join("owner")).ok()?;
    let (process, started) = owner.split_once(' ')?;
    let process = process.parse().ok()?;
    (started_at(process)? == started).then_some(process)
}

/// Kills what a run that is over left behind, and removes its folder.
pub fn clear(folder: &Path) -> Result<()> {
    kill_recorded(&folder.join("processes"));
    for _ in 0..20 {
        match std::fs::remove_dir_all(folder) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            // A process on its way out still writes there.
            Err(_) => std::thread::sleep(std::time::Duration::from_millis(100)),
        }
    }
    std::fs::remove_dir_all(folder).with_context(|| format!("failed to remove {}", folder.display()))
}

/// A loopback port that nobody has now. Another process may take it before its user does: start again then.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?.local_addr()?.port())
}

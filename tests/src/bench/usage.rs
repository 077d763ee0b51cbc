//! What a process uses, as the kernel counts it.

use anyhow::{Context as _, Result};
use serde::Serialize;

/// The kernel tells processor time in these, on every architecture that we build for.
const TICKS_A_SECOND: f64 = 100.0;

/// Of one process, in MiB.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the unit")]
pub struct Memory {
    /// All that is resident (`VmRSS`): what Kubernetes counts against a limit, and the parts of the program that were read.
    pub resident_mib: f64,
    /// Of that, what the process made itself.
    pub own_mib: f64,
    /// Of that, the program's file, which the kernel takes back when it needs the room.
    pub file_mib: f64,
    /// The most it ever was.
    pub peak_mib: f64,
}

/// What it holds now.
pub(super) fn memory(pid: u32) -> Result<Memory> {
    let status = read(pid, "status")?;
    let mib = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
        kib.map(|kib| kib / 1024.0).with_context(|| format!("/proc/{pid}/status has no {name}"))
    };
    Ok(Memory {
        resident_mib: mib("VmRSS")?,
        own_mib: mib("RssAnon")?,
        file_mib: mib("RssFile")?,
        peak_mib: mib("VmHWM")?,
    })
}

/// Processor time so far, its own and the kernel's for it.
pub(super) fn cpu_seconds(pid: u32) -> Result<f64> {
    let stat = read(pid, "stat")?;
    ticks(&stat).map(|ticks| ticks / TICKS_A_SECOND).with_context(|| format!("/proc/{pid}/stat: {stat}"))
}

fn ticks(stat: &str) -> Option<f64> {
    // The name stands in parentheses and may hold anything; utime and stime are the 12th and 13th field after it.
    let fields: Vec<&str> = stat.get(stat.rfind(')')? + 1..)?.split_whitespace().collect();
    Some(fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?)
}

fn read(pid: u32, file: &str) -> Result<String> {
    std::fs::read_to_string(format!("/proc/{pid}/{file}")).with_context(|| format!("process {pid} has ended"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_found_behind_any_name() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194304 171 0 0 0 150 25 9 9 20 0 4 0 100 1 2 3";
        assert_eq!(ticks(stat), Some(175.0));
    }

    #[test]
    fn what_a_process_holds_is_its_own_and_its_program() {
        let memory = memory(std::process::id()).unwrap();
        assert!(memory.resident_mib >= memory.own_mib.max(memory.file_mib), "{memory:?}");
        assert!(memory.peak_mib > 0.0);
    }
}

//! What reached the local AWS, from the log that its launcher writes (`tests/local-aws/call_log.py`): a witness that does not
//! depend on the operator's own metrics.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result};
use serde::Deserialize;

/// One request.
#[derive(Debug, Clone, Deserialize)]
pub struct AwsCall {
    /// Seconds since 1970.
    pub time: f64,
    pub milliseconds: f64,
    /// The access key that signed it; empty for a visitor.
    pub caller: String,
    pub region: String,
    /// The service it was signed for; `visitor` or `anonymous` where nobody signed.
    pub service: String,
    /// The operation's name, or method, path and subresources where the protocol has no name: `PUT /bucket?policy`.
    pub operation: String,
    pub write: bool,
    /// What IAM was asked for.
    pub actions: Vec<String>,
    pub host: String,
    pub agent: String,
    pub status: u16,
    /// AWS's error code, if it was refused.
    pub error: String,
}

/// All calls so far, oldest first.
pub fn read(path: &Path) -> Result<Vec<AwsCall>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))?;
    // The last line may be half written.
    parse(text.rfind('\n').map_or("", |end| &text[..end]))
}

/// Reads on where it stopped: a log of hours is read once.
#[derive(Debug)]
pub struct Tail {
    path: PathBuf,
    read: Mutex<u64>,
}

impl Tail {
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), read: Mutex::new(0) }
    }

    /// The calls since the last time.
    pub fn next(&self) -> Result<Vec<AwsCall>> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(*read))?;
        let mut text = Vec::new();
        file.read_to_end(&mut text)?;
        let end = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        *read += u64::try_from(end)?;
        parse(std::str::from_utf8(&text[..end])?)
    }
}

fn parse(complete: &str) -> Result<Vec<AwsCall>> {
    complete
        .lines()
        .map(|line| serde_json::from_str(line).with_context(|| format!("not a call: {line}")))
        .collect()
}

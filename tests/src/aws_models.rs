//! What a stack has asked of AWS, held against AWS's own service models: the recorder is in front of the local AWS
//! (`tests/local-aws/request_log.py`), the checker is `tests/aws-models/check.py`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::PoisonError;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use tokio::process::Command;
use tokio::sync::Mutex;

use crate::artifacts;
use crate::tools::{self, Tools};

/// The requests of one local AWS.
#[derive(Debug)]
pub struct Record {
    path: PathBuf,
    /// The operators' access keys. Whoever else has one is played by a test.
    operators: std::sync::Mutex<Vec<String>>,
    /// Up to which byte it has been checked.
    checked: Mutex<u64>,
}

/// What was checked.
#[derive(Debug, Default, Deserialize)]
pub struct Report {
    /// How many requests.
    pub requests: u64,
    /// How many of each operation, by its name: `s3:PutObject`.
    pub operations: BTreeMap<String, u64>,
    violations: u64,
    end: u64,
}

impl Record {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, operators: std::sync::Mutex::default(), checked: Mutex::new(0) }
    }

    pub(crate) fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// An operator signs with this access key.
    pub(crate) fn of_operator(&self, key: &str) {
        self.operators.lock().unwrap_or_else(PoisonError::into_inner).push(key.to_owned());
    }

    /// Checks what operators, functions and browsers have asked since the last time. An error says each violation.
    pub async fn check(&self, tools: &Tools) -> Result<Report> {
        let mut checked = self.checked.lock().await;
        let mut command = checker(tools);
        command.arg(&self.path).args(["--since", &checked.to_string()]);
        for key in &*self.operators.lock().unwrap_or_else(PoisonError::into_inner) {
            command.args(["--operator", key]);
        }
        let output = command.output().await.context("failed to run the checker of requests")?;
        let text = String::from_utf8_lossy(&output.stdout);
        let (found, summary) = text.trim_end().rsplit_once('\n').unwrap_or(("", text.trim_end()));
        let report: Report = serde_json::from_str(summary)
            .with_context(|| format!("the checker says {}", String::from_utf8_lossy(&output.stderr)))?;
        *checked = report.end;
        if report.violations > 0 {
            bail!(
                "{} requests that AWS might refuse:\n{found}\n(record: {})",
                report.violations,
                self.path.display()
            );
        }
        Ok(report)
    }
}

/// Checks a policy of an identity against the grammar of policies. An error says what is wrong.
pub async fn check_policy(tools: &Tools, policy: &str) -> Result<()> {
    let mut command = checker(tools);
    let output = tools::output(command.arg("--policy"), Some(policy)).await;
    output.map(drop).context("not a policy that IAM takes")
}

fn checker(tools: &Tools) -> Command {
    let mut command = Command::new(tools.python.join("python3"));
    command
        .arg(artifacts::root().join("tests/aws-models/check.py"))
        .env_clear()
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .kill_on_drop(true);
    command
}

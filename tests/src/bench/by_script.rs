//! A gallery by the boto3 script, `tests/bench/operator/gallery.py`.
//!
//! What counts is the time of its work: Python's start, its imports and the making of its clients do not. Both sides are asked
//! after what they made by the same visitor.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use super::ground::{Ground, Meter, Who};
use super::photos::Places;
use super::sample::Sample;
use crate::artifacts;
use crate::local_aws::{ACCOUNT, REGION};

/// Galleries by the script.
pub(super) struct ByScript<'a>(pub(super) &'a Ground);

/// What the script says.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    step: String,
    name: String,
    url: String,
    at: f64,
    cpu_seconds: f64,
}

/// What it did with one gallery.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) url: String,
    /// When it began with it.
    pub(super) begun: f64,
    /// When it was done with it, and its page and API answered where they should.
    pub(super) told: f64,
    pub(super) cpu_seconds: f64,
}

impl ByScript<'_> {
    /// `functions`: where they are.
    pub(super) async fn play(&self, verb: &str, name: &str, functions: &Path) -> Result<Sample> {
        let mut meter = Meter::start(self.0, Who::Script).await?;
        let done = self.run(verb, &[name.to_owned()], functions).await?;
        let done = done.into_iter().next().context("the script did nothing")?;
        meter.begun_at(done.begun);
        meter.stop(done.told, done.cpu_seconds).await
    }

    /// Several galleries by one process, one after the other.
    pub(super) async fn run(&self, verb: &str, names: &[String], functions: &Path) -> Result<Vec<Done>> {
        let mut child = self.start(verb, names, functions)?;
        let output = child.stdout.take().context("the script has no output")?;
        let (mut lines, mut begun, mut done) = (BufReader::new(output).lines(), None, Vec::new());
        while let Some(line) = lines.next_line().await? {
            let line: Line =
                serde_json::from_str(&line).with_context(|| format!("the script says {line}"))?;
            if line.step == "begun" {
                begun = Some(line);
                continue;
            }
            let begun = begun.take().filter(|begun| begun.name == line.name);
            let begun = begun.with_context(|| format!("the script never began with {}", line.name))?;
            let told = if line.url.is_empty() { line.at } else { self.0.visit(&line.url).await? };
            let cpu_seconds = line.cpu_seconds - begun.cpu_seconds;
            done.push(Done { url: line.url, begun: begun.at, told, cpu_seconds });
        }
        let status = child.wait().await?;
        let log = self.log();
        ensure!(status.success(), "the script failed: {}", std::fs::read_to_string(log).unwrap_or_default());
        ensure!(done.len() == names.len(), "the script did {} of {}", done.len(), names.len());
        Ok(done)
    }

    /// The names that the script gives.
    pub(super) fn places(name: &str) -> Places {
        let bucket = |part: &str| format!("{name}-{part}-{ACCOUNT}");
        Places { photos: bucket("photos"), thumbnails: bucket("thumbnails"), table: name.to_owned() }
    }

    fn log(&self) -> PathBuf {
        self.0.stack.folder().join("log/script.log")
    }

    fn start(&self, verb: &str, names: &[String], functions: &Path) -> Result<Child> {
        let Ground { stack, script, boto3, .. } = self.0;
        let child = Command::new(stack.tools.python.join("python3"))
            .arg(artifacts::root().join("tests/bench/operator/gallery.py"))
            .arg(verb)
            .args(names)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", stack.folder())
            .env("PYTHONPATH", boto3)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("AWS_REGION", REGION)
            .env("AWS_ENDPOINT_URL", stack.aws.endpoint())
            .env("AWS_ACCESS_KEY_ID", script.access_key_id())
            .env("AWS_SECRET_ACCESS_KEY", script.secret_access_key())
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("VIEWER_URL_TEMPLATE", format!("http://{{label}}.cloudfront.localhost:{}", stack.aws.port))
            .env("ARCHITECTURE", artifacts::architecture())
            .env("FUNCTIONS_DIR", functions)
            .env("SITE_DIR", artifacts::site())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(self.log())?)
            .kill_on_drop(true)
            .spawn();
        child.context("failed to start the script")
    }
}

//! The operator as a process: the binary that ships, with a token of the chart's own `ServiceAccount` and the keys of an IAM user
//! with the policy that the binary itself prints. A missing RBAC rule or IAM action fails here as it would for users.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rustix::process::Signal;

use crate::process::{Process, Watchdog};
use crate::run::free_port;
use crate::{artifacts, visitor, wait};

/// How to start it. Environment variables in `environment` come last and win.
#[derive(Debug, Clone)]
pub struct Settings {
    pub binary: PathBuf,
    /// Only with the `ServiceAccount`'s token.
    pub kubeconfig: PathBuf,
    pub log: PathBuf,
    pub environment: BTreeMap<String, String>,
}

impl Settings {
    /// The built artefacts and the environment of the operator's contract, without what belongs to one stack.
    pub fn new(kubeconfig: PathBuf, log: PathBuf) -> Self {
        let environment = [
            ("FUNCTIONS_DIR", artifacts::functions().display().to_string()),
            ("SITE_DIR", artifacts::site().display().to_string()),
            ("LOG_FORMAT", "json".into()),
            ("LOG_LEVEL", "info".into()),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value)).into();
        Self { binary: artifacts::operator(), kubeconfig, log, environment }
    }

    pub fn set(&mut self, name: &str, value: impl Into<String>) -> &mut Self {
        self.environment.insert(name.to_owned(), value.into());
        self
    }
}

/// An operator that runs, or has been stopped.
#[derive(Debug)]
pub struct Operator {
    watchdog: Arc<Watchdog>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    settings: Settings,
    running: Option<Arc<Running>>,
}

#[derive(Debug)]
struct Running {
    process: Process,
    metrics_port: u16,
}

impl Operator {
    /// Does not start it yet.
    pub fn new(settings: Settings, watchdog: Arc<Watchdog>) -> Self {
        Self { watchdog, state: Mutex::new(State { settings, running: None }) }
    }

    /// Starts it and waits until it says that it is ready.
    pub async fn start(&self) -> Result<()> {
        let mut attempt = 1;
        loop {
            match self.start_once().await {
                Err(error)
                    if attempt < 3
                        && format!("{error:#}").to_lowercase().contains("address already in use") =>
                {
                    attempt += 1;
                }
                other => return other,
            }
        }
    }

    async fn start_once(&self) -> Result<()> {
        let running = {
            let mut state = self.state();
            if state.running.is_some() {
                bail!("the operator already runs");
            }
            let metrics_port = free_port()?;
            let Settings { binary, kubeconfig, log, environment } = &state.settings;
            let mut command = Command::new(binary);
            command
                .env_clear()
                .env("PATH", "/usr/bin:/bin")
                .env("KUBECONFIG", kubeconfig)
                .env("METRICS_ADDRESS", format!("127.0.0.1:{metrics_port}"))
                .envs(environment);
            let process = Process::start("operator", &mut command, log, &self.watchdog)?;
            let running = Arc::new(Running { process, metrics_port });
            state.running = Some(Arc::clone(&running));
            running
        };
        let ready = wait::until("the operator's readiness", Duration::from_secs(30), async || {
            running.process.check()?;
            let port = running.metrics_port;
            let answer = visitor::get(port, &format!("127.0.0.1:{port}"), "/readyz").await;
            Ok(answer.ok().filter(|answer| answer.status().is_success()).map(|_| ()))
        })
        .await;
        if ready.is_err() {
            self.state().running = None;
        }
        ready
    }

    /// SIGTERM, as Kubernetes does; SIGKILL after 30 s.
    pub async fn stop(&self) -> Result<()> {
        let running = self.state().running.take();
        if let Some(running) = running {
            running.process.stop(Duration::from_secs(30)).await?;
        }
        Ok(())
    }

    /// SIGKILL, as when the machine goes.
    pub fn kill(&self) -> Result<()> {
        if let Some(running) = self.state().running.take() {
            running.process.kill()?;
        }
        Ok(())
    }

    /// Stops it in peace where it runs, and starts what is built now.
    pub async fn restart(&self) -> Result<()> {
        self.stop().await?;
        self.start().await
    }

    /// As [`Operator::restart`], with changed settings from then on.
    pub async fn restart_with(&self, change: impl FnOnce(&mut Settings)) -> Result<()> {
        self.stop().await?;
        change(&mut self.state().settings);
        self.start().await
    }

    pub fn signal(&self, signal: Signal) -> Result<()> {
        self.running()?.process.signal(signal)
    }

    pub fn id(&self) -> Result<u32> {
        Ok(self.running()?.process.id())
    }

    /// An error with its last words when it no longer runs though nobody stopped it.
    pub fn check(&self) -> Result<()> {
        self.running()?.process.check()
    }

    /// How it ended by itself, or by [`Operator::signal`]; `None` while it runs.
    pub fn exited(&self) -> Result<Option<std::process::ExitStatus>> {
        self.running()?.process.exited()
    }

    pub fn settings(&self) -> Settings {
        self.state().settings.clone()
    }

    pub fn metrics_url(&self) -> Result<String> {
        Ok(format!("http://127.0.0.1:{}/metrics", self.running()?.metrics_port))
    }

    /// All metrics, as Prometheus reads them.
    pub async fn metrics(&self) -> Result<Metrics> {
        let port = self.running()?.metrics_port;
        let answer = visitor::get(port, &format!("127.0.0.1:{port}"), "/metrics").await?;
        Ok(Metrics(String::from_utf8_lossy(answer.body()).into_owned()))
    }

    fn running(&self) -> Result<Arc<Running>> {
        self.state().running.clone().context("the operator does not run")
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One scrape.
#[derive(Debug, Clone)]
pub struct Metrics(pub String);

impl Metrics {
    /// The sum over all series of this name that carry these labels; 0 when there is none.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let wanted: Vec<String> =
            labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
        let series = self.0.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
            let (series, value) = line.rsplit_once(' ')?;
            let (found, found_labels) = series.split_once('{').unwrap_or((series, ""));
            let matches = found == name && wanted.iter().all(|label| found_labels.contains(label.as_str()));
            if matches { value.parse::<f64>().ok() } else { None }
        });
        // Not `sum`, which makes -0 of nothing.
        series.fold(0.0, |sum, value| sum + value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_the_sum_of_the_series_with_the_wanted_labels() {
        let metrics = Metrics(
            "# TYPE calls counter\ncalls_total{service=\"s3\",outcome=\"ok\"} 3\n\
             calls_total{service=\"s3\",outcome=\"error\"} 1\ncalls_total{service=\"iam\",outcome=\"ok\"} 5\nup 1\n"
                .into(),
        );
        let sums = [
            metrics.sum("calls_total", &[]),
            metrics.sum("calls_total", &[("service", "s3")]),
            metrics.sum("calls_total", &[("service", "s3"), ("outcome", "ok")]),
            metrics.sum("up", &[]),
            metrics.sum("calls", &[]),
        ];
        assert_eq!(sums.map(|sum| format!("{sum}")), ["9", "4", "3", "1", "0"]);
    }
}

//! What both are measured on: one stack, with nothing between them and the local AWS, and what it cost while they were at it.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, ensure};
use aws_credential_types::Credentials;

use super::sample::{Calls, Sample};
use super::usage::cpu_seconds;
use crate::aws_calls::{AwsCall, Tail};
use crate::gallery;
use crate::progress::Progress;
use crate::stack::{Options, Stack};
use crate::visitor::Visitor;
use crate::{artifacts, tools};

/// Namespace of all galleries.
pub(super) const NAMESPACE: &str = "bench";
/// The operator's variable that lifts AWS's quotas, which the local AWS does not have and the script does not know of.
const QUOTAS: &str = "QUOTA_SCALE";
/// So many times AWS's own.
const LIFTED: &str = "1000";
/// Who has asked for nothing for so long has nothing more to ask.
const QUIET: Duration = Duration::from_millis(500);
/// On an idle machine a gallery takes seconds, and fifty a minute.
pub(super) const PATIENCE: Duration = Duration::from_mins(10);

/// Who is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Who {
    Operator,
    Script,
}

/// The stack, and the other user of its AWS.
pub(super) struct Ground {
    pub(super) stack: Stack,
    /// An administrator with keys of its own, whose calls can be told from others'.
    pub(super) script: Credentials,
    /// Where Python finds boto3.
    pub(super) boto3: PathBuf,
    pub(super) has_quotas: bool,
    calls: Tail,
}

impl Ground {
    pub(super) async fn start(name: &str, progress: &Progress) -> Result<Self> {
        artifacts::check()?;
        let boto3 = tools::folder("boto3").await?;
        let has_quotas = help().await?.contains(QUOTAS);
        // A record of whole requests takes time.
        let mut options = Options { recorded: false, progress: progress.clone(), ..Options::test(name) };
        if has_quotas {
            options = options.operator(QUOTAS, LIFTED);
        }
        let stack = Stack::start(options).await?;
        let script = stack.aws.create_user("script", "arn:aws:iam::aws:policy/AdministratorAccess").await?;
        gallery::create_namespace(&stack, NAMESPACE).await?;
        let calls = Tail::new(stack.aws.call_log());
        Ok(Self { stack, script, boto3, has_quotas, calls })
    }

    /// Waits until page and API of this address answer as they should, and says when.
    pub(super) async fn visit(&self, url: &str) -> Result<f64> {
        let visitor = Visitor::new(url)?;
        let answers = async || -> Result<()> {
            let page = visitor.get("/").await?;
            ensure!(page.status().is_success(), "the page answers {}", page.status());
            let found = visitor.photos().await?;
            ensure!(found.is_empty(), "a new gallery has photos");
            Ok(())
        };
        let started = now();
        loop {
            match answers().await {
                Ok(()) => return Ok(now()),
                Err(error) if now() - started > PATIENCE.as_secs_f64() => {
                    return Err(error).with_context(|| format!("{url} does not answer"));
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }

    pub(super) fn local_aws_cpu(&self) -> Result<f64> {
        cpu_seconds(self.stack.aws.id().context("the local AWS is not ours")?)
    }

    pub(super) fn operator_cpu(&self) -> Result<f64> {
        cpu_seconds(self.stack.operator.id()?)
    }

    /// Waits until this one asks AWS for nothing more. The answer is what it has asked for since the last time.
    pub(super) async fn calls(&self, who: Who) -> Result<Vec<AwsCall>> {
        let key = match who {
            Who::Operator => &self.stack.operator_key,
            Who::Script => self.script.access_key_id(),
        };
        let (mut calls, mut last) = (Vec::new(), now());
        while now() - last < QUIET.as_secs_f64() {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let new = self.calls.next()?.into_iter().filter(|call| call.caller == key);
            let count = calls.len();
            calls.extend(new);
            if calls.len() > count {
                last = now();
            }
        }
        Ok(calls)
    }
}

/// From here on everything counts.
pub(super) struct Meter<'a> {
    ground: &'a Ground,
    who: Who,
    pub(super) begun: f64,
    operator_cpu: f64,
    local_aws_cpu: f64,
}

impl<'a> Meter<'a> {
    pub(super) async fn start(ground: &'a Ground, who: Who) -> Result<Self> {
        // What came before is over.
        ground.calls(who).await?;
        let (operator_cpu, local_aws_cpu) = (ground.operator_cpu()?, ground.local_aws_cpu()?);
        Ok(Self { ground, who, begun: now(), operator_cpu, local_aws_cpu })
    }

    /// The operator is another process from now on, which began with nothing.
    pub(super) fn operator_restarted(&mut self) {
        self.operator_cpu = 0.0;
    }

    /// The script has begun later, after its start.
    pub(super) fn begun_at(&mut self, begun: f64) {
        self.begun = begun;
    }

    /// `told`: when it was known to be done. `script_cpu`: what the script itself counted.
    pub(super) async fn stop(self, told: f64, script_cpu: f64) -> Result<Sample> {
        let Self { ground, who, begun, operator_cpu, local_aws_cpu } = self;
        let local_aws_cpu_seconds = ground.local_aws_cpu()? - local_aws_cpu;
        let calls = ground.calls(who).await?;
        let cpu_seconds = match who {
            Who::Operator => ground.operator_cpu()? - operator_cpu,
            Who::Script => script_cpu,
        };
        let writes = calls.iter().filter(|call| call.write && call.status < 400);
        let last = writes.map(|call| call.time + call.milliseconds / 1000.0).fold(begun, f64::max);
        Ok(Sample {
            seconds: told - begun,
            in_aws_seconds: last - begun,
            calls: Calls::of(calls.iter().filter(|call| call.time >= begun - 0.001)),
            cpu_seconds,
            local_aws_cpu_seconds,
            told: Vec::new(),
        })
    }
}

/// Seconds since 1970, as the local AWS's log counts.
pub(super) fn now() -> f64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// What the operator's command line knows.
async fn help() -> Result<String> {
    let mut command = tokio::process::Command::new(artifacts::operator());
    tools::output(command.arg("--help").env_clear(), None).await
}

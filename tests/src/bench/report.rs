//! Everything that was measured, as it is written to `target/bench/operator.json`.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::Extent;
use super::crowd::{Crowd, Held, Most};
use super::machine::{Machine, Versions};
use super::sample::{Calls, Side, Spread};

/// The whole.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// When it began, in UTC.
    pub date: String,
    pub minutes: f64,
    pub extent: Extent,
    pub machine: Machine,
    pub versions: Versions,
    pub method: Method,
    /// Calls for the first gallery of an account, with what all galleries share.
    pub first: Pair<Calls>,
    pub steps: BTreeMap<Step, Compared>,
    pub crowd: Crowds,
    pub memory: Held,
    pub most: Most,
    pub goals: Vec<Goal>,
    /// ACK + kro, not of this run.
    pub elsewhere: Value,
}

/// What can be done with a gallery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Step {
    Create,
    /// Of one function's memory and one of its variables.
    Change,
    /// Of the code of all functions.
    Code,
    /// Of a gallery without photos.
    Delete,
    DeleteWithPhotos,
}

impl Step {
    pub const ALL: [Self; 5] = [Self::Create, Self::Change, Self::Code, Self::Delete, Self::DeleteWithPhotos];
}

/// How it was measured, as far as that can differ from run to run.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Method {
    pub local_aws: &'static str,
    pub quotas: &'static str,
    pub order: &'static str,
}

/// The same of both.
#[derive(Debug, Clone, Serialize)]
pub struct Pair<T> {
    pub operator: T,
    pub script: T,
}

/// A step by both.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Compared {
    #[serde(flatten)]
    pub by: Pair<Side>,
    /// Seconds, operator to script, of each round: their median and extremes.
    pub ratio: Spread,
}

/// Many galleries by both, several times.
#[derive(Debug, Clone, Serialize)]
pub struct Crowds {
    #[serde(flatten)]
    pub by: Pair<Vec<Crowd>>,
    /// Seconds until the last one is there, operator to script, each time.
    pub ratio: Spread,
}

impl From<Pair<Vec<Crowd>>> for Crowds {
    fn from(by: Pair<Vec<Crowd>>) -> Self {
        let times = by.operator.iter().zip(&by.script);
        let ratio = Spread::of(times.map(|(operator, script)| operator.seconds / script.seconds));
        Self { by, ratio }
    }
}

/// What was wanted, and what came of it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Goal {
    pub what: &'static str,
    pub at_most: f64,
    pub measured: f64,
    pub met: bool,
}

impl From<Pair<Side>> for Compared {
    fn from(by: Pair<Side>) -> Self {
        let rounds = by.operator.samples.iter().zip(&by.script.samples);
        let ratio = Spread::of(rounds.map(|(operator, script)| operator.seconds / script.seconds));
        Self { by, ratio }
    }
}

/// The goals of the project's issue 5.
pub(super) fn goals(steps: &BTreeMap<Step, Compared>, crowd: &Crowds, memory: &Held) -> Vec<Goal> {
    let goal = |what, at_most: f64, measured: f64| Goal { what, at_most, measured, met: measured <= at_most };
    let step = |step| &steps[&step];
    let delete = step(Step::DeleteWithPhotos);
    // Each sample is of a deletion that ended.
    let silent = delete.by.operator.samples.iter().filter(|sample| sample.told.is_empty()).count();
    let shared = crowd.by.operator.iter().map(|crowd| crowd.galleries - crowd.distributions).sum::<usize>();
    #[expect(clippy::cast_precision_loss, reason = "dozens")]
    let (silent, shared) = (silent as f64, shared as f64);
    vec![
        goal("create: seconds, ratio to the script", 1.0, step(Step::Create).ratio.median),
        goal("create: calls", 110.0, step(Step::Create).by.operator.calls.all.sum()),
        goal("change: seconds until reported", 1.5, step(Step::Change).by.operator.seconds.median),
        goal("delete: calls", 110.0, step(Step::Delete).by.operator.calls.all.sum()),
        goal("delete with photos: deletions that did not say how far they were", 0.0, silent),
        goal("many at once: seconds until the last, ratio to the script", 1.0, crowd.ratio.median),
        goal("many at once: galleries without a distribution of their own", 0.0, shared),
        goal("memory, idle: MiB", 24.0, memory.idle.resident_mib),
        goal("memory, many galleries: MiB", 32.0, memory.many.resident_mib),
    ]
}

/// Measured on 2026-11-23 on another machine, with the same local AWS and without this project's proxy: ACK s3 1.10, dynamodb
/// 1.9, lambda 1.14, iam 1.8, apigateway 1.8, cloudfront 1.7, cloudwatchlogs 1.4 and kro 0.9.4 with default flags.
pub(super) fn elsewhere() -> Value {
    json!({
        "what": "ACK s3 1.10, dynamodb 1.9, lambda 1.14, iam 1.8, apigateway 1.8, cloudfront 1.7, cloudwatchlogs 1.4 and \
                 kro 0.9.4, default flags, a graph of 47 resources",
        "when": "2026-11-23",
        "create": { "seconds": 52.6, "reads": 482, "writes": 79, "refused": 142, "ratio": 51 },
        "change": { "inAwsSeconds": 0.6, "seconds": 31.5, "calls": 21 },
        "delete": { "seconds": 31.1, "calls": 222 },
        "deleteWithPhotos": { "photos": 3, "ends": false, "after": 75, "calls": 676 },
        "crowd": { "galleries": 50, "seconds": 221, "distributions": 42, "ratio": 4 },
        "memory": { "processes": 8, "idle": 467, "few": 560, "many": 601 },
        "cpuSecondsAGallery": 2,
    })
}

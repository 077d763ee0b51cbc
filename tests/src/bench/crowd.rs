//! Many galleries at once by the operator, and as many by the script, one after the other; and what the operator holds meanwhile.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use futures::future::try_join_all;
use serde::Serialize;

use super::by_operator::ByOperator;
use super::by_script::ByScript;
use super::ground::{Ground, Meter, Who, now};
use super::sample::{Calls, Sample, Spread};
use super::usage::{self, Memory};

/// What an allocator gives back it gives back soon.
const SETTLING: Duration = Duration::from_secs(3);

/// Many galleries, made and deleted.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Crowd {
    pub galleries: usize,
    /// From the first request until the last gallery is there and answers.
    pub seconds: f64,
    /// Of each: from the first request by the operator, and from its own beginning by the script.
    pub ready_seconds: Spread,
    /// Addresses that are nobody else's.
    pub distributions: usize,
    pub calls_a_gallery: Calls,
    pub cpu_seconds_a_gallery: f64,
    pub local_aws_cpu_seconds: f64,
    /// From the request until the last one is gone.
    pub delete_seconds: f64,
    pub delete_calls_a_gallery: Calls,
}

/// The most galleries that were made at once, by the operator just started.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Most {
    pub crowd: Crowd,
    /// When all were there.
    pub memory: Memory,
    /// When all were deleted.
    pub afterwards: Memory,
}

/// What the operator's process holds.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Held {
    /// Just started, without galleries.
    pub idle: Memory,
    /// With a few galleries.
    pub few: Memory,
    pub few_galleries: usize,
    pub few_calls_a_gallery: Calls,
    /// With many, for the first time since its start.
    pub many: Memory,
    /// With many for the last time, after all others came and went.
    pub many_again: Memory,
    pub many_galleries: usize,
    /// When all were deleted.
    pub afterwards: Memory,
}

/// So many, by the operator: all at once. With what it held when all were there, and when all were gone.
pub(super) async fn by_operator(ground: &Ground, name: &str, count: usize) -> Result<(Crowd, [Memory; 2])> {
    let (operator, names) = (ByOperator(ground), names(name, count));
    let meter = Meter::start(ground, Who::Operator).await?;
    let begun = meter.begun;
    let made = try_join_all(names.iter().map(|name| operator.make(name))).await?;
    let (urls, told): (Vec<_>, Vec<_>) = made.into_iter().unzip();
    let made = meter.stop(now(), 0.0).await?;
    let memory = settled(ground).await?;

    let meter = Meter::start(ground, Who::Operator).await?;
    try_join_all(names.iter().map(|name| operator.remove(name))).await?;
    let deleted = meter.stop(now(), 0.0).await?;
    let ready = told.into_iter().map(|told| told - begun);
    Ok((crowd(&urls, &made, ready, &deleted), [memory, settled(ground).await?]))
}

/// So many, by the script: one after the other, by one process.
pub(super) async fn by_script(ground: &Ground, name: &str, count: usize, functions: &Path) -> Result<Crowd> {
    let (script, names) = (ByScript(ground), names(name, count));
    let sample = async |verb| -> Result<_> {
        let mut meter = Meter::start(ground, Who::Script).await?;
        let done = script.run(verb, &names, functions).await?;
        let (first, last) = (done.first().map(|done| done.begun), done.last().map(|done| done.told));
        meter.begun_at(first.unwrap_or_default());
        let cpu = done.iter().map(|done| done.cpu_seconds).sum();
        Ok((meter.stop(last.unwrap_or_default(), cpu).await?, done))
    };
    let (made, done) = sample("create").await?;
    let (deleted, _) = sample("delete").await?;
    let urls: Vec<_> = done.iter().map(|done| done.url.clone()).collect();
    Ok(crowd(&urls, &made, done.iter().map(|done| done.told - done.begun), &deleted))
}

/// What the operator holds when it has nothing to do.
pub(super) async fn settled(ground: &Ground) -> Result<Memory> {
    ground.calls(Who::Operator).await?;
    tokio::time::sleep(SETTLING).await;
    usage::memory(ground.stack.operator.id()?)
}

fn names(name: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{name}-{number}")).collect()
}

fn crowd(urls: &[String], made: &Sample, ready: impl Iterator<Item = f64>, deleted: &Sample) -> Crowd {
    let galleries = urls.len();
    #[expect(clippy::cast_precision_loss, reason = "dozens")]
    let cpu_seconds_a_gallery = made.cpu_seconds / galleries as f64;
    Crowd {
        galleries,
        seconds: made.seconds,
        ready_seconds: Spread::of(ready),
        distributions: urls.iter().collect::<BTreeSet<_>>().len(),
        calls_a_gallery: made.calls.over(galleries),
        cpu_seconds_a_gallery,
        local_aws_cpu_seconds: made.local_aws_cpu_seconds,
        delete_seconds: deleted.seconds,
        delete_calls_a_gallery: deleted.calls.over(galleries),
    }
}

//! How fast and how big the operator is, beside a boto3 script that makes the same: `make bench-operator`.
//!
//! Both work on one local AWS in one run and in turns, so that whatever slows the machine slows both. Nothing is between them
//! and it; the calls are counted by its own log, and who waited for it shows in its own processor time. A local AWS is never slow
//! as AWS is: seconds here compare two programs, and say nothing about AWS. Calls do.

mod by_operator;
mod by_script;
mod crowd;
mod ground;
mod machine;
mod photos;
mod report;
mod sample;
mod table;
mod usage;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use serde::Serialize;

pub use report::{Report, Step};

use crate::artifacts;
use crate::progress::Progress;
use by_operator::ByOperator;
use by_script::ByScript;
use crowd::{Held, Most};
use ground::{Ground, Who};
use machine::{Machine, Versions};
use report::{Compared, Crowds, Method, Pair};
use sample::{Calls, Sample, Side};

/// How much.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Extent {
    /// How often each step is measured.
    pub rounds: usize,
    /// In a gallery that is deleted with them.
    pub photos: usize,
    /// A few galleries at once.
    pub few: usize,
    /// Many galleries at once.
    pub many: usize,
    /// How often many are made at once.
    pub crowds: usize,
    /// The most galleries at once, by the operator alone.
    pub most: usize,
}

impl Extent {
    /// What the documentation shows.
    pub const FULL: Self = Self { rounds: 5, photos: 1000, few: 10, many: 50, crowds: 5, most: 200 };
    /// To see that it works; its figures say nothing.
    pub const QUICK: Self = Self { rounds: 1, photos: 30, few: 2, many: 5, crowds: 1, most: 8 };
}

/// All samples, by step and by who made them.
type Samples = BTreeMap<(Step, Who), Vec<Sample>>;

/// Measures everything.
pub async fn run(name: &str, extent: Extent, progress: &Progress) -> Result<Report> {
    let (date, started, machine) = (Timestamp::now(), Instant::now(), Machine::here()?);
    let ground = Ground::start(name, progress).await?;
    let versions = Versions::of(&ground.stack, &ground.boto3).await?;
    let bench = Bench { ground, progress, extent };
    let first = bench.first().await?;
    let steps = compared(bench.rounds().await?)?;
    let memory_and_crowd = bench.crowds().await?;
    let most = bench.most().await?;
    let Bench { ground, .. } = bench;
    let quotas = ground.has_quotas;
    ground.stack.stop().await?;
    let (memory, crowd) = memory_and_crowd;
    Ok(Report {
        date: date.strftime("%Y-%m-%d").to_string(),
        minutes: started.elapsed().as_secs_f64() / 60.0,
        extent,
        machine,
        versions,
        method: method(quotas),
        first,
        goals: report::goals(&steps, &crowd, &memory),
        steps,
        crowd,
        memory,
        most,
        elsewhere: report::elsewhere(),
    })
}

impl Report {
    /// What the documentation shows, in Markdown.
    pub fn section(&self) -> String {
        table::section(self)
    }
}

fn method(has_quotas: bool) -> Method {
    Method {
        local_aws: "one MiniStack with IAM enforced; nothing between it and both",
        quotas: if has_quotas {
            "the operator's own limits of calls are lifted: neither the local AWS nor the script has any"
        } else {
            "none: this operator does not limit its calls by itself"
        },
        order: "in turns, and who is first takes turns too",
    }
}

fn compared(mut samples: Samples) -> Result<BTreeMap<Step, Compared>> {
    let mut side = |step, who| samples.remove(&(step, who)).map(Side::from).context("a step was left out");
    Step::ALL
        .into_iter()
        .map(|step| {
            let by = Pair { operator: side(step, Who::Operator)?, script: side(step, Who::Script)? };
            Ok((step, Compared::from(by)))
        })
        .collect()
}

struct Bench<'a> {
    ground: Ground,
    progress: &'a Progress,
    extent: Extent,
}

impl Bench<'_> {
    /// The first galleries make what all share, and warm up what there is to warm up.
    async fn first(&self) -> Result<Pair<Calls>> {
        let (operator, script) = (ByOperator(&self.ground), ByScript(&self.ground));
        let by_operator = operator.create("first").await?;
        operator.remove("first").await?;
        let functions = artifacts::functions();
        let by_script = script.play("create", "script-first", &functions).await?;
        script.play("delete", "script-first", &functions).await?;
        self.progress.step("each has made and deleted its first gallery");
        Ok(Pair { operator: by_operator.calls, script: by_script.calls })
    }

    async fn rounds(&self) -> Result<Samples> {
        let (mut samples, mut functions) = (Samples::new(), artifacts::functions());
        for round in 0..self.extent.rounds {
            // The code that is changed to is new to both.
            let next = self.ground.stack.folder().join(format!("functions-{round}"));
            artifacts::copy_functions(&next, &format!("build {round}"))?;
            let mut order = [Who::Operator, Who::Script];
            order.rotate_left(round % 2);
            for who in order {
                for (step, sample) in self.life(who, round, (&functions, &next)).await? {
                    samples.entry((step, who)).or_default().push(sample);
                }
            }
            functions = next;
            let seconds = |who| samples[&(Step::Create, who)].last().map_or(0.0, |sample| sample.seconds);
            let (operator, script) = (seconds(Who::Operator), seconds(Who::Script));
            let rounds = self.extent.rounds;
            self.progress.step(format!(
                "round {} of {rounds}: a gallery in {operator:.2} s, by the script in {script:.2} s",
                round + 1
            ));
        }
        Ok(samples)
    }

    /// One gallery is made, changed, given other code and deleted; another one is deleted with photos in it.
    async fn life(
        &self,
        who: Who,
        round: usize,
        (functions, next): (&Path, &PathBuf),
    ) -> Result<Vec<(Step, Sample)>> {
        let (ground, photos) = (&self.ground, self.extent.photos);
        let aws = ground.stack.aws();
        match who {
            Who::Operator => {
                let (by, name, full) = (ByOperator(ground), format!("g{round}"), format!("full{round}"));
                let mut steps = vec![
                    (Step::Create, by.create(&name).await?),
                    (Step::Change, by.change(&name).await?),
                    (Step::Code, by.code(&name, next).await?),
                    (Step::Delete, by.delete(&name).await?),
                ];
                by.make(&full).await?;
                photos::put(aws, &by.places(&full).await?, photos).await?;
                steps.push((Step::DeleteWithPhotos, by.delete(&full).await?));
                Ok(steps)
            }
            Who::Script => {
                let (by, name, full) =
                    (ByScript(ground), format!("script-{round}"), format!("script-full-{round}"));
                let mut steps = vec![
                    (Step::Create, by.play("create", &name, functions).await?),
                    (Step::Change, by.play("change", &name, functions).await?),
                    (Step::Code, by.play("code", &name, next).await?),
                    (Step::Delete, by.play("delete", &name, next).await?),
                ];
                by.play("create", &full, next).await?;
                photos::put(aws, &ByScript::places(&full), photos).await?;
                steps.push((Step::DeleteWithPhotos, by.play("delete", &full, next).await?));
                Ok(steps)
            }
        }
    }

    /// As many as one operator is meant for: what a gallery costs must not grow with their number.
    async fn most(&self) -> Result<Most> {
        let (ground, most) = (&self.ground, self.extent.most);
        ground.stack.operator.restart().await?;
        let (crowd, [memory, afterwards]) = crowd::by_operator(ground, "most", most).await?;
        self.progress.step(format!("{most} galleries at once were made and deleted"));
        Ok(Most { crowd, memory, afterwards })
    }

    async fn crowds(&self) -> Result<(Held, Crowds)> {
        let (ground, Extent { few, many, crowds, .. }) = (&self.ground, self.extent);
        // As it starts, without what earlier galleries left in its memory.
        ground.stack.operator.restart().await?;
        let idle = crowd::settled(ground).await?;
        let (few_at_once, [with_few, _]) = crowd::by_operator(ground, "few", few).await?;
        self.progress.step(format!("{few} galleries at once were made and deleted"));
        ground.stack.operator.restart().await?;
        let functions = PathBuf::from(&ground.stack.operator.settings().environment["FUNCTIONS_DIR"]);
        let (mut by_operator, mut by_script, mut memory) = (Vec::new(), Vec::new(), Vec::new());
        for time in 0..crowds {
            let (operator, held) = crowd::by_operator(ground, &format!("many{time}"), many).await?;
            let script = format!("script-many-{time}");
            let script = crowd::by_script(ground, &script, many, &functions).await?;
            self.progress.step(format!(
                "{many} galleries at once: the last after {:.1} s; by the script, one after the other, after {:.1} s",
                operator.seconds, script.seconds
            ));
            by_operator.push(operator);
            by_script.push(script);
            memory.push(held);
        }
        let (Some([first, _]), Some([last, afterwards])) = (memory.first(), memory.last()) else {
            bail!("no galleries at once")
        };
        let memory = Held {
            idle,
            few: with_few,
            few_galleries: few,
            few_calls_a_gallery: few_at_once.calls_a_gallery,
            many: *first,
            many_again: *last,
            many_galleries: many,
            afterwards: *afterwards,
        };
        Ok((memory, Crowds::from(Pair { operator: by_operator, script: by_script })))
    }
}

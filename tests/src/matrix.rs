//! Death at every step, of the operator that ships: SIGKILL at each of its calls to AWS, and then the same account as without.

mod decoys;
mod lane;
mod score;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result, ensure};
use futures::future::try_join_all;

pub use lane::{Point, Scenario};
pub use score::Score;

use crate::inventory::Inventory;
use crate::killer::{At, Moment};
use crate::progress::Progress;
use lane::{Lane, Outcome};
use score::{Difference, Shape};

/// How many points of each scenario, spread over all; `None`: all of them.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    pub create: Option<usize>,
    pub change: Option<usize>,
    pub delete: Option<usize>,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Report {
    scores: BTreeMap<(Scenario, Moment), Score>,
    /// What is wrong, in words.
    pub complaints: Vec<String>,
    /// Points that the operator did not get to, because it made fewer calls this time.
    pub not_reached: usize,
}

/// A life without deaths.
#[derive(Debug, Default)]
struct Reference {
    /// What there is besides galleries.
    others: Inventory,
    shapes: BTreeMap<Scenario, Shape>,
    /// After the deletion of a gallery that was never changed: the zips of one build alone stay.
    never_changed: Shape,
    points: BTreeMap<Scenario, Vec<Point>>,
}

/// The points that one gallery goes through.
type Turn = BTreeMap<Scenario, Point>;

/// Runs `lanes` stacks side by side until all points are played.
pub async fn run(name: &str, lanes: usize, extent: Extent, progress: &Progress) -> Result<Report> {
    let lanes = try_join_all((0..lanes).map(|number| start(format!("{name}-{number}")))).await?;
    let reference = &lanes.first().context("no lanes")?.1;
    let counts: Vec<_> = Scenario::ALL.iter().map(|scenario| reference.points[scenario].len()).collect();
    let turns = VecDeque::from(turns(reference, extent));
    let all = turns.len();
    progress.step(format!("points of create, change, delete: {counts:?}; {all} galleries die"));
    let (queue, report) = (Mutex::new(turns), Mutex::new(Report::default()));
    let work = lanes.iter().map(|(lane, reference)| async {
        loop {
            let (left, turn) = {
                let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
                (queue.len(), queue.pop_front())
            };
            let Some(turn) = turn else { return Ok::<_, anyhow::Error>(()) };
            if left.is_multiple_of(20) {
                progress.step(format!("{left} of {all} galleries left"));
            }
            die(lane, reference, &turn, &report).await.with_context(|| format!("at {turn:?}"))?;
        }
    });
    try_join_all(work).await?;
    for (lane, _) in lanes {
        lane.stop().await?;
    }
    Ok(report.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// A stack, with a life without deaths behind it and others' things in it.
async fn start(name: String) -> Result<(Lane, Reference)> {
    let lane = Lane::start(&name).await?;
    let empty = lane.others().await?;
    let mut reference = Reference::default();
    for scenario in Scenario::ALL {
        let outcome = lane.play(scenario, None, &empty).await?;
        ensure!(outcome.settled && outcome.touches.is_empty(), "without deaths: {scenario:?}: {outcome:#?}");
        reference.points.insert(scenario, points(&outcome));
        reference.shapes.insert(scenario, outcome.found);
        if scenario == Scenario::Delete {
            lane.clear(&outcome.all, &empty).await?;
        }
    }
    // Once more, for decoys of what a gallery is made of.
    lane.play(Scenario::Create, None, &empty).await?;
    reference.others = lane.add_decoys(&empty).await?;
    let gone = lane.play(Scenario::Delete, None, &reference.others).await?;
    lane.clear(&gone.all, &reference.others).await?;
    reference.never_changed = gone.found;
    ensure!(lane.others().await? == reference.others, "the first gallery left something, or touched others'");
    Ok((lane, reference))
}

/// Three deaths at each call.
fn points(outcome: &Outcome) -> Vec<Point> {
    let writes = outcome.made.iter().filter(|call| call.write).count();
    let reads = outcome.made.len() - writes;
    let calls = (1..=writes).map(At::Write).chain((1..=reads).map(At::Read));
    calls.flat_map(|at| Moment::ALL.map(|moment| (at, moment))).collect()
}

/// What each gallery goes through.
fn turns(reference: &Reference, extent: Extent) -> Vec<Turn> {
    let Extent { create, change, delete } = extent;
    let extents = [create, change, delete];
    let mut chosen: Vec<(Scenario, VecDeque<Point>)> = Scenario::ALL
        .into_iter()
        .zip(extents)
        .map(|(scenario, count)| (scenario, spread(&reference.points[&scenario], count).into()))
        .collect();
    let mut turns = Vec::new();
    while chosen.iter().any(|(_, points)| !points.is_empty()) {
        let next = chosen.iter_mut().filter_map(|(scenario, points)| Some((*scenario, points.pop_front()?)));
        turns.push(next.collect());
    }
    turns
}

/// So many of them, evenly.
fn spread(points: &[Point], count: Option<usize>) -> Vec<Point> {
    let count = count.map_or(points.len(), |count| count.min(points.len()));
    (0..count).map(|number| points[number * points.len() / count]).collect()
}

/// A gallery is made, changed where a death is due in that, and deleted.
async fn die(lane: &Lane, reference: &Reference, turn: &Turn, report: &Mutex<Report>) -> Result<()> {
    for scenario in Scenario::ALL {
        let point = turn.get(&scenario).copied();
        if scenario == Scenario::Change && point.is_none() {
            continue;
        }
        let outcome = lane.play(scenario, point, &reference.others).await?;
        let should = match scenario {
            Scenario::Delete if !turn.contains_key(&Scenario::Change) => &reference.never_changed,
            _ => &reference.shapes[&scenario],
        };
        let difference = outcome.difference(should);
        report.lock().unwrap_or_else(PoisonError::into_inner).add((scenario, point), &outcome, &difference);
        ensure!(outcome.settled, "a gallery that does not settle is in the way of all others");
        if scenario == Scenario::Delete {
            lane.clear(&outcome.all, &reference.others).await?;
        }
    }
    Ok(())
}

impl Report {
    fn add(&mut self, (scenario, point): (Scenario, Option<Point>), outcome: &Outcome, found: &Difference) {
        if !outcome.settled || !found.is_none() {
            let settled = if outcome.settled { "" } else { ", not settled" };
            self.complaints.push(format!("{scenario:?} with death at {point:?}{settled}: {found:#?}"));
        }
        match point {
            Some((_, moment)) if outcome.died => {
                *self.scores.entry((scenario, moment)).or_default() += Score::of(outcome.settled, found);
            }
            Some(_) => self.not_reached += 1,
            None => {}
        }
    }

    /// How many deaths there were.
    pub fn points(&self) -> usize {
        self.scores.values().map(|score| score.points).sum()
    }

    /// A Markdown table.
    pub fn table(&self) -> String {
        let mut lines = vec![
            "| scenario | death | points | converged | orphans | duplicates | foreign touches |".to_owned(),
            "|---|---|---|---|---|---|---|".to_owned(),
        ];
        let mut all = Score::default();
        for ((scenario, moment), score) in &self.scores {
            let scenario = match scenario {
                Scenario::Create => "create",
                Scenario::Change => "change of everything",
                Scenario::Delete => "delete",
            };
            let moment = match moment {
                Moment::Before => "before the call",
                Moment::Unheard => "applied, before the answer",
                Moment::Heard => "after the answer",
            };
            lines.push(format!("| {scenario} | {moment} | {score} |"));
            all += *score;
        }
        lines.push(format!("| **all** | | {all} |"));
        lines.join("\n")
    }

    /// Every death ended as a life without.
    pub fn is_clean(&self) -> bool {
        self.complaints.is_empty() && self.scores.values().all(|score| score.is_clean())
    }
}

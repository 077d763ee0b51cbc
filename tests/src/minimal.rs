//! Is every action of the operator's policy needed? A gallery's life (made, looked at, changed, put back after drift, taken over,
//! deleted) is lived once under the whole policy, and the local AWS's log tells which actions each part of it asks for. Then each
//! action is taken away in turn, in the cheapest part that asks for it: the gallery must say that this very action is missing,
//! and go on as soon as it is granted again.
//!
//! An action that no part asks for is not needed, and nor is one whose absence nobody notices.

mod lane;
mod life;
mod spoil;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result};
use futures::future::try_join_all;

pub use life::Part;

use crate::permissions;
use crate::progress::Progress;
use lane::Lane;

/// What became of a gallery without an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It said that this action is missing, and went on once it was granted.
    Needed(Part),
    /// It went wrong without naming the action.
    NotNamed(Part, String),
    /// It did well without.
    NotMissed(Part),
    /// No part of its life asked for it.
    NotAsked,
}

/// Which actions to try. By default all of the operator's policy.
#[derive(Debug, Clone, Copy, Default)]
pub struct Trial<'a> {
    /// Only these.
    pub only: Option<&'a [&'a str]>,
    /// The policy allows this besides: for a test of this test.
    pub also: Option<&'a str>,
}

/// What came of it, by action.
#[derive(Debug, Default)]
pub struct Report {
    pub verdicts: BTreeMap<String, Verdict>,
}

/// Tries the actions on so many stacks side by side.
pub async fn run(name: &str, lanes: usize, trial: Trial<'_>, progress: &Progress) -> Result<Report> {
    let Trial { only, also } = trial;
    let policy = permissions::of_operator(true).await?;
    let policy = also.map_or(Ok(policy.clone()), |action| permissions::with(&policy, action))?;
    let mut actions = permissions::actions(&policy)?;
    actions.retain(|action| only.is_none_or(|only| only.contains(&action.as_str())));
    let lanes =
        try_join_all((0..lanes).map(|number| Lane::start(format!("{name}-{number}"), &policy))).await?;
    let asked = lanes.first().context("no lanes")?.asked.clone();
    let (report, mut queues) = (Mutex::new(Report::default()), sorted_out(&actions, &asked));
    for action in queues.remove(&None).unwrap_or_default() {
        add(&report, &action, Verdict::NotAsked);
    }
    progress.step(format!("{} actions, each to be taken away once", actions.len()));
    let queues = Mutex::new(queues);
    let work = lanes.iter().map(|lane| async {
        while let Some((part, action)) = next(&queues, lane.lives()) {
            let verdict =
                lane.live_without(part, &action).await.with_context(|| format!("{action}, {part:?}"))?;
            progress.step(format!("{action}: {verdict}"));
            add(&report, &action, verdict);
        }
        Ok::<_, anyhow::Error>(())
    });
    try_join_all(work).await?;
    for lane in lanes {
        lane.stop().await?;
    }
    Ok(report.into_inner().unwrap_or_else(PoisonError::into_inner))
}

type Queues = BTreeMap<Option<Part>, VecDeque<String>>;

/// Each action in the cheapest part that asks for it; `None`: no part does.
fn sorted_out(actions: &[String], asked: &BTreeMap<Part, BTreeSet<String>>) -> Queues {
    let mut queues = Queues::new();
    for action in actions {
        let part = asked.iter().find(|(_, actions)| actions.contains(action)).map(|(part, _)| *part);
        queues.entry(part).or_default().push_back(action.clone());
    }
    queues
}

/// What a lane does next: with a gallery what it needs one for, and deletions last, so that each makes room for a creation.
fn next(queues: &Mutex<Queues>, lives: bool) -> Option<(Part, String)> {
    let mut queues = queues.lock().unwrap_or_else(PoisonError::into_inner);
    let parts: Vec<Part> = if lives {
        Part::ALL.into_iter().filter(|part| *part != Part::Creation).chain([Part::Creation]).collect()
    } else {
        [Part::Creation].into_iter().chain(Part::ALL).collect()
    };
    parts.into_iter().find_map(|part| Some((part, queues.get_mut(&Some(part))?.pop_front()?)))
}

fn add(report: &Mutex<Report>, action: &str, verdict: Verdict) {
    report.lock().unwrap_or_else(PoisonError::into_inner).verdicts.insert(action.to_owned(), verdict);
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Needed(part) => write!(formatter, "needed for {part}"),
            Self::NotNamed(part, said) => {
                write!(formatter, "{part} fails without, and does not name it: {said}")
            }
            Self::NotMissed(part) => write!(formatter, "not needed: {part} does well without"),
            Self::NotAsked => write!(formatter, "not needed: nothing asks for it"),
        }
    }
}

impl Report {
    /// What should not be as it is, in words.
    pub fn complaints(&self) -> Vec<String> {
        let bad = self.verdicts.iter().filter(|(_, verdict)| !matches!(verdict, Verdict::Needed(_)));
        bad.map(|(action, verdict)| format!("{action}: {verdict}")).collect()
    }

    /// How many actions each part of a life proved.
    pub fn summary(&self) -> String {
        let count =
            |part| self.verdicts.values().filter(|verdict| **verdict == Verdict::Needed(part)).count();
        let counts: Vec<_> = Part::ALL.iter().map(|part| format!("{part} {}", count(*part))).collect();
        let needed = self.verdicts.len() - self.complaints().len();
        format!("{needed} of {} actions are needed ({})", self.verdicts.len(), counts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_taken_away_where_that_costs_least_and_what_nothing_asks_for_stands_apart() {
        let set =
            |actions: &[&str]| actions.iter().map(|action| (*action).to_owned()).collect::<BTreeSet<_>>();
        let asked = [(Part::Look, set(&["a"])), (Part::Creation, set(&["a", "b"]))].into();
        let queues = sorted_out(&["a".into(), "b".into(), "c".into()], &asked);
        assert_eq!(queues[&Some(Part::Look)], ["a"]);
        assert_eq!(queues[&Some(Part::Creation)], ["b"]);
        assert_eq!(queues[&None], ["c"]);
    }

    #[test]
    fn only_what_is_needed_and_named_is_no_complaint() {
        let mut report = Report::default();
        report.verdicts.insert("a".into(), Verdict::Needed(Part::Look));
        assert_eq!(report.complaints(), [""; 0]);
        for verdict in
            [Verdict::NotAsked, Verdict::NotMissed(Part::Drift), Verdict::NotNamed(Part::Drift, "x".into())]
        {
            report.verdicts.insert("b".into(), verdict);
            assert_eq!(report.complaints().len(), 1);
        }
    }
}

//! Before the first create: everything that stands in the way, at once. Pure.
//!
//! A gallery that is half made when a name turns out to be taken, or the last role of the account to be used up, is of no use to
//! anybody. So once, while nothing of it is there, what the first look has seen and what the account says of itself are put
//! together, and nothing is made before all of it is settled. It is only ever about the first create: of a gallery that is there,
//! of one whose creation was cut short, and of a deletion it says nothing. It promises nothing either: somebody else may take the
//! last role a moment later, which is then told like every other refusal.
//!
//! What cannot be found out is not in the way. [`simulation`] holds what the operator's role may do.

mod quota;
pub mod simulation;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use photogallery_crds::Reason;

pub use quota::{Limit, Quota, Usage};
pub use simulation::Denied;

use crate::cloud::{ErrorKind, Foreign, Observed};
use crate::gallery::Gallery;
use crate::graph::{BucketRole, ResourceId};
use crate::names::TAG_RETAINED;
use crate::ownership::Whose;
use crate::policy::{self, Retry};
use crate::reconcile::{Failure, Outcome};

/// How long a condition's message may be, so that a person reads it. Events end at 1,024 bytes.
const MESSAGE_LENGTH: usize = 960;
/// How much of it one problem may take.
const PROBLEM_LENGTH: usize = 720;
/// How many names or actions stand in one sentence; beside a command, which must not be cut, half of it.
const MOST_NAMED: usize = 4;
const PROMISE: &str = "I will go on by myself.";

/// What is to be found out about the account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Question {
    /// How many more of each the gallery takes.
    pub needs: BTreeMap<Quota, u64>,
    /// What the look could not read, so that it proves nothing of what the operator may do.
    pub unread: BTreeSet<ResourceId>,
}

/// What the account says of itself. Whatever is missing could not be found out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// How much is used, and how much there may be.
    pub usage: BTreeMap<Quota, Usage>,
    /// What the operator's role does not allow.
    pub denied: Vec<Denied>,
}

/// Something in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// As what AWS would refuse it.
    pub kind: ErrorKind,
    /// A sentence without its end: the thing, the limit, the way out.
    pub text: String,
}

/// What came of it; passed by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preflight {
    /// What stands in the way, worst first.
    pub problems: Vec<Problem>,
    /// What a person should know and does not stand in the way.
    pub notes: Vec<String>,
}

/// Is this the first create? Not when anything of the gallery's own is there, or was made a moment ago, or may be there unseen
/// because AWS did not answer. Data that an earlier gallery left does not count.
pub fn is_due(outcome: &Outcome) -> bool {
    let is_passing = |failure: &Failure| {
        let answer = policy::answer(failure.error.kind);
        answer.unknown || !answer.stalled
    };
    let is_there = |id: &ResourceId| outcome.seen.state(*id).is_some() && !is_retained(&outcome.seen, *id);
    !outcome.failures.iter().any(is_passing)
        && !ResourceId::all().filter(|id| is_own(*id)).any(|id| is_there(&id))
}

/// Is it the gallery's own, and no part of something else?
fn is_own(id: ResourceId) -> bool {
    match id {
        ResourceId::Bucket(role) => role != BucketRole::Artefacts,
        ResourceId::Table
        | ResourceId::LogGroup(_)
        | ResourceId::Role(_)
        | ResourceId::Function(_)
        | ResourceId::RestApi
        | ResourceId::Distribution => true,
        ResourceId::OriginAccessControl
        | ResourceId::ResponseHeadersPolicy
        | ResourceId::BucketPolicy(_)
        | ResourceId::UploadCors
        | ResourceId::Artefacts
        | ResourceId::Permission(_)
        | ResourceId::Notification
        | ResourceId::Deployment
        | ResourceId::Stage
        | ResourceId::Site
        | ResourceId::Invalidation => false,
    }
}

fn is_retained(seen: &Observed, id: ResourceId) -> bool {
    let tags = match id {
        ResourceId::Bucket(role) => seen.buckets.get(&role).map(|bucket| &bucket.tags),
        ResourceId::Table => seen.table.as_ref().map(|table| &table.tags),
        _ => None,
    };
    tags.is_some_and(|tags| tags.contains_key(TAG_RETAINED))
}

/// What to ask the account.
pub fn question(gallery: &Gallery, outcome: &Outcome) -> Question {
    let unread = outcome.failures.iter().map(|failure| failure.resource).collect();
    Question { needs: quota::needs(gallery, &outcome.seen), unread }
}

/// Puts together what the first look has seen and what the account says.
pub fn check(gallery: &Gallery, outcome: &Outcome, account: &Account) -> Preflight {
    let mut problems = conflicts(&outcome.plan.conflicts);
    problems.extend(refused_reads(&outcome.failures));
    problems.extend(simulation::problems(&account.denied));
    let mut notes = Vec::new();
    for (quota, need) in quota::needs(gallery, &outcome.seen) {
        let Some(usage) = account.usage.get(&quota) else { continue };
        match quota.judge(*usage, need, &gallery.identity.region) {
            quota::Judgement::Fits => {}
            quota::Judgement::Note(text) => notes.push(text),
            quota::Judgement::Full(text) => {
                problems.push(Problem { kind: ErrorKind::LimitExceeded, text });
            }
        }
    }
    Preflight { problems, notes }
}

/// Names that somebody else has, by whose they are.
pub fn conflicts(foreign: &BTreeMap<ResourceId, Foreign>) -> Vec<Problem> {
    let mut groups = Vec::<(&Whose, Vec<String>)>::new();
    for (id, Foreign { name, whose }) in foreign {
        let line = format!("{id} {name}");
        match groups.iter_mut().find(|(other, _)| *other == whose) {
            Some((_, lines)) => lines.push(line),
            None => groups.push((whose, vec![line])),
        }
    }
    let text = |(whose, lines): (&Whose, Vec<String>)| conflict(whose, &lines);
    groups.into_iter().map(|group| Problem { kind: ErrorKind::NotOurs, text: text(group) }).collect()
}

fn conflict(whose: &Whose, lines: &[String]) -> String {
    let is_one = lines.len() == 1;
    let (exist, left, them) = if is_one {
        ("exists and is not ours: ", "It is left alone", "it")
    } else {
        ("exist and are not ours: each ", "They are left alone", "them")
    };
    let because = if is_one { &*whose.text } else { whose.text.trim_start_matches("it ") };
    let way_out = match &whose.adopt {
        Some(command) => format!(
            "If that gallery is gone for good, take over what is left of it: {command}. Or choose another name for this one"
        ),
        None => format!("Remove {them}, or choose another name for the gallery"),
    };
    let most = if whose.adopt.is_some() { MOST_NAMED / 2 } else { MOST_NAMED };
    format!("{} {exist}{because}. {left}. {way_out}", listed(lines, most))
}

/// `a, b and 3 more`.
fn listed(all: &[String], most: usize) -> String {
    match all {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] if all.len() <= most => format!("{} and {last}", first.join(", ")),
        _ => format!("{} and {} more", all[..most].join(", "), all.len() - most),
    }
}

/// What the look was not allowed to read, each action once.
fn refused_reads(failures: &[Failure]) -> Vec<Problem> {
    let denied = failures.iter().filter(|failure| failure.error.kind == ErrorKind::AccessDenied);
    let mut actions = BTreeMap::<String, (String, Vec<String>)>::new();
    for failure in denied {
        let advice = policy::advice(failure);
        let text = advice.trim_end_matches(PROMISE).trim_end().trim_end_matches([';', '.']).to_owned();
        // "Missing permission <action> on …"; anything else is told as often as it is said.
        let action = text.strip_prefix("Missing permission ").and_then(|rest| rest.split([' ', ',']).next());
        let key = action.map_or_else(|| text.clone(), str::to_owned);
        match actions.get_mut(&key) {
            Some((_, others)) => others.push(failure.resource.to_string()),
            None => drop(actions.insert(key, (text, Vec::new()))),
        }
    }
    let also = |others: &[String]| format!(" (also for {})", listed(others, MOST_NAMED));
    let texts = actions.into_values().map(
        |(text, others)| {
            if others.is_empty() { text } else { text + &also(&others) }
        },
    );
    texts.map(|text| Problem { kind: ErrorKind::AccessDenied, text }).collect()
}

impl Preflight {
    /// Nothing is in the way.
    pub fn is_passed(&self) -> bool {
        self.problems.is_empty()
    }

    /// Of `Synced` and `Stalled`: the one reason of all problems, or that there are several.
    pub fn reason(&self) -> Reason {
        let mut reasons = self.problems.iter().map(|problem| policy::answer(problem.kind).reason);
        let first = reasons.next().unwrap_or(Reason::PreflightFailed);
        if reasons.all(|reason| reason == first) { first } else { Reason::PreflightFailed }
    }

    /// When to look again: as soon as the first of them may be settled.
    pub fn retry(&self) -> Option<Duration> {
        let after = |problem: &Problem| match policy::answer(problem.kind).retry {
            Retry::After(after) | Retry::AtLeast(after) => after,
            Retry::Backoff => Duration::from_secs(60),
        };
        self.problems.iter().map(after).min()
    }

    /// All of it for the condition.
    pub fn message(&self) -> String {
        message(&self.problems, "Nothing is being made: ", &self.notes)
    }
}

/// Problems as one text of limited length. `opening` begins the sentence that says how many there are.
pub fn message(problems: &[Problem], opening: &str, notes: &[String]) -> String {
    if let ([problem], []) = (problems, notes) {
        return format!("{}; {PROMISE}", shortened(&problem.text, MESSAGE_LENGTH - PROMISE.len() - 2));
    }
    let things = if problems.len() == 1 { "thing stands" } else { "things stand" };
    let mut text = format!("{opening}{} {things} in the way.", problems.len());
    let numbered = problems.iter().enumerate();
    let numbered = numbered.map(|(index, Problem { text, .. })| {
        format!(" ({}) {}.", index + 1, shortened(text, PROBLEM_LENGTH))
    });
    let notes = notes.iter().map(|note| format!(" Besides: {}", shortened(note, PROBLEM_LENGTH)));
    let parts: Vec<_> = numbered.chain(notes).collect();
    let ending = |left: usize| match left {
        0 => format!(" {PROMISE}"),
        _ => format!(" And {left} more. {PROMISE}"),
    };
    let room = MESSAGE_LENGTH - ending(parts.len()).len();
    let mut left = parts.len();
    for part in &parts {
        if text.len() + part.len() > room {
            break;
        }
        text += part;
        left -= 1;
    }
    text + &ending(left)
}

/// At most `limit` bytes.
fn shortened(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(limit - '…'.len_utf8())])
}

#[cfg(test)]
mod tests;

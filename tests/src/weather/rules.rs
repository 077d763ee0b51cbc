//! The rules as they stand in `tests/weather/rules.yaml`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use serde_json::Value;
use serde_norway::with::singleton_map;

use crate::proxy::Call;

/// The file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    pub(super) windows: BTreeMap<String, Window>,
    pub rows: Vec<Row>,
}

/// How bad the weather is. Each but the last holds the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// AWS is at work for a while, and refuses what is out of order.
    Calm,
    /// And it takes a while until everybody knows.
    Normal,
    /// And answers are late, lost, stale or random.
    Storm,
    /// An account where things are not as they should be: a person must act.
    Hostile,
}

/// A row of the sheet.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    pub id: String,
    /// What AWS does.
    pub aws: String,
    /// What we do about it, or why it cannot concern us.
    pub ours: String,
    /// Names of tests that show it, besides those that every rule of its profile takes part in.
    #[serde(default)]
    pub tests: Vec<String>,
    /// It cannot concern us.
    #[serde(default)]
    pub cannot: bool,
    /// The local AWS does it without being told.
    #[serde(default)]
    pub by_itself: bool,
    pub profile: Option<Profile>,
    #[serde(default)]
    pub rules: Vec<Rule>,
}

/// Calls, a condition, and what becomes of them. The first rule that fits decides whether and how AWS gets to see the call; all
/// that fit rewrite its answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    pub(super) on: Vec<Pattern>,
    #[serde(default)]
    pub(super) except: Vec<Pattern>,
    #[serde(default)]
    pub(super) when: When,
    /// How likely it is. The first time in a run is certain, so that every rule takes part.
    #[serde(default = "certain")]
    pub(super) chance: f64,
    /// How many calls in a row it hits.
    #[serde(default = "once")]
    pub(super) burst: [u32; 2],
    /// How often at most it hits one resource.
    pub(super) most: Option<u32>,
    /// Why it may well not hit in an end-to-end test.
    pub rare: Option<String>,
    #[serde(with = "singleton_map")]
    pub(super) effect: Effect,
}

fn certain() -> f64 {
    1.0
}

fn once() -> [u32; 2] {
    [1, 1]
}

/// All that is said must hold.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct When {
    /// The window is open.
    pub(super) within: Option<Opening>,
    /// The window was never opened, or what opened it was undone.
    pub(super) missing: Option<Opening>,
    /// Another call of these on the same resource is on its way.
    #[serde(default)]
    pub(super) overlapping: Vec<Pattern>,
    /// More calls than AWS allows.
    pub(super) above: Option<Quota>,
    /// The same operation succeeded before with the same value.
    pub(super) repeated: Option<Subject>,
    /// AWS itself, asked in between, says so.
    pub(super) probe: Option<Probe>,
    /// The request carries this header.
    pub(super) header: Option<String>,
    /// Somewhere a list's `Quantity` is not its length.
    #[serde(default)]
    pub(super) miscounted: bool,
}

/// A window of somebody.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Opening {
    pub(super) window: String,
    #[serde(default)]
    pub(super) of: Subject,
}

/// A time after a successful call.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Window {
    pub(super) opens: Vec<Pattern>,
    /// Calls that undo it.
    #[serde(default)]
    pub(super) closes: Vec<Pattern>,
    /// Whose it is.
    #[serde(default)]
    pub(super) of: Subject,
    pub(super) seconds: [f64; 2],
    /// It lasts so much longer than this other one.
    pub(super) beyond: Option<String>,
}

/// A bucket of tokens for the whole account.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Quota {
    pub(super) per_second: f64,
    pub(super) burst: f64,
    /// It is said as an interval, which the run's factor makes shorter. AWS's other quotas hold as they are.
    #[serde(default)]
    pub(super) scaled: bool,
}

/// A question to AWS: does the answer to this path hold the text?
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Probe {
    pub(super) path: String,
    pub(super) holds: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Effect {
    /// An error instead.
    Refuse(Refusal),
    /// It is carried out, and answered with an error.
    ApplyAndRefuse(Refusal),
    /// A success that did not happen.
    Pretend { status: u16, body: String },
    /// It is carried out, and the connection breaks.
    ApplyAndReset,
    /// The connection breaks.
    Reset,
    /// Nothing comes, for so long; then the connection breaks. Not compressed: it is for the caller's own timeouts.
    Hang { seconds: f64 },
    /// It is carried out, and its opposite as well, so much later: what was deleted comes back, bare.
    Echo { seconds: [f64; 2] },
    /// It is carried out, so much later.
    Delay { seconds: [f64; 2] },
    /// The answer says something else.
    Rewrite(Rewrite),
    /// The answer from before the last write.
    Previous(Rewrite),
    /// The list in pages of one.
    Page(Page),
}

impl Effect {
    /// Does it change an answer that AWS gave?
    pub(super) fn rewrites(&self) -> bool {
        matches!(self, Self::Rewrite(_) | Self::Previous(_) | Self::Page(_))
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Refusal {
    pub(super) status: u16,
    /// Empty: an answer without a body.
    #[serde(default)]
    pub(super) code: String,
    #[serde(default)]
    pub(super) message: String,
    /// `Retry-After`.
    pub(super) retry_after: Option<u32>,
    /// The whole body, instead of AWS's error in the service's own form.
    pub(super) body: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rewrite {
    /// Fields by JSON pointer; those that end in `?` only where they are.
    #[serde(default)]
    pub(super) json: BTreeMap<String, Value>,
    /// The text of every element of a name.
    #[serde(default)]
    pub(super) xml: BTreeMap<String, String>,
    /// Elements that are put before the end of an element, unless it holds one of that name.
    #[serde(default)]
    pub(super) fill: BTreeMap<String, Vec<String>>,
}

/// Where a list has its items and its token.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    /// Name of the array; in XML of an item.
    pub(super) items: String,
    /// Where the answer tells the next token.
    pub(super) next: String,
    /// Where the request carries it.
    pub(super) asked: String,
}

/// `lambda:Update*`, `*:Create*`, `writes`, `any`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) enum Pattern {
    Any,
    Writes,
    Named {
        service: String,
        operation: String,
    },
    /// A visitor's request of this path.
    Visit(String),
}

impl TryFrom<String> for Pattern {
    type Error = anyhow::Error;

    fn try_from(text: String) -> Result<Self> {
        Ok(match text.as_str() {
            "any" => Self::Any,
            "writes" => Self::Writes,
            other => match other.split_once(':').context("a pattern is service:Operation")? {
                ("visit", path) => Self::Visit(path.into()),
                (service, operation) => Self::Named { service: service.into(), operation: operation.into() },
            },
        })
    }
}

impl Pattern {
    pub(super) fn fits(&self, call: &Call) -> bool {
        match self {
            Self::Any => !call.service.is_empty(),
            Self::Writes => call.write && !call.service.is_empty(),
            Self::Named { service, operation } => {
                !call.service.is_empty() && glob(service, &call.service) && glob(operation, &call.operation)
            }
            Self::Visit(path) => call.service.is_empty() && glob(path, call.parts.uri.path()),
        }
    }
}

pub(super) fn any(patterns: &[Pattern], call: &Call) -> bool {
    patterns.iter().any(|pattern| pattern.fits(call))
}

/// `*` at the end stands for anything.
fn glob(pattern: &str, text: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == text, |start| text.starts_with(start))
}

/// What a condition is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) enum Subject {
    /// What the call is about.
    #[default]
    Resource,
    /// The whole account.
    Account,
    /// A field of the body; of an ARN its last part.
    Json(String),
    /// An element of the body; of an ARN its last part.
    Xml(String),
}

impl FromStr for Subject {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(match text.split_once(':') {
            Some(("json", field)) => Self::Json(field.into()),
            Some(("xml", element)) => Self::Xml(element.into()),
            _ if text == "resource" => Self::Resource,
            _ if text == "account" => Self::Account,
            _ => bail!("{text} is nothing that a condition can be about"),
        })
    }
}

impl TryFrom<String> for Subject {
    type Error = anyhow::Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl FromStr for Profile {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(match text {
            "calm" => Self::Calm,
            "normal" => Self::Normal,
            "storm" => Self::Storm,
            "hostile" => Self::Hostile,
            _ => bail!("{text} is no weather; choose calm, normal, storm or hostile"),
        })
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Calm => "calm",
            Self::Normal => "normal",
            Self::Storm => "storm",
            Self::Hostile => "hostile",
        })
    }
}

impl Profile {
    /// Does a rule of `other` apply in this weather?
    pub fn includes(self, other: Self) -> bool {
        (self == Self::Hostile) == (other == Self::Hostile) && other <= self
    }
}

impl Rules {
    /// The rules that come with the tests.
    pub fn read() -> Result<Self> {
        Self::parse(include_str!("../../weather/rules.yaml"))
            .context("failed to read tests/weather/rules.yaml")
    }

    pub(super) fn parse(text: &str) -> Result<Self> {
        let rules: Self = serde_norway::from_str(text)?;
        rules.check()?;
        Ok(rules)
    }

    /// What the types cannot say.
    fn check(&self) -> Result<()> {
        let mut ids = BTreeSet::new();
        for Row { id, cannot, by_itself, profile, rules, .. } in &self.rows {
            ensure!(ids.insert(id), "{id} stands there twice");
            let ways = usize::from(*cannot) + usize::from(*by_itself) + usize::from(!rules.is_empty());
            ensure!(ways == 1, "{id} must have rules, or happen by itself, or not concern us");
            ensure!(*cannot || profile.is_some(), "{id} has no profile");
            let openings = rules.iter().flat_map(|rule| [&rule.when.within, &rule.when.missing]);
            for opening in openings.flatten() {
                ensure!(self.windows.contains_key(&opening.window), "{id}: no window {}", opening.window);
            }
        }
        for (name, window) in &self.windows {
            let other = window.beyond.as_ref();
            ensure!(other.is_none_or(|other| self.windows.contains_key(other)), "{name} is beyond nothing");
        }
        Ok(())
    }
}

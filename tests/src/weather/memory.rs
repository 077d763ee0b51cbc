//! What the weather remembers: when what happened to whom, how often each rule was asked, what a read said before.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};

use super::chance;
use super::rules::{Quota, Rule, Rules, Subject, any};
use super::wire;
use crate::proxy::Call;

/// No window is made shorter than this many seconds: it would be over before anybody could look.
const SHORTEST: f64 = 0.5;

#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Windows by name and whose they are. Kept when they have closed, as a sign that they were open.
    windows: BTreeMap<(String, String), Closing>,
    /// How often each window was opened for each subject.
    openings: BTreeMap<(String, String), u64>,
    /// How often each rule was asked, by rule, operation and resource, and how many more calls its burst hits.
    asked: BTreeMap<(String, String), (u64, u32)>,
    /// How often each rule hit each resource.
    hits: BTreeMap<(String, String), u32>,
    /// How often each row hit.
    counts: BTreeMap<String, u64>,
    /// Rules that have hit at least once.
    certain: BTreeSet<String>,
    tokens: BTreeMap<String, (f64, Instant)>,
    /// What reads said last, and before the last write.
    reads: BTreeMap<(String, String), Response<Bytes>>,
    previous: BTreeMap<(String, String), Response<Bytes>>,
    /// Values of successful calls, with the identity that came of them.
    values: BTreeMap<(String, String), String>,
    /// Calls on their way.
    under_way: BTreeMap<u64, Call>,
    /// Requests of the weather's own, with when they are due.
    due: Vec<(Instant, Request<Bytes>)>,
}

/// Until when a window is open.
#[derive(Debug, Clone, Copy)]
struct Closing {
    /// With the run's factor.
    soon: Instant,
    /// In AWS's own time. It counts for a rule that has not hit yet in this run: on a busy machine the operator comes by late, and
    /// every rule is to take part.
    in_full: Instant,
}

/// What decides with the memory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Law<'a> {
    pub(super) rules: &'a Rules,
    pub(super) seed: u64,
    pub(super) factor: f64,
}

impl Memory {
    pub(super) fn arrives(&mut self, call: &Call) {
        self.under_way.insert(call.number, call.clone());
    }

    pub(super) fn leaves(&mut self, call: &Call) {
        self.under_way.remove(&call.number);
    }

    pub(super) fn plan(&mut self, after: Duration, request: Request<Bytes>) {
        self.due.push((Instant::now() + after, request));
    }

    pub(super) fn take_due(&mut self) -> Vec<Request<Bytes>> {
        let now = Instant::now();
        let (due, later) = std::mem::take(&mut self.due).into_iter().partition(|(at, _)| *at <= now);
        self.due = later;
        due.into_iter().map(|(_, request)| request).collect()
    }

    pub(super) fn counts(&self) -> BTreeMap<String, u64> {
        self.counts.clone()
    }

    pub(super) fn count(&mut self, row: &str) {
        *self.counts.entry(row.to_owned()).or_default() += 1;
    }

    pub(super) fn has_hit(&self, key: &str) -> bool {
        self.certain.contains(key)
    }

    /// Does the rule hit this call? `key` names the rule. Probes are not asked here.
    pub(super) fn hits(&mut self, law: Law<'_>, key: &str, rule: &Rule, call: &Call) -> bool {
        if !any(&rule.on, call) || any(&rule.except, call) || !self.holds(law, key, rule, call) {
            return false;
        }
        let of_resource = (key.to_owned(), call.resource.clone());
        if rule.most.is_some_and(|most| self.hits.get(&of_resource).copied().unwrap_or_default() >= most) {
            return false;
        }
        let name = format!("{key} {} {}", call.operation, call.resource);
        let (asked, left) = self.asked.entry((key.to_owned(), name.clone())).or_default();
        let hit = if *left > 0 {
            *left -= 1;
            true
        } else {
            let first = !self.certain.contains(key);
            let hit = first || chance::number(law.seed, &name, *asked) < rule.chance;
            *asked += 1;
            if hit {
                let [from, to] = rule.burst.map(f64::from);
                let burst = chance::within([from, to + 1.0], law.seed, &format!("{name} burst"), *asked);
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a small number above zero"
                )]
                let burst = (burst as u32).clamp(rule.burst[0], rule.burst[1]);
                *left = burst - 1;
            }
            hit
        };
        if hit {
            self.certain.insert(key.to_owned());
            *self.hits.entry(of_resource).or_default() += 1;
        }
        hit
    }

    fn holds(&mut self, law: Law<'_>, key: &str, rule: &Rule, call: &Call) -> bool {
        let when = &rule.when;
        let is_open = |opening: &super::rules::Opening| {
            let closing = subject(&opening.of, call).and_then(|of| self.closing(&opening.window, &of));
            closing.is_some_and(|Closing { soon, in_full }| {
                Instant::now() < if self.certain.contains(key) { soon } else { in_full }
            })
        };
        let is_missing = |opening: &super::rules::Opening| {
            subject(&opening.of, call).is_some_and(|of| self.closing(&opening.window, &of).is_none())
        };
        let overlaps = || {
            self.under_way.values().any(|other| {
                other.number < call.number && other.resource == call.resource && any(&when.overlapping, other)
            })
        };
        let is_repeated = |of: &Subject| {
            subject(of, call).is_some_and(|value| self.values.contains_key(&(call.operation.clone(), value)))
        };
        when.within.as_ref().is_none_or(is_open)
            && when.missing.as_ref().is_none_or(is_missing)
            && (when.overlapping.is_empty() || overlaps())
            && when.repeated.as_ref().is_none_or(is_repeated)
            && when.header.as_ref().is_none_or(|name| call.parts.headers.contains_key(name))
            && (!when.miscounted || wire::is_miscounted(&String::from_utf8_lossy(&call.body)))
            // Last, since a call that another condition excludes takes no token.
            && when.above.is_none_or(|quota| !self.has_token(law, key, quota))
    }

    fn closing(&self, window: &str, of: &str) -> Option<Closing> {
        self.windows.get(&(window.to_owned(), of.to_owned())).copied()
    }

    /// Takes a token, if there is one.
    fn has_token(&mut self, law: Law<'_>, key: &str, quota: Quota) -> bool {
        let now = Instant::now();
        let (tokens, since) = self.tokens.entry(key.to_owned()).or_insert((quota.burst, now));
        let faster = if quota.scaled { law.factor.recip() } else { 1.0 };
        let gained = now.duration_since(*since).as_secs_f64() * quota.per_second * faster;
        *tokens = (*tokens + gained).min(quota.burst);
        *since = now;
        let has = *tokens >= 1.0;
        if has {
            *tokens -= 1.0;
        }
        has
    }

    /// What came of a call that AWS has carried out.
    pub(super) fn learn(&mut self, law: Law<'_>, call: &Call, answer: &Response<Bytes>) {
        if !answer.status().is_success() {
            return;
        }
        let made = identity(call, answer);
        let resource = if call.resource.is_empty() { made.clone() } else { call.resource.clone() };
        if call.write {
            self.keep_previous(&resource);
        } else {
            self.reads.insert((call.operation.clone(), resource.clone()), answer.clone());
        }
        for of in [Subject::Xml("CallerReference".into())] {
            if let Some(value) = subject(&of, call) {
                self.values.insert((call.operation.clone(), value), made.clone());
            }
        }
        for (name, window) in &law.rules.windows {
            let of = match window.of {
                Subject::Resource => Some(resource.clone()),
                _ => subject(&window.of, call),
            };
            let Some(of) = of else { continue };
            let id = (name.clone(), of);
            if any(&window.closes, call) {
                self.windows.remove(&id);
            }
            if any(&window.opens, call) {
                let count = self.openings.entry(id.clone()).or_default();
                *count += 1;
                let seconds = chance::within(window.seconds, law.seed, &format!("{} {}", id.0, id.1), *count);
                let other = window.beyond.as_ref().and_then(|other| self.closing(other, &id.1));
                let from = other.map_or_else(Instant::now, |other| other.soon);
                let after = |seconds: f64| from + Duration::from_secs_f64(seconds);
                let soon = after((seconds * law.factor).max(seconds.min(SHORTEST)));
                // A factor above 1 makes times longer than AWS's.
                self.windows.insert(id, Closing { soon, in_full: after(seconds).max(soon) });
            }
        }
    }

    /// A write is about to show in reads of this resource: what they say now is the past.
    fn keep_previous(&mut self, resource: &str) {
        let reads = self.reads.iter().filter(|((_, of), _)| of == resource);
        self.previous.extend(reads.map(|(key, answer)| (key.clone(), answer.clone())));
    }

    /// What this read said before the last write.
    pub(super) fn previous(&self, call: &Call) -> Option<Response<Bytes>> {
        self.previous.get(&(call.operation.clone(), call.resource.clone())).cloned()
    }

    /// The identity that a repeated value belongs to.
    pub(super) fn identity_of(&self, of: &Subject, call: &Call) -> Option<String> {
        self.values.get(&(call.operation.clone(), subject(of, call)?)).cloned()
    }
}

/// The identity that AWS has assigned in its answer to a creation.
fn identity(call: &Call, answer: &Response<Bytes>) -> String {
    let text = String::from_utf8_lossy(answer.body());
    let found = match call.service.as_str() {
        "cloudfront" => wire::element(&text, "Id").map(str::to_owned),
        "apigateway" => wire::field(answer.body(), "id"),
        _ => None,
    };
    found.unwrap_or_default()
}

/// Whom a condition is about; `None` when the call does not say.
pub(super) fn subject(of: &Subject, call: &Call) -> Option<String> {
    match of {
        Subject::Resource => Some(call.resource.clone()),
        Subject::Account => Some(String::new()),
        Subject::Json(name) => wire::field(&call.body, name).map(|value| wire::last_part(&value).to_owned()),
        Subject::Xml(name) => {
            let text = String::from_utf8_lossy(&call.body);
            wire::element(&text, name).map(|value| wire::last_part(value).to_owned())
        }
    }
}

//! AWS's weather: an [`Interposer`] that does to calls what AWS does on a bad day, by the rules in `tests/weather/rules.yaml`.
//!
//! The rules are data: which calls, on which condition, with which effect, in which profile. Durations are AWS's, made shorter
//! by one factor. Random decisions come from a seed, the rule and how often it was asked about this resource, so that the same
//! calls meet the same weather again. Only what operators call is touched; the functions' own calls pass.

mod chance;
mod memory;
mod rewrite;
mod rules;
#[cfg(test)]
mod table;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response};

use crate::proxy::{Call, Fate, Interposer, Upstream};
use memory::{Law, Memory};
use rules::{Effect, Probe};
pub use rules::{Profile, Row, Rule, Rules};

/// Weather over one AWS.
#[derive(Debug)]
pub struct Weather {
    rules: Rules,
    profile: Profile,
    seed: u64,
    factor: f64,
    /// Rows that apply; `None`: all of the profile.
    only: Mutex<Option<BTreeSet<String>>>,
    memory: Mutex<Memory>,
}

impl Weather {
    /// `factor` makes every duration shorter, and every quota as much wider.
    pub fn new(profile: Profile, seed: u64, factor: f64) -> Result<Self> {
        let (only, memory) = (Mutex::default(), Mutex::default());
        Ok(Self { rules: Rules::read()?, profile, seed, factor, only, memory })
    }

    /// From now on, only these rows apply. None of them: fair weather.
    pub fn only(&self, rows: &[&str]) {
        let rows = rows.iter().map(|row| (*row).to_owned()).collect();
        *self.only.lock().unwrap_or_else(PoisonError::into_inner) = Some(rows);
    }

    /// How often each row has hit.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        self.memory().counts()
    }

    /// The rows that apply in this weather, by the sheet.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rules.rows.iter().filter(|row| row.profile.is_some_and(|profile| self.profile.includes(profile)))
    }

    /// Rules that should have hit by now and have not, by the calls that they are about. Only those that this profile adds: in worse
    /// weather others come first, and what a milder rule is about may be over by then.
    pub fn silent(&self) -> Vec<String> {
        let memory = self.memory();
        let own = self.applying().into_iter().filter(|(row, ..)| row.profile == Some(self.profile));
        let silent = own.filter(|(_, key, rule)| rule.rare.is_none() && !memory.has_hit(key));
        silent.map(|(row, _, rule)| format!("{}: {:?}", row.id, rule.on)).collect()
    }

    /// In a line for a person.
    pub fn describe(&self) -> String {
        let rules: usize = self.rows().map(|row| row.rules.len()).sum();
        format!(
            "weather {}: {rules} rules, AWS's times multiplied by {}, seed {}",
            self.profile, self.factor, self.seed
        )
    }

    /// What was injected, a line a row.
    pub fn report(&self) -> String {
        let counts = self.counts();
        let lines = self.rows().filter_map(|row| Some((row, counts.get(&row.id)?)));
        let lines: Vec<_> =
            lines.map(|(Row { id, aws, .. }, count)| format!("{count:6}x {id:4} {aws}")).collect();
        if lines.is_empty() { "nothing was injected".into() } else { lines.join("\n") }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn law(&self) -> Law<'_> {
        Law { rules: &self.rules, seed: self.seed, factor: self.factor }
    }

    /// The rules that apply now, each with its row and its name.
    fn applying(&self) -> Vec<(&Row, String, &Rule)> {
        let only = self.only.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let rows = self.rows().filter(|row| only.as_ref().is_none_or(|only| only.contains(&row.id)));
        rows.flat_map(|row| {
            let named = row.rules.iter().enumerate();
            named.map(move |(number, rule)| (row, format!("{}.{number}", row.id), rule))
        })
        .collect()
    }

    /// The first rule that hits before AWS sees the call.
    async fn before(&self, call: &Call, aws: &Upstream<'_>) -> Option<(&Row, &Effect, String)> {
        for (row, key, rule) in self.applying() {
            if rule.effect.rewrites() {
                continue;
            }
            if let Some(probe) = &rule.when.probe {
                // Asked first: a rule that does not apply must not use up its chance.
                if !rules::any(&rule.on, call) || !says(call, aws, probe).await {
                    continue;
                }
            }
            let mut memory = self.memory();
            if !memory.hits(self.law(), &key, rule, call) {
                continue;
            }
            memory.count(&row.id);
            let found = rule.when.repeated.as_ref().and_then(|of| memory.identity_of(of, call));
            return Some((row, &rule.effect, found.unwrap_or_default()));
        }
        None
    }

    async fn carry_out(&self, call: &Call, aws: &Upstream<'_>) -> Response<Bytes> {
        let answer = aws.carry_out().await;
        self.memory().learn(self.law(), call, &answer);
        answer
    }

    async fn interfere(&self, call: &Call, aws: &Upstream<'_>) -> Fate {
        let Some((row, effect, found)) = self.before(call, aws).await else {
            let answer = self.carry_out(call, aws).await;
            return self.after(call, aws, answer, String::new()).await;
        };
        let id = row.id.clone();
        let refuse = |refusal: &rules::Refusal| {
            let message = fill_in(&refusal.message, call, &found);
            wire::refusal(call, refusal, &message)
        };
        match effect {
            Effect::Refuse(refusal) => Fate::answer(id, refuse(refusal)),
            Effect::ApplyAndRefuse(refusal) => {
                self.carry_out(call, aws).await;
                Fate::answer(id, refuse(refusal))
            }
            Effect::Pretend { status, body } => {
                Fate::answer(id, wire::success(*status, &fill_in(body, call, &found)))
            }
            Effect::ApplyAndReset => {
                self.carry_out(call, aws).await;
                Fate::reset(id)
            }
            Effect::Reset => Fate::reset(id),
            Effect::Hang { seconds } => {
                tokio::time::sleep(Duration::from_secs_f64(*seconds)).await;
                Fate::reset(id)
            }
            Effect::Echo { seconds } => {
                let answer = self.carry_out(call, aws).await;
                let seconds = chance::within(*seconds, self.seed, &id, call.number) * self.factor;
                self.memory().plan(Duration::from_secs_f64(seconds), rewrite::bare_again(call));
                Fate::answer(id, answer)
            }
            Effect::Delay { seconds } => {
                let seconds = chance::within(*seconds, self.seed, &id, call.number);
                tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
                let answer = self.carry_out(call, aws).await;
                self.after(call, aws, answer, id).await
            }
            Effect::Rewrite(_) | Effect::Previous(_) | Effect::Page(_) => {
                Fate::untouched(self.carry_out(call, aws).await)
            }
        }
    }

    /// Rewrites AWS's answer by every rule that hits.
    async fn after(
        &self,
        call: &Call,
        aws: &Upstream<'_>,
        mut answer: Response<Bytes>,
        mut effect: String,
    ) -> Fate {
        for (row, key, rule) in self.applying() {
            if !rule.effect.rewrites() || !rules::any(&rule.on, call) {
                continue;
            }
            let previous = self.memory().previous(call);
            let applies = match &rule.effect {
                Effect::Previous(_) => previous.is_some(),
                // Our own token is unknown to AWS, which then answers with an error.
                Effect::Page(_) => true,
                _ => answer.status().is_success(),
            };
            if !applies || !self.memory().hits(self.law(), &key, rule, call) {
                continue;
            }
            match (&rule.effect, previous) {
                (Effect::Rewrite(changes), _) => rewrite::rewrite(&mut answer, changes),
                (Effect::Previous(changes), Some(previous)) => {
                    answer = previous;
                    rewrite::rewrite(&mut answer, changes);
                }
                (Effect::Page(page), _) => answer = rewrite::page(call, aws, answer, page).await,
                _ => continue,
            }
            self.memory().count(&row.id);
            if !effect.is_empty() {
                effect.push(' ');
            }
            effect.push_str(&row.id);
        }
        Fate { answer: Some(answer), effect }
    }
}

impl Interposer for Weather {
    fn interpose<'a>(&'a self, call: &'a Call, aws: &'a Upstream<'a>) -> BoxFuture<'a, Fate> {
        Box::pin(async move {
            // Keys of a role's session: a function at work.
            if call.caller.starts_with("ASIA") {
                return Fate::untouched(aws.carry_out().await);
            }
            let due = self.memory().take_due();
            for request in due {
                // Whatever comes of it: a test that misses it says so.
                let _ = aws.send(request).await;
            }
            self.memory().arrives(call);
            let fate = self.interfere(call, aws).await;
            self.memory().leaves(call);
            fate
        })
    }
}

/// Asks AWS.
async fn says(call: &Call, aws: &Upstream<'_>, probe: &Probe) -> bool {
    let path = fill_in(&probe.path, call, "");
    let (mut parts, _) = rewrite::as_root(call).into_parts();
    parts.method = http::Method::GET;
    let Ok(uri) = path.parse() else { return false };
    parts.uri = uri;
    parts.headers.remove(http::header::CONTENT_LENGTH);
    let Ok(answer) = aws.send(Request::from_parts(parts, Bytes::new())).await else { return false };
    let holds = fill_in(&probe.holds, call, "");
    answer.status().is_success() && String::from_utf8_lossy(answer.body()).contains(&holds)
}

/// Puts what the call is about in the place of words in braces.
fn fill_in(text: &str, call: &Call, found: &str) -> String {
    let path = call.parts.uri.path();
    let mut text = text
        .replace("{resource}", &call.resource)
        .replace("{service}", &call.service)
        .replace("{operation}", &call.operation)
        .replace("{region}", &call.region)
        .replace("{account}", crate::local_aws::ACCOUNT)
        .replace("{last}", path.rsplit('/').next().unwrap_or_default())
        .replace("{found}", found);
    // {json:Role}, {xml:Key}: out of the request.
    for kind in ["json", "xml"] {
        while let Some((before, rest)) = text.split_once(&format!("{{{kind}:")) {
            let Some((name, after)) = rest.split_once('}') else { break };
            let body = String::from_utf8_lossy(&call.body);
            let value = match kind {
                "json" => wire::field(&call.body, name),
                _ => wire::element(&body, name).map(str::to_owned),
            };
            text = format!("{before}{}{after}", value.unwrap_or_default());
        }
    }
    text
}

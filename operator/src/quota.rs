//! How fast AWS lets an account call, and who waits for whom.
//!
//! All galleries of a process share one token bucket for each limit of [`LIMITS`]. A call that may go within a few seconds waits
//! for its turn. A change that AWS lets an account make only every few seconds, such as the deletion of a REST API, may have to wait
//! for minutes when many galleries want it: it takes its place in a [`line`](line), the reconcile ends, the status says how long it
//! is likely to take, and the gallery comes back in time. Lost at a restart without harm: then everyone lines up again.
//!
//! This keeps us from being refused; it does not replace the answer to a refusal, since others call in the same account too.

mod bucket;
mod limits;
mod line;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::cloud::{CloudError, ErrorKind, Message};
use crate::resources::{Change, deployment, distribution, invalidation, rest_api};
use bucket::Bucket;
pub use limits::{Calls, LIMITS, Limit};
use line::{Line, Turn};

/// Service and operation of a change for which galleries may have to wait for each other.
pub fn lined_up(change: &Change) -> Option<(&'static str, &'static str)> {
    match change {
        Change::RestApi(rest_api::Change::Create { .. }) => Some(("apigateway", "CreateRestApi")),
        Change::RestApi(rest_api::Change::Body { .. }) => Some(("apigateway", "PutRestApi")),
        Change::RestApi(rest_api::Change::Delete { .. }) => Some(("apigateway", "DeleteRestApi")),
        Change::Deployment(deployment::Change::Create { .. }) => Some(("apigateway", "CreateDeployment")),
        Change::Distribution(distribution::Change::Create(_)) => {
            Some(("cloudfront", "CreateDistributionWithTags"))
        }
        Change::Distribution(distribution::Change::Update { .. } | distribution::Change::Disable { .. }) => {
            Some(("cloudfront", "UpdateDistribution"))
        }
        Change::Distribution(distribution::Change::Delete { .. }) => {
            Some(("cloudfront", "DeleteDistribution"))
        }
        Change::Invalidation(invalidation::Change::Create { .. }) => {
            Some(("cloudfront", "CreateInvalidation"))
        }
        _ => None,
    }
}

/// How long a call waits for its turn; a change that would have to wait longer lines up.
const AT_ONCE: Duration = Duration::from_secs(5);

/// The limits of one account, as far as this process uses them.
#[derive(Debug)]
pub struct Gate {
    /// AWS's limits times this; `None`: no limits.
    factor: Option<f64>,
    state: Mutex<State>,
}

/// By region, since AWS counts by region, and place in [`LIMITS`].
type Key = (String, usize);

#[derive(Debug, Default)]
struct State {
    buckets: BTreeMap<Key, Bucket>,
    lines: BTreeMap<Key, Line>,
}

impl Gate {
    /// With AWS's limits times `factor`; 0: without limits.
    pub fn new(factor: f64) -> Self {
        Self { factor: (factor > 0.0).then_some(factor), state: Mutex::default() }
    }

    /// Waits until this call may go, and counts it.
    pub async fn pass(&self, region: &str, service: &str, operation: &str) {
        let Some(factor) = self.factor else { return };
        let turn = {
            let mut state = self.state();
            let now = Instant::now();
            let turns = limits::of(service, operation).map(|(index, limit)| {
                let bucket = state.buckets.entry((region.to_owned(), index)).or_default();
                bucket.take(&limit.faster(factor), now)
            });
            turns.max().unwrap_or(now)
        };
        sleep_until(turn).await;
    }

    /// Is it this gallery's turn for a change that many may want? If it has to wait for long, it keeps its place in the line, and the
    /// error says how long.
    pub fn line_up(
        &self,
        region: &str,
        (service, operation): (&'static str, &'static str),
        who: &str,
    ) -> Result<(), CloudError> {
        let Some(factor) = self.factor else { return Ok(()) };
        let mut state = self.state();
        let State { buckets, lines } = &mut *state;
        let now = Instant::now();
        for (index, limit) in limits::of(service, operation).filter(|(_, limit)| limit.is_lined_up()) {
            let (key, rate) = ((region.to_owned(), index), limit.faster(factor));
            let bucket = buckets.entry(key.clone()).or_default();
            let turn = lines.entry(key).or_default().ask(who, now, |place| bucket.time_of(&rate, place, now));
            if let Turn::In(wait) = turn {
                return Err(queued(service, operation, limit, wait));
            }
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn queued(service: &'static str, operation: &'static str, limit: &Limit, wait: Duration) -> CloudError {
    // Up, so that nobody comes back too early.
    let seconds = u32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u32::MAX);
    CloudError {
        service,
        operation,
        kind: ErrorKind::Queued { seconds },
        code: String::new(),
        source: Message(format!("{} queued, {}", limit.words, about(seconds))),
    }
}

/// `about 40 s`, `about 4 min`.
fn about(seconds: u32) -> String {
    if seconds < 90 { format!("about {seconds} s") } else { format!("about {} min", seconds.div_ceil(60)) }
}

#[cfg(test)]
mod tests;

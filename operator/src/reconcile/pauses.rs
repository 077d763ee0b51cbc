//! When to look again, and when to try the same again.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::graph::ResourceId;
use crate::plan::Action;
use crate::resources::{Change, Step};

/// Between looks at what is not ready yet: 0.45, 0.25, 0.5, 1, 2, 2 … seconds. Dense, because most of it is ready a moment later; but
/// Lambda, for which most waits are, is at work on a function for half a second at least, and four calls in vain are worth saving: the
/// first look is not before that.
#[derive(Default)]
pub(super) struct Pauses {
    count: u32,
    /// When Lambda was given work.
    lambda: Option<Instant>,
}

impl Pauses {
    const FIRST: Duration = Duration::from_millis(450);
    const LAMBDA: Duration = Duration::from_millis(500);

    /// Begins anew after a round that has done this.
    pub(super) fn restart(&mut self, applied: &[Action]) {
        self.count = 0;
        if applied.iter().any(|action| matches!(action.resource, ResourceId::Function(_))) {
            self.lambda = Some(Instant::now());
        }
    }

    pub(super) fn next(&mut self) -> Duration {
        let pause = match self.count {
            0 => self.until_lambda_may_be_done().unwrap_or(Self::FIRST),
            count => backoff(count - 1),
        };
        self.count += 1;
        pause
    }

    fn until_lambda_may_be_done(&self) -> Option<Duration> {
        let done = self.lambda? + Self::LAMBDA;
        done.checked_duration_since(Instant::now())
    }
}

/// Before something that failed is tried again, for the first time with 0: 0.25, 0.5, 1, 2, 2 … seconds.
pub(super) fn backoff(count: u32) -> Duration {
    Duration::from_millis(250 << count.min(3))
}

/// What was done last to each resource. AWS may show the effect of a call seconds after it has accepted it: the same again right
/// away would only be the same call once more.
#[derive(Default)]
pub(super) struct Repeats(BTreeMap<ResourceId, Repeat>);

struct Repeat {
    steps: Vec<Step<Change>>,
    count: u32,
    not_before: Instant,
}

impl Repeats {
    /// Is it something else than the last time, or was that long enough ago?
    pub(super) fn allow(&self, action: &Action) -> bool {
        let last = self.0.get(&action.resource).filter(|last| last.steps == action.steps);
        last.is_none_or(|last| last.not_before <= Instant::now())
    }

    pub(super) fn note(&mut self, applied: &[Action]) {
        for Action { resource, steps } in applied {
            let last = self.0.get(resource).filter(|last| last.steps == *steps);
            let count = last.map_or(0, |last| last.count + 1);
            // 0.25, 0.5, 1 … seconds: half a minute until the effect is given up.
            let not_before = Instant::now() + Duration::from_millis(250 << count.min(6));
            self.0.insert(*resource, Repeat { steps: steps.clone(), count, not_before });
        }
    }
}

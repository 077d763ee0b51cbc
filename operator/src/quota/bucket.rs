//! A token bucket, kept as the one time at which it would be full again.

use std::time::Duration;

use tokio::time::Instant;

/// How fast a bucket fills.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rate {
    /// Time for one token.
    pub(super) interval: Duration,
    /// How many tokens it holds.
    pub(super) burst: u32,
}

/// Full when new.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    full_at: Option<Instant>,
}

impl Bucket {
    /// Takes a token, perhaps one that is yet to come: the time at which it is there.
    pub(super) fn take(&mut self, rate: &Rate, now: Instant) -> Instant {
        let time = self.time_of(rate, 0, now);
        self.full_at = Some(self.full_at.map_or(now, |full| full.max(now)) + rate.interval);
        time
    }

    /// When the token after `others` more is there.
    pub(super) fn time_of(&self, rate: &Rate, others: usize, now: Instant) -> Instant {
        let others = u32::try_from(others).unwrap_or(u32::MAX);
        let full_at = self.full_at.map_or(now, |full| full.max(now)) + rate.interval.saturating_mul(others);
        let spare = rate.interval.saturating_mul(rate.burst.saturating_sub(1));
        full_at.checked_sub(spare).map_or(now, |time| time.max(now))
    }
}

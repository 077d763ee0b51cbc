//! Which of several operators acts: the one that holds a Lease (`coordination.k8s.io`) in the operator's own namespace.
//!
//! Here, purely: what a candidate makes of the lease that it sees. `election.rs` reads and writes it; `guard.rs` is what every
//! write to AWS and Kubernetes has to pass.
//!
//! No clock is compared with another machine's. The holder counts its term from before it asked for a renewal, a candidate
//! counts the lease from when it first saw that renewal, and the term is shorter than the lease: so the holder has ended before
//! a candidate begins, whatever their clocks say, and what is left of the lease is for calls that were on their way. The lease
//! is written by `replace` with the version that was read, so of two candidates one wins.
//!
//! What this cannot know: that a lease was deleted by hand, for an operator that has just started and has not seen who held it.
//! It acts at once, while the old one may until its next renewal.
//!
//! AWS takes no fencing tokens. A request that left before the term ended may arrive after the lease did; that is why names
//! are deterministic and plans start from what is there.

pub mod election;
pub mod guard;

#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::api::ObjectMeta;

/// The times of an election; all follow from how long a lease is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// So long after the last renewal that it saw, a candidate takes the lease.
    pub lease: Duration,
}

impl Timing {
    /// So long after it asked for its last renewal, a holder may act.
    pub fn term(self) -> Duration {
        self.lease * 2 / 3
    }

    /// How often the holder renews.
    pub fn renew_every(self) -> Duration {
        self.lease / 3
    }

    /// How long an answer of the API server is waited for.
    pub fn patience(self) -> Duration {
        self.renew_every().min(Duration::from_secs(5))
    }

    /// How soon the holder tries again what failed.
    pub fn retry_every(self) -> Duration {
        (self.lease / 15).min(Duration::from_secs(1))
    }

    /// How often a candidate looks: a lease that is given up is not to lie about, however long it is good for.
    pub fn look_every(self) -> Duration {
        (self.lease / 10).min(Duration::from_millis(1500))
    }
}

/// What a candidate remembers of the lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// Who holds it; empty: nobody.
    pub holder: String,
    /// How long the holder says that it is good for.
    pub duration: Duration,
    /// When it was first seen as it is, by our own clock.
    pub since: Instant,
    /// The version seen; `None`: it was there and is gone.
    version: Option<String>,
}

impl Observation {
    /// What to remember after a look at the lease at `now`. `None`: there was never one.
    ///
    /// A lease that somebody deletes under its holder is as good as one that was just renewed, for the holder has yet to hear
    /// of it.
    pub fn next(before: Option<Self>, lease: Option<&Lease>, timing: Timing, now: Instant) -> Option<Self> {
        let version = lease.and_then(|lease| lease.metadata.resource_version.clone());
        match (before, lease) {
            (Some(before), _) if before.version == version => Some(before),
            (before, None) => before.map(|before| Self { since: now, version, ..before }),
            (_, Some(lease)) => {
                let duration = duration(lease).unwrap_or(timing.lease);
                Some(Self { holder: holder(lease).to_owned(), duration, since: now, version })
            }
        }
    }
}

/// What a candidate does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Write its own name into the lease, if that is still as it was seen.
    Take,
    /// Leave it to its holder for this long, unless it changes.
    Wait(Duration),
}

/// Decides what the candidate `me` does about the lease at `now`.
///
/// `me` is unique to a Pod. So a lease in its own name was left by the container that died in it, and nobody acts on it.
pub fn evaluate(seen: Option<&Observation>, now: Instant, me: &str) -> Decision {
    let Some(Observation { holder, duration, since, version: _ }) = seen else { return Decision::Take };
    if holder.is_empty() || holder == me {
        return Decision::Take;
    }
    let left = duration.saturating_sub(now.saturating_duration_since(*since));
    if left.is_zero() { Decision::Take } else { Decision::Wait(left) }
}

/// Who holds the lease; empty: nobody.
pub fn holder(lease: &Lease) -> &str {
    lease.spec.as_ref().and_then(|spec| spec.holder_identity.as_deref()).unwrap_or_default()
}

fn duration(lease: &Lease) -> Option<Duration> {
    let seconds = lease.spec.as_ref()?.lease_duration_seconds?;
    u64::try_from(seconds).ok().filter(|seconds| *seconds > 0).map(Duration::from_secs)
}

/// `found`, or a new lease, held by `me` as of `now`. The version that was read stays in it, so that it replaces no other.
pub fn held(found: Option<Lease>, name: &str, me: &str, timing: Timing, now: Timestamp) -> Lease {
    let new = || Lease {
        metadata: ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() },
        spec: None,
    };
    let mut lease = found.unwrap_or_else(new);
    let before = lease.spec.take().unwrap_or_default();
    let is_renewal = before.holder_identity.as_deref() == Some(me);
    let transitions = before.lease_transitions.unwrap_or_default();
    lease.spec = Some(LeaseSpec {
        holder_identity: Some(me.to_owned()),
        lease_duration_seconds: i32::try_from(timing.lease.as_secs()).ok(),
        acquire_time: before.acquire_time.filter(|_| is_renewal).or(Some(MicroTime(now))),
        renew_time: Some(MicroTime(now)),
        lease_transitions: Some(if is_renewal { transitions } else { transitions.saturating_add(1) }),
        ..LeaseSpec::default()
    });
    lease
}

/// The lease in nobody's hands, so that the next candidate need not wait.
pub fn released(mut lease: Lease, now: Timestamp) -> Lease {
    let before = lease.spec.take().unwrap_or_default();
    lease.spec = Some(LeaseSpec {
        holder_identity: None,
        lease_duration_seconds: Some(1),
        renew_time: Some(MicroTime(now)),
        ..before
    });
    lease
}

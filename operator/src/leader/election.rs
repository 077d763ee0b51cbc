//! Winning, keeping and giving up the lease: reads and writes of one object, with a client of their own.
//!
//! That client does not repeat by itself, for kube's would do so for minutes, and every request has a time limit. Whoever loses
//! the lease ends the process: another one, or this one started again, begins with nothing in its memory.

use std::fmt;
use std::time::Instant;

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, PostParams};
use kube::{Client, Config};

use super::guard::Guard;
use super::{Decision, Observation, Timing, evaluate, held, holder, released};
use crate::controller::chain;

/// One candidate.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "kube's client has none")]
pub struct Election {
    api: Api<Lease>,
    name: String,
    me: String,
    timing: Timing,
    guard: Guard,
}

/// Where the lease is, and who wants it.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The operator's namespace.
    pub namespace: String,
    /// Name of the lease.
    pub lease: String,
    /// Unique to a Pod, and to a process without one.
    pub me: String,
    /// How long the lease is good for.
    pub timing: Timing,
}

/// Why the lease is not ours any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lost {
    /// Somebody else has it.
    Taken(String),
    /// It could not be renewed in time; the text says why.
    Expired(String),
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken(holder) => write!(f, "{holder} holds it now"),
            Self::Expired(why) => write!(f, "it could not be renewed in time: {why}"),
        }
    }
}

/// A request that failed.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Refused(#[from] kube::Error),
    #[error("the API server did not answer in time")]
    Silence(#[from] tokio::time::error::Elapsed),
}

impl Failure {
    /// Somebody else was quicker, or it is not there any more: look again, at once.
    fn is_stale(&self) -> bool {
        matches!(self, Self::Refused(kube::Error::Api(status)) if matches!(status.code, 404 | 409))
    }
}

impl Election {
    /// A candidate that opens `guard` while it holds the lease.
    pub fn new(mut config: Config, candidate: Candidate, guard: Guard) -> Result<Self, kube::Error> {
        let patience = Some(candidate.timing.patience());
        config.default_retry = false;
        (config.connect_timeout, config.read_timeout, config.write_timeout) = (patience, patience, patience);
        Ok(Self::with_client(Client::try_from(config)?, candidate, guard))
    }

    fn with_client(client: Client, candidate: Candidate, guard: Guard) -> Self {
        let Candidate { namespace, lease: name, me, timing } = candidate;
        Self { api: Api::namespaced(client, &namespace), name, me, timing, guard }
    }

    /// Waits until the lease is ours. Calls `standby` when somebody else has it.
    pub async fn win(&self, standby: impl Fn()) -> Lease {
        let (mut seen, mut told) = (None, String::new());
        // Once, not every second.
        let mut tell = |text: String| {
            if told != text {
                tracing::info!(lease = self.name, candidate = self.me, "{text}");
                told = text;
            }
        };
        loop {
            let mut pause = self.timing.look_every();
            match self.look().await {
                Err(failure) => tell(format!("the lease cannot be read: {}", chain(&failure))),
                Ok(found) => {
                    let now = Instant::now();
                    seen = Observation::next(seen, found.as_ref(), self.timing, now);
                    match evaluate(seen.as_ref(), now, &self.me) {
                        Decision::Take => match self.hold(found).await {
                            Ok(lease) => {
                                tell("this operator leads".into());
                                return lease;
                            }
                            Err(failure) => tell(format!("the lease cannot be taken: {}", chain(&failure))),
                        },
                        Decision::Wait(left) => {
                            pause = pause.min(left);
                            standby();
                            let holder = seen.as_ref().map_or("", |seen| &seen.holder);
                            tell(format!("standing by: {holder} leads"));
                        }
                    }
                }
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// Renews the lease again and again; comes back when it is lost. The guard is shut then.
    pub async fn keep(self, mut lease: Lease) -> Lost {
        loop {
            tokio::time::sleep(self.timing.renew_every()).await;
            match self.renew(lease).await {
                Ok(renewed) => lease = renewed,
                Err(lost) => {
                    self.guard.close();
                    return lost;
                }
            }
        }
    }

    /// Tries until the term ends. After any failure it reads the lease anew: the write may have arrived.
    async fn renew(&self, lease: Lease) -> Result<Lease, Lost> {
        let mut why = "this process was stopped for longer than the lease is good for".to_owned();
        let mut known = Some(lease);
        while self.guard.check().is_ok() {
            let failure = match known.take() {
                Some(lease) => match self.hold(Some(lease)).await {
                    Ok(renewed) => return Ok(renewed),
                    Err(failure) => failure,
                },
                None => match self.look().await {
                    Ok(Some(found)) if [self.me.as_str(), ""].contains(&holder(&found)) => {
                        known = Some(found);
                        continue;
                    }
                    Ok(Some(found)) => return Err(Lost::Taken(holder(&found).to_owned())),
                    // Somebody has deleted it.
                    Ok(None) => match self.hold(None).await {
                        Ok(made) => return Ok(made),
                        Err(failure) => failure,
                    },
                    Err(failure) => failure,
                },
            };
            why = chain(&failure);
            tracing::warn!(error = why, "the lease was not renewed; trying again");
            if !failure.is_stale() {
                tokio::time::sleep(self.timing.retry_every()).await;
            }
        }
        Err(Lost::Expired(why))
    }

    /// Gives the lease up if it is ours. Nobody may act for us any more.
    pub async fn release(&self) {
        self.guard.close();
        // The first may collide with our own last renewal.
        for _ in 0..2 {
            match self.give_up().await {
                Ok(()) => return,
                Err(failure) => tracing::info!(error = chain(&failure), "the lease was not given up"),
            }
        }
    }

    async fn give_up(&self) -> Result<(), Failure> {
        match self.look().await? {
            Some(found) if holder(&found) == self.me => {
                self.replace(&released(found, Timestamp::now())).await.map(drop)
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Writes our name into the lease as it was found, and opens the guard for a term that began before we asked.
    async fn hold(&self, found: Option<Lease>) -> Result<Lease, Failure> {
        let asked = Instant::now();
        let is_new = found.is_none();
        let lease = held(found, &self.name, &self.me, self.timing, Timestamp::now());
        let written = if is_new {
            let parameters = PostParams::default();
            let create = self.api.create(&parameters, &lease);
            tokio::time::timeout(self.timing.patience(), create).await??
        } else {
            self.replace(&lease).await?
        };
        self.guard.open_until(asked + self.timing.term());
        Ok(written)
    }

    async fn look(&self) -> Result<Option<Lease>, Failure> {
        let get = self.api.get_opt(&self.name);
        Ok(tokio::time::timeout(self.timing.patience(), get).await??)
    }

    async fn replace(&self, lease: &Lease) -> Result<Lease, Failure> {
        let parameters = PostParams::default();
        let replace = self.api.replace(&self.name, &parameters, lease);
        Ok(tokio::time::timeout(self.timing.patience(), replace).await??)
    }
}

#[cfg(test)]
mod tests;

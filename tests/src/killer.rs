//! Lets the operator die at one of its calls to AWS: before the call is carried out, or after that and before the answer, or
//! after the answer and before anything else.
//!
//! From that moment on nothing that the operator asks for reaches AWS, so that it does not matter how soon SIGKILL follows.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::watch;

use crate::proxy::{Call, Fate, Interposer, Upstream};

/// The answer has left us by then.
const ON_THE_WAY: Duration = Duration::from_millis(10);

/// When, by the call that it dies at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// It is not carried out.
    Before,
    /// It is carried out, and the operator does not hear of it.
    Unheard,
    /// It is carried out, the operator hears of it, and does nothing else.
    Heard,
}

impl Moment {
    pub const ALL: [Self; 3] = [Self::Before, Self::Unheard, Self::Heard];
}

/// Which call: the first one, the second one …
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum At {
    Read(usize),
    Write(usize),
}

/// A call of the operator that was passed on.
#[derive(Debug, Clone)]
pub struct Made {
    /// `lambda:CreateFunction`.
    pub operation: String,
    pub resource: String,
    pub write: bool,
}

/// How it is with the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Alive,
    /// Its last call is on the way. No other gets through.
    Dying,
    /// The call got as far as it should: it can be killed.
    Due(Moment),
}

/// Stands between the operator and AWS.
#[derive(Debug)]
pub struct Killer {
    state: Mutex<State>,
    phase: watch::Sender<Phase>,
}

#[derive(Debug, Default)]
struct State {
    /// The operator's access key.
    operator: String,
    armed: Option<(At, Moment)>,
    reads: usize,
    writes: usize,
    made: Vec<Made>,
}

/// What becomes of a call.
enum Verdict {
    Pass,
    Die(Moment),
    /// It comes from the dead.
    Hold,
}

impl Default for Killer {
    fn default() -> Self {
        Self { state: Mutex::default(), phase: watch::Sender::new(Phase::Alive) }
    }
}

impl Killer {
    /// From now on: calls signed with this key.
    pub fn watch(&self, operator: &str) {
        operator.clone_into(&mut self.state().operator);
    }

    /// Counts anew from here. Death comes at this call, once; `None`: not at all.
    pub fn arm(&self, point: Option<(At, Moment)>) {
        let mut state = self.state();
        state.armed = point;
        (state.reads, state.writes) = (0, 0);
        state.made.clear();
    }

    /// Comes back when the operator is to be killed.
    pub async fn strikes(&self) {
        let mut phase = self.phase.subscribe();
        // The sender is ours, so that there is no other end to the wait.
        let due = phase.wait_for(|phase| matches!(phase, Phase::Due(_))).await.map(|phase| *phase);
        if matches!(due, Ok(Phase::Due(Moment::Heard))) {
            tokio::time::sleep(ON_THE_WAY).await;
        }
    }

    /// The operator has been killed: the next one gets through.
    pub fn let_go(&self) {
        self.state().armed = None;
        self.phase.send_replace(Phase::Alive);
    }

    /// What was passed on since [`Killer::arm`].
    pub fn made(&self) -> Vec<Made> {
        self.state().made.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn judge(&self, call: &Call) -> Verdict {
        let mut state = self.state();
        if call.caller != state.operator || call.caller.is_empty() {
            return Verdict::Pass;
        }
        if *self.phase.borrow() != Phase::Alive {
            return Verdict::Hold;
        }
        let number = if call.write { &mut state.writes } else { &mut state.reads };
        *number += 1;
        let here = if call.write { At::Write(*number) } else { At::Read(*number) };
        let moment = match state.armed {
            Some((at, moment)) if at == here => Some(moment),
            _ => None,
        };
        if moment.is_some() {
            // Under the lock: nothing slips through beside it.
            self.phase.send_replace(Phase::Dying);
        }
        if moment != Some(Moment::Before) {
            let operation = format!("{}:{}", call.service, call.operation);
            state.made.push(Made { operation, resource: call.resource.clone(), write: call.write });
        }
        moment.map_or(Verdict::Pass, Verdict::Die)
    }

    async fn hold(&self, effect: &str) -> Fate {
        let _ = self.phase.subscribe().wait_for(|phase| *phase == Phase::Alive).await;
        Fate::reset(effect)
    }
}

impl Interposer for Killer {
    fn interpose<'a>(&'a self, call: &'a Call, aws: &'a Upstream<'a>) -> BoxFuture<'a, Fate> {
        Box::pin(async move {
            let moment = match self.judge(call) {
                Verdict::Pass => return Fate::untouched(aws.carry_out().await),
                Verdict::Hold => return self.hold("held: it comes from the dead").await,
                Verdict::Die(moment) => moment,
            };
            let answer = match moment {
                Moment::Before => None,
                Moment::Unheard | Moment::Heard => Some(aws.carry_out().await),
            };
            self.phase.send_replace(Phase::Due(moment));
            match (moment, answer) {
                (Moment::Heard, Some(answer)) => Fate::answer("death after the answer", answer),
                (_, Some(_)) => self.hold("death before the answer").await,
                (_, None) => self.hold("death before the call").await,
            }
        })
    }
}

//! AWS in memory: stateful, with AWS's own refusals, and with faults on request.
//!
//! It is as strict as AWS where AWS is strict (order, references, uniqueness, busy resources, stale versions), and stricter
//! where AWS would let an error through that only visitors notice; those refusals are marked `Strict`. Time passes by
//! looking: what is slow is done after a number of observations. The other half of each rule stands in `crate::aws`; what
//! that treats as "gone already" is no refusal here either.

mod apigateway;
mod cloudfront;
mod dynamodb;
mod iam;
mod lambda;
mod limits;
mod logs;
mod observe;
mod operation;
mod s3;
mod world;

use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};

pub(crate) use limits::Quotas;
pub(crate) use operation::Operation;
pub(crate) use world::{Slow, World};

/// What a world is made of, for those who edit it.
pub(crate) mod parts {
    pub(crate) use super::apigateway::{Deployment, RestApi};
    pub(crate) use super::cloudfront::Distribution;
    pub(crate) use super::dynamodb::Table;
    pub(crate) use super::iam::Role;
    pub(crate) use super::lambda::Function;
    pub(crate) use super::s3::{Bucket, Object};
    pub(crate) use super::world::Busy;
}

use crate::aws;
use crate::cloud::{Answer, Cloud, CloudError, Depth, ErrorKind, Message, Observed, Scope};
use crate::gallery::Identity;
use crate::graph::{BucketRole, ResourceId};
use crate::preflight::{Account, Question};
use crate::resources::Change;
use crate::testing::life::Life;

/// AWS, with what happened to it.
#[derive(Debug, Default)]
pub(crate) struct FakeCloud {
    state: Mutex<State>,
    /// The operator's, for what else it talks to.
    pub(crate) life: Arc<Life>,
}

#[derive(Debug, Default)]
struct State {
    world: World,
    log: Vec<Call>,
    faults: Vec<Fault>,
}

/// A call, as it happened.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Call {
    /// A resource was read.
    Read(ResourceId),
    /// The account was asked about.
    Ask,
    /// A change was asked for.
    Write(Operation, Outcome),
}

/// What became of a write.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// It was carried out.
    Applied,
    /// AWS refused it, by its own rules.
    Refused(CloudError),
    /// A fault came in between. It was carried out if `applied`.
    Fault {
        /// Was it carried out?
        applied: bool,
    },
}

/// Something that goes wrong, as data.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    /// At which calls.
    pub on: On,
    /// How many of those pass before.
    pub skip: usize,
    /// How many of those it hits.
    pub times: usize,
    /// What happens.
    pub effect: Effect,
}

/// Which calls a fault can hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum On {
    /// Any read or write.
    Call,
    /// Any write.
    Write,
    /// Writes by this operation, `CreateBucket`.
    Operation(&'static str),
    /// Reads of this resource.
    Read(ResourceId),
}

/// What a fault does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// AWS answers this instead: status, code, message. Nothing is carried out.
    Answer(u16, &'static str, &'static str),
    /// It is carried out, and AWS answers this all the same.
    AnswerAfter(u16, &'static str, &'static str),
    /// The request never arrives.
    LoseRequest,
    /// AWS says yes, and does nothing.
    Pretend,
    /// It is carried out, and the answer never arrives.
    LoseAnswer,
    /// The operator dies before it is carried out.
    DieBefore,
    /// It is carried out, and the operator dies before it hears of it.
    DieUnheard,
    /// It is carried out, and the operator hears of it and dies before it does anything else.
    DieHeard,
}

impl Effect {
    /// The operator dies at a call, also at one that only reads.
    pub(crate) const DEATHS: [Self; 3] = [Self::DieBefore, Self::DieUnheard, Self::DieHeard];
}

impl Fault {
    /// Hits the write after `skip` others, once.
    pub(crate) fn at_write(skip: usize, effect: Effect) -> Self {
        Self { on: On::Write, skip, times: 1, effect }
    }

    /// Hits the read or write after `skip` others, once.
    pub(crate) fn at_call(skip: usize, effect: Effect) -> Self {
        Self { on: On::Call, ..Self::at_write(skip, effect) }
    }

    /// Hits every call of this kind.
    pub(crate) fn always(on: On, effect: Effect) -> Self {
        Self { on, skip: 0, times: usize::MAX, effect }
    }

    /// Does it hit a call that it could hit?
    fn hits(&mut self) -> bool {
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        let hits = self.times > 0;
        self.times = self.times.saturating_sub(1);
        hits
    }
}

impl FakeCloud {
    /// AWS as it stands in `world`.
    pub(crate) fn new(world: World) -> Self {
        Self { state: Mutex::new(State { world, ..State::default() }), life: Arc::default() }
    }

    /// A copy of everything there is.
    pub(crate) fn world(&self) -> World {
        self.with(|state| state.world.clone())
    }

    /// Somebody else at work.
    pub(crate) fn edit<T>(&self, edit: impl FnOnce(&mut World) -> T) -> T {
        self.with(|state| edit(&mut state.world))
    }

    /// Adds a fault.
    pub(crate) fn inject(&self, fault: Fault) {
        self.with(|state| state.faults.push(fault));
    }

    /// Nothing goes wrong any more.
    pub(crate) fn calm(&self) {
        self.with(|state| state.faults.clear());
    }

    /// The calls so far, which are forgotten.
    pub(crate) fn take_log(&self) -> Vec<Call> {
        self.with(|state| std::mem::take(&mut state.log))
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The writes among calls.
pub(crate) fn writes(log: &[Call]) -> Vec<Operation> {
    let write = |call: &Call| match call {
        Call::Write(operation, _) => Some(*operation),
        Call::Read(_) | Call::Ask => None,
    };
    log.iter().filter_map(write).collect()
}

/// What AWS refused by its own rules.
pub(crate) fn refusals(log: &[Call]) -> Vec<CloudError> {
    let refusal = |call: &Call| match call {
        Call::Write(_, Outcome::Refused(error)) => Some(error.clone()),
        Call::Write(..) | Call::Read(_) | Call::Ask => None,
    };
    log.iter().filter_map(refusal).collect()
}

impl State {
    fn fault(&mut self, could_hit: impl Fn(On) -> bool) -> Option<Effect> {
        let mut hit = None;
        for fault in self.faults.iter_mut().filter(|fault| could_hit(fault.on)) {
            if fault.hits() && hit.is_none() {
                hit = Some(fault.effect);
            }
        }
        hit
    }

    /// `None`: the operator does not live to hear the answer.
    fn read(
        &mut self,
        life: &Life,
        (gallery, known, depth): (&Identity, &Observed, Depth),
        id: ResourceId,
    ) -> Option<Result<Observed, CloudError>> {
        let fault = self.fault(|on| on == On::Call || on == On::Read(id));
        self.log.push(Call::Read(id));
        let operation = Operation { service: "fake", name: "Read" };
        // There is nothing to pretend about a look, and what nobody hears of need not be looked up.
        let is_heard = matches!(fault, None | Some(Effect::Pretend | Effect::DieHeard));
        let found = is_heard.then(|| Ok(observe::read(&mut self.world, (gallery, known, depth), id)));
        heard(fault, life, operation, found)
    }

    /// `None`: the operator does not live to hear the answer.
    fn ask(&mut self, life: &Life, question: &Question) -> Option<Account> {
        let fault = self.fault(|on| on == On::Call);
        self.log.push(Call::Ask);
        let operation = Operation { service: "fake", name: "Ask" };
        // Nobody needs the answer, so that there are no errors.
        heard(fault, life, operation, Some(Ok(limits::account(&self.world, question))))
            .map(Result::unwrap_or_default)
    }

    /// `None`: the operator does not live to hear the answer.
    fn write(
        &mut self,
        life: &Life,
        gallery: &Identity,
        change: &Change,
    ) -> Option<Result<Answer, CloudError>> {
        let operation = operation::of(change);
        let fault =
            self.fault(|on| matches!(on, On::Call | On::Write) || on == On::Operation(operation.name));
        let applied = match fault {
            Some(Effect::Answer(..) | Effect::LoseRequest | Effect::Pretend | Effect::DieBefore) => None,
            None
            | Some(Effect::AnswerAfter(..) | Effect::LoseAnswer | Effect::DieUnheard | Effect::DieHeard) => {
                let done = self.world.apply(gallery, change, operation);
                Some(done.map(|()| self.world.answer(gallery, change)))
            }
        };
        let outcome = match (fault, &applied) {
            (_, Some(Err(error))) => Outcome::Refused(error.clone()),
            (None, _) => Outcome::Applied,
            (Some(_), applied) => Outcome::Fault { applied: applied.is_some() },
        };
        self.log.push(Call::Write(operation, outcome));
        let said = if fault == Some(Effect::Pretend) { Some(Ok(Answer::Done)) } else { applied };
        heard(fault, life, operation, said)
    }
}

/// What the operator hears of a call to which AWS says `said`. `None`: it does not live to hear it.
fn heard<T>(
    fault: Option<Effect>,
    life: &Life,
    operation: Operation,
    said: Option<Result<T, CloudError>>,
) -> Option<Result<T, CloudError>> {
    match fault {
        None | Some(Effect::Pretend) => said,
        Some(Effect::Answer(status, code, message) | Effect::AnswerAfter(status, code, message)) => {
            Some(Err(operation.refuse(status, code, message)))
        }
        Some(Effect::LoseRequest | Effect::LoseAnswer) => Some(Err(no_answer(operation))),
        Some(Effect::DieBefore | Effect::DieUnheard) => {
            life.end();
            None
        }
        Some(Effect::DieHeard) => {
            life.end();
            said
        }
    }
}

fn no_answer(operation: Operation) -> CloudError {
    CloudError {
        service: operation.service,
        operation: operation.name,
        kind: ErrorKind::Unavailable,
        code: String::new(),
        source: Message("the connection was reset".into()),
    }
}

impl Cloud for FakeCloud {
    async fn observe(
        &self,
        gallery: &Identity,
        (scope, depth): (&Scope, Depth),
        seen: &mut Observed,
    ) -> Vec<(ResourceId, CloudError)> {
        self.life.turn().await;
        let (second, first): (Vec<_>, Vec<_>) =
            scope.iter().copied().partition(|id| id.found_below().is_some());
        let mut errors = Vec::new();
        for id in first.into_iter().chain(second) {
            if id.found_below().is_some_and(|parent| seen.state(parent).is_none()) {
                aws::replace(seen, id, Observed::default());
                continue;
            }
            match self.with(|state| state.read(&self.life, (gallery, seen, depth), id)) {
                Some(Ok(part)) => aws::replace(seen, id, part),
                Some(Err(error)) => errors.push((id, error)),
                None => {}
            }
            if self.life.is_over() {
                pending::<()>().await;
            }
        }
        errors
    }

    async fn apply(&self, gallery: &Identity, change: &Change) -> Result<Answer, CloudError> {
        self.life.turn().await;
        match self.with(|state| state.write(&self.life, gallery, change)) {
            Some(answer) => answer,
            None => pending().await,
        }
    }

    async fn account(&self, _: &Identity, question: &Question) -> Account {
        self.life.turn().await;
        let answer = self.with(|state| state.ask(&self.life, question));
        if self.life.is_over() {
            pending::<()>().await;
        }
        answer.unwrap_or_default()
    }

    async fn count_photos(&self, gallery: &Identity) -> Result<u64, CloudError> {
        self.life.turn().await;
        let name = gallery.bucket(BucketRole::Photos);
        Ok(self.with(|state| {
            let objects = state.world.buckets.get(&name).map(|bucket| &bucket.objects);
            let photos = objects.into_iter().flatten().filter(|(key, _)| key.starts_with("photos/"));
            photos.count() as u64
        }))
    }
}

/// One account for several operators, one after the other.
impl Cloud for Arc<FakeCloud> {
    async fn observe(
        &self,
        gallery: &Identity,
        look: (&Scope, Depth),
        seen: &mut Observed,
    ) -> Vec<(ResourceId, CloudError)> {
        (**self).observe(gallery, look, seen).await
    }

    async fn apply(&self, gallery: &Identity, change: &Change) -> Result<Answer, CloudError> {
        (**self).apply(gallery, change).await
    }

    async fn account(&self, gallery: &Identity, question: &Question) -> Account {
        (**self).account(gallery, question).await
    }

    async fn count_photos(&self, gallery: &Identity) -> Result<u64, CloudError> {
        (**self).count_photos(gallery).await
    }
}

//! Two hundred galleries on one operator, in an account that refuses every call which comes too fast.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use futures::{StreamExt, stream};
use tokio::time::{Instant, sleep};

use super::super::drive::{absent, assert_present, present, run, with_spec};
use super::super::fake_cloud::{Call, FakeCloud, Operation, Outcome as Fate, World, refusals};
use super::super::galleries::{identity, summer};
use super::slow_world;
use crate::cloud::{Answer, Cloud, CloudError, Depth, ErrorKind, Observed, Scope};
use crate::gallery::{DataPolicy, Gallery, Goal, Identity};
use crate::graph::ResourceId;
use crate::policy::{self, Retry};
use crate::preflight::{Account, Question};
use crate::quota::{Gate, LIMITS, lined_up};
use crate::reconcile::{Quiet, reconcile};
use crate::resources::{Change, after};

const GALLERIES: usize = 200;

/// An account with AWS's limits on the calls that galleries have to wait for, and an operator that keeps them.
struct Limited {
    cloud: FakeCloud,
    gate: Gate,
    /// Of each operation, when the last one came.
    last: Mutex<BTreeMap<&'static str, Instant>>,
    too_fast: Mutex<Vec<&'static str>>,
}

impl Limited {
    fn new(gate: Gate) -> Self {
        let (last, too_fast) = (Mutex::default(), Mutex::default());
        Self { cloud: FakeCloud::new(slow_world()), gate, last, too_fast }
    }

    /// As AWS counts: one call in so much time, whoever makes it.
    fn count(&self, operation: &'static str) {
        let single =
            LIMITS.iter().find(|limit| limit.burst == 1 && format!("{:?}", limit.calls).contains(operation));
        let Some(limit) = single else { return };
        let last = self.last.lock().unwrap().insert(operation, Instant::now());
        if last.is_some_and(|last| last.elapsed() < Duration::from_millis(limit.interval_ms)) {
            self.too_fast.lock().unwrap().push(operation);
        }
    }
}

impl Cloud for Limited {
    async fn observe(
        &self,
        gallery: &Identity,
        look: (&Scope, Depth),
        seen: &mut Observed,
    ) -> Vec<(ResourceId, CloudError)> {
        self.cloud.observe(gallery, look, seen).await
    }

    async fn apply(&self, gallery: &Identity, change: &Change) -> Result<Answer, CloudError> {
        if let Some(call) = lined_up(change) {
            self.gate.line_up("eu-west-1", call, &format!("{} {}", gallery.uid, after::resource(change)))?;
            self.gate.pass("eu-west-1", call.0, call.1).await;
            self.count(call.1);
        }
        self.cloud.apply(gallery, change).await
    }

    async fn account(&self, gallery: &Identity, question: &Question) -> Account {
        self.cloud.account(gallery, question).await
    }

    async fn count_photos(&self, gallery: &Identity) -> Result<u64, CloudError> {
        self.cloud.count_photos(gallery).await
    }
}

/// As the controller does: eight at once, each again when its answer says so. The longest wait that anybody was told of.
async fn all_converge(account: &Limited, goals: Vec<Goal>) -> u32 {
    let work = stream::iter(goals).map(async |goal| {
        let mut longest = 0;
        loop {
            let outcome = reconcile(account, &goal, &Quiet).await;
            if outcome.is_complete() {
                return longest;
            }
            let failure = policy::worst(&outcome.failures);
            if let Some(ErrorKind::Queued { seconds }) = failure.map(|failure| failure.error.kind) {
                longest = longest.max(seconds);
            }
            assert!(
                failure.is_none_or(|failure| matches!(failure.error.kind, ErrorKind::Queued { .. })),
                "{failure:?}"
            );
            let after = failure.map(|failure| policy::answer(failure.error.kind).retry);
            sleep(match after {
                Some(Retry::After(after)) => after,
                _ => Duration::from_secs(12),
            })
            .await;
        }
    });
    // Who waits keeps no place of the eight.
    let waits: Vec<u32> = work.buffer_unordered(GALLERIES).collect().await;
    waits.into_iter().max().unwrap_or_default()
}

fn galleries() -> Vec<Gallery> {
    let gallery = |number| Gallery { identity: identity("photos", &format!("gallery-{number}")), ..summer() };
    (0..GALLERIES).map(gallery).collect()
}

/// Calls a gallery, and how many of each kind were refused.
fn calls(account: &Limited) -> usize {
    let log = account.cloud.take_log();
    assert_eq!(refusals(&log), []);
    assert_eq!(*account.too_fast.lock().unwrap(), [""; 0]);
    let made = |call: &&Call| !matches!(call, Call::Write(Operation { .. }, Fate::Fault { .. }));
    log.iter().filter(made).count() / GALLERIES
}

/// To see it fail: let `Gate::line_up` always say yes and `Gate::pass` not wait.
#[test]
fn two_hundred_galleries_come_change_and_go_without_a_refused_call() {
    run(async {
        let account = Limited::new(Gate::new(1.0));
        let all = galleries();
        let begin = Instant::now();
        // What all share is made by the first.
        all_converge(&account, vec![present(&all[0])]).await;
        let longest = all_converge(&account, all[1..].iter().map(present).collect()).await;
        let world = account.cloud.world();
        for gallery in &all {
            assert_present(&world, gallery);
        }
        let made = (calls(&account), begin.elapsed());
        // A deployment takes five seconds of the account's time, and nobody waits much longer than for all of them.
        let least = Duration::from_secs(5 * (GALLERIES as u64 - 1));
        assert!(made.1 >= least && made.1 < least * 2, "{made:?}");
        assert!(longest > 60, "nobody was told to wait");

        let change = |gallery: &Gallery| with_spec(gallery, |spec| spec.functions.list.memory_mib = 1024);
        let changed: Vec<_> = all.iter().map(change).collect();
        let begin = Instant::now();
        all_converge(&account, changed.iter().map(present).collect()).await;
        let changed = (calls(&account), begin.elapsed());
        assert!(changed.1 < Duration::from_secs(60), "a change of a function waits for nobody: {changed:?}");

        let begin = Instant::now();
        let going = all.iter().map(|gallery| absent(gallery, DataPolicy::Delete)).collect();
        let longest = all_converge(&account, going).await;
        let gone = (calls(&account), begin.elapsed());
        assert!(longest > 3000, "{longest}: the last REST API goes after an hour and a half");
        assert!(gone.1 >= Duration::from_secs(30 * (GALLERIES as u64 - 1)), "{gone:?}");
        println!(
            "calls a gallery and time for {GALLERIES}: made {made:?}, changed {changed:?}, gone {gone:?}"
        );
        let left = account.cloud.world();
        let World { functions, rest_apis, distributions, buckets, .. } = left;
        assert_eq!((functions.len(), rest_apis.len(), distributions.len(), buckets.len()), (0, 0, 0, 1));
    });
}

/// However many there are, each takes as many calls.
#[test]
fn a_gallery_takes_no_more_calls_among_others_than_alone() {
    run(async {
        let mut counts = Vec::new();
        for many in [1, 20] {
            let account = Limited::new(Gate::new(0.0));
            all_converge(&account, galleries()[..many].iter().map(present).collect()).await;
            counts.push(account.cloud.take_log().len() / many);
        }
        assert!(counts[1] <= counts[0], "{counts:?}");
    });
}

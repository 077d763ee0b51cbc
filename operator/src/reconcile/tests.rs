//! How rounds are repeated, and what stops them.

use std::sync::Mutex;

use functions_core::contract::FunctionName;

use super::*;
use crate::gallery::DataPolicy;
use crate::testing::drive::{absent, assert_present, in_sync, present, run, with_spec};
use crate::testing::fake_cloud::{Call, Effect, FakeCloud, Fault, On, Slow, World, writes};
use crate::testing::galleries::summer;

const DENIED: Effect = Effect::Answer(403, "AccessDenied", "User is not authorized to perform: this");
const NOT_YET: Effect = Effect::Answer(409, "OperationAborted", "A conflicting operation is in progress");

fn count(log: &[Call], name: &str) -> usize {
    writes(log).into_iter().filter(|operation| operation.name == name).count()
}

/// One reconcile in a world with one fault, how long it took, and the calls.
async fn with_fault(fault: Fault) -> (Outcome, Duration, Vec<Call>) {
    let cloud = FakeCloud::default();
    cloud.inject(fault);
    let begin = Instant::now();
    let outcome = reconcile(&cloud, &present(&summer()), &Quiet).await;
    (outcome, begin.elapsed(), cloud.take_log())
}

#[test]
fn one_reconcile_makes_a_gallery() {
    run(async {
        let cloud = FakeCloud::default();
        let outcome = reconcile(&cloud, &present(&summer()), &Quiet).await;
        assert!(outcome.is_complete());
        assert_eq!(outcome.found, Plan::new(&present(&summer()), &Observed::default()));
        assert_present(&cloud.world(), &summer());
    });
}

#[test]
fn a_failure_stops_neither_others_nor_itself_for_long() {
    run(async {
        let (outcome, took, log) = with_fault(Fault::always(On::Operation("CreateTable"), DENIED)).await;
        assert_eq!(count(&log, "CreateTable"), 1, "asked again in vain");
        let [failure] = &outcome.failures[..] else { panic!("{:?}", outcome.failures) };
        assert_eq!((failure.resource, failure.error.kind), (ResourceId::Table, ErrorKind::AccessDenied));
        let left: Vec<_> = ResourceId::all().filter(|id| outcome.seen.state(*id).is_none()).collect();
        assert_eq!(left, [ResourceId::Table], "everything else is there");
        assert!(took < Duration::from_secs(5), "{took:?}");
    });
}

#[test]
fn what_needs_what_failed_waits() {
    run(async {
        let (outcome, _, log) = with_fault(Fault::always(On::Operation("CreateRestApi"), DENIED)).await;
        assert_eq!(count(&log, "CreateDistributionWithTags"), 0);
        assert!(outcome.plan.waiting.contains_key(&ResourceId::Distribution));
        assert!(!outcome.is_complete());
    });
}

#[test]
fn the_rest_of_an_action_that_failed_is_skipped() {
    run(async {
        let (outcome, _, log) =
            with_fault(Fault::always(On::Operation("PutPublicAccessBlock"), DENIED)).await;
        assert_eq!(count(&log, "CreateBucket"), 4);
        assert_eq!(count(&log, "PutBucketEncryption"), 0);
        let made: Vec<_> =
            outcome.applied.iter().filter(|action| action.resource.kind() == "bucket").collect();
        assert!(made.iter().all(|action| action.steps.len() == 1), "{made:?}");
        assert_eq!(made.len(), 4);
    });
}

#[test]
fn not_yet_is_asked_again_until_patience_ends() {
    run(async {
        let fault = Fault::always(On::Operation("CreateFunction"), NOT_YET);
        let (outcome, took, log) = with_fault(Fault { times: 8, ..fault.clone() }).await;
        assert!(outcome.is_complete(), "{:?}", outcome.failures);
        assert_eq!(count(&log, "CreateFunction"), 12);
        assert!(took < Duration::from_secs(10), "{took:?}");

        let (outcome, took, _) = with_fault(fault).await;
        assert!(outcome.failures.iter().all(|failure| failure.error.kind == ErrorKind::NotReady));
        assert_eq!(outcome.failures.len(), 4);
        assert!(took > PATIENCE && took < PATIENCE * 2, "{took:?}");
    });
}

/// To see it fail: let `Repeats::allow` always allow.
#[test]
fn a_change_that_does_not_show_is_made_again_after_pauses() {
    run(async {
        let changed = with_spec(&summer(), |spec| spec.functions.list.memory_mib = 1024);
        let world = in_sync(&summer(), World::default()).await.world();
        let name = "UpdateFunctionConfiguration";
        let with_fault = async |times: usize| {
            let cloud = FakeCloud::new(world.clone());
            cloud.inject(Fault { times, ..Fault::always(On::Operation(name), Effect::Pretend) });
            let begin = Instant::now();
            let outcome = reconcile(&cloud, &present(&changed), &Quiet).await;
            (outcome, begin.elapsed(), cloud.take_log())
        };
        let (outcome, took, log) = with_fault(3).await;
        assert!(outcome.is_complete(), "{:?}", outcome.failures);
        assert_eq!(count(&log, name), 4);
        assert!(took >= Duration::from_millis(1750) && took < PATIENCE, "{took:?}");

        let (outcome, took, log) = with_fault(usize::MAX).await;
        assert!(outcome.failures.iter().all(|failure| failure.error.kind == ErrorKind::Rejected));
        assert_eq!(count(&log, name), MOST_ROUNDS);
        assert!(took > Duration::from_secs(30), "given up after {took:?}");
    });
}

#[test]
fn what_aws_said_yes_to_and_did_not_do_is_done_after_the_next_look() {
    run(async {
        let cloud = FakeCloud::default();
        cloud.inject(Fault { times: 4, ..Fault::always(On::Operation("AddPermission"), Effect::Pretend) });
        reconcile(&cloud, &present(&summer()), &Quiet).await;
        let outcome = reconcile(&cloud, &present(&summer()), &Quiet).await;
        assert!(outcome.is_complete(), "{:?}", outcome.failures);
        assert_present(&cloud.world(), &summer());
    });
}

/// To see it fail: end the reconcile with any read that fails.
#[test]
fn what_does_not_show_yet_is_looked_at_again_and_not_made_again() {
    run(async {
        let hidden = Effect::Answer(404, "NoSuchEntity", "The role cannot be found.");
        let role = ResourceId::Role(FunctionName::List);
        for skip in [0, 1] {
            let fault = Fault { skip, times: 4, ..Fault::always(On::Read(role), hidden) };
            let (outcome, took, log) = with_fault(fault).await;
            assert!(outcome.is_complete(), "{:?}", outcome.failures);
            assert_eq!(count(&log, "CreateRole"), 4);
            assert!(took < PATIENCE, "{took:?}");
        }
        let (outcome, took, _) = with_fault(Fault::always(On::Read(role), hidden)).await;
        assert!(took > PATIENCE && outcome.failures.iter().any(|failure| failure.resource == role));
        assert!(outcome.failures.iter().all(|failure| failure.error.kind == ErrorKind::NotReady));
    });
}

#[test]
fn functions_are_waited_for_and_distributions_are_not() {
    run(async {
        for (slow, least, most) in [
            (Slow { function: 1_000_000, ..Slow::default() }, PATIENCE, PATIENCE * 2),
            (Slow { distribution: 1_000_000, ..Slow::default() }, Duration::ZERO, Duration::from_secs(1)),
        ] {
            let cloud = FakeCloud::new(World { slow, ..World::default() });
            let begin = Instant::now();
            let outcome = reconcile(&cloud, &present(&summer()), &Quiet).await;
            assert!(outcome.failures.is_empty());
            assert!(outcome.plan.aws_at_work().next().is_some());
            let took = begin.elapsed();
            assert!(least <= took && took <= most, "{slow:?}: {took:?}");
        }
    });
}

#[test]
fn a_function_that_is_ready_in_time_is_used_in_the_same_reconcile() {
    run(async {
        let slow = Slow { function: 3, ..Slow::default() };
        let cloud = FakeCloud::new(World { slow, ..World::default() });
        let outcome = reconcile(&cloud, &present(&summer()), &Quiet).await;
        assert!(outcome.is_complete(), "{}", outcome.plan);
    });
}

#[test]
fn nothing_is_deleted_when_something_cannot_be_read() {
    run(async {
        let cloud = in_sync(&summer(), World::default()).await;
        cloud.take_log();
        cloud.inject(Fault::always(On::Read(ResourceId::Table), DENIED));
        let outcome = reconcile(&cloud, &absent(&summer(), DataPolicy::Delete), &Quiet).await;
        assert_eq!(outcome.failures[0].resource, ResourceId::Table);
        assert!(!outcome.is_complete());
        assert_eq!(writes(&cloud.take_log()), []);
    });
}

#[test]
fn a_failed_look_between_rounds_ends_the_reconcile_with_it() {
    run(async {
        let fault = Fault { skip: 1, ..Fault::always(On::Read(ResourceId::Table), Effect::LoseRequest) };
        let (outcome, _, log) = with_fault(fault).await;
        assert!(outcome.failures.iter().any(|failure| failure.resource == ResourceId::Table));
        assert_eq!(count(&log, "CreateFunction"), 0, "the round after did not come");
    });
}

/// To see it fail: set `MOST_READS` to zero.
#[test]
fn a_read_without_an_answer_is_repeated_alone() {
    run(async {
        let cloud = in_sync(&summer(), World::default()).await;
        cloud.take_log();
        let fault = Fault::always(On::Read(ResourceId::RestApi), Effect::LoseRequest);
        cloud.inject(Fault { times: 2, ..fault });
        let outcome = reconcile(&cloud, &present(&summer()), &Quiet).await;
        assert!(outcome.is_complete(), "{:?}", outcome.failures);
        let log = cloud.take_log();
        let reads = |id| log.iter().filter(|call| **call == Call::Read(id)).count();
        assert_eq!(
            [reads(ResourceId::RestApi), reads(ResourceId::Stage), reads(ResourceId::Table)],
            [3, 1, 1]
        );
        assert_eq!(writes(&log), []);
    });
}

/// Keeps the plans of the rounds.
#[derive(Default)]
struct Plans(Mutex<Vec<Plan>>);

impl Progress for Plans {
    async fn round(&self, outcome: &Outcome) {
        self.0.lock().unwrap().push(outcome.plan.clone());
    }
}

#[test]
fn each_round_is_told_before_its_calls() {
    run(async {
        let (cloud, plans) = (FakeCloud::default(), Plans::default());
        let outcome = reconcile(&cloud, &present(&summer()), &plans).await;
        let plans = plans.0.into_inner().unwrap();
        assert_eq!(plans[0], outcome.found);
        assert_eq!(plans.iter().map(Plan::calls).sum::<usize>(), writes(&cloud.take_log()).len());
    });
}

/// To see it fail: read again all that AWS is at work on.
#[test]
fn what_takes_minutes_is_not_read_in_every_round() {
    run(async {
        let slow = Slow { distribution: 1_000_000, function: 10, ..Slow::default() };
        let cloud = FakeCloud::new(World { slow, ..World::default() });
        let outcome = reconcile(&cloud, &present(&summer()), &Quiet).await;
        assert!(!outcome.is_complete());
        let log = cloud.take_log();
        let reads = |id| log.iter().filter(|call| **call == Call::Read(id)).count();
        let function = ResourceId::Function(FunctionName::List);
        assert!(reads(function) > 10 && reads(ResourceId::Distribution) < 4);
    });
}

#[test]
fn looking_changes_nothing() {
    run(async {
        let cloud = FakeCloud::default();
        let outcome = look(&cloud, &present(&summer())).await;
        assert_eq!(outcome.plan, outcome.found);
        assert_eq!(writes(&cloud.take_log()), []);
        assert_eq!(cloud.world(), World::default());
    });
}

#[test]
fn pauses_grow_and_then_stay() {
    let mut pauses = Pauses::default();
    let milliseconds: Vec<_> = (0..7).map(|_| pauses.next().as_millis()).collect();
    assert_eq!(milliseconds, [450, 250, 500, 1000, 2000, 2000, 2000]);
}

/// To see it fail: count from the last round instead.
#[test]
fn lambda_is_asked_half_a_second_after_it_was_given_work() {
    run(async {
        let mut pauses = Pauses::default();
        let of = |resource| Action { resource, steps: Vec::new() };
        pauses.restart(&[of(ResourceId::Function(FunctionName::List))]);
        sleep(Duration::from_millis(300)).await;
        pauses.restart(&[of(ResourceId::Stage)]);
        assert_eq!(pauses.next().as_millis(), 200);
        assert_eq!(pauses.next().as_millis(), 250);
        sleep(Duration::from_secs(1)).await;
        pauses.restart(&[of(ResourceId::Stage)]);
        assert_eq!(pauses.next().as_millis(), 450);
    });
}

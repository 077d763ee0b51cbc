//! Every single fault at every single call, and some of all pairs.

use proptest::prelude::*;
use proptest::sample::select;

use super::super::drive::{
    absent, assert_absent, assert_at_rest, assert_present, converge, in_sync, once, present, run,
    with_new_release, with_spec,
};
use super::super::edits::edit;
use super::super::fake_cloud::{Effect, FakeCloud, Fault, On, World, refusals, writes};
use super::super::galleries::summer;
use super::super::sameness::{assert_ends, essence};
use super::{configuration, histories, slow_world};
use crate::gallery::{DataPolicy, Gallery, Goal};
use crate::graph::ResourceId;

/// It lives, and hears wrongly or nothing of what became of a write.
pub(super) const LOSSES: [Effect; 3] = [
    Effect::LoseRequest,
    Effect::LoseAnswer,
    Effect::AnswerAfter(500, "InternalError", "We encountered an error"),
];

/// What a history without faults takes, and where it ends.
struct Calm {
    calls: usize,
    writes: usize,
    end: String,
}

async fn calm(before: &World, goal: &Goal) -> Calm {
    let cloud = FakeCloud::new(before.clone());
    converge(&cloud, goal).await;
    let log = cloud.take_log();
    Calm { calls: log.len(), writes: writes(&log).len(), end: essence(&cloud.world()) }
}

/// Comes from `before` to `goal` once for each fault at each call, and ends where it ends without. Returns how many faults
/// there were.
pub(super) async fn every_fault(before: &World, goal: &Goal) -> usize {
    let calm = calm(before, goal).await;
    let at_writes = (0..calm.writes).flat_map(|skip| LOSSES.map(|effect| Fault::at_write(skip, effect)));
    let at_calls = (0..calm.calls).flat_map(|skip| Effect::DEATHS.map(|effect| Fault::at_call(skip, effect)));
    let mut points = 0;
    for fault in at_writes.chain(at_calls) {
        let cloud = FakeCloud::new(before.clone());
        cloud.inject(fault.clone());
        converge(&cloud, goal).await;
        assert_eq!(refusals(&cloud.take_log()), [], "{fault:?}");
        assert_ends(&cloud.world(), &calm.end, &format!("{fault:?}"));
        assert_at_rest(&cloud, goal).await;
        points += 1;
    }
    points
}

/// To see it fail: create the REST API without tags, as if they came in a second step.
#[test]
fn creation_survives_every_fault_at_every_call() {
    run(async {
        let points = every_fault(&slow_world(), &present(&summer())).await;
        assert!(points > 600, "only {points} points");
    });
}

/// To see it fail: let `function::update` plan code and configuration in the same round.
#[test]
fn a_change_of_everything_survives_every_fault_at_every_call() {
    run(async {
        let before = in_sync(&summer(), slow_world()).await.world();
        let points = every_fault(&before, &present(&changed())).await;
        assert!(points > 500, "only {points} points");
    });
}

/// To see it fail: forget the photos bucket in `bucket::stays`.
#[test]
fn deletion_survives_every_fault_at_every_call() {
    run(async {
        for data in [DataPolicy::Delete, DataPolicy::Retain] {
            let (before, goal) = (full().await, absent(&summer(), data));
            let points = every_fault(&before, &goal).await;
            assert!(points > 300, "only {points} points");
            let cloud = FakeCloud::new(before);
            converge(&cloud, &goal).await;
            assert_absent(&cloud.world(), &summer().identity, data, &World::default());
        }
    });
}

fn changed() -> Gallery {
    with_new_release(&with_spec(&summer(), histories::change_everything))
}

/// A gallery in sync, with photos.
async fn full() -> World {
    let mut world = in_sync(&summer(), slow_world()).await.world();
    edit(&mut world, &summer().identity, "add photos");
    world
}

/// The operator dies while it makes a gallery, and what the next one finds in the spec is something else.
///
/// To see it fail: let `rest_api::update` go by the digest of a body that was only begun (tag before put).
#[test]
fn a_spec_that_changes_between_death_and_restart_arrives_and_so_does_a_deletion() {
    run(async {
        let (changed, gone) = (changed(), absent(&summer(), DataPolicy::Delete));
        let calls = calm(&slow_world(), &present(&summer())).await.calls;
        for (skip, effect) in (0..calls).flat_map(|skip| Effect::DEATHS.map(|effect| (skip, effect))) {
            let dead = FakeCloud::new(slow_world());
            dead.inject(Fault::at_call(skip, effect));
            while once(&dead, &present(&summer())).await.is_some() {}
            for goal in [&present(&changed), &gone] {
                let cloud = FakeCloud::new(dead.world());
                converge(&cloud, goal).await;
                assert_eq!(refusals(&cloud.take_log()), [], "{effect:?} at call {skip}");
                assert_at_rest(&cloud, goal).await;
                match goal {
                    Goal::Present(_) => assert_present(&cloud.world(), &changed),
                    Goal::Absent(identity, data) => {
                        assert_absent(&cloud.world(), identity, *data, &World::default());
                    }
                }
            }
        }
    });
}

proptest! {
    #![proptest_config(configuration())]

    /// The second one dies too.
    #[test]
    fn two_deaths_in_a_row_leave_what_none_leaves(
        deaths in prop::collection::vec((0_usize..300, select(Effect::DEATHS.to_vec())), 2),
        scenario in 0_usize..3,
    ) {
        run(async {
            let (before, goal) = match scenario {
                0 => (slow_world(), present(&summer())),
                1 => (full().await, present(&changed())),
                _ => (full().await, absent(&summer(), DataPolicy::Delete)),
            };
            let end = calm(&before, &goal).await.end;
            let cloud = FakeCloud::new(before);
            for (skip, effect) in deaths {
                cloud.inject(Fault::at_call(skip, effect));
                once(&cloud, &goal).await;
                cloud.calm();
            }
            converge(&cloud, &goal).await;
            assert_eq!(refusals(&cloud.take_log()), []);
            assert_ends(&cloud.world(), &end, "two deaths");
            assert_at_rest(&cloud, &goal).await;
        });
    }
}

/// What a call may be answered with, any number of times, without harm.
///
/// To see it fail: plan for a function before its role is there.
#[test]
fn a_gallery_is_made_as_soon_as_aws_stops_refusing() {
    run(async {
        let gallery = summer();
        let names: std::collections::BTreeSet<_> = {
            let cloud = FakeCloud::new(slow_world());
            converge(&cloud, &present(&gallery)).await;
            writes(&cloud.take_log()).into_iter().map(|operation| operation.name).collect()
        };
        let answers = [
            Effect::Answer(503, "ServiceUnavailable", "Service unavailable"),
            Effect::AnswerAfter(500, "InternalError", "We encountered an internal error"),
            Effect::Answer(400, "Throttling", "Rate exceeded"),
            Effect::Answer(403, "AccessDenied", "User is not authorized to perform: this"),
            Effect::Answer(
                409,
                "OperationAborted",
                "A conflicting conditional operation is currently in progress",
            ),
            Effect::Answer(400, "ValidationException", "No"),
        ];
        for name in names {
            for effect in answers {
                let cloud = FakeCloud::new(slow_world());
                cloud.inject(Fault { times: 5, ..Fault::always(On::Operation(name), effect) });
                converge(&cloud, &present(&gallery)).await;
                assert_present(&cloud.world(), &gallery);
                assert_eq!(refusals(&cloud.take_log()), [], "{effect:?} to {name}");
            }
        }
    });
}

/// To see it fail: begin `reconcile.rs` with nothing blocked.
#[test]
fn what_cannot_be_read_is_not_touched() {
    run(async {
        let before = in_sync(&summer(), slow_world()).await.world();
        for id in ResourceId::all() {
            let cloud = FakeCloud::new(before.clone());
            let answer = Effect::Answer(403, "AccessDenied", "User is not authorized to perform: this");
            cloud.inject(Fault::always(On::Read(id), answer));
            let outcome = once(&cloud, &present(&changed())).await.unwrap();
            assert!(outcome.applied.iter().all(|action| action.resource != id), "{id} was touched");
            assert!(outcome.failures.iter().any(|failure| failure.resource == id));
            assert_eq!(refusals(&cloud.take_log()), [], "{id} could not be read");
            cloud.calm();
            converge(&cloud, &present(&changed())).await;
            assert_present(&cloud.world(), &changed());
        }
    });
}

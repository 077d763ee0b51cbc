//! Every single fault at every single write.

use super::super::drive::{
    absent, assert_absent, assert_at_rest, assert_present, converge, in_sync, present, run, with_new_release,
    with_spec,
};
use super::super::edits::edit;
use super::super::fake_cloud::{Effect, FakeCloud, Fault, On, World, refusals, writes};
use super::super::galleries::summer;
use super::{histories, slow_world};
use crate::gallery::{DataPolicy, Gallery, Goal};
use crate::graph::ResourceId;

const EFFECTS: [Effect; 4] = [Effect::LoseRequest, Effect::LoseAnswer, Effect::DieBefore, Effect::DieAfter];

/// Comes from `before` to `goal` once for each fault at each write. Calls `check` at each end. Returns how many there were.
pub(super) async fn every_fault(before: &World, goal: &Goal, check: impl Fn(&World)) -> usize {
    let cloud = FakeCloud::new(before.clone());
    converge(&cloud, goal).await;
    let calls = writes(&cloud.take_log()).len();
    for skip in 0..calls {
        for effect in EFFECTS {
            let cloud = FakeCloud::new(before.clone());
            cloud.inject(Fault::at_write(skip, effect));
            converge(&cloud, goal).await;
            assert_eq!(refusals(&cloud.take_log()), [], "{effect:?} at write {skip}");
            check(&cloud.world());
            assert_at_rest(&cloud, goal).await;
        }
    }
    calls * EFFECTS.len()
}

/// As many things as after a creation without faults.
fn assert_no_more(world: &World, gallery: &Gallery, count: usize) {
    assert_present(world, gallery);
    assert_eq!(world.inventory().len(), count, "orphans or duplicates: {:#?}", world.inventory());
}

/// To see it fail: create the REST API without tags, as if they came in a second step.
#[test]
fn creation_survives_every_fault_at_every_write() {
    run(async {
        let gallery = summer();
        let count = in_sync(&gallery, slow_world()).await.world().inventory().len();
        let points =
            every_fault(&slow_world(), &present(&gallery), |world| assert_no_more(world, &gallery, count))
                .await;
        assert!(points > 200, "only {points} points");
    });
}

/// To see it fail: let `function::update` plan code and configuration in the same round.
#[test]
fn a_change_of_everything_survives_every_fault_at_every_write() {
    run(async {
        let before = in_sync(&summer(), slow_world()).await.world();
        let count = before.inventory().len();
        let changed = with_new_release(&with_spec(&summer(), histories::change_everything));
        let points =
            every_fault(&before, &present(&changed), |world| assert_no_more(world, &changed, count)).await;
        assert!(points > 100, "only {points} points");
    });
}

/// To see it fail: forget the photos bucket in `bucket::stays`.
#[test]
fn deletion_survives_every_fault_at_every_write() {
    run(async {
        let gallery = summer();
        let mut before = in_sync(&gallery, slow_world()).await.world();
        edit(&mut before, &gallery.identity, "add photos");
        for data in [DataPolicy::Delete, DataPolicy::Retain] {
            let check = |world: &World| assert_absent(world, &gallery.identity, data, &World::default());
            let points = every_fault(&before, &absent(&gallery, data), check).await;
            assert!(points > 80, "only {points} points");
        }
    });
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
        let gallery = summer();
        let before = in_sync(&gallery, slow_world()).await.world();
        let changed = with_new_release(&with_spec(&gallery, histories::change_everything));
        for id in ResourceId::all() {
            let cloud = FakeCloud::new(before.clone());
            let answer = Effect::Answer(403, "AccessDenied", "User is not authorized to perform: this");
            cloud.inject(Fault::always(On::Read(id), answer));
            let outcome = super::super::drive::once(&cloud, &present(&changed)).await.unwrap();
            assert!(outcome.applied.iter().all(|action| action.resource != id), "{id} was touched");
            assert!(outcome.failures.iter().any(|failure| failure.resource == id));
            assert_eq!(refusals(&cloud.take_log()), [], "{id} could not be read");
            cloud.restart();
            converge(&cloud, &present(&changed)).await;
            assert_present(&cloud.world(), &changed);
        }
    });
}

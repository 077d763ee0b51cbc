//! What holds for every history: it converges, it comes to rest, it goes without a trace, it leaves others alone; and
//! without faults AWS refuses nothing, which is what finds a wrong order.
//!
//! Each property says how to see it fail: break that line, and run it.
//!
//! Histories are generated: `PROPTEST_CASES` sets how many. A failure prints the shrunken history, ready to read, and notes its
//! seed in `operator/proptest-regressions`, from where every later run replays it first, also elsewhere: check that file in. A
//! whole run is repeated with `PROPTEST_RNG_SEED=<number>`.

mod adoption;
mod answers;
mod crowd;
mod faults;
mod histories;
mod memory;
mod neighbours;
mod quotas;

use super::drive::{
    absent, assert_absent, assert_at_rest, assert_present, converge, in_sync, present, run, with_spec,
};
use super::edits::{edit, names};
use super::fake_cloud::{Call, FakeCloud, Slow, World, refusals};
use super::galleries::summer;
use proptest::prelude::ProptestConfig;

use crate::cloud::ErrorKind;
use crate::gallery::DataPolicy;
use crate::graph::ResourceId;
use crate::resources::Effect;

/// Everything takes a while.
const SLOW: Slow = Slow { table: 1, function: 2, distribution: 3, role: 0, emptying: 0 };

/// As many histories as `make test` has time for.
fn configuration() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig { cases: cases.unwrap_or(256), ..ProptestConfig::default() }
}

fn slow_world() -> World {
    World { slow: SLOW, ..World::default() }
}

/// To see it fail: let `Notification` not depend on `Permission(Thumbnail)` in `graph.rs` (refused), or let
/// `invalidation::update` leave out `Remember` (does not come to rest).
#[test]
fn a_gallery_is_made_without_a_refusal_and_comes_to_rest() {
    run(async {
        for world in [World::default(), slow_world()] {
            let (cloud, goal) = (FakeCloud::new(world), present(&summer()));
            converge(&cloud, &goal).await;
            assert_eq!(refusals(&cloud.take_log()), []);
            assert_present(&cloud.world(), &summer());
            assert_at_rest(&cloud, &goal).await;
        }
    });
}

/// To see it fail: let `reconcile.rs` look once more before it returns.
#[test]
fn a_look_at_a_gallery_in_sync_reads_each_resource_once() {
    run(async {
        let cloud = in_sync(&summer(), World::default()).await;
        cloud.take_log();
        converge(&cloud, &present(&summer())).await;
        let mut read: Vec<_> = cloud.take_log().into_iter().collect();
        read.sort_by_key(|call| format!("{call:?}"));
        let mut all: Vec<_> = ResourceId::all().map(Call::Read).collect();
        all.sort_by_key(|call| format!("{call:?}"));
        assert_eq!(read, all);
    });
}

/// To see it fail: take `Notification` into `goes_with_its_parent` of `graph.rs` (refused: the function goes first), or let
/// `distribution::delete` delete without disabling.
#[test]
fn a_gallery_goes_without_a_refusal_and_without_a_trace() {
    run(async {
        for data in [DataPolicy::Delete, DataPolicy::Retain] {
            let cloud = in_sync(&summer(), slow_world()).await;
            cloud.edit(|world| {
                for name in [
                    "add photos",
                    "protect the table",
                    "add a policy to role/list",
                    "attach a policy to role/list",
                ] {
                    edit(world, &summer().identity, name);
                }
            });
            cloud.take_log();
            converge(&cloud, &absent(&summer(), data)).await;
            assert_eq!(refusals(&cloud.take_log()), []);
            assert_absent(&cloud.world(), &summer().identity, data, &World::default());
            assert_at_rest(&cloud, &absent(&summer(), data)).await;
        }
    });
}

/// To see it fail: let `Identity::ownership` ignore `TAG_RETAINED`, or let `bucket::delete` empty whatever it deletes.
#[test]
fn the_next_gallery_of_the_name_takes_retained_data_back() {
    run(async {
        let cloud = in_sync(&summer(), slow_world()).await;
        cloud.edit(|world| edit(world, &summer().identity, "add photos"));
        let photos = summer().identity.bucket(crate::graph::BucketRole::Photos);
        let kept = cloud.world().buckets[&photos].objects.clone();
        converge(&cloud, &absent(&summer(), DataPolicy::Retain)).await;
        let mut next = summer();
        next.identity.uid = "uid-of-the-next".into();
        converge(&cloud, &present(&next)).await;
        assert_present(&cloud.world(), &next);
        assert_at_rest(&cloud, &present(&next)).await;
        let bucket = &cloud.world().buckets[&photos];
        assert_eq!(bucket.objects, kept);
        assert!(!bucket.observed.tags.contains_key(crate::names::TAG_RETAINED));
        converge(&cloud, &absent(&next, DataPolicy::Delete)).await;
        assert_absent(&cloud.world(), &next.identity, DataPolicy::Delete, &World::default());
    });
}

/// To see it fail: leave out the result of `throttle_differences` in `stage.rs` (not mended).
#[test]
fn every_single_drift_is_mended_without_a_refusal() {
    run(async {
        let gallery = summer();
        let before = in_sync(&gallery, slow_world()).await.world();
        for name in names() {
            let cloud = FakeCloud::new(before.clone());
            cloud.edit(|world| edit(world, &gallery.identity, &name));
            converge(&cloud, &present(&gallery)).await;
            assert_eq!(refusals(&cloud.take_log()), [], "{name}");
            assert_present(&cloud.world(), &gallery);
            assert_at_rest(&cloud, &present(&gallery)).await;
            converge(&cloud, &absent(&gallery, DataPolicy::Delete)).await;
            assert_eq!(refusals(&cloud.take_log()), [], "deletion after {name:?}");
            assert_absent(&cloud.world(), &gallery.identity, DataPolicy::Delete, &World::default());
        }
    });
}

/// What AWS looks into when something else is written has to be right before. To see it fail: let `notification::desired` not ask
/// `permission::is_right`, or `function::desired` not ask whether the zip is there.
#[test]
fn drift_of_two_resources_of_which_one_is_checked_at_a_write_of_the_other_is_mended_without_a_refusal() {
    run(async {
        let gallery = summer();
        let before = in_sync(&gallery, slow_world()).await.world();
        let permission = [
            "remove permission/thumbnail",
            "let another bucket invoke function/thumbnail",
            "let the bucket of another account invoke function/thumbnail",
            "let nobody invoke function/thumbnail",
        ];
        let notification = ["remove notification", "tell another function of uploads"];
        let zips = ["remove artefacts", "replace the zips"];
        let code = ["remove function/list", "change code and memory of function/list", "break function/list"];
        let pairs = permission.into_iter().flat_map(|one| notification.map(|other| [one, other]));
        for pair in pairs.chain(zips.into_iter().flat_map(|one| code.map(|other| [one, other]))) {
            let cloud = FakeCloud::new(before.clone());
            cloud.edit(|world| pair.iter().for_each(|name| edit(world, &gallery.identity, name)));
            converge(&cloud, &present(&gallery)).await;
            assert_eq!(refusals(&cloud.take_log()), [], "{pair:?}");
            assert_present(&cloud.world(), &gallery);
            assert_at_rest(&cloud, &present(&gallery)).await;
        }
    });
}

/// To see it fail: return at the first failure in `reconcile.rs` also when it says "not ready".
#[test]
fn a_role_that_lambda_has_not_heard_of_is_waited_for_within_one_reconcile() {
    run(async {
        let slow = Slow { role: 4, ..Slow::default() };
        let cloud = FakeCloud::new(World { slow, ..World::default() });
        let outcome = super::drive::once(&cloud, &present(&summer())).await.unwrap();
        assert!(outcome.is_complete(), "{:?}", outcome.failures);
        let refused = refusals(&cloud.take_log());
        assert!(refused.iter().all(|error| error.kind == ErrorKind::NotReady), "{refused:?}");
        assert_eq!(refused.len(), 16, "four times for each of four roles");
    });
}

#[test]
fn a_bucket_that_takes_many_rounds_to_empty_goes_in_the_end() {
    run(async {
        let cloud =
            in_sync(&summer(), World { slow: Slow { emptying: 1, ..SLOW }, ..World::default() }).await;
        cloud.edit(|world| edit(world, &summer().identity, "add photos"));
        converge(&cloud, &absent(&summer(), DataPolicy::Delete)).await;
        assert_absent(&cloud.world(), &summer().identity, DataPolicy::Delete, &World::default());
    });
}

/// To see it fail: plan with the new code's configuration in the same round (`else if` to `if` in `function::update`).
#[test]
fn a_change_of_everything_arrives_without_a_refusal() {
    run(async {
        let cloud = in_sync(&summer(), slow_world()).await;
        let changed = super::drive::with_new_release(&with_spec(&summer(), histories::change_everything));
        cloud.take_log();
        let outcome = converge(&cloud, &present(&changed)).await;
        assert_eq!(refusals(&cloud.take_log()), []);
        assert_present(&cloud.world(), &changed);
        assert_at_rest(&cloud, &present(&changed)).await;
        let is_creation = |effect: &Effect| *effect == Effect::Create;
        let mut effects = outcome.applied.iter().flat_map(|action| &action.steps).map(|step| &step.effect);
        assert!(!effects.any(is_creation), "an update made something anew");
    });
}

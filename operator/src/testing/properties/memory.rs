//! Nothing that the operator has in mind is needed.

use super::super::drive::{
    absent, assert_at_rest, converge, converge_forgetfully, in_sync, present, run, with_new_release,
    with_spec,
};
use super::super::edits::{edit, names};
use super::super::fake_cloud::{FakeCloud, World, refusals};
use super::super::galleries::summer;
use super::super::sameness::essence;
use super::{histories, slow_world};
use crate::gallery::{DataPolicy, Goal};

/// Operators that live for one round each come to where one comes that lives on.
async fn same_without_memory(before: &World, goal: &Goal, text: &str) {
    let with = FakeCloud::new(before.clone());
    converge(&with, goal).await;
    let without = FakeCloud::new(before.clone());
    converge_forgetfully(&without, goal).await;
    assert_eq!(refusals(&without.take_log()), [], "{text}");
    assert_eq!(essence(&with.world()), essence(&without.world()), "{text}");
    assert_at_rest(&without, goal).await;
}

/// To see it fail: let `Plan::new` be given the plan before, and leave out what that planned already.
#[test]
fn progress_never_depends_on_memory() {
    run(async {
        let changed = with_new_release(&with_spec(&summer(), histories::change_everything));
        for world in [World::default(), slow_world()] {
            same_without_memory(&world, &present(&summer()), "create").await;
            let there = in_sync(&summer(), world).await.world();
            same_without_memory(&there, &present(&changed), "change").await;
            for data in [DataPolicy::Delete, DataPolicy::Retain] {
                same_without_memory(&there, &absent(&summer(), data), "delete").await;
            }
        }
    });
}

#[test]
fn every_drift_is_mended_without_memory() {
    run(async {
        let there = in_sync(&summer(), slow_world()).await.world();
        for name in names() {
            let mut drifted = there.clone();
            edit(&mut drifted, &summer().identity, &name);
            same_without_memory(&drifted, &present(&summer()), &name).await;
        }
    });
}

//! What is believed after AWS's answers is what AWS shows.

use super::super::drive::{absent, converge, in_sync, present, run, with_new_release, with_spec};
use super::super::edits::{edit, names};
use super::super::fake_cloud::{Call, FakeCloud, World, writes};
use super::super::galleries::summer;
use super::{histories, slow_world};
use crate::gallery::{DataPolicy, Gallery, Goal};
use crate::graph::ResourceId;
use crate::reconcile::{Memory, glance, look};

async fn assert_believed(cloud: &FakeCloud, gallery: &Gallery, text: &str) {
    let goal = present(gallery);
    let believed = converge(cloud, &goal).await.seen;
    let found = look(cloud, &goal).await.seen;
    let (believed, found) = (format!("{believed:#?}"), format!("{found:#?}"));
    let different = believed.lines().zip(found.lines()).find(|(one, other)| one != other);
    assert!(believed == found, "{text}: {different:?}");
}

/// To see it fail: leave out a field in the `after` of a kind.
#[test]
fn what_calls_leave_behind_is_what_a_look_finds() {
    run(async {
        let changed = with_new_release(&with_spec(&summer(), histories::change_everything));
        for world in [World::default(), slow_world()] {
            let cloud = FakeCloud::new(world);
            assert_believed(&cloud, &summer(), "create").await;
            assert_believed(&cloud, &changed, "change").await;
        }
        let there = in_sync(&summer(), World::default()).await.world();
        for name in names() {
            let cloud = FakeCloud::new(there.clone());
            cloud.edit(|world| edit(world, &summer().identity, &name));
            assert_believed(&cloud, &summer(), &name).await;
        }
    });
}

fn reads(log: &[Call]) -> Vec<ResourceId> {
    let read = |call: &Call| match call {
        Call::Read(id) => Some(*id),
        Call::Ask | Call::Write(..) => None,
    };
    log.iter().filter_map(read).collect()
}

/// To see it fail: let `After::Unknown` be the answer of `bucket::after`.
#[test]
fn what_was_written_is_not_read_but_where_aws_goes_on_working() {
    run(async {
        let cloud = FakeCloud::default();
        converge(&cloud, &present(&summer())).await;
        let mut counts = std::collections::BTreeMap::<ResourceId, usize>::new();
        for id in reads(&cloud.take_log()) {
            *counts.entry(id).or_default() += 1;
        }
        let again: Vec<_> = counts.into_iter().filter(|(_, count)| *count > 1).map(|(id, _)| id).collect();
        let works_on = |id: &ResourceId| {
            matches!(id, ResourceId::Table | ResourceId::Function(_) | ResourceId::Permission(_))
        };
        assert!(again.iter().all(works_on), "{again:?}");
    });
}

async fn remembered(cloud: &FakeCloud, goal: &Goal) -> Memory {
    Memory::of(&look(cloud, goal).await).unwrap()
}

/// To see it fail: let `glance` return its outcome whatever it has found.
#[test]
fn a_glance_writes_nothing_and_leaves_whatever_it_finds_to_a_look() {
    run(async {
        let (gallery, goal) = (summer(), present(&summer()));
        let there = in_sync(&gallery, World::default()).await.world();
        let cloud = FakeCloud::new(there.clone());
        let memory = remembered(&cloud, &goal).await;
        cloud.take_log();
        let outcome = glance(&cloud, &goal, &memory).await.unwrap();
        assert!(outcome.is_complete() && outcome.is_glance);
        assert!(reads(&cloud.take_log()).len() <= 12);
        let mut found = 0;
        for name in names() {
            let cloud = FakeCloud::new(there.clone());
            cloud.edit(|world| edit(world, &gallery.identity, &name));
            let outcome = glance(&cloud, &goal, &memory).await;
            assert_eq!(writes(&cloud.take_log()), [], "{name}");
            assert!(outcome.is_none_or(|outcome| outcome.is_complete()), "{name}");
            found += usize::from(glance(&cloud, &goal, &memory).await.is_none());
        }
        assert!(found >= 15, "a glance sees {found} of {} edits", names().len());
    });
}

#[test]
fn while_aws_is_at_work_only_that_is_looked_at() {
    run(async {
        let cloud = FakeCloud::new(slow_world());
        let goal = present(&summer());
        let outcome = super::super::drive::once(&cloud, &goal).await.unwrap();
        assert!(!outcome.is_complete());
        let memory = Memory::of(&outcome).unwrap();
        cloud.take_log();
        let mut outcome = glance(&cloud, &goal, &memory).await.unwrap();
        while !outcome.is_complete() {
            outcome = glance(&cloud, &goal, &memory).await.unwrap();
        }
        assert!(reads(&cloud.take_log()).iter().all(|id| *id == ResourceId::Distribution));

        let going = absent(&summer(), DataPolicy::Delete);
        let outcome = super::super::drive::once(&cloud, &going).await.unwrap();
        let memory = Memory::of(&outcome).unwrap();
        cloud.take_log();
        while glance(&cloud, &going, &memory).await.is_some() {}
        assert!(reads(&cloud.take_log()).iter().all(|id| *id == ResourceId::Distribution));
        converge(&cloud, &going).await;
    });
}

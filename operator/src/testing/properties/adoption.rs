//! What another cluster, or an earlier gallery of the same name, left: never taken by itself, wholly taken by the annotation.

use std::sync::Arc;

use super::super::drive::{
    absent, assert_absent, assert_at_rest, assert_present, converge, in_sync, once, present, run,
};
use super::super::edits::edit;
use super::super::fake_cloud::{Effect, FakeCloud, Fault, World, refusals, writes};
use super::super::galleries::summer;
use super::faults::every_fault;
use super::neighbours::assert_untouched;
use super::slow_world;
use crate::gallery::{DataPolicy, Gallery, Identity, Installation};
use crate::graph::{BucketRole, ResourceId};
use crate::ownership::Maker;

/// The gallery as another cluster knew it.
fn of_another_cluster() -> Gallery {
    let mut gallery = summer();
    let installation = Installation { owner_id: "lost".into(), ..(*gallery.identity.installation).clone() };
    gallery.identity.installation = Arc::new(installation);
    gallery.identity.uid = "uid-in-the-lost-cluster".into();
    gallery
}

/// The gallery as this cluster knew it, before somebody removed its finalizer by hand.
fn earlier() -> Gallery {
    let mut gallery = summer();
    gallery.identity.uid = "uid-of-an-earlier-one".into();
    gallery
}

/// `summer`, with the annotation that takes over what `left` made.
fn adopting(left: &Gallery) -> Gallery {
    let Identity { installation, uid, .. } = &left.identity;
    let adopts = Maker { owner_id: installation.owner_id.clone(), uid: uid.clone() };
    let mut gallery = summer();
    gallery.identity.adopts = Some(adopts);
    gallery
}

/// Everything that `gallery` makes, with photos in it.
async fn with_photos(gallery: &Gallery) -> World {
    let mut world = in_sync(gallery, slow_world()).await.world();
    edit(&mut world, &gallery.identity, "add photos");
    world
}

/// What the annotation's operator makes besides, because it is shared by all of its galleries.
fn shared_by(left: &Gallery) -> usize {
    let is_same = left.identity.installation == summer().identity.installation;
    if is_same { 0 } else { 3 }
}

/// To see it fail: leave out `left` in the fake's and the real `observe` of the REST API; a second one is made.
#[test]
fn nothing_of_another_cluster_or_an_earlier_gallery_is_taken_without_the_annotation() {
    run(async {
        for left in [of_another_cluster(), earlier()] {
            let before = with_photos(&left).await;
            let stranger = adopting(&Gallery {
                identity: Identity { uid: "uid-of-somebody-else".into(), ..left.identity.clone() },
                ..left.clone()
            });
            for gallery in [summer(), stranger] {
                let cloud = FakeCloud::new(before.clone());
                for _ in 0..8 {
                    let outcome = once(&cloud, &present(&gallery)).await.unwrap();
                    let Maker { owner_id, uid } = adopting(&left).identity.adopts.unwrap();
                    for id in [ResourceId::RestApi, ResourceId::Distribution, ResourceId::Table] {
                        let command = outcome.plan.conflicts[&id].whose.adopt.as_ref().unwrap();
                        assert!(
                            command.ends_with(&format!("photogallery.dev/adopt={owner_id}/{uid}")),
                            "{command}"
                        );
                    }
                }
                assert_eq!(refusals(&cloud.take_log()), []);
                assert_untouched(&before, &cloud.world(), "left");
                assert_eq!(cloud.world().inventory(), before.inventory(), "made beside it");

                converge(&cloud, &absent(&gallery, DataPolicy::Delete)).await;
                assert_untouched(&before, &cloud.world(), "left by a deletion");
            }
        }
    });
}

/// To see it fail: let `ownership` ignore `adopts`, or let `tag_steps` of a kind leave out the owner's tags.
#[test]
fn one_annotation_takes_over_everything_and_is_not_needed_afterwards() {
    run(async {
        for left in [of_another_cluster(), earlier()] {
            let before = with_photos(&left).await;
            let cloud = FakeCloud::new(before.clone());
            let goal = present(&adopting(&left));
            converge(&cloud, &goal).await;
            assert_eq!(refusals(&cloud.take_log()), []);
            assert_at_rest(&cloud, &goal).await;
            assert_present(&cloud.world(), &summer());
            assert_at_rest(&cloud, &present(&summer())).await;
            let more = cloud.world().inventory().len() - before.inventory().len();
            assert_eq!(more, shared_by(&left), "{:#?}", cloud.world().inventory());
            let photos = summer().identity.bucket(BucketRole::Photos);
            assert_eq!(before.buckets[&photos].objects, cloud.world().buckets[&photos].objects);

            // Now it is in the other's way, who leaves it alone.
            let taken = cloud.world();
            once(&cloud, &present(&left)).await.unwrap();
            converge(&cloud, &absent(&left, DataPolicy::Delete)).await;
            assert_untouched(&taken, &cloud.world(), "taken");

            converge(&cloud, &absent(&summer(), DataPolicy::Delete)).await;
            let mut kept = World::default();
            let artefacts = left.identity.bucket(BucketRole::Artefacts);
            kept.buckets.extend(
                before.buckets.get_key_value(&artefacts).map(|(name, it)| (name.clone(), it.clone())),
            );
            assert_absent(&cloud.world(), &summer().identity, DataPolicy::Delete, &kept);
        }
    });
}

/// To see it fail: let `rest_api::observe` look for what is left only when it is complete.
#[test]
fn taking_over_survives_every_fault_at_every_call() {
    run(async {
        let left = of_another_cluster();
        let before = with_photos(&left).await;
        let points = every_fault(&before, &present(&adopting(&left))).await;
        assert!(points > 80, "only {points} points");
    });
}

/// A finalizer removed by hand in the middle of a deletion.
#[test]
fn what_half_a_deletion_left_is_taken_over_too() {
    run(async {
        let left = earlier();
        let before = with_photos(&left).await;
        let count = before.inventory().len();
        let deletion = {
            let cloud = FakeCloud::new(before.clone());
            converge(&cloud, &absent(&left, DataPolicy::Delete)).await;
            writes(&cloud.take_log()).len()
        };
        for skip in 0..deletion {
            let cloud = FakeCloud::new(before.clone());
            cloud.inject(Fault::at_write(skip, Effect::DieBefore));
            while once(&cloud, &absent(&left, DataPolicy::Delete)).await.is_some() {}
            once(&cloud, &present(&summer())).await.unwrap();
            converge(&cloud, &present(&adopting(&left))).await;
            assert_eq!(refusals(&cloud.take_log()), [], "after {skip} writes");
            assert_present(&cloud.world(), &summer());
            assert_eq!(cloud.world().inventory().len(), count, "{skip}: {:#?}", cloud.world().inventory());
            assert_at_rest(&cloud, &present(&summer())).await;
        }
    });
}

//! What belongs to others stays as it is.

use functions_core::contract::FunctionName;
use strum::IntoEnumIterator;

use super::super::drive::{
    absent, assert_absent, assert_at_rest, assert_present, converge, in_sync, once, present, run,
};
use super::super::edits::edit;
use super::super::fake_cloud::{FakeCloud, World, refusals, writes};
use super::super::galleries::{identity, summer};
use super::slow_world;
use crate::gallery::{DataPolicy, Gallery};
use crate::graph::{BucketRole, ResourceId};

/// Resources that somebody else can have under our name.
fn could_be_foreign() -> Vec<ResourceId> {
    let buckets = BucketRole::iter().map(ResourceId::Bucket);
    let functions = FunctionName::ALL
        .into_iter()
        .flat_map(|name| [ResourceId::LogGroup(name), ResourceId::Role(name), ResourceId::Function(name)]);
    buckets.chain(functions).chain([ResourceId::Table]).collect()
}

/// A world with one stranger in it.
fn with_stranger(id: ResourceId) -> World {
    let mut world = slow_world();
    edit(&mut world, &summer().identity, &format!("foreign {id}"));
    world
}

/// Everything that was in `before` is in `after` as it was.
pub(super) fn assert_untouched(before: &World, after: &World, text: &str) {
    macro_rules! same {
        ($($field:ident),*) => {$(
            for (name, was) in &before.$field {
                assert_eq!(Some(was), after.$field.get(name), "{text}: {name}");
            }
        )*};
    }
    same!(buckets, tables, log_groups, roles, functions, rest_apis, distributions);
}

/// To see it fail: let `Identity::ownership` say `Ours` for what has no tags; or let `Plan::absent` plan for a notification
/// in a bucket that is somebody else's; or leave the conflicts out of `preflight::check`.
#[test]
fn a_stranger_of_our_name_is_never_touched_and_nothing_is_made_beside_it() {
    run(async {
        for id in could_be_foreign() {
            let before = with_stranger(id);
            let cloud = FakeCloud::new(before.clone());
            for _ in 0..8 {
                let outcome = once(&cloud, &present(&summer())).await.unwrap();
                assert!(outcome.plan.conflicts.contains_key(&id), "{id}");
                assert!(!outcome.is_complete());
            }
            assert_eq!(cloud.world().inventory(), before.inventory(), "{id}");
            converge(&cloud, &absent(&summer(), DataPolicy::Delete)).await;
            assert_eq!(writes(&cloud.take_log()), [], "{id}");
            assert_untouched(&before, &cloud.world(), &id.to_string());
        }
    });
}

/// A gallery that is there already goes on, but for what needs the stranger's place.
///
/// To see it fail: let `preflight::is_due` be true.
#[test]
fn a_stranger_that_comes_later_is_never_touched_and_what_does_not_need_its_place_is_mended() {
    run(async {
        let gallery = summer();
        let in_sync = in_sync(&gallery, slow_world()).await.world();
        for id in could_be_foreign() {
            let mut before = in_sync.clone();
            edit(&mut before, &gallery.identity, "rename the REST API");
            edit(&mut before, &gallery.identity, &format!("foreign {id}"));
            let cloud = FakeCloud::new(before.clone());
            let outcome = once(&cloud, &present(&gallery)).await.unwrap();
            assert!(outcome.plan.conflicts.contains_key(&id), "{id}");
            let mended: Vec<_> = outcome.applied.iter().map(|action| action.resource).collect();
            assert!(mended.contains(&ResourceId::RestApi), "{id} keeps everything: {mended:?}");
            converge(&cloud, &absent(&gallery, DataPolicy::Delete)).await;
            assert_eq!(refusals(&cloud.take_log()), [], "{id}");
            let mut stranger = World::default();
            edit(&mut stranger, &gallery.identity, &format!("foreign {id}"));
            assert_absent(&cloud.world(), &gallery.identity, DataPolicy::Delete, &stranger);
        }
    });
}

#[test]
fn a_gallery_goes_on_when_the_stranger_has_gone() {
    run(async {
        for id in could_be_foreign() {
            let cloud = FakeCloud::new(with_stranger(id));
            once(&cloud, &present(&summer())).await.unwrap();
            cloud.edit(|world| edit(world, &summer().identity, &format!("remove {id}")));
            converge(&cloud, &present(&summer())).await;
            assert_present(&cloud.world(), &summer());
        }
    });
}

/// A REST API has no name to take, so one that looks like ours is in nobody's way.
#[test]
fn a_rest_api_that_looks_like_ours_is_not_in_the_way() {
    run(async {
        let before = with_stranger(ResourceId::RestApi);
        let cloud = in_sync(&summer(), before.clone()).await;
        assert_present(&cloud.world(), &summer());
        converge(&cloud, &absent(&summer(), DataPolicy::Delete)).await;
        assert_untouched(&before, &cloud.world(), "REST API");
    });
}

/// What others add to our resources, in places that we do not own.
///
/// To see it fail: let `names::merged_tags` begin with no tags.
#[test]
fn what_others_add_stays_through_updates() {
    run(async {
        let cloud = in_sync(&summer(), slow_world()).await;
        let additions = [
            "tag bucket/photos with cost=7",
            "tag role/list with cost=7",
            "add a notification",
            "deploy the REST API by hand",
            "put a web ACL on the distribution",
        ];
        cloud.edit(|world| additions.iter().for_each(|name| edit(world, &summer().identity, name)));
        let changed = super::super::drive::with_spec(&summer(), super::histories::change_everything);
        converge(&cloud, &present(&changed)).await;
        let (world, identity) = (cloud.world(), summer().identity);
        let photos = &world.buckets[&identity.bucket(BucketRole::Photos)];
        assert_eq!(photos.observed.tags["cost"], "7");
        assert!(photos.notifications.contains_key("other"));
        assert_eq!(world.roles[&identity.role(FunctionName::List)].tags["cost"], "7");
        let by_hand = |api: &super::super::fake_cloud::parts::RestApi| {
            api.deployments.iter().any(|it| it.id == "by-hand")
        };
        assert!(world.rest_apis.values().any(by_hand));
        assert!(world.distributions.values().all(|found| found.others.contains_key("web ACL")));
        assert_at_rest(&cloud, &present(&changed)).await;
    });
}

/// To see it fail: leave the namespace out of `Identity::compose` and of its hash.
#[test]
fn two_galleries_are_made_side_by_side_and_one_goes_alone() {
    run(async {
        let mut two = Gallery { identity: identity("other", "summer"), ..summer() };
        two.identity.uid = "uid-of-the-other".into();
        let one = summer();
        let cloud = FakeCloud::new(slow_world());
        let (here, there) = (present(&one), present(&two));
        tokio::join!(converge(&cloud, &here), converge(&cloud, &there));
        assert_present(&cloud.world(), &one);
        assert_present(&cloud.world(), &two);
        assert_eq!(cloud.world().origin_access_controls.len(), 1);
        assert_eq!(cloud.world().response_headers_policies.len(), 1);
        let alone = in_sync(&two, slow_world()).await.world();
        converge(&cloud, &absent(&one, DataPolicy::Delete)).await;
        assert_eq!(cloud.world().inventory().len(), alone.inventory().len());
        assert_present(&cloud.world(), &two);
        assert_at_rest(&cloud, &present(&two)).await;
    });
}

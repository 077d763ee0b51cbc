//! An account that is full, and galleries that are as large as they may be.

use super::super::drive::{
    absent, assert_absent, assert_at_rest, assert_present, converge, in_sync, once, present, run,
};
use super::super::fake_cloud::{FakeCloud, Quotas, World, refusals};
use super::super::galleries::{identity, summer};
use super::slow_world;
use crate::cloud::ErrorKind;
use crate::gallery::{DataPolicy, Gallery};
use crate::names::PREFIX_LENGTH;

/// No more of one kind than there are. The first two are not counted before anything is made.
const FULL: [fn(&World, &mut Quotas); 7] = [
    |world, quotas| quotas.buckets = world.buckets.len(),
    |world, quotas| quotas.tables = world.tables.len(),
    |world, quotas| quotas.roles = world.roles.len(),
    |world, quotas| quotas.rest_apis = world.rest_apis.len(),
    |world, quotas| quotas.distributions = world.distributions.len(),
    |world, quotas| quotas.origin_access_controls = world.origin_access_controls.len(),
    |world, quotas| quotas.response_headers_policies = world.response_headers_policies.len(),
];

/// To see it fail: let `classify` take `TooManyBuckets` and its like for a throttle, or leave a quota out of `quota::needs`.
#[test]
fn a_gallery_in_a_full_account_says_so_and_is_made_when_there_is_room() {
    run(async {
        for (index, fill) in FULL.iter().enumerate() {
            let mut world = slow_world();
            fill(&World::default(), &mut world.quotas);
            let cloud = FakeCloud::new(world);
            for _ in 0..8 {
                let outcome = once(&cloud, &present(&summer())).await.unwrap();
                let kinds = outcome.failures.iter().map(|failure| failure.error.kind);
                assert!(
                    kinds.into_iter().all(|kind| kind == ErrorKind::LimitExceeded),
                    "{:?}",
                    outcome.failures
                );
                assert!(!outcome.is_complete());
                let is_counted = index > 1;
                assert_eq!(outcome.failures.is_empty(), is_counted, "{:?}", outcome.failures);
                let said: Vec<_> = outcome.preflight.problems.iter().map(|problem| problem.kind).collect();
                assert_eq!(said == [ErrorKind::LimitExceeded], is_counted, "{said:?}");
                assert!(
                    !is_counted || cloud.world().inventory().is_empty(),
                    "{:?}",
                    cloud.world().inventory()
                );
            }
            cloud.edit(|world| world.quotas = Quotas::default());
            cloud.take_log();
            converge(&cloud, &present(&summer())).await;
            assert_eq!(refusals(&cloud.take_log()), []);
            assert_present(&cloud.world(), &summer());
            assert_at_rest(&cloud, &present(&summer())).await;
        }
    });
}

/// What is shared takes no more room, however many galleries there are.
///
/// To see it fail: put the gallery's name into `Installation::origin_access_control`.
#[test]
fn one_more_gallery_takes_no_more_of_what_is_shared() {
    run(async {
        let mut world = in_sync(&summer(), slow_world()).await.world();
        for fill in &FULL[5..] {
            fill(&world.clone(), &mut world.quotas);
        }
        let another = Gallery { identity: identity("photos", "winter"), ..summer() };
        let cloud = in_sync(&another, world).await;
        assert_eq!(refusals(&cloud.take_log()), []);
        assert_present(&cloud.world(), &another);
    });
}

/// Names of every length that Kubernetes and the schema allow, forty long tags, ten long origins.
///
/// To see it fail: leave out the limit in `Identity::compose`, or in `Gallery::tags`.
#[test]
fn the_largest_gallery_is_refused_nowhere() {
    run(async {
        let mut gallery = summer();
        gallery.identity = identity(&"n".repeat(63), &"g".repeat(40));
        gallery.identity.region = "ap-southeast-1".into();
        let mut installation = (*gallery.identity.installation).clone();
        installation.prefix = "p".repeat(PREFIX_LENGTH);
        gallery.identity.installation = installation.into();
        gallery.spec.title = "T".repeat(80);
        for number in 10..50 {
            gallery.spec.tags.insert(format!("{number}{}", "k".repeat(126)), "v".repeat(256));
        }
        gallery.spec.api.additional_allowed_origins =
            (0..10).map(|number| format!("https://{number}{}", "h".repeat(246))).collect();
        let (cloud, goal) = (FakeCloud::new(slow_world()), present(&gallery));
        converge(&cloud, &goal).await;
        assert_eq!(refusals(&cloud.take_log()), []);
        assert_present(&cloud.world(), &gallery);
        assert_at_rest(&cloud, &goal).await;
        for name in cloud.world().buckets.keys() {
            assert!((3..=63).contains(&name.len()), "{name}");
        }
        for name in cloud.world().functions.keys().chain(cloud.world().roles.keys()) {
            assert!(name.len() <= 64, "{name}");
        }
        converge(&cloud, &absent(&gallery, DataPolicy::Delete)).await;
        assert_absent(&cloud.world(), &gallery.identity, DataPolicy::Delete, &World::default());
    });
}

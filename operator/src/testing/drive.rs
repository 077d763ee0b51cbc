//! Reconciling on the fake cloud until there is nothing left to do.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use strum::IntoEnumIterator;

use crate::gallery::{DataPolicy, Gallery, Goal, Identity};
use crate::graph::{BucketRole, ResourceId};
use crate::reconcile::{Outcome, Progress, Quiet, reconcile};
use crate::resources::rest_api;
use crate::resources::table::Index;
use crate::testing::fake_cloud::{Call, FakeCloud, World};
use crate::testing::life::Life;

/// Reconciles that must be enough, whatever happened. A distribution is asked about once in each.
const ENOUGH: usize = 40;

/// A gallery that should be there.
pub(crate) fn present(gallery: &Gallery) -> Goal {
    Goal::Present(Box::new(gallery.clone()))
}

/// A gallery that should go.
pub(crate) fn absent(gallery: &Gallery, data: DataPolicy) -> Goal {
    Goal::Absent(gallery.identity.clone(), data)
}

/// One reconcile. `None`: the operator died in it, and lives again.
pub(crate) async fn once(cloud: &FakeCloud, goal: &Goal) -> Option<Outcome> {
    cloud.life.spend(reconcile(cloud, goal, &Quiet)).await
}

/// A life of one round: the operator dies when the second one begins, and all that it had in mind is lost.
struct OneRound<'a> {
    life: &'a Life,
    rounds: AtomicUsize,
}

impl Progress for OneRound<'_> {
    async fn round(&self, _: &Outcome) {
        if self.rounds.fetch_add(1, Ordering::Relaxed) > 0 {
            self.life.end();
            self.life.turn().await;
        }
    }
}

/// One round. `None`: there would have been another.
pub(crate) async fn one_round(cloud: &FakeCloud, goal: &Goal) -> Option<Outcome> {
    let progress = OneRound { life: &cloud.life, rounds: AtomicUsize::new(0) };
    cloud.life.spend(reconcile(cloud, goal, &progress)).await
}

/// As [`converge`], by operators each of which lives for one round.
pub(crate) async fn converge_forgetfully(cloud: &FakeCloud, goal: &Goal) {
    for _ in 0..ENOUGH * 2 {
        if one_round(cloud, goal).await.is_some_and(|outcome| outcome.is_complete()) {
            return;
        }
        tokio::time::sleep(Duration::from_secs(12)).await;
    }
    panic!("{goal:?} is not reached without memory");
}

/// Reconciles until the goal is reached.
pub(crate) async fn converge(cloud: &FakeCloud, goal: &Goal) -> Outcome {
    let mut last = None;
    for _ in 0..ENOUGH {
        match once(cloud, goal).await {
            Some(outcome) if outcome.is_complete() => return outcome,
            other => last = other,
        }
        tokio::time::sleep(Duration::from_secs(12)).await;
    }
    let last = last.map(|outcome| (outcome.plan.to_string(), outcome.failures));
    panic!("{goal:?} is not reached: {last:#?}");
}

/// A gallery in sync, in a world without faults.
pub(crate) async fn in_sync(gallery: &Gallery, world: World) -> FakeCloud {
    let cloud = FakeCloud::new(world);
    converge(&cloud, &present(gallery)).await;
    cloud
}

/// Runs a test whose time passes by itself.
pub(crate) fn run<T>(test: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time().start_paused(true).build().unwrap().block_on(test)
}

/// Everything is there once, and as visitors need it. Looks at the account itself, not at what the operator saw.
pub(crate) fn assert_present(world: &World, gallery: &Gallery) {
    let identity = &gallery.identity;
    let is_ours = |tags| identity.ownership(tags) == crate::ownership::Ownership::Ours;
    let apis: Vec<_> = world.rest_apis.iter().filter(|(_, api)| is_ours(&api.tags)).collect();
    let [(api_id, api)] = apis[..] else { panic!("not one REST API: {apis:#?}") };
    let distributions: Vec<_> = world.distributions.values().filter(|found| is_ours(&found.tags)).collect();
    let [distribution] = distributions[..] else { panic!("not one distribution: {distributions:#?}") };

    assert!(api.settings.is_empty() && distribution.config.enabled, "visitors are turned away");
    assert_eq!(distribution.config.price_class, gallery.spec.cdn.price_class.as_str());
    let stage = api.stage.as_ref().unwrap();
    let throttle = &gallery.spec.api.throttle;
    let limits = stage.throttle.map(|throttle| (throttle.rate, throttle.burst));
    assert_eq!(limits, Some((throttle.requests_per_second, throttle.burst)));
    let live = api.deployments.iter().find(|deployment| deployment.id == stage.deployment).unwrap();
    assert_eq!(live.snapshot, rest_api::digest(gallery), "visitors are served other routes");
    let of_ours = api.deployments.iter().filter(|deployment| deployment.description.len() == 64);
    assert_eq!(of_ours.count(), 1, "deployments: {:?}", api.deployments);

    assert!(distribution.asks(&identity.rest_api_host(api_id)), "it asks another REST API");
    let site = &world.buckets[&identity.bucket(BucketRole::Frontend)].objects;
    assert_eq!(distribution.told.as_ref(), Some(site), "caches were not told of the site as it is");

    assert_data(world, gallery);
    for function in functions_core::contract::FunctionName::ALL {
        let logs = &world.log_groups[&identity.log_group(function)];
        assert_eq!(logs.retention_days, Some(gallery.spec.functions.log_retention_days));
        let statements = &world.functions[&identity.function(function)].statements;
        let who: Vec<_> =
            statements.iter().map(|(id, it)| (id.as_str(), it.source_account.as_str())).collect();
        assert_eq!(
            who,
            [("photogallery", identity.installation.account.as_str())],
            "{function} is anybody's"
        );
        let found = &world.functions[&identity.function(function)].observed;
        let zip = gallery.release.function(gallery.spec.functions.architecture, function).unwrap();
        assert_eq!(found.code_sha256, zip.code_sha256, "{function} has other code");
        let (size, has) = (gallery.size(function), &found.configuration);
        assert_eq!((has.memory_mib, has.timeout_seconds), (size.memory_mib, size.timeout_seconds));
        assert_eq!(found.reserved_concurrency, size.reserved_concurrency);
        assert_eq!(has.environment, gallery.environment(function));
        let role = &world.roles[&identity.role(function)];
        assert!(role.policies.len() == 1 && role.attached.is_empty(), "{function} may do more: {role:?}");
    }
}

/// Photos and their metadata are kept as they should be, and only from the gallery's pages they can be sent.
fn assert_data(world: &World, gallery: &Gallery) {
    let identity = &gallery.identity;
    for role in BucketRole::iter() {
        let bucket = &world.buckets[&identity.bucket(role)];
        let seen = &bucket.observed;
        assert!(
            seen.unblocked.is_empty() && bucket.policy.is_some() && !seen.lifecycle.is_empty(),
            "{role:?}: {bucket:#?}"
        );
        let (ownership, encryption) = (seen.ownership.as_deref(), seen.encryption.as_deref());
        assert_eq!((ownership, encryption), (Some("BucketOwnerEnforced"), Some("AES256")), "{role:?}");
    }
    let photos = &world.buckets[&identity.bucket(BucketRole::Photos)];
    let origins: Vec<_> = photos.cors.iter().flatten().flat_map(|rule| &rule.origins).collect();
    assert_eq!(origins.len(), 1 + gallery.spec.api.additional_allowed_origins.len(), "{origins:?}");
    let arn = identity.function_arn(functions_core::contract::FunctionName::Thumbnail);
    assert!(photos.notifications.values().any(|entry| entry.function == arn && entry.prefix == "incoming/"));
    let table = &world.tables[&identity.table()].observed;
    assert!(table.is_on_demand && table.index == Index::AsPlanned && table.has_recovery, "{table:?}");
}

/// Of the gallery nothing is there but what `data` keeps, and that is marked. Shared things stay.
pub(crate) fn assert_absent(world: &World, identity: &Identity, data: DataPolicy, others: &World) {
    let mut kept = Vec::new();
    if data == DataPolicy::Retain {
        let (bucket, table) = (identity.bucket(BucketRole::Photos), identity.table());
        kept = vec![format!("bucket {bucket}"), format!("table {table}")];
        let tags = [&world.buckets[&bucket].observed.tags, &world.tables[&table].observed.tags];
        assert!(tags.iter().all(|tags| tags.contains_key(crate::names::TAG_RETAINED)), "{tags:?}");
    }
    let shared = |name: &String| {
        name.contains("origin access control")
            || name.contains("response headers policy")
            || *name == format!("bucket {}", identity.bucket(BucketRole::Artefacts))
    };
    let left: Vec<_> = world.inventory().difference(&others.inventory()).cloned().collect();
    let left: Vec<_> = left.into_iter().filter(|name| !shared(name) && !kept.contains(name)).collect();
    assert_eq!(left, [""; 0], "orphans");
}

/// Another look changes nothing, asks for nothing, and reads each resource once: that is the whole budget.
pub(crate) async fn assert_at_rest(cloud: &FakeCloud, goal: &Goal) {
    cloud.take_log();
    let (before, outcome) = (cloud.world(), once(cloud, goal).await.unwrap());
    assert!(outcome.is_complete(), "{}", outcome.plan);
    let mut calls: Vec<_> = cloud.take_log().iter().map(|call| format!("{call:?}")).collect();
    // Of what is gone, or goes with it, nothing needs to be asked; a bucket that stays may notify somebody.
    let stays = before.buckets.contains_key(&goal.identity().bucket(BucketRole::Photos));
    let is_asked = |id: &ResourceId| match goal {
        Goal::Present(_) => true,
        Goal::Absent(..) if *id == ResourceId::Notification => stays,
        Goal::Absent(..) => !id.is_shared() && id.found_below().is_none(),
    };
    let all = ResourceId::all().filter(is_asked);
    let mut budget: Vec<_> = all.map(|id| format!("{:?}", Call::Read(id))).collect();
    calls.sort();
    budget.sort();
    assert_eq!(calls, budget);
    assert_eq!(before, cloud.world());
}

/// The same gallery, with another spec.
pub(crate) fn with_spec(
    gallery: &Gallery,
    change: impl FnOnce(&mut photogallery_crds::PhotoGallerySpec),
) -> Gallery {
    let mut gallery = gallery.clone();
    change(&mut gallery.spec);
    gallery
}

/// The same gallery, under an operator with other functions and another site.
pub(crate) fn with_new_release(gallery: &Gallery) -> Gallery {
    use bytes::Bytes;
    use photogallery_crds::Architecture;

    use crate::release::{SiteFile, Zip};

    let mut release = (*gallery.release).clone();
    for architecture in [Architecture::Arm64, Architecture::X86_64] {
        for function in functions_core::contract::FunctionName::ALL {
            let bytes = Bytes::from(format!("new zip of {function} for {architecture}"));
            release
                .functions
                .insert((architecture.as_str(), function), Zip::new(architecture, function, bytes));
        }
    }
    release.site.clear();
    for (path, content) in
        [("index.html", "<!doctype html><head>new"), ("assets/app-5e6f7a8b.js", "export {}")]
    {
        release.site.insert(path.into(), SiteFile::new(Bytes::from_static(content.as_bytes())));
    }
    Gallery { release: Arc::new(release), ..gallery.clone() }
}

//! Generated histories: edits by others, changes of the spec, new releases, faults, deaths, deletions, in any order.

use photogallery_crds::{Architecture, PhotoGallerySpec, PriceClass};
use proptest::prelude::*;
use proptest::sample::select;

use super::super::drive::{
    absent, assert_absent, assert_at_rest, assert_present, converge, in_sync, once, one_round, present, run,
    with_new_release,
};
use super::super::edits::{edit, names};
use super::super::fake_cloud::{Effect, FakeCloud, Fault, Slow, World, refusals};
use super::super::galleries::{identity, summer};
use super::super::sameness::of_others;
use super::configuration;
use super::faults::LOSSES;
use super::neighbours::assert_untouched;
use crate::gallery::{DataPolicy, Gallery, Goal};
use crate::graph::{BucketRole, ResourceId};

/// Something that happens.
#[derive(Clone, Debug)]
enum Event {
    /// Somebody else edits the account.
    Edit(String),
    /// The spec changes.
    Spec(usize),
    /// Another version of the operator.
    NewRelease,
    /// A reconcile in which something goes wrong.
    Fault(Fault),
    /// A reconcile.
    Reconcile,
    /// A reconcile that ends with its first round.
    OneRound,
    /// The gallery is deleted, while something goes wrong, and another one of its name made.
    Replace(DataPolicy, Fault),
}

type SpecChange = fn(&mut PhotoGallerySpec);

/// Changes that touch every kind of resource that a spec can change.
const SPEC_CHANGES: &[SpecChange] = &[
    |spec| spec.title = "Another title".into(),
    |spec| spec.functions.list.memory_mib += 64,
    |spec| spec.functions.upload.reserved_concurrency = Some(2),
    |spec| spec.functions.upload.reserved_concurrency = None,
    |spec| spec.functions.log_retention_days = 7,
    |spec| spec.functions.architecture = Architecture::X86_64,
    |spec| spec.thumbnails.max_width_pixels = 800,
    |spec| spec.photos.archive_after_days = Some(90),
    |spec| spec.api.throttle.burst = 7,
    |spec| spec.api.additional_allowed_origins = vec!["https://www.example.com".into()],
    |spec| spec.cdn.price_class = PriceClass::All,
    |spec| drop(spec.tags.insert("team".into(), "events".into())),
    |spec| spec.tags.clear(),
];

/// All changes at once, except that tags stay.
pub(super) fn change_everything(spec: &mut PhotoGallerySpec) {
    for change in &SPEC_CHANGES[..SPEC_CHANGES.len() - 1] {
        change(spec);
    }
    spec.functions.upload.reserved_concurrency = Some(3);
}

fn fault() -> impl Strategy<Value = Fault> {
    let refusals = [
        Effect::Answer(503, "ServiceUnavailable", "Service unavailable"),
        Effect::Answer(400, "Throttling", "Rate exceeded"),
        Effect::Answer(403, "AccessDenied", "User is not authorized to perform: this"),
    ];
    let at_write = (0_usize..60, select([&LOSSES[..], &refusals].concat()));
    let at_call = (0_usize..250, select(Effect::DEATHS.to_vec()));
    prop_oneof![
        at_write.prop_map(|(skip, effect)| Fault::at_write(skip, effect)),
        at_call.prop_map(|(skip, effect)| Fault::at_call(skip, effect)),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let data = select(vec![DataPolicy::Retain, DataPolicy::Delete]);
    prop_oneof![
        8 => select(names()).prop_map(Event::Edit),
        4 => (0..SPEC_CHANGES.len()).prop_map(Event::Spec),
        2 => Just(Event::NewRelease),
        8 => fault().prop_map(Event::Fault),
        3 => Just(Event::Reconcile),
        2 => Just(Event::OneRound),
        1 => (data, fault()).prop_map(|(data, fault)| Event::Replace(data, fault)),
    ]
}

fn slowness() -> impl Strategy<Value = Slow> {
    (0_usize..3, 0_usize..3, 0_usize..5).prop_map(|(table, function, distribution)| Slow {
        table,
        function,
        distribution,
        ..Slow::default()
    })
}

/// A gallery of another namespace, a REST API that looks like ours, and a table that nobody has marked.
async fn with_neighbours(slow: Slow) -> World {
    let mut other = Gallery { identity: identity("other", "summer"), ..summer() };
    other.identity.uid = "uid-of-the-other".into();
    let mut world = in_sync(&other, World { slow, ..World::default() }).await.world();
    edit(&mut world, &summer().identity, &format!("foreign {}", ResourceId::RestApi));
    edit(&mut world, &identity("photos", "winter"), &format!("foreign {}", ResourceId::Table));
    world
}

/// A reconcile, or a round of one. What others have put into the gallery stays as it is.
async fn look_after(cloud: &FakeCloud, goal: &Goal, event: &Event) {
    let before = of_others(&cloud.world(), goal.identity());
    match event {
        Event::OneRound => drop(one_round(cloud, goal).await),
        _ => drop(once(cloud, goal).await),
    }
    let after = of_others(&cloud.world(), goal.identity());
    for (place, what) in before {
        assert_eq!(after.get(&place), Some(&what), "{place}: {event:?}");
    }
}

/// What happens happens. AWS must refuse nothing on the way.
async fn happen(cloud: &FakeCloud, gallery: &mut Gallery, event: &Event) {
    match event {
        Event::Edit(name) => cloud.edit(|world| edit(world, &gallery.identity, name)),
        Event::Spec(index) => SPEC_CHANGES[*index](&mut gallery.spec),
        Event::NewRelease => *gallery = with_new_release(gallery),
        Event::Fault(fault) => {
            cloud.inject(fault.clone());
            look_after(cloud, &present(gallery), event).await;
            cloud.calm();
        }
        Event::Reconcile | Event::OneRound => look_after(cloud, &present(gallery), event).await,
        Event::Replace(data, fault) => {
            cloud.inject(fault.clone());
            converge(cloud, &absent(gallery, *data)).await;
            cloud.calm();
            gallery.identity.uid.push_str("-next");
        }
    }
    assert_eq!(refusals(&cloud.take_log()), [], "{event:?}");
}

proptest! {
    #![proptest_config(configuration())]

    /// To see it fail: let `Plan::absent` ignore the dependents, or let `deployment::update` delete old deployments before the
    /// stage has moved; the shrunken history says what that was for. For what belongs to others: let `merged_tags` begin with no
    /// tags, or let `deployment::update` delete every deployment but the live one.
    #[test]
    fn every_history_converges_and_ends_without_a_trace(
        events in prop::collection::vec(event(), 1..=30),
        slow in slowness(),
        data in select(vec![DataPolicy::Retain, DataPolicy::Delete]),
    ) {
        run(async {
            let neighbours = with_neighbours(slow).await;
            let cloud = FakeCloud::new(neighbours.clone());
            let mut gallery = summer();
            for event in &events {
                happen(&cloud, &mut gallery, event).await;
            }
            let goal = present(&gallery);
            converge(&cloud, &goal).await;
            assert_present(&cloud.world(), &gallery);
            assert_at_rest(&cloud, &goal).await;
            converge(&cloud, &absent(&gallery, data)).await;
            assert_eq!(refusals(&cloud.take_log()), []);
            assert_absent(&cloud.world(), &gallery.identity, data, &neighbours);
            let mut alone = neighbours;
            // Which all galleries of the operator share.
            alone.buckets.remove(&gallery.identity.bucket(BucketRole::Artefacts));
            assert_untouched(&alone, &cloud.world(), "neighbours");
        });
    }
}

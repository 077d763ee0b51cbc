//! Generated histories: edits by others, changes of the spec, new releases, faults, deaths, deletions, in any order.

use photogallery_crds::{Architecture, PhotoGallerySpec, PriceClass};
use proptest::prelude::*;
use proptest::sample::select;

use super::super::drive::{
    absent, assert_absent, assert_at_rest, assert_present, converge, once, present, run, with_new_release,
};
use super::super::edits::{edit, names};
use super::super::fake_cloud::{Effect, FakeCloud, Fault, Slow, World, refusals};
use super::super::galleries::summer;
use crate::gallery::{DataPolicy, Gallery};

/// Something that happens.
#[derive(Clone, Debug)]
enum Event {
    /// Somebody else edits the account.
    Edit(String),
    /// The spec changes.
    Spec(usize),
    /// Another version of the operator.
    NewRelease,
    /// A reconcile, with a fault at this write.
    Fault(usize, Effect),
    /// A reconcile.
    Reconcile,
    /// The gallery is deleted, and another one of its name made.
    Replace(DataPolicy),
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

fn event() -> impl Strategy<Value = Event> {
    let effects = [Effect::LoseRequest, Effect::LoseAnswer, Effect::DieBefore, Effect::DieAfter];
    prop_oneof![
        4 => select(names()).prop_map(Event::Edit),
        2 => (0..SPEC_CHANGES.len()).prop_map(Event::Spec),
        1 => Just(Event::NewRelease),
        4 => (0_usize..60, select(effects.to_vec())).prop_map(|(skip, effect)| Event::Fault(skip, effect)),
        2 => Just(Event::Reconcile),
        1 => select(vec![DataPolicy::Retain, DataPolicy::Delete]).prop_map(Event::Replace),
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

/// What happens happens. AWS must refuse nothing on the way.
async fn happen(cloud: &FakeCloud, gallery: &mut Gallery, event: &Event) {
    match event {
        Event::Edit(name) => cloud.edit(|world| edit(world, &gallery.identity, name)),
        Event::Spec(index) => SPEC_CHANGES[*index](&mut gallery.spec),
        Event::NewRelease => *gallery = with_new_release(gallery),
        Event::Fault(skip, effect) => {
            cloud.inject(Fault::at_write(*skip, *effect));
            once(cloud, &present(gallery)).await;
            cloud.restart();
        }
        Event::Reconcile => drop(once(cloud, &present(gallery)).await),
        Event::Replace(data) => {
            converge(cloud, &absent(gallery, *data)).await;
            gallery.identity.uid.push_str("-next");
        }
    }
    assert_eq!(refusals(&cloud.take_log()), [], "{event:?}");
}

fn configuration() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig { cases: cases.unwrap_or(64), ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(configuration())]

    /// To see it fail: let `Plan::absent` ignore the dependents, or let `deployment::update` delete old deployments before the
    /// stage has moved; the shrunken history says what that was for.
    #[test]
    fn every_history_converges_and_ends_without_a_trace(
        events in prop::collection::vec(event(), 1..12),
        slow in slowness(),
        data in select(vec![DataPolicy::Retain, DataPolicy::Delete]),
    ) {
        run(async {
            let cloud = FakeCloud::new(World { slow, ..World::default() });
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
            assert_absent(&cloud.world(), &gallery.identity, data, &World::default());
        });
    }
}

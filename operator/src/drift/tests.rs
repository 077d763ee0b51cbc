//! What others change is seen field by field, told, and put back or left; what we change is no drift.

use std::fmt::Write as _;

use super::pretend::pretend;
use super::*;
use crate::cloud::{Cloud, Depth, Foreign};
use crate::packed::Packed;
use crate::reconcile::{Outcome, Progress, Quiet, reconcile};
use crate::status::{self, Report, Stage};
use crate::story::{self, Line};
use crate::testing::drive::{converge, in_sync, present, run, with_new_release, with_spec};
use crate::testing::edits::{self, edit};
use crate::testing::fake_cloud::parts::Busy;
use crate::testing::fake_cloud::{FakeCloud, World, writes};
use crate::testing::galleries::summer;
use crate::testing::sameness::{assert_ends, essence};

/// A gallery in which every field has a value of its own.
fn gallery() -> Gallery {
    with_spec(&summer(), |spec| {
        spec.tags.insert("team".into(), "events".into());
        spec.photos.archive_after_days = Some(365);
        spec.functions.list.reserved_concurrency = Some(5);
    })
}

fn reporting(gallery: &Gallery) -> Gallery {
    with_spec(gallery, |spec| spec.drift_policy = DriftPolicy::Report)
}

/// The status after an outcome.
fn after(before: &PhotoGalleryStatus, goal: &Goal, outcome: &Outcome) -> PhotoGalleryStatus {
    let now = "2026-11-23T10:00:00Z".parse().unwrap();
    status::next(before, 1, now, Report::Outcome(goal, outcome, Stage::Ended))
}

/// As the controller does it.
struct Policy<'a>(&'a Goal, &'a PhotoGalleryStatus);

impl Progress for Policy<'_> {
    async fn round(&self, _: &Outcome) {}
    fn holds(&self, wanted: &Wanted, id: ResourceId) -> bool {
        is_held(self.0, self.1, wanted, id)
    }
}

/// One reconcile as the controller does it: its outcome, its writes, and the status after it.
async fn once(
    cloud: &FakeCloud,
    goal: &Goal,
    before: &PhotoGalleryStatus,
) -> (Outcome, Vec<&'static str>, PhotoGalleryStatus) {
    cloud.take_log();
    let outcome = reconcile(cloud, goal, &Policy(goal, before)).await;
    let written = writes(&cloud.take_log()).iter().map(|operation| operation.name).collect();
    let status = after(before, goal, &outcome);
    (outcome, written, status)
}

/// A gallery in sync, with its status.
async fn synced(gallery: &Gallery) -> (FakeCloud, PhotoGalleryStatus) {
    let cloud = in_sync(gallery, World::default()).await;
    let goal = present(gallery);
    let outcome = converge(&cloud, &goal).await;
    let status = after(&PhotoGalleryStatus::default(), &goal, &outcome);
    (cloud, status)
}

fn text(lines: &[Line]) -> String {
    let line = |Line { warning, reason, note }: &Line| {
        format!("{} {reason}: {note}", if *warning { "Warning" } else { "Normal" })
    };
    lines.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn message(status: &PhotoGalleryStatus) -> String {
    status::condition(status, photogallery_crds::ConditionType::Synced).unwrap().message.clone()
}

async fn seen(cloud: &FakeCloud, gallery: &Gallery) -> Observed {
    let mut seen = Observed::default();
    let all = ResourceId::all().collect();
    assert_eq!(cloud.observe(&gallery.identity, (&all, Depth::Whole), &mut seen).await, []);
    seen
}

/// The account without the deployments of others, which nobody removes.
fn without_theirs(cloud: &FakeCloud) -> World {
    let mut world = cloud.world();
    let apis = world.rest_apis.values_mut();
    apis.for_each(|api| api.deployments.retain(|deployment| deployment.description != "theirs"));
    world
}

/// Each field of each kind: put back, exactly, in as few calls as it takes, and told in one event.
///
/// To see it fail: leave a field out of a `differences` in `resources`.
#[test]
fn every_field_that_others_change_is_put_back_and_told() {
    run(async {
        let gallery = gallery();
        let (cloud, before) = synced(&gallery).await;
        let (world, goal) = (cloud.world(), present(&gallery));
        let end = essence(&world);
        let mut told = String::new();
        for fields::Case { id, what, seen, calls } in fields::cases(seen(&cloud, &gallery).await) {
            let mut changed = world.clone();
            pretend(&mut changed, &gallery.identity, id, &seen);
            let cloud = FakeCloud::new(changed);
            let outcome = reconcile(&cloud, &goal, &Quiet).await;
            let name = format!("{id}, {what}");
            assert!(outcome.is_complete(), "{name}: {}\n{:#?}", outcome.plan, outcome.failures);
            let written = writes(&cloud.take_log());
            assert_eq!(written.len(), calls, "{name}: {written:?}");
            if calls > 0 {
                assert_ends(&without_theirs(&cloud), &end, &name);
            }
            let lines = story::of_outcome(&before, &outcome);
            let subject = |line: &Line| line.note.split([':', ' ']).next().map(str::to_owned);
            let subjects: BTreeSet<_> = lines.iter().map(subject).collect();
            assert_eq!(subjects.len(), lines.len(), "{name}: {lines:#?}");
            writeln!(told, "{name}\n    {}", text(&lines)).unwrap();
        }
        insta::assert_snapshot!(told);
    });
}

/// To see it fail: leave a field out with `#[serde(skip)]`.
#[test]
fn what_is_remembered_is_what_was_seen_in_every_field() {
    run(async {
        let gallery = gallery();
        let (cloud, _) = synced(&gallery).await;
        let mut base = seen(&cloud, &gallery).await;
        for fields::Case { id, what, seen, .. } in fields::cases(base.clone()) {
            assert_eq!(Packed::new(&seen).unwrap().unpack(), Some(seen), "{id}, {what}");
        }
        base.foreign.insert(
            ResourceId::Table,
            Foreign { name: "pg-table".into(), whose: "it belongs to another AWS account".into() },
        );
        let packed = Packed::new(&base).unwrap();
        assert!(packed.len() < 6 << 10, "{} bytes", packed.len());
        assert_eq!(packed.unpack(), Some(base));
    });
}

/// To see it fail: let `is_held` say `false`.
#[test]
fn with_the_policy_report_nothing_is_written_and_back_with_correct_all_is_put_right() {
    run(async {
        let gallery = gallery();
        let (cloud, before) = synced(&gallery).await;
        let (world, report, correct) = (cloud.world(), present(&reporting(&gallery)), present(&gallery));
        let end = essence(&world);
        for fields::Case { id, what, seen, calls } in fields::cases(seen(&cloud, &gallery).await) {
            let name = format!("{id}, {what}");
            let mut changed = world.clone();
            pretend(&mut changed, &gallery.identity, id, &seen);
            let cloud = FakeCloud::new(changed.clone());
            let (outcome, written, status) = once(&cloud, &report, &before).await;
            assert_eq!((written.len(), cloud.world()), (0, changed), "{name}");
            assert_eq!(outcome.is_only_held(), calls > 0, "{name}: {}", outcome.plan);
            if calls == 0 {
                continue;
            }
            let said = message(&status);
            let subject = format!("\n{id}: ");
            assert!(said.contains("1 resource differs:") && said.contains(&subject), "{name}: {said}");
            // The same again tells nothing new.
            let (_, _, again) = once(&cloud, &report, &status).await;
            assert_eq!(story::newly_reported(&[&status], &again), [], "{name}");
            let (outcome, _, _) = once(&cloud, &correct, &again).await;
            assert!(outcome.is_complete(), "{name}");
            assert_ends(&without_theirs(&cloud), &end, &name);
            let lines = story::of_outcome(&again, &outcome);
            assert!(lines.iter().all(|line| line.reason == "Drift"), "{name}: {lines:#?}");
        }
    });
}

#[test]
fn everything_that_others_do_is_left_alone_with_the_policy_report() {
    run(async {
        let (report, (cloud, before)) = (present(&reporting(&summer())), synced(&summer()).await);
        for name in edits::names() {
            let cloud = FakeCloud::new(cloud.world());
            cloud.edit(|world| edit(world, &summer().identity, &name));
            let changed = cloud.world();
            let (_, written, _) = once(&cloud, &report, &before).await;
            assert_eq!((written, cloud.world()), (Vec::new(), changed), "{name}");
        }
    });
}

#[test]
fn drift_that_is_reported_is_told_in_a_condition_and_once_in_events() {
    run(async {
        let (report, (cloud, before)) = (present(&reporting(&summer())), synced(&summer()).await);
        cloud.edit(|world| {
            for name in [
                "change the environment of function/list",
                "remove bucket-policy/frontend",
                "change the page",
            ] {
                edit(world, &summer().identity, name);
            }
        });
        let (_, _, status) = once(&cloud, &report, &before).await;
        let events = text(&story::newly_reported(&[&before], &status));
        insta::assert_snapshot!(format!("{}\n\n{events}", message(&status)));
    });
}

#[test]
fn a_flood_of_drift_makes_a_short_message() {
    let plan = crate::plan::Plan::new(&present(&summer()), &Observed::default());
    let many = || plan.actions.iter().cycle().take(50);
    let said = report(many());
    assert_eq!(said.lines().count(), MOST_LINES + 2, "{said}");
    assert!(said.starts_with("50 resources differ:\n") && said.ends_with("\nand 30 more"), "{said}");
    assert!(report(many().take(MOST_LINES)).lines().count() == MOST_LINES + 1);
}

/// A new spec under `Report` is carried out on the resources that it changes; what others did to the rest stays.
#[test]
fn a_new_spec_is_carried_out_with_the_policy_report_and_drift_elsewhere_stays() {
    run(async {
        let (cloud, before) = synced(&summer()).await;
        cloud.edit(|world| {
            edit(world, &summer().identity, "open bucket/photos");
            edit(world, &summer().identity, "change the environment of function/list");
        });
        let changed = with_spec(&reporting(&summer()), |spec| spec.functions.list.memory_mib = 1024);
        let (outcome, written, status) = once(&cloud, &present(&changed), &before).await;
        assert_eq!(written, ["UpdateFunctionConfiguration"]);
        let expected =
            "Normal Updated: function/list: memory 256 MiB -> 1024 MiB; environment LOG debug -> info";
        assert_eq!(text(&story::of_outcome(&before, &outcome)), expected);
        assert!(
            message(&status).contains("1 resource differs:\nbucket/photos: BlockPublicPolicy"),
            "{status:#?}"
        );
        let (outcome, ..) = once(
            &cloud,
            &present(&with_spec(&changed, |spec| spec.drift_policy = DriftPolicy::Correct)),
            &status,
        )
        .await;
        let expected = "Warning Drift: bucket/photos: BlockPublicPolicy was off, put back to on";
        assert_eq!(text(&story::of_outcome(&status, &outcome)), expected);
    });
}

#[test]
fn a_new_operator_is_carried_out_with_the_policy_report_and_is_no_drift() {
    run(async {
        let (cloud, before) = synced(&summer()).await;
        let goal = present(&reporting(&with_new_release(&summer())));
        let (outcome, _, status) = once(&cloud, &goal, &before).await;
        assert!(outcome.is_complete(), "{}", outcome.plan);
        let lines = story::of_outcome(&before, &outcome);
        assert!(lines.iter().all(|line| !line.warning), "{lines:#?}");
        assert_eq!(story::newly_reported(&[&before], &status), []);
    });
}

/// To see it fail: let [`remembered`] keep what differs.
#[test]
fn a_spec_that_goes_there_and_back_before_it_has_arrived_is_no_drift() {
    run(async {
        let (cloud, before) = synced(&summer()).await;
        // Longer than a reconcile waits.
        cloud.edit(|world| world.slow.function = 1000);
        let there = with_spec(&reporting(&summer()), |spec| spec.functions.list.memory_mib = 1024);
        let (outcome, _, status) = once(&cloud, &present(&there), &before).await;
        assert!(!outcome.is_complete(), "{}", outcome.plan);
        cloud.edit(|world| {
            world.slow.function = 0;
            world.functions.values_mut().for_each(|function| function.busy = Busy(0));
        });
        let (outcome, _, now) = once(&cloud, &present(&reporting(&summer())), &status).await;
        assert!(outcome.is_complete(), "{}\n{}", outcome.plan, message(&now));
        let expected = "Normal Updated: function/list: memory 1024 MiB -> 256 MiB";
        assert_eq!(text(&story::of_outcome(&status, &outcome)), expected);
    });
}

#[test]
fn a_gallery_that_was_never_in_sync_is_made_with_the_policy_report_too() {
    run(async {
        let (cloud, goal) = (FakeCloud::default(), present(&reporting(&summer())));
        let (outcome, ..) = once(&cloud, &goal, &PhotoGalleryStatus::default()).await;
        assert!(outcome.is_complete(), "{}", outcome.plan);
    });
}

/// To see it fail: leave something out of [`reference`].
#[test]
fn everything_is_wanted_in_the_world_of_reference() {
    let gallery = gallery();
    let seen = reference(&gallery);
    for id in ResourceId::all() {
        let text = resources::visit(id, &seen, WantedOf { gallery: &gallery, seen: &seen });
        assert!(text.starts_with("Some("), "{id}: {text}");
    }
}

#[test]
fn what_is_wanted_changes_exactly_where_the_spec_or_the_operator_changes_it() {
    let changed = |gallery: &Gallery| {
        let (before, now) = (wanted(&present(&summer())), wanted(&present(gallery)));
        let ids = ResourceId::all().filter(|id| before[id] != now[id]).map(|id| id.to_string());
        ids.collect::<Vec<_>>().join(" ")
    };
    let spec = |change: fn(&mut photogallery_crds::PhotoGallerySpec)| changed(&with_spec(&summer(), change));
    assert_eq!(changed(&summer()), "");
    assert_eq!(spec(|spec| spec.drift_policy = DriftPolicy::Report), "");
    assert_eq!(spec(|spec| spec.functions.list.memory_mib = 1024), "function/list");
    assert_eq!(spec(|spec| spec.title = "Winter".into()), "site invalidation");
    assert_eq!(spec(|spec| spec.api.throttle.burst = 7), "stage");
    let build =
        "artefacts function/upload function/list function/delete function/thumbnail site invalidation";
    assert_eq!(changed(&with_new_release(&summer())), build);
}

#[test]
fn a_long_line_says_how_much_it_leaves_out() {
    let parts: Vec<_> = (0..100).map(|index| format!("field {index} was this, put back to that")).collect();
    let line = joined(&parts);
    assert!(line.len() < 1000 && line.ends_with(" more"), "{line}");
    assert_eq!(joined(&parts[..2]), format!("{}; {}", parts[0], parts[1]));
}

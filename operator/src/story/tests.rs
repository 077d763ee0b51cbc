//! The story of a gallery as its events tell it.

use super::*;
use crate::reconcile::{Quiet, reconcile};
use crate::status::{self, Report, Stage};
use crate::testing::drive::{absent, converge, in_sync, present, run, with_new_release, with_spec};
use crate::testing::edits::edit;
use crate::testing::fake_cloud::{FakeCloud, World};
use crate::testing::galleries::summer;

fn text(lines: &[Line]) -> String {
    let line = |line: &Line| {
        let kind = if line.warning { "Warning" } else { "Normal" };
        format!("{kind} {}: {}", line.reason, line.note)
    };
    lines.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The status of a gallery in sync.
fn in_sync_status(goal: &Goal, outcome: &Outcome) -> PhotoGalleryStatus {
    let now = "2026-11-23T10:00:00Z".parse().unwrap();
    status::next(&PhotoGalleryStatus::default(), 1, now, Report::Outcome(goal, outcome, Stage::Ended))
}

/// What a gallery in sync tells after `edits` by others.
fn after(edits: &[&str], goal: &Goal) -> String {
    run(async {
        let cloud = in_sync(&summer(), World::default()).await;
        let first = converge(&cloud, &present(&summer())).await;
        let before = in_sync_status(&present(&summer()), &first);
        cloud.edit(|world| edits.iter().for_each(|name| edit(world, &summer().identity, name)));
        let outcome = reconcile(&cloud, goal, &Quiet).await;
        text(&of_outcome(&before, &outcome))
    })
}

#[test]
fn a_creation_is_three_lines() {
    let goal = present(&summer());
    let (lines, status) = run(async {
        let outcome = reconcile(&FakeCloud::default(), &goal, &Quiet).await;
        let mut lines = vec![creating(&Observed::default())];
        lines.extend(of_outcome(&PhotoGalleryStatus::default(), &outcome));
        (lines, in_sync_status(&goal, &outcome))
    });
    let lines: Vec<_> =
        lines.into_iter().chain(of_transition(&PhotoGalleryStatus::default(), &status)).collect();
    insta::assert_snapshot!(text(&lines));
    assert_eq!(of_transition(&status, &status), [], "told once");
}

#[test]
fn a_gallery_that_takes_data_back_does_not_claim_to_make_it() {
    let seen = run(async {
        let cloud = in_sync(&summer(), World::default()).await;
        converge(&cloud, &absent(&summer(), DataPolicy::Retain)).await.seen
    });
    assert_eq!(
        creating(&seen).note,
        "2 buckets, 4 roles, 4 log groups, 4 functions, 1 REST API, 1 distribution"
    );
}

#[test]
fn an_update_is_told_by_what_changed() {
    let goal = present(&with_spec(&summer(), |spec| {
        spec.functions.list.memory_mib = 1024;
        spec.api.throttle.burst = 7;
    }));
    insta::assert_snapshot!(after(&[], &goal));
}

#[test]
fn a_redeploy_is_told_by_its_functions() {
    insta::assert_snapshot!(after(&[], &present(&with_new_release(&summer()))));
}

#[test]
fn a_new_build_is_no_drift_and_what_others_did_meanwhile_is() {
    let lines = after(&["open bucket/photos"], &present(&with_new_release(&summer())));
    let drift: Vec<_> = lines.lines().filter(|line| line.starts_with("Warning")).collect();
    assert_eq!(drift, ["Warning Drift: bucket/photos: BlockPublicPolicy was off, put back to on"]);
}

#[test]
fn code_that_somebody_else_has_replaced_is_drift() {
    let lines = after(&["change the code of function/list"], &present(&summer()));
    assert!(
        lines.starts_with("Warning Drift: function/list: code was ") && lines.lines().count() == 1,
        "{lines}"
    );
}

#[test]
fn drift_is_told_by_resource_and_field() {
    let edits =
        ["change the environment of function/list", "remove bucket-policy/frontend", "unthrottle the stage"];
    insta::assert_snapshot!(after(&edits, &present(&summer())));
}

#[test]
fn a_tag_for_all_is_one_line() {
    let goal = present(&with_spec(&summer(), |spec| drop(spec.tags.insert("team".into(), "events".into()))));
    assert_eq!(after(&[], &goal), "Normal Updated: 19 resources: tag team missing -> events");
}

#[test]
fn a_flood_of_drift_is_cut_short() {
    let ids = ResourceId::all().filter(|id| {
        matches!(
            id,
            ResourceId::BucketPolicy(_)
                | ResourceId::LogGroup(_)
                | ResourceId::Permission(_)
                | ResourceId::UploadCors
        )
    });
    let edits: Vec<_> = ids.map(|id| format!("remove {id}")).collect();
    let text = after(&edits.iter().map(String::as_str).collect::<Vec<_>>(), &present(&summer()));
    assert_eq!(text.lines().count(), MOST_LINES + 1, "{text}");
    assert!(text.ends_with("Warning Drift: 1 more resources"), "{text}");
}

#[test]
fn a_gallery_without_changes_tells_nothing() {
    assert_eq!(after(&[], &present(&summer())), "");
}

#[test]
fn what_stalls_is_told_once_for_each_reason() {
    let (goal, cloud) = (present(&summer()), FakeCloud::default());
    cloud.edit(|world| edit(world, &summer().identity, "foreign table"));
    let status = in_sync_status(&goal, &run(reconcile(&cloud, &goal, &Quiet)));
    let lines = of_transition(&PhotoGalleryStatus::default(), &status);
    insta::assert_snapshot!(text(&lines));
    assert_eq!(of_transition(&status, &status), []);
}

#[test]
fn a_deletion_ends_with_where_the_data_is() {
    let mut lines = Vec::new();
    for data in [DataPolicy::Retain, DataPolicy::Delete] {
        let goal = absent(&summer(), data);
        let seen = run(async {
            let cloud = in_sync(&summer(), World::default()).await;
            converge(&cloud, &goal).await.seen
        });
        lines.extend([deleting(data), gone(&goal, &seen, Some(214)), gone(&goal, &seen, None)]);
        lines.push(gone(&goal, &Observed::default(), Some(0)));
    }
    insta::assert_snapshot!(text(&lines));
}

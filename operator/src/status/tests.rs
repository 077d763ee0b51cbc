//! A gallery's life as its status tells it.

use std::fmt::Write as _;
use std::sync::Mutex;

use strum::IntoEnumIterator;

use super::*;
use crate::cloud::{CloudError, ErrorKind, Message, Observed};
use crate::gallery::DataPolicy;
use crate::reconcile::{Failure, Progress, look, reconcile};
use crate::testing::drive::{absent, converge, in_sync, present, run, with_spec};
use crate::testing::edits::edit;
use crate::testing::fake_cloud::parts::Busy;
use crate::testing::fake_cloud::{FakeCloud, Slow, World};
use crate::testing::galleries::summer;

/// What the status says from one report to the next.
struct Life {
    status: PhotoGalleryStatus,
    now: Timestamp,
    text: String,
}

impl Life {
    fn new() -> Self {
        let now = "2026-11-23T10:00:00Z".parse().unwrap();
        Self { status: PhotoGalleryStatus::default(), now, text: String::new() }
    }

    /// Time passes, and there is something to report.
    fn hear(&mut self, seconds: i64, what: &str, report: Report<'_>) -> &mut Self {
        self.now += SignedDuration::from_secs(seconds);
        self.status = next(&self.status, 1, self.now, report);
        writeln!(self.text, "\n{what}, after {seconds} s").unwrap();
        for Condition { type_, status, reason, message, last_transition_time, .. } in &self.status.conditions
        {
            let since = last_transition_time.0.strftime("%H:%M:%S");
            writeln!(self.text, "  {type_}={status} {reason} since {since}: {message}").unwrap();
        }
        self
    }

    fn condition(&self, kind: ConditionType) -> Condition {
        condition(&self.status, kind).unwrap().clone()
    }
}

/// Keeps what each round is about to do.
#[derive(Default)]
struct Rounds(Mutex<Vec<Outcome>>);

impl Progress for Rounds {
    async fn round(&self, outcome: &Outcome) {
        self.0.lock().unwrap().push(outcome.clone());
    }
}

/// One reconcile with its rounds.
fn rounds(cloud: &FakeCloud, goal: &Goal) -> (Vec<Outcome>, Outcome) {
    let rounds = Rounds::default();
    let end = run(reconcile(cloud, goal, &rounds));
    (rounds.0.into_inner().unwrap(), end)
}

fn tell(life: &mut Life, cloud: &FakeCloud, goal: &Goal) {
    let (rounds, end) = rounds(cloud, goal);
    for (index, round) in rounds.iter().enumerate() {
        life.hear(1, &format!("round {}", index + 1), Report::Outcome(goal, round, Stage::UnderWay));
    }
    life.hear(1, "end", Report::Outcome(goal, &end, Stage::Ended));
}

fn slow_distribution(observations: usize) -> World {
    World { slow: Slow { distribution: observations, ..Slow::default() }, ..World::default() }
}

/// A gallery that is live, and the outcome of its last look.
fn live() -> (Life, Goal, Outcome) {
    let (goal, mut life) = (present(&summer()), Life::new());
    let outcome = run(async {
        let cloud = in_sync(&summer(), World::default()).await;
        converge(&cloud, &goal).await
    });
    life.hear(0, "begin", Report::Begin);
    life.hear(60, "live", Report::Outcome(&goal, &outcome, Stage::Ended));
    life.text.clear();
    (life, goal, outcome)
}

fn failed(kind: ErrorKind) -> Failure {
    let source = Message("Words of AWS.".into());
    let error =
        CloudError { service: "lambda", operation: "CreateFunction", kind, code: String::new(), source };
    Failure { resource: ResourceId::Function(FunctionName::List), arn: "arn:f".into(), error }
}

#[test]
fn a_gallery_is_made() {
    let (mut life, goal, cloud) = (Life::new(), present(&summer()), FakeCloud::new(slow_distribution(50)));
    life.hear(0, "begin", Report::Begin);
    tell(&mut life, &cloud, &goal);
    let deploying = run(reconcile(&cloud, &goal, &crate::reconcile::Quiet));
    life.hear(120, "later", Report::Outcome(&goal, &deploying, Stage::Ended));
    cloud.edit(|world| world.distributions.values_mut().for_each(|found| found.busy = Busy(0)));
    let done = run(reconcile(&cloud, &goal, &crate::reconcile::Quiet));
    life.hear(12, "at last", Report::Outcome(&goal, &done, Stage::Ended));
    insta::assert_snapshot!(life.text);
}

#[test]
fn everything_that_one_would_look_up_is_told() {
    let (life, _, _) = live();
    // Digests, which every change of what is wanted changes.
    let last_matched = std::collections::BTreeMap::new();
    let status = PhotoGalleryStatus { conditions: Vec::new(), last_matched, ..life.status };
    insta::assert_yaml_snapshot!(status);
}

#[test]
fn a_gallery_stays_ready_while_it_changes() {
    let (mut life, _, _) = live();
    let goal = present(&with_spec(&summer(), |spec| {
        spec.functions.list.memory_mib = 1024;
        spec.cdn.price_class = photogallery_crds::PriceClass::All;
    }));
    let cloud = run(in_sync(&summer(), World::default()));
    cloud.edit(|world| world.slow = Slow { distribution: 50, function: 1, ..Slow::default() });
    life.hear(600, "begin", Report::Begin);
    tell(&mut life, &cloud, &goal);
    assert!(is_true(&life.status, Ready));
    insta::assert_snapshot!(life.text);
}

#[test]
fn a_missing_part_ends_readiness_until_it_is_back() {
    let (mut life, goal, _) = live();
    let cloud = run(in_sync(&summer(), World::default()));
    cloud.edit(|world| edit(world, &summer().identity, "remove function/list"));
    tell(&mut life, &cloud, &goal);
    assert!(is_true(&life.status, Ready), "it is back");
    insta::assert_snapshot!(life.text);
}

#[test]
fn each_kind_of_failure_has_its_words() {
    let mut text = String::new();
    for kind in ErrorKind::iter() {
        for (title, mut life, outcome) in [
            ("new", Life::new(), run(look(&FakeCloud::default(), &present(&summer())))),
            ("live", live().0, live().2),
        ] {
            let outcome = Outcome { failures: vec![failed(kind)], ..outcome };
            life.hear(
                1,
                &format!("{kind:?}, {title} gallery"),
                Report::Outcome(&present(&summer()), &outcome, Stage::Ended),
            );
            text += &life.text;
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn a_conflict_names_what_is_in_the_way() {
    let (mut life, goal, cloud) = (Life::new(), present(&summer()), FakeCloud::default());
    cloud.edit(|world| edit(world, &summer().identity, "foreign bucket/frontend"));
    let (_, end) = rounds(&cloud, &goal);
    life.hear(0, "conflict", Report::Outcome(&goal, &end, Stage::Ended));
    insta::assert_snapshot!(life.text);
}

#[test]
fn a_conflict_with_what_an_earlier_gallery_left_shows_the_command_that_takes_it_over() {
    let (mut life, goal, cloud) = (Life::new(), present(&summer()), FakeCloud::default());
    let mut earlier = summer();
    earlier.identity.uid = "earlier".into();
    run(converge(&cloud, &present(&earlier)));
    let (_, end) = rounds(&cloud, &goal);
    life.hear(0, "conflict", Report::Outcome(&goal, &end, Stage::Ended));
    let said = life.condition(Stalled);
    assert_eq!(said.reason, "ResourceConflict");
    let words = "exist and are not ours: each belongs to an earlier gallery with uid earlier. They are left alone. If that gallery is \
                 gone for good, take over what is left of it: kubectl annotate pgal/summer --namespace photos --overwrite \
                 photogallery.dev/adopt=owner/earlier. Or choose another name for this one; I will go on by myself.";
    assert!(said.message.ends_with(words), "{}", said.message);
}

#[test]
fn who_only_looks_says_what_is_to_do() {
    let (mut life, goal, _) = live();
    let cloud = run(in_sync(&summer(), World::default()));
    cloud.edit(|world| edit(world, &summer().identity, "unthrottle the stage"));
    let found = run(look(&cloud, &goal));
    life.hear(60, "suspended", Report::Outcome(&goal, &found, Stage::OnlyLooked));
    assert!(condition(&life.status, Reconciling).is_none() && condition(&life.status, Stalled).is_none());
    let held = found.plan.actions.iter().map(|action| action.resource).collect();
    let found = Outcome { held, ..found };
    life.hear(60, "held", Report::Outcome(&goal, &found, Stage::Ended));
    assert!(condition(&life.status, Reconciling).is_none() && condition(&life.status, Stalled).is_none());
    insta::assert_snapshot!(life.text);
}

#[test]
fn an_invalid_spec_stalls_and_leaves_visitors_what_they_have() {
    let problem = InvalidSpec { field: "spec.tags".into(), problem: "aws:x is reserved.".into() };
    let mut text = String::new();
    for (what, mut life) in [("new gallery", Life::new()), ("live gallery", live().0)] {
        life.hear(60, what, Report::Invalid(&problem));
        text += &life.text;
    }
    insta::assert_snapshot!(text);
}

#[test]
fn a_deletion_says_what_is_left() {
    let (mut life, _, _) = live();
    let cloud = run(in_sync(&summer(), World::default()));
    cloud.edit(|world| world.slow = Slow { distribution: 50, ..Slow::default() });
    let goal = absent(&summer(), DataPolicy::Retain);
    tell(&mut life, &cloud, &goal);
    let end = run(reconcile(&cloud, &goal, &crate::reconcile::Quiet));
    life.hear(130, "later", Report::Outcome(&goal, &end, Stage::Ended));
    let refused = Outcome { failures: vec![failed(ErrorKind::AccessDenied)], ..end };
    life.hear(10, "refused", Report::Outcome(&goal, &refused, Stage::Ended));
    insta::assert_snapshot!(life.text);
}

#[test]
fn transition_times_move_with_the_status_alone() {
    let (mut life, goal, outcome) = live();
    let before = life.condition(Synced);
    let waits = Outcome { failures: vec![failed(ErrorKind::NotReady)], ..outcome.clone() };
    let denied = Outcome { failures: vec![failed(ErrorKind::AccessDenied)], ..outcome.clone() };
    life.hear(10, "waits", Report::Outcome(&goal, &waits, Stage::Ended));
    let first = life.condition(Synced);
    assert_ne!(first.last_transition_time, before.last_transition_time, "True to False");
    life.hear(10, "denied", Report::Outcome(&goal, &denied, Stage::Ended));
    let second = life.condition(Synced);
    assert_ne!((&first.reason, &first.message), (&second.reason, &second.message));
    assert_eq!(first.last_transition_time, second.last_transition_time, "False to False");
    life.hear(10, "well again", Report::Outcome(&goal, &outcome, Stage::Ended));
    assert_ne!(life.condition(Synced).last_transition_time, second.last_transition_time);
    assert_eq!(life.condition(Ready).last_transition_time.0, "2026-11-23T10:01:00Z".parse().unwrap());
}

#[test]
fn a_report_that_says_the_same_gives_an_equal_status() {
    let (life, goal, outcome) = live();
    let later = life.now + SignedDuration::from_secs(3600);
    let under_way = next(&life.status, 1, later, Report::Outcome(&goal, &outcome, Stage::UnderWay));
    assert_eq!(under_way, life.status);
    let ended = next(&life.status, 1, later, Report::Outcome(&goal, &outcome, Stage::Ended));
    let seen = PhotoGalleryStatus { last_observed_time: Some(Time(later)), ..life.status };
    assert_eq!(ended, seen, "the time of the look is all that a look without findings changes");
}

#[test]
fn a_new_generation_is_told_with_the_conditions_that_are_about_it() {
    let (life, goal, outcome) = live();
    let status = next(&life.status, 2, life.now, Report::Begin);
    assert_eq!(status.observed_generation, Some(2));
    let of = |kind| condition(&status, kind).unwrap().observed_generation;
    assert_eq!((of(Synced), of(Ready)), (Some(2), Some(1)), "readiness is still what it was");
    let status = next(&status, 2, life.now, Report::Outcome(&goal, &outcome, Stage::Ended));
    assert_eq!(condition(&status, Ready).unwrap().observed_generation, Some(2));
}

#[test]
fn durations_read_like_those_of_a_person() {
    let text = |seconds| duration(SignedDuration::from_secs(seconds));
    assert_eq!([text(-1), text(45), text(130), text(3605)], ["0s", "45s", "2m10s", "60m05s"]);
    assert_eq!([text(59), text(60)], ["59s", "1m00s"]);
}

#[test]
fn a_gallery_that_serves_is_not_called_down_when_aws_does_not_answer() {
    let (mut life, goal, outcome) = live();
    let silent = Outcome { failures: vec![failed(ErrorKind::Unavailable)], ..outcome };
    // Its last known state counts, also where a part of it could not be read.
    for seen in [silent.seen.clone(), Observed::default()] {
        let report = Outcome { seen, ..silent.clone() };
        life.hear(10, "no answer", Report::Outcome(&goal, &report, Stage::Ended));
        assert_eq!(life.condition(Ready).status, "True", "{:?}", life.condition(Ready));
    }
    // And one that never served is not said to be on its way only because AWS does not answer.
    let mut life = Life::new();
    life.hear(10, "no answer", Report::Outcome(&goal, &silent, Stage::Ended));
    assert_eq!(life.condition(Ready).reason, Reason::Unavailable.as_str());
}

#[test]
fn a_deletion_that_is_done_says_why_it_waits() {
    let mut life = Life::new();
    let goal = absent(&summer(), DataPolicy::Delete);
    life.hear(10, "gone", Report::Outcome(&goal, &Outcome::default(), Stage::Ended));
    assert!(
        life.condition(Synced).message.starts_with("Everything is gone. Looking once more"),
        "{}",
        life.text
    );
}

//! What a bucket needs, from nothing to gone.

use super::*;
use crate::names::TAG_UID;
use crate::resources::Effect;
use crate::testing::galleries::summer;

fn want(role: BucketRole) -> Desired {
    Bucket::desired(role, &summer(), &cloud::Observed::default()).unwrap()
}

fn as_wanted(want: &Desired) -> Observed {
    Observed {
        tags: want.tags.clone(),
        unblocked: BTreeSet::new(),
        ownership: Some(OWNERSHIP.into()),
        encryption: Some(ENCRYPTION.into()),
        lifecycle: want.lifecycle.iter().rev().cloned().collect(),
    }
}

#[test]
fn a_bucket_is_made_with_its_tags_and_closed_before_anything_else() {
    let want = want(BucketRole::Photos);
    let steps = Bucket::update(&want, None);
    assert_eq!(steps[0], Step::create(Change::Create(want.tags.clone())));
    assert_eq!(steps[1], Step::detail(Change::BlockPublicAccess));
    assert!(steps[1..].iter().all(|step| step.effect == Effect::Detail));
}

#[test]
fn a_bucket_as_planned_needs_nothing_whatever_the_order_of_its_rules() {
    for role in [BucketRole::Artefacts, BucketRole::Frontend, BucketRole::Photos, BucketRole::Thumbnails] {
        let want = want(role);
        assert_eq!(Bucket::update(&want, Some(&as_wanted(&want))), []);
    }
}

#[test]
fn tags_of_others_are_no_difference_and_survive_ours() {
    let want = want(BucketRole::Photos);
    let mut seen = as_wanted(&want);
    seen.tags.insert("cost-centre".into(), "set by another tool".into());
    assert_eq!(Bucket::update(&want, Some(&seen)), []);
    seen.tags.remove(TAG_UID);
    let [Step { change: Change::PutTags(tags), .. }] = &Bucket::update(&want, Some(&seen))[..] else {
        panic!()
    };
    assert_eq!(tags["cost-centre"], "set by another tool");
    assert_eq!(tags[TAG_UID], "uid-summer");
}

#[test]
fn each_drifted_field_gives_one_step_that_names_it() {
    type Drift = fn(&mut Observed);
    let drifts: [(&str, Drift, Change); 7] = [
        ("BlockPublicPolicy", |seen| seen.unblocked.extend(["BlockPublicPolicy"]), Change::BlockPublicAccess),
        ("encryption", |seen| seen.encryption = None, Change::Encrypt),
        (
            "lifecycle incoming",
            |seen| seen.lifecycle.retain(|rule| rule.id != "incoming"),
            lifecycle_change(),
        ),
        ("lifecycle incoming", |seen| seen.lifecycle[0].expire_days = Some(9), lifecycle_change()),
        ("lifecycle incoming", |seen| seen.lifecycle[0].besides = "off".into(), lifecycle_change()),
        (
            "lifecycle theirs",
            |seen| seen.lifecycle.push(Rule { id: "theirs".into(), expire_days: Some(1), ..Rule::default() }),
            lifecycle_change(),
        ),
        (
            "tag photogallery.dev/uid",
            |seen| drop(seen.tags.remove(TAG_UID)),
            Change::PutTags(summer().tags()),
        ),
    ];
    let want = want(BucketRole::Photos);
    for (field, drift, change) in drifts {
        let mut seen = as_wanted(&want);
        drift(&mut seen);
        let steps = Bucket::update(&want, Some(&seen));
        let [Step { change: found, effect: Effect::Update(differences) }] = &steps[..] else {
            panic!("{field}: {steps:?}")
        };
        assert_eq!(found, &change, "{field}");
        assert_eq!(differences.iter().map(|it| it.field.as_str()).collect::<Vec<_>>(), [field]);
    }
}

#[test]
fn access_control_lists_are_closed_before_they_end() {
    let want = want(BucketRole::Photos);
    let seen = Observed { ownership: Some("ObjectWriter".into()), ..as_wanted(&want) };
    let difference = Difference::new("object ownership", "ObjectWriter", OWNERSHIP);
    let steps = [Step::detail(Change::CloseAccessList), Step::update(Change::EnforceOwnership, [difference])];
    assert_eq!(Bucket::update(&want, Some(&seen)), steps);
}

fn lifecycle_change() -> Change {
    Change::PutLifecycle(want(BucketRole::Photos).lifecycle)
}

#[test]
fn archiving_is_told_in_the_spec_s_words() {
    let mut gallery = summer();
    let seen = as_wanted(&want(BucketRole::Photos));
    gallery.spec.photos.archive_after_days = Some(365);
    let want = Bucket::desired(BucketRole::Photos, &gallery, &cloud::Observed::default()).unwrap();
    let [Step { effect: Effect::Update(differences), .. }] = &Bucket::update(&want, Some(&seen))[..] else {
        panic!()
    };
    assert_eq!(
        differences,
        &[Difference::new("lifecycle archive", "missing", "photos/: archive after 365 days")]
    );
}

#[test]
fn after_a_crash_between_the_calls_the_rest_is_planned() {
    let want = want(BucketRole::Frontend);
    let seen = Observed { lifecycle: Vec::new(), encryption: None, ..as_wanted(&want) };
    let changes: Vec<_> = Bucket::update(&want, Some(&seen)).into_iter().map(|step| step.change).collect();
    assert_eq!(changes, [Change::Encrypt, Change::PutLifecycle(want.lifecycle)]);
}

#[test]
fn buckets_are_emptied_before_they_go() {
    let seen = as_wanted(&want(BucketRole::Photos));
    let gone = [Step::detail(Change::Empty), Step::delete(Change::Delete)];
    assert_eq!(Bucket::delete(BucketRole::Photos, &seen, DataPolicy::Delete), gone);
    assert_eq!(Bucket::delete(BucketRole::Frontend, &seen, DataPolicy::Retain), gone);
}

#[test]
fn retained_photos_are_marked_once_and_stay() {
    let mut seen = as_wanted(&want(BucketRole::Photos));
    assert!(!Bucket::stays(BucketRole::Photos, &seen, DataPolicy::Retain));
    let steps = Bucket::delete(BucketRole::Photos, &seen, DataPolicy::Retain);
    let [Step { change: Change::PutTags(tags), effect: Effect::Retain }] = &steps[..] else {
        panic!("{steps:?}")
    };
    seen.tags = tags.clone();
    assert_eq!(Bucket::delete(BucketRole::Photos, &seen, DataPolicy::Retain), []);
    assert!(Bucket::stays(BucketRole::Photos, &seen, DataPolicy::Retain));
    assert!(!Bucket::stays(BucketRole::Photos, &seen, DataPolicy::Delete));
}

#[test]
fn a_gallery_of_the_same_name_takes_retained_photos_back() {
    let want = want(BucketRole::Photos);
    let mut seen = as_wanted(&want);
    seen.tags.insert(TAG_UID.into(), "an earlier one".into());
    seen.tags.insert(TAG_RETAINED.into(), "true".into());
    let steps = Bucket::update(&want, Some(&seen));
    assert_eq!(steps.iter().map(|step| &step.change).collect::<Vec<_>>(), [&Change::PutTags(want.tags)]);
}

#[test]
fn what_is_left_over_goes_and_originals_are_archived_by_rules_that_leave_nothing_to_s3() {
    let rule = |id: &str, prefix: &str| Rule { id: id.into(), prefix: prefix.into(), ..Rule::default() };
    let unfinished = Rule { abort_days: Some(LEFTOVER_DAYS), ..rule("unfinished-uploads", "") };
    let incoming = Rule { expire_days: Some(LEFTOVER_DAYS), ..rule("incoming", "incoming/") };
    let archive = Rule { archive_days: Some(365), ..rule("archive", "photos/") };
    assert_eq!(lifecycle(BucketRole::Thumbnails, Some(365)), [unfinished.clone()]);
    assert_eq!(lifecycle(BucketRole::Photos, None), [unfinished.clone(), incoming.clone()]);
    assert_eq!(lifecycle(BucketRole::Photos, Some(365)), [unfinished, incoming, archive]);
}

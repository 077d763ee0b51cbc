//! What the table needs, from nothing to gone.

use super::*;
use crate::names::TAG_UID;
use crate::resources::Effect;
use crate::testing::galleries::summer;

fn want() -> Desired {
    Table::desired((), &summer(), &cloud::Observed::default()).unwrap()
}

fn as_wanted() -> Observed {
    Observed {
        status: Status::Active,
        is_on_demand: true,
        index: Index::AsPlanned,
        has_recovery: true,
        is_protected: false,
        tags: want().tags,
    }
}

#[test]
fn a_table_is_made_with_its_tags_in_one_call() {
    assert_eq!(Table::update(&want(), None), [Step::create(Change::Create(want().tags))]);
    assert_eq!(Table::update(&want(), Some(&as_wanted())), []);
}

#[test]
fn nothing_is_planned_while_dynamodb_is_at_work() {
    for status in [Status::Creating, Status::Updating, Status::Deleting] {
        let seen =
            Observed { status, has_recovery: false, index: Index::Missing, tags: Tags::new(), ..as_wanted() };
        assert_eq!(Table::update(&want(), Some(&seen)), []);
        for data in [DataPolicy::Retain, DataPolicy::Delete] {
            assert_eq!(Table::delete((), &seen, data), []);
            assert!(!Table::stays((), &seen, data));
        }
        assert_ne!(Table::state(&seen), State::Ready);
    }
}

fn listed(keys: &[&str]) -> String {
    names::key_list(&keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>())
}

#[test]
fn each_drifted_field_gives_one_step_that_names_it() {
    let team = || Tags::from([(TAG_KEYS.into(), listed(&["team"])), ("team".into(), "x".into())]);
    let mut more = as_wanted().tags;
    more.extend(team());
    let mut fewer = as_wanted().tags;
    fewer.remove(TAG_UID);
    let uid = Tags::from([(TAG_UID.into(), "uid-summer".into())]);
    let removed = vec!["photogallery.dev/tag-keys".into(), "team".into()];
    let drifted: [(&[&str], Observed, Change); 6] = [
        (
            &["index newest-first"],
            Observed { index: Index::Other("photoId, KEYS_ONLY attributes".into()), ..as_wanted() },
            Change::RemoveIndex,
        ),
        (&["capacity"], Observed { is_on_demand: false, ..as_wanted() }, Change::PayPerRequest),
        (&["index newest-first"], Observed { index: Index::Missing, ..as_wanted() }, Change::AddIndex),
        (
            &["point-in-time recovery"],
            Observed { has_recovery: false, ..as_wanted() },
            Change::EnableRecovery,
        ),
        (&["tag photogallery.dev/uid"], Observed { tags: fewer, ..as_wanted() }, Change::SetTags(uid)),
        (&["tag team"], Observed { tags: more, ..as_wanted() }, Change::RemoveTags(removed)),
    ];
    for (fields, seen, change) in drifted {
        let steps = Table::update(&want(), Some(&seen));
        let [Step { change: found, effect: Effect::Update(differences) }] = &steps[..] else {
            panic!("{steps:?}")
        };
        assert_eq!(found, &change);
        assert_eq!(differences.iter().map(|it| it.field.as_str()).collect::<Vec<_>>(), fields);
    }
}

#[test]
fn a_table_takes_one_change_of_a_sort_at_a_time() {
    let seen = Observed { is_on_demand: false, index: Index::Missing, ..as_wanted() };
    let changes: Vec<_> = Table::update(&want(), Some(&seen)).into_iter().map(|step| step.change).collect();
    assert_eq!(changes, [Change::PayPerRequest]);
}

#[test]
fn a_gallery_of_the_same_name_takes_the_rows_back_and_never_looks_foreign_meanwhile() {
    let mut seen = as_wanted();
    seen.tags.insert(TAG_UID.into(), "an earlier one".into());
    seen.tags.insert(TAG_RETAINED.into(), "true".into());
    let [Step { change: Change::SetTags(set), .. }] = &Table::update(&want(), Some(&seen))[..] else {
        panic!()
    };
    assert_eq!(set.keys().collect::<Vec<_>>(), [TAG_UID]);
    seen.tags.extend(set.clone());
    let [Step { change, .. }] = &Table::update(&want(), Some(&seen))[..] else { panic!() };
    assert_eq!(change, &Change::RemoveTags(vec![TAG_RETAINED.into()]));
}

/// To see it fail: set tags before any is removed.
#[test]
fn a_tag_that_the_spec_drops_goes_in_the_end_whatever_else_changes() {
    let keys = |keys: &[&str]| (TAG_KEYS.to_owned(), listed(keys));
    let mut want = want();
    want.tags.extend([keys(&["team"]), ("team".into(), "new".into())]);
    for retained in [false, true] {
        let mut seen = as_wanted();
        seen.tags.extend([
            keys(&["floor", "team"]),
            ("floor".into(), "2".into()),
            ("team".into(), "old".into()),
        ]);
        if retained {
            seen.tags.insert(TAG_UID.into(), "an earlier one".into());
            seen.tags.insert(TAG_RETAINED.into(), "true".into());
        }
        for _ in 0..3 {
            match Table::update(&want, Some(&seen)).into_iter().next().map(|step| step.change) {
                Some(Change::SetTags(set)) => seen.tags.extend(set),
                Some(Change::RemoveTags(gone)) => seen.tags.retain(|key, _| !gone.contains(key)),
                other => assert_eq!(other, None),
            }
        }
        assert_eq!(seen.tags, want.tags);
        assert_eq!(Table::update(&want, Some(&seen)), []);
    }
}

#[test]
fn what_is_tagged_stays_in_the_list_of_ours_until_it_is_gone() {
    let tags = |pairs: &[(&str, &str)]| -> Tags {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    let mut want = want();
    want.tags.extend(tags(&[("team", "events"), (TAG_KEYS, &listed(&["team"]))]));
    let mut seen = as_wanted();
    seen.tags.extend(tags(&[
        ("old", "1"),
        (TAG_KEYS, &listed(&["old"])),
        (TAG_UID, "earlier"),
        (TAG_RETAINED, "true"),
    ]));
    let mut told = Vec::new();
    while let [Step { change, .. }] = &Table::update(&want, Some(&seen))[..] {
        match change {
            Change::SetTags(set) => seen.tags.extend(set.clone()),
            Change::RemoveTags(keys) => seen.tags.retain(|key, _| !keys.contains(key)),
            other => panic!("{other:?}"),
        }
        told.push(seen.tags[TAG_KEYS].clone());
    }
    let both =
        ["old", "team"].map(|key| told.iter().map(|list| names::is_listed(list, key)).collect::<Vec<_>>());
    assert_eq!(both, [vec![true, true, false], vec![true, true, true]]);
    assert_eq!(seen.tags, want.tags);
}

#[test]
fn rows_are_retained_by_a_tag_and_deleted_only_on_demand() {
    let mut seen = as_wanted();
    let steps = Table::delete((), &seen, DataPolicy::Retain);
    let [Step { change: Change::SetTags(tags), effect: Effect::Retain }] = &steps[..] else {
        panic!("{steps:?}")
    };
    seen.tags.extend(tags.clone());
    assert!(Table::stays((), &seen, DataPolicy::Retain));
    assert_eq!(Table::delete((), &seen, DataPolicy::Retain), []);
    assert_eq!(Table::delete((), &seen, DataPolicy::Delete), [Step::delete(Change::Delete)]);
}

#[test]
fn somebody_s_deletion_protection_is_lifted_when_the_data_should_go() {
    let seen = Observed { is_protected: true, ..as_wanted() };
    assert_eq!(Table::update(&want(), Some(&seen)), []);
    let changes: Vec<_> =
        Table::delete((), &seen, DataPolicy::Delete).into_iter().map(|step| step.change).collect();
    assert_eq!(changes, [Change::AllowDeletion]);
}

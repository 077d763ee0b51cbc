//! A function's log group, made before the function so that its logs have a retention from the first line on.
//!
//! Found by its deterministic name; whose it is, its tags say. We own retention and our tags. The functions' roles may not
//! create log groups, so none comes back after its deletion. Deletion takes the logs along: they are no data of the
//! gallery's owner. Nothing is slow, everything may be repeated.

use functions_core::contract::FunctionName;
use serde::{Deserialize, Serialize};

use super::{After, Description, Difference, Kind, Step, tag_steps};
use crate::cloud::{self, Answer};
use crate::gallery::{DataPolicy, Gallery, Identity};
use crate::names::{self, Tags};

/// This kind.
#[derive(Debug)]
pub struct LogGroup;

/// A log group as it should be.
#[derive(Clone, Debug, PartialEq)]
pub struct Desired {
    /// How long logs are kept, in days.
    pub retention_days: i32,
    /// Tags.
    pub tags: Tags,
}

/// A log group as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observed {
    /// How long logs are kept, in days; for ever when absent.
    pub retention_days: Option<i32>,
    /// Tags.
    pub tags: Tags,
}

/// One call.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// `CreateLogGroup`.
    Create(Tags),
    /// `PutRetentionPolicy`.
    Keep {
        /// How long.
        days: i32,
    },
    /// `TagResource`.
    SetTags(Tags),
    /// `UntagResource`.
    RemoveTags(Vec<String>),
    /// `DeleteLogGroup`.
    Delete,
}

impl Kind for LogGroup {
    type Key = FunctionName;
    type Desired = Desired;
    type Observed = Observed;
    type Change = Change;

    fn desired(_name: FunctionName, gallery: &Gallery, _seen: &cloud::Observed) -> Option<Desired> {
        Some(Desired { retention_days: gallery.spec.functions.log_retention_days, tags: gallery.tags() })
    }

    fn update(want: &Desired, seen: Option<&Observed>) -> Vec<Step<Change>> {
        let keep = Change::Keep { days: want.retention_days };
        let Some(seen) = seen else {
            return vec![Step::create(Change::Create(want.tags.clone())), Step::detail(keep)];
        };
        let (from, to) = (retention(seen.retention_days), retention(Some(want.retention_days)));
        let difference = Difference::between("retention", &from, &to);
        let keep = difference.map(|difference| Step::update(keep, [difference]));
        let tags = tag_steps(&want.tags, &seen.tags, Change::SetTags, Change::RemoveTags);
        keep.into_iter().chain(tags).collect()
    }

    fn delete(_name: FunctionName, _seen: &Observed, _data: DataPolicy) -> Vec<Step<Change>> {
        vec![Step::delete(Change::Delete)]
    }

    fn after(seen: Option<&Observed>, change: &Change, _: &Answer) -> After<Observed> {
        let mut now = match (seen, change) {
            (_, Change::Create(tags)) => {
                return After::Is(Observed { retention_days: None, tags: tags.clone() });
            }
            (_, Change::Delete) => return After::Gone,
            (None, _) => return After::Unknown,
            (Some(seen), _) => seen.clone(),
        };
        match change {
            Change::Keep { days } => now.retention_days = Some(*days),
            Change::SetTags(tags) => names::set_tags(&mut now.tags, tags),
            Change::RemoveTags(keys) => names::unset_tags(&mut now.tags, keys),
            Change::Create(_) | Change::Delete => {}
        }
        After::Is(now)
    }

    fn describe(name: FunctionName, gallery: &Identity, _seen: &Observed) -> Description {
        Description { name: gallery.log_group(name), arn: Some(gallery.log_group_arn(name)) }
    }
}

fn retention(days: Option<i32>) -> String {
    match days {
        None => "for ever".into(),
        Some(1) => "1 day".into(),
        Some(days) => format!("{days} days"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::TAG_UID;
    use crate::resources::Effect;
    use crate::testing::galleries::summer;

    fn want() -> Desired {
        LogGroup::desired(FunctionName::List, &summer(), &cloud::Observed::default()).unwrap()
    }

    fn as_wanted() -> Observed {
        Observed { retention_days: Some(want().retention_days), tags: want().tags }
    }

    #[test]
    fn a_log_group_is_made_with_its_tags_and_a_retention() {
        let steps = [Step::create(Change::Create(want().tags)), Step::detail(Change::Keep { days: 30 })];
        assert_eq!(LogGroup::update(&want(), None), steps);
        assert_eq!(LogGroup::update(&want(), Some(&as_wanted())), []);
    }

    #[test]
    fn a_crash_before_the_retention_is_made_good() {
        let seen = Observed { retention_days: None, ..as_wanted() };
        let difference = Difference::new("retention", "for ever", "30 days");
        let steps = [Step::update(Change::Keep { days: 30 }, [difference])];
        assert_eq!(LogGroup::update(&want(), Some(&seen)), steps);
    }

    #[test]
    fn each_drifted_field_gives_one_step_that_names_it() {
        let mut tags = want().tags;
        tags.remove(TAG_UID);
        let drifted = [
            ("retention", Observed { retention_days: Some(7), ..as_wanted() }),
            ("tag photogallery.dev/uid", Observed { tags, ..as_wanted() }),
        ];
        for (field, seen) in drifted {
            let steps = LogGroup::update(&want(), Some(&seen));
            let [Step { effect: Effect::Update(differences), .. }] = &steps[..] else { panic!("{steps:?}") };
            assert_eq!(differences.iter().map(|it| it.field.as_str()).collect::<Vec<_>>(), [field]);
        }
    }

    #[test]
    fn logs_go_with_the_gallery_whatever_its_data_does() {
        for data in [DataPolicy::Retain, DataPolicy::Delete] {
            assert_eq!(
                LogGroup::delete(FunctionName::List, &as_wanted(), data),
                [Step::delete(Change::Delete)]
            );
        }
    }
}

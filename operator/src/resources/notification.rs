//! Tells the thumbnail function of every file that arrives under `incoming/` in the photos bucket.
//!
//! A bucket has one notification configuration, which every write replaces as a whole and which has no `ETag`. So
//! `apply` reads it right before it writes and changes only the entry with our id; entries of others stay as they are.
//!
//! Not idempotent in S3's eyes: it checks on every write that it may invoke the function, and refuses with
//! `InvalidArgument` until the permission has arrived everywhere. So nothing is wanted before the permission is
//! [right](permission::is_right), and not only there.

use functions_core::contract::{FunctionName, key};
use serde::{Deserialize, Serialize};

use super::{After, Description, Difference, Kind, Step, permission};
use crate::cloud::{self, Answer};
use crate::gallery::{DataPolicy, Gallery, Identity};
use crate::graph::BucketRole;

/// Id of our entry.
pub const ID: &str = "photogallery-thumbnail";

/// This kind.
#[derive(Debug)]
pub struct Notification;

/// An entry that tells a function of new objects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// ARN of the function.
    pub function: String,
    /// Events, sorted.
    pub events: Vec<String>,
    /// Beginning of the keys; empty: all.
    pub prefix: String,
    /// End of the keys; empty: all.
    pub suffix: String,
}

/// One write of the whole configuration, with the entries of others as they are at that moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Our entry is set.
    Put(Entry),
    /// Our entry goes. S3 does not check the destinations of what remains: one of those may be gone already, and that must
    /// not keep ours.
    Remove,
}

/// As it should be.
pub type Desired = Entry;
/// As it is.
pub type Observed = Entry;

impl Kind for Notification {
    type Key = ();
    type Desired = Desired;
    type Observed = Observed;
    type Change = Change;

    fn desired((): (), gallery: &Gallery, seen: &cloud::Observed) -> Option<Desired> {
        permission::is_right(FunctionName::Thumbnail, gallery, seen).then(|| Entry {
            function: gallery.identity.function_arn(FunctionName::Thumbnail),
            events: vec!["s3:ObjectCreated:*".into()],
            prefix: key::INCOMING.into(),
            suffix: String::new(),
        })
    }

    fn update(want: &Desired, seen: Option<&Observed>) -> Vec<Step<Change>> {
        let put = Change::Put(want.clone());
        let Some(seen) = seen else { return vec![Step::create(put)] };
        let Entry { function, events, prefix, suffix } = want;
        let fields = [
            Difference::between("function", &seen.function, function),
            Difference::between("events", &seen.events.join(" "), &events.join(" ")),
            Difference::between("prefix", &seen.prefix, prefix),
            Difference::between("suffix", &seen.suffix, suffix),
        ];
        let differences: Vec<_> = fields.into_iter().flatten().collect();
        if differences.is_empty() { Vec::new() } else { vec![Step::update(put, differences)] }
    }

    fn delete((): (), _: &Observed, _: DataPolicy) -> Vec<Step<Change>> {
        vec![Step::delete(Change::Remove)]
    }

    fn after(_: Option<&Observed>, change: &Change, _: &Answer) -> After<Observed> {
        match change {
            Change::Put(entry) => After::Is(entry.clone()),
            Change::Remove => After::Gone,
        }
    }

    fn describe((): (), gallery: &Identity, _: &Observed) -> Description {
        Description { name: format!("{} {ID}", gallery.bucket(BucketRole::Photos)), arn: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drift::reference;
    use crate::testing::galleries::summer;
    use crate::testing::steps::fields_of;

    fn want() -> Desired {
        Notification::desired((), &summer(), &reference(&summer())).unwrap()
    }

    #[test]
    fn nothing_is_wanted_before_the_bucket_may_invoke_the_function() {
        let wanted = |change: fn(&mut cloud::Observed)| {
            let mut seen = reference(&summer());
            change(&mut seen);
            Notification::desired((), &summer(), &seen).is_some()
        };
        let changes: [fn(&mut permission::Observed); 3] = [
            |seen| seen.ours.source_arn = "arn:aws:s3:::other".into(),
            |seen| seen.ours.source_account.clear(),
            |seen| seen.ours.effect = "Deny".into(),
        ];
        assert!(wanted(|_| {}));
        assert!(!wanted(|seen| seen.permissions.clear()));
        for change in changes {
            let mut seen = reference(&summer());
            change(seen.permissions.get_mut(&FunctionName::Thumbnail).unwrap());
            assert_eq!(Notification::desired((), &summer(), &seen), None);
        }
        assert!(
            wanted(|seen| {
                let theirs = ("theirs".to_owned(), "Allow lambda:* for *".to_owned());
                seen.permissions.get_mut(&FunctionName::Thumbnail).unwrap().others.extend([theirs]);
            }),
            "what others may is nothing to S3"
        );
    }

    #[test]
    fn uploads_and_nothing_else_reach_the_thumbnail_function() {
        let Entry { function, events, prefix, suffix } = want();
        assert_eq!(function, summer().identity.function_arn(FunctionName::Thumbnail));
        assert_eq!(
            (events.join(" ").as_str(), prefix.as_str(), suffix.as_str()),
            ("s3:ObjectCreated:*", "incoming/", "")
        );
    }

    #[test]
    fn it_is_set_when_missing_and_left_alone_when_right() {
        assert_eq!(Notification::update(&want(), None), [Step::create(Change::Put(want()))]);
        assert_eq!(Notification::update(&want(), Some(&want())), []);
        assert_eq!(Notification::delete((), &want(), DataPolicy::Retain), [Step::delete(Change::Remove)]);
    }

    #[test]
    fn each_drifted_field_is_one_call_that_names_it() {
        let drifted = [
            ("function", Entry { function: "arn:other".into(), ..want() }),
            ("events", Entry { events: vec!["s3:ObjectCreated:Put".into()], ..want() }),
            ("prefix", Entry { prefix: String::new(), ..want() }),
            ("suffix", Entry { suffix: ".jpg".into(), ..want() }),
        ];
        for (field, seen) in drifted {
            assert_eq!(fields_of(&Notification::update(&want(), Some(&seen))), [field]);
        }
    }
}

//! Whose a resource is, as its tags tell; and the one annotation that takes over what an earlier gallery of the same namespace
//! and name has left.
//!
//! A cluster that lost its etcd has another `kube-system`, and so another owner id; a `PhotoGallery` whose finalizer was removed
//! by hand leaves resources with its uid. Both are somebody else's until a person says otherwise:
//! `photogallery.dev/adopt: <owner id>/<uid>`. What is taken over gets our tags, so the annotation has then done its work.
//! It never reaches resources of another namespace or name.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::gallery::{Identity, Installation};
use crate::names::{TAG_NAME, TAG_NAMESPACE, TAG_OWNER, TAG_RETAINED, TAG_UID, Tags};

/// Annotation of a `PhotoGallery`: whose resources of its namespace and name it takes over.
pub const ADOPT: &str = "photogallery.dev/adopt";

/// Whose a resource is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// Made for this very gallery, or retained by an earlier one of the same namespace and name, or taken over.
    Ours,
    /// Somebody else's.
    NotOurs(Whose),
}

/// Whose it is, as far as the tags tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whose {
    /// A sentence without its end.
    pub text: String,
    /// The command that takes it over; only what was made for a gallery of the same namespace and name can be.
    pub adopt: Option<String>,
}

impl From<&str> for Whose {
    fn from(text: &str) -> Self {
        Self { text: text.to_owned(), adopt: None }
    }
}

impl fmt::Display for Whose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Who made a resource: the operator with this owner id, for the `PhotoGallery` with this uid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Maker {
    /// Value of the tag `owner-id`.
    pub owner_id: String,
    /// Value of the tag `uid`.
    pub uid: String,
}

impl Maker {
    /// Reads the annotation's value. An owner id may hold slashes; a uid does not.
    pub fn parse(text: &str) -> Option<Self> {
        let (owner_id, uid) = text.trim().rsplit_once('/')?;
        let maker = Self { owner_id: owner_id.to_owned(), uid: uid.to_owned() };
        maker.is_whole().then_some(maker)
    }

    fn of(tags: &Tags) -> Self {
        let tag = |key: &str| tags.get(key).cloned().unwrap_or_default();
        Self { owner_id: tag(TAG_OWNER), uid: tag(TAG_UID) }
    }

    /// Can it stand in the annotation, and in a command? AWS allows no quotes in a tag, but spaces.
    fn is_whole(&self) -> bool {
        let is_word = |text: &str| !text.is_empty() && !text.contains(char::is_whitespace);
        is_word(&self.owner_id) && is_word(&self.uid) && !self.uid.contains('/')
    }
}

/// As the annotation says it.
impl fmt::Display for Maker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner_id, self.uid)
    }
}

impl Installation {
    /// Reads from the tags of something shared whose it is.
    pub fn ownership(&self, tags: &Tags) -> Ownership {
        let is_ours = self.shared_tags().iter().all(|(key, value)| tags.get(key) == Some(value));
        if is_ours {
            Ownership::Ours
        } else {
            Ownership::NotOurs("it does not carry this operator's tags for what galleries share".into())
        }
    }
}

impl Identity {
    /// Reads from a resource's tags whose it is.
    ///
    /// Retained data keeps the uid of the gallery that left it and comes back by itself to the next gallery of the same
    /// owner, namespace and name. Anything else of another owner or with another uid is not ours, unless it is taken over.
    pub fn ownership(&self, tags: &Tags) -> Ownership {
        let tag = |key: &str| tags.get(key).map_or("", String::as_str);
        let maker = Maker::of(tags);
        let not_ours = |text: String, adopt| Ownership::NotOurs(Whose { text, adopt });
        if maker.owner_id.is_empty() {
            return Ownership::NotOurs("it does not carry this operator's tags".into());
        }
        let is_of_us = maker.owner_id == self.installation.owner_id;
        let is_of_others = format!("it belongs to the operator with owner id {}", maker.owner_id);
        if (tag(TAG_NAMESPACE), tag(TAG_NAME)) != (&self.namespace, &self.name) {
            let gallery = format!("it belongs to the gallery {}/{}", tag(TAG_NAMESPACE), tag(TAG_NAME));
            return not_ours(if is_of_us { gallery } else { is_of_others }, None);
        }
        if is_of_us && (maker.uid == self.uid || tags.contains_key(TAG_RETAINED)) {
            return Ownership::Ours;
        }
        if self.adopts.as_ref() == Some(&maker) {
            return Ownership::Ours;
        }
        let is_earlier = format!("it belongs to an earlier gallery with uid {}", maker.uid);
        let adopt = maker.is_whole().then(|| self.adopt_command(&maker));
        not_ours(if is_of_us { is_earlier } else { is_of_others }, adopt)
    }

    fn adopt_command(&self, maker: &Maker) -> String {
        let (namespace, name) = (&self.namespace, &self.name);
        format!("kubectl annotate pgal/{name} --namespace {namespace} --overwrite {ADOPT}={maker}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::galleries::identity;

    fn whose(identity: &Identity, tags: &Tags) -> Whose {
        match identity.ownership(tags) {
            Ownership::NotOurs(whose) => whose,
            Ownership::Ours => panic!("ours: {tags:?}"),
        }
    }

    fn tags_with(identity: &Identity, changes: &[(&str, &str)]) -> Tags {
        let mut tags = identity.owner_tags();
        tags.extend(changes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        tags
    }

    #[test]
    fn ownership_is_decided_by_owner_namespace_name_and_uid() {
        let ours = identity("photos", "summer");
        assert_eq!(ours.ownership(&ours.owner_tags()), Ownership::Ours);
        assert_eq!(whose(&ours, &Tags::new()).adopt, None);
        for key in [TAG_OWNER, TAG_NAMESPACE, TAG_NAME, TAG_UID] {
            let tags = tags_with(&ours, &[(key, "another")]);
            assert!(matches!(ours.ownership(&tags), Ownership::NotOurs(_)), "{key}");
        }
    }

    #[test]
    fn retained_data_of_an_earlier_gallery_of_the_same_name_is_ours() {
        let ours = identity("photos", "summer");
        let retained = (TAG_RETAINED, "true");
        let tags = tags_with(&ours, &[(TAG_UID, "earlier"), retained]);
        assert_eq!(ours.ownership(&tags), Ownership::Ours);
        let of_another_cluster = tags_with(&ours, &[(TAG_OWNER, "another"), (TAG_UID, "earlier"), retained]);
        assert!(whose(&ours, &of_another_cluster).adopt.is_some());
    }

    #[test]
    fn what_another_cluster_or_uid_left_says_the_command_that_takes_it_over() {
        let ours = identity("photos", "summer");
        let left = whose(&ours, &tags_with(&ours, &[(TAG_OWNER, "prod/eu"), (TAG_UID, "u-1")]));
        assert_eq!(left.text, "it belongs to the operator with owner id prod/eu");
        let command =
            "kubectl annotate pgal/summer --namespace photos --overwrite photogallery.dev/adopt=prod/eu/u-1";
        assert_eq!(left.adopt.as_deref(), Some(command));
        let left = whose(&ours, &tags_with(&ours, &[(TAG_UID, "u-1")]));
        assert_eq!(left.text, "it belongs to an earlier gallery with uid u-1");
        assert!(left.adopt.is_some_and(|command| command.ends_with("/adopt=owner/u-1")));
        // Nobody runs this.
        for uid in ["", "a b", "a/b"] {
            assert_eq!(whose(&ours, &tags_with(&ours, &[(TAG_UID, uid)])).adopt, None, "{uid:?}");
        }
    }

    #[test]
    fn the_annotation_takes_over_what_one_maker_left_under_this_name_and_nothing_else() {
        let adopts = Maker::parse(" prod/eu/u-1 ").unwrap();
        assert_eq!((adopts.owner_id.as_str(), adopts.uid.as_str()), ("prod/eu", "u-1"));
        let ours = Identity { adopts: Some(adopts), ..identity("photos", "summer") };
        let maker = [(TAG_OWNER, "prod/eu"), (TAG_UID, "u-1")];
        assert_eq!(ours.ownership(&tags_with(&ours, &maker)), Ownership::Ours);
        assert_eq!(ours.ownership(&ours.owner_tags()), Ownership::Ours, "what is taken over already");
        for change in [(TAG_OWNER, "prod"), (TAG_UID, "u-2")] {
            let tags = tags_with(&ours, &[maker[0], maker[1], change]);
            assert!(whose(&ours, &tags).adopt.is_some(), "{change:?}");
        }
        for change in [(TAG_NAMESPACE, "another"), (TAG_NAME, "another")] {
            let tags = tags_with(&ours, &[maker[0], maker[1], change]);
            assert_eq!(whose(&ours, &tags).adopt, None, "{change:?}");
        }
    }

    #[test]
    fn an_annotation_that_names_nobody_takes_nothing() {
        for nobody in ["", "/", "owner", "owner/", "/uid", "a b/uid"] {
            assert_eq!(Maker::parse(nobody), None, "{nobody:?}");
        }
    }
}

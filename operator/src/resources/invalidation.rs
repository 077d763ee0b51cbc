//! Tells the distribution's caches that the site changed.
//!
//! Remembered in a tag of the distribution: the digest of the site whose invalidation was last requested. It is written
//! after the request, so a crash in between repeats the invalidation, which does no harm.
//!
//! Requested only when the site's files are all there: sooner, the caches would take up the old ones again. Nobody waits
//! until the invalidation is done (a minute or two).
//!
//! Files that somebody else has changed may be in the caches when ours are back, though the site is the one of before. So what was
//! remembered is forgotten as soon as the site differs, and the invalidation follows as if it had never been.

use serde::{Deserialize, Serialize};

use super::{After, Description, Difference, Kind, Step, rest_api, site};
use crate::cloud::{self, Answer};
use crate::gallery::{DataPolicy, Gallery, Identity};
use crate::names::{TAG_SITE, Tags};

/// This kind.
#[derive(Debug)]
pub struct Invalidation;

/// What the caches should know of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desired {
    /// Id of the distribution.
    pub distribution: String,
    /// Digest of the site; `None`: it is not there, and the caches may hold something else.
    pub site: Option<String>,
}

/// What the caches were last told of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// Digest of the site.
    pub site: String,
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields of a call are those of the AWS operation")]
pub enum Change {
    /// `CreateInvalidation` of everything.
    Create { distribution: String },
    /// `TagResource` of the distribution.
    Remember { distribution: String, site: String },
    /// `UntagResource` of the distribution.
    Forget { distribution: String },
}

/// What becomes of the distribution's tags by a call.
pub(super) fn note(change: &Change, tags: &mut Tags) {
    match change {
        Change::Create { .. } => {}
        Change::Remember { site, .. } => drop(tags.insert(TAG_SITE.into(), site.clone())),
        Change::Forget { .. } => drop(tags.remove(TAG_SITE)),
    }
}

impl Kind for Invalidation {
    type Key = ();
    type Desired = Desired;
    type Observed = Observed;
    type Change = Change;

    fn desired((): (), gallery: &Gallery, seen: &cloud::Observed) -> Option<Desired> {
        let distribution = seen.distribution.as_ref()?.id.clone();
        let (is_current, digest) = (seen.site.as_ref()?.is_current(gallery), site::digest(gallery));
        let was_told = seen.invalidation.as_ref().is_some_and(|told| told.site == digest);
        (is_current || was_told).then(|| Desired { distribution, site: is_current.then_some(digest) })
    }

    fn update(want: &Desired, seen: Option<&Observed>) -> Vec<Step<Change>> {
        let Desired { distribution, site } = want.clone();
        let Some(site) = site else {
            return seen.map(|_| Step::detail(Change::Forget { distribution })).into_iter().collect();
        };
        let create = Change::Create { distribution: distribution.clone() };
        let create = match seen {
            None => Step::create(create),
            Some(seen) if seen.site == site => return Vec::new(),
            Some(seen) => {
                let difference = Difference::new("site", rest_api::short(&seen.site), rest_api::short(&site));
                Step::update(create, [difference])
            }
        };
        vec![create, Step::detail(Change::Remember { distribution, site })]
    }

    /// Goes with its distribution.
    fn delete((): (), _: &Observed, _: DataPolicy) -> Vec<Step<Change>> {
        Vec::new()
    }

    fn after(seen: Option<&Observed>, change: &Change, _: &Answer) -> After<Observed> {
        match (change, seen) {
            // Told, and not written down yet.
            (Change::Create { .. }, None) | (Change::Forget { .. }, _) => After::Gone,
            (Change::Create { .. }, Some(seen)) => After::Is(seen.clone()),
            (Change::Remember { site, .. }, _) => After::Is(Observed { site: site.clone() }),
        }
    }

    fn describe((): (), _: &Identity, seen: &Observed) -> Description {
        Description { name: rest_api::short(&seen.site), arn: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn want() -> Desired {
        Desired { distribution: "E1".into(), site: Some("new-digest".into()) }
    }

    #[test]
    fn it_is_requested_once_for_each_site_and_remembered_afterwards() {
        let steps = Invalidation::update(&want(), None);
        assert_eq!(steps[0], Step::create(Change::Create { distribution: "E1".into() }));
        let remember = Change::Remember { distribution: "E1".into(), site: "new-digest".into() };
        assert_eq!(steps[1], Step::detail(remember));
        assert_eq!(Invalidation::update(&want(), Some(&Observed { site: "new-digest".into() })), []);
    }

    #[test]
    fn it_is_forgotten_while_the_site_is_not_as_it_was_told() {
        let want = Desired { site: None, ..want() };
        let forget = Step::detail(Change::Forget { distribution: "E1".into() });
        assert_eq!(Invalidation::update(&want, Some(&Observed { site: "digest".into() })), [forget]);
        assert_eq!(Invalidation::update(&want, None), []);
    }

    #[test]
    fn another_site_is_told_by_its_digest() {
        let steps = Invalidation::update(&want(), Some(&Observed { site: "old-digest".into() }));
        assert_eq!(crate::testing::steps::fields_of(&steps), ["site"]);
        assert_eq!(steps.len(), 2);
    }
}

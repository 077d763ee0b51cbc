//! Tells the distribution's caches that the site changed.
//!
//! Remembered in a tag of the distribution: the digest of the site whose invalidation was last requested. It is written
//! after the request, so a crash in between repeats the invalidation, which does no harm.
//!
//! Planned only when the site's files are all there: sooner, the caches would take up the old ones again. Nobody waits
//! until the invalidation is done (a minute or two).

use super::{Description, Difference, Kind, Step, rest_api, site};
use crate::cloud;
use crate::gallery::{DataPolicy, Gallery, Identity};

/// This kind.
#[derive(Debug)]
pub struct Invalidation;

/// What the caches should know of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desired {
    /// Id of the distribution.
    pub distribution: String,
    /// Digest of the site.
    pub site: String,
}

/// What the caches were last told of.
#[derive(Clone, Debug, PartialEq, Eq)]
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
}

impl Kind for Invalidation {
    type Key = ();
    type Desired = Desired;
    type Observed = Observed;
    type Change = Change;

    fn desired((): (), gallery: &Gallery, seen: &cloud::Observed) -> Option<Desired> {
        let distribution = seen.distribution.as_ref()?.id.clone();
        let is_current = seen.site.as_ref()?.is_current(gallery);
        is_current.then(|| Desired { distribution, site: site::digest(gallery) })
    }

    fn update(want: &Desired, seen: Option<&Observed>) -> Vec<Step<Change>> {
        let Desired { distribution, site } = want.clone();
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

    fn describe((): (), _: &Identity, seen: &Observed) -> Description {
        Description { name: rest_api::short(&seen.site), arn: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn want() -> Desired {
        Desired { distribution: "E1".into(), site: "new-digest".into() }
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
    fn another_site_is_told_by_its_digest() {
        let steps = Invalidation::update(&want(), Some(&Observed { site: "old-digest".into() }));
        assert_eq!(crate::testing::steps::fields_of(&steps), ["site"]);
        assert_eq!(steps.len(), 2);
    }
}

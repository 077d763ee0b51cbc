//! The origin access control: `CloudFront` signs its requests to the frontend buckets, which let nobody else in.
//!
//! One for all distributions of an operator, since an account has 100. Found by its name, which holds a hash of the owner;
//! it cannot be tagged. Never deleted with a gallery.
//!
//! Not idempotent: `CreateOriginAccessControl` refuses a name that exists; looking again finds it.

use serde::{Deserialize, Serialize};

use super::{After, Description, Difference, Kind, Step};
use crate::cloud::{self, Answer};
use crate::gallery::{DataPolicy, Gallery, Identity};

/// This kind.
#[derive(Debug)]
pub struct OriginAccessControl;

/// How requests are signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// Name.
    pub name: String,
    /// Description.
    pub description: String,
    /// `s3`: what the origins are.
    pub origin: String,
    /// `always`, or only when the visitor has not signed the request.
    pub behavior: String,
    /// `sigv4`.
    pub protocol: String,
}

/// It, as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// The id that AWS assigned.
    pub id: String,
    /// How requests are signed.
    pub config: Desired,
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields of a call are those of the AWS operation")]
pub enum Change {
    /// `CreateOriginAccessControl`.
    Create(Desired),
    /// `UpdateOriginAccessControl`. Lists do not tell the `ETag`, so `apply` reads it first.
    Update { id: String, config: Desired },
}

impl Kind for OriginAccessControl {
    type Key = ();
    type Desired = Desired;
    type Observed = Observed;
    type Change = Change;

    fn desired((): (), gallery: &Gallery, _: &cloud::Observed) -> Option<Desired> {
        Some(Desired {
            name: gallery.identity.installation.origin_access_control(),
            description: "Photo galleries: lets their distributions, and nobody else, read the site's files"
                .into(),
            origin: "s3".into(),
            behavior: "always".into(),
            protocol: "sigv4".into(),
        })
    }

    fn update(want: &Desired, seen: Option<&Observed>) -> Vec<Step<Change>> {
        let Some(seen) = seen else { return vec![Step::create(Change::Create(want.clone()))] };
        let Desired { name: _, description, origin, behavior, protocol } = want;
        let fields = [
            Difference::between("description", &seen.config.description, description),
            Difference::between("origin", &seen.config.origin, origin),
            Difference::between("signing", &seen.config.behavior, behavior),
            Difference::between("protocol", &seen.config.protocol, protocol),
        ];
        let differences: Vec<_> = fields.into_iter().flatten().collect();
        if differences.is_empty() {
            return Vec::new();
        }
        vec![Step::update(Change::Update { id: seen.id.clone(), config: want.clone() }, differences)]
    }

    /// Shared: others use it.
    fn delete((): (), _: &Observed, _: DataPolicy) -> Vec<Step<Change>> {
        Vec::new()
    }

    fn after(_: Option<&Observed>, change: &Change, answer: &Answer) -> After<Observed> {
        match (change, answer) {
            (Change::Create(config), Answer::Assigned(id)) => {
                After::Is(Observed { id: id.clone(), config: config.clone() })
            }
            (Change::Create(_), _) => After::Unknown,
            (Change::Update { id, config }, _) => {
                After::Is(Observed { id: id.clone(), config: config.clone() })
            }
        }
    }

    fn describe((): (), gallery: &Identity, seen: &Observed) -> Description {
        let arn = gallery.cloudfront_arn(&format!("origin-access-control/{}", seen.id));
        Description { name: seen.config.name.clone(), arn: Some(arn) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::galleries::summer;
    use crate::testing::steps::fields_of;

    fn want() -> Desired {
        OriginAccessControl::desired((), &summer(), &cloud::Observed::default()).unwrap()
    }

    #[test]
    fn it_is_made_once_and_shared() {
        assert_eq!(OriginAccessControl::update(&want(), None), [Step::create(Change::Create(want()))]);
        let seen = Observed { id: "E1".into(), config: want() };
        assert_eq!(OriginAccessControl::update(&want(), Some(&seen)), []);
        assert_eq!(OriginAccessControl::delete((), &seen, DataPolicy::Delete), []);
    }

    #[test]
    fn requests_that_are_not_always_signed_are_drift() {
        let config = Desired { behavior: "no-override".into(), ..want() };
        let steps = OriginAccessControl::update(&want(), Some(&Observed { id: "E1".into(), config }));
        assert_eq!(fields_of(&steps), ["signing"]);
    }
}

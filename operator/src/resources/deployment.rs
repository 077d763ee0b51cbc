//! A deployment of the REST API: the snapshot of its routes that the stage serves.
//!
//! Found below the REST API by its description, which is the digest of the body that it was made from; deployments have
//! neither names nor tags, and never change. One is made when there is none for the wanted body, and only after the REST
//! API has that body. Older ones go once the stage has moved on.
//!
//! `CreateDeployment` has no idempotency token: after a lost answer there may be two of the same body. The stage keeps the
//! one that it serves, and the other goes.

use serde::{Deserialize, Serialize};

use super::{After, Description, Difference, Kind, Step, rest_api};
use crate::cloud::{self, Answer};
use crate::gallery::{DataPolicy, Gallery, Identity};

/// This kind.
#[derive(Debug)]
pub struct Deployment;

/// A deployment as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desired {
    /// Id of the REST API.
    pub rest_api: String,
    /// Digest of the body.
    pub digest: String,
    /// Id of the deployment that the stage serves.
    pub live: Option<String>,
}

/// The REST API's deployments, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// Id of the REST API.
    pub rest_api: String,
    /// Id and description of each.
    pub deployments: Vec<(String, String)>,
}

impl Observed {
    /// The deployment of the body with this digest: the one that the stage serves already, or else the newest.
    pub fn find(&self, digest: &str, live: Option<&str>) -> Option<&str> {
        let mut ids = self
            .deployments
            .iter()
            .filter(|(_, description)| description == digest)
            .map(|(id, _)| id.as_str());
        let newest = ids.clone().next();
        ids.find(|id| Some(*id) == live).or(newest)
    }
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields of a call are those of the AWS operation")]
pub enum Change {
    /// `CreateDeployment`, without a stage.
    Create { rest_api: String, description: String },
    /// `DeleteDeployment`.
    Delete { rest_api: String, id: String },
}

impl Kind for Deployment {
    type Key = ();
    type Desired = Desired;
    type Observed = Observed;
    type Change = Change;

    fn desired((): (), gallery: &Gallery, seen: &cloud::Observed) -> Option<Desired> {
        let (rest_api, digest) = (seen.rest_api.as_ref()?, rest_api::digest(gallery));
        // Sooner, it would be a snapshot of the body before, or of what somebody has made of this one.
        if !rest_api.is_current(gallery) {
            return None;
        }
        let live = seen.stage.as_ref().map(|stage| stage.deployment.clone());
        Some(Desired { rest_api: rest_api.id.clone(), digest, live })
    }

    fn update(want: &Desired, seen: Option<&Observed>) -> Vec<Step<Change>> {
        let Desired { rest_api, digest, live } = want;
        let create = Change::Create { rest_api: rest_api.clone(), description: digest.clone() };
        let Some(seen) = seen else { return vec![Step::create(create)] };
        let Some(wanted) = seen.find(digest, live.as_deref()) else {
            let newest = seen
                .deployments
                .first()
                .map_or("none".into(), |(_, description)| rest_api::short(description));
            return vec![Step::update(create, [Difference::new("routes", newest, rest_api::short(digest))])];
        };
        if live.as_deref() != Some(wanted) {
            return Vec::new();
        }
        // Only what we made: others may keep snapshots of their own.
        let ours = |description: &str| {
            description.len() == digest.len() && description.chars().all(|c| c.is_ascii_hexdigit())
        };
        let old = seen.deployments.iter().filter(|(id, description)| id != wanted && ours(description));
        old.map(|(id, _)| Step::detail(Change::Delete { rest_api: rest_api.clone(), id: id.clone() }))
            .collect()
    }

    /// Goes with its REST API.
    fn delete((): (), _: &Observed, _: DataPolicy) -> Vec<Step<Change>> {
        Vec::new()
    }

    fn after(seen: Option<&Observed>, change: &Change, answer: &Answer) -> After<Observed> {
        let mut now = seen.cloned().unwrap_or_default();
        match (change, answer) {
            (Change::Create { rest_api, description }, Answer::Assigned(id)) => {
                now.rest_api.clone_from(rest_api);
                now.deployments.insert(0, (id.clone(), description.clone()));
            }
            (Change::Create { .. }, _) => return After::Unknown,
            (Change::Delete { id, .. }, _) => now.deployments.retain(|(other, _)| other != id),
        }
        if now.deployments.is_empty() { After::Gone } else { After::Is(now) }
    }

    fn describe((): (), _: &Identity, seen: &Observed) -> Description {
        Description {
            name: seen.deployments.first().map(|(id, _)| id.clone()).unwrap_or_default(),
            arn: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::galleries::summer;
    use crate::testing::steps::fields_of;

    fn digest() -> String {
        rest_api::digest(&summer())
    }

    fn want(live: Option<&str>) -> Desired {
        Desired { rest_api: "a1".into(), digest: digest(), live: live.map(str::to_owned) }
    }

    fn seen(deployments: &[(&str, &str)]) -> Observed {
        let deployments =
            deployments.iter().map(|(id, text)| ((*id).to_owned(), (*text).to_owned())).collect();
        Observed { rest_api: "a1".into(), deployments }
    }

    fn changes(live: Option<&str>, seen: &Observed) -> Vec<Change> {
        Deployment::update(&want(live), Some(seen)).into_iter().map(|step| step.change).collect()
    }

    fn delete(id: &str) -> Change {
        Change::Delete { rest_api: "a1".into(), id: id.into() }
    }

    #[test]
    fn it_waits_until_the_rest_api_has_its_routes() {
        let mut rest_api = rest_api::Observed { id: "a1".into(), ..rest_api::Observed::default() };
        let mut seen = cloud::Observed { rest_api: Some(rest_api.clone()), ..cloud::Observed::default() };
        assert_eq!(Deployment::desired((), &summer(), &seen), None);
        rest_api.body_sha256 = Some(digest());
        rest_api.routes = rest_api::routes(&summer());
        seen.rest_api = Some(rest_api);
        assert_eq!(Deployment::desired((), &summer(), &seen), Some(want(None)));
    }

    #[test]
    fn one_is_made_when_there_is_none_for_these_routes() {
        let create = Change::Create { rest_api: "a1".into(), description: digest() };
        assert_eq!(Deployment::update(&want(None), None), [Step::create(create.clone())]);
        let old = "0".repeat(64);
        let steps = Deployment::update(&want(Some("d1")), Some(&seen(&[("d1", &old)])));
        assert_eq!(
            (fields_of(&steps).as_slice(), &steps[0].change),
            (["routes".to_owned()].as_slice(), &create)
        );
    }

    #[test]
    fn old_ones_go_only_after_the_stage_has_moved() {
        let (new, old) = (digest(), "0".repeat(64));
        let seen = seen(&[("d3", &new), ("d2", &old), ("by-hand", "kept by somebody")]);
        assert_eq!(changes(Some("d2"), &seen), []);
        assert_eq!(changes(Some("d3"), &seen), [delete("d2")]);
    }

    #[test]
    fn of_two_of_the_same_routes_the_live_one_stays() {
        let new = digest();
        let seen = seen(&[("d2", &new), ("d1", &new)]);
        assert_eq!(changes(Some("d1"), &seen), [delete("d2")]);
        assert_eq!(changes(Some("d2"), &seen), [delete("d1")]);
        assert_eq!(seen.find(&new, None), Some("d2"), "the newest, when none is live");
    }

    #[test]
    fn only_what_looks_like_a_digest_is_ours() {
        let (new, no_digest) = (digest(), "z".repeat(64));
        let seen = seen(&[("d3", &new), ("long", &no_digest), ("short", "beef")]);
        assert_eq!(changes(Some("d3"), &seen), []);
    }
}

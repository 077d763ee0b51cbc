//! The stage `api`: which deployment visitors are served, and how many requests AWS lets through.
//!
//! Found by its fixed name below our REST API, which also makes it ours. We own the deployment, the throttle of all methods,
//! our tags, and what would undo these ([`Extra`]): a canary serves another deployment, a cache old answers, settings of single
//! methods another throttle. `CreateStage` takes no throttle, so a second call sets it.
//!
//! No access log: it would need a role that all REST APIs of an account and region share.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{After, Description, Difference, Kind, Step};
use crate::cloud::{self, Answer};
use crate::gallery::{DataPolicy, Gallery, Identity};
use crate::names::{self, STAGE, Tags};
use crate::resources::rest_api;

/// This kind.
#[derive(Debug)]
pub struct Stage;

/// A stage as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desired {
    /// Id of the REST API.
    pub rest_api: String,
    /// Id of the deployment.
    pub deployment: String,
    /// How many requests it lets through.
    pub throttle: Throttle,
    /// Tags.
    pub tags: Tags,
}

/// How many requests a stage lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Throttle {
    /// Requests a second over time.
    pub rate: i32,
    /// Requests at once.
    pub burst: i32,
}

/// What a gallery's stage does not have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Extra {
    /// Another deployment for a part of the requests.
    Canary,
    /// Answers that are kept and given again.
    Cache,
    /// Settings of a single method, by API Gateway's key of it.
    Method(String),
}

impl fmt::Display for Extra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Canary => f.write_str("canary"),
            Self::Cache => f.write_str("cache"),
            Self::Method(key) => write!(f, "settings of {key}"),
        }
    }
}

/// A stage as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// Id of the REST API.
    pub rest_api: String,
    /// Id of the deployment that it serves.
    pub deployment: String,
    /// How many requests it lets through; `None`: as many as the account may have.
    pub throttle: Option<Throttle>,
    /// What it should not have, with what it is.
    #[serde(with = "crate::pairs")]
    pub extras: BTreeMap<Extra, String>,
    /// Tags.
    pub tags: Tags,
}

/// One call on the stage of a REST API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Id of the REST API.
    pub rest_api: String,
    /// Which call.
    pub call: Call,
}

/// Which call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields of a call are those of the AWS operation")]
pub enum Call {
    /// `CreateStage`.
    Create { deployment: String, tags: Tags },
    /// `UpdateStage` of what is given.
    Update { deployment: Option<String>, throttle: Option<Throttle>, remove: BTreeSet<Extra> },
    /// `TagResource`.
    Tag(Tags),
    /// `UntagResource`.
    Untag(Vec<String>),
}

impl Kind for Stage {
    type Key = ();
    type Desired = Desired;
    type Observed = Observed;
    type Change = Change;

    fn desired((): (), gallery: &Gallery, seen: &cloud::Observed) -> Option<Desired> {
        let (rest_api, deployment) = (seen.rest_api.as_ref()?, seen.deployment.as_ref()?);
        let live = seen.stage.as_ref().map(|stage| stage.deployment.as_str());
        let throttle = &gallery.spec.api.throttle;
        Some(Desired {
            rest_api: rest_api.id.clone(),
            deployment: deployment.find(&rest_api::digest(gallery), live)?.to_owned(),
            throttle: Throttle { rate: throttle.requests_per_second, burst: throttle.burst },
            tags: gallery.tags(),
        })
    }

    fn update(want: &Desired, seen: Option<&Observed>) -> Vec<Step<Change>> {
        let Desired { rest_api, deployment, throttle, tags } = want;
        let change = |call| Change { rest_api: rest_api.clone(), call };
        let Some(seen) = seen else {
            let create = Call::Create { deployment: deployment.clone(), tags: tags.clone() };
            let (deployment, throttle, remove) = (None, Some(*throttle), BTreeSet::new());
            let complete = Call::Update { deployment, throttle, remove };
            return vec![Step::create(change(create)), Step::detail(change(complete))];
        };
        let moved = Difference::between("deployment", &seen.deployment, deployment);
        let throttled = throttle_differences(*throttle, seen.throttle);
        let mut steps = Vec::new();
        let remove: BTreeSet<_> = seen.extras.keys().cloned().collect();
        if moved.is_some() || !throttled.is_empty() || !remove.is_empty() {
            let call = Call::Update {
                deployment: moved.is_some().then(|| deployment.clone()),
                throttle: (!throttled.is_empty()).then_some(*throttle),
                remove,
            };
            let extras = seen.extras.iter().map(|(it, value)| Difference::new(it.to_string(), value, "none"));
            let differences: Vec<_> = moved.into_iter().chain(throttled).chain(extras).collect();
            steps.push(Step::update(change(call), differences));
        }
        let untag = |keys| change(Call::Untag(keys));
        steps.extend(super::tag_steps(tags, &seen.tags, |tags| change(Call::Tag(tags)), untag));
        steps
    }

    /// Goes with its REST API.
    fn delete((): (), _: &Observed, _: DataPolicy) -> Vec<Step<Change>> {
        Vec::new()
    }

    fn after(seen: Option<&Observed>, Change { rest_api, call }: &Change, _: &Answer) -> After<Observed> {
        let mut now = match (seen, call) {
            (_, Call::Create { deployment, tags }) => {
                return After::Is(Observed {
                    rest_api: rest_api.clone(),
                    deployment: deployment.clone(),
                    throttle: None,
                    extras: BTreeMap::new(),
                    tags: tags.clone(),
                });
            }
            (None, _) => return After::Unknown,
            (Some(seen), _) => seen.clone(),
        };
        match call {
            Call::Update { deployment, throttle, remove } => {
                now.deployment = deployment.clone().unwrap_or(now.deployment);
                now.throttle = throttle.or(now.throttle);
                now.extras.retain(|extra, _| !remove.contains(extra));
            }
            Call::Tag(tags) => names::set_tags(&mut now.tags, tags),
            Call::Untag(keys) => names::unset_tags(&mut now.tags, keys),
            Call::Create { .. } => {}
        }
        After::Is(now)
    }

    fn describe((): (), gallery: &Identity, seen: &Observed) -> Description {
        Description { name: STAGE.into(), arn: Some(gallery.stage_arn(&seen.rest_api)) }
    }
}

fn throttle_differences(want: Throttle, seen: Option<Throttle>) -> Vec<Difference> {
    let rate = |throttle: Throttle| format!("{}/s", throttle.rate);
    let burst = |throttle: Throttle| throttle.burst.to_string();
    let unlimited = || "not set".to_owned();
    let fields = [
        Difference::between("throttle rate", &seen.map_or_else(unlimited, rate), &rate(want)),
        Difference::between("throttle burst", &seen.map_or_else(unlimited, burst), &burst(want)),
    ];
    fields.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::deployment;
    use crate::testing::galleries::summer;
    use crate::testing::steps::fields_of;

    fn world() -> cloud::Observed {
        let rest_api = rest_api::Observed { id: "a1".into(), ..rest_api::Observed::default() };
        let deployments = vec![("d1".into(), rest_api::digest(&summer()))];
        let deployment = deployment::Observed { rest_api: "a1".into(), deployments };
        cloud::Observed {
            rest_api: Some(rest_api),
            deployment: Some(deployment),
            ..cloud::Observed::default()
        }
    }

    fn want() -> Desired {
        Stage::desired((), &summer(), &world()).unwrap()
    }

    fn up_to_date() -> Observed {
        let Desired { rest_api, deployment, throttle, tags } = want();
        Observed { rest_api, deployment, throttle: Some(throttle), extras: BTreeMap::new(), tags }
    }

    #[test]
    fn it_waits_for_a_deployment_of_these_routes() {
        let mut world = world();
        world.deployment = Some(deployment::Observed {
            rest_api: "a1".into(),
            deployments: vec![("d0".into(), "old".into())],
        });
        assert_eq!(Stage::desired((), &summer(), &world), None);
    }

    #[test]
    fn a_missing_stage_is_made_with_its_throttle() {
        let calls: Vec<_> = Stage::update(&want(), None).into_iter().map(|step| step.change.call).collect();
        let create = Call::Create { deployment: "d1".into(), tags: want().tags };
        let throttle = Some(Throttle { rate: 50, burst: 100 });
        assert_eq!(calls, [create, Call::Update { deployment: None, throttle, remove: BTreeSet::new() }]);
    }

    #[test]
    fn a_stage_as_wanted_is_left_alone() {
        assert_eq!(Stage::update(&want(), Some(&up_to_date())), []);
    }

    #[test]
    fn each_drifted_field_is_one_call_that_names_it() {
        let throttle = |rate, burst| Some(Throttle { rate, burst });
        let extra = |extra: Extra| BTreeMap::from([(extra, "on".to_owned())]);
        let drifted: [(&[&str], _); 6] = [
            (&["canary"], Observed { extras: extra(Extra::Canary), ..up_to_date() }),
            (
                &["settings of photos/GET"],
                Observed { extras: extra(Extra::Method("photos/GET".into())), ..up_to_date() },
            ),
            (&["deployment"], Observed { deployment: "d0".into(), ..up_to_date() }),
            (&["throttle rate"], Observed { throttle: throttle(10, 100), ..up_to_date() }),
            (&["throttle burst"], Observed { throttle: throttle(50, 1), ..up_to_date() }),
            (&["throttle rate", "throttle burst"], Observed { throttle: None, ..up_to_date() }),
        ];
        for (fields, seen) in drifted {
            let steps = Stage::update(&want(), Some(&seen));
            assert_eq!(fields_of(&steps), fields);
            assert_eq!(steps.len(), 1);
        }
        let lines = throttle_differences(want().throttle, throttle(10, 100));
        assert_eq!((lines[0].from.as_str(), lines[0].to.as_str()), ("10/s", "50/s"));
    }
}

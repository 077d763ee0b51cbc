//! The stage `api`: which deployment visitors are served, and how many requests AWS lets through.
//!
//! Found by its fixed name below our REST API, which also makes it ours. We own the deployment, the throttle of all methods
//! and our tags. `CreateStage` takes no throttle, so a second call sets it.
//!
//! No access log: it would need a role that all REST APIs of an account and region share.

use super::{Description, Difference, Kind, Step};
use crate::cloud;
use crate::gallery::{DataPolicy, Gallery, Identity};
use crate::names::{STAGE, Tags};
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Throttle {
    /// Requests a second over time.
    pub rate: i32,
    /// Requests at once.
    pub burst: i32,
}

/// A stage as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// Id of the REST API.
    pub rest_api: String,
    /// Id of the deployment that it serves.
    pub deployment: String,
    /// How many requests it lets through; `None`: as many as the account may have.
    pub throttle: Option<Throttle>,
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
    Update { deployment: Option<String>, throttle: Option<Throttle> },
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
            let complete = Call::Update { deployment: None, throttle: Some(*throttle) };
            return vec![Step::create(change(create)), Step::detail(change(complete))];
        };
        let moved = Difference::between("deployment", &seen.deployment, deployment);
        let throttled = throttle_differences(*throttle, seen.throttle);
        let mut steps = Vec::new();
        if moved.is_some() || !throttled.is_empty() {
            let call = Call::Update {
                deployment: moved.is_some().then(|| deployment.clone()),
                throttle: (!throttled.is_empty()).then_some(*throttle),
            };
            let differences: Vec<_> = moved.into_iter().chain(throttled).collect();
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

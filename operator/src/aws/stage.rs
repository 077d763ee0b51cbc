//! The stage of the REST API.

use aws_sdk_apigateway::types::{MethodSetting, Op, PatchOperation};

use super::error::{failed, found};
use super::{Clients, rest_api};
use crate::cloud::{self, CloudError, Seen};
use crate::gallery::Identity;
use crate::names::STAGE;
use crate::resources::stage::{Call, Change, Observed, Throttle};

const MISSING: &[&str] = &["NotFoundException"];
/// Key of the settings of all methods.
const ALL_METHODS: &str = "*/*";

pub(super) async fn observe(
    clients: &Clients,
    _gallery: &Identity,
    known: &cloud::Observed,
) -> Result<Seen<Observed>, CloudError> {
    let Some(rest_api) = known.rest_api.as_ref().map(|found| found.id.clone()) else { return Ok(Seen::Nothing) };
    let answer = clients.apigateway.get_stage().rest_api_id(&rest_api).stage_name(STAGE).send().await;
    let Some(stage) = found(answer, MISSING, failed("apigateway", "GetStage"))? else { return Ok(Seen::Nothing) };
    let throttle = stage.method_settings.as_ref().and_then(|settings| settings.get(ALL_METHODS)).map(throttle);
    let deployment = stage.deployment_id.unwrap_or_default();
    let tags = stage.tags.unwrap_or_default().into_iter().collect();
    Ok(Seen::Ours(Observed { rest_api, deployment, throttle, tags }))
}

#[expect(clippy::cast_possible_truncation, reason = "a rate that somebody set to a fraction is only shown")]
fn throttle(settings: &MethodSetting) -> Throttle {
    let rate = settings.throttling_rate_limit;
    // Up, so that a fraction never looks like the whole number that we want.
    Throttle { rate: rate.ceil() as i32, burst: settings.throttling_burst_limit }
}

pub(super) async fn apply(clients: &Clients, gallery: &Identity, change: &Change) -> Result<(), CloudError> {
    let Change { rest_api, call } = change;
    match call {
        Call::Create { deployment, tags } => {
            let call = clients.apigateway.create_stage().rest_api_id(rest_api).stage_name(STAGE);
            let call = call.deployment_id(deployment).set_tags(Some(tags.clone().into_iter().collect()));
            call.send().await.map(drop).map_err(failed("apigateway", "CreateStage"))
        }
        Call::Update { deployment, throttle } => {
            let call = clients.apigateway.update_stage().rest_api_id(rest_api).stage_name(STAGE);
            let call = call.set_patch_operations(Some(patches(deployment.as_deref(), *throttle)));
            call.send().await.map(drop).map_err(failed("apigateway", "UpdateStage"))
        }
        Call::Tag(tags) => rest_api::tag(clients, &gallery.stage_arn(rest_api), tags).await,
        Call::Untag(keys) => rest_api::untag(clients, &gallery.stage_arn(rest_api), keys).await,
    }
}

fn patches(deployment: Option<&str>, throttle: Option<Throttle>) -> Vec<PatchOperation> {
    let replace = |path: &str, value: String| PatchOperation::builder().op(Op::Replace).path(path).value(value).build();
    let deployment = deployment.map(|id| replace("/deploymentId", id.to_owned()));
    let throttle = throttle.map(|Throttle { rate, burst }| {
        [
            replace("/*/*/throttling/rateLimit", rate.to_string()),
            replace("/*/*/throttling/burstLimit", burst.to_string()),
        ]
    });
    deployment.into_iter().chain(throttle.into_iter().flatten()).collect()
}

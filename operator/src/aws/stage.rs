//! The stage of the REST API.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_apigateway::operation::get_stage::GetStageOutput;
use aws_sdk_apigateway::types::{MethodSetting, Op, PatchOperation};

use super::error::{failed, found};
use super::needs::{CallNeeds, Need, On, call};
use super::{Clients, rest_api};
use crate::cloud::{self, CloudError, Seen};
use crate::gallery::Identity;
use crate::names::STAGE;
use crate::resources::stage::{Call, Change, Extra, Observed, Throttle};

/// What IAM asks of whoever makes these calls.
pub(super) const NEEDS: &[CallNeeds] = &[
    call("apigateway", "GetStage", &[Need("apigateway:GET", On::RestApi)]),
    call(
        "apigateway",
        "CreateStage",
        &[Need("apigateway:POST", On::RestApi), Need("apigateway:PUT", On::RestApiTags)],
    ),
    call("apigateway", "UpdateStage", &[Need("apigateway:PATCH", On::RestApi)]),
];

const MISSING: &[&str] = &["NotFoundException"];
/// Key of the settings of all methods.
const ALL_METHODS: &str = "*/*";

pub(super) async fn observe(
    clients: &Clients,
    _gallery: &Identity,
    known: &cloud::Observed,
) -> Result<Seen<Observed>, CloudError> {
    let Some(rest_api) = known.rest_api.as_ref().map(|found| found.id.clone()) else {
        return Ok(Seen::Nothing);
    };
    let answer = clients
        .apigateway("GetStage")
        .await
        .get_stage()
        .rest_api_id(&rest_api)
        .stage_name(STAGE)
        .send()
        .await;
    let Some(stage) = found(answer, MISSING, failed("apigateway", "GetStage"))? else {
        return Ok(Seen::Nothing);
    };
    let throttle =
        stage.method_settings.as_ref().and_then(|settings| settings.get(ALL_METHODS)).map(throttle);
    let extras = extras(&stage);
    let deployment = stage.deployment_id.unwrap_or_default();
    let tags = stage.tags.unwrap_or_default().into_iter().collect();
    Ok(Seen::Ours(Observed { rest_api, deployment, throttle, extras, tags }))
}

fn extras(stage: &GetStageOutput) -> BTreeMap<Extra, String> {
    let canary = stage.canary_settings().map(|canary| {
        let deployment = canary.deployment_id().unwrap_or("the same deployment");
        format!("{} % to {deployment}", canary.percent_traffic())
    });
    let cache = stage.cache_cluster_enabled().then(|| "on".to_owned());
    let methods = stage.method_settings().into_iter().flatten().filter(|(key, _)| *key != ALL_METHODS);
    let methods = methods.map(|(key, settings)| {
        let Throttle { rate, burst } = throttle(settings);
        (Extra::Method(key.clone()), format!("{rate}/s, burst {burst}"))
    });
    let canary = canary.map(|value| (Extra::Canary, value));
    canary.into_iter().chain(cache.map(|value| (Extra::Cache, value))).chain(methods).collect()
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
            let call = clients
                .apigateway("CreateStage")
                .await
                .create_stage()
                .rest_api_id(rest_api)
                .stage_name(STAGE);
            let call = call.deployment_id(deployment).set_tags(Some(tags.clone().into_iter().collect()));
            call.send().await.map(drop).map_err(failed("apigateway", "CreateStage"))
        }
        Call::Update { deployment, throttle, remove } => {
            let call = clients
                .apigateway("UpdateStage")
                .await
                .update_stage()
                .rest_api_id(rest_api)
                .stage_name(STAGE);
            let call = call.set_patch_operations(Some(patches(deployment.as_deref(), *throttle, remove)));
            call.send().await.map(drop).map_err(failed("apigateway", "UpdateStage"))
        }
        Call::Tag(tags) => rest_api::tag(clients, &gallery.stage_arn(rest_api), tags).await,
        Call::Untag(keys) => rest_api::untag(clients, &gallery.stage_arn(rest_api), keys).await,
    }
}

fn patches(
    deployment: Option<&str>,
    throttle: Option<Throttle>,
    remove: &BTreeSet<Extra>,
) -> Vec<PatchOperation> {
    let replace =
        |path: &str, value: String| PatchOperation::builder().op(Op::Replace).path(path).value(value).build();
    let deployment = deployment.map(|id| replace("/deploymentId", id.to_owned()));
    let throttle = throttle.map(|Throttle { rate, burst }| {
        [
            replace("/*/*/throttling/rateLimit", rate.to_string()),
            replace("/*/*/throttling/burstLimit", burst.to_string()),
        ]
    });
    let gone = |path: &str| PatchOperation::builder().op(Op::Remove).path(path).build();
    let removals = remove.iter().map(|extra| match extra {
        Extra::Canary => gone("/canarySettings"),
        Extra::Cache => replace("/cacheClusterEnabled", "false".into()),
        Extra::Method(key) => gone(&method_path(key)),
    });
    // A canary first: it holds another deployment.
    removals.chain(deployment).chain(throttle.into_iter().flatten()).collect()
}

/// The path of a method's settings: a pointer, in which the slashes of the resource's own path are `~1`.
fn method_path(key: &str) -> String {
    let (resource, method) = key.rsplit_once('/').unwrap_or((key, "*"));
    format!("/{}/{method}", resource.replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use aws_sdk_apigateway::Client;
    use aws_sdk_apigateway::operation::update_stage::UpdateStageOutput;
    use aws_sdk_apigateway::types::CanarySettings;
    use aws_smithy_mocks::mock;

    use super::*;
    use crate::resources;
    use crate::testing::clients::{clients, rest_refusal};
    use crate::testing::galleries::identity;

    fn known() -> cloud::Observed {
        let rest_api =
            resources::rest_api::Observed { id: "a1".into(), ..resources::rest_api::Observed::default() };
        cloud::Observed { rest_api: Some(rest_api), ..cloud::Observed::default() }
    }

    #[tokio::test]
    async fn the_throttle_of_all_methods_is_read() {
        let rule = mock!(Client::get_stage).then_output(|| {
            let settings =
                MethodSetting::builder().throttling_rate_limit(50.0).throttling_burst_limit(100).build();
            GetStageOutput::builder().deployment_id("d1").method_settings(ALL_METHODS, settings).build()
        });
        let seen = observe(&clients(&[&rule]), &identity("photos", "summer"), &known()).await.unwrap();
        let Seen::Ours(seen) = seen else { panic!() };
        assert_eq!(
            (seen.deployment.as_str(), seen.throttle),
            ("d1", Some(Throttle { rate: 50, burst: 100 }))
        );
    }

    #[tokio::test]
    async fn a_missing_stage_is_not_an_error() {
        let rule = mock!(Client::get_stage).then_http_response(|| {
            rest_refusal(404, "NotFoundException", "Invalid stage identifier specified")
        });
        let seen = observe(&clients(&[&rule]), &identity("photos", "summer"), &known()).await.unwrap();
        assert_eq!(seen, Seen::Nothing);
    }

    #[test]
    fn settings_of_a_method_are_pointed_at_as_api_gateway_wants_it() {
        assert_eq!(method_path("photos/{id}/DELETE"), "/photos~1{id}/DELETE");
        assert_eq!(method_path("~1photos/GET"), "/~1photos/GET");
    }

    #[tokio::test]
    async fn what_the_stage_should_not_have_is_read_and_removed_in_the_same_call() {
        let stage = GetStageOutput::builder().cache_cluster_enabled(true);
        let canary = CanarySettings::builder().percent_traffic(50.0).deployment_id("d9").build();
        let stage =
            stage.canary_settings(canary).method_settings("photos/GET", MethodSetting::builder().build());
        let extras = extras(&stage.build());
        let told: Vec<_> = extras.iter().map(|(extra, value)| format!("{extra}: {value}")).collect();
        assert_eq!(told, ["canary: 50 % to d9", "cache: on", "settings of photos/GET: 0/s, burst 0"]);
        let update = mock!(Client::update_stage)
            .match_requests(|request| {
                let paths: Vec<_> =
                    request.patch_operations().iter().filter_map(PatchOperation::path).collect();
                paths == ["/canarySettings", "/cacheClusterEnabled", "/photos/GET", "/deploymentId"]
            })
            .then_output(|| UpdateStageOutput::builder().build());
        let (deployment, remove) = (Some("d1".to_owned()), extras.into_keys().collect());
        let call = Call::Update { deployment, throttle: None, remove };
        let change = Change { rest_api: "a1".into(), call };
        apply(&clients(&[&update]), &identity("photos", "summer"), &change).await.unwrap();
        assert_eq!(update.num_calls(), 1);
    }

    #[tokio::test]
    async fn only_what_differs_is_patched() {
        let throttle = Some(Throttle { rate: 50, burst: 100 });
        for (deployment, throttle, patches) in
            [(Some("d2"), None, 1), (None, throttle, 2), (Some("d2"), throttle, 3)]
        {
            let update = mock!(Client::update_stage)
                .match_requests(move |request| request.patch_operations().len() == patches)
                .then_output(|| UpdateStageOutput::builder().build());
            let deployment = deployment.map(str::to_owned);
            let call = Call::Update { deployment, throttle, remove: BTreeSet::new() };
            let change = Change { rest_api: "a1".into(), call };
            apply(&clients(&[&update]), &identity("photos", "summer"), &change).await.unwrap();
            assert_eq!(update.num_calls(), 1);
        }
    }
}

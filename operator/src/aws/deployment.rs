//! Deployments of the REST API.

use super::error::{failed, found};
use super::needs::{CallNeeds, Need, On, call};
use super::{Clients, rest_api};
use crate::cloud::{self, Answer, CloudError, Seen};
use crate::gallery::Identity;
use crate::resources::deployment::{Change, Observed};

/// What IAM asks of whoever makes these calls.
pub(super) const NEEDS: &[CallNeeds] = &[
    call("apigateway", "GetDeployments", &[Need("apigateway:GET", On::RestApi)]),
    call("apigateway", "CreateDeployment", &[Need("apigateway:POST", On::RestApi)]),
    call("apigateway", "DeleteDeployment", &[Need("apigateway:DELETE", On::RestApi)]),
];

const MISSING: &[&str] = &["NotFoundException"];
/// As many as AWS gives in one answer.
const PAGE: i32 = 500;

pub(super) async fn observe(
    clients: &Clients,
    _gallery: &Identity,
    known: &cloud::Observed,
) -> Result<Seen<Observed>, CloudError> {
    let Some(rest_api) = known.rest_api.as_ref().map(|found| found.id.clone()) else {
        return Ok(Seen::Nothing);
    };
    let pages = clients
        .apigateway("GetDeployments")
        .await
        .get_deployments()
        .rest_api_id(&rest_api)
        .limit(PAGE)
        .into_paginator()
        .items()
        .send();
    let answer = pages.collect::<Result<Vec<_>, _>>().await;
    let mut all = found(answer, MISSING, failed("apigateway", "GetDeployments"))?.unwrap_or_default();
    if all.is_empty() {
        return Ok(Seen::Nothing);
    }
    all.sort_by_key(|found| std::cmp::Reverse(found.created_date.map(|date| date.as_nanos())));
    let deployments =
        all.into_iter().filter_map(|found| Some((found.id?, found.description.unwrap_or_default())));
    Ok(Seen::Ours(Observed { rest_api, deployments: deployments.collect() }))
}

pub(super) async fn apply(
    clients: &Clients,
    _gallery: &Identity,
    change: &Change,
) -> Result<Answer, CloudError> {
    match change {
        Change::Create { rest_api, description } => {
            let call = clients
                .apigateway("CreateDeployment")
                .await
                .create_deployment()
                .rest_api_id(rest_api)
                .description(description);
            let call = call.customize().config_override(rest_api::never_repeated()).send();
            let answer = call.await.map_err(failed("apigateway", "CreateDeployment"))?;
            Ok(answer.id.map_or(Answer::Done, Answer::Assigned))
        }
        Change::Delete { rest_api, id } => {
            let answer = clients
                .apigateway("DeleteDeployment")
                .await
                .delete_deployment()
                .rest_api_id(rest_api)
                .deployment_id(id)
                .send()
                .await;
            found(answer, MISSING, failed("apigateway", "DeleteDeployment")).map(|_| Answer::Done)
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_apigateway::Client;
    use aws_sdk_apigateway::operation::create_deployment::CreateDeploymentOutput;
    use aws_sdk_apigateway::operation::get_deployments::GetDeploymentsOutput;
    use aws_sdk_apigateway::primitives::DateTime;
    use aws_sdk_apigateway::types::Deployment;
    use aws_smithy_mocks::mock;

    use super::*;
    use crate::resources::rest_api;
    use crate::testing::clients::{clients, rest_refusal};
    use crate::testing::galleries::identity;

    fn known() -> cloud::Observed {
        let rest_api = rest_api::Observed { id: "a1".into(), ..rest_api::Observed::default() };
        cloud::Observed { rest_api: Some(rest_api), ..cloud::Observed::default() }
    }

    #[tokio::test]
    async fn deployments_come_newest_first() {
        let rule = mock!(Client::get_deployments).then_output(|| {
            let deployment = |id: &str, second| {
                Deployment::builder()
                    .id(id)
                    .description(format!("digest {id}"))
                    .created_date(DateTime::from_secs(second))
                    .build()
            };
            GetDeploymentsOutput::builder().items(deployment("old", 1)).items(deployment("new", 2)).build()
        });
        let seen = observe(&clients(&[&rule]), &identity("photos", "summer"), &known()).await.unwrap();
        let Seen::Ours(seen) = seen else { panic!() };
        assert_eq!(seen.deployments[0], ("new".into(), "digest new".into()));
        assert_eq!(seen.find("digest old", None), Some("old"));
    }

    #[tokio::test]
    async fn without_a_rest_api_nothing_is_asked_and_nothing_is_there() {
        let identity = identity("photos", "summer");
        let seen = observe(&clients(&[]), &identity, &cloud::Observed::default()).await.unwrap();
        assert_eq!(seen, Seen::Nothing);
        let gone = mock!(Client::get_deployments).then_http_response(|| {
            rest_refusal(404, "NotFoundException", "Invalid API identifier specified")
        });
        assert_eq!(observe(&clients(&[&gone]), &identity, &known()).await.unwrap(), Seen::Nothing);
    }

    #[tokio::test]
    async fn a_deployment_is_made_without_a_stage() {
        let create = mock!(Client::create_deployment)
            .match_requests(|request| {
                request.stage_name().is_none() && request.description() == Some("digest")
            })
            .then_output(|| CreateDeploymentOutput::builder().build());
        let change = Change::Create { rest_api: "a1".into(), description: "digest".into() };
        apply(&clients(&[&create]), &identity("photos", "summer"), &change).await.unwrap();
        assert_eq!(create.num_calls(), 1);
    }
}

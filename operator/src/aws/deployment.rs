//! Deployments of the REST API.

use super::Clients;
use super::error::{failed, found};
use crate::cloud::{self, CloudError, Seen};
use crate::gallery::Identity;
use crate::resources::deployment::{Change, Observed};

const MISSING: &[&str] = &["NotFoundException"];
/// As many as AWS gives in one answer.
const PAGE: i32 = 500;

pub(super) async fn observe(
    clients: &Clients,
    _gallery: &Identity,
    known: &cloud::Observed,
) -> Result<Seen<Observed>, CloudError> {
    let Some(rest_api) = known.rest_api.as_ref().map(|found| found.id.clone()) else { return Ok(Seen::Nothing) };
    let pages = clients.apigateway.get_deployments().rest_api_id(&rest_api).limit(PAGE).into_paginator().items().send();
    let answer = pages.collect::<Result<Vec<_>, _>>().await;
    let mut all = found(answer, MISSING, failed("apigateway", "GetDeployments"))?.unwrap_or_default();
    if all.is_empty() {
        return Ok(Seen::Nothing);
    }
    all.sort_by_key(|found| std::cmp::Reverse(found.created_date.map(|date| date.as_nanos())));
    let deployments = all.into_iter().filter_map(|found| Some((found.id?, found.description.unwrap_or_default())));
    Ok(Seen::Ours(Observed { rest_api, deployments: deployments.collect() }))
}

pub(super) async fn apply(clients: &Clients, _gallery: &Identity, change: &Change) -> Result<(), CloudError> {
    match change {
        Change::Create { rest_api, description } => {
            let call = clients.apigateway.create_deployment().rest_api_id(rest_api).description(description);
            call.send().await.map(drop).map_err(failed("apigateway", "CreateDeployment"))
        }
        Change::Delete { rest_api, id } => {
            let answer = clients.apigateway.delete_deployment().rest_api_id(rest_api).deployment_id(id).send().await;
            found(answer, MISSING, failed("apigateway", "DeleteDeployment")).map(drop)
        }
    }
}

//! The REST API: found among all of the account by its tags.

use aws_sdk_apigateway::primitives::Blob;
use aws_sdk_apigateway::types::{
    EndpointConfiguration, EndpointType, Op, PatchOperation, PutMode, RestApi,
};

use super::Clients;
use super::error::{failed, found};
use crate::cloud::{CloudError, Seen};
use crate::gallery::Identity;
use crate::names::{Ownership, TAG_BODY, Tags};
use crate::resources::rest_api::{Change, Observed};

const MISSING: &[&str] = &["NotFoundException"];
/// As many as AWS gives in one answer.
const PAGE: i32 = 500;

pub(super) async fn observe(clients: &Clients, gallery: &Identity) -> Result<Seen<Observed>, CloudError> {
    let pages = clients.apigateway.get_rest_apis().limit(PAGE).into_paginator().items().send();
    let all = pages.collect::<Result<Vec<_>, _>>().await.map_err(failed("apigateway", "GetRestApis"))?;
    // Names are not unique: somebody else's of the same name is not in the way.
    let ours = all.into_iter().filter(|found| gallery.ownership(&tags(found)) == Ownership::Ours);
    let mut ours: Vec<_> = ours.collect();
    ours.sort_by_key(|found| (found.created_date.map(|date| date.as_nanos()), found.id.clone()));
    let mut ours = ours.into_iter();
    let Some(oldest) = ours.next() else { return Ok(Seen::Nothing) };
    let tags = tags(&oldest);
    Ok(Seen::Ours(Observed {
        id: oldest.id.unwrap_or_default(),
        name: oldest.name.unwrap_or_default(),
        description: oldest.description.unwrap_or_default(),
        body_sha256: tags.get(TAG_BODY).cloned(),
        is_closed: oldest.disable_execute_api_endpoint,
        tags,
        duplicates: ours.filter_map(|found| found.id).collect(),
    }))
}

fn tags(found: &RestApi) -> Tags {
    found.tags.clone().unwrap_or_default().into_iter().collect()
}

pub(super) async fn apply(clients: &Clients, gallery: &Identity, change: &Change) -> Result<(), CloudError> {
    let client = &clients.apigateway;
    match change {
        Change::Create { name, description, tags } => {
            let endpoint = EndpointConfiguration::builder().types(EndpointType::Regional).build();
            let call = client.create_rest_api().name(name).description(description).endpoint_configuration(endpoint);
            let call = call.set_tags(Some(tags.clone().into_iter().collect()));
            call.send().await.map(drop).map_err(failed("apigateway", "CreateRestApi"))
        }
        Change::Body { id, body } => {
            let call = client.put_rest_api().rest_api_id(id).mode(PutMode::Overwrite).fail_on_warnings(true);
            let call = call.body(Blob::new(body.as_bytes()));
            call.send().await.map(drop).map_err(failed("apigateway", "PutRestApi"))
        }
        Change::Open { id } => {
            let operation = PatchOperation::builder().op(Op::Replace).path("/disableExecuteApiEndpoint").value("false");
            let call = client.update_rest_api().rest_api_id(id).patch_operations(operation.build());
            call.send().await.map(drop).map_err(failed("apigateway", "UpdateRestApi"))
        }
        Change::Tag { id, tags } => tag(clients, &gallery.rest_api_arn(id), tags).await,
        Change::Untag { id, keys } => untag(clients, &gallery.rest_api_arn(id), keys).await,
        Change::Delete { id } => {
            let answer = client.delete_rest_api().rest_api_id(id).send().await;
            found(answer, MISSING, failed("apigateway", "DeleteRestApi")).map(drop)
        }
    }
}

/// `TagResource` on anything of API Gateway's.
pub(super) async fn tag(clients: &Clients, arn: &str, tags: &Tags) -> Result<(), CloudError> {
    let tags = tags.clone().into_iter().collect();
    let call = clients.apigateway.tag_resource().resource_arn(arn).set_tags(Some(tags));
    call.send().await.map(drop).map_err(failed("apigateway", "TagResource"))
}

/// `UntagResource` on anything of API Gateway's.
pub(super) async fn untag(clients: &Clients, arn: &str, keys: &[String]) -> Result<(), CloudError> {
    let call = clients.apigateway.untag_resource().resource_arn(arn).set_tag_keys(Some(keys.to_vec()));
    call.send().await.map(drop).map_err(failed("apigateway", "UntagResource"))
}

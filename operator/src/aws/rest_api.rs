//! The REST API: found among all of the account by its tags.

use aws_sdk_apigateway::config::Builder;
use aws_sdk_apigateway::config::retry::RetryConfig;
use aws_sdk_apigateway::primitives::Blob;
use aws_sdk_apigateway::types::{EndpointConfiguration, EndpointType, Op, PatchOperation, PutMode, RestApi};

use super::Clients;
use super::error::{failed, found};
use super::needs::{CallNeeds, Need, On, call};
use crate::cloud::{CloudError, Foreign, Seen};
use crate::gallery::Identity;
use crate::names::{TAG_BODY, Tags};
use crate::ownership::Ownership;
use crate::preflight::Quota;
use crate::resources::rest_api::{Change, Observed};

/// What IAM asks of whoever makes these calls.
pub(super) const NEEDS: &[CallNeeds] = &[
    call("apigateway", "GetRestApis", &[Need("apigateway:GET", On::RestApis)]),
    call(
        "apigateway",
        "CreateRestApi",
        &[Need("apigateway:POST", On::NewRestApi), Need("apigateway:PUT", On::RestApiTags)],
    ),
    call("apigateway", "PutRestApi", &[Need("apigateway:PUT", On::RestApi)]),
    call("apigateway", "UpdateRestApi", &[Need("apigateway:PATCH", On::RestApi)]),
    // Tagging counts as a change of what is tagged. Its stage's is below it.
    call(
        "apigateway",
        "TagResource",
        &[Need("apigateway:PUT", On::RestApiTags), Need("apigateway:PATCH", On::RestApi)],
    ),
    call(
        "apigateway",
        "UntagResource",
        &[Need("apigateway:DELETE", On::RestApiTags), Need("apigateway:PATCH", On::RestApi)],
    ),
    call("apigateway", "DeleteRestApi", &[Need("apigateway:DELETE", On::RestApi)]),
];

const MISSING: &[&str] = &["NotFoundException"];
/// As many as AWS gives in one answer.
const PAGE: i32 = 500;

pub(super) async fn observe(clients: &Clients, gallery: &Identity) -> Result<Seen<Observed>, CloudError> {
    let pages = clients.apigateway.get_rest_apis().limit(PAGE).into_paginator().items().send();
    let all = pages.collect::<Result<Vec<_>, _>>().await.map_err(failed("apigateway", "GetRestApis"))?;
    clients.counts.note(Quota::RestApis, all.iter().filter(|found| is_regional(found)).count());
    let (mut ours, mut left) = (Vec::new(), None);
    for found in all {
        match gallery.ownership(&tags(&found)) {
            Ownership::Ours => ours.push(found),
            Ownership::NotOurs(whose) if whose.adopt.is_some() => {
                left = left.or(Some(Foreign { name: found.id.unwrap_or_default(), whose }));
            }
            // Names are not unique: somebody else's of the same name is not in the way.
            Ownership::NotOurs(_) => {}
        }
    }
    ours.sort_by_key(|found| (found.created_date.map(|date| date.as_nanos()), found.id.clone()));
    let mut ours = ours.into_iter();
    let Some(oldest) = ours.next() else { return Ok(left.map_or(Seen::Nothing, Seen::Foreign)) };
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

/// Edge-optimized and private ones have quotas of their own.
fn is_regional(found: &RestApi) -> bool {
    found.endpoint_configuration().is_some_and(|endpoint| endpoint.types().contains(&EndpointType::Regional))
}

fn tags(found: &RestApi) -> Tags {
    found.tags.clone().unwrap_or_default().into_iter().collect()
}

pub(super) async fn apply(clients: &Clients, gallery: &Identity, change: &Change) -> Result<(), CloudError> {
    let client = &clients.apigateway;
    match change {
        Change::Create { name, description, tags } => {
            let endpoint = EndpointConfiguration::builder().types(EndpointType::Regional).build();
            let call =
                client.create_rest_api().name(name).description(description).endpoint_configuration(endpoint);
            let call = call.set_tags(Some(tags.clone().into_iter().collect())).customize();
            let call = call.config_override(never_repeated()).send();
            call.await.map(drop).map_err(failed("apigateway", "CreateRestApi"))
        }
        Change::Body { id, body } => {
            let call = client
                .put_rest_api()
                .rest_api_id(id)
                .mode(PutMode::Overwrite)
                .body(Blob::new(body.as_bytes()));
            call.send().await.map(drop).map_err(failed("apigateway", "PutRestApi"))
        }
        Change::Open { id } => {
            let operation =
                PatchOperation::builder().op(Op::Replace).path("/disableExecuteApiEndpoint").value("false");
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

/// For creations of what has no name that AWS would keep unique: after a lost answer the SDK would make a second one. The next
/// look tells whether there is a first one.
pub(super) fn never_repeated() -> Builder {
    Builder::new().retry_config(RetryConfig::disabled())
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

#[cfg(test)]
mod tests {
    use aws_sdk_apigateway::Client;
    use aws_sdk_apigateway::operation::create_rest_api::CreateRestApiOutput;
    use aws_sdk_apigateway::operation::get_rest_apis::GetRestApisOutput;
    use aws_sdk_apigateway::operation::put_rest_api::PutRestApiOutput;
    use aws_sdk_apigateway::primitives::DateTime;
    use aws_smithy_mocks::{Rule, mock};

    use super::*;
    use crate::cloud::ErrorKind;
    use crate::names::TAG_OWNER;
    use crate::ownership::Maker;
    use crate::testing::clients::{clients, repeating_clients, rest_refusal};
    use crate::testing::galleries::identity;

    fn listed(apis: Vec<(&'static str, i64, Tags)>) -> Rule {
        mock!(Client::get_rest_apis).then_output(move || {
            let apis = apis.iter().map(|(id, second, tags)| {
                let created = DateTime::from_secs(*second);
                let tags = tags.clone().into_iter().collect();
                RestApi::builder().id(*id).name("name").created_date(created).set_tags(Some(tags)).build()
            });
            GetRestApisOutput::builder().set_items(Some(apis.collect())).build()
        })
    }

    #[tokio::test]
    async fn the_oldest_of_ours_is_it_and_others_are_not_in_the_way() {
        let identity = identity("photos", "summer");
        let mut owned = identity.owner_tags();
        owned.insert(TAG_BODY.into(), "digest".into());
        let rule = listed(vec![("young", 9, owned.clone()), ("foreign", 1, Tags::new()), ("old", 5, owned)]);
        let Seen::Ours(seen) = observe(&clients(&[&rule]), &identity).await.unwrap() else { panic!() };
        assert_eq!((seen.id.as_str(), seen.duplicates), ("old", vec!["young".to_owned()]));
        assert_eq!(seen.body_sha256.as_deref(), Some("digest"));
        let rule = listed(vec![("foreign", 1, Tags::new())]);
        assert_eq!(observe(&clients(&[&rule]), &identity).await.unwrap(), Seen::Nothing);
    }

    #[tokio::test]
    async fn one_that_another_cluster_left_is_in_the_way_until_it_is_taken_over() {
        let identity = identity("photos", "summer");
        let mut tags = identity.owner_tags();
        tags.insert(TAG_OWNER.into(), "lost".into());
        let rule = listed(vec![("foreign", 1, Tags::new()), ("left", 5, tags)]);
        let Seen::Foreign(left) = observe(&clients(&[&rule]), &identity).await.unwrap() else { panic!() };
        assert!(left.name == "left" && left.whose.adopt.is_some(), "{left:?}");
        let identity = Identity { adopts: Maker::parse("lost/uid-summer"), ..identity };
        let Seen::Ours(seen) = observe(&clients(&[&rule]), &identity).await.unwrap() else { panic!() };
        assert_eq!((seen.id.as_str(), seen.duplicates), ("left", vec![]));
    }

    #[tokio::test]
    async fn it_is_made_regional_and_tagged() {
        let create = mock!(Client::create_rest_api)
            .match_requests(|request| {
                let types = request.endpoint_configuration().map(EndpointConfiguration::types);
                types == Some(&[EndpointType::Regional]) && request.tags().is_some_and(|tags| tags.len() == 4)
            })
            .then_output(|| CreateRestApiOutput::builder().build());
        let identity = identity("photos", "summer");
        let (name, description) = ("name".into(), "text".into());
        let change = Change::Create { name, description, tags: identity.owner_tags() };
        apply(&clients(&[&create]), &identity, &change).await.unwrap();
        assert_eq!(create.num_calls(), 1);
    }

    #[tokio::test]
    async fn a_creation_without_an_answer_is_not_repeated_blindly() {
        let create = mock!(Client::create_rest_api)
            .sequence()
            .http_status(503, None)
            .output(|| CreateRestApiOutput::builder().build())
            .build();
        let identity = identity("photos", "summer");
        let change =
            Change::Create { name: "name".into(), description: "text".into(), tags: identity.owner_tags() };
        let error = apply(&repeating_clients(&[&create]), &identity, &change).await.unwrap_err();
        assert_eq!((error.kind, create.num_calls()), (ErrorKind::Unavailable, 1));
        let other = mock!(Client::put_rest_api)
            .sequence()
            .http_status(503, None)
            .output(|| PutRestApiOutput::builder().build())
            .build();
        let change = Change::Body { id: "a1".into(), body: "{}".into() };
        apply(&repeating_clients(&[&other]), &identity, &change).await.unwrap();
        assert_eq!(other.num_calls(), 2, "the clients do repeat otherwise");
    }

    #[tokio::test]
    async fn the_body_overwrites() {
        let put = mock!(Client::put_rest_api)
            .match_requests(|request| request.mode() == Some(&PutMode::Overwrite))
            .then_output(|| PutRestApiOutput::builder().build());
        let change = Change::Body { id: "a1".into(), body: "{}".into() };
        apply(&clients(&[&put]), &identity("photos", "summer"), &change).await.unwrap();
        assert_eq!(put.num_calls(), 1);
    }

    #[tokio::test]
    async fn a_deletion_too_soon_after_another_is_throttled_and_a_repeated_one_is_done() {
        let identity = identity("photos", "summer");
        let delete = Change::Delete { id: "a1".into() };
        let slow = mock!(Client::delete_rest_api)
            .then_http_response(|| rest_refusal(429, "TooManyRequestsException", "Too Many Requests"));
        let error = apply(&clients(&[&slow]), &identity, &delete).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Throttled);
        let gone = mock!(Client::delete_rest_api).then_http_response(|| {
            rest_refusal(404, "NotFoundException", "Invalid API identifier specified")
        });
        apply(&clients(&[&gone]), &identity, &delete).await.unwrap();
    }
}

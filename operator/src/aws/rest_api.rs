//! The REST API: found among all of the account by its tags, and once it was seen, by its id.

use std::collections::BTreeMap;

use aws_sdk_apigateway::config::Builder;
use aws_sdk_apigateway::config::retry::RetryConfig;
use aws_sdk_apigateway::operation::get_rest_api::GetRestApiOutput;
use aws_sdk_apigateway::primitives::Blob;
use aws_sdk_apigateway::types::{
    ApiKeySourceType, EndpointConfiguration, EndpointType, IntegrationType, Method, Op, PatchOperation,
    PutMode, RestApi,
};

use super::error::{failed, found};
use super::needs::{CallNeeds, Need, On, call};
use super::{Clients, Looking, lists};
use crate::cloud::{Answer, CloudError, Depth, ErrorKind, Foreign, Seen};
use crate::gallery::Identity;
use crate::names::{TAG_OWNER, Tags};
use crate::ownership::Ownership;
use crate::preflight::Quota;
use crate::resources::document;
use crate::resources::rest_api::{self, Change, Observed, Routes, Setting};

/// What IAM asks of whoever makes these calls.
pub(super) const NEEDS: &[CallNeeds] = &[
    call("apigateway", "GetRestApis", &[Need("apigateway:GET", On::RestApis)]),
    call(
        "apigateway",
        "CreateRestApi",
        &[Need("apigateway:POST", On::NewRestApi), Need("apigateway:PUT", On::RestApiTags)],
    ),
    call("apigateway", "GetRestApi", &[Need("apigateway:GET", On::RestApi)]),
    call("apigateway", "GetResources", &[Need("apigateway:GET", On::RestApi)]),
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

/// A REST API of a list.
pub(super) type Listed = RestApi;

pub(super) async fn observe(looking: &Looking<'_>) -> Result<Seen<Observed>, CloudError> {
    let Looking { clients, gallery, .. } = *looking;
    let pick = |all: &Vec<Listed>| pick(gallery, all);
    let picked = lists::find(looking, &clients.lists.rest_apis, || list(clients), pick).await?;
    let Picked { mut ours, left } = picked.unwrap_or_default();
    if ours.is_empty() {
        ours = left_out(clients, gallery).await?;
    }
    clients.recent.note_rest_api(gallery, ours.first().and_then(|found| found.id.clone()));
    let mut ours = ours.into_iter();
    let Some(first) = ours.next() else { return Ok(left.map_or(Seen::Nothing, Seen::Foreign)) };
    let (description, body_sha256) = rest_api::read_description(first.description().unwrap_or_default());
    let routes = match &first.id {
        Some(id) if !is_new(gallery, &first) && looking.depth != Depth::Bare => {
            routes(clients, gallery, id).await?
        }
        Some(_) | None => Routes::new(),
    };
    Ok(Seen::Ours(Observed {
        description,
        body_sha256,
        routes,
        settings: settings(&first),
        tags: tags(&first),
        id: first.id.unwrap_or_default(),
        name: first.name.unwrap_or_default(),
        duplicates: ours.filter_map(|found| found.id).collect(),
    }))
}

/// All that belong to some gallery.
async fn list(clients: &Clients) -> Result<Vec<Listed>, CloudError> {
    let call = clients.apigateway("GetRestApis").await.get_rest_apis().limit(PAGE);
    let pages = call.into_paginator().items().send();
    let mut all = pages.collect::<Result<Vec<_>, _>>().await.map_err(failed("apigateway", "GetRestApis"))?;
    clients.counts.note(Quota::RestApis, all.iter().filter(|found| is_regional(found)).count());
    all.retain(|found| found.tags().is_some_and(|tags| tags.contains_key(TAG_OWNER)));
    Ok(all)
}

/// The one that was there before, if it is. A list may be older than what it is about, and whoever took it at its word would make
/// another one, which has no name to be refused by.
async fn left_out(clients: &Clients, gallery: &Identity) -> Result<Vec<Listed>, CloudError> {
    let Some(id) = clients.recent.rest_api(gallery) else { return Ok(Vec::new()) };
    let answer = clients.apigateway("GetRestApi").await.get_rest_api().rest_api_id(id).send().await;
    let answer = match found(answer, MISSING, failed("apigateway", "GetRestApi")) {
        // The operator's policy is about what carries a gallery's tags (`crate::iam_policy`), and what is gone carries none. The list
        // takes the same permission, so that is not missing.
        Err(error) if error.kind == ErrorKind::AccessDenied => None,
        answer => answer?,
    };
    let picked = answer.and_then(|answer| pick(gallery, &[as_listed(answer)]));
    Ok(picked.unwrap_or_default().ours)
}

/// What a list would say of it that is looked at here.
fn as_listed(answer: GetRestApiOutput) -> Listed {
    RestApi::builder()
        .set_id(answer.id)
        .set_name(answer.name)
        .set_description(answer.description)
        .set_created_date(answer.created_date)
        .set_endpoint_configuration(answer.endpoint_configuration)
        .set_policy(answer.policy)
        .set_binary_media_types(answer.binary_media_types)
        .set_minimum_compression_size(answer.minimum_compression_size)
        .set_api_key_source(answer.api_key_source)
        .disable_execute_api_endpoint(answer.disable_execute_api_endpoint)
        .set_tags(answer.tags)
        .build()
}

/// What a list holds for a gallery.
#[derive(Default)]
struct Picked {
    /// Its own, the one that stays first.
    ours: Vec<Listed>,
    /// One that could be taken over.
    left: Option<Foreign>,
}

fn pick(gallery: &Identity, all: &[Listed]) -> Option<Picked> {
    let (mut ours, mut left) = (Vec::new(), None);
    for found in all {
        match gallery.ownership(&tags(found)) {
            Ownership::Ours => {
                // Pages that were read while the list changed may both have it.
                ours.retain(|other: &Listed| other.id != found.id);
                ours.push(found.clone());
            }
            Ownership::NotOurs(whose) if whose.adopt.is_some() => {
                let name = found.id.clone().unwrap_or_default();
                left = left.or(Some(Foreign { name, whose }));
            }
            // Names are not unique: somebody else's of the same name is not in the way.
            Ownership::NotOurs(_) => {}
        }
    }
    // One whose creation got no answer may show after another was made and is called by visitors: it is older, and nobody's.
    ours.sort_by_key(|found| {
        (is_new(gallery, found), found.created_date.map(|date| date.as_nanos()), found.id.clone())
    });
    (!ours.is_empty() || left.is_some()).then_some(Picked { ours, left })
}

/// Is it as its creation left it, without a body?
fn is_new(gallery: &Identity, found: &RestApi) -> bool {
    found.description() == Some(rest_api::description(gallery).as_str())
}

/// What is set otherwise than it should be. Absent and empty are both API Gateway's default.
fn settings(found: &RestApi) -> BTreeMap<Setting, String> {
    let endpoint = found.endpoint_configuration().map(EndpointConfiguration::types).unwrap_or_default();
    let endpoint = endpoint.iter().find(|kind| **kind != EndpointType::Regional);
    let types = found.binary_media_types();
    let source = found.api_key_source().filter(|source| **source != ApiKeySourceType::Header);
    let all = [
        (Setting::OwnAddress, found.disable_execute_api_endpoint.then(|| "off".to_owned())),
        (Setting::Endpoint, endpoint.map(ToString::to_string)),
        (Setting::Policy, found.policy().filter(|policy| !policy.is_empty()).map(policy_in_words)),
        (Setting::BinaryMediaTypes, (!types.is_empty()).then(|| types.join(", "))),
        (Setting::Compression, compression(found.minimum_compression_size)),
        (Setting::KeySource, source.map(ToString::to_string)),
    ];
    all.into_iter().filter_map(|(setting, value)| Some((setting, value?))).collect()
}

/// Absent: nothing is compressed.
fn compression(from: Option<i32>) -> Option<String> {
    match from {
        Some(rest_api::COMPRESSION_BYTES) => None,
        Some(size) => Some(format!("from {size} bytes")),
        None => Some("off".to_owned()),
    }
}

/// API Gateway gives a policy back as the inside of a JSON string.
fn policy_in_words(policy: &str) -> String {
    let plain =
        serde_json::from_str::<String>(&format!("\"{policy}\"")).unwrap_or_else(|_| policy.to_owned());
    let document = document::canonical(&document::parse(&plain));
    let words: Vec<_> = document::statements(&document).into_iter().map(document::summary).collect();
    if words.is_empty() { plain } else { words.join("; ") }
}

/// Every method of every path, and what answers it.
async fn routes(clients: &Clients, gallery: &Identity, id: &str) -> Result<Routes, CloudError> {
    let call =
        clients.apigateway("GetResources").await.get_resources().rest_api_id(id).embed("methods").limit(PAGE);
    let pages = call.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
    let resources = found(pages, MISSING, failed("apigateway", "GetResources"))?.unwrap_or_default();
    let methods = resources.iter().flat_map(|resource| {
        let path = resource.path().unwrap_or_default();
        resource
            .resource_methods()
            .into_iter()
            .flatten()
            .map(move |(name, method)| (format!("{name} {path}"), method))
    });
    Ok(methods.map(|(route, method)| (route, target(gallery, method))).collect())
}

/// What answers a method: the function's ARN where it is as we make it, and what is otherwise.
fn target(gallery: &Identity, method: &Method) -> String {
    let Some(called) = method.method_integration() else { return "nothing".into() };
    let (kind, uri) = (called.r#type(), called.uri().unwrap_or_default());
    let verb = called.http_method().unwrap_or_default();
    let function =
        rest_api::called_function(gallery, verb, uri).filter(|_| kind == Some(&IntegrationType::AwsProxy));
    let kind = kind.map_or("", IntegrationType::as_str);
    let otherwise =
        || [kind, verb, uri].into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    let mut words = vec![function.map_or_else(otherwise, str::to_owned)];
    let authorization = method.authorization_type().filter(|kind| !kind.is_empty() && *kind != "NONE");
    words.extend(authorization.map(|kind| format!("authorization {kind}")));
    words.extend((method.api_key_required() == Some(true)).then(|| "with an API key".to_owned()));
    let is_mapped = called.request_parameters().is_some_and(|mapped| !mapped.is_empty());
    words.extend(is_mapped.then(|| "with mapped parameters".to_owned()));
    words.extend(called.credentials().filter(|it| !it.is_empty()).map(|role| format!("as {role}")));
    words.join(", ")
}

/// Edge-optimized and private ones have quotas of their own.
fn is_regional(found: &RestApi) -> bool {
    found.endpoint_configuration().is_some_and(|endpoint| endpoint.types().contains(&EndpointType::Regional))
}

fn tags(found: &RestApi) -> Tags {
    found.tags.clone().unwrap_or_default().into_iter().collect()
}

pub(super) async fn apply(
    clients: &Clients,
    gallery: &Identity,
    change: &Change,
) -> Result<Answer, CloudError> {
    match change {
        Change::Create { name, description, tags } => {
            let endpoint = EndpointConfiguration::builder().types(EndpointType::Regional).build();
            let call = clients
                .apigateway("CreateRestApi")
                .await
                .create_rest_api()
                .name(name)
                .description(description)
                .endpoint_configuration(endpoint);
            let call = call.minimum_compression_size(rest_api::COMPRESSION_BYTES);
            let call = call.set_tags(Some(tags.clone().into_iter().collect())).customize();
            let call = call.config_override(never_repeated()).send();
            let made = call.await.map_err(failed("apigateway", "CreateRestApi"))?;
            return Ok(made.id.map_or(Answer::Done, Answer::Assigned));
        }
        Change::Body { id, wanted } => {
            let call = clients
                .apigateway("PutRestApi")
                .await
                .put_rest_api()
                .rest_api_id(id)
                .mode(PutMode::Overwrite)
                .body(Blob::new(wanted.signed_body()));
            call.send().await.map(drop).map_err(failed("apigateway", "PutRestApi"))
        }
        Change::Settings { id, seen } => {
            let operations = seen.iter().flat_map(|(setting, value)| patches(*setting, value));
            let call = clients.apigateway("UpdateRestApi").await.update_rest_api().rest_api_id(id);
            let call = call.set_patch_operations(Some(operations.collect()));
            call.send().await.map(drop).map_err(failed("apigateway", "UpdateRestApi"))
        }
        Change::Tag { id, tags } => tag(clients, &gallery.rest_api_arn(id), tags).await,
        Change::Untag { id, keys } => untag(clients, &gallery.rest_api_arn(id), keys).await,
        Change::Delete { id } => {
            let answer =
                clients.apigateway("DeleteRestApi").await.delete_rest_api().rest_api_id(id).send().await;
            found(answer, MISSING, failed("apigateway", "DeleteRestApi")).map(drop)
        }
    }
    .map(|()| Answer::Done)
}

/// What makes a setting as it is wanted.
fn patches(setting: Setting, value: &str) -> Vec<PatchOperation> {
    let patch = |op: Op, path: &str| PatchOperation::builder().op(op).path(path);
    let replace = |path: &str, value: &str| vec![patch(Op::Replace, path).value(value).build()];
    match setting {
        Setting::OwnAddress => replace("/disableExecuteApiEndpoint", "false"),
        Setting::Endpoint => replace("/endpointConfiguration/types/0", setting.wanted()),
        Setting::Policy => replace("/policy", ""),
        Setting::BinaryMediaTypes => {
            let types = value.split(", ").map(|kind| kind.replace('~', "~0").replace('/', "~1"));
            types.map(|kind| patch(Op::Remove, &format!("/binaryMediaTypes/{kind}")).build()).collect()
        }
        Setting::Compression => replace("/minimumCompressionSize", &rest_api::COMPRESSION_BYTES.to_string()),
        Setting::KeySource => replace("/apiKeySource", setting.wanted()),
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
    let call = clients.apigateway("TagResource").await.tag_resource().resource_arn(arn).set_tags(Some(tags));
    call.send().await.map(drop).map_err(failed("apigateway", "TagResource"))
}

/// `UntagResource` on anything of API Gateway's.
pub(super) async fn untag(clients: &Clients, arn: &str, keys: &[String]) -> Result<(), CloudError> {
    let call = clients
        .apigateway("UntagResource")
        .await
        .untag_resource()
        .resource_arn(arn)
        .set_tag_keys(Some(keys.to_vec()));
    call.send().await.map(drop).map_err(failed("apigateway", "UntagResource"))
}

#[cfg(test)]
mod tests;

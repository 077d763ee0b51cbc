//! REST APIs with their deployments and stages.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Operation;
use super::world::World;
use crate::cloud::CloudError;
use crate::names::{Tags, set_tags, sha256_hex, unset_tags};
use crate::resources::stage::{Call, Throttle};
use crate::resources::{deployment, document, rest_api, stage};

/// A REST API.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RestApi {
    /// When it was made.
    pub made: usize,
    /// Name.
    pub name: String,
    /// Description.
    pub description: String,
    /// The `OpenAPI` document.
    pub body: Option<String>,
    /// Its routes, as the body says unless somebody has changed them since.
    pub routes: rest_api::Routes,
    /// What is set otherwise than it should be.
    pub settings: BTreeMap<rest_api::Setting, String>,
    /// Tags.
    pub tags: Tags,
    /// Deployments, oldest first.
    pub deployments: Vec<Deployment>,
    /// The stage `api`.
    pub stage: Option<Stage>,
}

/// A deployment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Deployment {
    /// Id.
    pub id: String,
    /// Description.
    pub description: String,
    /// Digest of the body that it is a snapshot of.
    pub snapshot: String,
}

/// A stage.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stage {
    /// Id of the deployment.
    pub deployment: String,
    /// How many requests it lets through.
    pub throttle: Option<Throttle>,
    /// What it should not have.
    pub extras: BTreeMap<stage::Extra, String>,
    /// Tags.
    pub tags: Tags,
}

impl RestApi {
    pub(super) fn observed(&self, id: &str, duplicates: Vec<String>) -> rest_api::Observed {
        let (description, body_sha256) = rest_api::read_description(&self.description);
        rest_api::Observed {
            id: id.to_owned(),
            name: self.name.clone(),
            description,
            routes: if self.body.is_some() { self.routes.clone() } else { BTreeMap::new() },
            body_sha256,
            settings: self.settings.clone(),
            tags: self.tags.clone(),
            duplicates,
        }
    }

    fn put(&mut self, body: &str, call: Operation) -> Result<(), CloudError> {
        let invalid = || call.refuse(400, "BadRequestException", "Invalid OpenAPI input.");
        let document: Value = serde_json::from_str(body).map_err(|_| invalid())?;
        let text = |pointer: &str| document.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        self.name = text("/info/title").ok_or_else(invalid)?;
        self.description = text("/info/description").unwrap_or_default();
        self.routes = routes(&document);
        // As AWS does when a body overwrites.
        self.settings.remove(&rest_api::Setting::Policy);
        self.settings.remove(&rest_api::Setting::BinaryMediaTypes);
        self.body = Some(body.to_owned());
        Ok(())
    }
}

/// The function that each method and path of an `OpenAPI` document calls.
fn routes(document: &Value) -> rest_api::Routes {
    let mut routes = rest_api::Routes::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let uri = operation.pointer("/x-amazon-apigateway-integration/uri").and_then(Value::as_str);
            let function = uri.and_then(|uri| uri.split_once("/functions/")?.1.strip_suffix("/invocations"));
            routes.extend(
                function.map(|arn| (format!("{} {path}", method.to_ascii_uppercase()), arn.to_owned())),
            );
        }
    }
    routes
}

/// Digest of a body without what its description says of it.
fn digest(body: &str) -> String {
    let mut body = document::parse(body);
    let description = body["info"]["description"].as_str().map(rest_api::read_description);
    body["info"]["description"] = description.unwrap_or_default().0.into();
    sha256_hex(document::text(&body).as_bytes())
}

fn missing(call: Operation) -> CloudError {
    call.refuse(404, "NotFoundException", "Invalid API identifier specified")
}

fn find<'a>(world: &'a mut World, id: &str, call: Operation) -> Result<&'a mut RestApi, CloudError> {
    world.rest_apis.get_mut(id).ok_or_else(|| missing(call))
}

pub(super) fn rest_api(
    world: &mut World,
    change: &rest_api::Change,
    call: Operation,
) -> Result<(), CloudError> {
    match change {
        // Neither name nor tags are unique: every call makes another one.
        rest_api::Change::Create { name, description, tags } => {
            let id = world.assign("api");
            let made = RestApi {
                made: world.assigned,
                name: name.clone(),
                description: description.clone(),
                tags: tags.clone(),
                ..RestApi::default()
            };
            world.rest_apis.insert(id, made);
        }
        rest_api::Change::Body { id, wanted } => find(world, id, call)?.put(&wanted.signed_body(), call)?,
        rest_api::Change::Settings { id, seen } => {
            find(world, id, call)?.settings.retain(|setting, _| !seen.contains_key(setting));
        }
        rest_api::Change::Tag { id, tags } => set_tags(&mut find(world, id, call)?.tags, tags),
        rest_api::Change::Untag { id, keys } => unset_tags(&mut find(world, id, call)?.tags, keys),
        rest_api::Change::Delete { id } => {
            let host = format!("{id}.execute-api.");
            if world.distributions.values().any(|distribution| distribution.asks(&host)) {
                return Err(call.forbid("a distribution still passes requests to it"));
            }
            world.rest_apis.remove(id);
        }
    }
    Ok(())
}

pub(super) fn deployment(
    world: &mut World,
    change: &deployment::Change,
    call: Operation,
) -> Result<(), CloudError> {
    match change {
        deployment::Change::Create { rest_api, description } => {
            let id = world.assign("d");
            let found = find(world, rest_api, call)?;
            let Some(body) = &found.body else {
                let message = "The REST API doesn't contain any methods";
                return Err(call.refuse(400, "BadRequestException", message));
            };
            let said = serde_json::from_str(body).map(|body| routes(&body)).unwrap_or_default();
            let is_body = found.routes == said;
            let snapshot = if is_body { digest(body) } else { "changed by hand".into() };
            found.deployments.push(Deployment { id, description: description.clone(), snapshot });
        }
        deployment::Change::Delete { rest_api, id } => {
            let Some(found) = world.rest_apis.get_mut(rest_api) else { return Ok(()) };
            if found.stage.as_ref().is_some_and(|stage| stage.deployment == *id) {
                let message = "Active stages pointing to this deployment must be moved or deleted";
                return Err(call.refuse(400, "BadRequestException", message));
            }
            found.deployments.retain(|deployment| deployment.id != *id);
        }
    }
    Ok(())
}

pub(super) fn stage(world: &mut World, change: &stage::Change, call: Operation) -> Result<(), CloudError> {
    let stage::Change { rest_api, call: wanted } = change;
    let RestApi { deployments, stage, .. } = find(world, rest_api, call)?;
    let known = |id: &String| {
        let is_known = deployments.iter().any(|deployment| deployment.id == *id);
        let refusal = || call.refuse(400, "BadRequestException", "Deployment id does not exist");
        is_known.then(|| id.clone()).ok_or_else(refusal)
    };
    let missing = || call.refuse(404, "NotFoundException", "Invalid stage identifier specified");
    match wanted {
        Call::Create { .. } if stage.is_some() => {
            return Err(call.refuse(409, "ConflictException", "Stage already exists"));
        }
        Call::Create { deployment, tags } => {
            *stage = Some(Stage {
                deployment: known(deployment)?,
                throttle: None,
                extras: BTreeMap::new(),
                tags: tags.clone(),
            });
        }
        Call::Update { deployment, throttle, remove } => {
            let stage = stage.as_mut().ok_or_else(missing)?;
            stage.extras.retain(|extra, _| !remove.contains(extra));
            if let Some(deployment) = deployment {
                stage.deployment = known(deployment)?;
            }
            stage.throttle = throttle.or(stage.throttle);
        }
        Call::Tag(tags) => set_tags(&mut stage.as_mut().ok_or_else(missing)?.tags, tags),
        Call::Untag(keys) => unset_tags(&mut stage.as_mut().ok_or_else(missing)?.tags, keys),
    }
    Ok(())
}

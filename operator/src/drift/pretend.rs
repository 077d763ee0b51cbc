//! Makes the fake account look as something was observed.

use functions_core::contract::FunctionName;
use serde_json::json;

use crate::cloud::Observed;
use crate::gallery::Identity;
use crate::graph::{BucketRole, ResourceId};
use crate::names::TAG_SITE;
use crate::resources::function;
use crate::resources::notification::ID;
use crate::resources::permission::{STATEMENT, Statement};
use crate::resources::role::POLICY;
use crate::testing::fake_cloud::World;
use crate::testing::fake_cloud::parts::{Deployment, Distribution, Object, RestApi};

/// What `seen` holds of `id` is so in the account.
pub(super) fn pretend(world: &mut World, gallery: &Identity, id: ResourceId, seen: &Observed) {
    match id {
        ResourceId::OriginAccessControl => {
            let control = seen.origin_access_control.clone().unwrap();
            world.origin_access_controls.insert(control.id, control.config);
        }
        ResourceId::ResponseHeadersPolicy => {
            let policy = seen.response_headers_policy.clone().unwrap();
            let found = world.response_headers_policies.get_mut(&policy.id).unwrap();
            (found.comment, found.headers, found.besides) = (policy.comment, policy.headers, policy.besides);
        }
        ResourceId::Bucket(role) => {
            let bucket = world.buckets.get_mut(&gallery.bucket(role)).unwrap();
            bucket.observed = seen.buckets[&role].clone();
            bucket.lets_others_in = bucket.observed.ownership.as_deref() == Some("ObjectWriter");
        }
        ResourceId::Table => {
            world.tables.get_mut(&gallery.table()).unwrap().observed = seen.table.clone().unwrap();
        }
        ResourceId::LogGroup(name) => {
            world.log_groups.insert(gallery.log_group(name), seen.log_groups[&name].clone());
        }
        ResourceId::Role(name) => role(world, gallery, name, seen),
        ResourceId::RestApi => rest_api(world, gallery, seen),
        ResourceId::Deployment => deployments(world, seen),
        ResourceId::Stage => stage(world, seen),
        ResourceId::Distribution => {
            let (found, seen) = (distribution(world), seen.distribution.clone().unwrap());
            (found.config, found.tags) = (seen.config, seen.tags);
            found.version += 1;
        }
        ResourceId::BucketPolicy(role) => {
            let bucket = world.buckets.get_mut(&gallery.bucket(role)).unwrap();
            bucket.policy = Some(seen.bucket_policies[&role].document.clone());
        }
        ResourceId::UploadCors => {
            let bucket = world.buckets.get_mut(&gallery.bucket(BucketRole::Photos)).unwrap();
            bucket.cors = Some(seen.upload_cors.clone().unwrap().rules);
        }
        ResourceId::Artefacts => {
            let keys = seen.artefacts.clone().unwrap().keys;
            let objects = &mut world.buckets.get_mut(&gallery.bucket(BucketRole::Artefacts)).unwrap().objects;
            objects.retain(|key, _| keys.contains_key(key));
            for (key, etag) in keys {
                let was = objects.get(&key).filter(|was| was.etag == etag).cloned();
                objects.insert(key, was.unwrap_or_else(|| Object::from(etag.as_str())));
            }
        }
        ResourceId::Function(name) => {
            let function = world.functions.get_mut(&gallery.function(name)).unwrap();
            // Which revision that is, the function itself says.
            function.observed = function::Observed { revision_id: None, ..seen.functions[&name].clone() };
            function.revision += 1;
        }
        ResourceId::Permission(name) => permission(world, gallery, name, seen),
        ResourceId::Notification => {
            let bucket = world.buckets.get_mut(&gallery.bucket(BucketRole::Photos)).unwrap();
            bucket.notifications.insert(ID.into(), seen.notification.clone().unwrap());
        }
        ResourceId::Site => {
            let files = seen.site.clone().unwrap().files.into_iter();
            let object = |stored: crate::resources::site::Stored| Object {
                etag: stored.etag,
                headers: stored.headers,
                ..Object::default()
            };
            let bucket = world.buckets.get_mut(&gallery.bucket(BucketRole::Frontend)).unwrap();
            bucket.objects = files.map(|(path, stored)| (path, object(stored))).collect();
        }
        ResourceId::Invalidation => {
            let site = seen.invalidation.clone().unwrap().site;
            distribution(world).tags.insert(TAG_SITE.into(), site);
        }
    }
}

fn api(world: &mut World) -> &mut RestApi {
    world.rest_apis.values_mut().next().unwrap()
}

fn distribution(world: &mut World) -> &mut Distribution {
    world.distributions.values_mut().next().unwrap()
}

fn role(world: &mut World, gallery: &Identity, name: FunctionName, seen: &Observed) {
    let (role, seen) = (world.roles.get_mut(&gallery.role(name)).unwrap(), seen.roles[&name].clone());
    (role.description, role.trust, role.attached, role.tags) =
        (seen.description, seen.trust, seen.attached, seen.tags);
    role.boundary = seen.boundary.clone();
    let document = |name: &String| if name == POLICY { seen.policy.clone().unwrap() } else { json!({}) };
    role.policies = seen.policies.iter().map(|name| (name.clone(), document(name))).collect();
}

fn rest_api(world: &mut World, gallery: &Identity, seen: &Observed) {
    let (api, seen) = (api(world), seen.rest_api.clone().unwrap());
    (api.name, api.description, api.routes, api.settings) =
        (seen.name, seen.description, seen.routes, seen.settings);
    api.tags = seen.tags;
    api.description.extend(seen.body_sha256.map(|digest| format!("; body {digest}")));
    for id in seen.duplicates {
        let copy = RestApi { made: 1_000_000, tags: gallery.owner_tags(), ..RestApi::default() };
        world.rest_apis.insert(id, copy);
    }
}

fn deployments(world: &mut World, seen: &Observed) {
    let all = seen.deployment.clone().unwrap().deployments;
    let api = api(world);
    let was = std::mem::take(&mut api.deployments);
    let deployment = |(id, description): (String, String)| {
        let snapshot = was.iter().find(|was| was.id == id).map(|was| was.snapshot.clone());
        Deployment { id, description, snapshot: snapshot.unwrap_or_default() }
    };
    api.deployments = all.into_iter().rev().map(deployment).collect();
    stage(world, seen);
}

fn stage(world: &mut World, seen: &Observed) {
    let (api, seen) = (api(world), seen.stage.clone().unwrap());
    if api.deployments.iter().all(|known| known.id != seen.deployment) {
        let (id, description) = (seen.deployment.clone(), "theirs".into());
        api.deployments.push(Deployment { id, description, snapshot: String::new() });
    }
    let stage = api.stage.as_mut().unwrap();
    (stage.deployment, stage.throttle, stage.extras, stage.tags) =
        (seen.deployment, seen.throttle, seen.extras, seen.tags);
}

fn permission(world: &mut World, gallery: &Identity, name: FunctionName, seen: &Observed) {
    let statements = &mut world.functions.get_mut(&gallery.function(name)).unwrap().statements;
    let seen = seen.permissions[&name].clone();
    for id in seen.others.into_keys() {
        let statement = Statement { principal: "*".into(), ..seen.ours.clone() };
        statements.insert(id, statement);
    }
    statements.insert(STATEMENT.into(), seen.ours);
}

//! Reading: what of the account is the gallery's, told in the same words as `crate::aws` tells it.

use functions_core::contract::FunctionName;

use super::s3::{Bucket, Object};
use super::world::World;
use crate::aws::{by_tags, owned};
use crate::cloud::{Depth, Foreign, Observed, Seen};
use crate::gallery::Identity;
use crate::graph::{BucketRole, ResourceId};
use crate::names::{TAG_SITE, Tags};
use crate::ownership::Ownership;
use crate::resources::artefacts::PREFIX;
use crate::resources::notification::ID;
use crate::resources::permission::STATEMENT;
use crate::resources::table::Status;
use crate::resources::{
    artefacts, bucket, bucket_policy, deployment, distribution, function, invalidation, log_group,
    notification, origin_access_control, permission, response_headers_policy, rest_api, role, site, stage,
    table, upload_cors,
};

/// Reads one resource into an otherwise empty snapshot.
pub(super) fn read(
    world: &mut World,
    (gallery, known, depth): (&Identity, &Observed, Depth),
    id: ResourceId,
) -> Observed {
    let mut part = Observed::default();
    macro_rules! one {
        ($field:ident, $found:expr) => {
            part.$field = owned($found, &mut part.foreign, id)
        };
        ($field:ident, $key:expr, $found:expr) => {{
            let found = owned($found, &mut part.foreign, id);
            part.$field = found.into_iter().map(|found| ($key, found)).collect();
        }};
    }
    match id {
        ResourceId::OriginAccessControl => one!(origin_access_control, control(world, gallery)),
        ResourceId::ResponseHeadersPolicy => one!(response_headers_policy, headers(world, gallery)),
        ResourceId::Bucket(role) => one!(buckets, role, bucket(world, gallery, role)),
        ResourceId::Table => one!(table, table(world, gallery)),
        ResourceId::LogGroup(name) => one!(log_groups, name, log_group(world, gallery, name)),
        ResourceId::Role(name) => one!(roles, name, role(world, gallery, name)),
        ResourceId::RestApi => one!(rest_api, rest_api(world, gallery)),
        ResourceId::Deployment => one!(deployment, deployment(world, known)),
        ResourceId::Stage => one!(stage, stage(world, known)),
        ResourceId::Distribution => one!(distribution, distribution(world, gallery)),
        ResourceId::BucketPolicy(role) => one!(bucket_policies, role, policy(world, gallery, role)),
        ResourceId::UploadCors => one!(upload_cors, cors(world, gallery)),
        ResourceId::Artefacts => one!(artefacts, artefacts(world, gallery)),
        ResourceId::Function(name) => one!(functions, name, function(world, gallery, name)),
        ResourceId::Permission(name) => one!(permissions, name, permission(world, gallery, name)),
        ResourceId::Notification => one!(notification, notification(world, gallery)),
        ResourceId::Site => one!(site, site(world, gallery)),
        ResourceId::Invalidation => one!(invalidation, invalidation(world, known)),
    }
    if depth == Depth::Bare {
        strip(&mut part);
    }
    part
}

/// Leaves out what a deletion does not ask for.
fn strip(part: &mut Observed) {
    for bucket in part.buckets.values_mut() {
        (bucket.ownership, bucket.encryption) = (None, None);
        bucket.unblocked.clear();
        bucket.lifecycle.clear();
    }
    for role in part.roles.values_mut() {
        role.policy = None;
    }
    if let Some(table) = &mut part.table {
        table.has_recovery = false;
    }
    if let Some(api) = &mut part.rest_api {
        api.routes.clear();
    }
}

fn seen<T>(found: Option<T>) -> Seen<T> {
    found.map_or(Seen::Nothing, Seen::Ours)
}

fn control(world: &World, gallery: &Identity) -> Seen<origin_access_control::Observed> {
    let name = gallery.installation.origin_access_control();
    let found = world.origin_access_controls.iter().find(|(_, config)| config.name == name);
    seen(found.map(|(id, config)| origin_access_control::Observed { id: id.clone(), config: config.clone() }))
}

fn headers(world: &World, gallery: &Identity) -> Seen<response_headers_policy::Observed> {
    let name = response_headers_policy::name(gallery);
    let found = world.response_headers_policies.iter().find(|(_, policy)| policy.name == name);
    seen(found.map(|(id, policy)| response_headers_policy::Observed {
        id: id.clone(),
        name,
        comment: policy.comment.clone(),
        headers: policy.headers.clone(),
        besides: policy.besides.clone(),
    }))
}

fn bucket(world: &World, gallery: &Identity, role: BucketRole) -> Seen<bucket::Observed> {
    let name = gallery.bucket(role);
    let Some(found) = world.buckets.get(&name) else { return Seen::Nothing };
    if found.account != gallery.installation.account {
        return Seen::Foreign(Foreign { name, whose: "it belongs to another AWS account".into() });
    }
    let ownership = match role {
        BucketRole::Artefacts => gallery.installation.ownership(&found.observed.tags),
        BucketRole::Frontend | BucketRole::Photos | BucketRole::Thumbnails => {
            gallery.ownership(&found.observed.tags)
        }
    };
    match ownership {
        Ownership::Ours => Seen::Ours(found.observed.clone()),
        Ownership::NotOurs(whose) => Seen::Foreign(Foreign { name, whose }),
    }
}

/// The bucket when it is in this account, whoever made it: what `crate::aws` sees of its parts.
fn in_account<'a>(world: &'a World, gallery: &Identity, role: BucketRole) -> Option<&'a Bucket> {
    let found = world.buckets.get(&gallery.bucket(role));
    found.filter(|bucket| bucket.account == gallery.installation.account)
}

fn policy(world: &World, gallery: &Identity, role: BucketRole) -> Seen<bucket_policy::Observed> {
    let document = in_account(world, gallery, role).and_then(|bucket| bucket.policy.clone());
    seen(document.map(|document| bucket_policy::Observed { document }))
}

fn cors(world: &World, gallery: &Identity) -> Seen<upload_cors::Observed> {
    let rules = in_account(world, gallery, BucketRole::Photos).and_then(|bucket| bucket.cors.clone());
    seen(rules.map(|rules| upload_cors::Observed { rules }))
}

fn artefacts(world: &World, gallery: &Identity) -> Seen<artefacts::Observed> {
    let Seen::Ours(_) = bucket(world, gallery, BucketRole::Artefacts) else { return Seen::Nothing };
    seen(in_account(world, gallery, BucketRole::Artefacts).map(|bucket| {
        let zips = bucket.objects.iter().filter(|(key, _)| key.starts_with(PREFIX));
        artefacts::Observed { keys: zips.map(|(key, zip)| (key.clone(), zip.etag.clone())).collect() }
    }))
}

fn site(world: &World, gallery: &Identity) -> Seen<site::Observed> {
    let found = in_account(world, gallery, BucketRole::Frontend);
    let stored = |object: &Object| {
        let Object { etag, headers, .. } = object.clone();
        site::Stored { etag, headers }
    };
    seen(found.map(|bucket| {
        let files = bucket.objects.iter().map(|(path, object)| (path.clone(), stored(object)));
        site::Observed { files: files.collect() }
    }))
}

fn notification(world: &World, gallery: &Identity) -> Seen<notification::Observed> {
    let found = in_account(world, gallery, BucketRole::Photos);
    seen(found.and_then(|bucket| bucket.notifications.get(ID).cloned()))
}

fn table(world: &mut World, gallery: &Identity) -> Seen<table::Observed> {
    let name = gallery.table();
    let Some(found) = world.tables.get_mut(&name) else { return Seen::Nothing };
    let Some(observed) = found.look() else {
        world.tables.remove(&name);
        return Seen::Nothing;
    };
    if matches!(observed.status, Status::Creating | Status::Deleting) {
        return Seen::Ours(observed);
    }
    let tags = observed.tags.clone();
    by_tags(gallery, &tags, &name, observed)
}

fn log_group(world: &World, gallery: &Identity, name: FunctionName) -> Seen<log_group::Observed> {
    let group = gallery.log_group(name);
    let Some(found) = world.log_groups.get(&group) else { return Seen::Nothing };
    by_tags(gallery, &found.tags, &group, found.clone())
}

fn role(world: &World, gallery: &Identity, name: FunctionName) -> Seen<role::Observed> {
    let role = gallery.role(name);
    let Some(found) = world.roles.get(&role) else { return Seen::Nothing };
    by_tags(gallery, &found.tags, &role, found.observed())
}

fn function(world: &mut World, gallery: &Identity, name: FunctionName) -> Seen<function::Observed> {
    let function = gallery.function(name);
    let Some(found) = world.functions.get_mut(&function) else { return Seen::Nothing };
    let observed = found.look();
    let tags = observed.tags.clone();
    by_tags(gallery, &tags, &function, observed)
}

fn permission(world: &World, gallery: &Identity, name: FunctionName) -> Seen<permission::Observed> {
    let Some(found) = world.functions.get(&gallery.function(name)) else { return Seen::Nothing };
    let mut others = found.statements.clone();
    let words = |it: permission::Statement| format!("{} {} for {}", it.effect, it.action, it.principal);
    seen(others.remove(STATEMENT).map(|ours| {
        let others = others.into_iter().map(|(id, statement)| (id, words(statement))).collect();
        permission::Observed { ours, others }
    }))
}

fn rest_api(world: &World, gallery: &Identity) -> Seen<rest_api::Observed> {
    let ours = world.rest_apis.iter().filter(|(_, api)| gallery.ownership(&api.tags) == Ownership::Ours);
    let mut ours: Vec<_> = ours.collect();
    ours.sort_by_key(|(_, api)| api.made);
    let mut ours = ours.into_iter();
    let Some((id, oldest)) = ours.next() else {
        return left(gallery, world.rest_apis.iter().map(|(id, api)| (id, &api.tags)));
    };
    Seen::Ours(oldest.observed(id, ours.map(|(id, _)| id.clone()).collect()))
}

/// What an earlier gallery of the same name left, of a kind whose names are not unique.
fn left<'a, T>(gallery: &Identity, mut found: impl Iterator<Item = (&'a String, &'a Tags)>) -> Seen<T> {
    let foreign = found.find_map(|(id, tags)| match gallery.ownership(tags) {
        Ownership::NotOurs(whose) if whose.adopt.is_some() => Some(Foreign { name: id.clone(), whose }),
        Ownership::NotOurs(_) | Ownership::Ours => None,
    });
    foreign.map_or(Seen::Nothing, Seen::Foreign)
}

fn deployment(world: &World, known: &Observed) -> Seen<deployment::Observed> {
    let found = known.rest_api.as_ref().and_then(|api| Some((&api.id, world.rest_apis.get(&api.id)?)));
    let Some((id, api)) = found.filter(|(_, api)| !api.deployments.is_empty()) else { return Seen::Nothing };
    let newest_first = api.deployments.iter().rev();
    let deployments = newest_first.map(|deployment| (deployment.id.clone(), deployment.description.clone()));
    Seen::Ours(deployment::Observed { rest_api: id.clone(), deployments: deployments.collect() })
}

fn stage(world: &World, known: &Observed) -> Seen<stage::Observed> {
    let found = known.rest_api.as_ref().and_then(|api| Some((&api.id, world.rest_apis.get(&api.id)?)));
    let stage = found.and_then(|(id, api)| Some((id, api.stage.as_ref()?)));
    seen(stage.map(|(id, stage)| stage::Observed {
        rest_api: id.clone(),
        deployment: stage.deployment.clone(),
        throttle: stage.throttle,
        extras: stage.extras.clone(),
        tags: stage.tags.clone(),
    }))
}

fn distribution(world: &mut World, gallery: &Identity) -> Seen<distribution::Observed> {
    let (comment, host) = (gallery.distribution_comment(), gallery.bucket_host(BucketRole::Frontend));
    let mut alike: Vec<_> = world.distributions.iter_mut().collect();
    alike.retain(|(_, found)| found.config.comment == comment || found.asks(&host));
    let ours = alike.iter().position(|(_, found)| gallery.ownership(&found.tags) == Ownership::Ours);
    match ours {
        Some(index) => {
            let (id, found) = &mut alike[index];
            Seen::Ours(found.look(id))
        }
        None => left(gallery, alike.iter().map(|(id, found)| (*id, &found.tags))),
    }
}

fn invalidation(world: &World, known: &Observed) -> Seen<invalidation::Observed> {
    let found = known.distribution.as_ref().and_then(|known| world.distributions.get(&known.id));
    let site = found.and_then(|found| found.tags.get(TAG_SITE).cloned());
    seen(site.map(|site| invalidation::Observed { site }))
}

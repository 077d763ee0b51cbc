//! What must be the same at the end of two histories, and what of others' must be the same before and after.

use std::collections::BTreeMap;

use crate::gallery::Identity;
use crate::graph::BucketRole;
use crate::names::{TAG_KEYS, Tags, is_listed};
use crate::resources::function::Activity;
use crate::resources::notification::ID;
use crate::testing::fake_cloud::World;
use crate::testing::fake_cloud::parts::Deployment;

/// Everything in the account as text, but for what tells the way there: assigned ids, and counts of changes and looks.
pub(crate) fn essence(world: &World) -> String {
    // In quotes, because the id of a deployment could also be a part of a digest.
    let deployments = world.rest_apis.values().flat_map(|api| &api.deployments);
    let deployments = deployments.map(|it| ("\"deployment\"", format!("\"{}\"", it.id)));
    let mut ids: Vec<(&str, String)> = deployments.collect();
    let mut add = |kind, all: Vec<&String>| ids.extend(all.into_iter().map(|id| (kind, id.clone())));
    add("REST API", world.rest_apis.keys().collect());
    add("origin access control", world.origin_access_controls.keys().collect());
    add("response headers policy", world.response_headers_policies.keys().collect());
    add("distribution", world.distributions.keys().collect());
    let hosts: Vec<_> = world.distributions.keys().map(|id| id.to_lowercase()).collect();
    add("distribution", hosts.iter().collect());
    let mut text = format!("{world:#?}");
    for (kind, id) in ids {
        text = text.replace(&id, kind);
    }
    let way = ["made: ", "assigned: ", "version: ", "revision: ", "unknown: "];
    let lines = text.lines().filter(|line| !way.iter().any(|field| line.trim_start().starts_with(field)));
    lines.collect::<Vec<_>>().join("\n")
}

/// The account ends as another one did.
#[track_caller]
pub(crate) fn assert_ends(world: &World, end: &str, text: &str) {
    let essence = essence(world);
    let mut lines = essence.lines().zip(end.lines());
    let differs = lines.position(|(is, should)| is != should).unwrap_or(end.lines().count());
    let around = |text: &str| {
        let lines = text.lines().skip(differs.saturating_sub(20)).take(25);
        lines.collect::<Vec<_>>().join("\n")
    };
    assert!(
        essence == end,
        "orphans, duplicates or something else: {text}\nis:\n{}\nshould be:\n{}",
        around(&essence),
        around(end)
    );
}

/// What others have put into the gallery's resources, in places that are not ours, and what visitors have: by place.
///
/// It is as it was after whatever the operator does to a gallery that should be there.
pub(crate) fn of_others(world: &World, gallery: &Identity) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let mut put = |place: String, what: String| drop(all.insert(place, what));
    for role in BucketRole::OF_A_GALLERY {
        let name = gallery.bucket(role);
        let Some(bucket) = world.buckets.get(&name) else { continue };
        tags(&mut put, &name, &bucket.observed.tags);
        for (id, entry) in bucket.notifications.iter().filter(|(id, _)| *id != ID) {
            put(format!("{name} notification {id}"), format!("{entry:?}"));
        }
        // The site's bucket is ours altogether.
        for (key, digest) in bucket.objects.iter().filter(|_| role != BucketRole::Frontend) {
            put(format!("{name} object {key}"), digest.etag.clone());
        }
    }
    for (name, table) in world.tables.iter().filter(|(name, _)| **name == gallery.table()) {
        tags(&mut put, name, &table.observed.tags);
    }
    for name in functions_core::contract::FunctionName::ALL {
        let (function, role, group) = (gallery.function(name), gallery.role(name), gallery.log_group(name));
        if let Some(found) = world.log_groups.get(&group) {
            tags(&mut put, &group, &found.tags);
        }
        if let Some(found) = world.roles.get(&role) {
            tags(&mut put, &format!("role {role}"), &found.tags);
        }
        let found = world.functions.get(&function);
        // One that failed is made anew.
        if let Some(found) = found.filter(|it| !matches!(it.observed.activity, Activity::Failed(_))) {
            tags(&mut put, &function, &found.observed.tags);
        }
    }
    let is_ours = |tags: &Tags| gallery.ownership(tags) == crate::ownership::Ownership::Ours;
    // The oldest; the others are copies of ours that go.
    if let Some((id, api)) =
        world.rest_apis.iter().filter(|(_, api)| is_ours(&api.tags)).min_by_key(|(_, api)| api.made)
    {
        tags(&mut put, id, &api.tags);
        let by_others = |it: &&Deployment| it.description.len() != 64;
        for deployment in api.deployments.iter().filter(by_others) {
            put(format!("{id} deployment {}", deployment.id), deployment.description.clone());
        }
    }
    for (id, found) in world.distributions.iter().filter(|(_, found)| is_ours(&found.tags)) {
        tags(&mut put, id, &found.tags);
        found.others.iter().for_each(|(field, value)| put(format!("{id} {field}"), value.clone()));
    }
    all
}

/// Tags that are neither the operator's nor the spec's.
fn tags(put: &mut impl FnMut(String, String), place: &str, tags: &Tags) {
    let of_spec = tags.get(TAG_KEYS).map_or("", String::as_str);
    let others =
        tags.iter().filter(|(key, _)| !key.starts_with("photogallery.dev/") && !is_listed(of_spec, key));
    others.for_each(|(key, value)| put(format!("{place} tag {key}"), value.clone()));
}

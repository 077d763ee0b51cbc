//! Drift or update? A resource differs from what we want because somebody else changed it, or because we want something else now:
//! a new spec, a new operator, another setting of it. The status remembers by a digest what was wanted of each resource when it
//! last matched. While that is the same, a difference is somebody else's doing.
//!
//! What is wanted refers to identities that AWS assigned, and somebody can change those too (a REST API that is made again has
//! another id). So the digest is taken against fixed ones. A lost or forged status does no harm: drift is then told as an update,
//! and put back whatever the policy says.
//!
//! With `driftPolicy: Report` drift is held: told, and left as it is. What a new spec or a new operator changes is carried out all
//! the same, on the resources that it changes, and these are then set right as a whole.

use std::collections::{BTreeMap, BTreeSet};

use functions_core::contract::FunctionName;
use photogallery_crds::{DriftPolicy, PhotoGalleryStatus};

use crate::cloud::Observed;
use crate::gallery::{Gallery, Goal};
use crate::graph::ResourceId;
use crate::names;
use crate::plan::Action;
use crate::resources::{
    self, Difference, Effect, Kind, WantedOf, artefacts, deployment, distribution, origin_access_control,
    permission, response_headers_policy, rest_api, site,
};

/// What is wanted of each resource, as a digest.
pub type Wanted = BTreeMap<ResourceId, String>;

/// Most resources that one message tells of, so that it stays readable.
const MOST_LINES: usize = 20;
/// Longest line about one resource, well below the 1,024 bytes of an event's note.
const LINE_LENGTH: usize = 900;

/// Digests of what `goal` wants. Nothing is wanted of a gallery that should go.
pub fn wanted(goal: &Goal) -> Wanted {
    let Goal::Present(gallery) = goal else { return Wanted::new() };
    let seen = reference(gallery);
    let digest = |id| {
        let text = resources::visit(id, &seen, WantedOf { gallery, seen: &seen });
        let mut digest = names::sha256_hex(text.as_bytes());
        digest.truncate(8);
        digest
    };
    ResourceId::all().map(|id| (id, digest(id))).collect()
}

/// A world in which everything has an identity, and always the same.
pub(crate) fn reference(gallery: &Gallery) -> Observed {
    let (api, digest) = (String::from("api"), rest_api::digest(gallery));
    let zips = gallery.release.functions.values().map(|zip| (zip.key.clone(), zip.md5.clone()));
    let empty = Observed::default();
    let control = origin_access_control::OriginAccessControl::desired((), gallery, &empty);
    let thumbnail = permission::Permission::desired(FunctionName::Thumbnail, gallery, &empty);
    let lets_in =
        |want| permission::Observed { ours: permission::Statement::of(&want), others: BTreeMap::new() };
    Observed {
        rest_api: Some(rest_api::Observed {
            id: api.clone(),
            body_sha256: Some(digest.clone()),
            routes: rest_api::routes(gallery),
            ..rest_api::Observed::default()
        }),
        deployment: Some(deployment::Observed {
            rest_api: api,
            deployments: vec![("deployment".into(), digest)],
        }),
        origin_access_control: control
            .map(|config| origin_access_control::Observed { id: "control".into(), config }),
        response_headers_policy: Some(response_headers_policy::Observed {
            id: "headers".into(),
            ..response_headers_policy::Observed::default()
        }),
        distribution: Some(distribution::Observed {
            id: "distribution".into(),
            domain: "domain".into(),
            ..distribution::Observed::default()
        }),
        artefacts: Some(artefacts::Observed { keys: zips.collect() }),
        permissions: thumbnail.map(|want| (FunctionName::Thumbnail, lets_in(want))).into_iter().collect(),
        site: Some(site::Observed::as_wanted(gallery)),
        ..empty
    }
}

/// Is a difference at this resource somebody else's doing? `before` is the status as it was when it was found.
pub fn is_drift(before: &PhotoGalleryStatus, wanted: &Wanted, id: ResourceId) -> bool {
    wanted.get(&id).is_some_and(|now| before.last_matched.get(&id.to_string()) == Some(now))
}

/// Is it drift that is only to be reported?
pub fn is_held(goal: &Goal, before: &PhotoGalleryStatus, wanted: &Wanted, id: ResourceId) -> bool {
    match goal {
        Goal::Present(gallery) => match gallery.spec.drift_policy {
            DriftPolicy::Report => is_drift(before, wanted, id),
            DriftPolicy::Correct => false,
        },
        Goal::Absent(..) => false,
    }
}

/// What the status remembers after a look that found `settled` to match. `is_acting`: what differs from what is wanted now is being
/// changed, so what it was before is no longer wanted of it, even if the spec goes back there before it has arrived.
pub fn remembered(
    before: &PhotoGalleryStatus,
    wanted: &Wanted,
    settled: &BTreeSet<ResourceId>,
    is_acting: bool,
) -> BTreeMap<String, String> {
    let digest = |id: &ResourceId, now: &String| {
        let was = before.last_matched.get(&id.to_string());
        if settled.contains(id) {
            Some(now.clone())
        } else {
            was.filter(|was| !is_acting || *was == now).cloned()
        }
    };
    wanted.iter().filter_map(|(id, now)| Some((id.to_string(), digest(id, now)?))).collect()
}

/// What differs, a line a resource: `function/list: memory is 128 MiB, should be 256 MiB`.
pub fn report<'a>(held: impl Iterator<Item = &'a Action>) -> String {
    let actions: Vec<_> = held.collect();
    let mut lines: Vec<_> = actions.iter().filter_map(|action| line(action)).collect();
    if lines.is_empty() {
        // Nothing but what nobody notices, such as a deployment that no stage serves.
        lines.extend(actions.iter().map(|action| format!("{}: not tidy", action.resource)));
    }
    let count = lines.len();
    let mut text = format!("{count} {}:", if count == 1 { "resource differs" } else { "resources differ" });
    for line in lines.iter().take(MOST_LINES) {
        text = format!("{text}\n{line}");
    }
    if count > MOST_LINES { format!("{text}\nand {} more", count - MOST_LINES) } else { text }
}

fn line(action: &Action) -> Option<String> {
    let id = action.resource;
    if action.steps.iter().any(|step| step.effect == Effect::Create) {
        return Some(format!("{id}: is missing"));
    }
    let is = |Difference { field, from, to }: &Difference| format!("{field} is {from}, should be {to}");
    let parts: Vec<_> = differences(std::slice::from_ref(action)).iter().map(is).collect();
    (!parts.is_empty()).then(|| format!("{id}: {}", joined(&parts)))
}

/// What the steps of actions on one resource changed: once a field, from what was first to what was last.
pub fn differences(actions: &[Action]) -> Vec<Difference> {
    let mut all: Vec<Difference> = Vec::new();
    let effects = actions.iter().flat_map(|action| &action.steps).map(|step| &step.effect);
    for effect in effects {
        let Effect::Update(differences) = effect else { continue };
        for difference in differences {
            match all.iter_mut().find(|known| known.field == difference.field) {
                Some(known) => known.to.clone_from(&difference.to),
                None => all.push(difference.clone()),
            }
        }
    }
    all
}

/// Parts of a line, as many as it holds, and how many more there are.
pub fn joined(parts: &[String]) -> String {
    let mut text = String::new();
    for (index, part) in parts.iter().enumerate() {
        if index > 0 && text.len() + part.len() > LINE_LENGTH {
            return format!("{text}; and {} more", parts.len() - index);
        }
        text = if index == 0 { part.clone() } else { format!("{text}; {part}") };
    }
    text
}

#[cfg(test)]
mod fields;
#[cfg(test)]
mod pretend;
#[cfg(test)]
mod tests;

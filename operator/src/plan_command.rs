//! `plan -f gallery.yaml`: the same look and the same plan as a reconcile, printed instead of carried out.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use kube::api::{Patch, PatchParams};
use kube::{Api, Resource, ResourceExt};
use photogallery_crds::PhotoGallery;

use crate::args::Options;
use crate::cloud::ErrorKind;
use crate::controller::{MANAGER, chain};
use crate::drift;
use crate::gallery::{Gallery, Goal, Identity};
use crate::graph::ResourceId;
use crate::leader::guard::Guard;
use crate::ownership::{ADOPT, Maker};
use crate::plan::{Plan, Waiting};
use crate::policy;
use crate::preflight::Preflight;
use crate::reconcile::{self, Outcome};
use crate::resources::Effect;
use crate::run::Parts;

/// Something to do.
const CHANGES: u8 = 2;

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("failed to read {0}")]
    Read(String, #[source] std::io::Error),
    #[error("failed to read the manifest as a PhotoGallery")]
    Parse(#[source] serde_norway::Error),
    #[error("the API server refuses the manifest: {0}")]
    Refused(String),
    #[error("failed to ask the API server")]
    Kubernetes(#[source] kube::Error),
    #[error(transparent)]
    Start(#[from] crate::run::StartError),
    #[error("the spec cannot be carried out: {0}")]
    Invalid(#[from] crate::gallery::InvalidSpec),
    #[error("failed to look at AWS. {0}")]
    Cloud(String),
}

/// Prints what applying the manifest would change.
pub async fn plan(options: &Options, filename: &Path) -> ExitCode {
    match make(options, filename).await {
        Ok((goal, outcome, held)) => {
            println!("{}{}", describe(&goal, &outcome.plan, &outcome.preflight), held_back(&held));
            if outcome.plan.is_complete() { ExitCode::SUCCESS } else { ExitCode::from(CHANGES) }
        }
        Err(error) => {
            eprintln!("{}", chain(&error));
            ExitCode::FAILURE
        }
    }
}

async fn make(options: &Options, filename: &Path) -> Result<(Goal, Outcome, BTreeSet<ResourceId>), Error> {
    let text = read(filename).map_err(|error| Error::Read(filename.display().to_string(), error))?;
    let manifest = gallery_in(&text)?;
    let Parts { client, cloud, installation, release, .. } = Parts::connect(options, &Guard::open()).await?;
    // What whoever runs this may do says nothing of the operator.
    let cloud = cloud.acting_as(None);
    let namespace = manifest.namespace().unwrap_or_else(|| client.default_namespace().to_owned());
    let api = Api::<PhotoGallery>::namespaced(client, &namespace);
    // The API server fills in defaults and says what it would refuse, transitions from the live object included.
    let name = manifest.name_any();
    let existing = api.get_opt(&name).await.map_err(Error::Kubernetes)?;
    let parameters = PatchParams::apply(MANAGER).force().dry_run();
    let applied = match api.patch(&name, &parameters, &Patch::Apply(&manifest)).await {
        Ok(applied) => applied,
        Err(kube::Error::Api(refused)) => return Err(Error::Refused(refused.message.clone())),
        Err(error) => return Err(Error::Kubernetes(error)),
    };
    let identity = Identity {
        namespace,
        name,
        uid: existing.as_ref().and_then(ResourceExt::uid).unwrap_or_default(),
        region: applied.spec.region.clone(),
        adopts: applied.annotations().get(ADOPT).and_then(|maker| Maker::parse(maker)),
        installation: Arc::clone(&installation),
    };
    let goal = Goal::Present(Box::new(Gallery::new(identity, applied.spec, release)?));
    let mut outcome = reconcile::look(&cloud, &goal).await;
    reconcile::preflight(&cloud, &goal, &mut outcome).await;
    match policy::worst(&outcome.failures) {
        Some(_) if !outcome.preflight.is_passed() => Err(Error::Cloud(outcome.preflight.message())),
        Some(failure) => Err(Error::Cloud(policy::advice(failure))),
        None => {
            let before = existing.and_then(|existing| existing.status).unwrap_or_default();
            let held = |id: &ResourceId| drift::is_held(&goal, &before, &outcome.wanted, *id);
            let held = outcome.plan.actions.iter().map(|action| action.resource).filter(held).collect();
            Ok((goal, outcome, held))
        }
    }
}

/// What stays as others have changed it.
fn held_back(held: &BTreeSet<ResourceId>) -> String {
    if held.is_empty() {
        return String::new();
    }
    let held: Vec<_> = held.iter().map(ToString::to_string).collect();
    format!("\nOthers changed {}; driftPolicy is Report, so that stays.", held.join(", "))
}

fn read(filename: &Path) -> std::io::Result<String> {
    if filename.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        return Ok(text);
    }
    std::fs::read_to_string(filename)
}

/// The one `PhotoGallery` of a file that may hold other documents, such as its namespace.
fn gallery_in(text: &str) -> Result<PhotoGallery, Error> {
    let mut last = None;
    for document in serde_norway::Deserializer::from_str(text) {
        let value: serde_norway::Value = serde::Deserialize::deserialize(document).map_err(Error::Parse)?;
        if value.get("kind").and_then(serde_norway::Value::as_str) == Some(PhotoGallery::kind(&()).as_ref()) {
            let mut gallery: PhotoGallery = serde_norway::from_value(value).map_err(Error::Parse)?;
            gallery.metadata.managed_fields = None;
            gallery.status = None;
            last = Some(gallery);
        }
    }
    last.ok_or_else(|| Error::Refused("there is no PhotoGallery in it".into()))
}

/// The plan with a headline, notes on what it does not do, and a summary.
pub(crate) fn describe(goal: &Goal, plan: &Plan, preflight: &Preflight) -> String {
    let identity = goal.identity();
    let account = &identity.installation.account;
    let mut text = format!("{identity} in {}, account {account}\n{plan}", identity.region);
    for note in notes(plan) {
        text += &format!("  ! {note}\n");
    }
    // Conflicts stand in the plan.
    let others = preflight.problems.iter().filter(|problem| problem.kind != ErrorKind::NotOurs);
    for text_of_it in others.map(|problem| &problem.text).chain(&preflight.notes) {
        text += &format!("  ! {}\n", text_of_it.trim_end_matches('.'));
    }
    if !preflight.is_passed() {
        text += "  ! nothing is made before all that is in the way is settled\n";
    }
    text + &summary(plan)
}

fn summary(plan: &Plan) -> String {
    let to_come = plan.waiting.values().filter(|waiting| matches!(waiting, Waiting::ToCome(_))).count();
    let unchanged = plan.settled.len();
    let changed = plan.actions.len();
    let mut text = format!("{unchanged} {} unchanged", plural(unchanged, "resource"));
    if changed > 0 {
        text += &format!(", {changed} to change in {} {}", plan.calls(), plural(plan.calls(), "call"));
    }
    if to_come > 0 {
        text += &format!(", {to_come} to make after {}", if changed == 1 { "it" } else { "them" });
    }
    if !plan.conflicts.is_empty() {
        text += &format!(", {} in the way", plan.conflicts.len());
    }
    text + ". Nothing was changed."
}

fn plural(count: usize, word: &str) -> String {
    if count == 1 { word.to_owned() } else { format!("{word}s") }
}

/// What a reader might expect of a change and would not get.
fn notes(plan: &Plan) -> BTreeSet<String> {
    let effects = plan.actions.iter().flat_map(|action| action.steps.iter().map(|step| &step.effect));
    let differences = effects.filter_map(|effect| match effect {
        Effect::Update(differences) => Some(differences),
        Effect::Create | Effect::Detail | Effect::Delete | Effect::Retain => None,
    });
    let note = |field: &str| {
        let thumbnails = ["MAX_WIDTH", "MAX_HEIGHT", "FORMAT", "QUALITY"];
        let says = if thumbnails.iter().any(|name| field.ends_with(name)) {
            "existing thumbnails keep their size and format; new uploads use the new ones"
        } else if field.ends_with("METADATA") {
            "existing photos stay as they are; new uploads are kept as the spec says now"
        } else {
            return None;
        };
        Some(says.to_owned())
    };
    let adopt = plan.conflicts.values().filter_map(|foreign| foreign.whose.adopt.as_ref());
    let adopt = adopt.map(|command| format!("to take over what is left of that gallery: {command}"));
    differences.flatten().filter_map(|difference| note(&difference.field)).chain(adopt).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::{Foreign, Observed};
    use crate::names::TAG_OWNER;
    use crate::ownership::Ownership;
    use crate::testing::galleries::summer;

    #[test]
    fn a_manifest_may_hold_other_documents() {
        let text = "kind: Namespace\n---\napiVersion: photogallery.dev/v1alpha1\nkind: PhotoGallery\n\
                    metadata: {name: summer}\nspec: {title: Summer, region: eu-west-1}\n";
        assert_eq!(gallery_in(text).unwrap().name_any(), "summer");
        assert!(gallery_in("kind: Namespace\n").is_err());
        assert!(gallery_in(": : :").is_err());
    }

    #[test]
    fn what_another_cluster_left_is_shown_with_the_one_command_that_takes_it_over() {
        let gallery = summer();
        let mut tags = gallery.identity.owner_tags();
        tags.insert(TAG_OWNER.into(), "lost".into());
        let Ownership::NotOurs(whose) = gallery.identity.ownership(&tags) else { panic!() };
        let mut seen = Observed::default();
        for id in [ResourceId::Table, ResourceId::RestApi] {
            seen.foreign.insert(id, Foreign { name: "theirs".into(), whose: whose.clone() });
        }
        let goal = Goal::Present(Box::new(gallery));
        let text = describe(&goal, &Plan::new(&goal, &seen), &Preflight::default());
        let command = "take over what is left of that gallery: kubectl annotate pgal/summer --namespace photos \
                       --overwrite photogallery.dev/adopt=lost/uid-summer\n";
        assert_eq!(text.matches(command).count(), 1, "{text}");
        assert!(text.contains("2 in the way"), "{text}");
    }

    #[test]
    fn the_plan_of_a_new_gallery_reads_well() {
        let goal = Goal::Present(Box::new(summer()));
        insta::assert_snapshot!(describe(
            &goal,
            &Plan::new(&goal, &Observed::default()),
            &Preflight::default()
        ));
    }
}

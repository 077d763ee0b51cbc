//! Specs that nobody should apply, on live galleries: each is refused with words that teach, or carried out; and the way back
//! leads to where it began.
//!
//! `HOSTILE_SEED` and `HOSTILE_COUNT` choose which and how many combinations are tried besides one change of each sort to each
//! field.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use futures::future::try_join_all;
use kube::api::PostParams;
use photogallery_tests::gallery::{self, Name};
use photogallery_tests::stack::Stack;
use photogallery_tests::{inventory, wait};
use serde_json::{Value, json};

use crate::support::gallery::{condition, is_settled, manifest};
use crate::support::mutations::{self, Mutation};
use crate::support::{Gallery, alone};

/// Galleries that are changed side by side.
const LANES: usize = 4;
/// After so many mutations in a row, each from where the one before led, a gallery goes back to its first spec.
const BACK_AFTER: usize = 8;

/// What the API server, or the operator, said to a spec.
#[derive(Debug, Default)]
struct Score {
    refused: usize,
    carried_out: usize,
    complaints: Vec<String>,
}

impl Score {
    fn enter(&mut self, mutations: &[Mutation], verdict: Verdict) {
        match verdict {
            Verdict::CarriedOut => self.carried_out += 1,
            Verdict::Refused(said) => {
                self.refused += 1;
                let fields: Vec<_> = mutations.iter().map(Mutation::field).collect();
                if !fields.iter().any(|field| teaches(&said, field)) {
                    self.complaints.push(format!("- {fields:?}: {said}"));
                }
            }
        }
    }
}

#[test]
fn every_spec_is_refused_with_words_that_teach_or_carried_out_and_the_way_back_leads_home() -> Result<()> {
    alone("hostile", &[], async |stack| {
        let single = mutations::all()?;
        let variable = |name: &str, default| {
            std::env::var(name)
                .map_or(Ok(default), |text| text.parse::<u64>())
                .with_context(|| format!("{name} is no number"))
        };
        let (seed, count) = (variable("HOSTILE_SEED", 1)?, variable("HOSTILE_COUNT", 60)?);
        let combined = (0..count).map(|number| mutations::several(&single, seed, number));
        let queue: VecDeque<Vec<Mutation>> =
            single.iter().map(|mutation| vec![mutation.clone()]).chain(combined).collect();
        ensure!(queue.len() >= 400, "only {} specs", queue.len());
        let all = queue.len();

        let names: Vec<_> = (0..LANES).map(|lane| format!("hostile-{lane}")).collect();
        let galleries = try_join_all(names.iter().map(|name| Gallery::apply(stack, name, json!({})))).await?;
        try_join_all(galleries.iter().map(Gallery::settled)).await?;
        let before = inventory::take(stack.aws()).await?;

        let (queue, score) = (Mutex::new(queue), Mutex::new(Score::default()));
        try_join_all(galleries.iter().map(|gallery| lane(gallery, &queue, &score))).await?;
        let score = score.into_inner().unwrap_or_else(PoisonError::into_inner);
        stack
            .progress()
            .step(format!("{all} specs: {} refused, {} carried out", score.refused, score.carried_out));
        ensure!(
            score.complaints.is_empty(),
            "{} of {all} specs:\n{}",
            score.complaints.len(),
            score.complaints.join("\n")
        );
        // Both happen, or this test would show half of what it says.
        ensure!(score.refused > 100 && score.carried_out > 100, "{score:?}");
        let after = inventory::take(stack.aws()).await?;
        let lost: Vec<_> = before.iter().filter(|item| !after.contains(item)).collect();
        let more: Vec<_> = after.iter().filter(|item| !before.contains(item)).collect();
        ensure!(lost.is_empty() && more.is_empty(), "was {lost:#?}\nand is {more:#?}");
        ensure!(!panicked(stack)?, "the operator panicked");
        Ok(())
    })
}

fn panicked(stack: &Stack) -> Result<bool> {
    Ok(std::fs::read_to_string(stack.operator.settings().log)?.contains("panicked"))
}

/// Puts specs to one gallery until there are none left.
async fn lane(
    gallery: &Gallery<'_>,
    queue: &Mutex<VecDeque<Vec<Mutation>>>,
    score: &Mutex<Score>,
) -> Result<()> {
    let first = manifest(&gallery.name, &json!({}))["spec"].clone();
    let take = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let mut away = 0;
    while let Some(mutations) = take() {
        let mut spec = first.clone();
        for mutation in &mutations {
            mutation.apply(&mut spec);
        }
        let verdict = put(gallery, &spec).await.with_context(|| format!("at {mutations:?}"))?;
        away += usize::from(matches!(verdict, Verdict::CarriedOut));
        score.lock().unwrap_or_else(PoisonError::into_inner).enter(&mutations, verdict);
        if away >= BACK_AFTER {
            away = 0;
            ensure!(matches!(put(gallery, &first).await?, Verdict::CarriedOut), "the first spec is refused");
        }
    }
    ensure!(matches!(put(gallery, &first).await?, Verdict::CarriedOut), "the first spec is refused");
    Ok(())
}

/// A refusal names the field, and says what is wrong with it or what would be right.
fn teaches(said: &str, field: &str) -> bool {
    let words = [
        "must ",
        "should be ",
        "Required value",
        "Unsupported value",
        "cannot change",
        "Too long",
        "Too many",
        "not a ",
        "unknown field",
        "Duplicate",
        "names a kind twice",
        "does not accept",
        "Leave that out",
        "Use ",
    ];
    said.contains(field) && words.iter().any(|word| said.contains(word))
}

enum Verdict {
    Refused(String),
    CarriedOut,
}

/// Replaces the spec, as `kubectl replace` does, and waits for what becomes of it.
async fn put(gallery: &Gallery<'_>, spec: &Value) -> Result<Verdict> {
    let Name { namespace, name } = &gallery.name;
    let api = gallery::api(gallery.stack, namespace);
    loop {
        let mut object = api.get(name).await?;
        object.data["spec"] = spec.clone();
        object.metadata.managed_fields = None;
        match api.replace(name, &PostParams::default(), &object).await {
            Ok(_) => break,
            Err(kube::Error::Api(status)) if status.is_conflict() => {}
            Err(kube::Error::Api(status)) if [400, 413, 422].contains(&status.code) => {
                return Ok(Verdict::Refused(status.message.clone()));
            }
            Err(error) => bail!(error),
        }
    }
    gallery
        .wait_for("to carry the spec out", |object| {
            let (status, generation) = (&object.data["status"], object.metadata.generation);
            let is_current = status["observedGeneration"].as_i64() == generation;
            let suspended = condition(status, "Synced").is_some_and(|synced| synced["reason"] == "Suspended");
            let is_asleep = object.data["spec"]["suspend"] == json!(true) && suspended;
            // Only this machine's functions are built, so that the other architecture's is told as missing.
            let is_unbuilt = condition(status, "Accepted").is_some_and(|accepted| {
                accepted["status"] == "False"
                    && accepted["message"]
                        .as_str()
                        .is_some_and(|said| said.starts_with("spec.functions.architecture"))
            });
            is_current && (is_asleep || is_unbuilt || is_settled(object, k8s_openapi::jiff::Timestamp::MIN))
        })
        .await?;
    Ok(Verdict::CarriedOut)
}

/// What an API server of an earlier version, with a laxer schema, may have let in. With a region that is no text no rule can look at
/// it, so that the API server refuses every update, also of the status.
const MALFORMED: [&str; 11] = [
    r"{}",
    r#"{"title": "No region"}"#,
    r#"{"title": 7, "region": "eu-west-1"}"#,
    r#"{"title": "Summer", "region": "Ireland"}"#,
    r#"{"title": "Summer", "region": "eu-west-1", "photos": {"maxUploadMiB": "25"}}"#,
    r#"{"title": "Summer", "region": "eu-west-1", "functions": {"list": {"memoryMiB": 1e300}}}"#,
    r#"{"title": "Summer", "region": "eu-west-1", "tags": ["a", "b"], "thumbnails": null}"#,
    r#"{"title": "Summer", "region": 5}"#,
    r#"{"title": "Summer", "region": true}"#,
    r#"{"title": "Summer", "region": ["eu-west-1"]}"#,
    r#"{"title": "Summer", "region": {"name": "eu-west-1"}}"#,
];

#[test]
fn objects_stored_before_the_schema_tightened_say_what_is_wrong_go_when_deleted_and_stop_nobody() -> Result<()>
{
    alone("malformed", &[], async |stack| {
        let good = Gallery::apply(stack, "good", json!({})).await?;
        good.settled().await?;
        let crd =
            stack.kubectl(&["get", "crd", "photogalleries.photogallery.dev", "--output=json"], None).await?;
        let strict: Value = serde_json::from_str(&crd)?;
        let mut lax = strict.clone();
        let version = &mut lax["spec"]["versions"][0];
        // Its paths must be in the schema.
        version["selectableFields"] = json!([]);
        version["schema"]["openAPIV3Schema"]["properties"]["spec"] =
            json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
        gallery::create_namespace(stack, "malformed").await?;
        replace_schema(stack, &lax, true).await?;
        let mut galleries = malformed(stack, "bad").await?;
        for gallery in &galleries {
            gallery.wait_for("to say that its spec is invalid", is_refused).await?;
        }
        replace_schema(stack, &strict, false).await?;
        good.change(json!({"functions": {"list": {"timeoutSeconds": 11}}})).await?;
        good.settled().await?;

        // And such as the operator meets only when the schema has tightened.
        stack.operator.stop().await?;
        replace_schema(stack, &lax, true).await?;
        galleries.extend(malformed(stack, "late").await?);
        replace_schema(stack, &strict, false).await?;
        stack.operator.start().await?;
        for gallery in &galleries {
            wait::until(&format!("{} to be told", gallery.name.name), Duration::from_secs(30), async || {
                let told = gallery.events().await?;
                let mut told = told.iter().filter(|event| event.warning && event.reason == "Stalled");
                Ok(told.any(|event| event.note.starts_with("InvalidSpec: spec")).then_some(()))
            })
            .await?;
        }
        good.change(json!({"functions": {"list": {"timeoutSeconds": 12}}})).await?;
        good.settled().await?;
        for gallery in &galleries {
            gallery.delete().await?;
        }
        ensure!(!panicked(stack)?, "the operator panicked");
        good.reconcile().await?;
        Ok(())
    })
}

/// An object of each malformed spec.
async fn malformed<'a>(stack: &'a Stack, prefix: &str) -> Result<Vec<Gallery<'a>>> {
    let mut galleries = Vec::new();
    for (number, spec) in MALFORMED.iter().enumerate() {
        let gallery = Gallery::named(stack, "malformed", &format!("{prefix}-{number}")).await?;
        let mut object = manifest(&gallery.name, &json!({}));
        object["spec"] = serde_json::from_str(spec)?;
        stack.kubectl(&["create", "--filename=-", "--validate=false"], Some(&object.to_string())).await?;
        galleries.push(gallery);
    }
    Ok(galleries)
}

fn is_refused(object: &kube::api::DynamicObject) -> bool {
    let status = &object.data["status"];
    let says = |kind: &str, reason: &str| {
        condition(status, kind).is_some_and(|found| {
            found["reason"] == reason
                && found["message"].as_str().is_some_and(|said| said.starts_with("spec"))
        })
    };
    says("Accepted", "InvalidSpec") && says("Stalled", "InvalidSpec")
}

/// Puts a schema in place, and waits until the API server goes by it: until it takes a gallery without a title, or no longer.
async fn replace_schema(stack: &Stack, crd: &Value, is_lax: bool) -> Result<()> {
    let version = &crd["spec"]["versions"][0];
    let patch = json!([{"op": "replace", "path": "/spec/versions/0", "value": version}]);
    let patch = format!("--patch={patch}");
    stack.kubectl(&["patch", "crd", "photogalleries.photogallery.dev", "--type=json", &patch], None).await?;
    let mut probe = manifest(&Name { namespace: "malformed".into(), name: "probe".into() }, &json!({}));
    probe["spec"] = json!({});
    let create = ["create", "--filename=-", "--dry-run=server", "--validate=false"];
    wait::until("the API server to go by another schema", Duration::from_secs(30), async || {
        let taken = stack.kubectl(&create, Some(&probe.to_string())).await.is_ok();
        Ok((taken == is_lax).then_some(()))
    })
    .await
}

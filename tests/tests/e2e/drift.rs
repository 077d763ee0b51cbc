//! What others change in AWS is put back, and told: every field that the operator owns and the local AWS can hold, changed as the
//! account's root and read as the account's root. With `driftPolicy: Report` it is told and left.
//!
//! The cases are data (`storage`, `functions`, `api`, `cdn`): what is read, what is changed, what the event says. They go in batches,
//! because a reconcile mends them all at once. The same fields, and those that the local AWS cannot hold, are changed one by one in
//! `operator/src/drift/fields.rs`; what is missing here, and why:
//!
//! - API Gateway's endpoint type, own address, binary media types and compression: the local `UpdateRestApi` keeps every value as a
//!   string, which no SDK reads back.
//! - a canary's share, for the same reason; a key source and a resource policy are strings, and are here.
//! - the code of a deployment that somebody made with our description: nobody can tell it from ours.
//! - what AWS itself keeps right: a permission's effect, a role's path, a distribution's caller reference.

mod api;
mod cdn;
mod functions;
mod storage;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, ensure};
use aws_sdk_lambda::types::Environment;
use functions_core::contract::FunctionName;
use futures::future::LocalBoxFuture;
use photogallery_operator::gallery::Identity;
use photogallery_operator::graph::BucketRole;
use photogallery_tests::local_aws::Clients;
use serde_json::{Value, json};

use crate::support::gallery::{condition, moment};
use crate::support::{Gallery, alone};

/// The gallery's part of the account.
struct Account<'a> {
    aws: &'a Clients,
    identity: Identity,
    /// Ids that AWS assigned, by kind as the status names it.
    ids: BTreeMap<String, String>,
}

/// What is read: anything that differs when the field does.
type Read = for<'w> fn(&'w Account<'_>) -> LocalBoxFuture<'w, Result<String>>;
/// What somebody else does.
type Change = for<'w> fn(&'w Account<'_>) -> LocalBoxFuture<'w, Result<()>>;

/// Somebody else changes something.
struct Case {
    /// As the event names it: `bucket/photos`.
    resource: &'static str,
    /// What the event says of it, a part for each field; none: that it was missing.
    told: Vec<String>,
    read: Read,
    change: Change,
}

/// One case.
fn case(resource: &'static str, told: &[&str], read: Read, change: Change) -> Case {
    Case { resource, told: told.iter().map(|part| (*part).to_owned()).collect(), read, change }
}

impl<'a> Account<'a> {
    async fn of(gallery: &Gallery<'a>) -> Result<Self> {
        let status = gallery.status().await?;
        let resources = status["resources"].as_array().context("no resources")?;
        let id = |resource: &Value| {
            let arn = resource["arn"].as_str().and_then(|arn| arn.rsplit('/').next());
            arn.or(resource["name"].as_str()).unwrap_or_default().to_owned()
        };
        let kind = |resource: &Value| resource["kind"].as_str().unwrap_or_default().to_owned();
        let ids = resources.iter().map(|resource| (kind(resource), id(resource))).collect();
        Ok(Self { aws: gallery.stack.aws(), identity: gallery.identity(), ids })
    }

    fn id(&self, kind: &str) -> &str {
        self.ids.get(kind).map_or("", String::as_str)
    }

    fn bucket(&self, role: BucketRole) -> String {
        self.identity.bucket(role)
    }
}

#[test]
fn every_field_that_others_change_is_put_back_and_told_in_one_event_a_resource() -> Result<()> {
    alone("drift", &[], async |stack| {
        let spec = json!({
            "tags": { "team": "events" },
            "photos": { "archiveAfterDays": 365 },
            "functions": { "list": { "reservedConcurrency": 5 } },
        });
        let gallery = Gallery::apply(stack, "drift", spec).await?;
        gallery.settled().await?;
        let account = Account::of(&gallery).await?;
        let batches = [
            storage::cases(),
            functions::cases(),
            api::cases(),
            cdn::cases(),
            storage::more_cases(),
            functions::more_cases(&account).await?,
            api::more_cases(&account).await?,
            cdn::more_cases(),
            cdn::last_cases(),
        ];
        for batch in batches {
            put_back(&gallery, &account, &batch).await?;
        }
        foreign_entries_stay(&account).await?;
        gallery.visitor().await?.photos().await?;
        Ok(())
    })
}

async fn put_back(gallery: &Gallery<'_>, account: &Account<'_>, cases: &[Case]) -> Result<()> {
    let known = gallery.events().await?.len();
    let mut before = Vec::new();
    for case in cases {
        let was = (case.read)(account).await.with_context(|| format!("{}: failed to read", case.resource))?;
        (case.change)(account).await.with_context(|| format!("{} {:?}", case.resource, case.told))?;
        let is = (case.read)(account).await?;
        ensure!(was != is, "{} {:?}: the local AWS shows no change of {was}", case.resource, case.told);
        before.push(was);
    }
    gallery.reconcile().await?;
    for (case, was) in cases.iter().zip(before) {
        let is = (case.read)(account).await?;
        ensure!(was == is, "{} {:?}: was {was}, is {is}", case.resource, case.told);
    }
    // Events follow the status they tell of.
    let mut wanted = BTreeMap::<&str, Vec<&str>>::new();
    for case in cases {
        wanted.entry(case.resource).or_default().extend(case.told.iter().map(String::as_str));
    }
    let told = photogallery_tests::wait::until("the events", std::time::Duration::from_secs(5), async || {
        let events = gallery.events().await?.split_off(known);
        Ok((events.len() >= wanted.len()).then_some(events))
    });
    let told = told.await?;
    ensure!(told.iter().all(|event| event.warning && event.reason == "Drift"), "{told:#?}");
    let mut found = BTreeSet::new();
    for event in &told {
        let missing = event.note.strip_suffix(" was missing, made again").map(|id| (id, ""));
        let (resource, parts) = missing
            .or(event.note.split_once(": "))
            .with_context(|| format!("not an event of drift: {event:?}"))?;
        let mut parts: Vec<_> = parts.split("; ").filter(|part| !part.is_empty()).collect();
        let expected =
            wanted.get(resource).with_context(|| format!("nobody changed {resource}: {event:?}"))?;
        for part in expected {
            // What ends in dots is the beginning of it.
            let matches = |found: &&str| match part.strip_suffix('…') {
                Some(beginning) => found.starts_with(beginning),
                None => found == part,
            };
            let index = parts.iter().position(matches);
            parts.remove(index.with_context(|| format!("{resource} does not tell {part:?}: {event:?}"))?);
        }
        ensure!(parts.is_empty(), "{resource} tells more: {parts:?}");
        ensure!(found.insert(resource), "two events about {resource}: {told:#?}");
    }
    ensure!(found.len() == wanted.len(), "told: {found:#?}\nwanted: {wanted:#?}");
    Ok(())
}

/// The bucket tells a queue of somebody else too, and that stays through all repairs.
async fn foreign_entries_stay(account: &Account<'_>) -> Result<()> {
    let bucket = account.bucket(BucketRole::Photos);
    let seen = account.aws.s3.get_bucket_notification_configuration().bucket(bucket).send().await?;
    let ids: Vec<_> = seen.lambda_function_configurations().iter().filter_map(|it| it.id()).collect();
    ensure!(ids.contains(&"theirs"), "{ids:?}");
    Ok(())
}

#[test]
fn with_the_policy_report_drift_is_told_and_left_and_a_new_spec_is_carried_out_all_the_same() -> Result<()> {
    alone("drift-report", &[], async |stack| {
        let gallery = Gallery::apply(stack, "report", json!({ "driftPolicy": "Report" })).await?;
        gallery.settled().await?;
        let (aws, function) = (stack.aws(), gallery.function(FunctionName::List));
        let bucket = gallery.identity().bucket(BucketRole::Photos);
        let environment = variables(aws, &function).await?;
        let mut changed = environment.clone();
        changed.insert("LOG".into(), "debug".into());
        let log = Environment::builder().set_variables(Some(changed)).build();
        aws.lambda.update_function_configuration().function_name(&function).environment(log).send().await?;
        aws.s3.delete_public_access_block().bucket(&bucket).send().await?;

        let writes =
            || -> Result<usize> { Ok(stack.operator_calls()?.iter().filter(|call| call.write).count()) };
        let before = writes()?;
        let message = drifted(&gallery).await?;
        ensure!(
            message
                == "spec.driftPolicy is Report, so what others changed is left as it is. 2 resources differ:\n\
                    bucket/photos: BlockPublicAcls is off, should be on; BlockPublicPolicy is off, should be on; \
                    IgnorePublicAcls is off, should be on; RestrictPublicBuckets is off, should be on\n\
                    function/list: environment LOG is debug, should be info",
            "{message}"
        );
        gallery.tells(true, "Drift", "function/list: environment LOG is debug, should be info").await?;
        let events = gallery.events().await?.len();
        drifted(&gallery).await?;
        ensure!(writes()? == before, "it wrote to AWS: {:#?}", stack.operator_calls()?.split_off(before));
        ensure!(gallery.events().await?.len() == events, "told again: {:#?}", gallery.events().await?);
        ensure!(variables(aws, &function).await?["LOG"] == "debug");

        // The stage is changed by the spec, and nothing else is written.
        gallery.change(json!({ "api": { "throttle": { "burst": 90 } } })).await?;
        let message = drifted(&gallery).await?;
        ensure!(message.contains("2 resources differ:"), "{message}");
        ensure!(writes()? == before + 1, "{:#?}", stack.operator_calls()?);
        gallery.tells(false, "Updated", "stage: throttle burst 100 -> 90").await?;

        gallery.change(json!({ "driftPolicy": "Correct" })).await?;
        gallery.settled().await?;
        ensure!(variables(aws, &function).await? == environment);
        aws.s3.get_public_access_block().bucket(&bucket).send().await?;
        let told = "function/list: environment LOG was debug, put back to info";
        gallery.tells(true, "Drift", told).await
    })
}

async fn variables(aws: &Clients, function: &str) -> Result<std::collections::HashMap<String, String>> {
    let seen = aws.lambda.get_function_configuration().function_name(function).send().await?;
    seen.environment.and_then(|it| it.variables).context("no environment")
}

/// Asks for a look, and waits until it says that there is drift. The answer is what it says.
async fn drifted(gallery: &Gallery<'_>) -> Result<String> {
    let asked = moment().await?;
    gallery.annotate().await?;
    let status = gallery
        .wait_for("to say that it has drifted", |object| {
            let status = &object.data["status"];
            let seen = status["lastObservedTime"].as_str().and_then(|time| time.parse().ok());
            status["observedGeneration"].as_i64() == object.metadata.generation
                && seen.is_some_and(|seen: k8s_openapi::jiff::Timestamp| seen >= asked)
                && condition(status, "Synced").is_some_and(|synced| synced["reason"] == "Drifted")
        })
        .await?;
    ensure!(condition(&status, "Ready").is_some_and(|ready| ready["status"] == "True"), "{status:#}");
    for absent in ["Reconciling", "Stalled"] {
        ensure!(condition(&status, absent).is_none(), "{status:#}");
    }
    let synced = condition(&status, "Synced").context("no Synced")?;
    ensure!(synced["status"] == "False", "{synced:#}");
    Ok(synced["message"].as_str().unwrap_or_default().to_owned())
}

//! A new gallery in an account in which several things are in its way: all of them are told at once, nothing is built, and it goes
//! on by itself.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result, ensure};
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Response, header};
use percent_encoding::percent_decode;
use photogallery_operator::graph::BucketRole;
use photogallery_tests::local_aws::REGION;
use photogallery_tests::permissions::{self, Roles};
use photogallery_tests::proxy::{Call, Fate, Interposer, Upstream};
use photogallery_tests::stack::{OPERATOR_USER, Options, Stack};
use serde_json::json;

use crate::support::account::inventory;
use crate::support::gallery::condition;
use crate::support::{Gallery, alone_with, writes};

/// A read that the role lacks, and a write of which only IAM's simulator tells.
const READ: &str = "lambda:GetFunction";
const WRITE: &str = "dynamodb:CreateTable";

/// An account that has no role left, and a simulator that is right.
#[derive(Default)]
struct Account {
    has_room: AtomicBool,
    may_write: AtomicBool,
}

impl Interposer for Account {
    fn interpose<'a>(&'a self, call: &'a Call, aws: &'a Upstream<'a>) -> BoxFuture<'a, Fate> {
        Box::pin(async move {
            // What the operator may not ask stays refused.
            let answer = aws.carry_out().await;
            if !answer.status().is_success() {
                return Fate::untouched(answer);
            }
            match (call.service.as_str(), call.operation.as_str()) {
                ("iam", "GetAccountSummary") if !self.has_room.load(Ordering::Relaxed) => {
                    Fate::answer("full", full(answer))
                }
                ("iam", "SimulatePrincipalPolicy") => {
                    let denied = (!self.may_write.load(Ordering::Relaxed)).then_some(WRITE);
                    Fate::answer("simulated", simulated(&call.body, denied))
                }
                _ => Fate::untouched(answer),
            }
        })
    }
}

fn answer(body: String) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::from(body));
    answer.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/xml"));
    answer
}

/// The summary with as many roles as there may be.
fn full(summary: Response<Bytes>) -> Response<Bytes> {
    let text = String::from_utf8_lossy(summary.body()).into_owned();
    let quota = text.split("<key>RolesQuota</key><value>").nth(1).and_then(|rest| rest.split('<').next());
    let quota = quota.unwrap_or_default().to_owned();
    let (before, after) = text.split_once("<key>Roles</key><value>").unwrap_or((&text, ""));
    let (_, after) = after.split_once('<').unwrap_or_default();
    answer(format!("{before}<key>Roles</key><value>{quota}<{after}"))
}

/// Everything that was asked is allowed, but this.
fn simulated(body: &[u8], denied: Option<&str>) -> Response<Bytes> {
    let decode = |text: &[u8]| percent_decode(text).decode_utf8_lossy().into_owned();
    let fields = body.split(|byte| *byte == b'&').filter_map(|field| {
        let at = field.iter().position(|byte| *byte == b'=')?;
        Some((decode(&field[..at]), decode(&field[at + 1..])))
    });
    let fields: BTreeMap<_, _> = fields.collect();
    let of = |list: &str| {
        fields.iter().filter(|(name, _)| name.starts_with(list)).map(|(_, value)| value).collect::<Vec<_>>()
    };
    let mut results = String::new();
    for action in of("ActionNames.") {
        for resource in of("ResourceArns.") {
            let decision = if denied == Some(action) { "implicitDeny" } else { "allowed" };
            results += &format!(
                "<member><EvalActionName>{action}</EvalActionName><EvalResourceName>{resource}</EvalResourceName>\
                 <EvalDecision>{decision}</EvalDecision></member>"
            );
        }
    }
    answer(format!(
        "<SimulatePrincipalPolicyResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><SimulatePrincipalPolicyResult>\
         <IsTruncated>false</IsTruncated><EvaluationResults>{results}</EvaluationResults></SimulatePrincipalPolicyResult>\
         </SimulatePrincipalPolicyResponse>"
    ))
}

/// To see it fail: leave one of the four out of `preflight::check`, or let `reconcile` go on after a preflight that did not pass.
#[test]
fn all_that_is_in_the_way_of_a_new_gallery_is_told_at_once_and_nothing_is_built_until_it_is_settled()
-> Result<()> {
    let account = Arc::new(Account::default());
    let options = Options { interposer: Some(account.clone()), ..Options::test("preflight") };
    alone_with(options, async |stack| {
        let whole = permissions::of_operator(Roles::Bounded).await?;
        stack.aws.set_user_policy(OPERATOR_USER, &permissions::without(&whole, READ)?).await?;
        let bucket =
            Gallery::named(stack, "preflight", "preflight").await?.identity().bucket(BucketRole::Photos);
        make_bucket(stack, &bucket).await?;
        let before = inventory(stack).await?;

        let gallery = Gallery::apply(stack, "preflight", json!({ "deletionPolicy": "Delete" })).await?;
        let named = format!("bucket/photos {bucket} exists and is not ours");
        let parts = [named.as_str(), READ, WRITE, "1000 of 1000 IAM roles"];
        let message = stalled(&gallery, "PreflightFailed", &parts).await?;
        ensure!(message.starts_with("Nothing is being made: 4 things stand in the way. (1) "), "{message}");
        ensure!(message.len() <= 1000 && message.ends_with("I will go on by myself."), "{message}");
        gallery.tells(true, "Stalled", &format!("PreflightFailed: {message}")).await?;

        let other = Gallery::apply(stack, "preflight-other", json!({})).await?;
        stalled(&other, "PreflightFailed", &[READ]).await?;

        // One after the other is settled; nothing is built before the last.
        stack.aws.set_user_policy(OPERATOR_USER, &whole).await?;
        // A deletion needs to see that nothing is there, and no more: what is in the way of a create is not in its way.
        other.delete().await?;
        without(&gallery, "PreflightFailed", READ, &parts[2..]).await?;
        account.may_write.store(true, Ordering::Relaxed);
        without(&gallery, "PreflightFailed", WRITE, &[&named, parts[3]]).await?;
        stack.aws().s3.delete_bucket().bucket(&bucket).send().await?;
        let last = without(&gallery, "LimitExceeded", &bucket, &parts[3..]).await?;
        ensure!(
            last.starts_with("1000 of 1000 IAM roles are used, and the gallery takes 4. Ask AWS for more"),
            "{last}"
        );
        let mut without_bucket = before;
        without_bucket.remove(&format!("bucket {bucket}"));
        let now = inventory(stack).await?;
        ensure!(now == without_bucket, "made: {:#?}", now.difference(&without_bucket).collect::<Vec<_>>());
        ensure!(writes(stack, &stack.operator_key)? == 0, "the operator wrote to AWS");
        let events = gallery.events().await?;
        let told = events.iter().filter(|event| event.reason == "Stalled").count();
        ensure!(told == 2, "once for each reason: {events:#?}");

        let asked = asked(stack)?;
        account.has_room.store(true, Ordering::Relaxed);
        gallery.annotate().await?;
        let visitor = gallery.visitor().await?;
        ensure!(visitor.photos().await?.is_empty());
        let calls = self::asked(stack)? - asked;
        ensure!((1..=5).contains(&calls), "a create asks {calls} times what is in its way");

        // Of a gallery that is there nothing is asked any more.
        account.has_room.store(false, Ordering::Relaxed);
        gallery.reconcile().await?;
        ensure!(self::asked(stack)? == asked + calls, "asked again");
        gallery.delete().await
    })
}

async fn make_bucket(stack: &Stack, name: &str) -> Result<()> {
    let there = CreateBucketConfiguration::builder()
        .location_constraint(BucketLocationConstraint::from(REGION))
        .build();
    stack.aws().s3.create_bucket().bucket(name).create_bucket_configuration(there).send().await?;
    Ok(())
}

/// Calls that only a preflight makes.
fn asked(stack: &Stack) -> Result<usize> {
    let calls = stack.proxy.as_ref().context("no proxy")?.calls()?;
    let is_asked = |name: &str| {
        ["GetAccountSummary", "SimulatePrincipalPolicy"].contains(&name) || name.contains("account-settings")
    };
    Ok(calls
        .iter()
        .filter(|call| is_asked(&call.operation) || call.operation == "GetAccountSettings")
        .count())
}

/// Waits until the gallery is stalled for this reason and names all of these; the message.
async fn stalled(gallery: &Gallery<'_>, reason: &str, parts: &[&str]) -> Result<String> {
    told(gallery, reason, |message| parts.iter().all(|part| message.contains(part))).await
}

/// Asks for another look, and waits until one thing is settled and the others are still told; the message.
async fn without(gallery: &Gallery<'_>, reason: &str, settled: &str, parts: &[&str]) -> Result<String> {
    gallery.annotate().await?;
    let is_it = |message: &str| !message.contains(settled) && parts.iter().all(|part| message.contains(part));
    told(gallery, reason, is_it).await
}

async fn told(gallery: &Gallery<'_>, reason: &str, is_it: impl Fn(&str) -> bool) -> Result<String> {
    let status = gallery
        .wait_for(&format!("to stall with {reason}"), |object| {
            let stalled = condition(&object.data["status"], "Stalled").filter(|it| it["reason"] == reason);
            stalled.and_then(|it| it["message"].as_str()).is_some_and(&is_it)
        })
        .await?;
    let synced = condition(&status, "Synced").context("no Synced")?;
    ensure!(synced["status"] == "False" && synced["reason"] == reason, "{synced:#}");
    ensure!(condition(&status, "Reconciling").is_none(), "stalled and reconciling at once: {status:#}");
    Ok(synced["message"].as_str().unwrap_or_default().to_owned())
}

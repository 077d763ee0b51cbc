//! Two operators at once, as during an upgrade: one acts, and the other takes over when that one stops, dies or is frozen. The
//! second one has the keys of another IAM user, so that the local AWS's log tells whose a call was.

use std::time::Duration;

use anyhow::{Result, ensure};
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::Api;
use photogallery_tests::operator::Operator;
use photogallery_tests::stack::{LEASE, NAMESPACE, Stack};
use photogallery_tests::wait;
use rustix::process::Signal;
use serde_json::json;

use crate::support::account::exists_once;
use crate::support::{Gallery, after_writes, alone, writes};

const SECOND: &str = "second-operator";

#[test]
fn an_operator_that_is_stopped_hands_over_at_once() -> Result<()> {
    // Whoever waited for the lease's end would come too late for this test.
    alone("hand-over", &[("LEASE_DURATION", "5m")], async |stack| {
        let (second, key) = stack.another_operator(SECOND).await?;
        second.start().await?;
        let gallery = Gallery::apply(stack, "hand-over", json!({})).await?;
        gallery.settled().await?;
        leads(stack, &stack.operator, "operator").await?;
        ensure!(writes(stack, &key)? == 0, "both act");
        ensure!(second.metrics().await?.sum("photogallery_leader", &[]) < 0.5, "both say that they lead");

        stack.operator.stop().await?;
        leads(stack, &second, SECOND).await?;
        stack.operator.start().await?;
        let written = writes(stack, &stack.operator_key)?;
        gallery.change(json!({ "title": "By the second" })).await?;
        gallery.settled().await?;
        ensure!(writes(stack, &key)? > 0 && writes(stack, &stack.operator_key)? == written, "both act");
        second.stop().await?;
        leads(stack, &stack.operator, "operator").await
    })
}

#[test]
fn an_operator_killed_in_the_middle_is_followed_by_the_one_that_stands_by() -> Result<()> {
    alone("killed", &[], async |stack| {
        let (second, key) = stack.another_operator(SECOND).await?;
        second.start().await?;
        let gallery = Gallery::apply(stack, "killed", json!({})).await?;
        after_writes(stack, &stack.operator_key, 15).await?;
        stack.operator.kill()?;
        takes_over(stack, &second, &key).await?;
        // As its Deployment would.
        stack.operator.start().await?;
        gallery.settled().await?;
        exists_once(&gallery).await?;
        second.stop().await
    })
}

/// To see it fail, in about every second run: let the interceptor in `operator/src/leader/guard.rs` pass everything.
#[test]
fn an_operator_frozen_for_longer_than_its_lease_writes_nothing_afterwards_and_ends() -> Result<()> {
    alone("frozen", &[], async |stack| {
        let (second, key) = stack.another_operator(SECOND).await?;
        second.start().await?;
        let gallery = Gallery::apply(stack, "frozen", json!({})).await?;
        after_writes(stack, &stack.operator_key, 15).await?;
        stack.operator.signal(Signal::STOP)?;
        takes_over(stack, &second, &key).await?;
        gallery.settled().await?;
        exists_once(&gallery).await?;
        let (written, status) = (writes(stack, &stack.operator_key)?, gallery.status().await?);

        stack.operator.signal(Signal::CONT)?;
        let end = wait::until("the frozen operator's end", Duration::from_secs(30), async || {
            stack.operator.exited()
        });
        let end = end.await?;
        ensure!(!end.success(), "it ended as if all were well");
        ensure!(writes(stack, &stack.operator_key)? == written, "it wrote to AWS");
        ensure!(gallery.status().await? == status, "it wrote to Kubernetes");
        exists_once(&gallery).await?;
        second.stop().await?;
        stack.operator.kill()
    })
}

/// The lease names `holder`, and that operator says that it leads.
async fn leads(stack: &Stack, operator: &Operator, holder: &str) -> Result<()> {
    let leases: Api<Lease> = Api::namespaced(stack.kube(), NAMESPACE);
    wait::until(&format!("{holder} to lead"), Duration::from_secs(30), async || {
        let lease = leases.get(LEASE).await?;
        let is_named = lease.spec.is_some_and(|spec| spec.holder_identity.as_deref() == Some(holder));
        let leads = operator.metrics().await?.sum("photogallery_leader", &[]) > 0.5;
        Ok((is_named && leads).then_some(()))
    })
    .await
}

/// The second operator, which has done nothing so far, leads within the lease and a little more, and acts.
async fn takes_over(stack: &Stack, second: &Operator, key: &str) -> Result<()> {
    ensure!(writes(stack, key)? == 0, "both act");
    leads(stack, second, SECOND).await?;
    after_writes(stack, key, 1).await
}

//! How many calls a gallery's life takes, counted by the local AWS. The numbers are promised in docs/quotas.md.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, ensure};
use photogallery_tests::aws_calls::AwsCall;
use photogallery_tests::stack::Stack;
use photogallery_tests::wait;
use serde_json::json;

use crate::support::gallery::condition;
use crate::support::{Gallery, alone};

/// Longer than the operator pauses between two calls of one reconcile.
const SILENCE: Duration = Duration::from_secs(4);
/// Between two light looks: longer than everything else here takes, but for the one that is waited for.
const LIGHT: &str = "45s";

/// To see it fail: let `look` in `operator/src/reconcile.rs` look at [`Depth::Whole`], or `Kind::after` of a kind say `Unknown`.
#[test]
fn a_gallery_s_life_keeps_within_its_budgets() -> Result<()> {
    alone("budgets", &[("LIGHT_RESYNC_INTERVAL", LIGHT), ("CALL_RATE_FACTOR", "1")], async |stack| {
        let mut count = Count::begin(stack)?;
        let gallery = Gallery::apply(stack, "budgets", json!({ "deletionPolicy": "Delete" })).await?;
        gallery.settled().await?;
        let made = count.since("create", stack).await?;
        ensure!(made.total() <= 110, "{made}");
        ensure!(made.of("apigateway") <= 6, "{made}");

        // No list tells the headers of the site's files: each is asked for until its answer is sure to hold.
        for _ in 0..2 {
            gallery.reconcile().await?;
            count.since("look for headers", stack).await?;
        }
        gallery.annotate().await?;
        let whole = count.since("whole look", stack).await?;
        ensure!(whole.of_its_own() <= 45 && whole.total() <= 55 && whole.writes() == 0, "{whole}");
        whole.ensure_each_once()?;

        let light = count.next("light look", stack).await?;
        ensure!(light.total() <= 12 && light.writes() == 0, "{light}");
        light.ensure_each_once()?;

        gallery.change(json!({ "functions": { "list": { "memoryMiB": 384 } } })).await?;
        gallery.settled().await?;
        let changed = count.since("change", stack).await?;
        ensure!(changed.total() <= 60 && changed.writes() <= 2, "{changed}");

        gallery.delete().await?;
        let gone = count.since("delete", stack).await?;
        ensure!(gone.total() <= 110, "{gone}");
        Ok(())
    })
}

/// To see it fail: let `Gate::line_up` in `operator/src/quota.rs` always say yes.
#[test]
fn a_deletion_that_waits_for_others_says_for_how_long_and_goes_on_by_itself() -> Result<()> {
    // One REST API in six seconds instead of thirty.
    alone("queue", &[("CALL_RATE_FACTOR", "5")], async |stack| {
        let mut galleries = Vec::new();
        for name in ["queue-1", "queue-2", "queue-3", "queue-4"] {
            galleries.push(Gallery::apply(stack, name, json!({ "deletionPolicy": "Delete" })).await?);
        }
        for gallery in &galleries {
            gallery.settled().await?;
        }
        for gallery in &galleries {
            gallery.begin_delete().await?;
        }
        let told = wait::until("a gallery that waits", Duration::from_mins(1), async || {
            for gallery in &galleries {
                // It may be gone already.
                let Ok(status) = gallery.status().await else { continue };
                let synced = condition(&status, "Synced").filter(|synced| synced["reason"] == "Waiting");
                let message = synced.and_then(|synced| synced["message"].as_str()).unwrap_or_default();
                if message.starts_with("REST API deletion queued, about ") {
                    ensure!(condition(&status, "Stalled").is_none(), "it is no error: {status:#}");
                    return Ok(Some(message.to_owned()));
                }
            }
            Ok(None)
        });
        println!("{}", told.await?);
        for gallery in &galleries {
            wait::until(&format!("{} to be gone", gallery.name), Duration::from_mins(2), async || {
                Ok(gallery.object().await.is_err().then_some(()))
            })
            .await?;
        }
        let refused = stack.operator_calls()?.into_iter().filter(|call| call.status == 429).count();
        ensure!(refused == 0, "{refused} calls came too fast");
        Ok(())
    })
}

/// Calls of the operator, from one point on.
struct Count {
    begin: usize,
}

struct Counted {
    what: &'static str,
    calls: Vec<AwsCall>,
}

impl Count {
    fn begin(stack: &Stack) -> Result<Self> {
        Ok(Self { begin: stack.operator_calls()?.len() })
    }

    /// The calls since the last count, once there are some and no more come.
    async fn since(&mut self, what: &'static str, stack: &Stack) -> Result<Counted> {
        let mut last = self.begin;
        wait::until(&format!("the calls of a {what} to end"), Duration::from_mins(2), async || {
            tokio::time::sleep(SILENCE).await;
            let now = stack.operator_calls()?.len();
            let is_over = now > self.begin && now == last;
            last = now;
            Ok(is_over.then_some(()))
        })
        .await?;
        let calls = stack.operator_calls()?.split_off(self.begin);
        self.begin += calls.len();
        let counted = Counted { what, calls };
        println!("{counted}");
        Ok(counted)
    }

    /// As [`Self::since`], for what comes by itself.
    async fn next(&mut self, what: &'static str, stack: &Stack) -> Result<Counted> {
        self.since(what, stack).await
    }
}

impl Counted {
    fn total(&self) -> usize {
        self.calls.len()
    }

    fn writes(&self) -> usize {
        self.calls.iter().filter(|call| call.write).count()
    }

    /// Without what one call tells for all galleries, and what they share: read once for all of them in ten minutes.
    fn of_its_own(&self) -> usize {
        let lists = [
            "GET /restapis?limit",
            "GET /2020-05-31/distribution",
            "GET /2020-05-31/origin-access-control",
            "GET /2020-05-31/response-headers-policy?Type",
            "GetAccountAuthorizationDetails",
            "ListRoles",
        ];
        let is_shared =
            |operation: &str| lists.contains(&operation) || operation.starts_with("GET /pg-artefacts-");
        self.calls.iter().filter(|call| !is_shared(&call.operation)).count()
    }

    fn of(&self, service: &str) -> usize {
        self.calls.iter().filter(|call| call.service == service).count()
    }

    /// No call twice. Where all calls go to one path, as many as there are functions, log groups and roles.
    fn ensure_each_once(&self) -> Result<()> {
        let mut counts = BTreeMap::<_, usize>::new();
        for call in &self.calls {
            *counts.entry((&call.service, &call.operation, &call.host)).or_default() += 1;
        }
        let is_named = |service: &str| ["s3", "lambda", "apigateway", "cloudfront"].contains(&service);
        let most = |service: &str| if is_named(service) { 1 } else { 4 };
        let twice: Vec<_> = counts.iter().filter(|((service, ..), count)| **count > most(service)).collect();
        ensure!(twice.is_empty(), "{self}\ntwice: {twice:#?}");
        Ok(())
    }
}

impl std::fmt::Display for Counted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}: {} calls, {} of them writes", self.what, self.total(), self.writes())?;
        let mut counts = BTreeMap::<_, usize>::new();
        for call in &self.calls {
            *counts.entry((&call.service, &call.operation)).or_default() += 1;
        }
        for ((service, operation), count) in counts {
            writeln!(f, "{count:4} {service} {operation}")?;
        }
        Ok(())
    }
}

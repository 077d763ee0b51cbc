//! The operator as a process: whose token it carries, what it serves, what it writes down, how it ends.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use http::Request;
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use kube::api::{Api, PostParams};
use photogallery_tests::stack::Stack;
use photogallery_tests::{control_plane, visitor, wait};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::photos::{follow, processed};
use crate::support::pictures::phone_jpeg;
use crate::support::{Gallery, alone, metrics};

#[test]
fn the_operator_serves_health_and_metrics_logs_no_secret_and_stops_in_peace() -> Result<()> {
    // Its most talkative: every call to AWS is a line.
    alone("process", &[("LOG_LEVEL", "debug")], async |stack| {
        it_is_the_chart_s_service_account(stack).await?;
        let gallery = Gallery::apply(stack, "process", json!({})).await?;
        let photo = use_it(&gallery).await?;
        it_serves_health_and_metrics(stack).await?;
        let link = photo["url"].as_str().context("no url")?;
        it_logs_json_with_a_span_and_no_secret(stack, link)?;
        it_stops_in_peace_in_the_middle_of_its_work(stack).await
    })
}

async fn use_it(gallery: &Gallery<'_>) -> Result<Value> {
    let visitor = gallery.visitor().await?;
    visitor.upload("a.jpg", "image/jpeg", &phone_jpeg(60, 80)?).await?;
    let photos = processed(&visitor, 1).await?;
    ensure!(follow(&photos[0]["url"]).await?.status() == 200);
    Ok(photos[0].clone())
}

async fn it_is_the_chart_s_service_account(stack: &Stack) -> Result<()> {
    let kubeconfig = std::fs::read_to_string(stack.operator.settings().kubeconfig)?;
    let operator = control_plane::client(&kubeconfig).await?;
    let reviews: Api<SelfSubjectReview> = Api::all(operator);
    let answer = reviews.create(&PostParams::default(), &SelfSubjectReview::default()).await?;
    let user = answer
        .status
        .and_then(|status| status.user_info)
        .and_then(|user| user.username)
        .context("no user")?;
    ensure!(user.starts_with("system:serviceaccount:photogallery-system:"), "{user}");
    let as_operator = format!("--as={user}");
    for (verb, resource, expected) in [
        ("list", "photogalleries.photogallery.dev", "yes"),
        ("patch", "photogalleries.photogallery.dev/status", "yes"),
        ("create", "events.events.k8s.io", "yes"),
        ("create", "leases.coordination.k8s.io", "no"),
        ("delete", "photogalleries.photogallery.dev", "no"),
        ("create", "photogalleries.photogallery.dev", "no"),
        ("get", "secrets", "no"),
        ("list", "pods", "no"),
        ("list", "namespaces", "no"),
    ] {
        let question = ["auth", "can-i", verb, resource, "--all-namespaces", &as_operator];
        // kubectl says no with an exit code too.
        let answer = stack.kubectl(&question, None).await.unwrap_or_else(|_| "no".into());
        ensure!(answer.trim() == expected, "may {user} {verb} {resource}? {answer}");
    }
    Ok(())
}

async fn it_serves_health_and_metrics(stack: &Stack) -> Result<()> {
    let address: http::Uri = stack.operator.metrics_url()?.parse()?;
    let (port, host) =
        (address.port_u16().unwrap_or(80), address.authority().context("no host")?.to_string());
    for path in ["/healthz", "/readyz"] {
        let answer = visitor::send(port, &host, Request::get(path).body(Bytes::new())?).await?;
        ensure!(answer.status() == 200 && &answer.body()[..] == b"ok\n", "{path}: {answer:?}");
    }
    ensure!(metrics::reconciles(stack).await? >= 1.0);
    let (writes, _) = metrics::aws_writes(stack).await?;
    let seen = stack.operator_calls()?.iter().filter(|call| call.write).count();
    ensure!(writes > 30.0 && seen > 30, "the operator counts {writes} writes, AWS saw {seen}");
    let all = stack.operator.metrics().await?;
    ensure!(all.sum("photogallery_aws_requests_total", &[("outcome", "ok")]) > 50.0, "{}", all.0);
    wait::until("photogallery_galleries to count one", Duration::from_secs(15), async || {
        let all = stack.operator.metrics().await?;
        let is_one = (all.sum("photogallery_galleries", &[("ready", "true")]) - 1.0).abs() < 0.1;
        Ok(is_one.then_some(()))
    })
    .await
}

fn it_logs_json_with_a_span_and_no_secret(stack: &Stack, link: &str) -> Result<()> {
    let settings = stack.operator.settings();
    let log = std::fs::read_to_string(&settings.log)?;
    let token = std::fs::read_to_string(&settings.kubeconfig)?;
    let token = token.split_once("\"token\":").or(token.split_once("token:")).context("no token")?.1;
    let token =
        token.trim_start().trim_start_matches('"').split(['"', '\n']).next().unwrap_or_default().trim();
    ensure!(token.len() > 100, "this is no token: {token}");
    let signature = link.split_once("X-Amz-Signature=").context("the link has no signature")?.1;
    let signature = signature.split('&').next().unwrap_or_default();
    let key = &settings.environment["AWS_SECRET_ACCESS_KEY"];
    for secret in
        [key.as_str(), token, signature, "X-Amz-Signature", "x-amz-signature", "Authorization", "Signature="]
    {
        ensure!(!log.contains(secret), "the log holds {secret}");
    }

    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).with_context(|| format!("no JSON: {line}")))
        .collect::<Result<_>>()?;
    let mut calls = 0;
    for line in &lines {
        for field in ["timestamp", "level", "target"] {
            ensure!(line[field].is_string(), "a line without {field}: {line}");
        }
        if line["message"] == "AWS call" {
            calls += 1;
            ensure!(
                line["service"].is_string() && line["operation"].is_string() && line["outcome"].is_string(),
                "{line}"
            );
        }
        if line["message"] == "AWS call" || line["message"] == "reconciled" || line["message"] == "event" {
            let span = &line["span"];
            ensure!(
                span["name"] == "reconcile" && span["gallery"] == "process",
                "a line outside of its span: {line}"
            );
        }
    }
    ensure!(calls > 50, "only {calls} calls were logged");
    ensure!(lines.iter().any(|line| line["message"] == "reconciled"), "no reconcile was logged");
    Ok(())
}

async fn it_stops_in_peace_in_the_middle_of_its_work(stack: &Stack) -> Result<()> {
    let written = stack.operator_calls()?.iter().filter(|call| call.write).count();
    let gallery = Gallery::apply(stack, "interrupted", json!({})).await?;
    wait::until("the work to begin", Duration::from_secs(30), async || {
        let now = stack.operator_calls()?.iter().filter(|call| call.write).count();
        Ok((now > written + 5).then_some(()))
    })
    .await?;

    let started = Instant::now();
    stack.operator.signal(Signal::TERM)?;
    let status =
        wait::until("the operator's end", Duration::from_secs(25), async || stack.operator.exited()).await?;
    ensure!(status.success(), "it ended with {status}");
    ensure!(started.elapsed() < Duration::from_secs(20), "it took {:?}", started.elapsed());
    let log = std::fs::read_to_string(stack.operator.settings().log)?;
    ensure!(
        log.lines().last().is_some_and(|line| line.contains("\"stopped\"")),
        "the last line is not the last word"
    );

    stack.operator.restart().await?;
    let visitor = gallery.visitor().await?;
    ensure!(visitor.photos().await?.is_empty());
    Ok(())
}

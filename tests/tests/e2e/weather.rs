//! A gallery's life in AWS's weather (`tests/weather/rules.yaml`): made, changed, given new code, deleted. The account is listed
//! behind the weather's back, and what was done to which call is read from the proxy's log.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use kube::api::DynamicObject;
use photogallery_tests::proxy::Line;
use photogallery_tests::stack::{Options, Stack};
use photogallery_tests::weather::{Profile, Weather};
use photogallery_tests::{gallery, wait};
use serde_json::{Value, json};

use crate::changes::copy_with_another_list;
use crate::crash::has_one_of_each;
use crate::support::account::{inventory, is_shared, unshared};
use crate::support::gallery::{condition, is_settled};
use crate::support::{Gallery, alone_with};

/// Minutes of CloudFront become seconds. The operator's own pauses are what they are.
const FACTOR: f64 = 0.04;
/// One step of a gallery's life, on a busy machine, in the worst weather.
const PATIENCE: Duration = Duration::from_mins(5);
/// Longer than a permission takes to arrive everywhere.
const YOUNG: Duration = Duration::from_secs(20);
/// Long enough for whatever a write might set off.
const SILENCE: Duration = Duration::from_secs(3);

#[test]
fn galleries_live_through_calm_weather_and_then_rest() -> Result<()> {
    in_weather(Profile::Calm, 1, async |stack, weather| {
        live(stack, weather, async |gallery| rests(gallery).await).await
    })
}

#[test]
fn galleries_live_through_normal_weather() -> Result<()> {
    in_weather(Profile::Normal, 2, async |stack, weather| live(stack, weather, async |_| Ok(())).await)
}

#[test]
fn galleries_live_through_a_storm_and_come_back_under_the_same_name() -> Result<()> {
    in_weather(Profile::Storm, 3, async |stack, weather| {
        let before = unshared(stack).await?;
        live(stack, weather, async |_| Ok(())).await?;
        // S3 has not forgotten the name yet.
        let gallery = Gallery::apply(stack, "one", spec()).await?;
        settled(&gallery).await?;
        has_one_of_each(&gallery).await?;
        delete(&[&gallery]).await?;
        let left = unshared(stack).await?;
        ensure!(left == before, "left: {:#?}", left.difference(&before).collect::<Vec<_>>());
        let silent = weather.silent();
        ensure!(silent.is_empty(), "rules that never hit: {silent:#?}\n{}", weather.report());
        Ok(())
    })
}

#[test]
fn what_a_person_must_mend_is_said_and_nothing_else_and_goes_on_by_itself() -> Result<()> {
    in_weather(Profile::Hostile, 4, async |stack, weather| {
        weather.only(&[]);
        // What needs a bucket waits for it, so that each of these is met by something that is still to be made.
        let gallery = hostile(
            stack,
            weather,
            "first",
            &[
                ("W28", "ResourceConflict", &["taken", "bucket"]),
                ("W57", "AccessDenied", &["must be verified", "support/home"]),
            ],
        )
        .await?;
        let other = hostile(
            stack,
            weather,
            "second",
            &[
                ("W78", "AccessDenied", &["iam:PassRole", "role/photogallery/"]),
                ("W17", "LimitExceeded", &["UnreservedConcurrentExecution", "function/list"]),
            ],
        )
        .await?;

        weather.only(&["W76"]);
        gallery.change(json!({ "functions": { "list": { "timeoutSeconds": 12 } } })).await?;
        stalled(&gallery, "AccessDenied", &["lambda:UpdateFunctionConfiguration", ":function:"]).await?;
        let live = gallery.status().await?;
        ensure!(
            condition(&live, "Ready").is_some_and(|ready| ready["status"] == "True"),
            "visitors are served: {live:#}"
        );
        weather.only(&[]);
        gallery.annotate().await?;
        recovered(&gallery).await?;

        weather.only(&["W77"]);
        gallery.annotate().await?;
        unavailable(&gallery, "token included in the request is expired").await?;
        weather.only(&[]);
        recovered(&gallery).await?;
        for gallery in [&gallery, &other] {
            has_one_of_each(gallery).await?;
        }
        delete(&[&gallery, &other]).await
    })
}

/// A gallery that is made against these rows, one after the other, and then after all.
async fn hostile<'a>(
    stack: &'a Stack,
    weather: &Weather,
    name: &str,
    rows: &[(&str, &str, &[&str])],
) -> Result<Gallery<'a>> {
    let gallery = Gallery::named(stack, name, name).await?;
    gallery::create_namespace(stack, name).await?;
    for (number, (row, reason, words)) in rows.iter().enumerate() {
        weather.only(&[row]);
        if number == 0 {
            let list = json!({ "reservedConcurrency": 5 });
            gallery.apply_again(json!({ "deletionPolicy": "Delete", "functions": { "list": list } })).await?;
        } else {
            gallery.annotate().await?;
        }
        stalled(&gallery, reason, words).await.with_context(|| (*row).to_owned())?;
    }
    weather.only(&[]);
    gallery.annotate().await?;
    recovered(&gallery).await?;
    Ok(gallery)
}

/// Runs a test in a weather of its own.
fn in_weather(
    profile: Profile,
    seed: u64,
    test: impl AsyncFnOnce(&Stack, &Weather) -> Result<()>,
) -> Result<()> {
    let weather = Arc::new(Weather::new(profile, seed, FACTOR)?);
    let options =
        Options { interposer: Some(weather.clone()), ..Options::test(&format!("weather-{profile}")) };
    alone_with(options, async |stack| test(stack, &weather).await)
}

fn spec() -> Value {
    json!({ "deletionPolicy": "Delete", "tags": { "team": "events", "floor": "2" } })
}

/// Two galleries at once, so that they meet AWS's quotas.
async fn live(
    stack: &Stack,
    weather: &Weather,
    at_rest: impl AsyncFnOnce(&Gallery<'_>) -> Result<()>,
) -> Result<()> {
    let before = unshared(stack).await?;
    let (one, two) =
        futures::try_join!(Gallery::apply(stack, "one", spec()), Gallery::apply(stack, "two", spec()))?;
    let both = [&one, &two];
    for gallery in both {
        settled(gallery).await?;
        is_live(gallery).await?;
    }
    at_rest(&one).await?;

    let copy = stack.folder().join("functions");
    copy_with_another_list(&copy)?;
    for gallery in both {
        gallery
            .change(json!({
                "tags": { "team": "weather", "floor": null },
                "functions": { "thumbnail": { "memoryMiB": 768 } },
                "api": { "throttle": { "burst": 90 }, "additionalAllowedOrigins": ["https://www.example.com"] },
                "cdn": { "priceClass": "PriceClass_All" },
            }))
            .await?;
    }
    let folder = copy.display().to_string();
    let with_new_code = |settings: &mut photogallery_tests::operator::Settings| {
        settings.set("FUNCTIONS_DIR", folder);
    };
    stack.operator.restart_with(with_new_code).await?;
    for gallery in both {
        settled(gallery).await?;
        has_one_of_each(gallery).await?;
        is_live(gallery).await?;
    }
    let all = inventory(stack).await?;
    let shared: Vec<_> = all.iter().filter(|line| is_shared(line)).collect();
    ensure!(shared.len() == 3, "shared by all galleries are {shared:#?}");

    delete(&both).await?;
    let left = unshared(stack).await?;
    ensure!(left == before, "left: {:#?}", left.difference(&before).collect::<Vec<_>>());
    let silent: Vec<_> = weather.silent().into_iter().filter(|rule| !rule.starts_with("W29:")).collect();
    ensure!(silent.is_empty(), "rules that never hit: {silent:#?}\n{}", weather.report());
    keeps_the_quotas(&calls(stack)?)
}

/// Who is told that it is live finds it so, but for the moment after a permission was given to anybody in the account (W49): to the
/// other gallery, or when something was put right.
async fn is_live(gallery: &Gallery<'_>) -> Result<()> {
    let visitor = gallery.visitor().await?;
    let photos = wait::until_ok("the API", YOUNG, async || visitor.photos().await).await?;
    ensure!(photos.is_empty(), "it is new and has {photos:#?}");
    Ok(())
}

/// Waits until the gallery is ready and in sync, and watches that it never says that a person must act.
async fn settled(gallery: &Gallery<'_>) -> Result<()> {
    until(gallery, "to be ready and in sync", |object| is_settled(object, k8s_openapi::jiff::Timestamp::MIN))
        .await
}

async fn until(gallery: &Gallery<'_>, what: &str, check: impl Fn(&DynamicObject) -> bool) -> Result<()> {
    let what = format!("gallery {} {what}", gallery.name);
    let found = wait::until(&what, PATIENCE, async || {
        gallery.stack.operator.check()?;
        let object = gallery.object().await?;
        if let Some(stalled) = condition(&object.data["status"], "Stalled") {
            bail!("it calls for a person, though everything passes by itself: {stalled:#}");
        }
        Ok(check(&object).then_some(()))
    });
    match found.await {
        Ok(()) => Ok(()),
        Err(error) => {
            let status = gallery.status().await.unwrap_or_default();
            Err(error.context(format!("it says {:#}", status["conditions"])))
        }
    }
}

/// Waits until the gallery says that a person must act, why, and on what.
async fn stalled(gallery: &Gallery<'_>, reason: &str, words: &[&str]) -> Result<()> {
    let what = format!("to be stalled for {reason}, with {words:?}");
    gallery
        .wait_for(&what, |object| {
            condition(&object.data["status"], "Stalled").is_some_and(|stalled| {
                let message = stalled["message"].as_str().unwrap_or_default();
                stalled["reason"] == reason && words.iter().all(|word| message.contains(word))
            })
        })
        .await
        .map(drop)
}

async fn unavailable(gallery: &Gallery<'_>, words: &str) -> Result<()> {
    until(gallery, "to say that AWS does not answer", |object| {
        condition(&object.data["status"], "Synced").is_some_and(|synced| {
            let message = synced["message"].as_str().unwrap_or_default();
            synced["status"] == "Unknown" && synced["reason"] == "Unavailable" && message.contains(words)
        })
    })
    .await
}

/// Waits until all is well, whatever it says first.
async fn recovered(gallery: &Gallery<'_>) -> Result<()> {
    wait::until(&format!("the recovery of {}", gallery.name), PATIENCE, async || {
        let object = gallery.object().await?;
        Ok(is_settled(&object, k8s_openapi::jiff::Timestamp::MIN).then_some(()))
    })
    .await
}

/// Deletes galleries at the same time, and waits for their end.
async fn delete(galleries: &[&Gallery<'_>]) -> Result<()> {
    for gallery in galleries {
        let (name, namespace) = (&gallery.name.name, format!("--namespace={}", gallery.name.namespace));
        gallery.stack.kubectl(&["delete", "pgal", name, &namespace, "--wait=false"], None).await?;
    }
    for gallery in galleries {
        let api = gallery::api(gallery.stack, &gallery.name.namespace);
        let mut last = Value::Null;
        let what = format!("the end of gallery {}", gallery.name);
        let gone = wait::until(&what, PATIENCE, async || {
            gallery.stack.operator.check()?;
            let Some(object) = api.get_opt(&gallery.name.name).await? else { return Ok(Some(())) };
            last = object.data["status"]["conditions"].clone();
            if let Some(stalled) = condition(&object.data["status"], "Stalled") {
                bail!("it calls for a person, though everything passes by itself: {stalled:#}");
            }
            Ok(None)
        });
        gone.await.with_context(|| format!("it said {last:#}"))?;
    }
    Ok(())
}

/// A look at a gallery in sync changes nothing, whatever AWS has filled in.
async fn rests(gallery: &Gallery<'_>) -> Result<()> {
    tokio::time::sleep(SILENCE).await;
    let before = calls(gallery.stack)?.len();
    gallery.reconcile().await?;
    tokio::time::sleep(SILENCE).await;
    let since = calls(gallery.stack)?.split_off(before);
    ensure!(!since.is_empty(), "it did not even look");
    let writes: Vec<_> = since.iter().filter(|line| line.write).collect();
    ensure!(writes.is_empty(), "it wrote: {writes:#?}");
    Ok(())
}

/// What the operator called, and what became of it.
fn calls(stack: &Stack) -> Result<Vec<Line>> {
    let mut calls = stack.proxy.as_ref().context("no proxy")?.calls()?;
    calls.retain(|line| line.caller == stack.operator_key);
    Ok(calls)
}

/// Not a hot loop in sight: over any minute, the operator stays below what AWS allows of each service. Shorter bursts are what
/// the quotas' buckets are for.
fn keeps_the_quotas(calls: &[Line]) -> Result<()> {
    const A_SECOND: [(&str, f64); 5] =
        [("lambda", 15.0), ("iam", 15.0), ("apigateway", 10.0), ("cloudfront", 5.0), ("logs", 5.0)];
    let mut times: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    // The pages of one that the weather makes of lists are more than AWS would.
    for line in calls.iter().filter(|line| !line.effect.contains("X2")) {
        times.entry(&line.service).or_default().push(line.time);
    }
    for (service, quota) in A_SECOND {
        let times = times.get(service).map(Vec::as_slice).unwrap_or_default();
        let most = times
            .iter()
            .map(|begin| times.iter().filter(|time| (0.0..60.0).contains(&(*time - begin))).count());
        let most = most.max().unwrap_or_default();
        #[expect(clippy::cast_precision_loss, reason = "a few thousand calls")]
        let rate = most as f64 / 60.0;
        ensure!(rate < quota, "{service}: {most} calls in a minute");
    }
    Ok(())
}

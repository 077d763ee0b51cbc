//! The weather between the SDK's own clients and a small AWS that says yes to everything.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_s3::error::ProvideErrorMetadata as _;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::*;
use crate::local_aws::Clients;
use crate::proxy::Proxy;

/// A weather of these rules, with clients that do not repeat anything.
struct Scene {
    clients: Clients,
    weather: Arc<Weather>,
    proxy: Proxy,
}

const WINDOWS: &str = "
windows:
  pending: {opens: ['lambda:CreateFunction'], closes: ['lambda:DeleteFunction'], seconds: [100, 100]}
  short: {opens: ['lambda:CreateFunction'], seconds: [0.2, 0.2]}
  longer: {opens: ['lambda:CreateFunction'], beyond: short, seconds: [100, 100]}
";

fn rules(rules: &str) -> Rules {
    let row = format!("rows: [{{id: T, aws: a, ours: o, profile: storm, rules: {rules}}}]");
    Rules::parse(&format!("{WINDOWS}\n{row}")).unwrap()
}

async fn scene(text: &str) -> Scene {
    scene_of(text, 1).await
}

async fn scene_of(text: &str, seed: u64) -> Scene {
    scene_in(text, seed, 1.0).await
}

async fn scene_in(text: &str, seed: u64, factor: f64) -> Scene {
    let weather = Weather {
        rules: rules(text),
        profile: Profile::Storm,
        seed,
        factor,
        only: Mutex::default(),
        memory: Mutex::default(),
    };
    let weather = Arc::new(weather);
    let folder = std::env::temp_dir().join(format!("weather-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let aws = agreeable_aws().await;
    let unique = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
    let log = folder.join(format!("{unique}.jsonl"));
    let proxy = Proxy::start(0, aws, Arc::clone(&weather) as Arc<dyn Interposer>, &log).await.unwrap();
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("eu-west-1"))
        .endpoint_url(proxy.endpoint())
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            "AKIA1", "s", None, None, "test",
        )))
        .retry_config(RetryConfig::disabled())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    Scene { clients: Clients::new(&config), weather, proxy }
}

/// Answers by what was asked, with as little as the SDK understands.
async fn agreeable_aws() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = service_fn(|request: Request<Incoming>| async move {
                let (parts, body) = request.into_parts();
                body.collect().await.ok();
                let path = parts.uri.path();
                let body = match path {
                    _ if path.ends_with("/functions") || path.contains("/functions/") => {
                        r#"{"FunctionName": "f", "Configuration": {"State": "Active"}}"#
                    }
                    "/restapis" => r#"{"item": [{"id": "a"}, {"id": "b"}, {"id": "c"}]}"#,
                    "/2020-05-31/distribution" => {
                        "<DistributionList><IsTruncated>false</IsTruncated><Quantity>0</Quantity></DistributionList>"
                    }
                    _ => "{}",
                };
                Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(body))))
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    port
}

async fn create(clients: &Clients, name: &str) -> bool {
    let code = aws_sdk_lambda::types::FunctionCode::builder().s3_bucket("b").s3_key("k").build();
    clients
        .lambda
        .create_function()
        .function_name(name)
        .role("arn:aws:iam::1:role/r")
        .code(code)
        .send()
        .await
        .is_ok()
}

async fn state(clients: &Clients, name: &str) -> Option<String> {
    let answer = clients.lambda.get_function().function_name(name).send().await.ok()?;
    answer.configuration?.state.map(|state| state.as_str().to_owned())
}

#[test]
fn the_rules_that_come_along_are_sound_and_name_every_row_of_the_sheet() {
    let rules = Rules::read().unwrap();
    let ids: BTreeSet<_> = rules.rows.iter().map(|row| row.id.clone()).collect();
    assert_eq!((1..=78).map(|n| format!("W{n}")).filter(|id| !ids.contains(id)).collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn worse_weather_holds_the_better_one_and_a_hostile_account_is_something_else() {
    use Profile::{Calm, Hostile, Normal, Storm};
    assert!(Storm.includes(Calm) && Storm.includes(Normal) && Normal.includes(Calm));
    assert!(!Calm.includes(Normal) && !Storm.includes(Hostile) && !Hostile.includes(Calm));
    assert!("hail".parse::<Profile>().is_err());
}

#[test]
fn a_rule_about_nothing_is_refused() {
    let unknown = "rows: [{id: T, aws: a, ours: o, profile: calm, rules: [{on: [any], when: {within: {window: no}}, effect: reset}]}]";
    for wrong in [
        unknown,
        "rows: [{id: T, aws: a, ours: o, profile: calm}]",
        "rows: [{id: T, aws: a, ours: o, rules: [{on: [any], effect: reset}]}]",
        "rows: [{id: T, aws: a, ours: o, cannot: true}, {id: T, aws: a, ours: o, cannot: true}]",
    ] {
        assert!(Rules::parse(&format!("windows: {{}}\n{wrong}")).is_err(), "{wrong}");
    }
}

#[tokio::test]
async fn each_service_s_clients_understand_a_refusal() {
    let text = "[{on: [any], effect: {refuse: {status: 400, code: Strange, message: 'a < b: {resource}'}}}]";
    let Scene { clients, proxy: _proxy, .. } = scene(text).await;
    macro_rules! refused {
        ($call:expr, $message:expr) => {{
            let error = $call.send().await.unwrap_err();
            assert_eq!((error.code(), error.message()), (Some("Strange"), Some($message)));
        }};
    }
    refused!(clients.s3.get_bucket_policy().bucket("b"), "a < b: b");
    refused!(clients.iam.get_role().role_name("r"), "a < b: r");
    refused!(clients.lambda.get_function().function_name("f"), "a < b: f");
    refused!(clients.apigateway.get_rest_api().rest_api_id("x"), "a < b: x");
    refused!(clients.cloudfront.get_distribution().id("E1"), "a < b: E1");
    refused!(clients.dynamodb.describe_table().table_name("t"), "a < b: t");
    refused!(clients.logs.delete_log_group().log_group_name("g"), "a < b: g");
    let head = clients.s3.head_bucket().bucket("b").send().await.unwrap_err();
    assert_eq!(head.raw_response().unwrap().status().as_u16(), 400);
}

#[tokio::test]
async fn a_window_opens_with_a_success_for_one_resource_and_closes() {
    let text = "[{on: ['lambda:GetFunction'], when: {within: {window: pending}}, effect: {rewrite: {json: {/Configuration/State: Pending}}}},
                 {on: ['lambda:UpdateFunction*'], when: {within: {window: pending}}, effect: {refuse: {status: 409, code: ResourceConflictException}}}]";
    let Scene { clients, weather, proxy: _proxy } = scene(text).await;
    assert_eq!(state(&clients, "f").await.as_deref(), Some("Active"));
    assert!(create(&clients, "f").await);
    assert_eq!(state(&clients, "f").await.as_deref(), Some("Pending"));
    assert_eq!(state(&clients, "g").await.as_deref(), Some("Active"));
    let update = clients.lambda.update_function_code().function_name("f").send().await.unwrap_err();
    assert_eq!(update.code(), Some("ResourceConflictException"));
    clients.lambda.delete_function().function_name("f").send().await.unwrap();
    assert_eq!(state(&clients, "f").await.as_deref(), Some("Active"));
    assert_eq!(weather.counts()["T"], 2);
}

#[tokio::test]
async fn a_window_ends_by_itself_and_another_one_goes_beyond_it() {
    let text = "[{on: ['lambda:GetFunction'], when: {within: {window: short}}, effect: {refuse: {status: 404}}},
                 {on: ['lambda:GetPolicy'], when: {within: {window: longer}}, effect: {refuse: {status: 404}}}]";
    let Scene { clients, proxy: _proxy, .. } = scene(text).await;
    create(&clients, "f").await;
    assert_eq!(state(&clients, "f").await, None);
    crate::wait::until("the end of the window", Duration::from_secs(10), async || {
        Ok(state(&clients, "f").await)
    })
    .await
    .unwrap();
    assert!(clients.lambda.get_policy().function_name("f").send().await.is_err());
}

#[tokio::test]
async fn a_rule_that_has_not_hit_yet_waits_for_whoever_comes_late() {
    let text =
        "[{on: ['lambda:GetFunction'], when: {within: {window: pending}}, effect: {refuse: {status: 404}}}]";
    let Scene { clients, proxy: _proxy, .. } = scene_in(text, 1, 0.001).await;
    create(&clients, "f").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(state(&clients, "f").await, None);
    assert_eq!(state(&clients, "f").await.as_deref(), Some("Active"));
}

#[tokio::test]
async fn a_lost_answer_was_carried_out_and_a_pretended_one_was_not() {
    let text = "[{on: ['lambda:CreateFunction'], most: 1, effect: apply-and-reset},
                 {on: ['lambda:AddPermission'], effect: {pretend: {status: 201, body: '{}'}}},
                 {on: ['lambda:DeleteFunction'], effect: {apply-and-refuse: {status: 500}}}]";
    let Scene { clients, proxy, .. } = scene(text).await;
    assert!(!create(&clients, "f").await);
    assert!(create(&clients, "f").await);
    let add = clients.lambda.add_permission().function_name("f").statement_id("s").action("a").principal("p");
    add.send().await.unwrap();
    assert!(clients.lambda.delete_function().function_name("f").send().await.is_err());
    let log = proxy.calls().unwrap();
    let lines: Vec<_> =
        log.iter().map(|line| (line.effect.as_str(), line.reached_aws, line.status)).collect();
    assert_eq!(lines, [("T", true, 0), ("", true, 200), ("T", false, 201), ("T", true, 500)]);
}

#[tokio::test]
async fn more_calls_than_the_quota_are_refused_until_it_fills() {
    let text = "[{on: ['lambda:*'], when: {above: {per_second: 5, burst: 3}}, effect: {refuse: {status: 429, code: TooManyRequestsException, retry_after: 1}}}]";
    let Scene { clients, proxy: _proxy, .. } = scene(text).await;
    let mut heard = Vec::new();
    for _ in 0..5 {
        heard.push(state(&clients, "f").await.is_some());
    }
    assert_eq!(heard[..3], [true; 3]);
    assert!(heard[3..].contains(&false), "{heard:?}");
    crate::wait::until("a token", Duration::from_secs(10), async || Ok(state(&clients, "f").await))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_list_in_pages_of_one_is_read_to_its_end() {
    let text =
        "[{on: ['apigateway:GetRestApis'], effect: {page: {items: item, next: position, asked: position}}}]";
    let Scene { clients, proxy, .. } = scene(text).await;
    let pages = clients.apigateway.get_rest_apis().into_paginator().items().send();
    let ids: Vec<_> =
        pages.collect::<Result<Vec<_>, _>>().await.unwrap().into_iter().map(|it| it.id.unwrap()).collect();
    assert_eq!(ids, ["a", "b", "c"]);
    assert_eq!(proxy.calls().unwrap().len(), 3);
}

#[tokio::test]
async fn the_same_seed_hits_the_same_calls() {
    let text = "[{on: ['lambda:GetFunction'], chance: 0.3, burst: [1, 2], effect: reset}]";
    let mut runs = Vec::new();
    for seed in [1, 1, 2] {
        let Scene { clients, proxy: _proxy, .. } = scene_of(text, seed).await;
        let mut hits = Vec::new();
        for _ in 0..40 {
            hits.push(state(&clients, "f").await.is_none());
        }
        runs.push(hits);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
    assert!(runs[0][0], "the first time is certain");
    assert!(runs[0].contains(&false), "and the others are not");
}

#[tokio::test]
async fn an_old_answer_comes_again_after_a_write() {
    let text = "[{on: ['lambda:GetFunction'], when: {within: {window: pending}}, effect: {previous: {json: {/Configuration/State: Inactive}}}}]";
    let Scene { clients, proxy: _proxy, .. } = scene(text).await;
    assert_eq!(state(&clients, "f").await.as_deref(), Some("Active"));
    create(&clients, "f").await;
    assert_eq!(state(&clients, "f").await.as_deref(), Some("Inactive"));
}

#[tokio::test]
async fn functions_at_work_have_fair_weather_and_so_has_everybody_when_told() {
    let Scene { weather, proxy, clients } = scene("[{on: [any], effect: reset}]").await;
    assert_eq!(state(&clients, "f").await, None);
    weather.only(&[]);
    assert_eq!(state(&clients, "f").await.as_deref(), Some("Active"));
    weather.only(&["T"]);
    let session = Credentials::new("ASIA1", "s", None, None, "test");
    let config = clients.lambda.config().to_builder().credentials_provider(session).build();
    let function = aws_sdk_lambda::Client::from_conf(config);
    function.get_function().function_name("f").send().await.unwrap();
    assert_eq!(proxy.calls().unwrap().last().unwrap().effect, "");
    assert!(weather.report().contains("1x T"), "{}", weather.report());
}

//! AWS clients that answer from rules instead of the network.
//!
//! Not `mock_client!`: that wants the SDK crates' `test-util` features, and with other features they would be built twice.

use std::sync::Arc;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_mocks::{MockResponseInterceptor, Rule, RuleMode, create_mock_http_client};
use aws_smithy_runtime_api::client::interceptors::SharedInterceptor;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::RetryConfig;

use crate::aws::{ClientPool, Clients};

/// Clients in eu-west-1 whose calls are answered by the first rule that matches. A call without a rule panics.
pub(crate) fn clients(rules: &[&Rule]) -> Arc<Clients> {
    with_retries(rules, RetryConfig::disabled())
}

/// Clients that repeat what was lost, as those of the operator do, without the pauses.
pub(crate) fn repeating_clients(rules: &[&Rule]) -> Arc<Clients> {
    with_retries(rules, RetryConfig::standard().with_initial_backoff(std::time::Duration::from_millis(1)))
}

fn with_retries(rules: &[&Rule], retries: RetryConfig) -> Arc<Clients> {
    let mut answers = MockResponseInterceptor::new().rule_mode(RuleMode::MatchAny);
    for rule in rules {
        answers = answers.with_rule(rule);
    }
    let config = config().into_builder().retry_config(retries).http_client(create_mock_http_client()).build();
    ClientPool::new(config, vec![SharedInterceptor::new(answers)]).region("eu-west-1")
}

/// Clients whose calls pass `interceptor` and then find nobody who listens.
pub(crate) fn unanswered(interceptor: SharedInterceptor) -> Arc<Clients> {
    let http = aws_smithy_http_client::Builder::new().build_http();
    let config = config().into_builder().http_client(http).endpoint_url("http://127.0.0.1:1").build();
    ClientPool::new(config, vec![interceptor]).region("eu-west-1")
}

fn config() -> SdkConfig {
    let credentials = Credentials::new("AKIAIOSFODNN7EXAMPLE", "secret", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .retry_config(RetryConfig::disabled())
        .build()
}

/// An error of S3 as it comes over the wire.
pub(crate) fn refusal(status: u16, code: &str, message: &str) -> HttpResponse {
    let body =
        format!("<Error><Code>{code}</Code><Message>{message}</Message><RequestId>1</RequestId></Error>");
    response(status, body)
}

/// An error of a service that speaks JSON (DynamoDB, CloudWatch Logs) as it comes over the wire.
pub(crate) fn json_refusal(code: &str, message: &str) -> HttpResponse {
    response(400, serde_json::json!({"__type": code, "message": message}).to_string())
}

/// An error of a service that speaks JSON over paths (Lambda, API Gateway) as it comes over the wire.
pub(crate) fn rest_refusal(status: u16, code: &'static str, message: &str) -> HttpResponse {
    let mut response = response(status, serde_json::json!({"message": message}).to_string());
    response.headers_mut().insert("x-amzn-errortype", code);
    response
}

/// An error of IAM or `CloudFront` as it comes over the wire.
pub(crate) fn xml_refusal(status: u16, code: &str, message: &str) -> HttpResponse {
    let error = format!("<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>");
    response(status, format!("<ErrorResponse>{error}<RequestId>1</RequestId></ErrorResponse>"))
}

fn response(status: u16, body: String) -> HttpResponse {
    HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body))
}

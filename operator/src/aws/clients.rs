//! The AWS SDK's clients: one set a region, made on first use, all on one HTTP client.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_smithy_http_client::tls;
use aws_smithy_runtime_api::client::interceptors::SharedInterceptor;
use tokio::sync::Semaphore;

use super::counts::Counts;
use super::headers::KnownHeaders;
use super::lists::{AccountLists, Lists};
use super::recent::Recent;
use crate::cloud::CloudError;
use crate::quota::Gate;

/// Where AWS's global services are signed for.
const GLOBAL_REGION: &str = "us-east-1";

/// Resources of all galleries that are read or changed at once, most by one call, some by five. Each takes some 50 kB and a
/// connection. AWS answers most calls within 100 ms, so that these are more calls a second than any of its limits allows.
const AT_ONCE: usize = 12;

/// Clients for the services of one region, and for the global ones. Those of services that let an account call only so often are
/// handed out for one call each, when its turn has come.
#[derive(Clone, Debug)]
pub struct Clients {
    region: String,
    gate: Arc<Gate>,
    /// [`AT_ONCE`]. Never closed.
    pub(super) permits: Arc<Semaphore>,
    apigateway: aws_sdk_apigateway::Client,
    cloudfront: aws_sdk_cloudfront::Client,
    iam: aws_sdk_iam::Client,
    lambda: aws_sdk_lambda::Client,
    logs: aws_sdk_cloudwatchlogs::Client,
    pub(super) dynamodb: aws_sdk_dynamodb::Client,
    pub(super) quotas: aws_sdk_servicequotas::Client,
    pub(super) s3: aws_sdk_s3::Client,
    /// How old a list may be that serves several galleries.
    pub(super) list_age: Duration,
    pub(super) lists: Arc<Lists>,
    pub(super) account_lists: Arc<AccountLists>,
    pub(super) recent: Arc<Recent>,
    pub(super) headers: Arc<KnownHeaders>,
    pub(super) counts: Arc<Counts>,
}

impl Clients {
    /// API Gateway, for one call.
    pub(crate) async fn apigateway(&self, operation: &str) -> &aws_sdk_apigateway::Client {
        self.gate.pass(&self.region, "apigateway", operation).await;
        &self.apigateway
    }

    /// `CloudFront`, for one call.
    pub(crate) async fn cloudfront(&self, operation: &str) -> &aws_sdk_cloudfront::Client {
        self.gate.pass(GLOBAL_REGION, "cloudfront", operation).await;
        &self.cloudfront
    }

    /// IAM, for one call.
    pub(crate) async fn iam(&self, operation: &str) -> &aws_sdk_iam::Client {
        self.gate.pass(GLOBAL_REGION, "iam", operation).await;
        &self.iam
    }

    /// Lambda, for one call.
    pub(crate) async fn lambda(&self, operation: &str) -> &aws_sdk_lambda::Client {
        self.gate.pass(&self.region, "lambda", operation).await;
        &self.lambda
    }

    /// `CloudWatch` Logs, for one call.
    pub(crate) async fn logs(&self, operation: &str) -> &aws_sdk_cloudwatchlogs::Client {
        self.gate.pass(&self.region, "logs", operation).await;
        &self.logs
    }

    /// Is it this gallery's turn for a change that AWS allows only now and then? The error says how long it has to wait.
    pub(super) fn line_up(
        &self,
        call: (&'static str, &'static str),
        gallery: &str,
    ) -> Result<(), CloudError> {
        let region = if call.0 == "cloudfront" { GLOBAL_REGION } else { &self.region };
        self.gate.line_up(region, call, gallery)
    }
}

/// Makes clients.
#[derive(Debug)]
pub struct ClientPool {
    base: SdkConfig,
    interceptors: Vec<SharedInterceptor>,
    gate: Arc<Gate>,
    permits: Arc<Semaphore>,
    list_age: Duration,
    recent: Arc<Recent>,
    headers: Arc<KnownHeaders>,
    account_lists: Arc<AccountLists>,
    regions: Mutex<BTreeMap<String, Arc<Clients>>>,
}

/// What every client starts from: credentials of the environment (keys, web identity, Pod Identity), TLS by ring.
pub async fn base_config() -> SdkConfig {
    let http = aws_smithy_http_client::Builder::new()
        .pool_max_idle_per_host(AT_ONCE)
        .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
        .build_https();
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(3))
        .operation_attempt_timeout(Duration::from_secs(20))
        .operation_timeout(Duration::from_secs(60));
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .timeout_config(timeouts.build())
        // The SDK repeats what is throttled or lost; anything longer is the reconcile's to wait for.
        .retry_config(RetryConfig::standard().with_max_attempts(3))
        .load()
        .await
}

impl ClientPool {
    /// A pool on `base`; every call passes the interceptors.
    pub fn new(base: SdkConfig, interceptors: Vec<SharedInterceptor>) -> Self {
        Self {
            base,
            interceptors,
            gate: Arc::new(Gate::new(0.0)),
            permits: Arc::new(Semaphore::new(AT_ONCE)),
            list_age: Duration::ZERO,
            recent: Arc::default(),
            headers: Arc::default(),
            account_lists: Arc::default(),
            regions: Mutex::default(),
        }
    }

    /// The same; every call passes `gate` where AWS limits it, and lists of this age serve several galleries.
    #[must_use]
    pub fn shared(self, gate: Gate, list_age: Duration) -> Self {
        Self { gate: Arc::new(gate), list_age, ..self }
    }

    /// The clients of a region.
    pub fn region(&self, region: &str) -> Arc<Clients> {
        let mut regions = self.regions.lock().unwrap_or_else(PoisonError::into_inner);
        let clients = regions.entry(region.to_owned()).or_insert_with(|| Arc::new(self.make(region)));
        Arc::clone(clients)
    }

    fn make(&self, region: &str) -> Clients {
        let regional = self.base.to_builder().region(Region::new(region.to_owned())).build();
        let global = self.base.to_builder().region(Region::new(GLOBAL_REGION)).build();
        macro_rules! config {
            ($service:ident, $config:ident) => {{
                let config = $service::config::Builder::from(&$config);
                self.interceptors.iter().cloned().fold(config, $service::config::Builder::interceptor)
            }};
        }
        macro_rules! client {
            ($service:ident, $config:ident) => {
                $service::Client::from_conf(config!($service, $config).build())
            };
        }
        // Another endpoint answers for all buckets under one name.
        let s3 = config!(aws_sdk_s3, regional).force_path_style(self.base.endpoint_url().is_some());
        Clients {
            region: region.to_owned(),
            gate: Arc::clone(&self.gate),
            permits: Arc::clone(&self.permits),
            list_age: self.list_age,
            lists: Arc::default(),
            account_lists: Arc::clone(&self.account_lists),
            apigateway: client!(aws_sdk_apigateway, regional),
            cloudfront: client!(aws_sdk_cloudfront, global),
            dynamodb: client!(aws_sdk_dynamodb, regional),
            iam: client!(aws_sdk_iam, global),
            lambda: client!(aws_sdk_lambda, regional),
            logs: client!(aws_sdk_cloudwatchlogs, regional),
            // Of CloudFront alone.
            quotas: client!(aws_sdk_servicequotas, global),
            s3: aws_sdk_s3::Client::from_conf(s3.build()),
            recent: Arc::clone(&self.recent),
            headers: Arc::clone(&self.headers),
            counts: Arc::default(),
        }
    }
}

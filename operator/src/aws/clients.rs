//! The AWS SDK's clients: one set a region, made on first use, all on one HTTP client.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_smithy_http_client::tls;
use aws_smithy_runtime_api::client::interceptors::SharedInterceptor;

use super::counts::Counts;
use super::headers::KnownHeaders;
use super::recent::Recent;

/// Where AWS's global services are signed for.
const GLOBAL_REGION: &str = "us-east-1";

/// Clients for the services of one region, and for the global ones.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "one client per service")]
pub struct Clients {
    pub apigateway: aws_sdk_apigateway::Client,
    pub cloudfront: aws_sdk_cloudfront::Client,
    pub dynamodb: aws_sdk_dynamodb::Client,
    pub iam: aws_sdk_iam::Client,
    pub lambda: aws_sdk_lambda::Client,
    pub logs: aws_sdk_cloudwatchlogs::Client,
    pub quotas: aws_sdk_servicequotas::Client,
    pub s3: aws_sdk_s3::Client,
    pub(super) recent: Arc<Recent>,
    pub(super) headers: Arc<KnownHeaders>,
    pub(super) counts: Arc<Counts>,
}

/// Makes clients.
#[derive(Debug)]
pub struct ClientPool {
    base: SdkConfig,
    interceptors: Vec<SharedInterceptor>,
    recent: Arc<Recent>,
    headers: Arc<KnownHeaders>,
    regions: Mutex<BTreeMap<String, Arc<Clients>>>,
}

/// What every client starts from: credentials of the environment (keys, web identity, Pod Identity), TLS by ring.
pub async fn base_config() -> SdkConfig {
    let http = aws_smithy_http_client::Builder::new()
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
            recent: Arc::default(),
            headers: Arc::default(),
            regions: Mutex::default(),
        }
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

//! What the AWS SDK clients of the functions share: credentials, an HTTP client, and how long to try.
//!
//! Built by hand instead of by `aws-config`: a function's credentials and region are in its environment, and the default
//! chain costs start-up time to find that out.

use std::borrow::Cow;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Builder, HttpClientError};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;

use crate::settings::{SettingError, Settings};

/// Amazon Root CA 1-4 and Starfield G2, which every AWS endpoint's certificate leads to. Parsing the system's 140 would
/// cost 4 ms at each cold start. A function is redeployed with new roots long before these end (2037 at the earliest).
const ROOTS: &[u8] = include_bytes!("roots.pem");

/// Everything a client's configuration takes.
#[derive(Debug, Clone)]
pub struct Shared {
    pub region: String,
    pub endpoint: Option<String>,
    pub credentials: Credentials,
    pub http_client: SharedHttpClient,
    pub retries: RetryConfig,
    pub timeouts: TimeoutConfig,
}

/// The function cannot start.
#[derive(Debug, thiserror::Error)]
pub enum SharedError {
    #[error(transparent)]
    Setting(#[from] SettingError),
    #[error("failed to set up TLS")]
    Tls(#[from] HttpClientError),
    #[error("failed to read the certificates in {0}, which AWS_CA_BUNDLE names")]
    Authorities(PathBuf, #[source] io::Error),
}

impl Shared {
    pub fn new(settings: &Settings<'_>) -> Result<Self, SharedError> {
        let keys = settings.credentials()?;
        let endpoint = settings.endpoint();
        let plain = endpoint.as_deref().is_some_and(|url| url.starts_with("http://"));
        Ok(Self {
            region: settings.region()?,
            endpoint,
            credentials: Credentials::new(
                keys.access_key_id,
                keys.secret_access_key,
                keys.session_token,
                None,
                "environment",
            ),
            http_client: if plain { Builder::new().build_http() } else { tls_client(&roots(settings)?)? },
            retries: RetryConfig::standard().with_max_attempts(3),
            timeouts: TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(2))
                .read_timeout(Duration::from_secs(10))
                .build(),
        })
    }
}

/// Whom to trust: AWS, or who answers in its place on somebody's machine.
fn roots(settings: &Settings<'_>) -> Result<Cow<'static, [u8]>, SharedError> {
    let Some(path) = settings.authorities() else { return Ok(ROOTS.into()) };
    match std::fs::read(&path) {
        Ok(bytes) => Ok(bytes.into()),
        Err(error) => Err(SharedError::Authorities(path, error)),
    }
}

/// TLS by `ring`: aws-lc gathers entropy for 33 ms of CPU at the first handshake, half a second at 128 MB.
fn tls_client(roots: &[u8]) -> Result<SharedHttpClient, HttpClientError> {
    let trust = TrustStore::empty().with_pem_certificate(roots);
    let context = TlsContext::builder().with_trust_store(trust).build()?;
    Ok(Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).tls_context(context).build_https())
}

/// Configures the client of one service; a macro, as each service has a `Config` type of its own.
#[macro_export]
macro_rules! aws_config {
    ($service:ident, $shared:expr) => {{
        let shared: $crate::aws::Shared = $shared;
        let mut builder = $service::Config::builder()
            .behavior_version($service::config::BehaviorVersion::latest())
            .region($service::config::Region::new(shared.region))
            .credentials_provider(shared.credentials)
            .http_client(shared.http_client)
            .retry_config(shared.retries)
            .timeout_config(shared.timeouts);
        builder.set_endpoint_url(shared.endpoint);
        builder
    }};
}

#[cfg(test)]
mod tests {
    use aws_smithy_runtime_api::client::http::HttpClient as _;
    use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
    use aws_smithy_types::config_bag::ConfigBag;

    use super::*;

    #[test]
    fn the_pinned_roots_are_five_certificates_that_the_tls_library_takes() {
        assert_eq!(String::from_utf8_lossy(ROOTS).matches("BEGIN CERTIFICATE").count(), 5);
        let components = RuntimeComponentsBuilder::new("test");
        // Makes the first connection's TLS configuration, and panics when a certificate cannot be parsed.
        tls_client(ROOTS).unwrap().validate_base_client_config(&components, &ConfigBag::base()).unwrap();
    }

    #[test]
    fn other_roots_are_read_from_the_file_that_the_environment_names() {
        let of = |path| roots(&Settings::from_table(&[("AWS_CA_BUNDLE", path)])).map(Cow::into_owned);
        assert_eq!(of("").unwrap(), ROOTS);
        assert_eq!(of("Cargo.toml").unwrap(), std::fs::read("Cargo.toml").unwrap());
        let error = of("/missing.pem").unwrap_err();
        assert!(error.to_string().contains("/missing.pem, which AWS_CA_BUNDLE names"), "{error}");
    }

    #[test]
    fn a_client_needs_region_and_credentials() {
        let error = Shared::new(&Settings::from_table(&[("AWS_REGION", "eu-west-1")])).unwrap_err();
        assert_eq!(error.to_string(), "environment variable AWS_ACCESS_KEY_ID is not set");
    }
}

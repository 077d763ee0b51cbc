//! HTTP/1.1 over TLS: connections are kept for the next call, which then needs no handshake.

use std::borrow::Cow;
use std::fmt::Debug;
use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::{ClientConfig, RootCertStore};

use crate::settings::Settings;

/// Amazon Root CA 1-4 and Starfield G2, which every AWS endpoint's certificate leads to. Parsing the system's 140 would
/// cost 4 ms at each cold start. A function is redeployed with new roots long before these end (2037 at the earliest).
const ROOTS: &[u8] = include_bytes!("../roots.pem");
const CONNECT_PATIENCE: Duration = Duration::from_secs(2);
/// S3 and DynamoDB close a connection that was idle for longer than some 20 seconds. Lambda stops the process between events, so
/// that it may see this only when it sends; then the call is repeated on a new connection.
const IDLE: Duration = Duration::from_secs(20);
/// Bytes that are read or written at once: as many as TLS encrypts at once. The library's 400 KB would come several times, beside a
/// photo that is decoded meanwhile.
const BUFFER: usize = 16 << 10;

/// An answer's body, as it comes in.
pub type Body = UnsyncBoxBody<Bytes, TransportError>;

/// An answer to come.
pub type Sending<'a> =
    Pin<Box<dyn Future<Output = Result<http::Response<Body>, TransportError>> + Send + 'a>>;

/// What carries requests: the network, or a stand-in in tests.
pub trait Transport: Debug + Send + Sync {
    fn send(&self, request: http::Request<Bytes>) -> Sending<'_>;
}

/// The network failed.
#[derive(Debug, thiserror::Error)]
#[error("the connection failed")]
pub struct TransportError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    #[error("failed to read the certificates in {0}, which AWS_CA_BUNDLE names")]
    File(PathBuf, #[source] io::Error),
    #[error("failed to read a certificate")]
    Certificate(#[source] pem::Error),
    #[error("there is no certificate to trust")]
    NoCertificate,
    #[error("failed to set up TLS")]
    Tls(#[from] rustls::Error),
}

/// The network.
#[derive(Debug)]
pub struct Network(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

impl Network {
    pub fn new(settings: &Settings<'_>) -> Result<Self, NetworkError> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_PATIENCE));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls(&roots(settings)?)?)
            // Without TLS only where AWS_ENDPOINT_URL says so: AWS's own addresses are all https.
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .http1_max_buf_size(BUFFER)
            .build(connector);
        Ok(Self(client))
    }
}

impl Transport for Network {
    fn send(&self, request: http::Request<Bytes>) -> Sending<'_> {
        let sending = self.0.request(request.map(Full::new));
        Box::pin(async move {
            let answer = sending.await.map_err(|error| TransportError(error.into()))?;
            Ok(answer.map(|body| body.map_err(|error| TransportError(error.into())).boxed_unsync()))
        })
    }
}

/// Whom to trust: AWS, or who answers in its place on somebody's machine.
fn roots(settings: &Settings<'_>) -> Result<Cow<'static, [u8]>, NetworkError> {
    let Some(path) = settings.authorities() else { return Ok(ROOTS.into()) };
    match std::fs::read(&path) {
        Ok(bytes) => Ok(bytes.into()),
        Err(error) => Err(NetworkError::File(path, error)),
    }
}

/// TLS by `ring`: aws-lc gathers entropy for 33 ms of CPU at the first handshake, half a second at 128 MB.
fn tls(roots: &[u8]) -> Result<ClientConfig, NetworkError> {
    let mut trusted = RootCertStore::empty();
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(roots).collect();
    // Bundles of operating systems hold a few that no library takes.
    let (taken, _) = trusted.add_parsable_certificates(certificates.map_err(NetworkError::Certificate)?);
    if taken == 0 {
        return Err(NetworkError::NoCertificate);
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    Ok(builder.with_safe_default_protocol_versions()?.with_root_certificates(trusted).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pinned_roots_are_five_certificates_that_the_tls_library_takes() {
        let certificates = CertificateDer::pem_slice_iter(ROOTS).map(Result::unwrap);
        assert_eq!(RootCertStore::empty().add_parsable_certificates(certificates), (5, 0));
        tls(ROOTS).unwrap();
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
    fn a_certificate_that_is_none_is_no_panic() {
        for text in [
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "-----BEGIN CERTIFICATE-----\n*",
            "",
        ] {
            assert!(tls(text.as_bytes()).is_err(), "{text}");
        }
    }
}

//! Our own client of AWS, for the few calls that functions make.
//!
//! Not the AWS SDK: with it the delete function took 7.7 MB of memory and 4.1 MB as a zip, and 4.5 and 2.5 MB without it, compiled
//! alike. The SDK knows hundreds of operations, and a function needs a few. What it does besides is here as well: signatures, attempts
//! with growing pauses, timeouts, connections kept, X-Ray's header passed on. Not here: looking for credentials and regions, since
//! Lambda puts them into the environment and renews them by starting another process.
//!
//! [`dynamodb`] and [`s3`] know the services, [`transport`] the network.

pub mod dynamodb;
mod error;
pub mod s3;
pub mod transport;

use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use jiff::Timestamp;

pub use error::{CallError, Reason};

use crate::invocation;
use crate::s3_address::BucketAddress;
use crate::settings::{SettingError, Settings};
use crate::sign::{Credentials, Signer, Unsigned};
use transport::{Body, Network, NetworkError, Transport};

/// How long one attempt may take: to the end of a small answer, or to the beginning of a long one and then from each piece of it to
/// the next. S3 and DynamoDB answer in hundredths of a second, and what takes this long is better tried again.
const PATIENCE: Duration = Duration::from_secs(5);

/// A client of AWS. Clones share its connections.
#[derive(Debug, Clone)]
pub struct Client(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    transport: Box<dyn Transport>,
    place: Place,
    /// Attempts after the first.
    repeats: usize,
}

/// Where calls go, and by whom they are signed.
#[derive(Debug, Clone)]
pub struct Place {
    pub region: String,
    /// Another endpoint than AWS's own.
    pub endpoint: Option<String>,
    pub credentials: Credentials,
}

/// The function cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error(transparent)]
    Setting(#[from] SettingError),
    #[error(transparent)]
    Network(#[from] NetworkError),
}

/// A call before it is signed.
#[derive(Debug)]
struct Call {
    /// As in AWS's documentation, for errors.
    operation: &'static str,
    /// As signatures name it.
    service: &'static str,
    method: http::Method,
    address: BucketAddress,
    query: String,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
}

impl Call {
    /// For one attempt: a body takes the longer the larger it is, though a function's network carries more than a byte a microsecond.
    fn patience(&self) -> Duration {
        PATIENCE + Duration::from_micros(self.body.len() as u64)
    }
}

/// A small answer, complete.
#[derive(Debug)]
struct Answer {
    status: u16,
    body: Bytes,
}

impl Client {
    pub fn new(settings: &Settings<'_>) -> Result<Self, ClientError> {
        let place = Place {
            region: settings.region()?,
            endpoint: settings.endpoint(),
            credentials: settings.credentials()?,
        };
        Ok(Self(Arc::new(Inner { transport: Box::new(Network::new(settings)?), place, repeats: 2 })))
    }

    /// A client for tests, which see each failure at once.
    pub fn with_transport(place: Place, transport: impl Transport + 'static) -> Self {
        Self(Arc::new(Inner { transport: Box::new(transport), place, repeats: 0 }))
    }

    /// The same with attempts after the first.
    #[cfg(test)]
    fn repeating(place: Place, transport: impl Transport + 'static, repeats: usize) -> Self {
        Self(Arc::new(Inner { transport: Box::new(transport), place, repeats }))
    }

    /// Calls until there is an answer that another attempt would not better. Everything that functions ask for may be asked twice.
    async fn call(&self, call: &Call) -> Result<Answer, CallError> {
        self.repeated(
            || async move { in_time(call, async { complete(self.answer(call).await?).await }).await },
        )
        .await
    }

    /// The same for a long answer, whose body is not read yet.
    async fn open(&self, call: &Call) -> Result<http::Response<Body>, CallError> {
        self.repeated(|| async move { in_time(call, self.answer(call)).await }).await
    }

    async fn repeated<T, Attempt>(&self, attempt: impl FnMut() -> Attempt) -> Result<T, CallError>
    where
        Attempt: Future<Output = Result<T, CallError>>,
    {
        let pauses = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(50))
            .with_max_delay(Duration::from_secs(1))
            .with_max_times(self.0.repeats)
            .with_jitter();
        attempt.retry(pauses).when(CallError::is_passing).await
    }

    /// The beginning of a success, or all of a refusal.
    async fn answer(&self, call: &Call) -> Result<http::Response<Body>, Reason> {
        let answer = self.send(call).await?;
        if answer.status().is_success() { Ok(answer) } else { Err(error::refusal(&complete(answer).await?)) }
    }

    async fn send(&self, call: &Call) -> Result<http::Response<Body>, Reason> {
        let Call { operation: _, service, method, address, query, headers, body } = call;
        let place = &self.0.place;
        let signer = Signer::of(&place.credentials, &place.region, service, Timestamp::now());
        let signed = signer.headers(&Unsigned {
            method: method.as_str(),
            host: &address.host,
            path: &address.path,
            query,
            headers,
            body,
        });
        let question = if query.is_empty() { "" } else { "?" };
        let mut request =
            http::Request::builder().method(method).uri(format!("{}{question}{query}", address.url()));
        for (name, value) in headers.iter().chain(&signed) {
            request = request.header(*name, value);
        }
        // Not signed, as anybody on the way may change it.
        if let Some(trace) = invocation::ids().trace {
            request = request.header("x-amzn-trace-id", trace);
        }
        let request = request.body(body.clone()).map_err(|error| Reason::Unsendable(error.into()))?;
        Ok(self.0.transport.send(request).await?)
    }
}

/// One attempt, within its time.
async fn in_time<T>(call: &Call, attempt: impl Future<Output = Result<T, Reason>>) -> Result<T, CallError> {
    let patience = call.patience();
    let result = tokio::time::timeout(patience, attempt).await;
    let result = result.unwrap_or(Err(Reason::TimedOut(patience)));
    result.map_err(|reason| CallError { operation: call.operation, reason })
}

async fn complete(answer: http::Response<Body>) -> Result<Answer, Reason> {
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await?.to_bytes();
    Ok(Answer { status, body })
}

#[cfg(test)]
mod tests;

//! The one gate that every request of the operator passes: all requests to AWS, and all to Kubernetes that change something.
//!
//! It is open until the term ends that the last renewal of the lease has given us, and asks the clock at every attempt of every
//! request. So it is also shut for an operator that was frozen for longer than the lease and goes on in the middle of a call.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use axum::http::Request;
use kube::client::{Body, ClientBuilder};
use kube::{Client, Config};
use tower::filter::FilterLayer;

/// Clones are the same gate.
#[derive(Clone, Debug)]
pub struct Guard(Arc<Mutex<Open>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Always,
    Until(Instant),
    Never,
}

/// Why a request was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not sent: this operator does not hold the lease")]
pub struct NotLeading;

impl Guard {
    /// Shut until the first term.
    pub fn shut() -> Self {
        Self(Arc::new(Mutex::new(Open::Never)))
    }

    /// For what changes nothing, such as the dry run.
    pub fn open() -> Self {
        Self(Arc::new(Mutex::new(Open::Always)))
    }

    /// A term has begun that ends at `end`.
    pub fn open_until(&self, end: Instant) {
        self.set(Open::Until(end));
    }

    /// The lease is given up.
    pub fn close(&self) {
        self.set(Open::Never);
    }

    /// May a request be sent now?
    pub fn check(&self) -> Result<(), NotLeading> {
        match *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Open::Always => Ok(()),
            Open::Until(end) if Instant::now() < end => Ok(()),
            Open::Until(_) | Open::Never => Err(NotLeading),
        }
    }

    /// A client of Kubernetes that reads as it likes, and writes only while the gate is open.
    pub fn kubernetes(&self, config: Config) -> Result<Client, kube::Error> {
        let guard = self.clone();
        let pass = move |request: Request<Body>| {
            if request.method().is_safe() {
                return Ok(request);
            }
            guard.check().map(|()| request)
        };
        Ok(ClientBuilder::try_from(config)?.with_layer(&FilterLayer::new(pass)).build())
    }

    fn set(&self, open: Open) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = open;
    }
}

/// AWS: just before each attempt goes out.
#[dyn_dispatch_hint]
impl Intercept for Guard {
    fn name(&self) -> &'static str {
        "Guard"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        Ok(self.check()?)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use aws_smithy_runtime_api::client::interceptors::SharedInterceptor;

    use super::*;
    use crate::testing::clients::unanswered;

    #[test]
    fn it_opens_for_a_term_and_shuts_by_itself() {
        let guard = Guard::shut();
        assert_eq!(guard.check(), Err(NotLeading));
        guard.open_until(Instant::now() + Duration::from_secs(3600));
        assert_eq!(guard.clone().check(), Ok(()));
        guard.open_until(Instant::now());
        assert_eq!(guard.check(), Err(NotLeading));
        guard.open_until(Instant::now() + Duration::from_secs(3600));
        guard.close();
        assert_eq!(guard.check(), Err(NotLeading));
        assert_eq!(Guard::open().check(), Ok(()));
    }

    #[tokio::test]
    async fn no_request_reaches_aws_while_it_is_shut() {
        let guard = Guard::shut();
        let clients = unanswered(SharedInterceptor::new(guard.clone()));
        let call = async || {
            format!(
                "{:?}",
                clients.iam("GetAccountSummary").await.get_account_summary().send().await.unwrap_err()
            )
        };
        let refused = call().await;
        assert!(refused.contains("NotLeading"), "{refused}");
        guard.open_until(Instant::now() + Duration::from_secs(3600));
        let sent = call().await;
        assert!(!sent.contains("NotLeading"), "{sent}");
    }

    #[tokio::test]
    async fn kubernetes_is_read_and_not_written_while_it_is_shut() {
        // A port that nobody listens at: a request that is sent fails otherwise than one that is not.
        let mut config = Config::new("http://127.0.0.1:1".parse().unwrap());
        config.default_retry = false;
        let client = Guard::shut().kubernetes(config).unwrap();
        let send = async |request| format!("{:?}", client.request_text(request).await.unwrap_err());
        let read = send(Request::get("/x").body(Vec::new()).unwrap()).await;
        assert!(!read.contains("NotLeading"), "{read}");
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            let write = send(Request::builder().method(method).uri("/x").body(Vec::new()).unwrap()).await;
            assert!(write.contains("NotLeading"), "{method}: {write}");
        }
    }
}

//! What Prometheus may read, and what counts AWS calls.

use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::FinalizerInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// The operator's metrics.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Arc<Registry>,
    requests: Family<Request, Counter>,
    reconciles: Family<Result, Histogram>,
    drift: Family<Kind, Counter>,
    galleries: Family<Ready, Gauge>,
    leader: Gauge,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Request {
    service: String,
    operation: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Result {
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Ready {
    ready: &'static str,
}

/// A reconcile ends within a second when nothing is to do, and within a minute when AWS is at work.
const SECONDS: [f64; 9] = [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

impl Default for Metrics {
    fn default() -> Self {
        let requests = Family::default();
        let reconciles = Family::new_with_constructor((|| Histogram::new(SECONDS)) as fn() -> Histogram);
        let (drift, galleries, leader) = (Family::default(), Family::default(), Gauge::default());
        let mut registry = Registry::with_prefix("photogallery");
        // The text format appends _total to counters.
        registry.register("aws_requests", "Calls to AWS, each attempt of one counted", requests.clone());
        registry.register("reconcile_duration_seconds", "Time of a reconcile", reconciles.clone());
        registry.register("drift", "Resources found changed by somebody else", drift.clone());
        registry.register("galleries", "Galleries, by whether they are ready", galleries.clone());
        registry.register("leader", "1 while this operator is the one that acts", leader.clone());
        Self { registry: Arc::new(registry), requests, reconciles, drift, galleries, leader }
    }
}

impl Metrics {
    /// Everything in Prometheus's text format.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _infallible = text::encode(&mut text, &self.registry);
        text
    }

    /// A reconcile ended.
    pub fn reconciled(&self, outcome: &'static str, took: Duration) {
        self.reconciles.get_or_create(&Result { outcome }).observe(took.as_secs_f64());
    }

    /// Somebody else changed a resource.
    pub fn drifted(&self, kind: &'static str) {
        self.drift.get_or_create(&Kind { kind }).inc();
    }

    /// This operator holds the lease.
    pub fn leads(&self) {
        self.leader.set(1);
    }

    /// So many galleries are ready, and so many are not.
    pub fn count_galleries(&self, ready: usize, not_ready: usize) {
        for (ready, count) in [("true", ready), ("false", not_ready)] {
            self.galleries.get_or_create(&Ready { ready }).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }
}

/// Counts and logs every attempt of every AWS call.
#[derive(Debug)]
pub struct CallRecorder(pub Metrics);

#[dyn_dispatch_hint]
impl Intercept for CallRecorder {
    fn name(&self) -> &'static str {
        "CallRecorder"
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> std::result::Result<(), BoxError> {
        let Some(metadata) = config.load::<Metadata>() else { return Ok(()) };
        let status = context.response().map(|response| response.status().as_u16());
        let outcome = match status {
            Some(200..=399) => "ok",
            Some(429) => "throttled",
            _ => "error",
        };
        let (service, operation) = (metadata.service().to_owned(), metadata.name().to_owned());
        // No URL and no body: they may hold signatures and other people's data.
        tracing::debug!(service, operation, outcome, status, "AWS call");
        self.0.requests.get_or_create(&Request { service, operation, outcome }).inc();
        Ok(())
    }
}

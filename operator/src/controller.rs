//! Kubernetes: watches galleries and runs the pipeline for each (`run.rs`), a bounded number at once.

mod memories;
mod rests;
mod run;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::{FutureExt, Stream, StreamExt, future};
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, ObjectMeta, Patch, PatchParams};
use kube::runtime::controller::{Action, Config as ControllerConfig};
use kube::runtime::events::Recorder;
use kube::runtime::finalizer::{self, Event, finalizer};
use kube::runtime::predicates;
use kube::runtime::reflector::{self, Store};
use kube::runtime::{Controller, Predicate, PredicateConfig, WatchStreamExt, watcher};
use kube::{Client, Resource, ResourceExt};
use photogallery_crds::{ConditionType, PhotoGallery, PhotoGalleryStatus};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tracing::Instrument;

use crate::cloud::Cloud;
use crate::gallery::Installation;
use crate::metrics::Metrics;
use crate::packed::Packed;
use crate::release::Release;
use crate::status;
pub use memories::Memories;
pub use rests::Rests;
use run::Run;

/// Keeps an object until its resources are gone.
pub const FINALIZER: &str = "photogallery.dev/aws";
/// Field manager of everything written to Kubernetes, and the reporter of events.
pub const MANAGER: &str = "photogallery-operator";
/// A `PhotoGallery` whose spec is not read yet: an object stored under an older schema must neither stop the watch nor
/// the deletion of what it made.
#[derive(Clone, Debug, Deserialize, Serialize, Resource)]
#[resource(inherit = PhotoGallery)]
pub struct RawGallery {
    /// Kubernetes's part.
    pub metadata: ObjectMeta,
    /// The spec as it stands.
    #[serde(default)]
    pub spec: Value,
    /// The status as it stands.
    #[serde(default)]
    pub status: Packed<Value>,
}

/// What a reconcile needs besides its object.
#[expect(missing_debug_implementations, reason = "kube's client and recorder have none")]
pub struct Context<C> {
    /// Kubernetes.
    pub client: Client,
    /// AWS.
    pub cloud: C,
    /// What all galleries have in common.
    pub installation: Arc<Installation>,
    /// What is deployed.
    pub release: Arc<Release>,
    /// When galleries are looked at without a cause, and how closely.
    pub memories: Memories,
    /// Metrics.
    pub metrics: Metrics,
    /// Writes events.
    pub events: Recorder,
    /// Outages in a row, by uid. Lost at a restart without harm.
    pub outages: Mutex<HashMap<String, u32>>,
    /// Deletions that are done, and looked at once more.
    pub rests: Rests,
    /// Bounds the galleries worked on at once, over all watched namespaces.
    pub permits: Semaphore,
}

/// Why a reconcile is to be repeated.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// AWS has not let go of everything. An error, because the finalizer would be removed on any success.
    #[error("still deleting")]
    StillDeleting(Duration),
    /// Kubernetes refused a call.
    #[error("failed to write to Kubernetes")]
    Kubernetes(#[from] kube::Error),
}

/// Watches `namespaces` (all when empty) until `stop`.
pub async fn run<C: Cloud + 'static>(
    context: Arc<Context<C>>,
    namespaces: &[String],
    concurrency: u16,
    ready: impl Fn() + Send + Sync + 'static,
    stop: impl Future<Output = ()> + Send + Sync + Clone + 'static,
) {
    let apis: Vec<Api<RawGallery>> = match namespaces {
        [] => vec![Api::all(context.client.clone())],
        some => some.iter().map(|namespace| Api::namespaced(context.client.clone(), namespace)).collect(),
    };
    let watches = apis.into_iter().map(|api| watch(api, Arc::clone(&context), concurrency, stop.clone()));
    let (stores, runs): (Vec<_>, Vec<_>) = watches.unzip();
    let listed = async {
        if future::try_join_all(stores.iter().map(Store::wait_until_ready)).await.is_ok() {
            ready();
        }
        count_galleries(&context, &stores, stop.clone()).await;
    };
    future::join(future::join_all(runs), listed).await;
}

fn watch<C: Cloud + 'static>(
    api: Api<RawGallery>,
    context: Arc<Context<C>>,
    concurrency: u16,
    stop: impl Future<Output = ()> + Send + Sync + 'static,
) -> (Store<RawGallery>, impl Future<Output = ()>) {
    let (store, writer) = reflector::store();
    // Our own status writes change neither of these, so they wake nobody up.
    let causes = predicates::generation.combine(predicates::finalizers).combine(predicates::annotations);
    let objects = watcher(api, watcher::Config::default())
        .default_backoff()
        // Who set which field is nothing to us, and would be the larger part of what is kept of each gallery.
        .modify(|object| object.managed_fields_mut().clear())
        .reflect(writer)
        .applied_objects()
        .predicate_filter(causes, PredicateConfig::default());
    let controller = Controller::for_stream(objects, store.clone())
        .with_config(ControllerConfig::default().concurrency(concurrency))
        .graceful_shutdown_on(stop);
    let results = controller.run(
        |object, context| {
            let span = tracing::info_span!(
                "reconcile",
                namespace = object.namespace(),
                gallery = object.name_any(),
                generation = object.metadata.generation
            );
            reconcile_object(object, context).instrument(span).boxed()
        },
        on_error,
        context,
    );
    (store, log_errors(results))
}

async fn log_errors<T, E: std::error::Error>(results: impl Stream<Item = Result<T, E>>) {
    let mut results = std::pin::pin!(results);
    while let Some(result) = results.next().await {
        if let Err(error) = result {
            let text = chain(&error);
            // Waiting for AWS to delete is said as an error by way of the finalizer, and is none.
            if !text.contains("still deleting") {
                tracing::warn!(error = text, "a reconcile failed");
            }
        }
    }
}

async fn count_galleries<C>(
    context: &Context<C>,
    stores: &[Store<RawGallery>],
    stop: impl Future<Output = ()>,
) {
    let mut stop = std::pin::pin!(stop);
    loop {
        let all: Vec<_> = stores.iter().flat_map(Store::state).collect();
        let ready =
            all.iter().filter(|object| status::is_true(&previous(object), ConditionType::Ready)).count();
        context.metrics.count_galleries(ready, all.len() - ready);
        let pause = std::pin::pin!(tokio::time::sleep(Duration::from_secs(5)));
        if let future::Either::Left(_) = future::select(&mut stop, pause).await {
            return;
        }
    }
}

/// Takes the finalizer from an object that the API server no longer lets anybody change: one stored under an older schema, with
/// a value that today's rules cannot even look at. Nothing reads the spec after this, so that it may be replaced by a valid one.
async fn let_go(api: &Api<RawGallery>, object: &RawGallery) -> Result<Action, kube::Error> {
    let mut spec: serde_json::Map<_, _> = object
        .spec
        .as_object()
        .into_iter()
        .flatten()
        .map(|(field, _)| (field.clone(), Value::Null))
        .collect();
    spec.insert("title".into(), "Deleted".into());
    spec.insert("region".into(), object.spec["region"].clone());
    let others = object.finalizers().iter().filter(|finalizer| *finalizer != FINALIZER);
    let patch = json!({
        "metadata": {"uid": object.uid(), "finalizers": others.collect::<Vec<_>>()},
        "spec": spec,
    });
    api.patch(&object.name_any(), &PatchParams::default(), &Patch::Merge(&patch)).await?;
    Ok(Action::await_change())
}

/// The API server lets nobody write to the object, as it is.
fn is_refusal(error: &finalizer::Error<Error>) -> bool {
    match error {
        finalizer::Error::AddFinalizer(error)
        | finalizer::Error::RemoveFinalizer(error)
        | finalizer::Error::ApplyFailed(Error::Kubernetes(error)) => is_refused(error),
        _ => false,
    }
}

/// What breaks a rule is refused as such; of what has another type than the schema says, a server-side apply fails with 500.
fn is_refused(error: &kube::Error) -> bool {
    let kube::Error::Api(answer) = error else { return false };
    answer.code == 422 || answer.message.starts_with("failed to create typed live object")
}

#[expect(clippy::needless_pass_by_value, reason = "the controller hands them over")]
fn on_error<C>(object: Arc<RawGallery>, error: &finalizer::Error<Error>, context: Arc<Context<C>>) -> Action {
    match error {
        finalizer::Error::CleanupFailed(Error::StillDeleting(after)) => Action::requeue(*after),
        _ => Action::requeue(context.backoff(&object.uid().unwrap_or_default())),
    }
}

async fn reconcile_object<C: Cloud + 'static>(
    object: Arc<RawGallery>,
    context: Arc<Context<C>>,
) -> Result<Action, finalizer::Error<Error>> {
    // Closed only when the process ends.
    let _permit = context.permits.acquire().await.ok();
    let started = Instant::now();
    let api = Api::<RawGallery>::namespaced(context.client.clone(), &object.namespace().unwrap_or_default());
    let run = |event| {
        let (context, api) = (Arc::clone(&context), api.clone());
        async move {
            match event {
                Event::Apply(object) => Run::new(&context, &api, &object).present().await,
                Event::Cleanup(object) => Run::new(&context, &api, &object).absent().await,
            }
        }
    };
    let of_object = Run::new(&context, &api, &object);
    let result = if object.finalizers().iter().any(|it| it == FINALIZER) || of_object.may_own() {
        finalizer(&api, FINALIZER, Arc::clone(&object), run).await
    } else if object.metadata.deletion_timestamp.is_none() {
        of_object.present().await.map_err(finalizer::Error::ApplyFailed)
    } else {
        Ok(Action::await_change())
    };
    let result = match result {
        Err(finalizer::Error::RemoveFinalizer(error)) if is_refused(&error) => {
            let_go(&api, &object).await.map_err(finalizer::Error::RemoveFinalizer)
        }
        result => result,
    };
    let result = match result {
        Err(error) if is_refusal(&error) => of_object.refused(error).await,
        result => result,
    };
    let outcome = match &result {
        Ok(_) => "ok",
        Err(finalizer::Error::CleanupFailed(Error::StillDeleting(_))) => "deleting",
        Err(_) => "error",
    };
    context.metrics.reconciled(outcome, started.elapsed());
    result
}

impl<C> Context<C> {
    /// 2, 4, 8 … seconds up to five minutes, give or take a tenth.
    fn backoff(&self, uid: &str) -> Duration {
        let mut outages = self.outages.lock().unwrap_or_else(PoisonError::into_inner);
        let count = outages.entry(uid.to_owned()).or_default();
        *count = count.saturating_add(1);
        jittered(Duration::from_secs((1_u64 << (*count).min(8)).min(300)))
    }

    fn outages(&self, uid: &str) -> u32 {
        let outages = self.outages.lock().unwrap_or_else(PoisonError::into_inner);
        outages.get(uid).copied().unwrap_or_default()
    }

    fn forget(&self, uid: &str) {
        self.outages.lock().unwrap_or_else(PoisonError::into_inner).remove(uid);
    }
}

/// The status as it stands; one that cannot be read counts as none.
fn previous(object: &RawGallery) -> PhotoGalleryStatus {
    object.status.unpack_as().unwrap_or_default()
}

/// Between 90 and 110 percent, so that galleries made together drift apart.
fn jittered(duration: Duration) -> Duration {
    let fraction = f64::from(Timestamp::now().subsec_nanosecond() % 1000) / 1000.0;
    duration.mul_f64(0.9 + 0.2 * fraction)
}

/// An error with everything behind it.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let next = error.to_string();
        // kube repeats the source in its own text.
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        source = error.source();
    }
    text
}

#[cfg(test)]
mod deaths;
#[cfg(test)]
mod tests;

//! Kubernetes: watches galleries, runs the pipeline for each, writes status and events.

mod rests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::{FutureExt, Stream, StreamExt, future};
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, ObjectMeta, Patch, PatchParams};
use kube::runtime::controller::{Action, Config as ControllerConfig};
use kube::runtime::events::{Event as KubeEvent, EventType, Recorder};
use kube::runtime::finalizer::{self, Event, finalizer};
use kube::runtime::predicates;
use kube::runtime::reflector::{self, Store};
use kube::runtime::{Controller, Predicate, PredicateConfig, WatchStreamExt, watcher};
use kube::{Client, Resource, ResourceExt};
use photogallery_crds::{ConditionType, PhotoGallery, PhotoGallerySpec, PhotoGalleryStatus, Reason};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tracing::Instrument;

use crate::cloud::Cloud;
use crate::gallery::{DataPolicy, Gallery, Goal, Identity, Installation, InvalidSpec};
use crate::metrics::Metrics;
use crate::ownership::{ADOPT, Maker};
use crate::policy::{self, Retry};
use crate::reconcile::{self, Outcome, Progress};
use crate::release::Release;
use crate::status::{self, Report, Stage};
use crate::story::{self, Line};
pub use rests::Rests;

/// Keeps an object until its resources are gone.
pub const FINALIZER: &str = "photogallery.dev/aws";
/// Field manager of everything written to Kubernetes, and the reporter of events.
pub const MANAGER: &str = "photogallery-operator";
/// Kubernetes ends an event's note at 1,024 bytes and its action at 128.
const NOTE_LENGTH: usize = 1024;
const ACTION_LENGTH: usize = 128;
/// While AWS takes minutes.
const SLOW_POLL: Duration = Duration::from_secs(12);
/// While AWS takes seconds, but more than a reconcile waits for.
const QUICK_POLL: Duration = Duration::from_secs(5);

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
    pub status: Value,
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
    /// Time between two comparisons without a cause.
    pub resync: Duration,
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
    let result = finalizer(&api, FINALIZER, Arc::clone(&object), run).await;
    let outcome = match &result {
        Ok(_) => "ok",
        Err(finalizer::Error::CleanupFailed(Error::StillDeleting(_))) => "deleting",
        Err(_) => "error",
    };
    context.metrics.reconciled(outcome, started.elapsed());
    result
}

/// One reconcile of one object.
struct Run<'a, C> {
    context: &'a Context<C>,
    api: &'a Api<RawGallery>,
    object: &'a RawGallery,
    generation: i64,
    /// The status as Kubernetes has it now.
    written: tokio::sync::Mutex<PhotoGalleryStatus>,
    /// The status before this reconcile.
    before: PhotoGalleryStatus,
}

impl<'a, C: Cloud + 'static> Run<'a, C> {
    fn new(context: &'a Context<C>, api: &'a Api<RawGallery>, object: &'a RawGallery) -> Self {
        let before = previous(object);
        let generation = object.metadata.generation.unwrap_or_default();
        Self { context, api, object, generation, written: tokio::sync::Mutex::new(before.clone()), before }
    }

    async fn present(&self) -> Result<Action, Error> {
        let (gallery, stage) = match self.validate() {
            Ok(gallery) => gallery,
            Err(problem) => {
                self.report(Report::Invalid(&problem)).await?;
                return Ok(Action::await_change());
            }
        };
        if self.before.observed_generation != Some(self.generation) {
            self.report(Report::Begin).await?;
        }
        let goal = Goal::Present(Box::new(gallery));
        let outcome = match stage {
            Stage::OnlyLooked(_) => reconcile::look(&self.context.cloud, &goal).await,
            Stage::UnderWay | Stage::Ended => {
                reconcile::reconcile(&self.context.cloud, &goal, &Reporter { run: self, goal: &goal }).await
            }
        };
        self.tell(&story::of_outcome(&self.before, self.generation, &outcome)).await;
        self.count_drift(&outcome);
        self.report(Report::Outcome(&goal, &outcome, stage)).await?;
        tracing::info!(
            calls = outcome.applied.iter().map(|action| action.steps.len()).sum::<usize>(),
            complete = outcome.is_complete(),
            left = outcome.plan.actions.len(),
            waiting = outcome.plan.waiting.len(),
            failures = outcome.failures.len(),
            "reconciled"
        );
        Ok(Action::requeue(self.next(&outcome, stage).await))
    }

    async fn absent(&self) -> Result<Action, Error> {
        let Some(identity) = self.identity() else {
            // Nothing was ever made: a gallery without a region is refused before its first call to AWS.
            return Ok(Action::await_change());
        };
        let data = match self.object.spec.pointer("/deletionPolicy").and_then(Value::as_str) {
            Some("Delete") => DataPolicy::Delete,
            // Anything else, also what cannot be read: data is kept unless somebody clearly said otherwise.
            _ => DataPolicy::Retain,
        };
        let goal = Goal::Absent(identity, data);
        if !deleting_was_told(&self.before) {
            self.tell(&[story::deleting(data)]).await;
        }
        let outcome =
            reconcile::reconcile(&self.context.cloud, &goal, &Reporter { run: self, goal: &goal }).await;
        let rest = self.context.rests.rest(self.uid(), &outcome);
        if let (true, None) = (outcome.is_complete(), rest) {
            let photos = match data {
                DataPolicy::Retain => self.context.cloud.count_photos(goal.identity()).await.ok(),
                DataPolicy::Delete => None,
            };
            self.tell(&[story::gone(&goal, &outcome.seen, photos)]).await;
            self.context.forget(self.uid());
            return Ok(Action::await_change());
        }
        // The object may be gone already when a human removed the finalizer; then there is nobody to tell.
        if let Err(error) = self.report(Report::Outcome(&goal, &outcome, Stage::Ended)).await {
            tracing::info!(error = chain(&error), "the status could not be written");
        }
        let after = match rest {
            Some(rest) => rest,
            None => self.next(&outcome, Stage::Ended).await,
        };
        Err(Error::StillDeleting(after))
    }

    fn validate(&self) -> Result<(Gallery, Stage), InvalidSpec> {
        let spec = serde_json::from_value::<PhotoGallerySpec>(self.object.spec.clone())
            .map_err(|error| InvalidSpec { field: "spec".into(), problem: error.to_string() })?;
        let identity = self.identity().ok_or_else(|| InvalidSpec {
            field: "spec.region".into(),
            problem: format!("{:?} is not an AWS region. Use one such as eu-west-1.", spec.region),
        })?;
        let stage = match (spec.suspend, spec.drift_policy) {
            (true, _) => Stage::OnlyLooked(Reason::Suspended),
            (false, photogallery_crds::DriftPolicy::Report) if self.was_in_sync() => {
                Stage::OnlyLooked(Reason::Drifted)
            }
            (false, _) => Stage::Ended,
        };
        Ok((Gallery::new(identity, spec, Arc::clone(&self.context.release))?, stage))
    }

    /// The spec was carried out before; what differs now is drift.
    fn was_in_sync(&self) -> bool {
        status::condition(&self.before, ConditionType::Synced).is_some_and(|synced| {
            let drifted = synced.reason == Reason::Drifted.as_str();
            (synced.status == "True" || drifted) && synced.observed_generation == Some(self.generation)
        })
    }

    /// Who the gallery is; `None` when its region cannot be one.
    fn identity(&self) -> Option<Identity> {
        let region = self.object.spec.pointer("/region").and_then(Value::as_str)?;
        let plain = region
            .chars()
            .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-');
        (plain && region.len() <= 25 && region.split('-').count() >= 3).then(|| Identity {
            namespace: self.object.namespace().unwrap_or_default(),
            name: self.object.name_any(),
            uid: self.uid().to_owned(),
            region: region.to_owned(),
            adopts: self.object.annotations().get(ADOPT).and_then(|maker| Maker::parse(maker)),
            installation: Arc::clone(&self.context.installation),
        })
    }

    fn uid(&self) -> &str {
        self.object.metadata.uid.as_deref().unwrap_or_default()
    }

    /// Writes the status when it says something new, and tells of its transitions.
    async fn report(&self, report: Report<'_>) -> Result<(), kube::Error> {
        let mut written = self.written.lock().await;
        let next = status::next(&written, self.generation, Timestamp::now(), report);
        if next == *written {
            return Ok(());
        }
        let lines = story::of_transition(&written, &next);
        let patch = json!({
            "apiVersion": PhotoGallery::api_version(&()),
            "kind": PhotoGallery::kind(&()),
            // With the uid, a namesake that was made meanwhile is not written to.
            "metadata": {"name": self.object.name_any(), "uid": self.uid()},
            "status": next,
        });
        let parameters = PatchParams::apply(MANAGER).force();
        self.api.patch_status(&self.object.name_any(), &parameters, &Patch::Apply(&patch)).await?;
        *written = next;
        drop(written);
        self.tell(&lines).await;
        Ok(())
    }

    /// Publishes events. One that is lost must not stop the work.
    async fn tell(&self, lines: &[Line]) {
        let reference = self.object.object_ref(&());
        for Line { warning, reason, note } in lines {
            tracing::info!(reason, note, "event");
            let event = KubeEvent {
                type_: if *warning { EventType::Warning } else { EventType::Normal },
                reason: (*reason).to_owned(),
                note: Some(shortened(note, NOTE_LENGTH)),
                // Events that differ in their note alone would be counted as one.
                action: shortened(note, ACTION_LENGTH),
                secondary: None,
            };
            if let Err(error) = self.context.events.publish(&event, &reference).await {
                tracing::warn!(error = chain(&error), reason, "an event was lost");
            }
        }
    }

    fn count_drift(&self, outcome: &Outcome) {
        if self.was_in_sync() {
            for action in &outcome.found.actions {
                self.context.metrics.drifted(action.resource.kind());
            }
        }
    }

    /// When to come back.
    async fn next(&self, outcome: &Outcome, stage: Stage) -> Duration {
        if let Some(failure) = policy::worst(&outcome.failures) {
            return match policy::answer(failure.error.kind).retry {
                Retry::After(after) => after,
                Retry::AtLeast(after) => after.max(self.context.backoff(self.uid())),
                Retry::Backoff => {
                    let after = self.context.backoff(self.uid());
                    if self.context.outages(self.uid()) == policy::OUTAGE_EVENT_AFTER {
                        let note = policy::advice(failure);
                        self.tell(&[Line { warning: true, reason: "Unavailable", note }]).await;
                    }
                    after
                }
            };
        }
        self.context.forget(self.uid());
        if outcome.is_complete() || matches!(stage, Stage::OnlyLooked(_)) {
            return jittered(self.context.resync);
        }
        if !outcome.plan.conflicts.is_empty() {
            return Duration::from_secs(600);
        }
        let slow = outcome.plan.aws_at_work().all(|(id, _)| id == crate::graph::ResourceId::Distribution);
        if slow { SLOW_POLL } else { QUICK_POLL }
    }
}

/// Shows each round in status and events.
struct Reporter<'a, 'b, C> {
    run: &'a Run<'b, C>,
    goal: &'a Goal,
}

impl<C: Cloud + 'static> Progress for Reporter<'_, '_, C> {
    async fn round(&self, outcome: &Outcome) {
        let fresh = outcome.applied.is_empty() && self.run.before.resources.is_empty();
        if fresh && matches!(self.goal, Goal::Present(_)) && !outcome.plan.actions.is_empty() {
            self.run.tell(&[story::creating(&outcome.seen)]).await;
        }
        // In a gallery in sync, the end of the reconcile is soon enough; a change that takes rounds is shown.
        if let Err(error) = self.run.report(Report::Outcome(self.goal, outcome, Stage::UnderWay)).await {
            tracing::info!(error = chain(&error), "the status could not be written");
        }
    }
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
    serde_json::from_value(object.status.clone()).unwrap_or_default()
}

fn deleting_was_told(before: &PhotoGalleryStatus) -> bool {
    status::condition(before, ConditionType::Ready)
        .is_some_and(|ready| ready.reason == Reason::Deleting.as_str())
}

/// Between 90 and 110 percent, so that galleries made together drift apart.
fn jittered(duration: Duration) -> Duration {
    let fraction = f64::from(Timestamp::now().subsec_nanosecond() % 1000) / 1000.0;
    duration.mul_f64(0.9 + 0.2 * fraction)
}

/// At most `limit` bytes, cut between characters.
fn shortened(text: &str, limit: usize) -> String {
    text[..text.floor_char_boundary(limit)].to_owned()
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

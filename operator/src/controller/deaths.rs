//! The whole controller, dying at every call to AWS and at every write to Kubernetes, in a cluster and an account in memory.
//!
//! `docs/reliability.md` shows how many points that are.

use kube::runtime::events::Reporter as EventReporter;
use serde_json::json;

use super::*;
use crate::gallery::Gallery;
use crate::testing::drive::{assert_present, run, with_new_release};
use crate::testing::edits::edit;
use crate::testing::fake_cloud::{Effect, FakeCloud, Fault, Slow, World, refusals, writes};
use crate::testing::fake_kubernetes::{FakeKubernetes, State};
use crate::testing::galleries::{installation, summer};
use crate::testing::sameness::{assert_ends, essence};

/// The operator lives, and the API server does not do what it should, or does not say so.
const LOSSES: [Effect; 5] = [
    Effect::Answer(500, "InternalError", "etcdserver: request timed out"),
    Effect::Answer(409, "Conflict", "the object has been modified"),
    Effect::AnswerAfter(500, "InternalError", "etcdserver: request timed out"),
    Effect::LoseRequest,
    Effect::LoseAnswer,
];
/// Reconciles that must be enough, whatever happened.
const ENOUGH: usize = 60;

/// A cluster and an account, and what the operator that works between them was built with.
struct Place {
    kubernetes: Arc<FakeKubernetes>,
    cloud: Arc<FakeCloud>,
    release: Arc<Release>,
}

/// Where something goes wrong.
#[derive(Clone, Debug)]
enum Point {
    Aws(Fault),
    Kubernetes(usize, Effect),
}

impl Place {
    fn new(state: State, world: World, release: Arc<Release>) -> Self {
        let cloud = Arc::new(FakeCloud::new(world));
        let kubernetes = FakeKubernetes::new(state, Arc::clone(&cloud.life));
        Self { kubernetes, cloud, release }
    }

    /// The same again, with everything that was written forgotten.
    fn copy(&self) -> Self {
        let mut state = self.kubernetes.with(|state| state.clone());
        state.events.clear();
        state.writes.clear();
        Self::new(state, self.cloud.world(), Arc::clone(&self.release))
    }

    /// A process that was just started.
    fn operator(&self) -> Arc<Context<Arc<FakeCloud>>> {
        let client = self.kubernetes.client();
        let reporter = EventReporter { controller: MANAGER.into(), instance: None };
        Arc::new(Context {
            events: Recorder::new(client.clone(), reporter),
            client,
            cloud: Arc::clone(&self.cloud),
            installation: installation(),
            release: Arc::clone(&self.release),
            memories: Memories::new(Duration::from_secs(600), Duration::from_secs(3600)),
            metrics: Metrics::default(),
            outages: Mutex::default(),
            permits: Semaphore::new(1),
            rests: Rests::new(Duration::ZERO),
        })
    }

    fn object(&self) -> Option<RawGallery> {
        self.kubernetes
            .with(|state| state.object.clone())
            .map(|object| serde_json::from_value(object).unwrap())
    }

    fn inject(&self, point: &Point) {
        match point {
            Point::Aws(fault) => self.cloud.inject(fault.clone()),
            Point::Kubernetes(skip, effect) => self.kubernetes.with(|state| state.inject(*skip, *effect)),
        }
    }

    /// Until the operator has nothing left to do. When it dies, another is started, which knows nothing.
    async fn settle(&self) {
        let mut operator = self.operator();
        for _ in 0..ENOUGH {
            let Some(before) = self.object() else { return };
            let life = &self.cloud.life;
            let outcome = life.spend(reconcile_object(Arc::new(before.clone()), Arc::clone(&operator))).await;
            let after = self.object();
            if let Some(object) = &after {
                let is_held = object.finalizers().iter().any(|name| name == FINALIZER);
                assert!(
                    is_held || self.cloud.world().inventory().is_empty(),
                    "nothing holds the object back"
                );
            }
            match outcome {
                None => operator = self.operator(),
                Some(result) => {
                    if result.is_ok() && after.as_ref().is_none_or(is_done) {
                        return;
                    }
                    let version = |object: &RawGallery| object.resource_version();
                    let will_wake_up = result.is_err()
                        || result.is_ok_and(|action| action != Action::await_change())
                        || after.as_ref().map(version) != Some(version(&before));
                    assert!(will_wake_up, "nobody comes back to {after:#?}");
                }
            }
            tokio::time::sleep(Duration::from_secs(12)).await;
        }
        panic!("it does not settle: {:#?}", self.object());
    }

    /// Another look at what is done changes nothing, but for the time at which it was taken.
    async fn assert_at_rest(&self) {
        let Some(object) = self.object() else { return };
        self.cloud.take_log();
        let written = self.kubernetes.with(|state| std::mem::take(&mut state.writes)).len();
        assert!(written > 0);
        reconcile_object(Arc::new(object), self.operator()).await.unwrap();
        assert_eq!(writes(&self.cloud.take_log()), []);
        let written = self.kubernetes.with(|state| std::mem::take(&mut state.writes));
        assert!(written.len() <= 1, "{written:?}");
    }
}

/// Ready and in sync, as its present spec says.
fn is_done(object: &RawGallery) -> bool {
    let status = previous(object);
    let holds = |kind| {
        let found = status::condition(&status, kind);
        found.is_some_and(|it| it.status == "True" && it.observed_generation == object.metadata.generation)
    };
    object.metadata.deletion_timestamp.is_none()
        && holds(ConditionType::Ready)
        && holds(ConditionType::Synced)
}

/// How a history begins.
struct Scenario {
    name: &'static str,
    begin: Place,
}

fn spec(more: &Value) -> Value {
    let mut spec = json!({"title": "Summer 2026", "region": "eu-west-1"});
    spec.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    spec
}

/// What touches every kind that a spec can change.
fn other_spec() -> Value {
    spec(&json!({
        "title": "Autumn 2026",
        "functions": {"architecture": "x86_64", "logRetentionDays": 7, "list": {"memoryMiB": 512}, "upload": {"reservedConcurrency": 3}},
        "photos": {"archiveAfterDays": 90},
        "thumbnails": {"maxWidthPixels": 800},
        "api": {"throttle": {"burst": 7}, "additionalAllowedOrigins": ["https://www.example.com"]},
        "cdn": {"priceClass": "PriceClass_All"},
        "tags": {"team": "events"},
    }))
}

fn empty() -> Place {
    let slow = Slow { table: 1, function: 2, distribution: 3, role: 0, emptying: 0 };
    Place::new(State::default(), World { slow, ..World::default() }, summer().release)
}

async fn made(spec: &Value) -> Place {
    let place = empty();
    place.kubernetes.with(|state| state.apply(spec));
    place.settle().await;
    let identity =
        crate::gallery::Identity { uid: place.object().unwrap().metadata.uid.unwrap(), ..summer().identity };
    place.cloud.edit(|world| edit(world, &identity, "add photos"));
    place.copy()
}

fn create() -> Scenario {
    let begin = empty();
    begin.kubernetes.with(|state| state.apply(&spec(&json!({}))));
    Scenario { name: "create", begin }
}

async fn change() -> Scenario {
    let mut begin = made(&spec(&json!({}))).await;
    begin.release = with_new_release(&summer()).release;
    begin.kubernetes.with(|state| state.apply(&other_spec()));
    Scenario { name: "change of everything", begin }
}

async fn delete(policy: &'static str, name: &'static str) -> Scenario {
    let begin = made(&spec(&json!({"deletionPolicy": policy}))).await;
    begin.kubernetes.with(State::delete);
    Scenario { name, begin }
}

impl Scenario {
    /// What it takes without faults: calls to AWS, writes to Kubernetes; and where it ends.
    async fn calm(&self) -> (usize, usize, Place) {
        let place = self.begin.copy();
        place.settle().await;
        let (calls, written) =
            (place.cloud.take_log().len(), place.kubernetes.with(|state| state.writes.len()));
        (calls, written, place)
    }

    /// Dies, or loses something, once at each point. Ends where it ends without.
    async fn survives(&self, points: impl IntoIterator<Item = Point>) {
        let (_, _, calm) = self.calm().await;
        let end = essence(&calm.cloud.world());
        for point in points {
            let place = self.begin.copy();
            place.inject(&point);
            place.settle().await;
            assert_eq!(refusals(&place.cloud.take_log()), [], "{point:?}");
            assert_ends(&place.cloud.world(), &end, &format!("{point:?}"));
            assert_eq!(place.object().is_some(), calm.object().is_some(), "{point:?}");
            let events = place.kubernetes.with(|state| state.events.clone());
            let is_warning = |event: &&Value| event["type"] == "Warning";
            assert_eq!(events.iter().find(is_warning), None, "nothing to warn of: {point:?}");
            place.assert_at_rest().await;
        }
    }

    async fn survives_every_death_at_aws(&self) {
        let (calls, _, _) = self.calm().await;
        let points =
            (0..calls).flat_map(|skip| Effect::DEATHS.map(|death| Point::Aws(Fault::at_call(skip, death))));
        self.survives(points).await;
    }

    async fn survives_everything_at_kubernetes(&self) {
        let (_, written, _) = self.calm().await;
        let effects = Effect::DEATHS.iter().chain(&LOSSES);
        let points =
            (0..written).flat_map(|skip| effects.clone().map(move |it| Point::Kubernetes(skip, *it)));
        self.survives(points).await;
    }
}

/// To see it fail: let `Run::absent` say that it is done when the outcome is not complete.
#[test]
fn what_ends_without_deaths_is_the_gallery_that_was_asked_for() {
    run(async {
        let (_, _, place) = change().await.calm().await;
        let object = place.object().unwrap();
        let identity = crate::gallery::Identity { uid: object.metadata.uid.unwrap(), ..summer().identity };
        let spec = serde_json::from_value(object.spec).unwrap();
        let gallery = Gallery { identity, spec, release: Arc::clone(&place.release) };
        assert_present(&place.cloud.world(), &gallery);
        let (_, _, place) = delete("Delete", "delete").await.calm().await;
        assert!(place.object().is_none());
        assert!(place.cloud.world().functions.is_empty() && place.cloud.world().tables.is_empty());
    });
}

/// To see it fail: read the REST API's id from the status, instead of looking it up by tags.
#[test]
fn creation_survives_death_at_every_call_to_aws() {
    run(async { create().survives_every_death_at_aws().await });
}

#[test]
fn a_change_survives_death_at_every_call_to_aws() {
    run(async { change().await.survives_every_death_at_aws().await });
}

#[test]
fn deletion_survives_death_at_every_call_to_aws() {
    run(async {
        delete("Delete", "delete").await.survives_every_death_at_aws().await;
        delete("Retain", "delete, data retained").await.survives_every_death_at_aws().await;
    });
}

/// To see it fail: add the finalizer after the first call to AWS; or let an event that cannot be written end the reconcile.
#[test]
fn everything_survives_death_and_loss_at_every_write_to_kubernetes() {
    run(async {
        create().survives_everything_at_kubernetes().await;
        change().await.survives_everything_at_kubernetes().await;
        delete("Delete", "delete").await.survives_everything_at_kubernetes().await;
        delete("Retain", "delete, data retained").await.survives_everything_at_kubernetes().await;
    });
}

#[test]
fn the_number_of_points_is_told() {
    run(async {
        let mut lines = vec![
            "| scenario | calls to AWS | writes to Kubernetes | deaths | other faults |".to_owned(),
            "|---|---|---|---|---|".to_owned(),
        ];
        let scenarios = [
            create(),
            change().await,
            delete("Delete", "delete").await,
            delete("Retain", "delete, data retained").await,
        ];
        for scenario in scenarios {
            let (calls, written, _) = scenario.calm().await;
            let (deaths, losses) = ((calls + written) * Effect::DEATHS.len(), written * LOSSES.len());
            lines.push(format!("| {} | {calls} | {written} | {deaths} | {losses} |", scenario.name));
        }
        crate::testing::generated::section("docs/reliability.md", "deaths in process", &lines.join("\n"));
    });
}

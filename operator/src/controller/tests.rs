//! What is written to Kubernetes, and when: against an API server that keeps one object.

use axum::http::{Method, Request, Response};
use kube::client::Body;
use kube::runtime::events::Reporter as EventReporter;
use serde_json::json;
use tower_test::mock;

use super::*;
use crate::testing::drive::run;
use crate::testing::edits::edit;
use crate::testing::fake_cloud::{FakeCloud, Slow, World, writes};
use crate::testing::galleries::{installation, release};

/// A request to the API server.
#[derive(Clone, Debug)]
struct Asked {
    what: String,
    query: String,
    content_type: String,
    body: Value,
}

/// Keeps one object, and what was asked of it. Events are taken and kept elsewhere. One with a region that is no text is refused as
/// the real one refuses it: also when only its status is written.
struct ApiServer {
    object: Arc<Mutex<Value>>,
    asked: Arc<Mutex<Vec<Asked>>>,
    context: Arc<Context<FakeCloud>>,
}

impl ApiServer {
    fn new(object: Value, world: World) -> Self {
        let (service, mut requests) = mock::pair::<Request<Body>, Response<Body>>();
        let (object, asked) = (Arc::new(Mutex::new(object)), Arc::new(Mutex::new(Vec::new())));
        let (kept, log) = (Arc::clone(&object), Arc::clone(&asked));
        tokio::spawn(async move {
            while let Some((request, answer)) = requests.next_request().await {
                let asked = read(request).await;
                let (status, body) = serve(&mut kept.lock().unwrap(), &asked);
                log.lock().unwrap().push(asked);
                let body = Body::from(body.to_string().into_bytes());
                answer.send_response(Response::builder().status(status).body(body).unwrap());
            }
        });
        let client = Client::new(service, "photos");
        let reporter = EventReporter { controller: MANAGER.into(), instance: None };
        let context = Context {
            events: Recorder::new(client.clone(), reporter),
            client,
            cloud: FakeCloud::new(world),
            installation: installation(),
            release: release(),
            memories: Memories::new(Duration::from_secs(600), Duration::from_secs(3600)),
            metrics: Metrics::default(),
            outages: Mutex::default(),
            rests: Rests::new(Duration::ZERO),
            permits: Semaphore::new(1),
        };
        Self { object, asked, context: Arc::new(context) }
    }

    /// The watch sends the object as it is now.
    async fn reconcile(&self) -> Result<Action, finalizer::Error<Error>> {
        let object = serde_json::from_value(self.object.lock().unwrap().clone()).unwrap();
        reconcile_object(Arc::new(object), Arc::clone(&self.context)).await
    }

    fn take_asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    fn edit(&self, pointer: &str, value: Value) {
        *self.object.lock().unwrap().pointer_mut(pointer).unwrap() = value;
    }

    fn object(&self) -> Value {
        self.object.lock().unwrap().clone()
    }

    fn condition(&self, kind: ConditionType) -> Value {
        let conditions = self.object()["status"]["conditions"].clone();
        let found = conditions.as_array().unwrap().iter().find(|it| it["type"] == kind.as_str());
        found.cloned().unwrap_or_default()
    }
}

async fn read(request: Request<Body>) -> Asked {
    let (head, body) = request.into_parts();
    let body = serde_json::from_slice(&body.collect_bytes().await.unwrap()).unwrap_or_default();
    let what = if head.uri.path().contains("/events") {
        "event".to_owned()
    } else if head.method == Method::PATCH && head.uri.path().ends_with("/photogalleries/summer/status") {
        "status".to_owned()
    } else if head.method == Method::PATCH && head.uri.path().ends_with("/photogalleries/summer") {
        "finalizer".to_owned()
    } else {
        panic!("nobody should ask for {} {}", head.method, head.uri)
    };
    let content_type = head.headers.get("content-type").map(|value| value.to_str().unwrap().to_owned());
    let query = head.uri.query().unwrap_or_default().to_owned();
    Asked { what, query, content_type: content_type.unwrap_or_default(), body }
}

fn serve(object: &mut Value, asked: &Asked) -> (u16, Value) {
    let region = object["spec"].get("region");
    match asked.what.as_str() {
        "event" => return (200, asked.body.clone()),
        _ if region.is_some_and(|region| !region.is_string()) => {
            let (code, message) = if asked.what == "status" {
                (500, "failed to create typed live object (photos/summer): .spec.region: expected string")
            } else {
                (422, "spec.region: Invalid value: \"string\": invalid data, expected string, got int64")
            };
            return (
                code,
                json!({"kind": "Status", "status": "Failure", "reason": "Invalid", "message": message, "code": code}),
            );
        }
        "status" => object["status"] = asked.body["status"].clone(),
        _ => {
            let adds = asked.body.as_array().into_iter().flatten().any(|operation| operation["op"] == "add");
            object["metadata"]["finalizers"] = if adds { json!([FINALIZER]) } else { json!([]) };
        }
    }
    (200, object.clone())
}

#[expect(clippy::needless_pass_by_value, reason = "most callers make it on the spot")]
fn object(spec: Value) -> Value {
    json!({
        "apiVersion": "photogallery.dev/v1alpha1",
        "kind": "PhotoGallery",
        "metadata": {"name": "summer", "namespace": "photos", "uid": "uid-summer", "generation": 1, "finalizers": [FINALIZER]},
        "spec": spec,
    })
}

fn summer() -> Value {
    object(json!({"title": "Summer 2026", "region": "eu-west-1"}))
}

fn of<'a>(asked: &'a [Asked], what: &str) -> Vec<&'a Asked> {
    asked.iter().filter(|asked| asked.what == what).collect()
}

fn reasons(asked: &[Asked]) -> Vec<String> {
    of(asked, "event").iter().map(|event| event.body["reason"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_finalizer_comes_before_the_first_call_to_aws() {
    run(async {
        let mut fresh = summer();
        fresh["metadata"]["finalizers"] = json!([]);
        let server = ApiServer::new(fresh, World::default());
        server.reconcile().await.unwrap();
        let asked = server.take_asked();
        assert_eq!(asked.iter().map(|asked| asked.what.as_str()).collect::<Vec<_>>(), ["finalizer"]);
        assert_eq!(server.object()["metadata"]["finalizers"], json!([FINALIZER]));
        assert_eq!(server.context.cloud.take_log(), []);
    });
}

#[test]
fn status_is_applied_under_our_name_without_the_spec_and_only_when_it_changes() {
    run(async {
        let server = ApiServer::new(summer(), World::default());
        let action = server.reconcile().await.unwrap();
        let asked = server.take_asked();
        for status in of(&asked, "status") {
            assert_eq!(status.content_type, "application/apply-patch+yaml");
            assert!(status.query.contains("fieldManager=photogallery-operator"), "{}", status.query);
            assert_eq!(status.body["metadata"], json!({"name": "summer", "uid": "uid-summer"}));
            assert_eq!(status.body.get("spec"), None);
        }
        assert_eq!(
            of(&asked, "status")[0].body["status"]["observedGeneration"],
            1,
            "before the first call to AWS"
        );
        assert_eq!(server.condition(ConditionType::Ready)["status"], "True");
        assert_eq!(reasons(&asked), ["Creating", "Deployed", "Live"]);
        assert_ne!(action, Action::await_change());

        server.context.cloud.take_log();
        server.reconcile().await.unwrap();
        let again = server.take_asked();
        assert!(of(&again, "event").is_empty(), "{:?}", reasons(&again));
        assert!(of(&again, "status").len() <= 1, "only the time of the look may differ");
        assert_eq!(writes(&server.context.cloud.take_log()), []);
    });
}

#[test]
fn an_object_that_cannot_be_read_is_told_so_and_left_alone() {
    run(async {
        for spec in [
            json!({"title": "Summer", "region": "eu-west-1", "photos": {"maxUploadMiB": "many"}}),
            json!({"title": "Summer", "region": "Europe"}),
            json!("no spec at all"),
            json!({}),
        ] {
            let server = ApiServer::new(object(spec), World::default());
            assert_eq!(server.reconcile().await.unwrap(), Action::await_change());
            let asked = server.take_asked();
            assert_eq!(of(&asked, "status").len(), 1);
            assert_eq!(reasons(&asked), ["Stalled"]);
            assert_eq!(server.condition(ConditionType::Accepted)["reason"], "InvalidSpec");
            assert_eq!(server.context.cloud.take_log(), [], "AWS was asked");
        }
    });
}

/// To see it fail: let `reconcile_object` leave everything to `finalizer`.
#[test]
fn an_object_for_which_nothing_can_be_made_is_not_kept() {
    run(async {
        for spec in [json!({"title": "Summer", "region": "Europe"}), json!({})] {
            let mut fresh = object(spec);
            fresh["metadata"]["finalizers"] = json!([]);
            let server = ApiServer::new(fresh, World::default());
            assert_eq!(server.reconcile().await.unwrap(), Action::await_change());
            assert_eq!(server.condition(ConditionType::Accepted)["reason"], "InvalidSpec");
            server.object.lock().unwrap()["metadata"]["deletionTimestamp"] = json!("2026-11-23T10:00:00Z");
            server.take_asked();
            assert_eq!(server.reconcile().await.unwrap(), Action::await_change());
            assert!(server.take_asked().is_empty(), "it may be gone by now");
            assert_eq!(server.object()["metadata"]["finalizers"], json!([]));
            assert_eq!(server.context.cloud.take_log(), [], "AWS was asked");
        }
    });
}

/// To see it fail: let `is_refusal` say `false`.
#[test]
fn what_nobody_can_write_to_is_told_in_an_event() {
    run(async {
        for region in [json!(5), json!(true), json!(["eu-west-1"]), json!({})] {
            let mut fresh = object(json!({"title": "Summer", "region": region}));
            fresh["metadata"]["finalizers"] = json!([]);
            let server = ApiServer::new(fresh, World::default());
            assert_eq!(server.reconcile().await.unwrap(), Action::await_change());
            let asked = server.take_asked();
            let told = of(&asked, "event")[0].body["note"].as_str().unwrap();
            assert!(told.contains("spec.region") && told.contains("delete it"), "{told}");

            // One that was kept when its region was text.
            let mut kept = server.object();
            kept["metadata"]["finalizers"] = json!([FINALIZER]);
            kept["metadata"]["deletionTimestamp"] = json!("2026-11-23T10:00:00Z");
            let server = ApiServer::new(kept, World::default());
            let error = server.reconcile().await.unwrap_err();
            assert!(matches!(error, finalizer::Error::RemoveFinalizer(_)), "it is tried again: {error:?}");
            let asked = server.take_asked();
            let told = of(&asked, "event")[0].body["note"].as_str().unwrap();
            assert!(told.contains("x-kubernetes-validations off spec.region"), "{told}");
        }
    });
}

#[test]
fn the_finalizer_stays_until_everything_is_gone() {
    run(async {
        let slow = Slow { distribution: 12, ..Slow::default() };
        let server = ApiServer::new(summer(), World { slow, ..World::default() });
        server.reconcile().await.unwrap();
        server.take_asked();
        server.object.lock().unwrap()["metadata"]["deletionTimestamp"] = json!("2026-11-23T10:00:00Z");
        let mut waited = 0;
        while let Err(error) = server.reconcile().await {
            assert!(matches!(error, finalizer::Error::CleanupFailed(Error::StillDeleting(_))), "{error:?}");
            assert!(of(&server.take_asked(), "finalizer").is_empty());
            assert_eq!(server.condition(ConditionType::Ready)["reason"], "Deleting");
            waited += 1;
            assert!(waited < 20);
        }
        assert!(waited > 0, "CloudFront takes its time");
        let asked = server.take_asked();
        assert_eq!(asked.last().unwrap().what, "finalizer");
        assert_eq!(reasons(&asked), ["Retained"]);
        assert_eq!(server.object()["metadata"]["finalizers"], json!([]));
        assert!(server.context.cloud.world().distributions.is_empty());
    });
}

#[test]
fn a_gallery_goes_although_its_spec_cannot_be_read() {
    run(async {
        let server = ApiServer::new(summer(), World::default());
        server.reconcile().await.unwrap();
        server.edit(
            "/spec",
            json!({"region": "eu-west-1", "functions": "nonsense", "deletionPolicy": "Delete"}),
        );
        server.object.lock().unwrap()["metadata"]["deletionTimestamp"] = json!("2026-11-23T10:00:00Z");
        server.reconcile().await.unwrap();
        assert_eq!(server.object()["metadata"]["finalizers"], json!([]));
        let world = server.context.cloud.world();
        assert!(
            world.functions.is_empty() && world.tables.is_empty() && world.buckets.len() == 1,
            "{world:#?}"
        );
    });
}

#[test]
fn a_gallery_without_a_region_goes_at_once() {
    run(async {
        let mut gone = object(json!({"title": "Summer"}));
        gone["metadata"]["deletionTimestamp"] = json!("2026-11-23T10:00:00Z");
        let server = ApiServer::new(gone, World::default());
        server.reconcile().await.unwrap();
        assert_eq!(server.object()["metadata"]["finalizers"], json!([]));
        assert_eq!(server.context.cloud.take_log(), []);
    });
}

#[test]
fn a_suspended_gallery_is_looked_at_and_not_changed() {
    run(async {
        let spec = json!({"title": "Summer 2026", "region": "eu-west-1", "suspend": true});
        let server = ApiServer::new(object(spec), World::default());
        server.reconcile().await.unwrap();
        assert_eq!(writes(&server.context.cloud.take_log()), []);
        assert_eq!(server.condition(ConditionType::Synced)["reason"], "Suspended");
    });
}

/// To see it fail: let `Reporter::holds` say `false`, or `newly_reported` know the last status alone.
#[test]
fn with_the_policy_report_drift_is_told_once_and_a_new_spec_carried_out() {
    run(async {
        let spec = json!({"title": "Summer 2026", "region": "eu-west-1", "driftPolicy": "Report"});
        let server = ApiServer::new(object(spec), World::default());
        server.reconcile().await.unwrap();
        let identity = crate::testing::galleries::identity("photos", "summer");
        server.context.cloud.edit(|world| edit(world, &identity, "open bucket/photos"));
        let told = async |generation: i64| {
            server.edit("/metadata/generation", json!(generation));
            server.take_asked();
            server.context.cloud.take_log();
            // As when it is time for a look at everything.
            server.context.memories.forget(&serde_json::from_value(server.object()).unwrap());
            server.reconcile().await.unwrap();
            let log = server.context.cloud.take_log();
            let writes: Vec<_> = writes(&log).iter().map(|operation| operation.name).collect();
            (reasons(&server.take_asked()), writes)
        };
        let nothing = || (Vec::<String>::new(), Vec::new());
        assert_eq!(told(1).await, (vec!["Drift".into()], vec![]));
        assert_eq!(told(1).await, nothing());
        let synced = server.condition(ConditionType::Synced);
        assert_eq!((&synced["status"], &synced["reason"]), (&json!("False"), &json!("Drifted")));
        assert_eq!(server.condition(ConditionType::Ready)["status"], "True");
        assert_eq!(server.condition(ConditionType::Reconciling), Value::Null);

        server.edit(
            "/spec",
            json!({
                "title": "Summer 2026", "region": "eu-west-1", "driftPolicy": "Report",
                "functions": {"list": {"memoryMiB": 1024}},
            }),
        );
        assert_eq!(told(2).await, (vec!["Updated".into()], vec!["UpdateFunctionConfiguration"]));
        assert_eq!(server.condition(ConditionType::Synced)["reason"], "Drifted");

        server.edit("/spec/driftPolicy", json!("Correct"));
        assert_eq!(told(3).await, (vec!["Drift".into()], vec!["PutPublicAccessBlock"]));
        assert_eq!(server.condition(ConditionType::Synced)["status"], "True");
        assert_eq!(told(3).await, nothing());
    });
}

#[test]
fn outages_are_retried_more_and_more_slowly() {
    let seconds = |context: &Context<FakeCloud>| context.backoff("uid").as_secs_f64();
    run(async {
        let server = ApiServer::new(summer(), World::default());
        let waits: Vec<_> = (0..10).map(|_| seconds(&server.context)).collect();
        assert!((1.8..=2.2).contains(&waits[0]), "{waits:?}");
        assert!(waits.windows(2).take(6).all(|pair| pair[0] < pair[1]), "{waits:?}");
        assert!(waits.iter().all(|wait| *wait <= 330.0), "{waits:?}");
        server.context.forget("uid");
        assert!(seconds(&server.context) < 3.0);
    });
}

//! The Kubernetes API in memory, as far as a gallery's controller uses it: one object with resource version, generation,
//! finalizers and a status of its own, and its events. With faults on request.

use std::sync::{Arc, Mutex, PoisonError};

use axum::http::request::Parts;
use axum::http::{Method, Request, Response};
use bytes::Bytes;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

use super::fake_cloud::Effect;
use super::life::Life;

/// An API server that keeps the gallery `photos/summer`.
#[derive(Debug)]
pub(crate) struct FakeKubernetes {
    state: Mutex<State>,
    life: Arc<Life>,
}

/// What it keeps.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    /// `None`: there is none.
    pub object: Option<Value>,
    /// Events, oldest first.
    pub events: Vec<Value>,
    /// What was written, in order.
    pub writes: Vec<Written>,
    fault: Option<(usize, Effect)>,
    version: u64,
}

/// What a controller writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// The finalizer: added or removed.
    Finalizer,
    /// The status.
    Status,
    /// An event.
    Event,
}

/// The connection broke.
#[derive(Debug, thiserror::Error)]
#[error("the connection was reset")]
struct Reset;

impl FakeKubernetes {
    pub(crate) fn new(state: State, life: Arc<Life>) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(state), life })
    }

    /// A client of its own for each life of the operator.
    pub(crate) fn client(self: &Arc<Self>) -> Client {
        let server = Arc::clone(self);
        let service = tower::service_fn(move |request: Request<Body>| {
            let server = Arc::clone(&server);
            async move { server.answer(request).await }
        });
        Client::new(service, "photos")
    }

    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn answer(&self, request: Request<Body>) -> Result<Response<Body>, Reset> {
        let (head, body) = request.into_parts();
        let body = body.collect_bytes().await.unwrap();
        self.life.turn().await;
        let (effect, answer) = self.with(|state| state.fallible(&head, &body));
        let (status, content) = match effect {
            None => answer.unwrap(),
            Some(Effect::Answer(status, reason, message) | Effect::AnswerAfter(status, reason, message)) => {
                failure(status, reason, message)
            }
            Some(Effect::LoseRequest | Effect::LoseAnswer) => return Err(Reset),
            Some(Effect::Pretend) => panic!("Kubernetes does what it says"),
            Some(Effect::DieBefore | Effect::DieUnheard) => {
                self.life.end();
                std::future::pending().await
            }
            Some(Effect::DieHeard) => {
                self.life.end();
                answer.unwrap()
            }
        };
        let body = Body::from(content.to_string().into_bytes());
        Ok(Response::builder().status(status).body(body).unwrap())
    }
}

fn failure(code: u16, reason: &str, message: &str) -> (u16, Value) {
    let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "message": message, "code": code});
    (code, status)
}

impl State {
    /// Something goes wrong at the write after `skip` others, once.
    pub(crate) fn inject(&mut self, skip: usize, effect: Effect) {
        self.fault = Some((skip, effect));
    }

    /// `kubectl apply` of a spec.
    pub(crate) fn apply(&mut self, spec: &Value) {
        if let Some(object) = &mut self.object {
            if object["spec"] != *spec {
                object["spec"] = spec.clone();
                object["metadata"]["generation"] =
                    json!(object["metadata"]["generation"].as_i64().unwrap() + 1);
            }
        } else {
            let uid = format!("uid-{}", self.version);
            self.object = Some(json!({
                "apiVersion": "photogallery.dev/v1alpha1",
                "kind": "PhotoGallery",
                "metadata": {"name": "summer", "namespace": "photos", "uid": uid, "generation": 1},
                "spec": spec,
            }));
        }
        self.touch();
    }

    /// `kubectl delete`.
    pub(crate) fn delete(&mut self) {
        let object = self.object.as_mut().unwrap();
        object["metadata"]["deletionTimestamp"] = json!("2026-11-23T10:00:00Z");
        object["metadata"]["generation"] = json!(object["metadata"]["generation"].as_i64().unwrap() + 1);
        self.touch();
    }

    /// Something changed: the next version, unless nothing holds the object any more.
    fn touch(&mut self) {
        self.version += 1;
        let Some(object) = &mut self.object else { return };
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let is_held = object["metadata"]["finalizers"].as_array().is_some_and(|held| !held.is_empty());
        if !object["metadata"]["deletionTimestamp"].is_null() && !is_held {
            self.object = None;
        }
    }

    /// The fault, if one hits this write, and what came of the write, if it was carried out.
    fn fallible(&mut self, head: &Parts, body: &Bytes) -> (Option<Effect>, Option<(u16, Value)>) {
        let effect = match self.fault.take() {
            Some((0, effect)) => Some(effect),
            Some((skip, effect)) => {
                self.fault = Some((skip - 1, effect));
                None
            }
            None => None,
        };
        match effect {
            Some(Effect::Answer(..) | Effect::LoseRequest | Effect::Pretend | Effect::DieBefore) => {
                (effect, None)
            }
            None
            | Some(Effect::AnswerAfter(..) | Effect::LoseAnswer | Effect::DieUnheard | Effect::DieHeard) => {
                (effect, Some(self.write(head, body)))
            }
        }
    }

    fn write(&mut self, head: &Parts, body: &Bytes) -> (u16, Value) {
        let path = head.uri.path();
        let body: Value = serde_json::from_slice(body).unwrap();
        if path.contains("/events") {
            self.writes.push(Written::Event);
            self.events.push(body.clone());
            return (201, body);
        }
        assert_eq!(head.method, Method::PATCH, "nobody should ask for {path}");
        if self.object.is_none() {
            return failure(404, "NotFound", "photogalleries \"summer\" not found");
        }
        if path.ends_with("/photogalleries/summer/status") {
            self.writes.push(Written::Status);
            self.write_status(&body)
        } else if path.ends_with("/photogalleries/summer") {
            self.writes.push(Written::Finalizer);
            self.write_finalizers(body)
        } else {
            panic!("nobody should ask for {path}")
        }
    }

    /// Server-side apply by the one who owns all of the status.
    fn write_status(&mut self, body: &Value) -> (u16, Value) {
        let mut object = self.object.clone().unwrap();
        if body["metadata"]["uid"] != object["metadata"]["uid"] {
            return failure(409, "Conflict", "Precondition failed: UID in precondition");
        }
        if object["status"] != body["status"] {
            object["status"] = body["status"].clone();
            self.object = Some(object);
            self.touch();
        }
        (200, self.object.clone().unwrap())
    }

    fn write_finalizers(&mut self, body: Value) -> (u16, Value) {
        let mut object = self.object.clone().unwrap();
        // The API server takes a list that is not there for null, where a patch tests it.
        if object["metadata"].get("finalizers").is_none() {
            object["metadata"]["finalizers"] = Value::Null;
        }
        let patch: json_patch::Patch = serde_json::from_value(body).unwrap();
        if let Err(error) = json_patch::patch(&mut object, &patch) {
            return failure(422, "Invalid", &error.to_string());
        }
        self.object = Some(object.clone());
        self.touch();
        (200, self.object.clone().unwrap_or(object))
    }
}

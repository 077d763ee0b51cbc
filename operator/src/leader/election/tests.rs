//! Against an API server that keeps one lease, and replaces it only in the version that was read.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::{Method, Request, Response};
use kube::client::Body;
use serde_json::{Value, json};
use tower_test::mock;

use super::*;
use crate::leader::guard::NotLeading;
use crate::testing::drive::run;

/// The lease, and whether the server answers.
#[derive(Default)]
struct State {
    lease: Option<Value>,
    version: u64,
    is_away: bool,
}

#[derive(Clone, Default)]
struct ApiServer(Arc<Mutex<State>>);

impl ApiServer {
    fn client(&self) -> Client {
        let (service, mut requests) = mock::pair::<Request<Body>, Response<Body>>();
        let state = Arc::clone(&self.0);
        tokio::spawn(async move {
            while let Some((request, answer)) = requests.next_request().await {
                let (head, body) = request.into_parts();
                let body = serde_json::from_slice(&body.collect_bytes().await.unwrap()).unwrap_or_default();
                let mut state = state.lock().unwrap();
                if state.is_away {
                    answer.send_error("connection refused");
                    continue;
                }
                let (status, body) = state.serve(&head.method, body);
                let response = Response::builder().status(status);
                answer.send_response(response.body(Body::from(body.to_string().into_bytes())).unwrap());
            }
        });
        Client::new(service, "operators")
    }

    fn candidate(&self, me: &str) -> (Election, Guard) {
        self.candidate_for(me, Duration::from_secs(15))
    }

    fn candidate_for(&self, me: &str, lease: Duration) -> (Election, Guard) {
        let timing = Timing { lease };
        let (namespace, lease) = ("operators".to_owned(), "lease".to_owned());
        let candidate = Candidate { namespace, lease, me: me.into(), timing };
        let guard = Guard::shut();
        (Election::with_client(self.client(), candidate, guard.clone()), guard)
    }

    fn edit<T>(&self, edit: impl FnOnce(&mut State) -> T) -> T {
        edit(&mut self.0.lock().unwrap())
    }

    fn holder(&self) -> Value {
        self.edit(|state| state.lease.clone().unwrap()["spec"]["holderIdentity"].clone())
    }
}

impl State {
    fn serve(&mut self, method: &Method, body: Value) -> (u16, Value) {
        let version = |lease: &Value| lease["metadata"]["resourceVersion"].clone();
        match (method, &self.lease) {
            (&Method::GET, Some(lease)) => (200, lease.clone()),
            (&Method::GET | &Method::PUT, None) => (404, refusal(404)),
            (&Method::POST, Some(_)) => (409, refusal(409)),
            (&Method::PUT, Some(lease)) if version(lease) != version(&body) => (409, refusal(409)),
            (&Method::POST, None) | (&Method::PUT, Some(_)) => (200, self.write(body)),
            _ => panic!("nobody should {method} a lease"),
        }
    }

    fn write(&mut self, mut lease: Value) -> Value {
        self.version += 1;
        lease["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.lease = Some(lease.clone());
        lease
    }

    /// Another candidate has been here.
    fn give_to(&mut self, holder: &str) {
        let mut lease = self.lease.clone().unwrap();
        lease["spec"]["holderIdentity"] = json!(holder);
        self.write(lease);
    }
}

fn refusal(code: u16) -> Value {
    let reason = if code == 404 { "NotFound" } else { "Conflict" };
    json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "no", "reason": reason, "code": code,
    })
}

#[test]
fn one_of_two_candidates_wins_and_the_other_follows_when_it_gives_up() {
    run(async {
        let server = ApiServer::default();
        let ((one, guard), (two, second_guard)) = (server.candidate("one"), server.candidate("two"));
        one.win(|| panic!("nobody else is there")).await;
        assert_eq!((guard.check(), server.holder()), (Ok(()), json!("one")));
        let stood_by = std::sync::atomic::AtomicBool::new(false);
        let follow = two.win(|| stood_by.store(true, std::sync::atomic::Ordering::Relaxed));
        let give_up = async {
            while !stood_by.load(std::sync::atomic::Ordering::Relaxed) {
                tokio::task::yield_now().await;
            }
            assert_eq!(second_guard.check(), Err(NotLeading));
            one.release().await;
            assert_eq!(guard.check(), Err(NotLeading));
        };
        tokio::join!(follow, give_up);
        assert_eq!((second_guard.check(), server.holder()), (Ok(()), json!("two")));
        // It is not ours to give up any more.
        one.release().await;
        assert_eq!(server.holder(), "two");
    });
}

#[test]
fn a_lease_that_somebody_else_holds_is_lost_and_the_gate_shuts() {
    run(async {
        let server = ApiServer::default();
        let (one, guard) = server.candidate("one");
        let lease = one.win(|| ()).await;
        server.edit(|state| state.give_to("two"));
        assert_eq!(one.keep(lease).await, Lost::Taken("two".into()));
        assert_eq!((guard.check(), server.holder()), (Err(NotLeading), json!("two")));
    });
}

#[test]
fn a_lease_that_cannot_be_renewed_is_lost_with_its_term() {
    run(async {
        let server = ApiServer::default();
        // The guard asks the real clock, so this term is to be short.
        let (one, guard) = server.candidate_for("one", Duration::from_millis(300));
        let lease = one.win(|| ()).await;
        server.edit(|state| state.is_away = true);
        assert!(matches!(one.keep(lease).await, Lost::Expired(_)));
        assert_eq!(guard.check(), Err(NotLeading));
    });
}

#[test]
fn a_lease_that_was_edited_or_deleted_by_hand_is_written_again() {
    run(async {
        let server = ApiServer::default();
        let (one, guard) = server.candidate("one");
        let mut lease = one.win(|| ()).await;
        let edits: [fn(&mut State); 3] =
            [|state| state.give_to("one"), |state| state.give_to(""), |state| state.lease = None];
        for edit in edits {
            server.edit(edit);
            lease = one.renew(lease).await.unwrap();
            assert_eq!((guard.check(), server.holder()), (Ok(()), json!("one")));
        }
    });
}

#[test]
fn a_process_that_was_frozen_for_longer_than_its_term_asks_for_nothing() {
    run(async {
        let server = ApiServer::default();
        let (one, guard) = server.candidate("one");
        let lease = one.win(|| ()).await;
        guard.open_until(Instant::now());
        let version = server.edit(|state| state.version);
        assert!(matches!(one.keep(lease).await, Lost::Expired(_)));
        assert_eq!(server.edit(|state| state.version), version, "it renewed what had ended");
    });
}

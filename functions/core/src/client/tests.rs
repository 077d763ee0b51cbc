//! The client against a transport that answers by a script.

use std::collections::VecDeque;
use std::sync::Mutex;

use http_body_util::Full;
use serde_json::{Value, json};

use super::transport::{Sending, TransportError};
use super::*;
use crate::invocation::Ids;

/// Status and body; `None` is a broken connection.
type Scripted = Option<(u16, String)>;

/// Answers one after the other.
#[derive(Debug, Clone)]
struct Script {
    answers: Arc<Mutex<VecDeque<Scripted>>>,
    seen: Arc<Mutex<Vec<http::Request<Bytes>>>>,
}

impl Script {
    fn new<const N: usize>(answers: [Option<(u16, &str)>; N]) -> Self {
        let answers = answers.map(|answer| answer.map(|(status, body)| (status, body.to_owned())));
        Self { answers: Arc::new(Mutex::new(answers.into())), seen: Arc::default() }
    }

    fn client(&self) -> Client {
        let credentials = Credentials {
            access_key_id: "ASIAEXAMPLE".into(),
            secret_access_key: "secret".into(),
            session_token: Some("token".into()),
        };
        Client::repeating(Place { region: "eu-west-1".into(), endpoint: None, credentials }, self.clone(), 2)
    }

    fn attempts(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

impl Transport for Script {
    fn send(&self, request: http::Request<Bytes>) -> Sending<'_> {
        self.seen.lock().unwrap().push(request);
        let answer = self.answers.lock().unwrap().pop_front().expect("no more attempts than answers");
        let answer = match answer {
            Some((status, body)) => {
                let body = Full::from(body).map_err(|never| match never {}).boxed_unsync();
                Ok(http::Response::builder().status(status).body(body).unwrap())
            }
            None => Err(TransportError("broken pipe".into())),
        };
        Box::pin(async { answer })
    }
}

#[tokio::test(start_paused = true)]
async fn what_passes_is_tried_again_and_what_stays_is_not() {
    let slow = Some((400, r#"{"__type":"x#ThrottlingException"}"#));
    let script = Script::new([None, slow, Some((200, r#"{"Count":1}"#))]);
    let answer: Value = script.client().dynamodb("Query", &json!({})).await.unwrap();
    assert_eq!((answer, script.attempts()), (json!({"Count": 1}), 3));

    let script = Script::new([Some((503, "<Code>SlowDown</Code>")), Some((500, "")), None]);
    let error = script.client().dynamodb::<Value>("Query", &json!({})).await.unwrap_err();
    assert!(matches!(error.reason, Reason::Transport(_)), "the last reason counts: {error:?}");
    assert_eq!(script.attempts(), 3);

    let script = Script::new([Some((400, r#"{"__type":"x#ValidationException"}"#))]);
    let error = script.client().dynamodb::<Value>("Query", &json!({})).await.unwrap_err();
    assert_eq!((error.code(), script.attempts()), (Some("ValidationException"), 1));
}

/// Never answers.
#[derive(Debug, Default, Clone)]
struct Silence(Arc<Mutex<usize>>);

impl Transport for Silence {
    fn send(&self, _: http::Request<Bytes>) -> Sending<'_> {
        *self.0.lock().unwrap() += 1;
        Box::pin(std::future::pending())
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_without_an_answer_ends_after_three_attempts() {
    let silence = Silence::default();
    let place = Script::new([]).client().0.place.clone();
    let client = Client::repeating(place, silence.clone(), 2);
    let error = client.dynamodb::<Value>("Query", &json!({})).await.unwrap_err();
    assert!(matches!(error.reason, Reason::TimedOut(_)), "{error:?}");
    assert_eq!(*silence.0.lock().unwrap(), 3);
}

#[tokio::test]
async fn a_call_to_dynamodb_is_addressed_signed_and_traced() {
    let trace = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1";
    invocation::begin(Ids { request: None, trace: Some(trace.into()) });
    let script = Script::new([Some((200, "{}"))]);
    script.client().dynamodb::<Value>("GetItem", &json!({"TableName": "pg"})).await.unwrap();
    invocation::end();
    let seen = script.seen.lock().unwrap();
    let request = &seen[0];
    assert_eq!(
        (request.method().as_str(), request.uri().to_string()),
        ("POST", "https://dynamodb.eu-west-1.amazonaws.com/".into())
    );
    assert_eq!(request.body(), r#"{"TableName":"pg"}"#);
    let header = |name: &str| request.headers()[name].to_str().unwrap();
    assert_eq!(header("x-amz-target"), "DynamoDB_20120810.GetItem");
    assert_eq!(header("content-type"), "application/x-amz-json-1.0");
    assert_eq!((header("x-amz-security-token"), header("x-amzn-trace-id")), ("token", trace));
    let signed =
        "SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;x-amz-security-token;x-amz-target, ";
    let authorization = header("authorization");
    assert!(
        authorization.contains(signed) && authorization.contains("/eu-west-1/dynamodb/aws4_request, "),
        "{authorization}"
    );
}

#[tokio::test]
async fn an_unreadable_answer_is_an_error_that_holds_nothing_of_it() {
    let script = Script::new([Some((200, r#"{"Items":"a name"}"#))]);
    let error = script.client().dynamodb::<Vec<u8>>("Query", &json!({})).await.unwrap_err();
    assert!(matches!(error.reason, Reason::Unreadable(_)));
    assert!(!format!("{error:?} {}", error.reason).contains("name"), "{error:?}");
}

#[tokio::test]
async fn deleted_objects_are_one_call_with_a_checksum() {
    let done = "<DeleteResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"></DeleteResult>";
    let script = Script::new([Some((200, done))]);
    script.client().delete_objects("pg-photos", &["photos/1".into(), "incoming/1".into()]).await.unwrap();
    let seen = script.seen.lock().unwrap();
    let request = &seen[0];
    assert_eq!(request.uri().to_string(), "https://pg-photos.s3.eu-west-1.amazonaws.com/?delete=");
    // As `printf … | openssl dgst -sha256 -binary | base64` says of this body.
    assert_eq!(request.headers()["x-amz-checksum-sha256"], "Oe2dnSm2oy3aqROr4/NDOscxYfMVKd1lzihXIscfafQ=");
}

#[tokio::test]
async fn an_object_that_was_not_deleted_is_an_error_although_the_call_succeeded() {
    let part = "<DeleteResult><Error><Key>photos/1</Key><Code>AccessDenied</Code><Message>No.</Message></Error></DeleteResult>";
    let script = Script::new([Some((200, part))]);
    let error = script.client().delete_objects("pg-photos", &["photos/1".into()]).await.unwrap_err();
    assert_eq!((error.operation, error.code()), ("DeleteObjects", Some("AccessDenied")));
}

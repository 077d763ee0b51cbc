//! The client against a transport that answers by a script.

use std::collections::VecDeque;
use std::sync::Mutex;

use http_body_util::Full;
use serde_json::{Value, json};

use super::s3::NewObject;
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

#[tokio::test]
async fn an_object_is_opened_and_read_piece_by_piece() {
    let script = Script::new([Some((503, "<Code>SlowDown</Code>")), Some((200, "bytes"))]);
    let mut object = script.client().get_object("pg-photos", "incoming/1 é").await.unwrap();
    assert_eq!(object.next().await.unwrap().as_deref(), Some(&b"bytes"[..]));
    assert_eq!(object.next().await.unwrap(), None);
    let uri = "https://pg-photos.s3.eu-west-1.amazonaws.com/incoming/1%20%C3%A9";
    let asked = script.seen.lock().unwrap().iter().map(|it| format!("{} {}", it.method(), it.uri())).nth(1);
    assert_eq!(asked, Some(format!("GET {uri}")));

    let missing = "<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>";
    let error = Script::new([Some((404, missing))]).client().get_object("pg-photos", "x").await.unwrap_err();
    assert_eq!((error.operation, error.code()), ("GetObject", Some("NoSuchKey")));
}

/// Sends three bytes and then nothing any more.
#[derive(Debug)]
struct Stalling;

impl Transport for Stalling {
    fn send(&self, _: http::Request<Bytes>) -> Sending<'_> {
        let body = Full::from("abc").with_trailers(std::future::pending());
        let body = body.map_err(|never| match never {}).boxed_unsync();
        Box::pin(async { Ok(http::Response::new(body)) })
    }
}

#[tokio::test(start_paused = true)]
async fn an_object_that_stops_coming_is_an_error() {
    let client = Client::with_transport(Script::new([]).client().0.place.clone(), Stalling);
    let mut object = client.get_object("pg-photos", "incoming/1").await.unwrap();
    assert_eq!(object.next().await.unwrap().as_deref(), Some(&b"abc"[..]));
    let error = object.next().await.unwrap_err();
    assert!(matches!(error.reason, Reason::TimedOut(_)), "{error:?}");
}

fn picture() -> NewObject<'static> {
    let headers = vec![("content-type", "image/jpeg".into()), ("cache-control", "private".into())];
    NewObject { bucket: "pg-photos", key: "photos/1", headers, body: Bytes::from_static(b"abc") }
}

#[tokio::test]
async fn an_object_is_written_with_its_headers_and_its_digest() {
    let script = Script::new([Some((200, "")), Some((200, ""))]);
    script.client().put_object(&picture()).await.unwrap();
    assert!(script.client().put_new_object(&picture()).await.unwrap());
    let seen = script.seen.lock().unwrap();
    let uri = "https://pg-photos.s3.eu-west-1.amazonaws.com/photos/1";
    assert_eq!((seen[0].method().as_str(), seen[0].uri().to_string()), ("PUT", uri.to_owned()));
    assert_eq!(
        (seen[0].body(), &seen[0].headers()["content-type"]),
        (&picture().body, &"image/jpeg".parse().unwrap())
    );
    // As `printf abc | sha256sum` says.
    let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(seen[0].headers()["x-amz-content-sha256"], digest);
    assert_eq!(
        (seen[0].headers().get("if-none-match"), &seen[1].headers()["if-none-match"]),
        (None, &"*".parse().unwrap())
    );
    let signed = "SignedHeaders=cache-control;content-type;host;if-none-match;x-amz-content-sha256;x-amz-date;x-amz-security-token, ";
    assert!(seen[1].headers()["authorization"].to_str().unwrap().contains(signed));
}

#[tokio::test(start_paused = true)]
async fn an_object_that_is_there_is_told_from_other_refusals() {
    let there = Some((412, "<Error><Code>PreconditionFailed</Code></Error>"));
    let busy = Some((409, "<Error><Code>ConditionalRequestConflict</Code></Error>"));
    let script = Script::new([busy, there]);
    assert!(!script.client().put_new_object(&picture()).await.unwrap());
    assert_eq!(script.attempts(), 2);
    let denied = Script::new([Some((403, "<Error><Code>AccessDenied</Code></Error>"))]);
    let error = denied.client().put_new_object(&picture()).await.unwrap_err();
    assert_eq!((error.operation, error.code()), ("PutObject", Some("AccessDenied")));
}

#[tokio::test]
async fn an_entity_tag_is_found_in_a_list() {
    let list = |key: &str, tag: &str| {
        format!(
            "<ListBucketResult><Prefix>photos/1</Prefix><Contents><Key>{key}</Key><ETag>{tag}</ETag></Contents></ListBucketResult>"
        )
    };
    for (answer, found) in [
        (list("photos/1", "&quot;0cc1&quot;"), Some("0cc1")),
        (list("photos/1", "\"0cc1\""), Some("0cc1")),
        (list("photos/10", "&quot;0cc1&quot;"), None),
        ("<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>".into(), None),
    ] {
        let script = Script::new([Some((200, answer.as_str()))]);
        let tag = script.client().entity_tag("pg-photos", "photos/1").await.unwrap();
        assert_eq!(tag.as_deref(), found, "{answer}");
        let uri = script.seen.lock().unwrap()[0].uri().to_string();
        assert!(uri.ends_with(".amazonaws.com/?list-type=2&max-keys=1&prefix=photos%2F1"), "{uri}");
    }
}

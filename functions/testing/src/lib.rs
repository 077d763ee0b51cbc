//! A stand-in for AWS at the HTTP level: the real client runs against it, so its requests are tested too.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use functions_core::client::transport::{Sending, Transport, TransportError};
use functions_core::client::{Client, Place};
use functions_core::sign;
use http_body_util::{BodyExt as _, Full};

const ENDPOINT: &str = "http://aws.test";

/// One request that reached the stand-in.
#[derive(Debug, Clone)]
pub struct Call {
    /// `DynamoDB PutItem`, or `GET /bucket/key` for S3.
    pub operation: String,
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
}

impl Call {
    /// The body as JSON; `null` when it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// An answer of the stand-in.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, headers: Vec::new(), body: body.into() }
    }

    /// An error as S3 writes it.
    pub fn s3_error(status: u16, code: &str) -> Self {
        Self { status, ..Self::ok(format!("<Error><Code>{code}</Code><Message>{code}</Message></Error>")) }
    }

    /// An error as DynamoDB writes it.
    pub fn dynamodb_error(code: &str) -> Self {
        let body = format!(r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{code}","message":"{code}"}}"#);
        Self { status: 400, ..Self::ok(body) }
    }

    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

type Respond = dyn Fn(&Call) -> Answer + Send + Sync;

/// Answers by a closure and remembers what it was asked.
#[derive(Clone)]
pub struct FakeAws {
    respond: Arc<Respond>,
    calls: Arc<Mutex<Vec<Call>>>,
    /// State of the dice, if answers take their time.
    dice: Option<Arc<Mutex<u64>>>,
}

impl fmt::Debug for FakeAws {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("FakeAws")
    }
}

impl FakeAws {
    pub fn new(respond: impl Fn(&Call) -> Answer + Send + Sync + 'static) -> Self {
        Self { respond: Arc::new(respond), calls: Arc::default(), dice: None }
    }

    /// The same, but a call is carried out only after some turns of the runtime, and answered after some more: calls that are made
    /// at the same time mix, and differently for each seed.
    #[must_use]
    pub fn mixed(self, seed: u64) -> Self {
        Self { dice: Some(Arc::new(Mutex::new(seed))), ..self }
    }

    /// The client, talking to it. It does not retry, so that tests see each failure at once.
    pub fn client(&self) -> Client {
        let credentials = sign::Credentials {
            access_key_id: "AKIDEXAMPLE".into(),
            secret_access_key: "secret".into(),
            session_token: Some("token".into()),
        };
        let (region, endpoint) = ("eu-west-1".into(), Some(ENDPOINT.into()));
        Client::with_transport(Place { region, endpoint, credentials }, self.clone())
    }

    /// Every request so far.
    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().map(|calls| calls.clone()).unwrap_or_default()
    }

    /// The operations of every request so far.
    pub fn operations(&self) -> Vec<String> {
        self.calls().into_iter().map(|call| call.operation).collect()
    }
}

impl FakeAws {
    /// For 0 to 7 turns of the runtime, as the dice say (`SplitMix64`).
    async fn wait(&self) {
        let turns = self.dice.as_ref().and_then(|dice| dice.lock().ok()).map_or(0, |mut state| {
            *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            mixed >> 61
        });
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
    }

    fn answer(&self, method: &str, uri: &str, headers: HashMap<String, String>, body: Vec<u8>) -> Answer {
        let path = uri.trim_start_matches(ENDPOINT).split('?').next().unwrap_or_default();
        let operation = match headers.get("x-amz-target").and_then(|target| target.split_once('.')) {
            Some((_, name)) => format!("DynamoDB {name}"),
            None => format!("{method} {path}"),
        };
        let call = Call { operation, headers, body };
        let answer = (self.respond)(&call);
        if let Ok(mut calls) = self.calls.lock() {
            calls.push(call);
        }
        answer
    }
}

impl Transport for FakeAws {
    fn send(&self, request: http::Request<Bytes>) -> Sending<'_> {
        let (parts, body) = request.into_parts();
        let header = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let headers = parts.headers.iter().map(header).collect();
        Box::pin(async move {
            self.wait().await;
            let answer = self.answer(parts.method.as_str(), &parts.uri.to_string(), headers, body.to_vec());
            self.wait().await;
            let mut response = http::Response::builder().status(answer.status);
            for (name, value) in answer.headers {
                response = response.header(name, value);
            }
            let body = Full::from(answer.body).map_err(|never| match never {}).boxed_unsync();
            response.body(body).map_err(|error| TransportError(error.into()))
        })
    }
}

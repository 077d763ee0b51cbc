//! A reverse proxy between our processes and the local AWS, for what the local AWS never does: be late, lose an answer, refuse
//! for a while.
//!
//! Host and body pass untouched, so that signatures stay valid. Each request is named as AWS names it ([`Call`]) and handed to
//! an [`Interposer`], which may pass it on, answer itself, or break the connection, before or after AWS has carried it out.
//! Every call is a line of JSON in the log: what it was, what was done to it, what came of it.

mod call;
mod operations;

use std::fs::File;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use call::Call;

/// Decides what becomes of each call.
pub trait Interposer: Send + Sync {
    /// Comes back with what the caller gets to hear. `aws` carries the call out, as often as it is asked to.
    fn interpose<'a>(&'a self, call: &'a Call, aws: &'a Upstream<'a>) -> BoxFuture<'a, Fate>;
}

/// What the caller gets to hear, and why, in a word for the log (empty when nothing was done to the call).
#[derive(Debug)]
pub struct Fate {
    /// `None`: the connection breaks without an answer.
    pub answer: Option<Response<Bytes>>,
    pub effect: String,
}

impl Fate {
    /// AWS's own answer.
    pub fn untouched(answer: Response<Bytes>) -> Self {
        Self { answer: Some(answer), effect: String::new() }
    }

    pub fn answer(effect: impl Into<String>, answer: Response<Bytes>) -> Self {
        Self { answer: Some(answer), effect: effect.into() }
    }

    pub fn reset(effect: impl Into<String>) -> Self {
        Self { answer: None, effect: effect.into() }
    }
}

/// Passes everything on.
#[derive(Debug)]
pub struct FairWeather;

impl Interposer for FairWeather {
    fn interpose<'a>(&'a self, _: &'a Call, aws: &'a Upstream<'a>) -> BoxFuture<'a, Fate> {
        Box::pin(async { Fate::untouched(aws.carry_out().await) })
    }
}

/// The way to AWS, for one call.
#[derive(Debug)]
pub struct Upstream<'a> {
    client: &'a Client<HttpConnector, Full<Bytes>>,
    port: u16,
    call: &'a Call,
    applied: AtomicU64,
}

impl Upstream<'_> {
    /// Has AWS carry the call out, and brings its whole answer. An AWS that does not answer is said as 502.
    pub async fn carry_out(&self) -> Response<Bytes> {
        self.applied.fetch_add(1, Ordering::Relaxed);
        self.try_carry_out().await.unwrap_or_else(|error| {
            let mut answer = Response::new(Bytes::from(format!("{error:#}")));
            *answer.status_mut() = StatusCode::BAD_GATEWAY;
            answer
        })
    }

    /// Sends something else to AWS in the caller's place, unsigned.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>> {
        let (mut parts, body) = request.into_parts();
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        parts.uri = format!("http://127.0.0.1:{}{path}", self.port).parse()?;
        // The body is whole, and its length says so.
        parts.headers.remove(header::TRANSFER_ENCODING);
        parts.headers.remove(header::EXPECT);
        let answer = self.client.request(Request::from_parts(parts, Full::new(body))).await;
        let (mut parts, body) = answer.context("the local AWS gave no answer")?.into_parts();
        let body = body.collect().await.context("the local AWS broke off")?.to_bytes();
        parts.headers.remove(header::TRANSFER_ENCODING);
        Ok(Response::from_parts(parts, body))
    }

    async fn try_carry_out(&self) -> Result<Response<Bytes>> {
        self.send(self.call.request()).await
    }
}

/// A line of the log.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Line {
    /// Counts the calls of this proxy from 1, in the order in which they arrived.
    pub number: u64,
    /// Seconds since 1970, at arrival.
    pub time: f64,
    pub milliseconds: f64,
    /// The access key that signed it; empty for a visitor.
    pub caller: String,
    /// As IAM names it; empty where nobody signed.
    pub service: String,
    pub operation: String,
    /// The bucket, function, role, table … that it is about.
    pub resource: String,
    pub write: bool,
    /// What was done to it; empty: nothing.
    pub effect: String,
    /// Whether AWS carried it out, or was never asked.
    pub reached_aws: bool,
    /// What the caller got to hear; 0: the connection broke.
    pub status: u16,
    /// AWS's error code in the answer.
    pub error: String,
}

/// A running proxy. Dropping it closes the port.
#[derive(Debug)]
pub struct Proxy {
    pub port: u16,
    log: PathBuf,
    server: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Proxy {
    /// Listens on `port` of the loopback interface (0: any free one) and speaks to the AWS at `aws_port`.
    pub async fn start(
        port: u16,
        aws_port: u16,
        interposer: Arc<dyn Interposer>,
        log: &Path,
    ) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.context("failed to listen")?;
        let port = listener.local_addr()?.port();
        let file = File::create(log).with_context(|| format!("failed to write {}", log.display()))?;
        let shared = Arc::new(Shared {
            client: Client::builder(TokioExecutor::new()).build_http(),
            aws_port,
            interposer,
            log: Mutex::new(file),
            count: AtomicU64::new(0),
        });
        let server = tokio::spawn(serve(listener, shared));
        Ok(Self { port, log: log.to_owned(), server })
    }

    /// What `AWS_ENDPOINT_URL` must say to go through it.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Every call that has been answered so far.
    pub fn calls(&self) -> Result<Vec<Line>> {
        let text = std::fs::read_to_string(&self.log)
            .with_context(|| format!("failed to read {}", self.log.display()))?;
        let complete = text.rfind('\n').map_or("", |end| &text[..end]);
        let lines = complete.lines();
        lines.map(|line| serde_json::from_str(line).with_context(|| format!("not a call: {line}"))).collect()
    }
}

struct Shared {
    client: Client<HttpConnector, Full<Bytes>>,
    aws_port: u16,
    interposer: Arc<dyn Interposer>,
    log: Mutex<File>,
    count: AtomicU64,
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    // Connections end with the listener.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok((stream, _)) = listener.accept().await else { continue };
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            let service = service_fn(move |request| handle(Arc::clone(&shared), request));
            // An error is the connection's end, which the caller sees for itself.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// The connection is to break.
#[derive(Debug, thiserror::Error)]
#[error("reset")]
struct Reset;

async fn handle(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Reset> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Reset)?.to_bytes();
    let number = shared.count.fetch_add(1, Ordering::Relaxed) + 1;
    let call = Call::new(number, parts, body);
    let (arrived, started) = (SystemTime::now(), Instant::now());
    let upstream =
        Upstream { client: &shared.client, port: shared.aws_port, call: &call, applied: AtomicU64::new(0) };
    let Fate { answer, effect } = shared.interposer.interpose(&call, &upstream).await;
    let line = Line {
        number,
        time: arrived.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64(),
        milliseconds: started.elapsed().as_secs_f64() * 1000.0,
        caller: call.caller.clone(),
        service: call.service.clone(),
        operation: call.operation.clone(),
        resource: call.resource.clone(),
        write: call.write,
        effect,
        reached_aws: upstream.applied.load(Ordering::Relaxed) > 0,
        status: answer.as_ref().map_or(0, |answer| answer.status().as_u16()),
        error: answer.as_ref().map(call::error_code).unwrap_or_default(),
    };
    shared.write(&line);
    answer.map(|answer| answer.map(Full::new)).ok_or(Reset)
}

impl Shared {
    fn write(&self, line: &Line) {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        // A log that cannot be written shows in the tests that read it.
        let _ = serde_json::to_writer(&mut *log, line).map(|()| log.write_all(b"\n"));
    }
}

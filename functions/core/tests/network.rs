//! The client over real sockets and real TLS: whom it trusts, and how often it connects.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use functions_core::client::Client;
use functions_core::lambda::chain;
use functions_core::settings::Settings;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

/// What a server says, whatever it is asked.
const COUNT: &str = "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{\"Count\":1}";
/// The same, but it breaks off.
const HALF: &str = "HTTP/1.1 200 OK\r\nContent-Length: 22\r\n\r\n{\"Count\":1}";

struct Server {
    url: String,
    /// File with the authority that its certificate is from.
    authority: PathBuf,
    connections: Arc<AtomicUsize>,
    answers: Arc<AtomicUsize>,
}

impl Server {
    /// `patience`: so many answers on each connection, which it then closes without a word.
    fn start(name: &str, patience: usize) -> Self {
        Self::saying(COUNT, name, patience)
    }

    fn saying(answer: &'static str, name: &str, patience: usize) -> Self {
        let rcgen::CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let authority = std::env::temp_dir().join(format!("{name}-{}.pem", std::process::id()));
        std::fs::write(&authority, cert.pem()).unwrap();
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let tls = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let (connections, answers) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (tls, counted, answered) = (Arc::new(tls), Arc::clone(&connections), Arc::clone(&answers));
        thread::spawn(move || {
            for stream in listener.incoming() {
                counted.fetch_add(1, Ordering::SeqCst);
                let (tls, answered) = (Arc::clone(&tls), Arc::clone(&answered));
                thread::spawn(move || answer_all(stream.unwrap(), tls, (answer, patience), &answered));
            }
        });
        Self { url, authority, connections, answers }
    }

    fn client(&self, authority: &str) -> Client {
        Client::new(&Settings::from_table(&[
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ACCESS_KEY_ID", "ASIAEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_ENDPOINT_URL", &self.url),
            ("AWS_CA_BUNDLE", authority),
        ]))
        .unwrap()
    }

    fn counts(&self) -> (usize, usize) {
        (self.connections.load(Ordering::SeqCst), self.answers.load(Ordering::SeqCst))
    }
}

/// Ends when the other side goes, or does not trust us.
fn answer_all(
    stream: TcpStream,
    tls: Arc<ServerConfig>,
    (answer, patience): (&str, usize),
    answered: &AtomicUsize,
) -> Option<()> {
    let mut stream = BufReader::new(StreamOwned::new(ServerConnection::new(tls).ok()?, stream));
    for _ in 0..patience {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).ok()? == 0 {
                return None;
            }
            match line.trim().split_once(": ") {
                Some(("content-length", number)) => length = number.parse().unwrap(),
                Some(_) => {}
                None if line.trim().is_empty() => break,
                None => {}
            }
        }
        stream.read_exact(&mut vec![0; length]).ok()?;
        stream.get_mut().write_all(answer.as_bytes()).ok()?;
        answered.fetch_add(1, Ordering::SeqCst);
    }
    Some(())
}

async fn query(client: &Client) -> Value {
    client.dynamodb("Query", &json!({})).await.unwrap()
}

#[tokio::test]
async fn calls_share_one_connection() {
    let server = Server::start("share", usize::MAX);
    let client = server.client(server.authority.to_str().unwrap());
    for _ in 0..5 {
        assert_eq!(query(&client).await, json!({"Count": 1}));
    }
    let (connections, calls) = server.counts();
    // On a busy machine the second call may come before the first connection is back.
    assert!(connections <= 2 && calls == 5, "{calls} calls over {connections} connections");
}

#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_is_replaced() {
    let server = Server::start("replace", 1);
    let client = server.client(server.authority.to_str().unwrap());
    for _ in 0..5 {
        assert_eq!(query(&client).await, json!({"Count": 1}));
    }
    assert_eq!(server.counts().1, 5);
}

#[tokio::test]
async fn a_server_that_no_pinned_root_vouches_for_hears_nothing() {
    let server = Server::start("stranger", usize::MAX);
    let error = server.client("").dynamodb::<Value>("Query", &json!({})).await.unwrap_err();
    assert!(chain(&error).contains("UnknownIssuer"), "{}", chain(&error));
    assert_eq!(server.counts(), (3, 0), "tried three times, and never told what is asked");
}

#[tokio::test]
async fn an_object_that_breaks_off_is_an_error_and_not_a_short_object() {
    let server = Server::saying(HALF, "half", 1);
    let client = server.client(server.authority.to_str().unwrap());
    let mut object = client.get_object("photos", "incoming/1").await.unwrap();
    assert_eq!(object.size(), Some(22));
    let mut read = Vec::new();
    let error = loop {
        match object.next().await {
            Ok(Some(bytes)) => read.extend(bytes),
            Ok(None) => panic!("read {} bytes of 22", read.len()),
            Err(error) => break error,
        }
    };
    assert!(read.len() <= 11);
    assert_eq!((error.operation, error.code()), ("GetObject", None));
}

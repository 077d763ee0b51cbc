//! The function as a process, beside Lambda's Runtime API and without it: what it answers, and exactly what it writes.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

const ENVIRONMENT: &[(&str, &str)] = &[
    ("AWS_REGION", "eu-west-1"),
    ("AWS_ACCESS_KEY_ID", "ASIAEXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "the-secret"),
    ("AWS_SESSION_TOKEN", "the-token"),
    ("AWS_LAMBDA_FUNCTION_NAME", "pg-photos-summer-upload"),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
    ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
    ("GALLERY", "photos/summer"),
    ("TABLE", "pg"),
    ("PHOTOS_BUCKET", "pg-photos"),
    ("MAX_UPLOAD_BYTES", "1000"),
    ("CONTENT_TYPES", "image/jpeg"),
];
const TRACE: &str = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1";

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_upload"));
    command.env_clear().envs(ENVIRONMENT.iter().copied());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn wish(size: u32) -> Value {
    let body = json!({"filename": "Anna's birthday.jpg", "contentType": "image/jpeg", "size": size});
    json!({"httpMethod": "POST", "headers": null, "body": body.to_string()})
}

/// One event on standard input.
fn by_hand(event: &str) -> Output {
    let mut process = command().spawn().unwrap();
    process.stdin.take().unwrap().write_all(event.as_bytes()).unwrap();
    process.wait_with_output().unwrap()
}

fn lines(text: &[u8]) -> Vec<Value> {
    let text = String::from_utf8(text.to_vec()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Takes the moment out of a line, after a look at it.
fn without_time(mut line: Value) -> Value {
    let object = line.as_object_mut().unwrap();
    if let Some(time) = object.remove("time") {
        let time = time.as_str().unwrap().to_owned();
        assert!(time.len() == 24 && time.ends_with('Z') && time.parse::<jiff::Timestamp>().is_ok(), "{time}");
    } else {
        let aws = object["_aws"].as_object_mut().unwrap();
        assert!(aws.remove("Timestamp").unwrap().as_i64().unwrap() > 1_700_000_000_000);
    }
    line
}

fn metrics(dimensions: &[&str]) -> Value {
    let directive = json!({
        "Namespace": "PhotoGallery",
        "Dimensions": [dimensions],
        "Metrics": [{"Name": "Failures", "Unit": "Count"}],
    });
    json!({"CloudWatchMetrics": [directive]})
}

#[test]
fn without_lambda_an_event_is_read_from_standard_input() {
    let Output { status, stdout, stderr } = by_hand(&wish(10).to_string());
    assert!(status.success());
    let answer: Value = serde_json::from_slice(&stdout).unwrap();
    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    assert_eq!(
        (answer["statusCode"].as_u64(), body["url"].as_str()),
        (Some(201), Some("https://pg-photos.s3.eu-west-1.amazonaws.com/"))
    );
    let lines: Vec<_> = lines(&stderr).into_iter().map(without_time).collect();
    assert_eq!(
        lines,
        [
            json!({
                "level": "INFO", "message": "signed an upload form", "requestId": "local",
                "photoId": body["photoId"], "contentType": "image/jpeg", "size": 10,
            }),
            json!({
                "_aws": metrics(&["Gallery", "Function"]), "Gallery": "photos/summer", "Function": "upload",
                "requestId": "local", "Failures": 0,
            }),
        ]
    );
}

#[test]
fn without_lambda_what_cannot_be_read_is_told() {
    let Output { status, stdout, stderr } = by_hand("{");
    assert_eq!((status.code(), stdout.len()), (Some(1), 0));
    let lines = lines(&stderr);
    assert!(
        lines[0]["error"].as_str().unwrap().starts_with("the event on standard input cannot be read: "),
        "{lines:?}"
    );
}

/// Lambda's Runtime API: hands out the events one after the other, and gives back the answers.
fn runtime_api(events: Vec<Value>) -> (String, mpsc::Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (sender, answers) = mpsc::channel();
    let (next, events_left) = mpsc::channel();
    for event in events {
        next.send(event).unwrap();
    }
    let events_left = Arc::new(Mutex::new(events_left));
    thread::spawn(move || {
        // Kept, so that whoever asks for one more event waits.
        let _next = next;
        for stream in listener.incoming() {
            let (events, sender) = (Arc::clone(&events_left), sender.clone());
            thread::spawn(move || serve(stream.unwrap(), &events, &sender));
        }
    });
    (address, answers)
}

fn serve(
    stream: TcpStream,
    events: &Mutex<mpsc::Receiver<Value>>,
    answers: &mpsc::Sender<Value>,
) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut first, mut length) = (String::new(), 0);
        stream.read_line(&mut first).ok().filter(|bytes| *bytes > 0)?;
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).ok()?;
            let lower = line.trim().to_ascii_lowercase();
            if lower.is_empty() {
                break;
            }
            if let Some(number) = lower.strip_prefix("content-length: ") {
                length = number.parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).ok()?;
        let answer = if first.starts_with("GET ") {
            let event = events.lock().unwrap().recv().ok()?.to_string();
            format!(
                "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: request-7\r\nLambda-Runtime-Deadline-Ms: 4102444800000\r\n\
                 Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:eu-west-1:1:function:upload\r\n\
                 Lambda-Runtime-Trace-Id: {TRACE}\r\nContent-Length: {}\r\n\r\n{event}",
                event.len()
            )
        } else {
            answers.send(serde_json::from_slice(&body).unwrap()).ok()?;
            "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n".to_owned()
        };
        stream.get_mut().write_all(answer.as_bytes()).ok()?;
    }
}

#[test]
fn beside_lambda_every_line_has_the_ids_and_none_has_a_secret() {
    let (address, answers) = runtime_api(vec![wish(10), wish(5000)]);
    let mut process = command().env("AWS_LAMBDA_RUNTIME_API", address).spawn().unwrap();
    let [good, refused] = [0, 1].map(|_| answers.recv_timeout(Duration::from_secs(60)).unwrap());
    // It waits for another event, which never comes; all lines of the two before it are written.
    let (sender, written) = mpsc::channel();
    let output = BufReader::new(process.stdout.take().unwrap());
    thread::spawn(move || output.lines().try_for_each(|line| sender.send(line.unwrap())));
    let text: Vec<_> = (0..4).map_while(|_| written.recv_timeout(Duration::from_secs(60)).ok()).collect();
    let text = text.join("\n");
    process.kill().unwrap();
    process.wait().unwrap();
    assert_eq!((good["statusCode"].as_u64(), refused["statusCode"].as_u64()), (Some(201), Some(413)));
    let body: Value = serde_json::from_str(good["body"].as_str().unwrap()).unwrap();
    let ids = |mut line: Value| {
        line["requestId"] = "request-7".into();
        line["traceId"] = TRACE.into();
        line
    };
    let measured = json!({"Gallery": "photos/summer", "Function": "upload"});
    let measured = |more: Value| {
        let mut line = measured.clone();
        line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ids(line)
    };
    let lines: Vec<_> = lines(text.as_bytes()).into_iter().map(without_time).collect();
    assert_eq!(
        lines,
        [
            ids(json!({
                "level": "INFO", "message": "signed an upload form",
                "photoId": body["photoId"], "contentType": "image/jpeg", "size": 10,
            })),
            measured(json!({"_aws": metrics(&["Gallery", "Function"]), "Failures": 0})),
            measured(json!({"_aws": metrics(&["Gallery", "Function"]), "Failures": 1})),
            measured(json!({
                "_aws": metrics(&["Gallery", "Function", "Reason"]), "Reason": "TooLarge", "Failures": 1,
            })),
        ]
    );
    let fields = body["fields"].as_object().unwrap();
    let secrets =
        ["policy", "x-amz-signature", "x-amz-security-token"].map(|name| fields[name].as_str().unwrap());
    let personal = ["Anna", "the-secret", "the-token"];
    let told: BTreeSet<_> =
        secrets.into_iter().chain(personal).filter(|secret| text.contains(secret)).collect();
    assert!(told.is_empty(), "{told:?}");
}

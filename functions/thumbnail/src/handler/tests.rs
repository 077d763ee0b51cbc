//! The whole path of a file, with the real SDK clients against a stand-in for S3 and DynamoDB.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use functions_testing::{Answer, Call, FakeAws};
use serde_json::{Value, json};

use super::*;
use crate::photo::tests::{SETTINGS, jpeg, png};

const ID: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
/// S3 and DynamoDB with state: objects by path, the one row.
#[derive(Debug, Default)]
struct World {
    objects: BTreeMap<String, Vec<u8>>,
    content_type: String,
    row: Option<Value>,
    /// Operations that fail.
    broken: Vec<&'static str>,
}

type Shared = Arc<Mutex<World>>;

fn world(file: &[u8], content_type: &str) -> (Shared, FakeAws) {
    let world = World {
        objects: BTreeMap::from([(format!("/photos/incoming/{ID}"), file.to_vec())]),
        content_type: content_type.to_owned(),
        ..World::default()
    };
    let shared = Arc::new(Mutex::new(world));
    let inside = Arc::clone(&shared);
    (shared, FakeAws::new(move |call| inside.lock().unwrap().answer(call)))
}

impl World {
    fn answer(&mut self, call: &Call) -> Answer {
        if self.broken.iter().any(|operation| call.operation.starts_with(operation)) {
            return Answer::s3_error(403, "AccessDenied");
        }
        let (method, path) = call.operation.split_once(' ').unwrap();
        match (method, path) {
            ("DynamoDB", "GetItem") => Answer::ok(json!({"Item": self.row}).to_string()),
            ("DynamoDB", _) => self.put_row(call),
            ("GET", path) => match self.objects.get(path) {
                Some(bytes) => Answer::ok(bytes.clone())
                    .header("content-type", self.content_type.clone())
                    .header("content-length", bytes.len().to_string())
                    .header("etag", "\"tag\"")
                    .header("x-amz-meta-filename", "%C3%A9t%C3%A9.jpg"),
                None => Answer::s3_error(404, "NoSuchKey"),
            },
            ("PUT", path) => {
                let bytes = match call.headers.get("x-amz-copy-source") {
                    Some(source) => self.objects[&format!("/{source}")].clone(),
                    None => call.body.clone(),
                };
                self.objects.insert(path.to_owned(), bytes);
                Answer::ok("<CopyObjectResult><ETag>x</ETag></CopyObjectResult>")
            }
            ("DELETE", path) => {
                self.objects.remove(path);
                Answer { status: 204, ..Answer::default() }
            }
            other => panic!("unexpected {other:?}"),
        }
    }

    fn put_row(&mut self, call: &Call) -> Answer {
        if self.row.as_ref().is_some_and(|row| row["status"]["S"] == "ready") {
            return Answer::dynamodb_error("ConditionalCheckFailedException");
        }
        let request = call.json();
        assert_eq!(request["ConditionExpression"], "attribute_not_exists(#id) OR #status <> :ready");
        self.row = Some(request["Item"].clone());
        Answer::ok("{}")
    }
}

fn event(key: &str) -> Event {
    let record = json!({"s3": {"bucket": {"name": "photos"}, "object": {"key": key}}});
    serde_json::from_value(json!({"Records": [record]})).unwrap()
}

async fn deliver(aws: &FakeAws) -> Result<(), Failure> {
    deliver_with(aws, "METADATA", "Clean").await
}

/// To a function with one other setting.
async fn deliver_with(aws: &FakeAws, name: &str, value: &str) -> Result<(), Failure> {
    let changed =
        |entry: &(&'static str, &'static str)| (entry.0, if entry.0 == name { value } else { entry.1 });
    let settings: Vec<_> = SETTINGS.iter().map(changed).collect();
    let function = Thumbnails::new(&Settings::from_table(&settings), &aws.shared()).unwrap();
    function.handle(event(&format!("incoming/{ID}"))).await
}

fn objects(world: &Shared) -> Vec<String> {
    world.lock().unwrap().objects.keys().cloned().collect()
}

fn ready_objects() -> [String; 2] {
    [format!("/photos/photos/{ID}"), format!("/thumbnails/{ID}.jpg")]
}

fn row(world: &Shared, name: &str) -> Value {
    let world = world.lock().unwrap();
    let value = &world.row.as_ref().expect("a row")[name];
    value["S"].as_str().or(value["N"].as_str()).map_or(Value::Null, Value::from)
}

#[tokio::test]
async fn a_good_file_becomes_a_photo_and_the_incoming_file_goes_last() {
    let (world, aws) = world(&jpeg(160, 80, 6), "image/jpeg");
    deliver(&aws).await.unwrap();
    assert_eq!(objects(&world), ready_objects());
    assert_eq!(row(&world, "status"), "ready");
    assert_eq!(row(&world, "filename"), "été.jpg");
    assert_eq!((row(&world, "width"), row(&world, "height")), (json!("80"), json!("160")), "upright");
    assert_eq!(row(&world, "uploadDate"), "2016-07-30T23:54:10.259Z");
    assert_eq!(row(&world, "thumbnailKey"), format!("{ID}.jpg"));
    assert_eq!(row(&world, "listing"), "photos");
    let operations = aws.operations();
    assert_eq!(
        operations[operations.len() - 2..],
        ["DynamoDB PutItem".to_owned(), format!("DELETE /photos/incoming/{ID}")]
    );
    is_served_as_checked(&aws, "PUT /photos/photos/");
}

fn is_served_as_checked(aws: &FakeAws, operation: &str) -> HashMap<String, String> {
    let calls = aws.calls();
    let put = calls.iter().find(|call| call.operation.starts_with(operation)).unwrap();
    assert_eq!(put.headers["content-type"], "image/jpeg");
    assert_eq!(put.headers["cache-control"], "private, max-age=31536000, immutable");
    assert!(put.headers["content-disposition"].starts_with("inline; "));
    put.headers.clone()
}

/// A photo with something behind its end, which no camera meant to be seen.
fn telling() -> Vec<u8> {
    [jpeg(160, 80, 6), b"GPS 52.516N".to_vec()].concat()
}

#[tokio::test]
async fn the_original_is_kept_without_what_is_not_the_picture() {
    let (world, aws) = world(&telling(), "image/jpeg");
    deliver(&aws).await.unwrap();
    let headers = is_served_as_checked(&aws, "PUT /photos/photos/");
    assert!(
        !headers.contains_key("x-amz-copy-source"),
        "the bytes that were checked, not what may be there by now"
    );
    let kept = world.lock().unwrap().objects[&format!("/photos/photos/{ID}")].clone();
    assert!(!kept.windows(3).any(|window| window == b"GPS"));
    let (kept, sent) =
        (image::load_from_memory(&kept).unwrap(), image::load_from_memory(&telling()).unwrap());
    assert_eq!(kept.as_bytes(), sent.as_bytes());
    let size = world.lock().unwrap().objects[&format!("/photos/photos/{ID}")].len();
    assert_eq!(row(&world, "fileSize"), size.to_string());
}

#[tokio::test]
async fn with_keep_the_original_is_a_copy_of_what_was_checked_or_nothing() {
    let (world, aws) = world(&telling(), "image/jpeg");
    deliver_with(&aws, "METADATA", "Keep").await.unwrap();
    let headers = is_served_as_checked(&aws, "PUT /photos/photos/");
    assert_eq!(headers["x-amz-copy-source"], format!("photos/incoming/{ID}"));
    assert_eq!(headers["x-amz-copy-source-if-match"], "\"tag\"");
    assert_eq!(headers["x-amz-metadata-directive"], "REPLACE");
    assert_eq!(world.lock().unwrap().objects[&format!("/photos/photos/{ID}")], telling());
    assert_eq!(row(&world, "fileSize"), telling().len().to_string());
}

#[tokio::test]
async fn the_row_tells_how_the_photo_was_taken_and_nothing_of_where() {
    let (world, aws) = world(&jpeg(160, 80, 6), "image/jpeg");
    deliver(&aws).await.unwrap();
    assert_eq!(row(&world, "takenAt"), "2026-07-04T18:30:00");
    assert_eq!(row(&world, "camera"), "Canon EOS R5");
    assert_eq!(row(&world, "exposureTime"), "1/250");
    assert_eq!((row(&world, "fNumber"), row(&world, "iso")), (json!("2.8"), json!("200")));
    assert_eq!(row(&world, "lens"), Value::Null, "it does not say");
    let all = world.lock().unwrap().row.as_ref().unwrap().to_string();
    assert!(!all.contains("4711") && !all.contains("52.516"), "{all}");
}

#[tokio::test]
async fn bad_files_are_recorded_with_a_reason_and_removed_without_a_retry() {
    let cases: [(Vec<u8>, &str, &str); 8] = [
        (b"<html>".to_vec(), "image/jpeg", "The file is not an image of a known type."),
        (
            b"\0\0\0\x18ftypheic".to_vec(),
            "image/jpeg",
            "The file is a HEIC image, which this gallery cannot open.",
        ),
        (Vec::new(), "image/jpeg", "The file is not an image of a known type."),
        (png(4, 4), "image/jpeg", "The file is a PNG image, but was sent as another type."),
        (b"GIF89a\x01\0\x01\0\0\0\0;".to_vec(), "image/gif", "This gallery does not accept GIF images."),
        (png(4, 4)[..40].to_vec(), "image/png", "The image is damaged or incomplete."),
        (png(12_001, 1), "image/png", "The image has 12001 x 1 pixels."),
        (vec![0; 100_001], "image/png", "The file is larger than the 1 MB that this gallery accepts."),
    ];
    for (file, content_type, reason) in cases {
        let (world, aws) = world(&file, content_type);
        deliver(&aws).await.unwrap();
        assert_eq!(objects(&world), Vec::<String>::new(), "{reason}");
        assert_eq!(row(&world, "status"), "failed");
        let told = row(&world, "reason");
        assert!(told.as_str().unwrap().starts_with(reason), "{told} instead of {reason}");
        assert_eq!(row(&world, "thumbnailKey"), Value::Null);
    }
}

#[tokio::test]
async fn a_second_delivery_changes_nothing() {
    let (world, aws) = world(&jpeg(16, 8, 1), "image/jpeg");
    deliver(&aws).await.unwrap();
    let before = world.lock().unwrap().row.clone();
    let calls = aws.calls().len();
    deliver(&aws).await.unwrap();
    assert_eq!(world.lock().unwrap().row, before);
    assert!(
        aws.operations()[calls..]
            .iter()
            .all(|operation| operation.contains("Get") || operation.starts_with("GET"))
    );
}

#[tokio::test]
async fn a_bad_file_posted_later_with_the_same_form_does_not_spoil_the_photo() {
    let (world, aws) = world(&jpeg(16, 8, 1), "image/jpeg");
    deliver(&aws).await.unwrap();
    world.lock().unwrap().objects.insert(format!("/photos/incoming/{ID}"), b"<html>".to_vec());
    deliver(&aws).await.unwrap();
    assert_eq!(row(&world, "status"), "ready");
    assert_eq!(objects(&world), ready_objects());
}

#[tokio::test]
async fn whatever_fails_is_finished_by_the_next_delivery() {
    for broken in
        ["GET ", "DynamoDB GetItem", "PUT /photos/", "PUT /thumbnails/", "DynamoDB PutItem", "DELETE "]
    {
        let (world, aws) = world(&jpeg(16, 8, 1), "image/jpeg");
        world.lock().unwrap().broken = vec![broken];
        deliver(&aws).await.unwrap_err();
        assert!(objects(&world).contains(&format!("/photos/incoming/{ID}")), "{broken}: kept for the retry");
        world.lock().unwrap().broken.clear();
        deliver(&aws).await.unwrap();
        assert_eq!(objects(&world), ready_objects(), "{broken}");
        assert_eq!(row(&world, "status"), "ready", "{broken}");
    }
}

#[tokio::test]
async fn keys_and_buckets_that_are_not_ours_are_left_alone() {
    let (_, aws) = world(b"", "image/jpeg");
    let function = Thumbnails::new(&Settings::from_table(SETTINGS), &aws.shared()).unwrap();
    for key in [
        "incoming/",
        "incoming/x",
        &format!("photos/{ID}"),
        &format!("incoming/{}", ID.to_lowercase()),
        "incoming/%2e%2e",
        "💣",
    ] {
        function.handle(event(key)).await.unwrap();
    }
    let other = json!({"Records": [{"s3": {"bucket": {"name": "other"}, "object": {"key": format!("incoming/{ID}")}}}]});
    function.handle(serde_json::from_value(other).unwrap()).await.unwrap();
    assert!(aws.operations().is_empty());
}

#[test]
fn odd_settings_are_named() {
    let (_, aws) = world(b"", "image/jpeg");
    for (name, value) in [
        ("METADATA", "clean"),
        ("QUALITY", "0"),
        ("QUALITY", "101"),
        ("FORMAT", "jpeg"),
        ("MAX_WIDTH", "0"),
        ("MAX_HEIGHT", "-1"),
        ("TABLE", ""),
    ] {
        let table: Vec<(&str, &str)> =
            SETTINGS.iter().map(|entry| if entry.0 == name { (name, value) } else { *entry }).collect();
        let error = Thumbnails::new(&Settings::from_table(&table), &aws.shared()).unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
    }
}

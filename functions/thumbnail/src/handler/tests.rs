//! The whole path of a file, with the real client against a stand-in for S3 and DynamoDB. What goes wrong in between is in
//! [`mishaps`].

mod mishaps;
mod world;

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use functions_core::invocation::{self, Ids};
use functions_core::metrics::Source;
use functions_testing::FakeAws;
use serde_json::{Value, json};

use super::*;
use crate::photo::tests::{SETTINGS, jpeg, png};
use world::{ID, World, WorldHandle, world};

/// Of events that have just happened.
const NOW: &str = "2026-11-26T10:00:01Z";

fn event(key: &str) -> Event {
    let s3 = json!({"bucket": {"name": "photos"}, "object": {"key": key, "size": 4711}});
    serde_json::from_value(json!({"Records": [{"eventTime": "2026-11-26T10:00:00Z", "s3": s3}]})).unwrap()
}

async fn deliver(aws: &FakeAws) -> Result<(), Failure> {
    deliver_with(aws, &[]).await
}

/// To a function with other settings.
async fn deliver_with(aws: &FakeAws, changed: &[(&'static str, &'static str)]) -> Result<(), Failure> {
    deliver_at(aws, NOW, changed).await
}

async fn deliver_at(
    aws: &FakeAws,
    now: &str,
    changed: &[(&'static str, &'static str)],
) -> Result<(), Failure> {
    let value = |(name, value): &(&'static str, &'static str)| {
        (*name, changed.iter().find(|change| change.0 == *name).map_or(*value, |change| change.1))
    };
    let settings: Vec<_> = SETTINGS.iter().map(value).collect();
    let function = Thumbnails::new(&Settings::from_table(&settings), aws.client()).unwrap();
    function.handle_at(event(&format!("incoming/{ID}")), now.parse().unwrap()).await
}

fn ready_objects() -> [String; 2] {
    [format!("/photos/photos/{ID}"), format!("/thumbnails/{ID}.jpg")]
}

#[tokio::test]
async fn a_good_file_becomes_a_photo_and_the_incoming_file_goes_last() {
    let (world, aws) = world(&jpeg(160, 80, 6), "image/jpeg");
    deliver(&aws).await.unwrap();
    assert_eq!(world.keys(), ready_objects());
    assert_eq!(world.row("status"), "ready");
    assert_eq!(world.row("filename"), "été.jpg");
    assert_eq!((world.row("width"), world.row("height")), (json!("80"), json!("160")), "upright");
    assert_eq!(world.row("uploadDate"), "2016-07-30T23:54:10.259Z");
    assert_eq!(world.row("thumbnailKey"), format!("{ID}.jpg"));
    assert_eq!(world.row("listing"), "photos");
    let operations = aws.operations();
    assert_eq!(operations[operations.len() - 2..], ["DynamoDB PutItem", "POST /photos/"]);
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
    is_served_as_checked(&aws, "PUT /photos/photos/");
    let kept = world.object(&format!("/photos/photos/{ID}"));
    assert!(!kept.windows(3).any(|window| window == b"GPS"));
    let (kept, sent) =
        (image::load_from_memory(&kept).unwrap(), image::load_from_memory(&telling()).unwrap());
    assert_eq!(kept.as_bytes(), sent.as_bytes());
    let size = world.object(&format!("/photos/photos/{ID}")).len();
    assert_eq!(world.row("fileSize"), size.to_string());
}

#[tokio::test]
async fn with_keep_the_original_stays_as_it_was_sent() {
    let (world, aws) = world(&telling(), "image/jpeg");
    deliver_with(&aws, &[("METADATA", "Keep")]).await.unwrap();
    is_served_as_checked(&aws, "PUT /photos/photos/");
    assert_eq!(world.object(&format!("/photos/photos/{ID}")), telling());
    assert_eq!(world.row("fileSize"), telling().len().to_string());
}

#[tokio::test]
async fn a_large_photo_has_renditions_of_the_sizes_between_thumbnail_and_original() {
    for (format, suffix) in [("JPEG", "jpg"), ("WEBP", "webp")] {
        let (world, aws) = world(&jpeg(1500, 300, 6), "image/jpeg");
        deliver_with(&aws, &[("FORMAT", format)]).await.unwrap();
        let pictures = [format!("/thumbnails/{ID}-1024.{suffix}"), format!("/thumbnails/{ID}.{suffix}")];
        assert_eq!(world.keys()[1..], pictures);
        assert_eq!(world.row("renditions"), json!(["1024"]));
        let sizes = pictures.map(|key| {
            let picture = image::load_from_memory(&world.object(&key)).unwrap();
            (picture.width(), picture.height())
        });
        assert_eq!(sizes, [(205, 1024), (8, 40)]);
    }
}

#[tokio::test]
async fn the_row_has_what_stands_for_the_photo_until_a_picture_is_there() {
    let (world, aws) = world(&jpeg(160, 80, 1), "image/jpeg");
    deliver(&aws).await.unwrap();
    assert_eq!(world.row("dominantColor"), "#c8c8c8");
    let hash = world.row("thumbhash");
    let hash = STANDARD.decode(hash.as_str().unwrap()).unwrap();
    assert!((5..=25).contains(&hash.len()), "{hash:?}");
    assert_eq!(world.row("renditions"), Value::Null, "smaller than the smallest");
}

#[tokio::test]
async fn the_row_tells_how_the_photo_was_taken_and_nothing_of_where() {
    let (world, aws) = world(&jpeg(160, 80, 6), "image/jpeg");
    deliver(&aws).await.unwrap();
    assert_eq!(world.row("takenAt"), "2026-07-04T18:30:00");
    assert_eq!(world.row("camera"), "Canon EOS R5");
    assert_eq!(world.row("exposureTime"), "1/250");
    assert_eq!((world.row("fNumber"), world.row("iso")), (json!("2.8"), json!("200")));
    assert_eq!(world.row("lens"), Value::Null, "it does not say");
    let all = world.locked().row.as_ref().unwrap().to_string();
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
        assert_eq!(world.keys(), Vec::<String>::new(), "{reason}");
        assert_eq!(world.row("status"), "failed");
        let told = world.row("reason");
        assert!(told.as_str().unwrap().starts_with(reason), "{told} instead of {reason}");
        assert_eq!(world.row("thumbnailKey"), Value::Null);
    }
}

/// What an event counts, and its failures by reason.
async fn measured(work: impl Future<Output = ()>) -> (Vec<String>, Vec<Value>) {
    invocation::begin(Ids::default());
    work.await;
    let (ids, measures) = invocation::end();
    let source = Source { gallery: "photos/summer".into(), function: "thumbnail" };
    let lines = measures.lines(&source, &ids, NOW.parse().unwrap());
    let metrics = lines[0]["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array().unwrap();
    let names = metrics.iter().map(|metric| metric["Name"].as_str().unwrap().to_owned()).collect();
    (names, lines[1..].iter().map(|line| line["Reason"].clone()).collect())
}

#[tokio::test]
async fn photos_bytes_stages_and_reasons_are_measured() {
    let (_, aws) = world(&jpeg(16, 8, 1), "image/jpeg");
    let (names, reasons) = measured(async { deliver(&aws).await.unwrap() }).await;
    let expected = [
        "DecodeMilliseconds",
        "DownloadMilliseconds",
        "PhotoBytes",
        "Photos",
        "RenditionBytes",
        "RowMilliseconds",
        "ThumbnailBytes",
        "UploadMilliseconds",
        "Failures",
    ];
    assert_eq!((names, reasons), (expected.map(str::to_owned).to_vec(), Vec::new()));

    let (_, aws) = world(b"<html>", "image/jpeg");
    let (names, reasons) = measured(async { deliver(&aws).await.unwrap() }).await;
    assert_eq!(reasons, ["NotAnImage"]);
    assert!(!names.contains(&"Photos".to_owned()), "{names:?}");
}

#[tokio::test]
async fn keys_and_buckets_that_are_not_ours_are_left_alone() {
    let (_, aws) = world(b"", "image/jpeg");
    let function = Thumbnails::new(&Settings::from_table(SETTINGS), aws.client()).unwrap();
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
        let error = Thumbnails::new(&Settings::from_table(&table), aws.client()).unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
    }
}

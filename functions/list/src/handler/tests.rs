//! The function against a table that answers as DynamoDB does.

use functions_testing::{Answer, Call, FakeAws};
use serde_json::Value;

use super::*;

const SETTINGS: &[(&str, &str)] = &[
    ("TABLE", "pg"),
    ("PHOTOS_BUCKET", "pg-photos"),
    ("THUMBNAILS_BUCKET", "pg-thumbnails"),
    ("AWS_REGION", "eu-west-1"),
    ("AWS_ACCESS_KEY_ID", "ASIAEXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "secret"),
];

fn id(number: usize) -> String {
    format!("01ARZ3NDEKTSV4RRFFQ69G5{number:03}")
}

fn row(number: usize) -> Value {
    json!({
        "photoId": {"S": id(number)}, "listing": {"S": "photos"}, "filename": {"S": "été.jpg"},
        "uploadDate": {"S": "2026-11-23T10:00:00Z"}, "fileSize": {"N": "12"}, "contentType": {"S": "image/jpeg"},
        "width": {"N": "30"}, "height": {"N": "40"}, "status": {"S": "ready"},
        "thumbnailKey": {"S": format!("{}.jpg", id(number))},
    })
}

/// A table of so many rows, answering as DynamoDB does: with a last key whenever it stopped at the limit.
fn table_of(rows: usize) -> FakeAws {
    FakeAws::new(move |call: &Call| {
        let query = call.json();
        let below = query["ExclusiveStartKey"]["photoId"]["S"]
            .as_str()
            .map_or(rows, |last| (0..rows).position(|number| id(number) == last).unwrap());
        let limit = usize::try_from(query["Limit"].as_u64().unwrap()).unwrap();
        let items: Vec<Value> = (0..below).rev().take(limit).map(row).collect();
        let last = (items.len() == limit)
            .then(|| json!({"photoId": items[limit - 1]["photoId"], "listing": {"S": "photos"}}));
        Answer::ok(json!({"Items": items, "LastEvaluatedKey": last}).to_string())
    })
}

async fn get(aws: &FakeAws, query: Value) -> (u16, Value) {
    let list = List::new(&Settings::from_table(SETTINGS), aws.client()).unwrap();
    let event = serde_json::from_value(json!({"httpMethod": "GET", "queryStringParameters": query})).unwrap();
    let response = list.answer(event).await;
    (response.status_code, serde_json::from_str(&response.body).unwrap())
}

/// At a time, by a process with a secret of its own, for a caller that has a version already.
async fn page(rows: usize, now: &str, secret: &str, known: Option<&str>) -> Response {
    let mut settings = SETTINGS.to_vec();
    settings.retain(|(name, _)| *name != "AWS_SECRET_ACCESS_KEY");
    settings.push(("AWS_SECRET_ACCESS_KEY", secret));
    let list = List::new(&Settings::from_table(&settings), table_of(rows).client()).unwrap();
    let event = json!({"httpMethod": "GET", "headers": {"If-None-Match": known}});
    let event: Event = serde_json::from_value(event).unwrap();
    list.edge.answer(event, async |request| list.page(request, now.parse().unwrap()).await).await
}

#[tokio::test]
async fn pages_cover_every_photo_once_and_the_last_is_not_empty() {
    for (rows, pages) in [(0, 1), (1, 1), (9, 1), (10, 1), (11, 2), (20, 2), (25, 3)] {
        let aws = table_of(rows);
        let (mut seen, mut cursor, mut count) = (Vec::new(), Value::Null, 0);
        loop {
            let (status, page) = get(&aws, json!({"limit": "10", "cursor": cursor})).await;
            assert_eq!(status, 200);
            count += 1;
            seen.extend(
                page["photos"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|photo| photo["photoId"].as_str().unwrap().to_owned()),
            );
            cursor = page["nextCursor"].clone();
            if cursor.is_null() {
                break;
            }
        }
        assert_eq!(seen, (0..rows).rev().map(id).collect::<Vec<_>>(), "newest first");
        assert_eq!(count, pages, "{rows} rows");
        assert!(aws.operations().iter().all(|operation| operation == "DynamoDB Query"));
    }
}

#[tokio::test]
async fn a_ready_photo_has_links_of_its_proven_type() {
    let (_, page) = get(&table_of(1), Value::Null).await;
    let photo = &page["photos"][0];
    assert_eq!(photo["width"], 30);
    let url = photo["url"].as_str().unwrap();
    assert!(url.starts_with(&format!("https://pg-photos.s3.eu-west-1.amazonaws.com/photos/{}?", id(0))));
    assert!(
        url.contains("response-content-type=image%2Fjpeg")
            && url.contains("response-content-disposition=inline")
    );
    let thumbnail = photo["thumbnailUrl"].as_str().unwrap();
    assert!(
        thumbnail.starts_with(&format!("https://pg-thumbnails.s3.eu-west-1.amazonaws.com/{}.jpg?", id(0)))
    );
}

#[tokio::test]
async fn what_the_camera_said_is_told_and_nothing_is_made_up() {
    let mut told = row(0);
    for (name, value) in [
        ("takenAt", json!({"S": "2026-07-04T18:30:00"})),
        ("camera", json!({"S": "Canon EOS R5"})),
        ("lens", json!({"S": "EF35mm f/2"})),
        ("exposureTime", json!({"S": "1/250"})),
        ("fNumber", json!({"N": "2.8"})),
        ("iso", json!({"N": "200"})),
        ("focalLengthMm", json!({"N": "35"})),
    ] {
        told[name] = value;
    }
    let items = json!({"Items": [told, row(1)]}).to_string();
    let (_, page) = get(&FakeAws::new(move |_| Answer::ok(items.clone())), Value::Null).await;
    let photo = &page["photos"][0];
    let exposure = [&photo["exposureTime"], &photo["fNumber"], &photo["iso"], &photo["focalLengthMm"]];
    assert_eq!(json!(exposure), json!(["1/250", 2.8, 200, 35.0]));
    assert_eq!(
        [&photo["takenAt"], &photo["camera"], &photo["lens"]],
        ["2026-07-04T18:30:00", "Canon EOS R5", "EF35mm f/2"]
    );
    assert!(page["photos"][1].get("takenAt").is_none() && page["photos"][1].get("iso").is_none());
}

#[tokio::test]
async fn a_photo_has_its_renditions_by_size_and_a_placeholder() {
    let mut made = row(0);
    made["width"] = json!({"N": "4000"});
    made["height"] = json!({"N": "3000"});
    made["renditions"] = json!({"NS": ["2048", "1024"]});
    made["thumbhash"] = json!({"S": "3OcRJYB4d3h/iIeHeEh3eIhw+j2w"});
    made["dominantColor"] = json!({"S": "#3a6ea5"});
    let items = json!({"Items": [made, row(1)]}).to_string();
    let (_, page) = get(&FakeAws::new(move |_| Answer::ok(items.clone())), Value::Null).await;
    let [photo, earlier] = &page["photos"].as_array().unwrap()[..] else { panic!("{page:#}") };
    assert_eq!([&photo["thumbhash"], &photo["dominantColor"]], ["3OcRJYB4d3h/iIeHeEh3eIhw+j2w", "#3a6ea5"]);
    let renditions = photo["renditions"].as_array().unwrap();
    let sizes: Vec<_> =
        renditions.iter().map(|rendition| (&rendition["width"], &rendition["height"])).collect();
    assert_eq!(json!(sizes), json!([[1024, 768], [2048, 1536]]), "the smallest first");
    for (rendition, edge) in renditions.iter().zip(["1024", "2048"]) {
        let link = format!("https://pg-thumbnails.s3.eu-west-1.amazonaws.com/{}-{edge}.jpg?", id(0));
        assert!(rendition["url"].as_str().unwrap().starts_with(&link), "{rendition}");
    }
    for name in ["renditions", "thumbhash", "dominantColor"] {
        assert!(earlier.get(name).is_none(), "{name} of a photo that was made without");
    }
}

#[tokio::test]
async fn a_failed_photo_has_a_reason_and_no_links() {
    let mut failed = row(0);
    failed["status"] = json!({"S": "failed"});
    failed["reason"] = json!({"S": "This is not an image."});
    let items = json!({"Items": [failed, {"photoId": {"S": "odd row"}}]}).to_string();
    let (_, page) = get(&FakeAws::new(move |_| Answer::ok(items.clone())), Value::Null).await;
    assert_eq!(page["photos"].as_array().unwrap().len(), 1, "rows of others are skipped");
    let photo = &page["photos"][0];
    assert_eq!(
        (photo["status"].as_str(), photo["reason"].as_str()),
        (Some("failed"), Some("This is not an image."))
    );
    assert!(photo.get("url").is_none() && photo.get("thumbnailUrl").is_none());
}

#[tokio::test]
async fn odd_parameters_are_refused_before_any_query() {
    let aws = table_of(1);
    for limit in ["0", "101", "-1", "+5", "1.5", "", "x", "99999999999999999999", "１"] {
        let (status, answer) = get(&aws, json!({"limit": limit})).await;
        assert_eq!((status, answer["code"].as_str()), (400, Some("InvalidLimit")), "{limit}");
    }
    let (status, answer) = get(&aws, json!({"cursor": "x"})).await;
    assert_eq!((status, answer["code"].as_str()), (400, Some("InvalidCursor")));
    assert!(aws.operations().is_empty());
}

#[tokio::test]
async fn an_error_of_the_table_is_ours_and_tells_nothing() {
    let aws = FakeAws::new(|_| Answer::dynamodb_error("AccessDeniedException"));
    let (status, answer) = get(&aws, Value::Null).await;
    assert_eq!((status, answer["code"].as_str()), (500, Some("Internal")));
    assert!(!answer.to_string().contains("Denied"));
}

#[tokio::test]
async fn a_page_that_the_caller_has_is_not_sent_again() {
    let first = page(3, "2026-11-23T10:00:00Z", "a", None).await;
    let tag = first.headers["ETag"].clone();
    assert!(tag.starts_with("W/\"") && first.headers["Cache-Control"] == "private, no-cache", "{first:?}");
    // Another process signs otherwise, but the caller's links are as good as its own.
    let again = page(3, "2026-11-23T10:14:59Z", "b", Some(&tag)).await;
    assert_eq!((again.status_code, again.body.as_str(), &again.headers["ETag"]), (304, "", &tag));
    assert_eq!(again.headers["Cache-Control"], "private, no-cache");
}

#[tokio::test]
async fn another_photo_or_another_quarter_of_an_hour_makes_another_page() {
    let tag = page(3, "2026-11-23T10:00:00Z", "a", None).await.headers["ETag"].clone();
    for (rows, now) in [(4, "2026-11-23T10:00:00Z"), (3, "2026-11-23T10:15:00Z")] {
        let other = page(rows, now, "a", Some(&tag)).await;
        assert_eq!(other.status_code, 200);
        assert_ne!(other.headers["ETag"], tag);
    }
}

#[tokio::test]
async fn the_tag_tells_renditions_apart_and_not_the_order_that_dynamodb_gives_them_in() {
    let tag = async |renditions: Value| {
        let mut made = row(0);
        made["renditions"] = renditions;
        let items = json!({"Items": [made]}).to_string();
        let aws = FakeAws::new(move |_| Answer::ok(items.clone()));
        let list = List::new(&Settings::from_table(SETTINGS), aws.client()).unwrap();
        let request = async |request: &Request| list.page(request, Timestamp::UNIX_EPOCH).await;
        let event = serde_json::from_value(json!({"httpMethod": "GET"})).unwrap();
        list.edge.answer(event, request).await.headers["ETag"].clone()
    };
    let both = tag(json!({"NS": ["1024", "2048"]})).await;
    assert_eq!(tag(json!({"NS": ["2048", "1024"]})).await, both);
    assert_ne!(tag(json!({"NS": ["1024"]})).await, both);
}

#[tokio::test]
async fn pages_of_the_same_quarter_of_an_hour_are_equal_byte_by_byte() {
    let of = async |now| page(3, now, "a", None).await.body;
    assert_eq!(of("2026-11-23T10:00:00Z").await, of("2026-11-23T10:14:59Z").await);
    assert_ne!(of("2026-11-23T10:00:00Z").await, of("2026-11-23T10:15:00Z").await);
}

#[test]
fn links_made_close_together_are_equal_and_never_from_the_future() {
    let now: Timestamp = "2026-11-23T10:14:59Z".parse().unwrap();
    assert_eq!(floor(now).to_string(), "2026-11-23T10:00:00Z");
}

//! `GET /photos?limit&cursor` -> `{photos: […], nextCursor}`, newest first.
//!
//! One query of the index `newest-first` a page, never a scan. Links are signed here without a call to S3.
//!
//! A caller that has this page already gets 304 and no signing is done. What makes a page the same are its photos and the quarter of
//! an hour that its links are from, not their signatures, which differ between processes: hence a weak tag. A caller whose page is
//! still right keeps its links, and its browser the images behind them.

use functions_core::client::Client;
use functions_core::client::dynamodb::{Attribute, Item};
use functions_core::contract::{FunctionName, LINK_EXPIRES_SECONDS, env, table};
use functions_core::http::{Edge, Event, Request, Response, is_known};
use functions_core::lambda::{Error, chain};
use functions_core::photo_id::PhotoId;
use functions_core::problem::{Code, Problem};
use functions_core::s3_address::{BucketAddress, S3Address};
use functions_core::settings::Settings;
use functions_core::sign::{Credentials, Signer};
use functions_core::{cursor, disposition, metrics};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::photo::{Photo, Row};

const DEFAULT_LIMIT: u8 = 60;
const MAX_LIMIT: u8 = 100;
/// Links made within the same quarter of an hour are equal, so that a browser which lists again finds the images in its
/// cache. They live that much longer, so none has less than its promised time left.
const LINK_STEP_SECONDS: u32 = 900;
/// A browser keeps the page, and asks each time whether it is still right. Nobody between keeps it: links are keys.
const CACHE_CONTROL: &str = "private, no-cache";

/// The function's state.
#[derive(Debug)]
pub(crate) struct List {
    edge: Edge,
    table: String,
    photos_bucket: String,
    thumbnails_bucket: String,
    s3: S3Address,
    credentials: Credentials,
    aws: Client,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    photos: Vec<Photo>,
    next_cursor: Option<String>,
}

/// What `Query` answers.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Found {
    #[serde(default)]
    items: Vec<Item>,
    last_evaluated_key: Option<Item>,
}

impl List {
    pub(crate) fn start(settings: &Settings<'_>) -> Result<Self, Error> {
        Self::new(settings, Client::new(settings)?)
    }

    fn new(settings: &Settings<'_>, aws: Client) -> Result<Self, Error> {
        Ok(Self {
            edge: Edge::of(FunctionName::List, settings.allowed_origins()).ok_or("list has no route")?,
            table: settings.required(env::TABLE)?,
            photos_bucket: settings.required(env::PHOTOS_BUCKET)?,
            thumbnails_bucket: settings.required(env::THUMBNAILS_BUCKET)?,
            s3: settings.s3_address()?,
            credentials: settings.credentials()?,
            aws,
        })
    }

    pub(crate) async fn answer(&self, event: Event) -> Response {
        self.edge.answer(event, async |request| self.page(request, Timestamp::now()).await).await
    }

    async fn page(&self, request: &Request, now: Timestamp) -> Result<Response, Problem> {
        let limit = limit(request.query("limit"))?;
        let after = request.query("cursor").map(cursor::read).transpose()?;
        let query = self.query(limit, after);
        let (mut items, mut more) = metrics::stage("QueryMilliseconds", query).await?;
        // One more than the page was asked for: it tells whether there is a next page, so no page is ever empty.
        if items.len() > usize::from(limit) {
            items.truncate(usize::from(limit));
            more = true;
        }
        let last =
            items.last().and_then(|item| item.get(table::PHOTO_ID)?.as_text()?.parse::<PhotoId>().ok());
        let next_cursor = last.filter(|_| more).map(cursor::after);
        let rows: Vec<Row> = items.iter().filter_map(Row::read).collect();
        metrics::count("Photos", rows.len() as u64);
        let signed_at = floor(now);
        let entity_tag = entity_tag(&rows, next_cursor.as_deref(), signed_at);
        let known = is_known(&entity_tag, request.header("if-none-match"));
        tracing::info!(photos = rows.len(), more, known, "listed");
        let response = if known {
            Response::empty(304)
        } else {
            let page = metrics::stage("SignMilliseconds", async { self.signed(rows, signed_at) }).await;
            Response::json(200, &Page { photos: page, next_cursor })?
        };
        Ok(response.with("ETag", entity_tag).with("Cache-Control", CACHE_CONTROL))
    }

    /// Up to one row more than the limit, and whether DynamoDB stopped early (at 1 MB, which rows of ours never reach).
    async fn query(&self, limit: u8, after: Option<PhotoId>) -> Result<(Vec<Item>, bool), Problem> {
        let listing = Attribute::text(table::LISTING_VALUE);
        let mut query = json!({
            "TableName": self.table,
            "IndexName": table::NEWEST_FIRST,
            "KeyConditionExpression": "#listing = :listing",
            "ExpressionAttributeNames": {"#listing": table::LISTING},
            "ExpressionAttributeValues": {":listing": listing},
            "ScanIndexForward": false,
            "Limit": u16::from(limit) + 1,
        });
        if let Some(id) = after {
            let id = Attribute::text(id.to_string());
            query["ExclusiveStartKey"] = json!({table::LISTING: listing, table::PHOTO_ID: id});
        }
        let found: Found = self.aws.dynamodb("Query", &query).await.map_err(|error| {
            tracing::error!(error = chain(&error), "failed to query the table");
            Problem::internal()
        })?;
        let stopped_early = found.last_evaluated_key.is_some() && found.items.len() <= usize::from(limit);
        Ok((found.items, stopped_early))
    }

    fn signed(&self, rows: Vec<Row>, signed_at: Timestamp) -> Vec<Photo> {
        let links = Links {
            signer: Signer::new(&self.credentials, self.s3.region(), signed_at),
            photos: self.s3.bucket(&self.photos_bucket),
            thumbnails: self.s3.bucket(&self.thumbnails_bucket),
        };
        rows.into_iter().map(|row| links.of(row)).collect()
    }
}

/// Makes the links of a page.
struct Links<'a> {
    signer: Signer<'a>,
    photos: BucketAddress,
    thumbnails: BucketAddress,
}

impl Links<'_> {
    fn of(&self, row: Row) -> Photo {
        let Row { id, filename, thumbnail_key, mut photo } = row;
        let Some(thumbnail_key) = thumbnail_key else { return photo };
        let expires = LINK_EXPIRES_SECONDS + LINK_STEP_SECONDS;
        photo.thumbnail_url = Some(self.signer.link(&self.thumbnails, &thumbnail_key, &[], expires));
        // The stored object says the same; said again here, no old object can be served as anything but an image.
        let disposition = disposition::inline(&filename);
        let response = [
            ("response-content-disposition", disposition.as_str()),
            ("response-content-type", photo.content_type.as_str()),
        ];
        photo.url = Some(self.signer.link(&self.photos, &id.photo_key(), &response, expires));
        photo
    }
}

/// Of everything in the page but the signatures.
fn entity_tag(rows: &[Row], next_cursor: Option<&str>, signed_at: Timestamp) -> String {
    let photos: Vec<_> = rows.iter().map(|row| (&row.photo, &row.thumbnail_key)).collect();
    let content = serde_json::to_vec(&(photos, next_cursor, signed_at.as_second())).unwrap_or_default();
    let digest = Sha256::digest(&content);
    format!("W/\"{:032x}\"", u128::from_be_bytes(std::array::from_fn(|index| digest[index])))
}

fn limit(text: Option<&str>) -> Result<u8, Problem> {
    let Some(text) = text else { return Ok(DEFAULT_LIMIT) };
    // Digits only: `parse` alone would take a sign.
    let digits = text.len() <= 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    let limit = text.parse().ok().filter(|limit| digits && (1..=MAX_LIMIT).contains(limit));
    limit.ok_or_else(|| {
        Problem::new(Code::InvalidLimit, format!("Give a whole number from 1 to {MAX_LIMIT}."))
    })
}

fn floor(now: Timestamp) -> Timestamp {
    let step = i64::from(LINK_STEP_SECONDS);
    Timestamp::from_second(now.as_second().div_euclid(step) * step).unwrap_or(now)
}

#[cfg(test)]
mod tests {
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
        let event =
            serde_json::from_value(json!({"httpMethod": "GET", "queryStringParameters": query})).unwrap();
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
            thumbnail
                .starts_with(&format!("https://pg-thumbnails.s3.eu-west-1.amazonaws.com/{}.jpg?", id(0)))
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
        assert!(
            tag.starts_with("W/\"") && first.headers["Cache-Control"] == "private, no-cache",
            "{first:?}"
        );
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
}

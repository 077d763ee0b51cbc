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

use crate::photo::{Photo, Rendition, Row, Stored};

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
        let Row { id, filename, thumbnail_key, renditions, mut photo } = row;
        let Some(thumbnail_key) = thumbnail_key else { return photo };
        let expires = LINK_EXPIRES_SECONDS + LINK_STEP_SECONDS;
        let thumbnails = |key: &str| self.signer.link(&self.thumbnails, key, &[], expires);
        photo.thumbnail_url = Some(thumbnails(&thumbnail_key));
        photo.renditions = renditions
            .into_iter()
            .map(|Stored { width, height, key }| Rendition { width, height, url: thumbnails(&key) })
            .collect();
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
    let photos: Vec<_> = rows.iter().map(|row| (&row.photo, &row.thumbnail_key, &row.renditions)).collect();
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
mod tests;

//! Photos, put straight into buckets and table by the account's root: what counts is how long they take to go.

use anyhow::{Context as _, Result};
use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use futures::{StreamExt as _, TryStreamExt as _};

use crate::local_aws::Clients;

/// Requests at once.
const PARALLEL: usize = 16;
/// AWS takes no more in one call.
const ROWS_AT_ONCE: usize = 25;

/// Where a gallery keeps its photos.
#[derive(Debug)]
pub(super) struct Places {
    pub(super) photos: String,
    pub(super) thumbnails: String,
    pub(super) table: String,
}

/// So many photos, each with its thumbnail and its row.
pub(super) async fn put(aws: &Clients, places: &Places, count: usize) -> Result<()> {
    let Places { photos, thumbnails, table } = places;
    let objects = (0..count).flat_map(|number| {
        [(photos, format!("photos/{}", id(number))), (thumbnails, format!("{}.jpg", id(number)))]
    });
    let puts = futures::stream::iter(objects).map(|(bucket, key)| async move {
        let call = aws.s3.put_object().bucket(bucket).key(key).body(vec![0; 1024].into());
        call.send().await.map(drop).context("failed to put a photo")
    });
    puts.buffer_unordered(PARALLEL).try_collect::<()>().await?;
    let numbers: Vec<_> = (0..count).collect();
    for numbers in numbers.chunks(ROWS_AT_ONCE) {
        let rows = numbers.iter().map(|number| row(*number)).collect::<Result<Vec<_>>>()?;
        aws.dynamodb.batch_write_item().request_items(table, rows).send().await?;
    }
    Ok(())
}

/// As long as a ULID, and sorted like one.
fn id(number: usize) -> String {
    format!("01BENCH{number:019}")
}

fn row(number: usize) -> Result<WriteRequest> {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let put = PutRequest::builder()
        .item("photoId", text(&id(number)))
        .item("listing", text("photos"))
        .item("filename", text("photo.jpg"))
        .item("status", text("ready"))
        .build()?;
    Ok(WriteRequest::builder().put_request(put).build())
}

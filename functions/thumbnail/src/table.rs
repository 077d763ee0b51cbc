//! The photo's row.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::ProvideErrorMetadata as _;
use aws_sdk_dynamodb::types::AttributeValue;
use functions_core::content_type::ContentType;
use functions_core::contract::table;
use functions_core::filename::Filename;
use functions_core::photo_id::PhotoId;
use functions_imaging::Details;

use crate::handler::Failure;

const READY: &str = "ready";
const FAILED: &str = "failed";

/// The gallery's table.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) client: Client,
    pub(crate) name: String,
}

/// A row to write.
#[derive(Debug)]
pub(crate) struct Row<'a> {
    pub(crate) id: PhotoId,
    pub(crate) filename: &'a Filename,
    pub(crate) file_size: u64,
    pub(crate) content_type: Option<ContentType>,
    pub(crate) outcome: Outcome<'a>,
}

/// What became of the file.
#[derive(Debug)]
pub(crate) enum Outcome<'a> {
    /// Dimensions are those of the upright photo.
    Ready {
        width: u32,
        height: u32,
        thumbnail_key: &'a str,
        details: &'a Details,
    },
    Failed {
        reason: &'a str,
    },
}

impl Row<'_> {
    fn item(&self) -> HashMap<String, AttributeValue> {
        let text = |value: &str| AttributeValue::S(value.to_owned());
        let number = |value: u64| AttributeValue::N(value.to_string());
        let mut item = vec![
            (table::PHOTO_ID, text(&self.id.to_string())),
            (table::LISTING, text(table::LISTING_VALUE)),
            (table::FILENAME, text(self.filename.as_str())),
            (table::UPLOAD_DATE, text(&self.id.created().to_string())),
            (table::FILE_SIZE, number(self.file_size)),
            (
                table::CONTENT_TYPE,
                text(self.content_type.map_or("application/octet-stream", ContentType::as_str)),
            ),
        ];
        match self.outcome {
            Outcome::Ready { width, height, thumbnail_key, details } => {
                item.extend([
                    (table::WIDTH, number(width.into())),
                    (table::HEIGHT, number(height.into())),
                    (table::THUMBNAIL_KEY, text(thumbnail_key)),
                    (table::STATUS, text(READY)),
                ]);
                item.extend(told(details));
            }
            Outcome::Failed { reason } => {
                item.extend([(table::STATUS, text(FAILED)), (table::REASON, text(reason))]);
            }
        }
        item.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// What the file says of how it was taken, as far as it does.
fn told(details: &Details) -> impl Iterator<Item = (&'static str, AttributeValue)> {
    let Details { taken_at, camera, lens, exposure_time, f_number, iso, focal_length_mm } = details;
    let text = |value: &Option<String>| value.clone().map(AttributeValue::S);
    let number = |value: &Option<f64>| value.map(|value| AttributeValue::N(value.to_string()));
    [
        (table::TAKEN_AT, text(taken_at)),
        (table::CAMERA, text(camera)),
        (table::LENS, text(lens)),
        (table::EXPOSURE_TIME, text(exposure_time)),
        (table::F_NUMBER, number(f_number)),
        (table::ISO, iso.map(|iso| AttributeValue::N(iso.to_string()))),
        (table::FOCAL_LENGTH_MM, number(focal_length_mm)),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
}

impl Table {
    /// Whether the photo is in the gallery already.
    pub(crate) async fn is_ready(&self, id: PhotoId) -> Result<bool, Failure> {
        let read = self
            .client
            .get_item()
            .table_name(&self.name)
            .key(table::PHOTO_ID, AttributeValue::S(id.to_string()))
            .projection_expression("#status")
            .expression_attribute_names("#status", table::STATUS)
            .consistent_read(true);
        let item = read.send().await.map_err(|error| Failure::new("read the row", error))?.item;
        Ok(item.is_some_and(|item| {
            item.get(table::STATUS)
                .and_then(|status| status.as_s().ok())
                .is_some_and(|status| status == READY)
        }))
    }

    /// Writes the row, unless the photo is ready already: a late duplicate must not spoil it.
    pub(crate) async fn write(&self, row: &Row<'_>) -> Result<(), Failure> {
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(row.item()))
            .condition_expression("attribute_not_exists(#id) OR #status <> :ready")
            .expression_attribute_names("#id", table::PHOTO_ID)
            .expression_attribute_names("#status", table::STATUS)
            .expression_attribute_values(":ready", AttributeValue::S(READY.into()));
        match put.send().await {
            Ok(_) => Ok(()),
            Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(()),
            Err(error) => Err(Failure::new("write the row", error)),
        }
    }
}

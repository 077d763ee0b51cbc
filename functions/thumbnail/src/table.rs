//! The photo's row.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use functions_core::client::Client;
use functions_core::client::dynamodb::{Attribute, Item};
use functions_core::content_type::ContentType;
use functions_core::contract::table;
use functions_core::filename::Filename;
use functions_core::photo_id::PhotoId;
use functions_imaging::{Details, Placeholder};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::handler::Failure;

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
    /// Bytes.
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
        /// Long edges in pixels.
        renditions: &'a [u32],
        placeholder: &'a Placeholder,
        details: &'a Details,
    },
    Failed {
        reason: &'a str,
    },
}

/// What a row may say that this function does not change any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settled {
    Ready,
    Deleted,
}

/// What `GetItem` answers.
#[derive(Debug, Deserialize)]
struct Found {
    #[serde(rename = "Item", default)]
    row: Item,
}

impl Row<'_> {
    fn item(&self) -> Item {
        let text = |value: &str| Attribute::text(value);
        let number = |value: u64| Attribute::number(&value);
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
            Outcome::Ready { width, height, thumbnail_key, renditions, placeholder, details } => {
                let Placeholder { thumbhash, color: [red, green, blue] } = placeholder;
                item.extend([
                    (table::WIDTH, number(width.into())),
                    (table::HEIGHT, number(height.into())),
                    (table::THUMBNAIL_KEY, text(thumbnail_key)),
                    (table::THUMBHASH, text(&STANDARD.encode(thumbhash))),
                    (table::DOMINANT_COLOR, text(&format!("#{red:02x}{green:02x}{blue:02x}"))),
                    (table::STATUS, text(table::READY)),
                ]);
                // A set is never empty.
                if !renditions.is_empty() {
                    item.push((table::RENDITIONS, Attribute::numbers(renditions)));
                }
                item.extend(told(details));
            }
            Outcome::Failed { reason } => {
                item.extend([(table::STATUS, text(table::FAILED)), (table::REASON, text(reason))]);
            }
        }
        item.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// What the file says of how it was taken, as far as it does.
fn told(details: &Details) -> impl Iterator<Item = (&'static str, Attribute)> {
    let Details { taken_at, camera, lens, exposure_time, f_number, iso, focal_length_mm } = details;
    let text = |value: &Option<String>| value.clone().map(Attribute::text);
    let number = |value: &Option<f64>| value.as_ref().map(Attribute::number);
    [
        (table::TAKEN_AT, text(taken_at)),
        (table::CAMERA, text(camera)),
        (table::LENS, text(lens)),
        (table::EXPOSURE_TIME, text(exposure_time)),
        (table::F_NUMBER, number(f_number)),
        (table::ISO, iso.as_ref().map(Attribute::number)),
        (table::FOCAL_LENGTH_MM, number(focal_length_mm)),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
}

impl Settled {
    fn of(row: &Item) -> Option<Self> {
        match row.get(table::STATUS)?.as_text()? {
            table::READY => Some(Self::Ready),
            table::DELETED => Some(Self::Deleted),
            _ => None,
        }
    }
}

impl Table {
    /// Whether nothing is left to decide about the photo.
    pub(crate) async fn settled(&self, id: PhotoId) -> Result<Option<Settled>, Failure> {
        let read = json!({
            "TableName": self.name,
            "Key": {table::PHOTO_ID: Attribute::text(id.to_string())},
            "ProjectionExpression": "#status",
            "ExpressionAttributeNames": {"#status": table::STATUS},
            "ConsistentRead": true,
        });
        let found: Found =
            self.client.dynamodb("GetItem", &read).await.map_err(Failure::calling("read the row"))?;
        Ok(Settled::of(&found.row))
    }

    /// Writes the row, unless the photo is ready or deleted already: then it stays as it is, and the answer is which of them.
    pub(crate) async fn write(&self, row: &Row<'_>) -> Result<Option<Settled>, Failure> {
        let put = json!({
            "TableName": self.name,
            "Item": row.item(),
            "ConditionExpression": "attribute_not_exists(#id) OR NOT #status IN (:ready, :deleted)",
            "ExpressionAttributeNames": {"#id": table::PHOTO_ID, "#status": table::STATUS},
            "ExpressionAttributeValues": {
                ":ready": Attribute::text(table::READY),
                ":deleted": Attribute::text(table::DELETED),
            },
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        });
        match self.client.dynamodb::<Value>("PutItem", &put).await {
            Ok(_) => Ok(None),
            Err(error) if error.code() == Some("ConditionalCheckFailedException") => {
                let settled = error.row().and_then(Settled::of);
                // It is one of the two, or the condition would hold.
                settled.map(Some).ok_or_else(|| Failure::calling("write the row")(error))
            }
            Err(error) => Err(Failure::calling("write the row")(error)),
        }
    }
}

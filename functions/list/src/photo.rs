//! A row of the table, as the page gets it.

use std::str::FromStr;

use functions_core::client::dynamodb::Item;
use functions_core::contract::table;
use functions_core::filename::Filename;
use functions_core::photo_id::PhotoId;
use serde::Serialize;

/// One photo of the answer. Absent values are left out.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the names of the answer")]
pub(crate) struct Photo {
    pub(crate) photo_id: String,
    pub(crate) filename: String,
    upload_date: String,
    file_size: u64,
    pub(crate) content_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    taken_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    camera: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lens: Option<String>,
    /// In seconds, such as `1/250`.
    #[serde(skip_serializing_if = "Option::is_none")]
    exposure_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    f_number: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iso: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    focal_length_mm: Option<f64>,
    status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) thumbnail_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
}

/// A row, read.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) id: PhotoId,
    pub(crate) filename: Filename,
    /// Only photos that are ready have one, and so links.
    pub(crate) thumbnail_key: Option<String>,
    pub(crate) photo: Photo,
}

impl Row {
    /// `None` for a row that our functions did not write: better one photo missing than no page.
    pub(crate) fn read(item: &Item) -> Option<Self> {
        let id: PhotoId = text(item, table::PHOTO_ID)?.parse().ok()?;
        let filename = Filename::clean(&text(item, table::FILENAME)?)?;
        let status = text(item, table::STATUS)?;
        let thumbnail_key = text(item, table::THUMBNAIL_KEY).filter(|_| status == "ready");
        let photo = Photo {
            photo_id: id.to_string(),
            filename: filename.to_string(),
            upload_date: text(item, table::UPLOAD_DATE)?,
            file_size: number(item, table::FILE_SIZE)?,
            content_type: text(item, table::CONTENT_TYPE)?,
            width: number(item, table::WIDTH),
            height: number(item, table::HEIGHT),
            taken_at: text(item, table::TAKEN_AT),
            camera: text(item, table::CAMERA),
            lens: text(item, table::LENS),
            exposure_time: text(item, table::EXPOSURE_TIME),
            f_number: number(item, table::F_NUMBER),
            iso: number(item, table::ISO),
            focal_length_mm: number(item, table::FOCAL_LENGTH_MM),
            status,
            reason: text(item, table::REASON),
            thumbnail_url: None,
            url: None,
        };
        Some(Self { id, filename, thumbnail_key, photo })
    }
}

fn text(item: &Item, name: &str) -> Option<String> {
    Some(item.get(name)?.as_text()?.to_owned())
}

fn number<T: FromStr>(item: &Item, name: &str) -> Option<T> {
    item.get(name)?.as_number()?.parse().ok()
}

//! A row of the table, as the page gets it.

use std::str::FromStr;

use functions_core::client::dynamodb::{Attribute, Item};
use functions_core::content_type::ThumbnailFormat;
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
    /// What to show until there is a picture: a [ThumbHash](https://evanw.github.io/thumbhash/), base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    thumbhash: Option<String>,
    /// `#rrggbb`.
    #[serde(skip_serializing_if = "Option::is_none")]
    dominant_color: Option<String>,
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
    /// Sizes between the thumbnail and the original, the smallest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) renditions: Vec<Rendition>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
}

/// A larger picture than the thumbnail.
#[derive(Debug, Serialize)]
pub(crate) struct Rendition {
    /// Pixels.
    pub(crate) width: u32,
    /// Pixels.
    pub(crate) height: u32,
    pub(crate) url: String,
}

/// A row, read.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) id: PhotoId,
    pub(crate) filename: Filename,
    /// Only photos that are ready have one, and so links.
    pub(crate) thumbnail_key: Option<String>,
    /// The smallest first.
    pub(crate) renditions: Vec<Stored>,
    pub(crate) photo: Photo,
}

/// A rendition in the thumbnails bucket.
#[derive(Debug, Serialize)]
pub(crate) struct Stored {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) key: String,
}

impl Row {
    /// `None` for a row that our functions did not write: better one photo missing than no page.
    pub(crate) fn read(item: &Item) -> Option<Self> {
        let id: PhotoId = text(item, table::PHOTO_ID)?.parse().ok()?;
        let filename = Filename::clean(&text(item, table::FILENAME)?)?;
        let status = text(item, table::STATUS)?;
        let thumbnail_key = text(item, table::THUMBNAIL_KEY).filter(|_| status == table::READY);
        let (width, height) = (number(item, table::WIDTH), number(item, table::HEIGHT));
        let renditions = match (&thumbnail_key, width, height) {
            (Some(key), Some(width), Some(height)) => renditions(item, id, key, (width, height)),
            _ => Vec::new(),
        };
        let photo = Photo {
            photo_id: id.to_string(),
            filename: filename.to_string(),
            upload_date: text(item, table::UPLOAD_DATE)?,
            file_size: number(item, table::FILE_SIZE)?,
            content_type: text(item, table::CONTENT_TYPE)?,
            width,
            height,
            thumbhash: text(item, table::THUMBHASH),
            dominant_color: text(item, table::DOMINANT_COLOR),
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
            renditions: Vec::new(),
            url: None,
        };
        Some(Self { id, filename, thumbnail_key, renditions, photo })
    }
}

/// The renditions of a photo of this size. They are of the thumbnail's format: both were made at once.
fn renditions(item: &Item, id: PhotoId, thumbnail_key: &str, size: (u32, u32)) -> Vec<Stored> {
    let Some(format) = ThumbnailFormat::from_key(thumbnail_key) else { return Vec::new() };
    let edges = item.get(table::RENDITIONS).and_then(Attribute::as_numbers).unwrap_or_default();
    let mut edges: Vec<u32> = edges.iter().filter_map(|edge| edge.parse().ok()).collect();
    // A set has no order, but equal pages must be equal.
    edges.sort_unstable();
    let stored = |edge| {
        let (width, height) = fit(size, edge);
        Stored { width, height, key: id.rendition_key(edge, format) }
    };
    edges.into_iter().map(stored).collect()
}

/// Size of a picture with this long edge, rounded as `functions_imaging`'s `Target` does.
fn fit((width, height): (u32, u32), edge: u32) -> (u32, u32) {
    let scale = (f64::from(edge) / f64::from(width)).min(f64::from(edge) / f64::from(height)).min(1.0);
    (scaled(width, scale, edge), scaled(height, scale, edge))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and the side it came from"
)]
fn scaled(side: u32, scale: f64, edge: u32) -> u32 {
    ((f64::from(side) * scale).round() as u32).clamp(1, edge.max(1))
}

fn text(item: &Item, name: &str) -> Option<String> {
    Some(item.get(name)?.as_text()?.to_owned())
}

fn number<T: FromStr>(item: &Item, name: &str) -> Option<T> {
    item.get(name)?.as_number()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renditions_have_the_size_that_the_imaging_crate_gives_them() {
        for (size, edge, expected) in [
            ((6000, 4000), 1024, (1024, 683)),
            ((4000, 6000), 2048, (1365, 2048)),
            ((4032, 3024), 2048, (2048, 1536)),
            ((3000, 3000), 1024, (1024, 1024)),
            ((20_000, 3), 1024, (1024, 1)),
            ((800, 600), 1024, (800, 600)),
        ] {
            assert_eq!(fit(size, edge), expected, "{size:?} at {edge}");
        }
    }
}

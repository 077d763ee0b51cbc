//! What the operator and the functions agree on: names of functions, environment variables, routes, table and keys.
//!
//! The operator builds the AWS resources from these constants and the functions read them, so a rename is one edit and
//! neither side can drift. Nothing here does I/O or knows an AWS SDK.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One of the four Lambda functions of a gallery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum FunctionName {
    /// Signs an upload form: `POST /upload`.
    Upload,
    /// Lists photos, newest first: `GET /photos`.
    List,
    /// Deletes one photo: `DELETE /photos/{id}`.
    Delete,
    /// Checks an uploaded file, makes its thumbnail and its row: S3 event.
    Thumbnail,
}

impl FunctionName {
    /// Every function, in the order of a photo's life.
    pub const ALL: [Self; 4] = [Self::Upload, Self::List, Self::Delete, Self::Thumbnail];

    /// The binary's and the zip's name, and the last part of every AWS name made for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Upload => "upload",
            Self::List => "list",
            Self::Delete => "delete",
            Self::Thumbnail => "thumbnail",
        }
    }

    /// The environment variables this function reads, besides [`env::COMMON`] and Lambda's own.
    pub const fn environment(self) -> &'static [&'static str] {
        match self {
            Self::Upload => env::UPLOAD,
            Self::List => env::LIST,
            Self::Delete => env::DELETE,
            Self::Thumbnail => env::THUMBNAIL,
        }
    }
}

impl fmt::Display for FunctionName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Environment variables that the operator sets on the functions.
pub mod env {
    /// Log filter: `error`, `warn`, `info`, `debug`, `trace` or a `tracing` directive. Absent: `info`.
    pub const LOG: &str = "LOG";
    /// The gallery as Kubernetes knows it, `namespace/name`: a dimension of the metrics.
    pub const GALLERY: &str = "GALLERY";
    /// Name of the gallery's table.
    pub const TABLE: &str = "TABLE";
    /// Origins besides the gallery's own that may call the API from a browser; comma separated, may be empty.
    pub const ALLOWED_ORIGINS: &str = "ALLOWED_ORIGINS";

    /// Bucket of incoming files and checked originals.
    pub const PHOTOS_BUCKET: &str = "PHOTOS_BUCKET";
    /// Bucket of thumbnails.
    pub const THUMBNAILS_BUCKET: &str = "THUMBNAILS_BUCKET";
    /// Largest file a visitor may upload, in bytes.
    pub const MAX_UPLOAD_BYTES: &str = "MAX_UPLOAD_BYTES";
    /// Content types a visitor may upload; comma separated, a subset of [`super::CONTENT_TYPES`].
    pub const CONTENT_TYPES: &str = "CONTENT_TYPES";
    /// What becomes of an original's metadata: [`METADATA_CLEAN`] or [`METADATA_KEEP`].
    pub const METADATA: &str = "METADATA";
    /// Everything goes that is not the picture.
    pub const METADATA_CLEAN: &str = "Clean";
    /// The file stays as it was sent.
    pub const METADATA_KEEP: &str = "Keep";
    /// Box that a thumbnail fits in, in pixels.
    pub const MAX_WIDTH: &str = "MAX_WIDTH";
    /// Box that a thumbnail fits in, in pixels.
    pub const MAX_HEIGHT: &str = "MAX_HEIGHT";
    /// Thumbnail format: `JPEG` or `WEBP`.
    pub const FORMAT: &str = "FORMAT";
    /// Thumbnail quality, 1 to 100.
    pub const QUALITY: &str = "QUALITY";

    /// Set on every function.
    pub const COMMON: &[&str] = &[LOG, GALLERY, TABLE, ALLOWED_ORIGINS];
    /// Set on the upload function besides the common ones.
    pub const UPLOAD: &[&str] = &[PHOTOS_BUCKET, MAX_UPLOAD_BYTES, CONTENT_TYPES];
    /// Set on the list function besides the common ones.
    pub const LIST: &[&str] = &[PHOTOS_BUCKET, THUMBNAILS_BUCKET];
    /// Set on the delete function besides the common ones.
    pub const DELETE: &[&str] = &[PHOTOS_BUCKET, THUMBNAILS_BUCKET];
    /// Set on the thumbnail function besides the common ones.
    pub const THUMBNAIL: &[&str] = &[
        PHOTOS_BUCKET,
        THUMBNAILS_BUCKET,
        MAX_UPLOAD_BYTES,
        CONTENT_TYPES,
        METADATA,
        MAX_WIDTH,
        MAX_HEIGHT,
        FORMAT,
        QUALITY,
    ];
}

/// Name of the API's stage, and so the first path segment that CloudFront passes on.
pub const STAGE: &str = "api";

/// One method of the REST API, served by one function. `OPTIONS` of every path goes to that path's function too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// HTTP method.
    pub method: &'static str,
    /// Path below the stage, with API Gateway's `{name}` for parameters.
    pub path: &'static str,
    /// Who answers.
    pub function: FunctionName,
}

/// Name of the path parameter in `/photos/{id}`.
pub const PHOTO_ID_PARAMETER: &str = "id";

/// The whole API.
pub const ROUTES: [Route; 3] = [
    Route { method: "POST", path: "/upload", function: FunctionName::Upload },
    Route { method: "GET", path: "/photos", function: FunctionName::List },
    Route { method: "DELETE", path: "/photos/{id}", function: FunctionName::Delete },
];

/// Every content type the functions can handle.
pub const CONTENT_TYPES: [&str; 4] = ["image/jpeg", "image/png", "image/webp", "image/gif"];

/// Keys in the buckets.
pub mod key {
    /// Photos bucket: files as visitors sent them, `incoming/<photoId>`. Never served; leftovers expire.
    pub const INCOMING: &str = "incoming/";
    /// Photos bucket: originals that passed the checks, `photos/<photoId>`.
    pub const PHOTOS: &str = "photos/";
    /// Form field of the presigned POST that carries the file name, percent-encoded UTF-8; later a header of the object.
    pub const FILENAME_FIELD: &str = "x-amz-meta-filename";
    /// Suffix of JPEG pictures: `<photoId>.jpg` and `<photoId>-1024.jpg` in the thumbnails bucket.
    pub const JPEG_SUFFIX: &str = ".jpg";
    /// Suffix of WebP pictures: `<photoId>.webp` and `<photoId>-1024.webp` in the thumbnails bucket.
    pub const WEBP_SUFFIX: &str = ".webp";
}

/// Long edges of the pictures that are made beside the thumbnail, in pixels, the smallest first. A photo has those that are smaller
/// than itself and larger than its thumbnail.
pub const RENDITIONS: [u32; 2] = [1024, 2048];

/// The table: one row a photo.
pub mod table {
    /// Partition key (S), a ULID.
    pub const PHOTO_ID: &str = "photoId";
    /// Constant attribute (S), the index's partition key; see [`LISTING_VALUE`].
    pub const LISTING: &str = "listing";
    /// The one value of [`LISTING`].
    pub const LISTING_VALUE: &str = "photos";
    /// As the visitor named it (S).
    pub const FILENAME: &str = "filename";
    /// RFC 3339, UTC (S).
    pub const UPLOAD_DATE: &str = "uploadDate";
    /// Bytes of the original as it is kept (N).
    pub const FILE_SIZE: &str = "fileSize";
    /// Proven content type of the original (S); for a failed photo the claimed one.
    pub const CONTENT_TYPE: &str = "contentType";
    /// Pixels, after the rotation that the file asks for (N).
    pub const WIDTH: &str = "width";
    /// Pixels, after the rotation that the file asks for (N).
    pub const HEIGHT: &str = "height";
    /// When the photo was taken, by the camera's clock: RFC 3339, mostly without an offset (S). This and the next six only if the file
    /// says so.
    pub const TAKEN_AT: &str = "takenAt";
    /// Maker and model (S).
    pub const CAMERA: &str = "camera";
    /// Model of the lens (S).
    pub const LENS: &str = "lens";
    /// In seconds, such as `1/250` (S).
    pub const EXPOSURE_TIME: &str = "exposureTime";
    /// Such as 2.8 (N).
    pub const F_NUMBER: &str = "fNumber";
    /// Sensitivity (N).
    pub const ISO: &str = "iso";
    /// In millimetres (N).
    pub const FOCAL_LENGTH_MM: &str = "focalLengthMm";
    /// Key in the thumbnails bucket (S).
    pub const THUMBNAIL_KEY: &str = "thumbnailKey";
    /// Those of [`super::RENDITIONS`] that the photo has (NS); their keys follow from the edge and the thumbnail's key.
    pub const RENDITIONS: &str = "renditions";
    /// A picture of some 25 bytes to show until there is a better one: [ThumbHash](https://evanw.github.io/thumbhash/), base64 (S).
    pub const THUMBHASH: &str = "thumbhash";
    /// The colour that the photo has most of: `#rrggbb` (S).
    pub const DOMINANT_COLOR: &str = "dominantColor";
    /// [`READY`], [`FAILED`] or [`DELETED`] (S).
    pub const STATUS: &str = "status";
    /// The photo can be seen.
    pub const READY: &str = "ready";
    /// The file did not become a photo; [`REASON`] says why.
    pub const FAILED: &str = "failed";
    /// The photo was deleted. Such a row has a key and a status and nothing else, so that it is in no list; it stays, because S3 may
    /// deliver the event of the file once more, and without it that would bring the photo back.
    pub const DELETED: &str = "deleted";
    /// Why a photo failed, in plain words (S).
    pub const REASON: &str = "reason";

    /// Global secondary index: partition [`LISTING`], sort [`PHOTO_ID`] (a ULID sorts by time), projection ALL.
    pub const NEWEST_FIRST: &str = "newest-first";
}

/// How long an upload form may be used, in seconds.
pub const UPLOAD_EXPIRES_SECONDS: u32 = 300;
/// How long links to photos and thumbnails work, in seconds.
pub const LINK_EXPIRES_SECONDS: u32 = 3600;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_paths_are_unique() {
        for (index, name) in FunctionName::ALL.iter().enumerate() {
            assert!(FunctionName::ALL[index + 1..].iter().all(|other| other.as_str() != name.as_str()));
        }
        for (index, route) in ROUTES.iter().enumerate() {
            assert!(ROUTES[index + 1..].iter().all(|other| other.path != route.path), "one function a path");
        }
    }

    #[test]
    fn no_function_lists_a_common_variable_twice() {
        for name in FunctionName::ALL {
            assert!(name.environment().iter().all(|variable| !env::COMMON.contains(variable)));
        }
    }
}

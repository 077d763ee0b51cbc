//! What a gallery owner may ask for.
//!
//! Doc comments become `kubectl explain`; they say meaning, unit, range and default. Numbers are `i32` because the API server
//! warns about unsigned formats. Every string, list and map is bounded, which also keeps the rules inside the API server's
//! cost budget. Defaults live in `impl Default` (see the crate's documentation).

#![expect(
    clippy::doc_markdown,
    reason = "doc comments of fields are what `kubectl explain` prints: plain text"
)]

use std::collections::BTreeMap;

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{Display, IntoStaticStr};

use crate::{functions::Functions, rules, status::PhotoGalleryStatus};

/// The gallery you want: its title and Region, and as much of the rest as you care about.
#[derive(CustomResource, JsonSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
#[kube(
    group = "photogallery.dev",
    version = "v1alpha1",
    kind = "PhotoGallery",
    plural = "photogalleries",
    shortname = "pgal",
    category = "aws",
    namespaced,
    status = "PhotoGalleryStatus",
    derive = "PartialEq",
    doc = "A photo gallery on AWS: a web page behind CloudFront, an upload, list and delete API, thumbnails, and the buckets and table that keep the photos. Five lines make one: name, namespace, title and region.",
    selectable = ".spec.region",
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].status"#,
        description = "Whether visitors can use the gallery."
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].reason"#,
        description = "Why it is ready or not, in one word."
    ),
    printcolumn(name = "URL", type_ = "string", json_path = ".status.url", description = "Where visitors find the gallery."),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = Rule::new(rules::NAME).message(rules::NAME_MESSAGE)
)]
#[serde(rename_all = "camelCase")]
pub struct PhotoGallerySpec {
    /// The gallery's name as visitors see it, at the top of the page and in the browser's tab. 1 to 80 characters.
    #[schemars(length(max = 320), extend("x-kubernetes-validations" = rules::title()))]
    pub title: String,

    /// AWS Region that holds the photos, for example eu-west-1. Cannot be changed: photos do not move by themselves. To move,
    /// create a gallery in the new Region and copy the photos.
    #[schemars(length(max = 25), extend("x-kubernetes-validations" = rules::region()))]
    pub region: String,

    /// What visitors may upload, and how originals are kept.
    #[serde(default)]
    pub photos: Photos,

    /// Size and format of the pictures in the grid. A change applies to new uploads; existing thumbnails stay as they are.
    #[serde(default)]
    pub thumbnails: Thumbnails,

    /// The Lambda functions behind the gallery.
    #[serde(default)]
    pub functions: Functions,

    /// The HTTP API that the page calls.
    #[serde(default)]
    pub api: Api,

    /// The CloudFront distribution in front of page and API.
    #[serde(default)]
    pub cdn: Cdn,

    /// What happens to the photos when this object is deleted. Retain: photos and their metadata stay in AWS, and a
    /// gallery of the same name and namespace takes them back; all else is deleted. Delete: everything goes, photos included,
    /// and nothing brings them back. Default: Retain.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,

    /// What happens when somebody changes the gallery's AWS resources by other means. Correct: the operator puts them back and
    /// says so in events (Drift). Report: it changes nothing, and says in the condition Synced (reason Drifted) and in events what
    /// differs; a new spec and a new operator are carried out all the same, on the resources that they change. Default: Correct.
    #[serde(default)]
    pub drift_policy: DriftPolicy,

    /// true: the operator observes and reports, and changes nothing in AWS, not even for a new spec. Deleting the object still
    /// works. Default: false.
    #[serde(default)]
    pub suspend: bool,

    /// Tags for every AWS resource of the gallery, besides the operator's own. At most 40; keys of 1 to 128 and values of up to
    /// 256 letters, digits, spaces and _ . : / = + - @. Keys must not start with aws: or photogallery.dev/. Default: none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "rules::tag_map")]
    pub tags: BTreeMap<String, String>,
}

impl PhotoGallerySpec {
    /// The smallest useful gallery; everything else has its default.
    pub fn new(title: impl Into<String>, region: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            region: region.into(),
            photos: Photos::default(),
            thumbnails: Thumbnails::default(),
            functions: Functions::default(),
            api: Api::default(),
            cdn: Cdn::default(),
            deletion_policy: DeletionPolicy::default(),
            drift_policy: DriftPolicy::default(),
            suspend: false,
            tags: BTreeMap::new(),
        }
    }
}

/// What visitors may upload, and how originals are kept.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
#[serde(rename_all = "camelCase", default)]
pub struct Photos {
    /// Largest photo a visitor may upload, in MiB. 1 to 500. Default: 25.
    #[serde(rename = "maxUploadMiB")]
    #[schemars(range(min = 1, max = 500))]
    pub max_upload_mib: i32,

    /// Kinds of pictures that visitors may upload, at least one. The bytes are checked, not only the name.
    /// Default: image/jpeg, image/png, image/webp, image/gif.
    #[schemars(length(max = 4), extend("x-kubernetes-validations" = rules::content_types()))]
    pub content_types: Vec<ContentType>,

    /// What becomes of what a photo's file holds besides the picture. Clean: position, camera serial numbers, embedded thumbnails,
    /// comments and the like are taken out of the original, too; the pixels stay as they are. Keep: the original stays as it
    /// was sent, and whoever sees the photo can read all of it. Applies to new uploads. Default: Clean.
    pub metadata: Metadata,

    /// Days after which originals move to S3 Glacier Instant Retrieval, which costs less to keep, more to read, and opens as
    /// fast as before. 1 to 3650. Absent: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 3650))]
    pub archive_after_days: Option<i32>,
}

impl Default for Photos {
    fn default() -> Self {
        Self {
            max_upload_mib: 25,
            content_types: ContentType::ALL.to_vec(),
            metadata: Metadata::default(),
            archive_after_days: None,
        }
    }
}

/// A kind of picture that a gallery takes.
#[derive(
    JsonSchema,
    Serialize,
    Deserialize,
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Display,
    IntoStaticStr,
)]
pub enum ContentType {
    #[serde(rename = "image/jpeg")]
    #[strum(serialize = "image/jpeg")]
    Jpeg,
    #[serde(rename = "image/png")]
    #[strum(serialize = "image/png")]
    Png,
    #[serde(rename = "image/webp")]
    #[strum(serialize = "image/webp")]
    Webp,
    #[serde(rename = "image/gif")]
    #[strum(serialize = "image/gif")]
    Gif,
}

impl ContentType {
    /// Every kind, most frequent first: the default.
    pub const ALL: [Self; 4] = [Self::Jpeg, Self::Png, Self::Webp, Self::Gif];

    /// As in HTTP's `Content-Type`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// What becomes of what a photo's file holds besides the picture.
#[derive(
    JsonSchema, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, Default, Display, IntoStaticStr,
)]
pub enum Metadata {
    #[default]
    Clean,
    Keep,
}

impl Metadata {
    /// The functions' word for it: `Clean` or `Keep`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Size and format of the pictures in the grid.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
#[serde(rename_all = "camelCase", default)]
pub struct Thumbnails {
    /// Largest width of a thumbnail, in pixels. Proportions are kept and small photos are not enlarged. 16 to 2048.
    /// Default: 400.
    #[schemars(range(min = 16, max = 2048))]
    pub max_width_pixels: i32,

    /// Largest height of a thumbnail, in pixels. Proportions are kept and small photos are not enlarged. 16 to 2048.
    /// Default: 400.
    #[schemars(range(min = 16, max = 2048))]
    pub max_height_pixels: i32,

    /// Image format of thumbnails, JPEG or WEBP. Default: JPEG.
    pub format: ThumbnailFormat,

    /// Quality of thumbnails, from 1 (small files) to 100 (fine detail). Default: 80.
    #[schemars(range(min = 1, max = 100))]
    pub quality: i32,
}

impl Default for Thumbnails {
    fn default() -> Self {
        Self {
            max_width_pixels: 400,
            max_height_pixels: 400,
            format: ThumbnailFormat::default(),
            quality: 80,
        }
    }
}

/// Image format of thumbnails.
#[derive(
    JsonSchema, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, Default, Display, IntoStaticStr,
)]
#[serde(rename_all = "UPPERCASE")]
#[strum(serialize_all = "UPPERCASE")]
pub enum ThumbnailFormat {
    #[default]
    Jpeg,
    Webp,
}

impl ThumbnailFormat {
    /// AWS's and the functions' word for it: `JPEG` or `WEBP`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Processor architecture of the functions.
#[derive(
    JsonSchema,
    Serialize,
    Deserialize,
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Default,
    Display,
    IntoStaticStr,
)]
pub enum Architecture {
    #[default]
    #[serde(rename = "arm64")]
    #[strum(serialize = "arm64")]
    Arm64,
    #[serde(rename = "x86_64")]
    #[strum(serialize = "x86_64")]
    X86_64,
}

impl Architecture {
    /// Lambda's word for it: `arm64` or `x86_64`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The HTTP API that the page calls.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Eq, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct Api {
    /// How many requests API Gateway lets through, all visitors together; it answers 429 to the rest. Protects your bill.
    pub throttle: Throttle,

    /// Origins besides the gallery's own whose pages may call the API from a browser, each such as https://www.example.com:
    /// lower case, without a path. At most 10. Default: none.
    #[schemars(schema_with = "rules::origins")]
    pub additional_allowed_origins: Vec<String>,
}

/// How many requests API Gateway lets through.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
#[serde(rename_all = "camelCase", default)]
pub struct Throttle {
    /// Requests per second over time. 1 to 10000. Default: 50.
    #[schemars(range(min = 1, max = 10000))]
    pub requests_per_second: i32,

    /// Requests that may come at once before the rate counts. 1 to 5000. Default: 100.
    #[schemars(range(min = 1, max = 5000))]
    pub burst: i32,
}

impl Default for Throttle {
    fn default() -> Self {
        Self { requests_per_second: 50, burst: 100 }
    }
}

/// The CloudFront distribution in front of page and API.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Eq, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct Cdn {
    /// Where CloudFront serves from. PriceClass_100: North America, Europe and Israel; PriceClass_200: also most of Asia, the
    /// Middle East and Africa; PriceClass_All: everywhere. Visitors elsewhere are served too, from farther away.
    /// Default: PriceClass_100.
    pub price_class: PriceClass,
}

/// Where CloudFront serves from.
#[derive(
    JsonSchema, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, Default, Display, IntoStaticStr,
)]
pub enum PriceClass {
    #[default]
    #[serde(rename = "PriceClass_100")]
    #[strum(serialize = "PriceClass_100")]
    Class100,
    #[serde(rename = "PriceClass_200")]
    #[strum(serialize = "PriceClass_200")]
    Class200,
    #[serde(rename = "PriceClass_All")]
    #[strum(serialize = "PriceClass_All")]
    All,
}

impl PriceClass {
    /// CloudFront's word for it.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// What happens to the photos when the object is deleted.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, Default, Display)]
pub enum DeletionPolicy {
    #[default]
    Retain,
    Delete,
}

/// What happens when somebody changes the gallery's AWS resources by other means.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, Default, Display)]
pub enum DriftPolicy {
    #[default]
    Correct,
    Report,
}

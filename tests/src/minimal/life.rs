//! The parts of a gallery's life, and the specs that it has in them.

use serde_json::{Value, json};

use crate::artifacts;
use crate::local_aws::REGION;

/// Namespace and name of each gallery.
pub(super) const NAME: &str = "minimal";

/// Part of a life; the cheaper ones first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// It is compared with AWS, and is as it should be.
    Look,
    /// Others have changed everything that can be changed.
    Drift,
    /// Its spec changes, in ways that touch every kind of resource.
    Change,
    /// It is made anew in Kubernetes, and takes over what it was.
    Adoption,
    /// With everything in it.
    Deletion,
    /// With what all galleries share.
    Creation,
}

impl Part {
    pub const ALL: [Self; 6] =
        [Self::Look, Self::Drift, Self::Change, Self::Adoption, Self::Deletion, Self::Creation];
}

impl std::fmt::Display for Part {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Look => "a look",
            Self::Drift => "drift",
            Self::Change => "a change",
            Self::Adoption => "adoption",
            Self::Deletion => "deletion",
            Self::Creation => "creation",
        })
    }
}

/// The object as it is made.
pub(super) fn manifest(adopts: Option<&str>) -> Value {
    let annotations = adopts.map_or_else(|| json!({}), |maker| json!({ "photogallery.dev/adopt": maker }));
    json!({
        "apiVersion": "photogallery.dev/v1alpha1",
        "kind": "PhotoGallery",
        "metadata": { "name": NAME, "namespace": NAME, "annotations": annotations },
        "spec": spec(false),
    })
}

/// One of two specs, which differ in every kind of resource that a spec can change.
pub(super) fn spec(other: bool) -> Value {
    let (title, days, memory, width) = if other { ("Autumn", 7, 512, 800) } else { ("Summer", 30, 256, 600) };
    let (burst, team) = if other { (7, "events") } else { (9, "photos") };
    let origins = if other { json!(["https://www.example.com"]) } else { json!([]) };
    json!({
        "title": title,
        "region": REGION,
        "deletionPolicy": "Delete",
        "functions": {
            "architecture": artifacts::architecture(),
            "logRetentionDays": days,
            "list": { "memoryMiB": memory },
            "upload": { "reservedConcurrency": 3 },
        },
        "thumbnails": { "maxWidthPixels": width },
        "api": { "throttle": { "burst": burst }, "additionalAllowedOrigins": origins },
        "cdn": { "priceClass": if other { "PriceClass_All" } else { "PriceClass_100" } },
        "tags": { "team": team },
    })
}

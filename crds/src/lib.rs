//! The `PhotoGallery` resource: its types, its schema and the words its conditions use. Types only, no I/O.
//!
//! The Rust types are the one source. [`crd`] turns them into the `CustomResourceDefinition`, `crdgen` writes it to
//! `crds/photogalleries.yaml` and into the chart, and a test compares. A default stands once, in an `impl Default`, from which
//! both serde and the schema take it: what `kubectl get -o yaml` shows and what the operator computes with cannot differ.

mod conditions;
mod definition;
mod functions;
mod rules;
mod spec;
mod status;

pub use conditions::{ConditionType, Reason};
pub use definition::{GENERATED, crd, crd_yaml};
pub use functions::{FunctionSize, Functions};
pub use spec::{
    Api, Architecture, Cdn, ContentType, DeletionPolicy, DriftPolicy, PhotoGallery, PhotoGallerySpec, Photos,
    PriceClass, Throttle, ThumbnailFormat, Thumbnails,
};
pub use status::{FunctionStatus, PhotoGalleryStatus, ResourceStatus};

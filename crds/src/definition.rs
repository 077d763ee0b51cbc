//! The `CustomResourceDefinition`: what the derive makes of the types, and the few things that it cannot say.

use std::mem;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSON, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use kube::CustomResourceExt as _;
use serde_json::json;
use serde_norway::Value;

use crate::spec::PhotoGallery;

/// Files that hold the definition, from the top of the repository: one to read and apply, one that the chart packs.
pub const GENERATED: [&str; 2] =
    ["crds/photogalleries.yaml", "charts/photogallery-operator/files/photogalleries.yaml"];

/// First lines of the generated file.
const HEADER: &str = "# Generated from crds/src by `make generate`. Do not edit: a test compares.\n";

/// The definition to install in a cluster.
pub fn crd() -> CustomResourceDefinition {
    let mut crd = PhotoGallery::crd();
    for version in &mut crd.spec.versions {
        let Some(schema) = version.schema.as_mut().and_then(|schema| schema.open_api_v3_schema.as_mut())
        else {
            continue;
        };
        schema.title = None;
        flow(schema);
        let properties = schema.properties.get_or_insert_default();
        if let Some(status) = properties.get_mut("status") {
            observed_generation_starts_below_any(status);
        }
    }
    crd
}

/// [`crd`] as the file that is checked in.
pub fn crd_yaml() -> Result<String, serde_norway::Error> {
    let mut crd = serde_norway::to_value(crd())?;
    tidy(&mut crd);
    Ok(format!("{HEADER}{}", serde_norway::to_string(&crd)?))
}

/// JSON Schema has limits as floating point, and 500 reads better than 500.0. Keys are sorted, because defaults come through
/// `serde_json`, whose order depends on a feature that any crate in a build may switch on.
fn tidy(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(whole) = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < 1e15) {
                #[expect(clippy::cast_possible_truncation, reason = "whole and small, as just checked")]
                let whole = whole as i64;
                *number = whole.into();
            }
        }
        Value::Sequence(items) => items.iter_mut().for_each(tidy),
        Value::Mapping(fields) => {
            let mut sorted: Vec<_> = mem::take(fields).into_iter().collect();
            sorted.sort_by(|(one, _), (other, _)| one.as_str().cmp(&other.as_str()));
            fields.extend(sorted);
            fields.iter_mut().for_each(|(_, field)| tidy(field));
        }
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Tagged(_) => {}
    }
}

/// kstatus takes an object without conditions for settled. With -1 everybody who waits knows that the operator has not been there
/// yet, from the object's first moment (the way of Flux).
fn observed_generation_starts_below_any(status: &mut JSONSchemaProps) {
    status.default = Some(JSON(json!({"observedGeneration": -1})));
}

/// Line breaks in a doc comment are the source file's matter; `kubectl explain` wraps by itself.
fn flow(schema: &mut JSONSchemaProps) {
    if let Some(description) = &mut schema.description {
        *description = description.split('\n').map(str::trim).collect::<Vec<_>>().join(" ");
    }
    for property in schema.properties.iter_mut().flat_map(|properties| properties.values_mut()) {
        flow(property);
    }
    if let Some(JSONSchemaPropsOrArray::Schema(items)) = &mut schema.items {
        flow(items);
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &mut schema.additional_properties {
        flow(values);
    }
}

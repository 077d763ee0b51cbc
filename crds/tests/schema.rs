//! What the schema promises to people who read it with `kubectl explain`, and to Rust.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use photogallery_crds::{PhotoGallery, PhotoGallerySpec, crd};
use serde_json::{Value, json};

fn schema() -> JSONSchemaProps {
    let version = crd().spec.versions.remove(0);
    version.schema.unwrap().open_api_v3_schema.unwrap()
}

/// Every field below `schema`, as (path, schema of the field).
fn fields(path: &str, schema: &JSONSchemaProps, found: &mut Vec<(String, JSONSchemaProps)>) {
    for (name, field) in schema.properties.iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        found.push((path.clone(), field.clone()));
        fields(&path, field, found);
    }
    if let Some(JSONSchemaPropsOrArray::Schema(items)) = &schema.items {
        found.push((format!("{path}[]"), (**items).clone()));
        fields(&format!("{path}[]"), items, found);
    }
}

fn all_fields() -> Vec<(String, JSONSchemaProps)> {
    let mut found = Vec::new();
    fields("", &schema(), &mut found);
    found
}

/// What the API server makes of a manifest: fills in the defaults, from the outside in.
fn with_defaults(schema: &JSONSchemaProps, value: &mut Value) {
    let Value::Object(fields) = value else { return };
    for (name, field) in schema.properties.iter().flatten() {
        if let (None, Some(default)) = (fields.get(name), &field.default) {
            fields.insert(name.clone(), default.0.clone());
        }
        if let Some(value) = fields.get_mut(name) {
            with_defaults(field, value);
        }
    }
}

fn in_schema(spec: Value) -> Value {
    let mut spec = spec;
    with_defaults(&schema().properties.unwrap()["spec"], &mut spec);
    spec
}

fn in_rust(spec: Value) -> Value {
    serde_json::to_value(serde_json::from_value::<PhotoGallerySpec>(spec).unwrap()).unwrap()
}

#[test]
fn title_and_region_are_enough() {
    let expected = json!({
        "title": "Summer 2026",
        "region": "eu-west-1",
        "photos": {
            "maxUploadMiB": 25,
            "contentTypes": ["image/jpeg", "image/png", "image/webp", "image/gif"],
            "metadata": "Clean",
        },
        "thumbnails": {"maxWidthPixels": 400, "maxHeightPixels": 400, "format": "JPEG", "quality": 80},
        "functions": {
            "architecture": "arm64",
            "logRetentionDays": 30,
            "upload": {"memoryMiB": 128, "timeoutSeconds": 5},
            "list": {"memoryMiB": 256, "timeoutSeconds": 10},
            "delete": {"memoryMiB": 128, "timeoutSeconds": 10},
            "thumbnail": {"memoryMiB": 512, "timeoutSeconds": 30},
        },
        "api": {"throttle": {"requestsPerSecond": 50, "burst": 100}, "additionalAllowedOrigins": []},
        "cdn": {"priceClass": "PriceClass_100"},
        "deletionPolicy": "Retain",
        "driftPolicy": "Correct",
        "suspend": false,
    });
    let smallest = json!({"title": "Summer 2026", "region": "eu-west-1"});
    assert_eq!(in_schema(smallest.clone()), expected);
    assert_eq!(in_rust(smallest), expected);
    assert_eq!(serde_json::to_value(PhotoGallerySpec::new("Summer 2026", "eu-west-1")).unwrap(), expected);
}

#[test]
fn half_a_group_gets_the_other_half_of_its_own_defaults() {
    let spec = json!({
        "title": "Summer 2026",
        "region": "eu-west-1",
        "photos": {"archiveAfterDays": 30},
        "thumbnails": {"format": "WEBP"},
        "functions": {"thumbnail": {"memoryMiB": 1024}, "list": {"reservedConcurrency": 5}, "upload": {}},
        "api": {"throttle": {"burst": 7}},
    });
    let filled = in_schema(spec.clone());
    assert_eq!(in_rust(spec), filled);
    assert_eq!(filled["functions"]["thumbnail"], json!({"memoryMiB": 1024, "timeoutSeconds": 30}));
    assert_eq!(
        filled["functions"]["list"],
        json!({"memoryMiB": 256, "timeoutSeconds": 10, "reservedConcurrency": 5})
    );
    assert_eq!(filled["functions"]["upload"], json!({"memoryMiB": 128, "timeoutSeconds": 5}));
    assert_eq!(filled["api"]["throttle"], json!({"requestsPerSecond": 50, "burst": 7}));
}

#[test]
fn every_field_is_documented() {
    for (path, field) in all_fields() {
        let described = field.description.is_some_and(|text| text.len() > 10 && text.ends_with('.'));
        assert!(described || path.ends_with("[]"), "{path} has no sentence that describes it");
    }
}

#[test]
fn a_documented_default_is_the_default() {
    for (path, field) in all_fields() {
        let (Some(description), Some(default)) = (field.description, field.default) else { continue };
        let Some((_, said)) = description.split_once("Default: ") else { continue };
        let said = said.trim_end_matches('.');
        let actual = match default.0 {
            Value::String(text) => text,
            Value::Array(items) if items.is_empty() => "none".into(),
            Value::Array(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
            Value::Object(size) if size.contains_key("memoryMiB") => {
                format!("{} MiB, {} seconds", size["memoryMiB"], size["timeoutSeconds"])
            }
            other => other.to_string(),
        };
        assert_eq!(said, actual, "{path} documents another default than it has");
    }
}

#[test]
fn a_documented_range_is_the_range() {
    for (path, field) in all_fields() {
        let (Some(minimum), Some(maximum)) = (field.minimum, field.maximum) else { continue };
        let range = format!("{minimum} to {maximum}");
        let description = field.description.unwrap_or_default().replace("from 1 (small files) to", "1 to");
        assert!(description.contains(&range), "{path} does not document its range, {range}");
    }
}

#[test]
fn everything_in_the_spec_is_bounded() {
    for (path, field) in all_fields().into_iter().filter(|(path, _)| path.starts_with("spec")) {
        let bounded = match field.type_.as_deref() {
            Some("string") => field.max_length.is_some() || field.enum_.is_some(),
            Some("array") => field.max_items.is_some(),
            Some("integer") => {
                field.maximum.is_some() && field.minimum.is_some() || field.x_kubernetes_validations.is_some()
            }
            Some("object") => match field.additional_properties {
                Some(JSONSchemaPropsOrBool::Schema(values)) => {
                    field.max_properties.is_some() && values.max_length.is_some()
                }
                _ => field.properties.is_some(),
            },
            Some("boolean") => true,
            _ => false,
        };
        assert!(bounded, "{path} has no bound");
    }
}

#[test]
fn integers_have_formats_the_api_server_knows() {
    for (path, field) in all_fields() {
        if field.type_.as_deref() == Some("integer") {
            assert!(
                matches!(field.format.as_deref(), Some("int32" | "int64")),
                "{path} has format {:?}",
                field.format
            );
        }
    }
}

#[test]
fn an_object_of_any_age_parses() {
    let gallery = json!({
        "apiVersion": "photogallery.dev/v1alpha1",
        "kind": "PhotoGallery",
        "metadata": {"name": "summer", "namespace": "photos"},
        "spec": {"title": "Summer 2026", "region": "eu-west-1"},
        "status": {"observedGeneration": -1, "resources": [{"kind": "Table", "name": "pg"}], "later": true},
    });
    let gallery: PhotoGallery = serde_json::from_value(gallery).unwrap();
    assert_eq!(gallery.status.unwrap().observed_generation, Some(-1));
}

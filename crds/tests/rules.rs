//! The rules in CEL, without an API server: what they refuse and with which words, and what they must let through.
//!
//! The same table of refusals is put to a real API server by an end-to-end test, which also sees the cost limits.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::{fs, path::Path};

use kube::core::cel::Validator;
use photogallery_crds::crd;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default)]
    update: bool,
    #[serde(default)]
    rule: bool,
    patch: Value,
    says: String,
}

fn cases() -> Vec<Case> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/refusals.yaml");
    serde_norway::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

fn smallest() -> Value {
    json!({
        "apiVersion": "photogallery.dev/v1alpha1",
        "kind": "PhotoGallery",
        "metadata": {"name": "summer", "namespace": "photos"},
        "spec": {"title": "Summer 2026", "region": "eu-west-1"},
    })
}

/// JSON merge patch (RFC 7386).
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(fields) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (name, value) in fields {
        if value.is_null() {
            target.as_object_mut().unwrap().remove(name);
        } else {
            merge(&mut target[name], value);
        }
    }
}

/// What the rules say about the smallest gallery with this patch.
fn refusals(patch: &Value, update: bool) -> Vec<String> {
    let schema =
        serde_json::to_value(crd()).unwrap()["spec"]["versions"][0]["schema"]["openAPIV3Schema"].take();
    let mut gallery = smallest();
    merge(&mut gallery, patch);
    let old = update.then(smallest);
    match Validator::new().validate(&schema, &gallery, old.as_ref()) {
        Ok(()) => Vec::new(),
        Err(errors) => errors.iter().map(|error| error.message.clone()).collect(),
    }
}

#[test]
fn rules_refuse_with_the_intended_words() {
    for case in cases().iter().filter(|case| case.rule) {
        let said = refusals(&case.patch, case.update);
        // The API server puts field and value before the message.
        let message = case.says.rsplit("\": ").next().unwrap();
        let found = said.iter().any(|said| said.contains(message) || case.says.contains(said.as_str()));
        assert!(found, "{}: expected {:?}, the rules said {said:?}", case.name, case.says);
    }
}

#[test]
fn rules_let_good_galleries_through() {
    let good = [
        json!({}),
        json!({"metadata": {"name": "a".repeat(40)}}),
        json!({"spec": {"title": "Grüße aus 東京 👩‍👩‍👧"}}),
        json!({"spec": {"title": "x"}}),
        json!({"spec": {"photos": {"contentTypes": ["image/gif"]}}}),
        json!({"spec": {"functions": {"logRetentionDays": 3653}}}),
        json!({"spec": {"functions": {"upload": {"timeoutSeconds": 29}, "thumbnail": {"timeoutSeconds": 900}}}}),
        json!({"spec": {"api": {"additionalAllowedOrigins": [
            "https://www.example.com", "https://example.com:8443", "http://localhost:5173", "http://127.0.0.1",
        ]}}}),
        json!({"spec": {"tags": {"team": "events", "Kostenstelle": "Büro 7+8", "a:b/c": ""}}}),
    ];
    for patch in good {
        assert_eq!(refusals(&patch, true), Vec::<String>::new(), "{patch}");
    }
}

#[test]
fn every_kind_of_region_is_a_region() {
    let regions = [
        "eu-west-1",
        "us-east-1",
        "ap-southeast-7",
        "us-gov-west-1",
        "cn-northwest-1",
        "us-iso-east-1",
        "us-isob-east-1",
        "mx-central-1",
        "il-central-1",
        "eusc-de-east-1",
    ];
    for region in regions {
        assert_eq!(refusals(&json!({"spec": {"region": region}}), false), Vec::<String>::new(), "{region}");
    }
}

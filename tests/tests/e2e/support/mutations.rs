//! Specs that nobody should apply, made from the CRD's own schema: a field that is added there is tried here by itself.

use std::sync::LazyLock;

use anyhow::{Context as _, Result};
use photogallery_tests::artifacts;
use serde_json::{Map, Value, json};

/// What is done to a spec.
#[derive(Debug, Clone, PartialEq)]
pub struct Mutation {
    /// Where, from `spec` down.
    pub path: Vec<String>,
    /// The value put there; none: the field goes.
    pub value: Option<Value>,
}

impl Mutation {
    /// As the API server names the field.
    pub fn field(&self) -> String {
        self.path.iter().fold("spec".to_owned(), |field, part| format!("{field}.{part}"))
    }

    /// The spec with it. What is on the way there is made an object.
    pub fn apply(&self, spec: &mut Value) {
        let Some((last, parents)) = self.path.split_last() else {
            *spec = self.value.clone().unwrap_or_default();
            return;
        };
        let parent = parents.iter().fold(spec, |at, part| {
            if !at.is_object() {
                *at = json!({});
            }
            &mut at[part]
        });
        if !parent.is_object() {
            *parent = json!({});
        }
        match (&self.value, parent.as_object_mut()) {
            (Some(value), Some(fields)) => drop(fields.insert(last.clone(), value.clone())),
            (None, Some(fields)) => drop(fields.remove(last)),
            (_, None) => {}
        }
    }
}

/// One change of each sort to each field.
pub fn all() -> Result<Vec<Mutation>> {
    let text = std::fs::read_to_string(artifacts::root().join("crds/photogalleries.yaml"))?;
    let crd: Value = serde_norway::from_str(&text)?;
    let spec = crd.pointer("/spec/versions/0/schema/openAPIV3Schema/properties/spec");
    let mut mutations = Vec::new();
    visit(spec.context("the CRD has no schema of a spec")?, &mut Vec::new(), &mut mutations);
    Ok(mutations)
}

/// Several of `mutations` at once, other ones for each seed and number.
pub fn several(mutations: &[Mutation], seed: u64, number: u64) -> Vec<Mutation> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(number);
    let mut next = |below: usize| {
        // splitmix64
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) >> 33).unwrap_or_default() % below
    };
    (0..2 + next(3)).map(|_| mutations[next(mutations.len())].clone()).collect()
}

fn visit(schema: &Value, path: &mut Vec<String>, mutations: &mut Vec<Mutation>) {
    let mut add = |value: Option<Value>| {
        let mutation = Mutation { path: path.clone(), value };
        if !path.is_empty() && !mutations.contains(&mutation) {
            mutations.push(mutation);
        }
    };
    add(None);
    for value in values(schema).into_iter().chain(OF_OTHER_TYPES.iter().cloned()) {
        add(Some(value));
    }
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        path.push(name.clone());
        visit(schema, path, mutations);
        path.pop();
    }
}

/// Whatever the field's type, most of these are of another one.
static OF_OTHER_TYPES: LazyLock<Vec<Value>> = LazyLock::new(|| {
    vec![Value::Null, json!(true), json!(7), json!("7"), json!([]), json!({}), json!([null])]
});

fn values(schema: &Value) -> Vec<Value> {
    match schema["type"].as_str() {
        Some("integer") => integers(schema),
        Some("string") => strings(schema),
        Some("boolean") => vec![json!(false), json!("true")],
        Some("array") => arrays(schema),
        Some("object") => objects(schema),
        _ => Vec::new(),
    }
}

/// Both sides of each bound, and what no program should be sent.
fn integers(schema: &Value) -> Vec<Value> {
    let bounds = ["minimum", "maximum"].map(|bound| schema[bound].as_i64());
    let around = bounds.into_iter().flatten().flat_map(|bound| [bound - 1, bound, bound + 1]);
    let far = [0, -1, i64::from(i32::MAX), i64::from(i32::MIN), i64::MAX];
    around.chain(far).map(|number| json!(number)).chain([json!(1.5), json!(1e300)]).collect()
}

fn strings(schema: &Value) -> Vec<Value> {
    let listed = schema["enum"].as_array().into_iter().flatten().cloned();
    let turned = schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str).map(|word| {
        let lower = word.to_lowercase();
        json!(if lower == word { word.to_uppercase() } else { lower })
    });
    let longest = schema["maxLength"].as_u64().and_then(|length| usize::try_from(length).ok()).unwrap_or(64);
    let lengths = [1, longest, longest + 1, 100_000].map(|length| json!("a".repeat(length)));
    let odd = ODD_STRINGS.iter().map(|text| json!(text));
    listed.chain(turned).chain(lengths).chain(odd).collect()
}

/// Nothing, blanks, lines, other scripts and directions, more bytes than letters, markup, a shell's and a template's words.
const ODD_STRINGS: [&str; 14] = [
    "",
    " ",
    "a\nb",
    "a\u{0}b",
    "\u{202e}abc",
    "\u{feff}",
    "e\u{301}e\u{301}",
    "צילום",
    "夏の写真",
    "👩‍👩‍👧‍👦👩‍👩‍👧‍👦",
    "<script>alert(1)</script>",
    "\"'\\`$(reboot)",
    "${jndi:ldap://x}{{.}}%s%n",
    "../../etc/passwd",
];

fn arrays(schema: &Value) -> Vec<Value> {
    let items = values(&schema["items"]);
    let most = schema["maxItems"].as_u64().and_then(|most| usize::try_from(most).ok()).unwrap_or(10);
    let many =
        |count: usize| json!((0..count).map(|n| format!("https://{n}.example.com")).collect::<Vec<_>>());
    let one = items.iter().map(|item| json!([item]));
    let twice = items.first().map(|item| json!([item, item]));
    one.chain(twice).chain([many(1), many(most), many(most + 1), many(5_000)]).collect()
}

fn objects(schema: &Value) -> Vec<Value> {
    if schema["additionalProperties"].is_null() {
        return vec![json!({"noSuchField": 1})];
    }
    let most = schema["maxProperties"].as_u64().and_then(|most| usize::try_from(most).ok()).unwrap_or(40);
    let many = |count: usize| {
        Value::Object((0..count).map(|n| (format!("key{n}"), json!("value"))).collect::<Map<_, _>>())
    };
    let keys = ODD_STRINGS.iter().chain(&["aws:a", "AWS:a", "photogallery.dev/uid", "Name"]);
    let keys = keys.map(|key| json!({ *key: "value" }));
    let contents = strings(&schema["additionalProperties"]).into_iter().map(|text| json!({ "key": text }));
    let long = [128, 129].map(|length| json!({ "k".repeat(length): "value" }));
    keys.chain(contents).chain(long).chain([1, most, most + 1, 2_000].map(many)).collect()
}

#[test]
fn every_field_of_the_schema_is_changed_in_many_ways() {
    let all = all().unwrap();
    assert!(all.len() >= 400, "{} mutations", all.len());
    let ways = |field: &str| all.iter().filter(|mutation| mutation.field() == field).count();
    for field in
        ["spec.title", "spec.tags", "spec.suspend", "spec.functions.list.memoryMiB", "spec.api.throttle"]
    {
        assert!(ways(field) >= 8, "{field}: {} ways", ways(field));
    }
}

#[test]
fn the_same_seed_and_number_make_the_same_mutations() {
    let all = all().unwrap();
    assert_eq!(several(&all, 1, 2), several(&all, 1, 2));
    assert!((2..50).any(|number| several(&all, 1, number) != several(&all, 2, number)));
}

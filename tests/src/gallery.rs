//! Applying a gallery as its owner does, and watching it become ready.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, ObjectMeta, PostParams};
use serde::Deserialize as _;
use serde_json::{Value, json};

use crate::artifacts;
use crate::stack::Stack;

/// Which gallery.
#[derive(Debug, Clone)]
pub struct Name {
    pub namespace: String,
    pub name: String,
}

impl std::fmt::Display for Name {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}/{}", self.namespace, self.name)
    }
}

/// The galleries of a namespace, as they are on the wire.
pub fn api(stack: &Stack, namespace: &str) -> Api<DynamicObject> {
    let kind = GroupVersionKind::gvk("photogallery.dev", "v1alpha1", "PhotoGallery");
    Api::namespaced_with(stack.kube(), namespace, &ApiResource::from_gvk_with_plural(&kind, "photogalleries"))
}

/// What `examples/gallery.yaml` holds, and the name of its gallery.
pub fn example() -> Result<(Name, Vec<Value>)> {
    let text =
        std::fs::read_to_string(artifacts::example()).context("failed to read examples/gallery.yaml")?;
    let documents = serde_norway::Deserializer::from_str(&text).map(Value::deserialize);
    let objects: Vec<Value> =
        documents.collect::<Result<_, _>>().context("examples/gallery.yaml is not YAML")?;
    let gallery = objects.iter().find(|object| object["kind"] == "PhotoGallery");
    let metadata = &gallery.context("examples/gallery.yaml holds no PhotoGallery")?["metadata"];
    let namespace = metadata["namespace"].as_str().unwrap_or("default").to_owned();
    let name = metadata["name"].as_str().context("the example's gallery has no name")?.to_owned();
    Ok((Name { namespace, name }, objects))
}

/// `kubectl apply -f examples/gallery.yaml`, with its namespace made first and for functions of this machine's architecture.
pub async fn apply_example(stack: &Stack) -> Result<Name> {
    let (name, mut objects) = example()?;
    for object in objects.iter_mut().filter(|object| object["kind"] == "PhotoGallery") {
        let asked = object["spec"]["functions"]["architecture"].as_str().unwrap_or("arm64").to_owned();
        if asked != artifacts::architecture() {
            object["spec"]["functions"]["architecture"] = json!(artifacts::architecture());
            stack.progress().step(format!(
                "applying examples/gallery.yaml with functions.architecture {}, this machine's (not {asked})",
                artifacts::architecture()
            ));
        }
    }
    create_namespace(stack, &name.namespace).await?;
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": objects });
    stack.kubectl(&["apply", "--filename=-"], Some(&list.to_string())).await?;
    Ok(name)
}

/// Makes the namespace, unless it is there. Not by `kubectl apply`, which looks first: of two at once, one would fail.
pub async fn create_namespace(stack: &Stack, name: &str) -> Result<()> {
    let metadata = ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() };
    let namespace = Namespace { metadata, ..Namespace::default() };
    match Api::all(stack.kube()).create(&PostParams::default(), &namespace).await {
        Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(()),
        other => other.map(drop).with_context(|| format!("failed to make the namespace {name}")),
    }
}

/// The gallery's status, `null` before the operator has said anything.
pub async fn status(stack: &Stack, gallery: &Name) -> Result<Value> {
    Ok(api(stack, &gallery.namespace).get(&gallery.name).await?.data["status"].clone())
}

/// Waits until the gallery is Ready for its present generation and tells each condition as it turns. The answer is its URL.
/// `seen`: its `lastObservedTime` before a change that does not show in the generation, such as a new operator.
pub async fn wait_until_ready(
    stack: &Stack,
    gallery: &Name,
    seen: Option<&Value>,
    deadline: Duration,
) -> Result<String> {
    let started = Instant::now();
    let galleries = api(stack, &gallery.namespace);
    let mut told = BTreeMap::new();
    loop {
        stack.operator.check()?;
        let object = galleries.get(&gallery.name).await?;
        let status = &object.data["status"];
        tell_changes(stack, status, &mut told);
        let current = status["observedGeneration"].as_i64() == object.metadata.generation
            && seen.is_none_or(|seen| &status["lastObservedTime"] != seen);
        if current
            && condition(status, "Ready") == Some("True")
            && condition(status, "Synced") != Some("False")
        {
            return Ok(status["url"].as_str().context("the gallery is Ready but has no URL")?.to_owned());
        }
        if started.elapsed() > deadline {
            let conditions = serde_json::to_string_pretty(&status["conditions"])?;
            bail!(
                "gallery {gallery} did not become Ready within {} s; it says: {conditions}",
                deadline.as_secs()
            );
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

/// `True`, `False` or `Unknown`.
pub fn condition<'a>(status: &'a Value, kind: &str) -> Option<&'a str> {
    status["conditions"].as_array()?.iter().find(|condition| condition["type"] == kind)?["status"].as_str()
}

fn tell_changes(stack: &Stack, status: &Value, told: &mut BTreeMap<String, String>) {
    for condition in status["conditions"].as_array().into_iter().flatten() {
        let word = |field: &str| condition[field].as_str().unwrap_or_default().to_owned();
        let line = format!("{}={} {}: {}", word("type"), word("status"), word("reason"), word("message"));
        // The message of a wait counts seconds; only what turns is news.
        let turn = format!("{} {}", word("status"), word("reason"));
        if told.insert(word("type"), turn.clone()).as_ref() != Some(&turn) {
            stack.progress().step(format!("  {line}"));
        }
    }
}

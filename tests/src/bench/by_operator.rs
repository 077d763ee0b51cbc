//! A gallery by the operator: what its owner asks of Kubernetes, and when Kubernetes says that it is so.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result, bail};
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kube::runtime::wait::await_condition;
use serde_json::{Value, json};

use super::ground::{Ground, Meter, NAMESPACE, PATIENCE, Who, now};
use super::photos::Places;
use super::sample::Sample;
use crate::artifacts;
use crate::gallery::{self, condition};
use crate::local_aws::REGION;

/// Galleries by the operator.
pub(super) struct ByOperator<'a>(pub(super) &'a Ground);

impl ByOperator<'_> {
    pub(super) async fn create(&self, name: &str) -> Result<Sample> {
        let meter = Meter::start(self.0, Who::Operator).await?;
        let told = self.make(name).await?.1;
        meter.stop(told, 0.0).await
    }

    /// Asks for a gallery and waits until it is Ready and answers. Its address, and when.
    pub(super) async fn make(&self, name: &str) -> Result<(String, f64)> {
        let object = serde_json::from_value(manifest(name))?;
        self.api().create(&PostParams::default(), &object).await?;
        let object = self.until(name, |object| object.is_some_and(is_ready)).await?;
        let object = object.context("the gallery is gone")?;
        let url = object.data["status"]["url"].as_str().context("no URL")?.to_owned();
        let told = self.0.visit(&url).await?;
        Ok((url, told))
    }

    /// Memory and one variable of one function.
    pub(super) async fn change(&self, name: &str) -> Result<Sample> {
        let meter = Meter::start(self.0, Who::Operator).await?;
        let change = json!({ "spec": {
            "functions": { "thumbnail": { "memoryMiB": 1024 } }, "thumbnails": { "quality": 75 },
        }});
        self.api().patch(name, &PatchParams::default(), &Patch::Merge(change)).await?;
        self.until(name, |object| object.is_some_and(is_ready)).await?;
        meter.stop(now(), 0.0).await
    }

    /// Other functions come with another operator: the one that runs is stopped, and the next starts with these.
    pub(super) async fn code(&self, name: &str, functions: &Path) -> Result<Sample> {
        let before = digests(&self.api().get(name).await?);
        let mut meter = Meter::start(self.0, Who::Operator).await?;
        let operator = &self.0.stack.operator;
        let set = |settings: &mut crate::operator::Settings| {
            settings.set("FUNCTIONS_DIR", functions.display().to_string());
        };
        operator.restart_with(set).await?;
        meter.operator_restarted();
        let is_done = |object: &DynamicObject| is_ready(object) && digests(object).is_disjoint(&before);
        self.until(name, |object| object.is_some_and(is_done)).await?;
        meter.stop(now(), 0.0).await
    }

    pub(super) async fn delete(&self, name: &str) -> Result<Sample> {
        let meter = Meter::start(self.0, Who::Operator).await?;
        let told = self.remove(name).await?;
        let ended = now();
        Ok(Sample { told, ..meter.stop(ended, 0.0).await? })
    }

    /// Deletes a gallery and waits until it is gone. What its status said on the way.
    pub(super) async fn remove(&self, name: &str) -> Result<Vec<String>> {
        self.api().delete(name, &DeleteParams::default()).await?;
        let told = Mutex::new(Vec::new());
        let is_gone = |object: Option<&DynamicObject>| {
            let synced = object.and_then(|object| message(&object.data["status"], "Synced"));
            if let Some(message) = synced.filter(|_| object.is_some_and(is_going)) {
                let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
                if told.last() != Some(&message) {
                    told.push(message);
                }
            }
            object.is_none()
        };
        self.until(name, is_gone).await?;
        Ok(told.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// Where this gallery keeps its photos.
    pub(super) async fn places(&self, name: &str) -> Result<Places> {
        let object = self.api().get(name).await?;
        let resources = object.data["status"]["resources"].as_array().context("no resources")?;
        let find = |kind: &str, role: &str| {
            let found = resources
                .iter()
                .find(|found| found["kind"] == kind && found["role"].as_str().unwrap_or_default() == role);
            let name = found.and_then(|found| found["name"].as_str()).map(str::to_owned);
            name.with_context(|| format!("the status has no {kind} {role}"))
        };
        let (photos, thumbnails) = (find("Bucket", "photos")?, find("Bucket", "thumbnails")?);
        Ok(Places { photos, thumbnails, table: find("Table", "")? })
    }

    fn api(&self) -> Api<DynamicObject> {
        gallery::api(&self.0.stack, NAMESPACE)
    }

    /// Watches until the object is like this.
    async fn until(
        &self,
        name: &str,
        is_so: impl Fn(Option<&DynamicObject>) -> bool,
    ) -> Result<Option<DynamicObject>> {
        let condition = |object: Option<&DynamicObject>| is_so(object);
        let found = tokio::time::timeout(PATIENCE, await_condition(self.api(), name, condition)).await;
        if let Ok(found) = found {
            return Ok(found?);
        }
        self.0.stack.operator.check()?;
        let status = gallery::status(&self.0.stack, &gallery_name(name)).await?;
        bail!("gallery {name} does not get there; it says: {:#}", status["conditions"])
    }
}

fn gallery_name(name: &str) -> gallery::Name {
    gallery::Name { namespace: NAMESPACE.into(), name: name.into() }
}

/// It says of its present spec that all is as it says.
fn is_ready(object: &DynamicObject) -> bool {
    let status = &object.data["status"];
    status["observedGeneration"].as_i64() == object.metadata.generation
        && condition(status, "Ready") == Some("True")
        && condition(status, "Synced") == Some("True")
}

fn is_going(object: &DynamicObject) -> bool {
    object.data["status"]["conditions"].as_array().is_some_and(|conditions| {
        conditions.iter().any(|condition| condition["type"] == "Ready" && condition["reason"] == "Deleting")
    })
}

fn message(status: &Value, kind: &str) -> Option<String> {
    let conditions = status["conditions"].as_array()?;
    let found = conditions.iter().find(|condition| condition["type"] == kind)?;
    found["message"].as_str().map(str::to_owned)
}

/// Of the code that the functions run.
fn digests(object: &DynamicObject) -> BTreeSet<String> {
    let functions = object.data["status"]["functions"].as_array().into_iter().flatten();
    functions.filter_map(|function| function["codeSha256"].as_str().map(str::to_owned)).collect()
}

fn manifest(name: &str) -> Value {
    json!({
        "apiVersion": "photogallery.dev/v1alpha1",
        "kind": "PhotoGallery",
        "metadata": { "name": name, "namespace": NAMESPACE },
        "spec": {
            "title": "Summer 2026",
            "region": REGION,
            "deletionPolicy": "Delete",
            "functions": { "architecture": artifacts::architecture() },
        },
    })
}

//! A gallery as its owner handles it: applied with kubectl, watched, changed, deleted.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use functions_core::contract::FunctionName;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::events::v1::Event as KubeEvent;
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, DynamicObject, ListParams, Patch, PatchParams};
use photogallery_operator::gallery::{Identity, Installation, ViewerTemplate};
use photogallery_tests::gallery::{self, Name};
use photogallery_tests::local_aws::{ACCOUNT, REGION};
use photogallery_tests::stack::Stack;
use photogallery_tests::visitor::Visitor;
use photogallery_tests::{artifacts, wait};
use serde_json::{Value, json};

/// A gallery is ready in a few seconds when the machine has nothing else to do.
const PATIENCE: Duration = Duration::from_mins(2);

/// One gallery on a stack.
#[derive(Clone)]
pub struct Gallery<'a> {
    pub stack: &'a Stack,
    pub name: Name,
    owner_id: String,
}

/// A line of the story.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub warning: bool,
    pub reason: String,
    pub note: String,
}

/// The smallest manifest, for this machine's functions, with a merge patch on its spec.
pub fn manifest(name: &Name, change: &Value) -> Value {
    let mut manifest = json!({
        "apiVersion": "photogallery.dev/v1alpha1",
        "kind": "PhotoGallery",
        "metadata": { "name": name.name, "namespace": name.namespace },
        "spec": {
            "title": "Summer 2026",
            "region": REGION,
            "functions": { "architecture": artifacts::architecture() },
        },
    });
    merge(&mut manifest["spec"], change);
    manifest
}

/// JSON merge patch (RFC 7386).
pub fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (key, value) in patch {
        if value.is_null() {
            target.as_object_mut().map(|target| target.remove(key));
        } else {
            merge(&mut target[key], value);
        }
    }
}

/// A moment that every later `lastObservedTime` has reached and no earlier one: those have whole seconds.
pub async fn moment() -> Result<Timestamp> {
    let next = Timestamp::from_second(Timestamp::now().as_second() + 1)?;
    while Timestamp::now() < next {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(next)
}

impl<'a> Gallery<'a> {
    /// Applies the smallest manifest with a merge patch on its spec, in a namespace of the same name.
    pub async fn apply(stack: &'a Stack, name: &str, change: Value) -> Result<Self> {
        Self::apply_in(stack, name, name, change).await
    }

    pub async fn apply_in(stack: &'a Stack, namespace: &str, name: &str, change: Value) -> Result<Self> {
        let gallery = Self::named(stack, namespace, name).await?;
        gallery::create_namespace(stack, namespace).await?;
        gallery.apply_again(change).await?;
        Ok(gallery)
    }

    /// One that is not applied (yet).
    pub async fn named(stack: &'a Stack, namespace: &str, name: &str) -> Result<Self> {
        let system = Api::<Namespace>::all(stack.kube()).get("kube-system").await?;
        let owner_id = system.metadata.uid.context("kube-system has no uid")?;
        let name = Name { namespace: namespace.into(), name: name.into() };
        Ok(Self { stack, name, owner_id })
    }

    /// `kubectl apply` of the smallest manifest with this merge patch.
    pub async fn apply_again(&self, change: Value) -> Result<()> {
        let manifest = manifest(&self.name, &change).to_string();
        self.stack.kubectl(&["apply", "--filename=-"], Some(&manifest)).await?;
        Ok(())
    }

    fn api(&self) -> Api<DynamicObject> {
        gallery::api(self.stack, &self.name.namespace)
    }

    /// The names that the operator gives in AWS. The uid plays no part in names.
    pub fn identity(&self) -> Identity {
        let installation = Installation {
            account: ACCOUNT.into(),
            owner_id: self.owner_id.clone(),
            prefix: "pg".into(),
            permissions_boundary: None,
            viewer: ViewerTemplate("https://{domain}".into()),
            endpoint: Some(self.stack.aws.endpoint()),
        };
        Identity {
            namespace: self.name.namespace.clone(),
            name: self.name.name.clone(),
            uid: String::new(),
            region: REGION.into(),
            adopts: None,
            installation: Arc::new(installation),
        }
    }

    pub fn function(&self, name: FunctionName) -> String {
        self.identity().function(name)
    }

    pub async fn object(&self) -> Result<DynamicObject> {
        Ok(self.api().get(&self.name.name).await?)
    }

    pub async fn status(&self) -> Result<Value> {
        Ok(self.object().await?.data["status"].clone())
    }

    /// A merge patch on the spec.
    pub async fn change(&self, spec: Value) -> Result<()> {
        let patch = Patch::Merge(json!({ "spec": spec }));
        self.api().patch(&self.name.name, &PatchParams::default(), &patch).await?;
        Ok(())
    }

    /// Asks for a comparison with AWS now, as `kubectl annotate` does. The answer is the object with the annotation.
    pub async fn annotate(&self) -> Result<DynamicObject> {
        let now = Timestamp::now().to_string();
        let patch =
            Patch::Merge(json!({ "metadata": { "annotations": { "photogallery.dev/reconcile": now } } }));
        Ok(self.api().patch(&self.name.name, &PatchParams::default(), &patch).await?)
    }

    /// Asks for a comparison with AWS, and waits until that is done and all is well. The answer is the status.
    pub async fn reconcile(&self) -> Result<Value> {
        let asked = moment().await?;
        self.annotate().await?;
        self.settled_after(asked).await
    }

    /// Waits until the gallery is ready and in sync for its present generation. The answer is the status.
    pub async fn settled(&self) -> Result<Value> {
        self.settled_after(Timestamp::MIN).await
    }

    /// As [`Gallery::settled`], by a comparison with AWS that ended after `moment` (see [`moment`]).
    pub async fn settled_after(&self, moment: Timestamp) -> Result<Value> {
        self.wait_for("to be ready and in sync", |object| is_settled(object, moment)).await
    }

    /// Waits until `check` likes the object; says what the object says when it never does. The answer is the status.
    pub async fn wait_for(&self, what: &str, check: impl Fn(&DynamicObject) -> bool) -> Result<Value> {
        let found = wait::until(&format!("gallery {} {what}", self.name), PATIENCE, async || {
            self.stack.operator.check()?;
            let object = self.object().await?;
            Ok(check(&object).then(|| object.data["status"].clone()))
        })
        .await;
        match found {
            Ok(status) => Ok(status),
            Err(error) => {
                let status = self.status().await.unwrap_or_default();
                Err(error.context(format!("it says {:#}", status["conditions"])))
            }
        }
    }

    /// A visitor of the gallery, once it is ready and in sync.
    pub async fn visitor(&self) -> Result<Visitor> {
        let status = self.settled().await?;
        Visitor::new(status["url"].as_str().context("the gallery has no url")?)
    }

    /// The story so far.
    pub async fn events(&self) -> Result<Vec<Event>> {
        let events: Api<KubeEvent> = Api::namespaced(self.stack.kube(), &self.name.namespace);
        let mut events = events.list(&ListParams::default()).await?.items;
        events.retain(|event| {
            event.regarding.as_ref().is_some_and(|object| {
                object.name.as_deref() == Some(&self.name.name)
                    && object.kind.as_deref() == Some("PhotoGallery")
            })
        });
        events.sort_by_key(|event| event.event_time.as_ref().map(|time| time.0));
        let line = |event: KubeEvent| Event {
            warning: event.type_.as_deref() == Some("Warning"),
            reason: event.reason.unwrap_or_default(),
            note: event.note.unwrap_or_default(),
        };
        Ok(events.into_iter().map(line).collect())
    }

    /// Checks that the story holds this line.
    pub async fn tells(&self, warning: bool, reason: &str, note: &str) -> Result<()> {
        let line = Event { warning, reason: reason.into(), note: note.into() };
        let what = format!("the event {reason}: {note}");
        // Events follow the status they tell of.
        let told = wait::until(&what, Duration::from_secs(5), async || {
            Ok(self.events().await?.contains(&line).then_some(()))
        });
        match told.await {
            Ok(()) => Ok(()),
            Err(error) => Err(error.context(format!("the story is {:#?}", self.events().await?))),
        }
    }

    /// What a `ResourceConflict` says, once there is one.
    pub async fn conflict(&self) -> Result<String> {
        let of = |status: &Value| {
            let stalled = condition(status, "Stalled").filter(|it| it["reason"] == "ResourceConflict")?;
            Some(stalled["message"].as_str()?.to_owned())
        };
        let status =
            self.wait_for("to say what is in its way", |object| of(&object.data["status"]).is_some());
        of(&status.await?).context("not stalled any more")
    }

    /// Takes over what an earlier gallery left, by running the very command that the conflict's message shows.
    pub async fn adopt(&self, message: &str) -> Result<()> {
        let (_, command) =
            message.split_once("kubectl ").with_context(|| format!("no command in {message}"))?;
        let (command, _) = command.split_once(". ").context("the command has no end")?;
        self.stack.kubectl(&command.split(' ').collect::<Vec<_>>(), None).await?;
        Ok(())
    }

    /// `kubectl delete` without waiting.
    pub async fn begin_delete(&self) -> Result<()> {
        let Name { namespace, name } = &self.name;
        let namespace = format!("--namespace={namespace}");
        self.stack.kubectl(&["delete", "pgal", name, &namespace, "--wait=false"], None).await?;
        Ok(())
    }

    /// `kubectl delete`, which ends when AWS has let go.
    pub async fn delete(&self) -> Result<()> {
        let Name { namespace, name } = &self.name;
        let namespace = format!("--namespace={namespace}");
        self.stack.kubectl(&["delete", "pgal", name, &namespace, "--wait", "--timeout=120s"], None).await?;
        Ok(())
    }
}

/// The condition of this type.
pub fn condition<'a>(status: &'a Value, kind: &str) -> Option<&'a Value> {
    status["conditions"].as_array()?.iter().find(|condition| condition["type"] == kind)
}

/// Checks a condition's status, reason and message.
pub fn ensure_condition(status: &Value, kind: &str, expected: (&str, &str, &str)) -> Result<()> {
    let found = condition(status, kind).with_context(|| format!("no condition {kind} in {status:#}"))?;
    let (want, reason, message) = expected;
    let matches = found["status"] == want && found["reason"] == reason && found["message"] == message;
    ensure!(matches, "{kind} is {found:#}, not {want} {reason}: {message}");
    Ok(())
}

/// The id of the REST API that a status tells of.
pub fn rest_api_id(status: &Value) -> Result<&str> {
    let host = status["apiUrl"].as_str().context("no apiUrl")?.trim_start_matches("https://");
    Ok(host.split('.').next().unwrap_or_default())
}

pub fn is_settled(object: &DynamicObject, moment: Timestamp) -> bool {
    let status = &object.data["status"];
    let generation = object.metadata.generation;
    let is_true = |kind: &str| {
        condition(status, kind).is_some_and(|condition| {
            condition["status"] == "True" && condition["observedGeneration"].as_i64() == generation
        })
    };
    let seen = status["lastObservedTime"].as_str().and_then(|time| time.parse::<Timestamp>().ok());
    status["observedGeneration"].as_i64() == generation
        && is_true("Accepted")
        && is_true("Synced")
        && is_true("Ready")
        && condition(status, "Reconciling").is_none()
        && condition(status, "Stalled").is_none()
        && seen.is_some_and(|seen| seen >= moment)
}

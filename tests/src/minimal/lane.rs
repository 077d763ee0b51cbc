//! One stack on which galleries live, with an operator that lacks a permission.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::Verdict;
use super::life::{NAME, Part, manifest, spec};
use super::spoil;
use crate::gallery::{self, condition};
use crate::permissions;
use crate::stack::{OPERATOR_USER, Options, Stack};

/// A part takes a few seconds when the machine has nothing else to do.
const PATIENCE: Duration = Duration::from_mins(2);

pub(super) struct Lane {
    stack: Stack,
    /// The operator's whole policy.
    policy: String,
    /// What each part asked for under the whole policy.
    pub(super) asked: BTreeMap<Part, BTreeSet<String>>,
    lives: AtomicBool,
}

/// How a part ended.
enum End {
    Well,
    /// What the gallery says: why it goes no further.
    Stalled(String),
}

impl Lane {
    /// A stack, with a life under the whole policy behind it.
    pub(super) async fn start(name: String, policy: &str) -> Result<Self> {
        let stack = Stack::start(Options { recorded: false, ..Options::test(&name) }).await?;
        gallery::create_namespace(&stack, NAME).await?;
        let (policy, asked) = (policy.to_owned(), BTreeMap::new());
        let mut lane = Self { stack, policy, asked, lives: AtomicBool::new(false) };
        lane.allow(None).await?;
        for part in [Part::Creation, Part::Look, Part::Change, Part::Drift, Part::Adoption, Part::Deletion] {
            let before = lane.stack.operator_calls()?.len();
            lane.prepare(part).await?;
            lane.begin(part).await?;
            if let End::Stalled(said) = lane.end(part).await? {
                bail!("{part} under the whole policy: {said}");
            }
            let calls = lane.stack.operator_calls()?.split_off(before);
            lane.asked.insert(part, calls.into_iter().flat_map(|call| call.actions).collect());
        }
        Ok(lane)
    }

    /// Is there a gallery?
    pub(super) fn lives(&self) -> bool {
        self.lives.load(Ordering::Relaxed)
    }

    pub(super) async fn stop(self) -> Result<()> {
        self.stack.stop().await
    }

    /// Lives a part without an action, and then with it.
    pub(super) async fn live_without(&self, part: Part, action: &str) -> Result<Verdict> {
        match (part, self.lives()) {
            (Part::Creation, true) => self.live(Part::Deletion).await?,
            (Part::Creation, false) | (_, true) => {}
            (_, false) => self.live(Part::Creation).await?,
        }
        self.prepare(part).await?;
        self.allow(Some(action)).await?;
        self.begin(part).await?;
        let end = self.end(part).await?;
        self.allow(None).await?;
        Ok(match end {
            End::Well => Verdict::NotMissed(part),
            End::Stalled(said) => {
                self.go_on(part).await.with_context(|| format!("with {action} granted"))?;
                let is_named = said.starts_with(&format!("Missing permission {action} on "));
                if is_named { Verdict::Needed(part) } else { Verdict::NotNamed(part, said) }
            }
        })
    }

    /// After a permission was granted. What was under way then ends as it began, and says so once more.
    async fn go_on(&self, part: Part) -> Result<()> {
        let mut last = String::new();
        for _ in 0..3 {
            self.nudge().await?;
            match self.end(part).await? {
                End::Well => return Ok(()),
                End::Stalled(said) => last = said,
            }
        }
        bail!("{part} does not go on: {last}")
    }

    async fn live(&self, part: Part) -> Result<()> {
        self.prepare(part).await?;
        self.begin(part).await?;
        match self.end(part).await? {
            End::Well => Ok(()),
            End::Stalled(said) => bail!("{part} under the whole policy: {said}"),
        }
    }

    /// Gives the operator its policy, without this action.
    async fn allow(&self, without: Option<&str>) -> Result<()> {
        let policy =
            without.map_or(Ok(self.policy.clone()), |action| permissions::without(&self.policy, action))?;
        self.stack.aws.set_user_policy(OPERATOR_USER, &policy).await
    }

    /// What others do first.
    async fn prepare(&self, part: Part) -> Result<()> {
        match part {
            Part::Look => spoil::rewrite_a_file(self.stack.aws()).await.context("failed to write a file"),
            Part::Change | Part::Adoption => Ok(()),
            Part::Drift => spoil::everything(self.stack.aws()).await.context("failed to make drift"),
            Part::Deletion => spoil::fill(self.stack.aws()).await.context("failed to fill the gallery"),
            Part::Creation => spoil::remove_shared(self.stack.aws()).await.context("failed to begin anew"),
        }
    }

    async fn begin(&self, part: Part) -> Result<()> {
        let api = self.api();
        match part {
            Part::Look | Part::Drift => self.nudge().await?,
            Part::Change => {
                let is_other = api.get(NAME).await?.data["spec"]["title"] == spec(true)["title"];
                let patch = json!({ "spec": spec(!is_other) });
                api.patch(NAME, &PatchParams::default(), &Patch::Merge(patch)).await?;
            }
            Part::Adoption => self.be_made_anew().await?,
            Part::Deletion => {
                api.delete(NAME, &DeleteParams::default()).await?;
            }
            Part::Creation => {
                self.create(&manifest(None)).await?;
                self.lives.store(true, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    /// The object goes without the operator, as with a cluster that was lost, and comes back.
    async fn be_made_anew(&self) -> Result<()> {
        let api = self.api();
        let object = api.get(NAME).await?;
        let uid = object.metadata.uid.context("the gallery has no uid")?;
        let system: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(self.stack.kube());
        let owner = system.get("kube-system").await?.metadata.uid.context("kube-system has no uid")?;
        self.stack.operator.stop().await?;
        api.delete(NAME, &DeleteParams::default()).await?;
        let free = json!({ "metadata": { "finalizers": null } });
        api.patch(NAME, &PatchParams::default(), &Patch::Merge(free)).await?;
        self.create(&manifest(Some(&format!("{owner}/{uid}")))).await?;
        self.stack.operator.start().await
    }

    async fn create(&self, manifest: &Value) -> Result<()> {
        let object = serde_json::from_value(manifest.clone())?;
        self.api().create(&PostParams::default(), &object).await?;
        Ok(())
    }

    fn api(&self) -> Api<DynamicObject> {
        gallery::api(&self.stack, NAME)
    }

    /// Asks for a comparison now.
    async fn nudge(&self) -> Result<()> {
        // The answer tells the time to the second.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let now = jiff::Timestamp::now().to_string();
        let patch = json!({ "metadata": { "annotations": { "photogallery.dev/reconcile": now } } });
        match self.api().patch(NAME, &PatchParams::default(), &Patch::Merge(patch)).await {
            // A deletion may have gone on by itself.
            Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
            other => other.map(drop).context("failed to annotate the gallery"),
        }
    }

    /// Waits until the part is over, or the gallery says that it goes no further.
    async fn end(&self, part: Part) -> Result<End> {
        let started = Instant::now();
        let mut said = "it says nothing".to_owned();
        while started.elapsed() < PATIENCE {
            self.stack.operator.check()?;
            let Some(object) = self.api().get_opt(NAME).await? else {
                if part == Part::Deletion {
                    self.lives.store(false, Ordering::Relaxed);
                    return Ok(End::Well);
                }
                bail!("the gallery is gone");
            };
            if is_answered(&object) {
                let status = &object.data["status"];
                if condition(status, "Stalled") == Some("True") {
                    return Ok(End::Stalled(message(status, "Stalled")));
                }
                let is_settled =
                    ["Ready", "Synced"].iter().all(|kind| condition(status, kind) == Some("True"));
                if is_settled && part != Part::Deletion {
                    return Ok(End::Well);
                }
                said = message(status, "Synced");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(End::Stalled(format!("not done after {} s: {said}", PATIENCE.as_secs())))
    }
}

/// Is the status about the present spec, and no older than the last wish for a comparison? A deletion is told in `Ready`.
fn is_answered(object: &DynamicObject) -> bool {
    let status = &object.data["status"];
    let annotations = object.metadata.annotations.as_ref();
    let asked = annotations.and_then(|all| all.get("photogallery.dev/reconcile"));
    let parse = |time: &str| time.parse::<jiff::Timestamp>().ok();
    let seen = status["lastObservedTime"].as_str().and_then(parse);
    // In whole seconds.
    let is_new = asked
        .and_then(|asked| parse(asked))
        .is_none_or(|asked| seen.is_some_and(|seen| seen.as_second() >= asked.as_second()));
    let is_deleted = object.metadata.deletion_timestamp.is_some();
    let is_told = !is_deleted || message(status, "Ready").contains("being deleted");
    is_new && is_told && status["observedGeneration"].as_i64() == object.metadata.generation
}

fn message(status: &Value, kind: &str) -> String {
    let conditions = status["conditions"].as_array().into_iter().flatten();
    let found =
        conditions.filter(|condition| condition["type"] == kind).find_map(|it| it["message"].as_str());
    found.unwrap_or_default().to_owned()
}

//! One stack on which galleries are made, changed and deleted, one after the other, while their operator dies.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::decoys;
use super::score::{Difference, Shape, shape, touched};
use crate::artifacts;
use crate::gallery::{self, condition};
use crate::inventory::{self, Inventory, Item};
use crate::killer::{At, Killer, Made, Moment};
use crate::local_aws::REGION;
use crate::operator::Settings;
use crate::stack::{Options, Stack};

/// Namespace and name of each gallery.
const NAME: &str = "crash";
/// A gallery is made in a few seconds when the machine has nothing else to do.
const PATIENCE: Duration = Duration::from_mins(2);
/// The operator has nothing more to ask when it has asked for nothing for so long.
const QUIET: Duration = Duration::from_millis(300);

/// What happens to a gallery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scenario {
    Create,
    /// Of its spec, in ways that touch every kind of resource, together with new functions.
    Change,
    /// With everything in it.
    Delete,
}

impl Scenario {
    pub const ALL: [Self; 3] = [Self::Create, Self::Change, Self::Delete];
}

/// Where the operator dies.
pub type Point = (At, Moment);

/// What came of a scenario.
#[derive(Debug)]
pub struct Outcome {
    /// Death came: the operator got as far as the point.
    pub died: bool,
    /// The gallery said that it is as its spec says, or was gone.
    pub settled: bool,
    pub found: Shape,
    /// Everything that there is.
    pub all: Inventory,
    pub touches: Vec<String>,
    /// What was asked of AWS.
    pub made: Vec<Made>,
}

impl Outcome {
    pub fn difference(&self, should: &Shape) -> Difference {
        Difference { touches: self.touches.clone(), ..Difference::between(&self.found, should) }
    }
}

/// A stack, and who can kill its operator.
pub struct Lane {
    pub stack: Stack,
    killer: Arc<Killer>,
    /// Functions of another build.
    other_functions: PathBuf,
}

impl Lane {
    pub async fn start(name: &str) -> Result<Self> {
        let killer = Arc::new(Killer::default());
        let options = Options { interposer: Some(killer.clone()), ..Options::test(name) };
        let stack = Stack::start(options).await?;
        killer.watch(&stack.operator_key);
        gallery::create_namespace(&stack, NAME).await?;
        let other_functions = stack.folder().join("functions");
        artifacts::copy_functions(&other_functions, "another build")?;
        Ok(Self { stack, killer, other_functions })
    }

    /// Puts things of others beside what the present gallery is made of. The answer is what is others' from now on.
    pub async fn add_decoys(&self, others: &[Item]) -> Result<Inventory> {
        let aws = self.stack.aws();
        let mut own = inventory::take(aws).await?;
        own.retain(|item| !others.contains(item));
        decoys::make(aws, &own).await.context("failed to make decoys")?;
        let mut all = inventory::take(aws).await?;
        all.retain(|item| !own.iter().any(|own| own.is_same(item)));
        Ok(all)
    }

    /// What there is before a gallery is made: all of it others'.
    pub async fn others(&self) -> Result<Inventory> {
        inventory::take(self.stack.aws()).await
    }

    /// One scenario, and the operator's death in it. `others`: what there was before the gallery.
    pub async fn play(&self, scenario: Scenario, point: Option<Point>, others: &[Item]) -> Result<Outcome> {
        let uid = match scenario {
            Scenario::Create => String::new(),
            Scenario::Change | Scenario::Delete => self.uid().await?,
        };
        self.prepare(scenario, others).await?;
        self.killer.arm(point);
        let first_life = async {
            self.begin(scenario).await?;
            self.finish(scenario).await
        };
        let (died, settled) = tokio::select! {
            () = self.killer.strikes() => {
                self.stack.operator.kill()?;
                self.killer.let_go();
                self.stack.operator.start().await?;
                (true, self.finish(scenario).await?)
            }
            settled = first_life => (false, settled?),
        };
        self.quiet().await;
        let uid = if uid.is_empty() { self.uid().await? } else { uid };
        let (all, made) = (inventory::take(self.stack.aws()).await?, self.killer.made());
        let mut touches = touched(&all, others);
        touches.extend(asked_of(&made, others));
        Ok(Outcome { died, settled, found: shape(&all, others, &uid), all, touches, made })
    }

    /// Removes what galleries share and leave, so that the next one makes it anew. `all`: everything that there is.
    pub async fn clear(&self, all: &[Item], others: &[Item]) -> Result<()> {
        let aws = self.stack.aws();
        let left = |kind: &str| {
            let own = |item: &&Item| item.kind == kind && !others.contains(item);
            all.iter().filter(own).cloned().collect::<Vec<_>>()
        };
        for object in left("object") {
            let (bucket, key) = object.name.split_once('/').context("an object without a bucket")?;
            aws.s3.delete_object().bucket(bucket).key(key).send().await?;
        }
        for bucket in left("bucket") {
            aws.s3.delete_bucket().bucket(&bucket.name).send().await?;
        }
        for control in left("origin access control") {
            let found = aws.cloudfront.get_origin_access_control().id(&control.id).send().await?;
            let call = aws.cloudfront.delete_origin_access_control().id(&control.id);
            call.set_if_match(found.e_tag).send().await?;
        }
        for policy in left("response headers policy") {
            let found = aws.cloudfront.get_response_headers_policy().id(&policy.id).send().await?;
            let call = aws.cloudfront.delete_response_headers_policy().id(&policy.id);
            call.set_if_match(found.e_tag).send().await?;
        }
        Ok(())
    }

    pub async fn stop(self) -> Result<()> {
        self.stack.check_requests().await?;
        self.stack.stop().await
    }

    fn api(&self) -> Api<DynamicObject> {
        gallery::api(&self.stack, NAME)
    }

    async fn uid(&self) -> Result<String> {
        self.api().get(NAME).await?.metadata.uid.context("the gallery has no uid")
    }

    /// What nobody should die in.
    async fn prepare(&self, scenario: Scenario, others: &[Item]) -> Result<()> {
        match scenario {
            Scenario::Create => self.run_with(artifacts::functions()).await,
            Scenario::Change => self.stack.operator.stop().await,
            Scenario::Delete => {
                let s3 = &self.stack.aws().s3;
                let buckets = s3.list_buckets().send().await?.buckets.unwrap_or_default();
                let names = buckets.into_iter().filter_map(|bucket| bucket.name);
                let own = names.filter(|name| !others.iter().any(|item| item.name == *name));
                for name in own.filter(|name| name.contains("-photos-")) {
                    s3.put_object()
                        .bucket(name)
                        .key("photos/1")
                        .body(b"photo".to_vec().into())
                        .send()
                        .await?;
                }
                Ok(())
            }
        }
    }

    async fn begin(&self, scenario: Scenario) -> Result<()> {
        match scenario {
            Scenario::Create => {
                let object = serde_json::from_value(manifest())?;
                self.api().create(&PostParams::default(), &object).await?;
            }
            Scenario::Change => {
                self.api().patch(NAME, &PatchParams::default(), &Patch::Merge(change())).await?;
                self.run_with(self.other_functions.clone()).await?;
            }
            Scenario::Delete => {
                self.api().delete(NAME, &DeleteParams::default()).await?;
            }
        }
        Ok(())
    }

    /// Has the operator run with these functions.
    async fn run_with(&self, functions: PathBuf) -> Result<()> {
        let functions = functions.display().to_string();
        let runs = self.stack.operator.id().is_ok();
        if runs && self.stack.operator.settings().environment.get("FUNCTIONS_DIR") == Some(&functions) {
            return Ok(());
        }
        let set = |settings: &mut Settings| {
            settings.set("FUNCTIONS_DIR", functions);
        };
        self.stack.operator.restart_with(set).await
    }

    /// Waits until the gallery is as its spec says, or gone. `false`: it takes too long.
    async fn finish(&self, scenario: Scenario) -> Result<bool> {
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            let object = self.api().get_opt(NAME).await?;
            let is_done = match (&object, scenario) {
                (None, Scenario::Delete) => true,
                (Some(object), Scenario::Create | Scenario::Change) => is_done(object),
                (None, _) | (Some(_), Scenario::Delete) => false,
            };
            if is_done {
                return Ok(true);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(false)
    }

    async fn quiet(&self) {
        let (mut count, mut since) = (self.killer.made().len(), Instant::now());
        while since.elapsed() < QUIET {
            tokio::time::sleep(Duration::from_millis(30)).await;
            let now = self.killer.made().len();
            if now != count {
                (count, since) = (now, Instant::now());
            }
        }
    }
}

/// Ready and in sync, as its present spec says.
fn is_done(object: &DynamicObject) -> bool {
    let status = &object.data["status"];
    status["observedGeneration"].as_i64() == object.metadata.generation
        && condition(status, "Ready") == Some("True")
        && condition(status, "Synced") == Some("True")
}

/// Writes that were asked of others' things.
fn asked_of(made: &[Made], others: &[Item]) -> Vec<String> {
    let is_theirs = |call: &&Made| {
        let of = |item: &Item| call.resource == item.name || call.resource == item.id;
        call.write && !call.resource.is_empty() && others.iter().any(of)
    };
    made.iter().filter(is_theirs).map(|call| format!("{} of {}", call.operation, call.resource)).collect()
}

fn manifest() -> Value {
    json!({
        "apiVersion": "photogallery.dev/v1alpha1",
        "kind": "PhotoGallery",
        "metadata": { "name": NAME, "namespace": NAME },
        "spec": {
            "title": "Summer 2026",
            "region": REGION,
            "deletionPolicy": "Delete",
            "functions": { "architecture": artifacts::architecture() },
        },
    })
}

/// What touches every kind that a spec can change.
fn change() -> Value {
    json!({ "spec": {
        "title": "Autumn 2026",
        "functions": {
            "logRetentionDays": 7, "list": { "memoryMiB": 512 }, "upload": { "reservedConcurrency": 3 },
        },
        "photos": { "archiveAfterDays": 90 },
        "thumbnails": { "maxWidthPixels": 800 },
        "api": {
            "throttle": { "burst": 7 }, "additionalAllowedOrigins": ["https://www.example.com"],
        },
        "cdn": { "priceClass": "PriceClass_All" },
        "tags": { "team": "events" },
    }})
}

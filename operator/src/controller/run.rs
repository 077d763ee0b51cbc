//! One reconcile of one object: validate, run the pipeline, write status and events, say when to come back.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, Patch, PatchParams};
use kube::runtime::controller::Action;
use kube::runtime::events::{Event as KubeEvent, EventType};
use kube::runtime::finalizer;
use kube::{Resource, ResourceExt};
use photogallery_crds::{ConditionType, PhotoGallery, PhotoGallerySpec, PhotoGalleryStatus, Reason};
use serde_json::{Value, json};

use super::{Context, Error, MANAGER, RawGallery, chain, jittered, previous};
use crate::cloud::{Cloud, Observed};
use crate::drift::{self, Wanted};
use crate::gallery::{DataPolicy, Gallery, Goal, Identity, InvalidSpec};
use crate::graph::ResourceId;
use crate::ownership::{ADOPT, Maker};
use crate::policy::{self, Retry};
use crate::reconcile::{self, Outcome, Progress};
use crate::status::{self, Report, Stage};
use crate::story::{self, Line};

/// Kubernetes ends an event's note at 1,024 bytes and its action at 128.
const NOTE_LENGTH: usize = 1024;
const ACTION_LENGTH: usize = 128;
/// While AWS takes minutes.
const SLOW_POLL: Duration = Duration::from_secs(12);
/// While AWS takes seconds, but more than a reconcile waits for.
const QUICK_POLL: Duration = Duration::from_secs(5);

/// One reconcile of one object.
pub(super) struct Run<'a, C> {
    context: &'a Context<C>,
    api: &'a Api<RawGallery>,
    object: &'a RawGallery,
    generation: i64,
    /// The status as Kubernetes has it now.
    written: tokio::sync::Mutex<PhotoGalleryStatus>,
    /// The status before this reconcile.
    before: PhotoGalleryStatus,
}

impl<'a, C: Cloud + 'static> Run<'a, C> {
    pub(super) fn new(context: &'a Context<C>, api: &'a Api<RawGallery>, object: &'a RawGallery) -> Self {
        let before = previous(object);
        let generation = object.metadata.generation.unwrap_or_default();
        Self { context, api, object, generation, written: tokio::sync::Mutex::new(before.clone()), before }
    }

    pub(super) async fn present(&self) -> Result<Action, Error> {
        let (gallery, stage) = match self.validate() {
            Ok(gallery) => gallery,
            Err(problem) => {
                self.report(Report::Invalid(&problem)).await?;
                return Ok(Action::await_change());
            }
        };
        if self.before.observed_generation != Some(self.generation) {
            self.report(Report::Begin).await?;
        }
        let goal = Goal::Present(Box::new(gallery));
        let outcome = match stage {
            Stage::OnlyLooked => reconcile::look(&self.context.cloud, &goal).await,
            Stage::UnderWay | Stage::Ended => self.reconcile(&goal).await,
        };
        self.tell(&story::of_preflight(&outcome)).await;
        self.tell(&story::of_outcome(&self.before, &outcome)).await;
        self.count_drift(&outcome);
        self.report(Report::Outcome(&goal, &outcome, stage)).await?;
        tracing::info!(
            glance = outcome.is_glance,
            calls = outcome.applied.iter().map(|action| action.steps.len()).sum::<usize>(),
            complete = outcome.is_complete(),
            left = outcome.plan.actions.len(),
            waiting = outcome.plan.waiting.len(),
            failures = outcome.failures.len(),
            "reconciled"
        );
        Ok(Action::requeue(self.next(&outcome, stage).await))
    }

    pub(super) async fn absent(&self) -> Result<Action, Error> {
        let Some(identity) = self.identity() else {
            // Nothing was ever made: a gallery without a region is refused before its first call to AWS.
            return Ok(Action::await_change());
        };
        let data = match self.object.spec.pointer("/deletionPolicy").and_then(Value::as_str) {
            Some("Delete") => DataPolicy::Delete,
            // Anything else, also what cannot be read: data is kept unless somebody clearly said otherwise.
            _ => DataPolicy::Retain,
        };
        let goal = Goal::Absent(identity, data);
        if !deleting_was_told(&self.before) {
            self.tell(&[story::deleting(data)]).await;
        }
        let outcome = self.reconcile(&goal).await;
        let rest = self.context.rests.rest(self.uid(), &outcome);
        if let (true, None) = (outcome.is_complete(), rest) {
            let photos = match data {
                DataPolicy::Retain => self.context.cloud.count_photos(goal.identity()).await.ok(),
                DataPolicy::Delete => None,
            };
            self.tell(&[story::gone(&goal, &outcome.seen, photos)]).await;
            self.context.forget(self.uid());
            self.context.memories.forget(self.object);
            return Ok(Action::await_change());
        }
        // The object may be gone already when a human removed the finalizer; then there is nobody to tell.
        if let Err(error) = self.report(Report::Outcome(&goal, &outcome, Stage::Ended)).await {
            tracing::info!(error = chain(&error), "the status could not be written");
        }
        let after = match rest {
            Some(rest) => rest,
            None => self.next(&outcome, Stage::Ended).await,
        };
        Err(Error::StillDeleting(after))
    }

    /// With a glance where nothing has changed.
    async fn reconcile(&self, goal: &Goal) -> Outcome {
        let Context { cloud, memories, .. } = self.context;
        let glance = match memories.recall(self.object) {
            Some(memory) => reconcile::glance(cloud, goal, &memory).await,
            None => None,
        };
        let outcome = match glance {
            Some(outcome) => outcome,
            None => reconcile::reconcile(cloud, goal, &Reporter { run: self, goal }).await,
        };
        memories.keep(self.object, &outcome);
        outcome
    }

    /// May there be anything in AWS? Nothing is ever made for an object without a region. So it need not be kept until that is gone,
    /// and must not be: the API server lets nobody change it when its region is no text, because then no rule can look at it.
    pub(super) fn may_own(&self) -> bool {
        self.identity().is_some()
    }

    /// The API server refuses every write to this object, also of its status. So an event says what to do, where we know.
    pub(super) async fn refused(
        &self,
        error: finalizer::Error<Error>,
    ) -> Result<Action, finalizer::Error<Error>> {
        let Err(problem) = self.validate() else { return Err(error) };
        let is_going = self.object.metadata.deletion_timestamp.is_some();
        let note = if is_going {
            let field = problem.field;
            format!(
                "The API server keeps this object for its {field}, which breaks a rule that looks at what it was before. Take \
                 x-kubernetes-validations off {field} in the CustomResourceDefinition photogalleries.photogallery.dev; the \
                 object then goes by itself."
            )
        } else {
            format!("{}: {problem}", Reason::InvalidSpec.as_str())
        };
        self.tell(&[Line { warning: true, reason: "Stalled", note }]).await;
        if is_going { Err(error) } else { Ok(Action::await_change()) }
    }

    fn validate(&self) -> Result<(Gallery, Stage), InvalidSpec> {
        let region = &self.object.spec["region"];
        if !(region.is_string() || region.is_null()) {
            let problem = "must be text, such as eu-west-1, and cannot be changed. Nothing was made for this object: delete it, and \
                           make it anew.";
            return Err(InvalidSpec { field: "spec.region".into(), problem: problem.into() });
        }
        let spec = serde_json::from_value::<PhotoGallerySpec>(self.object.spec.clone())
            .map_err(|error| InvalidSpec { field: "spec".into(), problem: error.to_string() })?;
        let identity = self.identity().ok_or_else(|| InvalidSpec {
            field: "spec.region".into(),
            problem: format!("{:?} is not an AWS region. Use one such as eu-west-1.", spec.region),
        })?;
        let stage = if spec.suspend { Stage::OnlyLooked } else { Stage::Ended };
        Ok((Gallery::new(identity, spec, Arc::clone(&self.context.release))?, stage))
    }

    /// Who the gallery is; `None` when its region cannot be one.
    fn identity(&self) -> Option<Identity> {
        let region = self.object.spec.pointer("/region").and_then(Value::as_str)?;
        let plain = region
            .chars()
            .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-');
        (plain && region.len() <= 25 && region.split('-').count() >= 3).then(|| Identity {
            namespace: self.object.namespace().unwrap_or_default(),
            name: self.object.name_any(),
            uid: self.uid().to_owned(),
            region: region.to_owned(),
            adopts: self.object.annotations().get(ADOPT).and_then(|maker| Maker::parse(maker)),
            installation: Arc::clone(&self.context.installation),
        })
    }

    fn uid(&self) -> &str {
        self.object.metadata.uid.as_deref().unwrap_or_default()
    }

    /// Writes the status when it says something new, and tells of its transitions.
    async fn report(&self, report: Report<'_>) -> Result<(), kube::Error> {
        let mut written = self.written.lock().await;
        let next = status::next(&written, self.generation, Timestamp::now(), report);
        if next == *written {
            return Ok(());
        }
        let mut lines = story::of_transition(&written, &next);
        lines.extend(story::newly_reported(&[&self.before, &written], &next));
        let patch = json!({
            "apiVersion": PhotoGallery::api_version(&()),
            "kind": PhotoGallery::kind(&()),
            // With the uid, a namesake that was made meanwhile is not written to.
            "metadata": {"name": self.object.name_any(), "uid": self.uid()},
            "status": next,
        });
        let parameters = PatchParams::apply(MANAGER).force();
        self.api.patch_status(&self.object.name_any(), &parameters, &Patch::Apply(&patch)).await?;
        *written = next;
        drop(written);
        self.tell(&lines).await;
        Ok(())
    }

    /// Publishes events. One that is lost must not stop the work.
    async fn tell(&self, lines: &[Line]) {
        let reference = self.object.object_ref(&());
        for Line { warning, reason, note } in lines {
            tracing::info!(reason, note, "event");
            let event = KubeEvent {
                type_: if *warning { EventType::Warning } else { EventType::Normal },
                reason: (*reason).to_owned(),
                note: Some(shortened(note, NOTE_LENGTH)),
                // Events that differ in their note alone would be counted as one.
                action: shortened(note, ACTION_LENGTH),
                secondary: None,
            };
            if let Err(error) = self.context.events.publish(&event, &reference).await {
                tracing::warn!(error = chain(&error), reason, "an event was lost");
            }
        }
    }

    fn count_drift(&self, outcome: &Outcome) {
        for action in &outcome.found.actions {
            if drift::is_drift(&self.before, &outcome.wanted, action.resource) {
                self.context.metrics.drifted(action.resource.kind());
            }
        }
    }

    /// When to come back.
    async fn next(&self, outcome: &Outcome, stage: Stage) -> Duration {
        if let Some(after) = outcome.preflight.retry() {
            self.context.forget(self.uid());
            return after;
        }
        if let Some(failure) = policy::worst(&outcome.failures) {
            return match policy::answer(failure.error.kind).retry {
                Retry::After(after) => after,
                Retry::AtLeast(after) => after.max(self.context.backoff(self.uid())),
                Retry::Backoff => {
                    let after = self.context.backoff(self.uid());
                    if self.context.outages(self.uid()) == policy::OUTAGE_EVENT_AFTER {
                        let note = policy::advice(failure);
                        self.tell(&[Line { warning: true, reason: "Unavailable", note }]).await;
                    }
                    after
                }
            };
        }
        self.context.forget(self.uid());
        if outcome.is_complete() || outcome.is_only_held() || stage == Stage::OnlyLooked {
            return jittered(self.context.memories.next(self.object));
        }
        if !outcome.plan.conflicts.is_empty() {
            return Duration::from_secs(600);
        }
        let slow = outcome.plan.aws_at_work().all(|(id, _)| id == ResourceId::Distribution);
        if slow { SLOW_POLL } else { QUICK_POLL }
    }
}

/// Shows each round in status and events.
struct Reporter<'a, 'b, C> {
    run: &'a Run<'b, C>,
    goal: &'a Goal,
}

impl<C: Cloud + 'static> Progress for Reporter<'_, '_, C> {
    async fn round(&self, outcome: &Outcome) {
        let fresh = outcome.applied.is_empty() && self.run.before.resources.is_empty();
        if fresh && matches!(self.goal, Goal::Present(_)) && !outcome.plan.actions.is_empty() {
            self.run.tell(&[story::creating(&outcome.seen)]).await;
        }
        // In a gallery in sync, the end of the reconcile is soon enough; a change that takes rounds is shown.
        if let Err(error) = self.run.report(Report::Outcome(self.goal, outcome, Stage::UnderWay)).await {
            tracing::info!(error = chain(&error), "the status could not be written");
        }
    }

    fn is_asked(&self) -> bool {
        self.run.context.memories.is_asked(self.run.object)
    }

    fn hint(&self) -> Observed {
        self.run.context.memories.hint(self.run.object)
    }

    fn holds(&self, wanted: &Wanted, id: ResourceId) -> bool {
        drift::is_held(self.goal, &self.run.before, wanted, id)
    }
}

fn deleting_was_told(before: &PhotoGalleryStatus) -> bool {
    status::condition(before, ConditionType::Ready)
        .is_some_and(|ready| ready.reason == Reason::Deleting.as_str())
}

/// At most `limit` bytes, cut between characters.
fn shortened(text: &str, limit: usize) -> String {
    text[..text.floor_char_boundary(limit)].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_shortened_between_characters() {
        assert_eq!(shortened("Größe", 3), "Gr");
        assert_eq!(shortened("short", 1024), "short");
    }
}

//! When each gallery is looked at again, and how closely: at everything (whole), or only at what changes by itself or is changed by
//! hand most easily (light).
//!
//! Kept in memory only: a process that has just started looks at everything. So does whoever finds another spec, another annotation
//! or anything to do.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kube::ResourceExt;

use super::RawGallery;
use crate::cloud::Observed;
use crate::reconcile::{Memory, Outcome};

/// Memories of all galleries, by uid.
#[derive(Debug)]
pub struct Memories {
    light: Duration,
    whole: Duration,
    known: Mutex<HashMap<String, Known>>,
}

#[derive(Debug)]
struct Known {
    /// What the object asked for then.
    cause: Cause,
    memory: Arc<Memory>,
    /// When everything was looked at.
    whole_at: Instant,
}

impl Memories {
    /// With these times between two light and two whole looks.
    pub fn new(light: Duration, whole: Duration) -> Self {
        Self { light, whole, known: Mutex::default() }
    }

    /// What the last reconcile left, if a glance will do.
    pub(super) fn recall(&self, object: &RawGallery) -> Option<Arc<Memory>> {
        let known = self.known();
        let found = known.get(object.metadata.uid.as_deref()?)?;
        // A deletion that has nothing to wait for ends, and only after a look at everything.
        let is_going = object.metadata.deletion_timestamp.is_some() && !found.memory.is_waiting();
        let is_due = self.left(found).is_zero() || is_going;
        (found.cause == Cause::of(object) && !is_due).then(|| Arc::clone(&found.memory))
    }

    /// Does somebody want to know how everything is now? A new annotation asks for it, and a process that has just started.
    pub(super) fn is_asked(&self, object: &RawGallery) -> bool {
        let known = self.known();
        let found = object.metadata.uid.as_deref().and_then(|uid| known.get(uid));
        found.is_none_or(|found| found.cause.annotations != Cause::of(object).annotations)
    }

    /// Where things were when they were last looked at.
    pub(super) fn hint(&self, object: &RawGallery) -> Observed {
        let known = self.known();
        let found = object.metadata.uid.as_deref().and_then(|uid| known.get(uid));
        found.map(|found| found.memory.hint()).unwrap_or_default()
    }

    /// Keeps what is worth remembering of an outcome.
    pub(super) fn keep(&self, object: &RawGallery, outcome: &Outcome) {
        let Some(uid) = object.metadata.uid.clone() else { return };
        // Nothing was learned.
        if outcome.is_glance && !outcome.failures.is_empty() {
            return;
        }
        let mut known = self.known();
        let Some(memory) = Memory::of(outcome).map(Arc::new) else {
            known.remove(&uid);
            return;
        };
        let whole_at = known.get(&uid).filter(|_| outcome.is_glance).map(|known| known.whole_at);
        let whole_at = whole_at.unwrap_or_else(Instant::now);
        known.insert(uid, Known { cause: Cause::of(object), memory, whole_at });
    }

    /// The gallery is gone.
    pub(super) fn forget(&self, object: &RawGallery) {
        self.known().remove(object.metadata.uid.as_deref().unwrap_or_default());
    }

    /// When to look again at a gallery in which there is nothing to do.
    pub(super) fn next(&self, object: &RawGallery) -> Duration {
        let known = self.known();
        let found = known.get(object.metadata.uid.as_deref().unwrap_or_default());
        found.map_or(self.whole, |found| self.light.min(self.left(found)))
    }

    /// Until the next look at everything. A look that would be the last but a little before it is that one.
    fn left(&self, known: &Known) -> Duration {
        let left = self.whole.saturating_sub(known.whole_at.elapsed());
        if left < self.light.min(self.whole) / 4 { Duration::ZERO } else { left }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an object asks for.
#[derive(Debug, PartialEq, Eq)]
struct Cause {
    generation: Option<i64>,
    is_going: bool,
    annotations: u64,
}

impl Cause {
    fn of(object: &RawGallery) -> Self {
        let mut hasher = DefaultHasher::new();
        object.annotations().hash(&mut hasher);
        let (generation, annotations) = (object.metadata.generation, hasher.finish());
        Self { generation, is_going: object.metadata.deletion_timestamp.is_some(), annotations }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cloud::{CloudError, ErrorKind, Message};
    use crate::graph::ResourceId;
    use crate::plan::Waiting;
    use crate::reconcile::Failure;

    const LIGHT: Duration = Duration::from_secs(600);
    const WHOLE: Duration = Duration::from_secs(3600);

    fn object(generation: i64, annotation: &str) -> RawGallery {
        let metadata = json!({
            "name": "summer", "namespace": "photos", "uid": "1", "generation": generation,
            "annotations": {"key": annotation},
        });
        serde_json::from_value(json!({"metadata": metadata, "spec": {}})).unwrap()
    }

    fn memories(whole: Duration) -> Memories {
        let memories = Memories::new(LIGHT, whole);
        memories.keep(&object(1, "a"), &Outcome::default());
        memories
    }

    #[test]
    fn a_glance_will_do_until_the_object_asks_for_something_else() {
        let memories = memories(WHOLE);
        assert!(memories.recall(&object(1, "a")).is_some());
        assert!(memories.recall(&object(2, "a")).is_none());
        assert!(memories.recall(&object(1, "b")).is_none());
        assert!(memories.is_asked(&object(1, "b")) && !memories.is_asked(&object(2, "a")));
        assert_eq!(memories.next(&object(1, "a")), LIGHT);
    }

    #[test]
    fn everything_is_looked_at_when_it_is_time() {
        assert!(memories(Duration::ZERO).recall(&object(1, "a")).is_none());
        // Without a shorter interval for light looks, all are whole.
        let memories = Memories::new(WHOLE, LIGHT);
        assert_eq!(memories.next(&object(1, "a")), LIGHT);
    }

    #[test]
    fn what_has_something_to_do_is_not_remembered_and_an_outage_changes_nothing() {
        let memories = memories(WHOLE);
        let mut outcome = Outcome { is_glance: true, ..Outcome::default() };
        let error = CloudError {
            service: "dynamodb",
            operation: "DescribeTable",
            kind: ErrorKind::Unavailable,
            code: String::new(),
            source: Message("lost".into()),
        };
        outcome.failures.push(Failure { resource: ResourceId::Table, arn: String::new(), error });
        memories.keep(&object(1, "a"), &outcome);
        assert!(memories.recall(&object(1, "a")).is_some());
        outcome.is_glance = false;
        memories.keep(&object(1, "a"), &outcome);
        assert!(memories.recall(&object(1, "a")).is_none());
    }

    #[test]
    fn a_deletion_is_glanced_at_only_while_it_waits() {
        let memories = Memories::new(LIGHT, WHOLE);
        let mut going = object(1, "a");
        going.metadata.deletion_timestamp = serde_json::from_value(json!("2026-01-01T00:00:00Z")).unwrap();
        let mut outcome = Outcome::default();
        memories.keep(&going, &outcome);
        assert!(memories.recall(&going).is_none());
        outcome.plan.waiting.insert(ResourceId::Distribution, Waiting::Aws("at work"));
        memories.keep(&going, &outcome);
        assert!(memories.recall(&going).is_some());
        memories.forget(&going);
        assert!(memories.recall(&going).is_none());
    }
}

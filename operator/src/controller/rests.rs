//! The last look at a deleted gallery.
//!
//! AWS may show a resource seconds after its creation, and a function's last words may bring its log group back. A gallery that is
//! gone at one look may not be gone at the next, and once the object has gone, nobody looks any more. So deletion ends when nothing
//! was there to be done at two looks, some seconds apart. Lost at a restart without harm: then it is looked at twice again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::reconcile::Outcome;

/// Longer than AWS takes to show a role (5 s) or a function (3 s).
const PAUSE: Duration = Duration::from_secs(10);

/// Since when each deletion has had nothing left to do, by uid.
#[derive(Debug)]
pub struct Rests {
    pause: Duration,
    since: Mutex<HashMap<String, Instant>>,
}

impl Default for Rests {
    fn default() -> Self {
        Self::new(PAUSE)
    }
}

impl Rests {
    /// With this much between the two looks.
    pub fn new(pause: Duration) -> Self {
        Self { pause, since: Mutex::default() }
    }

    /// How long to wait before the next look; `None` when there is no need for one, or more to do than to look.
    pub(super) fn rest(&self, uid: &str, outcome: &Outcome) -> Option<Duration> {
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        if !outcome.is_complete() {
            since.remove(uid);
            return None;
        }
        let now = Instant::now();
        if !outcome.applied.is_empty() {
            since.remove(uid);
        }
        let begin = *since.entry(uid.to_owned()).or_insert(now);
        let left = self.pause.saturating_sub(now.duration_since(begin));
        if left.is_zero() {
            since.remove(uid);
            return None;
        }
        Some(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::ResourceId;
    use crate::plan::Action;

    fn nothing_left() -> Outcome {
        Outcome::default()
    }

    fn just_deleted() -> Outcome {
        let action = Action { resource: ResourceId::Table, steps: Vec::new() };
        Outcome { applied: vec![action], ..Outcome::default() }
    }

    #[test]
    fn a_deletion_ends_at_the_second_look() {
        let rests = Rests::new(Duration::from_millis(50));
        let left = rests.rest("a", &just_deleted()).unwrap();
        assert!(left <= Duration::from_millis(50));
        std::thread::sleep(left);
        assert_eq!(rests.rest("a", &nothing_left()), None);
    }

    #[test]
    fn what_came_back_begins_the_wait_anew() {
        let rests = Rests::new(Duration::from_millis(50));
        let left = rests.rest("a", &nothing_left()).unwrap();
        std::thread::sleep(left);
        assert!(rests.rest("a", &just_deleted()).is_some());
    }

    #[test]
    fn galleries_wait_each_for_themselves_and_only_when_done() {
        let rests = Rests::default();
        assert!(rests.rest("a", &nothing_left()).is_some());
        let mut unfinished = nothing_left();
        unfinished.plan.actions = just_deleted().applied;
        assert_eq!(rests.rest("a", &unfinished), None);
        assert_eq!(rests.rest("b", &nothing_left()), Some(PAUSE));
    }
}

//! What a reconcile leaves for the next one, so that it need not ask for everything again when nothing has changed.
//!
//! Lost at a restart without harm. Whatever a glance finds to do, a look at everything decides.
//!
//! Most of the time an operator holds this of every gallery and nothing else, so it is packed.

use std::collections::BTreeSet;

use functions_core::contract::FunctionName;

use super::Outcome;
use crate::cloud::{Observed, Scope};
use crate::graph::{BucketRole, ResourceId};
use crate::packed::Packed;

/// A gallery as it was when there was nothing to do about it.
#[derive(Clone, Debug)]
pub struct Memory {
    seen: Packed<Observed>,
    /// What AWS was at work on.
    pending: BTreeSet<ResourceId>,
}

impl Memory {
    /// What is worth remembering of an outcome; `None` when something is left to do.
    pub fn of(outcome: &Outcome) -> Option<Self> {
        let Outcome { plan, failures, preflight, .. } = outcome;
        let is_quiet = failures.is_empty() && plan.actions.is_empty() && plan.conflicts.is_empty();
        let pending = plan.aws_at_work().map(|(id, _)| id).collect();
        if !is_quiet || !preflight.is_passed() {
            return None;
        }
        Some(Self { seen: Packed::new(&outcome.seen)?, pending })
    }

    /// What has an id that AWS assigned and that takes a list to find.
    pub fn hint(&self) -> Observed {
        let distribution = self.seen().and_then(|seen| seen.distribution);
        Observed { distribution, ..Observed::default() }
    }

    /// Everything as it was seen.
    pub(super) fn seen(&self) -> Option<Observed> {
        self.seen.unpack()
    }

    /// Is AWS at work on something?
    pub fn is_waiting(&self) -> bool {
        !self.pending.is_empty()
    }

    /// What a glance looks at: what AWS was at work on, or else what changes by itself or is changed by hand most easily.
    pub(super) fn scope(&self) -> Scope {
        if self.is_waiting() {
            return self.pending.clone();
        }
        let functions = FunctionName::ALL.map(ResourceId::Function);
        let policies = BucketRole::OF_A_GALLERY.map(ResourceId::BucketPolicy);
        let others =
            [ResourceId::Stage, ResourceId::Distribution, ResourceId::Notification, ResourceId::Site];
        functions.into_iter().chain(policies).chain(others).collect()
    }
}

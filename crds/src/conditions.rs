//! The words of conditions: their types and reasons. Part of the API: programs and alerts match on them.

use strum::{Display, EnumIter, EnumString, IntoStaticStr};

/// What a condition is about. `Ready`, `Reconciling` and `Stalled` mean what kstatus means by them.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Display, EnumIter, EnumString, IntoStaticStr,
)]
pub enum ConditionType {
    /// The spec is valid.
    Accepted,
    /// Every AWS resource matches the spec.
    Synced,
    /// Visitors can use the gallery.
    Ready,
    /// Work is under way; the message says what it waits for. Absent when there is none.
    Reconciling,
    /// A person must act; the message says how. Absent when nobody must.
    Stalled,
}

impl ConditionType {
    /// The order in which conditions are reported.
    pub const ALL: [Self; 5] = [Self::Accepted, Self::Synced, Self::Ready, Self::Reconciling, Self::Stalled];

    /// As in `conditions[].type`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Why a condition has its status, in one word.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Display, EnumIter, EnumString, IntoStaticStr,
)]
pub enum Reason {
    /// Accepted: the spec is valid.
    Valid,
    /// Accepted, Stalled: the spec asks for something impossible that the schema could not refuse.
    InvalidSpec,
    /// Synced: every resource matches.
    UpToDate,
    /// AWS needs time before the next step, seconds at most (a new role, an operation under way).
    Waiting,
    /// AWS is at work on something that takes minutes (the distribution).
    Progressing,
    /// A resource of our name belongs to somebody else.
    ResourceConflict,
    /// The operator lacks a permission.
    AccessDenied,
    /// AWS refused a request as wrong.
    Rejected,
    /// A quota of the account is used up.
    LimitExceeded,
    /// Several things of these kinds stand in the way of a new gallery, so that nothing of it is made yet.
    PreflightFailed,
    /// AWS asked to slow down.
    Throttled,
    /// AWS did not answer, or failed.
    Unavailable,
    /// A resource was changed by other means, and the policy says to report only.
    Drifted,
    /// The spec says to change nothing.
    Suspended,
    /// Ready: visitors can use the gallery.
    Live,
    /// Ready: not yet.
    Creating,
    /// A new spec is on its way.
    Updating,
    /// The object is being deleted.
    Deleting,
    /// Not yet looked at.
    Pending,
}

impl Reason {
    /// As in `conditions[].reason`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

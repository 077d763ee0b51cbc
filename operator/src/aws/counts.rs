//! How many there are of what an account has few of: every look at a gallery that is not there lists them all anyway.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::preflight::Quota;

/// What the last whole lists held.
#[derive(Debug, Default)]
pub struct Counts(Mutex<BTreeMap<Quota, u64>>);

impl Counts {
    /// A list was read to its end.
    pub(super) fn note(&self, quota: Quota, count: usize) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(quota, count as u64);
    }

    /// How many the last list held.
    pub(super) fn of(&self, quota: Quota) -> Option<u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&quota).copied()
    }
}

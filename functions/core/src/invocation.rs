//! The event being handled: its ids, for every log line and call, and what was measured meanwhile.
//!
//! Kept for the thread, because there is one thread and Lambda hands a process one event at a time. What runs on other threads
//! sees none, and measures nothing.

use std::cell::RefCell;

use crate::metrics::Measures;

thread_local! {
    static CURRENT: RefCell<Invocation> = RefCell::default();
}

/// The ids that Lambda gives an event. Empty outside of one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ids {
    /// In the log's own lines about this event, too.
    pub request: Option<String>,
    /// X-Ray's header, to be passed on with each call.
    pub trace: Option<String>,
}

#[derive(Debug, Default)]
struct Invocation {
    ids: Ids,
    measures: Measures,
}

/// From here on it is this event that is handled.
pub fn begin(ids: Ids) {
    CURRENT.with_borrow_mut(|current| *current = Invocation { ids, ..Invocation::default() });
}

/// The event is handled: what was measured.
pub fn end() -> (Ids, Measures) {
    let Invocation { ids, measures } = CURRENT.take();
    (ids, measures)
}

/// The ids of the event being handled.
pub fn ids() -> Ids {
    CURRENT.with_borrow(|current| current.ids.clone())
}

pub(crate) fn measure(note: impl FnOnce(&mut Measures)) {
    CURRENT.with_borrow_mut(|current| note(&mut current.measures));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics;

    #[test]
    fn nothing_of_an_event_is_left_for_the_next() {
        let ids_of = |request: &str| Ids { request: Some(request.into()), trace: Some("Root=1".into()) };
        begin(ids_of("a"));
        metrics::count("Photos", 3);
        assert_eq!(ids(), ids_of("a"));
        begin(ids_of("b"));
        assert_eq!(end(), (ids_of("b"), Measures::default()));
        assert_eq!(ids(), Ids::default());
    }
}

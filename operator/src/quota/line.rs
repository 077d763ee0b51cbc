//! Galleries that wait for a change which AWS allows only every few seconds: first come, first served.

use std::time::Duration;

use tokio::time::Instant;

use super::AT_ONCE;

/// How late somebody may come back and still find their place. After that they do not want it any more, or ask again at the end.
const GRACE: Duration = Duration::from_secs(60);

/// Those who wait, in order.
#[derive(Debug, Default)]
pub(super) struct Line(Vec<Waiting>);

#[derive(Debug)]
struct Waiting {
    who: String,
    /// When they were told to come back.
    due: Instant,
}

/// When it is somebody's turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Now, or within seconds.
    Now,
    /// After this much time.
    In(Duration),
}

impl Line {
    /// Is it their turn? `time_of` says when the token after so many others is there.
    pub(super) fn ask(&mut self, who: &str, now: Instant, time_of: impl FnOnce(usize) -> Instant) -> Turn {
        self.0.retain(|waiting| waiting.who == who || now <= waiting.due + GRACE);
        let found = self.0.iter().position(|waiting| waiting.who == who);
        let place = found.unwrap_or(self.0.len());
        let due = time_of(place);
        if due.saturating_duration_since(now) <= AT_ONCE {
            if found.is_some() {
                self.0.remove(place);
            }
            return Turn::Now;
        }
        match self.0.get_mut(place) {
            Some(waiting) => waiting.due = due,
            None => self.0.push(Waiting { who: who.to_owned(), due }),
        }
        Turn::In(due - now)
    }
}

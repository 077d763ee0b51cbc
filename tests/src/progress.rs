//! Lines for the person watching, each with the time since the start.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

type Sink = Box<dyn FnMut(&str) + Send>;

/// Cheap to clone; all clones write to the same place.
#[derive(Clone)]
pub struct Progress {
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    started: Instant,
    sink: Sink,
}

impl std::fmt::Debug for Progress {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Progress")
    }
}

impl Progress {
    pub fn new(sink: impl FnMut(&str) + Send + 'static) -> Self {
        Self { shared: Arc::new(Mutex::new(Shared { started: Instant::now(), sink: Box::new(sink) })) }
    }

    /// For tests: their output is what failed, not how it went.
    pub fn silent() -> Self {
        Self::new(|_| {})
    }

    #[expect(clippy::print_stdout, reason = "telling the person at the terminal is what this is for")]
    pub fn stdout() -> Self {
        Self::new(|line| println!("{line}"))
    }

    /// A step, with the time since the start.
    pub fn step(&self, text: impl AsRef<str>) {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let line = format!("[{:6.1} s] {}", shared.started.elapsed().as_secs_f32(), text.as_ref());
        (shared.sink)(&line);
    }

    /// Text as it is, without a time.
    pub fn say(&self, text: impl AsRef<str>) {
        (self.shared.lock().unwrap_or_else(PoisonError::into_inner).sink)(text.as_ref());
    }

    /// The following steps count from now, and go to another place.
    pub fn restart(&self, sink: impl FnMut(&str) + Send + 'static) {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        *shared = Shared { started: Instant::now(), sink: Box::new(sink) };
    }
}

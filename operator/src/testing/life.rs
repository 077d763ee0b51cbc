//! The operator's life, which everything that it talks to shares: once it is over, nothing is carried out any more, and
//! nothing is answered.

use std::future::pending;

use tokio::sync::watch;

/// Does the operator live?
#[derive(Debug)]
pub(crate) struct Life(watch::Sender<bool>);

impl Default for Life {
    fn default() -> Self {
        Self(watch::Sender::new(true))
    }
}

impl Life {
    /// It dies.
    pub(crate) fn end(&self) {
        self.0.send_replace(false);
    }

    /// Another process takes its place.
    pub(crate) fn begin_again(&self) {
        self.0.send_replace(true);
    }

    pub(crate) fn is_over(&self) -> bool {
        !*self.0.borrow()
    }

    /// Lets others go first, and never comes back to the dead.
    pub(crate) async fn turn(&self) {
        tokio::task::yield_now().await;
        if self.is_over() {
            pending::<()>().await;
        }
    }

    /// What the operator brings about in its life. `None`: it died before it was done, and another takes its place.
    pub(crate) async fn spend<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut life = self.0.subscribe();
        let done = tokio::select! {
            biased;
            _ = life.wait_for(|lives| !lives) => None,
            done = work => Some(done),
        };
        // It may have died with the last answer in its ears.
        let died = self.is_over();
        self.begin_again();
        done.filter(|_| !died)
    }
}

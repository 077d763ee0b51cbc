//! What galleries need not each ask for: lists of the whole account, and resources that all of them share.
//!
//! A list serves everyone who can do with one of its age, and those who ask while it is being read wait for that one answer. What we
//! have changed ourselves is read anew. Nothing here says that something is missing: whoever does not find theirs in an old list
//! reads a new one.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::role::{Listed as Role, Policies};
use super::{Clients, Looking};
use super::{distribution as aws_distribution, rest_api};
use crate::cloud::{CloudError, Observed};
use crate::gallery::Identity;
use crate::graph::ResourceId;
use crate::resources::{Change, distribution, response_headers_policy};

/// Of one region.
#[derive(Debug, Default)]
pub struct Lists {
    pub(super) rest_apis: List<Vec<rest_api::Listed>>,
    shared: Mutex<BTreeMap<String, Arc<List<Observed>>>>,
}

/// Of the account.
#[derive(Debug, Default)]
pub struct AccountLists {
    pub(super) distributions: List<Vec<aws_distribution::Listed>>,
    pub(super) roles: List<BTreeMap<String, Role>>,
    pub(super) policies: List<BTreeMap<String, Policies>>,
}

impl Lists {
    /// What is known of something that galleries share.
    pub(super) fn shared(&self, gallery: &Identity, id: ResourceId) -> Arc<List<Observed>> {
        let key = match id {
            // The only one of which there may be several.
            ResourceId::ResponseHeadersPolicy => response_headers_policy::name(gallery),
            other => other.to_string(),
        };
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(shared.entry(key).or_default())
    }
}

/// A list, as it was read last.
#[derive(Debug)]
pub(super) struct List<T> {
    last: Mutex<Last<T>>,
    reading: tokio::sync::Mutex<()>,
    changing: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Last<T> {
    /// What was read, and when that began.
    read: Option<(Instant, Arc<T>)>,
    /// When we changed something in it.
    changed: Option<Instant>,
}

impl<T> Default for List<T> {
    fn default() -> Self {
        let (reading, changing) = (tokio::sync::Mutex::default(), tokio::sync::Mutex::default());
        Self { last: Mutex::new(Last { read: None, changed: None }), reading, changing }
    }
}

impl<T> List<T> {
    /// The list as it was at `oldest` or later; `None`: of any age.
    pub(super) async fn since<E>(
        &self,
        oldest: Option<Instant>,
        read: impl Future<Output = Result<T, E>>,
    ) -> Result<Arc<T>, E> {
        if let Some(known) = self.known(oldest) {
            return Ok(known);
        }
        let _reading = self.reading.lock().await;
        if let Some(known) = self.known(oldest) {
            return Ok(known);
        }
        let begun = Instant::now();
        let list = Arc::new(read.await?);
        self.last().read = Some((begun, Arc::clone(&list)));
        Ok(list)
    }

    /// One's turn to change it: nobody else does meanwhile. With what is known of it then.
    pub(super) async fn turn(&self) -> (tokio::sync::MutexGuard<'_, ()>, Option<Arc<T>>) {
        let turn = self.changing.lock().await;
        (turn, self.known(None))
    }

    /// What it is after a change of ours; `None`: not known.
    pub(super) fn change(&self, change: impl FnOnce(&T) -> Option<T>) {
        let mut last = self.last();
        let now = Instant::now();
        let known =
            last.read.as_ref().filter(|(begun, _)| last.changed.is_none_or(|changed| *begun > changed));
        let changed = known.and_then(|(_, list)| change(list));
        match changed {
            Some(list) => last.read = Some((now, Arc::new(list))),
            None => last.changed = Some(now),
        }
    }

    /// We have changed something in it.
    pub(super) fn forget(&self) {
        self.last().changed = Some(Instant::now());
    }

    fn known(&self, oldest: Option<Instant>) -> Option<Arc<T>> {
        let last = self.last();
        let (begun, list) = last.read.as_ref()?;
        // At the same instant, the change may have come later.
        let is_young = oldest.is_none_or(|oldest| *begun >= oldest);
        (is_young && last.changed.is_none_or(|changed| *begun > changed)).then(|| Arc::clone(list))
    }

    fn last(&self) -> MutexGuard<'_, Last<T>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lists that a change of ours made old. Also when it failed: an answer that was lost may have been yes.
pub(super) fn note(clients: &Clients, change: &Change) {
    match change {
        Change::RestApi(_) => clients.lists.rest_apis.forget(),
        Change::Role(..) => {
            clients.account_lists.roles.forget();
            clients.account_lists.policies.forget();
        }
        // Which there are is all that the list of them is used for.
        Change::Distribution(distribution::Change::Create(_) | distribution::Change::Delete { .. }) => {
            clients.account_lists.distributions.forget();
        }
        _ => {}
    }
}

/// What `pick` finds in a list; in one that is read now when an older one does not have it.
pub(super) async fn find<T, F, R>(
    looking: &Looking<'_>,
    list: &List<T>,
    read: impl Fn() -> F,
    pick: impl Fn(&T) -> Option<R>,
) -> Result<Option<R>, CloudError>
where
    F: Future<Output = Result<T, CloudError>>,
{
    Ok(pick(&*with(looking, list, read, |list| pick(list).is_some()).await?))
}

/// A list, read now when an older one does not have what is looked for.
pub(super) async fn with<T, F, E>(
    looking: &Looking<'_>,
    list: &List<T>,
    read: impl Fn() -> F,
    has: impl Fn(&T) -> bool,
) -> Result<Arc<T>, E>
where
    F: Future<Output = Result<T, E>>,
{
    let found = list.since(looking.oldest(), read()).await?;
    if has(&found) {
        return Ok(found);
    }
    list.since(Some(looking.begun), read()).await
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    #[derive(Default)]
    struct Counter(AtomicUsize);

    impl Counter {
        async fn read(&self) -> Result<usize, ()> {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok(self.0.fetch_add(1, Ordering::Relaxed))
        }
    }

    fn run<T>(test: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.unwrap().block_on(test)
    }

    #[test]
    fn those_who_ask_at_the_same_time_get_the_same_answer() {
        run(async {
            let (list, counter) = (List::default(), Counter::default());
            let now = Some(Instant::now());
            let ask = || async { *list.since(now, counter.read()).await.unwrap() };
            assert_eq!(futures::join!(ask(), ask(), ask()), (0, 0, 0));
        });
    }

    #[test]
    fn a_list_that_is_too_old_or_that_we_have_changed_is_read_anew() {
        run(async {
            let (list, counter) = (List::default(), Counter::default());
            let ask = |oldest| {
                let (list, counter) = (&list, &counter);
                async move { *list.since(oldest, counter.read()).await.unwrap() }
            };
            assert_eq!((ask(None).await, ask(None).await), (0, 0));
            assert_eq!((ask(Some(Instant::now())).await, ask(None).await), (1, 1));
            list.forget();
            assert_eq!(ask(None).await, 2);
        });
    }

    #[test]
    fn a_list_whose_reading_began_before_our_change_is_not_given_to_anybody_later() {
        run(async {
            let (list, counter) = (List::default(), Counter::default());
            let change = async {
                tokio::time::sleep(Duration::from_millis(500)).await;
                list.forget();
            };
            let (first, ()) = futures::join!(list.since(None, counter.read()), change);
            assert_eq!((*first.unwrap(), *list.since(None, counter.read()).await.unwrap()), (0, 1));
        });
    }

    #[test]
    fn what_a_change_leaves_need_not_be_read() {
        run(async {
            let (list, counter) = (List::default(), Counter::default());
            assert_eq!(*list.since(None, counter.read()).await.unwrap(), 0);
            tokio::time::sleep(Duration::from_secs(1)).await;
            let oldest = Some(Instant::now());
            list.change(|number| Some(number + 100));
            assert_eq!(*list.since(oldest, counter.read()).await.unwrap(), 100);
            list.change(|_| None);
            assert_eq!(*list.since(None, counter.read()).await.unwrap(), 1);
            list.forget();
            list.change(|number| Some(number + 100));
            assert_eq!(
                *list.since(None, counter.read()).await.unwrap(),
                2,
                "what was forgotten is not changed"
            );
        });
    }

    #[test]
    fn a_failure_is_nobody_else_s() {
        run(async {
            let list = List::<usize>::default();
            list.since(None, async { Err::<usize, _>("no") }).await.unwrap_err();
            assert_eq!(*list.since(None, async { Ok::<_, ()>(7) }).await.unwrap(), 7);
        });
    }
}

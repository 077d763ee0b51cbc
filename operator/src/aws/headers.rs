//! The headers of the site's files, which no list tells: asked for once, and again when a file was written since.
//!
//! `LastModified` changes with every write, also with one of the headers alone, which in S3 is a copy onto itself. So in a gallery
//! in sync the list says that nothing changed, and nobody asks. Kept in memory only: an operator that has just started asks once for
//! each file.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use super::objects::Listed;
use crate::resources::site::Headers;

/// `LastModified` has whole seconds: what is asked for sooner may change once more without showing.
const SETTLED_AFTER: i64 = 3;
/// How long what we have put ourselves need not be asked for, so that making a gallery does not ask at all.
const OUR_OWN_FOR: Duration = Duration::from_secs(15);

/// What is known, by bucket and path.
#[derive(Debug, Default)]
pub struct KnownHeaders(Mutex<BTreeMap<String, BTreeMap<String, Known>>>);

#[derive(Debug)]
enum Known {
    /// We have put it.
    Ours { etag: String, headers: Headers, since: Instant },
    /// S3 has told us, of the file as it was listed then.
    Told { listed: Listed, headers: Headers },
}

impl KnownHeaders {
    /// Headers of a file as it is listed now, if they are known.
    pub(super) fn of(&self, bucket: &str, path: &str, now: &Listed) -> Option<Headers> {
        match self.all().get(bucket)?.get(path)? {
            Known::Ours { etag, headers, since } => {
                (*etag == now.etag && since.elapsed() < OUR_OWN_FOR).then(|| headers.clone())
            }
            Known::Told { listed, headers } => (listed == now).then(|| headers.clone()),
        }
    }

    /// S3 has told the headers of a file that was listed before.
    pub(super) fn told(&self, bucket: &str, path: &str, listed: Listed, headers: Headers) {
        if seconds_now() - listed.written >= SETTLED_AFTER {
            let known = Known::Told { listed, headers };
            self.all().entry(bucket.to_owned()).or_default().insert(path.to_owned(), known);
        }
    }

    /// We have put a file.
    pub(super) fn put(&self, bucket: &str, path: &str, etag: &str, headers: Headers) {
        let known = Known::Ours { etag: etag.to_owned(), headers, since: Instant::now() };
        self.all().entry(bucket.to_owned()).or_default().insert(path.to_owned(), known);
    }

    /// Only these files are there; `None`: not even the bucket.
    pub(super) fn keep(&self, bucket: &str, files: Option<&BTreeMap<String, Listed>>) {
        let mut all = self.all();
        match (all.get_mut(bucket), files) {
            (Some(known), Some(files)) => known.retain(|path, _| files.contains_key(path)),
            (Some(_), None) => drop(all.remove(bucket)),
            (None, _) => {}
        }
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, BTreeMap<String, Known>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn seconds_now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}

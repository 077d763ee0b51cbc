//! The headers of the site's files, which no list tells: asked for once, and again when a file was written since.
//!
//! `LastModified` changes with every write, also with one of the headers alone, which in S3 is a copy onto itself. So in a gallery
//! in sync the list says that nothing changed, and nobody asks. But it has whole seconds, and `PutObject` does not tell it: a write
//! right after another one may show nothing. So an answer is kept only when the file had been listed as it is for a while before the
//! question, and of what we have put ourselves we believe our own word only until the next reconcile looks.
//!
//! Kept in memory only: an operator that has just started asks once for each file.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use super::objects::Listed;
use crate::resources::site::Headers;

/// After so long a list that still shows a file as before, the second of its last write is over, and every later one will show: that
/// second, and another for clocks of S3's that differ.
const SETTLED_AFTER: Duration = Duration::from_secs(2);
/// From this age on, by our own clock, it is over for certain: AWS refuses whose clock is further off.
const OLD_AFTER: i64 = 15 * 60;

/// What is known of each file, by bucket and path.
#[derive(Debug, Default)]
pub struct KnownHeaders(Mutex<BTreeMap<String, BTreeMap<String, Known>>>);

#[derive(Debug, Default)]
struct Known {
    /// As it is listed, and since when.
    listed: Option<(Listed, Instant)>,
    /// What S3 has told of it as it is listed.
    told: Option<Few>,
    /// What we have put in this reconcile.
    put: Option<Put>,
}

#[derive(Debug)]
struct Put {
    etag: String,
    headers: Few,
    /// Has it been listed since? Then another time of writing is somebody else's.
    is_listed: bool,
}

/// [`Headers`] in a fifth of the memory: they are held of every file of every gallery.
type Few = Box<[(String, String)]>;

impl KnownHeaders {
    /// A reconcile begins: what we have put before may have been written by others since.
    pub(super) fn begin(&self, bucket: &str) {
        for file in self.all().get_mut(bucket).into_iter().flat_map(BTreeMap::values_mut) {
            file.put = None;
        }
    }

    /// Only these files are there; `None`: not even the bucket.
    pub(super) fn list(&self, bucket: &str, files: Option<&BTreeMap<String, Listed>>) {
        let mut all = self.all();
        let Some(files) = files else { return drop(all.remove(bucket)) };
        let known = all.entry(bucket.to_owned()).or_default();
        known.retain(|path, _| files.contains_key(path));
        for (path, now) in files {
            let file = known.entry(path.clone()).or_default();
            let is_written = file.listed.as_ref().is_none_or(|(listed, _)| listed != now);
            if is_written {
                (file.listed, file.told) = (Some((now.clone(), Instant::now())), None);
            }
            file.put = file.put.take().filter(|put| put.etag == now.etag && !(put.is_listed && is_written));
            file.put.iter_mut().for_each(|put| put.is_listed = true);
        }
    }

    /// Headers of a file as it was listed last, if they are known.
    pub(super) fn of(&self, bucket: &str, path: &str) -> Option<Headers> {
        let all = self.all();
        let Known { told, put, .. } = all.get(bucket)?.get(path)?;
        let headers = put.as_ref().map(|put| &put.headers).or(told.as_ref())?;
        Some(headers.iter().cloned().collect())
    }

    /// Will an answer of S3 to a question that is asked now hold as long as the file is listed as it is?
    pub(super) fn is_settled(&self, bucket: &str, path: &str) -> bool {
        let all = self.all();
        let listed = all.get(bucket).and_then(|files| files.get(path)?.listed.as_ref());
        listed.is_some_and(|(listed, since)| {
            since.elapsed() >= SETTLED_AFTER || seconds_now() - listed.written >= OLD_AFTER
        })
    }

    /// S3 has told the headers of a file that [was settled](Self::is_settled) when it was asked.
    pub(super) fn told(&self, bucket: &str, path: &str, headers: Headers) {
        if let Some(file) = self.all().get_mut(bucket).and_then(|files| files.get_mut(path)) {
            file.told = Some(headers.into_iter().collect());
        }
    }

    /// We have put a file.
    pub(super) fn put(&self, bucket: &str, path: &str, etag: &str, headers: Headers) {
        let mut all = self.all();
        let file = all.entry(bucket.to_owned()).or_default().entry(path.to_owned()).or_default();
        let headers = headers.into_iter().collect();
        (file.told, file.put) = (None, Some(Put { etag: etag.to_owned(), headers, is_listed: false }));
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, BTreeMap<String, Known>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn seconds_now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}

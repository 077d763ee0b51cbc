//! The site's files: what the frontend's build made, `config.json`, and `index.html` narrowed to this gallery's buckets.
//!
//! Found by listing the bucket; a file is compared by the MD5 that S3 gives as its `ETag`, so a header that somebody
//! changed on an unchanged file is not seen. The bucket holds nothing else: other files are removed. Uploads are
//! idempotent. Their order matters to visitors who come meanwhile: what a page refers to comes before it, and goes after.

mod files;

use std::collections::BTreeMap;

use super::{Body, Description, Difference, Kind, Step};
use crate::cloud;
use crate::gallery::{DataPolicy, Gallery, Identity};
use crate::graph::BucketRole;
use crate::names;

pub use files::index_html;

/// This kind.
#[derive(Debug)]
pub struct Site;

/// S3's limit for one `DeleteObjects`.
const DELETED_AT_ONCE: usize = 1000;

/// The site as it should be.
#[derive(Clone, Debug, PartialEq)]
pub struct Desired {
    /// Files by path.
    pub files: BTreeMap<String, File>,
}

/// A file to serve.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    /// MD5 in hexadecimal.
    pub md5: String,
    /// `Content-Type`.
    pub content_type: &'static str,
    /// `Cache-Control`.
    pub cache_control: &'static str,
    /// The content.
    pub body: Body,
}

/// The site as it is. `Some` as soon as the bucket is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// `ETag`s without quotes, by path.
    pub files: BTreeMap<String, String>,
}

/// One call.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// `PutObject`.
    Put {
        /// Key.
        path: String,
        /// What to put there.
        file: File,
    },
    /// `DeleteObjects`.
    Delete(Vec<String>),
}

impl Observed {
    /// Is everything as this gallery should have it? Only then is it worth an invalidation.
    pub fn is_current(&self, gallery: &Gallery) -> bool {
        Site::update(&Desired::of(gallery), Some(self)).is_empty()
    }
}

/// Digest over the whole site, for the invalidation to remember which one it was for.
pub fn digest(gallery: &Gallery) -> String {
    let Desired { files } = Desired::of(gallery);
    let lines: Vec<_> = files.iter().map(|(path, file)| format!("{} {path}\n", file.md5)).collect();
    names::sha256_hex(lines.concat().as_bytes())
}

impl Desired {
    fn of(gallery: &Gallery) -> Self {
        Self { files: files::of(gallery) }
    }
}

impl Kind for Site {
    type Key = ();
    type Desired = Desired;
    type Observed = Observed;
    type Change = Change;

    fn desired((): (), gallery: &Gallery, _seen: &cloud::Observed) -> Option<Desired> {
        Some(Desired::of(gallery))
    }

    fn update(want: &Desired, seen: Option<&Observed>) -> Vec<Step<Change>> {
        let nothing = BTreeMap::new();
        let seen = seen.map_or(&nothing, |seen| &seen.files);
        let mut changed: Vec<_> =
            want.files.iter().filter(|(path, file)| seen.get(*path) != Some(&file.md5)).collect();
        changed.sort_by_key(|(path, _)| files::turn(path));
        let mut steps: Vec<_> = changed.into_iter().map(|(path, file)| put(path, file, seen)).collect();
        if seen.is_empty() {
            // A fresh site is one line, not one for each file.
            let mut puts = steps.into_iter().map(|step| step.change);
            let first = puts.next().map(Step::create);
            return first.into_iter().chain(puts.map(Step::detail)).collect();
        }
        let stale: Vec<_> = seen.keys().filter(|path| !want.files.contains_key(*path)).cloned().collect();
        steps.extend(stale.chunks(DELETED_AT_ONCE).map(|paths| {
            let differences = paths.iter().map(|path| Difference::new(path, "not of this build", "removed"));
            Step::update(Change::Delete(paths.to_vec()), differences.collect::<Vec<_>>())
        }));
        steps
    }

    /// Nothing: they go with their bucket.
    fn delete((): (), _seen: &Observed, _data: DataPolicy) -> Vec<Step<Change>> {
        Vec::new()
    }

    fn describe((): (), gallery: &Identity, _seen: &Observed) -> Description {
        Description { name: gallery.bucket(BucketRole::Frontend), arn: None }
    }
}

fn put(path: &str, file: &File, seen: &BTreeMap<String, String>) -> Step<Change> {
    let from = if seen.contains_key(path) { "different" } else { "missing" };
    let difference = Difference::new(path, from, "as built");
    Step::update(Change::Put { path: path.to_owned(), file: file.clone() }, [difference])
}

#[cfg(test)]
mod tests;

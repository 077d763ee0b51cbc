//! The site's files: what the frontend's build made, `config.json`, and `index.html` narrowed to this gallery's buckets.
//!
//! Found by listing the bucket; a file is compared by the MD5 that S3 gives as its `ETag`, and by the headers that S3 would serve
//! it with. The bucket holds nothing else: other files are removed. Uploads are
//! idempotent. Their order matters to visitors who come meanwhile: what a page refers to comes before it, and goes after.

mod files;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{After, Body, Description, Difference, Kind, Step, rest_api};
use crate::cloud::{self, Answer};
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

/// What S3 serves a file with, by lower-case name; those that we do not set are there when somebody else has set them.
pub type Headers = BTreeMap<String, String>;

/// A file as it is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// `ETag` without quotes.
    pub etag: String,
    /// Its headers.
    pub headers: Headers,
}

impl File {
    /// What it should be served with, and nothing else.
    pub fn headers(&self) -> Headers {
        let Self { content_type, cache_control, .. } = self;
        [("content-type", content_type), ("cache-control", cache_control)]
            .map(|(name, value)| (name.to_owned(), (*value).to_owned()))
            .into()
    }

    fn is_stored_as(&self, stored: &Stored) -> bool {
        stored.etag == self.md5 && stored.headers == self.headers()
    }
}

/// The site as it is. `Some` as soon as the bucket is there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// Files by path.
    pub files: BTreeMap<String, Stored>,
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
    /// The site as this gallery should have it.
    pub fn as_wanted(gallery: &Gallery) -> Self {
        let files = Desired::of(gallery).files.into_iter();
        let stored = |file: File| Stored { headers: file.headers(), etag: file.md5 };
        Self { files: files.map(|(path, file)| (path, stored(file))).collect() }
    }

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
        let is_right = |path: &String, file: &File| seen.get(path).is_some_and(|it| file.is_stored_as(it));
        let mut changed: Vec<_> = want.files.iter().filter(|(path, file)| !is_right(path, file)).collect();
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
            let differences = paths.iter().map(|path| Difference::new(path, "not of this build", "none"));
            Step::update(Change::Delete(paths.to_vec()), differences.collect::<Vec<_>>())
        }));
        steps
    }

    /// Nothing: they go with their bucket.
    fn delete((): (), _seen: &Observed, _data: DataPolicy) -> Vec<Step<Change>> {
        Vec::new()
    }

    fn after(seen: Option<&Observed>, change: &Change, _: &Answer) -> After<Observed> {
        let mut now = seen.cloned().unwrap_or_default();
        match change {
            Change::Put { path, file } => {
                let stored = Stored { etag: file.md5.clone(), headers: file.headers() };
                now.files.insert(path.clone(), stored);
            }
            Change::Delete(paths) => now.files.retain(|path, _| !paths.contains(path)),
        }
        After::Is(now)
    }

    fn describe((): (), gallery: &Identity, _seen: &Observed) -> Description {
        Description { name: gallery.bucket(BucketRole::Frontend), arn: None }
    }
}

fn put(path: &str, file: &File, seen: &BTreeMap<String, Stored>) -> Step<Change> {
    let differences = match seen.get(path) {
        None => vec![Difference::new(path, "missing", "as built")],
        Some(stored) => file_differences(path, file, stored),
    };
    Step::update(Change::Put { path: path.to_owned(), file: file.clone() }, differences)
}

fn file_differences(path: &str, file: &File, stored: &Stored) -> Vec<Difference> {
    let short = |digest: &String| rest_api::short(digest);
    let content = Difference::between(&format!("{path} content"), &short(&stored.etag), &short(&file.md5));
    let headers = file.headers();
    let names = headers.keys().chain(stored.headers.keys()).collect::<BTreeSet<_>>();
    let text = |headers: &Headers, name: &str| headers.get(name).cloned().unwrap_or_default();
    let headers = names.into_iter().filter_map(|name| {
        Difference::between(&format!("{path} {name}"), &text(&stored.headers, name), &text(&headers, name))
    });
    content.into_iter().chain(headers).collect()
}

#[cfg(test)]
mod tests;

//! The functions' zips in the artefact bucket, from which Lambda takes the code.
//!
//! Found by key, and a key holds its content's digest: it never changes. Still the content is compared, by the MD5 that S3 gives
//! as its `ETag`: a zip that somebody has replaced would be run by every gallery. Shared by all galleries
//! of an account and region, hence never deleted with one of them; zips of earlier builds stay, for galleries that another
//! replica of the operator still runs with them. Uploads are idempotent.
//!
//! The bucket exists before all zips are in it, so a function may be made only when its own zip is [there](Observed::has).

use std::collections::BTreeMap;

use functions_core::contract::FunctionName;
use serde::{Deserialize, Serialize};

use super::{After, Body, Description, Difference, Kind, Step};
use crate::cloud::{self, Answer};
use crate::gallery::{DataPolicy, Gallery, Identity};
use crate::graph::BucketRole;

/// This kind.
#[derive(Debug)]
pub struct Artefacts;

/// What all keys begin with.
pub const PREFIX: &str = "functions/";

/// The zips that the gallery's functions need, by key.
#[derive(Clone, Debug, PartialEq)]
pub struct Desired {
    /// Each with the function it is for.
    pub zips: BTreeMap<String, Zip>,
}

/// A zip to upload.
#[derive(Clone, Debug, PartialEq)]
pub struct Zip {
    /// Whose code it is.
    pub function: FunctionName,
    /// SHA-256 in base64, for S3 to check what arrives.
    pub sha256: String,
    /// MD5 in hexadecimal.
    pub md5: String,
    /// The zip.
    pub body: Body,
}

/// What is in the bucket. `Some` as soon as the bucket is there and ours.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// All zips, also of other builds: key and `ETag` without quotes.
    pub keys: BTreeMap<String, String>,
}

impl Observed {
    /// Is this zip there, as it was built?
    pub fn has(&self, zip: &crate::release::Zip) -> bool {
        self.keys.get(&zip.key) == Some(&zip.md5)
    }
}

/// One call.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// `PutObject`.
    Put {
        /// Key.
        key: String,
        /// Content.
        zip: Zip,
    },
}

impl Kind for Artefacts {
    type Key = ();
    type Desired = Desired;
    type Observed = Observed;
    type Change = Change;

    fn desired((): (), gallery: &Gallery, _seen: &cloud::Observed) -> Option<Desired> {
        let architecture = gallery.spec.functions.architecture;
        let zips = FunctionName::ALL.into_iter().filter_map(|function| {
            let zip = gallery.release.function(architecture, function)?;
            let (sha256, md5, body) = (zip.code_sha256.clone(), zip.md5.clone(), zip.body.clone());
            Some((zip.key.clone(), Zip { function, sha256, md5, body }))
        });
        Some(Desired { zips: zips.collect() })
    }

    fn update(want: &Desired, seen: Option<&Observed>) -> Vec<Step<Change>> {
        let found = |key: &String| seen.and_then(|seen| seen.keys.get(key));
        let is_first = seen.is_none_or(|seen| seen.keys.is_empty());
        let missing = want.zips.iter().filter(|(key, zip)| found(key) != Some(&zip.md5));
        let steps = missing.enumerate().map(|(index, (key, zip))| {
            let change = Change::Put { key: key.clone(), zip: zip.clone() };
            match (is_first, index) {
                (true, 0) => Step::create(change),
                (true, _) => Step::detail(change),
                (false, _) => {
                    let from = found(key).map_or("missing".to_owned(), |other| format!("content {other}"));
                    let difference = Difference::new(format!("code of {}", zip.function), from, short(key));
                    Step::update(change, [difference])
                }
            }
        });
        steps.collect()
    }

    /// Nothing: all galleries share them.
    fn delete((): (), _seen: &Observed, _data: DataPolicy) -> Vec<Step<Change>> {
        Vec::new()
    }

    fn after(seen: Option<&Observed>, Change::Put { key, zip }: &Change, _: &Answer) -> After<Observed> {
        let mut now = seen.cloned().unwrap_or_default();
        now.keys.insert(key.clone(), zip.md5.clone());
        After::Is(now)
    }

    fn describe((): (), gallery: &Identity, _seen: &Observed) -> Description {
        Description { name: format!("{}/{PREFIX}", gallery.bucket(BucketRole::Artefacts)), arn: None }
    }
}

/// The first characters of the digest in a key.
fn short(key: &str) -> &str {
    let digest = key.strip_prefix(PREFIX).unwrap_or(key);
    digest.get(..12).unwrap_or(digest)
}

#[cfg(test)]
mod tests {
    use photogallery_crds::Architecture;

    use super::*;
    use crate::resources::Effect;
    use crate::testing::galleries::summer;

    fn want() -> Desired {
        Artefacts::desired((), &summer(), &cloud::Observed::default()).unwrap()
    }

    fn all() -> Observed {
        Observed { keys: want().zips.into_iter().map(|(key, zip)| (key, zip.md5)).collect() }
    }

    #[test]
    fn the_zips_of_the_gallery_s_architecture_are_wanted() {
        let mut gallery = summer();
        for architecture in [Architecture::Arm64, Architecture::X86_64] {
            gallery.spec.functions.architecture = architecture;
            let want = Artefacts::desired((), &gallery, &cloud::Observed::default()).unwrap();
            let keys: std::collections::BTreeSet<_> = want.zips.keys().map(String::as_str).collect();
            assert_eq!(keys, gallery.release.keys(architecture));
        }
    }

    #[test]
    fn a_fresh_bucket_gets_all_of_them() {
        for seen in [None, Some(&Observed::default())] {
            let steps = Artefacts::update(&want(), seen);
            assert_eq!(steps.len(), 4);
            assert_eq!(steps[0].effect, Effect::Create);
            assert!(steps[1..].iter().all(|step| step.effect == Effect::Detail));
        }
    }

    #[test]
    fn only_what_is_missing_is_uploaded_and_nothing_is_ever_removed() {
        let mut seen = all();
        seen.keys.insert("functions/0123/list-arm64.zip".into(), "0123".into());
        assert_eq!(Artefacts::update(&want(), Some(&seen)), []);
        let (key, zip) = want().zips.pop_first().unwrap();
        for (is, from) in [(None, "missing"), (Some("0456"), "content 0456")] {
            seen.keys.remove(&key);
            seen.keys.extend(is.map(|is| (key.clone(), is.to_owned())));
            let steps = Artefacts::update(&want(), Some(&seen));
            let [Step { change, effect: Effect::Update(differences) }] = &steps[..] else {
                panic!("{steps:?}")
            };
            assert_eq!(
                differences[..],
                [Difference::new(format!("code of {}", zip.function), from, short(&key))]
            );
            assert_eq!(change, &Change::Put { key: key.clone(), zip: zip.clone() });
        }
        assert_eq!(Artefacts::delete((), &seen, DataPolicy::Delete), []);
    }
}

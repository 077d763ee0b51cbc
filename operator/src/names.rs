//! Every name, ARN and tag in AWS, and nowhere else.
//!
//! Names are deterministic: `<prefix>-<namespace>-<name>-<part>-<hash>`, where the hash covers account, region, namespace
//! and name. A crash between a create and the next observation therefore never leads to a duplicate. Names prove nothing
//! about ownership; tags do (see `ownership.rs`).

mod arns;

use std::collections::{BTreeMap, BTreeSet};

use data_encoding::BASE32_NOPAD;
use functions_core::contract::FunctionName;
use sha2::{Digest, Sha256};
use strum::IntoEnumIterator;

use crate::gallery::{Identity, Installation};
use crate::graph::BucketRole;

/// A resource's tags, sorted, without AWS's own `aws:` tags.
pub type Tags = BTreeMap<String, String>;

/// Tag: which operator owns the resource. Default value: the uid of the cluster's `kube-system` namespace.
pub const TAG_OWNER: &str = "photogallery.dev/owner-id";
/// Tag: namespace of the `PhotoGallery`.
pub const TAG_NAMESPACE: &str = "photogallery.dev/namespace";
/// Tag: name of the `PhotoGallery`.
pub const TAG_NAME: &str = "photogallery.dev/name";
/// Tag: uid of the `PhotoGallery`.
pub const TAG_UID: &str = "photogallery.dev/uid";
/// Tag on data that outlived its `PhotoGallery` (`deletionPolicy: Retain`). Its presence lets the next gallery of the same
/// namespace and name take the data back.
pub const TAG_RETAINED: &str = "photogallery.dev/retained";
/// Tag: the keys of `spec.tags` that we set, as [`key_list`] writes them, so that a key removed from the spec is removed from AWS
/// while tags that others set are left alone.
pub const TAG_KEYS: &str = "photogallery.dev/tag-keys";
/// Tag on the distribution: digest of the site whose invalidation was last requested.
pub const TAG_SITE: &str = "photogallery.dev/site-sha256";
/// Tag on what all galleries of an operator share.
pub const TAG_SHARED: &str = "photogallery.dev/shared";

/// Path of the functions' IAM roles. The operator may pass roles below it and no others.
pub const ROLE_PATH: &str = "/photogallery/";
/// Name of the stage. It equals the path under which the distribution serves the API, because `CloudFront` does not strip
/// a path before it forwards a request.
pub const STAGE: &str = "api";
/// Longest prefix of names, so that a gallery's names fit into a bucket's 63 characters.
pub const PREFIX_LENGTH: usize = 12;

/// AWS refuses longer values of tags.
pub const TAG_VALUE_LENGTH: usize = 256;
/// 30 bits: one in ten million that a tag of others looks like one of forty of ours.
const KEY_DIGEST: usize = 6;

const BUCKET_LENGTH: usize = 63;
const FUNCTION_LENGTH: usize = 64;
const TABLE_LENGTH: usize = 255;
/// Names of REST APIs have no documented limit; response headers policies and origin access controls end at 64.
const OTHER_LENGTH: usize = 64;
/// `CloudFront` refuses longer comments.
const COMMENT_LENGTH: usize = 128;

impl Installation {
    /// The bucket that holds the functions' zips: one per owner, account and region.
    pub fn artefact_bucket(&self, region: &str) -> String {
        let hash = short_hash(&[&self.owner_id, &self.account, region]);
        format!("{}-artefacts-{}-{region}-{hash}", self.prefix, self.account)
    }

    /// Name of the origin access control that all distributions of this operator share (an account has 100).
    pub fn origin_access_control(&self) -> String {
        format!("{}-{}", self.prefix, short_hash(&[&self.owner_id, &self.account]))
    }

    /// Name of the response headers policy for `content`, a canonical text of what it says. Shared by all galleries with
    /// the same content (an account has 20), and never changed: other content has another name.
    pub fn response_headers_policy(&self, content: &str) -> String {
        fit(&format!("{}-headers-{}", self.prefix, short_hash(&[&self.owner_id, content])), OTHER_LENGTH)
    }

    /// Tags of what all galleries of this operator share.
    pub fn shared_tags(&self) -> Tags {
        Tags::from([(TAG_OWNER.into(), self.owner_id.clone()), (TAG_SHARED.into(), "true".into())])
    }

    /// The AWS partition of a region: `aws`, `aws-cn` or `aws-us-gov`.
    pub fn partition(region: &str) -> &'static str {
        match region {
            r if r.starts_with("cn-") => "aws-cn",
            r if r.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        }
    }

    /// The DNS suffix of a region's services.
    pub fn dns_suffix(region: &str) -> &'static str {
        if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" }
    }
}

impl Identity {
    /// Name of one of the gallery's buckets.
    pub fn bucket(&self, role: BucketRole) -> String {
        match role {
            BucketRole::Artefacts => self.installation.artefact_bucket(&self.region),
            BucketRole::Frontend => self.compose("site", BUCKET_LENGTH),
            BucketRole::Photos => self.compose("photos", BUCKET_LENGTH),
            BucketRole::Thumbnails => self.compose("thumbnails", BUCKET_LENGTH),
        }
    }

    /// ARN of one of the gallery's buckets.
    pub fn bucket_arn(&self, role: BucketRole) -> String {
        format!("arn:{}:s3:::{}", self.partition(), self.bucket(role))
    }

    /// Name of the table.
    pub fn table(&self) -> String {
        self.compose("", TABLE_LENGTH)
    }

    /// ARN of the table.
    pub fn table_arn(&self) -> String {
        self.arn("dynamodb", &format!("table/{}", self.table()))
    }

    /// Name of a function. Its role has the same name.
    pub fn function(&self, function: FunctionName) -> String {
        self.compose(function.as_str(), FUNCTION_LENGTH)
    }

    /// ARN of a function.
    pub fn function_arn(&self, function: FunctionName) -> String {
        self.arn("lambda", &format!("function:{}", self.function(function)))
    }

    /// Name of a function's role. Roles are global, so the region is in the hash.
    pub fn role(&self, function: FunctionName) -> String {
        self.function(function)
    }

    /// ARN of a function's role.
    pub fn role_arn(&self, function: FunctionName) -> String {
        let Installation { account, .. } = &*self.installation;
        format!("arn:{}:iam::{account}:role{ROLE_PATH}{}", self.partition(), self.role(function))
    }

    /// Name of a function's log group.
    pub fn log_group(&self, function: FunctionName) -> String {
        format!("/aws/lambda/{}", self.function(function))
    }

    /// ARN of a function's log group, without the `:*` that some calls append and others refuse.
    pub fn log_group_arn(&self, function: FunctionName) -> String {
        self.arn("logs", &format!("log-group:{}", self.log_group(function)))
    }

    /// Name of the REST API. Not unique in AWS, hence found by tag.
    pub fn rest_api(&self) -> String {
        self.compose("api", OTHER_LENGTH)
    }

    /// ARN of a REST API, as the tagging calls want it.
    pub fn rest_api_arn(&self, id: &str) -> String {
        format!("arn:{}:apigateway:{}::/restapis/{id}", self.partition(), self.region)
    }

    /// ARN of the stage of a REST API, as the tagging calls want it.
    pub fn stage_arn(&self, rest_api_id: &str) -> String {
        format!("{}/stages/{STAGE}", self.rest_api_arn(rest_api_id))
    }

    /// ARN that invocations by the REST API carry, for every method and path of the stage.
    pub fn invocations_arn(&self, rest_api_id: &str) -> String {
        self.arn("execute-api", &format!("{rest_api_id}/{STAGE}/*"))
    }

    /// Host name of the REST API, the distribution's second origin.
    pub fn rest_api_host(&self, rest_api_id: &str) -> String {
        format!("{rest_api_id}.execute-api.{}.{}", self.region, Installation::dns_suffix(&self.region))
    }

    /// Regional host name of a bucket. Never the global one: it answers with redirects for hours after a create.
    pub fn bucket_host(&self, role: BucketRole) -> String {
        format!("{}.s3.{}.{}", self.bucket(role), self.region, Installation::dns_suffix(&self.region))
    }

    /// ARN of something of `CloudFront`'s, which is global: `distribution/<id>`.
    pub fn cloudfront_arn(&self, resource: &str) -> String {
        format!("arn:{}:cloudfront::{}:{resource}", self.partition(), self.installation.account)
    }

    /// ARN of a distribution.
    pub fn distribution_arn(&self, id: &str) -> String {
        self.cloudfront_arn(&format!("distribution/{id}"))
    }

    /// Comment of the distribution. Lists show it, but neither tags nor caller reference, so it says which to look at;
    /// the tags decide.
    pub fn distribution_comment(&self) -> String {
        let hash = self.hash();
        fit(&format!("{} {}/{} {hash}", self.installation.prefix, self.namespace, self.name), COMMENT_LENGTH)
    }

    /// Idempotency token of the distribution's creation. From the uid, so that a repeat after a lost answer is told as one.
    pub fn distribution_caller_reference(&self) -> String {
        format!("photogallery-{}", self.uid)
    }

    /// A name that is longer than AWS takes it, and how long it may be: with the longest prefix, a region that is longer than any
    /// of today's.
    pub fn overlong(&self) -> Option<(String, usize)> {
        let buckets = BucketRole::iter().map(|role| (self.bucket(role), BUCKET_LENGTH));
        let functions = FunctionName::ALL.into_iter().map(|name| (self.function(name), FUNCTION_LENGTH));
        let others =
            [self.rest_api(), self.installation.origin_access_control()].map(|name| (name, OTHER_LENGTH));
        let all = buckets.chain(functions).chain([(self.table(), TABLE_LENGTH)]).chain(others);
        all.into_iter().find(|(name, limit)| name.len() > *limit)
    }

    /// Tags that prove that a resource is this gallery's.
    pub fn owner_tags(&self) -> Tags {
        Tags::from([
            (TAG_OWNER.into(), self.installation.owner_id.clone()),
            (TAG_NAMESPACE.into(), self.namespace.clone()),
            (TAG_NAME.into(), self.name.clone()),
            (TAG_UID.into(), self.uid.clone()),
        ])
    }

    /// The AWS partition of this gallery's region.
    pub fn partition(&self) -> &'static str {
        Installation::partition(&self.region)
    }

    fn arn(&self, service: &str, resource: &str) -> String {
        let (partition, account) = (self.partition(), &self.installation.account);
        format!("arn:{partition}:{service}:{}:{account}:{resource}", self.region)
    }

    fn hash(&self) -> String {
        short_hash(&[&self.installation.account, &self.region, &self.namespace, &self.name])
    }

    /// `<prefix>-<namespace>-<name>-<part>-<hash>`, with namespace and name shortened to fit into `limit` characters.
    fn compose(&self, part: &str, limit: usize) -> String {
        let part = if part.is_empty() { String::new() } else { format!("-{part}") };
        let ending = format!("{part}-{}", self.hash());
        let room = limit.saturating_sub(self.installation.prefix.len() + ending.len() + 2);
        let (namespace, name) = (self.namespace.replace('.', "-"), self.name.replace('.', "-"));
        // The name says more than the namespace: it keeps what the namespace can spare.
        let for_namespace = namespace.len().min((room / 3).max(room.saturating_sub(name.len())));
        let for_name = name.len().min(room - for_namespace);
        let namespace = namespace[..for_namespace].trim_end_matches('-');
        let name = name[..for_name].trim_end_matches('-');
        format!("{}-{namespace}-{name}{ending}", self.installation.prefix)
    }
}

/// What has to be written to turn `seen` into `want`: tags to set and keys to remove. Tags that others set stay.
pub fn tag_changes(want: &Tags, seen: &Tags) -> (Tags, Vec<String>) {
    let set = want.iter().filter(|(key, value)| seen.get(*key) != Some(value));
    let set: Tags = set.map(|(key, value)| (key.clone(), value.clone())).collect();
    let listed = seen.get(TAG_KEYS).map_or("", String::as_str);
    let ours = |key: &str| key == TAG_KEYS || key == TAG_RETAINED || is_listed(listed, key);
    let remove = seen.keys().filter(|key| ours(key) && !want.contains_key(*key));
    (set, remove.cloned().collect())
}

/// A value that remembers keys: six characters of each one's digest, since forty keys of 128 characters do not fit into the 256
/// that AWS allows, and keys may hold whatever would separate them.
pub fn key_list<'a>(keys: impl IntoIterator<Item = &'a String>) -> String {
    keys.into_iter().map(|key| short_hash(&[key])[..KEY_DIGEST].to_owned()).collect()
}

/// Does [`key_list`] remember this key?
pub fn is_listed(list: &str, key: &str) -> bool {
    digests(list).any(|digest| short_hash(&[key]).starts_with(digest))
}

fn digests(list: &str) -> impl Iterator<Item = &str> {
    list.as_bytes().chunks_exact(KEY_DIGEST).filter_map(|digest| std::str::from_utf8(digest).ok())
}

/// The list of our keys while both those of before and those to come are there; none where it would be too long.
pub fn keys_meanwhile(want: &Tags, seen: &Tags) -> Option<(String, String)> {
    let of = |tags: &Tags| tags.get(TAG_KEYS).cloned().unwrap_or_default();
    let (before, to_come) = (of(seen), of(want));
    let all: BTreeSet<&str> = digests(&before).chain(digests(&to_come)).collect();
    let list = String::from_iter(all);
    (!list.is_empty() && list.len() <= TAG_VALUE_LENGTH).then(|| (TAG_KEYS.to_owned(), list))
}

/// Does `seen` carry all of `want`, and nothing of ours beyond it?
pub fn tags_match(want: &Tags, seen: &Tags) -> bool {
    let (set, remove) = tag_changes(want, seen);
    set.is_empty() && remove.is_empty()
}

/// `seen` with the changes applied, for services whose tagging call replaces all tags.
pub fn merged_tags(want: &Tags, seen: &Tags) -> Tags {
    let (set, remove) = tag_changes(want, seen);
    let mut merged = seen.clone();
    merged.retain(|key, _| !remove.contains(key));
    merged.extend(set);
    merged
}

/// Sets tags one by one, as most services do.
pub fn set_tags(seen: &mut Tags, tags: &Tags) {
    seen.extend(tags.clone());
}

/// Removes tags one by one, as most services do.
pub fn unset_tags(seen: &mut Tags, keys: &[String]) {
    seen.retain(|key, _| !keys.contains(key));
}

/// Lower-case hexadecimal SHA-256.
pub fn sha256_hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(bytes))
}

/// Eight characters (40 bits) of a hash over `parts`, in an alphabet that every name allows.
fn short_hash(parts: &[&str]) -> String {
    let digest = Sha256::digest(parts.join("\n").as_bytes());
    BASE32_NOPAD.encode(&digest[..5]).to_lowercase()
}

fn fit(text: &str, limit: usize) -> String {
    text.chars().take(limit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::galleries::identity;

    #[test]
    fn names_read_like_the_gallery_they_belong_to() {
        let identity = identity("photos", "summer");
        let hash = identity.hash();
        assert_eq!(identity.bucket(BucketRole::Photos), format!("pg-photos-summer-photos-{hash}"));
        assert_eq!(identity.bucket(BucketRole::Frontend), format!("pg-photos-summer-site-{hash}"));
        assert_eq!(identity.table(), format!("pg-photos-summer-{hash}"));
        assert_eq!(identity.function(FunctionName::List), format!("pg-photos-summer-list-{hash}"));
    }

    #[test]
    fn the_longest_names_fit_every_service_and_stay_apart() {
        let long = "n".repeat(63);
        let one = identity(&long, &format!("{}a", "g".repeat(39)));
        let two = identity(&long, &format!("{}b", "g".repeat(39)));
        for role in [BucketRole::Frontend, BucketRole::Photos, BucketRole::Thumbnails, BucketRole::Artefacts]
        {
            assert!(one.bucket(role).len() <= 63, "{}", one.bucket(role));
        }
        for function in FunctionName::ALL {
            assert!(one.function(function).len() <= 64);
            assert_ne!(one.function(function), two.function(function));
        }
        assert!(one.distribution_comment().len() <= 128);
    }

    /// To see it fail: put the region into `Identity::compose`, or leave out the prefix's limit in `args.rs`.
    #[test]
    fn with_the_longest_prefix_names_fit_in_every_region_that_aws_has_and_else_it_is_said() {
        let long = |prefix: &str, region: &str| {
            let identity = identity(&"n".repeat(63), &"g".repeat(40));
            let installation = Installation { prefix: prefix.into(), ..(*identity.installation).clone() };
            Identity { region: region.into(), installation: installation.into(), ..identity }
        };
        let prefix = "p".repeat(PREFIX_LENGTH);
        for region in [
            "us-east-1",
            "ap-southeast-1",
            "us-gov-west-1",
            "us-isob-east-1",
            "eusc-de-east-1",
            "cn-northwest-1",
        ] {
            assert_eq!(long(&prefix, region).overlong(), None);
        }
        let (name, limit) = long(&prefix, "another-southeast-100").overlong().unwrap();
        assert!(name.starts_with(&format!("{prefix}-artefacts-")) && name.len() > limit, "{name}");
        assert!(
            long(&"p".repeat(60), "us-east-1").overlong().is_some(),
            "a prefix that no flag lets through"
        );
    }

    #[test]
    fn dots_in_a_name_never_reach_a_bucket_name() {
        let bucket = identity("photos", "summer.2026").bucket(BucketRole::Photos);
        assert!(bucket.starts_with("pg-photos-summer-2026-photos-"), "{bucket}");
        assert_ne!(bucket, identity("photos", "summer-2026").bucket(BucketRole::Photos));
    }

    #[test]
    fn tags_of_others_stay_and_tags_dropped_from_the_spec_go() {
        let seen = Tags::from([
            ("team".into(), "events".into()),
            ("cost".into(), "set by another tool".into()),
            (TAG_KEYS.into(), key_list([&"team".to_owned()])),
        ]);
        let want = Tags::from([(TAG_OWNER.into(), "me".into())]);
        let (set, remove) = tag_changes(&want, &seen);
        assert_eq!(set, want);
        assert_eq!(remove, [TAG_KEYS, "team"]);
        let merged = merged_tags(&want, &seen);
        assert_eq!(merged.keys().collect::<Vec<_>>(), ["cost", TAG_OWNER]);
        assert!(tags_match(&want, &merged));
    }

    #[test]
    fn keys_are_remembered_whatever_they_are_and_however_many() {
        let mut keys: Vec<String> = (0..36).map(|n| format!("{n}{}", "k".repeat(120))).collect();
        keys.extend([" ", "two words", "夏 の写真", "="].map(str::to_owned));
        let list = key_list(&keys);
        assert!(
            list.len() <= TAG_VALUE_LENGTH && list.chars().all(|it| it.is_ascii_alphanumeric()),
            "{list}"
        );
        assert!(keys.iter().all(|key| is_listed(&list, key)));
        assert!(!["", "two", "words", "Name"].iter().any(|key| is_listed(&list, key)));
        // What a hand left there is no list, and nothing to fail at.
        assert!(!is_listed("é", "team") && !is_listed("ééééééé", "team"));
    }
}

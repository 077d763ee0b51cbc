//! The `CloudFront` distribution: page and API under one address.
//!
//! Two origins: the frontend bucket, and the REST API for everything under `/api/`, uncached. Found by its comment or by
//! its first origin, because lists tell neither tags nor caller reference; whose it is, its tags say. Neither is a name, so
//! somebody else's distribution is never in the way.
//!
//! We own what [`Config`] holds and our tags. Everything else that an owner may add (a certificate with aliases, a web ACL,
//! a log) stays: an update replaces the whole configuration, so `apply` reads it, sets our part and writes it back, under
//! the `ETag` that the plan was made for.
//!
//! Slow: minutes for each change. One can build on a distribution right away, and change it again; to delete it, one has to
//! disable it, wait for that, and delete it then. Creation has an idempotency token: a repeat after a lost answer is refused
//! (`DistributionAlreadyExists`), and looking again finds the first one.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{After, Description, Difference, Kind, State, Step};
use crate::cloud::{self, Answer};
use crate::gallery::{DataPolicy, Gallery, Identity};
use crate::graph::BucketRole;
use crate::names::{self, STAGE, Tags};

/// AWS's cache policy for what may be cached: as long as the object's own headers say.
pub const CACHING_OPTIMIZED: &str = "658327ea-f89d-4fab-a63d-7e88639e58f6";
/// AWS's cache policy for what must not be cached.
pub const CACHING_DISABLED: &str = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad";
/// AWS's origin request policy that passes everything on but the `Host`, by which API Gateway finds the REST API.
pub const ALL_VIEWER_EXCEPT_HOST: &str = "b689b0a8-53d0-40ab-baf2-68738e2966ac";
/// Name of the origin that holds the page.
pub const SITE: &str = "site";
/// Name of the origin that answers the API.
pub const API: &str = "api";
/// For how many seconds an error of an origin is remembered: not at all. The site's first files come after the distribution,
/// and an error of the API would be the answer to other requests too, since its cache key has no query.
const ERROR_SECONDS: i64 = 0;

/// This kind.
#[derive(Debug)]
pub struct Distribution;

/// What we own of a distribution's configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// Comment.
    pub comment: String,
    /// Does it answer?
    pub enabled: bool,
    /// Where it serves from.
    pub price_class: String,
    /// Protocols it speaks.
    pub http_version: String,
    /// Does it have IPv6 addresses?
    pub ipv6: bool,
    /// The page at `/`.
    pub root: String,
    /// Origins by name.
    pub origins: BTreeMap<String, Origin>,
    /// What applies to all paths that no other pattern matches.
    pub default: Behavior,
    /// What applies to paths by pattern, in order.
    pub patterns: Vec<(String, Behavior)>,
    /// For how many seconds errors are remembered, by status code.
    pub errors: BTreeMap<i32, i64>,
}

/// Where answers come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// A bucket that lets only this distribution in.
    Bucket {
        /// Regional host name.
        host: String,
        /// Id of the origin access control; empty: none.
        access_control: String,
    },
    /// A server, always by HTTPS.
    Https {
        /// Host name.
        host: String,
    },
    /// Something else, which is not what we want.
    Other {
        /// Host name.
        host: String,
        /// What is not as we want it.
        besides: String,
    },
}

/// How requests are answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Behavior {
    /// Name of the origin.
    pub origin: String,
    /// Allowed methods.
    pub methods: BTreeSet<String>,
    /// Methods whose answers are cached.
    pub cached: BTreeSet<String>,
    /// What happens to requests without TLS.
    pub viewer_protocol: String,
    /// Are answers compressed?
    pub compress: bool,
    /// Id of the cache policy; empty: none.
    pub cache_policy: String,
    /// Id of the origin request policy; empty: none.
    pub origin_request_policy: String,
    /// Id of the response headers policy; empty: none.
    pub response_headers_policy: String,
}

/// A distribution as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desired {
    /// Idempotency token of its creation.
    pub caller_reference: String,
    /// Configuration.
    pub config: Config,
    /// Tags.
    pub tags: Tags,
}

/// A distribution as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// The id that AWS assigned.
    pub id: String,
    /// Its domain, `d111111abcdef8.cloudfront.net`.
    pub domain: String,
    /// Version of the configuration.
    pub etag: String,
    /// Has the configuration arrived everywhere?
    pub is_deployed: bool,
    /// Configuration.
    pub config: Config,
    /// Tags.
    pub tags: Tags,
}

/// One call. `Update` and `Disable` read the configuration first, see above.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields of a call are those of the AWS operation")]
pub enum Change {
    /// `CreateDistributionWithTags`.
    Create(Desired),
    /// `UpdateDistribution`.
    Update { id: String, etag: String, config: Config },
    /// `TagResource`.
    Tag { id: String, tags: Tags },
    /// `UntagResource`.
    Untag { id: String, keys: Vec<String> },
    /// `UpdateDistribution` to one that does not answer.
    Disable { id: String, etag: String },
    /// `DeleteDistribution`.
    Delete { id: String, etag: String },
}

impl Kind for Distribution {
    type Key = ();
    type Desired = Desired;
    type Observed = Observed;
    type Change = Change;

    fn desired((): (), gallery: &Gallery, seen: &cloud::Observed) -> Option<Desired> {
        let identity = &gallery.identity;
        let rest_api = &seen.rest_api.as_ref()?.id;
        let headers = &seen.response_headers_policy.as_ref()?.id;
        let access_control = seen.origin_access_control.as_ref()?.id.clone();
        let site = Origin::Bucket { host: identity.bucket_host(BucketRole::Frontend), access_control };
        let api = Origin::Https { host: identity.rest_api_host(rest_api) };
        let config = Config {
            comment: identity.distribution_comment(),
            enabled: true,
            price_class: gallery.spec.cdn.price_class.as_str().to_owned(),
            http_version: "http2and3".into(),
            ipv6: true,
            root: "index.html".into(),
            origins: BTreeMap::from([(SITE.into(), site), (API.into(), api)]),
            default: site_behavior(headers),
            // CloudFront does not strip the path, so the stage has its name.
            patterns: vec![(format!("/{STAGE}/*"), api_behavior(headers))],
            errors: [403, 404, 500, 502, 503, 504].into_iter().map(|code| (code, ERROR_SECONDS)).collect(),
        };
        let caller_reference = identity.distribution_caller_reference();
        Some(Desired { caller_reference, config, tags: gallery.tags() })
    }

    fn update(want: &Desired, seen: Option<&Observed>) -> Vec<Step<Change>> {
        let Some(seen) = seen else { return vec![Step::create(Change::Create(want.clone()))] };
        let (id, etag) = (seen.id.clone(), seen.etag.clone());
        let mut steps = Vec::new();
        let differences = differences(&want.config, &seen.config);
        if !differences.is_empty() {
            let change = Change::Update { id: id.clone(), etag, config: want.config.clone() };
            steps.push(Step::update(change, differences));
        }
        let untag = |keys| Change::Untag { id: id.clone(), keys };
        steps.extend(super::tag_steps(
            &want.tags,
            &seen.tags,
            |tags| Change::Tag { id: id.clone(), tags },
            untag,
        ));
        steps
    }

    fn delete((): (), seen: &Observed, _: DataPolicy) -> Vec<Step<Change>> {
        let (id, etag) = (seen.id.clone(), seen.etag.clone());
        match (seen.config.enabled, seen.is_deployed) {
            (true, _) => vec![Step::detail(Change::Disable { id, etag })],
            (false, false) => Vec::new(),
            (false, true) => vec![Step::delete(Change::Delete { id, etag })],
        }
    }

    fn state(seen: &Observed) -> State {
        match (seen.config.enabled, seen.is_deployed) {
            (_, true) => State::Ready,
            (true, false) => State::Usable("CloudFront is deploying the distribution, usually 3-6 minutes"),
            (false, false) => State::Pending("CloudFront is disabling the distribution, usually 3-6 minutes"),
        }
    }

    fn after(seen: Option<&Observed>, change: &Change, answer: &Answer) -> After<Observed> {
        let config = match change {
            Change::Create(wanted) => Some((wanted.config.clone(), wanted.tags.clone())),
            Change::Update { config, .. } => seen.map(|seen| (config.clone(), seen.tags.clone())),
            Change::Disable { .. } => {
                seen.map(|seen| (Config { enabled: false, ..seen.config.clone() }, seen.tags.clone()))
            }
            Change::Tag { .. } | Change::Untag { .. } => None,
            Change::Delete { .. } => return After::Gone,
        };
        match (config, answer, change, seen.cloned()) {
            (Some((config, tags)), Answer::Distribution { id, domain, etag, is_deployed }, ..) => {
                let (id, domain, etag) = (id.clone(), domain.clone(), etag.clone());
                After::Is(Observed { id, domain, etag, is_deployed: *is_deployed, config, tags })
            }
            (None, _, Change::Tag { tags, .. }, Some(mut now)) => {
                names::set_tags(&mut now.tags, tags);
                After::Is(now)
            }
            (None, _, Change::Untag { keys, .. }, Some(mut now)) => {
                names::unset_tags(&mut now.tags, keys);
                After::Is(now)
            }
            _ => After::Unknown,
        }
    }

    fn describe((): (), gallery: &Identity, seen: &Observed) -> Description {
        Description { name: seen.id.clone(), arn: Some(gallery.distribution_arn(&seen.id)) }
    }
}

/// The page: cached as long as each file's own headers say, hashed files for ever and `index.html` never.
fn site_behavior(headers: &str) -> Behavior {
    Behavior {
        origin: SITE.into(),
        methods: methods(&["GET", "HEAD"]),
        cached: methods(&["GET", "HEAD"]),
        viewer_protocol: "redirect-to-https".into(),
        compress: true,
        cache_policy: CACHING_OPTIMIZED.into(),
        origin_request_policy: String::new(),
        response_headers_policy: headers.into(),
    }
}

/// The API: never cached, and never without TLS, since a redirect would lose what was sent.
fn api_behavior(headers: &str) -> Behavior {
    Behavior {
        origin: API.into(),
        // CloudFront knows three sets of methods; this is the one with POST and DELETE.
        methods: methods(&["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]),
        // They have to be named, also where nothing is cached.
        cached: methods(&["GET", "HEAD"]),
        viewer_protocol: "https-only".into(),
        compress: false,
        cache_policy: CACHING_DISABLED.into(),
        origin_request_policy: ALL_VIEWER_EXCEPT_HOST.into(),
        response_headers_policy: headers.into(),
    }
}

fn methods(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn differences(want: &Config, seen: &Config) -> Vec<Difference> {
    let Config {
        comment,
        enabled,
        price_class,
        http_version,
        ipv6,
        root,
        origins,
        default,
        patterns,
        errors,
    } = want;
    let on = |on: bool| if on { "on" } else { "off" };
    let mut all: Vec<_> = [
        Difference::between("comment", &seen.comment, comment),
        Difference::between("answers", &on(seen.enabled), &on(*enabled)),
        Difference::between("price class", &seen.price_class, price_class),
        Difference::between("HTTP", &seen.http_version, http_version),
        Difference::between("IPv6", &on(seen.ipv6), &on(*ipv6)),
        Difference::between("root", &seen.root, root),
    ]
    .into_iter()
    .flatten()
    .collect();
    for name in origins.keys().chain(seen.origins.keys()).collect::<BTreeSet<_>>() {
        let (from, to) = (origin(seen.origins.get(name)), origin(origins.get(name)));
        all.extend(Difference::between(&format!("origin {name}"), &from, &to));
    }
    all.extend(behavior_differences("default", default, Some(&seen.default)));
    let find = |pattern: &str| {
        seen.patterns.iter().find(|(other, _)| other == pattern).map(|(_, behavior)| behavior)
    };
    for (pattern, behavior) in patterns {
        all.extend(behavior_differences(pattern, behavior, find(pattern)));
    }
    let order = |patterns: &[(String, Behavior)]| {
        patterns.iter().map(|(pattern, _)| pattern.as_str()).collect::<Vec<_>>().join(" ")
    };
    all.extend(Difference::between("paths", &order(&seen.patterns), &order(patterns)));
    let seconds =
        |seconds: Option<&i64>| seconds.map_or_else(|| "default".into(), |seconds| format!("{seconds} s"));
    all.extend(errors.iter().filter_map(|(code, wanted)| {
        let field = format!("caching of error {code}");
        Difference::between(&field, &seconds(seen.errors.get(code)), &seconds(Some(wanted)))
    }));
    all
}

fn origin(origin: Option<&Origin>) -> String {
    match origin {
        None => "none".into(),
        Some(Origin::Bucket { host, access_control }) if access_control.is_empty() => {
            format!("{host} (unsigned)")
        }
        Some(Origin::Bucket { host, access_control }) => format!("{host} (signed by {access_control})"),
        Some(Origin::Https { host }) => format!("{host} (HTTPS)"),
        Some(Origin::Other { host, besides }) => format!("{host} ({besides})"),
    }
}

fn behavior_differences(path: &str, want: &Behavior, seen: Option<&Behavior>) -> Vec<Difference> {
    let Behavior {
        origin,
        methods,
        cached,
        viewer_protocol,
        compress,
        cache_policy,
        origin_request_policy,
        response_headers_policy,
    } = want;
    let Some(seen) = seen else {
        return vec![Difference::new(format!("{path} behavior"), "missing", format!("from origin {origin}"))];
    };
    let on = |on: bool| if on { "on" } else { "off" };
    let list = |methods: &BTreeSet<String>| methods.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
    let field = |name: &str| format!("{path} {name}");
    let fields = [
        Difference::between(&field("origin"), &seen.origin, origin),
        Difference::between(&field("methods"), &list(&seen.methods), &list(methods)),
        Difference::between(&field("viewer protocol"), &seen.viewer_protocol, viewer_protocol),
        Difference::between(&field("cached methods"), &list(&seen.cached), &list(cached)),
        Difference::between(&field("compression"), &on(seen.compress), &on(*compress)),
        Difference::between(&field("cache policy"), &seen.cache_policy, cache_policy),
        Difference::between(&field("origin request"), &seen.origin_request_policy, origin_request_policy),
        Difference::between(&field("headers"), &seen.response_headers_policy, response_headers_policy),
    ];
    fields.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests;

//! The response headers policy: what browsers may do with the page, and what they must not.
//!
//! Shared by all galleries of an operator that need the same headers, since an account has 20. Its name holds a hash of
//! owner and content, so other content (another region, another version of the operator) is another policy, and a change
//! never reaches the pages of an older operator. Found by that name; it cannot be tagged. Never deleted with a gallery.
//!
//! Not idempotent: `CreateResponseHeadersPolicy` refuses a name that exists; looking again finds it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::{After, Description, Difference, Kind, Step};
use crate::cloud::{self, Answer};
use crate::gallery::{DataPolicy, Gallery, Identity};

/// This kind.
#[derive(Debug)]
pub struct ResponseHeadersPolicy;

/// The headers, all of them set over what the origin says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Headers {
    /// `Content-Security-Policy`.
    pub content_security_policy: String,
    /// `Strict-Transport-Security`, in seconds. For this host only: others may share the domain above it.
    pub transport_security_seconds: i32,
    /// `X-Content-Type-Options: nosniff`.
    pub no_sniffing: bool,
    /// `X-Frame-Options`.
    pub frames: String,
    /// `Referrer-Policy`.
    pub referrer: String,
    /// All others, by name.
    pub others: BTreeMap<String, String>,
}

/// A policy as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desired {
    /// Name.
    pub name: String,
    /// The headers.
    pub headers: Headers,
}

/// For whoever finds the policy in the console.
pub const COMMENT: &str = "Photo galleries: what browsers may do with the page";

/// A policy as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// The id that AWS assigned.
    pub id: String,
    /// Name.
    pub name: String,
    /// Comment.
    pub comment: String,
    /// The headers.
    pub headers: Headers,
    /// What it sets or removes besides, by CloudFront's names of these parts.
    pub besides: BTreeSet<String>,
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields of a call are those of the AWS operation")]
pub enum Change {
    /// `CreateResponseHeadersPolicy`.
    Create(Desired),
    /// `UpdateResponseHeadersPolicy`. Lists do not tell the `ETag`, so `apply` reads it first.
    Update { id: String, policy: Desired },
}

impl Kind for ResponseHeadersPolicy {
    type Key = ();
    type Desired = Desired;
    type Observed = Observed;
    type Change = Change;

    fn desired((): (), gallery: &Gallery, _: &cloud::Observed) -> Option<Desired> {
        Some(Desired { name: name(&gallery.identity), headers: headers(&gallery.identity) })
    }

    fn update(want: &Desired, seen: Option<&Observed>) -> Vec<Step<Change>> {
        let Some(seen) = seen else { return vec![Step::create(Change::Create(want.clone()))] };
        let mut differences = differences(&want.headers, &seen.headers);
        differences.extend(Difference::between("comment", &seen.comment.as_str(), &COMMENT));
        differences.extend(seen.besides.iter().map(|part| Difference::new(part, "set", "none")));
        if differences.is_empty() {
            return Vec::new();
        }
        vec![Step::update(Change::Update { id: seen.id.clone(), policy: want.clone() }, differences)]
    }

    /// Shared: others use it.
    fn delete((): (), _: &Observed, _: DataPolicy) -> Vec<Step<Change>> {
        Vec::new()
    }

    fn after(_: Option<&Observed>, change: &Change, answer: &Answer) -> After<Observed> {
        match (change, answer) {
            (Change::Create(policy), Answer::Assigned(id)) | (Change::Update { id, policy }, _) => {
                After::Is(Observed::of(id, policy))
            }
            (Change::Create(_), _) => After::Unknown,
        }
    }

    fn describe((): (), gallery: &Identity, seen: &Observed) -> Description {
        let arn = gallery.cloudfront_arn(&format!("response-headers-policy/{}", seen.id));
        Description { name: seen.name.clone(), arn: Some(arn) }
    }
}

impl Observed {
    /// What AWS shows of a policy that it was given.
    fn of(id: &str, policy: &Desired) -> Self {
        let Desired { name, headers } = policy.clone();
        Self { id: id.to_owned(), name, comment: COMMENT.into(), headers, besides: BTreeSet::new() }
    }
}

/// Name of the policy that this gallery needs.
pub fn name(gallery: &Identity) -> String {
    gallery.installation.response_headers_policy(&content(&headers(gallery)))
}

/// What the page needs, and nothing else: its own scripts, styles and fonts, pictures and uploads by signed links to S3.
fn headers(gallery: &Identity) -> Headers {
    let bucket = gallery.any_bucket_origin();
    let nothing = ["camera", "display-capture", "geolocation", "microphone", "midi", "payment", "usb"];
    let nothing: Vec<_> = nothing.iter().map(|feature| format!("{feature}=()")).collect();
    Headers {
        content_security_policy: format!(
            "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; manifest-src 'self'; \
             img-src 'self' blob: data: {bucket}; connect-src 'self' {bucket}; \
             base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
        transport_security_seconds: 31_536_000,
        no_sniffing: true,
        frames: "DENY".into(),
        referrer: "no-referrer".into(),
        others: BTreeMap::from([
            ("cross-origin-opener-policy".into(), "same-origin".into()),
            ("permissions-policy".into(), nothing.join(", ")),
        ]),
    }
}

/// A canonical text of the headers.
fn content(headers: &Headers) -> String {
    let Headers {
        content_security_policy,
        transport_security_seconds,
        no_sniffing,
        frames,
        referrer,
        others,
    } = headers;
    let mut text = format!(
        "{content_security_policy}\n{transport_security_seconds}\n{no_sniffing}\n{frames}\n{referrer}\n"
    );
    for (name, value) in others {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name}: {value}");
    }
    text
}

fn differences(want: &Headers, seen: &Headers) -> Vec<Difference> {
    let Headers {
        content_security_policy,
        transport_security_seconds,
        no_sniffing,
        frames,
        referrer,
        others,
    } = want;
    let seconds = |seconds: i32| format!("{seconds} s");
    let on = |on: bool| if on { "nosniff" } else { "none" };
    let long = directives(content_security_policy, &seen.content_security_policy);
    let short = [
        Difference::between(
            "strict-transport-security",
            &seconds(seen.transport_security_seconds),
            &seconds(*transport_security_seconds),
        ),
        Difference::between("x-content-type-options", &on(seen.no_sniffing), &on(*no_sniffing)),
        Difference::between("x-frame-options", &seen.frames, frames),
        Difference::between("referrer-policy", &seen.referrer, referrer),
    ];
    let changed = others.iter().filter(|(name, value)| seen.others.get(*name) != Some(value));
    let changed = changed.map(|(name, value)| {
        Difference::new(name, seen.others.get(name).map_or("missing", String::as_str), value)
    });
    let gone = seen.others.iter().filter(|(name, _)| !others.contains_key(*name));
    let gone = gone.map(|(name, value)| Difference::new(name, value, "none"));
    long.into_iter().chain(short.into_iter().flatten()).chain(changed).chain(gone).collect()
}

/// What differs between two content security policies, directive by directive: as a whole they are too long for a line.
fn directives(want: &str, seen: &str) -> Vec<Difference> {
    let parse = |text: &str| -> BTreeMap<String, String> {
        let all = text.split(';').map(str::trim).filter(|directive| !directive.is_empty());
        let pair = |directive: &str| {
            let (name, sources) = directive.split_once(' ').unwrap_or((directive, ""));
            (name.to_owned(), sources.to_owned())
        };
        all.map(pair).collect()
    };
    let (wanted, found) = (parse(want), parse(seen));
    if found.is_empty() && !wanted.is_empty() {
        return vec![Difference::new("content-security-policy", "missing", want)];
    }
    // Of a directive that stands there twice, browsers go by the first.
    if seen.split(';').filter(|directive| !directive.trim().is_empty()).count() > found.len() {
        return vec![Difference::new("content-security-policy", seen, want)];
    }
    let names = wanted.keys().chain(found.keys()).collect::<BTreeSet<_>>();
    let different = names.into_iter().filter(|name| wanted.get(*name) != found.get(*name));
    let text = |all: &BTreeMap<String, String>, name| all.get(name).map_or("missing".into(), String::clone);
    different
        .map(|name| {
            let field = format!("content-security-policy {name}");
            Difference::new(field, text(&found, name), text(&wanted, name))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::galleries::{identity, summer};
    use crate::testing::steps::fields_of;

    fn want() -> Desired {
        ResponseHeadersPolicy::desired((), &summer(), &cloud::Observed::default()).unwrap()
    }

    #[test]
    fn the_headers_are_as_reviewed() {
        insta::assert_snapshot!(content(&want().headers));
    }

    #[test]
    fn galleries_share_a_policy_unless_they_need_another() {
        let (one, same) = (identity("photos", "summer"), identity("other", "winter"));
        assert_eq!(name(&one), name(&same));
        let mut elsewhere = same;
        elsewhere.region = "us-west-2".into();
        assert_ne!(name(&one), name(&elsewhere), "another region has another address of S3");
    }

    #[test]
    fn a_changed_or_additional_header_is_drift() {
        let comment = || COMMENT.to_owned();
        let seen = |headers| Observed {
            id: "1".into(),
            name: want().name,
            comment: comment(),
            headers,
            besides: BTreeSet::new(),
        };
        assert_eq!(ResponseHeadersPolicy::update(&want(), Some(&seen(want().headers))), []);
        let mut others = want().headers.others;
        others.insert("x-tracking".into(), "on".into());
        let drifted = [
            ("content-security-policy", Headers { content_security_policy: String::new(), ..want().headers }),
            ("strict-transport-security", Headers { transport_security_seconds: 0, ..want().headers }),
            ("x-content-type-options", Headers { no_sniffing: false, ..want().headers }),
            ("x-frame-options", Headers { frames: "SAMEORIGIN".into(), ..want().headers }),
            ("referrer-policy", Headers { referrer: "origin".into(), ..want().headers }),
            ("x-tracking", Headers { others, ..want().headers }),
        ];
        for (field, headers) in drifted {
            assert_eq!(fields_of(&ResponseHeadersPolicy::update(&want(), Some(&seen(headers)))), [field]);
        }
        let odd = Observed { besides: ["CORS".into()].into(), ..seen(want().headers) };
        assert_eq!(fields_of(&ResponseHeadersPolicy::update(&want(), Some(&odd))), ["CORS"]);
    }

    #[test]
    fn a_content_security_policy_is_told_by_its_directives() {
        let changed = want().headers.content_security_policy.replace("script-src 'self'", "script-src *");
        let lines = directives(&want().headers.content_security_policy, &changed);
        assert_eq!(lines, [Difference::new("content-security-policy script-src", "*", "'self'")]);
    }

    #[test]
    fn a_directive_that_stands_there_twice_is_drift() {
        let policy = want().headers.content_security_policy;
        assert_eq!(directives(&policy, &format!("{policy};")), [], "an empty directive says nothing");
        let twice = format!("script-src *; {policy}");
        assert_eq!(
            directives(&policy, &twice),
            [Difference::new("content-security-policy", &twice, &policy)],
            "browsers go by the first"
        );
    }

    #[test]
    fn a_header_is_missing_or_different() {
        let mut headers = want().headers;
        headers.others.remove("permissions-policy");
        headers.others.insert("cross-origin-opener-policy".into(), "unsafe-none".into());
        let told: Vec<_> =
            differences(&want().headers, &headers).into_iter().map(|it| (it.field, it.from)).collect();
        let line = |field: &str, from: &str| (field.to_owned(), from.to_owned());
        assert_eq!(
            told,
            [line("cross-origin-opener-policy", "unsafe-none"), line("permissions-policy", "missing")]
        );
    }
}

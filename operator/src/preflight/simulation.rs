//! What the operator's role may do, by IAM's own simulator: what to ask it, and what to make of its answer. Pure.
//!
//! What the operator may read, the look shows; what it may write, nothing shows without writing. The simulator knows the
//! policies of the role, and neither the session's nor all of the organization's, so its word counts for little: only a denial
//! that depends on nothing it was not told, and only of a simulator that allows what was just seen to work.

use std::collections::{BTreeMap, BTreeSet};

use functions_core::contract::FunctionName;
use serde_json::Value;

use super::{MOST_NAMED, Problem, listed};
use crate::cloud::ErrorKind;
use crate::gallery::Identity;
use crate::graph::{BucketRole, ResourceId};

/// The function whose names stand for those of all.
const FUNCTION: FunctionName = FunctionName::List;
/// Services that are asked about together. All in one would be more pairs than one answer holds (1,000).
const GROUPS: [&[&str]; 2] = [&["s3", "dynamodb", "logs"], &["iam", "lambda", "apigateway", "cloudfront"]];

/// An action that the role does not allow.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Denied {
    /// As policies name it.
    pub action: String,
    /// ARN of what it is denied on.
    pub resource: String,
}

/// One call to the simulator: all of these actions on all of these resources.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// As policies name them.
    pub actions: BTreeSet<String>,
    /// ARNs.
    pub resources: BTreeSet<String>,
}

/// What the simulator says of one action on one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// As policies name it.
    pub action: String,
    /// ARN.
    pub resource: String,
    /// What it says.
    pub is_allowed: bool,
    /// It depends on nothing that the simulator was not told, and on no policy that it cannot judge.
    pub is_certain: bool,
}

/// What to ask, and what of it we know.
#[derive(Clone, Debug)]
pub struct Simulation {
    /// Actions with what they must be allowed on; on one of it, where the policy names several.
    wanted: BTreeMap<String, Vec<String>>,
    /// What the look has shown to be allowed.
    proven: Vec<(String, String)>,
}

impl Simulation {
    /// Everything that `policy` allows, asked about this gallery. `unread`: what the look could not read.
    pub fn new(policy: &Value, gallery: &Identity, unread: &BTreeSet<ResourceId>) -> Self {
        let arns = arns(gallery);
        let mut wanted = BTreeMap::<String, Vec<String>>::new();
        for statement in policy["Statement"].as_array().into_iter().flatten() {
            for action in strings(&statement["Action"]).filter(|action| !is_optional(action)) {
                let matching = strings(&statement["Resource"]).filter_map(|pattern| first(&arns, action, pattern));
                let resources = wanted.entry(action.to_owned()).or_default();
                resources.extend(matching.map(str::to_owned));
            }
        }
        let proven = proven(gallery).into_iter().filter(|(id, ..)| !unread.contains(id));
        let proven = proven.map(|(_, action, resource)| (action.to_owned(), resource));
        Self { wanted, proven: proven.collect() }
    }

    /// The calls to make; none when nothing would show whether the answer can be believed.
    pub fn requests(&self) -> Vec<Request> {
        if self.proven.is_empty() {
            return Vec::new();
        }
        let pairs = self.wanted.iter().flat_map(|(action, on)| on.iter().map(move |on| (action, on)));
        let pairs: Vec<_> = pairs.chain(self.proven.iter().map(|(action, on)| (action, on))).collect();
        let of_group = |services: &&[&str]| {
            let mut request = Request::default();
            for (action, on) in pairs.iter().filter(|(action, _)| services.contains(&service(action))) {
                request.actions.insert((*action).clone());
                request.resources.insert((*on).clone());
            }
            request
        };
        GROUPS.iter().map(of_group).filter(|request| !request.actions.is_empty()).collect()
    }

    /// What is denied, if the simulator can be believed.
    pub fn denied(&self, decisions: &[Decision]) -> Vec<Denied> {
        let said: BTreeMap<_, _> =
            decisions.iter().map(|it| ((it.action.as_str(), it.resource.as_str()), it)).collect();
        let allows = |(action, on): &(String, String)| {
            said.get(&(action.as_str(), on.as_str())).is_some_and(|decision| decision.is_allowed)
        };
        if !self.proven.iter().all(allows) {
            return Vec::new();
        }
        let denies = |action: &str, on: &str| {
            said.get(&(action, on)).is_some_and(|decision| !decision.is_allowed && decision.is_certain)
        };
        let denied = self.wanted.iter().filter(|(action, on)| on.iter().all(|on| denies(action, on)));
        let denied = denied.filter_map(|(action, on)| Some((action, on.first()?)));
        denied.map(|(action, on)| Denied { action: action.clone(), resource: on.clone() }).collect()
    }

    /// Values of the condition keys that our policy names. What is missing here makes an answer uncertain.
    pub fn context(gallery: &Identity) -> Vec<(String, String)> {
        let tags = gallery.owner_tags();
        let tags = tags.iter().flat_map(|(key, value)| {
            ["aws:RequestTag", "aws:ResourceTag"].map(|place| (format!("{place}/{key}"), value.clone()))
        });
        let others = [
            ("aws:ResourceAccount", gallery.installation.account.as_str()),
            ("iam:PassedToService", "lambda.amazonaws.com"),
            ("lambda:Principal", "apigateway.amazonaws.com"),
        ];
        let others = others.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned()));
        // `plan` may know no uid; the simulator refuses empty values.
        tags.chain(others).filter(|(_, value)| !value.is_empty()).collect()
    }
}

/// Denied actions by what they are denied on.
pub(super) fn problems(denied: &[Denied]) -> Vec<Problem> {
    let mut by_resource = BTreeMap::<&str, Vec<String>>::new();
    for Denied { action, resource } in denied {
        by_resource.entry(resource).or_default().push(action.clone());
    }
    let text = |(resource, actions): (&str, Vec<String>)| {
        let word = if actions.len() == 1 { "permission" } else { "permissions" };
        // Whoever grants the first few wants to know the others too.
        let more = if actions.len() > MOST_NAMED { ": `photogallery-operator iam-policy` prints all" } else { "" };
        format!("Missing {word} {} on {resource}. Add {} to the operator's role{more}", listed(&actions), them(&actions))
    };
    by_resource.into_iter().map(|it| Problem { kind: ErrorKind::AccessDenied, text: text(it) }).collect()
}

fn them(actions: &[String]) -> &'static str {
    if actions.len() == 1 { "it" } else { "them" }
}

/// Only for the preflight itself, which does without.
fn is_optional(action: &str) -> bool {
    service(action) == "servicequotas" || crate::iam_policy::PREFLIGHT.contains(&action)
}

fn service(action: &str) -> &str {
    action.split(':').next().unwrap_or_default()
}

fn strings(value: &Value) -> impl Iterator<Item = &str> {
    let one = value.as_str();
    let many = value.as_array().into_iter().flatten().filter_map(Value::as_str);
    one.into_iter().chain(many)
}

/// One of each kind, the narrower ones last: the first that a pattern matches is what it is for.
fn arns(gallery: &Identity) -> Vec<String> {
    let (partition, region) = (gallery.partition(), &gallery.region);
    let api = |path: &str| format!("arn:{partition}:apigateway:{region}::/{path}");
    let role = gallery.role_arn(FUNCTION);
    let tagged = format!("arn%3A{partition}%3Aapigateway%3A{region}%3A%3A%2Frestapis%2F0123456789");
    vec![
        gallery.bucket_arn(BucketRole::Photos),
        format!("{}/object", gallery.bucket_arn(BucketRole::Photos)),
        format!("{}/index.html", gallery.bucket_arn(BucketRole::Frontend)),
        format!("{}/code.zip", gallery.bucket_arn(BucketRole::Artefacts)),
        gallery.table_arn(),
        gallery.log_group_arn(FUNCTION),
        role,
        missing_role(gallery),
        gallery.function_arn(FUNCTION),
        api("restapis"),
        api("restapis/0123456789"),
        api(&format!("tags/{tagged}")),
        gallery.cloudfront_arn("distribution/E0123456789AB"),
        gallery.cloudfront_arn("origin-access-control/E0123456789AB"),
        gallery.cloudfront_arn("response-headers-policy/01234567-89ab-cdef-0123-456789abcdef"),
    ]
}

/// A role that is not there has no path.
fn missing_role(gallery: &Identity) -> String {
    let account = &gallery.installation.account;
    format!("arn:{}:iam::{account}:role/{}", gallery.partition(), gallery.role(FUNCTION))
}

/// Reads that AWS answers only to who may make them, also when there is nothing. (S3 tells anybody that there is no bucket.)
fn proven(gallery: &Identity) -> Vec<(ResourceId, &'static str, String)> {
    let apis = format!("arn:{}:apigateway:{}::/restapis", gallery.partition(), gallery.region);
    let distribution = gallery.cloudfront_arn("distribution/E0123456789AB");
    vec![
        (ResourceId::Table, "dynamodb:DescribeTable", gallery.table_arn()),
        (ResourceId::Function(FUNCTION), "lambda:GetFunction", gallery.function_arn(FUNCTION)),
        (ResourceId::Role(FUNCTION), "iam:GetRole", missing_role(gallery)),
        (ResourceId::RestApi, "apigateway:GET", apis),
        (ResourceId::Distribution, "cloudfront:ListDistributions", distribution),
    ]
}

/// The ARN that stands for a policy's pattern.
fn first<'a>(arns: &'a [String], action: &str, pattern: &str) -> Option<&'a str> {
    let is_of_service = |arn: &&String| arn.split(':').nth(2) == Some(service(action));
    arns.iter().filter(is_of_service).find(|arn| matches(pattern, arn)).map(String::as_str)
}

/// As IAM matches: `*` is any characters.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(start) else { return false };
    let mut parts: Vec<_> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(found) = text.find(part) else { return false };
        text = &text[found + part.len()..];
    }
    text.ends_with(end)
}

/// ARN of the IAM entity behind a caller's ARN, as the simulator wants it. `role` is what the environment says of the role, with
/// its path, which the ARN of a session does not hold. `None`: nobody whose policies it knows.
pub fn principal(caller: &str, role: Option<&str>) -> Option<String> {
    let [_, partition, service, _, account, entity] = caller.splitn(6, ':').collect::<Vec<_>>()[..] else {
        return None;
    };
    if service == "iam" && entity.starts_with("user/") {
        return Some(caller.to_owned());
    }
    let name = entity.strip_prefix("assumed-role/").and_then(|rest| rest.split('/').next())?;
    let start = format!("arn:{partition}:iam::{account}:role/");
    let is_it = |role: &&str| {
        role.strip_prefix(&start).is_some_and(|rest| rest.rsplit('/').next() == Some(name))
    };
    Some(role.filter(is_it).map_or_else(|| format!("{start}{name}"), str::to_owned))
}

#[cfg(test)]
mod tests;

//! What the operator's role may do, by IAM's own simulator: what to ask it, and what to make of its answer. Pure.
//!
//! What the operator may read, the look shows; what it may write, nothing shows without writing. The simulator knows the
//! policies of the role, and neither the session's nor all of the organization's, so its word counts for little: only a denial
//! that depends on nothing it was not told, and only of a simulator that allows what was just seen to work.

use std::collections::{BTreeMap, BTreeSet};

use functions_core::contract::FunctionName;

use super::{MOST_NAMED, Problem, listed};
use crate::aws::needs::{self, Need, On};
use crate::cloud::ErrorKind;
use crate::gallery::Identity;
use crate::graph::{BucketRole, ResourceId};
use crate::iam_policy;

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
    /// Actions, and the ARNs that they must be allowed on.
    wanted: BTreeSet<(String, String)>,
    /// Those that the look has shown to be allowed.
    proven: Vec<(String, String)>,
}

impl Simulation {
    /// Everything that the operator needs, asked about this gallery. `unread`: what the look could not read.
    pub fn new(gallery: &Identity, unread: &BTreeSet<ResourceId>) -> Self {
        let is_bounded = gallery.installation.permissions_boundary.is_some();
        let needs = needs::calls().flat_map(|call| call.needs);
        let needs = needs.filter(|Need(action, _)| is_bounded || !iam_policy::is_for_boundary(action));
        let pair = |Need(action, on): &Need| Some(((*action).to_owned(), arn(gallery, action, *on)?));
        let pairs = |needs: &[Need]| needs.iter().filter_map(pair).collect::<Vec<_>>();
        let proven = PROVEN.iter().filter(|(id, _)| !unread.contains(id)).map(|(_, need)| *need);
        Self { wanted: needs.filter_map(pair).collect(), proven: pairs(&proven.collect::<Vec<_>>()) }
    }

    /// The calls to make; none when nothing would show whether the answer can be believed.
    pub fn requests(&self) -> Vec<Request> {
        if self.proven.is_empty() {
            return Vec::new();
        }
        let of_group = |services: &&[&str]| {
            let mut request = Request::default();
            for (action, on) in self.wanted.iter().filter(|(action, _)| services.contains(&service(action))) {
                request.actions.insert(action.clone());
                request.resources.insert(on.clone());
            }
            request
        };
        GROUPS.iter().map(of_group).filter(|request| !request.actions.is_empty()).collect()
    }

    /// What is denied, if the simulator can be believed.
    pub fn denied(&self, decisions: &[Decision]) -> Vec<Denied> {
        let of = |(action, resource): &(String, String)| {
            decisions.iter().find(|said| said.action == *action && said.resource == *resource)
        };
        if !self.proven.iter().all(|pair| of(pair).is_some_and(|decision| decision.is_allowed)) {
            return Vec::new();
        }
        let is_denied = |pair: &&(String, String)| {
            of(pair).is_some_and(|decision| !decision.is_allowed && decision.is_certain)
        };
        let denied = self.wanted.iter().filter(is_denied).cloned();
        denied.map(|(action, resource)| Denied { action, resource }).collect()
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
        let boundary = gallery.installation.permissions_boundary.as_deref();
        let boundary = boundary.map(|boundary| ("iam:PermissionsBoundary", boundary));
        let others =
            others.into_iter().chain(boundary).map(|(key, value)| (key.to_owned(), value.to_owned()));
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
        let more =
            if actions.len() > MOST_NAMED { ": `photogallery-operator iam-policy` prints all" } else { "" };
        format!(
            "Missing {word} {} on {resource}. Add {} to the operator's role{more}",
            listed(&actions, MOST_NAMED),
            them(&actions)
        )
    };
    by_resource.into_iter().map(|it| Problem { kind: ErrorKind::AccessDenied, text: text(it) }).collect()
}

fn them(actions: &[String]) -> &'static str {
    if actions.len() == 1 { "it" } else { "them" }
}

fn service(action: &str) -> &str {
    action.split(':').next().unwrap_or_default()
}

/// Reads that AWS answers only to who may make them, also when there is nothing. (S3 tells anybody that there is no bucket.)
const PROVEN: [(ResourceId, Need); 5] = [
    (ResourceId::Table, Need("dynamodb:DescribeTable", On::Table)),
    (ResourceId::Function(FUNCTION), Need("lambda:GetFunction", On::Function)),
    (ResourceId::Role(FUNCTION), Need("iam:ListRoles", On::Anything)),
    (ResourceId::RestApi, Need("apigateway:GET", On::RestApis)),
    (ResourceId::Distribution, Need("cloudfront:ListDistributions", On::Anything)),
];

/// ARN of one of the gallery's; of one that AWS would name, any. `None`: nothing of a gallery's.
fn arn(gallery: &Identity, action: &str, on: On) -> Option<String> {
    let Identity { region, installation, .. } = gallery;
    let (partition, account) = (gallery.partition(), &installation.account);
    let api = |path: &str| format!("arn:{partition}:apigateway:{region}::/restapis{path}");
    let distribution = gallery.distribution_arn("E0123456789AB");
    Some(match on {
        // Any will do.
        On::Anything | On::NewDistribution if service(action) == "cloudfront" => distribution,
        On::Anything if service(action) == "logs" => gallery.log_group_arn(FUNCTION),
        On::Anything if service(action) == "iam" && !action.ends_with("Summary") => {
            gallery.role_arn(FUNCTION)
        }
        On::Anything | On::NewDistribution | On::ServiceQuota | On::Principal => return None,
        On::NewBucket | On::Bucket => gallery.bucket_arn(BucketRole::Photos),
        On::Object => format!("{}/object", gallery.bucket_arn(BucketRole::Photos)),
        On::SiteObject => format!("{}/index.html", gallery.bucket_arn(BucketRole::Frontend)),
        On::Zip => format!("{}/functions/code.zip", gallery.bucket_arn(BucketRole::Artefacts)),
        On::Table => gallery.table_arn(),
        On::LogGroup => gallery.log_group_arn(FUNCTION),
        On::Function | On::InvokedFunction => gallery.function_arn(FUNCTION),
        On::Role | On::RoleInBounds | On::PassedRole => gallery.role_arn(FUNCTION),
        On::MissingRole => format!("arn:{partition}:iam::{account}:role/{}", gallery.role(FUNCTION)),
        On::RestApis | On::NewRestApi => api(""),
        On::RestApi => api("/0123456789"),
        On::RestApiTags => {
            let tagged = format!("arn%3A{partition}%3Aapigateway%3A{region}%3A%3A%2Frestapis%2F0123456789");
            format!("arn:{partition}:apigateway:{region}::/tags/{tagged}")
        }
        On::Distribution | On::OwnDistribution => distribution,
        On::OriginAccessControl => gallery.cloudfront_arn("origin-access-control/E0123456789AB"),
        On::ResponseHeadersPolicy => {
            gallery.cloudfront_arn("response-headers-policy/01234567-89ab-cdef-0123-456789abcdef")
        }
    })
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
    let is_it =
        |role: &&str| role.strip_prefix(&start).is_some_and(|rest| rest.rsplit('/').next() == Some(name));
    Some(role.filter(is_it).map_or_else(|| format!("{start}{name}"), str::to_owned))
}

#[cfg(test)]
mod tests;

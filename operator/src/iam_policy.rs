//! The policies that people have to make: `photogallery-operator iam-policy`.
//!
//! The operator's own holds every action that a call in `crate::aws` asks for, and no more: it is made of the tables beside the
//! calls (`crate::aws::needs`). Names begin with the prefix of the installation and roles lie below one path, so that nothing
//! else is in reach. REST APIs and distributions have ids that AWS assigns: these two must carry an owner's tag. Photos cannot
//! be read: objects are got from the artefact bucket and the sites' buckets only.
//!
//! The [`boundary`] is what the functions' roles may be given at most, whatever the operator writes into them. Who hands it to
//! the operator (`--permissions-boundary`) gets a policy that lets it make no role without.

pub mod boundary;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::ExitCode;

use serde_json::{Map, Value, json};
use strum::IntoEnumIterator;

use crate::aws::needs::{self, Need, On};
use crate::names::{ROLE_PATH, TAG_OWNER};
use crate::resources::document::sorted;

/// The services that invoke functions here: `resources::permission`.
const INVOKERS: [&str; 2] = ["apigateway.amazonaws.com", "s3.amazonaws.com"];

/// For which operator.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// AWS account, twelve digits.
    pub account: String,
    /// AWS partition.
    pub partition: String,
    /// First part of every name.
    pub prefix: String,
    /// Whose REST APIs and distributions it may touch: its own owner id, and those that it may take over from. Empty: those of
    /// any photo gallery operator.
    pub owners: Vec<String>,
    /// ARN of the permissions boundary without which it may make no role.
    pub boundary: Option<String>,
    /// ARN of the role that the operator is, whose permissions it may ask about.
    pub principal: Option<String>,
}

/// What to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The operator's policy.
    Policy,
    /// The permissions boundary of the functions' roles.
    Boundary,
    /// The commands that make both.
    Commands,
}

/// Prints it.
pub fn print(terms: &Terms, form: Form) -> ExitCode {
    let text = match form {
        Form::Policy => format!("{:#}", sorted(&policy(terms))),
        Form::Boundary => format!("{:#}", sorted(&boundary::policy(terms))),
        Form::Commands => commands(terms),
    };
    // A reader that has seen enough, such as `head`, closes the pipe.
    let is_written = writeln!(std::io::stdout(), "{text}").is_ok();
    if is_written { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What the name of a statement begins with that the operator does without: only its preflight asks for it.
pub const OPTIONAL: &str = "Preflight";

/// As long as IAM lets a managed policy be, without white space.
const LONGEST: usize = 6144;

/// The operator's policy. Holds for every region.
pub fn policy(terms: &Terms) -> Value {
    let needs = needs::calls().flat_map(|call| call.needs);
    // Where there is no boundary, the operator neither sets nor changes one.
    let needs = needs.filter(|Need(action, _)| terms.boundary.is_some() || !is_for_boundary(action));
    let needed = statements(needs, terms).into_iter().map(|(scope, actions)| scope.allows(&actions));
    let mut policy = json!({"Version": "2012-10-17", "Statement": needed.collect::<Vec<_>>()});
    for statement in optional(terms) {
        let mut longer = policy.clone();
        longer["Statement"].as_array_mut().into_iter().for_each(|all| all.push(statement.clone()));
        // With long names there may be no room.
        if longer.to_string().len() <= LONGEST {
            policy = longer;
        }
    }
    policy
}

/// What only the preflight asks for.
fn optional(terms: &Terms) -> Vec<Value> {
    let needs = needs::optional().flat_map(|call| call.needs);
    let needs = needs.filter(|Need(_, on)| terms.principal.is_some() || *on != On::Principal);
    let named = |(index, (scope, actions)): (usize, (Scope, BTreeSet<&str>))| {
        let mut statement = scope.allows(&actions);
        statement["Sid"] = json!(format!("{OPTIONAL}{index}"));
        statement
    };
    statements(needs, terms).into_iter().enumerate().map(named).collect()
}

/// Is it only about the permissions boundary of a role?
pub(crate) fn is_for_boundary(action: &str) -> bool {
    action == "iam:PutRolePermissionsBoundary"
}

/// Actions by where they are needed.
fn statements<'a>(needs: impl Iterator<Item = &'a Need>, terms: &Terms) -> Vec<(Scope, BTreeSet<&'a str>)> {
    let mut actions = BTreeMap::<On, BTreeSet<&str>>::new();
    for Need(action, on) in needs {
        actions.entry(*on).or_default().insert(action);
    }
    // Some differ only when there is a boundary.
    let mut statements = Vec::<(Scope, BTreeSet<&str>)>::new();
    for on in On::iter() {
        let Some(actions) = actions.remove(&on) else { continue };
        let scope = scope(on, terms);
        match statements.iter_mut().find(|(other, _)| *other == scope) {
            Some((_, others)) => others.extend(actions),
            None => statements.push((scope, actions)),
        }
    }
    statements
}

/// On what a statement allows its actions, and on which condition.
#[derive(Debug, PartialEq)]
pub(crate) struct Scope {
    resource: String,
    condition: Option<Value>,
}

impl Scope {
    #[cfg(test)]
    pub(crate) fn parts(self) -> (String, Option<Value>) {
        (self.resource, self.condition)
    }

    fn allows(self, actions: &BTreeSet<&str>) -> Value {
        let mut statement = Map::from_iter([
            ("Effect".to_owned(), json!("Allow")),
            ("Action".to_owned(), json!(actions)),
            ("Resource".to_owned(), json!(self.resource)),
        ]);
        statement.extend(self.condition.map(|condition| ("Condition".to_owned(), condition)));
        Value::Object(statement)
    }
}

/// Where a need holds.
pub(crate) fn scope(on: On, terms: &Terms) -> Scope {
    let Terms { account, partition, prefix, boundary, .. } = terms;
    let arn = |service: &str, resource: &str| format!("arn:{partition}:{service}:*:{account}:{resource}");
    let s3 = |rest: &str| format!("arn:{partition}:s3:::{prefix}-{rest}");
    let role = |names: &str| format!("arn:{partition}:iam::{account}:role{ROLE_PATH}{names}");
    let api = |path: &str| format!("arn:{partition}:apigateway:*::/{path}");
    let cloudfront = |resource: &str| format!("arn:{partition}:cloudfront::{account}:{resource}");
    // S3's ARNs hold no account: somebody else may have a bucket that begins with the prefix.
    let ours = equals("aws:ResourceAccount", account.as_str());
    let (resource, condition) = match on {
        On::Anything => ("*".into(), None),
        On::NewBucket => (s3("*"), None),
        On::Bucket => (s3("*"), Some(ours)),
        On::Object => (s3("*/*"), Some(ours)),
        // Names end with a hash of eight characters: a gallery called "web-site" has no photos that this would match.
        On::SiteObject => (s3("*-site-????????/*"), Some(ours)),
        On::Zip => (s3(&format!("artefacts-{account}-*/*")), Some(ours)),
        On::Table => (arn("dynamodb", &format!("table/{prefix}-*")), None),
        On::LogGroup => (arn("logs", &format!("log-group:/aws/lambda/{prefix}-*")), None),
        On::Function => (arn("lambda", &format!("function:{prefix}-*")), None),
        On::InvokedFunction => (
            arn("lambda", &format!("function:{prefix}-*")),
            Some(equals("lambda:Principal", INVOKERS.to_vec())),
        ),
        On::Role => (role(&format!("{prefix}-*")), None),
        On::RoleInBounds => {
            let within =
                boundary.as_ref().map(|boundary| equals("iam:PermissionsBoundary", boundary.as_str()));
            (role(&format!("{prefix}-*")), within)
        }
        On::MissingRole => (format!("arn:{partition}:iam::{account}:role/{prefix}-*"), None),
        On::PassedRole => {
            (role(&format!("{prefix}-*")), Some(equals("iam:PassedToService", "lambda.amazonaws.com")))
        }
        On::RestApis => (api("restapis"), None),
        On::NewRestApi => (api("restapis"), Some(owned("aws:RequestTag", terms))),
        // What is in it inherits its tags.
        On::RestApi => (api("restapis/*"), Some(owned("aws:ResourceTag", terms))),
        On::RestApiTags => {
            // The ARN of what is tagged, as it stands in a URL.
            (api(&format!("tags/arn%3A{partition}%3Aapigateway%3A*%3A%3A%2Frestapis%2F*")), None)
        }
        On::NewDistribution => ("*".into(), Some(owned("aws:RequestTag", terms))),
        On::Distribution => (cloudfront("distribution/*"), None),
        On::OwnDistribution => (cloudfront("distribution/*"), Some(owned("aws:ResourceTag", terms))),
        On::OriginAccessControl => (cloudfront("origin-access-control/*"), None),
        On::ResponseHeadersPolicy => (cloudfront("response-headers-policy/*"), None),
        On::ServiceQuota => (arn("servicequotas", "cloudfront/*"), None),
        On::Principal => (terms.principal.clone().unwrap_or_default(), None),
    };
    Scope { resource, condition }
}

fn equals(key: &str, value: impl Into<Value>) -> Value {
    json!({"StringEquals": {key: value.into()}})
}

/// The owner's tag is there, and says one of those whose things the operator may touch.
fn owned(place: &str, terms: &Terms) -> Value {
    let key = format!("{place}/{TAG_OWNER}");
    match &*terms.owners {
        [] => json!({"Null": {key: "false"}}),
        [owner] => equals(&key, owner.as_str()),
        owners => equals(&key, owners.to_vec()),
    }
}

/// What a platform engineer has to do once for an installation.
fn commands(terms: &Terms) -> String {
    let Terms { account, partition, prefix, boundary, .. } = terms;
    let name = format!("{prefix}-boundary");
    let within =
        boundary.clone().unwrap_or_else(|| format!("arn:{partition}:iam::{account}:policy{ROLE_PATH}{name}"));
    let make_boundary = if boundary.is_none() {
        let document = sorted(&boundary::policy(terms));
        format!(
            "# What the functions' roles may be given at most.\n\
             aws iam create-policy --path {ROLE_PATH} --policy-name {name} --policy-document '{document}'\n\n"
        )
    } else {
        String::new()
    };
    let document = sorted(&policy(&Terms { boundary: Some(within.clone()), ..terms.clone() }));
    format!(
        "{make_boundary}# What the operator may do.\n\
         aws iam create-policy --policy-name {prefix}-operator --policy-document '{document}'\n\n\
         # Attach it to the operator's role, and give the chart the boundary:\n\
         #   aws iam attach-role-policy --role-name <role> --policy-arn arn:{partition}:iam::{account}:policy/{prefix}-operator\n\
         #   helm upgrade --install … --set aws.permissionsBoundary={within}"
    )
}

#[cfg(test)]
mod tests;

//! Who may invoke a function: one statement in its resource policy, under an id of ours.
//!
//! The REST API invokes the three functions behind it, the photos bucket the thumbnail function. Both are named by ARN and
//! account: an S3 ARN holds no account, so a bucket that somebody else makes again would pass by its name alone. Statements
//! of others stay; the policy goes with its function.
//!
//! Not idempotent: `AddPermission` refuses an id that exists, so a wrong statement is removed first.

use functions_core::contract::FunctionName;
use serde_json::Value;

use super::{Description, Difference, Kind, Step, document};
use crate::cloud;
use crate::gallery::{DataPolicy, Gallery, Identity};
use crate::graph::BucketRole;

/// Id of our statement.
pub const STATEMENT: &str = "photogallery";
/// What the statement allows.
pub const ACTION: &str = "lambda:InvokeFunction";

/// This kind.
#[derive(Debug)]
pub struct Permission;

/// Who may invoke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desired {
    /// The service that invokes.
    pub principal: String,
    /// ARN of what makes it invoke.
    pub source_arn: String,
    /// Account of what makes it invoke.
    pub source_account: String,
}

/// Our statement as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observed {
    /// It allows one service to invoke, and says on whose behalf.
    Statement(Desired),
    /// It says something else.
    Other,
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// `AddPermission`.
    Add(Desired),
    /// `RemovePermission`.
    Remove,
}

impl Kind for Permission {
    type Key = FunctionName;
    type Desired = Desired;
    type Observed = Observed;
    type Change = Change;

    fn desired(function: FunctionName, gallery: &Gallery, seen: &cloud::Observed) -> Option<Desired> {
        let Gallery { identity, .. } = gallery;
        let (principal, source_arn) = match function {
            FunctionName::Upload | FunctionName::List | FunctionName::Delete => {
                ("apigateway.amazonaws.com", identity.invocations_arn(&seen.rest_api.as_ref()?.id))
            }
            FunctionName::Thumbnail => ("s3.amazonaws.com", identity.bucket_arn(BucketRole::Photos)),
        };
        let source_account = identity.installation.account.clone();
        Some(Desired { principal: principal.into(), source_arn, source_account })
    }

    fn update(want: &Desired, seen: Option<&Observed>) -> Vec<Step<Change>> {
        let add = Change::Add(want.clone());
        let differences = match seen {
            None => return vec![Step::create(add)],
            Some(Observed::Other) => vec![Difference::of_document("statement", false)],
            Some(Observed::Statement(seen)) => differences(want, seen),
        };
        if differences.is_empty() {
            return Vec::new();
        }
        vec![Step::update(Change::Remove, differences), Step::detail(add)]
    }

    fn delete(_: FunctionName, _: &Observed, _: DataPolicy) -> Vec<Step<Change>> {
        vec![Step::delete(Change::Remove)]
    }

    fn describe(function: FunctionName, gallery: &Identity, _: &Observed) -> Description {
        Description { name: format!("{} {STATEMENT}", gallery.function(function)), arn: None }
    }
}

fn differences(want: &Desired, seen: &Desired) -> Vec<Difference> {
    let Desired { principal, source_arn, source_account } = want;
    let fields = [
        Difference::between("principal", &seen.principal, principal),
        Difference::between("source", &seen.source_arn, source_arn),
        Difference::between("source account", &seen.source_account, source_account),
    ];
    fields.into_iter().flatten().collect()
}

/// Finds our statement in a function's policy. `None` when there is no such statement.
pub fn read(policy: &str) -> Option<Observed> {
    let policy = document::canonical(&document::parse(policy));
    // The canonical form of a list of one is its element.
    let statements = match policy.get("Statement")? {
        Value::Array(statements) => statements.iter().collect(),
        statement => vec![statement],
    };
    let ours = statements.into_iter().find(|statement| text(statement, "/Sid") == Some(STATEMENT))?;
    Some(statement(ours).map_or(Observed::Other, Observed::Statement))
}

/// Exactly what we would have written, and nothing that allows more.
fn statement(statement: &Value) -> Option<Desired> {
    let expected = [("/Effect", "Allow"), ("/Action", ACTION)];
    if expected.iter().any(|(field, value)| text(statement, field) != Some(value)) {
        return None;
    }
    let condition = statement.get("Condition")?.as_object()?;
    let find = |key: &str| condition.values().find_map(|test| test.get(key)).and_then(Value::as_str);
    let source = |key: &str| find(key).unwrap_or("any").to_owned();
    let known = ["StringEquals", "ArnLike", "ArnEquals", "StringLike"];
    if condition.keys().any(|operator| !known.contains(&operator.as_str())) {
        return None;
    }
    Some(Desired {
        principal: text(statement, "/Principal/Service")?.to_owned(),
        source_arn: source("aws:sourcearn"),
        source_account: source("aws:sourceaccount"),
    })
}

fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer)?.as_str()
}

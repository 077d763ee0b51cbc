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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resources::rest_api;
    use crate::testing::galleries::summer;
    use crate::testing::steps::fields_of;

    const FUNCTION: &str = "arn:aws:lambda:eu-west-1:123456789012:function:list";

    fn seen() -> cloud::Observed {
        let rest_api = rest_api::Observed { id: "a1b2c3".into(), ..rest_api::Observed::default() };
        cloud::Observed { rest_api: Some(rest_api), ..cloud::Observed::default() }
    }

    fn want(function: FunctionName) -> Desired {
        Permission::desired(function, &summer(), &seen()).unwrap()
    }

    fn policy(statement: &Value) -> String {
        let other = json!({"Sid": "other", "Effect": "Allow"});
        json!({"Version": "2012-10-17", "Id": "default", "Statement": [other, statement]}).to_string()
    }

    fn statement() -> Value {
        json!({
            "Sid": STATEMENT,
            "Effect": "Allow",
            "Principal": {"Service": "apigateway.amazonaws.com"},
            "Action": "lambda:InvokeFunction",
            "Resource": FUNCTION,
            "Condition": {
                "StringEquals": {"AWS:SourceAccount": "123456789012"},
                "ArnLike": {"AWS:SourceArn": "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3/api/*"},
            },
        })
    }

    #[test]
    fn the_rest_api_invokes_three_functions_and_the_bucket_one() {
        let api = want(FunctionName::List);
        assert_eq!(api.source_arn, "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3/api/*");
        assert_eq!(api.source_account, "123456789012");
        let bucket = want(FunctionName::Thumbnail);
        assert_eq!(bucket.principal, "s3.amazonaws.com");
        assert_eq!(bucket.source_arn, summer().identity.bucket_arn(BucketRole::Photos));
        let unknown = Permission::desired(FunctionName::List, &summer(), &cloud::Observed::default());
        assert_eq!(unknown, None, "until the REST API has an id");
    }

    #[test]
    fn our_statement_is_found_among_others() {
        assert_eq!(read(&policy(&statement())), Some(Observed::Statement(want(FunctionName::List))));
        assert_eq!(read(&policy(&json!({"Sid": "another"}))), None);
        assert_eq!(read(r#"{"Version": "2012-10-17", "Statement": []}"#), None);
        assert_eq!(read(""), None);
    }

    #[test]
    fn a_statement_that_allows_more_is_not_ours_as_it_was() {
        for (pointer, value) in [
            ("/Effect", json!("Deny")),
            ("/Action", json!("lambda:*")),
            ("/Principal", json!("*")),
            ("/Condition", json!({"StringNotEquals": {"AWS:SourceAccount": "123456789012"}})),
        ] {
            let mut changed = statement();
            *changed.pointer_mut(pointer).unwrap() = value;
            assert_eq!(read(&policy(&changed)), Some(Observed::Other), "{pointer}");
        }
    }

    #[test]
    fn a_missing_statement_is_added_and_a_right_one_left_alone() {
        let want = want(FunctionName::List);
        assert_eq!(Permission::update(&want, None), [Step::create(Change::Add(want.clone()))]);
        assert_eq!(Permission::update(&want, Some(&Observed::Statement(want.clone()))), []);
    }

    #[test]
    fn a_wrong_statement_is_removed_first() {
        let want = want(FunctionName::List);
        let mut wrong = statement();
        wrong["Condition"]["StringEquals"] = json!({});
        for (field, seen) in
            [("source account", read(&policy(&wrong)).unwrap()), ("statement", Observed::Other)]
        {
            let steps = Permission::update(&want, Some(&seen));
            assert_eq!(fields_of(&steps), [field]);
            let changes: Vec<_> = steps.into_iter().map(|step| step.change).collect();
            assert_eq!(changes, [Change::Remove, Change::Add(want.clone())]);
        }
    }
}

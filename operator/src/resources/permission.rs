//! Who may invoke a function: one statement in its resource policy, under an id of ours.
//!
//! The REST API invokes the three functions behind it, the photos bucket the thumbnail function. Both are named by ARN and
//! account: an S3 ARN holds no account, so a bucket that somebody else makes again would pass by its name alone. The policy as a
//! whole is ours: a statement that somebody adds could let anybody in, past the API and its throttle, or change the function.
//! Without one, a function URL lets nobody in either. The policy goes with its function.
//!
//! Not idempotent: `AddPermission` refuses an id that exists, so a wrong statement is removed first.

use std::collections::BTreeMap;

use functions_core::contract::FunctionName;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{After, Description, Difference, Kind, Step, document};
use crate::cloud::{self, Answer};
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

/// The policy as it is. `Some` when our statement is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// Our statement.
    pub ours: Statement,
    /// Statements of others by id, each in a few words.
    pub others: BTreeMap<String, String>,
}

/// What stands under our id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// `Allow`.
    pub effect: String,
    /// What it allows.
    pub action: String,
    /// The service that invokes, or whoever else.
    pub principal: String,
    /// ARN of what makes it invoke; empty: anything.
    pub source_arn: String,
    /// Account of what makes it invoke; empty: any.
    pub source_account: String,
    /// Conditions that we do not set.
    pub besides: String,
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// `AddPermission`.
    Add(Desired),
    /// `RemovePermission` of the statement with this id.
    Remove(String),
}

impl Statement {
    /// What [`Change::Add`] makes.
    pub fn of(wanted: &Desired) -> Self {
        let Desired { principal, source_arn, source_account } = wanted.clone();
        let (effect, action) = ("Allow".into(), ACTION.into());
        Self { effect, action, principal, source_arn, source_account, besides: String::new() }
    }
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
        let Some(Observed { ours, others }) = seen else { return vec![Step::create(add)] };
        let differences = differences(&Statement::of(want), ours);
        let mut steps = Vec::new();
        if !differences.is_empty() {
            steps.push(Step::update(Change::Remove(STATEMENT.into()), differences));
            steps.push(Step::detail(add));
        }
        steps.extend(others.iter().map(|(id, words)| {
            let difference = Difference::new(format!("statement {id}"), words, "none");
            Step::update(Change::Remove(id.clone()), [difference])
        }));
        steps
    }

    fn delete(_: FunctionName, _: &Observed, _: DataPolicy) -> Vec<Step<Change>> {
        vec![Step::delete(Change::Remove(STATEMENT.into()))]
    }

    /// Lambda may say yes to a permission and drop it, when others are added at the same time: so it is looked at.
    fn after(_: Option<&Observed>, _: &Change, _: &Answer) -> After<Observed> {
        After::Unknown
    }

    fn describe(function: FunctionName, gallery: &Identity, _: &Observed) -> Description {
        Description { name: format!("{} {STATEMENT}", gallery.function(function)), arn: None }
    }
}

/// Does our statement let in whom it should, and nobody else? Statements of others say nothing about that.
pub fn is_right(function: FunctionName, gallery: &Gallery, seen: &cloud::Observed) -> bool {
    let want = Permission::desired(function, gallery, seen).map(|want| Statement::of(&want));
    want.is_some_and(|want| seen.permissions.get(&function).is_some_and(|seen| seen.ours == want))
}

fn differences(want: &Statement, seen: &Statement) -> Vec<Difference> {
    let Statement { effect, action, principal, source_arn, source_account, besides } = want;
    let source = |source: &str| if source.is_empty() { "any".to_owned() } else { source.to_owned() };
    let fields = [
        Difference::between("effect", &seen.effect, effect),
        Difference::between("action", &seen.action, action),
        Difference::between("principal", &seen.principal, principal),
        Difference::between("source", &source(&seen.source_arn), &source(source_arn)),
        Difference::between("source account", &source(&seen.source_account), &source(source_account)),
        Difference::between("other conditions", &seen.besides, besides),
    ];
    fields.into_iter().flatten().collect()
}

/// Reads a function's policy. `None` when our statement is not in it.
pub fn read(policy: &str) -> Option<Observed> {
    let policy = document::canonical(&document::parse(policy));
    let mut others = BTreeMap::new();
    let mut ours = None;
    for statement in document::statements(&policy) {
        match text(statement, "/Sid") {
            Some(STATEMENT) => ours = Some(read_statement(statement)),
            Some(id) => drop(others.insert(id.to_owned(), document::summary(statement))),
            // Lambda gives each an id, and removes none without.
            None => {}
        }
    }
    Some(Observed { ours: ours?, others })
}

fn read_statement(statement: &Value) -> Statement {
    let string = |pointer: &str| text(statement, pointer).unwrap_or_default().to_owned();
    let principal = match statement.get("Principal") {
        Some(Value::Object(who)) if who.len() == 1 && who.contains_key("Service") => {
            string("/Principal/Service")
        }
        Some(who) => who.as_str().map_or_else(|| who.to_string(), str::to_owned),
        None => String::new(),
    };
    let mut read = Statement {
        effect: string("/Effect"),
        action: string("/Action"),
        principal,
        source_arn: String::new(),
        source_account: String::new(),
        besides: String::new(),
    };
    let tests = statement.get("Condition").and_then(Value::as_object).into_iter().flatten();
    for (operator, test) in tests {
        for (key, value) in test.as_object().into_iter().flatten() {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            match (operator.as_str(), key.as_str()) {
                ("ArnLike" | "ArnEquals" | "StringEquals" | "StringLike", "aws:sourcearn") => {
                    read.source_arn = value;
                }
                ("StringEquals" | "StringLike", "aws:sourceaccount") => read.source_account = value,
                _ => read.besides += &format!("{operator} {key} {value} "),
            }
        }
    }
    read.besides = read.besides.trim_end().to_owned();
    read
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

    fn right(others: &[(&str, &str)]) -> Observed {
        let others = others.iter().map(|(id, words)| ((*id).to_owned(), (*words).to_owned())).collect();
        Observed { ours: Statement::of(&want(FunctionName::List)), others }
    }

    #[test]
    fn our_statement_is_found_among_others() {
        assert_eq!(read(&policy(&statement())), Some(right(&[("other", "Allow ")])));
        assert_eq!(read(&policy(&json!({"Sid": "another"}))), None);
        assert_eq!(read(r#"{"Version": "2012-10-17", "Statement": []}"#), None);
        assert_eq!(read(""), None);
    }

    #[test]
    fn a_missing_statement_is_added_and_a_right_one_left_alone() {
        let want = want(FunctionName::List);
        assert_eq!(Permission::update(&want, None), [Step::create(Change::Add(want.clone()))]);
        assert_eq!(Permission::update(&want, Some(&right(&[]))), []);
    }

    #[test]
    fn a_statement_that_allows_more_is_named_by_what_differs_and_removed_first() {
        let want = want(FunctionName::List);
        let condition = json!({"StringEquals": {"AWS:PrincipalOrgID": "o-1"}});
        for (field, pointer, value) in [
            ("effect", "/Effect", json!("Deny")),
            ("action", "/Action", json!("lambda:*")),
            ("principal", "/Principal", json!("*")),
            ("source", "/Condition/ArnLike", json!({})),
            ("source account", "/Condition/StringEquals", json!({})),
            (
                "other conditions",
                "/Condition/StringEquals/aws:PrincipalOrgID",
                condition["StringEquals"]["AWS:PrincipalOrgID"].clone(),
            ),
        ] {
            let mut changed = statement();
            match changed.pointer_mut(pointer) {
                Some(place) => *place = value,
                None => changed["Condition"]["StringEquals"]["aws:PrincipalOrgID"] = value,
            }
            let seen = Observed { others: BTreeMap::new(), ..read(&policy(&changed)).unwrap() };
            let steps = Permission::update(&want, Some(&seen));
            assert_eq!(fields_of(&steps), [field]);
            let changes: Vec<_> = steps.into_iter().map(|step| step.change).collect();
            assert_eq!(changes, [Change::Remove(STATEMENT.into()), Change::Add(want.clone())], "{field}");
        }
    }

    #[test]
    fn statements_of_others_go() {
        let steps =
            Permission::update(&want(FunctionName::List), Some(&right(&[("evil", "Allow lambda:* for *")])));
        let difference = Difference::new("statement evil", "Allow lambda:* for *", "none");
        assert_eq!(steps, [Step::update(Change::Remove("evil".into()), [difference])]);
    }
}

//! The tables against the calls in the source, and against what AWS says of the actions in them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::*;
use crate::iam_policy::{Terms, scope};

/// Calls, by service and operation.
type Calls = BTreeSet<(String, String)>;

/// AWS's Service Authorization Reference, as far as it concerns us; renewed by `tests/tools/service-authorization`.
#[derive(Deserialize)]
struct Reference {
    actions: BTreeMap<String, Action>,
    /// `service:type`.
    types: BTreeMap<String, Type>,
}

#[derive(Deserialize)]
struct Action {
    /// Types of resources that it can be limited to.
    on: Vec<String>,
    /// Condition keys, besides those of the resources.
    keys: Vec<String>,
}

#[derive(Deserialize)]
struct Type {
    arns: Vec<String>,
    keys: Vec<String>,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("service-authorization.json")).unwrap()
}

/// The files of `crate::aws` without their tests, by name.
fn sources() -> BTreeMap<String, String> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/aws"));
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let sources = files.filter(|path| path.extension().is_some_and(|it| it == "rs")).map(|path| {
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap().to_owned();
        (path.file_stem().unwrap().to_str().unwrap().to_owned(), code)
    });
    sources.collect()
}

/// Calls that a file makes: each names itself to `failed`, without which its error would be none of ours.
fn calls_in(source: &str) -> Calls {
    let named = source.split("failed(\"").skip(1).filter_map(|rest| rest.split_once("\")"));
    let named = named.filter_map(|(call, _)| call.split_once("\", \""));
    named.map(|(service, operation)| (service.to_owned(), operation.to_owned())).collect()
}

/// `put_bucket_cors` for `PutBucketCors`, as the SDK names it.
fn snake(operation: &str) -> String {
    let letters: Vec<_> = operation.chars().collect();
    let mut name = String::new();
    for (index, letter) in letters.iter().enumerate() {
        // `GetAWSDefault`: a word begins where lower case ends, or where it begins.
        let is_word = index > 0 && !letters[index - 1].is_ascii_uppercase()
            || letters.get(index + 1).is_some_and(char::is_ascii_lowercase);
        if index > 0 && letter.is_ascii_uppercase() && is_word {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

/// To see it fail: remove a row of a table, or add one to another table.
#[test]
fn each_file_says_what_all_of_its_calls_need_and_nothing_else() {
    let tables: BTreeMap<_, _> =
        TABLES.iter().copied().chain([("account", super::super::account::NEEDS)]).collect();
    let mut files = 0;
    for (file, source) in sources() {
        let made = calls_in(&source);
        let table = tables.get(file.as_str()).copied().unwrap_or_default();
        let rows: Vec<_> =
            table.iter().map(|row| (row.service.to_owned(), row.operation.to_owned())).collect();
        assert_eq!(made, rows.iter().cloned().collect::<Calls>(), "{file}");
        assert_eq!(rows.len(), made.len(), "{file} has a row twice");
        files += usize::from(!made.is_empty());
        // The name that an error carries is that of the call.
        let source: String = source.split_whitespace().collect();
        for (_, operation) in made {
            let method = format!(".{}()", snake(&operation));
            assert!(source.contains(&method), "{file} says {operation} and does not call {method}");
        }
    }
    assert_eq!(files, tables.len());
}

/// To see it fail: call something of the SDK in a file and name it by another call's name to `failed`.
#[test]
fn no_file_calls_what_it_does_not_name() {
    let all: BTreeSet<_> = calls().chain(optional()).map(|call| call.operation).collect();
    for (file, source) in sources() {
        let named: BTreeSet<_> = calls_in(&source).into_iter().map(|(_, operation)| operation).collect();
        let source: String = source.split_whitespace().collect();
        for operation in &all {
            let called = source.contains(&format!(".{}()", snake(operation)));
            assert_eq!(called, named.contains(*operation), "{file}: {operation}");
        }
    }
}

/// Actions that are named otherwise than their call, by AWS's documentation of the call. To see it fail: ask for
/// `s3:PutBucketEncryption`.
#[test]
fn each_call_needs_the_action_of_its_name_or_the_one_that_aws_documents() {
    let otherwise: BTreeMap<_, _> = [
        ("GetPublicAccessBlock", "s3:GetBucketPublicAccessBlock"),
        ("PutPublicAccessBlock", "s3:PutBucketPublicAccessBlock"),
        ("GetBucketEncryption", "s3:GetEncryptionConfiguration"),
        ("PutBucketEncryption", "s3:PutEncryptionConfiguration"),
        ("GetBucketLifecycleConfiguration", "s3:GetLifecycleConfiguration"),
        ("PutBucketLifecycleConfiguration", "s3:PutLifecycleConfiguration"),
        ("GetBucketNotificationConfiguration", "s3:GetBucketNotification"),
        ("PutBucketNotificationConfiguration", "s3:PutBucketNotification"),
        ("GetBucketCors", "s3:GetBucketCORS"),
        ("PutBucketCors", "s3:PutBucketCORS"),
        ("HeadObject", "s3:GetObject"),
        ("ListObjectsV2", "s3:ListBucket"),
        ("ListObjectVersions", "s3:ListBucketVersions"),
        ("ListMultipartUploads", "s3:ListBucketMultipartUploads"),
        ("DeleteObjects", "s3:DeleteObject"),
        ("CreateDistributionWithTags", "cloudfront:CreateDistribution"),
    ]
    .into();
    for call in calls().chain(optional()) {
        let Some(Need(action, _)) = call.needs.first() else { panic!("{call:?} needs nothing") };
        let expected = match call.service {
            "apigateway" => format!("apigateway:{}", verb(call.operation)),
            service => format!("{service}:{}", call.operation),
        };
        assert_eq!(*action, *otherwise.get(call.operation).unwrap_or(&&*expected), "{call:?}");
    }
}

/// API Gateway's actions are the verbs of its calls.
fn verb(operation: &str) -> &'static str {
    match operation {
        "TagResource" | "PutRestApi" => "PUT",
        "UntagResource" => "DELETE",
        other if other.starts_with("Get") => "GET",
        other if other.starts_with("Create") => "POST",
        other if other.starts_with("Update") => "PATCH",
        other if other.starts_with("Delete") => "DELETE",
        other => panic!("{other} has no verb"),
    }
}

/// To see it fail: limit `cloudfront:ListDistributions` to `On::Distribution`, or `dynamodb:CreateTable` to `On::Anything`.
#[test]
fn each_action_is_limited_as_far_as_aws_can_and_by_keys_that_aws_knows() {
    let Reference { actions, types } = reference();
    let terms = Terms {
        account: "123456789012".into(),
        partition: "aws".into(),
        prefix: "pg".into(),
        owners: vec!["me".into()],
        boundary: Some("arn:aws:iam::123456789012:policy/photogallery/pg-boundary".into()),
        principal: Some("arn:aws:iam::123456789012:role/photogallery-operator".into()),
    };
    for Need(action, on) in calls().chain(optional()).flat_map(|call| call.needs) {
        let known = actions.get(*action).unwrap_or_else(|| panic!("AWS knows no {action}"));
        let (service, _) = action.split_once(':').unwrap();
        let scope = scope(*on, &terms).parts();
        let of_type = |name: &&String| {
            let found = &types[&format!("{service}:{name}")];
            found.arns.iter().any(|arn| is_of(&scope.0, arn))
        };
        let kinds: Vec<_> = known.on.iter().filter(of_type).collect();
        // What tags a thing in the making has no ARN to be limited to.
        let in_the_making = *on == On::NewDistribution;
        if known.on.is_empty() || in_the_making {
            assert_eq!(scope.0, "*", "AWS cannot limit {action}");
        } else {
            assert!(!kinds.is_empty(), "{action} on {}: AWS knows {:?}", scope.0, known.on);
        }
        for key in keys(scope.1.as_ref()) {
            let key = key.split('/').next().unwrap().to_owned() + if key.contains('/') { "/*" } else { "" };
            let is_global = key == "aws:ResourceAccount";
            let by_type = kinds.iter().any(|name| types[&format!("{service}:{name}")].keys.contains(&key));
            assert!(is_global || known.keys.contains(&key) || by_type, "{action} knows no {key}");
        }
    }
}

/// Is this pattern of ours one of ARNs of this form?
fn is_of(pattern: &str, form: &str) -> bool {
    let (ours, theirs): (Vec<_>, Vec<_>) = (pattern.splitn(6, ':').collect(), form.splitn(6, ':').collect());
    if ours.len() != 6 || theirs.len() != 6 || ours[2] != theirs[2] {
        return false;
    }
    let literal = theirs[5].split("${").next().unwrap();
    // `${BucketName}` alone, without `/${ObjectName}`, is no object's.
    let depth = |text: &str| text.matches('/').count();
    let (ours, theirs) = (ours[5], theirs[5]);
    if literal.is_empty() {
        return depth(ours) == depth(theirs);
    }
    match theirs.find("${") {
        Some(_) => ours.starts_with(literal),
        None => ours == theirs,
    }
}

fn keys(condition: Option<&Value>) -> Vec<String> {
    let operators = condition.and_then(Value::as_object).into_iter().flat_map(|it| it.values());
    operators.flat_map(|it| it.as_object().unwrap().keys().cloned()).collect()
}

#[test]
fn a_call_is_found_with_all_that_it_needs_wherever_it_is_made() {
    let actions = |service, operation| of(service, operation).iter().map(|need| need.0).collect::<Vec<_>>();
    assert_eq!(of("s3", "PutObject"), [Need("s3:PutObject", On::Zip), Need("s3:PutObject", On::SiteObject)]);
    assert_eq!(actions("lambda", "GetFunction"), ["lambda:GetFunction", "lambda:ListTags"]);
    assert_eq!(actions("lambda", "Invoke"), [""; 0]);
}

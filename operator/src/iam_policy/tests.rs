//! The policies: size, reach, and the boundary against what functions are given.

use functions_core::contract::FunctionName;

use super::*;
use crate::names::PREFIX_LENGTH;
use crate::resources::role;
use crate::testing::galleries::{BOUNDARY, identity};

fn terms() -> Terms {
    let text = |text: &str| text.to_owned();
    let (account, partition, prefix) = (text("123456789012"), text("aws"), text("pg"));
    Terms { account, partition, prefix, owners: Vec::new(), boundary: None, principal: None }
}

/// With everything that makes a policy longer.
fn longest() -> Terms {
    let uid = "01234567-89ab-cdef-0123-456789abcdef";
    let boundary = format!("arn:aws-us-gov:iam::123456789012:policy{ROLE_PATH}{}", "b".repeat(64));
    Terms {
        partition: "aws-us-gov".into(),
        prefix: "p".repeat(PREFIX_LENGTH),
        owners: vec![uid.into(), uid.into()],
        boundary: Some(boundary),
        principal: Some(format!("arn:aws-us-gov:iam::123456789012:role/{}", "r".repeat(64))),
        ..terms()
    }
}

fn statements(policy: &Value) -> impl Iterator<Item = &Value> {
    policy["Statement"].as_array().unwrap().iter()
}

/// One or many.
fn list(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(values) => values.iter().map(|value| value.as_str().unwrap()).collect(),
        value => vec![value.as_str().unwrap()],
    }
}

/// Is the text of this pattern, with `*` for anything?
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|text| {
            (0..=text.len()).filter(|at| text.is_char_boundary(*at)).any(|at| matches(rest, &text[at..]))
        }),
    }
}

#[test]
fn both_fit_into_managed_policies() {
    for policy in [policy(&longest()), boundary::policy(&longest())] {
        assert!(policy.to_string().len() <= LONGEST, "{} characters", policy.to_string().len());
    }
}

#[test]
fn it_is_as_reviewed() {
    insta::assert_yaml_snapshot!(sorted(&policy(&terms())));
}

#[test]
fn the_boundary_is_as_reviewed() {
    insta::assert_yaml_snapshot!("boundary", sorted(&boundary::policy(&terms())));
}

/// To see it fail: let `On::Table` be anything.
#[test]
fn only_what_aws_cannot_limit_is_allowed_on_everything() {
    let (mut unlimited, policy) = (BTreeSet::new(), policy(&terms()));
    for statement in statements(&policy).filter(|statement| statement["Resource"] == "*") {
        unlimited.extend(list(&statement["Action"]));
    }
    let creations =
        ["CreateDistribution", "CreateOriginAccessControl", "CreateResponseHeadersPolicy", "TagResource"];
    let lists = ["ListDistributions", "ListOriginAccessControls", "ListResponseHeadersPolicies"];
    let cloudfront = creations.iter().chain(&lists).map(|action| format!("cloudfront:{action}"));
    let account =
        ["iam:GetAccountSummary", "lambda:GetAccountSettings", "servicequotas:GetAWSDefaultServiceQuota"];
    let lists = ["iam:GetAccountAuthorizationDetails", "iam:ListRoles", "logs:DescribeLogGroups"];
    let others = lists.into_iter().chain(account).map(str::to_owned);
    let expected: BTreeSet<_> = cloudfront.chain(others).collect();
    assert_eq!(unlimited, expected.iter().map(String::as_str).collect());
}

/// To see it fail: take the condition from `On::RestApi`.
#[test]
fn what_has_no_name_of_ours_must_carry_an_owner_s_tag() {
    for (owners, operator) in [(vec![], "Null"), (vec!["me".to_owned()], "StringEquals")] {
        let policy = policy(&Terms { owners, ..terms() });
        for action in [
            "apigateway:DELETE",
            "apigateway:PATCH",
            "apigateway:POST",
            "cloudfront:UpdateDistribution",
            "cloudfront:DeleteDistribution",
            "cloudfront:CreateDistribution",
            "cloudfront:CreateInvalidation",
        ] {
            let allowing =
                statements(&policy).filter(|statement| list(&statement["Action"]).contains(&action));
            let allowing: Vec<_> =
                allowing.filter(|it| !it["Resource"].as_str().unwrap().contains("/tags/")).collect();
            assert!(!allowing.is_empty(), "{action}");
            for statement in allowing {
                let keys = statement["Condition"][operator].as_object();
                let keys = keys.unwrap_or_else(|| panic!("{action} is allowed without an owner's tag"));
                assert!(keys.keys().all(|key| key.ends_with("Tag/photogallery.dev/owner-id")), "{keys:?}");
            }
        }
    }
}

/// To see it fail: ask for `iam:CreateRole` on `On::Role`.
#[test]
fn with_a_boundary_no_role_is_made_or_given_a_policy_without_it_and_none_loses_it() {
    let bounded = policy(&Terms { boundary: Some(BOUNDARY.into()), ..terms() });
    for action in ["iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"] {
        for statement in statements(&bounded).filter(|statement| list(&statement["Action"]).contains(&action))
        {
            assert_eq!(
                statement["Condition"]["StringEquals"]["iam:PermissionsBoundary"], BOUNDARY,
                "{action}"
            );
        }
    }
    let free = policy(&terms()).to_string();
    assert!(free.contains("iam:CreateRole") && !free.contains("PermissionsBoundary"), "{free}");
    for policy in [bounded.to_string(), free] {
        for action in ["iam:DeleteRolePermissionsBoundary", "iam:AttachRolePolicy", "iam:CreatePolicy"] {
            assert!(!policy.contains(action), "{action}");
        }
    }
}

/// To see it fail: take an action from the boundary, or add one.
#[test]
fn the_boundary_allows_what_functions_are_given_and_no_other_action() {
    let boundary = boundary::policy(&terms());
    let mut unused: BTreeSet<_> = statements(&boundary)
        .filter(|statement| statement["Effect"] == "Allow")
        .flat_map(|statement| list(&statement["Action"]))
        .collect();
    for function in FunctionName::ALL {
        let given = role::policy(function, &identity("photos", "summer"));
        for statement in statements(&given) {
            for action in list(&statement["Action"]) {
                for resource in list(&statement["Resource"]) {
                    let says = |effect: &str| {
                        statements(&boundary).filter(|it| it["Effect"] == effect).any(|it| {
                            list(&it["Action"]).iter().any(|pattern| matches(pattern, action))
                                && list(&it["Resource"]).iter().any(|pattern| matches(pattern, resource))
                        })
                    };
                    assert!(says("Allow") && !says("Deny"), "{function}: {action} on {resource}");
                    unused.remove(action);
                }
            }
        }
    }
    assert_eq!(unused, BTreeSet::new());
}

#[test]
fn functions_cannot_be_given_the_functions_code() {
    let code = format!(
        "{}/functions/0/list-arm64.zip",
        identity("photos", "summer").bucket_arn(crate::graph::BucketRole::Artefacts)
    );
    let boundary = boundary::policy(&terms());
    let denied = statements(&boundary).find(|statement| statement["Effect"] == "Deny").unwrap();
    assert!(matches(denied["Resource"].as_str().unwrap(), &code), "{code}");
}

#[test]
fn the_commands_make_both_and_say_what_to_do_with_them() {
    let text = commands(&terms());
    assert_eq!(text.matches("aws iam create-policy").count(), 2);
    assert!(text.contains(&format!("aws.permissionsBoundary={BOUNDARY}")), "{text}");
    // One that an organisation has already is not made again.
    let theirs = "arn:aws:iam::123456789012:policy/theirs";
    let text = commands(&Terms { boundary: Some(theirs.into()), ..terms() });
    assert_eq!(text.matches("aws iam create-policy").count(), 1);
    assert!(text.contains(theirs) && !text.contains("pg-boundary"), "{text}");
    // They are quoted for a shell.
    for document in [policy(&longest()), boundary::policy(&longest())] {
        assert!(!document.to_string().contains('\''), "{document}");
    }
}

/// As people read it: what may be done, on what, and when.
fn table(policy: &Value, heading: &str) -> String {
    let mut lines = vec![format!("| {heading} | on | if |"), "|---|---|---|".to_owned()];
    for statement in statements(policy) {
        let code =
            |values: &Value| list(values).iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ");
        let denied = if statement["Effect"] == "Deny" { "**never** " } else { "" };
        let conditions =
            statement["Condition"].as_object().into_iter().flatten().flat_map(|(operator, keys)| {
                keys.as_object().unwrap().iter().map(move |(key, value)| match operator.as_str() {
                    "Null" => format!("`{key}` is there"),
                    _ => format!(
                        "`{key}` is {}",
                        list(value).iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(" or ")
                    ),
                })
            });
        let conditions: Vec<_> = conditions.collect();
        let (actions, on) = (code(&statement["Action"]), code(&statement["Resource"]));
        lines.push(format!("| {denied}{actions} | {on} | {} |", conditions.join(", ")));
    }
    lines.join("\n")
}

#[test]
fn the_document_on_security_shows_these_policies() {
    let (text, file) = (|text: &str| text.to_owned(), "docs/security.md");
    let (account, partition, prefix) = (text("<account>"), text("aws"), text("<prefix>"));
    let terms = Terms {
        account,
        partition,
        prefix,
        owners: Vec::new(),
        boundary: Some("<boundary>".into()),
        principal: Some("<principal>".into()),
    };
    let section = crate::testing::generated::section;
    section(file, "the operator's policy", &table(&policy(&terms), "the operator may"));
    section(file, "the boundary", &table(&boundary::policy(&terms), "functions may at most"));
    let mut lines = vec!["| function | may | on |".to_owned(), "|---|---|---|".to_owned()];
    for function in FunctionName::ALL {
        for statement in statements(&role::policy(function, &identity("<namespace>", "<name>"))) {
            let actions: Vec<_> = list(&statement["Action"]).iter().map(|it| format!("`{it}`")).collect();
            let on: Vec<_> =
                list(&statement["Resource"]).iter().map(|arn| format!("`{}`", short(arn))).collect();
            lines.push(format!("| {function} | {} | {} |", actions.join(", "), on.join(", ")));
        }
    }
    section(file, "the functions' policies", &lines.join("\n"));
}

/// An ARN without what is the same in all, and without the hash in names.
fn short(arn: &str) -> String {
    let resource = arn.splitn(6, ':').last().unwrap();
    let hash = identity("<namespace>", "<name>").bucket(crate::graph::BucketRole::Photos);
    resource.replace(&format!("-{}", hash.rsplit('-').next().unwrap()), "-…")
}

/// To see it fail: let `policy` take what is optional without a name, or the simulator without a principal.
#[test]
fn what_the_operator_does_without_stands_apart_and_only_its_own_permissions_are_asked_about() {
    let role = "arn:aws:iam::123456789012:role/photogallery-operator";
    for (principal, count) in [(None, 2), (Some(role.to_owned()), 3)] {
        let policy = policy(&Terms { principal, ..terms() });
        let optional: Vec<_> = statements(&policy).filter(|it| it["Sid"].is_string()).collect();
        assert_eq!(optional.len(), count, "{optional:#?}");
        for statement in statements(&policy) {
            let simulates = list(&statement["Action"]).contains(&"iam:SimulatePrincipalPolicy");
            assert!(!simulates || statement["Resource"] == role, "{statement}");
        }
    }
}

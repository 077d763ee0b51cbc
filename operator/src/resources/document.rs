//! Comparing JSON documents that AWS gives back in other words than it took them.
//!
//! AWS reorders keys and lists, turns a list of one into its element and a boolean into a string, and changes the case of
//! condition keys. [`canonical`] undoes all of that, so that only a difference in meaning is a difference.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::Difference;

/// The same document in one fixed form.
pub fn canonical(document: &Value) -> Value {
    match document {
        Value::Object(fields) => {
            let mut fields: Vec<_> =
                fields.iter().map(|(key, value)| (plain_key(key), canonical(value))).collect();
            fields.sort_by(|(one, _), (other, _)| one.cmp(other));
            match &fields[..] {
                // Two words for everybody.
                [(key, Value::String(everybody))] if key == "AWS" && everybody == "*" => {
                    Value::String(everybody.clone())
                }
                _ => Value::Object(fields.into_iter().collect::<Map<_, _>>()),
            }
        }
        Value::Array(items) => {
            let mut items: Vec<_> = items.iter().map(canonical).collect();
            items.sort_by_key(ToString::to_string);
            items.dedup();
            if items.len() == 1 { items.swap_remove(0) } else { Value::Array(items) }
        }
        Value::Bool(value) => Value::String(value.to_string()),
        Value::Number(value) => Value::String(value.to_string()),
        Value::String(_) | Value::Null => document.clone(),
    }
}

/// Global condition keys (`aws:SourceArn`) come back as `AWS:SourceArn`; they have no case.
fn plain_key(key: &str) -> String {
    let is_condition = key.contains(':');
    if is_condition { key.to_ascii_lowercase() } else { key.to_owned() }
}

/// What differs between two policies, statement by statement; nothing when they mean the same. `name` says which policy it is.
pub fn differences(name: &str, want: &Value, seen: &Value) -> Vec<Difference> {
    let (want, seen) = (canonical(want), canonical(seen));
    if want == seen {
        return Vec::new();
    }
    let (wanted, mut found) = (statements(&want), statements(&seen));
    let missing: Vec<_> =
        wanted.into_iter().filter(|statement| !take(&mut found, |it| it == statement)).collect();
    let mut all = Vec::new();
    for statement in missing {
        let label = label(statement);
        let field = format!("{name} statement {label}");
        match found.iter().position(|other| self::label(other) == label) {
            Some(index) => all.extend(statement_differences(&field, statement, found.remove(index))),
            None => all.push(Difference::new(field, "missing", summary(statement))),
        }
    }
    let surplus = found.into_iter();
    all.extend(
        surplus.map(|it| Difference::new(format!("{name} statement {}", label(it)), summary(it), "none")),
    );
    if all.is_empty() {
        all.push(Difference::new(name, &seen, &want));
    }
    all
}

/// The statements of a policy in its canonical form, in which a list of one is its element.
pub fn statements(policy: &Value) -> Vec<&Value> {
    match policy.get("Statement") {
        None => Vec::new(),
        Some(Value::Array(statements)) => statements.iter().collect(),
        Some(statement) => vec![statement],
    }
}

/// Takes out the first that is wanted. Was there one?
fn take<'a>(all: &mut Vec<&'a Value>, is_wanted: impl Fn(&&'a Value) -> bool) -> bool {
    all.iter().position(is_wanted).map(|index| all.remove(index)).is_some()
}

/// By what a person finds a statement: its id, or what it is about.
fn label(statement: &Value) -> String {
    let text = |key: &str| statement.get(key).map(words).unwrap_or_default();
    let id = text("Sid");
    if id.is_empty() { format!("{} {}", text("Effect"), text("Action")) } else { id }
}

/// `Allow s3:GetObject for * on arn:aws:s3:::bucket/*`
pub fn summary(statement: &Value) -> String {
    let text = |key: &str| statement.get(key).map(words);
    let (effect, action) = (text("Effect").unwrap_or_default(), text("Action").unwrap_or_default());
    let principal = text("Principal").map(|who| format!(" for {who}")).unwrap_or_default();
    let resource = text("Resource").map(|what| format!(" on {what}")).unwrap_or_default();
    format!("{effect} {action}{principal}{resource}")
}

fn statement_differences(field: &str, want: &Value, seen: &Value) -> Vec<Difference> {
    let keys = |statement: &Value| -> BTreeSet<String> {
        statement.as_object().into_iter().flat_map(|fields| fields.keys().cloned()).collect()
    };
    let text = |statement: &Value, key: &str| statement.get(key).map(words).unwrap_or_default();
    let all = keys(want).into_iter().chain(keys(seen)).collect::<BTreeSet<_>>();
    let different = all.into_iter().filter(|key| want.get(key) != seen.get(key));
    different
        .map(|key| Difference::new(format!("{field} {key}"), text(seen, &key), text(want, &key)))
        .collect()
}

/// A value of a statement without JSON's marks where it can do without.
fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(words).collect::<Vec<_>>().join(", "),
        Value::Object(fields) if fields.len() == 1 => {
            let only = fields.iter().map(|(key, value)| format!("{key} {}", words(value)));
            only.collect()
        }
        other => other.to_string(),
    }
}

/// A document as AWS should get it: keys sorted, nothing between the tokens.
pub fn text(document: &Value) -> String {
    sorted(document).to_string()
}

/// The same document with its keys sorted, however the maps of this build are ordered.
pub fn sorted(document: &Value) -> Value {
    match document {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().map(|(key, value)| (key.clone(), sorted(value))).collect();
            fields.sort_by(|(one, _), (other, _)| one.cmp(other));
            Value::Object(fields.into_iter().collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        _ => document.clone(),
    }
}

/// Reads a document that may be percent-encoded, as IAM's are. What is no JSON becomes a string, which differs from
/// everything we want.
pub fn parse(text: &str) -> Value {
    if let Ok(document) = serde_json::from_str(text) {
        return document;
    }
    serde_json::from_str(&decoded(text)).unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// IAM's documents are percent-encoded, which makes them half as long again.
pub fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_aws_rewrites_is_no_difference() {
        let ours = json!({
            "Version": "2012-10-17",
            "Statement": [{"Action": ["s3:PutObject"], "Resource": ["b", "a"], "Condition": {"Bool": {"aws:SecureTransport": true}}}],
        });
        let theirs = json!({
            "Statement": {"Condition": {"Bool": {"AWS:SecureTransport": "true"}}, "Resource": ["a", "b"], "Action": "s3:PutObject"},
            "Version": "2012-10-17",
        });
        assert_eq!(canonical(&ours), canonical(&theirs));
        assert_ne!(canonical(&ours), canonical(&json!({"Version": "2012-10-17"})));
    }

    #[test]
    fn differences_are_told_by_statement_and_key() {
        let statement = |sid: &str, action: &str| json!({"Sid": sid, "Effect": "Allow", "Principal": "*", "Action": action});
        let policy = |statements: &[Value]| json!({"Version": "2012-10-17", "Statement": statements});
        let want = policy(&[statement("A", "s3:GetObject"), statement("B", "s3:ListBucket")]);
        let lines = |seen: &Value| {
            let all = differences("policy", &want, seen).into_iter();
            all.map(|it| format!("{}: {} -> {}", it.field, it.from, it.to)).collect::<Vec<_>>()
        };
        assert_eq!(lines(&want), [""; 0]);
        let seen = policy(&[statement("C", "s3:*"), statement("A", "s3:PutObject")]);
        let expected = [
            "policy statement A Action: s3:PutObject -> s3:GetObject",
            "policy statement B: missing -> Allow s3:ListBucket for *",
            "policy statement C: Allow s3:* for * -> none",
        ];
        assert_eq!(lines(&seen), expected);
        let other_version = json!({"Version": "2008-10-17", "Statement": want["Statement"]});
        assert_eq!(lines(&other_version).len(), 1, "{:?}", lines(&other_version));
        assert_eq!(lines(&json!("no policy")).len(), 2);
    }

    #[test]
    fn percent_encoded_documents_are_read() {
        assert_eq!(parse("%7B%22a%22%3A%5B%5D%7D"), json!({"a": []}));
        assert_eq!(parse("no json"), json!("no json"));
    }

    #[test]
    fn text_has_sorted_keys() {
        assert_eq!(text(&json!({"b": {"d": 1, "c": [2]}, "a": 0})), r#"{"a":0,"b":{"c":[2],"d":1}}"#);
    }
}

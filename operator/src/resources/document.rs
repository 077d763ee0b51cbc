//! Comparing JSON documents that AWS gives back in other words than it took them.
//!
//! AWS reorders keys and lists, turns a list of one into its element and a boolean into a string, and changes the case of
//! condition keys. [`canonical`] undoes all of that, so that only a difference in meaning is a difference.

use serde_json::{Map, Value};

/// The same document in one fixed form.
pub fn canonical(document: &Value) -> Value {
    match document {
        Value::Object(fields) => {
            let mut fields: Vec<_> =
                fields.iter().map(|(key, value)| (plain_key(key), canonical(value))).collect();
            fields.sort_by(|(one, _), (other, _)| one.cmp(other));
            Value::Object(fields.into_iter().collect::<Map<_, _>>())
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
    let decoded = percent_encoding::percent_decode_str(text).decode_utf8_lossy();
    serde_json::from_str(&decoded).unwrap_or_else(|_| Value::String(text.to_owned()))
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
    fn percent_encoded_documents_are_read() {
        assert_eq!(parse("%7B%22a%22%3A%5B%5D%7D"), json!({"a": []}));
        assert_eq!(parse("no json"), json!("no json"));
    }

    #[test]
    fn text_has_sorted_keys() {
        assert_eq!(text(&json!({"b": {"d": 1, "c": [2]}, "a": 0})), r#"{"a":0,"b":{"c":[2],"d":1}}"#);
    }
}

//! Rules in CEL that the API server checks, each with words that say what to write instead.
//!
//! A range or an enum stays in the schema, since the API server's own message names the allowed values. A rule is here when that
//! message would not teach (patterns), or when the schema cannot say it (immutability).

use kube::core::{Message, Rule};
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

/// Retention periods that CloudWatch Logs accepts, in days.
const LOG_RETENTION_DAYS: [i32; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

/// The gallery's name becomes part of the names of buckets, functions and roles.
pub(crate) const NAME: &str = "self.metadata.name.size() <= 40 && !self.metadata.name.contains('.')";
pub(crate) const NAME_MESSAGE: &str = "metadata.name must be at most 40 lower-case letters, digits and hyphens, without dots, \
     because it becomes part of AWS names.";

/// The length, too, because the API server speaks of bytes where it counts characters.
pub(crate) fn title() -> Vec<Rule> {
    vec![
        Rule::new(
            r"self.size() <= 80 && self.matches('[^\\p{Z}\\s]') && !self.matches('[\\p{Cc}\\p{Zl}\\p{Zp}]')",
        )
        .message("must have 1 to 80 visible characters on one line."),
    ]
}

pub(crate) fn region() -> Vec<Rule> {
    vec![
        Rule::new("self.matches('^[a-z]{2,4}(-[a-z]+){1,2}-[0-9]{1,2}$')")
            .message("must be the code of an AWS Region, such as eu-west-1 or us-east-1."),
        Rule::new("self == oldSelf").message(
            "cannot change. To move, create a gallery in the new region and copy the photos (docs/moving.md).",
        ),
    ]
}

pub(crate) fn content_types() -> Vec<Rule> {
    vec![
        Rule::new("self.size() > 0")
            .message("must name at least one of image/jpeg, image/png, image/webp, image/gif."),
        Rule::new("self.all(x, self.exists_one(y, x == y))")
            .message("names a kind twice. Name each kind once."),
    ]
}

pub(crate) fn log_retention() -> Vec<Rule> {
    let accepted = LOG_RETENTION_DAYS.map(|days| days.to_string()).join(", ");
    // format(), because the API server estimates string(self) + '…' far above its cost limit.
    vec![Rule::new(format!("self in [{accepted}]")).message(Message::Expression(format!(
        "'%d is not a value CloudWatch Logs accepts. Use {accepted}.'.format([self])"
    )))]
}

pub(crate) fn api_timeout() -> Vec<Rule> {
    vec![
        Rule::new("self <= 29")
            .message("must be at most 29 seconds, because API Gateway gives up on a function after 29."),
    ]
}

/// The map's rules name the first key that is wrong, since the API server's message does not. A key of several lines cannot be
/// named so: the API server then takes the message that names none.
fn tags() -> Vec<Value> {
    const TEXT: &str = r"[\\p{L}\\p{Z}\\p{N}_.:/=+@-]";
    let every_key = |holds: &str, message: &str| {
        json!({
            "rule": format!("self.all(key, {holds})"),
            "message": format!("one of the keys {message}"),
            "messageExpression": format!("'\"%s\" {message}'.format([self.filter(key, !({holds}))[0]])"),
        })
    };
    vec![
        every_key(
            &format!("key.size() <= 128 && key.matches('^{TEXT}+$')"),
            "is not a key AWS accepts. Use 1 to 128 letters, digits, spaces and _ . : / = + - @.",
        ),
        // Not every service keeps one.
        every_key(
            "!key.startsWith(' ') && !key.endsWith(' ')",
            "begins or ends with a space. Leave that out.",
        ),
        every_key(
            &format!("self[key].matches('^{TEXT}*$')"),
            "has a value AWS does not accept. Use up to 256 letters, digits, spaces and _ . : / = + - @.",
        ),
        every_key(
            "!key.matches('^([aA][wW][sS]:|photogallery[.]dev/)')",
            "is taken: keys that start with aws: belong to AWS, with photogallery.dev/ to the operator. Use another.",
        ),
    ]
}

pub(crate) fn tag_map(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 40,
        "additionalProperties": {"type": "string", "maxLength": 256},
        "x-kubernetes-validations": tags(),
    })
}

/// The rule belongs to the items, so that the message names the one that is wrong.
pub(crate) fn origins(_: &mut SchemaGenerator) -> Schema {
    let rule = Rule::new(
        r"self.matches('^(https://[a-z0-9-]+(\\.[a-z0-9-]+)*|http://(localhost|127\\.0\\.0\\.1))(:[0-9]{1,5})?$')",
    )
    .message("must be an origin such as https://www.example.com, without a path.");
    json_schema!({
        "type": "array",
        "maxItems": 10,
        "items": {"type": "string", "maxLength": 255, "x-kubernetes-validations": [rule]},
    })
}

//! `spec.functions`: four functions of one shape, each with defaults of its own.
//!
//! A manifest may name one field of one function (`thumbnail: {memoryMiB: 1024}`), so the defaults of the others depend on
//! where the struct stands. Hence a schema and a deserializer per field instead of an `impl Default` for [`FunctionSize`].

#![expect(
    clippy::doc_markdown,
    reason = "doc comments of fields are what `kubectl explain` prints: plain text"
)]

use std::fmt::Write as _;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use crate::{rules, spec::Architecture};

/// The Lambda functions behind the gallery.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
#[serde(rename_all = "camelCase", default)]
pub struct Functions {
    /// Processor architecture of all four functions, arm64 (costs about a fifth less) or x86_64. Default: arm64.
    pub architecture: Architecture,

    /// Days that the functions' logs are kept: one of the values that CloudWatch Logs accepts (1, 3, 5, 7, 14, 30, 60, 90, 120,
    /// 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653). Default: 30.
    #[schemars(extend("x-kubernetes-validations" = rules::log_retention()))]
    pub log_retention_days: i32,

    /// Signs upload forms; photos go to S3 directly, not through it. Default: 128 MiB, 5 seconds.
    #[serde(deserialize_with = "upload::deserialize")]
    #[schemars(schema_with = "upload::schema")]
    pub upload: FunctionSize,

    /// Lists photos, a page at a time. Default: 256 MiB, 10 seconds.
    #[serde(deserialize_with = "list::deserialize")]
    #[schemars(schema_with = "list::schema")]
    pub list: FunctionSize,

    /// Deletes a photo with all that belongs to it. Default: 128 MiB, 10 seconds.
    #[serde(deserialize_with = "delete::deserialize")]
    #[schemars(schema_with = "delete::schema")]
    pub delete: FunctionSize,

    /// Checks an uploaded photo and makes its thumbnail. Memory must hold the decoded picture. Default: 512 MiB, 30 seconds.
    #[serde(deserialize_with = "thumbnail::deserialize")]
    #[schemars(schema_with = "thumbnail::schema")]
    pub thumbnail: FunctionSize,
}

impl Default for Functions {
    fn default() -> Self {
        Self {
            architecture: Architecture::default(),
            log_retention_days: 30,
            upload: upload::DEFAULT,
            list: list::DEFAULT,
            delete: delete::DEFAULT,
            thumbnail: thumbnail::DEFAULT,
        }
    }
}

/// Size and limits of one Lambda function.
#[derive(JsonSchema, Serialize, Debug, Clone, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct FunctionSize {
    /// Memory in MiB; Lambda gives processor time in proportion. 128 to 10240.
    #[serde(rename = "memoryMiB")]
    #[schemars(range(min = 128, max = 10240))]
    pub memory_mib: i32,

    /// Seconds after which Lambda stops a call. 1 to 900; at most 29 for upload, list and delete, which API Gateway calls.
    #[schemars(range(min = 1, max = 900))]
    pub timeout_seconds: i32,

    /// Calls that may run at the same time, set aside from the account's limit. 0 to 1000; 0 stops the function. Absent: it
    /// shares what the account has.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1000))]
    pub reserved_concurrency: Option<i32>,
}

/// [`FunctionSize`] as a manifest may have it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Partial {
    #[serde(rename = "memoryMiB")]
    memory_mib: Option<i32>,
    timeout_seconds: Option<i32>,
    reserved_concurrency: Option<i32>,
}

fn deserialize<'de, D: Deserializer<'de>>(default: &FunctionSize, from: D) -> Result<FunctionSize, D::Error> {
    let Partial { memory_mib, timeout_seconds, reserved_concurrency } = Partial::deserialize(from)?;
    Ok(FunctionSize {
        memory_mib: memory_mib.unwrap_or(default.memory_mib),
        timeout_seconds: timeout_seconds.unwrap_or(default.timeout_seconds),
        reserved_concurrency: reserved_concurrency.or(default.reserved_concurrency),
    })
}

/// Is the function called through API Gateway, which waits for 29 seconds at most?
#[derive(PartialEq)]
enum Caller {
    ApiGateway,
    S3,
}

fn schema(default: &FunctionSize, caller: &Caller, generator: &mut SchemaGenerator) -> Schema {
    let mut schema = FunctionSize::json_schema(generator);
    // All three fields may be left out, so none is required.
    schema.remove("required");
    let FunctionSize { memory_mib, timeout_seconds, reserved_concurrency: _ } = default;
    for (field, value) in [("memoryMiB", memory_mib), ("timeoutSeconds", timeout_seconds)] {
        if let Some(property) =
            schema.pointer_mut(&format!("/properties/{field}")).and_then(Value::as_object_mut)
        {
            property.insert("default".into(), json!(value));
            if let Some(Value::String(description)) = property.get_mut("description") {
                let _ = write!(description, " Default: {value}.");
            }
            if *caller == Caller::ApiGateway && field == "timeoutSeconds" {
                property.insert("x-kubernetes-validations".into(), json!(rules::api_timeout()));
            }
        }
    }
    schema
}

/// One module per function: its default, and the two hooks that serde and schemars call.
macro_rules! function {
    ($name:ident, $caller:ident, $memory_mib:literal MiB, $timeout_seconds:literal s) => {
        mod $name {
            use super::{Caller, Deserializer, FunctionSize, Schema, SchemaGenerator};

            pub(super) const DEFAULT: FunctionSize = FunctionSize {
                memory_mib: $memory_mib,
                timeout_seconds: $timeout_seconds,
                reserved_concurrency: None,
            };

            pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<FunctionSize, D::Error> {
                super::deserialize(&DEFAULT, from)
            }

            pub(super) fn schema(generator: &mut SchemaGenerator) -> Schema {
                super::schema(&DEFAULT, &Caller::$caller, generator)
            }
        }
    };
}

function!(upload, ApiGateway, 128 MiB, 5 s);
function!(list, ApiGateway, 256 MiB, 10 s);
function!(delete, ApiGateway, 128 MiB, 10 s);
function!(thumbnail, S3, 512 MiB, 30 s);

//! What the operator reports: enough that nobody opens the AWS console to find something.
//!
//! Output only. The operator never reads an identifier back from here, so a lost or forged status does no harm. Every field may
//! be missing, so that objects written by older versions still parse.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// What the operator last saw.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Default)]
#[serde(rename_all = "camelCase")]
pub struct PhotoGalleryStatus {
    /// Generation of the spec that this status is about; -1 until the operator has seen the object. Smaller than
    /// metadata.generation: the operator has not looked at your change yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// When the operator last compared every AWS resource with the spec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "date_time")]
    pub last_observed_time: Option<Time>,

    /// Where visitors find the gallery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,

    /// Address of the API stage behind the page. Visitors reach it as /api under the URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_url: Option<String>,

    /// Accepted: the spec is valid. Synced: AWS matches the spec. Ready: visitors can use the gallery. Reconciling: work is under
    /// way, and what it waits for. Stalled: a person must act, and how.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "conditions")]
    pub conditions: Vec<Condition>,

    /// The Lambda functions and the code they run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub functions: Vec<FunctionStatus>,

    /// By resource, a digest of what the operator wanted of it when it last matched. While that is the same, a difference in AWS
    /// is somebody else's doing (drift) and no update.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub last_matched: BTreeMap<String, String>,

    /// Every AWS resource of the gallery.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 200))]
    pub resources: Vec<ResourceStatus>,
}

/// One Lambda function.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Eq, Default)]
#[serde(rename_all = "camelCase")]
pub struct FunctionStatus {
    /// Which function: upload, list, delete or thumbnail.
    pub name: String,

    /// Architecture it runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,

    /// SHA-256 of the code it runs, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_sha256: Option<String>,

    /// Lambda's state of it: Pending, Active, Inactive or Failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

/// One AWS resource.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Eq, Default)]
#[serde(rename_all = "camelCase")]
pub struct ResourceStatus {
    /// Kind of resource, such as Bucket, Table, Role or Distribution.
    pub kind: String,

    /// Its part in the gallery, such as photos, thumbnails or upload. Empty where a gallery has one of the kind.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub role: String,

    /// Its name or identifier in AWS.
    pub name: String,

    /// Its Amazon Resource Name, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,

    /// Ready, or what it is going through: Creating, Updating, Deleting, Missing.
    #[serde(default)]
    pub state: String,
}

fn date_time(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "format": "date-time", "nullable": true})
}

/// `metav1.Condition`, by hand: k8s-openapi has a schema for it only with a feature that the rest of the workspace does not need.
fn conditions(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": 16,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        "items": {
            "type": "object",
            "description": "One aspect of the gallery's state.",
            "required": ["type", "status", "lastTransitionTime", "reason", "message"],
            "properties": {
                "type": {
                    "type": "string",
                    "description": "Accepted, Synced, Ready, Reconciling or Stalled.",
                    "maxLength": 316,
                },
                "status": {"type": "string", "description": "True, False or Unknown.", "enum": ["True", "False", "Unknown"]},
                "reason": {
                    "type": "string",
                    "description": "Why, in one word for programs.",
                    "minLength": 1,
                    "maxLength": 1024,
                },
                "message": {"type": "string", "description": "Why, in a sentence for people.", "maxLength": 32768},
                "lastTransitionTime": {
                    "type": "string",
                    "format": "date-time",
                    "description": "When the status last changed.",
                },
                "observedGeneration": {
                    "type": "integer",
                    "format": "int64",
                    "minimum": 0,
                    "description": "Generation of the spec that this condition is about.",
                },
            },
        },
    })
}

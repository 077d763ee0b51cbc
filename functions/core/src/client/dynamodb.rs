//! DynamoDB's calls: JSON in, JSON out.

use std::collections::HashMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Call, CallError, Client, Reason};
use crate::s3_address::BucketAddress;

/// A row, or a key, or values of an expression: attributes by name.
pub type Item = HashMap<String, Attribute>;

/// A value. Of all the types that DynamoDB has, our rows have text and numbers; others are read as neither.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    #[serde(rename = "S", default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(rename = "N", default, skip_serializing_if = "Option::is_none")]
    number: Option<String>,
}

impl Attribute {
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), number: None }
    }

    pub fn number(number: &impl ToString) -> Self {
        Self { text: None, number: Some(number.to_string()) }
    }

    pub fn as_text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// A number as its digits.
    pub fn as_number(&self) -> Option<&str> {
        self.number.as_deref()
    }
}

impl Client {
    /// One call to DynamoDB, by the operation's name: its input and output as in AWS's documentation.
    pub async fn dynamodb<Output: DeserializeOwned>(
        &self,
        operation: &'static str,
        input: &impl Serialize,
    ) -> Result<Output, CallError> {
        let failed = |reason| CallError { operation, reason };
        let body = serde_json::to_vec(input).map_err(|error| failed(Reason::Unsendable(error.into())))?;
        let answer = self
            .call(&Call {
                operation,
                service: "dynamodb",
                method: http::Method::POST,
                address: self.table_address(),
                query: "",
                headers: vec![
                    ("content-type", "application/x-amz-json-1.0".into()),
                    ("x-amz-target", format!("DynamoDB_20120810.{operation}")),
                ],
                body: body.into(),
            })
            .await?;
        // The rows themselves must not reach the log: only where reading stopped.
        serde_json::from_slice(&answer.body).map_err(|error| {
            let place = format!("{:?} in column {}", error.classify(), error.column());
            failed(Reason::Unreadable(place))
        })
    }

    fn table_address(&self) -> BucketAddress {
        let place = &self.0.place;
        if let Some(endpoint) = &place.endpoint {
            return BucketAddress::at(endpoint, "/");
        }
        let host = format!("dynamodb.{}.{}", place.region, crate::s3_address::suffix(&place.region));
        BucketAddress { scheme: "https".into(), host, path: "/".into() }
    }
}

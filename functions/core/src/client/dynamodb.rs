//! DynamoDB's calls: JSON in, JSON out.

use std::collections::HashMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Call, CallError, Client, Reason};
use crate::s3_address::BucketAddress;

/// A row, or a key, or values of an expression: attributes by name.
pub type Item = HashMap<String, Attribute>;

/// A value. Of all the types that DynamoDB has, our rows have text, numbers and sets of numbers; others are read as none of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    #[serde(rename = "S", default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(rename = "N", default, skip_serializing_if = "Option::is_none")]
    number: Option<String>,
    #[serde(rename = "NS", default, skip_serializing_if = "Option::is_none")]
    numbers: Option<Vec<String>>,
}

impl Attribute {
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), ..Self::default() }
    }

    pub fn number(number: &impl ToString) -> Self {
        Self { number: Some(number.to_string()), ..Self::default() }
    }

    /// A set of numbers. DynamoDB takes none that is empty or holds a number twice.
    pub fn numbers(numbers: impl IntoIterator<Item = impl ToString>) -> Self {
        let numbers = numbers.into_iter().map(|number| number.to_string()).collect();
        Self { numbers: Some(numbers), ..Self::default() }
    }

    pub fn as_text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// A number as its digits.
    pub fn as_number(&self) -> Option<&str> {
        self.number.as_deref()
    }

    /// A set of numbers as their digits, in no order that may be relied on.
    pub fn as_numbers(&self) -> Option<&[String]> {
        self.numbers.as_deref()
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
                query: String::new(),
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn values_are_written_and_read_as_dynamodb_spells_them() {
        let values = [
            (Attribute::text("a"), json!({"S": "a"})),
            (Attribute::number(&2.8), json!({"N": "2.8"})),
            (Attribute::numbers([1024, 2048]), json!({"NS": ["1024", "2048"]})),
        ];
        for (attribute, spelled) in values {
            assert_eq!(serde_json::to_value(&attribute).unwrap(), spelled);
            assert_eq!(serde_json::from_value::<Attribute>(spelled).unwrap(), attribute);
        }
    }

    #[test]
    fn a_value_of_another_type_is_none_of_ours() {
        let read = |value: Value| serde_json::from_value::<Attribute>(value).unwrap();
        assert_eq!(read(json!({"BOOL": true})), Attribute::default());
        let set = read(json!({"NS": ["1"]}));
        assert_eq!(
            (set.as_text(), set.as_number(), set.as_numbers()),
            (None, None, Some(&["1".to_owned()][..]))
        );
    }
}

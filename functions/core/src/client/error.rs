//! Why a call failed, and whether another attempt may mend it.

use std::time::Duration;

use serde::Deserialize as _;
use serde_json::Value;

use super::Answer;
use super::dynamodb::Item;
use super::transport::TransportError;

/// Codes with which AWS asks for patience and not for another request.
const PASSING: &[&str] = &[
    "ConditionalRequestConflict",
    "InternalError",
    "InternalServerError",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestTimeout",
    "ServiceUnavailable",
    "SlowDown",
    "ThrottlingException",
    "TransactionInProgressException",
];

/// A call failed.
#[derive(Debug, thiserror::Error)]
#[error("failed to call {operation}")]
pub struct CallError {
    /// As in AWS's documentation.
    pub operation: &'static str,
    #[source]
    pub reason: Reason,
}

/// What kept it from succeeding.
#[derive(Debug, thiserror::Error)]
pub enum Reason {
    /// `row` is what a failed condition was tried on, if the call asked for that.
    #[error("AWS refused it with {status} {code}: {message}")]
    Refused { status: u16, code: String, message: String, row: Option<Box<Item>> },
    #[error("there was no answer in {0:?}")]
    TimedOut(Duration),
    #[error(transparent)]
    Transport(#[from] TransportError),
    #[error("the answer cannot be read: {0}")]
    Unreadable(String),
    #[error("the request is not one of HTTP")]
    Unsendable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl CallError {
    /// AWS's code of the refusal, if it is one.
    pub fn code(&self) -> Option<&str> {
        match &self.reason {
            Reason::Refused { code, .. } => Some(code),
            Reason::TimedOut(_) | Reason::Transport(_) | Reason::Unreadable(_) | Reason::Unsendable(_) => {
                None
            }
        }
    }

    /// The row that a failed condition was tried on, if DynamoDB was asked for it.
    pub fn row(&self) -> Option<&Item> {
        match &self.reason {
            Reason::Refused { row, .. } => row.as_deref(),
            Reason::TimedOut(_) | Reason::Transport(_) | Reason::Unreadable(_) | Reason::Unsendable(_) => {
                None
            }
        }
    }

    /// Whether the same call may succeed a moment later.
    pub(super) fn is_passing(&self) -> bool {
        match &self.reason {
            Reason::Refused { status, code, .. } => {
                *status >= 500 || *status == 429 || PASSING.contains(&code.as_str())
            }
            Reason::TimedOut(_) | Reason::Transport(_) => true,
            Reason::Unreadable(_) | Reason::Unsendable(_) => false,
        }
    }
}

/// An answer other than a success, in whichever of the two ways AWS writes it.
pub(super) fn refusal(answer: &Answer) -> Reason {
    let text = String::from_utf8_lossy(&answer.body);
    let mut row = None;
    let (code, message) = match serde_json::from_slice::<Value>(&answer.body) {
        Ok(json) => {
            row = Item::deserialize(&json["Item"]).ok().map(Box::new);
            let field = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
            let kind = field("__type");
            let message = Some(field("message")).filter(|message| !message.is_empty());
            (
                kind.rsplit('#').next().unwrap_or_default().to_owned(),
                message.unwrap_or_else(|| field("Message")),
            )
        }
        Err(_) => (element(&text, "Code").unwrap_or_default(), element(&text, "Message").unwrap_or_default()),
    };
    Reason::Refused { status: answer.status, code, message, row }
}

/// The text of the first element of this name in what S3 writes. Its errors hold no other markup, and nothing is decided by the
/// texts but what a code says.
pub(super) fn element(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, body: &str) -> CallError {
        let answer = Answer { status, body: body.to_owned().into() };
        CallError { operation: "Query", reason: refusal(&answer) }
    }

    #[test]
    fn refusals_are_read_as_dynamodb_and_s3_write_them() {
        let dynamodb = refused(
            400,
            r#"{"__type":"com.amazonaws.dynamodb.v20120810#ValidationException","message":"No."}"#,
        );
        assert_eq!(dynamodb.code(), Some("ValidationException"));
        assert_eq!(dynamodb.reason.to_string(), "AWS refused it with 400 ValidationException: No.");
        let coral = refused(
            400,
            r#"{"__type":"com.amazon.coral.service#UnrecognizedClientException","Message":"Who?"}"#,
        );
        assert_eq!(coral.reason.to_string(), "AWS refused it with 400 UnrecognizedClientException: Who?");
        let s3 = refused(
            403,
            "<?xml version=\"1.0\"?>\n<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>",
        );
        assert_eq!(s3.reason.to_string(), "AWS refused it with 403 AccessDenied: Access Denied");
        for odd in ["", "null", "[]", "<html>", "<Code>", "{\"__type\": 7}"] {
            assert_eq!(refused(502, odd).reason.to_string(), "AWS refused it with 502 : ");
        }
    }

    #[test]
    fn the_row_that_a_condition_failed_on_is_read() {
        let failed = refused(
            400,
            r#"{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
                "Item":{"status":{"S":"deleted"}},"message":"The conditional request failed"}"#,
        );
        assert_eq!(failed.row().unwrap()["status"].as_text(), Some("deleted"));
        assert!(!failed.reason.to_string().contains("deleted"), "rows do not reach the log");
        for none in [r#"{"__type":"x#ConditionalCheckFailedException"}"#, r#"{"Item":7}"#, "<Item>"] {
            assert_eq!(refused(400, none).row(), None);
        }
    }

    #[test]
    fn what_passes_is_told_from_what_stays() {
        for (status, code, passes) in [
            (400, "ThrottlingException", true),
            (400, "ProvisionedThroughputExceededException", true),
            (400, "ValidationException", false),
            (400, "ConditionalCheckFailedException", false),
            (403, "AccessDenied", false),
            (404, "NoSuchKey", false),
            (409, "ConditionalRequestConflict", true),
            (412, "PreconditionFailed", false),
            (429, "", true),
            (500, "", true),
            (503, "SlowDown", true),
        ] {
            let error = refused(status, &format!("<Error><Code>{code}</Code></Error>"));
            assert_eq!(error.is_passing(), passes, "{status} {code}");
        }
        let late = CallError { operation: "Query", reason: Reason::TimedOut(Duration::from_secs(1)) };
        assert!(late.is_passing() && late.code().is_none());
    }
}

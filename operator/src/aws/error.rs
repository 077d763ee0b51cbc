//! From AWS's answers to [`ErrorKind`]: the one table.
//!
//! Most throttles and all of DynamoDB's errors come as HTTP 400, and some codes mean two things, so code and message decide
//! and the HTTP status only when there is no code. Wording varies between services and emulators: match on stable parts.

use std::error::Error;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::cloud::{CloudError, ErrorKind, Message};

/// Turns an SDK error of `service`'s `operation` into ours. For `map_err`.
pub(super) fn failed<E>(
    service: &'static str,
    operation: &'static str,
) -> impl FnOnce(SdkError<E, HttpResponse>) -> CloudError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    move |error| {
        let (code, message) =
            (error.code().unwrap_or_default().to_owned(), error.message().map(str::to_owned));
        let status = error.raw_response().map(|response| response.status().as_u16());
        let message = message.unwrap_or_else(|| match status {
            // All that there is to say; the SDK's own words are about its types.
            Some(status @ 300..) => format!("HTTP {status}, without a reason"),
            _ => chain(&error),
        });
        let kind = classify(status, &code, &message);
        CloudError { service, operation, kind, code, source: Message(message) }
    }
}

/// `None` when AWS says with one of `codes` that there is no such thing.
pub(super) fn found<T, E>(
    result: Result<T, SdkError<E, HttpResponse>>,
    codes: &[&str],
    failed: impl FnOnce(SdkError<E, HttpResponse>) -> CloudError,
) -> Result<Option<T>, CloudError>
where
    E: ProvideErrorMetadata,
{
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.code().is_some_and(|code| codes.contains(&code)) => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

/// A request that cannot even be put together, for example for a missing required field. A bug of ours, said as an error.
pub(super) fn invalid_request(
    service: &'static str,
    operation: &'static str,
) -> impl FnOnce(aws_smithy_types::error::operation::BuildError) -> CloudError {
    move |error| CloudError {
        service,
        operation,
        kind: ErrorKind::Rejected,
        code: String::new(),
        source: Message(chain(&error)),
    }
}

/// What should be uploaded cannot be read.
pub(super) fn unreadable(
    service: &'static str,
    operation: &'static str,
) -> impl FnOnce(std::io::Error) -> CloudError {
    move |error| CloudError {
        service,
        operation,
        kind: ErrorKind::Rejected,
        code: String::new(),
        source: Message(error.to_string()),
    }
}

/// An error and everything behind it in one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

/// The table. `status` is the HTTP status, `None` when there was no answer.
pub(crate) fn classify(status: Option<u16>, code: &str, message: &str) -> ErrorKind {
    let Some(status) = status else { return ErrorKind::Unavailable };
    // Some codes end in "Exception" in one protocol and not in another.
    let code = code.strip_suffix("Exception").unwrap_or(code);
    let says = |parts: &[&str]| parts.iter().any(|part| message.contains(part));
    match code {
        "BucketAlreadyExists" => ErrorKind::NotOurs,
        // The SDK fetches new credentials for the next call.
        "ExpiredToken" | "RequestExpired" => ErrorKind::Unavailable,

        // Before the general rules: the same code means "for good" elsewhere.
        "InvalidParameterValue" if says(PROPAGATING) => ErrorKind::NotReady,
        "InvalidParameterValue" if says(&["UnreservedConcurrentExecution"]) => ErrorKind::LimitExceeded,
        "InvalidArgument" if says(&["Unable to validate the following destination"]) => ErrorKind::NotReady,
        "MalformedPolicy" | "MalformedPolicyDocument" if says(&["Invalid principal"]) => ErrorKind::NotReady,
        "BadRequest" if says(&["No integration defined", "doesn't contain any methods", "Active stages"]) => {
            ErrorKind::NotReady
        }
        // The permissions boundary is somebody else's to make.
        "NoSuchEntity" if says(&["Scope ARN", "not attachable"]) => ErrorKind::Rejected,
        // Lambda may not read the code in the operator's name.
        "InvalidParameterValue" if says(&["S3 Error Code: AccessDenied"]) => ErrorKind::AccessDenied,
        "Validation" if says(&["modified multiple times"]) => ErrorKind::NotReady,
        "LimitExceeded" if says(&["being updated", "simultaneously"]) => ErrorKind::NotReady,

        // Not yet, or somebody else is at it; also what a lost answer left behind: looking again helps.
        "OperationAborted"
        | "ResourceConflict"
        | "Conflict"
        | "PreconditionFailed"
        | "InvalidIfMatchVersion"
        | "ResourceInUse"
        | "ConcurrentModification"
        | "DeleteConflict"
        | "BucketNotEmpty"
        | "DistributionNotDisabled"
        | "ContinuousBackupsUnavailable"
        | "EntityAlreadyExists"
        | "ResourceAlreadyExists"
        | "BucketAlreadyOwnedByYou"
        | "DistributionAlreadyExists"
        | "OriginAccessControlAlreadyExists"
        | "ResponseHeadersPolicyAlreadyExists"
        | "OriginAccessControlInUse"
        | "ResponseHeadersPolicyInUse"
        | "TooManyInvalidationsInProgress"
        | "TableInUse" => ErrorKind::NotReady,
        // We only write to what we saw or made: AWS has not heard of it everywhere yet, or it just went.
        "ResourceNotFound" | "NotFound" | "TableNotFound" => ErrorKind::NotReady,
        _ if code.starts_with("NoSuch") => ErrorKind::NotReady,
        // What a new distribution refers to was made a moment ago.
        "InvalidOrigin" | "InvalidOriginAccessControl" | "ResourceNotReady" => ErrorKind::NotReady,

        "Throttling"
        | "Throttled"
        | "TooManyRequests"
        | "RequestLimitExceeded"
        | "RequestThrottled"
        | "BandwidthLimitExceeded"
        | "SlowDown"
        | "PriorRequestNotComplete"
        | "EC2Throttled"
        | "TransactionInProgress"
        | "ProvisionedThroughputExceeded" => ErrorKind::Throttled,
        _ if says(&["Rate exceeded"]) => ErrorKind::Throttled,

        "AccessDenied"
        | "UnauthorizedOperation"
        | "Forbidden"
        | "AllAccessDisabled"
        | "InvalidClientTokenId"
        | "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "UnrecognizedClient"
        | "AuthFailure"
        | "NotAuthorized" => ErrorKind::AccessDenied,

        "LimitExceeded" | "CodeStorageExceeded" | "ServiceQuotaExceeded" => ErrorKind::LimitExceeded,
        _ if code.starts_with("TooMany") => ErrorKind::LimitExceeded,

        // AWS says a code with every error but those to HEAD, which we never send: this is not about our request.
        "" if !matches!(status, 403 | 404 | 429) => ErrorKind::Unavailable,
        "InternalError"
        | "InternalFailure"
        | "InternalServerError"
        | "ServiceUnavailable"
        | "ServiceFailure"
        | "RequestTimeout"
        | "Service" => ErrorKind::Unavailable,

        _ => match status {
            429 => ErrorKind::Throttled,
            500.. => ErrorKind::Unavailable,
            // Answers to HEAD have no body, hence no code.
            403 => ErrorKind::AccessDenied,
            404 => ErrorKind::NotReady,
            200..=299 => ErrorKind::Unavailable,
            // Whatever it is, AWS says itself that it passes.
            _ if says(PASSING) => ErrorKind::NotReady,
            _ => ErrorKind::Rejected,
        },
    }
}

/// A role that IAM made seconds ago is not known to Lambda yet, nor a bucket or an object that S3 made.
const PROPAGATING: &[&str] = &[
    "cannot be assumed",
    "execution role does not have permissions",
    "KMS key is invalid for CreateGrant",
    "S3 Error Code: NoSuchKey",
    "S3 Error Code: NoSuchBucket",
    "throttled by EC2",
];

const PASSING: &[&str] = &["try again", "Try again", "retry later", "in progress"];

#[cfg(test)]
mod tests {
    use ErrorKind::{AccessDenied, LimitExceeded, NotOurs, NotReady, Rejected, Throttled, Unavailable};

    use super::*;

    /// Status, code, message, and what it means.
    const ANSWERS: &[(Option<u16>, &str, &str, ErrorKind)] = &[
        (None, "", "connection reset", Unavailable),
        (Some(500), "", "", Unavailable),
        (Some(503), "SlowDown", "Please reduce your request rate.", Throttled),
        (Some(400), "Throttling", "Rate exceeded", Throttled),
        (Some(429), "TooManyRequestsException", "Too Many Requests", Throttled),
        (Some(409), "BucketAlreadyExists", "The requested bucket name is not available.", NotOurs),
        (Some(409), "OperationAborted", "A conflicting conditional operation is in progress", NotReady),
        (
            Some(400),
            "InvalidParameterValueException",
            "The role defined for the function cannot be assumed by Lambda.",
            NotReady,
        ),
        (Some(400), "InvalidParameterValueException", "Timeout is too long", Rejected),
        (
            Some(400),
            "InvalidParameterValueException",
            "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution",
            LimitExceeded,
        ),
        (
            Some(400),
            "InvalidArgument",
            "Unable to validate the following destination configurations",
            NotReady,
        ),
        (Some(400), "InvalidArgument", "Something else", Rejected),
        (
            Some(403),
            "AccessDeniedException",
            "User: x is not authorized to perform: iam:PassRole",
            AccessDenied,
        ),
        (Some(403), "", "", AccessDenied),
        (Some(404), "", "", NotReady),
        // Not AWS's own words.
        (Some(400), "", "<html>Bad Request</html>", Unavailable),
        (Some(408), "", "", Unavailable),
        (Some(200), "", "<html>Please log in</html>", Unavailable),
        (Some(403), "ExpiredToken", "The security token included in the request is expired", Unavailable),
        (
            Some(400),
            "ExpiredTokenException",
            "The security token included in the request is expired",
            Unavailable,
        ),
        (
            Some(404),
            "NoSuchOriginAccessControl",
            "The specified origin access control does not exist.",
            NotReady,
        ),
        (
            Some(400),
            "IllegalUpdate",
            "Only one viewer certificate change may be in progress at a time.",
            NotReady,
        ),
        (Some(400), "Strange", "Something conflicts. Please try again later.", NotReady),
        (Some(400), "Strange", "No", Rejected),
        (
            Some(400),
            "InvalidParameterValueException",
            "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: x",
            NotReady,
        ),
        (
            Some(400),
            "InvalidParameterValueException",
            "Error occurred while GetObject. S3 Error Code: PermanentRedirect. S3 Error Message: x",
            Rejected,
        ),
        (
            Some(400),
            "InvalidParameterValueException",
            "The provided execution role does not have permissions to call CreateNetworkInterface on EC2",
            NotReady,
        ),
        (
            Some(400),
            "InvalidParameterValueException",
            "Lambda was unable to configure access to your environment variables because the KMS key is invalid for CreateGrant.",
            NotReady,
        ),
        (Some(409), "ResourceConflictException", "Function already exist: f", NotReady),
        (Some(409), "EntityAlreadyExists", "Role with name r already exists.", NotReady),
        (
            Some(409),
            "BucketAlreadyOwnedByYou",
            "Your previous request succeeded and you already own it.",
            NotReady,
        ),
        (Some(412), "PreconditionFailedException", "The Revision Id provided does not match", NotReady),
        (
            Some(412),
            "PreconditionFailed",
            "The request failed because it didn't meet the preconditions",
            NotReady,
        ),
        (Some(400), "InvalidIfMatchVersion", "The If-Match version is missing", NotReady),
        (Some(409), "DistributionNotDisabled", "The distribution has not been disabled.", NotReady),
        (Some(409), "DistributionAlreadyExists", "Already exists: E1", NotReady),
        (Some(409), "DeleteConflict", "Cannot delete entity, must delete policies first.", NotReady),
        (Some(409), "ConcurrentModification", "The request was rejected because multiple requests", NotReady),
        (Some(409), "ConflictException", "Stage already exists", NotReady),
        (Some(400), "BadRequestException", "No integration defined for method", NotReady),
        (
            Some(400),
            "BadRequestException",
            "Active stages pointing to this deployment must be moved",
            NotReady,
        ),
        (Some(400), "ResourceInUseException", "Table already exists: t", NotReady),
        (
            Some(400),
            "ResourceNotFoundException",
            "Requested resource not found: Table: t not found",
            NotReady,
        ),
        (Some(400), "ContinuousBackupsUnavailableException", "Backups are being enabled", NotReady),
        (Some(400), "ValidationException", "Time to live has been modified multiple times", NotReady),
        (
            Some(400),
            "LimitExceededException",
            "Subscriber limit exceeded: Only 500 tables can be created, updated, or deleted simultaneously",
            NotReady,
        ),
        (Some(400), "ResourceAlreadyExistsException", "The specified log group already exists", NotReady),
        (Some(400), "OperationAbortedException", "A conflicting operation is in progress", NotReady),
        (Some(400), "ThrottlingException", "Rate exceeded", Throttled),
        (Some(400), "LimitExceededException", "Table tags are being updated", NotReady),
        (Some(400), "LimitExceededException", "There is a limit of 2500 tables", LimitExceeded),
        (
            Some(400),
            "TooManyBuckets",
            "You have attempted to create more buckets than allowed",
            LimitExceeded,
        ),
        (Some(400), "ValidationException", "1 validation error detected", Rejected),
        (Some(400), "MalformedPolicy", "Invalid principal in policy", NotReady),
        (Some(400), "MalformedPolicy", "Policies must be valid JSON", Rejected),
        (
            Some(404),
            "NoSuchEntity",
            "Scope ARN: arn:aws:iam::1:policy/x does not exist or is not attachable.",
            Rejected,
        ),
        (
            Some(400),
            "InvalidParameterValueException",
            "Error occurred while GetObject. S3 Error Code: AccessDenied. S3 Error Message: Access Denied",
            AccessDenied,
        ),
    ];

    #[test]
    fn real_answers_are_told_apart() {
        for (status, code, message, kind) in ANSWERS {
            assert_eq!(classify(*status, code, message), *kind, "{status:?} {code} {message}");
        }
    }
}

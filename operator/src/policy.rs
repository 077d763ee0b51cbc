//! What each kind of error means: condition, event, requeue. The one table.

mod denial;

use std::time::Duration;

use photogallery_crds::Reason;

use crate::cloud::{CloudError, ErrorKind};
use crate::reconcile::Failure;
use denial::{Cause, Denial};

/// How to answer an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Reason of `Synced`.
    pub reason: Reason,
    /// Status of `Synced`: `false` is `False`, `true` is `Unknown`, because nothing is known.
    pub unknown: bool,
    /// A person has to act: `Stalled=True`.
    pub stalled: bool,
    /// How soon to try again.
    pub retry: Retry,
}

/// When to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// After a fixed time.
    After(Duration),
    /// After a fixed time, and later and later when that was in vain.
    AtLeast(Duration),
    /// After a time that doubles with each failure in a row.
    Backoff,
}

/// Failures in a row after which an outage of AWS is worth an event.
pub const OUTAGE_EVENT_AFTER: u32 = 5;

/// The answer to a kind of error.
pub const fn answer(kind: ErrorKind) -> Answer {
    match kind {
        ErrorKind::NotOurs => stalled(Reason::ResourceConflict, 600),
        // Permissions are granted by people who are at it right now, and are seen within a minute.
        ErrorKind::AccessDenied => stalled(Reason::AccessDenied, 45),
        ErrorKind::Rejected => stalled(Reason::Rejected, 600),
        ErrorKind::LimitExceeded => stalled(Reason::LimitExceeded, 600),
        ErrorKind::NotReady => {
            // Mostly seconds; up to an hour for the name of a bucket that was deleted.
            let retry = Retry::AtLeast(Duration::from_secs(15));
            Answer { reason: Reason::Waiting, unknown: false, stalled: false, retry }
        }
        ErrorKind::Queued { seconds } => {
            let retry = Retry::After(Duration::from_secs(seconds as u64));
            Answer { reason: Reason::Waiting, unknown: false, stalled: false, retry }
        }
        ErrorKind::Throttled => outage(Reason::Throttled),
        ErrorKind::Unavailable => outage(Reason::Unavailable),
    }
}

const fn stalled(reason: Reason, seconds: u64) -> Answer {
    Answer { reason, unknown: false, stalled: true, retry: Retry::After(Duration::from_secs(seconds)) }
}

const fn outage(reason: Reason) -> Answer {
    Answer { reason, unknown: true, stalled: false, retry: Retry::Backoff }
}

/// The failure that a person most needs to know of: what stalls before what passes.
pub fn worst(failures: &[Failure]) -> Option<&Failure> {
    failures.iter().min_by_key(|failure| rank(failure.error.kind))
}

const fn rank(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::NotOurs => 0,
        ErrorKind::AccessDenied => 1,
        ErrorKind::LimitExceeded => 2,
        ErrorKind::Rejected => 3,
        ErrorKind::Throttled => 4,
        ErrorKind::Unavailable => 5,
        ErrorKind::NotReady => 6,
        ErrorKind::Queued { .. } => 7,
    }
}

/// What to tell a person about a failure, and what they can do.
pub fn advice(failure: &Failure) -> String {
    let Failure { resource, arn: _, error } = failure;
    let CloudError { service, operation, kind, code: _, source } = error;
    match kind {
        ErrorKind::AccessDenied if is_told_otherwise(&source.0) => {
            format!(
                "AWS refuses {operation} for {resource}: {source} I will go on by myself once that is settled."
            )
        }
        ErrorKind::AccessDenied => missing_permission(failure),
        ErrorKind::NotOurs => format!(
            "The name of {resource} is taken by somebody else's resource, which is left alone. \
             Choose another name for the gallery, or remove that resource."
        ),
        ErrorKind::LimitExceeded => {
            format!(
                "A quota of the AWS account is used up, for {resource}: {source} Ask AWS to raise it, or make room."
            )
        }
        ErrorKind::Rejected => format!("AWS refuses {operation} for {resource}: {source}"),
        ErrorKind::NotReady => format!("AWS is not ready for {resource} yet: {source}"),
        ErrorKind::Queued { .. } => {
            format!("{source}: AWS allows an account few of these, and other galleries came first.")
        }
        ErrorKind::Throttled => {
            format!("AWS limits our calls ({service}:{operation}); trying again, more slowly.")
        }
        ErrorKind::Unavailable => {
            format!("No useful answer from AWS to {service}:{operation}: {source}; trying again.")
        }
    }
}

/// A refusal that is no missing permission, such as of an account that AWS has to verify first: it tells so in a sentence.
fn is_told_otherwise(message: &str) -> bool {
    denial::read(message).is_none() && message.contains(". ")
}

/// A missing permission: which action on what, and where to add it.
fn missing_permission(Failure { resource, arn, error }: &Failure) -> String {
    let (service, operation) = (error.service, error.operation);
    let denied = denial::read(&error.source.0).unwrap_or_else(|| denial::of_call(service, operation, arn));
    let Denial { action, on, cause } = denied;
    let on = on.unwrap_or_else(|| denial::resource_of_call(service, operation, arn));
    let missing = format!("Missing permission {action} on {on}, for {resource}");
    match cause {
        Cause::NotAllowed => format!("{missing}. Add it to the operator's role; I will go on by myself."),
        Cause::NotAllowedBy(policy) => {
            format!("{missing}: no {policy} allows it. Allow it there; I will go on by myself.")
        }
        Cause::DeniedBy(policy) => {
            format!("{missing}: there is an explicit deny in {policy}. Change that; I will go on by myself.")
        }
        Cause::Other(why) => {
            format!("{missing}: {why}. I will go on by myself once that is settled.")
        }
    }
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator;

    use super::*;
    use crate::cloud::Message;
    use crate::graph::ResourceId;

    fn failure(kind: ErrorKind, message: &str) -> Failure {
        let source = Message(message.into());
        let error = CloudError { service: "iam", operation: "CreateRole", kind, code: String::new(), source };
        Failure { resource: ResourceId::Table, arn: "arn:aws:dynamodb:eu-west-1:1:table/pg".into(), error }
    }

    #[test]
    fn the_table_reads_as_documented() {
        let lines = ErrorKind::iter().map(|kind| {
            let Answer { reason, unknown, stalled, retry } = answer(kind);
            let synced = if unknown { "Unknown" } else { "False" };
            format!("{kind:?}: Synced={synced}/{reason} Stalled={stalled} {retry:?}")
        });
        insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn a_missing_permission_is_named_with_its_resource() {
        let message = "User: arn:aws:iam::1:user/op is not authorized to perform: iam:PassRole on resource: \
                       arn:aws:iam::1:role/photogallery/x because no identity-based policy allows the iam:PassRole action";
        let advice = advice(&failure(ErrorKind::AccessDenied, message));
        assert!(
            advice.starts_with("Missing permission iam:PassRole on arn:aws:iam::1:role/photogallery/x"),
            "{advice}"
        );
    }

    #[test]
    fn a_denied_call_without_details_is_named_by_its_operation() {
        let advice = advice(&failure(ErrorKind::AccessDenied, "Forbidden"));
        let on = "arn:aws:dynamodb:eu-west-1:1:table/pg";
        let first = format!(
            "Missing permission iam:CreateRole, or what goes with it (iam:TagRole), on {on}, for table. Add"
        );
        assert!(advice.starts_with(&first), "{advice}");
    }

    #[test]
    fn where_another_policy_is_in_the_way_the_operator_s_role_is_not_blamed() {
        let text =
            "User: arn:aws:iam::1:user/op is not authorized to perform: iam:CreateRole on resource: arn:r";
        let told = |reason: &str| advice(&failure(ErrorKind::AccessDenied, &format!("{text} {reason}")));
        let denied = told("with an explicit deny in a service control policy");
        assert!(
            denied.contains("iam:CreateRole on arn:r, for table: there is an explicit deny in a service"),
            "{denied}"
        );
        let bounded = told("because no permissions boundary allows the iam:CreateRole action");
        assert!(bounded.contains("no permissions boundary allows it. Allow it there"), "{bounded}");
        for advice in [denied, bounded] {
            assert!(!advice.contains("operator's role"), "{advice}");
        }
    }

    #[test]
    fn a_refusal_that_is_no_missing_permission_is_told_in_aws_s_words() {
        let message = "Your account must be verified before you can add new CloudFront resources. To verify your account, \
                       please contact AWS Support (https://console.aws.amazon.com/support/home#/) and include this error message.";
        let advice = advice(&failure(ErrorKind::AccessDenied, message));
        assert!(advice.contains("must be verified") && advice.contains("support/home"), "{advice}");
        assert!(!advice.contains("Missing permission"), "{advice}");
    }

    #[test]
    fn what_a_person_must_mend_comes_before_what_passes() {
        let failures = ErrorKind::iter().rev().map(|kind| failure(kind, "")).collect::<Vec<_>>();
        let mut sorted: Vec<_> = failures.iter().map(|failure| failure.error.kind).collect();
        sorted.sort_by_key(|kind| rank(*kind));
        let first_passing = sorted.iter().position(|kind| !answer(*kind).stalled).unwrap();
        assert!(sorted[first_passing..].iter().all(|kind| !answer(*kind).stalled));
        assert_eq!(worst(&failures).unwrap().error.kind, ErrorKind::NotOurs);
    }
}

//! What IAM's refusals say: which action, on which resource, and which policy is to blame.
//!
//! Most services say all of it: "User: … is not authorized to perform: iam:PassRole on resource: arn:… because no
//! identity-based policy allows the iam:PassRole action". Some leave the resource out (`CloudFront`'s lists), IAM names a role
//! that is not there as "role x", S3 puts the ARN in quotes, Lambda tells of S3 in a sentence of its own, and S3 says no more
//! than "Access Denied" of what is in another account. What the text does not say, our own call does.

use crate::aws::needs::{self, Need, On};

/// A refusal, as far as its text goes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Denial {
    /// `iam:PassRole`.
    pub action: String,
    /// What it was not allowed on.
    pub on: Option<String>,
    /// Why.
    pub cause: Cause,
}

/// Which policy is to blame.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// None of the operator's own allows it.
    NotAllowed,
    /// One that limits the operator's does not allow it: a permissions boundary, a service control policy …
    NotAllowedBy(String),
    /// One denies it.
    DeniedBy(String),
    /// Another reason, in AWS's words.
    Other(String),
}

/// Reads AWS's words. `None`: they do not name the action.
pub(super) fn read(message: &str) -> Option<Denial> {
    of_s3_through_lambda(message).or_else(|| in_full(message))
}

/// From "… is not authorized to perform: action [on resource: resource] [because …|with an explicit deny in …]".
fn in_full(message: &str) -> Option<Denial> {
    let (_, rest) = message.split_once("not authorized to perform: ")?;
    let action = rest.split_whitespace().next()?.trim_end_matches(['.', ',']).to_owned();
    let ends = [" because ", " with an explicit deny in "];
    let end = ends.iter().filter_map(|end| rest.find(end)).min().unwrap_or(rest.len());
    let (request, reason) = rest.split_at(end);
    let on = request.split_once(" on resource: ").map(|(_, on)| on.trim().trim_matches('"').to_owned());
    Some(Denial { action, on, cause: cause(reason.trim()) })
}

fn cause(reason: &str) -> Cause {
    // Some texts go on with a link or a request id.
    let reason = reason.split_once(" (Service:").map_or(reason, |(reason, _)| reason).trim_end_matches('.');
    if let Some(policy) = reason.strip_prefix("with an explicit deny in ") {
        return Cause::DeniedBy(policy.to_owned());
    }
    let Some(because) = reason.strip_prefix("because ") else { return Cause::NotAllowed };
    match because.strip_prefix("no ").and_then(|rest| rest.split_once(" allows ")) {
        Some(("identity-based policy", _)) => Cause::NotAllowed,
        Some((policy, _)) => Cause::NotAllowedBy(policy.to_owned()),
        None => Cause::Other(because.to_owned()),
    }
}

/// From "Your access has been denied by S3, please make sure your request credentials have permission to GetObject for
/// bucket/key. S3 Error Code: AccessDenied. …", which Lambda says when the caller may not read the code.
fn of_s3_through_lambda(message: &str) -> Option<Denial> {
    let (_, rest) = message.split_once("credentials have permission to ")?;
    let (operation, rest) = rest.split_once(" for ")?;
    let object = rest.split_once(". ").map_or(rest, |(object, _)| object).trim_end_matches('.');
    let (action, on) = (format!("s3:{operation}"), Some(object.to_owned()));
    Some(Denial { action, on, cause: Cause::NotAllowed })
}

/// What our own call needs, for texts that say nothing of it. `arn`: what the call was for.
pub(super) fn of_call(service: &str, operation: &str, arn: &str) -> Denial {
    let needs = needs::of(service, operation);
    let mut actions: Vec<&str> = needs.iter().map(|Need(action, _)| *action).collect();
    actions.dedup();
    let action = match &*actions {
        [] => format!("{service}:{operation}"),
        [action] => (*action).to_owned(),
        [action, others @ ..] => format!("{action}, or what goes with it ({}),", others.join(", ")),
    };
    Denial { action, on: Some(resource(&needs, arn)), cause: Cause::NotAllowed }
}

/// What an action must be allowed on that the text does not name: what the call was for, if AWS knows that narrow a thing.
pub(super) fn resource_of_call(service: &str, operation: &str, arn: &str) -> String {
    resource(&needs::of(service, operation), arn)
}

fn resource(needs: &[Need], arn: &str) -> String {
    match needs.first() {
        Some(Need(_, On::Anything | On::NewDistribution)) => "*".into(),
        _ => arn.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denial(action: &str, on: Option<&str>, cause: Cause) -> Option<Denial> {
        Some(Denial { action: action.into(), on: on.map(str::to_owned), cause })
    }

    /// Texts of AWS's, and of the local AWS.
    #[test]
    fn every_service_s_words_are_understood() {
        let user = "User: arn:aws:sts::123456789012:assumed-role/operator/x is not authorized to perform:";
        let none = |action: &str| format!("because no identity-based policy allows the {action} action");
        for (action, on, shown) in [
            ("iam:PassRole", "arn:aws:iam::123456789012:role/photogallery/x", None),
            ("lambda:CreateFunction", "arn:aws:lambda:eu-west-1:123456789012:function:x", None),
            ("dynamodb:CreateTable", "arn:aws:dynamodb:eu-west-1:123456789012:table/x", None),
            ("apigateway:POST", "arn:aws:apigateway:eu-west-1::/restapis", None),
            ("cloudfront:UpdateDistribution", "arn:aws:cloudfront::123456789012:distribution/E1", None),
            (
                "logs:CreateLogGroup",
                "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/x:log-stream:",
                None,
            ),
            // IAM knows no path of a role that is not there.
            ("iam:GetRole", "role x", None),
            ("s3:PutBucketPolicy", "arn:aws:s3:::x", Some("\"arn:aws:s3:::x\"")),
        ] {
            let text = format!("{user} {action} on resource: {} {}", shown.unwrap_or(on), none(action));
            assert_eq!(read(&text), denial(action, Some(on), Cause::NotAllowed), "{text}");
        }
        let action = "cloudfront:ListDistributions";
        assert_eq!(
            read(&format!("{user} {action} {}", none(action))),
            denial(action, None, Cause::NotAllowed)
        );
        assert_eq!(read(&format!("{user} {action}")), denial(action, None, Cause::NotAllowed));
        assert_eq!(read("Access Denied"), None);
        assert_eq!(read("Forbidden"), None);
    }

    #[test]
    fn lambda_s_words_about_s3_are_understood() {
        let text = "Your access has been denied by S3, please make sure your request credentials have permission to GetObject \
                    for pg-artefacts-1/functions/0/list.zip. S3 Error Code: AccessDenied. S3 Error Message: Access Denied";
        let on = "pg-artefacts-1/functions/0/list.zip";
        assert_eq!(read(text), denial("s3:GetObject", Some(on), Cause::NotAllowed));
    }

    #[test]
    fn the_policy_to_blame_is_named() {
        let user =
            "User: arn:aws:iam::1:user/op is not authorized to perform: iam:CreateRole on resource: arn:r";
        let says = |reason: &str| read(&format!("{user} {reason}")).unwrap().cause;
        let by = |policy: &str| Cause::NotAllowedBy(policy.into());
        for policy in
            ["permissions boundary", "service control policy", "session policy", "VPC endpoint policy"]
        {
            assert_eq!(says(&format!("because no {policy} allows the iam:CreateRole action")), by(policy));
        }
        let scp = "a service control policy";
        assert_eq!(says(&format!("with an explicit deny in {scp}")), Cause::DeniedBy(scp.into()));
        let public =
            "public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access";
        assert_eq!(says(&format!("because {public}.")), Cause::Other(public.into()));
    }

    /// To see it fail: name the action after the call.
    #[test]
    fn our_own_call_says_what_the_text_does_not() {
        let bucket = "arn:aws:s3:::pg-photos-summer-photos-x";
        let said = of_call("s3", "PutBucketEncryption", bucket);
        assert_eq!(Some(said), denial("s3:PutEncryptionConfiguration", Some(bucket), Cause::NotAllowed));
        assert_eq!(of_call("cloudfront", "ListDistributions", "arn:d").on.as_deref(), Some("*"));
        let several = of_call("dynamodb", "CreateTable", "arn:t").action;
        assert_eq!(several, "dynamodb:CreateTable, or what goes with it (dynamodb:TagResource),");
        assert_eq!(of_call("lambda", "ListTags", "arn:f").action, "lambda:ListTags");
    }
}

//! What IAM asks of whoever makes our calls. Each kind's file says it of its own calls, in a table `NEEDS` beside them:
//! `crate::iam_policy` makes the operator's policy of all tables, `crate::policy` names what is missing when AWS refuses.
//!
//! Source: AWS's Service Authorization Reference. Actions are not always named like calls (`PutBucketEncryption` asks for
//! `s3:PutEncryptionConfiguration`, API Gateway for HTTP verbs), and some calls ask for more than one: whoever makes something
//! with tags must be allowed to tag it, whoever makes a function to pass its role and to read its code.

/// A call, and what IAM asks of who makes it; the action that is named like the call first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallNeeds {
    /// Service, as IAM names it.
    pub service: &'static str,
    /// AWS's name of the operation.
    pub operation: &'static str,
    /// All of these.
    pub needs: &'static [Need],
}

/// An action, and what it must be allowed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Need(pub &'static str, pub On);

/// What an action must be allowed on. `crate::iam_policy` knows the ARNs and conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, strum::EnumIter)]
pub enum On {
    /// AWS knows nothing narrower for these actions.
    Anything,
    /// A bucket with our prefix that may not be there yet, so that it is nobody's.
    NewBucket,
    /// A bucket with our prefix in our account.
    Bucket,
    /// What is in such a bucket.
    Object,
    /// A file of a site.
    SiteObject,
    /// A function's zip.
    Zip,
    /// A table with our prefix.
    Table,
    /// A log group of a function with our prefix.
    LogGroup,
    /// A function with our prefix.
    Function,
    /// Such a function, for the services that invoke functions here and nobody else.
    InvokedFunction,
    /// A role with our prefix below our path.
    Role,
    /// Such a role, within the permissions boundary where there is one.
    RoleInBounds,
    /// A role that is not there. It has no path: asking for it must be answered with "none".
    MissingRole,
    /// Such a role, given to Lambda.
    PassedRole,
    /// The list of all REST APIs.
    RestApis,
    /// A REST API to be, with an owner's tag.
    NewRestApi,
    /// A REST API with an owner's tag, and what is in it. AWS assigns its id, so there is no name to go by.
    RestApi,
    /// The tags of REST APIs and of their stages.
    RestApiTags,
    /// A distribution to be, with an owner's tag.
    NewDistribution,
    /// Any distribution: whose it is only its tags tell.
    Distribution,
    /// A distribution with an owner's tag. AWS assigns its id, so there is no name to go by.
    OwnDistribution,
    /// Any origin access control: these have assigned ids and no tags.
    OriginAccessControl,
    /// Any response headers policy: these have assigned ids and no tags.
    ResponseHeadersPolicy,
    /// What Service Quotas says of a quota of `CloudFront`'s.
    ServiceQuota,
    /// Who the operator is in AWS.
    Principal,
}

/// A row of a table.
pub(super) const fn call(
    service: &'static str,
    operation: &'static str,
    needs: &'static [Need],
) -> CallNeeds {
    CallNeeds { service, operation, needs }
}

/// All tables, by the file that they stand in; but [`optional`].
pub const TABLES: &[(&str, &[CallNeeds])] = &[
    ("artefacts", super::artefacts::NEEDS),
    ("bucket", super::bucket::NEEDS),
    ("bucket_policy", super::bucket_policy::NEEDS),
    ("deployment", super::deployment::NEEDS),
    ("distribution", super::distribution::NEEDS),
    ("function", super::function::NEEDS),
    ("invalidation", super::invalidation::NEEDS),
    ("log_group", super::log_group::NEEDS),
    ("notification", super::notification::NEEDS),
    ("objects", super::objects::NEEDS),
    ("origin_access_control", super::origin_access_control::NEEDS),
    ("permission", super::permission::NEEDS),
    ("response_headers_policy", super::response_headers_policy::NEEDS),
    ("rest_api", super::rest_api::NEEDS),
    ("role", super::role::NEEDS),
    ("site", super::site::NEEDS),
    ("stage", super::stage::NEEDS),
    ("table", super::table::NEEDS),
    ("upload_cors", super::upload_cors::NEEDS),
];

/// Every call that the operator cannot do without, with what it needs.
pub fn calls() -> impl Iterator<Item = &'static CallNeeds> {
    TABLES.iter().flat_map(|(_, calls)| *calls)
}

/// Calls that only the preflight makes, and that it does without.
pub fn optional() -> impl Iterator<Item = &'static CallNeeds> {
    super::account::NEEDS.iter()
}

/// What a call needs, the main thing first; nothing when we do not make it.
pub fn of(service: &str, operation: &str) -> Vec<Need> {
    let rows = calls().filter(|call| call.service == service && call.operation == operation);
    let mut needs = Vec::new();
    for need in rows.flat_map(|call| call.needs) {
        if !needs.contains(need) {
            needs.push(*need);
        }
    }
    needs
}

#[cfg(test)]
mod tests;

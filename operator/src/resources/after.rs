//! What a resource is after a call, as far as the call and AWS's answer to it tell.
//!
//! A call that AWS has answered with yes need not be followed by a look: it would cost another call, and AWS may show the effect
//! seconds later. What AWS goes on working at, and what was refused or found no answer, is looked at. Kept for the rest of one
//! reconcile and for looks that only ask whether anything has changed: no write is decided by what another reconcile has left.

use crate::cloud::{Answer, Observed};
use crate::graph::ResourceId;
use crate::resources::{
    Change, Kind, artefacts, bucket, bucket_policy, deployment, distribution, function, invalidation,
    log_group, notification, origin_access_control, permission, response_headers_policy, rest_api, role,
    site, stage, table, upload_cors,
};

/// A resource after a call.
#[derive(Clone, Debug, PartialEq)]
pub enum After<T> {
    /// It is like this.
    Is(T),
    /// It is not there any more.
    Gone,
    /// Only a look can tell.
    Unknown,
}

/// What becomes of `seen` by a call that AWS has answered with yes. `false`: only a look can tell.
pub(crate) fn note(seen: &mut Observed, change: &Change, answer: &Answer) -> bool {
    macro_rules! one {
        ($kind:ty, $field:ident, $change:expr) => {
            match <$kind>::after(seen.$field.as_ref(), $change, answer) {
                After::Is(now) => seen.$field = Some(now),
                After::Gone => seen.$field = None,
                After::Unknown => return false,
            }
        };
        ($kind:ty, $field:ident, $key:expr, $change:expr) => {
            match <$kind>::after(seen.$field.get($key), $change, answer) {
                After::Is(now) => drop(seen.$field.insert(*$key, now)),
                After::Gone => drop(seen.$field.remove($key)),
                After::Unknown => return false,
            }
        };
    }
    match change {
        Change::OriginAccessControl(change) => {
            one!(origin_access_control::OriginAccessControl, origin_access_control, change);
        }
        Change::ResponseHeadersPolicy(change) => {
            one!(response_headers_policy::ResponseHeadersPolicy, response_headers_policy, change);
        }
        Change::Bucket(role, change) => one!(bucket::Bucket, buckets, role, change),
        Change::Table(change) => one!(table::Table, table, change),
        Change::LogGroup(name, change) => one!(log_group::LogGroup, log_groups, name, change),
        Change::Role(name, change) => one!(role::Role, roles, name, change),
        Change::RestApi(change) => one!(rest_api::RestApi, rest_api, change),
        Change::Deployment(change) => one!(deployment::Deployment, deployment, change),
        Change::Stage(change) => one!(stage::Stage, stage, change),
        Change::Distribution(change) => one!(distribution::Distribution, distribution, change),
        Change::BucketPolicy(role, change) => {
            one!(bucket_policy::BucketPolicy, bucket_policies, role, change);
        }
        Change::UploadCors(change) => one!(upload_cors::UploadCors, upload_cors, change),
        Change::Artefacts(change) => one!(artefacts::Artefacts, artefacts, change),
        Change::Function(name, change) => one!(function::Function, functions, name, change),
        Change::Permission(name, change) => one!(permission::Permission, permissions, name, change),
        Change::Notification(change) => one!(notification::Notification, notification, change),
        Change::Site(change) => one!(site::Site, site, change),
        Change::Invalidation(change) => {
            one!(invalidation::Invalidation, invalidation, change);
            if let Some(distribution) = &mut seen.distribution {
                invalidation::note(change, &mut distribution.tags);
            }
        }
    }
    true
}

/// Is a change of something that galleries share already made, as far as `seen` tells? Then this is what AWS would have answered.
pub(crate) fn is_made(seen: &Observed, change: &Change) -> Option<Answer> {
    match change {
        Change::OriginAccessControl(origin_access_control::Change::Create(_)) => {
            seen.origin_access_control.as_ref().map(|found| Answer::Assigned(found.id.clone()))
        }
        Change::ResponseHeadersPolicy(response_headers_policy::Change::Create(_)) => {
            seen.response_headers_policy.as_ref().map(|found| Answer::Assigned(found.id.clone()))
        }
        Change::Bucket(role, bucket::Change::Create(_)) => {
            seen.buckets.contains_key(role).then_some(Answer::Done)
        }
        change => {
            let mut after = seen.clone();
            (note(&mut after, change, &Answer::Done) && after == *seen).then_some(Answer::Done)
        }
    }
}

/// The resource that a change is for.
pub(crate) fn resource(change: &Change) -> ResourceId {
    match change {
        Change::OriginAccessControl(_) => ResourceId::OriginAccessControl,
        Change::ResponseHeadersPolicy(_) => ResourceId::ResponseHeadersPolicy,
        Change::Bucket(role, _) => ResourceId::Bucket(*role),
        Change::Table(_) => ResourceId::Table,
        Change::LogGroup(name, _) => ResourceId::LogGroup(*name),
        Change::Role(name, _) => ResourceId::Role(*name),
        Change::RestApi(_) => ResourceId::RestApi,
        Change::Deployment(_) => ResourceId::Deployment,
        Change::Stage(_) => ResourceId::Stage,
        Change::Distribution(_) => ResourceId::Distribution,
        Change::BucketPolicy(role, _) => ResourceId::BucketPolicy(*role),
        Change::UploadCors(_) => ResourceId::UploadCors,
        Change::Artefacts(_) => ResourceId::Artefacts,
        Change::Function(name, _) => ResourceId::Function(*name),
        Change::Permission(name, _) => ResourceId::Permission(*name),
        Change::Notification(_) => ResourceId::Notification,
        Change::Site(_) => ResourceId::Site,
        Change::Invalidation(_) => ResourceId::Invalidation,
    }
}

//! What a gallery is made of, and what needs what.
//!
//! [`ResourceId::all`] lists every resource after everything it depends on; a test holds that, so the graph has no cycle.
//! Creation follows the list, deletion follows it backwards.

use std::fmt;

use functions_core::contract::FunctionName;
use serde::{Deserialize, Serialize};
use strum::{EnumIter, IntoEnumIterator};

/// What a bucket is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, Serialize, Deserialize)]
pub enum BucketRole {
    /// The functions' zips. Shared by all galleries of an account and region.
    Artefacts,
    /// The static site.
    Frontend,
    /// The visitors' originals: `incoming/` until they are checked, then `photos/`.
    Photos,
    /// The thumbnails.
    Thumbnails,
}

impl BucketRole {
    /// The word used in plans, events and status.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Artefacts => "artefacts",
            Self::Frontend => "frontend",
            Self::Photos => "photos",
            Self::Thumbnails => "thumbnails",
        }
    }

    /// The buckets that belong to one gallery.
    pub const OF_A_GALLERY: [Self; 3] = [Self::Frontend, Self::Photos, Self::Thumbnails];
}

/// One thing in AWS that is observed, planned and applied by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ResourceId {
    /// Lets the distribution alone read the frontend bucket. Shared.
    OriginAccessControl,
    /// Security headers of the site. Shared by galleries with the same content.
    ResponseHeadersPolicy,
    /// A bucket with everything but its policy and CORS rules.
    Bucket(BucketRole),
    /// The metadata table.
    Table,
    /// A function's log group, made before the function so that it has a retention.
    LogGroup(FunctionName),
    /// A function's role with its inline policy.
    Role(FunctionName),
    /// The REST API with its methods.
    RestApi,
    /// A snapshot of the REST API that a stage can serve.
    Deployment,
    /// The stage `api`.
    Stage,
    /// The distribution in front of site and API.
    Distribution,
    /// Who may read a bucket. The frontend's names the distribution.
    BucketPolicy(BucketRole),
    /// The photos bucket's CORS rule, which names the gallery's origin.
    UploadCors,
    /// The functions' zips in the artefact bucket. Shared.
    Artefacts,
    /// A function with code and configuration.
    Function(FunctionName),
    /// Who may invoke a function.
    Permission(FunctionName),
    /// Tells the thumbnail function of uploads.
    Notification,
    /// The site's files.
    Site,
    /// Tells the distribution that the site changed.
    Invalidation,
}

use BucketRole::{Frontend, Photos, Thumbnails};
use ResourceId as Id;

impl ResourceId {
    /// Every resource, each after all that it depends on. The order within that is by how long AWS takes: what the slow
    /// distribution waits for comes first.
    pub fn all() -> impl DoubleEndedIterator<Item = Self> {
        let functions = |of: fn(FunctionName) -> Self| FunctionName::ALL.into_iter().map(of);
        let buckets = |of: fn(BucketRole) -> Self| BucketRole::iter().map(of);
        let mut all = vec![Id::OriginAccessControl, Id::ResponseHeadersPolicy, Id::RestApi];
        all.extend(buckets(Id::Bucket));
        all.extend([Id::Distribution, Id::Table]);
        all.extend(functions(Id::LogGroup).chain(functions(Id::Role)));
        all.extend(buckets(Id::BucketPolicy));
        all.extend([Id::UploadCors, Id::Artefacts]);
        all.extend(functions(Id::Function).chain(functions(Id::Permission)));
        all.extend([Id::Notification, Id::Deployment, Id::Stage, Id::Site, Id::Invalidation]);
        all.into_iter()
    }

    /// What must be there before this is made. When deleting, this goes before them.
    pub const fn depends_on(self) -> &'static [Self] {
        use FunctionName::{Delete, List, Thumbnail, Upload};
        match self {
            Id::OriginAccessControl | Id::ResponseHeadersPolicy | Id::RestApi | Id::Bucket(_) | Id::Table => {
                &[]
            }
            Id::LogGroup(_) | Id::Role(_) => &[],
            Id::Distribution => {
                &[Id::OriginAccessControl, Id::ResponseHeadersPolicy, Id::RestApi, Id::Bucket(Frontend)]
            }
            Id::BucketPolicy(BucketRole::Artefacts) | Id::Artefacts => &[Id::Bucket(BucketRole::Artefacts)],
            Id::BucketPolicy(Frontend) => &[Id::Bucket(Frontend), Id::Distribution],
            Id::BucketPolicy(Photos) => &[Id::Bucket(Photos)],
            Id::BucketPolicy(Thumbnails) => &[Id::Bucket(Thumbnails)],
            Id::UploadCors => &[Id::Bucket(Photos), Id::Distribution],
            Id::Function(Upload) => &[Id::Artefacts, Id::Role(Upload), Id::LogGroup(Upload)],
            Id::Function(List) => &[Id::Artefacts, Id::Role(List), Id::LogGroup(List)],
            Id::Function(Delete) => &[Id::Artefacts, Id::Role(Delete), Id::LogGroup(Delete)],
            Id::Function(Thumbnail) => &[Id::Artefacts, Id::Role(Thumbnail), Id::LogGroup(Thumbnail)],
            Id::Permission(Upload) => &[Id::Function(Upload), Id::RestApi],
            Id::Permission(List) => &[Id::Function(List), Id::RestApi],
            Id::Permission(Delete) => &[Id::Function(Delete), Id::RestApi],
            Id::Permission(Thumbnail) => &[Id::Function(Thumbnail), Id::Bucket(Photos)],
            Id::Notification => &[Id::Bucket(Photos), Id::Permission(Thumbnail)],
            Id::Deployment => {
                &[Id::RestApi, Id::Permission(Upload), Id::Permission(List), Id::Permission(Delete)]
            }
            Id::Stage => &[Id::Deployment],
            Id::Site => &[Id::Bucket(Frontend)],
            Id::Invalidation => &[Id::Site, Id::Distribution],
        }
    }

    /// Shared by all galleries of the operator, hence never deleted with one of them.
    pub const fn is_shared(self) -> bool {
        matches!(
            self,
            Id::OriginAccessControl
                | Id::ResponseHeadersPolicy
                | Id::Artefacts
                | Id::Bucket(BucketRole::Artefacts)
                | Id::BucketPolicy(BucketRole::Artefacts)
        )
    }

    /// Goes with its parent in one call, so that deletion plans nothing for it: a bucket's policy and CORS rule, a REST
    /// API's deployments and stage, a function's permissions, a distribution's invalidations, the site's files (the
    /// bucket is emptied). The notification is not among them: it must stop before the function goes.
    pub const fn goes_with_its_parent(self) -> bool {
        matches!(
            self,
            Id::BucketPolicy(_)
                | Id::UploadCors
                | Id::Deployment
                | Id::Stage
                | Id::Permission(_)
                | Id::Site
                | Id::Invalidation
        )
    }

    /// What it is a part of: read only when that is there.
    pub const fn found_below(self) -> Option<Self> {
        match self {
            Id::BucketPolicy(role) => Some(Id::Bucket(role)),
            Id::UploadCors | Id::Notification => Some(Id::Bucket(Photos)),
            Id::Site => Some(Id::Bucket(Frontend)),
            Id::Artefacts => Some(Id::Bucket(BucketRole::Artefacts)),
            Id::Permission(function) => Some(Id::Function(function)),
            Id::Deployment | Id::Stage => Some(Id::RestApi),
            Id::Invalidation => Some(Id::Distribution),
            Id::OriginAccessControl
            | Id::ResponseHeadersPolicy
            | Id::Bucket(_)
            | Id::Table
            | Id::LogGroup(_)
            | Id::Role(_)
            | Id::RestApi
            | Id::Distribution
            | Id::Function(_) => None,
        }
    }

    /// The kind, as metrics and events name it.
    pub const fn kind(self) -> &'static str {
        match self {
            Id::OriginAccessControl => "origin-access-control",
            Id::ResponseHeadersPolicy => "response-headers-policy",
            Id::Bucket(_) => "bucket",
            Id::Table => "table",
            Id::LogGroup(_) => "log-group",
            Id::Role(_) => "role",
            Id::RestApi => "rest-api",
            Id::Deployment => "deployment",
            Id::Stage => "stage",
            Id::Distribution => "distribution",
            Id::BucketPolicy(_) => "bucket-policy",
            Id::UploadCors => "upload-cors",
            Id::Artefacts => "artefacts",
            Id::Function(_) => "function",
            Id::Permission(_) => "permission",
            Id::Notification => "notification",
            Id::Site => "site",
            Id::Invalidation => "invalidation",
        }
    }
}

/// `kind/role`, or just the kind where a gallery has one.
impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = match self {
            Id::Bucket(role) | Id::BucketPolicy(role) => role.as_str(),
            Id::LogGroup(name) | Id::Role(name) | Id::Function(name) | Id::Permission(name) => name.as_str(),
            _ => return f.write_str(self.kind()),
        };
        write!(f, "{}/{role}", self.kind())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_resource_comes_after_what_it_depends_on() {
        let mut before = BTreeSet::new();
        for id in ResourceId::all() {
            for dependency in id.depends_on() {
                assert!(before.contains(dependency), "{id} comes before {dependency}");
            }
            assert!(before.insert(id), "{id} is listed twice");
        }
    }

    #[test]
    fn the_architecture_shows_this_graph() {
        let mut lines = vec!["| resource | after |".to_owned(), "|---|---|".to_owned()];
        for id in ResourceId::all() {
            let after: Vec<_> = id.depends_on().iter().map(ToString::to_string).collect();
            let shared = if id.is_shared() { " (shared)" } else { "" };
            lines.push(format!("| {id}{shared} | {} |", after.join(", ")));
        }
        crate::testing::generated::section("docs/architecture.md", "graph", &lines.join("\n"));
    }

    #[test]
    fn what_goes_with_its_parent_depends_on_the_parent() {
        for id in ResourceId::all().filter(|id| id.goes_with_its_parent()) {
            assert!(!id.depends_on().is_empty(), "{id} has no parent");
        }
    }
}

//! AWS: `observe` and `apply`, one file per kind, no decisions. Its pure half stands in `crate::resources`.
//!
//! Every `observe` reads one resource, tells ours from others' by tags, and never writes. Every `apply` makes the one call
//! that its change describes.

mod account;
mod artefacts;
mod bucket;
mod bucket_policy;
mod clients;
mod counts;
mod deployment;
mod distribution;
pub(crate) mod error;
mod function;
mod headers;
mod invalidation;
mod lists;
mod log_group;
pub mod needs;
mod notification;
mod objects;
mod origin_access_control;
mod permission;
mod recent;
mod response_headers_policy;
mod rest_api;
mod role;
mod site;
mod stage;
mod table;
mod upload_cors;

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use tokio::sync::OnceCell;
use tokio::time::Instant;

pub use clients::{ClientPool, Clients, base_config};

use crate::cloud::{Answer, Cloud, CloudError, Depth, Foreign, Observed, Scope, Seen};
use crate::gallery::Identity;
use crate::graph::{BucketRole, ResourceId};
use crate::names::Tags;
use crate::ownership::Ownership;
use crate::preflight::{Account, Question};
use crate::quota;
use crate::resources::{self, Change};

/// The real AWS, or what answers at its endpoint.
#[derive(Debug)]
pub struct Aws {
    clients: ClientPool,
    principal: Option<String>,
}

impl Aws {
    /// AWS through these clients.
    pub fn new(clients: ClientPool) -> Self {
        Self { clients, principal: None }
    }

    /// The same, knowing the ARN of the IAM entity that it is, to ask about its permissions.
    #[must_use]
    pub fn acting_as(self, principal: Option<String>) -> Self {
        Self { principal, ..self }
    }
}

/// One look at a gallery: what the observations of it have in common.
pub(super) struct Looking<'a> {
    clients: &'a Clients,
    gallery: &'a Identity,
    /// What was seen before.
    known: &'a Observed,
    depth: Depth,
    begun: Instant,
    /// Asked for once.
    groups: OnceCell<log_group::Groups>,
}

impl<'a> Looking<'a> {
    fn new(clients: &'a Clients, gallery: &'a Identity, known: &'a Observed, depth: Depth) -> Self {
        Self { clients, gallery, known, depth, begun: Instant::now(), groups: OnceCell::new() }
    }

    /// At a gallery of which nothing was seen before.
    #[cfg(test)]
    pub(super) fn whole(clients: &'a Clients, gallery: &'a Identity) -> Self {
        static NOTHING: std::sync::LazyLock<Observed> = std::sync::LazyLock::new(Observed::default);
        Self::new(clients, gallery, &NOTHING, Depth::Whole)
    }

    /// From when a list must be; `None`: from any time.
    fn oldest(&self) -> Option<Instant> {
        match self.depth {
            Depth::Listed => self.begun.checked_sub(self.clients.list_age),
            Depth::Whole | Depth::ListedNow | Depth::Known | Depth::Bare => Some(self.begun),
        }
    }
}

/// What one observation brought, not yet entered.
struct Finding {
    id: ResourceId,
    result: Result<(), CloudError>,
    part: Observed,
}

impl Cloud for Aws {
    async fn observe(
        &self,
        gallery: &Identity,
        (scope, depth): (&Scope, Depth),
        seen: &mut Observed,
    ) -> Vec<(ResourceId, CloudError)> {
        let clients = &*self.clients.region(&gallery.region);
        // How a reconcile begins; it looks at single resources later.
        if matches!(depth, Depth::Listed | Depth::ListedNow | Depth::Known) {
            clients.headers.begin(&gallery.bucket(BucketRole::Frontend));
        }
        let mut errors = Vec::new();
        // Parts of something are asked for when that is there.
        let (second, first): (BTreeSet<_>, BTreeSet<_>) =
            scope.iter().copied().partition(|id| id.found_below().is_some());
        for wave in [first, second] {
            let looking = &Looking::new(clients, gallery, &*seen, depth);
            let findings = join_all(wave.into_iter().map(|id| async move {
                let _permit = clients.permits.acquire().await.ok();
                // Made when its turn has come: what waits takes no memory.
                Box::pin(find(looking, id)).await
            }));
            let (findings, begun) = (findings.await, looking.begun);
            for Finding { id, result, part } in findings {
                match result.and_then(|()| clients.recent.check(gallery, id, begun, &part)) {
                    Ok(()) => replace(seen, id, part),
                    Err(error) => errors.push((id, clients.recent.settle(gallery, id, error))),
                }
            }
        }
        errors
    }

    async fn apply(&self, gallery: &Identity, change: &Change) -> Result<Answer, CloudError> {
        let clients = &*self.clients.region(&gallery.region);
        let id = resources::after::resource(change);
        if let Some(call) = quota::lined_up(change) {
            clients.line_up(call, &format!("{} {id}", gallery.uid))?;
        }
        let result = if id.is_shared() {
            apply_shared(clients, gallery, change).await
        } else {
            apply_one(clients, gallery, change).await
        };
        lists::note(clients, change);
        clients.recent.note(gallery, change, &result);
        result.map_err(|error| match recent::tagged_resource(change) {
            Some(id) => clients.recent.settle(gallery, id, error),
            None => error,
        })
    }

    async fn account(&self, gallery: &Identity, question: &Question) -> Account {
        let clients = self.clients.region(&gallery.region);
        account::read(&clients, self.principal.as_deref(), gallery, question).await
    }

    async fn count_photos(&self, gallery: &Identity) -> Result<u64, CloudError> {
        bucket::count_photos(&self.clients.region(&gallery.region), gallery).await
    }
}

/// Makes a call when it is its turn.
async fn apply_one(clients: &Clients, gallery: &Identity, change: &Change) -> Result<Answer, CloudError> {
    let _permit = clients.permits.acquire().await.ok();
    Box::pin(apply(clients, gallery, change)).await
}

/// Makes a call on what galleries share. Of those who want the same at the same time, the first makes it.
async fn apply_shared(clients: &Clients, gallery: &Identity, change: &Change) -> Result<Answer, CloudError> {
    let list = clients.lists.shared(gallery, resources::after::resource(change));
    let (_turn, known) = list.turn().await;
    if let Some(answer) = known.and_then(|known| resources::after::is_made(&known, change)) {
        return Ok(answer);
    }
    let result = apply_one(clients, gallery, change).await;
    list.change(|part| {
        let mut part = part.clone();
        let is_known = resources::after::note(&mut part, change, result.as_ref().ok()?);
        is_known.then_some(part)
    });
    result
}

/// Makes the call that a change describes.
async fn apply(clients: &Clients, gallery: &Identity, change: &Change) -> Result<Answer, CloudError> {
    match change {
        Change::OriginAccessControl(change) => {
            return origin_access_control::apply(clients, gallery, change).await;
        }
        Change::ResponseHeadersPolicy(change) => {
            return response_headers_policy::apply(clients, gallery, change).await;
        }
        Change::Bucket(role, change) => bucket::apply(clients, gallery, *role, change).await,
        Change::Table(change) => table::apply(clients, gallery, change).await,
        Change::LogGroup(name, change) => log_group::apply(clients, gallery, *name, change).await,
        Change::Role(name, change) => return role::apply(clients, gallery, *name, change).await,
        Change::RestApi(change) => return rest_api::apply(clients, gallery, change).await,
        Change::Deployment(change) => return deployment::apply(clients, gallery, change).await,
        Change::Stage(change) => stage::apply(clients, gallery, change).await,
        Change::Distribution(change) => return distribution::apply(clients, gallery, change).await,
        Change::BucketPolicy(role, change) => bucket_policy::apply(clients, gallery, *role, change).await,
        Change::UploadCors(change) => upload_cors::apply(clients, gallery, change).await,
        Change::Artefacts(change) => artefacts::apply(clients, gallery, change).await,
        Change::Function(name, change) => function::apply(clients, gallery, *name, change).await,
        Change::Permission(name, change) => permission::apply(clients, gallery, *name, change).await,
        Change::Notification(change) => notification::apply(clients, gallery, change).await,
        Change::Site(change) => site::apply(clients, gallery, change).await,
        Change::Invalidation(change) => invalidation::apply(clients, gallery, change).await,
    }
    .map(|()| Answer::Done)
}

/// Reads one resource into an otherwise empty snapshot. What galleries share need not be read for each.
async fn find(looking: &Looking<'_>, id: ResourceId) -> Finding {
    if id.found_below().is_some_and(|parent| looking.known.state(parent).is_none()) {
        if id.is_shared() {
            // Whatever was known of it has gone with what it was a part of.
            looking.clients.lists.shared(looking.gallery, id).forget();
        }
        return Finding { id, result: Ok(()), part: Observed::default() };
    }
    if !id.is_shared() || !matches!(looking.depth, Depth::Listed | Depth::ListedNow) {
        return ask(looking, id).await;
    }
    let list = looking.clients.lists.shared(looking.gallery, id);
    let read = || async {
        let Finding { id: _, result, part } = ask(looking, id).await;
        result.map(|()| part)
    };
    match lists::with(looking, &list, read, |part| part.state(id).is_some()).await {
        Ok(part) => Finding { id, result: Ok(()), part: (*part).clone() },
        Err(error) => Finding { id, result: Err(error), part: Observed::default() },
    }
}

/// Asks AWS for one resource.
async fn ask(looking: &Looking<'_>, id: ResourceId) -> Finding {
    let Looking { clients, gallery, known, .. } = *looking;
    let mut part = Observed::default();
    macro_rules! one {
        ($field:ident, $found:expr) => {
            match $found.await {
                Ok(found) => part.$field = owned(found, &mut part.foreign, id),
                Err(error) => return Finding { id, result: Err(error), part },
            }
        };
        ($field:ident, $key:expr, $found:expr) => {
            match $found.await {
                Ok(found) => {
                    let found = owned(found, &mut part.foreign, id);
                    part.$field = found.into_iter().map(|found| ($key, found)).collect::<BTreeMap<_, _>>();
                }
                Err(error) => return Finding { id, result: Err(error), part },
            }
        };
    }
    match id {
        ResourceId::OriginAccessControl => {
            one!(origin_access_control, origin_access_control::observe(clients, gallery));
        }
        ResourceId::ResponseHeadersPolicy => {
            one!(response_headers_policy, response_headers_policy::observe(clients, gallery));
        }
        ResourceId::Bucket(role) => one!(buckets, role, bucket::observe(looking, role)),
        ResourceId::Table => one!(table, table::observe(looking)),
        ResourceId::LogGroup(name) => one!(log_groups, name, log_group::observe(looking, name)),
        ResourceId::Role(name) => one!(roles, name, role::observe(looking, name)),
        ResourceId::RestApi => one!(rest_api, rest_api::observe(looking)),
        ResourceId::Deployment => one!(deployment, deployment::observe(clients, gallery, known)),
        ResourceId::Stage => one!(stage, stage::observe(clients, gallery, known)),
        ResourceId::Distribution => one!(distribution, distribution::observe(looking)),
        ResourceId::BucketPolicy(role) => {
            one!(bucket_policies, role, bucket_policy::observe(clients, gallery, role));
        }
        ResourceId::UploadCors => one!(upload_cors, upload_cors::observe(clients, gallery)),
        ResourceId::Artefacts => one!(artefacts, artefacts::observe(clients, gallery)),
        ResourceId::Function(name) => one!(functions, name, function::observe(clients, gallery, name)),
        ResourceId::Permission(name) => one!(permissions, name, permission::observe(clients, gallery, name)),
        ResourceId::Notification => one!(notification, notification::observe(clients, gallery)),
        ResourceId::Site => one!(site, site::observe(clients, gallery)),
        ResourceId::Invalidation => {
            part.invalidation = owned(invalidation::observe(known), &mut part.foreign, id);
        }
    }
    Finding { id, result: Ok(()), part }
}

/// Keeps what is ours, and notes what is not.
pub(crate) fn owned<T>(
    seen: Seen<T>,
    foreign: &mut BTreeMap<ResourceId, Foreign>,
    id: ResourceId,
) -> Option<T> {
    match seen {
        Seen::Nothing => None,
        Seen::Ours(found) => Some(found),
        Seen::Foreign(whose) => {
            foreign.insert(id, whose);
            None
        }
    }
}

/// Replaces everything that `seen` holds of `id` by what `part` holds of it.
pub(crate) fn replace(seen: &mut Observed, id: ResourceId, mut part: Observed) {
    match part.foreign.remove(&id) {
        Some(foreign) => seen.foreign.insert(id, foreign),
        None => seen.foreign.remove(&id),
    };
    macro_rules! entry {
        ($field:ident, $key:expr) => {
            match part.$field.remove(&$key) {
                Some(found) => drop(seen.$field.insert($key, found)),
                None => drop(seen.$field.remove(&$key)),
            }
        };
    }
    match id {
        ResourceId::OriginAccessControl => seen.origin_access_control = part.origin_access_control,
        ResourceId::ResponseHeadersPolicy => seen.response_headers_policy = part.response_headers_policy,
        ResourceId::Bucket(role) => entry!(buckets, role),
        ResourceId::Table => seen.table = part.table,
        ResourceId::LogGroup(name) => entry!(log_groups, name),
        ResourceId::Role(name) => entry!(roles, name),
        ResourceId::RestApi => seen.rest_api = part.rest_api,
        ResourceId::Deployment => seen.deployment = part.deployment,
        ResourceId::Stage => seen.stage = part.stage,
        ResourceId::Distribution => seen.distribution = part.distribution,
        ResourceId::BucketPolicy(role) => entry!(bucket_policies, role),
        ResourceId::UploadCors => seen.upload_cors = part.upload_cors,
        ResourceId::Artefacts => seen.artefacts = part.artefacts,
        ResourceId::Function(name) => entry!(functions, name),
        ResourceId::Permission(name) => entry!(permissions, name),
        ResourceId::Notification => seen.notification = part.notification,
        ResourceId::Site => seen.site = part.site,
        ResourceId::Invalidation => seen.invalidation = part.invalidation,
    }
}

/// Wraps what was found by whose its tags say it is.
pub(crate) fn by_tags<T>(gallery: &Identity, tags: &Tags, name: &str, found: T) -> Seen<T> {
    match gallery.ownership(tags) {
        Ownership::Ours => Seen::Ours(found),
        Ownership::NotOurs(whose) => Seen::Foreign(Foreign { name: name.to_owned(), whose }),
    }
}

#[cfg(test)]
mod answers;
#[cfg(test)]
mod shared;

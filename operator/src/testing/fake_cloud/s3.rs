//! Buckets and everything in them.

use std::collections::BTreeMap;

use functions_core::contract::FunctionName;
use serde_json::Value;

use super::Operation;
use super::world::World;
use crate::cloud::CloudError;
use crate::gallery::Identity;
use crate::graph::BucketRole;
use crate::names::Tags;
use crate::resources::notification::{Entry, ID};
use crate::resources::permission::{STATEMENT, Statement};
use crate::resources::{artefacts, bucket, bucket_policy, notification, site, upload_cors};

/// An object.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Object {
    /// Its `ETag`.
    pub etag: String,
    /// What Lambda takes for its digest, where it is a zip.
    pub sha256: String,
    /// What it is served with.
    pub headers: site::Headers,
}

impl From<&str> for Object {
    fn from(content: &str) -> Self {
        Self { etag: content.into(), sha256: content.into(), ..Self::default() }
    }
}

/// A bucket.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bucket {
    /// Whose account it is in.
    pub account: String,
    /// As S3 shows it.
    pub observed: bucket::Observed,
    /// Its policy.
    pub policy: Option<Value>,
    /// CORS rules.
    pub cors: Option<Vec<upload_cors::Rule>>,
    /// Functions that it tells of objects, by id.
    pub notifications: BTreeMap<String, Entry>,
    /// Objects by key.
    pub objects: BTreeMap<String, Object>,
    /// Does an access control list let others in?
    pub lets_others_in: bool,
}

impl Bucket {
    /// A bucket as S3 makes it.
    pub(crate) fn new(account: &str, tags: Tags) -> Self {
        Self {
            account: account.to_owned(),
            observed: bucket::Observed {
                tags,
                unblocked: std::collections::BTreeSet::new(),
                ownership: Some(bucket::OWNERSHIP.into()),
                encryption: Some(bucket::ENCRYPTION.into()),
                lifecycle: Vec::new(),
            },
            policy: None,
            cors: None,
            notifications: BTreeMap::new(),
            objects: BTreeMap::new(),
            lets_others_in: false,
        }
    }

    /// Does it tell this function of anything?
    pub(super) fn notifies(&self, function: &str) -> bool {
        self.notifications.values().any(|entry| entry.function == function)
    }
}

/// Removes what may be gone already.
pub(super) fn forget<T>(all: &mut BTreeMap<String, T>, name: &str) {
    all.remove(name);
}

/// The bucket, as every call that names the expected owner finds it.
fn find<'a>(
    world: &'a mut World,
    gallery: &Identity,
    role: BucketRole,
    call: Operation,
) -> Result<&'a mut Bucket, CloudError> {
    let name = gallery.bucket(role);
    match world.buckets.get_mut(&name) {
        None => Err(call.refuse(404, "NoSuchBucket", "The specified bucket does not exist")),
        Some(bucket) if bucket.account != gallery.installation.account => {
            Err(call.refuse(403, "AccessDenied", "Access Denied"))
        }
        Some(bucket) => Ok(bucket),
    }
}

pub(super) fn bucket(
    world: &mut World,
    gallery: &Identity,
    role: BucketRole,
    change: &bucket::Change,
    call: Operation,
) -> Result<(), CloudError> {
    let name = gallery.bucket(role);
    match change {
        bucket::Change::Create(tags) => {
            let account = &gallery.installation.account;
            match world.buckets.get(&name) {
                Some(bucket) if bucket.account == *account => {
                    let message =
                        "Your previous request to create the named bucket succeeded and you already own it.";
                    return Err(call.refuse(409, "BucketAlreadyOwnedByYou", message));
                }
                Some(_) => {
                    let message = "The requested bucket name is not available.";
                    return Err(call.refuse(409, "BucketAlreadyExists", message));
                }
                None => drop(world.buckets.insert(name, Bucket::new(account, tags.clone()))),
            }
        }
        bucket::Change::Empty | bucket::Change::Delete if !world.buckets.contains_key(&name) => {}
        bucket::Change::BlockPublicAccess => {
            find(world, gallery, role, call)?.observed.unblocked.clear();
        }
        bucket::Change::CloseAccessList => {
            let found = find(world, gallery, role, call)?;
            if found.observed.ownership.as_deref() == Some(bucket::OWNERSHIP) {
                let message = "The bucket does not allow ACLs";
                return Err(call.refuse(400, "AccessControlListNotSupported", message));
            }
            found.lets_others_in = false;
        }
        bucket::Change::EnforceOwnership => {
            let found = find(world, gallery, role, call)?;
            if found.lets_others_in {
                let message =
                    "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting";
                return Err(call.refuse(400, "InvalidBucketAclWithObjectOwnership", message));
            }
            found.observed.ownership = Some(bucket::OWNERSHIP.into());
        }
        bucket::Change::Encrypt => {
            find(world, gallery, role, call)?.observed.encryption = Some(bucket::ENCRYPTION.into());
        }
        bucket::Change::PutLifecycle(rules) => {
            find(world, gallery, role, call)?.observed.lifecycle.clone_from(rules);
        }
        bucket::Change::PutTags(tags) => find(world, gallery, role, call)?.observed.tags.clone_from(tags),
        bucket::Change::Empty => {
            let at_once = if world.slow.emptying == 0 { usize::MAX } else { world.slow.emptying };
            let objects = &mut find(world, gallery, role, call)?.objects;
            for key in objects.keys().take(at_once).cloned().collect::<Vec<_>>() {
                objects.remove(&key);
            }
        }
        bucket::Change::Delete => {
            if !find(world, gallery, role, call)?.objects.is_empty() {
                let message = "The bucket you tried to delete is not empty";
                return Err(call.refuse(409, "BucketNotEmpty", message));
            }
            world.buckets.remove(&name);
        }
    }
    Ok(())
}

pub(super) fn policy(
    world: &mut World,
    gallery: &Identity,
    role: BucketRole,
    bucket_policy::Change::Put(document): &bucket_policy::Change,
    call: Operation,
) -> Result<(), CloudError> {
    let text = document.to_string();
    let named = text.split("distribution/").skip(1).map(|rest| rest.split('"').next().unwrap_or_default());
    if let Some(id) = named.clone().find(|id| !world.distributions.contains_key(*id)) {
        // It is in a condition, which S3 does not check; visitors would be refused.
        return Err(call.forbid(format!("there is no distribution {id}")));
    }
    find(world, gallery, role, call)?.policy = Some(document.clone());
    Ok(())
}

pub(super) fn cors(
    world: &mut World,
    gallery: &Identity,
    upload_cors::Change::Put(rule): &upload_cors::Change,
    call: Operation,
) -> Result<(), CloudError> {
    find(world, gallery, BucketRole::Photos, call)?.cors = Some(vec![rule.clone()]);
    Ok(())
}

pub(super) fn artefacts(
    world: &mut World,
    gallery: &Identity,
    artefacts::Change::Put { key, zip }: &artefacts::Change,
    call: Operation,
) -> Result<(), CloudError> {
    let bucket = find(world, gallery, BucketRole::Artefacts, call)?;
    // Whoever could change the bucket before its policy stands could change the code.
    if bucket.policy.is_none() && bucket.observed.tags.is_empty() {
        return Err(call.forbid("the bucket is nobody's"));
    }
    let (etag, sha256) = (zip.md5.clone(), zip.sha256.clone());
    bucket.objects.insert(key.clone(), Object { etag, sha256, ..Object::default() });
    Ok(())
}

pub(super) fn site(
    world: &mut World,
    gallery: &Identity,
    change: &site::Change,
    call: Operation,
) -> Result<(), CloudError> {
    let objects = &mut find(world, gallery, BucketRole::Frontend, call)?.objects;
    match change {
        site::Change::Put { path, file } => {
            let (etag, headers) = (file.md5.clone(), file.headers());
            objects.insert(path.clone(), Object { etag, headers, ..Object::default() });
        }
        site::Change::Delete(paths) => objects.retain(|path, _| !paths.contains(path)),
    }
    Ok(())
}

/// May the photos bucket invoke the function? S3 asks this at each write of a notification.
fn lets_in(statement: &Statement, gallery: &Identity) -> bool {
    let Statement { effect, action, principal, source_arn, source_account, besides } = statement;
    let (bucket, account) = (gallery.bucket_arn(BucketRole::Photos), &gallery.installation.account);
    effect == "Allow"
        && matches!(action.as_str(), "lambda:InvokeFunction" | "lambda:*")
        && matches!(principal.as_str(), "s3.amazonaws.com" | "*")
        && (source_arn.is_empty() || *source_arn == bucket)
        && (source_account.is_empty() || source_account == account)
        && besides.is_empty()
}

pub(super) fn notification(
    world: &mut World,
    gallery: &Identity,
    change: &notification::Change,
    call: Operation,
) -> Result<(), CloudError> {
    if !world.buckets.contains_key(&gallery.bucket(BucketRole::Photos)) {
        return Ok(());
    }
    match change {
        notification::Change::Put(entry) => {
            let function = world.functions.get(&gallery.function(FunctionName::Thumbnail));
            let statement = function.and_then(|function| function.statements.get(STATEMENT));
            if !statement.is_some_and(|statement| lets_in(statement, gallery)) {
                let message = "Unable to validate the following destination configurations";
                return Err(call.refuse(400, "InvalidArgument", message));
            }
            let bucket = find(world, gallery, BucketRole::Photos, call)?;
            bucket.notifications.insert(ID.into(), entry.clone());
        }
        notification::Change::Remove => {
            find(world, gallery, BucketRole::Photos, call)?.notifications.remove(ID);
        }
    }
    Ok(())
}

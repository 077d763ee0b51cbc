//! What somebody else has put where something of ours would be.

use serde_json::json;

use super::entry;
use crate::gallery::Identity;
use crate::graph::ResourceId;
use crate::names::Tags;
use crate::resources::log_group;
use crate::resources::notification::ID;
use crate::resources::table::{self, Index, Status};
use crate::testing::fake_cloud::World;
use crate::testing::fake_cloud::parts::{self, Bucket, Busy, Function, RestApi, Role};

/// Somebody else's, under our name. Kinds without names, or without tags, cannot be in the way.
pub(super) fn foreign(world: &mut World, gallery: &Identity, id: ResourceId) {
    let tags = Tags::from([("team".into(), "others".into())]);
    match id {
        ResourceId::Bucket(role) => {
            let mut bucket = Bucket::new(&gallery.installation.account, tags);
            bucket.objects.insert("theirs".into(), "theirs".into());
            // Also under the ids that we would use.
            bucket.notifications.insert(ID.into(), entry("arn:theirs"));
            bucket.policy = Some(json!({"theirs": true}));
            world.buckets.insert(gallery.bucket(role), bucket);
        }
        ResourceId::Table => {
            let made = table::Observed {
                status: Status::Active,
                is_on_demand: false,
                index: Index::Missing,
                has_recovery: false,
                is_protected: false,
                tags,
            };
            let busy = Busy(0);
            let made = parts::Table { observed: made, busy };
            world.tables.insert(gallery.table(), made);
        }
        ResourceId::LogGroup(name) => {
            let made = log_group::Observed { retention_days: None, tags };
            world.log_groups.insert(gallery.log_group(name), made);
        }
        ResourceId::Role(name) => {
            let made = Role { arn: gallery.role_arn(name), tags, ..Role::default() };
            world.roles.insert(gallery.role(name), made);
        }
        ResourceId::Function(name) => {
            let made = Function::of_others(tags);
            world.functions.insert(gallery.function(name), made);
        }
        ResourceId::RestApi => {
            let made = RestApi { name: gallery.rest_api(), tags, ..RestApi::default() };
            world.rest_apis.insert("theirs".into(), made);
        }
        _ => panic!("{id} cannot be somebody else's"),
    }
}

//! Log groups.

use functions_core::contract::FunctionName;

use super::lambda::Function;
use super::world::World;
use super::{Operation, s3};
use crate::cloud::CloudError;
use crate::gallery::Identity;
use crate::names::{set_tags, unset_tags};
use crate::ownership::Ownership;
use crate::resources::log_group::{Change, Observed};

pub(super) fn log_group(
    world: &mut World,
    gallery: &Identity,
    name: FunctionName,
    change: &Change,
    call: Operation,
) -> Result<(), CloudError> {
    let group = gallery.log_group(name);
    let seen = world.log_groups.get_mut(&group);
    let missing = || call.refuse(400, "ResourceNotFoundException", "The specified log group does not exist.");
    match change {
        Change::Create(_) if seen.is_some() => {
            let message = "The specified log group already exists";
            return Err(call.refuse(400, "ResourceAlreadyExistsException", message));
        }
        Change::Create(tags) => {
            let made = Observed { retention_days: None, tags: tags.clone() };
            world.log_groups.insert(group, made);
        }
        Change::Keep { days } => seen.ok_or_else(missing)?.retention_days = Some(*days),
        Change::SetTags(tags) => set_tags(&mut seen.ok_or_else(missing)?.tags, tags),
        Change::RemoveTags(keys) => unset_tags(&mut seen.ok_or_else(missing)?.tags, keys),
        Change::Delete => {
            // A function that still runs would write into a group that is gone, and its last words would be lost.
            let function = world.functions.get(&gallery.function(name));
            let is_ours = |found: &Function| gallery.ownership(&found.observed.tags) == Ownership::Ours;
            if seen.is_some() && function.is_some_and(is_ours) {
                return Err(call.forbid("the function whose logs these are is still there"));
            }
            s3::forget(&mut world.log_groups, &group);
        }
    }
    Ok(())
}

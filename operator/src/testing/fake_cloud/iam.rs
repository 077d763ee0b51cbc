//! Roles.

use std::collections::BTreeMap;

use functions_core::contract::FunctionName;
use serde_json::Value;

use super::Operation;
use super::world::World;
use crate::cloud::CloudError;
use crate::gallery::Identity;
use crate::names::{Tags, set_tags, unset_tags};
use crate::resources::role::{Change, Observed, POLICY};

/// A role.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Role {
    /// ARN.
    pub arn: String,
    /// Who it is for.
    pub description: String,
    /// Who may assume it.
    pub trust: Value,
    /// Inline policies by name.
    pub policies: BTreeMap<String, Value>,
    /// ARNs of attached policies.
    pub attached: Vec<String>,
    /// ARN of its permissions boundary.
    pub boundary: Option<String>,
    /// Tags.
    pub tags: Tags,
    /// How often Lambda will still refuse it.
    pub unknown: usize,
}

impl Role {
    pub(super) fn observed(&self) -> Observed {
        Observed {
            arn: self.arn.clone(),
            description: self.description.clone(),
            trust: self.trust.clone(),
            policy: self.policies.get(POLICY).cloned(),
            policies: self.policies.keys().cloned().collect(),
            attached: self.attached.clone(),
            boundary: self.boundary.clone(),
            tags: self.tags.clone(),
        }
    }
}

pub(super) fn role(
    world: &mut World,
    gallery: &Identity,
    name: FunctionName,
    change: &Change,
    call: Operation,
) -> Result<(), CloudError> {
    let role_name = gallery.role(name);
    if let Change::Create(wanted) = change {
        if world.roles.contains_key(&role_name) {
            let message = format!("Role with name {role_name} already exists.");
            return Err(call.refuse(409, "EntityAlreadyExists", message));
        }
        let made = Role {
            arn: gallery.role_arn(name),
            description: wanted.description.clone(),
            trust: wanted.trust.clone(),
            boundary: wanted.boundary.clone(),
            tags: wanted.tags.clone(),
            unknown: world.slow.role,
            ..Role::default()
        };
        world.roles.insert(role_name, made);
        return Ok(());
    }
    let Some(role) = world.roles.get_mut(&role_name) else {
        // What `aws/role.rs` takes for gone already.
        return match change {
            Change::DeletePolicy(_) | Change::Detach(_) | Change::Delete => Ok(()),
            _ => {
                let message = format!("The role with name {role_name} cannot be found.");
                Err(call.refuse(404, "NoSuchEntity", message))
            }
        };
    };
    match change {
        Change::Create(_) => {}
        Change::Bound(arn) => role.boundary = Some(arn.clone()),
        // As the operator's own policy has it.
        Change::Policy(_) if role.boundary != gallery.installation.permissions_boundary => {
            return Err(call.refuse(403, "AccessDenied", "not authorized to perform: iam:PutRolePolicy"));
        }
        Change::Trust(trust) => role.trust = trust.clone(),
        Change::Policy(policy) => drop(role.policies.insert(POLICY.into(), policy.clone())),
        Change::Describe(text) => role.description.clone_from(text),
        Change::Tag(tags) => set_tags(&mut role.tags, tags),
        Change::Untag(keys) => unset_tags(&mut role.tags, keys),
        Change::DeletePolicy(policy) => drop(role.policies.remove(policy)),
        Change::Detach(arn) => role.attached.retain(|attached| attached != arn),
        Change::Delete => {
            if !role.policies.is_empty() || !role.attached.is_empty() {
                let message = "Cannot delete entity, must delete policies first.";
                return Err(call.refuse(409, "DeleteConflict", message));
            }
            let arn = role.arn.clone();
            if world.functions.values().any(|function| function.observed.configuration.role == arn) {
                return Err(call.forbid("a function still runs under this role"));
            }
            world.roles.remove(&role_name);
        }
    }
    Ok(())
}

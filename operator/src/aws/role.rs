//! Roles: `GetRole` and its policies; one IAM call per change.

use aws_sdk_iam::types::Tag;
use functions_core::contract::FunctionName;

use super::error::{failed, found, invalid_request};
use super::{Clients, by_tags};
use crate::cloud::{CloudError, Seen};
use crate::gallery::Identity;
use crate::names::{ROLE_PATH, Tags};
use crate::resources::document::{parse, text};
use crate::resources::role::{Change, Desired, Observed, POLICY};

const MISSING: &[&str] = &["NoSuchEntity"];

pub(super) async fn observe(
    clients: &Clients,
    gallery: &Identity,
    function: FunctionName,
) -> Result<Seen<Observed>, CloudError> {
    let name = gallery.role(function);
    let answer = clients.iam.get_role().role_name(&name).send().await;
    let Some(answer) = found(answer, MISSING, failed("iam", "GetRole"))? else { return Ok(Seen::Nothing) };
    let Some(role) = answer.role else { return Ok(Seen::Nothing) };
    let (policy, policies, attached) =
        tokio::try_join!(policy(clients, &name), policies(clients, &name), attached(clients, &name))?;
    let tags = role.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect();
    let observed = Observed {
        arn: role.arn,
        description: role.description.unwrap_or_default(),
        trust: parse(role.assume_role_policy_document.as_deref().unwrap_or_default()),
        policy: policy.as_deref().map(parse),
        policies,
        attached,
        tags,
    };
    let tags = observed.tags.clone();
    Ok(by_tags(gallery, &tags, &name, observed))
}

async fn policy(clients: &Clients, name: &str) -> Result<Option<String>, CloudError> {
    let answer = clients.iam.get_role_policy().role_name(name).policy_name(POLICY).send().await;
    Ok(found(answer, MISSING, failed("iam", "GetRolePolicy"))?.map(|answer| answer.policy_document))
}

async fn policies(clients: &Clients, name: &str) -> Result<Vec<String>, CloudError> {
    let pages = clients.iam.list_role_policies().role_name(name).into_paginator().items().send();
    let answer = pages.collect::<Result<Vec<_>, _>>().await;
    Ok(found(answer, MISSING, failed("iam", "ListRolePolicies"))?.unwrap_or_default())
}

async fn attached(clients: &Clients, name: &str) -> Result<Vec<String>, CloudError> {
    let pages = clients.iam.list_attached_role_policies().role_name(name).into_paginator().items().send();
    let answer = pages.collect::<Result<Vec<_>, _>>().await;
    let attached = found(answer, MISSING, failed("iam", "ListAttachedRolePolicies"))?.unwrap_or_default();
    Ok(attached.into_iter().filter_map(|policy| policy.policy_arn).collect())
}

pub(super) async fn apply(
    clients: &Clients,
    gallery: &Identity,
    function: FunctionName,
    change: &Change,
) -> Result<(), CloudError> {
    let (iam, name) = (&clients.iam, gallery.role(function));
    match change {
        Change::Create(role) => create(clients, &name, role).await,
        Change::Trust(trust) => {
            let call = iam.update_assume_role_policy().role_name(name).policy_document(text(trust));
            call.send().await.map(drop).map_err(failed("iam", "UpdateAssumeRolePolicy"))
        }
        Change::Policy(policy) => {
            let call = iam.put_role_policy().role_name(name).policy_name(POLICY).policy_document(text(policy));
            call.send().await.map(drop).map_err(failed("iam", "PutRolePolicy"))
        }
        Change::Describe(description) => {
            let call = iam.update_role().role_name(name).description(description);
            call.send().await.map(drop).map_err(failed("iam", "UpdateRole"))
        }
        Change::Tag(wanted) => {
            let call = iam.tag_role().role_name(name).set_tags(Some(tags(wanted, "TagRole")?));
            call.send().await.map(drop).map_err(failed("iam", "TagRole"))
        }
        Change::Untag(keys) => {
            let call = iam.untag_role().role_name(name).set_tag_keys(Some(keys.clone()));
            call.send().await.map(drop).map_err(failed("iam", "UntagRole"))
        }
        Change::DeletePolicy(policy) => {
            let answer = iam.delete_role_policy().role_name(name).policy_name(policy).send().await;
            found(answer, MISSING, failed("iam", "DeleteRolePolicy")).map(drop)
        }
        Change::Detach(policy) => {
            let answer = iam.detach_role_policy().role_name(name).policy_arn(policy).send().await;
            found(answer, MISSING, failed("iam", "DetachRolePolicy")).map(drop)
        }
        Change::Delete => {
            let answer = iam.delete_role().role_name(name).send().await;
            found(answer, MISSING, failed("iam", "DeleteRole")).map(drop)
        }
    }
}

async fn create(clients: &Clients, name: &str, role: &Desired) -> Result<(), CloudError> {
    let Desired { description, trust, policy: _, tags: wanted } = role;
    let call = clients.iam.create_role().role_name(name).path(ROLE_PATH).description(description);
    let call = call.assume_role_policy_document(text(trust)).set_tags(Some(tags(wanted, "CreateRole")?));
    call.send().await.map(drop).map_err(failed("iam", "CreateRole"))
}

fn tags(tags: &Tags, operation: &'static str) -> Result<Vec<Tag>, CloudError> {
    let tags = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build());
    tags.collect::<Result<_, _>>().map_err(invalid_request("iam", operation))
}

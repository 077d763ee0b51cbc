//! Roles: `GetRole` and its policies, or lists of all roles on our path; one IAM call per change.

use std::collections::BTreeMap;

use aws_sdk_iam::types::{EntityType, Role as SdkRole, RoleDetail, Tag};
use functions_core::contract::FunctionName;

use super::error::{failed, found, invalid_request};
use super::lists::{self, AccountLists};
use super::needs::{CallNeeds, Need, On, call};
use super::{Clients, Looking, by_tags};
use crate::cloud::{Answer, CloudError, Depth, Seen};
use crate::gallery::Identity;
use crate::names::{ROLE_PATH, Tags};
use crate::resources::document::{decoded, parse, text};
use crate::resources::role::{Change, Desired, Observed, POLICY};

/// What IAM asks of whoever makes these calls.
pub(super) const NEEDS: &[CallNeeds] = &[
    call("iam", "GetRole", &[Need("iam:GetRole", On::Role), Need("iam:GetRole", On::MissingRole)]),
    call("iam", "ListRoles", &[Need("iam:ListRoles", On::Anything)]),
    call(
        "iam",
        "GetAccountAuthorizationDetails",
        &[Need("iam:GetAccountAuthorizationDetails", On::Anything)],
    ),
    call("iam", "GetRolePolicy", &[Need("iam:GetRolePolicy", On::Role)]),
    call("iam", "ListRolePolicies", &[Need("iam:ListRolePolicies", On::Role)]),
    call("iam", "ListAttachedRolePolicies", &[Need("iam:ListAttachedRolePolicies", On::Role)]),
    call("iam", "CreateRole", &[Need("iam:CreateRole", On::RoleInBounds), Need("iam:TagRole", On::Role)]),
    call("iam", "PutRolePermissionsBoundary", &[Need("iam:PutRolePermissionsBoundary", On::RoleInBounds)]),
    call("iam", "UpdateAssumeRolePolicy", &[Need("iam:UpdateAssumeRolePolicy", On::Role)]),
    call("iam", "PutRolePolicy", &[Need("iam:PutRolePolicy", On::RoleInBounds)]),
    call("iam", "UpdateRole", &[Need("iam:UpdateRole", On::Role)]),
    call("iam", "TagRole", &[Need("iam:TagRole", On::Role)]),
    call("iam", "UntagRole", &[Need("iam:UntagRole", On::Role)]),
    call("iam", "DeleteRolePolicy", &[Need("iam:DeleteRolePolicy", On::Role)]),
    call("iam", "DetachRolePolicy", &[Need("iam:DetachRolePolicy", On::Role)]),
    call("iam", "DeleteRole", &[Need("iam:DeleteRole", On::Role)]),
];

const MISSING: &[&str] = &["NoSuchEntity"];
/// As many as IAM gives in one answer.
const PAGE: i32 = 1000;

/// A role of a list.
#[derive(Debug)]
pub(super) struct Listed {
    arn: String,
    description: String,
    trust: String,
}

/// What another list tells of a role: its policies and tags.
#[derive(Debug)]
pub(super) struct Policies {
    policy: Option<String>,
    names: Vec<String>,
    attached: Vec<String>,
    boundary: Option<String>,
    tags: Tags,
}

pub(super) async fn observe(
    looking: &Looking<'_>,
    function: FunctionName,
) -> Result<Seen<Observed>, CloudError> {
    let name = looking.gallery.role(function);
    let found = match looking.depth {
        Depth::Listed | Depth::ListedNow => match listed(looking, &name).await? {
            // Lists are behind each other for a moment.
            Some((_, None)) => asked(looking, &name).await?,
            Some((role, Some(policies))) => Some((role, policies)),
            None => None,
        },
        Depth::Whole | Depth::Known | Depth::Bare => asked(looking, &name).await?,
    };
    let Some((role, policies)) = found else { return Ok(Seen::Nothing) };
    let Listed { arn, description, trust } = role;
    let Policies { policy, names: policies, attached, boundary, tags } = policies;
    let (trust, policy) = (parse(&trust), policy.as_deref().map(parse));
    let observed =
        Observed { arn, description, trust, policy, policies, attached, boundary, tags: tags.clone() };
    Ok(by_tags(looking.gallery, &tags, &name, observed))
}

/// What lists of all roles on our path hold of this one.
async fn listed(looking: &Looking<'_>, name: &str) -> Result<Option<(Listed, Option<Policies>)>, CloudError> {
    let Looking { clients, .. } = *looking;
    let AccountLists { roles, policies, .. } = &*clients.account_lists;
    let pick = |all: &BTreeMap<String, Listed>| {
        let Listed { arn, description, trust } = all.get(name)?;
        Some(Listed { arn: arn.clone(), description: description.clone(), trust: trust.clone() })
    };
    let Some(role) = lists::find(looking, roles, || list(clients), pick).await? else { return Ok(None) };
    let pick = |all: &BTreeMap<String, Policies>| {
        let Policies { policy, names, attached, boundary, tags } = all.get(name)?;
        let (policy, names, attached) = (policy.clone(), names.clone(), attached.clone());
        Some(Policies { policy, names, attached, boundary: boundary.clone(), tags: tags.clone() })
    };
    Ok(Some((role, lists::find(looking, policies, || list_policies(clients), pick).await?)))
}

async fn list(clients: &Clients) -> Result<BTreeMap<String, Listed>, CloudError> {
    let call = clients.iam("ListRoles").await.list_roles().path_prefix(ROLE_PATH).max_items(PAGE);
    let pages = call.into_paginator().items().send();
    let all = pages.collect::<Result<Vec<_>, _>>().await.map_err(failed("iam", "ListRoles"))?;
    let role = |role: SdkRole| {
        let trust = role.assume_role_policy_document.map(|it| decoded(&it)).unwrap_or_default();
        (role.role_name, Listed { arn: role.arn, description: role.description.unwrap_or_default(), trust })
    };
    Ok(all.into_iter().map(role).collect())
}

/// IAM tells policies and tags of all roles at once, but of those on other paths too.
async fn list_policies(clients: &Clients) -> Result<BTreeMap<String, Policies>, CloudError> {
    let client = clients.iam("GetAccountAuthorizationDetails").await;
    let call = client.get_account_authorization_details();
    let mut pages = call.filter(EntityType::Role).max_items(PAGE).into_paginator().send();
    let mut all = BTreeMap::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(failed("iam", "GetAccountAuthorizationDetails"))?;
        let roles = page.role_detail_list.unwrap_or_default();
        let ours = roles.into_iter().filter(|role| role.path.as_deref() == Some(ROLE_PATH));
        all.extend(ours.filter_map(policies_of));
    }
    Ok(all)
}

fn policies_of(role: RoleDetail) -> Option<(String, Policies)> {
    let inline = role.role_policy_list.unwrap_or_default();
    let ours = inline.iter().find(|policy| policy.policy_name() == Some(POLICY));
    let attached = role.attached_managed_policies.unwrap_or_default().into_iter();
    let policies = Policies {
        policy: ours.and_then(|policy| policy.policy_document.as_deref().map(decoded)),
        names: inline.into_iter().filter_map(|policy| policy.policy_name).collect(),
        attached: attached.filter_map(|policy| policy.policy_arn).collect(),
        boundary: role.permissions_boundary.and_then(|boundary| boundary.permissions_boundary_arn),
        tags: role.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect(),
    };
    Some((role.role_name?, policies))
}

/// This role alone.
async fn asked(looking: &Looking<'_>, name: &str) -> Result<Option<(Listed, Policies)>, CloudError> {
    let Looking { clients, depth, .. } = *looking;
    let answer = clients.iam("GetRole").await.get_role().role_name(name).send().await;
    let Some(answer) = found(answer, MISSING, failed("iam", "GetRole"))? else { return Ok(None) };
    let Some(role) = answer.role else { return Ok(None) };
    let policy = async { if depth == Depth::Bare { Ok(None) } else { policy(clients, name).await } };
    let (policy, names, attached) =
        tokio::try_join!(policy, policies(clients, name), attached(clients, name))?;
    let policies = Policies {
        policy,
        names,
        attached,
        boundary: role.permissions_boundary.and_then(|boundary| boundary.permissions_boundary_arn),
        tags: role.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect(),
    };
    let trust = role.assume_role_policy_document.unwrap_or_default();
    let role = Listed { arn: role.arn, description: role.description.unwrap_or_default(), trust };
    Ok(Some((role, policies)))
}

async fn policy(clients: &Clients, name: &str) -> Result<Option<String>, CloudError> {
    let answer =
        clients.iam("GetRolePolicy").await.get_role_policy().role_name(name).policy_name(POLICY).send().await;
    Ok(found(answer, MISSING, failed("iam", "GetRolePolicy"))?.map(|answer| answer.policy_document))
}

async fn policies(clients: &Clients, name: &str) -> Result<Vec<String>, CloudError> {
    let pages = clients
        .iam("ListRolePolicies")
        .await
        .list_role_policies()
        .role_name(name)
        .into_paginator()
        .items()
        .send();
    let answer = pages.collect::<Result<Vec<_>, _>>().await;
    Ok(found(answer, MISSING, failed("iam", "ListRolePolicies"))?.unwrap_or_default())
}

async fn attached(clients: &Clients, name: &str) -> Result<Vec<String>, CloudError> {
    let pages = clients
        .iam("ListAttachedRolePolicies")
        .await
        .list_attached_role_policies()
        .role_name(name)
        .into_paginator()
        .items()
        .send();
    let answer = pages.collect::<Result<Vec<_>, _>>().await;
    let attached = found(answer, MISSING, failed("iam", "ListAttachedRolePolicies"))?.unwrap_or_default();
    Ok(attached.into_iter().filter_map(|policy| policy.policy_arn).collect())
}

pub(super) async fn apply(
    clients: &Clients,
    gallery: &Identity,
    function: FunctionName,
    change: &Change,
) -> Result<Answer, CloudError> {
    let name = &gallery.role(function);
    match change {
        Change::Create(role) => return create(clients, name, role).await,
        Change::Bound(boundary) => {
            let call = clients
                .iam("PutRolePermissionsBoundary")
                .await
                .put_role_permissions_boundary()
                .role_name(name)
                .permissions_boundary(boundary);
            call.send().await.map(drop).map_err(failed("iam", "PutRolePermissionsBoundary"))
        }
        Change::Trust(trust) => {
            let call = clients
                .iam("UpdateAssumeRolePolicy")
                .await
                .update_assume_role_policy()
                .role_name(name)
                .policy_document(text(trust));
            call.send().await.map(drop).map_err(failed("iam", "UpdateAssumeRolePolicy"))
        }
        Change::Policy(policy) => {
            let call = clients
                .iam("PutRolePolicy")
                .await
                .put_role_policy()
                .role_name(name)
                .policy_name(POLICY)
                .policy_document(text(policy));
            call.send().await.map(drop).map_err(failed("iam", "PutRolePolicy"))
        }
        Change::Describe(description) => {
            let call = clients.iam("UpdateRole").await.update_role().role_name(name).description(description);
            call.send().await.map(drop).map_err(failed("iam", "UpdateRole"))
        }
        Change::Tag(wanted) => {
            let call = clients
                .iam("TagRole")
                .await
                .tag_role()
                .role_name(name)
                .set_tags(Some(tags(wanted, "TagRole")?));
            call.send().await.map(drop).map_err(failed("iam", "TagRole"))
        }
        Change::Untag(keys) => {
            let call =
                clients.iam("UntagRole").await.untag_role().role_name(name).set_tag_keys(Some(keys.clone()));
            call.send().await.map(drop).map_err(failed("iam", "UntagRole"))
        }
        Change::DeletePolicy(policy) => {
            let answer = clients
                .iam("DeleteRolePolicy")
                .await
                .delete_role_policy()
                .role_name(name)
                .policy_name(policy)
                .send()
                .await;
            found(answer, MISSING, failed("iam", "DeleteRolePolicy")).map(drop)
        }
        Change::Detach(policy) => {
            let answer = clients
                .iam("DetachRolePolicy")
                .await
                .detach_role_policy()
                .role_name(name)
                .policy_arn(policy)
                .send()
                .await;
            found(answer, MISSING, failed("iam", "DetachRolePolicy")).map(drop)
        }
        Change::Delete => {
            let answer = clients.iam("DeleteRole").await.delete_role().role_name(name).send().await;
            found(answer, MISSING, failed("iam", "DeleteRole")).map(drop)
        }
    }
    .map(|()| Answer::Done)
}

async fn create(clients: &Clients, name: &str, role: &Desired) -> Result<Answer, CloudError> {
    let Desired { description, trust, policy: _, boundary, tags: wanted } = role;
    let call = clients
        .iam("CreateRole")
        .await
        .create_role()
        .role_name(name)
        .path(ROLE_PATH)
        .description(description);
    let call = call.set_permissions_boundary(boundary.clone());
    let call = call.assume_role_policy_document(text(trust)).set_tags(Some(tags(wanted, "CreateRole")?));
    let made = call.send().await.map_err(failed("iam", "CreateRole"))?;
    Ok(made.role.map_or(Answer::Done, |role| Answer::Assigned(role.arn)))
}

fn tags(tags: &Tags, operation: &'static str) -> Result<Vec<Tag>, CloudError> {
    let tags = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build());
    tags.collect::<Result<_, _>>().map_err(invalid_request("iam", operation))
}

#[cfg(test)]
mod tests {
    use aws_sdk_iam::Client;
    use aws_sdk_iam::operation::create_role::CreateRoleOutput;
    use aws_sdk_iam::operation::get_role::GetRoleOutput;
    use aws_sdk_iam::operation::get_role_policy::GetRolePolicyOutput;
    use aws_sdk_iam::operation::list_attached_role_policies::ListAttachedRolePoliciesOutput;
    use aws_sdk_iam::operation::list_role_policies::ListRolePoliciesOutput;
    use aws_sdk_iam::types::{AttachedPolicy, Role};
    use aws_smithy_mocks::{Rule, mock};
    use serde_json::json;

    use super::*;
    use crate::testing::clients::{clients, xml_refusal};
    use crate::testing::galleries::identity;

    const LIST: FunctionName = FunctionName::List;

    fn role(owned: &Tags) -> Role {
        let role =
            Role::builder().path(ROLE_PATH).role_name("name").role_id("AROA").arn("arn:aws:iam::1:role/name");
        let role = role.assume_role_policy_document("%7B%22Version%22%3A%22x%22%7D").description("text");
        role.create_date(aws_smithy_types::DateTime::from_secs(0))
            .set_tags(Some(tags(owned, "GetRole").unwrap()))
            .build()
            .unwrap()
    }

    fn found_with(owned: Tags) -> Rule {
        mock!(Client::get_role).then_output(move || GetRoleOutput::builder().role(role(&owned)).build())
    }

    #[tokio::test]
    async fn a_role_is_read_with_its_policies() {
        let identity = identity("photos", "summer");
        let policy = mock!(Client::get_role_policy).then_output(|| {
            let policy = GetRolePolicyOutput::builder().role_name("name").policy_name(POLICY);
            policy.policy_document("%7B%22a%22%3A%5B%5D%7D").build().unwrap()
        });
        let names = mock!(Client::list_role_policies)
            .then_output(|| ListRolePoliciesOutput::builder().policy_names("one").build().unwrap());
        let attached = mock!(Client::list_attached_role_policies).then_output(|| {
            let policy = AttachedPolicy::builder().policy_arn("arn:policy").build();
            ListAttachedRolePoliciesOutput::builder().attached_policies(policy).build()
        });
        let role = found_with(identity.owner_tags());
        let clients = clients(&[&role, &policy, &names, &attached]);
        let Seen::Ours(seen) = observe(&Looking::whole(&clients, &identity), LIST).await.unwrap() else {
            panic!()
        };
        assert_eq!((seen.trust, seen.policy), (json!({"Version": "x"}), Some(json!({"a": []}))));
        assert_eq!((seen.policies, seen.attached), (vec!["one".to_owned()], vec!["arn:policy".to_owned()]));
    }

    #[tokio::test]
    async fn a_role_without_our_tags_is_somebody_else_s() {
        let policy =
            mock!(Client::get_role_policy).then_http_response(|| xml_refusal(404, "NoSuchEntity", "none"));
        let names = mock!(Client::list_role_policies).then_output(|| {
            ListRolePoliciesOutput::builder().set_policy_names(Some(vec![])).build().unwrap()
        });
        let attached = mock!(Client::list_attached_role_policies)
            .then_output(|| ListAttachedRolePoliciesOutput::builder().build());
        let clients = clients(&[&found_with(Tags::new()), &policy, &names, &attached]);
        let seen = observe(&Looking::whole(&clients, &identity("photos", "summer")), LIST).await.unwrap();
        assert!(matches!(seen, Seen::Foreign(_)), "{seen:?}");
    }

    #[tokio::test]
    async fn a_missing_role_is_not_an_error_and_neither_is_its_deletion() {
        let get = mock!(Client::get_role).then_http_response(|| xml_refusal(404, "NoSuchEntity", "none"));
        let delete =
            mock!(Client::delete_role).then_http_response(|| xml_refusal(404, "NoSuchEntity", "none"));
        let (clients, identity) = (clients(&[&get, &delete]), identity("photos", "summer"));
        assert_eq!(observe(&Looking::whole(&clients, &identity), LIST).await.unwrap(), Seen::Nothing);
        apply(&clients, &identity, LIST, &Change::Delete).await.unwrap();
    }

    #[tokio::test]
    async fn a_role_is_made_with_path_and_tags() {
        let create = mock!(Client::create_role)
            .match_requests(|request| {
                let tags = request.tags().iter().any(|tag| tag.key() == crate::names::TAG_OWNER);
                let is_bounded = request.permissions_boundary() == Some("arn:b");
                request.path() == Some(ROLE_PATH) && is_bounded && tags
            })
            .then_output(|| CreateRoleOutput::builder().build());
        let identity = identity("photos", "summer");
        let (description, tags) = ("text".into(), identity.owner_tags());
        let role = Desired {
            description,
            trust: json!({}),
            policy: json!({}),
            boundary: Some("arn:b".into()),
            tags,
        };
        apply(&clients(&[&create]), &identity, LIST, &Change::Create(role)).await.unwrap();
        assert_eq!(create.num_calls(), 1);
    }
}

//! Roles: `GetRole` and its policies; one IAM call per change.

use aws_sdk_iam::types::Tag;
use functions_core::contract::FunctionName;

use super::error::{failed, found, invalid_request};
use super::needs::{CallNeeds, Need, On, call};
use super::{Clients, by_tags};
use crate::cloud::{CloudError, Seen};
use crate::gallery::Identity;
use crate::names::{ROLE_PATH, Tags};
use crate::resources::document::{parse, text};
use crate::resources::role::{Change, Desired, Observed, POLICY};

/// What IAM asks of whoever makes these calls.
pub(super) const NEEDS: &[CallNeeds] = &[
    call("iam", "GetRole", &[Need("iam:GetRole", On::Role), Need("iam:GetRole", On::MissingRole)]),
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
        boundary: role.permissions_boundary.and_then(|boundary| boundary.permissions_boundary_arn),
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
        Change::Bound(boundary) => {
            let call = iam.put_role_permissions_boundary().role_name(name).permissions_boundary(boundary);
            call.send().await.map(drop).map_err(failed("iam", "PutRolePermissionsBoundary"))
        }
        Change::Trust(trust) => {
            let call = iam.update_assume_role_policy().role_name(name).policy_document(text(trust));
            call.send().await.map(drop).map_err(failed("iam", "UpdateAssumeRolePolicy"))
        }
        Change::Policy(policy) => {
            let call =
                iam.put_role_policy().role_name(name).policy_name(POLICY).policy_document(text(policy));
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
    let Desired { description, trust, policy: _, boundary, tags: wanted } = role;
    let call = clients.iam.create_role().role_name(name).path(ROLE_PATH).description(description);
    let call = call.set_permissions_boundary(boundary.clone());
    let call = call.assume_role_policy_document(text(trust)).set_tags(Some(tags(wanted, "CreateRole")?));
    call.send().await.map(drop).map_err(failed("iam", "CreateRole"))
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
        let Seen::Ours(seen) = observe(&clients, &identity, LIST).await.unwrap() else { panic!() };
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
        let seen = observe(&clients, &identity("photos", "summer"), LIST).await.unwrap();
        assert!(matches!(seen, Seen::Foreign(_)), "{seen:?}");
    }

    #[tokio::test]
    async fn a_missing_role_is_not_an_error_and_neither_is_its_deletion() {
        let get = mock!(Client::get_role).then_http_response(|| xml_refusal(404, "NoSuchEntity", "none"));
        let delete =
            mock!(Client::delete_role).then_http_response(|| xml_refusal(404, "NoSuchEntity", "none"));
        let (clients, identity) = (clients(&[&get, &delete]), identity("photos", "summer"));
        assert_eq!(observe(&clients, &identity, LIST).await.unwrap(), Seen::Nothing);
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

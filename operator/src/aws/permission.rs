//! Permissions: our statement in a function's resource policy.

use functions_core::contract::FunctionName;

use super::Clients;
use super::error::{failed, found};
use super::needs::{CallNeeds, Need, On, call};
use crate::cloud::{CloudError, Seen};
use crate::gallery::Identity;
use crate::resources::permission::{ACTION, Change, Desired, Observed, STATEMENT, read};

/// What IAM asks of whoever makes these calls.
pub(super) const NEEDS: &[CallNeeds] = &[
    call("lambda", "GetPolicy", &[Need("lambda:GetPolicy", On::Function)]),
    call("lambda", "AddPermission", &[Need("lambda:AddPermission", On::InvokedFunction)]),
    call("lambda", "RemovePermission", &[Need("lambda:RemovePermission", On::Function)]),
];

/// Neither policy nor function.
const MISSING: &[&str] = &["ResourceNotFoundException"];

pub(super) async fn observe(
    clients: &Clients,
    gallery: &Identity,
    function: FunctionName,
) -> Result<Seen<Observed>, CloudError> {
    let answer =
        clients.lambda("GetPolicy").await.get_policy().function_name(gallery.function(function)).send().await;
    let policy = found(answer, MISSING, failed("lambda", "GetPolicy"))?.and_then(|answer| answer.policy);
    Ok(policy.as_deref().and_then(read).map_or(Seen::Nothing, Seen::Ours))
}

pub(super) async fn apply(
    clients: &Clients,
    gallery: &Identity,
    function: FunctionName,
    change: &Change,
) -> Result<(), CloudError> {
    let name = gallery.function(function);
    match change {
        Change::Add(Desired { principal, source_arn, source_account }) => {
            let call = clients
                .lambda("AddPermission")
                .await
                .add_permission()
                .function_name(name)
                .statement_id(STATEMENT)
                .action(ACTION);
            let call = call.principal(principal).source_arn(source_arn).source_account(source_account);
            call.send().await.map(drop).map_err(failed("lambda", "AddPermission"))
        }
        Change::Remove(id) => {
            let answer = clients
                .lambda("RemovePermission")
                .await
                .remove_permission()
                .function_name(name)
                .statement_id(id)
                .send()
                .await;
            found(answer, MISSING, failed("lambda", "RemovePermission")).map(drop)
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_lambda::Client;
    use aws_sdk_lambda::operation::add_permission::AddPermissionOutput;
    use aws_sdk_lambda::operation::get_policy::GetPolicyOutput;
    use aws_smithy_mocks::mock;

    use super::*;
    use crate::testing::clients::{clients, rest_refusal};
    use crate::testing::galleries::identity;

    const LIST: FunctionName = FunctionName::List;

    #[tokio::test]
    async fn no_policy_and_an_empty_one_are_both_no_permission() {
        let identity = identity("photos", "summer");
        let none = mock!(Client::get_policy)
            .then_http_response(|| rest_refusal(404, "ResourceNotFoundException", "No policy is associated"));
        assert_eq!(observe(&clients(&[&none]), &identity, LIST).await.unwrap(), Seen::Nothing);
        let empty = mock!(Client::get_policy)
            .then_output(|| GetPolicyOutput::builder().policy(r#"{"Statement":[]}"#).build());
        assert_eq!(observe(&clients(&[&empty]), &identity, LIST).await.unwrap(), Seen::Nothing);
    }

    #[tokio::test]
    async fn a_permission_names_source_and_account() {
        let add = mock!(Client::add_permission)
            .match_requests(|request| {
                request.statement_id() == Some(STATEMENT)
                    && request.source_arn() == Some("arn:source")
                    && request.source_account() == Some("123456789012")
            })
            .then_output(|| AddPermissionOutput::builder().build());
        let (principal, source_arn) = ("s3.amazonaws.com".into(), "arn:source".into());
        let wanted = Desired { principal, source_arn, source_account: "123456789012".into() };
        apply(&clients(&[&add]), &identity("photos", "summer"), LIST, &Change::Add(wanted)).await.unwrap();
        assert_eq!(add.num_calls(), 1);
    }
}

//! Permissions: our statement in a function's resource policy.

use functions_core::contract::FunctionName;

use super::Clients;
use super::error::{failed, found};
use crate::cloud::{CloudError, Seen};
use crate::gallery::Identity;
use crate::resources::permission::{ACTION, Change, Desired, Observed, STATEMENT, read};

/// Neither policy nor function.
const MISSING: &[&str] = &["ResourceNotFoundException"];

pub(super) async fn observe(
    clients: &Clients,
    gallery: &Identity,
    function: FunctionName,
) -> Result<Seen<Observed>, CloudError> {
    let answer = clients.lambda.get_policy().function_name(gallery.function(function)).send().await;
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
            let call = clients.lambda.add_permission().function_name(name).statement_id(STATEMENT).action(ACTION);
            let call = call.principal(principal).source_arn(source_arn).source_account(source_account);
            call.send().await.map(drop).map_err(failed("lambda", "AddPermission"))
        }
        Change::Remove => {
            let answer = clients.lambda.remove_permission().function_name(name).statement_id(STATEMENT).send().await;
            found(answer, MISSING, failed("lambda", "RemovePermission")).map(drop)
        }
    }
}

//! What the account says of itself, for the preflight of a gallery that is yet to be made: three calls, and one or two more for a
//! quota that seems to be near its end.
//!
//! Nothing of it is needed: what may not be asked, or is not answered, is left out.

use aws_sdk_iam::types::{ContextEntry, ContextKeyTypeEnum, EvaluationResult, PolicyEvaluationDecisionType};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use futures::future::join_all;
use futures::join;

use super::Clients;
use super::error::failed;
use super::needs::{CallNeeds, Need, On, call};
use crate::cloud::CloudError;
use crate::gallery::Identity;
use crate::preflight::simulation::{Decision, Denied, Request, Simulation};
use crate::preflight::{Account, Limit, Question, Quota, Usage};

/// What IAM asks of whoever makes these calls. The operator does without.
pub(super) const NEEDS: &[CallNeeds] = &[
    call("lambda", "GetAccountSettings", &[Need("lambda:GetAccountSettings", On::Anything)]),
    call("iam", "GetAccountSummary", &[Need("iam:GetAccountSummary", On::Anything)]),
    call("iam", "SimulatePrincipalPolicy", &[Need("iam:SimulatePrincipalPolicy", On::Principal)]),
    call("servicequotas", "GetServiceQuota", &[Need("servicequotas:GetServiceQuota", On::ServiceQuota)]),
    call(
        "servicequotas",
        "GetAWSDefaultServiceQuota",
        &[Need("servicequotas:GetAWSDefaultServiceQuota", On::Anything)],
    ),
];

/// Lambda keeps this much of the account's concurrency for functions that reserve none.
const KEPT_UNRESERVED: u64 = 100;
/// As many decisions as IAM gives in one answer.
const PAGE: i32 = 1000;

/// Asks. Without a `principal`, nothing is simulated.
pub(super) async fn read(
    clients: &Clients,
    principal: Option<&str>,
    gallery: &Identity,
    question: &Question,
) -> Account {
    let (settings, roles, counted, denied) = join!(
        settings(clients),
        roles(clients),
        counted(clients, question),
        denied(clients, principal, gallery, question),
    );
    let mut account = Account::default();
    account.usage.extend(told(settings).into_iter().flatten());
    account.usage.extend(told(roles).flatten().map(|usage| (Quota::Roles, usage)));
    account.usage.extend(counted);
    account.denied = told(denied).unwrap_or_default();
    account
}

fn told<T>(answer: Result<T, CloudError>) -> Option<T> {
    let note = |error: &CloudError| {
        let (operation, code) = (error.operation, &error.code);
        tracing::info!(operation, code, message = %error.source, "the preflight does without");
    };
    answer.inspect_err(note).ok()
}

/// Of the region's functions.
async fn settings(clients: &Clients) -> Result<Vec<(Quota, Usage)>, CloudError> {
    let answer = clients.lambda("GetAccountSettings").await.get_account_settings().send().await;
    let answer = answer.map_err(failed("lambda", "GetAccountSettings"))?;
    let (Some(limit), Some(used)) = (answer.account_limit, answer.account_usage) else {
        return Ok(Vec::new());
    };
    let positive = |number: i64| u64::try_from(number).unwrap_or_default();
    let code =
        Usage { used: positive(used.total_code_size), limit: Limit::Exact(positive(limit.total_code_size)) };
    let all = positive(limit.concurrent_executions.into());
    let unreserved = limit.unreserved_concurrent_executions.map(|count| positive(count.into()));
    let reserved = unreserved.map(|unreserved| Usage {
        used: all.saturating_sub(unreserved),
        // Of a new account's 10 nothing can be reserved.
        limit: Limit::Exact(all.saturating_sub(KEPT_UNRESERVED)),
    });
    let reserved = reserved.map(|usage| (Quota::ReservedConcurrency, usage));
    Ok([(Quota::CodeStorage, code)].into_iter().chain(reserved).collect())
}

async fn roles(clients: &Clients) -> Result<Option<Usage>, CloudError> {
    let answer = clients.iam("GetAccountSummary").await.get_account_summary().send().await;
    let summary = answer.map_err(failed("iam", "GetAccountSummary"))?.summary_map.unwrap_or_default();
    let number = |name: &str| {
        let found = summary.iter().find(|(key, _)| key.as_str() == name);
        found.and_then(|(_, number)| u64::try_from(*number).ok())
    };
    let usage = |used, limit| Usage { used, limit: Limit::Exact(limit) };
    Ok(number("Roles").zip(number("RolesQuota")).map(|(used, limit)| usage(used, limit)))
}

/// What the look has counted on its way. Where AWS's default might not do, Service Quotas is asked what this account may have.
async fn counted(clients: &Clients, question: &Question) -> Vec<(Quota, Usage)> {
    let counted = question.needs.iter().filter_map(|(quota, need)| {
        Some((*quota, *need, Usage { used: clients.counts.of(*quota)?, limit: quota.usual()? }))
    });
    let exact = counted.map(async |(quota, need, usage)| {
        let limit = match quota.code() {
            Some(code) if usage.is_tight(need) => told(applied(clients, code).await).flatten(),
            _ => None,
        };
        (quota, Usage { limit: limit.map_or(usage.limit, Limit::Exact), ..usage })
    });
    join_all(exact).await
}

/// A quota of `CloudFront`'s. One that was never raised has no applied value, only the default of this account's time.
async fn applied(clients: &Clients, code: &str) -> Result<Option<u64>, CloudError> {
    let call = clients.quotas.get_service_quota().service_code("cloudfront").quota_code(code);
    let quota = match call.send().await {
        Ok(answer) => answer.quota,
        Err(error) if error.code() == Some("NoSuchResourceException") => {
            let call = clients.quotas.get_aws_default_service_quota();
            let answer = call.service_code("cloudfront").quota_code(code).send().await;
            answer.map_err(failed("servicequotas", "GetAWSDefaultServiceQuota"))?.quota
        }
        Err(error) => return Err(failed("servicequotas", "GetServiceQuota")(error)),
    };
    let value = quota.and_then(|quota| quota.value).filter(|value| *value >= 0.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count, told as a float")]
    Ok(value.map(|value| value as u64))
}

async fn denied(
    clients: &Clients,
    principal: Option<&str>,
    gallery: &Identity,
    question: &Question,
) -> Result<Vec<Denied>, CloudError> {
    let Some(principal) = principal else { return Ok(Vec::new()) };
    let simulation = Simulation::new(gallery, &question.unread);
    let mut decisions = Vec::new();
    for request in simulation.requests() {
        decisions.extend(simulate(clients, principal, gallery, request).await?);
    }
    Ok(simulation.denied(&decisions))
}

async fn simulate(
    clients: &Clients,
    principal: &str,
    gallery: &Identity,
    Request { actions, resources }: Request,
) -> Result<Vec<Decision>, CloudError> {
    let context = Simulation::context(gallery).into_iter().map(|(key, value)| {
        let entry = ContextEntry::builder().context_key_name(key).context_key_values(value);
        entry.context_key_type(ContextKeyTypeEnum::String).build()
    });
    let call = clients
        .iam("SimulatePrincipalPolicy")
        .await
        .simulate_principal_policy()
        .policy_source_arn(principal)
        .max_items(PAGE);
    let call = call.set_action_names(Some(actions.into_iter().collect()));
    let call = call.set_resource_arns(Some(resources.into_iter().collect()));
    let call = call.set_context_entries(Some(context.collect()));
    let results = call.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
    let results = results.map_err(failed("iam", "SimulatePrincipalPolicy"))?;
    Ok(results.iter().flat_map(decisions).collect())
}

/// One result holds one resource, or all of them.
fn decisions(result: &EvaluationResult) -> Vec<Decision> {
    // Of an organization's policies the simulator does not judge the conditions.
    let is_of_organization =
        result.organizations_decision_detail().is_some_and(|detail| !detail.allowed_by_organizations());
    let decision = |resource: &str, said: &PolicyEvaluationDecisionType, missing: &[String]| Decision {
        action: result.eval_action_name().to_owned(),
        resource: resource.to_owned(),
        is_allowed: *said == PolicyEvaluationDecisionType::Allowed,
        is_certain: missing.is_empty() && !is_of_organization,
    };
    let whole = result
        .eval_resource_name()
        .map(|resource| decision(resource, result.eval_decision(), result.missing_context_values()));
    let parts = result.resource_specific_results().iter().map(|part| {
        let missing = [result.missing_context_values(), part.missing_context_values()].concat();
        decision(part.eval_resource_name(), part.eval_resource_decision(), &missing)
    });
    whole.into_iter().chain(parts).collect()
}

#[cfg(test)]
mod tests;

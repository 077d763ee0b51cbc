use std::collections::BTreeMap;

use aws_sdk_iam::Client as Iam;
use aws_sdk_iam::operation::get_account_summary::GetAccountSummaryOutput;
use aws_sdk_iam::operation::simulate_principal_policy::SimulatePrincipalPolicyOutput;
use aws_sdk_iam::types::{OrganizationsDecisionDetail, ResourceSpecificResult, SummaryKeyType};
use aws_sdk_lambda::Client as Lambda;
use aws_sdk_lambda::operation::get_account_settings::GetAccountSettingsOutput;
use aws_sdk_lambda::types::{AccountLimit, AccountUsage};
use aws_sdk_servicequotas::Client as ServiceQuotas;
use aws_sdk_servicequotas::operation::get_aws_default_service_quota::GetAwsDefaultServiceQuotaOutput;
use aws_sdk_servicequotas::operation::get_service_quota::GetServiceQuotaOutput;
use aws_sdk_servicequotas::types::ServiceQuota;
use aws_smithy_mocks::{Rule, mock};

use super::*;
use crate::testing::clients::{clients, json_refusal, rest_refusal, xml_refusal};
use crate::testing::galleries::identity;

const PRINCIPAL: &str = "arn:aws:iam::123456789012:role/operator";

fn settings_of(all: i32, unreserved: i32) -> Rule {
    mock!(Lambda::get_account_settings).then_output(move || {
        let limit = AccountLimit::builder().total_code_size(80_530_636_800).concurrent_executions(all);
        let limit = limit.unreserved_concurrent_executions(unreserved).build();
        let usage = AccountUsage::builder().total_code_size(5).build();
        GetAccountSettingsOutput::builder().account_limit(limit).account_usage(usage).build()
    })
}

fn summary_of(roles: i32) -> Rule {
    mock!(Iam::get_account_summary).then_output(move || {
        let summary = GetAccountSummaryOutput::builder().summary_map(SummaryKeyType::Users, 3);
        let summary = summary.summary_map(SummaryKeyType::from("Roles"), roles);
        summary.summary_map(SummaryKeyType::from("RolesQuota"), 1000).build()
    })
}

fn question(needs: &[(Quota, u64)]) -> Question {
    Question { needs: needs.iter().copied().collect(), ..Question::default() }
}

#[tokio::test]
async fn lambda_and_iam_tell_what_the_account_has_and_may_have() {
    let (settings, summary) = (settings_of(1000, 850), summary_of(998));
    let gallery = identity("photos", "summer");
    let account = read(&clients(&[&settings, &summary]), None, &gallery, &question(&[])).await;
    let exact = |used, limit| Usage { used, limit: Limit::Exact(limit) };
    let expected = [
        (Quota::Roles, exact(998, 1000)),
        (Quota::ReservedConcurrency, exact(150, 900)),
        (Quota::CodeStorage, exact(5, 80_530_636_800)),
    ];
    assert_eq!(account, Account { usage: BTreeMap::from(expected), denied: Vec::new() });
}

#[tokio::test]
async fn of_the_ten_executions_of_a_new_account_none_can_be_reserved() {
    let (settings, summary) = (settings_of(10, 10), summary_of(1));
    let account =
        read(&clients(&[&settings, &summary]), None, &identity("photos", "summer"), &question(&[])).await;
    assert_eq!(account.usage[&Quota::ReservedConcurrency], Usage { used: 0, limit: Limit::Exact(0) });
}

#[tokio::test]
async fn what_may_not_be_asked_is_left_out() {
    let settings = mock!(Lambda::get_account_settings).then_http_response(|| {
        rest_refusal(403, "AccessDeniedException", "not authorized to perform: lambda:GetAccountSettings")
    });
    let summary =
        mock!(Iam::get_account_summary).then_http_response(|| xml_refusal(403, "AccessDenied", "no"));
    let simulate =
        mock!(Iam::simulate_principal_policy).then_http_response(|| xml_refusal(403, "AccessDenied", "no"));
    let quota = mock!(ServiceQuotas::get_service_quota)
        .then_http_response(|| json_refusal("AccessDeniedException", "no"));
    let clients = clients(&[&settings, &summary, &simulate, &quota]);
    clients.counts.note(Quota::Distributions, 200);
    let asked = question(&[(Quota::Distributions, 1), (Quota::RestApis, 1)]);
    let account = read(&clients, Some(PRINCIPAL), &identity("photos", "summer"), &asked).await;
    let usual = Usage { used: 200, limit: Limit::Usual(200) };
    assert_eq!(account, Account { usage: [(Quota::Distributions, usual)].into(), denied: Vec::new() });
    assert_eq!((simulate.num_calls(), quota.num_calls()), (1, 1));
}

/// To see it fail: ask Service Quotas always.
#[tokio::test]
async fn service_quotas_is_asked_only_about_what_seems_to_end() {
    let (settings, summary) = (settings_of(1000, 1000), summary_of(1));
    let applied = mock!(ServiceQuotas::get_service_quota)
        .match_requests(|request| {
            request.quota_code() == Some("L-24B04930") && request.service_code() == Some("cloudfront")
        })
        .then_output(|| {
            let quota = ServiceQuota::builder().value(1500.0).build();
            GetServiceQuotaOutput::builder().quota(quota).build()
        });
    let never_raised = mock!(ServiceQuotas::get_service_quota)
        .match_requests(|request| request.quota_code() == Some("L-CF0D4FC5"))
        .then_http_response(|| json_refusal("NoSuchResourceException", "There is no such quota."));
    let default = mock!(ServiceQuotas::get_aws_default_service_quota)
        .match_requests(|request| request.quota_code() == Some("L-CF0D4FC5"))
        .then_output(|| {
            let quota = ServiceQuota::builder().value(25.0).build();
            GetAwsDefaultServiceQuotaOutput::builder().quota(quota).build()
        });
    let clients = clients(&[&settings, &summary, &applied, &never_raised, &default]);
    let asked = question(&[
        (Quota::Distributions, 1),
        (Quota::ResponseHeadersPolicies, 1),
        (Quota::OriginAccessControls, 1),
        (Quota::RestApis, 1),
    ]);
    let gallery = identity("photos", "summer");
    for (quota, count) in
        [(Quota::Distributions, 12), (Quota::ResponseHeadersPolicies, 3), (Quota::RestApis, 600)]
    {
        clients.counts.note(quota, count);
    }
    let account = read(&clients, None, &gallery, &asked).await;
    assert_eq!(account.usage[&Quota::Distributions].limit, Limit::Usual(200));
    assert_eq!(account.usage[&Quota::RestApis], Usage { used: 600, limit: Limit::Exact(600) });
    assert_eq!(account.usage.get(&Quota::OriginAccessControls), None, "nobody counted them");
    assert_eq!((applied.num_calls(), default.num_calls()), (0, 0));

    clients.counts.note(Quota::Distributions, 195);
    clients.counts.note(Quota::ResponseHeadersPolicies, 20);
    let account = read(&clients, None, &gallery, &asked).await;
    assert_eq!(account.usage[&Quota::Distributions], Usage { used: 195, limit: Limit::Exact(1500) });
    assert_eq!(account.usage[&Quota::ResponseHeadersPolicies], Usage { used: 20, limit: Limit::Exact(25) });
}

/// A simulator that knows one denial, and tells it in one of AWS's forms.
fn simulator(form: fn(EvaluationResultForm<'_>) -> EvaluationResult, denied: &'static str) -> Rule {
    mock!(Iam::simulate_principal_policy)
        .match_requests(|request| {
            request.policy_source_arn() == Some(PRINCIPAL) && request.max_items() == Some(PAGE)
        })
        .then_compute_output(move |request| {
            let mut answer = SimulatePrincipalPolicyOutput::builder();
            for action in request.action_names() {
                for resource in request.resource_arns() {
                    let is_allowed = action != denied;
                    answer = answer.evaluation_results(form(EvaluationResultForm {
                        action,
                        resource,
                        is_allowed,
                    }));
                }
            }
            answer.build()
        })
}

struct EvaluationResultForm<'a> {
    action: &'a str,
    resource: &'a str,
    is_allowed: bool,
}

fn decision_of(is_allowed: bool) -> PolicyEvaluationDecisionType {
    if is_allowed {
        PolicyEvaluationDecisionType::Allowed
    } else {
        PolicyEvaluationDecisionType::ImplicitDeny
    }
}

fn plain(
    EvaluationResultForm { action, resource, is_allowed }: EvaluationResultForm<'_>,
) -> EvaluationResult {
    let result = EvaluationResult::builder().eval_action_name(action).eval_resource_name(resource);
    result.eval_decision(decision_of(is_allowed)).build().unwrap()
}

fn by_resource(
    EvaluationResultForm { action, resource, is_allowed }: EvaluationResultForm<'_>,
) -> EvaluationResult {
    let part = ResourceSpecificResult::builder().eval_resource_name(resource);
    let part = part.eval_resource_decision(decision_of(is_allowed)).build().unwrap();
    let result = EvaluationResult::builder().eval_action_name(action).eval_decision(decision_of(is_allowed));
    result.resource_specific_results(part).build().unwrap()
}

fn uncertain(form: EvaluationResultForm<'_>) -> EvaluationResult {
    let mut result = plain(form);
    if result.eval_decision != PolicyEvaluationDecisionType::Allowed {
        result.missing_context_values = Some(vec!["aws:SourceVpce".into()]);
    }
    result
}

fn of_organization(form: EvaluationResultForm<'_>) -> EvaluationResult {
    let mut result = plain(form);
    let is_allowed = result.eval_decision == PolicyEvaluationDecisionType::Allowed;
    let detail = OrganizationsDecisionDetail::builder().allowed_by_organizations(is_allowed).build();
    result.organizations_decision_detail = Some(detail);
    result
}

/// To see it fail: read only one form, or believe what depends on unknown keys.
#[tokio::test]
async fn a_denied_write_is_found_in_every_form_and_only_where_it_is_certain() {
    type Form = fn(EvaluationResultForm<'_>) -> EvaluationResult;
    let cases: [(Form, &str, usize); 5] = [
        (plain, "dynamodb:CreateTable", 1),
        (by_resource, "dynamodb:CreateTable", 1),
        (uncertain, "dynamodb:CreateTable", 0),
        (of_organization, "dynamodb:CreateTable", 0),
        // The look has just done this.
        (plain, "dynamodb:DescribeTable", 0),
    ];
    for (form, action, count) in cases {
        let (settings, summary, simulate) = (settings_of(1000, 1000), summary_of(1), simulator(form, action));
        let clients = clients(&[&settings, &summary, &simulate]);
        let gallery = identity("photos", "summer");
        let account = read(&clients, Some(PRINCIPAL), &gallery, &question(&[])).await;
        assert_eq!(account.denied.len(), count, "{action}: {:?}", account.denied);
        assert_eq!(simulate.num_calls(), 2);
    }
}

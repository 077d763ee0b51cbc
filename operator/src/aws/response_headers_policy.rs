//! The response headers policy, found by its name.

use std::collections::BTreeSet;

use aws_sdk_cloudfront::types::{
    FrameOptionsList, ReferrerPolicyList, ResponseHeadersPolicy, ResponseHeadersPolicyConfig,
    ResponseHeadersPolicyContentSecurityPolicy, ResponseHeadersPolicyContentTypeOptions,
    ResponseHeadersPolicyCustomHeader, ResponseHeadersPolicyCustomHeadersConfig,
    ResponseHeadersPolicyFrameOptions, ResponseHeadersPolicyReferrerPolicy,
    ResponseHeadersPolicySecurityHeadersConfig, ResponseHeadersPolicyStrictTransportSecurity,
    ResponseHeadersPolicyType,
};
use aws_smithy_types::error::operation::BuildError;

use super::Clients;
use super::error::{failed, invalid_request};
use super::needs::{CallNeeds, Need, On, call};
use crate::cloud::{Answer, CloudError, Seen};
use crate::gallery::Identity;
use crate::preflight::Quota;
use crate::resources::response_headers_policy::{COMMENT, Change, Desired, Headers, Observed, name};

/// What IAM asks of whoever makes these calls.
pub(super) const NEEDS: &[CallNeeds] = &[
    call(
        "cloudfront",
        "ListResponseHeadersPolicies",
        &[Need("cloudfront:ListResponseHeadersPolicies", On::Anything)],
    ),
    call(
        "cloudfront",
        "CreateResponseHeadersPolicy",
        &[Need("cloudfront:CreateResponseHeadersPolicy", On::Anything)],
    ),
    call(
        "cloudfront",
        "GetResponseHeadersPolicyConfig",
        &[Need("cloudfront:GetResponseHeadersPolicyConfig", On::ResponseHeadersPolicy)],
    ),
    call(
        "cloudfront",
        "UpdateResponseHeadersPolicy",
        &[Need("cloudfront:UpdateResponseHeadersPolicy", On::ResponseHeadersPolicy)],
    ),
];

pub(super) async fn observe(clients: &Clients, gallery: &Identity) -> Result<Seen<Observed>, CloudError> {
    let name = name(gallery);
    let (mut marker, mut count) = (None, 0);
    loop {
        let call = clients
            .cloudfront("ListResponseHeadersPolicies")
            .await
            .list_response_headers_policies()
            .r#type(ResponseHeadersPolicyType::Custom);
        let page = call
            .set_marker(marker)
            .send()
            .await
            .map_err(failed("cloudfront", "ListResponseHeadersPolicies"))?;
        let Some(list) = page.response_headers_policy_list else { return Ok(Seen::Nothing) };
        count += list.items.as_ref().map_or(0, Vec::len);
        let policies = list.items.into_iter().flatten().filter_map(|item| item.response_headers_policy);
        if let Some(found) = policies.filter_map(read).find(|found| found.name == name) {
            return Ok(Seen::Ours(found));
        }
        marker = list.next_marker.filter(|marker| !marker.is_empty());
        if marker.is_none() {
            clients.counts.note(Quota::ResponseHeadersPolicies, count);
            return Ok(Seen::Nothing);
        }
    }
}

/// A header that an origin may override counts as missing.
fn read(policy: ResponseHeadersPolicy) -> Option<Observed> {
    let config = policy.response_headers_policy_config?;
    let besides = besides(&config);
    let security = config
        .security_headers_config
        .unwrap_or_else(|| ResponseHeadersPolicySecurityHeadersConfig::builder().build());
    let others = config.custom_headers_config.and_then(|custom| custom.items).unwrap_or_default();
    let others = others.into_iter().filter(|header| header.r#override);
    let transport = security.strict_transport_security.filter(|header| header.r#override);
    let content = security.content_security_policy.filter(|header| header.r#override);
    let frames = security.frame_options.filter(|header| header.r#override);
    let referrer = security.referrer_policy.filter(|header| header.r#override);
    let headers = Headers {
        content_security_policy: content.map(|header| header.content_security_policy).unwrap_or_default(),
        transport_security_seconds: transport
            .map(|header| header.access_control_max_age_sec)
            .unwrap_or_default(),
        no_sniffing: security.content_type_options.is_some_and(|header| header.r#override),
        frames: frames.map(|header| header.frame_option.to_string()).unwrap_or_default(),
        referrer: referrer.map(|header| header.referrer_policy.to_string()).unwrap_or_default(),
        others: others.map(|header| (header.header.to_ascii_lowercase(), header.value)).collect(),
    };
    let comment = config.comment.unwrap_or_default();
    Some(Observed { id: policy.id, name: config.name, comment, headers, besides })
}

/// Parts of a policy that ours does not have.
fn besides(config: &ResponseHeadersPolicyConfig) -> BTreeSet<String> {
    let security = config.security_headers_config();
    let transport = security.and_then(|security| security.strict_transport_security());
    let is_set = |flag: Option<bool>| flag == Some(true);
    let removed = config.remove_headers_config().and_then(|removed| removed.items.as_ref());
    let all = [
        (config.cors_config().is_some(), "CORS"),
        (config.server_timing_headers_config().is_some_and(|timing| timing.enabled), "server-timing"),
        (removed.is_some_and(|headers| !headers.is_empty()), "removed headers"),
        (security.is_some_and(|security| security.xss_protection().is_some()), "x-xss-protection"),
        (
            transport.is_some_and(|it| is_set(it.include_subdomains)),
            "strict-transport-security includeSubDomains",
        ),
        (transport.is_some_and(|it| is_set(it.preload)), "strict-transport-security preload"),
    ];
    all.into_iter().filter(|&(is_so, _part)| is_so).map(|(_is_so, part)| part.to_owned()).collect()
}

pub(super) async fn apply(
    clients: &Clients,
    _gallery: &Identity,
    change: &Change,
) -> Result<Answer, CloudError> {
    match change {
        Change::Create(policy) => {
            let config =
                write(policy).map_err(invalid_request("cloudfront", "CreateResponseHeadersPolicy"))?;
            let call = clients
                .cloudfront("CreateResponseHeadersPolicy")
                .await
                .create_response_headers_policy()
                .response_headers_policy_config(config);
            let answer = call.send().await.map_err(failed("cloudfront", "CreateResponseHeadersPolicy"))?;
            Ok(answer.response_headers_policy.map_or(Answer::Done, |made| Answer::Assigned(made.id)))
        }
        Change::Update { id, policy } => {
            let current = clients
                .cloudfront("GetResponseHeadersPolicyConfig")
                .await
                .get_response_headers_policy_config()
                .id(id)
                .send()
                .await;
            let current = current.map_err(failed("cloudfront", "GetResponseHeadersPolicyConfig"))?;
            let config =
                write(policy).map_err(invalid_request("cloudfront", "UpdateResponseHeadersPolicy"))?;
            let call = clients
                .cloudfront("UpdateResponseHeadersPolicy")
                .await
                .update_response_headers_policy()
                .id(id)
                .set_if_match(current.e_tag);
            let call = call.response_headers_policy_config(config);
            let answer = call.send().await.map_err(failed("cloudfront", "UpdateResponseHeadersPolicy"));
            answer.map(|_| Answer::Done)
        }
    }
}

fn write(policy: &Desired) -> Result<ResponseHeadersPolicyConfig, BuildError> {
    let Headers {
        content_security_policy,
        transport_security_seconds,
        no_sniffing,
        frames,
        referrer,
        others,
    } = &policy.headers;
    let content = ResponseHeadersPolicyContentSecurityPolicy::builder();
    let transport = ResponseHeadersPolicyStrictTransportSecurity::builder();
    let frames =
        ResponseHeadersPolicyFrameOptions::builder().frame_option(FrameOptionsList::from(frames.as_str()));
    let referrer = ReferrerPolicyList::from(referrer.as_str());
    let referrer = ResponseHeadersPolicyReferrerPolicy::builder().referrer_policy(referrer);
    let sniffing = ResponseHeadersPolicyContentTypeOptions::builder().r#override(true).build()?;
    let security = ResponseHeadersPolicySecurityHeadersConfig::builder()
        .content_security_policy(
            content.content_security_policy(content_security_policy).r#override(true).build()?,
        )
        .strict_transport_security(
            transport.access_control_max_age_sec(*transport_security_seconds).r#override(true).build()?,
        )
        .frame_options(frames.r#override(true).build()?)
        .referrer_policy(referrer.r#override(true).build()?)
        .set_content_type_options(no_sniffing.then_some(sniffing))
        .build();
    let others = others.iter().map(|(name, value)| {
        ResponseHeadersPolicyCustomHeader::builder().header(name).value(value).r#override(true).build()
    });
    let others = others.collect::<Result<Vec<_>, _>>()?;
    let quantity = i32::try_from(others.len()).unwrap_or(i32::MAX);
    let others = ResponseHeadersPolicyCustomHeadersConfig::builder()
        .quantity(quantity)
        .set_items(Some(others))
        .build()?;
    ResponseHeadersPolicyConfig::builder()
        .name(&policy.name)
        .comment(COMMENT)
        .security_headers_config(security)
        .custom_headers_config(others)
        .build()
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudfront::Client;
    use aws_sdk_cloudfront::operation::create_response_headers_policy::CreateResponseHeadersPolicyOutput;
    use aws_sdk_cloudfront::operation::list_response_headers_policies::ListResponseHeadersPoliciesOutput;
    use aws_sdk_cloudfront::types::{ResponseHeadersPolicyList, ResponseHeadersPolicySummary};
    use aws_smithy_mocks::{Rule, mock};

    use super::*;
    use crate::cloud;
    use crate::resources::Kind;
    use crate::resources::response_headers_policy::ResponseHeadersPolicy as Policy;
    use crate::testing::clients::clients;
    use crate::testing::galleries::{identity, summer};

    fn want() -> Desired {
        Policy::desired((), &summer(), &cloud::Observed::default()).unwrap()
    }

    fn page(marker: Option<&'static str>, next: Option<&'static str>, policy: Desired) -> Rule {
        mock!(Client::list_response_headers_policies)
            .match_requests(move |request| request.marker() == marker)
            .then_output(move || {
                let policy = ResponseHeadersPolicy::builder()
                    .id("RHP1")
                    .last_modified_time(aws_smithy_types::DateTime::from_secs(0))
                    .response_headers_policy_config(write(&policy).unwrap());
                let policy = policy.build().unwrap();
                let custom = ResponseHeadersPolicyType::Custom;
                let item =
                    ResponseHeadersPolicySummary::builder().r#type(custom).response_headers_policy(policy);
                let list = ResponseHeadersPolicyList::builder()
                    .max_items(1)
                    .quantity(1)
                    .items(item.build().unwrap());
                let list = list.set_next_marker(next.map(str::to_owned)).build().unwrap();
                ListResponseHeadersPoliciesOutput::builder().response_headers_policy_list(list).build()
            })
    }

    #[tokio::test]
    async fn what_was_written_reads_the_same_even_on_the_second_page() {
        let first = page(None, Some("more"), Desired { name: "another".into(), ..want() });
        let second = page(Some("more"), None, want());
        let seen = observe(&clients(&[&first, &second]), &identity("photos", "summer")).await.unwrap();
        let Seen::Ours(seen) = seen else { panic!() };
        assert_eq!((&seen.name, &seen.headers), (&want().name, &want().headers));
        assert_eq!(Policy::update(&want(), Some(&seen)), []);
    }

    #[tokio::test]
    async fn every_list_says_how_long_it_is() {
        let create = mock!(Client::create_response_headers_policy)
            .match_requests(|request| {
                let custom =
                    request.response_headers_policy_config().unwrap().custom_headers_config().unwrap();
                usize::try_from(custom.quantity()) == Ok(custom.items().len())
            })
            .then_output(|| CreateResponseHeadersPolicyOutput::builder().build());
        let change = Change::Create(want());
        apply(&clients(&[&create]), &identity("photos", "summer"), &change).await.unwrap();
        assert_eq!(create.num_calls(), 1);
    }
}

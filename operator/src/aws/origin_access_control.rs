//! The origin access control, found by its name.

use aws_sdk_cloudfront::types::{
    OriginAccessControlConfig, OriginAccessControlOriginTypes, OriginAccessControlSigningBehaviors,
    OriginAccessControlSigningProtocols, OriginAccessControlSummary,
};

use super::Clients;
use super::error::{failed, invalid_request};
use super::needs::{CallNeeds, Need, On, call};
use crate::cloud::{Answer, CloudError, Seen};
use crate::gallery::Identity;
use crate::preflight::Quota;
use crate::resources::origin_access_control::{Change, Desired, Observed};

/// What IAM asks of whoever makes these calls.
pub(super) const NEEDS: &[CallNeeds] = &[
    call(
        "cloudfront",
        "ListOriginAccessControls",
        &[Need("cloudfront:ListOriginAccessControls", On::Anything)],
    ),
    call(
        "cloudfront",
        "CreateOriginAccessControl",
        &[Need("cloudfront:CreateOriginAccessControl", On::Anything)],
    ),
    call(
        "cloudfront",
        "GetOriginAccessControlConfig",
        &[Need("cloudfront:GetOriginAccessControlConfig", On::OriginAccessControl)],
    ),
    call(
        "cloudfront",
        "UpdateOriginAccessControl",
        &[Need("cloudfront:UpdateOriginAccessControl", On::OriginAccessControl)],
    ),
];

pub(super) async fn observe(clients: &Clients, gallery: &Identity) -> Result<Seen<Observed>, CloudError> {
    let name = gallery.installation.origin_access_control();
    let mut pages = clients
        .cloudfront("ListOriginAccessControls")
        .await
        .list_origin_access_controls()
        .into_paginator()
        .send();
    let mut count = 0;
    while let Some(page) = pages.next().await {
        let page = page.map_err(failed("cloudfront", "ListOriginAccessControls"))?;
        let items = page.origin_access_control_list.and_then(|list| list.items).unwrap_or_default();
        if let Some(found) = items.iter().find(|item| item.name == name) {
            return Ok(Seen::Ours(read(found)));
        }
        count += items.len();
    }
    clients.counts.note(Quota::OriginAccessControls, count);
    Ok(Seen::Nothing)
}

fn read(found: &OriginAccessControlSummary) -> Observed {
    Observed {
        id: found.id.clone(),
        config: Desired {
            name: found.name.clone(),
            description: found.description.clone(),
            origin: found.origin_access_control_origin_type.to_string(),
            behavior: found.signing_behavior.to_string(),
            protocol: found.signing_protocol.to_string(),
        },
    }
}

pub(super) async fn apply(
    clients: &Clients,
    _gallery: &Identity,
    change: &Change,
) -> Result<Answer, CloudError> {
    match change {
        Change::Create(config) => {
            let config = write(config, "CreateOriginAccessControl")?;
            let call = clients
                .cloudfront("CreateOriginAccessControl")
                .await
                .create_origin_access_control()
                .origin_access_control_config(config);
            let answer = call.send().await.map_err(failed("cloudfront", "CreateOriginAccessControl"))?;
            Ok(answer.origin_access_control.map_or(Answer::Done, |made| Answer::Assigned(made.id)))
        }
        Change::Update { id, config } => {
            let current = clients
                .cloudfront("GetOriginAccessControlConfig")
                .await
                .get_origin_access_control_config()
                .id(id)
                .send()
                .await;
            let current = current.map_err(failed("cloudfront", "GetOriginAccessControlConfig"))?;
            let config = write(config, "UpdateOriginAccessControl")?;
            let call = clients
                .cloudfront("UpdateOriginAccessControl")
                .await
                .update_origin_access_control()
                .id(id)
                .set_if_match(current.e_tag);
            let call = call.origin_access_control_config(config);
            let answer = call.send().await.map_err(failed("cloudfront", "UpdateOriginAccessControl"));
            answer.map(|_| Answer::Done)
        }
    }
}

fn write(config: &Desired, operation: &'static str) -> Result<OriginAccessControlConfig, CloudError> {
    let Desired { name, description, origin, behavior, protocol } = config;
    OriginAccessControlConfig::builder()
        .name(name)
        .description(description)
        .origin_access_control_origin_type(OriginAccessControlOriginTypes::from(origin.as_str()))
        .signing_behavior(OriginAccessControlSigningBehaviors::from(behavior.as_str()))
        .signing_protocol(OriginAccessControlSigningProtocols::from(protocol.as_str()))
        .build()
        .map_err(invalid_request("cloudfront", operation))
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudfront::Client;
    use aws_sdk_cloudfront::operation::get_origin_access_control_config::GetOriginAccessControlConfigOutput;
    use aws_sdk_cloudfront::operation::list_origin_access_controls::ListOriginAccessControlsOutput;
    use aws_sdk_cloudfront::operation::update_origin_access_control::UpdateOriginAccessControlOutput;
    use aws_sdk_cloudfront::types::OriginAccessControlList;
    use aws_smithy_mocks::mock;

    use super::*;
    use crate::testing::clients::clients;
    use crate::testing::galleries::identity;

    fn config(name: &str) -> Desired {
        let text = |text: &str| text.to_owned();
        let (origin, behavior) = (text("s3"), text("always"));
        Desired { name: text(name), description: text("text"), origin, behavior, protocol: text("sigv4") }
    }

    #[tokio::test]
    async fn ours_is_found_by_its_name() {
        let identity = identity("photos", "summer");
        let name = identity.installation.origin_access_control();
        let listed = name.clone();
        let rule = mock!(Client::list_origin_access_controls).then_output(move || {
            let summary = |id: &str, name: &str| {
                let summary = OriginAccessControlSummary::builder().id(id).name(name).description("text");
                summary
                    .signing_protocol(OriginAccessControlSigningProtocols::Sigv4)
                    .signing_behavior(OriginAccessControlSigningBehaviors::Always)
                    .origin_access_control_origin_type(OriginAccessControlOriginTypes::S3)
                    .build()
                    .unwrap()
            };
            let list =
                OriginAccessControlList::builder().marker("").max_items(100).is_truncated(false).quantity(2);
            let list = list.items(summary("E1", "another")).items(summary("E2", &listed)).build().unwrap();
            ListOriginAccessControlsOutput::builder().origin_access_control_list(list).build()
        });
        let Seen::Ours(seen) = observe(&clients(&[&rule]), &identity).await.unwrap() else { panic!() };
        assert_eq!((seen.id.as_str(), seen.config), ("E2", config(&name)));
    }

    #[tokio::test]
    async fn it_is_changed_under_the_version_that_was_read() {
        let get = mock!(Client::get_origin_access_control_config)
            .then_output(|| GetOriginAccessControlConfigOutput::builder().e_tag("V1").build());
        let update = mock!(Client::update_origin_access_control)
            .match_requests(|request| request.if_match() == Some("V1") && request.id() == Some("E1"))
            .then_output(|| UpdateOriginAccessControlOutput::builder().build());
        let change = Change::Update { id: "E1".into(), config: config("name") };
        apply(&clients(&[&get, &update]), &identity("photos", "summer"), &change).await.unwrap();
        assert_eq!(update.num_calls(), 1);
    }
}

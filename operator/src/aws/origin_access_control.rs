//! The origin access control, found by its name.

use aws_sdk_cloudfront::types::{
    OriginAccessControlConfig, OriginAccessControlOriginTypes, OriginAccessControlSigningBehaviors,
    OriginAccessControlSigningProtocols, OriginAccessControlSummary,
};

use super::Clients;
use super::error::{failed, invalid_request};
use crate::cloud::{CloudError, Seen};
use crate::gallery::Identity;
use crate::resources::origin_access_control::{Change, Desired, Observed};

pub(super) async fn observe(clients: &Clients, gallery: &Identity) -> Result<Seen<Observed>, CloudError> {
    let name = gallery.installation.origin_access_control();
    let mut pages = clients.cloudfront.list_origin_access_controls().into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(failed("cloudfront", "ListOriginAccessControls"))?;
        let items = page.origin_access_control_list.and_then(|list| list.items).unwrap_or_default();
        if let Some(found) = items.iter().find(|item| item.name == name) {
            return Ok(Seen::Ours(read(found)));
        }
    }
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

pub(super) async fn apply(clients: &Clients, _gallery: &Identity, change: &Change) -> Result<(), CloudError> {
    let client = &clients.cloudfront;
    match change {
        Change::Create(config) => {
            let config = write(config, "CreateOriginAccessControl")?;
            let call = client.create_origin_access_control().origin_access_control_config(config);
            call.send().await.map(drop).map_err(failed("cloudfront", "CreateOriginAccessControl"))
        }
        Change::Update { id, config } => {
            let current = client.get_origin_access_control_config().id(id).send().await;
            let current = current.map_err(failed("cloudfront", "GetOriginAccessControlConfig"))?;
            let config = write(config, "UpdateOriginAccessControl")?;
            let call = client.update_origin_access_control().id(id).set_if_match(current.e_tag);
            let call = call.origin_access_control_config(config);
            call.send().await.map(drop).map_err(failed("cloudfront", "UpdateOriginAccessControl"))
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

//! The REST API with its routes, its deployment and its stage.

use anyhow::{Context as _, Result};
use aws_sdk_apigateway::types::{IntegrationType, Op, PatchOperation};
use futures::FutureExt as _;

use super::{Account, Case, case};

const STAGE: &str = "api";
const DENY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"execute-api:Invoke","Resource":"*"}]}"#;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(
            "rest-api",
            &[
                "name was by hand, put back to pg-drift-drift-api-…",
                "description was none, put back to API of the photo gallery drift/drift",
                "resource policy was Deny execute-api:Invoke for * on *, put back to none",
                "API key source was AUTHORIZER, put back to HEADER",
                "tag team was theirs, put back to events",
            ],
            |it| it.rest_api().boxed_local(),
            |it| it.change_settings().boxed_local(),
        ),
        case(
            "rest-api",
            &[
                "route GET /photos was MOCK…",
                "route DELETE /photos/{id} was missing, put back to arn:aws:lambda:…",
                "route GET /spy was nothing, put back to none",
            ],
            |it| it.routes().boxed_local(),
            |it| it.change_routes().boxed_local(),
        ),
        case(
            "stage",
            &[
                "throttle rate was 5/s, put back to 50/s",
                "throttle burst was 6, put back to 100",
                "cache was on, put back to none",
                "settings of /photos/GET was 7/s, burst 5000, put back to none",
                "canary was 0 % to theirs, put back to none",
                "tag team was theirs, put back to events",
            ],
            |it| it.stage().boxed_local(),
            |it| it.change_stage().boxed_local(),
        ),
    ]
}

/// A deployment made by somebody else, of routes that somebody else changed, while ours is gone.
pub(super) async fn more_cases(account: &Account<'_>) -> Result<Vec<Case>> {
    let digest = account.our_deployment().await?.1;
    Ok(vec![
        case(
            "rest-api",
            &["route GET /photos was MOCK…"],
            |it| it.routes().boxed_local(),
            |it| it.mock_the_list().boxed_local(),
        ),
        case(
            "stage",
            &["deployment was …"],
            |it| it.stage_serves_ours().boxed_local(),
            |it| it.deploy_by_hand().boxed_local(),
        ),
        case(
            "deployment",
            &[&format!("routes was theirs…, put back to {}…", &digest[..8])],
            |it| it.descriptions().boxed_local(),
            |it| it.remove_our_deployment().boxed_local(),
        ),
    ])
}

fn patch(op: Op, path: &str, value: &str) -> PatchOperation {
    PatchOperation::builder().op(op).path(path).value(value).build()
}

impl Account<'_> {
    fn api(&self) -> &str {
        self.id("RestApi")
    }

    async fn rest_api(&self) -> Result<String> {
        let seen = self.aws.apigateway.get_rest_api().rest_api_id(self.api()).send().await?;
        let tags: std::collections::BTreeMap<_, _> =
            seen.tags.clone().unwrap_or_default().into_iter().collect();
        let policy = seen.policy().unwrap_or_default();
        Ok(format!(
            "{:?} {:?} {policy} {:?} {tags:?}",
            seen.name(),
            seen.description(),
            seen.api_key_source()
        ))
    }

    async fn change_settings(&self) -> Result<()> {
        let call = self.aws.apigateway.update_rest_api().rest_api_id(self.api());
        let call = call.patch_operations(patch(Op::Replace, "/name", "by hand"));
        let call = call.patch_operations(patch(Op::Replace, "/description", ""));
        let call = call.patch_operations(patch(Op::Replace, "/policy", DENY));
        call.patch_operations(patch(Op::Replace, "/apiKeySource", "AUTHORIZER")).send().await?;
        let arn = self.identity.rest_api_arn(self.api());
        self.aws.apigateway.tag_resource().resource_arn(arn).tags("team", "theirs").send().await?;
        Ok(())
    }

    /// Methods and what answers them, without API Gateway's ids.
    async fn routes(&self) -> Result<String> {
        let call = self.aws.apigateway.get_resources().rest_api_id(self.api()).embed("methods");
        let mut all = Vec::new();
        for resource in call.send().await?.items() {
            for (method, it) in resource.resource_methods().into_iter().flatten() {
                let called = it.method_integration();
                let uri = called.and_then(|called| called.uri());
                let kind = called.and_then(|called| called.r#type());
                all.push(format!("{method} {:?} {kind:?} {uri:?}", resource.path()));
            }
        }
        all.sort();
        Ok(all.concat())
    }

    async fn resource(&self, path: &str) -> Result<String> {
        let seen = self.aws.apigateway.get_resources().rest_api_id(self.api()).send().await?;
        let found = seen.items().iter().find(|resource| resource.path() == Some(path));
        Ok(found.and_then(|resource| resource.id()).with_context(|| format!("no {path}"))?.to_owned())
    }

    async fn mock_the_list(&self) -> Result<()> {
        let call = self.aws.apigateway.put_integration().rest_api_id(self.api());
        let call = call.resource_id(self.resource("/photos").await?).http_method("GET");
        call.r#type(IntegrationType::Mock).send().await?;
        Ok(())
    }

    async fn change_routes(&self) -> Result<()> {
        self.mock_the_list().await?;
        let photo = self.resource("/photos/{id}").await?;
        let call = self.aws.apigateway.delete_method().rest_api_id(self.api()).resource_id(photo);
        call.http_method("DELETE").send().await?;
        let call = self.aws.apigateway.create_resource().rest_api_id(self.api()).path_part("spy");
        let spy = call.parent_id(self.resource("/").await?).send().await?.id.unwrap_or_default();
        let call = self.aws.apigateway.put_method().rest_api_id(self.api()).resource_id(spy);
        call.http_method("GET").authorization_type("NONE").send().await?;
        Ok(())
    }

    async fn stage(&self) -> Result<String> {
        let seen = self.aws.apigateway.get_stage().rest_api_id(self.api()).stage_name(STAGE).send().await?;
        let tags: std::collections::BTreeMap<_, _> =
            seen.tags.clone().unwrap_or_default().into_iter().collect();
        let settings =
            seen.method_settings().into_iter().flatten().map(|(key, it)| {
                format!("{key} {} {}", it.throttling_rate_limit(), it.throttling_burst_limit())
            });
        let settings: std::collections::BTreeSet<_> = settings.collect();
        let (cache, canary) = (seen.cache_cluster_enabled(), seen.canary_settings());
        Ok(format!("{settings:?} {cache} {canary:?} {tags:?} {:?}", seen.deployment_id()))
    }

    async fn change_stage(&self) -> Result<()> {
        let call = self.aws.apigateway.update_stage().rest_api_id(self.api()).stage_name(STAGE);
        let call = call.patch_operations(patch(Op::Replace, "/*/*/throttling/rateLimit", "5"));
        let call = call.patch_operations(patch(Op::Replace, "/*/*/throttling/burstLimit", "6"));
        let call = call.patch_operations(patch(Op::Replace, "/cacheClusterEnabled", "true"));
        let call = call.patch_operations(patch(Op::Replace, "/~1photos/GET/throttling/rateLimit", "7"));
        call.patch_operations(patch(Op::Replace, "/canarySettings/deploymentId", "theirs")).send().await?;
        let arn = self.identity.stage_arn(self.api());
        self.aws.apigateway.tag_resource().resource_arn(arn).tags("team", "theirs").send().await?;
        Ok(())
    }

    /// Id and description of the deployment that is ours.
    async fn our_deployment(&self) -> Result<(String, String)> {
        let seen = self.aws.apigateway.get_deployments().rest_api_id(self.api()).send().await?;
        let ours = seen.items().iter().find(|it| it.description().is_some_and(|text| text.len() == 64));
        let ours = ours.context("no deployment of ours")?;
        let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
        Ok((text(ours.id()), text(ours.description())))
    }

    /// Without that of somebody else, which stays.
    async fn descriptions(&self) -> Result<String> {
        let seen = self.aws.apigateway.get_deployments().rest_api_id(self.api()).send().await?;
        let all = seen.items().iter().filter_map(|it| it.description()).filter(|text| *text != "theirs");
        Ok(all.collect())
    }

    async fn stage_serves_ours(&self) -> Result<String> {
        let seen = self.aws.apigateway.get_stage().rest_api_id(self.api()).stage_name(STAGE).send().await?;
        let id = seen.deployment_id().unwrap_or_default();
        let served =
            self.aws.apigateway.get_deployment().rest_api_id(self.api()).deployment_id(id).send().await?;
        Ok(format!("{:?}", served.description()))
    }

    async fn deploy_by_hand(&self) -> Result<()> {
        let call = self.aws.apigateway.create_deployment().rest_api_id(self.api()).stage_name(STAGE);
        call.description("theirs").send().await?;
        Ok(())
    }

    async fn remove_our_deployment(&self) -> Result<()> {
        let (ours, _) = self.our_deployment().await?;
        self.aws.apigateway.delete_deployment().rest_api_id(self.api()).deployment_id(ours).send().await?;
        Ok(())
    }
}

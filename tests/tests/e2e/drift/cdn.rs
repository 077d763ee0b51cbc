//! The distribution with what it refers to, the site, and what the caches were told.

use anyhow::{Context as _, Result};
use aws_sdk_cloudfront::types::{
    CacheBehaviors, CustomErrorResponses, DistributionConfig, HttpVersion,
    OriginAccessControlSigningBehaviors, OriginProtocolPolicy, PriceClass, ResponseHeadersPolicyConfig,
    ResponseHeadersPolicyServerTimingHeadersConfig, Tag, Tags, ViewerProtocolPolicy,
};
use aws_sdk_s3::types::MetadataDirective;
use futures::FutureExt as _;
use photogallery_operator::graph::BucketRole::Frontend;

use super::{Account, Case, case};

const OPTIMIZED: &str = "658327ea-f89d-4fab-a63d-7e88639e58f6";
const DISABLED: &str = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad";

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(
            "distribution",
            &[
                "comment was by hand, put back to pg drift/drift …",
                "answers was off, put back to on",
                "price class was PriceClass_All, put back to PriceClass_100",
                "HTTP was http1.1, put back to http2and3",
                "IPv6 was off, put back to on",
                "root was none, put back to index.html",
                "caching of error 404 was 60 s, put back to 0 s",
                "caching of error 503 was default, put back to 0 s",
                "tag team was theirs, put back to events",
            ],
            |it| it.distribution().boxed_local(),
            |it| it.change_distribution().boxed_local(),
        ),
        case(
            "origin-access-control",
            &[
                "description was by hand, put back to Photo galleries: …",
                "signing was never, put back to always",
            ],
            |it| it.control().boxed_local(),
            |it| it.change_control().boxed_local(),
        ),
        case(
            "response-headers-policy",
            &[
                "content-security-policy script-src was *, put back to 'self'",
                "strict-transport-security was 1 s, put back to 31536000 s",
                "x-frame-options was SAMEORIGIN, put back to DENY",
                "referrer-policy was origin, put back to no-referrer",
                "cross-origin-opener-policy was unsafe-none, put back to same-origin",
                "comment was by hand, put back to Photo galleries: …",
                "server-timing was set, put back to none",
            ],
            |it| it.headers().boxed_local(),
            |it| it.change_headers().boxed_local(),
        ),
        case(
            "site",
            &["index.html content was 06481a17…"],
            |it| it.head("index.html").boxed_local(),
            |it| {
                async move {
                    let call = it.aws.s3.put_object().bucket(it.bucket(Frontend)).key("index.html");
                    let call = call.content_type("text/html; charset=utf-8").cache_control("no-cache");
                    call.body(b"theirs!".to_vec().into()).send().await?;
                    Ok(())
                }
                .boxed_local()
            },
        ),
        case(
            "site",
            &[
                "config.json content-type was text/plain, put back to application/json",
                "config.json cache-control was max-age=31536000, put back to no-cache",
                "config.json content-disposition was attachment, put back to none",
            ],
            |it| it.head("config.json").boxed_local(),
            |it| it.change_headers_of_a_file().boxed_local(),
        ),
        case(
            "site",
            &["spy.js was not of this build, put back to none"],
            |it| it.head("spy.js").boxed_local(),
            |it| {
                async move {
                    let call = it.aws.s3.put_object().bucket(it.bucket(Frontend)).key("spy.js");
                    call.body(b"theirs".to_vec().into()).send().await?;
                    Ok(())
                }
                .boxed_local()
            },
        ),
    ]
}

pub(super) fn more_cases() -> Vec<Case> {
    vec![
        case(
            "distribution",
            &["origin api was …", "origin site was …"],
            |it| it.distribution().boxed_local(),
            |it| it.change_origins().boxed_local(),
        ),
        case(
            "site",
            &["index.html was missing, put back to as built"],
            |it| it.head("index.html").boxed_local(),
            |it| {
                async move {
                    it.aws.s3.delete_object().bucket(it.bucket(Frontend)).key("index.html").send().await?;
                    Ok(())
                }
                .boxed_local()
            },
        ),
    ]
}

pub(super) fn last_cases() -> Vec<Case> {
    vec![case(
        "distribution",
        &[
            "default methods was DELETE GET HEAD OPTIONS PATCH POST PUT, put back to GET HEAD",
            "default viewer protocol was allow-all, put back to redirect-to-https",
            "default compression was off, put back to on",
            &format!("default cache policy was {DISABLED}, put back to {OPTIMIZED}"),
            "default headers was none, put back to …",
            "/api/* viewer protocol was allow-all, put back to https-only",
            "/api/* origin request was none, put back to …",
            "paths was /api/* /x/*, put back to /api/*",
        ],
        |it| it.distribution().boxed_local(),
        |it| it.change_behaviors().boxed_local(),
    )]
}

impl Account<'_> {
    async fn config(&self) -> Result<(DistributionConfig, String)> {
        let call = self.aws.cloudfront.get_distribution_config().id(self.id("Distribution"));
        let seen = call.send().await?;
        Ok((seen.distribution_config.context("no configuration")?, seen.e_tag.unwrap_or_default()))
    }

    /// Everything that is configured, and the tags but for what the caches were told, which changes with every invalidation.
    async fn distribution(&self) -> Result<String> {
        let (mut config, _) = self.config().await?;
        if let Some(errors) = config.custom_error_responses.as_mut().and_then(|errors| errors.items.as_mut())
        {
            errors.sort_by_key(|error| error.error_code);
        }
        let arn = self.identity.distribution_arn(self.id("Distribution"));
        let tags = self.aws.cloudfront.list_tags_for_resource().resource(arn).send().await?.tags;
        let mut tags: Vec<_> =
            tags.context("no tags")?.items.unwrap_or_default().iter().map(|tag| format!("{tag:?}")).collect();
        tags.retain(|tag| !tag.contains("site-sha256"));
        tags.sort();
        Ok(format!("{config:?} {tags:?}"))
    }

    async fn change_distribution(&self) -> Result<()> {
        let (mut config, etag) = self.config().await?;
        config.comment = "by hand".into();
        config.enabled = false;
        config.price_class = Some(PriceClass::PriceClassAll);
        config.http_version = Some(HttpVersion::Http11);
        config.is_ipv6_enabled = Some(false);
        config.default_root_object = Some(String::new());
        let mut errors = config.custom_error_responses.and_then(|errors| errors.items).unwrap_or_default();
        errors.retain(|error| error.error_code != 503);
        let missing = errors.iter_mut().filter(|error| error.error_code == 404);
        missing.for_each(|error| error.error_caching_min_ttl = Some(60));
        let quantity = i32::try_from(errors.len())?;
        let errors = CustomErrorResponses::builder().quantity(quantity).set_items(Some(errors));
        config.custom_error_responses = Some(errors.build()?);
        self.write(config, etag).await?;
        let team = Tags::builder().items(Tag::builder().key("team").value("theirs").build()?).build();
        let arn = self.identity.distribution_arn(self.id("Distribution"));
        self.aws.cloudfront.tag_resource().resource(arn).tags(team).send().await?;
        Ok(())
    }

    async fn write(&self, config: DistributionConfig, etag: String) -> Result<()> {
        let call = self.aws.cloudfront.update_distribution().id(self.id("Distribution")).if_match(etag);
        call.distribution_config(config).send().await?;
        Ok(())
    }

    async fn change_origins(&self) -> Result<()> {
        let (mut config, etag) = self.config().await?;
        for origin in config.origins.iter_mut().flat_map(|origins| &mut origins.items) {
            match &mut origin.custom_origin_config {
                Some(custom) => custom.origin_protocol_policy = OriginProtocolPolicy::HttpOnly,
                None => origin.origin_access_control_id = Some(String::new()),
            }
        }
        self.write(config, etag).await
    }

    async fn change_behaviors(&self) -> Result<()> {
        let (mut config, etag) = self.config().await?;
        let mut patterns = config.cache_behaviors.and_then(|patterns| patterns.items).unwrap_or_default();
        let api = patterns.first_mut().context("no pattern")?;
        let mut more = api.clone();
        more.path_pattern = "/x/*".into();
        api.viewer_protocol_policy = ViewerProtocolPolicy::AllowAll;
        api.origin_request_policy_id = None;
        let all_methods = api.allowed_methods.clone();
        patterns.push(more);
        config.cache_behaviors =
            Some(CacheBehaviors::builder().quantity(2).set_items(Some(patterns)).build()?);
        let default = config.default_cache_behavior.as_mut().context("no default")?;
        default.allowed_methods = all_methods;
        default.viewer_protocol_policy = ViewerProtocolPolicy::AllowAll;
        default.compress = Some(false);
        default.cache_policy_id = Some(DISABLED.into());
        default.response_headers_policy_id = None;
        self.write(config, etag).await
    }

    async fn control(&self) -> Result<String> {
        let call = self.aws.cloudfront.get_origin_access_control_config().id(self.id("OriginAccessControl"));
        Ok(format!("{:?}", call.send().await?.origin_access_control_config()))
    }

    async fn change_control(&self) -> Result<()> {
        let id = self.id("OriginAccessControl");
        let seen = self.aws.cloudfront.get_origin_access_control_config().id(id).send().await?;
        let mut config = seen.origin_access_control_config.context("no configuration")?;
        config.description = Some("by hand".into());
        config.signing_behavior = OriginAccessControlSigningBehaviors::Never;
        let call = self.aws.cloudfront.update_origin_access_control().id(id).set_if_match(seen.e_tag);
        call.origin_access_control_config(config).send().await?;
        Ok(())
    }

    async fn headers_config(&self) -> Result<(ResponseHeadersPolicyConfig, Option<String>)> {
        let id = self.id("ResponseHeadersPolicy");
        let seen = self.aws.cloudfront.get_response_headers_policy_config().id(id).send().await?;
        Ok((seen.response_headers_policy_config.context("no configuration")?, seen.e_tag))
    }

    async fn headers(&self) -> Result<String> {
        Ok(format!("{:?}", self.headers_config().await?.0))
    }

    async fn change_headers(&self) -> Result<()> {
        let (mut config, etag) = self.headers_config().await?;
        config.comment = Some("by hand".into());
        let timing =
            ResponseHeadersPolicyServerTimingHeadersConfig::builder().enabled(true).sampling_rate(50.0);
        config.server_timing_headers_config = Some(timing.build()?);
        let security = config.security_headers_config.as_mut().context("no security headers")?;
        let policy = security.content_security_policy.as_mut().context("no policy")?;
        policy.content_security_policy =
            policy.content_security_policy.replace("script-src 'self'", "script-src *");
        let transport = security.strict_transport_security.as_mut().context("no HSTS")?;
        transport.access_control_max_age_sec = 1;
        security.frame_options.as_mut().context("no frames")?.frame_option = "SAMEORIGIN".into();
        security.referrer_policy.as_mut().context("no referrer")?.referrer_policy = "origin".into();
        let custom = config.custom_headers_config.as_mut().and_then(|custom| custom.items.as_mut());
        for header in custom.context("no custom headers")? {
            if header.header.eq_ignore_ascii_case("cross-origin-opener-policy") {
                header.value = "unsafe-none".into();
            }
        }
        let call = self.aws.cloudfront.update_response_headers_policy().id(self.id("ResponseHeadersPolicy"));
        call.set_if_match(etag).response_headers_policy_config(config).send().await?;
        Ok(())
    }

    async fn head(&self, path: &str) -> Result<String> {
        let seen = self.aws.s3.head_object().bucket(self.bucket(Frontend)).key(path).send().await;
        let Ok(seen) = seen else { return Ok("missing".into()) };
        let headers = (seen.content_type(), seen.cache_control(), seen.content_disposition());
        Ok(format!("{:?} {headers:?}", seen.e_tag()))
    }

    /// A copy onto itself, as the console does it.
    async fn change_headers_of_a_file(&self) -> Result<()> {
        let bucket = self.bucket(Frontend);
        let call = self.aws.s3.copy_object().bucket(&bucket).key("config.json");
        let call = call.copy_source(format!("{bucket}/config.json")).content_type("text/plain");
        let call = call.cache_control("max-age=31536000").content_disposition("attachment");
        call.metadata_directive(MetadataDirective::Replace).send().await?;
        Ok(())
    }
}

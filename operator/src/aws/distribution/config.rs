//! Between `CloudFront`'s configuration of a distribution and our part of it.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_cloudfront::types::{
    AllowedMethods, CacheBehavior, CacheBehaviors, CachedMethods, CustomErrorResponse, CustomErrorResponses,
    CustomHeaders, CustomOriginConfig, DefaultCacheBehavior, DistributionConfig, FunctionAssociations,
    HttpVersion, LambdaFunctionAssociations, Method, Origin as SdkOrigin, OriginProtocolPolicy,
    OriginSslProtocols, Origins, PriceClass, S3OriginConfig, SslProtocol, ViewerProtocolPolicy,
};
use aws_smithy_types::error::operation::BuildError;

use crate::resources::distribution::{Behavior, Config, Origin};

const HTTP_PORT: i32 = 80;
const HTTPS_PORT: i32 = 443;
/// How long it waits for an answer, and keeps an idle connection, unless somebody says otherwise.
const READ_SECONDS: i32 = 30;
const KEEP_SECONDS: i32 = 5;

/// Reads a behavior. A macro, because the default behavior has another type with the same fields.
macro_rules! read_behavior {
    ($seen:expr) => {
        Behavior {
            origin: $seen.target_origin_id.clone(),
            methods: methods($seen.allowed_methods.as_ref()),
            cached: cached($seen.allowed_methods.as_ref()),
            viewer_protocol: $seen.viewer_protocol_policy.to_string(),
            compress: $seen.compress.unwrap_or_default(),
            cache_policy: $seen.cache_policy_id.clone().unwrap_or_default(),
            origin_request_policy: $seen.origin_request_policy_id.clone().unwrap_or_default(),
            response_headers_policy: $seen.response_headers_policy_id.clone().unwrap_or_default(),
        }
    };
}

/// Sets our part of a behavior.
macro_rules! write_behavior {
    ($behavior:expr, $want:expr) => {{
        let Behavior {
            origin,
            methods: _,
            cached: _,
            viewer_protocol,
            compress,
            cache_policy,
            origin_request_policy,
            response_headers_policy,
        } = $want;
        $behavior.target_origin_id.clone_from(origin);
        $behavior.viewer_protocol_policy = ViewerProtocolPolicy::from(viewer_protocol.as_str());
        $behavior.compress = Some(*compress);
        $behavior.allowed_methods = Some(allowed_methods($want)?);
        $behavior.cache_policy_id = some(cache_policy);
        $behavior.origin_request_policy_id = some(origin_request_policy);
        $behavior.response_headers_policy_id = some(response_headers_policy);
        // What stood in the place of a cache policy before there were any: CloudFront takes one or the other.
        #[expect(deprecated, reason = "somebody may have set them instead of our cache policy")]
        {
            $behavior.forwarded_values = None;
            $behavior.min_ttl = None;
            $behavior.default_ttl = None;
            $behavior.max_ttl = None;
        }
    }};
}

/// A new behavior. An update has to say even what is not used.
macro_rules! new_behavior {
    ($kind:ident, $want:expr) => {
        $kind::builder()
            .target_origin_id(&$want.origin)
            .viewer_protocol_policy(ViewerProtocolPolicy::from($want.viewer_protocol.as_str()))
            .smooth_streaming(false)
            .field_level_encryption_id("")
            .lambda_function_associations(LambdaFunctionAssociations::builder().quantity(0).build()?)
            .function_associations(FunctionAssociations::builder().quantity(0).build()?)
    };
}

/// Our part of a configuration.
pub(super) fn read(seen: &DistributionConfig) -> Config {
    let origins = seen.origins().into_iter().flat_map(Origins::items);
    let patterns = seen.cache_behaviors().into_iter().flat_map(CacheBehaviors::items);
    let errors = seen.custom_error_responses().into_iter().flat_map(CustomErrorResponses::items);
    Config {
        comment: seen.comment.clone(),
        enabled: seen.enabled,
        price_class: seen.price_class().map(ToString::to_string).unwrap_or_default(),
        http_version: seen.http_version().map(ToString::to_string).unwrap_or_default().to_lowercase(),
        ipv6: seen.is_ipv6_enabled.unwrap_or_default(),
        root: seen.default_root_object.clone().unwrap_or_default(),
        origins: origins.map(|origin| (origin.id.clone(), read_origin(origin))).collect(),
        default: seen.default_cache_behavior.as_ref().map(|seen| read_behavior!(seen)).unwrap_or_default(),
        patterns: patterns.map(|seen| (seen.path_pattern.clone(), read_behavior!(seen))).collect(),
        errors: errors.filter_map(|error| Some((error.error_code, error.error_caching_min_ttl?))).collect(),
    }
}

fn read_origin(seen: &SdkOrigin) -> Origin {
    let host = seen.domain_name.clone();
    let mut besides = Vec::new();
    besides.extend(seen.vpc_origin_config().map(|_| "in a VPC".to_owned()));
    besides.extend(seen.origin_path().filter(|path| !path.is_empty()).map(|path| format!("path {path}")));
    if let Some(custom) = seen.custom_origin_config() {
        besides.extend(custom_besides(custom));
        return if besides.is_empty() { Origin::Https { host } } else { other(host, &besides) };
    }
    let identity = seen.s3_origin_config().map(S3OriginConfig::origin_access_identity).unwrap_or_default();
    besides.extend((!identity.is_empty()).then(|| format!("signed by {identity}")));
    if besides.is_empty() {
        return Origin::Bucket {
            host,
            access_control: seen.origin_access_control_id.clone().unwrap_or_default(),
        };
    }
    other(host, &besides)
}

fn other(host: String, besides: &[String]) -> Origin {
    Origin::Other { host, besides: besides.join(", ") }
}

/// What is not as [`https`] has it. Timeouts are their owner's.
fn custom_besides(custom: &CustomOriginConfig) -> Vec<String> {
    let protocols = custom.origin_ssl_protocols().map(OriginSslProtocols::items).unwrap_or_default();
    let policy = &custom.origin_protocol_policy;
    let names: Vec<_> = protocols.iter().map(SslProtocol::as_str).collect();
    let all = [
        (*policy != OriginProtocolPolicy::HttpsOnly, format!("protocol {policy}")),
        (protocols != [SslProtocol::TlSv12], format!("TLS {}", names.join(" "))),
        (custom.https_port != HTTPS_PORT, format!("port {}", custom.https_port)),
        (custom.http_port != HTTP_PORT, format!("HTTP port {}", custom.http_port)),
    ];
    all.into_iter().filter_map(|(is_so, what)| is_so.then_some(what)).collect()
}

fn methods(seen: Option<&AllowedMethods>) -> BTreeSet<String> {
    seen.into_iter().flat_map(AllowedMethods::items).map(ToString::to_string).collect()
}

fn cached(seen: Option<&AllowedMethods>) -> BTreeSet<String> {
    let cached = seen.and_then(AllowedMethods::cached_methods);
    cached.into_iter().flat_map(CachedMethods::items).map(ToString::to_string).collect()
}

/// Sets our part in `base` and leaves the rest as it is.
pub(super) fn write(want: &Config, mut base: DistributionConfig) -> Result<DistributionConfig, BuildError> {
    let Config {
        comment,
        enabled,
        price_class,
        http_version,
        ipv6,
        root,
        origins,
        default,
        patterns,
        errors,
    } = want;
    base.comment.clone_from(comment);
    base.enabled = *enabled;
    base.price_class = Some(PriceClass::from(price_class.as_str()));
    base.http_version = Some(HttpVersion::from(http_version.as_str()));
    base.is_ipv6_enabled = Some(*ipv6);
    base.default_root_object = Some(root.clone());
    base.origins = Some(write_origins(origins, base.origins.as_ref())?);
    base.default_cache_behavior = Some(write_default(default, base.default_cache_behavior)?);
    base.cache_behaviors = Some(write_patterns(patterns, base.cache_behaviors.as_ref())?);
    base.custom_error_responses = Some(write_errors(errors, base.custom_error_responses)?);
    Ok(base)
}

fn write_origins(want: &BTreeMap<String, Origin>, seen: Option<&Origins>) -> Result<Origins, BuildError> {
    let mut items = Vec::new();
    for (id, origin) in want {
        let seen = seen.and_then(|seen| seen.items().iter().find(|seen| &seen.id == id));
        let seen = if let Some(seen) = seen {
            seen.clone()
        } else {
            let none = CustomHeaders::builder().quantity(0).build()?;
            SdkOrigin::builder().id(id).domain_name("").custom_headers(none).build()?
        };
        items.push(write_origin(origin, seen)?);
    }
    Origins::builder().quantity(quantity(&items)).set_items(Some(items)).build()
}

/// An origin has exactly one kind of settings. What those hold beyond ours (timeouts, IP versions) stays.
fn write_origin(want: &Origin, mut origin: SdkOrigin) -> Result<SdkOrigin, BuildError> {
    origin.origin_path = Some(String::new());
    origin.vpc_origin_config = None;
    match want {
        Origin::Bucket { host, access_control } => {
            origin.domain_name.clone_from(host);
            let mut bucket =
                origin.s3_origin_config.take().unwrap_or_else(|| S3OriginConfig::builder().build());
            // Required beside an origin access control, and empty then.
            bucket.origin_access_identity = String::new();
            origin.s3_origin_config = Some(bucket);
            origin.custom_origin_config = None;
            origin.origin_access_control_id = Some(access_control.clone());
        }
        Origin::Https { host } | Origin::Other { host, .. } => {
            origin.domain_name.clone_from(host);
            origin.s3_origin_config = None;
            origin.origin_access_control_id = Some(String::new());
            origin.custom_origin_config = Some(https(origin.custom_origin_config.take())?);
        }
    }
    Ok(origin)
}

fn https(seen: Option<CustomOriginConfig>) -> Result<CustomOriginConfig, BuildError> {
    let protocols = OriginSslProtocols::builder().quantity(1).items(SslProtocol::TlSv12).build()?;
    if let Some(mut seen) = seen {
        (seen.http_port, seen.https_port) = (HTTP_PORT, HTTPS_PORT);
        seen.origin_protocol_policy = OriginProtocolPolicy::HttpsOnly;
        seen.origin_ssl_protocols = Some(protocols);
        return Ok(seen);
    }
    CustomOriginConfig::builder()
        .http_port(HTTP_PORT)
        .https_port(HTTPS_PORT)
        .origin_protocol_policy(OriginProtocolPolicy::HttpsOnly)
        .origin_ssl_protocols(protocols)
        .origin_read_timeout(READ_SECONDS)
        .origin_keepalive_timeout(KEEP_SECONDS)
        .build()
}

fn write_default(
    want: &Behavior,
    seen: Option<DefaultCacheBehavior>,
) -> Result<DefaultCacheBehavior, BuildError> {
    let mut behavior = match seen {
        Some(seen) => seen,
        None => new_behavior!(DefaultCacheBehavior, want).build()?,
    };
    write_behavior!(behavior, want);
    Ok(behavior)
}

fn write_patterns(
    want: &[(String, Behavior)],
    seen: Option<&CacheBehaviors>,
) -> Result<CacheBehaviors, BuildError> {
    let mut items = Vec::new();
    for (pattern, want) in want {
        let seen = seen.and_then(|seen| seen.items().iter().find(|seen| &seen.path_pattern == pattern));
        let mut behavior = match seen {
            Some(seen) => seen.clone(),
            None => new_behavior!(CacheBehavior, want).path_pattern(pattern).build()?,
        };
        write_behavior!(behavior, want);
        items.push(behavior);
    }
    CacheBehaviors::builder().quantity(quantity(&items)).set_items(Some(items)).build()
}

fn allowed_methods(want: &Behavior) -> Result<AllowedMethods, BuildError> {
    let methods = |names: &BTreeSet<String>| -> Vec<_> {
        names.iter().map(|name| Method::from(name.as_str())).collect()
    };
    let (items, cached) = (methods(&want.methods), methods(&want.cached));
    let cached = CachedMethods::builder().quantity(quantity(&cached)).set_items(Some(cached)).build()?;
    AllowedMethods::builder().quantity(quantity(&items)).set_items(Some(items)).cached_methods(cached).build()
}

/// Pages that others show for an error stay.
fn write_errors(
    want: &BTreeMap<i32, i64>,
    seen: Option<CustomErrorResponses>,
) -> Result<CustomErrorResponses, BuildError> {
    let mut items = seen.and_then(|seen| seen.items).unwrap_or_default();
    for (code, seconds) in want {
        match items.iter_mut().find(|error| error.error_code == *code) {
            Some(error) => error.error_caching_min_ttl = Some(*seconds),
            None => items.push(
                CustomErrorResponse::builder().error_code(*code).error_caching_min_ttl(*seconds).build()?,
            ),
        }
    }
    CustomErrorResponses::builder().quantity(quantity(&items)).set_items(Some(items)).build()
}

fn quantity<T>(items: &[T]) -> i32 {
    i32::try_from(items.len()).unwrap_or(i32::MAX)
}

fn some(id: &str) -> Option<String> {
    (!id.is_empty()).then(|| id.to_owned())
}

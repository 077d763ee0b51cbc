//! From a request to AWS's name of the operation. Sources: the services' own models, as botocore ships them.

use bytes::Bytes;
use http::request::Parts;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::call::query;

/// An operation, and the resource it is about.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) operation: String,
    pub(super) resource: String,
}

pub(super) fn name(service: &str, parts: &Parts, body: &Bytes) -> Named {
    match service {
        "dynamodb" | "logs" => target(parts, body),
        "iam" | "sts" => action(body),
        "s3" => s3(parts),
        "lambda" => by_path(LAMBDA, parts, Some((body, "FunctionName"))),
        "apigateway" => by_path(API_GATEWAY, parts, None),
        "cloudfront" => by_path(CLOUDFRONT, parts, None),
        _ => unnamed(parts),
    }
}

fn unnamed(parts: &Parts) -> Named {
    Named { operation: format!("{} {}", parts.method, parts.uri.path()), resource: String::new() }
}

/// Services whose operation stands in a header.
fn target(parts: &Parts, body: &Bytes) -> Named {
    let target = parts.headers.get("x-amz-target").and_then(|value| value.to_str().ok());
    let Some((_, operation)) = target.and_then(|target| target.rsplit_once('.')) else {
        return unnamed(parts);
    };
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let names = ["TableName", "ResourceArn", "logGroupName", "resourceArn", "logGroupNamePrefix"];
    let resource = names.iter().find_map(|name| body[*name].as_str()).unwrap_or_default();
    // Tagging calls name the table or group by its ARN, the others by its name.
    let resource = resource.rsplit_once(":table/").or_else(|| resource.rsplit_once(":log-group:"));
    let resource = match resource {
        Some((_, name)) => name.trim_end_matches(":*"),
        None => names.iter().find_map(|name| body[*name].as_str()).unwrap_or_default(),
    };
    Named { operation: operation.to_owned(), resource: resource.to_owned() }
}

/// Services whose operation stands in a form.
fn action(body: &Bytes) -> Named {
    let body = String::from_utf8_lossy(body);
    let field = |name: &str| {
        let mut fields = body.split('&').filter_map(|pair| pair.split_once('='));
        let (_, value) = fields.find(|(key, _)| *key == name)?;
        Some(percent_decode_str(value).decode_utf8_lossy().into_owned())
    };
    Named { operation: field("Action").unwrap_or_default(), resource: field("RoleName").unwrap_or_default() }
}

/// Method and subresource of a bucket, and the operation. What S3 calls a subresource stands in the query, without a value.
const BUCKET: &[(&str, &str, &str)] = &[
    ("PUT", "policy", "PutBucketPolicy"),
    ("PUT", "cors", "PutBucketCors"),
    ("PUT", "lifecycle", "PutBucketLifecycleConfiguration"),
    ("PUT", "notification", "PutBucketNotificationConfiguration"),
    ("PUT", "publicAccessBlock", "PutPublicAccessBlock"),
    ("PUT", "ownershipControls", "PutBucketOwnershipControls"),
    ("PUT", "encryption", "PutBucketEncryption"),
    ("PUT", "tagging", "PutBucketTagging"),
    ("PUT", "versioning", "PutBucketVersioning"),
    ("PUT", "", "CreateBucket"),
    ("GET", "policy", "GetBucketPolicy"),
    ("GET", "cors", "GetBucketCors"),
    ("GET", "lifecycle", "GetBucketLifecycleConfiguration"),
    ("GET", "notification", "GetBucketNotificationConfiguration"),
    ("GET", "publicAccessBlock", "GetPublicAccessBlock"),
    ("GET", "ownershipControls", "GetBucketOwnershipControls"),
    ("GET", "encryption", "GetBucketEncryption"),
    ("GET", "tagging", "GetBucketTagging"),
    ("GET", "versioning", "GetBucketVersioning"),
    ("GET", "location", "GetBucketLocation"),
    ("GET", "versions", "ListObjectVersions"),
    ("GET", "uploads", "ListMultipartUploads"),
    ("GET", "list-type", "ListObjectsV2"),
    ("GET", "", "ListObjects"),
    ("HEAD", "", "HeadBucket"),
    ("POST", "delete", "DeleteObjects"),
    ("POST", "", "PostObject"),
    ("DELETE", "policy", "DeleteBucketPolicy"),
    ("DELETE", "cors", "DeleteBucketCors"),
    ("DELETE", "lifecycle", "DeleteBucketLifecycle"),
    ("DELETE", "tagging", "DeleteBucketTagging"),
    ("DELETE", "", "DeleteBucket"),
];

const OBJECT: &[(&str, &str, &str)] = &[
    ("PUT", "partNumber", "UploadPart"),
    ("PUT", "", "PutObject"),
    ("GET", "", "GetObject"),
    ("HEAD", "", "HeadObject"),
    ("POST", "uploads", "CreateMultipartUpload"),
    ("POST", "uploadId", "CompleteMultipartUpload"),
    ("DELETE", "uploadId", "AbortMultipartUpload"),
    ("DELETE", "", "DeleteObject"),
];

fn s3(parts: &Parts) -> Named {
    let path = parts.uri.path().trim_start_matches('/');
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    if bucket.is_empty() {
        return Named { operation: "ListBuckets".into(), resource: String::new() };
    }
    let table = if key.is_empty() { BUCKET } else { OBJECT };
    let found = table
        .iter()
        .find(|(method, sub, _)| parts.method == *method && (sub.is_empty() || query(parts, sub).is_some()));
    match found {
        Some((_, _, "PutObject")) if parts.headers.contains_key("x-amz-copy-source") => {
            Named { operation: "CopyObject".into(), resource: bucket.into() }
        }
        Some((_, _, operation)) => Named { operation: (*operation).into(), resource: bucket.into() },
        None => Named { resource: bucket.into(), ..unnamed(parts) },
    }
}

/// Method, path and operation. `{}` is one segment, `{+}` the rest; the first one names the resource. A word after `?` is a query
/// key without a value.
type Paths = &'static [(&'static str, &'static str, &'static str)];

const LAMBDA: Paths = &[
    ("POST", "/2015-03-31/functions", "CreateFunction"),
    ("GET", "/2015-03-31/functions", "ListFunctions"),
    ("GET", "/2015-03-31/functions/{}", "GetFunction"),
    ("DELETE", "/2015-03-31/functions/{}", "DeleteFunction"),
    ("PUT", "/2015-03-31/functions/{}/code", "UpdateFunctionCode"),
    ("PUT", "/2015-03-31/functions/{}/configuration", "UpdateFunctionConfiguration"),
    ("GET", "/2015-03-31/functions/{}/configuration", "GetFunctionConfiguration"),
    ("POST", "/2015-03-31/functions/{}/policy", "AddPermission"),
    ("GET", "/2015-03-31/functions/{}/policy", "GetPolicy"),
    ("DELETE", "/2015-03-31/functions/{}/policy/{}", "RemovePermission"),
    ("POST", "/2015-03-31/functions/{}/invocations", "Invoke"),
    ("PUT", "/2017-10-31/functions/{}/concurrency", "PutFunctionConcurrency"),
    ("DELETE", "/2017-10-31/functions/{}/concurrency", "DeleteFunctionConcurrency"),
    ("GET", "/2019-09-30/functions/{}/concurrency", "GetFunctionConcurrency"),
    ("GET", "/2017-03-31/tags/{+}", "ListTags"),
    ("POST", "/2017-03-31/tags/{+}", "TagResource"),
    ("DELETE", "/2017-03-31/tags/{+}", "UntagResource"),
    ("GET", "/2016-08-19/account-settings", "GetAccountSettings"),
];

const API_GATEWAY: Paths = &[
    ("POST", "/restapis", "CreateRestApi"),
    ("GET", "/restapis", "GetRestApis"),
    ("GET", "/restapis/{}", "GetRestApi"),
    ("PUT", "/restapis/{}", "PutRestApi"),
    ("PATCH", "/restapis/{}", "UpdateRestApi"),
    ("DELETE", "/restapis/{}", "DeleteRestApi"),
    ("POST", "/restapis/{}/deployments", "CreateDeployment"),
    ("GET", "/restapis/{}/deployments", "GetDeployments"),
    ("DELETE", "/restapis/{}/deployments/{}", "DeleteDeployment"),
    ("POST", "/restapis/{}/stages", "CreateStage"),
    ("GET", "/restapis/{}/stages", "GetStages"),
    ("GET", "/restapis/{}/stages/{}", "GetStage"),
    ("PATCH", "/restapis/{}/stages/{}", "UpdateStage"),
    ("DELETE", "/restapis/{}/stages/{}", "DeleteStage"),
    ("GET", "/tags/{+}", "GetTags"),
    ("PUT", "/tags/{+}", "TagResource"),
    ("DELETE", "/tags/{+}", "UntagResource"),
];

const CLOUDFRONT: Paths = &[
    ("POST", "/2020-05-31/distribution?WithTags", "CreateDistributionWithTags"),
    ("POST", "/2020-05-31/distribution", "CreateDistribution"),
    ("GET", "/2020-05-31/distribution", "ListDistributions"),
    ("GET", "/2020-05-31/distribution/{}", "GetDistribution"),
    ("GET", "/2020-05-31/distribution/{}/config", "GetDistributionConfig"),
    ("PUT", "/2020-05-31/distribution/{}/config", "UpdateDistribution"),
    ("DELETE", "/2020-05-31/distribution/{}", "DeleteDistribution"),
    ("POST", "/2020-05-31/distribution/{}/invalidation", "CreateInvalidation"),
    ("GET", "/2020-05-31/distribution/{}/invalidation", "ListInvalidations"),
    ("POST", "/2020-05-31/origin-access-control", "CreateOriginAccessControl"),
    ("GET", "/2020-05-31/origin-access-control", "ListOriginAccessControls"),
    ("GET", "/2020-05-31/origin-access-control/{}", "GetOriginAccessControl"),
    ("GET", "/2020-05-31/origin-access-control/{}/config", "GetOriginAccessControlConfig"),
    ("PUT", "/2020-05-31/origin-access-control/{}/config", "UpdateOriginAccessControl"),
    ("DELETE", "/2020-05-31/origin-access-control/{}", "DeleteOriginAccessControl"),
    ("POST", "/2020-05-31/response-headers-policy", "CreateResponseHeadersPolicy"),
    ("GET", "/2020-05-31/response-headers-policy", "ListResponseHeadersPolicies"),
    ("GET", "/2020-05-31/response-headers-policy/{}", "GetResponseHeadersPolicy"),
    ("GET", "/2020-05-31/response-headers-policy/{}/config", "GetResponseHeadersPolicyConfig"),
    ("PUT", "/2020-05-31/response-headers-policy/{}", "UpdateResponseHeadersPolicy"),
    ("DELETE", "/2020-05-31/response-headers-policy/{}", "DeleteResponseHeadersPolicy"),
    ("GET", "/2020-05-31/tagging", "ListTagsForResource"),
    ("POST", "/2020-05-31/tagging?Operation=Tag", "TagResource"),
    ("POST", "/2020-05-31/tagging?Operation=Untag", "UntagResource"),
];

fn by_path(table: Paths, parts: &Parts, named_in: Option<(&Bytes, &str)>) -> Named {
    let path = parts.uri.path().trim_end_matches('/');
    for (method, pattern, operation) in table {
        let (pattern, wanted) = pattern.split_once('?').unwrap_or((pattern, ""));
        let asked = parts.uri.query().unwrap_or_default();
        let fits = wanted.is_empty() || asked.split('&').any(|pair| pair.trim_end_matches('=') == wanted);
        if parts.method != *method || !fits {
            continue;
        }
        if let Some(resource) = matches(pattern, path) {
            let in_body = || {
                let (body, field) = named_in?;
                Some(serde_json::from_slice::<Value>(body).ok()?[field].as_str()?.to_owned())
            };
            let resource = Some(resource)
                .filter(|found| !found.is_empty())
                .or_else(in_body)
                .or_else(|| query(parts, "Resource"))
                .unwrap_or_default();
            return Named { operation: (*operation).to_owned(), resource: last_part(&resource).to_owned() };
        }
    }
    unnamed(parts)
}

/// An ARN's resource without its kind; anything else as it is.
fn last_part(resource: &str) -> &str {
    if !resource.starts_with("arn:") {
        return resource;
    }
    match resource.split_once("/restapis/") {
        Some((_, api)) => api.split('/').next().unwrap_or(api),
        None => resource.rsplit([':', '/']).next().unwrap_or(resource),
    }
}

/// `None`: another path. Else what stands for the first placeholder; empty when there is none.
fn matches(pattern: &str, path: &str) -> Option<String> {
    let mut first = String::new();
    let mut segments = path.split('/');
    for part in pattern.split('/') {
        let segment = match part {
            "{+}" => segments.by_ref().collect::<Vec<_>>().join("/"),
            _ => segments.next()?.to_owned(),
        };
        if part.starts_with('{') {
            if segment.is_empty() {
                return None;
            }
            if first.is_empty() {
                first = percent_decode_str(&segment).decode_utf8_lossy().into_owned();
            }
        } else if part != segment {
            return None;
        }
    }
    segments.next().is_none().then_some(first)
}

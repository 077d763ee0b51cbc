//! One request, named as AWS names it.

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Request, Response};
use percent_encoding::percent_decode_str;

use super::operations;

/// One request.
#[derive(Debug, Clone)]
pub struct Call {
    /// Counts the calls of a proxy from 1.
    pub number: u64,
    /// The access key that signed it; empty for a visitor.
    pub caller: String,
    pub region: String,
    /// As IAM names it: `s3`, `lambda`, `dynamodb` …; empty where nobody signed.
    pub service: String,
    /// AWS's name of the operation; method and path where it has none here.
    pub operation: String,
    /// The bucket, function, role, table, REST API, distribution … that it is about; empty where it is about many.
    pub resource: String,
    /// Does it change something?
    pub write: bool,
    pub parts: Parts,
    pub body: Bytes,
}

impl Call {
    pub fn new(number: u64, parts: Parts, body: Bytes) -> Self {
        let [caller, region, service] = signer(&parts);
        let named = operations::name(&service, &parts, &body);
        let write = is_write(&service, &named.operation, &parts);
        Self {
            number,
            caller,
            region,
            service,
            operation: named.operation,
            resource: named.resource,
            write,
            parts,
            body,
        }
    }

    /// The request as it came.
    pub fn request(&self) -> Request<Bytes> {
        Request::from_parts(self.parts.clone(), self.body.clone())
    }
}

/// Access key, region and service that a request is signed for.
fn signer(parts: &Parts) -> [String; 3] {
    let header = parts.headers.get("authorization").and_then(|value| value.to_str().ok());
    let scope = match header.and_then(|header| header.split_once("Credential=")) {
        Some((_, scope)) => scope.split([',', ' ']).next().unwrap_or_default().to_owned(),
        None => query(parts, "X-Amz-Credential").unwrap_or_default(),
    };
    let fields: Vec<&str> = scope.split('/').collect();
    match fields[..] {
        [key, _, region, service, "aws4_request"] => [key, region, service].map(str::to_owned),
        _ => [const { String::new() }; 3],
    }
}

/// The decoded value of a query parameter; empty when it stands without one.
pub(super) fn query(parts: &Parts, name: &str) -> Option<String> {
    let pairs = parts.uri.query().unwrap_or_default().split('&');
    let mut pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let (_, value) = pairs.find(|(key, _)| *key == name)?;
    Some(percent_decode_str(value).decode_utf8_lossy().into_owned())
}

fn is_write(service: &str, operation: &str, parts: &Parts) -> bool {
    const READS: [&str; 8] = ["Get", "List", "Describe", "Head", "Query", "Scan", "Batch", "Lookup"];
    if service.is_empty() || operation.contains(' ') {
        return !parts.method.is_safe();
    }
    !READS.iter().any(|read| operation.starts_with(read))
}

/// AWS's error code in an answer, however its protocol says it.
pub(super) fn error_code(answer: &Response<Bytes>) -> String {
    if answer.status().is_success() {
        return String::new();
    }
    if let Some(code) = header(answer.headers(), "x-amzn-errortype") {
        return code.split(':').next().unwrap_or_default().to_owned();
    }
    let text = String::from_utf8_lossy(answer.body());
    if let Some((_, rest)) = text.split_once("<Code>") {
        return rest.split('<').next().unwrap_or_default().to_owned();
    }
    let json: serde_json::Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    let code = ["__type", "code", "Code"].iter().find_map(|key| json[*key].as_str()).unwrap_or_default();
    code.rsplit('#').next().unwrap_or_default().to_owned()
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(request: http::request::Builder, body: &'static str) -> Call {
        let (parts, body) = request.body(Bytes::from_static(body.as_bytes())).unwrap().into_parts();
        Call::new(1, parts, body)
    }

    fn signed(method: &str, uri: &str, service: &str) -> http::request::Builder {
        let scope = format!(
            "AWS4-HMAC-SHA256 Credential=AKIA1/20261125/eu-west-1/{service}/aws4_request, SignedHeaders=host"
        );
        Request::builder().method(method).uri(uri).header("authorization", scope)
    }

    fn named(call: &Call) -> (&str, &str, bool) {
        (&call.operation, &call.resource, call.write)
    }

    #[test]
    fn calls_are_named_as_aws_names_them() {
        let table = [
            (signed("PUT", "/photos-1", "s3"), "", ("CreateBucket", "photos-1", true)),
            (signed("PUT", "/photos-1/?policy", "s3"), "", ("PutBucketPolicy", "photos-1", true)),
            (signed("GET", "/photos-1?list-type=2&prefix=a", "s3"), "", ("ListObjectsV2", "photos-1", false)),
            (signed("PUT", "/photos-1/a/b.png?x-id=PutObject", "s3"), "", ("PutObject", "photos-1", true)),
            (signed("POST", "/photos-1?delete", "s3"), "", ("DeleteObjects", "photos-1", true)),
            (
                signed("PUT", "/2015-03-31/functions/pg-list/code", "lambda"),
                "",
                ("UpdateFunctionCode", "pg-list", true),
            ),
            (
                signed("POST", "/2015-03-31/functions", "lambda"),
                r#"{"FunctionName": "pg-list"}"#,
                ("CreateFunction", "pg-list", true),
            ),
            (signed("GET", "/restapis/abc/stages/api", "apigateway"), "", ("GetStage", "abc", false)),
            (
                signed("PUT", "/2020-05-31/distribution/E1/config", "cloudfront"),
                "",
                ("UpdateDistribution", "E1", true),
            ),
            (
                signed("POST", "/2020-05-31/distribution?WithTags", "cloudfront"),
                "",
                ("CreateDistributionWithTags", "", true),
            ),
            (
                signed("POST", "/", "iam"),
                "Action=GetRole&RoleName=pg-list&Version=2010-05-08",
                ("GetRole", "pg-list", false),
            ),
            (
                signed("POST", "/", "dynamodb").header("x-amz-target", "DynamoDB_20120810.CreateTable"),
                r#"{"TableName": "pg"}"#,
                ("CreateTable", "pg", true),
            ),
            (
                signed("POST", "/", "logs").header("x-amz-target", "Logs_20140328.DeleteLogGroup"),
                r#"{"logGroupName": "/aws/lambda/pg"}"#,
                ("DeleteLogGroup", "/aws/lambda/pg", true),
            ),
            (signed("PATCH", "/no/such", "apigateway"), "", ("PATCH /no/such", "", true)),
        ];
        for (request, body, expected) in table {
            assert_eq!(named(&call(request, body)), expected);
        }
    }

    #[test]
    fn whoever_signs_in_the_url_is_known_too_and_a_visitor_is_nobody() {
        let presigned = "/b/k?X-Amz-Credential=ASIA1%2F20261125%2Feu-west-1%2Fs3%2Faws4_request";
        let found = call(Request::builder().uri(presigned), "");
        assert_eq!((&*found.caller, &*found.service, &*found.operation), ("ASIA1", "s3", "GetObject"));
        assert_eq!(call(Request::builder().uri("/index.html"), "").service, "");
    }

    #[test]
    fn the_error_code_is_found_in_every_protocol() {
        let answer = |body: &'static str| {
            Response::builder().status(400).body(Bytes::from_static(body.as_bytes())).unwrap()
        };
        let rest = Response::builder().status(404).header("x-amzn-errortype", "NotFoundException:http://x");
        assert_eq!(error_code(&answer("<Error><Code>NoSuchBucket</Code></Error>")), "NoSuchBucket");
        assert_eq!(error_code(&answer(r#"{"__type": "com.amazonaws#TableInUse"}"#)), "TableInUse");
        assert_eq!(error_code(&rest.body(Bytes::new()).unwrap()), "NotFoundException");
        assert_eq!(error_code(&answer("nonsense")), "");
    }
}

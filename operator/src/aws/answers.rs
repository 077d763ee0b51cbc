//! What AWS answers to a gallery in sync is no difference, with its defaults filled in, in its own order, in its own words:
//! `operator/tests/answers`, one observation for each kind.
//!
//! To see one fail: change a value in its file.

use std::path::Path;
use std::sync::Arc;

use aws_sdk_apigateway::Client as ApiGateway;
use aws_sdk_cloudfront::Client as CloudFront;
use aws_sdk_cloudwatchlogs::Client as Logs;
use aws_sdk_dynamodb::Client as DynamoDb;
use aws_sdk_iam::Client as Iam;
use aws_sdk_lambda::Client as Lambda;
use aws_sdk_s3::Client as S3;
use aws_smithy_mocks::mock;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::body::SdkBody;
use functions_core::contract::FunctionName;
use serde_json::{Value, json};

use super::*;
use crate::cloud;
use crate::drift::reference;
use crate::gallery::Gallery;
use crate::graph::BucketRole;
use crate::names::{TAG_SITE, Tags};
use crate::release::Release;
use crate::resources::document::text;
use crate::resources::{self, Kind};
use crate::testing::clients::clients;
use crate::testing::drive::with_spec;
use crate::testing::galleries::summer;

const LIST: FunctionName = FunctionName::List;

/// The gallery that the answers are about: with a page alone, so that its bucket's list is short.
fn gallery() -> Gallery {
    let mut gallery = with_spec(&summer(), |spec| spec.photos.archive_after_days = Some(365));
    let mut release = Release::clone(&gallery.release);
    release.site.retain(|path, _| path == "index.html");
    gallery.release = Arc::new(release);
    gallery
}

fn xml_tags(tags: &Tags, of: impl Fn(&str, &str) -> String) -> String {
    tags.iter().map(|(key, value)| of(key, value)).collect()
}

/// What stands for `{{…}}`.
fn names() -> Vec<(&'static str, String)> {
    let gallery = gallery();
    let Gallery { identity, release, .. } = &gallery;
    let tags = gallery.tags();
    let element = |key: &str, value: &str| format!("<Tag><Key>{key}</Key><Value>{value}</Value></Tag>");
    let member = |key: &str, value: &str| format!("<member><Key>{key}</Key><Value>{value}</Value></member>");
    let list: Vec<_> = tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
    let digest = resources::rest_api::digest(&gallery);
    let zips = release.functions.values().map(|zip| {
        format!("<Contents><Key>{}</Key><ETag>&quot;{}&quot;</ETag></Contents>", zip.key, zip.md5)
    });
    let policy = resources::role::Role::desired(LIST, &gallery, &cloud::Observed::default()).unwrap().policy;
    let headers = resources::response_headers_policy::ResponseHeadersPolicy::desired(
        (),
        &gallery,
        &cloud::Observed::default(),
    );
    let headers = headers.unwrap();
    let page = resources::site::Observed::as_wanted(&gallery).files["index.html"].etag.clone();
    let method = |name| {
        let method = std::fs::read_to_string(folder().join("method.json")).unwrap();
        method.replace("NAME", &identity.function(name))
    };
    let policy = text(&policy);
    let encoded = percent_encoding::utf8_percent_encode(&policy, percent_encoding::NON_ALPHANUMERIC);
    vec![
        ("tags", xml_tags(&tags, element)),
        ("tags.member", xml_tags(&tags, member)),
        ("tags.json", json!(tags).to_string()),
        ("tags.object", json!(tags).to_string()),
        ("tags.list", Value::from(list).to_string()),
        ("bucket.site", identity.bucket(BucketRole::Frontend)),
        ("bucket.photos", identity.bucket(BucketRole::Photos)),
        ("bucket.artefacts", identity.bucket(BucketRole::Artefacts)),
        ("function.list", identity.function(LIST)),
        ("function.thumbnail", identity.function(FunctionName::Thumbnail)),
        ("role.list", identity.role(LIST)),
        ("policy.list", encoded.to_string()),
        ("environment.list", json!(gallery.environment(LIST)).to_string()),
        (
            "code.list",
            release.function(gallery.spec.functions.architecture, LIST).unwrap().code_sha256.clone(),
        ),
        ("zips", zips.collect()),
        ("md5.index", page),
        ("api", identity.rest_api()),
        ("digest", digest),
        ("method.upload", method(FunctionName::Upload)),
        ("method.list", method(LIST)),
        ("method.delete", method(FunctionName::Delete)),
        ("table", identity.table()),
        ("control", identity.installation.origin_access_control()),
        ("csp", headers.headers.content_security_policy.replace('\'', "&#39;")),
        ("headers", headers.name),
        ("comment", identity.distribution_comment()),
        ("site", resources::site::digest(&gallery)),
    ]
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/answers")
}

/// One file as it comes over the wire.
fn answer(file: &str) -> HttpResponse {
    let mut text = std::fs::read_to_string(folder().join(file)).unwrap();
    for (name, value) in names() {
        text = text.replace(&format!("{{{{{name}}}}}"), &value);
    }
    assert!(!text.contains("{{"), "{file}: an unknown name in {text}");
    let (head, body) = text.split_once("---\n").unwrap_or(("", &text));
    let mut response = HttpResponse::new(200.try_into().unwrap(), SdkBody::from(body.trim_end()));
    for (name, value) in head.lines().filter_map(|line| line.split_once(": ")) {
        response.headers_mut().insert(name.to_owned(), value.to_owned());
    }
    response
}

/// Clients that answer each operation with its file.
macro_rules! answers {
    ($($client:ident :: $operation:ident => $file:literal),+ $(,)?) => {
        clients(&[$(&mock!($client::$operation).then_http_response(|| answer($file))),+])
    };
}

/// What was seen is what is wanted.
fn assert_unchanged<K: Kind>(key: K::Key, seen: Seen<K::Observed>) {
    let gallery = gallery();
    let want = K::desired(key, &gallery, &reference(&gallery)).unwrap();
    match seen {
        Seen::Ours(seen) => assert_eq!(K::update(&want, Some(&seen)), [], "{seen:#?}"),
        Seen::Nothing => panic!("nothing was seen"),
        Seen::Foreign(foreign) => panic!("not ours: {foreign:?}"),
    }
}

#[tokio::test]
async fn s3_s_answers_about_a_bucket_are_no_difference() {
    let (gallery, role) = (gallery().identity, BucketRole::Photos);
    let clients = answers!(
        S3::get_bucket_tagging => "get-bucket-tagging.xml",
        S3::get_public_access_block => "get-public-access-block.xml",
        S3::get_bucket_ownership_controls => "get-bucket-ownership-controls.xml",
        S3::get_bucket_encryption => "get-bucket-encryption.xml",
        S3::get_bucket_lifecycle_configuration => "get-bucket-lifecycle-configuration.xml",
        S3::get_bucket_cors => "get-bucket-cors.xml",
        S3::get_bucket_notification_configuration => "get-bucket-notification.xml",
    );
    assert_unchanged::<resources::bucket::Bucket>(
        role,
        bucket::observe(&Looking::whole(&clients, &gallery), role).await.unwrap(),
    );
    let seen = upload_cors::observe(&clients, &gallery).await.unwrap();
    assert_unchanged::<resources::upload_cors::UploadCors>((), seen);
    let seen = notification::observe(&clients, &gallery).await.unwrap();
    assert_unchanged::<resources::notification::Notification>((), seen);
}

#[tokio::test]
async fn s3_s_wording_of_a_policy_is_no_difference() {
    let (gallery, role) = (gallery().identity, BucketRole::Frontend);
    let clients = answers!(S3::get_bucket_policy => "get-bucket-policy.json");
    let seen = bucket_policy::observe(&clients, &gallery, role).await.unwrap();
    assert_unchanged::<resources::bucket_policy::BucketPolicy>(role, seen);
}

#[tokio::test]
async fn s3_s_lists_and_headers_are_no_difference() {
    let gallery = gallery();
    let clients = answers!(
        S3::list_objects_v2 => "list-site.xml",
        S3::head_object => "head-index.html.txt",
    );
    let seen = site::observe(&clients, &gallery.identity).await.unwrap();
    let Seen::Ours(seen) = seen else { panic!("no site") };
    let mut want = resources::site::Observed::as_wanted(&gallery);
    want.files.remove("config.json");
    assert_eq!(seen, want);
    let clients = answers!(S3::list_objects_v2 => "list-artefacts.xml");
    let seen = artefacts::observe(&clients, &gallery.identity).await.unwrap();
    assert_unchanged::<resources::artefacts::Artefacts>((), seen);
}

#[tokio::test]
async fn iam_s_answers_are_no_difference() {
    let gallery = gallery().identity;
    let clients = answers!(
        Iam::get_role => "get-role.xml",
        Iam::get_role_policy => "get-role-policy.xml",
        Iam::list_role_policies => "list-role-policies.xml",
        Iam::list_attached_role_policies => "list-attached-role-policies.xml",
    );
    let seen = role::observe(&Looking::whole(&clients, &gallery), LIST).await.unwrap();
    assert_unchanged::<resources::role::Role>(LIST, seen);
}

#[tokio::test]
async fn lambda_s_answers_are_no_difference() {
    let gallery = gallery().identity;
    let clients = answers!(
        Lambda::get_function => "get-function.json",
        Lambda::get_policy => "get-policy.json",
    );
    let seen = function::observe(&clients, &gallery, LIST).await.unwrap();
    assert_unchanged::<resources::function::Function>(LIST, seen);
    let name = FunctionName::Thumbnail;
    let seen = permission::observe(&clients, &gallery, name).await.unwrap();
    assert_unchanged::<resources::permission::Permission>(name, seen);
}

#[tokio::test]
async fn api_gateway_s_answers_are_no_difference() {
    let gallery = gallery();
    let clients = answers!(
        ApiGateway::get_rest_apis => "get-rest-apis.json",
        ApiGateway::get_resources => "get-resources.json",
        ApiGateway::get_deployments => "get-deployments.json",
        ApiGateway::get_stage => "get-stage.json",
    );
    let known = reference(&gallery);
    let seen = rest_api::observe(&Looking::whole(&clients, &gallery.identity)).await.unwrap();
    assert_unchanged::<resources::rest_api::RestApi>((), seen);
    let seen = deployment::observe(&clients, &gallery.identity, &known).await.unwrap();
    assert_unchanged::<resources::deployment::Deployment>((), seen);
    let seen = stage::observe(&clients, &gallery.identity, &known).await.unwrap();
    assert_unchanged::<resources::stage::Stage>((), seen);
}

#[tokio::test]
async fn cloudfront_s_answers_are_no_difference() {
    let gallery = gallery();
    let clients = answers!(
        CloudFront::list_origin_access_controls => "list-origin-access-controls.xml",
        CloudFront::list_response_headers_policies => "list-response-headers-policies.xml",
        CloudFront::list_distributions => "list-distributions.xml",
        CloudFront::list_tags_for_resource => "list-tags-for-distribution.xml",
        CloudFront::get_distribution => "get-distribution.xml",
    );
    let seen = origin_access_control::observe(&clients, &gallery.identity).await.unwrap();
    assert_unchanged::<resources::origin_access_control::OriginAccessControl>((), seen);
    let seen = response_headers_policy::observe(&clients, &gallery.identity).await.unwrap();
    assert_unchanged::<resources::response_headers_policy::ResponseHeadersPolicy>((), seen);
    let seen = distribution::observe(&Looking::whole(&clients, &gallery.identity)).await.unwrap();
    assert_unchanged::<resources::distribution::Distribution>((), seen);
    let mut seen = reference(&gallery);
    let tags = Tags::from([(TAG_SITE.to_owned(), resources::site::digest(&gallery))]);
    seen.distribution.as_mut().unwrap().tags = tags;
    let seen = invalidation::observe(&seen);
    assert_unchanged::<resources::invalidation::Invalidation>((), seen);
}

#[tokio::test]
async fn dynamodb_s_answers_are_no_difference() {
    let clients = answers!(
        DynamoDb::describe_table => "describe-table.json",
        DynamoDb::list_tags_of_resource => "list-tags-of-resource.json",
        DynamoDb::describe_continuous_backups => "describe-continuous-backups.json",
    );
    let seen = table::observe(&Looking::whole(&clients, &gallery().identity)).await.unwrap();
    assert_unchanged::<resources::table::Table>((), seen);
}

#[tokio::test]
async fn cloudwatch_logs_answers_are_no_difference() {
    let clients = answers!(
        Logs::describe_log_groups => "describe-log-groups.json",
        Logs::list_tags_for_resource => "list-tags-for-log-group.json",
    );
    let seen = log_group::observe(&Looking::whole(&clients, &gallery().identity), LIST).await.unwrap();
    assert_unchanged::<resources::log_group::LogGroup>(LIST, seen);
}

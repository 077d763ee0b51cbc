use aws_sdk_cloudfront::Client;
use aws_sdk_cloudfront::operation::create_distribution_with_tags::CreateDistributionWithTagsOutput;
use aws_sdk_cloudfront::operation::get_distribution::GetDistributionOutput;
use aws_sdk_cloudfront::operation::get_distribution_config::GetDistributionConfigOutput;
use aws_sdk_cloudfront::operation::list_distributions::ListDistributionsOutput;
use aws_sdk_cloudfront::operation::list_tags_for_resource::ListTagsForResourceOutput;
use aws_sdk_cloudfront::operation::update_distribution::UpdateDistributionOutput;
use aws_sdk_cloudfront::types::{
    Aliases, Distribution as SdkDistribution, DistributionList, DistributionSummary, HttpVersion, PriceClass,
    ViewerCertificate,
};
use aws_smithy_mocks::{Rule, mock};
use aws_smithy_types::DateTime;

use super::*;
use crate::cloud::{self, ErrorKind};
use crate::names::TAG_UID;
use crate::ownership::Maker;
use crate::resources::distribution::{Config, Distribution};
use crate::resources::{Kind, origin_access_control, response_headers_policy, rest_api};
use crate::testing::clients::{clients, xml_refusal};
use crate::testing::galleries::{identity, summer};

fn want() -> Desired {
    let empty = cloud::Observed::default();
    let config = origin_access_control::OriginAccessControl::desired((), &summer(), &empty).unwrap();
    let seen = cloud::Observed {
        rest_api: Some(rest_api::Observed { id: "a1".into(), ..rest_api::Observed::default() }),
        origin_access_control: Some(origin_access_control::Observed { id: "OAC1".into(), config }),
        response_headers_policy: Some(response_headers_policy::Observed {
            id: "RHP1".into(),
            name: "headers".into(),
            ..response_headers_policy::Observed::default()
        }),
        ..empty
    };
    Distribution::desired((), &summer(), &seen).unwrap()
}

/// As CloudFront gives it back, with an alias, a certificate and longer timeouts that the owner added.
fn given_back() -> DistributionConfig {
    let base = DistributionConfig::builder()
        .caller_reference("reference")
        .comment("")
        .enabled(true)
        .build()
        .unwrap();
    let mut config = config::write(&want().config, base).unwrap();
    config.aliases = Some(Aliases::builder().quantity(1).items("photos.example.com").build().unwrap());
    config.viewer_certificate =
        Some(ViewerCertificate::builder().acm_certificate_arn("arn:certificate").build());
    for origin in &mut config.origins.as_mut().unwrap().items {
        if let Some(bucket) = &mut origin.s3_origin_config {
            bucket.origin_read_timeout = Some(45);
        }
        if let Some(server) = &mut origin.custom_origin_config {
            server.origin_read_timeout = Some(60);
        }
    }
    config
}

fn listed(comment: String) -> Rule {
    mock!(Client::list_distributions).then_output(move || {
        let config = given_back();
        let summary = DistributionSummary::builder()
            .id("E1")
            .arn("arn")
            .status("Deployed")
            .last_modified_time(DateTime::from_secs(0))
            .domain_name("d1.cloudfront.net")
            .set_aliases(config.aliases)
            .set_origins(config.origins)
            .set_default_cache_behavior(config.default_cache_behavior)
            .set_cache_behaviors(config.cache_behaviors)
            .set_custom_error_responses(config.custom_error_responses)
            .comment(&comment)
            .price_class(PriceClass::PriceClass100)
            .enabled(true)
            .set_viewer_certificate(config.viewer_certificate)
            .web_acl_id("")
            .http_version(HttpVersion::Http2and3)
            .is_ipv6_enabled(true)
            .staging(false)
            .build()
            .unwrap();
        let list = DistributionList::builder().marker("").max_items(100).is_truncated(false).quantity(1);
        ListDistributionsOutput::builder().distribution_list(list.items(summary).build().unwrap()).build()
    })
}

fn tagged(tags: Tags) -> Rule {
    mock!(Client::list_tags_for_resource)
        .then_output(move || ListTagsForResourceOutput::builder().tags(sdk_tags(&tags).unwrap()).build())
}

fn told(status: &'static str) -> Rule {
    mock!(Client::get_distribution).then_output(move || {
        let distribution = SdkDistribution::builder()
            .id("E1")
            .arn("arn")
            .status(status)
            .last_modified_time(DateTime::from_secs(0))
            .in_progress_invalidation_batches(0)
            .domain_name("d1.cloudfront.net")
            .distribution_config(given_back());
        GetDistributionOutput::builder().e_tag("V1").distribution(distribution.build().unwrap()).build()
    })
}

#[tokio::test]
async fn one_that_an_earlier_gallery_left_is_in_the_way_until_it_is_taken_over() {
    let identity = summer().identity;
    let mut tags = summer().tags();
    tags.insert(TAG_UID.into(), "earlier".into());
    let rules = [listed(identity.distribution_comment()), tagged(tags), told("Deployed")];
    let rules: Vec<_> = rules.iter().collect();
    let Seen::Foreign(left) = observe(&Looking::whole(&clients(&rules), &identity)).await.unwrap() else {
        panic!()
    };
    assert!(left.name == "E1" && left.whose.adopt.is_some(), "{left:?}");
    let identity = Identity { adopts: Maker::parse("owner/earlier"), ..identity };
    let Seen::Ours(seen) = observe(&Looking::whole(&clients(&rules), &identity)).await.unwrap() else {
        panic!()
    };
    assert_eq!(seen.id, "E1");
}

#[tokio::test]
async fn what_was_written_reads_as_up_to_date() {
    let identity = summer().identity;
    let rules = [listed(identity.distribution_comment()), tagged(summer().tags()), told("InProgress")];
    let rules: Vec<_> = rules.iter().collect();
    let Seen::Ours(seen) = observe(&Looking::whole(&clients(&rules), &identity)).await.unwrap() else {
        panic!()
    };
    assert_eq!((seen.id.as_str(), seen.etag.as_str(), seen.is_deployed), ("E1", "V1", false));
    assert_eq!(seen.config, want().config);
    assert_eq!(Distribution::update(&want(), Some(&seen)), []);
}

#[tokio::test]
async fn ours_is_found_even_under_another_comment() {
    let rules = [listed("by hand".into()), tagged(summer().tags()), told("Deployed")];
    let rules: Vec<_> = rules.iter().collect();
    let seen = observe(&Looking::whole(&clients(&rules), &summer().identity)).await.unwrap();
    assert!(matches!(seen, Seen::Ours(_)), "{seen:?}");
}

#[tokio::test]
async fn somebody_else_s_is_not_in_the_way() {
    let identity = summer().identity;
    let rules = [listed(identity.distribution_comment()), tagged(Tags::new())];
    let rules: Vec<_> = rules.iter().collect();
    assert_eq!(observe(&Looking::whole(&clients(&rules), &identity)).await.unwrap(), Seen::Nothing);
}

#[tokio::test]
async fn it_is_made_with_tags_and_consistent_lists() {
    let create = mock!(Client::create_distribution_with_tags)
        .match_requests(|request| {
            let wanted = request.distribution_config_with_tags().unwrap();
            let config = wanted.distribution_config().unwrap();
            let origins = config.origins().unwrap();
            let site = origins.items().iter().find(|origin| origin.id() == "site").unwrap();
            let errors = config.custom_error_responses().unwrap();
            wanted.tags().unwrap().items().len() == 4
                && config.caller_reference() == "photogallery-uid-summer"
                && origins.quantity() == 2
                && site.origin_access_control_id() == Some("OAC1")
                && site.s3_origin_config().is_some_and(|s3| s3.origin_access_identity().is_empty())
                && usize::try_from(errors.quantity()) == Ok(errors.items().len())
        })
        .then_output(|| CreateDistributionWithTagsOutput::builder().build());
    apply(&clients(&[&create]), &identity("photos", "summer"), &Change::Create(want())).await.unwrap();
    assert_eq!(create.num_calls(), 1);
}

#[tokio::test]
async fn a_change_keeps_what_the_owner_added_and_holds_to_the_version_it_saw() {
    let read = || {
        mock!(Client::get_distribution_config).then_output(|| {
            GetDistributionConfigOutput::builder().e_tag("V2").distribution_config(given_back()).build()
        })
    };
    let config = Config { comment: "new".into(), ..want().config };
    let (id, etag) = (String::from("E1"), String::from("V1"));
    let update = Change::Update { id: id.clone(), etag: etag.clone(), config };
    for (change, comment, enabled) in
        [(update, "new".to_owned(), true), (Change::Disable { id, etag }, want().config.comment, false)]
    {
        let put = mock!(Client::update_distribution)
            .match_requests(move |request| {
                let config = request.distribution_config().unwrap();
                let origins = config.origins().unwrap().items();
                let timeouts: Vec<_> = origins
                    .iter()
                    .filter_map(|origin| match origin.s3_origin_config() {
                        Some(bucket) => bucket.origin_read_timeout(),
                        None => origin.custom_origin_config()?.origin_read_timeout(),
                    })
                    .collect();
                timeouts == [60, 45]
                    && request.if_match() == Some("V1")
                    && config.caller_reference() == "reference"
                    && config.aliases().unwrap().items() == ["photos.example.com"]
                    && config.viewer_certificate().unwrap().acm_certificate_arn() == Some("arn:certificate")
                    && config.comment() == comment
                    && config.enabled() == enabled
            })
            .then_output(|| UpdateDistributionOutput::builder().build());
        apply(&clients(&[&read(), &put]), &identity("photos", "summer"), &change).await.unwrap();
        assert_eq!(put.num_calls(), 1);
    }
}

#[tokio::test]
async fn a_repeated_creation_and_a_stale_version_are_worth_another_look() {
    let exists = mock!(Client::create_distribution_with_tags).then_http_response(|| {
        let message = "The caller reference is associated with another distribution. Already exists: E1";
        xml_refusal(409, "DistributionAlreadyExists", message)
    });
    let identity = identity("photos", "summer");
    let error = apply(&clients(&[&exists]), &identity, &Change::Create(want())).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotReady);
    let stale = mock!(Client::delete_distribution)
        .then_http_response(|| xml_refusal(412, "PreconditionFailed", "The request failed"));
    let change = Change::Delete { id: "E1".into(), etag: "V0".into() };
    let error = apply(&clients(&[&stale]), &identity, &change).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotReady);
    let gone = mock!(Client::delete_distribution).then_http_response(|| {
        xml_refusal(404, "NoSuchDistribution", "The specified distribution does not exist.")
    });
    apply(&clients(&[&gone]), &identity, &change).await.unwrap();
}

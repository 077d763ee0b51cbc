//! Requests and answers as S3 has them.

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::create_bucket::CreateBucketOutput;
use aws_sdk_s3::operation::get_bucket_encryption::GetBucketEncryptionOutput;
use aws_sdk_s3::operation::get_bucket_lifecycle_configuration::GetBucketLifecycleConfigurationOutput;
use aws_sdk_s3::operation::get_bucket_ownership_controls::GetBucketOwnershipControlsOutput;
use aws_sdk_s3::operation::get_bucket_tagging::GetBucketTaggingOutput;
use aws_sdk_s3::operation::get_public_access_block::GetPublicAccessBlockOutput;
use aws_sdk_s3::operation::put_bucket_lifecycle_configuration::PutBucketLifecycleConfigurationOutput;
use aws_smithy_mocks::mock;

use super::*;
use crate::cloud::ErrorKind;
use crate::resources::bucket::{ENCRYPTION, OWNERSHIP};
use crate::testing::clients::{clients, refusal};
use crate::testing::galleries::identity;

const ROLE: BucketRole = BucketRole::Photos;

fn gallery() -> Identity {
    identity("photos", "summer")
}

fn tagged(tags: &Tags) -> aws_smithy_mocks::Rule {
    let tags = to_tags(tags).unwrap();
    mock!(Client::get_bucket_tagging)
        .match_requests(|request| request.expected_bucket_owner() == Some("123456789012"))
        .then_output(move || {
            GetBucketTaggingOutput::builder().set_tag_set(Some(tags.clone())).build().unwrap()
        })
}

fn rules() -> Vec<Rule> {
    let incoming = Rule { id: "incoming".into(), prefix: "incoming/".into(), ..Rule::default() };
    vec![
        Rule { expire_days: Some(1), ..incoming.clone() },
        Rule { id: "archive".into(), archive_days: Some(365), ..Rule::default() },
        Rule { id: "unfinished-uploads".into(), abort_days: Some(1), ..Rule::default() },
    ]
}

#[tokio::test]
async fn a_bucket_of_ours_is_read_in_full() {
    let all = [
        tagged(&gallery().owner_tags()),
        mock!(Client::get_public_access_block).then_output(|| {
            GetPublicAccessBlockOutput::builder().public_access_block_configuration(all_blocked()).build()
        }),
        mock!(Client::get_bucket_ownership_controls).then_output(|| {
            GetBucketOwnershipControlsOutput::builder().ownership_controls(enforced().unwrap()).build()
        }),
        mock!(Client::get_bucket_encryption).then_output(|| {
            GetBucketEncryptionOutput::builder()
                .server_side_encryption_configuration(by_s3().unwrap())
                .build()
        }),
        mock!(Client::get_bucket_lifecycle_configuration).then_output(|| {
            let rules = to_rules(&rules()).unwrap().rules;
            GetBucketLifecycleConfigurationOutput::builder().set_rules(Some(rules)).build()
        }),
    ];
    let seen = observe(&Looking::whole(&clients(&all.each_ref()), &gallery()), ROLE).await.unwrap();
    let want = Observed {
        tags: gallery().owner_tags(),
        unblocked: BTreeSet::new(),
        ownership: Some(OWNERSHIP.into()),
        encryption: Some(ENCRYPTION.into()),
        lifecycle: rules(),
    };
    assert_eq!(seen, Seen::Ours(want));
}

#[tokio::test]
async fn what_a_bucket_does_not_have_is_missing_and_no_error() {
    let missing = |code: &'static str| move || refusal(404, code, "none");
    let all = [
        tagged(&gallery().owner_tags()),
        mock!(Client::get_public_access_block)
            .then_http_response(missing("NoSuchPublicAccessBlockConfiguration")),
        mock!(Client::get_bucket_ownership_controls)
            .then_http_response(missing("OwnershipControlsNotFoundError")),
        mock!(Client::get_bucket_encryption)
            .then_http_response(missing("ServerSideEncryptionConfigurationNotFoundError")),
        mock!(Client::get_bucket_lifecycle_configuration)
            .then_http_response(missing("NoSuchLifecycleConfiguration")),
    ];
    let seen = observe(&Looking::whole(&clients(&all.each_ref()), &gallery()), ROLE).await.unwrap();
    let tags = gallery().owner_tags();
    let unblocked = BTreeSet::from(BLOCKS);
    let want = Observed { tags, unblocked, ownership: None, encryption: None, lifecycle: Vec::new() };
    assert_eq!(seen, Seen::Ours(want));
}

#[tokio::test]
async fn whose_a_bucket_is_shows_in_the_answer_about_its_tags() {
    let answers = [
        (404, "NoSuchBucket", "The specified bucket does not exist", None),
        (404, "NoSuchTagSet", "The TagSet does not exist", Some("it does not carry this operator's tags")),
        (403, "AccessDenied", "Access Denied", Some("it belongs to another AWS account")),
        (
            301,
            "PermanentRedirect",
            "The bucket must be addressed elsewhere",
            Some("it is in another AWS region"),
        ),
    ];
    for (status, code, message, whose) in answers {
        let rule =
            mock!(Client::get_bucket_tagging).then_http_response(move || refusal(status, code, message));
        let seen = observe(&Looking::whole(&clients(&[&rule]), &gallery()), ROLE).await.unwrap();
        let name = gallery().bucket(ROLE);
        let want = whose.map_or(Seen::Nothing, |whose| Seen::Foreign(Foreign { name, whose: whose.into() }));
        assert_eq!(seen, want, "{code}");
    }
}

#[tokio::test]
async fn a_refusal_within_the_account_is_not_mistaken_for_somebody_else_s_bucket() {
    let message = "User: arn:aws:iam::123456789012:user/x is not authorized to perform: s3:GetBucketTagging on resource";
    for (code, message) in [("AccessDenied", message), ("InvalidAccessKeyId", "no such key")] {
        let rule = mock!(Client::get_bucket_tagging).then_http_response(move || refusal(403, code, message));
        let error = observe(&Looking::whole(&clients(&[&rule]), &gallery()), ROLE).await.unwrap_err();
        assert_eq!((error.kind, error.operation), (ErrorKind::AccessDenied, "GetBucketTagging"));
    }
}

#[tokio::test]
async fn the_artefact_bucket_is_ours_by_its_shared_tags() {
    let tags = gallery().owner_tags();
    let seen = owned(&clients(&[&tagged(&tags)]), &gallery(), BucketRole::Artefacts).await.unwrap();
    assert!(matches!(seen, Seen::Foreign(_)), "{seen:?}");
    let tags = gallery().installation.shared_tags();
    let seen = owned(&clients(&[&tagged(&tags)]), &gallery(), BucketRole::Artefacts).await.unwrap();
    assert_eq!(seen, Seen::Ours(tags));
}

#[tokio::test]
async fn a_bucket_is_made_in_its_region_and_us_east_1_is_never_named() {
    for (region, place) in [("eu-west-1", Some("eu-west-1")), ("us-east-1", None)] {
        let rule = mock!(Client::create_bucket)
            .match_requests(move |request| {
                let Some(made) = request.create_bucket_configuration() else { return false };
                made.location_constraint().map(BucketLocationConstraint::as_str) == place
                    && made.tags().len() == 4
                    && request.object_ownership() == Some(&ObjectOwnership::BucketOwnerEnforced)
                    && request.acl().is_none()
            })
            .then_output(|| CreateBucketOutput::builder().build());
        let gallery = Identity { region: region.into(), ..gallery() };
        apply(&clients(&[&rule]), &gallery, ROLE, &Change::Create(gallery.owner_tags())).await.unwrap();
        assert_eq!(rule.num_calls(), 1);
    }
}

#[tokio::test]
async fn lifecycle_rules_have_an_id_and_a_filter() {
    let rule = mock!(Client::put_bucket_lifecycle_configuration)
        .match_requests(|request| {
            let sent = request
                .lifecycle_configuration()
                .map(BucketLifecycleConfiguration::rules)
                .unwrap_or_default();
            let filtered = sent.iter().all(|rule| rule.filter().and_then(|filter| filter.prefix()).is_some());
            filtered && sent.iter().map(rule_of).collect::<Vec<_>>() == rules()
        })
        .then_output(|| PutBucketLifecycleConfigurationOutput::builder().build());
    apply(&clients(&[&rule]), &gallery(), ROLE, &Change::PutLifecycle(rules())).await.unwrap();
    assert_eq!(rule.num_calls(), 1);
}

#[tokio::test]
async fn a_rule_that_our_words_cannot_say_is_odd() {
    let plain = to_rules(&rules()).unwrap().rules.swap_remove(0);
    assert_eq!(rule_of(&plain).besides, "");
    let tag = Tag::builder().key("a").value("b").build().unwrap();
    let filter = LifecycleRuleFilter::builder().prefix("incoming/").tag(tag).build();
    let glacier = Transition::builder().days(1).storage_class("GLACIER".into()).build();
    let mut odd = [plain.clone(), plain.clone(), plain];
    odd[0].status = ExpirationStatus::Disabled;
    odd[1].filter = Some(filter);
    odd[2].transitions = Some(vec![glacier]);
    for rule in odd {
        assert_ne!(rule_of(&rule).besides, "", "{rule:?}");
    }
}

#[tokio::test]
async fn a_bucket_that_is_gone_needs_no_deletion_and_one_that_is_not_empty_waits() {
    let gone = mock!(Client::delete_bucket).then_http_response(|| refusal(404, "NoSuchBucket", "none"));
    apply(&clients(&[&gone]), &gallery(), ROLE, &Change::Delete).await.unwrap();
    let full = mock!(Client::delete_bucket)
        .then_http_response(|| refusal(409, "BucketNotEmpty", "The bucket you tried to delete is not empty"));
    let error = apply(&clients(&[&full]), &gallery(), ROLE, &Change::Delete).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotReady);
}

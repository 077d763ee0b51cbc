//! Requests and answers as DynamoDB has them.

use std::time::SystemTime;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::create_table::CreateTableOutput;
use aws_sdk_dynamodb::operation::describe_continuous_backups::DescribeContinuousBackupsOutput;
use aws_sdk_dynamodb::operation::describe_table::DescribeTableOutput;
use aws_sdk_dynamodb::operation::list_tags_of_resource::ListTagsOfResourceOutput;
use aws_sdk_dynamodb::operation::update_table::UpdateTableOutput;
use aws_sdk_dynamodb::types::{
    BillingModeSummary, ContinuousBackupsDescription, ContinuousBackupsStatus, PointInTimeRecoveryDescription,
};
use aws_smithy_mocks::{Rule, mock};
use aws_smithy_types::DateTime;

use super::*;
use crate::cloud::ErrorKind;
use crate::testing::clients::{clients, json_refusal};
use crate::testing::galleries::identity;

fn described(status: TableStatus, age: Duration) -> Rule {
    let created = DateTime::from(SystemTime::now() - age);
    mock!(Client::describe_table).then_output(move || {
        let mode = BillingModeSummary::builder().billing_mode(BillingMode::PayPerRequest).build();
        let index = GlobalSecondaryIndexDescription::builder().index_name(NEWEST_FIRST);
        let index = index.set_key_schema(Some(index_keys().unwrap())).projection(everything());
        let table = TableDescription::builder().table_status(status.clone()).creation_date_time(created);
        let index = index.index_status(IndexStatus::Active).build();
        let table = table.billing_mode_summary(mode).global_secondary_indexes(index).build();
        DescribeTableOutput::builder().table(table).build()
    })
}

fn tagged(tags: Tags) -> Rule {
    mock!(Client::list_tags_of_resource).then_output(move || {
        ListTagsOfResourceOutput::builder().set_tags(Some(to_tags(&tags).unwrap())).build()
    })
}

fn recovery(status: PointInTimeRecoveryStatus) -> Rule {
    mock!(Client::describe_continuous_backups).then_output(move || {
        let recovery =
            PointInTimeRecoveryDescription::builder().point_in_time_recovery_status(status.clone());
        let backups = ContinuousBackupsDescription::builder()
            .continuous_backups_status(ContinuousBackupsStatus::Enabled)
            .point_in_time_recovery_description(recovery.build());
        DescribeContinuousBackupsOutput::builder()
            .continuous_backups_description(backups.build().unwrap())
            .build()
    })
}

const OLD: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn a_missing_table_is_no_error() {
    let message = "Requested resource not found: Table: x not found";
    let rule = mock!(Client::describe_table).then_http_response(|| {
        json_refusal("com.amazonaws.dynamodb.v20120810#ResourceNotFoundException", message)
    });
    let seen = observe(&Looking::whole(&clients(&[&rule]), &identity("photos", "summer"))).await.unwrap();
    assert_eq!(seen, Seen::Nothing);
}

#[tokio::test]
async fn a_table_of_ours_is_read_in_full() {
    let gallery = identity("photos", "summer");
    let rules = [
        described(TableStatus::Active, OLD),
        tagged(gallery.owner_tags()),
        recovery(PointInTimeRecoveryStatus::Enabled),
    ];
    let seen = observe(&Looking::whole(&clients(&rules.each_ref()), &gallery)).await.unwrap();
    let (is_on_demand, index, has_recovery) = (true, Index::AsPlanned, true);
    let tags = gallery.owner_tags();
    let want =
        Observed { status: Status::Active, is_on_demand, index, has_recovery, is_protected: false, tags };
    assert_eq!(seen, Seen::Ours(want));
}

#[tokio::test]
async fn a_table_that_comes_or_goes_is_asked_for_nothing_else() {
    for (status, is) in [(TableStatus::Creating, Status::Creating), (TableStatus::Deleting, Status::Deleting)]
    {
        let rule = described(status, OLD);
        let seen = observe(&Looking::whole(&clients(&[&rule]), &identity("photos", "summer"))).await.unwrap();
        assert!(matches!(seen, Seen::Ours(Observed { status, .. }) if status == is), "{seen:?}");
    }
}

#[tokio::test]
async fn tags_that_are_late_do_not_make_a_new_table_foreign() {
    let late = [(Duration::from_secs(2), true), (OLD, false)];
    for (age, is_ours) in late {
        let rules = [
            described(TableStatus::Active, age),
            tagged(Tags::new()),
            recovery(PointInTimeRecoveryStatus::Disabled),
        ];
        let seen = observe(&Looking::whole(&clients(&rules.each_ref()), &identity("photos", "summer")))
            .await
            .unwrap();
        match seen {
            Seen::Ours(seen) => assert!(is_ours && seen.status == Status::Creating),
            Seen::Foreign(_) => assert!(!is_ours),
            Seen::Nothing => panic!(),
        }
    }
}

#[tokio::test]
async fn a_table_is_made_with_keys_index_and_tags_of_the_contract() {
    let rule = mock!(Client::create_table)
        .match_requests(|request| {
            let keys = |keys: &[KeySchemaElement]| {
                keys.iter().map(|key| format!("{} {}", key.attribute_name, key.key_type)).collect::<Vec<_>>()
            };
            let [index] = request.global_secondary_indexes() else { return false };
            request.billing_mode() == Some(&BillingMode::PayPerRequest)
                && keys(request.key_schema()) == ["photoId HASH"]
                && index.index_name() == "newest-first"
                && keys(index.key_schema()) == ["listing HASH", "photoId RANGE"]
                && index.projection().and_then(Projection::projection_type) == Some(&ProjectionType::All)
                && request.attribute_definitions().len() == 2
                && request.tags().len() == 4
        })
        .then_output(|| CreateTableOutput::builder().build());
    let gallery = identity("photos", "summer");
    apply(&clients(&[&rule]), &gallery, &Change::Create(gallery.owner_tags())).await.unwrap();
    assert_eq!(rule.num_calls(), 1);
}

#[tokio::test]
async fn the_index_is_added_by_an_update_of_its_own() {
    let rule = mock!(Client::update_table)
        .match_requests(|request| {
            let [update] = request.global_secondary_index_updates() else { return false };
            update.create().is_some_and(|index| index.index_name() == NEWEST_FIRST)
                && request.billing_mode().is_none()
                && request.attribute_definitions().len() == 2
        })
        .then_output(|| UpdateTableOutput::builder().build());
    apply(&clients(&[&rule]), &identity("photos", "summer"), &Change::AddIndex).await.unwrap();
    assert_eq!(rule.num_calls(), 1);
}

#[tokio::test]
async fn backups_that_are_not_ready_yet_are_a_matter_of_time() {
    let message = "Backups are being enabled for the table: x. Please retry later";
    let rule = mock!(Client::update_continuous_backups)
        .then_http_response(|| json_refusal("ContinuousBackupsUnavailableException", message));
    let error =
        apply(&clients(&[&rule]), &identity("photos", "summer"), &Change::EnableRecovery).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotReady);
}

#[tokio::test]
async fn deleting_what_is_gone_is_no_error() {
    let rule =
        mock!(Client::delete_table).then_http_response(|| json_refusal("ResourceNotFoundException", "gone"));
    apply(&clients(&[&rule]), &identity("photos", "summer"), &Change::Delete).await.unwrap();
}

//! The photos bucket's notification: read, change our entry, write it all back.

use aws_sdk_s3::operation::get_bucket_notification_configuration::GetBucketNotificationConfigurationOutput;
use aws_sdk_s3::types::{
    Event, FilterRule, FilterRuleName, LambdaFunctionConfiguration, NotificationConfiguration,
    NotificationConfigurationFilter, S3KeyFilter,
};

use super::Clients;
use super::error::{failed, found, invalid_request};
use super::needs::{CallNeeds, Need, On, call};
use crate::cloud::{CloudError, Seen};
use crate::gallery::Identity;
use crate::graph::BucketRole;
use crate::resources::notification::{Change, Entry, ID, Observed};

/// What IAM asks of whoever makes these calls.
pub(super) const NEEDS: &[CallNeeds] = &[
    call("s3", "GetBucketNotificationConfiguration", &[Need("s3:GetBucketNotification", On::Bucket)]),
    call("s3", "PutBucketNotificationConfiguration", &[Need("s3:PutBucketNotification", On::Bucket)]),
];

const MISSING: &[&str] = &["NoSuchBucket"];

pub(super) async fn observe(clients: &Clients, gallery: &Identity) -> Result<Seen<Observed>, CloudError> {
    let found = configuration(clients, gallery).await?;
    let entries = found.map(|found| found.lambda_function_configurations.unwrap_or_default());
    let ours = entries.into_iter().flatten().find(is_ours);
    Ok(ours.map_or(Seen::Nothing, |entry| Seen::Ours(read(&entry))))
}

async fn configuration(
    clients: &Clients,
    gallery: &Identity,
) -> Result<Option<GetBucketNotificationConfigurationOutput>, CloudError> {
    let call = clients.s3.get_bucket_notification_configuration().bucket(gallery.bucket(BucketRole::Photos));
    let call = call.expected_bucket_owner(&gallery.installation.account);
    found(call.send().await, MISSING, failed("s3", "GetBucketNotificationConfiguration"))
}

fn is_ours(entry: &LambdaFunctionConfiguration) -> bool {
    entry.id() == Some(ID)
}

fn read(entry: &LambdaFunctionConfiguration) -> Entry {
    let rules = entry.filter().and_then(NotificationConfigurationFilter::key).map(S3KeyFilter::filter_rules);
    let value = |name: &FilterRuleName| {
        // S3 gives names back as "Prefix", and takes them as "prefix".
        let mut rules = rules.into_iter().flatten();
        let rule = rules
            .find(|rule| rule.name().is_some_and(|other| other.as_str().eq_ignore_ascii_case(name.as_str())));
        rule.and_then(FilterRule::value).unwrap_or_default().to_owned()
    };
    let mut events: Vec<_> = entry.events().iter().map(ToString::to_string).collect();
    events.sort();
    Entry {
        function: entry.lambda_function_arn().to_owned(),
        events,
        prefix: value(&FilterRuleName::Prefix),
        suffix: value(&FilterRuleName::Suffix),
    }
}

pub(super) async fn apply(clients: &Clients, gallery: &Identity, change: &Change) -> Result<(), CloudError> {
    let Some(found) = configuration(clients, gallery).await? else { return Ok(()) };
    let mut functions = found.lambda_function_configurations.unwrap_or_default();
    functions.retain(|entry| !is_ours(entry));
    let skip_validation = match change {
        Change::Put(entry) => {
            functions.push(write(entry)?);
            false
        }
        Change::Remove => true,
    };
    let configuration = NotificationConfiguration::builder()
        .set_topic_configurations(found.topic_configurations)
        .set_queue_configurations(found.queue_configurations)
        .set_lambda_function_configurations(Some(functions))
        .set_event_bridge_configuration(found.event_bridge_configuration)
        .build();
    let call = clients.s3.put_bucket_notification_configuration().bucket(gallery.bucket(BucketRole::Photos));
    let call =
        call.expected_bucket_owner(&gallery.installation.account).notification_configuration(configuration);
    let call = call.set_skip_destination_validation(skip_validation.then_some(true));
    call.send().await.map(drop).map_err(failed("s3", "PutBucketNotificationConfiguration"))
}

fn write(entry: &Entry) -> Result<LambdaFunctionConfiguration, CloudError> {
    let Entry { function, events, prefix, suffix } = entry;
    let rules = [(FilterRuleName::Prefix, prefix), (FilterRuleName::Suffix, suffix)];
    let rules = rules.into_iter().filter(|(_, value)| !value.is_empty());
    let rules = rules.map(|(name, value)| FilterRule::builder().name(name).value(value).build()).collect();
    let key = S3KeyFilter::builder().set_filter_rules(Some(rules)).build();
    LambdaFunctionConfiguration::builder()
        .id(ID)
        .lambda_function_arn(function)
        .set_events(Some(events.iter().map(|event| Event::from(event.as_str())).collect()))
        .filter(NotificationConfigurationFilter::builder().key(key).build())
        .build()
        .map_err(invalid_request("s3", "PutBucketNotificationConfiguration"))
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::Client;
    use aws_sdk_s3::operation::put_bucket_notification_configuration::PutBucketNotificationConfigurationOutput;
    use aws_sdk_s3::types::{EventBridgeConfiguration, QueueConfiguration};
    use aws_smithy_mocks::{Rule, mock};

    use super::*;
    use crate::testing::clients::{clients, refusal};
    use crate::testing::galleries::identity;

    fn ours() -> Entry {
        let events = vec!["s3:ObjectCreated:*".into()];
        Entry { function: "arn:thumbnail".into(), events, prefix: "incoming/".into(), suffix: String::new() }
    }

    /// Somebody's queue, `EventBridge` and function beside our entry.
    fn shared() -> Rule {
        mock!(Client::get_bucket_notification_configuration).then_output(|| {
            let queue = QueueConfiguration::builder().queue_arn("arn:queue").events(Event::S3ObjectRemoved);
            let other = LambdaFunctionConfiguration::builder().id("other").lambda_function_arn("arn:other");
            GetBucketNotificationConfigurationOutput::builder()
                .queue_configurations(queue.build().unwrap())
                .lambda_function_configurations(other.events(Event::S3ObjectRemoved).build().unwrap())
                .lambda_function_configurations(write(&ours()).unwrap())
                .event_bridge_configuration(EventBridgeConfiguration::builder().build())
                .build()
        })
    }

    #[tokio::test]
    async fn our_entry_is_read_among_others() {
        let seen = observe(&clients(&[&shared()]), &identity("photos", "summer")).await.unwrap();
        assert_eq!(seen, Seen::Ours(ours()));
    }

    #[tokio::test]
    async fn no_bucket_and_no_entry_are_both_nothing() {
        let identity = identity("photos", "summer");
        let none = mock!(Client::get_bucket_notification_configuration)
            .then_http_response(|| refusal(404, "NoSuchBucket", "none"));
        assert_eq!(observe(&clients(&[&none]), &identity).await.unwrap(), Seen::Nothing);
        apply(&clients(&[&none]), &identity, &Change::Remove).await.unwrap();
        let empty = mock!(Client::get_bucket_notification_configuration)
            .then_output(|| GetBucketNotificationConfigurationOutput::builder().build());
        assert_eq!(observe(&clients(&[&empty]), &identity).await.unwrap(), Seen::Nothing);
    }

    #[tokio::test]
    async fn entries_of_others_are_written_back() {
        for (change, functions, skip) in [(Change::Put(ours()), 2, None), (Change::Remove, 1, Some(true))] {
            let put = mock!(Client::put_bucket_notification_configuration)
                .match_requests(move |request| {
                    let written = request.notification_configuration().unwrap();
                    written.queue_configurations().len() == 1
                        && written.event_bridge_configuration().is_some()
                        && written.lambda_function_configurations().len() == functions
                        && written.lambda_function_configurations()[0].id() == Some("other")
                        && request.skip_destination_validation() == skip
                        && request.expected_bucket_owner() == Some("123456789012")
                })
                .then_output(|| PutBucketNotificationConfigurationOutput::builder().build());
            let clients = clients(&[&shared(), &put]);
            apply(&clients, &identity("photos", "summer"), &change).await.unwrap();
            assert_eq!(put.num_calls(), 1);
        }
    }
}

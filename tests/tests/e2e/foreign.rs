//! Somebody else's resources under the names that a gallery would give: said, not touched.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{FunctionCode, Runtime};
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use functions_core::contract::FunctionName;
use photogallery_operator::graph::BucketRole;
use photogallery_tests::artifacts;
use photogallery_tests::local_aws::{ACCOUNT, Clients, REGION};
use serde_json::{Value, json};

use crate::support::account::{inventory, named_resources};
use crate::support::gallery::condition;
use crate::support::{Gallery, shared};

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

/// How long the operator takes a table without tags for one whose tags do not show yet (`operator/src/aws/table.rs`).
const TAGS_LATENCY: std::time::Duration = std::time::Duration::from_secs(30);

/// The operator's words for what is in the way.
const ALL: [&str; 5] = ["bucket/photos", "table", "role/upload", "log-group/delete", "function/list"];

/// What is in the way.
struct Names {
    bucket: String,
    table: String,
    role: String,
    group: String,
    function: String,
}

#[test]
fn resources_of_others_with_our_names_are_told_and_not_touched_and_the_gallery_is_made_once_they_are_gone()
-> Result<()> {
    shared(async |stack| {
        let gallery = Gallery::named(stack, "foreign", "foreign").await?;
        let identity = gallery.identity();
        let names = Names {
            bucket: identity.bucket(BucketRole::Photos),
            table: identity.table(),
            role: identity.role(FunctionName::Upload),
            group: identity.log_group(FunctionName::Delete),
            function: identity.function(FunctionName::List),
        };
        let aws = stack.aws();
        make(aws, &names).await?;
        let before = look(aws, &names).await?;

        let gallery = Gallery::apply(stack, "foreign", json!({})).await?;

        let all = [&names.bucket, &names.table, &names.role, &names.group, &names.function];
        let mut in_the_way: BTreeMap<_, _> = ALL.into_iter().zip(all).collect();
        while !in_the_way.is_empty() {
            let message = conflict(&gallery, &in_the_way).await?;
            let id =
                *in_the_way.keys().find(|id| message.contains(&format!("{id} "))).context("names none")?;
            let whose = match in_the_way.len() {
                1 => {
                    "exists and is not ours: it does not carry this operator's tags. It is left alone. Remove it, "
                }
                2..=4 => {
                    "exist and are not ours: each does not carry this operator's tags. They are left alone. Remove them, "
                }
                _ => "and 1 more exist and are not ours: each ",
            };
            ensure!(message.contains(whose), "{message}");
            ensure!(
                message.ends_with("or choose another name for the gallery; I will go on by myself."),
                "{message}"
            );
            if in_the_way.len() == before.len() {
                // Told once; that others follow, the conditions say.
                gallery.tells(true, "Stalled", &format!("ResourceConflict: {message}")).await?;
            }
            let mut now = look(aws, &names).await?;
            now.retain(|kind, _| in_the_way.contains_key(kind.as_str()));
            let then: BTreeMap<_, _> =
                before.clone().into_iter().filter(|(kind, _)| now.contains_key(kind)).collect();
            ensure!(now == then && now.len() == in_the_way.len(), "touched: {now:#?} was {then:#?}");
            // Nothing is made beside them.
            let made = named_resources(&gallery).into_iter().filter(|line| !names.hold(line));
            let (made, all): (Vec<_>, _) = (made.collect(), inventory(stack).await?);
            ensure!(made.iter().all(|line| !all.contains(line)), "made: {all:#?}");
            remove(aws, &names, id).await?;
            in_the_way.remove(id);
            gallery.annotate().await?;
        }
        let visitor = gallery.visitor().await?;
        ensure!(visitor.photos().await?.is_empty());
        Ok(())
    })
}

impl Names {
    /// Is it one of these, as a line of the inventory?
    fn hold(&self, line: &str) -> bool {
        let Self { bucket, table, role, group, function } = self;
        let all = [
            ("bucket", bucket),
            ("table", table),
            ("role", role),
            ("log group", group),
            ("function", function),
        ];
        all.iter().any(|(kind, name)| line == format!("{kind} {name}"))
    }
}

/// Waits for the conflict with all of these and nothing else, and returns its message.
async fn conflict(gallery: &Gallery<'_>, in_the_way: &BTreeMap<&str, &String>) -> Result<String> {
    let message = |status: &Value| {
        let stalled = condition(status, "Stalled").filter(|it| it["status"] == "True")?;
        Some(stalled["message"].as_str()?.to_owned())
    };
    let status = gallery
        .wait_for("to say what is in its way", |object| {
            let named = message(&object.data["status"]);
            // No more than four are named.
            named.is_some_and(|message| {
                let named: Vec<_> = ALL.iter().filter(|id| message.contains(&format!("{id} "))).collect();
                named.len() == in_the_way.len().min(4) && named.iter().all(|id| in_the_way.contains_key(**id))
            })
        })
        .await?;
    let message = message(&status).context("not stalled any more")?;
    for kind in ["Synced", "Stalled"] {
        let condition = condition(&status, kind).context("no condition")?;
        ensure!(
            condition["reason"] == "ResourceConflict" && condition["message"] == *message,
            "{condition:#}"
        );
    }
    ensure!(condition(&status, "Synced").is_some_and(|it| it["status"] == "False"), "{status:#}");
    ensure!(condition(&status, "Ready").is_some_and(|it| it["status"] == "False"), "{status:#}");
    ensure!(condition(&status, "Reconciling").is_none(), "stalled and reconciling at once: {status:#}");
    Ok(message)
}

async fn make(aws: &Clients, names: &Names) -> Result<()> {
    let there = CreateBucketConfiguration::builder()
        .location_constraint(BucketLocationConstraint::from(REGION))
        .build();
    aws.s3.create_bucket().bucket(&names.bucket).create_bucket_configuration(there).send().await?;
    aws.s3.put_object().bucket(&names.bucket).key("precious").body(b"1".to_vec().into()).send().await?;

    let key = KeySchemaElement::builder().attribute_name("id").key_type(KeyType::Hash).build()?;
    let id =
        AttributeDefinition::builder().attribute_name("id").attribute_type(ScalarAttributeType::S).build()?;
    let table = aws.dynamodb.create_table().table_name(&names.table).billing_mode(BillingMode::PayPerRequest);
    table.key_schema(key).attribute_definitions(id).send().await?;
    // One that was made a moment ago could be the operator's own, whose tags do not show yet.
    tokio::time::sleep(TAGS_LATENCY + std::time::Duration::from_secs(1)).await;
    let row = AttributeValue::S("precious".into());
    aws.dynamodb.put_item().table_name(&names.table).item("id", row).send().await?;

    let role = aws.iam.create_role().path("/photogallery/").role_name(&names.role);
    role.assume_role_policy_document(TRUST).send().await?;
    aws.logs.create_log_group().log_group_name(&names.group).send().await?;

    let zip = artifacts::functions().join(artifacts::architecture()).join("delete.zip");
    let code = FunctionCode::builder().zip_file(Blob::new(std::fs::read(zip)?)).build();
    let function = aws.lambda.create_function().function_name(&names.function).code(code);
    let function = function.runtime(Runtime::Providedal2023).handler("theirs").memory_size(333);
    // Any role that is there; it is never invoked.
    function.role(format!("arn:aws:iam::{ACCOUNT}:role/photogallery/{}", names.role)).send().await?;
    Ok(())
}

/// Each thing as it is now, by the operator's word for it; absent when it is gone.
async fn look(aws: &Clients, names: &Names) -> Result<BTreeMap<String, String>> {
    let mut seen = BTreeMap::new();
    if let Ok(objects) = aws.s3.list_objects_v2().bucket(&names.bucket).send().await {
        let has = |is_there: bool| if is_there { "with" } else { "without" };
        let tags = aws.s3.get_bucket_tagging().bucket(&names.bucket).send().await.is_ok();
        let policy = aws.s3.get_bucket_policy().bucket(&names.bucket).send().await.is_ok();
        let lifecycle =
            aws.s3.get_bucket_lifecycle_configuration().bucket(&names.bucket).send().await.is_ok();
        let cors = aws.s3.get_bucket_cors().bucket(&names.bucket).send().await.is_ok();
        let keys: Vec<_> = objects.contents().iter().filter_map(|object| object.key()).collect();
        let parts = [has(tags), has(policy), has(lifecycle), has(cors)];
        seen.insert("bucket/photos".into(), format!("{keys:?} tags, policy, lifecycle, cors: {parts:?}"));
    }
    if let Ok(rows) = aws.dynamodb.scan().table_name(&names.table).send().await {
        let table =
            aws.dynamodb.describe_table().table_name(&names.table).send().await?.table.context("no table")?;
        let arn = table.table_arn().context("no arn")?;
        let tags = aws.dynamodb.list_tags_of_resource().resource_arn(arn).send().await?;
        let indexes = table.global_secondary_indexes().len();
        seen.insert("table".into(), format!("{:?} {indexes} indexes, tags {:?}", rows.items(), tags.tags()));
    }
    if let Ok(role) = aws.iam.get_role().role_name(&names.role).send().await {
        let policies = aws.iam.list_role_policies().role_name(&names.role).send().await?.policy_names;
        let role = role.role.context("no role")?;
        let (tags, description) = (role.tags(), role.description());
        let trust = role.assume_role_policy_document();
        seen.insert("role/upload".into(), format!("{tags:?} {description:?} {policies:?} {trust:?}"));
    }
    let groups = aws.logs.describe_log_groups().log_group_name_prefix(&names.group).send().await?;
    if let Some(group) = groups.log_groups().first() {
        let arn = format!("arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{}", names.group);
        let tags = aws.logs.list_tags_for_resource().resource_arn(arn).send().await?.tags;
        seen.insert("log-group/delete".into(), format!("{:?} {tags:?}", group.retention_in_days()));
    }
    if let Ok(function) = aws.lambda.get_function_configuration().function_name(&names.function).send().await
    {
        let arn = function.function_arn().context("no arn")?;
        let tags = aws.lambda.list_tags().resource(arn).send().await?.tags;
        let (code, handler, memory) = (function.code_sha256(), function.handler(), function.memory_size());
        let policy =
            aws.lambda.get_policy().function_name(&names.function).send().await.ok().and_then(|it| it.policy);
        let policy = policy.filter(|policy| policy.contains("Sid"));
        seen.insert("function/list".into(), format!("{code:?} {handler:?} {memory:?} {tags:?} {policy:?}"));
    }
    Ok(seen)
}

async fn remove(aws: &Clients, names: &Names, id: &str) -> Result<()> {
    match id {
        "bucket/photos" => {
            aws.s3.delete_object().bucket(&names.bucket).key("precious").send().await?;
            aws.s3.delete_bucket().bucket(&names.bucket).send().await?;
        }
        "table" => drop(aws.dynamodb.delete_table().table_name(&names.table).send().await?),
        "role/upload" => drop(aws.iam.delete_role().role_name(&names.role).send().await?),
        "log-group/delete" => drop(aws.logs.delete_log_group().log_group_name(&names.group).send().await?),
        _ => drop(aws.lambda.delete_function().function_name(&names.function).send().await?),
    }
    Ok(())
}

//! Everything that the account holds, listed as its root, with what it is like: a witness that trusts nobody's bookkeeping.

use std::fmt::Debug;

use anyhow::{Context as _, Result};

use crate::local_aws::Clients;

/// One thing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Item {
    /// `bucket`, `object` …
    pub kind: &'static str,
    /// Its name, which others of the kind may have too where AWS gives ids.
    pub name: String,
    /// The id that AWS gave it; empty where the name is one.
    pub id: String,
    /// The host name that AWS gave it, up to the first dot.
    pub host: String,
    /// What it is like, as far as somebody can have wanted it: no times, no counts of changes.
    pub content: String,
}

impl Item {
    /// The same thing, whatever became of it.
    pub fn is_same(&self, other: &Self) -> bool {
        (self.kind, &self.name, &self.id) == (other.kind, &other.name, &other.id)
    }
}

/// All things, sorted.
pub type Inventory = Vec<Item>;

/// Lists the account.
pub async fn take(aws: &Clients) -> Result<Inventory> {
    let mut all = List(Vec::new());
    buckets(aws, &mut all).await.context("failed to list buckets")?;
    tables(aws, &mut all).await.context("failed to list tables")?;
    functions(aws, &mut all).await.context("failed to list functions")?;
    roles_and_users(aws, &mut all).await.context("failed to list roles and users")?;
    log_groups(aws, &mut all).await.context("failed to list log groups")?;
    rest_apis(aws, &mut all).await.context("failed to list REST APIs")?;
    distributions(aws, &mut all).await.context("failed to list distributions")?;
    controls_and_policies(aws, &mut all).await.context("failed to list what distributions refer to")?;
    all.0.sort();
    Ok(all.0)
}

struct List(Inventory);

impl List {
    fn add(&mut self, kind: &'static str, name: impl Into<String>, content: String) {
        self.add_with_id(kind, name, "", content);
    }

    fn add_with_id(&mut self, kind: &'static str, name: impl Into<String>, id: &str, content: String) {
        self.0.push(Item { kind, name: name.into(), id: id.to_owned(), host: String::new(), content });
    }
}

/// What is there, or that there is none: AWS answers some of these questions with an error when nothing was set.
fn set<T: Debug, E>(answer: Result<T, E>) -> String {
    answer.map_or_else(|_| "none".into(), |found| format!("{found:?}"))
}

/// Tags come in any order.
fn sorted<T: Debug>(tags: impl IntoIterator<Item = T>) -> String {
    let mut tags: Vec<String> = tags.into_iter().map(|tag| format!("{tag:?}")).collect();
    tags.sort();
    tags.join(" ")
}

async fn buckets(aws: &Clients, all: &mut List) -> Result<()> {
    let found = aws.s3.list_buckets().send().await?.buckets.unwrap_or_default();
    for name in found.into_iter().filter_map(|bucket| bucket.name) {
        let s3 = &aws.s3;
        let tags = s3.get_bucket_tagging().bucket(&name).send().await.map(|it| sorted(it.tag_set));
        let policy = s3.get_bucket_policy().bucket(&name).send().await.map(|it| it.policy);
        let cors = s3.get_bucket_cors().bucket(&name).send().await.map(|it| it.cors_rules);
        let lifecycle = s3.get_bucket_lifecycle_configuration().bucket(&name).send().await.map(|it| it.rules);
        let told = s3.get_bucket_notification_configuration().bucket(&name).send().await;
        let told = told.map(|it| it.lambda_function_configurations);
        let private = s3.get_public_access_block().bucket(&name).send().await;
        let private = private.map(|it| it.public_access_block_configuration);
        let owner = s3.get_bucket_ownership_controls().bucket(&name).send().await;
        let owner = owner.map(|it| it.ownership_controls);
        let encryption = s3.get_bucket_encryption().bucket(&name).send().await;
        // Set by somebody or by AWS itself: what counts is what it comes to.
        let encryption = encryption.map(|it| {
            let rules = it.server_side_encryption_configuration.into_iter().flat_map(|all| all.rules);
            sorted(rules.map(|rule| {
                let by = rule.apply_server_side_encryption_by_default.map(|by| by.sse_algorithm);
                (by, rule.bucket_key_enabled.unwrap_or(false))
            }))
        });
        let parts = [
            set(tags),
            set(policy),
            set(cors),
            set(lifecycle),
            set(told),
            set(private),
            set(owner),
            set(encryption),
        ];
        all.add("bucket", &name, parts.join("\n"));

        let mut pages = s3.list_objects_v2().bucket(&name).into_paginator().send();
        while let Some(page) = pages.next().await {
            for object in page?.contents.unwrap_or_default() {
                let content = format!("{:?} {:?}", object.e_tag, object.size);
                all.add("object", format!("{name}/{}", object.key.unwrap_or_default()), content);
            }
        }
    }
    Ok(())
}

async fn tables(aws: &Clients, all: &mut List) -> Result<()> {
    for name in aws.dynamodb.list_tables().send().await?.table_names.unwrap_or_default() {
        let table =
            aws.dynamodb.describe_table().table_name(&name).send().await?.table.context("no table")?;
        let tags = aws.dynamodb.list_tags_of_resource().resource_arn(table.table_arn().unwrap_or_default());
        let tags = tags.send().await.map(|it| sorted(it.tags.unwrap_or_default()));
        let backups = aws.dynamodb.describe_continuous_backups().table_name(&name).send().await;
        let backups = backups.ok().and_then(|it| it.continuous_backups_description);
        let recovery = backups.and_then(|it| it.point_in_time_recovery_description);
        let indexes: Vec<_> = table
            .global_secondary_indexes()
            .iter()
            .map(|index| (index.index_name(), index.key_schema()))
            .collect();
        let content = [
            format!("{:?} {:?} {indexes:?}", table.table_status, table.key_schema),
            format!("{:?}", table.billing_mode_summary.and_then(|it| it.billing_mode)),
            format!("{:?}", recovery.and_then(|it| it.point_in_time_recovery_status)),
            set(tags),
        ];
        all.add("table", name, content.join("\n"));
    }
    Ok(())
}

async fn functions(aws: &Clients, all: &mut List) -> Result<()> {
    let mut pages = aws.lambda.list_functions().into_paginator().items().send();
    while let Some(function) = pages.next().await {
        let function = function?;
        let name = function.function_name().unwrap_or_default();
        let tags = aws.lambda.list_tags().resource(function.function_arn().unwrap_or_default()).send().await;
        let tags = tags.map(|it| sorted(it.tags.unwrap_or_default()));
        let policy = aws.lambda.get_policy().function_name(name).send().await.map(|it| it.policy);
        let concurrency = aws.lambda.get_function_concurrency().function_name(name).send().await;
        let concurrency = concurrency.map(|it| it.reserved_concurrent_executions);
        let variables = function.environment().and_then(|it| it.variables()).into_iter().flatten();
        let content = [
            format!("{:?} {:?}", function.code_sha256, function.architectures),
            format!("{:?} {:?} {:?}", function.memory_size, function.timeout, function.role),
            sorted(variables),
            set(tags),
            set(policy),
            set(concurrency),
        ];
        all.add("function", name, content.join("\n"));
    }
    Ok(())
}

async fn roles_and_users(aws: &Clients, all: &mut List) -> Result<()> {
    let iam = &aws.iam;
    for role in iam.list_roles().send().await?.roles {
        let name = &role.role_name;
        let mut policies = Vec::new();
        for policy in iam.list_role_policies().role_name(name).send().await?.policy_names {
            let found = iam.get_role_policy().role_name(name).policy_name(&policy).send().await?;
            policies.push(format!("{policy}: {}", found.policy_document));
        }
        let attached = iam.list_attached_role_policies().role_name(name).send().await?.attached_policies;
        let tags = iam.list_role_tags().role_name(name).send().await.map(|it| sorted(it.tags));
        let content = [
            format!("{} {:?} {:?}", role.path, role.description, role.assume_role_policy_document),
            policies.join("\n"),
            format!("{attached:?}"),
            set(tags),
        ];
        all.add("role", name, content.join("\n"));
    }
    for user in iam.list_users().send().await?.users {
        all.add("user", user.user_name, String::new());
    }
    Ok(())
}

async fn log_groups(aws: &Clients, all: &mut List) -> Result<()> {
    let mut pages = aws.logs.describe_log_groups().into_paginator().items().send();
    while let Some(group) = pages.next().await {
        let group = group?;
        let arn = group.arn().unwrap_or_default().trim_end_matches(":*");
        let tags = aws.logs.list_tags_for_resource().resource_arn(arn).send().await;
        let tags = tags.map(|it| sorted(it.tags.unwrap_or_default()));
        let content = format!("{:?}\n{}", group.retention_in_days, set(tags));
        all.add("log group", group.log_group_name.unwrap_or_default(), content);
    }
    Ok(())
}

async fn rest_apis(aws: &Clients, all: &mut List) -> Result<()> {
    let gateway = &aws.apigateway;
    let mut pages = gateway.get_rest_apis().into_paginator().items().send();
    while let Some(api) = pages.next().await {
        let api = api?;
        let (id, name) = (api.id().unwrap_or_default(), api.name().unwrap_or_default());
        let resources =
            gateway.get_resources().rest_api_id(id).limit(500).send().await?.items.unwrap_or_default();
        let routes = resources.iter().map(|resource| {
            let methods = sorted(resource.resource_methods().into_iter().flatten().map(|(method, _)| method));
            format!("{:?}: {methods}", resource.path)
        });
        let tags = sorted(api.tags().into_iter().flatten());
        all.add_with_id("REST API", name, id, format!("{:?}\n{}\n{tags}", api.description, sorted(routes)));
        for deployment in gateway.get_deployments().rest_api_id(id).send().await?.items.unwrap_or_default() {
            let content = format!("{:?}", deployment.description);
            all.add_with_id(
                "deployment",
                format!("of {name} {id}"),
                deployment.id().unwrap_or_default(),
                content,
            );
        }
        for stage in gateway.get_stages().rest_api_id(id).send().await?.item.unwrap_or_default() {
            let tags = sorted(stage.tags().into_iter().flatten());
            let limits = sorted(stage.method_settings().into_iter().flatten());
            let name = format!("{} of {name} {id}", stage.stage_name().unwrap_or_default());
            all.add("stage", name, format!("{:?}\n{limits}\n{tags}", stage.deployment_id));
        }
    }
    Ok(())
}

async fn distributions(aws: &Clients, all: &mut List) -> Result<()> {
    let list = aws.cloudfront.list_distributions().send().await?.distribution_list;
    for summary in list.and_then(|list| list.items).unwrap_or_default() {
        let config =
            aws.cloudfront.get_distribution_config().id(&summary.id).send().await?.distribution_config;
        let tags = aws.cloudfront.list_tags_for_resource().resource(&summary.arn).send().await;
        let tags = tags.map(|it| sorted(it.tags.and_then(|tags| tags.items).unwrap_or_default()));
        let content = format!("{config:?}\n{}", set(tags));
        let host = summary.domain_name.split('.').next().unwrap_or_default().to_owned();
        let (name, id) = (summary.comment, summary.id);
        all.0.push(Item { kind: "distribution", name, id, host, content });
    }
    Ok(())
}

async fn controls_and_policies(aws: &Clients, all: &mut List) -> Result<()> {
    let list = aws.cloudfront.list_origin_access_controls().send().await?.origin_access_control_list;
    for control in list.and_then(|list| list.items).unwrap_or_default() {
        let content = format!("{:?} {:?}", control.signing_behavior, control.signing_protocol);
        all.add_with_id("origin access control", &control.name, &control.id, content);
    }
    let list = aws.cloudfront.list_response_headers_policies().send().await?.response_headers_policy_list;
    let items = list.and_then(|list| list.items).unwrap_or_default().into_iter();
    for policy in items.filter_map(|item| item.response_headers_policy) {
        let config = policy.response_headers_policy_config;
        let name = config.as_ref().map(|config| config.name.clone()).unwrap_or_default();
        all.add_with_id("response headers policy", name, &policy.id, format!("{config:?}"));
    }
    Ok(())
}

//! Everything that the account holds, listed as its root: a witness that trusts nobody's bookkeeping.

use std::fmt::{self, Debug};

use anyhow::{Context as _, Result};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use crate::local_aws::{ACCOUNT, Clients};

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
    fn new(kind: &'static str, name: impl Into<String>) -> Self {
        let (id, host, content) = (String::new(), String::new(), String::new());
        Self { kind, name: name.into(), id, host, content }
    }

    fn with_id(self, id: impl Into<String>) -> Self {
        Self { id: id.into(), ..self }
    }

    fn like(self, content: impl Into<String>) -> Self {
        Self { content: content.into(), ..self }
    }

    /// The same thing, whatever became of it.
    pub fn is_same(&self, other: &Self) -> bool {
        (self.kind, &self.name, &self.id) == (other.kind, &other.name, &other.id)
    }
}

/// `bucket pg-photos-…`, and the id where there is one.
impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, name, id, .. } = self;
        write!(f, "{kind} {name}")?;
        if id.is_empty() { Ok(()) } else { write!(f, " {id}") }
    }
}

/// All things, sorted.
pub type Inventory = Vec<Item>;

/// Lists the account: what there is, without what it is like and what is in it.
pub async fn names(aws: &Clients) -> Result<Inventory> {
    let mut all = Inventory::new();
    buckets(aws, &mut all).await.context("failed to list buckets")?;
    let tables = aws.dynamodb.list_tables().into_paginator().items().send();
    let tables = tables.collect::<Result<Vec<_>, _>>().await.context("failed to list tables")?;
    all.extend(tables.into_iter().map(|name| Item::new("table", name)));
    functions(aws, &mut all).await.context("failed to list functions")?;
    roles_and_users(aws, &mut all).await.context("failed to list roles and users")?;
    log_groups(aws, &mut all).await.context("failed to list log groups")?;
    rest_apis(aws, &mut all).await.context("failed to list REST APIs")?;
    distributions(aws, &mut all).await.context("failed to list distributions")?;
    controls_and_policies(aws, &mut all).await.context("failed to list what distributions refer to")?;
    all.sort();
    Ok(all)
}

/// Lists the account, and asks what each thing is like and what is in it. What has gone meanwhile is not there.
pub async fn take(aws: &Clients) -> Result<Inventory> {
    let mut all = Inventory::new();
    for item in names(aws).await? {
        let name = item.to_string();
        all.extend(describe(aws, item).await.with_context(|| format!("failed to look at {name}"))?);
    }
    all.sort();
    Ok(all)
}

/// A thing with what it is like, and what is in it; nothing when it has gone since it was listed.
pub async fn describe(aws: &Clients, item: Item) -> Result<Inventory> {
    let described = match item.kind {
        "bucket" => bucket(aws, item).await?,
        "table" => table(aws, item).await?,
        "function" => function(aws, item).await?,
        "role" => role(aws, item).await?,
        "log group" => log_group(aws, item).await?,
        "REST API" => rest_api(aws, item).await?,
        "distribution" => distribution(aws, item).await?,
        // Users are known by their names, and of the others the list tells all.
        _ => Some(vec![item]),
    };
    Ok(described.unwrap_or_default())
}

/// AWS's words for what is not there.
const GONE: [&str; 5] =
    ["NoSuchBucket", "NoSuchEntity", "NoSuchDistribution", "NotFoundException", "ResourceNotFoundException"];

/// `None`: it has gone.
fn there<T, E>(answer: Result<T, SdkError<E>>) -> Result<Option<T>>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.code().is_some_and(|code| GONE.contains(&code)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Goes on with what is there, and ends with what has gone.
macro_rules! there {
    ($answer:expr) => {
        match there($answer)? {
            Some(found) => found,
            None => return Ok(None),
        }
    };
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

async fn buckets(aws: &Clients, all: &mut Inventory) -> Result<()> {
    let found = aws.s3.list_buckets().send().await?.buckets.unwrap_or_default();
    all.extend(found.into_iter().filter_map(|bucket| Some(Item::new("bucket", bucket.name?))));
    Ok(())
}

async fn bucket(aws: &Clients, item: Item) -> Result<Option<Inventory>> {
    let (s3, name) = (&aws.s3, item.name.clone());
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
    let mut found = vec![item.like(parts.join("\n"))];
    // Last: where the bucket went while it was looked at, this says so.
    let mut pages = s3.list_objects_v2().bucket(&name).into_paginator().send();
    while let Some(page) = pages.next().await {
        for object in there!(page).contents.unwrap_or_default() {
            let content = format!("{:?} {:?}", object.e_tag, object.size);
            let key = object.key.unwrap_or_default();
            found.push(Item::new("object", format!("{name}/{key}")).like(content));
        }
    }
    Ok(Some(found))
}

async fn table(aws: &Clients, item: Item) -> Result<Option<Inventory>> {
    let (dynamodb, name) = (&aws.dynamodb, &item.name);
    let backups = dynamodb.describe_continuous_backups().table_name(name).send().await;
    let backups = backups.ok().and_then(|it| it.continuous_backups_description);
    let recovery = backups.and_then(|it| it.point_in_time_recovery_description);
    let table = there!(dynamodb.describe_table().table_name(name).send().await);
    let table = table.table.context("no table")?;
    let tags = dynamodb.list_tags_of_resource().resource_arn(table.table_arn().unwrap_or_default());
    let tags = there!(tags.send().await).tags.unwrap_or_default();
    let indexes: Vec<_> = table
        .global_secondary_indexes()
        .iter()
        .map(|index| (index.index_name(), index.key_schema()))
        .collect();
    let content = [
        format!("{:?} {:?} {indexes:?}", table.table_status, table.key_schema),
        format!("{:?}", table.billing_mode_summary.and_then(|it| it.billing_mode)),
        format!("{:?}", recovery.and_then(|it| it.point_in_time_recovery_status)),
        sorted(tags),
    ];
    Ok(Some(vec![item.like(content.join("\n"))]))
}

async fn functions(aws: &Clients, all: &mut Inventory) -> Result<()> {
    let pages = aws.lambda.list_functions().into_paginator().items().send();
    let found = pages.collect::<Result<Vec<_>, _>>().await?;
    all.extend(found.into_iter().filter_map(|it| Some(Item::new("function", it.function_name?))));
    Ok(())
}

async fn function(aws: &Clients, item: Item) -> Result<Option<Inventory>> {
    let (lambda, name) = (&aws.lambda, &item.name);
    let policy = lambda.get_policy().function_name(name).send().await.map(|it| it.policy);
    let found = there!(lambda.get_function().function_name(name).send().await);
    let function = found.configuration.context("no configuration")?;
    let variables = function.environment().and_then(|it| it.variables()).into_iter().flatten();
    let content = [
        format!("{:?} {:?}", function.code_sha256, function.architectures),
        format!("{:?} {:?} {:?}", function.memory_size, function.timeout, function.role),
        sorted(variables),
        sorted(found.tags.unwrap_or_default()),
        set(policy),
        format!("{:?}", found.concurrency.and_then(|it| it.reserved_concurrent_executions)),
    ];
    Ok(Some(vec![item.like(content.join("\n"))]))
}

async fn roles_and_users(aws: &Clients, all: &mut Inventory) -> Result<()> {
    let roles = aws.iam.list_roles().into_paginator().items().send().collect::<Result<Vec<_>, _>>().await?;
    all.extend(roles.into_iter().map(|role| Item::new("role", role.role_name)));
    let users = aws.iam.list_users().into_paginator().items().send().collect::<Result<Vec<_>, _>>().await?;
    all.extend(users.into_iter().map(|user| Item::new("user", user.user_name)));
    Ok(())
}

async fn role(aws: &Clients, item: Item) -> Result<Option<Inventory>> {
    let (iam, name) = (&aws.iam, &item.name);
    let role = there!(iam.get_role().role_name(name).send().await).role.context("no role")?;
    let mut policies = Vec::new();
    for policy in there!(iam.list_role_policies().role_name(name).send().await).policy_names {
        let found = there!(iam.get_role_policy().role_name(name).policy_name(&policy).send().await);
        policies.push(format!("{policy}: {}", found.policy_document));
    }
    let attached = there!(iam.list_attached_role_policies().role_name(name).send().await).attached_policies;
    let tags = sorted(there!(iam.list_role_tags().role_name(name).send().await).tags);
    let content = [
        format!("{} {:?} {:?}", role.path, role.description, role.assume_role_policy_document),
        policies.join("\n"),
        format!("{attached:?}"),
        tags,
    ];
    Ok(Some(vec![item.like(content.join("\n"))]))
}

async fn log_groups(aws: &Clients, all: &mut Inventory) -> Result<()> {
    let pages = aws.logs.describe_log_groups().into_paginator().items().send();
    let found = pages.collect::<Result<Vec<_>, _>>().await?;
    all.extend(found.into_iter().filter_map(|it| Some(Item::new("log group", it.log_group_name?))));
    Ok(())
}

async fn log_group(aws: &Clients, item: Item) -> Result<Option<Inventory>> {
    let (logs, name) = (&aws.logs, &item.name);
    let found = logs.describe_log_groups().log_group_name_prefix(name).send().await?.log_groups;
    let mut found = found.unwrap_or_default().into_iter();
    let Some(group) = found.find(|group| group.log_group_name() == Some(name)) else { return Ok(None) };
    let arn = group.arn().unwrap_or_default().trim_end_matches(":*");
    let tags = there!(logs.list_tags_for_resource().resource_arn(arn).send().await).tags;
    let content = format!("{:?}\n{}", group.retention_in_days, sorted(tags.unwrap_or_default()));
    Ok(Some(vec![item.like(content)]))
}

async fn rest_apis(aws: &Clients, all: &mut Inventory) -> Result<()> {
    let pages = aws.apigateway.get_rest_apis().into_paginator().items().send();
    for api in pages.collect::<Result<Vec<_>, _>>().await? {
        all.push(Item::new("REST API", api.name.unwrap_or_default()).with_id(api.id.unwrap_or_default()));
    }
    Ok(())
}

async fn rest_api(aws: &Clients, item: Item) -> Result<Option<Inventory>> {
    let (gateway, id) = (&aws.apigateway, item.id.clone());
    let whose = format!("of {} {id}", item.name);
    let api = there!(gateway.get_rest_api().rest_api_id(&id).send().await);
    let resources = there!(gateway.get_resources().rest_api_id(&id).limit(500).send().await);
    let routes = resources.items().iter().map(|resource| {
        let methods = sorted(resource.resource_methods().into_iter().flatten().map(|(method, _)| method));
        format!("{:?}: {methods}", resource.path)
    });
    let tags = sorted(api.tags().into_iter().flatten());
    let mut found = vec![item.like(format!("{:?}\n{}\n{tags}", api.description, sorted(routes)))];
    let deployments = there!(gateway.get_deployments().rest_api_id(&id).send().await).items;
    for deployment in deployments.unwrap_or_default() {
        let made = Item::new("deployment", &whose).with_id(deployment.id.unwrap_or_default());
        found.push(made.like(format!("{:?}", deployment.description)));
    }
    for stage in there!(gateway.get_stages().rest_api_id(&id).send().await).item.unwrap_or_default() {
        let tags = sorted(stage.tags().into_iter().flatten());
        let limits = sorted(stage.method_settings().into_iter().flatten());
        let name = format!("{} {whose}", stage.stage_name().unwrap_or_default());
        found.push(Item::new("stage", name).like(format!("{:?}\n{limits}\n{tags}", stage.deployment_id)));
    }
    Ok(Some(found))
}

async fn distributions(aws: &Clients, all: &mut Inventory) -> Result<()> {
    let list = aws.cloudfront.list_distributions().send().await?.distribution_list;
    for summary in list.and_then(|list| list.items).unwrap_or_default() {
        let host = summary.domain_name.split('.').next().unwrap_or_default().to_owned();
        all.push(Item { host, ..Item::new("distribution", summary.comment).with_id(summary.id) });
    }
    Ok(())
}

async fn distribution(aws: &Clients, item: Item) -> Result<Option<Inventory>> {
    let (cloudfront, id) = (&aws.cloudfront, &item.id);
    let found = there!(cloudfront.get_distribution_config().id(id).send().await);
    let arn = format!("arn:aws:cloudfront::{ACCOUNT}:distribution/{id}");
    let tags = there!(cloudfront.list_tags_for_resource().resource(arn).send().await).tags;
    let tags = sorted(tags.and_then(|tags| tags.items).unwrap_or_default());
    let content = format!("{:?}\n{tags}", found.distribution_config);
    Ok(Some(vec![item.like(content)]))
}

async fn controls_and_policies(aws: &Clients, all: &mut Inventory) -> Result<()> {
    let list = aws.cloudfront.list_origin_access_controls().send().await?.origin_access_control_list;
    for control in list.and_then(|list| list.items).unwrap_or_default() {
        let content = format!("{:?} {:?}", control.signing_behavior, control.signing_protocol);
        all.push(Item::new("origin access control", control.name).with_id(control.id).like(content));
    }
    let list = aws.cloudfront.list_response_headers_policies().send().await?.response_headers_policy_list;
    let items = list.and_then(|list| list.items).unwrap_or_default().into_iter();
    for policy in items.filter_map(|item| item.response_headers_policy) {
        let config = policy.response_headers_policy_config;
        let name = config.as_ref().map(|config| config.name.clone()).unwrap_or_default();
        all.push(Item::new("response headers policy", name).with_id(policy.id).like(format!("{config:?}")));
    }
    Ok(())
}

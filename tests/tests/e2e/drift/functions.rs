//! Functions with their roles, logs, permissions and zips.

use anyhow::{Context as _, Result};
use aws_sdk_lambda::types::{
    Architecture, DeadLetterConfig, Environment, EphemeralStorage, FileSystemConfig,
    LayerVersionContentInput, LogFormat, LoggingConfig, Runtime, TracingConfig, TracingMode, VpcConfig,
};
use functions_core::contract::FunctionName::{self, Delete, List, Thumbnail, Upload};
use futures::FutureExt as _;
use photogallery_operator::graph::BucketRole;
use photogallery_operator::names::sha256_hex;
use photogallery_tests::artifacts;
use photogallery_tests::local_aws::{ACCOUNT, REGION};

use super::{Account, Case, case};

const TRUST_ANYBODY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}"#;
const ALLOW_ALL: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// Of the text that stands for another zip.
const THEIRS_MD5: &str = "ce97a90ef59e9c768263754682f68bd6";

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(
            "function/upload",
            &[
                "memory was 256 MiB, put back to 128 MiB",
                "timeout was 9 s, put back to 5 s",
                "handler was main, put back to bootstrap",
                "description was none, put back to Function upload of the photo gallery drift/drift",
                "runtime was provided.al2, put back to provided.al2023",
            ],
            |it| it.function(Upload).boxed_local(),
            |it| it.configure_upload().boxed_local(),
        ),
        case(
            "function/list",
            &[
                "environment LOG was debug, put back to info",
                "environment TOKEN was set, put back to none",
                "reserved concurrency was 1, put back to 5",
                "tag team was theirs, put back to events",
            ],
            |it| it.function(List).boxed_local(),
            |it| it.configure_list().boxed_local(),
        ),
        case(
            "function/delete",
            &[
                "tracing was Active, put back to PassThrough",
                "temporary storage was 1024 MiB, put back to 512 MiB",
                "dead letter target was arn:aws:sqs:…",
                "environment key was arn:aws:kms:theirs, put back to AWS's own",
                "logging was JSON to /theirs, put back to Text to its log group",
            ],
            |it| it.function(Delete).boxed_local(),
            |it| it.configure_delete().boxed_local(),
        ),
        case(
            "role/list",
            &[
                "policy statement Allow dynamodb:Query was missing, put back to Allow dynamodb:Query on arn:…",
                "policy statement Allow logs:CreateLogStream, logs:PutLogEvents was missing, put back to Allow logs:CreateLogStream…",
                "policy statement Allow s3:GetObject was missing, put back to Allow s3:GetObject on arn:…",
                "policy statement Allow * was Allow * on *, put back to none",
            ],
            |it| it.role(List).boxed_local(),
            |it| it.let_list_do_anything().boxed_local(),
        ),
        case(
            "role/upload",
            &[
                "inline policy theirs was there, put back to none",
                "managed policy arn:aws:iam::aws:policy/AdministratorAccess was attached, put back to none",
                "description was by hand, put back to Function upload of the photo gallery drift/drift",
                "tag team was theirs, put back to events",
            ],
            |it| it.role(Upload).boxed_local(),
            |it| it.let_upload_do_more().boxed_local(),
        ),
        case(
            "role/delete",
            &[
                "trust policy statement Allow sts:AssumeRole Principal was *, put back to Service lambda.amazonaws.com",
            ],
            |it| it.role(Delete).boxed_local(),
            |it| {
                async move {
                    let call = it.aws.iam.update_assume_role_policy().role_name(it.identity.role(Delete));
                    call.policy_document(TRUST_ANYBODY).send().await?;
                    Ok(())
                }
                .boxed_local()
            },
        ),
        case(
            "log-group/list",
            &["retention was 1 day, put back to 30 days", "tag team was theirs, put back to events"],
            |it| it.log_group(List).boxed_local(),
            |it| it.keep_logs_for_a_day().boxed_local(),
        ),
        case(
            "log-group/upload",
            &["retention was for ever, put back to 30 days"],
            |it| it.log_group(Upload).boxed_local(),
            |it| {
                async move {
                    let group = it.identity.log_group(Upload);
                    it.aws.logs.delete_retention_policy().log_group_name(group).send().await?;
                    Ok(())
                }
                .boxed_local()
            },
        ),
        case(
            "permission/list",
            &[
                "source was arn:aws:execute-api:*:*:theirs/*, put back to arn:aws:execute-api:…",
                "source account was any, put back to 000000000000",
            ],
            |it| it.permissions(List).boxed_local(),
            |it| it.let_another_api_call().boxed_local(),
        ),
        case(
            "permission/thumbnail",
            &["statement theirs was Allow lambda:* for * on arn:…"],
            |it| it.permissions(Thumbnail).boxed_local(),
            |it| it.let_everybody_call().boxed_local(),
        ),
        case(
            "permission/delete",
            &[],
            |it| it.permissions(Delete).boxed_local(),
            |it| {
                async move {
                    let call = it.aws.lambda.remove_permission().function_name(it.identity.function(Delete));
                    call.statement_id("photogallery").send().await?;
                    Ok(())
                }
                .boxed_local()
            },
        ),
    ]
}

/// Other code, another processor, and what needs things of its own.
pub(super) async fn more_cases(account: &Account<'_>) -> Result<Vec<Case>> {
    let short = |zip: &[u8]| format!("{}…", &sha256_hex(zip)[..8]);
    let (ours, theirs) = (zip(Thumbnail)?, another(Thumbnail)?);
    let code = format!("code was {}, put back to {}", short(&theirs), short(&ours));
    let key = account.zip_key(Upload).await?;
    let digest: String = key.trim_start_matches("functions/").chars().take(12).collect();
    let (is, other) = (artifacts::architecture(), other_architecture());
    Ok(vec![
        case(
            "function/thumbnail",
            &[&code],
            |it| it.function(Thumbnail).boxed_local(),
            |it| it.replace_code().boxed_local(),
        ),
        case(
            "function/upload",
            &[&format!("architecture was {other}, put back to {is}")],
            |it| it.function(Upload).boxed_local(),
            |it| it.replace_processor().boxed_local(),
        ),
        case(
            "function/delete",
            &[
                &format!("layers was arn:aws:lambda:{REGION}:{ACCOUNT}:layer:theirs:1, put back to none"),
                "subnets was subnet-theirs, put back to none",
                "file systems was arn:aws:elasticfilesystem:theirs, put back to none",
            ],
            |it| it.function(Delete).boxed_local(),
            |it| it.add_to_delete().boxed_local(),
        ),
        case(
            "artefacts",
            &[&format!("code of upload was content {THEIRS_MD5}, put back to {digest}")],
            |it| it.zip_content(Upload).boxed_local(),
            |it| it.replace_zip(Upload).boxed_local(),
        ),
    ])
}

fn other_architecture() -> &'static str {
    if artifacts::architecture() == "arm64" { "x86_64" } else { "arm64" }
}

fn zip(name: FunctionName) -> Result<Vec<u8>> {
    let path = artifacts::functions().join(artifacts::architecture()).join(format!("{name}.zip"));
    std::fs::read(&path).with_context(|| format!("failed to read {}", path.display()))
}

fn another(name: FunctionName) -> Result<Vec<u8>> {
    artifacts::another_build(zip(name)?)
}

impl Account<'_> {
    /// Everything that Lambda tells but what changes by itself.
    async fn function(&self, name: FunctionName) -> Result<String> {
        let seen = self.aws.lambda.get_function().function_name(self.identity.function(name)).send().await?;
        let mut configuration = seen.configuration.context("no configuration")?;
        let variables = configuration.environment.take().and_then(|it| it.variables).unwrap_or_default();
        let variables: std::collections::BTreeMap<_, _> = variables.into_iter().collect();
        let tags: std::collections::BTreeMap<_, _> = seen.tags.unwrap_or_default().into_iter().collect();
        let it = &configuration;
        let text = format!(
            "{:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {variables:?} {tags:?} {:?}",
            it.code_sha256(),
            it.architectures(),
            it.runtime(),
            it.handler(),
            it.role(),
            it.description(),
            it.memory_size(),
            it.timeout(),
            seen.concurrency,
        );
        let layers: Vec<_> = it.layers().iter().map(|layer| layer.arn()).collect();
        let subnets =
            it.vpc_config().map(aws_sdk_lambda::types::VpcConfigResponse::subnet_ids).unwrap_or_default();
        let target = it.dead_letter_config().and_then(|dead| dead.target_arn()).unwrap_or_default();
        let group = it.logging_config().map(|logging| (logging.log_format(), logging.log_group()));
        let key = it.kms_key_arn().unwrap_or_default();
        Ok(format!(
            "{text} {layers:?} {subnets:?} {:?} {target} {:?} {:?} {key} {group:?}",
            it.file_system_configs(),
            it.tracing_config(),
            it.ephemeral_storage(),
        ))
    }

    /// Lambda takes no change while it is at one.
    async fn settled(&self, name: FunctionName) -> Result<()> {
        let name = self.identity.function(name);
        photogallery_tests::wait::until("a function", std::time::Duration::from_secs(10), async || {
            let seen = self.aws.lambda.get_function_configuration().function_name(&name).send().await?;
            let is_done =
                seen.last_update_status() != Some(&aws_sdk_lambda::types::LastUpdateStatus::InProgress);
            Ok(is_done.then_some(()))
        })
        .await
    }

    async fn configure_upload(&self) -> Result<()> {
        let call = self.aws.lambda.update_function_configuration();
        let call = call.function_name(self.identity.function(Upload)).memory_size(256).timeout(9);
        call.handler("main").description("").runtime(Runtime::Providedal2).send().await?;
        self.settled(Upload).await
    }

    async fn configure_list(&self) -> Result<()> {
        let name = self.identity.function(List);
        let seen = self.aws.lambda.get_function_configuration().function_name(&name).send().await?;
        let mut variables = seen.environment.and_then(|it| it.variables).unwrap_or_default();
        variables.extend([("LOG".into(), "debug".into()), ("TOKEN".into(), "secret".into())]);
        let environment = Environment::builder().set_variables(Some(variables)).build();
        let call = self.aws.lambda.update_function_configuration().function_name(&name);
        call.environment(environment).send().await?;
        let call = self.aws.lambda.put_function_concurrency().function_name(&name);
        call.reserved_concurrent_executions(1).send().await?;
        let call = self.aws.lambda.tag_resource().resource(self.identity.function_arn(List));
        call.tags("team", "theirs").send().await?;
        self.settled(List).await
    }

    async fn configure_delete(&self) -> Result<()> {
        let dead = DeadLetterConfig::builder().target_arn(format!("arn:aws:sqs:{REGION}:{ACCOUNT}:theirs"));
        let logging = LoggingConfig::builder().log_format(LogFormat::Json).log_group("/theirs");
        let call = self.aws.lambda.update_function_configuration();
        let call = call.function_name(self.identity.function(Delete)).dead_letter_config(dead.build());
        let call = call.tracing_config(TracingConfig::builder().mode(TracingMode::Active).build());
        let call = call.ephemeral_storage(EphemeralStorage::builder().size(1024).build()?);
        call.kms_key_arn("arn:aws:kms:theirs").logging_config(logging.build()).send().await?;
        self.settled(Delete).await
    }

    async fn add_to_delete(&self) -> Result<()> {
        let content = LayerVersionContentInput::builder().zip_file(zip(Delete)?.into()).build();
        let layer =
            self.aws.lambda.publish_layer_version().layer_name("theirs").content(content).send().await?;
        let files =
            FileSystemConfig::builder().arn("arn:aws:elasticfilesystem:theirs").local_mount_path("/mnt/x");
        let vpc = VpcConfig::builder().subnet_ids("subnet-theirs").security_group_ids("sg-theirs").build();
        let call = self.aws.lambda.update_function_configuration();
        let call = call.function_name(self.identity.function(Delete)).vpc_config(vpc);
        let call = call.layers(layer.layer_version_arn.unwrap_or_default());
        call.file_system_configs(files.build()?).send().await?;
        self.settled(Delete).await
    }

    async fn replace_code(&self) -> Result<()> {
        let call = self.aws.lambda.update_function_code().function_name(self.identity.function(Thumbnail));
        call.zip_file(another(Thumbnail)?.into()).send().await?;
        self.settled(Thumbnail).await
    }

    async fn replace_processor(&self) -> Result<()> {
        let call = self.aws.lambda.update_function_code().function_name(self.identity.function(Upload));
        let call = call.architectures(Architecture::from(other_architecture()));
        call.zip_file(zip(Upload)?.into()).send().await?;
        self.settled(Upload).await
    }

    async fn role(&self, name: FunctionName) -> Result<String> {
        let name = self.identity.role(name);
        let role = self.aws.iam.get_role().role_name(&name).send().await?.role.context("no role")?;
        let mut tags: Vec<_> = role.tags().iter().map(|tag| format!("{tag:?}")).collect();
        tags.sort();
        let names = self.aws.iam.list_role_policies().role_name(&name).send().await?.policy_names;
        let mut policies = Vec::new();
        for policy in names {
            let seen = self.aws.iam.get_role_policy().role_name(&name).policy_name(policy).send().await?;
            policies.push(seen.policy_document);
        }
        let attached = self.aws.iam.list_attached_role_policies().role_name(&name).send().await?;
        let (trust, description) = (role.assume_role_policy_document(), role.description());
        Ok(format!("{trust:?} {description:?} {tags:?} {policies:?} {:?}", attached.attached_policies()))
    }

    async fn let_list_do_anything(&self) -> Result<()> {
        let call = self.aws.iam.put_role_policy().role_name(self.identity.role(List));
        call.policy_name("photogallery").policy_document(ALLOW_ALL).send().await?;
        Ok(())
    }

    async fn let_upload_do_more(&self) -> Result<()> {
        let name = self.identity.role(Upload);
        let call = self.aws.iam.put_role_policy().role_name(&name).policy_name("theirs");
        call.policy_document(ALLOW_ALL).send().await?;
        let admin = "arn:aws:iam::aws:policy/AdministratorAccess";
        self.aws.iam.attach_role_policy().role_name(&name).policy_arn(admin).send().await?;
        self.aws.iam.update_role().role_name(&name).description("by hand").send().await?;
        let tag = aws_sdk_iam::types::Tag::builder().key("team").value("theirs").build()?;
        self.aws.iam.tag_role().role_name(&name).tags(tag).send().await?;
        Ok(())
    }

    async fn log_group(&self, name: FunctionName) -> Result<String> {
        let (group, arn) = (self.identity.log_group(name), self.identity.log_group_arn(name));
        let seen = self.aws.logs.describe_log_groups().log_group_name_prefix(group).send().await?;
        let days = seen.log_groups().first().context("no log group")?.retention_in_days();
        let tags = self.aws.logs.list_tags_for_resource().resource_arn(arn).send().await?.tags;
        let tags: std::collections::BTreeMap<_, _> = tags.unwrap_or_default().into_iter().collect();
        Ok(format!("{days:?} {tags:?}"))
    }

    async fn keep_logs_for_a_day(&self) -> Result<()> {
        let (group, arn) = (self.identity.log_group(List), self.identity.log_group_arn(List));
        self.aws.logs.put_retention_policy().log_group_name(group).retention_in_days(1).send().await?;
        self.aws.logs.tag_resource().resource_arn(arn).tags("team", "theirs").send().await?;
        Ok(())
    }

    pub(super) async fn permissions(&self, name: FunctionName) -> Result<String> {
        let seen = self.aws.lambda.get_policy().function_name(self.identity.function(name)).send().await;
        let policy = seen.ok().and_then(|seen| seen.policy).unwrap_or_default();
        let mut policy: serde_json::Value = serde_json::from_str(&policy).unwrap_or_default();
        if let Some(statements) = policy["Statement"].as_array_mut() {
            statements.sort_by_key(ToString::to_string);
        }
        Ok(policy["Statement"].to_string())
    }

    async fn let_another_api_call(&self) -> Result<()> {
        let name = self.identity.function(List);
        let call = self.aws.lambda.remove_permission().function_name(&name).statement_id("photogallery");
        call.send().await?;
        let call = self.aws.lambda.add_permission().function_name(&name).statement_id("photogallery");
        let call = call.action("lambda:InvokeFunction").principal("apigateway.amazonaws.com");
        call.source_arn("arn:aws:execute-api:*:*:theirs/*").send().await?;
        Ok(())
    }

    pub(super) async fn let_another_bucket_call(&self) -> Result<()> {
        let name = self.identity.function(Thumbnail);
        let call = self.aws.lambda.remove_permission().function_name(&name).statement_id("photogallery");
        call.send().await?;
        let call = self.aws.lambda.add_permission().function_name(&name).statement_id("photogallery");
        let call = call.action("lambda:InvokeFunction").principal("s3.amazonaws.com");
        call.source_arn("arn:aws:s3:::theirs").source_account(ACCOUNT).send().await?;
        Ok(())
    }

    async fn let_everybody_call(&self) -> Result<()> {
        let call = self.aws.lambda.add_permission().function_name(self.identity.function(Thumbnail));
        call.statement_id("theirs").action("lambda:*").principal("*").send().await?;
        Ok(())
    }

    async fn zip_key(&self, name: FunctionName) -> Result<String> {
        let call = self.aws.s3.list_objects_v2().bucket(self.bucket(BucketRole::Artefacts));
        let seen = call.prefix("functions/").send().await?;
        let ending = format!("/{name}-{}.zip", artifacts::architecture());
        let keys = seen.contents().iter().filter_map(|zip| zip.key());
        Ok(keys.into_iter().find(|key| key.ends_with(&ending)).context("no zip")?.to_owned())
    }

    async fn zip_content(&self, name: FunctionName) -> Result<String> {
        let (bucket, key) = (self.bucket(BucketRole::Artefacts), self.zip_key(name).await?);
        let seen = self.aws.s3.head_object().bucket(bucket).key(key).send().await?;
        Ok(format!("{:?}", seen.e_tag()))
    }

    async fn replace_zip(&self, name: FunctionName) -> Result<()> {
        let (bucket, key) = (self.bucket(BucketRole::Artefacts), self.zip_key(name).await?);
        self.aws.s3.put_object().bucket(bucket).key(key).body(b"theirs".to_vec().into()).send().await?;
        Ok(())
    }
}

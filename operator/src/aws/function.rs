//! Functions: one `GetFunction` tells code, configuration, concurrency and tags; one Lambda call per change.

use std::collections::BTreeMap;

use aws_sdk_lambda::operation::get_function::GetFunctionOutput;
use aws_sdk_lambda::operation::update_function_configuration::builders::UpdateFunctionConfigurationFluentBuilder;
use aws_sdk_lambda::types::{
    Architecture, DeadLetterConfig, Environment, EphemeralStorage, FunctionCode, FunctionConfiguration,
    LastUpdateStatus, LogFormat, LoggingConfig, Runtime, State, TagsError, TracingConfig, TracingMode,
    VpcConfig,
};
use functions_core::contract::FunctionName;

use super::error::{classify, failed, found};
use super::needs::{CallNeeds, Need, On, call};
use super::{Clients, by_tags};
use crate::cloud::{CloudError, Message, Seen};
use crate::gallery::Identity;
use crate::resources::function::{Activity, Change, Code, Configuration, Desired, Extra, Observed};

/// What IAM asks of whoever makes these calls.
pub(super) const NEEDS: &[CallNeeds] = &[
    // Without the second it tells no tags, and nobody's function is ours.
    call(
        "lambda",
        "GetFunction",
        &[Need("lambda:GetFunction", On::Function), Need("lambda:ListTags", On::Function)],
    ),
    call(
        "lambda",
        "CreateFunction",
        &[
            Need("lambda:CreateFunction", On::Function),
            Need("lambda:TagResource", On::Function),
            Need("iam:PassRole", On::PassedRole),
            Need("s3:GetObject", On::Zip),
        ],
    ),
    call(
        "lambda",
        "UpdateFunctionCode",
        &[Need("lambda:UpdateFunctionCode", On::Function), Need("s3:GetObject", On::Zip)],
    ),
    call(
        "lambda",
        "UpdateFunctionConfiguration",
        &[Need("lambda:UpdateFunctionConfiguration", On::Function), Need("iam:PassRole", On::PassedRole)],
    ),
    call("lambda", "PutFunctionConcurrency", &[Need("lambda:PutFunctionConcurrency", On::Function)]),
    call("lambda", "DeleteFunctionConcurrency", &[Need("lambda:DeleteFunctionConcurrency", On::Function)]),
    call("lambda", "TagResource", &[Need("lambda:TagResource", On::Function)]),
    call("lambda", "UntagResource", &[Need("lambda:UntagResource", On::Function)]),
    call("lambda", "DeleteFunction", &[Need("lambda:DeleteFunction", On::Function)]),
];

const MISSING: &[&str] = &["ResourceNotFoundException"];
/// Size of `/tmp` in MiB that every function has.
const STORAGE: i32 = 512;

pub(super) async fn observe(
    clients: &Clients,
    gallery: &Identity,
    function: FunctionName,
) -> Result<Seen<Observed>, CloudError> {
    let name = gallery.function(function);
    let answer = clients.lambda("GetFunction").await.get_function().function_name(&name).send().await;
    let Some(answer) = found(answer, MISSING, failed("lambda", "GetFunction"))? else {
        return Ok(Seen::Nothing);
    };
    if let Some(error) = answer.tags_error() {
        return Err(tags_refused(error));
    }
    let observed = read(answer, &gallery.log_group(function));
    let tags = observed.tags.clone();
    Ok(by_tags(gallery, &tags, &name, observed))
}

/// `GetFunction` succeeds without the permission to read tags, and a function without tags would be somebody else's.
fn tags_refused(error: &TagsError) -> CloudError {
    let (code, message) = (error.error_code().to_owned(), error.message().to_owned());
    // No answer of its own: the code alone tells.
    let kind = classify(Some(400), &code, &message);
    CloudError { service: "lambda", operation: "ListTags", kind, code, source: Message(message) }
}

fn read(answer: GetFunctionOutput, log_group: &str) -> Observed {
    let seen = answer.configuration.unwrap_or_else(|| FunctionConfiguration::builder().build());
    let (activity, extras) = (activity(&seen), extras(&seen, log_group));
    let environment_is_hidden = seen.environment().is_some_and(|environment| environment.error().is_some());
    let environment = seen.environment.and_then(|environment| environment.variables).unwrap_or_default();
    Observed {
        code_sha256: seen.code_sha256.unwrap_or_default(),
        architecture: seen
            .architectures
            .unwrap_or_default()
            .first()
            .map(ToString::to_string)
            .unwrap_or_default(),
        configuration: Configuration {
            role: seen.role.unwrap_or_default(),
            runtime: seen.runtime.map(|runtime| runtime.to_string()).unwrap_or_default(),
            handler: seen.handler.unwrap_or_default(),
            description: seen.description.unwrap_or_default(),
            memory_mib: seen.memory_size.unwrap_or_default(),
            timeout_seconds: seen.timeout.unwrap_or_default(),
            environment: environment.into_iter().collect(),
        },
        environment_is_hidden,
        extras,
        reserved_concurrency: answer
            .concurrency
            .and_then(|concurrency| concurrency.reserved_concurrent_executions),
        tags: answer.tags.unwrap_or_default().into_iter().collect(),
        activity,
        revision_id: seen.revision_id,
    }
}

/// What is not as Lambda makes it. Absent and empty are both its default.
fn extras(seen: &FunctionConfiguration, log_group: &str) -> BTreeMap<Extra, String> {
    let list = |items: Vec<&str>| (!items.is_empty()).then(|| items.join(", "));
    let layers = seen.layers().iter().filter_map(aws_sdk_lambda::types::Layer::arn).collect();
    let subnets = seen.vpc_config().map(|vpc| vpc.subnet_ids().iter().map(String::as_str).collect());
    let file_systems = seen.file_system_configs().iter().map(aws_sdk_lambda::types::FileSystemConfig::arn);
    let target = seen.dead_letter_config().and_then(DeadLetterConfig::target_arn).unwrap_or_default();
    let mode = seen.tracing_config().and_then(|tracing| tracing.mode());
    let storage = seen.ephemeral_storage().map(EphemeralStorage::size).filter(|size| *size != STORAGE);
    let all = [
        (Extra::Layers, list(layers)),
        (Extra::Subnets, list(subnets.unwrap_or_default())),
        (Extra::FileSystems, list(file_systems.collect())),
        (Extra::DeadLetterTarget, list(if target.is_empty() { Vec::new() } else { vec![target] })),
        (Extra::Tracing, mode.filter(|mode| **mode != TracingMode::PassThrough).map(ToString::to_string)),
        (Extra::Storage, storage.map(|size| format!("{size} MiB"))),
        (Extra::Key, seen.kms_key_arn().filter(|key| !key.is_empty()).map(str::to_owned)),
        (Extra::Logging, seen.logging_config().and_then(|logging| other_logging(logging, log_group))),
    ];
    all.into_iter().filter_map(|(extra, value)| Some((extra, value?))).collect()
}

fn other_logging(seen: &LoggingConfig, log_group: &str) -> Option<String> {
    let group = seen.log_group().unwrap_or(log_group);
    let format = seen.log_format().unwrap_or(&LogFormat::Text);
    (group != log_group || *format != LogFormat::Text).then(|| format!("{format} to {group}"))
}

fn activity(seen: &FunctionConfiguration) -> Activity {
    let failed = |reason: Option<&str>| Activity::Failed(reason.unwrap_or("no reason given").to_owned());
    match (seen.state(), seen.last_update_status()) {
        (Some(State::Deleting), _) => Activity::Deleting,
        (Some(State::Failed), _) => failed(seen.state_reason()),
        // A change in progress may show as both.
        (_, Some(LastUpdateStatus::InProgress)) => Activity::Updating,
        (Some(State::Pending), _) => Activity::Creating,
        (_, Some(LastUpdateStatus::Failed)) => failed(seen.last_update_status_reason()),
        // Inactive: Lambda has put an idle function away, and brings it back at the next call.
        _ => Activity::Active,
    }
}

pub(super) async fn apply(
    clients: &Clients,
    gallery: &Identity,
    function: FunctionName,
    change: &Change,
) -> Result<(), CloudError> {
    let name = gallery.function(function);
    match change {
        Change::Create(wanted) => create(clients, &name, wanted).await,
        Change::Code { code, revision_id } => {
            let Code { bucket, key, sha256: _, architecture } = code;
            let call = clients
                .lambda("UpdateFunctionCode")
                .await
                .update_function_code()
                .function_name(name)
                .s3_bucket(bucket)
                .s3_key(key);
            let architecture = Architecture::from(architecture.as_str());
            let call = call.architectures(architecture).set_revision_id(revision_id.clone());
            call.send().await.map(drop).map_err(failed("lambda", "UpdateFunctionCode"))
        }
        Change::Configuration { configuration, reset, revision_id } => {
            let client = clients.lambda("UpdateFunctionConfiguration").await;
            let call = configure(client, &name, configuration).set_revision_id(revision_id.clone());
            let log_group = gallery.log_group(function);
            let call = reset.iter().fold(call, |call, extra| as_lambda_makes_it(call, *extra, &log_group));
            call.send().await.map(drop).map_err(failed("lambda", "UpdateFunctionConfiguration"))
        }
        Change::ReserveConcurrency(calls) => {
            let call = clients
                .lambda("PutFunctionConcurrency")
                .await
                .put_function_concurrency()
                .function_name(name)
                .reserved_concurrent_executions(*calls);
            call.send().await.map(drop).map_err(failed("lambda", "PutFunctionConcurrency"))
        }
        Change::ShareConcurrency => {
            let call = clients
                .lambda("DeleteFunctionConcurrency")
                .await
                .delete_function_concurrency()
                .function_name(name);
            call.send().await.map(drop).map_err(failed("lambda", "DeleteFunctionConcurrency"))
        }
        Change::Tag(tags) => {
            let tags = tags.clone().into_iter().collect();
            let call = clients
                .lambda("TagResource")
                .await
                .tag_resource()
                .resource(gallery.function_arn(function))
                .set_tags(Some(tags));
            call.send().await.map(drop).map_err(failed("lambda", "TagResource"))
        }
        Change::Untag(keys) => {
            let call = clients
                .lambda("UntagResource")
                .await
                .untag_resource()
                .resource(gallery.function_arn(function));
            let call = call.set_tag_keys(Some(keys.clone()));
            call.send().await.map(drop).map_err(failed("lambda", "UntagResource"))
        }
        Change::Delete => {
            let answer =
                clients.lambda("DeleteFunction").await.delete_function().function_name(name).send().await;
            found(answer, MISSING, failed("lambda", "DeleteFunction")).map(drop)
        }
    }
}

async fn create(clients: &Clients, name: &str, wanted: &Desired) -> Result<(), CloudError> {
    let Desired { code, configuration, reserved_concurrency: _, tags } = wanted;
    let Code { bucket, key, sha256: _, architecture } = code;
    let Configuration { role, runtime, handler, description, memory_mib, timeout_seconds, .. } =
        configuration;
    let call = clients.lambda("CreateFunction").await.create_function().function_name(name);
    let call = call.code(FunctionCode::builder().s3_bucket(bucket).s3_key(key).build());
    let call = call.architectures(Architecture::from(architecture.as_str()));
    let call =
        call.role(role).runtime(Runtime::from(runtime.as_str())).handler(handler).description(description);
    let call =
        call.memory_size(*memory_mib).timeout(*timeout_seconds).environment(environment(configuration));
    let call = call.set_tags(Some(tags.clone().into_iter().collect()));
    call.send().await.map(drop).map_err(failed("lambda", "CreateFunction"))
}

fn configure(
    client: &aws_sdk_lambda::Client,
    name: &str,
    configuration: &Configuration,
) -> UpdateFunctionConfigurationFluentBuilder {
    let Configuration { role, runtime, handler, description, memory_mib, timeout_seconds, .. } =
        configuration;
    let call = client.update_function_configuration().function_name(name);
    let call =
        call.role(role).runtime(Runtime::from(runtime.as_str())).handler(handler).description(description);
    // The whole environment: what it does not name is removed.
    call.memory_size(*memory_mib).timeout(*timeout_seconds).environment(environment(configuration))
}

/// What a call leaves out stays as it is, so the default has to be said.
fn as_lambda_makes_it(
    call: UpdateFunctionConfigurationFluentBuilder,
    extra: Extra,
    log_group: &str,
) -> UpdateFunctionConfigurationFluentBuilder {
    match extra {
        Extra::Layers => call.set_layers(Some(Vec::new())),
        Extra::Subnets => {
            let none = VpcConfig::builder().set_subnet_ids(Some(Vec::new()));
            call.vpc_config(none.set_security_group_ids(Some(Vec::new())).build())
        }
        Extra::FileSystems => call.set_file_system_configs(Some(Vec::new())),
        Extra::DeadLetterTarget => {
            call.dead_letter_config(DeadLetterConfig::builder().target_arn("").build())
        }
        Extra::Tracing => {
            call.tracing_config(TracingConfig::builder().mode(TracingMode::PassThrough).build())
        }
        Extra::Storage => match EphemeralStorage::builder().size(STORAGE).build() {
            Ok(storage) => call.ephemeral_storage(storage),
            Err(_) => call,
        },
        Extra::Key => call.kms_key_arn(""),
        Extra::Logging => {
            let logging = LoggingConfig::builder().log_format(LogFormat::Text).log_group(log_group);
            call.logging_config(logging.build())
        }
    }
}

fn environment(configuration: &Configuration) -> Environment {
    Environment::builder()
        .set_variables(Some(configuration.environment.clone().into_iter().collect()))
        .build()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use aws_sdk_lambda::Client;
    use aws_sdk_lambda::operation::update_function_configuration::UpdateFunctionConfigurationOutput;
    use aws_smithy_mocks::mock;
    use strum::IntoEnumIterator;

    use super::*;
    use crate::cloud::ErrorKind;
    use crate::names::Tags;
    use crate::testing::clients::{clients, rest_refusal};
    use crate::testing::galleries::identity;

    const LIST: FunctionName = FunctionName::List;

    fn output(state: State, update: LastUpdateStatus, tags: Tags) -> GetFunctionOutput {
        let configuration =
            FunctionConfiguration::builder().code_sha256("sha").architectures(Architecture::Arm64);
        let configuration =
            configuration.memory_size(512).timeout(30).state(state).last_update_status(update);
        let tags = Some(tags.into_iter().collect());
        GetFunctionOutput::builder().configuration(configuration.build()).set_tags(tags).build()
    }

    fn configuration_change(configuration: Configuration, revision_id: Option<String>) -> Change {
        Change::Configuration { configuration, reset: BTreeSet::new(), revision_id }
    }

    #[tokio::test]
    async fn what_others_set_besides_is_set_to_lambda_s_defaults_in_the_same_call() {
        let update = mock!(Client::update_function_configuration)
            .match_requests(|request| {
                let is_empty = |items: &[String]| items.is_empty();
                request.layers.as_ref().is_some_and(Vec::is_empty)
                    && request.file_system_configs.as_ref().is_some_and(Vec::is_empty)
                    && request.vpc_config().is_some_and(|vpc| is_empty(vpc.subnet_ids()))
                    && request.dead_letter_config().is_some_and(|it| it.target_arn() == Some(""))
                    && request.tracing_config().is_some_and(|it| it.mode() == Some(&TracingMode::PassThrough))
                    && request.ephemeral_storage().is_some_and(|it| it.size() == 512)
                    && request.kms_key_arn() == Some("")
                    && request.logging_config().is_some_and(|it| it.log_format() == Some(&LogFormat::Text))
            })
            .then_output(|| UpdateFunctionConfigurationOutput::builder().build());
        let (configuration, reset) = (Configuration::default(), Extra::iter().collect());
        let change = Change::Configuration { configuration, reset, revision_id: None };
        apply(&clients(&[&update]), &identity("photos", "summer"), LIST, &change).await.unwrap();
        assert_eq!(update.num_calls(), 1);
    }

    /// To see it fail: do not look at `tags_error`; the function is then somebody else's.
    #[tokio::test]
    async fn tags_that_may_not_be_read_are_a_missing_permission_and_not_somebody_else_s_function() {
        let message = "User: arn:aws:iam::1:user/op is not authorized to perform: lambda:ListTags on resource: arn:f \
                       because no identity-based policy allows the lambda:ListTags action";
        let refused =
            TagsError::builder().error_code("AccessDeniedException").message(message).build().unwrap();
        let get = mock!(Client::get_function).then_output(move || {
            let configuration = FunctionConfiguration::builder().build();
            GetFunctionOutput::builder().configuration(configuration).tags_error(refused.clone()).build()
        });
        let error = observe(&clients(&[&get]), &identity("photos", "summer"), LIST).await.unwrap_err();
        assert_eq!((error.kind, error.operation), (ErrorKind::AccessDenied, "ListTags"));
    }

    #[test]
    fn what_lambda_is_doing_is_told_apart() {
        use LastUpdateStatus::{Failed, InProgress, Successful};
        let activity = |state, update| {
            let seen = output(state, update, Tags::new()).configuration.unwrap();
            super::activity(&seen)
        };
        assert_eq!(activity(State::Active, Successful), Activity::Active);
        assert_eq!(activity(State::Inactive, Successful), Activity::Active);
        assert_eq!(activity(State::Pending, Successful), Activity::Creating);
        assert_eq!(activity(State::Active, InProgress), Activity::Updating);
        assert_eq!(activity(State::Pending, InProgress), Activity::Updating);
        assert!(matches!(activity(State::Failed, Successful), Activity::Failed(_)));
        assert!(matches!(activity(State::Active, Failed), Activity::Failed(_)));
    }

    #[tokio::test]
    async fn tags_tell_whose_a_function_is() {
        let identity = identity("photos", "summer");
        let owned = identity.owner_tags();
        let ours = mock!(Client::get_function)
            .then_output(move || output(State::Active, LastUpdateStatus::Successful, owned.clone()));
        let Seen::Ours(seen) = observe(&clients(&[&ours]), &identity, LIST).await.unwrap() else { panic!() };
        assert_eq!((seen.code_sha256.as_str(), seen.architecture.as_str()), ("sha", "arm64"));
        let other = mock!(Client::get_function)
            .then_output(|| output(State::Active, LastUpdateStatus::Successful, Tags::new()));
        let seen = observe(&clients(&[&other]), &identity, LIST).await.unwrap();
        assert!(matches!(seen, Seen::Foreign(_)), "{seen:?}");
    }

    #[tokio::test]
    async fn a_missing_function_is_not_an_error() {
        let get = mock!(Client::get_function)
            .then_http_response(|| rest_refusal(404, "ResourceNotFoundException", "Function not found"));
        let seen = observe(&clients(&[&get]), &identity("photos", "summer"), LIST).await.unwrap();
        assert_eq!(seen, Seen::Nothing);
    }

    #[tokio::test]
    async fn the_whole_configuration_is_sent_with_the_revision_that_it_replaces() {
        let update = mock!(Client::update_function_configuration)
            .match_requests(|request| {
                let variables = request.environment().and_then(Environment::variables);
                request.revision_id() == Some("r1") && variables.is_some_and(|all| all.len() == 1)
            })
            .then_output(|| UpdateFunctionConfigurationOutput::builder().build());
        let environment = [("LOG".to_owned(), "info".to_owned())].into();
        let configuration = Configuration { environment, ..Configuration::default() };
        let change = configuration_change(configuration, Some("r1".into()));
        apply(&clients(&[&update]), &identity("photos", "summer"), LIST, &change).await.unwrap();
        assert_eq!(update.num_calls(), 1);
    }

    #[tokio::test]
    async fn a_role_that_lambda_does_not_know_yet_is_not_ready() {
        let update = mock!(Client::update_function_configuration).then_http_response(|| {
            let message = "The role defined for the function cannot be assumed by Lambda.";
            rest_refusal(400, "InvalidParameterValueException", message)
        });
        let change = configuration_change(Configuration::default(), None);
        let error =
            apply(&clients(&[&update]), &identity("photos", "summer"), LIST, &change).await.unwrap_err();
        assert_eq!((error.operation, error.kind), ("UpdateFunctionConfiguration", ErrorKind::NotReady));
    }
}

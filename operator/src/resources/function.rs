//! A Lambda function: code from the artefact bucket, configuration, reserved concurrency, tags.
//!
//! Found by its deterministic name; whose it is, its tags say. We own code, architecture, runtime, handler, role, memory,
//! timeout, environment, description, reserved concurrency and our tags. What else Lambda can set on a function ([`Extra`]) is ours
//! too: none of it is used, and it would run other code beside ours, or send elsewhere what the function knows.
//!
//! Slow: a new or changed function is busy for seconds, and Lambda refuses any other change meanwhile. So nothing is planned
//! for a busy function, and code and configuration never change in the same round: code first, since new code knows both
//! the old and the new settings more often than old code does. Not idempotent: `CreateFunction` refuses a second time;
//! looking again shows what the first one made.

use std::collections::{BTreeMap, BTreeSet};

use functions_core::contract::FunctionName;
use serde::{Deserialize, Serialize};

use super::{After, Description, Difference, Kind, State, Step};
use crate::cloud::{self, Answer};
use crate::gallery::{DataPolicy, Gallery, Identity};
use crate::graph::BucketRole;
use crate::names::Tags;

/// Lambda's runtime for programs that bring their own.
pub const RUNTIME: &str = "provided.al2023";
/// Required by Lambda, and without meaning to this runtime.
pub const HANDLER: &str = "bootstrap";

/// This kind.
#[derive(Debug)]
pub struct Function;

/// A function as it should be.
#[derive(Clone, Debug, PartialEq)]
pub struct Desired {
    /// Where its code is.
    pub code: Code,
    /// Everything that `UpdateFunctionConfiguration` sets.
    pub configuration: Configuration,
    /// Calls that may run at the same time; `None`: what the account has.
    pub reserved_concurrency: Option<i32>,
    /// Tags.
    pub tags: Tags,
}

/// Where code is, and for which processor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// Bucket with the zip.
    pub bucket: String,
    /// Key of the zip.
    pub key: String,
    /// SHA-256 of the zip in base64, as Lambda reports it.
    pub sha256: String,
    /// Architecture.
    pub architecture: String,
}

/// What `UpdateFunctionConfiguration` sets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configuration {
    /// ARN of the role.
    pub role: String,
    /// Runtime.
    pub runtime: String,
    /// Handler.
    pub handler: String,
    /// Description.
    pub description: String,
    /// Memory in MiB.
    pub memory_mib: i32,
    /// Timeout in seconds.
    pub timeout_seconds: i32,
    /// Environment variables.
    pub environment: BTreeMap<String, String>,
}

/// What a gallery's function leaves as Lambda makes it.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    strum::Display,
    strum::EnumIter,
    strum::IntoStaticStr,
    Serialize,
    Deserialize,
)]
pub enum Extra {
    /// Code that Lambda puts beside ours.
    #[strum(to_string = "layers")]
    Layers,
    /// Subnets that it runs in, from which it may reach nothing.
    #[strum(to_string = "subnets")]
    Subnets,
    /// File systems that it mounts.
    #[strum(to_string = "file systems")]
    FileSystems,
    /// Where events go that it could not handle.
    #[strum(to_string = "dead letter target")]
    DeadLetterTarget,
    /// X-Ray.
    #[strum(to_string = "tracing")]
    Tracing,
    /// Size of `/tmp`.
    #[strum(to_string = "temporary storage")]
    Storage,
    /// Key that encrypts its environment.
    #[strum(to_string = "environment key")]
    Key,
    /// Where its logs go, and how they look.
    #[strum(to_string = "logging")]
    Logging,
}

impl Extra {
    /// What Lambda makes of it when nobody says anything.
    pub const fn default_value(self) -> &'static str {
        match self {
            Self::Layers | Self::Subnets | Self::FileSystems | Self::DeadLetterTarget => "none",
            Self::Tracing => "PassThrough",
            Self::Storage => "512 MiB",
            Self::Key => "AWS's own",
            Self::Logging => "Text to its log group",
        }
    }
}

/// What Lambda is doing with a function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Activity {
    /// It can be called and changed.
    Active,
    /// It is being made.
    Creating,
    /// A change is being carried out.
    Updating,
    /// It is being removed.
    Deleting,
    /// The last creation or change failed, for this reason.
    Failed(String),
}

/// A function as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observed {
    /// SHA-256 of its code in base64.
    pub code_sha256: String,
    /// Architecture.
    pub architecture: String,
    /// Configuration.
    pub configuration: Configuration,
    /// Lambda does not tell the environment, because it may not use the key. Then what is in `configuration` means nothing.
    pub environment_is_hidden: bool,
    /// What is not as Lambda makes it.
    pub extras: BTreeMap<Extra, String>,
    /// Calls that may run at the same time, when they are reserved.
    pub reserved_concurrency: Option<i32>,
    /// Tags.
    pub tags: Tags,
    /// What Lambda is doing with it.
    pub activity: Activity,
    /// Changes with each change: a change that holds it is refused after somebody else's.
    pub revision_id: Option<String>,
}

/// One call.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// `CreateFunction`.
    Create(Desired),
    /// `UpdateFunctionCode`.
    Code {
        /// The code.
        code: Code,
        /// What it replaces.
        revision_id: Option<String>,
    },
    /// `UpdateFunctionConfiguration`.
    Configuration {
        /// The configuration.
        configuration: Configuration,
        /// What is to be as Lambda makes it.
        reset: BTreeSet<Extra>,
        /// What it replaces.
        revision_id: Option<String>,
    },
    /// `PutFunctionConcurrency`.
    ReserveConcurrency(i32),
    /// `DeleteFunctionConcurrency`.
    ShareConcurrency,
    /// `TagResource`.
    Tag(Tags),
    /// `UntagResource`.
    Untag(Vec<String>),
    /// `DeleteFunction`.
    Delete,
}

impl Kind for Function {
    type Key = FunctionName;
    type Desired = Desired;
    type Observed = Observed;
    type Change = Change;

    fn desired(function: FunctionName, gallery: &Gallery, seen: &cloud::Observed) -> Option<Desired> {
        let Gallery { identity, spec, release } = gallery;
        let zip = release.function(spec.functions.architecture, function)?;
        if !seen.artefacts.as_ref()?.has(zip) {
            return None;
        }
        let size = gallery.size(function);
        Some(Desired {
            code: Code {
                bucket: identity.bucket(BucketRole::Artefacts),
                key: zip.key.clone(),
                sha256: zip.code_sha256.clone(),
                architecture: spec.functions.architecture.as_str().to_owned(),
            },
            configuration: Configuration {
                role: identity.role_arn(function),
                runtime: RUNTIME.into(),
                handler: HANDLER.into(),
                description: format!("Function {function} of the photo gallery {identity}"),
                memory_mib: size.memory_mib,
                timeout_seconds: size.timeout_seconds,
                environment: gallery.environment(function),
            },
            reserved_concurrency: size.reserved_concurrency,
            tags: gallery.tags(),
        })
    }

    fn update(want: &Desired, seen: Option<&Observed>) -> Vec<Step<Change>> {
        let Some(seen) = seen else {
            let reserve =
                want.reserved_concurrency.map(|calls| Step::detail(Change::ReserveConcurrency(calls)));
            return std::iter::once(Step::create(Change::Create(want.clone()))).chain(reserve).collect();
        };
        if is_busy(seen) {
            return Vec::new();
        }
        let revision_id = seen.revision_id.clone();
        let (code, configuration) =
            (code_differences(want, seen), configuration_differences(&want.configuration, seen));
        let mut steps = Vec::new();
        if !code.is_empty() {
            steps.push(Step::update(Change::Code { code: want.code.clone(), revision_id }, code));
        } else if !configuration.is_empty() {
            let reset = seen.extras.keys().copied().collect();
            let wanted = want.configuration.clone();
            let change = Change::Configuration { configuration: wanted, reset, revision_id };
            steps.push(Step::update(change, configuration));
        }
        if want.reserved_concurrency != seen.reserved_concurrency {
            let (from, to) = (concurrency(seen.reserved_concurrency), concurrency(want.reserved_concurrency));
            let change =
                want.reserved_concurrency.map_or(Change::ShareConcurrency, Change::ReserveConcurrency);
            steps.push(Step::update(change, [Difference::new("reserved concurrency", from, to)]));
        }
        steps.extend(super::tag_steps(&want.tags, &seen.tags, Change::Tag, Change::Untag));
        steps
    }

    fn delete(_: FunctionName, seen: &Observed, _: DataPolicy) -> Vec<Step<Change>> {
        if is_busy(seen) { Vec::new() } else { vec![Step::delete(Change::Delete)] }
    }

    fn state(seen: &Observed) -> State {
        match seen.activity {
            Activity::Active => State::Ready,
            // AddPermission is the one call that Lambda takes for it already.
            Activity::Creating => State::Usable("Lambda is starting the function, usually a few seconds"),
            // The old version answers until the new one is ready.
            Activity::Updating => State::Usable("Lambda is updating the function, usually a few seconds"),
            Activity::Deleting => State::Pending("Lambda is deleting the function"),
            Activity::Failed(_) => State::Pending("Lambda could not start the function"),
        }
    }

    /// Lambda goes on working at all that it is told, so that only a creation needs no look of its own before it is waited for.
    fn after(seen: Option<&Observed>, change: &Change, _: &Answer) -> After<Observed> {
        match (seen, change) {
            (_, Change::Create(wanted)) => After::Is(Observed {
                code_sha256: wanted.code.sha256.clone(),
                architecture: wanted.code.architecture.clone(),
                configuration: wanted.configuration.clone(),
                environment_is_hidden: false,
                extras: BTreeMap::new(),
                reserved_concurrency: None,
                tags: wanted.tags.clone(),
                activity: Activity::Creating,
                revision_id: None,
            }),
            (Some(seen), Change::ReserveConcurrency(calls)) => {
                After::Is(Observed { reserved_concurrency: Some(*calls), ..seen.clone() })
            }
            _ => After::Unknown,
        }
    }

    fn describe(function: FunctionName, gallery: &Identity, _: &Observed) -> Description {
        Description { name: gallery.function(function), arn: Some(gallery.function_arn(function)) }
    }
}

fn is_busy(seen: &Observed) -> bool {
    matches!(seen.activity, Activity::Creating | Activity::Updating | Activity::Deleting)
}

fn code_differences(want: &Desired, seen: &Observed) -> Vec<Difference> {
    let code = Difference::between("code", &short(&seen.code_sha256), &short(&want.code.sha256));
    let architecture = Difference::between("architecture", &seen.architecture, &want.code.architecture);
    // The same code again: there is no other way to make Lambda try once more.
    let failed = match &seen.activity {
        Activity::Failed(reason) => Some(Difference::new("state", format!("failed ({reason})"), "active")),
        Activity::Active | Activity::Creating | Activity::Updating | Activity::Deleting => None,
    };
    code.into_iter().chain(architecture).chain(failed).collect()
}

fn configuration_differences(want: &Configuration, function: &Observed) -> Vec<Difference> {
    let Configuration { role, runtime, handler, description, memory_mib, timeout_seconds, environment } =
        want;
    let seen = &function.configuration;
    let unit = |number: i32, unit: &str| format!("{number} {unit}");
    let fixed = [
        Difference::between("role", &seen.role, role),
        Difference::between("runtime", &seen.runtime, runtime),
        Difference::between("handler", &seen.handler, handler),
        Difference::between("description", &seen.description, description),
        Difference::between("memory", &unit(seen.memory_mib, "MiB"), &unit(*memory_mib, "MiB")),
        Difference::between("timeout", &unit(seen.timeout_seconds, "s"), &unit(*timeout_seconds, "s")),
    ];
    let extras = function.extras.iter();
    let extras =
        extras.map(|(extra, value)| Difference::new(extra.to_string(), value, extra.default_value()));
    let all = fixed.into_iter().flatten().chain(extras);
    if function.environment_is_hidden {
        all.collect()
    } else {
        all.chain(variables(environment, &seen.environment)).collect()
    }
}

fn variables(want: &BTreeMap<String, String>, seen: &BTreeMap<String, String>) -> Vec<Difference> {
    let set = want.iter().filter(|(name, value)| seen.get(*name) != Some(value)).map(|(name, value)| {
        let from = seen.get(name).map_or("none", String::as_str);
        Difference::new(format!("environment {name}"), from, value)
    });
    // What somebody else has put there may be a secret.
    let gone = seen.keys().filter(|name| !want.contains_key(*name));
    let gone = gone.map(|name| Difference::new(format!("environment {name}"), "set", "none"));
    set.chain(gone).collect()
}

fn concurrency(calls: Option<i32>) -> String {
    calls.map_or("shared".into(), |calls| calls.to_string())
}

/// The beginning of a base64 SHA-256, in hexadecimal: enough to tell one build from another.
fn short(sha256: &str) -> String {
    match data_encoding::BASE64.decode(sha256.as_bytes()) {
        Ok(bytes) if bytes.len() >= 4 => format!("{}…", data_encoding::HEXLOWER.encode(&bytes[..4])),
        _ => sha256.to_owned(),
    }
}

#[cfg(test)]
mod tests;

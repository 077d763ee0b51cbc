//! Functions and who may invoke them.

use std::collections::BTreeMap;

use functions_core::contract::FunctionName;

use super::Operation;
use super::world::{Busy, World};
use crate::cloud::CloudError;
use crate::gallery::Identity;
use crate::names::{Tags, set_tags, unset_tags};
use crate::resources::function::{Activity, Change, Code, Configuration, Desired, Extra, Observed};
use crate::resources::permission::{self, STATEMENT};

/// A function.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Function {
    /// As Lambda shows it. The revision is kept beside it.
    pub observed: Observed,
    /// How long it stays busy.
    pub busy: Busy,
    /// Counts the changes.
    pub revision: usize,
    /// Statements of its policy by id.
    pub statements: BTreeMap<String, permission::Statement>,
}

impl Function {
    /// A function that somebody else made.
    pub(crate) fn of_others(tags: Tags) -> Self {
        let observed = Observed {
            code_sha256: "theirs".into(),
            architecture: "arm64".into(),
            configuration: Configuration::default(),
            environment_is_hidden: false,
            extras: BTreeMap::new(),
            reserved_concurrency: None,
            tags,
            activity: Activity::Active,
            revision_id: None,
        };
        Self { observed, busy: Busy(0), revision: 0, statements: BTreeMap::new() }
    }

    /// As it is now; what it is at comes closer to its end.
    pub(super) fn look(&mut self) -> Observed {
        let is_working = matches!(self.observed.activity, Activity::Creating | Activity::Updating);
        if !self.busy.look() && is_working {
            self.observed.activity = Activity::Active;
            // The end of a change is a change too.
            self.revision += 1;
        }
        Observed { revision_id: Some(self.revision_id()), ..self.observed.clone() }
    }

    fn revision_id(&self) -> String {
        format!("revision-{}", self.revision)
    }

    fn begin(&mut self, activity: Activity, observations: usize) {
        self.revision += 1;
        self.busy = Busy(observations);
        self.observed.activity = if observations == 0 { Activity::Active } else { activity };
    }

    fn refuse_while_busy(&self, call: Operation) -> Result<(), CloudError> {
        let message = match self.observed.activity {
            Activity::Creating => "The function is currently in the following state: Pending",
            Activity::Updating => "An update is in progress for resource",
            Activity::Active | Activity::Deleting | Activity::Failed(_) => return Ok(()),
        };
        let message = format!("The operation cannot be performed at this time. {message}");
        Err(call.refuse(409, "ResourceConflictException", message))
    }

    fn refuse_stale(&self, revision_id: Option<&String>, call: Operation) -> Result<(), CloudError> {
        if revision_id.is_some_and(|given| *given != self.revision_id()) {
            let message = "The Revision Id provided does not match the latest Revision Id.";
            return Err(call.refuse(412, "PreconditionFailedException", message));
        }
        Ok(())
    }
}

/// The digest of the zip that is to be deployed.
fn fetch(world: &World, code: &Code, call: Operation) -> Result<String, CloudError> {
    let refuse = |code: &str| {
        let message = format!("Error occurred while GetObject. S3 Error Code: {code}.");
        call.refuse(400, "InvalidParameterValueException", message)
    };
    let bucket = world.buckets.get(&code.bucket).ok_or_else(|| refuse("NoSuchBucket"))?;
    bucket.objects.get(&code.key).map(|object| object.sha256.clone()).ok_or_else(|| refuse("NoSuchKey"))
}

fn refuse_role(world: &mut World, arn: &str, call: Operation) -> Result<(), CloudError> {
    let refusal = || {
        let message = "The role defined for the function cannot be assumed by Lambda.";
        call.refuse(400, "InvalidParameterValueException", message)
    };
    let role = world.roles.values_mut().find(|role| role.arn == arn).ok_or_else(refusal)?;
    if role.unknown > 0 {
        role.unknown -= 1;
        return Err(refusal());
    }
    Ok(())
}

pub(super) fn function(
    world: &mut World,
    gallery: &Identity,
    name: FunctionName,
    change: &Change,
    call: Operation,
) -> Result<(), CloudError> {
    let (function, slow) = (gallery.function(name), world.slow.function);
    if let Change::Create(wanted) = change {
        return create(world, gallery, name, wanted, call);
    }
    let digest = match change {
        Change::Code { code, .. } => Some(fetch(world, code, call)?),
        _ => None,
    };
    let Some(found) = world.functions.get_mut(&function) else {
        if *change == Change::Delete {
            return Ok(());
        }
        let message = format!("Function not found: {function}");
        return Err(call.refuse(404, "ResourceNotFoundException", message));
    };
    match change {
        Change::Create(_) => {}
        Change::Code { code, revision_id } => {
            found.refuse_while_busy(call)?;
            found.refuse_stale(revision_id.as_ref(), call)?;
            found.observed.code_sha256 = digest.unwrap_or_default();
            found.observed.architecture.clone_from(&code.architecture);
            found.begin(Activity::Updating, slow);
        }
        Change::Configuration { configuration, reset, revision_id } => {
            found.refuse_while_busy(call)?;
            found.refuse_stale(revision_id.as_ref(), call)?;
            found.observed.configuration = configuration.clone();
            found.observed.extras.retain(|extra, _| !reset.contains(extra));
            found.observed.environment_is_hidden &= found.observed.extras.contains_key(&Extra::Key);
            found.begin(Activity::Updating, slow);
            let role = configuration.role.clone();
            refuse_role(world, &role, call)?;
        }
        Change::ReserveConcurrency(calls) => found.observed.reserved_concurrency = Some(*calls),
        Change::ShareConcurrency => found.observed.reserved_concurrency = None,
        Change::Tag(tags) => set_tags(&mut found.observed.tags, tags),
        Change::Untag(keys) => unset_tags(&mut found.observed.tags, keys),
        Change::Delete => {
            found.refuse_while_busy(call)?;
            let arn = gallery.function_arn(name);
            if world.buckets.values().any(|bucket| bucket.notifies(&arn)) {
                return Err(call.forbid("a bucket still tells this function of uploads"));
            }
            world.functions.remove(&function);
        }
    }
    Ok(())
}

fn create(
    world: &mut World,
    gallery: &Identity,
    name: FunctionName,
    wanted: &Desired,
    call: Operation,
) -> Result<(), CloudError> {
    let function = gallery.function(name);
    if world.functions.contains_key(&function) {
        let message = format!("Function already exist: {function}");
        return Err(call.refuse(409, "ResourceConflictException", message));
    }
    let code_sha256 = fetch(world, &wanted.code, call)?;
    refuse_role(world, &wanted.configuration.role, call)?;
    // Lambda would make it at the first call, without a retention and without our tags.
    if !world.log_groups.contains_key(&gallery.log_group(name)) {
        return Err(call.forbid("its log group is not there"));
    }
    let observed = Observed {
        code_sha256,
        architecture: wanted.code.architecture.clone(),
        configuration: wanted.configuration.clone(),
        environment_is_hidden: false,
        extras: BTreeMap::new(),
        reserved_concurrency: None,
        tags: wanted.tags.clone(),
        activity: Activity::Active,
        revision_id: None,
    };
    let mut made = Function { observed, busy: Busy(0), revision: 0, statements: BTreeMap::new() };
    made.begin(Activity::Creating, world.slow.function);
    world.functions.insert(function, made);
    Ok(())
}

pub(super) fn permission(
    world: &mut World,
    gallery: &Identity,
    name: FunctionName,
    change: &permission::Change,
    call: Operation,
) -> Result<(), CloudError> {
    let function = gallery.function(name);
    let found = world.functions.get_mut(&function);
    match change {
        permission::Change::Add(wanted) => {
            let missing = || {
                let message = format!("Function not found: {function}");
                call.refuse(404, "ResourceNotFoundException", message)
            };
            let statements = &mut found.ok_or_else(missing)?.statements;
            if statements.contains_key(STATEMENT) {
                let message = format!("The statement id ({STATEMENT}) provided already exists.");
                return Err(call.refuse(409, "ResourceConflictException", message));
            }
            statements.insert(STATEMENT.into(), permission::Statement::of(wanted));
        }
        permission::Change::Remove(id) => {
            if let Some(found) = found {
                found.statements.remove(id);
            }
        }
    }
    Ok(())
}

//! Functions with their logs, roles and permissions.

use serde_json::json;
use strum::IntoEnumIterator;

use super::{Cases, LIST};
use crate::cloud;
use crate::graph::ResourceId;
use crate::resources::{function, log_group, permission, role};

pub(super) fn log_group(cases: &mut Cases) {
    let id = ResourceId::LogGroup(LIST);
    let log_group::Observed { retention_days: _, tags: _ } = &cases.base.log_groups[&LIST];
    for days in [None, Some(1)] {
        let change =
            |seen: &mut cloud::Observed| seen.log_groups.get_mut(&LIST).unwrap().retention_days = days;
        cases.add(id, "retention", 1, change);
    }
    cases.tags(id, |seen| &mut seen.log_groups.get_mut(&LIST).unwrap().tags);
}

pub(super) fn role(cases: &mut Cases) {
    let id = ResourceId::Role(LIST);
    // The ARN is its name.
    let role::Observed {
        arn: _,
        description: _,
        trust: _,
        policy: _,
        policies: _,
        attached: _,
        boundary: _,
        tags: _,
    } = &cases.base.roles[&LIST];
    let mut change = |what: &str, change: fn(&mut role::Observed)| {
        cases.add(id, what, 1, |seen| change(seen.roles.get_mut(&LIST).unwrap()));
    };
    change("description", |it| it.description = "by hand".into());
    change("boundary", |it| it.boundary = None);
    change("trust", |it| it.trust["Statement"][0]["Principal"] = json!({"AWS": "AIDAEXAMPLE"}));
    change("no policy", |it| {
        it.policy = None;
        it.policies.clear();
    });
    change("another action", |it| {
        it.policy.as_mut().unwrap()["Statement"][1]["Action"] = json!("dynamodb:*")
    });
    change("another resource", |it| it.policy.as_mut().unwrap()["Statement"][1]["Resource"] = json!("*"));
    change("a statement more", |it| {
        let statements = it.policy.as_mut().unwrap()["Statement"].as_array_mut().unwrap();
        statements.push(json!({"Effect": "Allow", "Action": "*", "Resource": "*"}));
    });
    change("a policy more", |it| it.policies.push("theirs".into()));
    change("a managed policy", |it| it.attached.push("arn:aws:iam::aws:policy/AdministratorAccess".into()));
    cases.tags(id, |seen| &mut seen.roles.get_mut(&LIST).unwrap().tags);
}

pub(super) fn function(cases: &mut Cases) {
    use function::{Activity, Extra, Observed};
    let id = ResourceId::Function(LIST);
    // With an unknown environment there is nothing to compare; a revision is a count.
    let Observed {
        code_sha256: _,
        architecture: _,
        configuration: _,
        environment_is_hidden: _,
        extras: _,
        reserved_concurrency: _,
        tags: _,
        activity: _,
        revision_id: _,
    } = &cases.base.functions[&LIST];
    let mut change = |what: &str, change: fn(&mut Observed)| {
        cases.add(id, what, 1, |seen| change(seen.functions.get_mut(&LIST).unwrap()));
    };
    change("code", |it| it.code_sha256 = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=".into());
    change("architecture", |it| it.architecture = "x86_64".into());
    change("reserved concurrency", |it| it.reserved_concurrency = Some(0));
    change("no reserved concurrency", |it| it.reserved_concurrency = None);
    change("failed", |it| it.activity = Activity::Failed("InternalError".into()));
    for extra in Extra::iter() {
        cases.add(id, extra.to_string(), 1, |seen| {
            let function = seen.functions.get_mut(&LIST).unwrap();
            function.extras.insert(extra, "something else".into());
            function.environment_is_hidden = extra == Extra::Key;
        });
    }
    cases.tags(id, |seen| &mut seen.functions.get_mut(&LIST).unwrap().tags);
}

pub(super) fn configuration(cases: &mut Cases) {
    use function::Configuration;
    let Configuration {
        role: _,
        runtime: _,
        handler: _,
        description: _,
        memory_mib: _,
        timeout_seconds: _,
        environment: _,
    } = &cases.base.functions[&LIST].configuration;
    let changes: [(&str, fn(&mut Configuration)); 9] = [
        ("role", |it| it.role = "arn:aws:iam::123456789012:role/theirs".into()),
        ("runtime", |it| it.runtime = "provided.al2".into()),
        ("handler", |it| it.handler = "main".into()),
        ("description", |it| it.description.clear()),
        ("memory", |it| it.memory_mib = 128),
        ("timeout", |it| it.timeout_seconds = 3),
        ("a variable", |it| drop(it.environment.insert("LOG".into(), "debug".into()))),
        ("a variable less", |it| drop(it.environment.remove("LOG"))),
        ("a variable more", |it| drop(it.environment.insert("TOKEN".into(), "secret".into()))),
    ];
    for (what, change) in changes {
        let of =
            |seen: &mut cloud::Observed| change(&mut seen.functions.get_mut(&LIST).unwrap().configuration);
        cases.add(ResourceId::Function(LIST), what, 1, of);
    }
}

pub(super) fn permission(cases: &mut Cases) {
    use permission::{Observed, Statement};
    let Observed { ours, others: _ } = &cases.base.permissions[&LIST];
    // Other conditions are for Lambda to give back; nobody can set them by its API.
    let Statement { effect: _, action: _, principal: _, source_arn: _, source_account: _, besides: _ } = ours;
    let changes: [(&str, usize, fn(&mut Observed)); 6] = [
        ("effect", 2, |it| it.ours.effect = "Deny".into()),
        ("action", 2, |it| it.ours.action = "lambda:*".into()),
        ("principal", 2, |it| it.ours.principal = "*".into()),
        ("source", 2, |it| it.ours.source_arn.clear()),
        ("source account", 2, |it| it.ours.source_account = "999999999999".into()),
        ("a statement more", 1, |it| drop(it.others.insert("theirs".into(), "Allow lambda:* for *".into()))),
    ];
    for (what, calls, change) in changes {
        let of = |seen: &mut cloud::Observed| change(seen.permissions.get_mut(&LIST).unwrap());
        cases.add(ResourceId::Permission(LIST), what, calls, of);
    }
}

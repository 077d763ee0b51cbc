use super::*;
use crate::resources::artefacts;
use crate::testing::galleries::summer;
use crate::testing::steps::fields_of;

fn gallery() -> Gallery {
    let mut gallery = summer();
    gallery.spec.functions.thumbnail.reserved_concurrency = Some(5);
    gallery
}

fn want() -> Desired {
    let gallery = gallery();
    let keys = gallery.release.functions.values().map(|zip| (zip.key.clone(), zip.md5.clone())).collect();
    let artefacts = Some(artefacts::Observed { keys });
    let seen = cloud::Observed { artefacts, ..cloud::Observed::default() };
    Function::desired(FunctionName::Thumbnail, &gallery, &seen).unwrap()
}

fn up_to_date() -> Observed {
    let Desired { code, configuration, reserved_concurrency, tags } = want();
    Observed {
        code_sha256: code.sha256,
        architecture: code.architecture,
        configuration,
        environment_is_hidden: false,
        extras: BTreeMap::new(),
        reserved_concurrency,
        tags,
        activity: Activity::Active,
        revision_id: Some("revision".into()),
    }
}

fn changes(seen: &Observed) -> Vec<Change> {
    Function::update(&want(), Some(seen)).into_iter().map(|step| step.change).collect()
}

#[test]
fn it_waits_until_its_code_is_in_the_artefact_bucket() {
    let unknown = Function::desired(FunctionName::Thumbnail, &gallery(), &cloud::Observed::default());
    assert_eq!(unknown, None);
}

#[test]
fn a_missing_function_is_made_with_everything() {
    let steps = Function::update(&want(), None);
    assert_eq!(steps, [Step::create(Change::Create(want())), Step::detail(Change::ReserveConcurrency(5))]);
    assert_eq!(want().configuration.environment["MAX_WIDTH"], "400");
}

#[test]
fn a_function_as_wanted_is_left_alone() {
    assert_eq!(changes(&up_to_date()), []);
    let mut tagged = up_to_date();
    tagged.tags.insert("cost-centre".into(), "set by another".into());
    assert_eq!(changes(&tagged), [], "tags of others stay");
}

#[test]
fn each_drifted_field_is_one_call_that_names_it() {
    let configured = |change: fn(&mut Configuration)| {
        let mut seen = up_to_date();
        change(&mut seen.configuration);
        seen
    };
    let drifted = [
        ("code", Observed { code_sha256: "b2xkIGNvZGU=".into(), ..up_to_date() }),
        ("architecture", Observed { architecture: "mips".into(), ..up_to_date() }),
        ("state", Observed { activity: Activity::Failed("InvalidZip".into()), ..up_to_date() }),
        ("role", configured(|seen| seen.role = "arn:other".into())),
        ("runtime", configured(|seen| seen.runtime = "provided.al2".into())),
        ("handler", configured(|seen| seen.handler = "main".into())),
        ("description", configured(|seen| seen.description.clear())),
        ("memory", configured(|seen| seen.memory_mib = 128)),
        ("timeout", configured(|seen| seen.timeout_seconds = 3)),
        ("environment LOG", configured(|seen| drop(seen.environment.insert("LOG".into(), "debug".into())))),
        ("environment MAX_WIDTH", configured(|seen| drop(seen.environment.remove("MAX_WIDTH")))),
        ("environment EXTRA", configured(|seen| drop(seen.environment.insert("EXTRA".into(), "1".into())))),
        ("layers", Observed { extras: [(Extra::Layers, "arn:layer".into())].into(), ..up_to_date() }),
        ("reserved concurrency", Observed { reserved_concurrency: None, ..up_to_date() }),
    ];
    for (field, seen) in drifted {
        let steps = Function::update(&want(), Some(&seen));
        assert_eq!(fields_of(&steps), [field]);
        assert_eq!(steps.len(), 1, "{field}");
    }
}

#[test]
fn differences_read_as_their_owner_would_say_them() {
    let mut seen = up_to_date();
    seen.configuration.memory_mib = 128;
    seen.configuration.environment.insert("MAX_WIDTH".into(), "200".into());
    let differences = configuration_differences(&want().configuration, &seen);
    let lines: Vec<_> =
        differences.iter().map(|it| format!("{} {} -> {}", it.field, it.from, it.to)).collect();
    assert_eq!(lines, ["memory 128 MiB -> 512 MiB", "environment MAX_WIDTH 200 -> 400"]);
}

#[test]
fn code_and_configuration_never_change_in_one_round() {
    let mut seen = Observed { code_sha256: "b2xkIGNvZGU=".into(), ..up_to_date() };
    seen.configuration.memory_mib = 128;
    let revision_id = seen.revision_id.clone();
    assert_eq!(changes(&seen), [Change::Code { code: want().code, revision_id: revision_id.clone() }]);
    seen.code_sha256 = want().code.sha256;
    let configuration = want().configuration;
    let reset = BTreeSet::new();
    assert_eq!(changes(&seen), [Change::Configuration { configuration, reset, revision_id }]);
}

#[test]
fn an_environment_that_lambda_hides_is_no_difference_and_neither_is_the_rest_of_it() {
    let mut seen = Observed { environment_is_hidden: true, ..up_to_date() };
    seen.configuration.environment.clear();
    assert_eq!(changes(&seen), []);
    seen.extras.insert(Extra::Key, "arn:key".into());
    assert_eq!(fields_of(&Function::update(&want(), Some(&seen))), ["environment key"]);
}

#[test]
fn what_others_put_into_the_environment_is_not_told_because_it_may_be_a_secret() {
    let mut seen = up_to_date();
    seen.configuration.environment.insert("TOKEN".into(), "secret".into());
    let lines = configuration_differences(&want().configuration, &seen);
    assert_eq!(lines, [Difference::new("environment TOKEN", "set", "none")]);
}

#[test]
fn nothing_is_planned_for_a_busy_function() {
    for activity in [Activity::Creating, Activity::Updating, Activity::Deleting] {
        let mut seen = Observed { code_sha256: String::new(), activity, ..up_to_date() };
        seen.configuration.memory_mib = 128;
        assert_eq!(changes(&seen), []);
        assert_ne!(Function::state(&seen), State::Ready);
        assert_eq!(Function::delete(FunctionName::Thumbnail, &seen, DataPolicy::Retain), []);
    }
}

/// API Gateway and S3 are let in while Lambda starts it: deployment and stage need not wait for that.
#[test]
fn others_may_build_on_a_function_that_is_being_made() {
    let seen = Observed { activity: Activity::Creating, ..up_to_date() };
    assert!(matches!(Function::state(&seen), State::Usable(_)));
}

#[test]
fn an_idle_function_is_deleted_in_one_call() {
    let steps = Function::delete(FunctionName::Thumbnail, &up_to_date(), DataPolicy::Retain);
    assert_eq!(steps, [Step::delete(Change::Delete)]);
}

#[test]
fn a_build_is_told_by_the_beginning_of_its_digest() {
    assert_eq!(short("3q2+7wAAAAA="), "deadbeef…");
    // Nothing that AWS gives, but nothing to fail at.
    assert_eq!([short("3q0="), short("not base64")], ["3q0=", "not base64"]);
}

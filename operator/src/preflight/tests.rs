//! Everything that can stand in the way, and the words for it.

use strum::IntoEnumIterator;

use super::*;
use crate::cloud::{CloudError, Message};
use crate::gallery::{DataPolicy, Goal};
use crate::plan::Plan;
use crate::testing::drive::{absent, converge, in_sync, once, present, run, with_spec};
use crate::testing::edits::edit;
use crate::testing::fake_cloud::{Effect, FakeCloud, Fault, On, World, writes};
use crate::testing::galleries::summer;

/// What a first look brings that sees `seen` and fails so.
fn outcome(seen: Observed, failures: Vec<Failure>) -> Outcome {
    let goal = present(&summer());
    Outcome { plan: Plan::new(&goal, &seen), seen, failures, ..Outcome::default() }
}

fn failure(resource: ResourceId, kind: ErrorKind, message: &str) -> Failure {
    let source = Message(message.into());
    let error = CloudError { service: "lambda", operation: "GetFunction", kind, code: String::new(), source };
    Failure { resource, arn: summer().identity.arn_of(resource), error }
}

fn denied(resource: ResourceId, action: &str) -> Failure {
    let message = format!(
        "User: arn:aws:iam::1:user/op is not authorized to perform: {action} on resource: arn:{resource} because no identity-based policy allows the {action} action"
    );
    failure(resource, ErrorKind::AccessDenied, &message)
}

fn foreign(names: &[(ResourceId, &str)], whose: &Whose) -> BTreeMap<ResourceId, Foreign> {
    let foreign =
        |(id, name): &(ResourceId, &str)| (*id, Foreign { name: (*name).into(), whose: whose.clone() });
    names.iter().map(foreign).collect()
}

fn full(quota: Quota) -> (Quota, Usage) {
    (quota, Usage { used: 1_073_741_824, limit: Limit::Exact(1_073_741_824) })
}

const STRANGER: &str = "it does not carry this operator's tags";

/// Bytes of a condition's message that a person may be expected to read, and that an event holds.
#[track_caller]
fn assert_short(text: &str) {
    assert!(text.len() <= MESSAGE_LENGTH && text.ends_with(PROMISE), "{} bytes: {text}", text.len());
}

/// To see it fail: leave one of the four out of `check`.
#[test]
fn names_permissions_and_quotas_are_told_at_once() {
    let photos = ResourceId::Bucket(BucketRole::Photos);
    let seen =
        Observed { foreign: foreign(&[(photos, "pg-photos")], &STRANGER.into()), ..Observed::default() };
    let list = ResourceId::Function(functions_core::contract::FunctionName::List);
    let upload = ResourceId::Function(functions_core::contract::FunctionName::Upload);
    let found = outcome(seen, vec![denied(list, "lambda:GetFunction"), denied(upload, "lambda:GetFunction")]);
    let roles = Usage { used: 998, limit: Limit::Exact(1000) };
    let usual = Usage { used: 100, limit: Limit::Usual(100) };
    let account = Account {
        usage: [(Quota::Roles, roles), (Quota::OriginAccessControls, usual)].into(),
        denied: vec![Denied { action: "dynamodb:CreateTable".into(), resource: "arn:table".into() }],
    };
    let preflight = check(&summer(), &found, &account);
    let kinds: Vec<_> = preflight.problems.iter().map(|problem| problem.kind).collect();
    let denied = ErrorKind::AccessDenied;
    assert_eq!(kinds, [ErrorKind::NotOurs, denied, denied, ErrorKind::LimitExceeded]);
    assert_eq!(preflight.reason(), Reason::PreflightFailed);
    assert_eq!(
        preflight.retry(),
        match policy::answer(denied).retry {
            Retry::After(after) => Some(after),
            other => panic!("{other:?}"),
        }
    );
    assert_short(&preflight.message());
    insta::assert_snapshot!(preflight.message().replace(" (", "\n(").replace(" Besides", "\nBesides"));
}

#[test]
fn one_thing_in_the_way_reads_as_it_always_did_and_has_its_own_reason() {
    let found = outcome(Observed::default(), vec![denied(ResourceId::Table, "dynamodb:DescribeTable")]);
    let preflight = check(&summer(), &found, &Account::default());
    assert_eq!(preflight.message(), policy::advice(&found.failures[0]));
    assert_eq!(preflight.reason(), Reason::AccessDenied);

    let preflight = check(&summer(), &outcome(Observed::default(), vec![]), &Account::default());
    assert!(preflight.is_passed() && preflight.notes.is_empty() && preflight.retry().is_none());
}

/// To see it fail: show a command for each resource.
#[test]
fn what_one_gallery_left_is_one_problem_with_one_command() {
    let command =
        "kubectl annotate pgal/summer --namespace photos --overwrite photogallery.dev/adopt=lost/uid";
    let whose =
        Whose { text: "it belongs to the operator with owner id lost".into(), adopt: Some(command.into()) };
    let ids: Vec<_> = ResourceId::all()
        .filter(|id| is_own(*id))
        .map(|id| (id, "pg-photos-summer-thumbnail-abcdefgh"))
        .collect();
    let mut names = foreign(&ids, &whose);
    names.insert(ResourceId::Table, Foreign { name: "pg".into(), whose: STRANGER.into() });
    let text = message(&conflicts(&names), "", &[]);
    assert_eq!(text.matches(&format!("{command}. ")).count(), 1, "{text}");
    assert_short(&text);
    insta::assert_snapshot!(text.replace(" (", "\n("));
}

/// To see it fail: leave out `MESSAGE_LENGTH`.
#[test]
fn more_than_a_person_reads_is_counted() {
    let whose =
        |number: usize| Whose { text: format!("it belongs to the gallery number {number}"), adopt: None };
    let ids = ResourceId::all().filter(|id| is_own(*id)).enumerate();
    let names =
        ids.map(|(number, id)| (id, Foreign { name: "n".repeat(60), whose: whose(number) })).collect();
    let text = message(&conflicts(&names), "", &[]);
    assert_short(&text);
    let told = text.matches(" exists and is not ours").count();
    assert!(told > 2 && text.contains(&format!("And {} more.", names.len() - told)), "{text}");
    let endless = [Problem { kind: ErrorKind::Rejected, text: "ü".repeat(5000) }];
    assert!(message(&endless, "", &[]).len() <= MESSAGE_LENGTH);
    assert!(message(&[endless[0].clone(), endless[0].clone()], "", &[]).len() <= MESSAGE_LENGTH);
}

#[test]
fn every_quota_says_how_much_there_is_and_what_to_do() {
    let mut lines = Vec::new();
    for quota in Quota::iter() {
        for limit in [Limit::Exact(1000), Limit::Usual(1000)] {
            for used in [900, 960, 990] {
                let size = if quota == Quota::CodeStorage { 1024 * 1024 } else { 1 };
                let usage = Usage {
                    used: used * size,
                    limit: match limit {
                        Limit::Exact(limit) => Limit::Exact(limit * size),
                        Limit::Usual(limit) => Limit::Usual(limit * size),
                    },
                };
                lines.push(format!("{:?}", quota.judge(usage, 20 * size, "eu-west-1")));
            }
        }
    }
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_gallery_asks_for_what_is_not_there_yet() {
    let needs = |seen: &Observed, change: fn(&mut photogallery_crds::PhotoGallerySpec)| {
        quota::needs(&with_spec(&summer(), change), seen)
    };
    let all = needs(&Observed::default(), |spec| {
        spec.functions.upload.reserved_concurrency = Some(5);
        spec.functions.list.reserved_concurrency = Some(7);
    });
    assert_eq!(all.len(), Quota::iter().count());
    assert_eq!((all[&Quota::Roles], all[&Quota::ReservedConcurrency]), (4, 12));
    // The second gallery of an account shares what CloudFront has few of.
    let seen = run(in_sync(&summer(), World::default()));
    let seen = run(once(&seen, &present(&summer()))).unwrap().seen;
    let shared = Observed {
        origin_access_control: seen.origin_access_control,
        response_headers_policy: seen.response_headers_policy,
        ..Observed::default()
    };
    let needs: Vec<_> = needs(&shared, |_| {}).into_keys().collect();
    assert_eq!(needs, [Quota::Roles, Quota::RestApis, Quota::Distributions, Quota::CodeStorage]);
}

/// To see it fail: let `is_due` count only buckets.
#[test]
fn it_is_about_the_first_create_alone() {
    assert!(is_due(&outcome(Observed::default(), vec![denied(ResourceId::Table, "a:B")])));
    for kind in [ErrorKind::NotReady, ErrorKind::Throttled, ErrorKind::Unavailable] {
        let failures = vec![failure(ResourceId::Table, kind, "")];
        assert!(!is_due(&outcome(Observed::default(), failures)), "{kind:?}: it may be there");
    }
    let cloud = run(in_sync(&summer(), World::default()));
    let whole = cloud.world();
    for gone in [|world: &mut World| world.buckets.clear(), |world: &mut World| world.distributions.clear()] {
        let cloud = FakeCloud::new(whole.clone());
        cloud.edit(gone);
        let seen = run(crate::reconcile::look(&cloud, &present(&summer())));
        assert!(!is_due(&seen), "it is there in part");
    }
    run(converge(&cloud, &absent(&summer(), DataPolicy::Retain)));
    let mut next = summer();
    next.identity.uid = "next".into();
    let seen = run(crate::reconcile::look(&cloud, &present(&next)));
    assert!(is_due(&seen), "only an earlier gallery's data is there");
}

/// A full account, whatever the gallery has of it already.
///
/// To see it fail: let `is_due` be true.
#[test]
fn a_creation_cut_short_and_a_deletion_are_never_in_the_way_of_themselves() {
    run(async {
        let goal = present(&summer());
        let all = {
            let cloud = in_sync(&summer(), World::default()).await;
            writes(&cloud.take_log()).len()
        };
        for skip in (1..all).step_by(7) {
            let cloud = FakeCloud::default();
            cloud.inject(Fault::at_write(skip, Effect::DieUnheard));
            while once(&cloud, &goal).await.is_some() {}
            cloud.edit(|world| {
                let what = Denied { action: "s3:CreateBucket".into(), resource: "arn".into() };
                world.denied = vec![what];
            });
            let of_nobody = cloud
                .world()
                .inventory()
                .iter()
                .all(|line| line.contains(" headers") || line.contains("access control"));
            if of_nobody {
                continue;
            }
            converge(&cloud, &goal).await;
            converge(&cloud, &absent(&summer(), DataPolicy::Delete)).await;
        }
    });
}

/// To see it fail: let `reconcile` go on after a preflight that did not pass.
#[test]
fn nothing_is_made_until_the_last_of_it_is_settled_and_then_it_goes_on_by_itself() {
    run(async {
        let (gallery, goal) = (summer(), present(&summer()));
        let cloud = FakeCloud::default();
        let denial =
            Effect::Answer(403, "AccessDenied", "User is not authorized to perform: dynamodb:DescribeTable");
        cloud.inject(Fault::always(On::Read(ResourceId::Table), denial));
        cloud.edit(|world| {
            edit(world, &gallery.identity, "foreign bucket/photos");
            world.quotas.distributions = 0;
            world.denied = vec![Denied { action: "iam:PassRole".into(), resource: "arn".into() }];
        });
        let before = cloud.world();
        let mends: [&dyn Fn(); 4] = [
            &|| cloud.calm(),
            &|| cloud.edit(|world| world.denied.clear()),
            &|| cloud.edit(|world| world.quotas.distributions = 1),
            &|| cloud.edit(|world| edit(world, &gallery.identity, "remove bucket/photos")),
        ];
        for (mended, mend) in mends.iter().enumerate() {
            let outcome = once(&cloud, &goal).await.unwrap();
            assert_eq!(outcome.preflight.problems.len(), mends.len() - mended, "{:#?}", outcome.preflight);
            assert_eq!(writes(&cloud.take_log()), []);
            assert_eq!(cloud.world().inventory(), before.inventory());
            mend();
        }
        let outcome = once(&cloud, &goal).await.unwrap();
        assert!(outcome.is_complete(), "{}", outcome.plan);
    });
}

#[test]
fn a_deletion_asks_nothing() {
    run(async {
        let cloud = FakeCloud::default();
        cloud.edit(|world| world.denied = vec![Denied { action: "a".into(), resource: "b".into() }]);
        let goal = absent(&summer(), DataPolicy::Delete);
        assert!(matches!(goal, Goal::Absent(..)));
        assert!(once(&cloud, &goal).await.unwrap().is_complete());
    });
}

#[test]
fn all_quotas_full_at_once_are_still_one_message() {
    let account = Account { usage: Quota::iter().map(full).collect(), denied: Vec::new() };
    let preflight = check(&summer(), &outcome(Observed::default(), vec![]), &account);
    assert_eq!(preflight.problems.len(), Quota::iter().count() - 1, "nothing is reserved by default");
    assert_eq!(preflight.reason(), Reason::LimitExceeded);
    assert_short(&preflight.message());
}

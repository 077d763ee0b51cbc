use super::*;
use crate::resources::{origin_access_control, response_headers_policy, rest_api};
use crate::testing::galleries::summer;
use crate::testing::steps::fields_of;

fn world() -> cloud::Observed {
    let empty = cloud::Observed::default();
    let config =
        super::super::origin_access_control::OriginAccessControl::desired((), &summer(), &empty).unwrap();
    cloud::Observed {
        rest_api: Some(rest_api::Observed { id: "a1".into(), ..rest_api::Observed::default() }),
        origin_access_control: Some(origin_access_control::Observed { id: "OAC1".into(), config }),
        response_headers_policy: Some(response_headers_policy::Observed {
            id: "RHP1".into(),
            name: "headers".into(),
            ..response_headers_policy::Observed::default()
        }),
        ..empty
    }
}

fn want() -> Desired {
    Distribution::desired((), &summer(), &world()).unwrap()
}

fn up_to_date() -> Observed {
    let Desired { config, tags, .. } = want();
    let (id, etag) = ("E1".into(), "V1".into());
    Observed { id, domain: "d1.cloudfront.net".into(), etag, is_deployed: true, config, tags }
}

fn with(change: impl FnOnce(&mut Config)) -> Observed {
    let mut seen = up_to_date();
    change(&mut seen.config);
    seen
}

fn other_origin() -> Origin {
    Origin::Other { host: "x".into(), besides: "by HTTP".into() }
}

#[test]
fn the_configuration_is_as_reviewed() {
    insta::assert_debug_snapshot!(want().config);
}

#[test]
fn it_waits_for_every_identity_that_it_names() {
    let lacks: [fn(&mut cloud::Observed); 3] = [
        |seen| seen.rest_api = None,
        |seen| seen.origin_access_control = None,
        |seen| seen.response_headers_policy = None,
    ];
    for lack in lacks {
        let mut seen = world();
        lack(&mut seen);
        assert_eq!(Distribution::desired((), &summer(), &seen), None);
    }
}

#[test]
fn a_missing_distribution_is_made_in_one_call() {
    assert_eq!(Distribution::update(&want(), None), [Step::create(Change::Create(want()))]);
}

#[test]
fn a_distribution_as_wanted_is_left_alone() {
    assert_eq!(Distribution::update(&want(), Some(&up_to_date())), []);
    let mut told = up_to_date();
    told.tags.insert(crate::names::TAG_SITE.into(), "digest".into());
    assert_eq!(Distribution::update(&want(), Some(&told)), [], "the site's tag is the invalidation's");
    let paged = with(|seen| seen.errors.extend([(451, 60)]));
    assert_eq!(Distribution::update(&want(), Some(&paged)), [], "other error pages stay");
}

#[test]
fn each_drifted_field_is_one_call_that_names_it() {
    let api = |seen: &mut Config, change: fn(&mut Behavior)| change(&mut seen.patterns[0].1);
    let drifted = [
        ("comment", with(|seen| seen.comment.clear())),
        ("answers", with(|seen| seen.enabled = false)),
        ("price class", with(|seen| seen.price_class = "PriceClass_All".into())),
        ("HTTP", with(|seen| seen.http_version = "http2".into())),
        ("IPv6", with(|seen| seen.ipv6 = false)),
        ("root", with(|seen| seen.root.clear())),
        ("origin site", with(|seen| drop(seen.origins.insert(SITE.into(), other_origin())))),
        (
            "origin extra",
            with(|seen| drop(seen.origins.insert("extra".into(), Origin::Https { host: "x".into() }))),
        ),
        ("default viewer protocol", with(|seen| seen.default.viewer_protocol = "allow-all".into())),
        ("default cached methods", with(|seen| seen.default.cached.extend(["OPTIONS".into()]))),
        ("default headers", with(|seen| seen.default.response_headers_policy.clear())),
        ("/api/* cache policy", with(|seen| api(seen, |api| api.cache_policy = CACHING_OPTIMIZED.into()))),
        ("/api/* methods", with(|seen| api(seen, |api| drop(api.methods.pop_first())))),
        ("paths", with(|seen| seen.patterns.push(("/x".into(), Behavior::default())))),
        ("caching of error 404", with(|seen| seen.errors.extend([(404, 10)]))),
    ];
    for (field, seen) in drifted {
        let steps = Distribution::update(&want(), Some(&seen));
        assert_eq!(fields_of(&steps), [field]);
        let (id, etag) = ("E1".into(), "V1".into());
        assert_eq!(steps[0].change, Change::Update { id, etag, config: want().config });
    }
}

#[test]
fn it_can_be_built_on_while_it_is_deployed() {
    let state = |enabled, is_deployed| {
        let mut seen = Observed { is_deployed, ..up_to_date() };
        seen.config.enabled = enabled;
        Distribution::state(&seen)
    };
    assert_eq!(state(true, true), State::Ready);
    assert!(matches!(state(true, false), State::Usable(_)));
    assert!(matches!(state(false, false), State::Pending(_)));
}

#[test]
fn it_is_disabled_waited_for_and_deleted() {
    let delete = |seen: &Observed| {
        let steps = Distribution::delete((), seen, DataPolicy::Retain);
        steps.into_iter().map(|step| step.change).collect::<Vec<_>>()
    };
    let (id, etag) = (String::from("E1"), String::from("V1"));
    assert_eq!(delete(&up_to_date()), [Change::Disable { id: id.clone(), etag: etag.clone() }]);
    let disabling = Observed { is_deployed: false, ..with(|seen| seen.enabled = false) };
    assert_eq!(delete(&disabling), []);
    let disabled = Observed { is_deployed: true, ..disabling };
    assert_eq!(delete(&disabled), [Change::Delete { id, etag }]);
}

#[test]
fn an_origin_says_how_it_is_asked() {
    let bucket = |control: &str| Origin::Bucket { host: "site".into(), access_control: control.into() };
    assert_eq!(origin(Some(&bucket(""))), "site (unsigned)");
    assert_eq!(origin(Some(&bucket("OAC1"))), "site (signed by OAC1)");
    assert_eq!(origin(None), "none");
}

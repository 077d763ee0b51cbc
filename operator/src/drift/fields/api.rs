//! The REST API, its deployment and its stage.

use strum::IntoEnumIterator;

use super::Cases;
use crate::graph::ResourceId;
use crate::resources::{deployment, rest_api, stage};

pub(super) fn rest_api(cases: &mut Cases) {
    use rest_api::{Observed, Setting};
    let id = ResourceId::RestApi;
    // The id is AWS's.
    let Observed {
        id: _,
        name: _,
        description: _,
        body_sha256: _,
        routes: _,
        settings: _,
        tags: _,
        duplicates: _,
    } = cases.base.rest_api.clone().unwrap();
    let mut change = |what: &str, calls, change: fn(&mut Observed)| {
        cases.add(id, what, calls, |seen| change(seen.rest_api.as_mut().unwrap()));
    };
    change("name", 1, |it| it.name = "by hand".into());
    change("description", 1, |it| it.description.clear());
    change("no body", 1, |it| {
        it.body_sha256 = None;
        it.routes.clear();
    });
    change("another body", 1, |it| it.body_sha256 = Some("0123456789".into()));
    change("a route", 1, |it| {
        drop(it.routes.insert("GET /photos".into(), "HTTP_PROXY GET https://x".into()));
    });
    change("a route less", 1, |it| drop(it.routes.pop_first()));
    change("a route more", 1, |it| drop(it.routes.insert("GET /spy".into(), "MOCK".into())));
    change("a copy", 1, |it| it.duplicates.push("copy".into()));
    for setting in Setting::iter() {
        cases.add(id, setting.to_string(), 1, |seen| {
            drop(seen.rest_api.as_mut().unwrap().settings.insert(setting, "something else".into()));
        });
    }
    cases.tags(id, |seen| &mut seen.rest_api.as_mut().unwrap().tags);
}

pub(super) fn deployment(cases: &mut Cases) {
    let id = ResourceId::Deployment;
    // The REST API's id is AWS's.
    let deployment::Observed { rest_api: _, deployments: _ } = cases.base.deployment.clone().unwrap();
    let mut change = |what: &str, calls, change: fn(&mut Vec<(String, String)>)| {
        cases.add(id, what, calls, |seen| change(&mut seen.deployment.as_mut().unwrap().deployments));
    };
    change("an old one of ours", 1, |it| it.push(("old".into(), "0".repeat(64))));
    change("one of somebody else", 0, |it| it.push(("theirs".into(), "kept".into())));
    cases.add(id, "ours is gone", 2, |seen| {
        seen.deployment.as_mut().unwrap().deployments = vec![("theirs".into(), "theirs".into())];
        seen.stage.as_mut().unwrap().deployment = "theirs".into();
    });
}

pub(super) fn stage(cases: &mut Cases) {
    use stage::{Extra, Observed, Throttle};
    let id = ResourceId::Stage;
    // The REST API's id is AWS's.
    let Observed { rest_api: _, deployment: _, throttle, extras: _, tags: _ } =
        cases.base.stage.clone().unwrap();
    let Throttle { rate: _, burst: _ } = throttle.unwrap();
    let mut change = |what: &str, change: fn(&mut Observed)| {
        cases.add(id, what, 1, |seen| change(seen.stage.as_mut().unwrap()));
    };
    change("deployment", |it| it.deployment = "theirs".into());
    change("no throttle", |it| it.throttle = None);
    change("rate", |it| it.throttle.as_mut().unwrap().rate = 1);
    change("burst", |it| it.throttle.as_mut().unwrap().burst = 1);
    change("canary", |it| drop(it.extras.insert(Extra::Canary, "50 % to theirs".into())));
    change("cache", |it| drop(it.extras.insert(Extra::Cache, "on".into())));
    change("throttle of a method", |it| {
        drop(it.extras.insert(Extra::Method("photos/GET".into()), "9/s, burst 9".into()));
    });
    cases.tags(id, |seen| &mut seen.stage.as_mut().unwrap().tags);
}

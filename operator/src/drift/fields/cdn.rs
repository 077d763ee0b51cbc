//! The distribution, what it refers to, and what its caches were told.

use super::Cases;
use crate::graph::ResourceId;
use crate::resources::{distribution, invalidation, origin_access_control, response_headers_policy};

pub(super) fn control(cases: &mut Cases) {
    let id = ResourceId::OriginAccessControl;
    // The id is AWS's, and by the name it is found.
    let origin_access_control::Observed { id: _, config } = cases.base.origin_access_control.clone().unwrap();
    let origin_access_control::Desired { name: _, description: _, origin: _, behavior: _, protocol: _ } =
        config;
    let mut change = |what: &str, change: fn(&mut origin_access_control::Desired)| {
        cases.add(id, what, 1, |seen| change(&mut seen.origin_access_control.as_mut().unwrap().config));
    };
    change("description", |it| it.description = "by hand".into());
    change("origin", |it| it.origin = "mediastore".into());
    change("signing", |it| it.behavior = "never".into());
    change("protocol", |it| it.protocol = "sigv3".into());
}

pub(super) fn headers(cases: &mut Cases) {
    use response_headers_policy::{Headers, Observed};
    let id = ResourceId::ResponseHeadersPolicy;
    // The id is AWS's, and by the name it is found.
    let Observed { id: _, name: _, comment: _, headers, besides: _ } =
        cases.base.response_headers_policy.clone().unwrap();
    let Headers {
        content_security_policy: _,
        transport_security_seconds: _,
        no_sniffing: _,
        frames: _,
        referrer: _,
        others: _,
    } = headers;
    let mut change = |what: &str, change: fn(&mut Observed)| {
        cases.add(id, what, 1, |seen| change(seen.response_headers_policy.as_mut().unwrap()));
    };
    change("comment", |it| it.comment.clear());
    change("content security policy", |it| {
        let policy = &mut it.headers.content_security_policy;
        *policy = policy.replace("script-src 'self'", "script-src *");
    });
    change("no content security policy", |it| it.headers.content_security_policy.clear());
    change("transport security", |it| it.headers.transport_security_seconds = 0);
    change("sniffing", |it| it.headers.no_sniffing = false);
    change("frames", |it| it.headers.frames = "SAMEORIGIN".into());
    change("referrer", |it| it.headers.referrer.clear());
    change("another header", |it| {
        drop(it.headers.others.insert("cross-origin-opener-policy".into(), "unsafe-none".into()));
    });
    change("a header less", |it| drop(it.headers.others.remove("cross-origin-opener-policy")));
    change("a header more", |it| drop(it.headers.others.insert("x-tracking".into(), "on".into())));
    change("CORS", |it| it.besides.extend(["CORS".into()]));
}

pub(super) fn distribution(cases: &mut Cases) {
    use distribution::{Config, Observed};
    let id = ResourceId::Distribution;
    // AWS's: what it assigned, and how far it is.
    let Observed { id: _, domain: _, etag: _, is_deployed: _, config, tags: _ } =
        cases.base.distribution.clone().unwrap();
    // Origins and behaviors have cases of their own.
    let Config {
        comment: _,
        enabled: _,
        price_class: _,
        http_version: _,
        ipv6: _,
        root: _,
        origins: _,
        default: _,
        patterns: _,
        errors: _,
    } = config;
    let mut change = |what: &str, change: fn(&mut Config)| {
        cases.add(id, what, 1, |seen| change(&mut seen.distribution.as_mut().unwrap().config));
    };
    change("comment", |it| it.comment = "by hand".into());
    change("enabled", |it| it.enabled = false);
    change("price class", |it| it.price_class = "PriceClass_All".into());
    change("HTTP", |it| it.http_version = "http1.1".into());
    change("IPv6", |it| it.ipv6 = false);
    change("root", |it| it.root.clear());
    change("a path less", |it| it.patterns.clear());
    change("a path more", |it| it.patterns.push(("/x/*".into(), it.default.clone())));
    change("an error", |it| it.errors.extend([(404, 60)]));
    change("an error less", |it| it.errors.retain(|code, _| *code != 503));
    cases.tags(id, |seen| &mut seen.distribution.as_mut().unwrap().tags);
}

pub(super) fn origins(cases: &mut Cases) {
    use distribution::{API, Origin, SITE};
    let id = ResourceId::Distribution;
    let mut origins = cases.base.distribution.clone().unwrap().config.origins.into_values();
    let (Some(Origin::Https { host }), Some(Origin::Bucket { host: site, access_control: _ })) =
        (origins.next(), origins.next())
    else {
        panic!("other origins")
    };
    let mut set = |what: &str, name: &str, origin: Option<Origin>| {
        cases.add(id, what, 1, |seen| {
            let origins = &mut seen.distribution.as_mut().unwrap().config.origins;
            origins.remove(name);
            origins.extend(origin.map(|origin| (name.to_owned(), origin)));
        });
    };
    let theirs = || String::from("theirs.example.com");
    set("API's host", API, Some(Origin::Https { host: theirs() }));
    set("API's protocol", API, Some(Origin::Other { host, besides: "protocol http-only".into() }));
    set("site's host", SITE, Some(Origin::Bucket { host: theirs(), access_control: "OAC0001".into() }));
    set("site unsigned", SITE, Some(Origin::Bucket { host: site, access_control: String::new() }));
    set("an origin less", SITE, None);
    set("an origin more", "theirs", Some(Origin::Https { host: theirs() }));
}

pub(super) fn behavior(cases: &mut Cases) {
    use distribution::{Behavior, CACHING_DISABLED};
    let Behavior {
        origin: _,
        methods: _,
        cached: _,
        viewer_protocol: _,
        compress: _,
        cache_policy: _,
        origin_request_policy: _,
        response_headers_policy: _,
    } = cases.base.distribution.clone().unwrap().config.default;
    let changes: [(&str, fn(&mut Behavior)); 8] = [
        ("origin", |it| it.origin = "theirs".into()),
        ("methods", |it| it.methods.extend(["OPTIONS".into()])),
        ("cached methods", |it| it.cached.extend(["OPTIONS".into()])),
        ("viewer protocol", |it| it.viewer_protocol = "allow-all".into()),
        ("compression", |it| it.compress = !it.compress),
        ("cache policy", |it| it.cache_policy = CACHING_DISABLED.replace('4', "5")),
        ("origin request policy", |it| it.origin_request_policy = "theirs".into()),
        ("headers policy", |it| it.response_headers_policy.clear()),
    ];
    for (what, change) in changes {
        cases.add(ResourceId::Distribution, format!("default {what}"), 1, |seen| {
            change(&mut seen.distribution.as_mut().unwrap().config.default);
        });
        if what != "methods" {
            cases.add(ResourceId::Distribution, format!("API's {what}"), 1, |seen| {
                change(&mut seen.distribution.as_mut().unwrap().config.patterns[0].1);
            });
        }
    }
}

pub(super) fn invalidation(cases: &mut Cases) {
    let invalidation::Observed { site: _ } = cases.base.invalidation.clone().unwrap();
    cases.add(ResourceId::Invalidation, "site", 2, |seen| {
        seen.invalidation.as_mut().unwrap().site = "0123456789".into();
    });
}

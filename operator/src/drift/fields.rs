//! Every field of everything that is observed, changed by somebody else.
//!
//! Each kind is taken apart without `..`, so that a new field does not compile before it has a case here, or a word why not.

use functions_core::contract::FunctionName;
use serde_json::json;
use strum::IntoEnumIterator;

use crate::cloud::{self, Observed};
use crate::graph::{BucketRole, ResourceId};
use crate::names::{TAG_KEYS, TAG_RETAINED, Tags};
use crate::resources::{
    artefacts, bucket, bucket_policy, deployment, distribution, function, invalidation, log_group,
    notification, origin_access_control, permission, response_headers_policy, rest_api, role, site, stage,
    table, upload_cors,
};

pub(super) const PHOTOS: BucketRole = BucketRole::Photos;
pub(super) const LIST: FunctionName = FunctionName::List;

/// One field that is not as it should be.
pub(super) struct Case {
    pub id: ResourceId,
    /// What was changed.
    pub what: String,
    /// The world as it looks then.
    pub seen: Observed,
    /// How many calls put it back.
    pub calls: usize,
}

/// All cases, from a world in sync.
pub(super) struct Cases {
    base: Observed,
    pub all: Vec<Case>,
}

impl Cases {
    fn add(
        &mut self,
        id: ResourceId,
        what: impl Into<String>,
        calls: usize,
        change: impl FnOnce(&mut Observed),
    ) {
        let mut seen = self.base.clone();
        change(&mut seen);
        let what = what.into();
        assert_ne!(seen, self.base, "{id} {what}: nothing is changed");
        self.all.push(Case { id, what, seen, calls });
    }

    fn tags(&mut self, id: ResourceId, of: fn(&mut Observed) -> &mut Tags) {
        self.add(id, "tag of the spec changed", 1, |seen| drop(of(seen).insert("team".into(), "x".into())));
        self.add(id, "tag of the spec removed", 1, |seen| drop(of(seen).remove("team")));
        self.add(id, "list of our tags changed", 1, |seen| {
            drop(of(seen).insert(TAG_KEYS.into(), "team x".into()))
        });
        self.add(id, "marked as retained", 1, |seen| {
            drop(of(seen).insert(TAG_RETAINED.into(), "true".into()))
        });
    }
}

/// Changes every field of `base` in turn.
pub(super) fn cases(base: Observed) -> Vec<Case> {
    let Observed {
        origin_access_control: _,
        response_headers_policy: _,
        buckets: _,
        table: _,
        log_groups: _,
        roles: _,
        rest_api: _,
        deployment: _,
        stage: _,
        distribution: _,
        bucket_policies: _,
        upload_cors: _,
        artefacts: _,
        functions: _,
        permissions: _,
        notification: _,
        site: _,
        invalidation: _,
        // What is not ours is a conflict and no drift.
        foreign: _,
    } = &base;
    let mut cases = Cases { base, all: Vec::new() };
    for change in [
        control,
        headers,
        bucket,
        lifecycle,
        table,
        log_group,
        role,
        rest_api,
        deployment,
        stage,
        distribution,
        origins,
        behavior,
        bucket_policy,
        cors,
        artefacts,
        function,
        configuration,
        permission,
        notification,
        site,
        invalidation,
    ] {
        change(&mut cases);
    }
    cases.all
}

fn control(cases: &mut Cases) {
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

fn headers(cases: &mut Cases) {
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

fn bucket(cases: &mut Cases) {
    let id = ResourceId::Bucket(PHOTOS);
    let bucket::Observed { tags: _, unblocked: _, ownership: _, encryption: _, lifecycle: _ } =
        &cases.base.buckets[&PHOTOS];
    let of = |seen: &mut Observed, change: &dyn Fn(&mut bucket::Observed)| {
        change(seen.buckets.get_mut(&PHOTOS).unwrap());
    };
    for block in bucket::BLOCKS {
        cases.add(id, block, 1, |seen| of(seen, &|it| it.unblocked.extend([block])));
    }
    cases.add(id, "ownership", 2, |seen| of(seen, &|it| it.ownership = Some("ObjectWriter".into())));
    cases.add(id, "no ownership", 2, |seen| of(seen, &|it| it.ownership = None));
    cases.add(id, "encryption", 1, |seen| {
        of(seen, &|it| it.encryption = Some("aws:kms with arn:key".into()));
    });
    cases.tags(id, |seen| &mut seen.buckets.get_mut(&PHOTOS).unwrap().tags);
}

fn lifecycle(cases: &mut Cases) {
    use bucket::Rule;
    let rules = cases.base.buckets[&PHOTOS].lifecycle.clone();
    let Rule { id: _, prefix: _, expire_days: _, abort_days: _, archive_days: _, besides: _ } = &rules[0];
    let mut change = |what: &str, change: &dyn Fn(&mut Vec<Rule>)| {
        let of = |seen: &mut Observed| change(&mut seen.buckets.get_mut(&PHOTOS).unwrap().lifecycle);
        cases.add(ResourceId::Bucket(PHOTOS), format!("lifecycle: {what}"), 1, of);
    };
    let rule = |rules: &mut Vec<Rule>, id: &str, change: fn(&mut Rule)| {
        change(rules.iter_mut().find(|rule| rule.id == id).unwrap());
    };
    change("none", &Vec::clear);
    change("a rule more", &|rules| {
        rules.push(Rule { id: "theirs".into(), expire_days: Some(1), ..Rule::default() });
    });
    change("id", &|rules| rule(rules, "incoming", |it| it.id = "theirs".into()));
    change("prefix", &|rules| rule(rules, "incoming", |it| it.prefix = "photos/".into()));
    change("expiry", &|rules| rule(rules, "incoming", |it| it.expire_days = Some(9)));
    change("unfinished uploads", &|rules| rule(rules, "unfinished-uploads", |it| it.abort_days = None));
    change("archive", &|rules| rule(rules, "archive", |it| it.archive_days = Some(1)));
    change("off", &|rules| rule(rules, "archive", |it| it.besides = "off".into()));
}

fn table(cases: &mut Cases) {
    let id = ResourceId::Table;
    // What DynamoDB is doing is no field, and a protection that somebody else has set stays.
    let table::Observed { status: _, is_on_demand: _, index: _, has_recovery: _, is_protected: _, tags: _ } =
        cases.base.table.clone().unwrap();
    let mut change = |what: &str, calls, change: fn(&mut table::Observed)| {
        cases.add(id, what, calls, |seen| change(seen.table.as_mut().unwrap()));
    };
    change("capacity", 1, |it| it.is_on_demand = false);
    change("no index", 1, |it| it.index = table::Index::Missing);
    change("another index", 2, |it| it.index = table::Index::Other("photoId, KEYS_ONLY attributes".into()));
    change("recovery", 1, |it| it.has_recovery = false);
    change("protection", 0, |it| it.is_protected = true);
    cases.tags(id, |seen| &mut seen.table.as_mut().unwrap().tags);
}

fn log_group(cases: &mut Cases) {
    let id = ResourceId::LogGroup(LIST);
    let log_group::Observed { retention_days: _, tags: _ } = &cases.base.log_groups[&LIST];
    for days in [None, Some(1)] {
        let change = |seen: &mut Observed| seen.log_groups.get_mut(&LIST).unwrap().retention_days = days;
        cases.add(id, "retention", 1, change);
    }
    cases.tags(id, |seen| &mut seen.log_groups.get_mut(&LIST).unwrap().tags);
}

fn role(cases: &mut Cases) {
    let id = ResourceId::Role(LIST);
    // The ARN is its name.
    let role::Observed { arn: _, description: _, trust: _, policy: _, policies: _, attached: _, tags: _ } =
        &cases.base.roles[&LIST];
    let mut change = |what: &str, change: fn(&mut role::Observed)| {
        cases.add(id, what, 1, |seen| change(seen.roles.get_mut(&LIST).unwrap()));
    };
    change("description", |it| it.description = "by hand".into());
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

fn rest_api(cases: &mut Cases) {
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
    change("no body", 2, |it| {
        it.body_sha256 = None;
        it.routes.clear();
    });
    change("another body", 2, |it| it.body_sha256 = Some("0123456789".into()));
    change("a route", 1, |it| {
        drop(it.routes.insert("GET /photos".into(), "HTTP_PROXY GET https://x".into()))
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

fn deployment(cases: &mut Cases) {
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

fn stage(cases: &mut Cases) {
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

fn distribution(cases: &mut Cases) {
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

fn origins(cases: &mut Cases) {
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

fn behavior(cases: &mut Cases) {
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

fn bucket_policy(cases: &mut Cases) {
    let frontend = BucketRole::Frontend;
    let bucket_policy::Observed { document: _ } = &cases.base.bucket_policies[&frontend];
    let mut change = |what: &str, change: fn(&mut Vec<serde_json::Value>)| {
        cases.add(ResourceId::BucketPolicy(frontend), what, 1, |seen| {
            let document = &mut seen.bucket_policies.get_mut(&frontend).unwrap().document;
            change(document["Statement"].as_array_mut().unwrap());
        });
    };
    change("a statement less", |it| drop(it.remove(0)));
    change("a statement more", |it| {
        it.push(json!({"Sid": "Public", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}));
    });
    change("a principal", |it| it[1]["Principal"] = json!({"AWS": "AIDAEXAMPLE"}));
    change("a condition", |it| it[1]["Condition"] = json!({}));
}

fn cors(cases: &mut Cases) {
    use upload_cors::{Observed, Rule};
    let Observed { rules } = cases.base.upload_cors.clone().unwrap();
    let Rule { origins: _, methods: _, headers: _, exposed: _, max_age_seconds: _ } = &rules[0];
    let mut change = |what: &str, change: fn(&mut Vec<Rule>)| {
        cases.add(ResourceId::UploadCors, what, 1, |seen| {
            change(&mut seen.upload_cors.as_mut().unwrap().rules)
        });
    };
    change("origins", |it| it[0].origins.extend(["*".into()]));
    change("methods", |it| it[0].methods.extend(["PUT".into()]));
    change("headers", |it| it[0].headers.extend(["*".into()]));
    change("exposed headers", |it| it[0].exposed.clear());
    change("age", |it| it[0].max_age_seconds = Some(1));
    change("a rule more", |it| it.push(Rule::default()));
}

fn artefacts(cases: &mut Cases) {
    let artefacts::Observed { keys } = cases.base.artefacts.clone().unwrap();
    let key = keys.into_keys().next().unwrap();
    let of = |seen: &mut Observed, etag: Option<&str>| {
        let keys = &mut seen.artefacts.as_mut().unwrap().keys;
        keys.remove(&key);
        keys.extend(etag.map(|etag| (key.clone(), etag.to_owned())));
    };
    cases.add(ResourceId::Artefacts, "a zip less", 1, |seen| of(seen, None));
    cases.add(ResourceId::Artefacts, "another zip", 1, |seen| of(seen, Some("0123456789")));
}

fn function(cases: &mut Cases) {
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

fn configuration(cases: &mut Cases) {
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
        let of = |seen: &mut Observed| change(&mut seen.functions.get_mut(&LIST).unwrap().configuration);
        cases.add(ResourceId::Function(LIST), what, 1, of);
    }
}

fn permission(cases: &mut Cases) {
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

fn notification(cases: &mut Cases) {
    let notification::Entry { function: _, events: _, prefix: _, suffix: _ } =
        cases.base.notification.clone().unwrap();
    let mut change = |what: &str, change: fn(&mut notification::Entry)| {
        cases.add(ResourceId::Notification, what, 1, |seen| change(seen.notification.as_mut().unwrap()));
    };
    change("function", |it| it.function = "arn:aws:lambda:eu-west-1:123456789012:function:theirs".into());
    change("events", |it| it.events = vec!["s3:ObjectRemoved:*".into()]);
    change("prefix", |it| it.prefix.clear());
    change("suffix", |it| it.suffix = ".jpg".into());
}

/// Each brings an invalidation with it: what was there may be in the caches.
fn site(cases: &mut Cases) {
    let site::Observed { files } = cases.base.site.clone().unwrap();
    let site::Stored { etag: _, headers: _ } = &files["index.html"];
    let mut change = |what: &str, change: fn(&mut site::Observed)| {
        cases.add(ResourceId::Site, what, 4, |seen| change(seen.site.as_mut().unwrap()));
    };
    change("a file", |it| it.files.get_mut("index.html").unwrap().etag = "0123456789".into());
    change("a header", |it| {
        let headers = &mut it.files.get_mut("index.html").unwrap().headers;
        headers.insert("cache-control".into(), "max-age=31536000".into());
    });
    change("a header less", |it| {
        drop(it.files.get_mut("index.html").unwrap().headers.remove("content-type"));
    });
    change("a header more", |it| {
        let headers = &mut it.files.get_mut("index.html").unwrap().headers;
        headers.insert("content-encoding".into(), "br".into());
    });
    change("a file less", |it| drop(it.files.remove("config.json")));
    change("a file more", |it| drop(it.files.insert("spy.js".into(), site::Stored::default())));
}

fn invalidation(cases: &mut Cases) {
    let invalidation::Observed { site: _ } = cases.base.invalidation.clone().unwrap();
    cases.add(ResourceId::Invalidation, "site", 2, |seen| {
        seen.invalidation.as_mut().unwrap().site = "0123456789".into();
    });
}

//! Buckets with their parts, the zips, the site, the table.

use serde_json::json;

use super::{Cases, PHOTOS};
use crate::cloud::Observed;
use crate::graph::{BucketRole, ResourceId};
use crate::resources::{artefacts, bucket, bucket_policy, notification, site, table, upload_cors};

pub(super) fn bucket(cases: &mut Cases) {
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

pub(super) fn lifecycle(cases: &mut Cases) {
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

pub(super) fn table(cases: &mut Cases) {
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

pub(super) fn bucket_policy(cases: &mut Cases) {
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

pub(super) fn cors(cases: &mut Cases) {
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

pub(super) fn artefacts(cases: &mut Cases) {
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

pub(super) fn notification(cases: &mut Cases) {
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
pub(super) fn site(cases: &mut Cases) {
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

//! The photos bucket's CORS rule: only the gallery's own pages may post files to it from a browser.
//!
//! Found with its bucket. Without the rule a browser keeps the answer from the page, not the file from the bucket: what
//! protects the bucket is the upload form's signature. The configuration as a whole is ours, since another rule could let
//! other pages in. Goes with its bucket.
//!
//! Pictures are shown by `<img>` and saved by links, which need no CORS; hence `POST` alone.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{After, Description, Difference, Kind, Step};
use crate::cloud::{self, Answer};
use crate::gallery::{DataPolicy, Gallery, Identity};
use crate::graph::BucketRole;

/// This kind.
#[derive(Debug)]
pub struct UploadCors;

/// A CORS rule. Lists are sets: their order means nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Whose pages.
    pub origins: BTreeSet<String>,
    /// With which methods.
    pub methods: BTreeSet<String>,
    /// With which headers beyond those that every page may send.
    pub headers: BTreeSet<String>,
    /// Which headers of the answer the page may read.
    pub exposed: BTreeSet<String>,
    /// How long a browser may remember this, in seconds.
    pub max_age_seconds: Option<i32>,
}

/// The rules as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// All rules.
    pub rules: Vec<Rule>,
}

/// One call.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// `PutBucketCors`. Replaces all rules by this one.
    Put(Rule),
}

impl Kind for UploadCors {
    type Key = ();
    type Desired = Rule;
    type Observed = Observed;
    type Change = Change;

    fn desired((): (), gallery: &Gallery, seen: &cloud::Observed) -> Option<Rule> {
        let domain = &seen.distribution.as_ref()?.domain;
        Some(rule(gallery, domain))
    }

    fn update(want: &Rule, seen: Option<&Observed>) -> Vec<Step<Change>> {
        let put = Change::Put(want.clone());
        let Some(Observed { rules }) = seen else { return vec![Step::create(put)] };
        let differences = match &rules[..] {
            [rule] => differences(rule, want),
            rules => vec![Difference::new("rules", rules.len(), 1)],
        };
        if differences.is_empty() { Vec::new() } else { vec![Step::update(put, differences)] }
    }

    /// Nothing: it goes with its bucket.
    fn delete((): (), _seen: &Observed, _data: DataPolicy) -> Vec<Step<Change>> {
        Vec::new()
    }

    fn after(_: Option<&Observed>, Change::Put(rule): &Change, _: &Answer) -> After<Observed> {
        After::Is(Observed { rules: vec![rule.clone()] })
    }

    fn describe((): (), gallery: &Identity, _seen: &Observed) -> Description {
        Description { name: gallery.bucket(BucketRole::Photos), arn: None }
    }
}

fn rule(gallery: &Gallery, domain: &str) -> Rule {
    let own = gallery.identity.installation.viewer.url(domain);
    let origins = gallery.spec.api.additional_allowed_origins.iter().cloned().chain([own]);
    Rule {
        origins: origins.collect(),
        methods: BTreeSet::from(["POST".into()]),
        headers: BTreeSet::new(),
        exposed: BTreeSet::from(["ETag".into()]),
        max_age_seconds: Some(3600),
    }
}

fn differences(seen: &Rule, want: &Rule) -> Vec<Difference> {
    let Rule { origins, methods, headers, exposed, max_age_seconds } = want;
    let list = |values: &BTreeSet<String>| {
        let values: Vec<_> = values.iter().map(String::as_str).collect();
        if values.is_empty() { "none".to_owned() } else { values.join(", ") }
    };
    let age = |seconds: Option<i32>| seconds.map_or("none".to_owned(), |seconds| format!("{seconds} s"));
    let differences = [
        Difference::between("origins", &list(&seen.origins), &list(origins)),
        Difference::between("methods", &list(&seen.methods), &list(methods)),
        Difference::between("headers", &list(&seen.headers), &list(headers)),
        Difference::between("exposed headers", &list(&seen.exposed), &list(exposed)),
        Difference::between("max age", &age(seen.max_age_seconds), &age(*max_age_seconds)),
    ];
    differences.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::Effect;
    use crate::testing::galleries::summer;

    fn want() -> Rule {
        rule(&summer(), "d1.cloudfront.net")
    }

    #[test]
    fn the_rule_waits_for_the_distribution_whose_origin_it_names() {
        assert_eq!(UploadCors::desired((), &summer(), &cloud::Observed::default()), None);
    }

    #[test]
    fn exactly_the_gallery_s_own_origin_and_those_of_the_spec_may_post() {
        let mut gallery = summer();
        gallery.spec.api.additional_allowed_origins = vec!["https://www.example.com".into()];
        let rule = rule(&gallery, "d1.cloudfront.net");
        assert_eq!(
            rule.origins.iter().collect::<Vec<_>>(),
            ["https://d1.cloudfront.net", "https://www.example.com"]
        );
        assert_eq!(rule.methods.iter().collect::<Vec<_>>(), ["POST"]);
    }

    #[test]
    fn a_missing_rule_is_made_and_the_planned_one_left_alone() {
        assert_eq!(UploadCors::update(&want(), None), [Step::create(Change::Put(want()))]);
        assert_eq!(UploadCors::update(&want(), Some(&Observed { rules: vec![want()] })), []);
    }

    #[test]
    fn each_drifted_field_is_named() {
        let star = || BTreeSet::from(["*".to_owned()]);
        let drifted = [
            ("origins", vec![Rule { origins: star(), ..want() }]),
            ("methods", vec![Rule { methods: BTreeSet::from(["POST".into(), "PUT".into()]), ..want() }]),
            ("headers", vec![Rule { headers: star(), ..want() }]),
            ("exposed headers", vec![Rule { exposed: BTreeSet::new(), ..want() }]),
            ("max age", vec![Rule { max_age_seconds: None, ..want() }]),
            ("rules", vec![want(), Rule { origins: star(), ..want() }]),
            ("rules", vec![]),
        ];
        for (field, rules) in drifted {
            let steps = UploadCors::update(&want(), Some(&Observed { rules }));
            let [Step { change, effect: Effect::Update(differences) }] = &steps[..] else {
                panic!("{steps:?}")
            };
            assert_eq!(change, &Change::Put(want()));
            assert_eq!(differences.iter().map(|it| it.field.as_str()).collect::<Vec<_>>(), [field]);
        }
    }
}

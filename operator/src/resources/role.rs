//! A function's role: whom it trusts and the one inline policy that says exactly what the function may do.
//!
//! Found by its deterministic name; whose it is, its tags say. We own path, description, trust, our tags, the permissions boundary
//! where the operator was given one (`crate::iam_policy::boundary`; without one, a boundary that others set stays), and its policies
//! altogether: one that somebody adds would let the function do more than it has to, so it goes.
//!
//! Slow: Lambda can assume a new role only after some seconds, and says so when a function is made. Never deleted under a
//! living function: a role of the same name is another role to everyone who knew the first.

use std::collections::BTreeSet;

use functions_core::contract::{FunctionName, key, table};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{After, Description, Difference, Kind, State, Step, document};
use crate::cloud::{self, Answer};
use crate::gallery::{DataPolicy, Gallery, Identity};
use crate::graph::BucketRole;
use crate::names::{self, Tags};

/// Name of the inline policy.
pub const POLICY: &str = "photogallery";

/// This kind.
#[derive(Debug)]
pub struct Role;

/// A role as it should be.
#[derive(Clone, Debug, PartialEq)]
pub struct Desired {
    /// Who it is for.
    pub description: String,
    /// Who may assume it.
    pub trust: Value,
    /// What it may do.
    pub policy: Value,
    /// ARN of the policy that says what it may do at most.
    pub boundary: Option<String>,
    /// Tags.
    pub tags: Tags,
}

/// A role as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observed {
    /// ARN. For a moment after the creation it may be the unique id instead.
    pub arn: String,
    /// Who it is for.
    pub description: String,
    /// Who may assume it.
    pub trust: Value,
    /// What our inline policy says.
    pub policy: Option<Value>,
    /// Names of all its inline policies.
    pub policies: Vec<String>,
    /// ARNs of the managed policies attached to it.
    pub attached: Vec<String>,
    /// ARN of the policy that says what it may do at most.
    pub boundary: Option<String>,
    /// Tags.
    pub tags: Tags,
}

/// One call.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// `CreateRole`.
    Create(Desired),
    /// `PutRolePermissionsBoundary` of the policy with this ARN.
    Bound(String),
    /// `UpdateAssumeRolePolicy`.
    Trust(Value),
    /// `PutRolePolicy`.
    Policy(Value),
    /// `UpdateRole`.
    Describe(String),
    /// `TagRole`.
    Tag(Tags),
    /// `UntagRole`.
    Untag(Vec<String>),
    /// `DeleteRolePolicy` of the inline policy of this name.
    DeletePolicy(String),
    /// `DetachRolePolicy` of the managed policy with this ARN.
    Detach(String),
    /// `DeleteRole`.
    Delete,
}

impl Kind for Role {
    type Key = FunctionName;
    type Desired = Desired;
    type Observed = Observed;
    type Change = Change;

    fn desired(function: FunctionName, gallery: &Gallery, _: &cloud::Observed) -> Option<Desired> {
        Some(Desired {
            description: format!("Function {function} of the photo gallery {}", gallery.identity),
            trust: trust(),
            policy: policy(function, &gallery.identity),
            boundary: gallery.identity.installation.permissions_boundary.clone(),
            tags: caseless(gallery.tags()),
        })
    }

    fn update(want: &Desired, seen: Option<&Observed>) -> Vec<Step<Change>> {
        let put_policy = Change::Policy(want.policy.clone());
        let Some(seen) = seen else {
            return vec![Step::create(Change::Create(want.clone())), Step::detail(put_policy)];
        };
        let mut steps = Vec::new();
        // First: with a boundary, the operator's own policy lets it change the policies of no role that has none.
        if let Some(want) = want.boundary.as_ref().filter(|want| seen.boundary.as_ref() != Some(*want)) {
            let now = seen.boundary.as_deref().unwrap_or("none");
            let difference = Difference::new("permissions boundary", now, want);
            steps.push(Step::update(Change::Bound(want.clone()), [difference]));
        }
        let trust = document::differences("trust policy", &want.trust, &seen.trust);
        if !trust.is_empty() {
            steps.push(Step::update(Change::Trust(want.trust.clone()), trust));
        }
        let policy = match &seen.policy {
            Some(policy) => document::differences("policy", &want.policy, policy),
            None => vec![Difference::new("policy", "missing", format!("inline policy {POLICY}"))],
        };
        if !policy.is_empty() {
            steps.push(Step::update(put_policy, policy));
        }
        steps.extend(surplus(seen));
        if let Some(difference) = Difference::between("description", &seen.description, &want.description) {
            steps.push(Step::update(Change::Describe(want.description.clone()), [difference]));
        }
        steps.extend(super::tag_steps(&want.tags, &seen.tags, Change::Tag, Change::Untag));
        steps
    }

    fn delete(_: FunctionName, seen: &Observed, _: DataPolicy) -> Vec<Step<Change>> {
        let inline = seen.policies.iter().cloned().map(Change::DeletePolicy);
        let attached = seen.attached.iter().cloned().map(Change::Detach);
        let mut steps: Vec<_> = inline.chain(attached).map(Step::detail).collect();
        steps.push(Step::delete(Change::Delete));
        steps
    }

    fn state(seen: &Observed) -> State {
        if seen.arn.starts_with("arn:") {
            State::Ready
        } else {
            State::Pending("IAM is making the role known")
        }
    }

    fn after(seen: Option<&Observed>, change: &Change, answer: &Answer) -> After<Observed> {
        let mut now = match (seen, change, answer) {
            (_, Change::Create(role), Answer::Assigned(arn)) => {
                let Desired { description, trust, policy: _, boundary, tags } = role.clone();
                let (policies, attached) = (Vec::new(), Vec::new());
                let arn = arn.clone();
                let policy = None;
                return After::Is(Observed {
                    arn,
                    description,
                    trust,
                    policy,
                    policies,
                    attached,
                    boundary,
                    tags,
                });
            }
            (_, Change::Delete, _) => return After::Gone,
            (None, ..) | (_, Change::Create(_), _) => return After::Unknown,
            (Some(seen), ..) => seen.clone(),
        };
        match change {
            Change::Bound(boundary) => now.boundary = Some(boundary.clone()),
            Change::Trust(trust) => now.trust.clone_from(trust),
            Change::Policy(policy) => {
                now.policy = Some(policy.clone());
                now.policies.retain(|name| name != POLICY);
                now.policies.push(POLICY.into());
                now.policies.sort();
            }
            Change::Describe(description) => now.description.clone_from(description),
            Change::Tag(tags) => names::set_tags(&mut now.tags, tags),
            Change::Untag(keys) => names::unset_tags(&mut now.tags, keys),
            Change::DeletePolicy(name) => {
                now.policies.retain(|other| other != name);
                now.policy = now.policy.filter(|_| name != POLICY);
            }
            Change::Detach(arn) => now.attached.retain(|other| other != arn),
            Change::Create(_) | Change::Delete => {}
        }
        After::Is(now)
    }

    fn describe(function: FunctionName, gallery: &Identity, _: &Observed) -> Description {
        Description { name: gallery.role(function), arn: Some(gallery.role_arn(function)) }
    }
}

/// Policies that others have added.
fn surplus(seen: &Observed) -> impl Iterator<Item = Step<Change>> {
    let inline = seen.policies.iter().filter(|name| *name != POLICY).map(|name| {
        let difference = Difference::new(format!("inline policy {name}"), "there", "none");
        Step::update(Change::DeletePolicy(name.clone()), [difference])
    });
    inline.chain(seen.attached.iter().map(|arn| {
        let difference = Difference::new(format!("managed policy {arn}"), "attached", "none");
        Step::update(Change::Detach(arn.clone()), [difference])
    }))
}

/// IAM alone takes tag keys that differ in nothing but case for one, and refuses a role that has both. The operator's own stay,
/// and of the others the first.
fn caseless(tags: Tags) -> Tags {
    let (ours, others): (Tags, Tags) =
        tags.into_iter().partition(|(key, _)| key.starts_with("photogallery.dev/"));
    let mut taken = BTreeSet::new();
    ours.into_iter().chain(others).filter(|(key, _)| taken.insert(key.to_lowercase())).collect()
}

/// Lambda, and nobody else.
fn trust() -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }],
    })
}

/// What a function may do: the calls that it makes, on the resources that it makes them on.
pub(crate) fn policy(function: FunctionName, gallery: &Identity) -> Value {
    // The log group is made beforehand, so the role needs no logs:CreateLogGroup, and nothing brings back a deleted one.
    let mut statements = vec![json!({
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": format!("{}:*", gallery.log_group_arn(function)),
    })];
    statements.extend(grants(function, gallery));
    json!({"Version": "2012-10-17", "Statement": statements})
}

fn grants(function: FunctionName, gallery: &Identity) -> Vec<Value> {
    let photos = |keys: &str| format!("{}/{keys}*", gallery.bucket_arn(BucketRole::Photos));
    let thumbnails = format!("{}/*", gallery.bucket_arn(BucketRole::Thumbnails));
    // A bucket's ARN holds no account: the condition keeps photos out of somebody else's bucket of the same name.
    let objects = |actions: &[&str], resources: &[&str]| {
        json!({
            "Effect": "Allow",
            "Action": actions,
            "Resource": resources,
            "Condition": {"StringEquals": {"aws:ResourceAccount": gallery.installation.account}},
        })
    };
    let rows = |actions: &[&str], resource: String| json!({"Effect": "Allow", "Action": actions, "Resource": resource});
    let (incoming, checked) = (photos(key::INCOMING), photos(key::PHOTOS));
    match function {
        FunctionName::Upload => vec![objects(&["s3:PutObject"], &[&incoming])],
        FunctionName::List => vec![
            rows(&["dynamodb:Query"], format!("{}/index/{}", gallery.table_arn(), table::NEWEST_FIRST)),
            objects(&["s3:GetObject"], &[&checked, &thumbnails]),
        ],
        FunctionName::Delete => vec![
            // A deleted photo leaves a mark in its row.
            rows(&["dynamodb:PutItem"], gallery.table_arn()),
            // A file still under incoming/ would bring the photo back when its event comes again.
            objects(&["s3:DeleteObject"], &[&incoming, &checked, &thumbnails]),
        ],
        FunctionName::Thumbnail => vec![
            objects(&["s3:GetObject", "s3:DeleteObject"], &[&incoming]),
            // What it wrote for a photo that was deleted meanwhile, it takes away again.
            objects(&["s3:PutObject", "s3:DeleteObject"], &[&checked, &thumbnails]),
            // Without it a file that is gone reads as AccessDenied instead of NoSuchKey when an event comes twice.
            objects(&["s3:ListBucket"], &[&gallery.bucket_arn(BucketRole::Photos)]),
            rows(&["dynamodb:GetItem", "dynamodb:PutItem"], gallery.table_arn()),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::Effect;
    use crate::testing::galleries::{BOUNDARY, identity, summer};
    use crate::testing::steps::fields_of;

    fn want() -> Desired {
        Role::desired(FunctionName::List, &summer(), &cloud::Observed::default()).unwrap()
    }

    #[test]
    fn keys_that_iam_takes_for_one_are_one() {
        let of = |pairs: &[(&str, &str)]| -> Tags {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        let tags = of(&[
            ("Team", "a"),
            ("team", "b"),
            ("PhotoGallery.dev/name", "c"),
            ("photogallery.dev/name", "d"),
        ]);
        assert_eq!(caseless(tags), of(&[("Team", "a"), ("photogallery.dev/name", "d")]));
    }

    fn up_to_date() -> Observed {
        let Desired { description, trust, policy, boundary, tags } = want();
        let arn = identity("photos", "summer").role_arn(FunctionName::List);
        let policies = vec![POLICY.into()];
        let (policy, attached) = (Some(policy), Vec::new());
        Observed { arn, description, trust, policy, policies, attached, boundary, tags }
    }

    #[test]
    fn policies_name_exact_resources() {
        for function in FunctionName::ALL {
            let policy = policy(function, &identity("photos", "summer"));
            assert!(!document::text(&policy).contains(r#""Resource":"*""#));
            insta::assert_yaml_snapshot!(format!("policy_of_{function}"), document::sorted(&policy));
        }
    }

    #[test]
    fn a_missing_role_is_made_with_its_policy() {
        let steps = Role::update(&want(), None);
        assert_eq!(steps[0], Step::create(Change::Create(want())));
        assert_eq!(steps[1], Step::detail(Change::Policy(want().policy)));
    }

    #[test]
    fn a_role_as_wanted_is_left_alone() {
        assert_eq!(Role::update(&want(), Some(&up_to_date())), []);
        let rewritten = Observed { trust: document::canonical(&want().trust), ..up_to_date() };
        assert_eq!(Role::update(&want(), Some(&rewritten)), [], "as IAM gives it back");
    }

    #[test]
    fn a_role_is_bounded_before_anything_else_where_a_boundary_was_given() {
        let theirs = "arn:aws:iam::aws:policy/AdministratorAccess";
        for (seen, from) in [(None, "none"), (Some(theirs), theirs)] {
            let seen =
                Observed { boundary: seen.map(str::to_owned), policy: Some(json!({})), ..up_to_date() };
            let steps = Role::update(&want(), Some(&seen));
            assert_eq!(steps.len(), 2);
            let difference = Difference::new("permissions boundary", from, BOUNDARY);
            assert_eq!(steps[0], Step::update(Change::Bound(BOUNDARY.into()), [difference]));
        }
    }

    #[test]
    fn without_a_boundary_of_ours_that_of_others_stays() {
        let want = Desired { boundary: None, ..want() };
        for theirs in [None, Some("arn:aws:iam::1:policy/theirs".to_owned())] {
            let seen = Observed { boundary: theirs, ..up_to_date() };
            assert_eq!(Role::update(&want, Some(&seen)), []);
        }
    }

    #[test]
    fn a_crash_between_role_and_policy_is_mended() {
        let seen = Observed { policy: None, policies: Vec::new(), ..up_to_date() };
        let steps = Role::update(&want(), Some(&seen));
        assert_eq!(steps.len(), 1);
        assert_eq!(steps[0].change, Change::Policy(want().policy));
    }

    #[test]
    fn each_drifted_field_is_one_call_that_names_it() {
        let drifted = [
            ("trust policy statement Allow sts:AssumeRole", Observed { trust: json!({}), ..up_to_date() }),
            ("policy", Observed { policy: None, ..up_to_date() }),
            (
                "inline policy another",
                Observed { policies: vec![POLICY.into(), "another".into()], ..up_to_date() },
            ),
            ("managed policy arn:admin", Observed { attached: vec!["arn:admin".into()], ..up_to_date() }),
            ("permissions boundary", Observed { boundary: None, ..up_to_date() }),
            ("description", Observed { description: "by hand".into(), ..up_to_date() }),
            ("tag photogallery.dev/retained", {
                let mut tags = up_to_date().tags;
                tags.insert(crate::names::TAG_RETAINED.into(), "yes".into());
                Observed { tags, ..up_to_date() }
            }),
        ];
        for (field, seen) in drifted {
            assert_eq!(fields_of(&Role::update(&want(), Some(&seen))), [field]);
        }
    }

    #[test]
    fn a_role_goes_after_everything_that_is_attached_to_it() {
        let seen = Observed {
            policies: vec!["a".into(), "b".into()],
            attached: vec!["arn:x".into()],
            ..up_to_date()
        };
        let steps = Role::delete(FunctionName::List, &seen, DataPolicy::Retain);
        let changes: Vec<_> = steps.iter().map(|step| &step.change).collect();
        let (a, b) = (Change::DeletePolicy("a".into()), Change::DeletePolicy("b".into()));
        assert_eq!(changes, [&a, &b, &Change::Detach("arn:x".into()), &Change::Delete]);
        assert_eq!(steps[3].effect, Effect::Delete);
    }

    #[test]
    fn a_role_that_iam_knows_by_its_id_alone_is_not_ready() {
        assert_eq!(Role::state(&up_to_date()), State::Ready);
        let seen = Observed { arn: "AROAEXAMPLE".into(), ..up_to_date() };
        assert!(matches!(Role::state(&seen), State::Pending(_)));
    }

    #[test]
    fn lambda_may_assume_it_and_nobody_else() {
        let trust = trust();
        let [statement] = &trust["Statement"].as_array().unwrap()[..] else { panic!() };
        assert_eq!(statement["Principal"], json!({"Service": "lambda.amazonaws.com"}));
        assert_eq!((&statement["Effect"], &statement["Action"]), (&json!("Allow"), &json!("sts:AssumeRole")));
    }
}

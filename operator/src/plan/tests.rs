//! What is done now, what waits, and in which order things come and go.

use crate::gallery::Gallery;
use crate::names::TAG_OWNER;
use crate::ownership::Ownership;
use crate::reconcile::look;
use crate::testing::drive::{absent, in_sync, present, run};
use crate::testing::fake_cloud::World;
use crate::testing::galleries::summer;

use super::*;

/// What is seen of a gallery that is as it should be.
fn all_there() -> Observed {
    run(async {
        let cloud = in_sync(&summer(), World::default()).await;
        look(&cloud, &present(&summer())).await.seen
    })
}

fn acted_on(plan: &Plan) -> BTreeSet<ResourceId> {
    plan.actions.iter().map(|action| action.resource).collect()
}

fn with_tags(tags: &[(&str, &str)]) -> Gallery {
    let mut gallery = summer();
    gallery.spec.tags = tags.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
    gallery
}

#[test]
fn at_first_everything_is_made_that_needs_nothing_else() {
    let plan = Plan::new(&present(&summer()), &Observed::default());
    let free: BTreeSet<_> = ResourceId::all().filter(|id| id.depends_on().is_empty()).collect();
    assert_eq!(acted_on(&plan), free);
    for (id, waiting) in &plan.waiting {
        let Waiting::ToCome(others) = waiting else { panic!("{id} waits for {waiting:?}") };
        assert_eq!(others, id.depends_on(), "{id}");
    }
    assert_eq!(plan.waiting.len() + plan.actions.len(), ResourceId::all().count());
}

#[test]
fn what_is_in_sync_is_settled() {
    let plan = Plan::new(&present(&summer()), &all_there());
    assert!(plan.is_complete(), "{plan}");
    assert_eq!((plan.settled.len(), plan.calls()), (ResourceId::all().count(), 0));
}

#[test]
fn whatever_is_missing_is_made_and_what_needs_it_waits() {
    let all = all_there();
    for missing in ResourceId::all() {
        let mut seen = all.clone();
        crate::aws::replace(&mut seen, missing, Observed::default());
        let plan = Plan::new(&present(&summer()), &seen);
        assert!(acted_on(&plan).contains(&missing), "{missing}: {plan}");
        for other in ResourceId::all().filter(|other| other.depends_on().contains(&missing)) {
            let waits = matches!(&plan.waiting[&other], Waiting::Others(ids) | Waiting::ToCome(ids) if ids == &[missing]);
            assert!(waits, "{other} without {missing}: {plan}");
        }
    }
}

#[test]
fn what_somebody_else_has_is_left_alone_and_nothing_builds_on_it() {
    let mut tags = summer().identity.owner_tags();
    tags.insert(TAG_OWNER.into(), "other".into());
    let Ownership::NotOurs(whose) = summer().identity.ownership(&tags) else { panic!("it is ours") };
    for id in ResourceId::all() {
        let mut seen = Observed::default();
        seen.foreign.insert(id, crate::cloud::Foreign { name: "theirs".into(), whose: whose.clone() });
        let plan = Plan::new(&present(&summer()), &seen);
        assert_eq!(plan.conflicts.keys().collect::<Vec<_>>(), [&id]);
        assert!(plan.to_string().contains("theirs is in the way"), "{plan}");
        for acted in acted_on(&plan) {
            assert!(acted != id && !acted.depends_on().contains(&id), "{acted} with somebody else's {id}");
        }
        let plan = Plan::new(&absent(&summer(), DataPolicy::Delete), &seen);
        assert!(plan.is_complete(), "{id}: {plan}");
    }
}

#[test]
fn nothing_goes_before_what_depends_on_it() {
    let seen = all_there();
    for data in [DataPolicy::Retain, DataPolicy::Delete] {
        let plan = Plan::new(&absent(&summer(), data), &seen);
        assert!(!plan.actions.is_empty());
        for id in acted_on(&plan) {
            assert!(!id.is_shared(), "{id} is other galleries' too");
            let left: Vec<_> =
                dependents(id).into_iter().filter(|other| seen.state(*other).is_some()).collect();
            assert!(left.is_empty(), "{id} goes before {left:?}");
        }
    }
}

#[test]
fn the_same_tag_on_many_resources_is_one_line() {
    let plan = Plan::new(&present(&with_tags(&[("team", "events")])), &all_there());
    let text = plan.to_string();
    let lines: Vec<_> = text.lines().filter(|line| line.contains("tag team")).collect();
    let [line] = lines[..] else { panic!("{text}") };
    assert!(line.contains(&format!("{} resources", plan.actions.len())), "{text}");
}

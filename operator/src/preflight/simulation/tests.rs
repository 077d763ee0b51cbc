//! What the simulator is asked, and when it is believed.

use super::*;
use crate::iam_policy::{Terms, scope};
use crate::testing::galleries::identity;

fn simulation() -> Simulation {
    Simulation::new(&identity("photos", "summer"), &BTreeSet::new())
}

/// An answer that allows everything that was asked.
fn allowed(simulation: &Simulation) -> Vec<Decision> {
    let pairs = simulation.requests().into_iter().flat_map(|Request { actions, resources }| {
        let pairs = actions.into_iter().map(move |action| (action, resources.clone()));
        pairs.flat_map(|(action, resources)| {
            resources.into_iter().map(move |resource| (action.clone(), resource))
        })
    });
    pairs
        .map(|(action, resource)| Decision { action, resource, is_allowed: true, is_certain: true })
        .collect()
}

fn deny(decisions: &mut [Decision], action: &str) {
    for decision in decisions.iter_mut().filter(|decision| decision.action == action) {
        decision.is_allowed = false;
    }
}

/// Is the text of this pattern, with `*` for anything and `?` for one character?
fn matches(pattern: &str, text: &str) -> bool {
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    match (pattern.next(), text.next()) {
        (None, None) => true,
        (Some('*'), None) => matches(pattern.as_str(), ""),
        (Some('*'), Some(first)) => {
            let rest = text.as_str();
            matches(pattern.as_str(), &format!("{first}{rest}"))
                || matches(&format!("*{}", pattern.as_str()), rest)
        }
        (Some('?'), Some(_)) => matches(pattern.as_str(), text.as_str()),
        (Some(one), Some(other)) => one == other && matches(pattern.as_str(), text.as_str()),
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// To see it fail: let `arn` take another bucket for `On::SiteObject`.
#[test]
fn everything_that_the_policy_allows_is_asked_about_on_what_it_allows_it_on() {
    let identity = identity("photos", "summer");
    let terms = Terms {
        account: "123456789012".into(),
        partition: "aws".into(),
        prefix: "pg".into(),
        boundary: identity.installation.permissions_boundary.clone(),
        ..Terms::default()
    };
    let simulation = simulation();
    for Need(action, on) in needs::calls().flat_map(|call| call.needs) {
        let (pattern, condition) = scope(*on, &terms).parts();
        let resource = arn(&identity, action, *on).unwrap_or_else(|| panic!("{action} is not asked about"));
        assert!(matches(&pattern, &resource), "{action}: {resource} is none of {pattern}");
        assert!(simulation.wanted.contains(&((*action).to_owned(), resource)));
        let keys = condition.iter().flat_map(|it| it.as_object().unwrap().values());
        for key in keys.flat_map(|it| it.as_object().unwrap().keys().cloned()) {
            let context = Simulation::context(&identity);
            assert!(context.iter().any(|(name, _)| *name == key), "{key} is not told");
        }
    }
    let requests = simulation.requests();
    let pairs = |request: &Request| request.actions.len() * request.resources.len();
    assert!(requests.len() == 2 && requests.iter().all(|request| pairs(request) < 1000), "{requests:#?}");
    for Need(action, _) in needs::optional().flat_map(|call| call.needs) {
        assert!(requests.iter().all(|request| !request.actions.contains(*action)), "{action} is not needed");
    }
}

#[test]
fn what_is_denied_is_told_by_what_it_is_denied_on() {
    let simulation = simulation();
    let mut decisions = allowed(&simulation);
    assert_eq!(simulation.denied(&decisions), []);
    for action in ["lambda:CreateFunction", "lambda:DeleteFunction", "iam:PassRole"] {
        deny(&mut decisions, action);
    }
    let denied = simulation.denied(&decisions);
    let texts: Vec<_> = problems(&denied).into_iter().map(|problem| problem.text).collect();
    insta::assert_snapshot!(texts.join("\n"));
    for request in simulation.requests() {
        request
            .actions
            .iter()
            .filter(|action| service(action) == "s3")
            .for_each(|action| deny(&mut decisions, action));
    }
    let denied = simulation.denied(&decisions);
    assert!(denied.len() > 20, "{denied:#?}");
    assert!(problems(&denied).iter().all(|problem| problem.text.len() < 400), "{:#?}", problems(&denied));
}

/// To see it fail: leave `proven` out of `denied`.
#[test]
fn a_simulator_that_denies_what_was_seen_to_work_is_not_believed() {
    let simulation = simulation();
    for (action, _) in simulation.proven.clone() {
        let mut decisions = allowed(&simulation);
        deny(&mut decisions, "lambda:CreateFunction");
        assert_eq!(simulation.denied(&decisions).len(), 1);
        deny(&mut decisions, &action);
        assert_eq!(simulation.denied(&decisions), [], "{action}");
    }
    // Nor one that does not answer what it was asked.
    let mut decisions = allowed(&simulation);
    deny(&mut decisions, "lambda:CreateFunction");
    decisions.retain(|decision| decision.action != "iam:ListRoles");
    assert_eq!(simulation.denied(&decisions), []);
}

/// To see it fail: ignore `is_certain`.
#[test]
fn a_denial_that_depends_on_what_the_simulator_was_not_told_is_not_believed() {
    let simulation = simulation();
    let mut decisions = allowed(&simulation);
    deny(&mut decisions, "lambda:CreateFunction");
    for decision in &mut decisions {
        decision.is_certain = false;
    }
    assert_eq!(simulation.denied(&decisions), []);
}

#[test]
fn what_could_not_be_read_proves_nothing_and_without_any_proof_nothing_is_asked() {
    let of = |unread: &[ResourceId]| {
        Simulation::new(&identity("photos", "summer"), &unread.iter().copied().collect())
    };
    let simulation = of(&[ResourceId::Function(FUNCTION)]);
    let mut decisions = allowed(&simulation);
    deny(&mut decisions, "lambda:GetFunction");
    assert_eq!(simulation.denied(&decisions).len(), 1, "the look was denied it too");
    let all: Vec<_> = PROVEN.iter().map(|(id, _)| *id).collect();
    assert_eq!(of(&all).requests(), []);
}

#[test]
fn the_role_behind_a_session_is_found_with_its_path_where_the_environment_tells_it() {
    let session = "arn:aws:sts::123456789012:assumed-role/operator/botocore-session-1";
    let role = "arn:aws:iam::123456789012:role/operator";
    let with_path = "arn:aws:iam::123456789012:role/teams/web/operator";
    let user = "arn:aws-cn:iam::123456789012:user/people/jo";
    for (caller, environment, expected) in [
        (session, None, Some(role)),
        (session, Some(with_path), Some(with_path)),
        (session, Some("arn:aws:iam::123456789012:role/another"), Some(role)),
        (session, Some("arn:aws:iam::999999999999:role/operator"), Some(role)),
        (user, Some(with_path), Some(user)),
        ("arn:aws:iam::123456789012:root", None, None),
        ("arn:aws:sts::123456789012:federated-user/jo", None, None),
        ("nonsense", None, None),
    ] {
        assert_eq!(principal(caller, environment).as_deref(), expected, "{caller} {environment:?}");
    }
}

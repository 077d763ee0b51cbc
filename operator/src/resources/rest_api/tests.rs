//! What a REST API needs, from nothing to gone.

use super::*;
use crate::testing::galleries::summer;
use crate::testing::steps::fields_of;

fn want() -> Desired {
    RestApi::desired((), &summer(), &cloud::Observed::default()).unwrap()
}

fn up_to_date() -> Observed {
    let Desired { name, description, body: _, routes, tags } = want();
    let body_sha256 = Some(digest(&summer()));
    Observed {
        id: "a1".into(),
        name,
        description,
        body_sha256,
        routes,
        settings: BTreeMap::new(),
        tags,
        duplicates: Vec::new(),
    }
}

fn changes(seen: &Observed) -> Vec<Change> {
    RestApi::update(&want(), Some(seen)).into_iter().map(|step| step.change).collect()
}

fn completion() -> Vec<Change> {
    vec![Change::Body { id: "a1".into(), wanted: want() }]
}

#[test]
fn the_body_is_as_reviewed() {
    let body: Value = serde_json::from_str(&body(&summer())).unwrap();
    insta::assert_yaml_snapshot!(body);
}

#[test]
fn the_body_depends_on_nothing_that_a_visitor_does_not_notice() {
    let mut gallery = summer();
    gallery.spec.title = "Another title".into();
    gallery.spec.api.throttle.burst = 7;
    assert_eq!(digest(&gallery), digest(&summer()));
}

#[test]
fn it_is_made_first_and_given_its_routes_in_the_next_round() {
    let Desired { name, description, tags, .. } = want();
    assert_eq!(RestApi::update(&want(), None), [Step::create(Change::Create { name, description, tags })]);
    let seen = Observed { body_sha256: None, tags: want().tags, ..up_to_date() };
    assert_eq!(changes(&seen), completion());
    assert_eq!(fields_of(&RestApi::update(&want(), Some(&seen))), ["routes"]);
}

#[test]
fn the_description_that_aws_takes_from_the_body_says_which_body_it_was() {
    let given: Value = serde_json::from_str(&want().signed_body()).unwrap();
    let text = given["info"]["description"].as_str().unwrap();
    assert_eq!(read_description(text), (want().description, Some(digest(&summer()))));
    assert_eq!(read_description("by hand"), ("by hand".to_owned(), None));
}

#[test]
fn a_rest_api_as_wanted_is_left_alone() {
    assert_eq!(changes(&up_to_date()), []);
}

#[test]
fn each_drifted_field_is_named_and_put_right() {
    let drifted = [
        ("name", Observed { name: "by hand".into(), ..up_to_date() }),
        ("description", Observed { description: String::new(), ..up_to_date() }),
        ("routes", Observed { body_sha256: Some("0000000000".into()), ..up_to_date() }),
    ];
    for (field, seen) in drifted {
        assert_eq!(fields_of(&RestApi::update(&want(), Some(&seen))), [field]);
        assert_eq!(changes(&seen), completion(), "{field}");
    }
    let settings = BTreeMap::from([(Setting::OwnAddress, "off".to_owned())]);
    let closed = Observed { settings: settings.clone(), ..up_to_date() };
    assert_eq!(changes(&closed), [Change::Settings { id: "a1".into(), seen: settings }]);
}

#[test]
fn routes_changed_by_hand_are_named_and_put_back_by_the_body() {
    let mut seen = up_to_date();
    seen.routes.insert("GET /photos".into(), "HTTP_PROXY GET https://example.com".into());
    seen.routes.insert("POST /spy".into(), "MOCK".into());
    seen.routes.remove("OPTIONS /photos");
    let steps = RestApi::update(&want(), Some(&seen));
    assert_eq!(fields_of(&steps), ["route GET /photos", "route OPTIONS /photos", "route POST /spy"]);
    assert_eq!(changes(&seen), completion());
    assert!(!seen.is_current(&summer()) && up_to_date().is_current(&summer()));
}

#[test]
fn the_routes_are_those_of_the_body() {
    let body: Value = serde_json::from_str(&body(&summer())).unwrap();
    let mut routes = Routes::new();
    for (path, item) in body["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap().iter().filter(|(key, _)| *key != "parameters") {
            let uri = operation["x-amazon-apigateway-integration"]["uri"].as_str().unwrap();
            let function = called_function(&summer().identity, "POST", uri).unwrap();
            routes.insert(format!("{} {path}", method.to_ascii_uppercase()), function.into());
        }
    }
    assert_eq!(routes, super::routes(&summer()));
}

#[test]
fn the_younger_of_two_goes() {
    let seen = Observed { duplicates: vec!["b2".into()], ..up_to_date() };
    assert_eq!(changes(&seen), [Change::Delete { id: "b2".into() }]);
    let gone: Vec<_> =
        RestApi::delete((), &seen, DataPolicy::Retain).into_iter().map(|step| step.change).collect();
    assert_eq!(gone, [Change::Delete { id: "b2".into() }, Change::Delete { id: "a1".into() }]);
}

//! The REST API: one `OpenAPI` body with every route, its digest kept in a tag.
//!
//! Names of REST APIs are not unique, so it is found by its tags. `CreateRestApi` has no idempotency token: after a lost
//! answer there may be two of ours. The oldest stays and the others go.
//!
//! We own name, description, body and our tags. One call (`PutRestApi`, overwriting) sets everything that the body says,
//! which is instead of some twenty-five, and one tag says which body that was. The tag is written last: a crash in between
//! repeats the put. What somebody changes by hand within the API is not seen here, and does not reach visitors either: they
//! are served from a deployment, which is a snapshot.
//!
//! Slow: AWS lets an account delete one REST API in 30 seconds.

use functions_core::contract::{FunctionName, PHOTO_ID_PARAMETER, ROUTES};
use serde_json::{Map, Value, json};

use super::{Description, Difference, Kind, Step, document};
use crate::cloud;
use crate::gallery::{DataPolicy, Gallery, Identity};
use crate::names::{self, TAG_BODY, Tags};

/// This kind.
#[derive(Debug)]
pub struct RestApi;

/// A REST API as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desired {
    /// Name.
    pub name: String,
    /// Description.
    pub description: String,
    /// The `OpenAPI` document.
    pub body: String,
    /// Tags, without the body's digest.
    pub tags: Tags,
}

/// A REST API as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// The id that AWS assigned.
    pub id: String,
    /// Name.
    pub name: String,
    /// Description.
    pub description: String,
    /// SHA-256 of the body that it was last given completely.
    pub body_sha256: Option<String>,
    /// Is its own address switched off? The distribution calls it there.
    pub is_closed: bool,
    /// Tags.
    pub tags: Tags,
    /// Ids of younger REST APIs of the same gallery, left by lost answers.
    pub duplicates: Vec<String>,
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields of a call are those of the AWS operation")]
pub enum Change {
    /// `CreateRestApi`.
    Create { name: String, description: String, tags: Tags },
    /// `PutRestApi`, overwriting.
    Body { id: String, body: String },
    /// `UpdateRestApi`: its own address is switched on.
    Open { id: String },
    /// `TagResource`.
    Tag { id: String, tags: Tags },
    /// `UntagResource`.
    Untag { id: String, keys: Vec<String> },
    /// `DeleteRestApi`.
    Delete { id: String },
}

impl Kind for RestApi {
    type Key = ();
    type Desired = Desired;
    type Observed = Observed;
    type Change = Change;

    fn desired((): (), gallery: &Gallery, _: &cloud::Observed) -> Option<Desired> {
        Some(Desired {
            name: gallery.identity.rest_api(),
            description: description(&gallery.identity),
            body: body(gallery),
            tags: gallery.tags(),
        })
    }

    fn update(want: &Desired, seen: Option<&Observed>) -> Vec<Step<Change>> {
        let Desired { name, description, body, tags } = want.clone();
        let Some(seen) = seen else { return vec![Step::create(Change::Create { name, description, tags })] };
        let id = seen.id.clone();
        let mut steps = body_steps(want, seen, body);
        if seen.is_closed {
            let difference = Difference::new("own address", "off", "on");
            steps.push(Step::update(Change::Open { id: id.clone() }, [difference]));
        }
        let untag = |keys| Change::Untag { id: id.clone(), keys };
        steps.extend(super::tag_steps(&tags, &seen.tags, |tags| Change::Tag { id: id.clone(), tags }, untag));
        steps.extend(seen.duplicates.iter().map(|id| {
            let difference = Difference::new("duplicate", id, "none");
            Step::update(Change::Delete { id: id.clone() }, [difference])
        }));
        steps
    }

    fn delete((): (), seen: &Observed, _: DataPolicy) -> Vec<Step<Change>> {
        let duplicates = seen.duplicates.iter().map(|id| Step::detail(Change::Delete { id: id.clone() }));
        duplicates.chain([Step::delete(Change::Delete { id: seen.id.clone() })]).collect()
    }

    fn describe((): (), gallery: &Identity, seen: &Observed) -> Description {
        Description { name: seen.id.clone(), arn: Some(gallery.rest_api_arn(&seen.id)) }
    }
}

/// The put and the tag that says that it is done.
fn body_steps(want: &Desired, seen: &Observed, body: String) -> Vec<Step<Change>> {
    let digest = names::sha256_hex(body.as_bytes());
    let fields = [
        Difference::between("name", &seen.name, &want.name),
        Difference::between("description", &seen.description, &want.description),
        seen.body_sha256
            .as_ref()
            .and_then(|seen| Difference::between("routes", &short(seen), &short(&digest))),
    ];
    let differences: Vec<_> = fields.into_iter().flatten().collect();
    if seen.body_sha256.is_some() && differences.is_empty() {
        return Vec::new();
    }
    let id = seen.id.clone();
    let put = Change::Body { id: id.clone(), body };
    let put = if differences.is_empty() { Step::detail(put) } else { Step::update(put, differences) };
    vec![put, Step::detail(Change::Tag { id, tags: Tags::from([(TAG_BODY.into(), digest)]) })]
}

pub(super) fn short(digest: &str) -> String {
    format!("{}…", digest.chars().take(8).collect::<String>())
}

fn description(gallery: &Identity) -> String {
    format!("API of the photo gallery {gallery}")
}

/// SHA-256 of [`body`].
pub fn digest(gallery: &Gallery) -> String {
    names::sha256_hex(body(gallery).as_bytes())
}

/// The whole API as an `OpenAPI` document: every route, and `OPTIONS` of its path, to the function that answers it.
///
/// Public by intent: a gallery has no log-in. What visitors may do there is for the functions to decide.
pub fn body(gallery: &Gallery) -> String {
    let identity = &gallery.identity;
    let mut paths = Map::new();
    for route in ROUTES {
        let operation = operation(identity, route.function);
        let mut item = Map::new();
        if route.path.contains('{') {
            let parameter = json!({"name": PHOTO_ID_PARAMETER, "in": "path", "required": true, "schema": {"type": "string"}});
            item.insert("parameters".into(), json!([parameter]));
        }
        item.insert(route.method.to_ascii_lowercase(), operation.clone());
        item.insert("options".into(), operation);
        paths.insert(route.path.into(), Value::Object(item));
    }
    document::text(&json!({
        "openapi": "3.0.1",
        "info": {"title": identity.rest_api(), "description": description(identity), "version": "1"},
        "paths": paths,
        "x-amazon-apigateway-gateway-responses": gateway_responses(),
    }))
}

fn operation(gallery: &Identity, function: FunctionName) -> Value {
    let (partition, region) = (gallery.partition(), &gallery.region);
    let function = gallery.function_arn(function);
    json!({
        "responses": {},
        "x-amazon-apigateway-integration": {
            "type": "aws_proxy",
            // How API Gateway calls Lambda, whatever the visitor's method.
            "httpMethod": "POST",
            "uri": format!("arn:{partition}:apigateway:{region}:lambda:path/2015-03-31/functions/{function}/invocations"),
        },
    })
}

/// What API Gateway says by itself, in the words of the functions' own errors and without anything about the inside.
fn gateway_responses() -> Value {
    let problem = |status: Option<u16>, code: &str, title: &str, detail: &str| {
        let mut problem = json!({"type": "about:blank", "title": title, "detail": detail, "code": code});
        let mut response = json!({
            "responseParameters": {
                "gatewayresponse.header.Content-Type": "'application/problem+json'",
                "gatewayresponse.header.Cache-Control": "'no-store'",
            },
        });
        if let Some(status) = status {
            problem["status"] = json!(status);
            // A string, says the documentation of the extension.
            response["statusCode"] = json!(status.to_string());
        }
        response["responseTemplates"] = json!({"application/json": document::text(&problem)});
        response
    };
    json!({
        "DEFAULT_4XX": problem(None, "BadRequest", "Bad request", "The request cannot be understood."),
        "DEFAULT_5XX": problem(None, "Internal", "Internal error", "Something went wrong here. Try again."),
        // API Gateway's answer to a path or method that it does not know.
        "MISSING_AUTHENTICATION_TOKEN": problem(Some(404), "NotFound", "Not found", "There is nothing here."),
        "REQUEST_TOO_LARGE": problem(Some(413), "TooLarge", "Too large", "The request is too large."),
        "THROTTLED": problem(Some(429), "TooManyRequests", "Too many requests", "Many visitors are here. Try again."),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::galleries::summer;
    use crate::testing::steps::fields_of;

    fn want() -> Desired {
        RestApi::desired((), &summer(), &cloud::Observed::default()).unwrap()
    }

    fn up_to_date() -> Observed {
        let Desired { name, description, body: _, mut tags } = want();
        tags.insert(TAG_BODY.into(), digest(&summer()));
        let body_sha256 = Some(digest(&summer()));
        Observed {
            id: "a1".into(),
            name,
            description,
            body_sha256,
            is_closed: false,
            tags,
            duplicates: Vec::new(),
        }
    }

    fn changes(seen: &Observed) -> Vec<Change> {
        RestApi::update(&want(), Some(seen)).into_iter().map(|step| step.change).collect()
    }

    fn completion() -> Vec<Change> {
        let tags = Tags::from([(TAG_BODY.into(), digest(&summer()))]);
        vec![Change::Body { id: "a1".into(), body: body(&summer()) }, Change::Tag { id: "a1".into(), tags }]
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
        assert_eq!(
            RestApi::update(&want(), None),
            [Step::create(Change::Create { name, description, tags })]
        );
        let seen = Observed { body_sha256: None, tags: want().tags, ..up_to_date() };
        assert_eq!(changes(&seen), completion(), "also after a crash between put and tag");
        assert_eq!(fields_of(&RestApi::update(&want(), Some(&seen))), [""; 0]);
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
        let closed = Observed { is_closed: true, ..up_to_date() };
        assert_eq!(changes(&closed), [Change::Open { id: "a1".into() }]);
    }

    #[test]
    fn the_younger_of_two_goes() {
        let seen = Observed { duplicates: vec!["b2".into()], ..up_to_date() };
        assert_eq!(changes(&seen), [Change::Delete { id: "b2".into() }]);
        let gone: Vec<_> =
            RestApi::delete((), &seen, DataPolicy::Retain).into_iter().map(|step| step.change).collect();
        assert_eq!(gone, [Change::Delete { id: "b2".into() }, Change::Delete { id: "a1".into() }]);
    }
}

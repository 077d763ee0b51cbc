//! The REST API: one `OpenAPI` body with every route, its digest kept in the description.
//!
//! Names of REST APIs are not unique, so it is found by its tags. `CreateRestApi` has no idempotency token: after a lost
//! answer there may be two of ours. The oldest that was given a body stays and the others go; without any body, the oldest.
//!
//! We own name, description, body, our tags, and the settings of [`Setting`]. One call (`PutRestApi`, overwriting) sets
//! everything that the body says, which is instead of some twenty-five, and with it the description, which says which body that
//! was: API Gateway takes it from the body.
//!
//! What somebody changes by hand within the API does not reach visitors, who are served from a deployment, a snapshot. It would
//! with the next deployment, so paths, methods and what answers them are compared; the words of API Gateway's own answers are not
//! (they take another call to read, and are put right with the next body).
//!
//! Slow: AWS lets an account delete one REST API in 30 seconds.

use std::collections::BTreeMap;

use functions_core::contract::{FunctionName, PHOTO_ID_PARAMETER, ROUTES};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{After, Description, Difference, Kind, Step, document};
use crate::cloud::{self, Answer};
use crate::gallery::{DataPolicy, Gallery, Identity};
use crate::names::{self, Tags};

/// From how many bytes on API Gateway compresses answers for those who accept it. A page of photos is mostly links that are alike, and
/// becomes a tenth; below this there is nothing to gain. Better there than in the functions, where it would take their time, and
/// every answer would have to be declared binary.
pub const COMPRESSION_BYTES: i32 = 1024;

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
    /// What the document says of each method and path.
    pub routes: Routes,
    /// Tags, without the body's digest.
    pub tags: Tags,
}

/// By method and path (`GET /photos`), what answers: the ARN of a function, or something else in words.
pub type Routes = BTreeMap<String, String>;

/// What a gallery leaves as API Gateway makes it, or as its creation said.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    strum::Display,
    strum::EnumIter,
    strum::IntoStaticStr,
    Serialize,
    Deserialize,
)]
pub enum Setting {
    /// Its own address, where the distribution calls it.
    #[strum(to_string = "own address")]
    OwnAddress,
    /// In the region, or at `CloudFront`'s edges.
    #[strum(to_string = "endpoint")]
    Endpoint,
    /// Who may call it.
    #[strum(to_string = "resource policy")]
    Policy,
    /// What is passed on as bytes instead of text.
    #[strum(to_string = "binary media types")]
    BinaryMediaTypes,
    /// From which size on answers are compressed.
    #[strum(to_string = "compression")]
    Compression,
    /// Where API keys are looked for.
    #[strum(to_string = "API key source")]
    KeySource,
}

impl Setting {
    /// As it should be, in words.
    pub const fn wanted(self) -> &'static str {
        match self {
            Self::OwnAddress => "on",
            Self::Endpoint => "REGIONAL",
            Self::Policy | Self::BinaryMediaTypes => "none",
            Self::Compression => "from 1024 bytes",
            Self::KeySource => "HEADER",
        }
    }
}

/// A REST API as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// The id that AWS assigned.
    pub id: String,
    /// Name.
    pub name: String,
    /// Description.
    pub description: String,
    /// SHA-256 of the body that it was last given completely.
    pub body_sha256: Option<String>,
    /// Its routes. Not looked at while the description says that no body was given yet.
    pub routes: Routes,
    /// What is set otherwise than it should be.
    pub settings: BTreeMap<Setting, String>,
    /// Tags.
    pub tags: Tags,
    /// Ids of other REST APIs of the same gallery, left by lost answers.
    pub duplicates: Vec<String>,
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields of a call are those of the AWS operation")]
pub enum Change {
    /// `CreateRestApi`.
    Create { name: String, description: String, tags: Tags },
    /// `PutRestApi`, overwriting.
    Body { id: String, wanted: Desired },
    /// `UpdateRestApi` to what is wanted of these settings. Holds what they are, because some are removed by value.
    Settings { id: String, seen: BTreeMap<Setting, String> },
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
            routes: routes(gallery),
            tags: gallery.tags(),
        })
    }

    fn update(want: &Desired, seen: Option<&Observed>) -> Vec<Step<Change>> {
        let Desired { name, description, body: _, routes: _, tags } = want.clone();
        let Some(seen) = seen else { return vec![Step::create(Change::Create { name, description, tags })] };
        let id = seen.id.clone();
        let mut steps = Vec::new();
        if !seen.settings.is_empty() {
            let differences = seen.settings.iter();
            let differences =
                differences.map(|(it, value)| Difference::new(it.to_string(), value, it.wanted()));
            let change = Change::Settings { id: id.clone(), seen: seen.settings.clone() };
            steps.push(Step::update(change, differences.collect::<Vec<_>>()));
        }
        // Afterwards, because it also takes away what the settings above remove.
        steps.extend(body_step(want, seen));
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

    fn after(seen: Option<&Observed>, change: &Change, answer: &Answer) -> After<Observed> {
        let mut now = match (seen, change, answer) {
            (None, Change::Create { name, description, tags }, Answer::Assigned(id)) => {
                return After::Is(Observed {
                    id: id.clone(),
                    name: name.clone(),
                    description: description.clone(),
                    tags: tags.clone(),
                    ..Observed::default()
                });
            }
            (_, Change::Create { .. }, _) | (None, ..) => return After::Unknown,
            (Some(seen), ..) => seen.clone(),
        };
        match change {
            Change::Body { id: _, wanted } => {
                now.name.clone_from(&wanted.name);
                now.description.clone_from(&wanted.description);
                now.body_sha256 = Some(wanted.digest());
                now.routes.clone_from(&wanted.routes);
                // An overwriting body takes these away.
                now.settings
                    .retain(|setting, _| !matches!(setting, Setting::Policy | Setting::BinaryMediaTypes));
            }
            Change::Settings { id: _, seen } => now.settings.retain(|setting, _| !seen.contains_key(setting)),
            Change::Tag { id: _, tags } => names::set_tags(&mut now.tags, tags),
            Change::Untag { id: _, keys } => names::unset_tags(&mut now.tags, keys),
            Change::Delete { id } if *id == now.id => return After::Gone,
            Change::Delete { id } => now.duplicates.retain(|other| other != id),
            Change::Create { .. } => {}
        }
        After::Is(now)
    }

    fn describe((): (), gallery: &Identity, seen: &Observed) -> Description {
        Description { name: seen.id.clone(), arn: Some(gallery.rest_api_arn(&seen.id)) }
    }
}

fn body_step(want: &Desired, seen: &Observed) -> Option<Step<Change>> {
    let digest = want.digest();
    let given = seen.body_sha256.as_deref().map_or("none".into(), short);
    let described = Difference::between("description", &seen.description, &want.description);
    // Who changed the description took away what it said of the body.
    let body = Difference::between("routes", &given, &short(&digest)).filter(|_| described.is_none());
    let fields = [Difference::between("name", &seen.name, &want.name), described, body];
    let mut differences: Vec<_> = fields.into_iter().flatten().collect();
    // While another body is there, its routes are others too.
    if seen.body_sha256.as_ref() == Some(&digest) || (seen.body_sha256.is_none() && !seen.routes.is_empty()) {
        differences.extend(route_differences(&want.routes, &seen.routes));
    }
    let put = || Change::Body { id: seen.id.clone(), wanted: want.clone() };
    (!differences.is_empty()).then(|| Step::update(put(), differences))
}

fn route_differences(want: &Routes, seen: &Routes) -> Vec<Difference> {
    let field = |route: &String| format!("route {route}");
    let changed = want.iter().filter(|(route, target)| seen.get(*route) != Some(target));
    let changed = changed.map(|(route, target)| {
        Difference::new(field(route), seen.get(route).map_or("missing", String::as_str), target)
    });
    let surplus = seen.iter().filter(|(route, _)| !want.contains_key(*route));
    changed.chain(surplus.map(|(route, target)| Difference::new(field(route), target, "none"))).collect()
}

impl Observed {
    /// Does it hold what this gallery's body says? Only then it is worth a snapshot.
    pub fn is_current(&self, gallery: &Gallery) -> bool {
        self.body_sha256 == Some(digest(gallery)) && self.routes == routes(gallery)
    }
}

impl Desired {
    /// The body as AWS is given it, with its own digest in the description.
    pub fn signed_body(&self) -> String {
        let mut body = document::parse(&self.body);
        body["info"]["description"] = signed_description(&self.description, &self.digest()).into();
        document::text(&body)
    }

    /// SHA-256 of the body.
    pub fn digest(&self) -> String {
        names::sha256_hex(self.body.as_bytes())
    }
}

/// Between the description and the digest of the body that it came with.
const SIGNED: &str = "; body ";

/// A description that says which body it came with.
fn signed_description(description: &str, digest: &str) -> String {
    format!("{description}{SIGNED}{digest}")
}

/// A description, and the digest of the body that it came with.
pub fn read_description(text: &str) -> (String, Option<String>) {
    match text.rsplit_once(SIGNED) {
        Some((description, digest)) => (description.to_owned(), Some(digest.to_owned())),
        None => (text.to_owned(), None),
    }
}

pub(super) fn short(digest: &str) -> String {
    format!("{}…", digest.chars().take(8).collect::<String>())
}

/// The description that it is made with.
pub fn description(gallery: &Identity) -> String {
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
        "x-amazon-apigateway-minimum-compression-size": COMPRESSION_BYTES,
        "x-amazon-apigateway-gateway-responses": gateway_responses(),
    }))
}

/// What [`body`] says of each method and path.
pub fn routes(gallery: &Gallery) -> Routes {
    let of = |method: &str, path: &str, function| {
        (format!("{method} {path}"), gallery.identity.function_arn(function))
    };
    let answers =
        ROUTES.iter().map(|route| of(&route.method.to_ascii_uppercase(), route.path, route.function));
    let options = ROUTES.iter().map(|route| of("OPTIONS", route.path, route.function));
    // Where a path has several methods, the last one's function answers OPTIONS, as in the body.
    options.chain(answers).collect()
}

/// The function that a proxy integration calls, when it is one as ours are.
pub fn called_function<'a>(gallery: &Identity, method: &str, uri: &'a str) -> Option<&'a str> {
    let prefix = integration_prefix(gallery);
    let arn = uri.strip_prefix(&prefix)?.strip_suffix("/invocations")?;
    (method == "POST").then_some(arn)
}

fn integration_prefix(gallery: &Identity) -> String {
    let (partition, region) = (gallery.partition(), &gallery.region);
    format!("arn:{partition}:apigateway:{region}:lambda:path/2015-03-31/functions/")
}

fn operation(gallery: &Identity, function: FunctionName) -> Value {
    let uri = format!("{}{}/invocations", integration_prefix(gallery), gallery.function_arn(function));
    json!({
        "responses": {},
        "x-amazon-apigateway-integration": {
            "type": "aws_proxy",
            // How API Gateway calls Lambda, whatever the visitor's method.
            "httpMethod": "POST",
            "uri": uri,
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
mod tests;

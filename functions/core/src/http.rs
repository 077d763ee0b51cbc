//! The HTTP edge: API Gateway's REST proxy event (version 1.0) in, its proxy response out, and everything that is the
//! same for each route: methods, CORS, problems.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::contract::{self, FunctionName};
use crate::metrics;
use crate::problem::{Code, Problem};

/// What we read of a proxy event. Absent maps come as `null`; everything else of the event is ignored.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Event {
    http_method: String,
    headers: Option<HashMap<String, Option<String>>>,
    query_string_parameters: Option<HashMap<String, Option<String>>>,
    path_parameters: Option<HashMap<String, Option<String>>>,
    body: Option<String>,
    is_base64_encoded: bool,
}

/// A request to the API.
#[derive(Debug, Default)]
pub struct Request {
    pub method: String,
    headers: HashMap<String, String>,
    query: HashMap<String, String>,
    path: HashMap<String, String>,
    /// The body as bytes; empty when there is none.
    pub body: Vec<u8>,
}

impl Request {
    /// A header by its lower-case name. Names are case-insensitive in HTTP; AWS keeps the client's case.
    pub fn header(&self, lower_case_name: &str) -> Option<&str> {
        self.headers.get(lower_case_name).map(String::as_str)
    }

    /// A query parameter, decoded. Of a repeated one API Gateway gives the last.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    /// A path parameter, decoded.
    pub fn path(&self, name: &str) -> Option<&str> {
        self.path.get(name).map(String::as_str)
    }
}

impl TryFrom<Event> for Request {
    type Error = Problem;

    fn try_from(event: Event) -> Result<Self, Problem> {
        let body = event.body.unwrap_or_default();
        let body = if event.is_base64_encoded {
            STANDARD
                .decode(body)
                .map_err(|_| Problem::new(Code::BadRequest, "The body could not be decoded."))?
        } else {
            body.into_bytes()
        };
        Ok(Self {
            method: event.http_method,
            headers: present(event.headers).map(|(name, value)| (name.to_ascii_lowercase(), value)).collect(),
            query: present(event.query_string_parameters).collect(),
            path: present(event.path_parameters).collect(),
            body,
        })
    }
}

fn present(map: Option<HashMap<String, Option<String>>>) -> impl Iterator<Item = (String, String)> {
    map.unwrap_or_default().into_iter().filter_map(|(name, value)| Some((name, value?)))
}

/// Whether the caller has this version already: the header `If-None-Match` by the comparison that RFC 9110 section 13.1.2 asks for,
/// which takes weak tags for their strong ones.
pub fn is_known(entity_tag: &str, if_none_match: Option<&str>) -> bool {
    let strong = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let wanted = strong(entity_tag);
    if_none_match.is_some_and(|tags| tags.split(',').any(|tag| tag.trim() == "*" || strong(tag) == wanted))
}

/// An answer, as API Gateway wants it from a proxy integration.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    pub status_code: u16,
    pub headers: HashMap<&'static str, String>,
    pub body: String,
    is_base64_encoded: bool,
}

impl Response {
    /// An answer without a body.
    pub fn empty(status_code: u16) -> Self {
        Self { status_code, headers: HashMap::new(), body: String::new(), is_base64_encoded: false }
    }

    /// A JSON answer.
    pub fn json(status_code: u16, body: &impl Serialize) -> Result<Self, Problem> {
        let body = serde_json::to_string(body).map_err(|_| Problem::internal())?;
        Ok(Self { body, ..Self::empty(status_code) }.with("Content-Type", "application/json"))
    }

    /// Sets a header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.insert(name, value.into());
        self
    }
}

impl From<Problem> for Response {
    fn from(problem: Problem) -> Self {
        let response = Self { body: problem.to_json(), ..Self::empty(problem.code.status()) };
        response.with("Content-Type", "application/problem+json")
    }
}

/// One route as its function serves it: the method, and who besides the gallery's own page may call it.
#[derive(Debug, Clone)]
pub struct Edge {
    method: &'static str,
    allowed_origins: Vec<String>,
}

impl Edge {
    /// The edge of a function; `None` for one that has no route.
    pub fn of(function: FunctionName, allowed_origins: Vec<String>) -> Option<Self> {
        let route = contract::ROUTES.iter().find(|route| route.function == function)?;
        Some(Self { method: route.method, allowed_origins })
    }

    /// Answers an event with the help of the route's own handler.
    pub async fn answer(
        &self,
        event: Event,
        handler: impl AsyncFnOnce(&Request) -> Result<Response, Problem>,
    ) -> Response {
        let request = match Request::try_from(event) {
            Ok(request) => request,
            Err(problem) => return self.finish(problem.into(), None),
        };
        let response = if request.method == self.method {
            handler(&request).await.unwrap_or_else(|problem| {
                metrics::failure(problem.code.as_str());
                Response::from(problem)
            })
        } else if request.method == "OPTIONS" {
            self.preflight(&request)
        } else {
            let detail = format!("Use {}.", self.method);
            Response::from(Problem::new(Code::MethodNotAllowed, detail)).with("Allow", self.methods())
        };
        self.finish(response, request.header("origin"))
    }

    fn preflight(&self, request: &Request) -> Response {
        let response = Response::empty(204);
        if request.header("origin").is_some_and(|origin| self.allows(origin)) {
            response
                .with("Access-Control-Allow-Methods", self.methods())
                .with("Access-Control-Allow-Headers", "content-type")
                .with("Access-Control-Max-Age", "600")
        } else {
            response.with("Allow", self.methods())
        }
    }

    /// What every answer carries. The answer depends on the origin even when there is none, hence `Vary` always. It is kept nowhere
    /// unless the route itself says otherwise.
    fn finish(&self, mut response: Response, origin: Option<&str>) -> Response {
        response.headers.entry("Cache-Control").or_insert_with(|| "no-store".into());
        let response = response.with("Vary", "Origin");
        match origin {
            Some(origin) if self.allows(origin) => response.with("Access-Control-Allow-Origin", origin),
            _ => response,
        }
    }

    fn allows(&self, origin: &str) -> bool {
        self.allowed_origins.iter().any(|allowed| allowed == origin)
    }

    fn methods(&self) -> String {
        format!("{}, OPTIONS", self.method)
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use serde_json::{Value, json};

    use super::*;

    /// Handlers here never wait, so polling once is enough.
    fn answer(edge: &Edge, event: &Value) -> Response {
        let event: Event = serde_json::from_value(event.clone()).unwrap();
        let handler = async |request: &Request| Response::json(200, &json!({"length": request.body.len()}));
        let future = std::pin::pin!(edge.answer(event, handler));
        match future.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(response) => response,
            Poll::Pending => unreachable!("nothing to wait for"),
        }
    }

    fn edge() -> Edge {
        Edge::of(FunctionName::Upload, vec!["https://blog.example".into()]).unwrap()
    }

    #[test]
    fn the_routes_method_reaches_the_handler_with_text_or_base64() {
        assert_eq!(answer(&edge(), &json!({"httpMethod": "POST", "body": "abc"})).body, r#"{"length":3}"#);
        let binary =
            json!({"httpMethod": "POST", "body": "AAECAw==", "isBase64Encoded": true, "headers": null});
        assert_eq!(answer(&edge(), &binary).body, r#"{"length":4}"#);
        assert_eq!(answer(&edge(), &json!({"httpMethod": "POST", "body": null})).body, r#"{"length":0}"#);
    }

    #[test]
    fn a_body_that_is_not_base64_is_the_callers_mistake() {
        let event = json!({"httpMethod": "POST", "body": "*", "isBase64Encoded": true});
        assert_eq!(answer(&edge(), &event).status_code, 400);
    }

    #[test]
    fn other_methods_are_told_what_is_allowed() {
        for method in ["GET", "PUT", "DELETE", "HEAD", "post", "", "TRACE"] {
            let response = answer(&edge(), &json!({"httpMethod": method}));
            assert_eq!(response.status_code, 405, "{method}");
            assert_eq!(response.headers["Allow"], "POST, OPTIONS");
            assert_eq!(response.headers["Content-Type"], "application/problem+json");
        }
    }

    #[test]
    fn only_allowed_origins_get_cors_headers() {
        for name in ["Origin", "origin", "ORIGIN"] {
            let event = json!({"httpMethod": "POST", "body": "", "headers": {name: "https://blog.example"}});
            assert_eq!(
                answer(&edge(), &event).headers["Access-Control-Allow-Origin"],
                "https://blog.example"
            );
        }
        for origin in [
            "https://evil.example",
            "null",
            "https://blog.example.evil.example",
            "HTTPS://BLOG.EXAMPLE",
            "*",
            "",
        ] {
            let event = json!({"httpMethod": "POST", "body": "", "headers": {"origin": origin}});
            let response = answer(&edge(), &event);
            assert!(!response.headers.contains_key("Access-Control-Allow-Origin"), "{origin}");
            assert_eq!(response.headers["Vary"], "Origin");
        }
    }

    #[test]
    fn errors_carry_cors_headers_too_so_that_the_page_can_read_them() {
        let event = json!({"httpMethod": "GET", "headers": {"origin": "https://blog.example"}});
        assert_eq!(answer(&edge(), &event).headers["Access-Control-Allow-Origin"], "https://blog.example");
    }

    #[test]
    fn preflights_are_answered_without_the_handler() {
        let allowed =
            answer(&edge(), &json!({"httpMethod": "OPTIONS", "headers": {"Origin": "https://blog.example"}}));
        assert_eq!((allowed.status_code, allowed.body.as_str()), (204, ""));
        assert_eq!(allowed.headers["Access-Control-Allow-Methods"], "POST, OPTIONS");
        let other =
            answer(&edge(), &json!({"httpMethod": "OPTIONS", "headers": {"Origin": "https://evil.example"}}));
        assert_eq!(other.status_code, 204);
        assert!(other.headers.keys().all(|name| !name.starts_with("Access-Control")));
    }

    #[test]
    fn a_version_is_known_by_any_of_the_callers_tags() {
        let tag = "W/\"abc\"";
        for known in ["W/\"abc\"", "\"abc\"", "\"x\", W/\"abc\"", "*", " W/\"abc\" ,\"y\""] {
            assert!(is_known(tag, Some(known)), "{known}");
        }
        for other in ["", "abc", "\"ab\"", "W/", "\"abc\"x", "W/\"ABC\""] {
            assert!(!is_known(tag, Some(other)), "{other}");
        }
        assert!(!is_known(tag, None));
    }

    #[test]
    fn problems_are_counted_by_their_code() {
        crate::invocation::begin(crate::invocation::Ids::default());
        let event = serde_json::from_value(json!({"httpMethod": "POST"})).unwrap();
        let edge = edge();
        let future = std::pin::pin!(edge.answer(event, async |_: &Request| Err(Problem::internal())));
        assert!(future.poll(&mut Context::from_waker(Waker::noop())).is_ready());
        let (ids, measures) = crate::invocation::end();
        let source = metrics::Source { gallery: "a/b".into(), function: "upload" };
        let lines = measures.lines(&source, &ids, jiff::Timestamp::UNIX_EPOCH);
        assert_eq!((lines[1]["Reason"].as_str(), lines[1]["Failures"].as_u64()), (Some("Internal"), Some(1)));
    }

    #[test]
    fn the_thumbnail_function_has_no_route() {
        assert!(Edge::of(FunctionName::Thumbnail, Vec::new()).is_none());
    }
}

//! Errors as each of AWS's protocols says them, and values out of requests and answers.

use bytes::Bytes;
use http::{Method, Response, StatusCode, header};
use serde_json::{Value, json};

use super::rules::Refusal;
use crate::proxy::Call;

/// A refusal in the form of the call's service.
pub(super) fn refusal(call: &Call, refusal: &Refusal, message: &str) -> Response<Bytes> {
    let Refusal { status, code, message: _, retry_after, body } = refusal;
    let mut answer = match (body, code.is_empty()) {
        (Some(body), _) => plain("text/html", body.clone()),
        (None, true) => Response::new(Bytes::new()),
        (None, false) => error(call, code, message),
    };
    *answer.status_mut() = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Some(seconds) = retry_after {
        answer.headers_mut().insert(header::RETRY_AFTER, (*seconds).into());
    }
    if call.parts.method == Method::HEAD {
        *answer.body_mut() = Bytes::new();
    }
    answer
}

fn error(call: &Call, code: &str, message: &str) -> Response<Bytes> {
    let message = message.replace("{resource}", &call.resource);
    match call.service.as_str() {
        "s3" => xml(&format!(
            "<Error><Code>{code}</Code><Message>{}</Message><RequestId>{}</RequestId><HostId>weather</HostId></Error>",
            escaped(&message),
            call.number
        )),
        "lambda" | "apigateway" => {
            // Lambda says it in two ways.
            let key = if code == "ResourceNotFoundException" && call.service == "lambda" {
                "Message"
            } else {
                "message"
            };
            let body = if call.service == "lambda" {
                json!({ "Type": "User", key: message })
            } else {
                json!({ key: message })
            };
            let mut answer = plain("application/json", body.to_string());
            if let Ok(code) = code.parse() {
                answer.headers_mut().insert("x-amzn-errortype", code);
            }
            answer
        }
        "dynamodb" => {
            let kind = format!("com.amazonaws.dynamodb.v20120810#{code}");
            plain("application/x-amz-json-1.0", json!({ "__type": kind, "message": message }).to_string())
        }
        "logs" => {
            plain("application/x-amz-json-1.1", json!({ "__type": code, "message": message }).to_string())
        }
        "" => plain("application/json", json!({ "message": message }).to_string()),
        service => {
            let namespace = match service {
                "cloudfront" => "http://cloudfront.amazonaws.com/doc/2020-05-31/",
                "sts" => "https://sts.amazonaws.com/doc/2011-06-15/",
                _ => "https://iam.amazonaws.com/doc/2010-05-08/",
            };
            xml(&format!(
                "<ErrorResponse xmlns=\"{namespace}\"><Error><Type>Sender</Type><Code>{code}</Code>\
                 <Message>{}</Message></Error><RequestId>{}</RequestId></ErrorResponse>",
                escaped(&message),
                call.number
            ))
        }
    }
}

/// A success.
pub(super) fn success(status: u16, body: &str) -> Response<Bytes> {
    let mut answer = plain("application/json", body.to_owned());
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    answer
}

fn xml(body: &str) -> Response<Bytes> {
    plain("text/xml", format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{body}"))
}

fn plain(kind: &'static str, body: String) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::from(body));
    answer.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    answer
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The text of the first element of this name.
pub(super) fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(text, _)| text)
}

/// A field of a JSON object.
pub(super) fn field(body: &[u8], name: &str) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    body[name].as_str().map(str::to_owned)
}

/// Of an ARN its last part; anything else as it is.
pub(super) fn last_part(value: &str) -> &str {
    if value.starts_with("arn:") { value.rsplit([':', '/']).next().unwrap_or(value) } else { value }
}

/// Does some list say another `Quantity` than it has `Items`?
pub(super) fn is_miscounted(text: &str) -> bool {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("<Quantity>") {
        rest = after;
        let Some((count, list)) = after.split_once("</Quantity>") else { return true };
        let items = list.strip_prefix("<Items>").map_or(0, children);
        if count.parse() != Ok(items) {
            return true;
        }
    }
    false
}

/// How many elements stand here side by side, up to the end of what holds them.
fn children(text: &str) -> usize {
    let (mut depth, mut count, mut rest) = (0_usize, 0, text);
    while let Some((_, after)) = rest.split_once('<') {
        let Some((tag, next)) = after.split_once('>') else { return count };
        rest = next;
        if tag.starts_with('/') {
            if depth == 0 {
                return count;
            }
            depth -= 1;
        } else {
            count += usize::from(depth == 0);
            depth += usize::from(!tag.ends_with('/'));
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_counted_as_cloudfront_counts_them() {
        for right in [
            "<Origins><Quantity>1</Quantity><Items><Origin><CustomHeaders><Quantity>0</Quantity></CustomHeaders></Origin></Items></Origins>",
            "<Methods><Quantity>2</Quantity><Items><Method>GET</Method><Method>HEAD</Method></Items></Methods>",
            "<Aliases><Quantity>0</Quantity></Aliases>",
            "nothing",
        ] {
            assert!(!is_miscounted(right), "{right}");
        }
        for wrong in [
            "<Methods><Quantity>3</Quantity><Items><Method>GET</Method><Method>HEAD</Method></Items></Methods>",
            "<Aliases><Quantity>1</Quantity></Aliases>",
        ] {
            assert!(is_miscounted(wrong), "{wrong}");
        }
    }
}

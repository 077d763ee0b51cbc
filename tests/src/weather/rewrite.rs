//! Answers that say something else than AWS said.

use bytes::Bytes;
use http::{Request, Response, header};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::rules::{Page, Rewrite};
use crate::proxy::{Call, Upstream};

/// Sets fields and elements.
pub(super) fn rewrite(answer: &mut Response<Bytes>, rewrite: &Rewrite) {
    let Rewrite { json, xml, fill } = rewrite;
    if !json.is_empty()
        && let Ok(mut value) = serde_json::from_slice::<Value>(answer.body())
    {
        for (pointer, wanted) in json {
            set(&mut value, pointer, wanted);
        }
        replace(answer, value.to_string());
    }
    if xml.is_empty() && fill.is_empty() {
        return;
    }
    let mut text = String::from_utf8_lossy(answer.body()).into_owned();
    for (name, wanted) in xml {
        text = with_elements(&text, name, wanted);
    }
    for (parent, elements) in fill {
        for element in elements {
            text = filled(&text, parent, element);
        }
    }
    replace(answer, text);
}

fn replace(answer: &mut Response<Bytes>, body: String) {
    answer.headers_mut().remove(header::CONTENT_LENGTH);
    *answer.body_mut() = Bytes::from(body);
}

/// `/a/b` sets `b` of `a`, where there is an `a`.
fn set(value: &mut Value, pointer: &str, wanted: &Value) {
    let (pointer, only_there) = pointer.strip_suffix('?').map_or((pointer, false), |pointer| (pointer, true));
    let Some((parent, name)) = pointer.rsplit_once('/') else { return };
    if let Some(Value::Object(parent)) = value.pointer_mut(parent)
        && (!only_there || parent.contains_key(name))
    {
        parent.insert(name.to_owned(), wanted.clone());
    }
}

fn with_elements(text: &str, name: &str, wanted: &str) -> String {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let mut parts = text.split(&open);
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.split_once(&close).map_or(part, |(_, rest)| rest);
        result.push_str(&format!("{open}{wanted}{close}{rest}"));
    }
    result
}

/// Puts an element before each end of `parent` that holds none of that name yet.
fn filled(text: &str, parent: &str, element: &str) -> String {
    let name = element.trim_start_matches('<').split(['>', '/', ' ']).next().unwrap_or_default();
    let (open, close) = (format!("<{parent}>"), format!("</{parent}>"));
    let mut parts = text.split(&open);
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (inner, rest) = part.split_once(&close).unwrap_or((part, ""));
        let has = inner.contains(&format!("<{name}>")) || inner.contains(&format!("<{name}/>"));
        let more = if has { "" } else { element };
        result.push_str(&format!("{open}{inner}{more}{close}{rest}"));
    }
    result
}

/// Tokens of ours begin like this.
const TOKEN: &str = "weather-";

/// One item of a list that AWS gives as a whole, and where the next one is. A request that asks for the next one is repeated as the
/// root, without our token, which AWS does not know.
pub(super) async fn page(
    call: &Call,
    aws: &Upstream<'_>,
    answer: Response<Bytes>,
    page: &Page,
) -> Response<Bytes> {
    let at = asked(call, page).and_then(|token| token.strip_prefix(TOKEN)?.parse::<usize>().ok());
    let whole = match at {
        None => answer,
        Some(_) => match aws.send(without_token(call, page)).await {
            Ok(answer) => answer,
            Err(_) => return answer,
        },
    };
    if !whole.status().is_success() {
        return whole;
    }
    cut(whole, at.unwrap_or_default(), page)
}

/// Keeps the item `at`.
fn cut(mut whole: Response<Bytes>, at: usize, page: &Page) -> Response<Bytes> {
    let Page { items, next, .. } = page;
    if let Ok(mut value) = serde_json::from_slice::<Value>(whole.body()) {
        let Some(Value::Array(all)) = value.get_mut(items) else { return whole };
        let more = at + 1 < all.len();
        *all = all.get(at).cloned().into_iter().collect();
        if more {
            value[next] = format!("{TOKEN}{}", at + 1).into();
        }
        replace(&mut whole, value.to_string());
        return whole;
    }
    let text = String::from_utf8_lossy(whole.body()).into_owned();
    let (open, close) = (format!("<{items}>"), format!("</{items}>"));
    let (Some(start), Some(end)) = (text.find(&open), text.rfind(&close)) else { return whole };
    let end = end + close.len();
    let all: Vec<_> = text[start..end].split_inclusive(&close).collect();
    let more = at + 1 < all.len();
    let kept = all.get(at).copied().unwrap_or_default();
    let mut head = with_elements(&text[..start], "Quantity", if kept.is_empty() { "0" } else { "1" });
    let mut tail = text[end..].to_owned();
    if more {
        let marker = format!("<{next}>{TOKEN}{}</{next}>", at + 1);
        head = with_elements(&head, "IsTruncated", "true");
        tail = with_elements(&tail, "IsTruncated", "true");
        tail = tail.replacen("</Items>", &format!("</Items>{marker}"), 1);
        if !tail.contains(&marker) {
            // S3 has its items and its token side by side.
            tail = format!("{marker}{tail}");
        }
    }
    replace(&mut whole, format!("{head}{kept}{tail}"));
    whole
}

/// The token that the request carries.
fn asked(call: &Call, page: &Page) -> Option<String> {
    let pairs = call.parts.uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    let mut pairs = pairs.filter(|(key, _)| *key == page.asked);
    let in_query = pairs.next().map(|(_, value)| percent_decode_str(value).decode_utf8_lossy().into_owned());
    in_query.or_else(|| super::wire::field(&call.body, &page.asked))
}

fn without_token(call: &Call, page: &Page) -> Request<Bytes> {
    let mut request = as_root(call);
    let path = call.parts.uri.path();
    let pairs = call.parts.uri.query().unwrap_or_default().split('&');
    let rest: Vec<_> = pairs.filter(|pair| !pair.starts_with(&format!("{}=", page.asked))).collect();
    if let Ok(uri) = format!("{path}?{}", rest.join("&")).parse() {
        *request.uri_mut() = uri;
    }
    if let Ok(Value::Object(mut body)) = serde_json::from_slice::<Value>(&call.body) {
        body.remove(&page.asked);
        let body = Value::Object(body).to_string();
        request.headers_mut().insert(header::CONTENT_LENGTH, body.len().into());
        *request.body_mut() = Bytes::from(body);
    }
    request
}

/// The same request by the root of the account, whose signature the local AWS does not check.
pub(super) fn as_root(call: &Call) -> Request<Bytes> {
    let mut request = call.request();
    let scope = format!(
        "AWS4-HMAC-SHA256 Credential=test/20260101/{}/{}/aws4_request, SignedHeaders=host, Signature=0",
        call.region, call.service
    );
    if let Ok(scope) = scope.parse() {
        request.headers_mut().insert(header::AUTHORIZATION, scope);
    }
    request
}

/// The creation that undoes the deletion of a log group, without anything that was set on it.
pub(super) fn bare_again(call: &Call) -> Request<Bytes> {
    let mut request = as_root(call);
    request
        .headers_mut()
        .insert("x-amz-target", http::HeaderValue::from_static("Logs_20140328.CreateLogGroup"));
    request
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &str) -> Response<Bytes> {
        Response::new(Bytes::from(body.to_owned()))
    }

    fn text(answer: &Response<Bytes>) -> String {
        String::from_utf8_lossy(answer.body()).into_owned()
    }

    #[test]
    fn fields_and_elements_are_set_where_their_parents_are() {
        let changes: Rewrite = serde_norway::from_str(
            "json: {/Configuration/State: Pending, /Nowhere/State: x, /Tags?: {}}\n\
             xml: {Status: InProgress}\n\
             fill: {DistributionConfig: [<Staging>false</Staging>, '<Comment></Comment>']}",
        )
        .unwrap();
        let mut json = answer(r#"{"Configuration": {"State": "Active"}}"#);
        rewrite(&mut json, &changes);
        assert_eq!(text(&json), r#"{"Configuration":{"State":"Pending"}}"#);
        let mut xml = answer(
            "<D><Status>Deployed</Status><DistributionConfig><Comment>a</Comment></DistributionConfig></D>",
        );
        rewrite(&mut xml, &changes);
        assert_eq!(
            text(&xml),
            "<D><Status>InProgress</Status><DistributionConfig><Comment>a</Comment><Staging>false</Staging></DistributionConfig></D>"
        );
    }

    #[test]
    fn a_list_is_cut_into_pages_of_one() {
        let page =
            |items: &str, next: &str| Page { items: items.into(), next: next.into(), asked: "token".into() };
        let list = || answer(r#"{"item":[1,2]}"#);
        assert_eq!(
            text(&cut(list(), 0, &page("item", "position"))),
            r#"{"item":[1],"position":"weather-1"}"#
        );
        assert_eq!(text(&cut(list(), 1, &page("item", "position"))), r#"{"item":[2]}"#);
        let list = || {
            answer(
                "<L><IsTruncated>false</IsTruncated><Quantity>2</Quantity><Items><S>a</S><S>b</S></Items></L>",
            )
        };
        assert_eq!(
            text(&cut(list(), 0, &page("S", "NextMarker"))),
            "<L><IsTruncated>true</IsTruncated><Quantity>1</Quantity><Items><S>a</S></Items><NextMarker>weather-1</NextMarker></L>"
        );
        assert_eq!(
            text(&cut(list(), 1, &page("S", "NextMarker"))),
            "<L><IsTruncated>false</IsTruncated><Quantity>1</Quantity><Items><S>b</S></Items></L>"
        );
    }
}

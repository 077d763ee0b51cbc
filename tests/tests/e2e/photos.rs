//! The API as a program would use it: upload, list, delete, and what it says to nonsense.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use functions_core::contract::FunctionName;
use http::{Method, Request, Response};
use image::ImageFormat;
use photogallery_operator::graph::BucketRole;
use photogallery_tests::visitor::{self, Visitor};
use photogallery_tests::wait;
use serde_json::{Value, json};

use crate::support::pictures::{encoded, ensure_upright, phone_jpeg, picture};
use crate::support::{Gallery, shared};

/// From the upload to the row: an event, a decoded picture, four writes.
const PATIENCE: Duration = Duration::from_secs(30);
const FRIEND: &str = "https://www.example.com";

#[test]
fn photos_are_uploaded_listed_newest_first_shown_upright_and_deleted_for_good() -> Result<()> {
    shared(async |stack| {
        let gallery = Gallery::apply(stack, "photos", json!({})).await?;
        let visitor = gallery.visitor().await?;
        let files = [
            ("phone.jpg", "image/jpeg", phone_jpeg(600, 800)?, (600, 800), (300, 400)),
            (
                "Été à Paris ☀.png",
                "image/png",
                encoded(&picture(800, 400), ImageFormat::Png)?,
                (800, 400),
                (400, 200),
            ),
            (
                "small.webp",
                "image/webp",
                encoded(&picture(120, 80), ImageFormat::WebP)?,
                (120, 80),
                (120, 80),
            ),
        ];
        let mut ids = Vec::new();
        for (name, content_type, bytes, ..) in &files {
            ids.push(visitor.upload(name, content_type, bytes).await?);
        }
        let photos = processed(&visitor, 3).await?;

        for (photo, (id, file)) in photos.iter().zip(ids.iter().zip(&files).rev()) {
            let (name, content_type, bytes, size, thumbnail) = file;
            ensure!(photo["photoId"] == **id && photo["filename"] == *name, "newest first: {photos:#?}");
            ensure!(photo["status"] == "ready" && photo["contentType"] == *content_type, "{photo:#}");
            ensure!(
                photo["fileSize"] == bytes.len() && photo["width"] == size.0 && photo["height"] == size.1
            );
            let shown = follow(&photo["thumbnailUrl"]).await?;
            ensure!(shown.status() == 200 && shown.headers()["content-type"] == "image/jpeg", "{shown:?}");
            ensure_upright(shown.body(), *thumbnail).with_context(|| format!("the thumbnail of {name}"))?;
            let original = follow(&photo["url"]).await?;
            ensure!(
                original.status() == 200 && original.body() == bytes,
                "the original of {name} is not what was sent"
            );
            ensure!(original.headers()["content-type"] == *content_type, "{original:?}");
        }
        pages_follow_each_other(&visitor, &ids).await?;
        a_page_is_sent_compressed_and_once(&visitor).await?;
        nothing_is_left_under_incoming(&gallery).await?;
        deleted_is_deleted(&gallery, &visitor, &ids).await
    })
}

async fn pages_follow_each_other(visitor: &Visitor, ids: &[String]) -> Result<()> {
    let mut seen = Vec::new();
    let mut path = "/api/photos?limit=2".to_owned();
    for last in [false, true] {
        let (status, page) = visitor.api(Method::GET, &path, None).await?;
        ensure!(status == 200, "{page:#}");
        seen.extend(page["photos"].as_array().into_iter().flatten().map(|photo| photo["photoId"].clone()));
        ensure!(page["nextCursor"].is_null() == last, "{page:#}");
        path = format!("/api/photos?limit=2&cursor={}", page["nextCursor"].as_str().unwrap_or_default());
    }
    let newest_first: Vec<_> = ids.iter().rev().cloned().map(Value::String).collect();
    ensure!(seen == newest_first, "{seen:?} is not {newest_first:?}");
    Ok(())
}

async fn a_page_is_sent_compressed_and_once(visitor: &Visitor) -> Result<()> {
    let get = async |header: &str, value: &str| {
        let request = Request::get("/api/photos").header(header, value);
        visitor.send(request.body(Bytes::new())?).await
    };
    let plain = get("accept-encoding", "identity").await?;
    let small = get("accept-encoding", "gzip, br").await?;
    ensure!(small.headers().get("content-encoding").is_some_and(|it| it == "gzip"), "{:?}", small.headers());
    ensure!(small.body().starts_with(&[0x1f, 0x8b]) && small.body().len() < plain.body().len() / 2);
    // Links are from the same quarter of an hour, except when it has just ended.
    let tag = small.headers()["etag"].to_str()?.to_owned();
    let again = get("if-none-match", &tag).await?;
    let is_known = again.status() == 304 && again.body().is_empty();
    ensure!(is_known || again.headers()["etag"] != tag, "{again:?}");
    ensure!(again.headers()["cache-control"] == "private, no-cache", "{again:?}");
    Ok(())
}

async fn deleted_is_deleted(gallery: &Gallery<'_>, visitor: &Visitor, ids: &[String]) -> Result<()> {
    let path = format!("/api/photos/{}", ids[1]);
    let (status, answer) = visitor.api(Method::DELETE, &path, None).await?;
    ensure!(status == 204, "{status}: {answer}");
    let left: Vec<_> = visitor.photos().await?.into_iter().map(|photo| photo["photoId"].clone()).collect();
    ensure!(left == [ids[2].as_str(), ids[0].as_str()], "{left:?}");
    let (identity, aws) = (gallery.identity(), gallery.stack.aws());
    for role in [BucketRole::Photos, BucketRole::Thumbnails] {
        let objects = aws.s3.list_objects_v2().bucket(identity.bucket(role)).send().await?;
        let kept =
            objects.contents().iter().filter(|object| object.key().is_some_and(|key| key.contains(&ids[1])));
        ensure!(kept.count() == 0, "the {} bucket still has it", role.as_str());
        ensure!(objects.contents().len() == 2, "{:#?}", objects.contents());
    }
    // Of the deleted one there is a mark and nothing else.
    let rows = aws.dynamodb.scan().table_name(identity.table()).send().await?;
    let text = |value: &str| AttributeValue::S(value.to_owned());
    let mark = [("photoId", text(&ids[1])), ("status", text("deleted"))];
    let mark = mark.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    ensure!(rows.count() == 3 && rows.items().contains(&mark), "{:#?}", rows.items());

    let (status, answer) = visitor.api(Method::DELETE, &path, None).await?;
    ensure!(status == 204, "once more: {status}: {answer}");
    for (path, status, code) in [
        ("/api/photos/01ARZ3NDEKTSV4RRFFQ69G5FAV", 404, "NotFound"),
        ("/api/photos/not-an-id", 400, "InvalidPhotoId"),
    ] {
        is_problem(&ask(visitor, Method::DELETE, path, &[], "").await?, status, code)?;
    }
    Ok(())
}

#[test]
fn nonsense_is_answered_with_a_problem_that_has_a_stable_code() -> Result<()> {
    shared(async |stack| {
        let gallery = Gallery::apply(stack, "nonsense", json!({})).await?;
        let visitor = gallery.visitor().await?;
        let upload = |name: &str, kind: &str, size: Value| {
            json!({ "filename": name, "contentType": kind, "size": size }).to_string()
        };
        let long = "x".repeat(40_000);
        let cases = [
            ("not json".to_owned(), 400, "BadJson"),
            (String::new(), 400, "BadJson"),
            ("[]".into(), 400, "BadJson"),
            ("{}".into(), 400, "BadRequest"),
            (json!({ "filename": 7, "contentType": "image/png", "size": 1 }).to_string(), 400, "BadRequest"),
            (upload("../..", "image/png", json!(1)), 400, "InvalidFilename"),
            (upload("\u{202e}\u{0}", "image/png", json!(1)), 400, "InvalidFilename"),
            (upload("a.svg", "image/svg+xml", json!(1)), 415, "UnsupportedContentType"),
            (upload("a.html", "text/html", json!(1)), 415, "UnsupportedContentType"),
            (upload("a.png", "image/png", json!(0)), 400, "InvalidSize"),
            (upload("a.png", "image/png", json!(-5)), 400, "InvalidSize"),
            (upload("a.png", "image/png", json!("12")), 400, "InvalidSize"),
            (upload("a.png", "image/png", json!(25 * 1024 * 1024 + 1)), 413, "TooLarge"),
            (upload("a.png", "image/png", json!(1e300)), 413, "TooLarge"),
            (upload(&long, "image/png", json!(1)), 400, "BadRequest"),
        ];
        for (body, status, code) in &cases {
            let answer = ask(&visitor, Method::POST, "/api/upload", &[], body).await?;
            is_problem(&answer, *status, code).with_context(|| format!("for {body:.100}"))?;
        }
        for (path, code) in [
            ("/api/photos?limit=0", "InvalidLimit"),
            ("/api/photos?limit=101", "InvalidLimit"),
            ("/api/photos?limit=ten", "InvalidLimit"),
            ("/api/photos?cursor=..%2F..", "InvalidCursor"),
            ("/api/photos?cursor=eyJwaG90b0lkIjoiMDEifQ", "InvalidCursor"),
        ] {
            let answer = ask(&visitor, Method::GET, path, &[], "").await?;
            is_problem(&answer, 400, code).with_context(|| path.to_owned())?;
        }
        for (method, path) in
            [(Method::PUT, "/api/upload"), (Method::GET, "/api/secrets"), (Method::GET, "/api/photos/x")]
        {
            let answer = ask(&visitor, method, path, &[], "").await?;
            ensure!(matches!(answer.status().as_u16(), 404 | 405), "{path} answers {}", answer.status());
        }
        ensure!(visitor.photos().await?.is_empty());
        Ok(())
    })
}

#[test]
fn only_origins_that_the_spec_names_may_call_from_other_pages() -> Result<()> {
    shared(async |stack| {
        let api = json!({ "api": { "additionalAllowedOrigins": [FRIEND] } });
        let gallery = Gallery::apply(stack, "origins", api).await?;
        let visitor = gallery.visitor().await?;
        let status = gallery.status().await?;
        let own = status["url"].as_str().context("no url")?;
        let strangers = ["https://evil.example.com", "https://www.example.com.evil.com", "null"];

        let preflight = ("access-control-request-method", "POST");
        for path in ["/api/upload", "/api/photos"] {
            let answer = ask(&visitor, Method::OPTIONS, path, &[("origin", FRIEND), preflight], "").await?;
            ensure!(
                answer.headers().get("access-control-allow-origin").is_some_and(|it| it == FRIEND),
                "{answer:?}"
            );
            for stranger in strangers {
                let answer =
                    ask(&visitor, Method::OPTIONS, path, &[("origin", stranger), preflight], "").await?;
                ensure!(
                    answer.headers().get("access-control-allow-origin").is_none(),
                    "{stranger}: {answer:?}"
                );
            }
        }
        let answer = ask(&visitor, Method::GET, "/api/photos", &[("origin", FRIEND)], "").await?;
        ensure!(
            answer.headers().get("access-control-allow-origin").is_some_and(|it| it == FRIEND),
            "{answer:?}"
        );
        for stranger in strangers {
            let answer = ask(&visitor, Method::GET, "/api/photos", &[("origin", stranger)], "").await?;
            ensure!(answer.headers().get("access-control-allow-origin").is_none(), "{stranger}: {answer:?}");
        }

        // The same for uploads, which go to the bucket itself.
        let upload = visitor.request_upload("a.png", "image/png", 10).await?;
        let bucket = upload.url.parse::<http::Uri>()?;
        for (origin, allowed) in [(own, true), (FRIEND, true), (strangers[0], false), (strangers[1], false)] {
            let request = Request::options(bucket.path())
                .header("origin", origin)
                .header("access-control-request-method", "POST")
                .body(Bytes::new())?;
            let host = bucket.authority().context("no host")?.as_str();
            let answer = visitor::send(stack.aws.port, host, request).await?;
            let says =
                answer.headers().get("access-control-allow-origin").map(|value| value.to_str().unwrap_or(""));
            ensure!((says == Some(origin)) == allowed, "{origin}: {} {says:?}", answer.status());
            ensure!(says != Some("*"));
        }
        Ok(())
    })
}

#[test]
fn a_hostile_file_fails_with_a_reason_and_nothing_of_it_is_kept() -> Result<()> {
    shared(async |stack| {
        let gallery = Gallery::apply(stack, "hostile", json!({})).await?;
        let visitor = gallery.visitor().await?;
        let jpeg = phone_jpeg(600, 800)?;
        let png = encoded(&picture(400, 300), ImageFormat::Png)?;
        let page = b"<!doctype html><script>alert(document.domain)</script>".to_vec();
        let files = [
            ("page.jpg", "image/jpeg", page),
            // Of a picture that ends later, what there is can be shown.
            ("cut.jpg", "image/jpeg", jpeg[..300].to_vec()),
            ("cut.png", "image/png", png[..png.len() / 2].to_vec()),
            ("liar.jpg", "image/jpeg", encoded(&picture(60, 40), ImageFormat::Png)?),
            ("noise.png", "image/png", [b"\x89PNG\r\n\x1a\n".as_slice(), &[7; 500]].concat()),
        ];
        for (name, content_type, bytes) in &files {
            visitor.upload(name, content_type, bytes).await?;
        }
        let photos = processed(&visitor, files.len()).await?;

        for photo in &photos {
            ensure!(photo["status"] == "failed", "{photo:#}");
            let reason = photo["reason"].as_str().unwrap_or_default();
            ensure!(reason.len() > 10 && reason.ends_with('.'), "the reason is no sentence: {photo:#}");
            ensure!(photo.get("url").is_none() && photo.get("thumbnailUrl").is_none(), "{photo:#}");
        }
        let (identity, aws) = (gallery.identity(), stack.aws());
        nothing_is_left_under_incoming(&gallery).await?;
        for role in [BucketRole::Photos, BucketRole::Thumbnails] {
            let objects = aws.s3.list_objects_v2().bucket(identity.bucket(role)).send().await?;
            ensure!(objects.contents().is_empty(), "{} keeps {:?}", role.as_str(), objects.contents());
        }
        let logs = log_of(&gallery, FunctionName::Thumbnail).await?;
        ensure!(!logs.contains("ERROR"), "the function was troubled:\n{logs}");

        // The function is as well as before.
        visitor.upload("phone.jpg", "image/jpeg", &jpeg).await?;
        let photos = processed(&visitor, files.len() + 1).await?;
        ensure!(photos[0]["status"] == "ready", "{:#}", photos[0]);
        for failed in &photos[1..] {
            let path = format!("/api/photos/{}", failed["photoId"].as_str().unwrap_or_default());
            ensure!(
                visitor.api(Method::DELETE, &path, None).await?.0 == 204,
                "a failed photo cannot be removed"
            );
        }
        Ok(())
    })
}

/// Waits until so many photos have been looked at. The answer is the list.
pub async fn processed(visitor: &Visitor, count: usize) -> Result<Vec<Value>> {
    let what = format!("{count} photos with their thumbnails");
    let found = wait::until(&what, PATIENCE, async || {
        let photos = visitor.photos().await?;
        Ok((photos.len() >= count).then_some(photos))
    });
    match found.await {
        Ok(photos) => Ok(photos),
        Err(error) => Err(error.context(format!("listed are {:#?}", visitor.photos().await?))),
    }
}

/// Opens a link of the list.
pub async fn follow(link: &Value) -> Result<Response<Bytes>> {
    let link: http::Uri = link.as_str().context("no link")?.parse()?;
    let authority = link.authority().context("no host")?;
    let path = link.path_and_query().context("no path")?.as_str();
    visitor::get(authority.port_u16().unwrap_or(80), authority.as_str(), path).await
}

/// The file that arrived goes last, a moment after the photo is listed.
pub async fn nothing_is_left_under_incoming(gallery: &Gallery<'_>) -> Result<()> {
    let bucket = gallery.identity().bucket(BucketRole::Photos);
    wait::until("incoming/ to be empty", Duration::from_secs(10), async || {
        let objects =
            gallery.stack.aws().s3.list_objects_v2().bucket(&bucket).prefix("incoming/").send().await?;
        Ok(objects.contents().is_empty().then_some(()))
    })
    .await
}

async fn log_of(gallery: &Gallery<'_>, function: FunctionName) -> Result<String> {
    let group = gallery.identity().log_group(function);
    let events = gallery.stack.aws().logs.filter_log_events().log_group_name(group).send().await?;
    Ok(events.events().iter().filter_map(|event| event.message()).collect::<Vec<_>>().join("\n"))
}

async fn ask(
    visitor: &Visitor,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<Response<Bytes>> {
    let mut request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    visitor.send(request.body(Bytes::from(body.to_owned()))?).await
}

fn is_problem(answer: &Response<Bytes>, status: u16, code: &str) -> Result<()> {
    let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    let kind = answer.headers().get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    ensure!(
        answer.status() == status && body["code"] == code,
        "{} {body}, not {status} {code}",
        answer.status()
    );
    ensure!(kind == "application/problem+json" && body["status"] == status, "{kind} {body}");
    ensure!(body["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{body}");
    Ok(())
}

//! What strangers can reach, and what a form that S3 accepts uploads with really permits.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use aws_sdk_s3::presigning::PresigningConfig;
use bytes::Bytes;
use http::{Method, Request, Response};
use photogallery_operator::graph::BucketRole;
use photogallery_tests::stack::Stack;
use photogallery_tests::visitor::{Upload, Visitor};
use serde_json::json;

use crate::photos::{follow, processed};
use crate::support::pictures::{SECRET, ensure_upright, phone_jpeg, telling_jpeg};
use crate::support::{Gallery, shared};

const ALL_BUCKETS: [BucketRole; 4] =
    [BucketRole::Artefacts, BucketRole::Frontend, BucketRole::Photos, BucketRole::Thumbnails];

#[test]
fn a_form_uploads_one_file_of_the_signed_key_type_and_size_and_nothing_else() -> Result<()> {
    shared(async |stack| {
        let gallery = Gallery::apply(stack, "forms", json!({ "photos": { "maxUploadMiB": 1 } })).await?;
        let visitor = gallery.visitor().await?;
        let other = gallery.identity().bucket(BucketRole::Thumbnails);
        let photo = phone_jpeg(60, 80)?;
        let form = visitor.request_upload("a.jpg", "image/jpeg", photo.len()).await?;

        let too_large = vec![0xff; 1024 * 1024 + 1];
        refused(&visitor, &form, &too_large, "EntityTooLarge").await?;
        refused(&visitor, &form, &[], "EntityTooSmall").await?;
        let id = &form.photo_id;
        for (what, field, value) in [
            ("another type", "Content-Type", Some("text/html".to_owned())),
            ("no type", "Content-Type", None),
            ("the key of a checked photo", "key", Some(format!("photos/{id}"))),
            ("another incoming key", "key", Some("incoming/01ARZ3NDEKTSV4RRFFQ69G5FAV".into())),
            ("a key that climbs", "key", Some(format!("incoming/{id}/../../x"))),
            ("public access", "acl", Some("public-read".into())),
            ("another name", "x-amz-meta-filename", Some("evil.html".into())),
        ] {
            let mut altered = form.clone();
            match value {
                Some(value) => set(&mut altered, field, &value),
                None => drop(altered.fields.remove(field)),
            }
            refused(&visitor, &altered, &photo, "AccessDenied").await.with_context(|| what.to_owned())?;
        }
        let mut elsewhere = form.clone();
        elsewhere.url = form.url.replace(&gallery.identity().bucket(BucketRole::Photos), &other);
        ensure!(elsewhere.url != form.url, "{}", form.url);
        refused(&visitor, &elsewhere, &photo, "AccessDenied").await.context("another bucket")?;
        let mut unsigned = form.clone();
        let signature =
            unsigned.fields.keys().find(|name| name.eq_ignore_ascii_case("x-amz-signature")).cloned();
        set(&mut unsigned, &signature.context("the form has no signature")?, &"0".repeat(64));
        refused(&visitor, &unsigned, &photo, "SignatureDoesNotMatch").await?;
        let objects = async |role| {
            let list =
                stack.aws().s3.list_objects_v2().bucket(gallery.identity().bucket(role)).send().await?;
            Ok::<_, anyhow::Error>(list.contents().len())
        };
        ensure!(objects(BucketRole::Photos).await? == 0 && objects(BucketRole::Thumbnails).await? == 0);

        // The form as it was given is good.
        let answer = visitor.post_form(&form, "a.jpg", &photo).await?;
        ensure!(answer.status() == 204, "{}", said(&answer));
        let photos = processed(&visitor, 1).await?;
        ensure!(photos[0]["status"] == "ready" && photos[0]["photoId"] == *form.photo_id, "{photos:#?}");
        Ok(())
    })
}

fn set(form: &mut Upload, field: &str, value: &str) {
    form.fields.insert(field.into(), value.into());
}

fn said(answer: &Response<Bytes>) -> String {
    format!("{}: {}", answer.status(), String::from_utf8_lossy(answer.body()))
}

async fn refused(visitor: &Visitor, form: &Upload, file: &[u8], code: &str) -> Result<()> {
    let answer = visitor.post_form(form, "a.jpg", file).await?;
    ensure!(answer.status() == 400 || answer.status() == 403, "{}", said(&answer));
    ensure!(said(&answer).contains(&format!("<Code>{code}</Code>")), "not {code}, but {}", said(&answer));
    Ok(())
}

#[test]
fn nothing_that_a_visitor_gets_says_where_a_photo_was_taken() -> Result<()> {
    shared(async |stack| {
        let sent = telling_jpeg(600, 800)?;
        let holds = |bytes: &[u8]| bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
        ensure!(holds(&sent));
        let gallery = Gallery::apply(stack, "positions", json!({})).await?;
        let visitor = gallery.visitor().await?;
        visitor.upload("beach.jpg", "image/jpeg", &sent).await?;
        let photos = processed(&visitor, 1).await?;
        let photo = &photos[0];
        ensure!(!holds(photo.to_string().as_bytes()), "{photo:#}");
        ensure!(photo["takenAt"] == "2026-07-04T18:30:00" && photo["camera"] == "Phone 17", "{photo:#}");
        let original = follow(&photo["url"]).await?;
        ensure!(!holds(original.body()) && !holds(follow(&photo["thumbnailUrl"]).await?.body()));
        ensure!(photo["fileSize"] == original.body().len(), "{photo:#}");
        let pixels = |bytes: &[u8]| anyhow::Ok(image::load_from_memory(bytes)?.into_bytes());
        ensure!(pixels(original.body())? == pixels(&sent)?, "the pixels are not what was sent");
        ensure_upright(follow(&photo["thumbnailUrl"]).await?.body(), (300, 400))?;
        let orientation = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06";
        ensure!(
            original.body().windows(orientation.len()).any(|window| window == orientation),
            "which way is up"
        );

        let keeping = Gallery::apply(stack, "keeping", json!({ "photos": { "metadata": "Keep" } })).await?;
        let visitor = keeping.visitor().await?;
        visitor.upload("beach.jpg", "image/jpeg", &sent).await?;
        let photos = processed(&visitor, 1).await?;
        ensure!(follow(&photos[0]["url"]).await?.body() == &sent, "kept as it was sent");
        ensure!(!holds(follow(&photos[0]["thumbnailUrl"]).await?.body()));
        Ok(())
    })
}

#[test]
fn strangers_reach_no_bucket_and_the_site_only_through_its_distribution() -> Result<()> {
    shared(async |stack| {
        let gallery = Gallery::apply(stack, "strangers", json!({})).await?;
        let visitor = gallery.visitor().await?;
        visitor.upload("a.jpg", "image/jpeg", &phone_jpeg(60, 80)?).await?;
        processed(&visitor, 1).await?;

        for role in ALL_BUCKETS {
            let bucket = gallery.identity().bucket(role);
            let key = some_key(stack, &bucket).await?;
            for (method, path) in [
                (Method::GET, format!("/{bucket}")),
                (Method::GET, format!("/{bucket}?policy")),
                (Method::GET, format!("/{bucket}/{key}")),
                (Method::HEAD, format!("/{bucket}/{key}")),
                (Method::PUT, format!("/{bucket}/evil.html")),
                (Method::PUT, format!("/{bucket}/{key}")),
                (Method::DELETE, format!("/{bucket}/{key}")),
                (Method::POST, format!("/{bucket}?delete")),
            ] {
                let answer = anonymously(stack, method.clone(), &path, "x").await?;
                ensure!(answer.status() == 403, "{method} {path} by nobody answers {}", answer.status());
            }
            let access = stack.aws().s3.get_public_access_block().bucket(&bucket).send().await?;
            let access = access.public_access_block_configuration.context("no public access block")?;
            let blocked = [
                access.block_public_acls(),
                access.ignore_public_acls(),
                access.block_public_policy(),
                access.restrict_public_buckets(),
            ];
            ensure!(blocked == [Some(true); 4], "{bucket}: {access:?}");
        }
        the_page_has_its_headers(&visitor).await
    })
}

async fn the_page_has_its_headers(visitor: &Visitor) -> Result<()> {
    let page = visitor.get("/").await?;
    ensure!(page.status() == 200, "{}", said(&page));
    let header =
        |name: &str| page.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    ensure!(header("x-content-type-options") == "nosniff", "{page:?}");
    ensure!(header("strict-transport-security").starts_with("max-age="), "{page:?}");
    ensure!(!header("referrer-policy").is_empty() && !header("permissions-policy").is_empty(), "{page:?}");
    ensure!(header("cache-control").contains("no-cache"), "{page:?}");
    let policy = header("content-security-policy");
    ensure!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    ensure!(!policy.contains("unsafe-inline") && !policy.contains("unsafe-eval"), "{policy}");
    for method in [Method::PUT, Method::DELETE, Method::POST] {
        let request = Request::builder().method(method.clone()).uri("/index.html").body(Bytes::new())?;
        let answer = visitor.send(request).await?;
        ensure!(
            answer.status() == 403 || answer.status() == 405,
            "{method} of the page: {}",
            answer.status()
        );
    }
    let plain = Request::get("/").header("x-forwarded-proto", "http").body(Bytes::new())?;
    let answer = visitor.send(plain).await?;
    ensure!(answer.status() == 301, "plain HTTP answers {}", answer.status());
    ensure!(answer.headers()["location"].to_str()?.starts_with("https://"), "{answer:?}");
    Ok(())
}

#[test]
fn no_bucket_answers_plain_http_not_even_with_a_signature() -> Result<()> {
    shared(async |stack| {
        let gallery = Gallery::apply(stack, "plain-http", json!({})).await?;
        let visitor = gallery.visitor().await?;
        visitor.upload("a.jpg", "image/jpeg", &phone_jpeg(60, 80)?).await?;
        processed(&visitor, 1).await?;
        let reader = stack.aws_as(stack.developer.clone());

        for role in ALL_BUCKETS {
            let bucket = gallery.identity().bucket(role);
            let key = some_key(stack, &bucket).await?;
            let minutes = PresigningConfig::expires_in(Duration::from_mins(5))?;
            let link = reader.s3.get_object().bucket(&bucket).key(&key).presigned(minutes).await?;
            let link: http::Uri = link.uri().parse()?;
            let path = link.path_and_query().context("no path")?.as_str();
            for (protocol, status) in [("https", 200), ("http", 403)] {
                let request = Request::get(path).header("x-forwarded-proto", protocol).body(Bytes::new())?;
                let host = link.authority().context("no host")?.as_str();
                let answer = stack.request(host, request).await?;
                ensure!(answer.status() == status, "{bucket} over {protocol} answers {}", answer.status());
            }
        }
        Ok(())
    })
}

async fn some_key(stack: &Stack, bucket: &str) -> Result<String> {
    let objects = stack.aws().s3.list_objects_v2().bucket(bucket).send().await?;
    let key = objects.contents().first().and_then(|object| object.key());
    Ok(key.with_context(|| format!("{bucket} is empty"))?.to_owned())
}

async fn anonymously(
    stack: &Stack,
    method: Method,
    path: &str,
    body: &'static str,
) -> Result<Response<Bytes>> {
    let request = Request::builder().method(method).uri(path).body(Bytes::from_static(body.as_bytes()))?;
    stack.request(&format!("127.0.0.1:{}", stack.aws.port), request).await
}

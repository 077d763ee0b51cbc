//! Calls for `resources::site`.

use std::collections::BTreeMap;

use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use futures::{StreamExt, TryStreamExt, stream};

use super::error::{failed, found, unreadable};
use super::needs::{CallNeeds, Need, On, call};
use super::objects::Listed;
use super::{Clients, bucket, objects};
use crate::cloud::{CloudError, Seen};
use crate::gallery::Identity;
use crate::graph::BucketRole;
use crate::resources::site::{Change, Headers, Observed, Stored};

/// What IAM asks of whoever makes these calls.
pub(super) const NEEDS: &[CallNeeds] = &[
    call("s3", "HeadObject", &[Need("s3:GetObject", On::SiteObject)]),
    call("s3", "PutObject", &[Need("s3:PutObject", On::SiteObject)]),
];

const ROLE: BucketRole = BucketRole::Frontend;
/// Files whose headers are asked for at the same time.
const AT_ONCE: usize = 8;

/// Lists the files, and asks for the headers of those that were written since the last time.
pub(super) async fn observe(clients: &Clients, gallery: &Identity) -> Result<Seen<Observed>, CloudError> {
    let listed = objects::list(clients, gallery, ROLE, "").await?;
    clients.headers.list(&gallery.bucket(ROLE), listed.as_ref());
    let Some(listed) = listed else { return Ok(Seen::Nothing) };
    let stored = stream::iter(listed).map(|(path, listed)| stored(clients, gallery, path, listed));
    let stored: Vec<_> = stored.buffer_unordered(AT_ONCE).try_collect().await?;
    let files: BTreeMap<_, _> = stored.into_iter().flatten().collect();
    Ok(Seen::Ours(Observed { files }))
}

/// `None`: it has gone since it was listed.
async fn stored(
    clients: &Clients,
    gallery: &Identity,
    path: String,
    listed: Listed,
) -> Result<Option<(String, Stored)>, CloudError> {
    let (bucket, etag) = (gallery.bucket(ROLE), listed.etag);
    if let Some(headers) = clients.headers.of(&bucket, &path) {
        return Ok(Some((path, Stored { etag, headers })));
    }
    let is_settled = clients.headers.is_settled(&bucket, &path);
    let call = clients.s3.head_object().bucket(&bucket).key(&path);
    let answer = call.expected_bucket_owner(bucket::account(gallery)).send().await;
    let Some(answer) = found(answer, &["NotFound", "NoSuchKey"], failed("s3", "HeadObject"))? else {
        return Ok(None);
    };
    let headers = read(&answer);
    if is_settled {
        clients.headers.told(&bucket, &path, headers.clone());
    }
    Ok(Some((path, Stored { etag, headers })))
}

fn read(answer: &HeadObjectOutput) -> Headers {
    let all = [
        ("content-type", answer.content_type()),
        ("cache-control", answer.cache_control()),
        ("content-encoding", answer.content_encoding()),
        ("content-disposition", answer.content_disposition()),
        ("content-language", answer.content_language()),
        ("expires", answer.expires_string()),
        ("location", answer.website_redirect_location()),
    ];
    let set =
        all.into_iter().filter_map(|(name, value)| Some((name, value.filter(|value| !value.is_empty())?)));
    set.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

pub(super) async fn apply(clients: &Clients, gallery: &Identity, change: &Change) -> Result<(), CloudError> {
    match change {
        Change::Put { path, file } => {
            let body = file.body.read().await.map_err(unreadable("s3", "PutObject"))?;
            let bucket = gallery.bucket(ROLE);
            let call = clients.s3.put_object().bucket(&bucket).key(path);
            let call = call.expected_bucket_owner(bucket::account(gallery));
            let call = call.content_type(file.content_type).cache_control(file.cache_control);
            let call = call.body(ByteStream::from(body)).send();
            call.await.map_err(failed("s3", "PutObject"))?;
            clients.headers.put(&bucket, path, &file.md5, file.headers());
            Ok(())
        }
        Change::Delete(paths) => {
            let objects: Vec<_> = paths.iter().map(|path| (path.as_str(), None)).collect();
            objects::delete(clients, gallery, ROLE, &objects).await
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use aws_sdk_s3::Client;
    use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
    use aws_sdk_s3::operation::put_object::PutObjectOutput;
    use aws_sdk_s3::types::Object;
    use aws_smithy_mocks::{Rule, mock};
    use aws_smithy_types::DateTime;

    use super::*;
    use crate::resources::{Body, site};
    use crate::testing::clients::{clients, refusal};
    use crate::testing::drive::run;
    use crate::testing::galleries::identity;

    fn listed(etag: &'static str, written: i64) -> Rule {
        mock!(Client::list_objects_v2).then_output(move || {
            let page = Object::builder().key("index.html").e_tag(format!("\"{etag}\""));
            let page = page.last_modified(DateTime::from_secs(written)).build();
            ListObjectsV2Output::builder().contents(page).build()
        })
    }

    fn headers() -> Rule {
        mock!(Client::head_object).then_output(|| {
            let answer = HeadObjectOutput::builder().content_type("text/html").cache_control("no-cache");
            answer.content_encoding("gzip").build()
        })
    }

    async fn seen(clients: &Clients) -> Observed {
        match observe(clients, &identity("photos", "summer")).await.unwrap() {
            Seen::Ours(seen) => seen,
            other => panic!("{other:?}"),
        }
    }

    fn file() -> site::File {
        site::File {
            md5: "0123".into(),
            content_type: "text/html; charset=utf-8",
            cache_control: "no-cache",
            body: Body::Memory("<!doctype html>".into()),
        }
    }

    #[tokio::test]
    async fn a_file_is_known_by_its_digest_without_quotes_and_by_its_headers() {
        let seen = seen(&clients(&[&listed("0123", 1), &headers()])).await;
        let stored = &seen.files["index.html"];
        assert_eq!(stored.etag, "0123");
        let headers: Vec<_> = stored.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        assert_eq!(headers, ["cache-control: no-cache", "content-encoding: gzip", "content-type: text/html"]);
    }

    /// A bucket with one page, which each list shows as written at the next of these times.
    fn written(times: &'static [i64]) -> Rule {
        let lists = AtomicUsize::new(0);
        mock!(Client::list_objects_v2).then_output(move || {
            let written = times[lists.fetch_add(1, Ordering::Relaxed)];
            let page = Object::builder().key("index.html").e_tag("0123");
            let page = page.last_modified(DateTime::from_secs(written)).build();
            ListObjectsV2Output::builder().contents(page).build()
        })
    }

    async fn put(clients: &Clients) {
        let change = Change::Put { path: "index.html".into(), file: file() };
        apply(clients, &identity("photos", "summer"), &change).await.unwrap();
    }

    fn accepted() -> Rule {
        mock!(Client::put_object).then_output(|| PutObjectOutput::builder().build())
    }

    /// Longer ago than any clock can be wrong.
    const LONG_AGO: i64 = 1;
    /// As if written this very second.
    const NOW: i64 = 1 << 40;

    /// To see it fail: let `KnownHeaders::list` compare the `ETag` alone, which a changed header leaves as it is; or let `stored` keep
    /// every answer.
    #[test]
    fn headers_are_asked_for_once_and_again_when_the_file_was_written_since() {
        run(async {
            const LATER: i64 = LONG_AGO + 1;
            const TIMES: [i64; 10] = [LONG_AGO, LONG_AGO, LONG_AGO, LATER, LATER, NOW, NOW, NOW, NOW, NOW];
            let (list, head) = (written(&TIMES), headers());
            let clients = clients(&[&list, &head]);
            let mut asked = Vec::new();
            for pause in [0, 0, 0, 0, 0, 0, 1, 1, 1, 1] {
                tokio::time::advance(Duration::from_secs(pause)).await;
                seen(&clients).await;
                asked.push(head.num_calls());
            }
            assert_eq!(
                asked,
                [1, 1, 1, 2, 2, 3, 4, 5, 5, 5],
                "one written this very second may change once more without showing"
            );
        });
    }

    /// The second list is that of the next reconcile, and shows no other time: somebody has changed the headers within a second. To
    /// see it fail: let `KnownHeaders::begin` do nothing.
    #[test]
    fn what_we_have_put_is_not_asked_for_before_the_next_reconcile_and_asked_for_then() {
        run(async {
            let (list, head) = (written(&[NOW, NOW]), headers());
            let clients = clients(&[&list, &accepted(), &head]);
            put(&clients).await;
            assert_eq!(seen(&clients).await.files["index.html"].headers, file().headers());
            assert_eq!(head.num_calls(), 0);
            clients.headers.begin(&identity("photos", "summer").bucket(ROLE));
            let headers = seen(&clients).await.files["index.html"].headers.clone();
            assert_eq!((headers["content-type"].as_str(), head.num_calls()), ("text/html", 1));
        });
    }

    /// To see it fail: let `KnownHeaders::list` not look at `is_listed`.
    #[test]
    fn what_we_have_put_is_asked_for_when_it_was_written_once_more() {
        run(async {
            let (list, head) = (written(&[LONG_AGO, LONG_AGO, NOW, NOW + 1]), headers());
            let clients = clients(&[&list, &accepted(), &head]);
            let mut asked = Vec::new();
            for puts in [false, false, true, false] {
                if puts {
                    put(&clients).await;
                }
                seen(&clients).await;
                asked.push(head.num_calls());
            }
            assert_eq!(asked, [1, 1, 1, 2]);
        });
    }

    /// A put that AWS has accepted, and a list that shows another content: somebody was faster.
    #[test]
    fn what_we_have_put_is_asked_for_when_there_is_something_else() {
        run(async {
            let head = headers();
            let clients = clients(&[&listed("4567", NOW), &accepted(), &head]);
            put(&clients).await;
            assert_eq!(seen(&clients).await.files["index.html"].etag, "4567");
            assert_eq!(head.num_calls(), 1);
        });
    }

    #[tokio::test]
    async fn an_empty_bucket_is_an_empty_site_and_no_bucket_is_none() {
        let rule = mock!(Client::list_objects_v2).then_output(|| ListObjectsV2Output::builder().build());
        let seen = observe(&clients(&[&rule]), &identity("photos", "summer")).await.unwrap();
        assert_eq!(seen, Seen::Ours(Observed::default()));
        let rule = mock!(Client::list_objects_v2).then_http_response(|| refusal(404, "NoSuchBucket", "none"));
        let seen = observe(&clients(&[&rule]), &identity("photos", "summer")).await.unwrap();
        assert_eq!(seen, Seen::Nothing);
    }

    #[tokio::test]
    async fn a_file_is_stored_with_its_headers() {
        let rule = mock!(Client::put_object)
            .match_requests(|request| {
                request.key() == Some("index.html")
                    && request.content_type() == Some("text/html; charset=utf-8")
                    && request.cache_control() == Some("no-cache")
            })
            .then_output(|| PutObjectOutput::builder().build());
        let change = Change::Put { path: "index.html".into(), file: file() };
        apply(&clients(&[&rule]), &identity("photos", "summer"), &change).await.unwrap();
        assert_eq!(rule.num_calls(), 1);
    }
}

//! What the site's bucket should hold, file by file: content, headers, and when its turn is.

use std::collections::BTreeMap;
use std::path::Path;

use super::File;
use crate::gallery::Gallery;
use crate::graph::BucketRole;
use crate::release::SiteFile;
use crate::resources::Body;

const INDEX: &str = "index.html";
const CONFIG: &str = "config.json";
/// The folder of files whose names hold a digest of their content.
const HASHED: &str = "assets/";

/// All files of a gallery's site.
pub(super) fn of(gallery: &Gallery) -> BTreeMap<String, File> {
    let mut files: BTreeMap<_, _> = gallery
        .release
        .site
        .iter()
        .map(|(path, file)| (path.clone(), with_headers(path, file.clone())))
        .collect();
    if let Some(SiteFile { body: Body::Memory(page), .. }) = gallery.release.site.get(INDEX) {
        let index = SiteFile::new(index_html(gallery, page).into());
        files.insert(INDEX.to_owned(), with_headers(INDEX, index));
    }
    let config = SiteFile::new(gallery.site_config().into());
    files.insert(CONFIG.to_owned(), with_headers(CONFIG, config));
    files
}

/// The page, with a policy that allows requests to this gallery's buckets and to no others.
///
/// The response headers policy can only name all buckets of the region, because an account has 20 such policies. A browser
/// obeys both, so this one narrows it. It stands before everything that loads something, behind the charset, which has
/// to be among the first 1024 bytes.
pub fn index_html(gallery: &Gallery, page: &[u8]) -> Vec<u8> {
    let Ok(page) = std::str::from_utf8(page) else { return page.to_vec() };
    let Some(place) = after_charset(page) else { return page.as_bytes().to_vec() };
    let photos = gallery.identity.bucket_origin(BucketRole::Photos);
    let thumbnails = gallery.identity.bucket_origin(BucketRole::Thumbnails);
    // The same address twice when S3 is at an endpoint of its own.
    let images = if photos == thumbnails { photos.clone() } else { format!("{photos} {thumbnails}") };
    let policy = format!("connect-src 'self' {photos}; img-src 'self' blob: data: {images}");
    let policy = escape(&policy);
    let (before, behind) = page.split_at(place);
    format!("{before}<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">{behind}").into_bytes()
}

/// Where the head begins, or the end of the charset when that comes first in it.
fn after_charset(page: &str) -> Option<usize> {
    let lower = page.to_ascii_lowercase();
    let mut from = 0;
    let head = loop {
        let start = from + lower[from..].find("<head")?;
        let end = start + "<head".len();
        // Not `<header>`.
        if lower[end..].starts_with(|next: char| next == '>' || next.is_ascii_whitespace()) {
            break end + lower[end..].find('>')? + 1;
        }
        from = end;
    };
    let rest = lower[head..].trim_start();
    let charset = head + (lower.len() - head - rest.len());
    if rest.starts_with("<meta charset")
        && let Some(length) = rest.find('>')
    {
        return Some(charset + length + 1);
    }
    Some(head)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;")
}

/// When a file is uploaded: first what pages refer to, last the page.
pub(super) fn turn(path: &str) -> u8 {
    match path {
        INDEX => 3,
        CONFIG => 2,
        _ if path.starts_with(HASHED) => 0,
        _ => 1,
    }
}

fn with_headers(path: &str, SiteFile { md5, body }: SiteFile) -> File {
    let cache_control = match path {
        INDEX | CONFIG => "no-cache",
        _ if path.starts_with(HASHED) => "public, max-age=31536000, immutable",
        _ => "public, max-age=3600",
    };
    File { md5, content_type: content_type(path), cache_control, body }
}

/// Of the kinds of files that a site's build makes. The site is served with `nosniff`, so a wrong one would show.
fn content_type(path: &str) -> &'static str {
    let extension = Path::new(path).extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "txt" => "text/plain; charset=utf-8",
        "xml" => "application/xml",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "gif" => "image/gif",
        "ico" => "image/x-icon",
        "woff" => "font/woff",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::galleries::summer;

    fn text(gallery: &Gallery, page: &str) -> String {
        String::from_utf8(index_html(gallery, page.as_bytes())).unwrap()
    }

    #[test]
    fn the_page_is_narrowed_to_its_own_buckets_behind_the_charset() {
        let gallery = summer();
        let (photos, thumbnails) =
            (gallery.identity.bucket(BucketRole::Photos), gallery.identity.bucket(BucketRole::Thumbnails));
        let page =
            "<!doctype html><html><head>\n <META charset=\"utf-8\">\n<script src=\"a.js\"></script></head>";
        assert_eq!(
            text(&gallery, page),
            format!(
                "<!doctype html><html><head>\n <META charset=\"utf-8\"><meta http-equiv=\"Content-Security-Policy\" \
                 content=\"connect-src 'self' https://{photos}.s3.eu-west-1.amazonaws.com; img-src 'self' blob: data: \
                 https://{photos}.s3.eu-west-1.amazonaws.com https://{thumbnails}.s3.eu-west-1.amazonaws.com\">\n\
                 <script src=\"a.js\"></script></head>"
            )
        );
    }

    #[test]
    fn the_policy_comes_first_in_a_head_that_begins_otherwise() {
        let page = text(&summer(), "<header></header><head lang=en><title>x</title>");
        assert!(page.starts_with("<header></header><head lang=en><meta http-equiv="), "{page}");
    }

    #[test]
    fn a_page_without_a_head_stays_as_it_is() {
        assert_eq!(text(&summer(), "<!doctype html><p>Hello"), "<!doctype html><p>Hello");
        assert_eq!(index_html(&summer(), b"<head>\xff"), b"<head>\xff");
    }

    #[test]
    fn an_endpoint_cannot_break_out_of_the_attribute() {
        let mut gallery = summer();
        let mut installation = (*gallery.identity.installation).clone();
        installation.endpoint = Some("http://127.0.0.1:4599/\"><script>".into());
        gallery.identity.installation = installation.into();
        let page = text(&gallery, "<head>");
        assert!(page.contains("http://127.0.0.1:4599/&quot;&gt;&lt;script&gt;"), "{page}");
        assert_eq!(page.matches("127.0.0.1").count(), 2, "one address for both buckets: {page}");
    }

    #[test]
    fn hashed_files_may_be_kept_for_ever_and_the_page_never() {
        let files = of(&summer());
        let cache = |path: &str| files[path].cache_control;
        assert_eq!(cache("assets/app-1a2b3c4d.js"), "public, max-age=31536000, immutable");
        assert_eq!(cache("index.html"), "no-cache");
        assert_eq!(cache("config.json"), "no-cache");
        assert_eq!(
            with_headers("favicon.svg", SiteFile::new("".into())).cache_control,
            "public, max-age=3600"
        );
    }

    #[test]
    fn files_have_the_type_of_their_ending() {
        assert_eq!(content_type("assets/app.JS"), "text/javascript; charset=utf-8");
        assert_eq!(content_type("favicon.svg"), "image/svg+xml");
        assert_eq!(content_type("LICENSE"), "application/octet-stream");
        for (endings, expected) in [
            ("html", "text/html; charset=utf-8"),
            ("css", "text/css; charset=utf-8"),
            ("js mjs", "text/javascript; charset=utf-8"),
            ("json map", "application/json"),
            ("webmanifest", "application/manifest+json"),
            ("txt", "text/plain; charset=utf-8"),
            ("xml", "application/xml"),
            ("png", "image/png"),
            ("jpg jpeg", "image/jpeg"),
            ("webp", "image/webp"),
            ("avif", "image/avif"),
            ("gif", "image/gif"),
            ("ico", "image/x-icon"),
            ("woff", "font/woff"),
            ("woff2", "font/woff2"),
            ("wasm", "application/wasm"),
        ] {
            for ending in endings.split(' ') {
                assert_eq!(content_type(&format!("assets/file.{ending}")), expected);
            }
        }
    }

    #[test]
    fn what_a_page_refers_to_is_there_before_the_page() {
        let mut paths = ["index.html", "config.json", "favicon.svg", "assets/app-1a2b3c4d.js"];
        paths.sort_by_key(|path| turn(path));
        assert_eq!(paths, ["assets/app-1a2b3c4d.js", "favicon.svg", "config.json", "index.html"]);
    }
}

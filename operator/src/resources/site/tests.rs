//! What a site needs, from an empty bucket on.

use std::sync::Arc;

use super::*;
use crate::release::{Release, SiteFile};
use crate::resources::Effect;
use crate::testing::galleries::summer;

fn gallery() -> Gallery {
    let mut gallery = summer();
    let mut release = Release::clone(&gallery.release);
    release.site.insert("favicon.svg".into(), SiteFile::new("<svg/>".into()));
    gallery.release = Arc::new(release);
    gallery
}

fn want() -> Desired {
    Desired::of(&gallery())
}

fn as_wanted() -> Observed {
    Observed::as_wanted(&gallery())
}

fn other() -> Stored {
    Stored { etag: "0".into(), ..Stored::default() }
}

fn paths(steps: &[Step<Change>]) -> Vec<String> {
    let paths = steps.iter().map(|step| match &step.change {
        Change::Put { path, .. } => path.clone(),
        Change::Delete(paths) => format!("not {}", paths.join(", ")),
    });
    paths.collect()
}

#[test]
fn what_a_page_refers_to_comes_before_the_page() {
    let steps = Site::update(&want(), Some(&Observed::default()));
    assert_eq!(paths(&steps), ["assets/app-1a2b3c4d.js", "favicon.svg", "config.json", "index.html"]);
    assert_eq!(steps[0].effect, Effect::Create);
    assert!(steps[1..].iter().all(|step| step.effect == Effect::Detail));
}

#[test]
fn only_what_differs_is_uploaded_and_stale_files_go_last() {
    let mut seen = as_wanted();
    assert_eq!(Site::update(&want(), Some(&seen)), []);
    seen.files.remove("assets/app-1a2b3c4d.js");
    seen.files.insert("assets/app-0old0000.js".into(), other());
    seen.files.insert("index.html".into(), other());
    let steps = Site::update(&want(), Some(&seen));
    assert_eq!(paths(&steps), ["assets/app-1a2b3c4d.js", "index.html", "not assets/app-0old0000.js"]);
    let Effect::Update(differences) = &steps[0].effect else { panic!("{steps:?}") };
    assert_eq!(differences, &[Difference::new("assets/app-1a2b3c4d.js", "missing", "as built")]);
}

#[test]
fn a_header_that_differs_is_told_by_its_name_and_the_file_put_again() {
    for (name, value, from, to) in [
        ("cache-control", Some("private"), "private", "no-cache"),
        ("content-type", None, "none", "text/html; charset=utf-8"),
        ("content-encoding", Some("gzip"), "gzip", "none"),
    ] {
        let mut seen = as_wanted();
        let headers = &mut seen.files.get_mut("index.html").unwrap().headers;
        headers.remove(name);
        headers.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        let steps = Site::update(&want(), Some(&seen));
        assert_eq!(paths(&steps), ["index.html"]);
        let Effect::Update(differences) = &steps[0].effect else { panic!("{steps:?}") };
        assert_eq!(differences, &[Difference::new(format!("index.html {name}"), from, to)]);
    }
}

#[test]
fn stale_files_are_removed_in_calls_that_s3_takes() {
    let mut seen = as_wanted();
    seen.files.extend((0..1001).map(|index| (format!("stale-{index}"), other())));
    let steps = Site::update(&want(), Some(&seen));
    assert_eq!(steps.len(), 2);
}

#[test]
fn a_site_is_current_only_when_nothing_differs() {
    let mut seen = as_wanted();
    assert!(seen.is_current(&gallery()));
    seen.files.insert("config.json".into(), other());
    assert!(!seen.is_current(&gallery()));
    assert!(!Observed::default().is_current(&gallery()));
}

#[test]
fn the_digest_changes_with_the_title() {
    let mut other = gallery();
    assert_eq!(digest(&other), digest(&gallery()));
    other.spec.title = "Autumn 2026".into();
    assert_ne!(digest(&other), digest(&gallery()));
}

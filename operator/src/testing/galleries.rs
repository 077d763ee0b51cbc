//! Galleries to test with.

use std::sync::Arc;

use bytes::Bytes;
use functions_core::contract::FunctionName;
use photogallery_crds::{Architecture, PhotoGallerySpec};

use crate::gallery::{Gallery, Identity, Installation, ViewerTemplate};
use crate::release::{Release, SiteFile, Zip};

/// What the functions' roles may do at most.
pub(crate) const BOUNDARY: &str = "arn:aws:iam::123456789012:policy/photogallery/pg-boundary";

/// The operator of account 123456789012 and owner `owner`.
pub(crate) fn installation() -> Arc<Installation> {
    Arc::new(Installation {
        account: "123456789012".into(),
        owner_id: "owner".into(),
        prefix: "pg".into(),
        permissions_boundary: Some(BOUNDARY.into()),
        viewer: ViewerTemplate("https://{domain}".into()),
        endpoint: None,
    })
}

/// A gallery in eu-west-1 with the uid `uid-<name>`.
pub(crate) fn identity(namespace: &str, name: &str) -> Identity {
    Identity {
        namespace: namespace.into(),
        name: name.into(),
        uid: format!("uid-{name}"),
        region: "eu-west-1".into(),
        adopts: None,
        installation: installation(),
    }
}

/// Zips and a site of a few bytes.
pub(crate) fn release() -> Arc<Release> {
    let mut release = Release::default();
    for architecture in [Architecture::Arm64, Architecture::X86_64] {
        for function in FunctionName::ALL {
            let bytes = Bytes::from(format!("zip of {function} for {architecture}"));
            release
                .functions
                .insert((architecture.as_str(), function), Zip::new(architecture, function, bytes));
        }
    }
    for (path, content) in [("index.html", "<!doctype html>"), ("assets/app-1a2b3c4d.js", "export {}")] {
        release.site.insert(path.into(), SiteFile::new(Bytes::from_static(content.as_bytes())));
    }
    Arc::new(release)
}

/// The smallest useful gallery, `photos/summer`.
pub(crate) fn summer() -> Gallery {
    let spec = PhotoGallerySpec::new("Summer 2026", "eu-west-1");
    Gallery { identity: identity("photos", "summer"), spec, release: release() }
}

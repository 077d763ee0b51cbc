//! The validated input of a reconcile: who the gallery is ([`Identity`]) and what it should be ([`Gallery`]).
//!
//! Nothing later looks at the raw object again. The API server has checked the spec against schema and rules; what is
//! checked here is what it cannot know, and what an object stored under an older schema may still hold.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use functions_core::contract::{FunctionName, env};
use photogallery_crds::{Architecture, FunctionSize, PhotoGallerySpec};

use crate::graph::BucketRole;
use crate::names::{self, TAG_KEYS, Tags};
use crate::ownership::Maker;
use crate::release::Release;

/// What all galleries of one operator in one account have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// AWS account, twelve digits.
    pub account: String,
    /// Written into every owner tag. Default: the uid of the cluster's `kube-system` namespace.
    pub owner_id: String,
    /// First part of every name.
    pub prefix: String,
    /// ARN of the policy that says what the functions' roles may do at most, where there is one.
    pub permissions_boundary: Option<String>,
    /// Turns a distribution's domain into the address that a browser opens.
    pub viewer: ViewerTemplate,
    /// `AWS_ENDPOINT_URL`, when AWS is somewhere else. S3 is then addressed by path, and browsers reach it there.
    pub endpoint: Option<String>,
}

/// A template with `{domain}` (`d111111abcdef8.cloudfront.net`) or `{label}` (`d111111abcdef8`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewerTemplate(pub String);

impl ViewerTemplate {
    /// The address of the gallery at a distribution's domain, without a slash at its end: also its origin.
    pub fn url(&self, domain: &str) -> String {
        let label = domain.split('.').next().unwrap_or(domain);
        self.0.replace("{domain}", domain).replace("{label}", label).trim_end_matches('/').to_owned()
    }
}

/// Who a gallery is. From metadata, the immutable region and the installation, never from editable spec, so that it can be
/// deleted when its spec is invalid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Namespace of the object.
    pub namespace: String,
    /// Name of the object.
    pub name: String,
    /// Uid of the object.
    pub uid: String,
    /// AWS region.
    pub region: String,
    /// Whose resources of this namespace and name it takes over, besides its own.
    pub adopts: Option<Maker>,
    /// The operator it belongs to.
    pub installation: Arc<Installation>,
}

impl Identity {
    /// Where browsers reach a bucket: an origin for CSP and CORS.
    pub fn bucket_origin(&self, role: BucketRole) -> String {
        match &self.installation.endpoint {
            Some(endpoint) => endpoint.trim_end_matches('/').to_owned(),
            None => format!("https://{}", self.bucket_host(role)),
        }
    }

    /// Where browsers reach any bucket of the region, as a CSP source. One pattern for all galleries, because an account
    /// has 20 response headers policies; the page itself narrows it to its own buckets.
    pub fn any_bucket_origin(&self) -> String {
        let suffix = Installation::dns_suffix(&self.region);
        match &self.installation.endpoint {
            Some(endpoint) => endpoint.trim_end_matches('/').to_owned(),
            None => format!("https://*.s3.{}.{suffix}", self.region),
        }
    }
}

/// `namespace/name`.
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// What happens to photos and their metadata when a gallery goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataPolicy {
    /// They stay, marked as retained.
    Retain,
    /// They go.
    Delete,
}

/// Where a reconcile is headed.
#[derive(Clone, Debug)]
pub enum Goal {
    /// The gallery as its spec says.
    Present(Box<Gallery>),
    /// No gallery.
    Absent(Identity, DataPolicy),
}

impl Goal {
    /// Who this is about.
    pub fn identity(&self) -> &Identity {
        match self {
            Self::Present(gallery) => &gallery.identity,
            Self::Absent(identity, _) => identity,
        }
    }
}

/// The validated spec with everything it takes to carry it out.
#[derive(Clone, Debug)]
pub struct Gallery {
    /// Who it is.
    pub identity: Identity,
    /// What it should be.
    pub spec: PhotoGallerySpec,
    /// The functions and the site to put there.
    pub release: Arc<Release>,
}

/// A field of the spec that cannot be carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct InvalidSpec {
    /// Path of the field.
    pub field: String,
    /// What is wrong and what to write instead.
    pub problem: String,
}

impl Gallery {
    /// Checks a spec. The error names the first field that cannot be carried out, and what to write instead.
    pub fn new(
        identity: Identity,
        spec: PhotoGallerySpec,
        release: Arc<Release>,
    ) -> Result<Self, InvalidSpec> {
        let gallery = Self { identity, spec, release };
        gallery.check()?;
        Ok(gallery)
    }

    fn check(&self) -> Result<(), InvalidSpec> {
        let invalid = |field: &str, problem: String| Err(InvalidSpec { field: field.into(), problem });
        if let Some((name, limit)) = self.identity.overlong() {
            let problem = format!(
                "the name {name} in AWS would have {} characters, of which {limit} are allowed. Give the operator a shorter \
                 --name-prefix.",
                name.len()
            );
            return invalid("spec.region", problem);
        }
        let architecture = self.spec.functions.architecture;
        for function in FunctionName::ALL {
            if self.release.function(architecture, function).is_none() {
                let has: Vec<_> =
                    self.release.architectures().into_iter().map(Architecture::as_str).collect();
                let problem = format!(
                    "this operator was built without {architecture} functions. It has: {}.",
                    if has.is_empty() { "none".into() } else { has.join(", ") }
                );
                return invalid("spec.functions.architecture", problem);
            }
        }
        for tag in self.spec.tags.keys() {
            if tag.starts_with("aws:") || tag.starts_with("photogallery.dev/") {
                return invalid(
                    "spec.tags",
                    format!("{tag} is reserved. Choose a key with another beginning."),
                );
            }
        }
        for (index, origin) in self.spec.api.additional_allowed_origins.iter().enumerate() {
            let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
            if host.is_none_or(|host| host.is_empty() || host.contains(['/', ',', '*', ' ', '"', '\n'])) {
                let field = format!("spec.api.additionalAllowedOrigins[{index}]");
                return invalid(
                    &field,
                    "must be an origin such as https://www.example.com, without a path.".into(),
                );
            }
        }
        Ok(())
    }

    /// Tags of everything that belongs to this gallery: the owner's, then the spec's.
    pub fn tags(&self) -> Tags {
        let mut tags = self.identity.owner_tags();
        if !self.spec.tags.is_empty() {
            tags.insert(TAG_KEYS.into(), names::key_list(self.spec.tags.keys()));
        }
        tags.extend(self.spec.tags.clone());
        tags
    }

    /// Memory, time and concurrency of a function.
    pub fn size(&self, function: FunctionName) -> &FunctionSize {
        let functions = &self.spec.functions;
        match function {
            FunctionName::Upload => &functions.upload,
            FunctionName::List => &functions.list,
            FunctionName::Delete => &functions.delete,
            FunctionName::Thumbnail => &functions.thumbnail,
        }
    }

    /// The largest upload, in bytes.
    pub fn max_upload_bytes(&self) -> i64 {
        i64::from(self.spec.photos.max_upload_mib) * 1024 * 1024
    }

    /// The environment of a function: exactly the variables that it says it reads.
    pub fn environment(&self, function: FunctionName) -> BTreeMap<String, String> {
        let names = env::COMMON.iter().chain(function.environment());
        names.map(|name| ((*name).to_owned(), self.variable(name))).collect()
    }

    fn variable(&self, name: &str) -> String {
        let PhotoGallerySpec { photos, thumbnails, api, .. } = &self.spec;
        match name {
            env::GALLERY => self.identity.to_string(),
            env::TABLE => self.identity.table(),
            env::ALLOWED_ORIGINS => api.additional_allowed_origins.join(","),
            env::PHOTOS_BUCKET => self.identity.bucket(BucketRole::Photos),
            env::THUMBNAILS_BUCKET => self.identity.bucket(BucketRole::Thumbnails),
            env::MAX_UPLOAD_BYTES => self.max_upload_bytes().to_string(),
            env::CONTENT_TYPES => {
                let types: Vec<_> = photos.content_types.iter().map(|kind| kind.as_str()).collect();
                types.join(",")
            }
            env::METADATA => photos.metadata.as_str().to_owned(),
            env::MAX_WIDTH => thumbnails.max_width_pixels.to_string(),
            env::MAX_HEIGHT => thumbnails.max_height_pixels.to_string(),
            env::FORMAT => thumbnails.format.as_str().to_owned(),
            env::QUALITY => thumbnails.quality.to_string(),
            // LOG. Names are checked by a test, so nothing else arrives here.
            _ => "info".to_owned(),
        }
    }

    /// `config.json`, which the page reads before anything else. Fields in a fixed order, so that equal content has equal
    /// bytes.
    pub fn site_config(&self) -> Vec<u8> {
        let PhotoGallerySpec { title, photos, thumbnails, .. } = &self.spec;
        let config = serde_json::json!({
            "title": title,
            "apiBase": format!("/{}", names::STAGE),
            "maxUploadBytes": self.max_upload_bytes(),
            "contentTypes": photos.content_types,
            "thumbnail": {
                "maxWidthPixels": thumbnails.max_width_pixels,
                "maxHeightPixels": thumbnails.max_height_pixels,
            },
        });
        format!("{config:#}\n").into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::galleries;

    #[test]
    fn every_variable_that_a_function_reads_has_a_value_of_its_own() {
        let gallery = galleries::summer();
        for function in FunctionName::ALL {
            let environment = gallery.environment(function);
            for name in env::COMMON.iter().chain(function.environment()) {
                let value = &environment[*name];
                assert_eq!(*name == env::LOG, value == "info", "{function}: {name}={value}");
            }
        }
    }

    #[test]
    fn an_architecture_that_was_not_built_is_refused_by_name() {
        let mut spec = galleries::summer().spec;
        spec.functions.architecture = Architecture::Arm64;
        let mut release = Release::clone(&galleries::summer().release);
        release.functions.retain(|(architecture, _), _| *architecture != Architecture::Arm64.as_str());
        let refused =
            Gallery::new(galleries::identity("photos", "summer"), spec, Arc::new(release)).unwrap_err();
        assert_eq!(refused.field, "spec.functions.architecture");
        assert!(refused.problem.contains("It has: x86_64."), "{refused}");
    }

    #[test]
    fn a_viewer_template_makes_an_origin() {
        let local = ViewerTemplate("http://{label}.cloudfront.localhost:4566/".into());
        assert_eq!(local.url("d1.cloudfront.net"), "http://d1.cloudfront.localhost:4566");
        assert_eq!(
            ViewerTemplate("https://{domain}".into()).url("d1.cloudfront.net"),
            "https://d1.cloudfront.net"
        );
    }

    #[test]
    fn origins_that_could_break_out_of_a_list_are_refused() {
        for origin in
            ["https://a.example,https://b.example", "https://a.example/path", "*", "https://", "ftp://a"]
        {
            let mut gallery = galleries::summer();
            gallery.spec.api.additional_allowed_origins = vec![origin.into()];
            assert!(gallery.check().is_err(), "{origin}");
        }
    }
}

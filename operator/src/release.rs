//! What this build of the operator deploys: the functions' zips and the site's files, read once at start. Of the zips only their
//! digests are kept.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use functions_core::contract::FunctionName;
use md5::{Digest, Md5};
use photogallery_crds::Architecture;
use sha2::Sha256;

use crate::resources::Body;

/// The functions and the site.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Release {
    /// A zip for each architecture and function.
    pub functions: BTreeMap<(ArchitectureName, FunctionName), Zip>,
    /// The built site, by path relative to its root, without `config.json`.
    pub site: BTreeMap<String, SiteFile>,
}

/// An architecture, sortable.
pub type ArchitectureName = &'static str;

/// A function's code.
#[derive(Clone, Debug, PartialEq)]
pub struct Zip {
    /// SHA-256 in base64, as Lambda reports it.
    pub code_sha256: String,
    /// MD5 in hexadecimal: the `ETag` that S3 gives an object of one part under its own encryption.
    pub md5: String,
    /// Key in the artefact bucket. It holds the digest, so an object never changes.
    pub key: String,
    /// Bytes.
    pub size: u64,
    /// The zip.
    pub body: Body,
}

/// A file of the site.
#[derive(Clone, Debug, PartialEq)]
pub struct SiteFile {
    /// MD5 in hexadecimal: the `ETag` that S3 gives an object of one part under its own encryption.
    pub md5: String,
    /// The content.
    pub body: Body,
}

/// A release that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("failed to read {path}")]
pub struct ReleaseError {
    path: PathBuf,
    #[source]
    source: io::Error,
}

impl Release {
    /// Reads `functions/<architecture>/<name>.zip` and the site's files. An architecture without zips is left out; a
    /// missing site is an error.
    pub fn read(functions: &Path, site: &Path) -> Result<Self, ReleaseError> {
        let mut release = Self::default();
        for architecture in [Architecture::Arm64, Architecture::X86_64] {
            for function in FunctionName::ALL {
                let path = functions.join(architecture.as_str()).join(format!("{function}.zip"));
                match std::fs::read(&path) {
                    Ok(bytes) => {
                        let zip = Zip::new(architecture, function, bytes.into());
                        let zip = Zip { body: Body::File(path), ..zip };
                        release.functions.insert((architecture.as_str(), function), zip);
                    }
                    Err(source) if source.kind() == io::ErrorKind::NotFound => {}
                    Err(source) => return Err(ReleaseError { path, source }),
                }
            }
        }
        read_folder(site, "", &mut release.site)?;
        if !release.site.contains_key("index.html") {
            let source = io::Error::new(io::ErrorKind::NotFound, "the site has no index.html");
            return Err(ReleaseError { path: site.join("index.html"), source });
        }
        Ok(release)
    }

    /// The zip of a function.
    pub fn function(&self, architecture: Architecture, function: FunctionName) -> Option<&Zip> {
        self.functions.get(&(architecture.as_str(), function))
    }

    /// Architectures with all four functions.
    pub fn architectures(&self) -> Vec<Architecture> {
        let complete = |architecture: &Architecture| {
            FunctionName::ALL.iter().all(|function| self.function(*architecture, *function).is_some())
        };
        [Architecture::Arm64, Architecture::X86_64].into_iter().filter(complete).collect()
    }

    /// The keys in the artefact bucket that the functions of an architecture need.
    pub fn keys(&self, architecture: Architecture) -> BTreeSet<&str> {
        let zips = FunctionName::ALL.iter().filter_map(|function| self.function(architecture, *function));
        zips.map(|zip| zip.key.as_str()).collect()
    }
}

impl Zip {
    /// A zip with its digest and its key.
    pub fn new(architecture: Architecture, function: FunctionName, bytes: Bytes) -> Self {
        let digest = Sha256::digest(&bytes);
        let hex = data_encoding::HEXLOWER.encode(&digest);
        Self {
            code_sha256: data_encoding::BASE64.encode(&digest),
            md5: data_encoding::HEXLOWER.encode(&Md5::digest(&bytes)),
            key: format!("functions/{hex}/{function}-{architecture}.zip"),
            size: bytes.len() as u64,
            body: Body::Memory(bytes),
        }
    }
}

impl SiteFile {
    /// A file with its digest.
    pub fn new(bytes: Bytes) -> Self {
        Self { md5: data_encoding::HEXLOWER.encode(&Md5::digest(&bytes)), body: Body::Memory(bytes) }
    }
}

fn read_folder(
    folder: &Path,
    prefix: &str,
    files: &mut BTreeMap<String, SiteFile>,
) -> Result<(), ReleaseError> {
    let error = |path: &Path| {
        let path = path.to_owned();
        move |source| ReleaseError { path, source }
    };
    for entry in std::fs::read_dir(folder).map_err(error(folder))? {
        let entry = entry.map_err(error(folder))?;
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if path.is_dir() {
            read_folder(&path, &format!("{prefix}{name}/"), files)?;
        } else {
            let bytes = std::fs::read(&path).map_err(error(&path))?;
            files.insert(format!("{prefix}{name}"), SiteFile::new(bytes.into()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zip_s_key_holds_its_digest() {
        let zip = Zip::new(Architecture::Arm64, FunctionName::List, Bytes::from_static(b"zip"));
        let other = Zip::new(Architecture::Arm64, FunctionName::List, Bytes::from_static(b"zap"));
        assert!(zip.key.ends_with("/list-arm64.zip"), "{}", zip.key);
        assert_ne!(zip.key, other.key);
    }

    #[tokio::test]
    async fn zips_stay_on_disk_until_they_are_uploaded() {
        let folder = std::env::temp_dir().join(format!("photogallery-release-{}", std::process::id()));
        let (functions, site) = (folder.join("functions"), folder.join("site"));
        std::fs::create_dir_all(functions.join("arm64")).unwrap();
        std::fs::create_dir_all(&site).unwrap();
        std::fs::write(functions.join("arm64/list.zip"), "zip").unwrap();
        std::fs::write(site.join("index.html"), "page").unwrap();

        let release = Release::read(&functions, &site).unwrap();

        let zip = release.function(Architecture::Arm64, FunctionName::List).unwrap();
        assert_eq!(
            *zip,
            Zip { body: zip.body.clone(), ..Zip::new(Architecture::Arm64, FunctionName::List, "zip".into()) }
        );
        assert_eq!(zip.body, Body::File(functions.join("arm64/list.zip")));
        assert_eq!(zip.body.read().await.unwrap(), "zip");
        std::fs::remove_dir_all(&folder).unwrap();
        let error = zip.body.read().await.unwrap_err().to_string();
        assert!(error.starts_with("failed to read /") && error.contains("arm64/list.zip"), "{error}");
    }

    #[test]
    fn a_missing_site_is_told_by_its_path() {
        let error = Release::read(Path::new("nowhere"), Path::new("nowhere/site")).unwrap_err();
        assert_eq!(error.to_string(), "failed to read nowhere/site");
    }
}

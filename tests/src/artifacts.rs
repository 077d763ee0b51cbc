//! Where the build puts what users run. `make` builds all of it before anything here starts.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

/// The checkout that this crate was built in.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("/"))
}

/// This machine's architecture as the manifest's `functions.architecture` calls it.
pub fn architecture() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }
}

/// The folder of the built binaries.
pub fn binaries() -> PathBuf {
    root().join(format!("target/{}-unknown-linux-musl/release", std::env::consts::ARCH))
}

pub fn operator() -> PathBuf {
    binaries().join("photogallery-operator")
}

/// `<architecture>/<function>.zip`.
pub fn functions() -> PathBuf {
    root().join("target/functions")
}

/// The built page.
pub fn site() -> PathBuf {
    root().join("frontend/dist")
}

pub fn chart() -> PathBuf {
    root().join("charts/photogallery-operator")
}

pub fn example() -> PathBuf {
    root().join("examples/gallery.yaml")
}

/// Another digest, the same program.
pub fn another_build(zip: Vec<u8>) -> Result<Vec<u8>> {
    commented(zip, "another build")
}

/// The built functions under `to`, each with this comment, and so with a digest of its own.
pub fn copy_functions(to: &Path, comment: &str) -> Result<()> {
    let from = functions().join(architecture());
    let to = to.join(architecture());
    std::fs::create_dir_all(&to)?;
    for file in std::fs::read_dir(&from)? {
        let file = file?;
        std::fs::write(to.join(file.file_name()), commented(std::fs::read(file.path())?, comment)?)?;
    }
    Ok(())
}

fn commented(mut zip: Vec<u8>, comment: &str) -> Result<Vec<u8>> {
    // A zip ends with the length of its comment, and the comment.
    ensure!(zip.ends_with(&[0, 0]), "the zip has a comment already");
    zip.truncate(zip.len() - 2);
    zip.extend(u16::try_from(comment.len())?.to_le_bytes());
    zip.extend(comment.as_bytes());
    Ok(zip)
}

/// Says what is missing before anything starts, and how to make it.
pub fn check() -> Result<()> {
    let zips = functions().join(architecture());
    let list = zips.join("list.zip");
    for file in [operator(), list, site().join("index.html"), chart().join("Chart.yaml")] {
        ensure!(file.exists(), "{} is missing: run `make build` first", file.display());
    }
    Ok(())
}

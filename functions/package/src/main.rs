//! `package-functions`: the four binaries as Lambda's zip files, the same bytes for the same binaries.
//!
//! The operator compares a zip's digest to decide whether a function changed, so nothing of the machine or the moment
//! may reach the file: fixed time, mode and order, and a compressor of a version that `Cargo.lock` pins.

mod archive;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{fs, io};

use clap::Parser;
use functions_core::contract::FunctionName;
use sha2::{Digest as _, Sha256};

/// Packs the functions' binaries into reproducible zip files for AWS Lambda.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Architecture as Lambda names it; also the name of the folder below --out.
    #[arg(long, value_parser = ["x86_64", "arm64"])]
    arch: String,
    /// Folder with the binaries upload, list, delete and thumbnail.
    #[arg(long)]
    binaries: PathBuf,
    /// Folder to write <arch>/<function>.zip to.
    #[arg(long, default_value = "target/functions")]
    out: PathBuf,
}

#[derive(Debug, thiserror::Error)]
enum PackageError {
    #[error("failed to read {0}: {1}")]
    Read(PathBuf, #[source] io::Error),
    #[error("failed to write {0}: {1}")]
    Write(PathBuf, #[source] io::Error),
    #[error("failed to compress {0}: {1}")]
    Compress(FunctionName, #[source] zip::result::ZipError),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match package(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("package-functions: {error}");
            ExitCode::FAILURE
        }
    }
}

fn package(arguments: &Arguments) -> Result<(), PackageError> {
    let folder = arguments.out.join(&arguments.arch);
    fs::create_dir_all(&folder).map_err(|error| PackageError::Write(folder.clone(), error))?;
    for name in FunctionName::ALL {
        let binary = arguments.binaries.join(name.as_str());
        let program = fs::read(&binary).map_err(|error| PackageError::Read(binary, error))?;
        let zip = archive::bootstrap(&program).map_err(|error| PackageError::Compress(name, error))?;
        write(&folder.join(format!("{name}.zip")), &zip)?;
        println!("{}/{name}.zip {} bytes sha256 {}", arguments.arch, zip.len(), hex(&Sha256::digest(&zip)));
    }
    Ok(())
}

/// Leaves an equal file alone, and never lets a reader see half of one.
fn write(path: &Path, bytes: &[u8]) -> Result<(), PackageError> {
    if fs::read(path).is_ok_and(|present| present == bytes) {
        return Ok(());
    }
    let new = path.with_extension("zip.new");
    let written = fs::write(&new, bytes).and_then(|()| fs::rename(&new, path));
    written.map_err(|error| PackageError::Write(path.to_owned(), error))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

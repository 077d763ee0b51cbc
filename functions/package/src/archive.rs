//! One zip file with one entry, `bootstrap`, which is what Lambda's `provided` runtimes start.

use std::io::{Cursor, Write as _};

use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, System, ZipWriter};

/// The zip of a program. A pure function of its bytes.
pub(crate) fn bootstrap(program: &[u8]) -> Result<Vec<u8>, ZipError> {
    let options = SimpleFileOptions::DEFAULT
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(9))
        // 1980-01-01 00:00, the first moment that a zip file knows.
        .last_modified_time(DateTime::DEFAULT)
        // Lambda starts nothing that is not executable for everyone.
        .unix_permissions(0o755)
        .system(System::Unix);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file("bootstrap", options)?;
    writer.write_all(program)?;
    Ok(writer.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use zip::ZipArchive;

    use super::*;

    fn program() -> Vec<u8> {
        (0..200_000_u32).flat_map(|number| (number / 7).to_le_bytes()).collect()
    }

    #[test]
    fn the_same_program_makes_the_same_bytes() {
        assert_eq!(bootstrap(&program()).unwrap(), bootstrap(&program()).unwrap());
        assert_ne!(bootstrap(&program()).unwrap(), bootstrap(b"other").unwrap());
    }

    #[test]
    fn lambda_finds_one_executable_entry() {
        let bytes = bootstrap(&program()).unwrap();
        let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
        assert_eq!(archive.len(), 1);
        let mut entry = archive.by_index(0).unwrap();
        assert_eq!(entry.name().unwrap(), "bootstrap");
        assert_eq!(entry.unix_mode().unwrap() & 0o777, 0o755);
        let time = entry.last_modified().unwrap();
        assert_eq!((time.year(), time.month(), time.day(), time.hour()), (1980, 1, 1, 0));
        let mut unpacked = Vec::new();
        entry.read_to_end(&mut unpacked).unwrap();
        assert_eq!(unpacked, program());
    }
}

//! What a file may cost, checked before it costs it.

use functions_core::settings::{SettingError, Settings};

use super::Refusal;

const MIB: u64 = 1 << 20;
/// The process itself, its buffers and connections, rounded up.
const OWN_MEMORY: u64 = 48 * MIB;
/// The pixels, and once more what decoding (coefficients of a progressive JPEG) or resizing (premultiplied alpha) holds.
const COPIES_OF_PIXELS: u64 = 2;
/// The file, and the decoder's copy of it.
const COPIES_OF_FILE: u64 = 2;

/// Limits of this function.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// Longest side in pixels.
    pub(crate) max_side: u32,
    /// Width times height.
    pub(crate) max_pixels: u64,
    /// Bytes that a file and its pixels may take. Beyond it Lambda would kill the process, again at each retry, and the
    /// photo would never become anything.
    pub(crate) memory: u64,
}

impl Limits {
    /// The memory comes from Lambda; local stand-ins set it too.
    pub(crate) fn from_settings(settings: &Settings<'_>) -> Result<Self, SettingError> {
        let name = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE";
        let memory: u64 = settings
            .parsed(name, "a number of MiB, at least 128", |mib: &u64| (128..=1 << 20).contains(mib))?;
        Ok(Self { max_side: 12_000, max_pixels: 60_000_000, memory: memory * MIB - OWN_MEMORY })
    }

    /// Before a byte is read.
    pub(crate) fn check_file(&self, size: u64) -> Result<(), Refusal> {
        if size.saturating_mul(COPIES_OF_FILE) < self.memory { Ok(()) } else { Err(Refusal::TooMuchMemory) }
    }

    /// After the header, before the pixels. `pixel_bytes` is what the decoded image takes.
    pub(crate) fn check_image(
        &self,
        width: u32,
        height: u32,
        pixel_bytes: u64,
        file_bytes: usize,
    ) -> Result<(), Refusal> {
        let pixels = u64::from(width) * u64::from(height);
        if width > self.max_side || height > self.max_side || pixels > self.max_pixels {
            let max_megapixels = self.max_pixels / 1_000_000;
            return Err(Refusal::TooManyPixels { width, height, max_side: self.max_side, max_megapixels });
        }
        if pixels == 0 {
            return Err(Refusal::damaged("no pixels"));
        }
        if pixel_bytes.saturating_mul(COPIES_OF_PIXELS) <= self.left(file_bytes) {
            Ok(())
        } else {
            Err(Refusal::TooMuchMemory)
        }
    }

    /// The same for the decoders, which allocate for more than pixels (profiles, text chunks, frames).
    pub(crate) fn for_decoder(&self, file_bytes: usize) -> image::Limits {
        let mut limits = image::Limits::default();
        limits.max_alloc = Some(self.left(file_bytes));
        limits
    }

    fn left(&self, file_bytes: usize) -> u64 {
        let file = u64::try_from(file_bytes).unwrap_or(u64::MAX);
        self.memory.saturating_sub(file.saturating_mul(COPIES_OF_FILE))
    }
}

//! What a file may cost, checked before it costs it.

use crate::{Probe, Refusal};

/// What a file may cost. Everything is checked against the [`Probe`], before an allocation whose size the file decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file.
    pub max_bytes: u64,
    /// Pixels of the longer side.
    pub max_side: u32,
    /// Width times height.
    pub max_pixels: u64,
    /// Frames of an animation. Only the first is decoded, but whoever looks at the original decodes them all.
    pub max_frames: u32,
    /// Bytes of memory for the file and everything that is made of it.
    pub memory: u64,
}

impl Limits {
    /// Before a byte is read: whether the file itself is small enough, with as much again left to work in.
    pub fn check_file(&self, bytes: u64) -> Result<(), Refusal> {
        if bytes > self.max_bytes {
            return Err(Refusal::TooManyBytes { limit: self.max_bytes });
        }
        if bytes.saturating_mul(2) < self.memory { Ok(()) } else { Err(Refusal::TooMuchMemory) }
    }

    /// After the header, before the pixels. Memory is checked later, when it is known how the file is decoded.
    pub fn check_probe(&self, probe: &Probe) -> Result<(), Refusal> {
        let Probe { width, height, frames, .. } = *probe;
        let pixels = u64::from(width) * u64::from(height);
        if width > self.max_side || height > self.max_side || pixels > self.max_pixels {
            let max_megapixels = self.max_pixels / 1_000_000;
            return Err(Refusal::TooManyPixels { width, height, max_side: self.max_side, max_megapixels });
        }
        if frames > self.max_frames {
            return Err(Refusal::TooManyFrames { limit: self.max_frames });
        }
        if pixels == 0 { Err(Refusal::damaged("no pixels")) } else { Ok(()) }
    }

    /// What is left for decoding beside the file.
    pub(crate) fn left(&self, file_bytes: u64) -> u64 {
        self.memory.saturating_sub(file_bytes)
    }
}

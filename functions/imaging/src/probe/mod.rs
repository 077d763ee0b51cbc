//! What a file says about itself, read from its header without an allocation.
//!
//! Each format has a small reader of its own here, since the decoders' readers allocate what the file asks for. A reader
//! walks the file's blocks by their lengths, so its time is bounded by the file's size, and looks into none but the few
//! that say something about the picture.

pub(crate) mod gif;
pub(crate) mod png;
pub(crate) mod webp;

use crate::exif::Orientation;
use crate::jpeg;
use crate::kind::Kind;
use crate::refusal::Refusal;

/// What a file says about itself. Nothing of it is proven by the pixels yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// From the first bytes.
    pub kind: Kind,
    /// Pixels as stored. JPEG: frame header; PNG: `IHDR`; WebP: `VP8X`, else the bit stream's header; GIF: logical screen.
    pub width: u32,
    /// As `width`.
    pub height: u32,
    /// JPEG: `APP1`; PNG: `eXIf`; WebP: `EXIF`; GIF has none.
    pub orientation: Orientation,
    /// Bytes of the embedded colour profile, 0 without one. JPEG: `APP2`; WebP: `ICCP`; PNG: `iCCP`, compressed.
    pub profile_bytes: u32,
    /// Pictures in the file, at least 1. PNG: `acTL`; WebP: `ANMF` blocks; GIF: image descriptors; JPEG: always 1.
    pub frames: u32,
    /// Whether pixels may be transparent.
    pub alpha: bool,
}

impl Probe {
    /// Width and height of the upright photo.
    pub fn upright(&self) -> (u32, u32) {
        if self.orientation.turns() { (self.height, self.width) } else { (self.width, self.height) }
    }

    /// A picture that says nothing but its size.
    const fn plain(kind: Kind, width: u32, height: u32) -> Self {
        Self {
            kind,
            width,
            height,
            orientation: Orientation::Upright,
            profile_bytes: 0,
            frames: 1,
            alpha: false,
        }
    }
}

/// Reads what a file says about itself. Allocates nothing.
pub fn probe(bytes: &[u8]) -> Result<Probe, Refusal> {
    match Kind::sniff(bytes)? {
        Kind::Jpeg => probe_jpeg(bytes),
        Kind::Png => png::probe(bytes),
        Kind::Webp => webp::probe(bytes),
        Kind::Gif => gif::probe(bytes),
    }
}

fn probe_jpeg(bytes: &[u8]) -> Result<Probe, Refusal> {
    let summary = jpeg::summary(bytes)?;
    Ok(Probe {
        orientation: summary.orientation,
        profile_bytes: summary.profile_bytes,
        ..Probe::plain(Kind::Jpeg, summary.width.into(), summary.height.into())
    })
}

/// No real profile is larger; as bytes of the file and inflated. Those of cameras are 0.5 to 4 KB, printers' up to 2 MB.
const MAX_PROFILE: u64 = 4 << 20;

/// The embedded profile of a file, as the file holds it: whole, in pieces or compressed.
pub(crate) fn profile(bytes: &[u8], probe: &Probe) -> Option<Vec<u8>> {
    if probe.profile_bytes == 0 || u64::from(probe.profile_bytes) > MAX_PROFILE {
        return None;
    }
    match probe.kind {
        Kind::Jpeg => jpeg::profile(bytes),
        Kind::Png => png::profile(bytes),
        Kind::Webp => webp::profile(bytes).map(<[u8]>::to_vec),
        Kind::Gif => None,
    }
}

/// The TIFF block of a file, as EXIF has it.
pub(crate) fn exif(bytes: &[u8], kind: Kind) -> Option<&[u8]> {
    match kind {
        Kind::Jpeg => jpeg::exif(bytes),
        Kind::Png => png::exif(bytes),
        Kind::Webp => webp::exif(bytes),
        Kind::Gif => None,
    }
}

fn incomplete() -> Refusal {
    Refusal::damaged("the header is incomplete")
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;

//! WebP: a RIFF container of chunks: type, length, data, padding to an even length (RFC 9649).

use super::{Probe, incomplete, length};
use crate::exif;
use crate::kind::Kind;
use crate::refusal::Refusal;

const HEADER: usize = 12;

pub(super) fn probe(bytes: &[u8]) -> Result<Probe, Refusal> {
    let (kind, data) = chunks(bytes).next().ok_or_else(incomplete)?;
    match (kind, data) {
        (b"VP8 ", data) => lossy(data),
        (b"VP8L", data) => lossless(data),
        (b"VP8X", [flags, _, _, _, size @ ..]) if size.len() >= 6 => {
            let side = |at: usize| u32::from_le_bytes([size[at], size[at + 1], size[at + 2], 0]) + 1;
            let mut probe = Probe::plain(Kind::Webp, side(0), side(3));
            probe.alpha = flags & 0x10 != 0;
            walk(bytes, &mut probe);
            Ok(probe)
        }
        _ => Err(incomplete()),
    }
}

/// What the chunks behind `VP8X` say. An animation has a chunk a frame.
fn walk(bytes: &[u8], probe: &mut Probe) {
    let mut frames = 0;
    for (kind, data) in chunks(bytes).skip(1) {
        match kind {
            b"ICCP" => probe.profile_bytes = length(data),
            b"EXIF" => probe.orientation = exif::orientation(tiff(data)),
            b"ANMF" => frames += 1,
            _ => {}
        }
    }
    probe.frames = frames.max(1);
}

/// Some writers keep JPEG's prefix.
fn tiff(data: &[u8]) -> &[u8] {
    data.strip_prefix(b"Exif\0\0").unwrap_or(data)
}

/// The TIFF block of a file of the extended kind: the last one counts.
pub(super) fn exif(bytes: &[u8]) -> Option<&[u8]> {
    let mut chunks = chunks(bytes);
    chunks.next().filter(|(kind, _)| *kind == b"VP8X")?;
    chunks.filter(|(kind, _)| *kind == b"EXIF").map(|(_, data)| tiff(data)).last()
}

/// A VP8 key frame: three bytes of flags, a start code, 14 bits of width and height (RFC 6386 section 9.1).
fn lossy(data: &[u8]) -> Result<Probe, Refusal> {
    let [_, _, _, 0x9D, 0x01, 0x2A, a, b, c, d, ..] = data else { return Err(incomplete()) };
    let side = |low: u8, high: u8| u32::from(u16::from_le_bytes([low, high]) & 0x3FFF);
    Ok(Probe::plain(Kind::Webp, side(*a, *b), side(*c, *d)))
}

/// A signature, then 14 bits of width - 1, 14 bits of height - 1, and whether there is alpha.
fn lossless(data: &[u8]) -> Result<Probe, Refusal> {
    let [0x2F, a, b, c, d, ..] = data else { return Err(incomplete()) };
    let bits = u32::from_le_bytes([*a, *b, *c, *d]);
    let mut probe = Probe::plain(Kind::Webp, (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1);
    probe.alpha = bits >> 28 & 1 == 1;
    Ok(probe)
}

/// The chunks within the container; what trails behind it is not part of the image.
fn chunks(bytes: &[u8]) -> impl Iterator<Item = (&[u8; 4], &[u8])> {
    let end = bytes.get(4..8).and_then(|size| size.try_into().ok()).map_or(0, u32::from_le_bytes);
    let end = usize::try_from(end).unwrap_or(usize::MAX).saturating_add(8).min(bytes.len());
    let mut rest = bytes.get(HEADER..end).unwrap_or_default();
    std::iter::from_fn(move || {
        let (kind, after) = rest.split_first_chunk::<4>()?;
        let (size, after) = after.split_first_chunk::<4>()?;
        let size = usize::try_from(u32::from_le_bytes(*size)).ok()?;
        rest = after.get(size.checked_add(size & 1)?..).unwrap_or_default();
        Some((kind, &after[..size.min(after.len())]))
    })
}

/// The frame of a picture that is lossy and nothing but that.
pub(crate) fn lossy_frame(bytes: &[u8]) -> Option<&[u8]> {
    chunks(bytes).find(|(kind, _)| *kind == b"VP8 ").map(|(_, data)| data)
}

pub(super) fn profile(bytes: &[u8]) -> Option<&[u8]> {
    chunks(bytes).find(|(kind, _)| *kind == b"ICCP").map(|(_, data)| data)
}

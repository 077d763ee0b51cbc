//! PNG: an 8-byte signature, then chunks: length, type, data, checksum (W3C PNG, third edition, section 5).

use std::io::Read as _;

use super::{MAX_PROFILE, Probe, incomplete, length};
use crate::exif;
use crate::kind::Kind;
use crate::refusal::Refusal;

pub(crate) const SIGNATURE: usize = 8;

pub(super) fn probe(bytes: &[u8]) -> Result<Probe, Refusal> {
    let mut chunks = chunks(bytes);
    let Some((b"IHDR", header @ [_, _, _, _, _, _, _, _, _, colour, ..])) = chunks.next() else {
        return Err(incomplete());
    };
    let mut probe = Probe::plain(Kind::Png, side(header, 0)?, side(header, 4)?);
    probe.alpha = colour & 4 != 0;
    for (kind, data) in chunks {
        match kind {
            b"tRNS" => probe.alpha = true,
            b"eXIf" => probe.orientation = exif::orientation(data),
            b"iCCP" => probe.profile_bytes = length(data),
            b"acTL" => probe.frames = side(data, 0)?.max(1),
            b"IDAT" => return Ok(probe),
            // Behind it is nothing that counts, so there are no pixels.
            b"IEND" => break,
            _ => {}
        }
    }
    Err(incomplete())
}

/// The chunks that are whole, the first cut one included with what is there.
fn chunks(bytes: &[u8]) -> impl Iterator<Item = (&[u8; 4], &[u8])> {
    let mut rest = bytes.get(SIGNATURE..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (head, after) = rest.split_first_chunk::<8>()?;
        let (&[a, b, c, d, ..], kind) = (head, head.last_chunk::<4>()?);
        let size = usize::try_from(u32::from_be_bytes([a, b, c, d])).ok()?;
        rest = after.get(size.checked_add(4)?..).unwrap_or_default();
        Some((kind, &after[..size.min(after.len())]))
    })
}

fn side(data: &[u8], at: usize) -> Result<u32, Refusal> {
    let bytes = data.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).ok_or_else(incomplete)?;
    Ok(u32::from_be_bytes(bytes))
}

/// The TIFF block in front of the pixels: the last one counts.
pub(super) fn exif(bytes: &[u8]) -> Option<&[u8]> {
    let chunks = chunks(bytes).take_while(|(kind, _)| *kind != b"IDAT");
    chunks.filter(|(kind, _)| *kind == b"eXIf").map(|(_, data)| data).last()
}

/// A name, a zero, the method (0), and zlib data. `None` when it is no such thing, or too large: a few hundred bytes can inflate
/// to gigabytes.
pub(super) fn profile(bytes: &[u8]) -> Option<Vec<u8>> {
    let (_, data) =
        chunks(bytes).take_while(|(kind, _)| *kind != b"IDAT").find(|(kind, _)| *kind == b"iCCP")?;
    let name = data.iter().position(|byte| *byte == 0)?;
    let compressed = data.get(name + 2..)?;
    let mut profile = Vec::new();
    flate2::read::ZlibDecoder::new(compressed).take(MAX_PROFILE + 1).read_to_end(&mut profile).ok()?;
    (profile.len() as u64 <= MAX_PROFILE).then_some(profile)
}

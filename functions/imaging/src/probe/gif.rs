//! GIF: a logical screen, then blocks: extensions and images, each with its data in pieces of up to 255 bytes (`GIF89a`).

use super::{Probe, incomplete};
use crate::kind::Kind;
use crate::refusal::Refusal;

pub(super) fn probe(bytes: &[u8]) -> Result<Probe, Refusal> {
    let [_, _, _, _, _, _, a, b, c, d, flags, _, _, blocks @ ..] = bytes else { return Err(incomplete()) };
    let (width, height) = (u16::from_le_bytes([*a, *b]), u16::from_le_bytes([*c, *d]));
    let mut probe = Probe::plain(Kind::Gif, width.into(), height.into());
    // A frame need not cover the screen, so anything may be transparent.
    probe.alpha = true;
    probe.frames = frames(blocks.get(palette(*flags)..).unwrap_or_default()).max(1);
    Ok(probe)
}

/// Bytes of the palette that a flags byte announces.
pub(crate) fn palette(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

/// How many images follow, up to where the file ends or makes no sense.
fn frames(mut blocks: &[u8]) -> u32 {
    let mut frames = 0;
    loop {
        let data = match blocks {
            [b'!', _, data @ ..] => data,
            [b',', _, _, _, _, _, _, _, _, flags, data @ ..] => {
                frames += 1;
                // The palette, and a byte with the size of the codes.
                data.get(palette(*flags) + 1..).unwrap_or_default()
            }
            _ => return frames,
        };
        blocks = data.get(pieces(data)..).unwrap_or_default();
    }
}

/// Bytes of the pieces that follow, their end included, as far as they are there.
pub(crate) fn pieces(data: &[u8]) -> usize {
    let mut at = 0;
    while let Some(size) = data.get(at) {
        at += 1 + usize::from(*size);
        if *size == 0 {
            break;
        }
    }
    at.min(data.len())
}

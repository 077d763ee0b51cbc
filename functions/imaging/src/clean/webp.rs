//! WebP: a RIFF container of chunks: name, length, data, padding to an even length (RFC 9649).

use super::Rewriter;
use crate::exif::{MINIMAL, Orientation, minimal};

const CONTAINER: usize = 12;
const HEAD: usize = 8;
/// Where the flags of `VP8X` are, which is the first chunk where there is one; and what they say of chunks that go.
const FLAGS: usize = CONTAINER + HEAD;
const HAS_EXIF: u8 = 0x08;
const HAS_XMP: u8 = 0x04;
/// Where a frame of an animation is, how large, and how long it is shown; chunks follow.
const FRAME: usize = 16;

const KEPT: [&[u8; 4]; 6] = [b"VP8X", b"ICCP", b"ANIM", b"ALPH", b"VP8 ", b"VP8L"];
const KEPT_OF_A_FRAME: [&[u8; 4]; 3] = [b"ALPH", b"VP8 ", b"VP8L"];

pub(super) fn clean(mut file: Rewriter, orientation: Orientation) -> Vec<u8> {
    let announced = file.rest().get(4..8).and_then(|size| size.try_into().ok()).map_or(0, u32::from_le_bytes);
    let end = usize::try_from(announced).unwrap_or(usize::MAX).saturating_add(HEAD).min(file.rest().len());
    let extended = file.rest().get(CONTAINER..CONTAINER + 4) == Some(b"VP8X");
    let mut left = end.saturating_sub(CONTAINER);
    let mut told = orientation == Orientation::Upright;
    let mut exif = false;
    file.keep(CONTAINER);
    while let Some((kind, size)) = chunk(&file, left) {
        match &kind {
            b"ANMF" if extended => frame(&mut file, size),
            b"EXIF" if extended && !told => {
                file.skip(size);
                file.put(b"EXIF");
                file.put(&length(MINIMAL));
                file.put(&minimal(orientation));
                (told, exif) = (true, true);
            }
            kind if KEPT.contains(&kind) => file.keep(size),
            _ => file.skip(size),
        }
        left -= size;
        // A file of the simple kind is one chunk.
        if !extended {
            break;
        }
    }
    if extended && let Some(flags) = file.bytes.get(FLAGS).copied() {
        let flags = flags & !(HAS_EXIF | HAS_XMP) | if exif { HAS_EXIF } else { 0 };
        file.patch(FLAGS, &[flags]);
    }
    let size = length(file.written.saturating_sub(HEAD));
    file.patch(4, &size);
    file.finish()
}

/// Name and size of the next chunk, head and padding included, but no more than there is.
fn chunk(file: &Rewriter, left: usize) -> Option<([u8; 4], usize)> {
    let (head, _) = file.rest().get(..left)?.split_first_chunk::<HEAD>()?;
    let [kind @ .., a, b, c, d] = head;
    let size = usize::try_from(u32::from_le_bytes([*a, *b, *c, *d])).ok()?;
    Some((*kind, size.saturating_add(size & 1).saturating_add(HEAD).min(left)))
}

/// A frame of an animation holds chunks of its own.
fn frame(file: &mut Rewriter, size: usize) {
    let begin = file.written;
    let mut left = size.saturating_sub(HEAD + FRAME);
    file.keep(size - left);
    while let Some((kind, size)) = chunk(file, left) {
        if KEPT_OF_A_FRAME.contains(&&kind) {
            file.keep(size);
        } else {
            file.skip(size);
        }
        left -= size;
    }
    file.skip(left);
    // Without a picture left it is none: decoders would refuse the whole file.
    if file.written <= begin + HEAD + FRAME {
        file.written = begin;
        return;
    }
    let size = length(file.written.saturating_sub(begin + HEAD));
    file.patch(begin + 4, &size);
}

fn length(size: usize) -> [u8; 4] {
    u32::try_from(size).unwrap_or(u32::MAX).to_le_bytes()
}

//! PNG: chunks, each with a length, a name and a checksum (W3C PNG, third edition, section 5).

use super::Rewriter;
use crate::exif::{MINIMAL, Orientation, minimal};
use crate::probe::png::SIGNATURE;

/// Pixels, palette, transparency, colours, background, resolution; and of an animation what and when.
const KEPT: [&[u8; 4]; 18] = [
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB", b"cICP",
    b"mDCV", b"cLLI", b"bKGD", b"pHYs", b"acTL", b"fcTL", b"fdAT",
];
/// The last chunk, whole.
const END: &[u8] = b"\0\0\0\0IEND\xAE\x42\x60\x82";
/// Length, name and checksum.
const AROUND: usize = 12;

pub(super) fn clean(mut file: Rewriter, orientation: Orientation) -> Vec<u8> {
    let mut told = orientation == Orientation::Upright;
    file.keep(SIGNATURE);
    while let Some(&[a, b, c, d, ref kind @ ..]) = file.rest().first_chunk::<8>() {
        let size =
            usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX).saturating_add(AROUND);
        let kind: [u8; 4] = *kind;
        let cut = size > file.rest().len();
        if KEPT.contains(&&kind) {
            file.keep(size);
        } else {
            file.skip(size);
            if &kind == b"eXIf" && !told {
                file.put(&exif(orientation));
                told = true;
            }
        }
        if &kind == b"IEND" || (cut && KEPT.contains(&&kind)) {
            return file.finish();
        }
    }
    // What told decoders that the pixels are over may be gone.
    file.put(END);
    file.finish()
}

fn exif(orientation: Orientation) -> Vec<u8> {
    let block = minimal(orientation);
    let mut checksum = flate2::Crc::new();
    checksum.update(b"eXIf");
    checksum.update(&block);
    let length = u32::try_from(MINIMAL).unwrap_or_default().to_be_bytes();
    [&length[..], b"eXIf", &block, &checksum.sum().to_be_bytes()].concat()
}

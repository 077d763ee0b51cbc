//! JPEG: segments, each with a marker (ITU-T T.81 annex B), and the data of the scans between them.

use super::Rewriter;
use crate::exif::{MINIMAL, Orientation, minimal};
use crate::jpeg::segments::{
    APP0, APP1, APP2, APP14, DNL, DQT, DRI, EOI, EXIF, ICC, SOS, entropy_end, segment,
};

/// Hierarchical files have a frame of frames, and a segment that says how to enlarge one.
const DHP: u8 = 0xDE;
const EXP: u8 = 0xDF;
/// Marker and length.
const HEAD: usize = 4;
/// A JFIF segment without a thumbnail: its data up to the thumbnail's size (JFIF 1.02).
const JFIF: usize = 12;
/// Adobe's segment (Technical Note 5116).
const ADOBE: usize = 12;

/// Of a segment with a minimal block: itself, its name and the block.
const LENGTH: u8 = 2 + 6 + 26;
const _: () = assert!(LENGTH as usize == 2 + EXIF.len() + MINIMAL, "they fit together");

/// What becomes of a segment.
enum Fate {
    Keep,
    /// So many bytes of its data stay, and these come behind.
    Shorten(usize, &'static [u8]),
    /// EXIF: which way is up stays.
    Orientation,
    Drop,
}

pub(super) fn clean(mut file: Rewriter, orientation: Orientation) -> Vec<u8> {
    let mut told = orientation == Orientation::Upright;
    // The start of the image.
    file.keep(2);
    while let Some(found) = segment(file.rest(), 0) {
        let (marker, length, end) = (found.marker, found.data.len(), found.end);
        let size = if marker == EOI { 2 } else { HEAD + length };
        let fate = fate(marker, found.data);
        // Filling, and bytes that belong to nothing.
        file.skip(end - size);
        match fate {
            Fate::Keep => file.keep(size),
            Fate::Shorten(kept, behind) => {
                let total = u16::try_from(2 + kept + behind.len()).unwrap_or_default().to_be_bytes();
                file.keep(2);
                file.skip(2);
                file.put(&total);
                file.keep(kept);
                file.skip(length - kept);
                file.put(behind);
            }
            Fate::Orientation if !told => {
                file.skip(size);
                file.put(&exif(orientation));
                told = true;
            }
            Fate::Orientation | Fate::Drop => file.skip(size),
        }
        match marker {
            SOS => {
                let data = entropy_end(file.rest(), 0);
                file.keep(data);
            }
            EOI => break,
            _ => {}
        }
    }
    file.finish()
}

fn fate(marker: u8, data: &[u8]) -> Fate {
    match marker {
        // C8 is reserved.
        0xC0..=0xC7 | 0xC9..=0xCF | DQT | DNL | DRI | DHP | EXP | SOS | EOI => Fate::Keep,
        // A shorter one has no room for a thumbnail.
        APP0 if data.starts_with(b"JFIF\0") && data.len() < JFIF + 2 => Fate::Keep,
        APP0 if data.starts_with(b"JFIF\0") => Fate::Shorten(JFIF, &[0, 0]),
        APP1 if data.starts_with(EXIF) => Fate::Orientation,
        APP2 if data.starts_with(ICC) => Fate::Keep,
        APP14 if data.starts_with(b"Adobe") && data.len() >= ADOBE => Fate::Shorten(ADOBE, &[]),
        _ => Fate::Drop,
    }
}

fn exif(orientation: Orientation) -> [u8; HEAD + EXIF.len() + MINIMAL] {
    let mut segment = [0; HEAD + EXIF.len() + MINIMAL];
    let (head, rest) = segment.split_at_mut(HEAD);
    let (name, block) = rest.split_at_mut(EXIF.len());
    head.copy_from_slice(&[0xFF, APP1, 0, LENGTH]);
    name.copy_from_slice(EXIF);
    block.copy_from_slice(&minimal(orientation));
    segment
}

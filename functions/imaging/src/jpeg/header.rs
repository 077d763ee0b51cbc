//! A JPEG's segments: a marker (`FF` and a code), a length, and data (ITU-T T.81 annex B).

use super::huffman::Spec;
use crate::exif::{self, Orientation};
use crate::refusal::Refusal;

pub(super) const SOF0: u8 = 0xC0;
pub(super) const SOF1: u8 = 0xC1;
pub(super) const SOF2: u8 = 0xC2;
pub(crate) const DHT: u8 = 0xC4;
pub(crate) const EOI: u8 = 0xD9;
pub(crate) const SOS: u8 = 0xDA;
pub(crate) const DQT: u8 = 0xDB;
/// The number of lines, behind the first scan.
pub(crate) const DNL: u8 = 0xDC;
pub(crate) const DRI: u8 = 0xDD;
const SOI: u8 = 0xD8;
pub(crate) const APP0: u8 = 0xE0;
pub(crate) const APP1: u8 = 0xE1;
pub(crate) const APP2: u8 = 0xE2;
pub(crate) const APP14: u8 = 0xEE;
pub(crate) const EXIF: &[u8] = b"Exif\0\0";
pub(crate) const ICC: &[u8] = b"ICC_PROFILE\0";

/// Coefficients are stored in this order, from low to high frequencies; the value is `row * 8 + column`.
pub(super) const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7,
    14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39,
    46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// A segment, and where the bytes behind it begin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Segment<'a> {
    pub(crate) marker: u8,
    pub(crate) data: &'a [u8],
    pub(crate) end: usize,
}

/// Whether no segment begins with an `FF` and this code: a stuffed zero, codes that stand for nothing (T.81 table B.1; random bytes in
/// damaged data), restart markers, and filling, which is more of `FF`.
pub(super) fn is_nothing(code: u8) -> bool {
    matches!(code, 0..=0xBF | 0xD0..=0xD7 | 0xFF)
}

/// Where the next segment begins, at or behind a position: bytes that belong to none are skipped, as all decoders do. The end of the
/// bytes if there is none, or where a marker may begin that is cut off.
pub(super) fn segment_start(bytes: &[u8], mut at: usize) -> usize {
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr::memchr(0xFF, rest)) {
        at += found;
        match bytes.get(at + 1).copied() {
            // The next may be the one that a segment begins with.
            Some(0xFF) => at += 1,
            Some(code) if is_nothing(code) || code == SOI => at += 2,
            Some(_) | None => return at,
        }
    }
    at.max(bytes.len())
}

/// The segment at or behind a position; the end of the image counts as one without data. `None` at the end of the file, or where that
/// cuts a segment off.
pub(crate) fn segment(bytes: &[u8], at: usize) -> Option<Segment<'_>> {
    let at = segment_start(bytes, at) + 1;
    match *bytes.get(at)? {
        EOI => Some(Segment { marker: EOI, data: &[], end: at + 1 }),
        marker => {
            let length = bytes.get(at + 1..at + 3)?;
            // It counts itself; where it says less, other decoders take that for no data.
            let length = usize::from(u16::from_be_bytes([length[0], length[1]])).max(2);
            let end = at + 1 + length;
            let data = bytes.get(at + 3..end)?;
            Some(Segment { marker, data, end })
        }
    }
}

/// Where the entropy-coded data that begins at a position ends: at the next marker that is not a restart.
pub(crate) fn entropy_end(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    memchr::memchr_iter(0xFF, rest)
        .find(|at| rest.get(at + 1).is_some_and(|code| !is_nothing(*code)))
        .map_or(bytes.len(), |at| from + at)
}

/// One of the planes that a picture is stored in.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Component {
    pub(super) id: u8,
    /// Blocks a unit, across and down: 1 to 4.
    pub(super) across: u8,
    pub(super) down: u8,
    pub(super) table: u8,
}

/// The frame header.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub(super) marker: u8,
    pub(super) precision: u8,
    pub(super) width: u16,
    pub(super) height: u16,
    pub(super) count: u8,
    pub(super) components: [Component; 4],
}

impl Frame {
    /// Which markers are frame headers: all of `C0` to `CF` but tables and an extension.
    pub(super) fn is(marker: u8) -> bool {
        matches!(marker, 0xC0..=0xCF) && !matches!(marker, DHT | 0xC8 | 0xCC)
    }

    pub(super) fn parse(segment: Segment<'_>) -> Option<Self> {
        let [precision, a, b, c, d, count, rest @ ..] = segment.data else { return None };
        let mut components = [Component::default(); 4];
        if !(1..=4).contains(count) {
            return None;
        }
        for (component, bytes) in components.iter_mut().zip(rest.chunks_exact(3)).take(usize::from(*count)) {
            *component =
                Component { id: bytes[0], across: bytes[1] >> 4, down: bytes[1] & 15, table: bytes[2] };
        }
        (rest.len() >= usize::from(*count) * 3).then_some(Self {
            marker: segment.marker,
            precision: *precision,
            width: u16::from_be_bytes([*c, *d]),
            height: u16::from_be_bytes([*a, *b]),
            count: *count,
            components,
        })
    }

    pub(super) fn components(&self) -> &[Component] {
        &self.components[..usize::from(self.count)]
    }
}

/// The header of a scan: which planes, which coefficients, how precise.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scan {
    count: u8,
    /// Index of the component in the frame, and the numbers of its tables for the first and for the other coefficients.
    parts: [(u8, u8, u8); 4],
    /// First and last coefficient.
    pub(super) first: u8,
    pub(super) last: u8,
    /// Bits that were left out before this scan, and that are left out after it.
    pub(super) before: u8,
    pub(super) after: u8,
}

impl Scan {
    pub(super) fn parse(data: &[u8], frame: &Frame) -> Option<Self> {
        let (&count, rest) = data.split_first()?;
        if !(1..=frame.count).contains(&count) {
            return None;
        }
        let (parts, tail) = rest.split_at_checked(usize::from(count) * 2)?;
        let mut found = [(0, 0, 0); 4];
        for (slot, part) in found.iter_mut().zip(parts.chunks_exact(2)) {
            let index = frame.components().iter().position(|component| component.id == part[0])?;
            *slot = (u8::try_from(index).ok()?, part[1] >> 4, part[1] & 15);
        }
        let &[first, last, bits, ..] = tail else { return None };
        let scan = Self { count, parts: found, first, last, before: bits >> 4, after: bits & 15 };
        scan.is_sound().then_some(scan)
    }

    fn is_sound(&self) -> bool {
        let parts = self.parts();
        let tables = parts.iter().all(|(_, dc, ac)| *dc < 4 && *ac < 4);
        let distinct = parts.iter().enumerate().all(|(at, part)| parts[..at].iter().all(|p| p.0 != part.0));
        tables && distinct && self.first <= self.last && self.last < 64 && self.after <= 13
    }

    pub(super) fn parts(&self) -> &[(u8, u8, u8)] {
        &self.parts[..usize::from(self.count)]
    }
}

/// Tables and settings as they stand at some point of the file.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) quantisation: [Option<[u16; 64]>; 4],
    pub(super) dc: [Option<Spec>; 4],
    pub(super) ac: [Option<Spec>; 4],
    pub(super) restart: u16,
}

impl Tables {
    /// Takes a segment in, if it is one with tables; false if it is damaged.
    pub(super) fn update(&mut self, segment: Segment<'_>) -> bool {
        let mut data = segment.data;
        match segment.marker {
            DQT => {
                while !data.is_empty() {
                    match self.quantisation(data) {
                        Some(rest) => data = rest,
                        None => return false,
                    }
                }
                true
            }
            DHT => {
                while let [head, rest @ ..] = data {
                    let (class, number) = (head >> 4, usize::from(head & 15));
                    let Some((spec, after)) = Spec::parse(rest) else { return false };
                    let tables = if class == 0 { &mut self.dc } else { &mut self.ac };
                    let Some(slot) = tables.get_mut(number) else { return false };
                    *slot = Some(spec);
                    data = after;
                }
                true
            }
            DRI => match data {
                [high, low, ..] => {
                    self.restart = u16::from_be_bytes([*high, *low]);
                    true
                }
                _ => false,
            },
            _ => true,
        }
    }

    /// One quantisation table: 64 bytes or 64 words, in zigzag order.
    fn quantisation<'a>(&mut self, data: &'a [u8]) -> Option<&'a [u8]> {
        let (&head, rest) = data.split_first()?;
        let wide = head >> 4 != 0;
        let (values, rest) = rest.split_at_checked(if wide { 128 } else { 64 })?;
        let mut table = [0; 64];
        for (at, value) in table.iter_mut().enumerate() {
            *value = if wide {
                u16::from_be_bytes([values[at * 2], values[at * 2 + 1]])
            } else {
                values[at].into()
            };
        }
        *self.quantisation.get_mut(usize::from(head & 15))? = Some(table);
        Some(rest)
    }
}

/// What the header says besides the frame.
#[derive(Debug)]
pub(crate) struct Summary {
    pub(crate) width: u16,
    pub(crate) height: u16,
    pub(crate) orientation: Orientation,
    pub(crate) profile_bytes: u32,
    pub(super) frame: Frame,
    pub(super) jfif: bool,
    /// Adobe's marker: 0 is RGB or CMYK, 1 is `YCbCr`, 2 is YCCK.
    pub(super) adobe: Option<u8>,
}

/// Reads the header up to the first scan.
pub(crate) fn summary(bytes: &[u8]) -> Result<Summary, Refusal> {
    let (mut frame, mut orientation, mut profile_bytes) = (None, None, 0_u32);
    let (mut jfif, mut adobe, mut at) = (false, None, 0);
    while let Some(segment) = segment(bytes, at) {
        at = segment.end;
        match (segment.marker, segment.data) {
            (SOS | EOI, _) => break,
            (APP0, data) => jfif |= data.starts_with(b"JFIF\0"),
            (APP1, data) => {
                // The first one counts: a hidden second one must not turn the picture.
                if let Some(tiff) = data.strip_prefix(EXIF) {
                    orientation.get_or_insert_with(|| exif::orientation(tiff));
                }
            }
            (APP2, data) => {
                if let Some(piece) = data.strip_prefix(ICC) {
                    profile_bytes += u32::try_from(piece.len()).unwrap_or_default();
                }
            }
            (APP14, [b'A', b'd', b'o', b'b', b'e', _, _, _, _, _, _, transform, ..]) => {
                adobe = Some(*transform);
            }
            (marker, _) if Frame::is(marker) && frame.is_none() => frame = Frame::parse(segment),
            _ => {}
        }
    }
    let frame = frame.ok_or_else(|| Refusal::damaged("no frame header"))?;
    Ok(Summary {
        width: frame.width,
        height: frame.height,
        orientation: orientation.unwrap_or_default(),
        profile_bytes,
        frame,
        jfif,
        adobe,
    })
}

/// Where the first scan's data begins, if the file is there up to that. It is searched from `at` on, where the search was left.
pub(crate) fn header_end(bytes: &[u8], at: &mut usize) -> Option<usize> {
    loop {
        *at = segment_start(bytes, *at);
        let segment = segment(bytes, *at).filter(|segment| segment.marker != EOI)?;
        if segment.marker == SOS {
            return Some(segment.end);
        }
        *at = segment.end;
    }
}

/// The TIFF block: the first one counts, as for the orientation.
pub(crate) fn exif(bytes: &[u8]) -> Option<&[u8]> {
    let mut at = 0;
    while let Some(segment) = segment(bytes, at).filter(|segment| !matches!(segment.marker, SOS | EOI)) {
        at = segment.end;
        if let Some(tiff) = segment.data.strip_prefix(EXIF).filter(|_| segment.marker == APP1) {
            return Some(tiff);
        }
    }
    None
}

/// The colour profile: pieces of up to 64 KB, each with its number, in any order (ICC.1 annex B.4).
pub(crate) fn profile(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut pieces: Vec<(u8, &[u8])> = Vec::new();
    let (mut at, mut expected) = (0, 0);
    while let Some(segment) = segment(bytes, at).filter(|segment| !matches!(segment.marker, SOS | EOI)) {
        at = segment.end;
        if segment.marker == APP2
            && let Some([number, count, piece @ ..]) = segment.data.strip_prefix(ICC)
            && pieces.len() < 255
        {
            expected = *count;
            pieces.push((*number, piece));
        }
    }
    pieces.sort_by_key(|(number, _)| *number);
    let whole = pieces.iter().map(|(number, _)| *number).eq(1..=expected);
    whole.then(|| pieces.iter().flat_map(|(_, piece)| *piece).copied().collect())
}

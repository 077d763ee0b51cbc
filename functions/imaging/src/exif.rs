//! EXIF: which way is up, and the little that the page tells of a photo ([`crate::details`]).
//!
//! EXIF is a small TIFF file: a byte order, the offset of a directory, and directories of 12-byte entries. Directories can
//! be chained, nested and made to point at each other; none of that is followed. Two directories at most, their entries in order,
//! and no read outside of the bytes.

/// How the stored pixels must be turned to be upright; EXIF tag 0x0112.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Orientation {
    /// 1: upright as stored.
    #[default]
    Upright,
    /// 2: left and right change places.
    FlipHorizontal,
    /// 3: half a turn.
    Rotate180,
    /// 4: top and bottom change places.
    FlipVertical,
    /// 5: rows become columns.
    Transpose,
    /// 6: a quarter turn clockwise.
    Rotate90,
    /// 7: rows become columns, then half a turn.
    Transverse,
    /// 8: a quarter turn counterclockwise.
    Rotate270,
}

impl Orientation {
    /// From the tag's value. Others than 1 to 8 mean nothing, and a photo with an unreadable orientation is still a photo.
    pub(crate) fn from_tag(value: u16) -> Self {
        match value {
            2 => Self::FlipHorizontal,
            3 => Self::Rotate180,
            4 => Self::FlipVertical,
            5 => Self::Transpose,
            6 => Self::Rotate90,
            7 => Self::Transverse,
            8 => Self::Rotate270,
            _ => Self::Upright,
        }
    }

    /// The tag's value.
    pub(crate) fn tag(self) -> u8 {
        match self {
            Self::Upright => 1,
            Self::FlipHorizontal => 2,
            Self::Rotate180 => 3,
            Self::FlipVertical => 4,
            Self::Transpose => 5,
            Self::Rotate90 => 6,
            Self::Transverse => 7,
            Self::Rotate270 => 8,
        }
    }

    /// Whether width and height change places.
    pub fn turns(self) -> bool {
        match self {
            Self::Upright | Self::FlipHorizontal | Self::Rotate180 | Self::FlipVertical => false,
            Self::Transpose | Self::Rotate90 | Self::Transverse | Self::Rotate270 => true,
        }
    }

    /// Whether the first column of the stored picture is the last column or row of the upright one, and the same of its first row.
    pub(crate) fn reversed(self) -> (bool, bool) {
        match self {
            Self::Upright | Self::Transpose => (false, false),
            Self::FlipHorizontal | Self::Rotate270 => (true, false),
            Self::FlipVertical | Self::Rotate90 => (false, true),
            Self::Rotate180 | Self::Transverse => (true, true),
        }
    }
}

/// Reads the orientation from a TIFF block (what follows `Exif\0\0`).
pub(crate) fn orientation(tiff: &[u8]) -> Orientation {
    let found = Tiff::new(tiff).and_then(|tiff| {
        let entry = tiff.entries(tiff.first()?).find(|entry| entry.tag == ORIENTATION)?;
        if entry.kind == SHORT { tiff.short(entry.value) } else { None }
    });
    found.map_or(Orientation::Upright, Orientation::from_tag)
}

/// A TIFF block that says nothing but which way is up.
pub(crate) fn minimal(orientation: Orientation) -> [u8; MINIMAL] {
    let mut block = *b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x01\0\0\0\0\0\0\0";
    block[18] = orientation.tag();
    block
}

/// Bytes of [`minimal`].
pub(crate) const MINIMAL: usize = 26;

const ORIENTATION: u16 = 0x0112;
/// Types of values: 2 is text, 3 a number of 16 bits, 4 one of 32 bits, 5 a fraction of two such.
pub(crate) const ASCII: u16 = 2;
pub(crate) const SHORT: u16 = 3;
pub(crate) const LONG: u16 = 4;
pub(crate) const RATIONAL: u16 = 5;

/// A TIFF block. All reads are checked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tiff<'a> {
    bytes: &'a [u8],
    little: bool,
}

/// An entry of a directory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) tag: u16,
    pub(crate) kind: u16,
    pub(crate) count: u32,
    /// Where the value stands, or, if it has more than four bytes, where the offset of the value does.
    pub(crate) value: usize,
}

impl<'a> Tiff<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Option<Self> {
        match bytes.get(..4)? {
            b"II*\0" => Some(Self { bytes, little: true }),
            b"MM\0*" => Some(Self { bytes, little: false }),
            _ => None,
        }
    }

    /// Where the first directory is.
    pub(crate) fn first(&self) -> Option<usize> {
        self.offset(4)
    }

    /// The entries of a directory, as far as they are there.
    pub(crate) fn entries(self, directory: usize) -> impl Iterator<Item = Entry> {
        let count = usize::from(self.short(directory).unwrap_or_default());
        (0..count).map_while(move |number| {
            let at = directory.checked_add(2 + number * 12)?;
            let (tag, kind, count) = (self.short(at)?, self.short(at + 2)?, self.long(at + 4)?);
            Some(Entry { tag, kind, count, value: at + 8 })
        })
    }

    pub(crate) fn short(&self, at: usize) -> Option<u16> {
        let bytes = self.bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if self.little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    }

    pub(crate) fn long(&self, at: usize) -> Option<u32> {
        let bytes = self.bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if self.little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    }

    pub(crate) fn offset(&self, at: usize) -> Option<usize> {
        usize::try_from(self.long(at)?).ok()
    }

    pub(crate) fn bytes(&self, at: usize, count: usize) -> Option<&'a [u8]> {
        self.bytes.get(at..at.checked_add(count)?)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_byte_orders_are_read() {
        let little = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0";
        let big = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0";
        assert_eq!(orientation(little), Orientation::Rotate90);
        assert_eq!(orientation(big), Orientation::Rotate90);
    }

    #[test]
    fn absurd_blocks_say_nothing() {
        for tiff in [
            &b""[..],
            b"II*\0",
            b"II*\0\xFF\xFF\xFF\xFF",
            b"II*\0\x08\0\0\0\xFF\xFF\x12\x01",
            b"II*\0\x08\0\0\0\x01\0\x12\x01\x02\0\x01\0\0\0\x06\0\0\0",
            b"XX*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0",
        ] {
            assert_eq!(orientation(tiff), Orientation::Upright);
        }
        assert_eq!(Orientation::from_tag(0), Orientation::Upright);
        assert_eq!(Orientation::from_tag(9), Orientation::Upright);
    }

    #[test]
    fn a_minimal_block_says_which_way_is_up_and_nothing_else() {
        for tag in 1..=8 {
            let wanted = Orientation::from_tag(tag);
            assert_eq!(u16::from(wanted.tag()), tag);
            let block = minimal(wanted);
            assert_eq!(orientation(&block), wanted);
            let tiff = Tiff::new(&block).unwrap();
            assert_eq!(tiff.entries(tiff.first().unwrap()).count(), 1);
        }
    }

    proptest! {
        #[test]
        fn no_block_panics(tail in proptest::collection::vec(any::<u8>(), 0..80), big: bool) {
            let mut tiff = if big { b"MM\0*".to_vec() } else { b"II*\0".to_vec() };
            tiff.extend(tail);
            orientation(&tiff);
        }
    }
}

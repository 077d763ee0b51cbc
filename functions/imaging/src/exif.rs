//! The one thing that is read from EXIF: which way is up.
//!
//! EXIF is a small TIFF file: a byte order, the offset of a directory, and directories of 12-byte entries. Directories can
//! be chained, nested and made to point at each other; none of that is followed. One directory, its entries in order, and no
//! read outside of the bytes.

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

    /// Whether width and height change places.
    pub fn turns(self) -> bool {
        match self {
            Self::Upright | Self::FlipHorizontal | Self::Rotate180 | Self::FlipVertical => false,
            Self::Transpose | Self::Rotate90 | Self::Transverse | Self::Rotate270 => true,
        }
    }
}

/// Reads the orientation from a TIFF block (what follows `Exif\0\0`).
pub(crate) fn orientation(tiff: &[u8]) -> Orientation {
    find(tiff).map_or(Orientation::Upright, Orientation::from_tag)
}

fn find(tiff: &[u8]) -> Option<u16> {
    let little = match tiff.get(..4)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let short = |at: usize| -> Option<u16> {
        let bytes = tiff.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    };
    let directory = {
        let bytes = tiff.get(4..8)?.try_into().ok()?;
        let offset = if little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) };
        usize::try_from(offset).ok()?
    };
    for entry in 0..usize::from(short(directory)?) {
        let at = directory.checked_add(2 + entry * 12)?;
        // Tag, type (3 is a SHORT), count, value.
        if short(at)? == 0x0112 {
            return if short(at + 2)? == 3 { short(at + 8) } else { None };
        }
    }
    None
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

    proptest! {
        #[test]
        fn no_block_panics(tail in proptest::collection::vec(any::<u8>(), 0..80), big: bool) {
            let mut tiff = if big { b"MM\0*".to_vec() } else { b"II*\0".to_vec() };
            tiff.extend(tail);
            orientation(&tiff);
        }
    }
}

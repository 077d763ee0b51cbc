//! What a file is, told by its first bytes. Names and claims do not count.

use crate::Refusal;

/// A type of image that can be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Jpeg,
    Png,
    Webp,
    Gif,
}

impl Kind {
    /// Every type.
    pub const ALL: [Self; 4] = [Self::Jpeg, Self::Png, Self::Webp, Self::Gif];

    /// As people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::Webp => "WebP",
            Self::Gif => "GIF",
        }
    }

    /// What the first bytes say. Types that people have, but that cannot be opened here, are refused by name.
    pub fn sniff(bytes: &[u8]) -> Result<Self, Refusal> {
        match bytes {
            [0xFF, 0xD8, 0xFF, ..] => Ok(Self::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => Ok(Self::Png),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Ok(Self::Webp),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Ok(Self::Gif),
            [_, _, _, _, b'f', b't', b'y', b'p', a, b, c, d, ..] => Err(brand([*a, *b, *c, *d])),
            _ => Err(Refusal::NotAnImage),
        }
    }
}

/// HEIC and AVIF are boxes of the MPEG-4 family; the brand in the first box tells them apart (ISO/IEC 23008-12).
/// Their decoders are large C libraries, HEIC's under patents: not for files that strangers send.
fn brand(brand: [u8; 4]) -> Refusal {
    match &brand {
        b"heic" | b"heix" | b"hevc" | b"hevx" | b"heim" | b"heis" | b"mif1" | b"msf1" => {
            Refusal::CannotOpen { name: "HEIC" }
        }
        b"avif" | b"avis" => Refusal::CannotOpen { name: "AVIF" },
        _ => Refusal::NotAnImage,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_decide() {
        assert_eq!(Kind::sniff(b"\xFF\xD8\xFF\xE0"), Ok(Kind::Jpeg));
        assert_eq!(Kind::sniff(b"\x89PNG\r\n\x1A\n\0"), Ok(Kind::Png));
        assert_eq!(Kind::sniff(b"RIFF\x01\0\0\0WEBPVP8 "), Ok(Kind::Webp));
        assert_eq!(Kind::sniff(b"GIF89a"), Ok(Kind::Gif));
        for bytes in
            [&b""[..], b"\xFF\xD8", b"<svg/>", b"PK\x03\x04", b"%PDF-1.7", b"RIFF\0\0\0\0WAVE", b" GIF89a"]
        {
            assert_eq!(Kind::sniff(bytes), Err(Refusal::NotAnImage));
        }
    }

    #[test]
    fn types_that_cannot_be_opened_are_refused_by_name() {
        for (bytes, name) in [(b"\0\0\0\x18ftypheic", "HEIC"), (b"\0\0\0\x1Cftypavif", "AVIF")] {
            assert_eq!(Kind::sniff(bytes), Err(Refusal::CannotOpen { name }));
        }
        assert_eq!(Kind::sniff(b"\0\0\0\x18ftypisom"), Err(Refusal::NotAnImage));
    }
}

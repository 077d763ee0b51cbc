//! The image types a gallery knows: what a visitor may claim and what thumbnails are. What a file
//! really is, `functions_imaging` finds out.

use std::fmt;
use std::str::FromStr;

use crate::contract;

/// Content type of an original.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ContentType {
    Jpeg,
    Png,
    Webp,
    Gif,
}

impl ContentType {
    /// Every type, in the order of [`contract::CONTENT_TYPES`].
    pub const ALL: [Self; 4] = [Self::Jpeg, Self::Png, Self::Webp, Self::Gif];

    /// As in HTTP.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jpeg => contract::CONTENT_TYPES[0],
            Self::Png => contract::CONTENT_TYPES[1],
            Self::Webp => contract::CONTENT_TYPES[2],
            Self::Gif => contract::CONTENT_TYPES[3],
        }
    }

    /// As people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::Webp => "WebP",
            Self::Gif => "GIF",
        }
    }
}

/// Not one of [`contract::CONTENT_TYPES`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown content type {0:?}; known are {known}", known = contract::CONTENT_TYPES.join(", "))]
pub struct UnknownContentType(pub String);

impl FromStr for ContentType {
    type Err = UnknownContentType;

    /// Media types are case-insensitive (RFC 9110 section 8.3.1). Parameters are not accepted.
    fn from_str(text: &str) -> Result<Self, UnknownContentType> {
        let known = Self::ALL.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(text));
        known.ok_or_else(|| UnknownContentType(text.chars().take(100).collect()))
    }
}

impl fmt::Display for ContentType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Format of thumbnails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThumbnailFormat {
    Jpeg,
    Webp,
}

impl ThumbnailFormat {
    /// Every format.
    pub const ALL: [Self; 2] = [Self::Jpeg, Self::Webp];

    /// Content type of the thumbnail.
    pub const fn content_type(self) -> ContentType {
        match self {
            Self::Jpeg => ContentType::Jpeg,
            Self::Webp => ContentType::Webp,
        }
    }

    /// How a thumbnail's key ends.
    pub const fn key_suffix(self) -> &'static str {
        match self {
            Self::Jpeg => contract::key::JPEG_SUFFIX,
            Self::Webp => contract::key::WEBP_SUFFIX,
        }
    }

    /// The format of a thumbnail, by how its key ends.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| key.ends_with(format.key_suffix()))
    }

    /// As the operator writes it into the environment.
    pub fn from_setting(text: &str) -> Option<Self> {
        match text {
            "JPEG" => Some(Self::Jpeg),
            "WEBP" => Some(Self::Webp),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_written_and_read_back_in_any_case() {
        for kind in ContentType::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            assert_eq!(kind.as_str().to_uppercase().parse(), Ok(kind));
        }
    }

    #[test]
    fn a_thumbnail_s_key_tells_its_format() {
        for format in ThumbnailFormat::ALL {
            assert_eq!(ThumbnailFormat::from_key(&format!("01ARZ{}", format.key_suffix())), Some(format));
        }
        assert_eq!(ThumbnailFormat::from_key("01ARZ.avif"), None);
    }

    #[test]
    fn other_types_are_refused() {
        for text in [
            "",
            "image/jpg",
            "image/jpeg; charset=utf-8",
            " image/jpeg",
            "image/svg+xml",
            "text/html",
            "image/*",
        ] {
            assert!(text.parse::<ContentType>().is_err(), "{text}");
        }
    }
}

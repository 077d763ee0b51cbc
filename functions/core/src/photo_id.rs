//! The identity of a photo: a ULID, so that sorting by it is sorting by time.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use ulid::Ulid;

use crate::content_type::ThumbnailFormat;
use crate::contract::{RENDITIONS, key};

/// Identity of a photo. Its text is always the canonical ULID: 26 characters of Crockford's base 32, upper case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhotoId(Ulid);

/// The text is not a canonical ULID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a photo id is 26 characters of 0-9 and A-Z without I, L, O and U")]
pub struct InvalidPhotoId;

impl PhotoId {
    /// A new identity: the time now, then 80 random bits.
    pub fn generate() -> Self {
        Self(Ulid::generate())
    }

    /// When the identity was made, to the millisecond.
    ///
    /// This is the photo's upload date: unlike a clock read later, it can never contradict the order by id, and it is
    /// the same however often an event is delivered.
    pub fn created(self) -> Timestamp {
        // A ULID's 48 bits of milliseconds reach the year 10889, jiff's last timestamp is in 9999.
        i64::try_from(self.0.timestamp_ms())
            .ok()
            .and_then(|ms| Timestamp::from_millisecond(ms).ok())
            .unwrap_or(Timestamp::MAX)
    }

    /// Where the visitor's file arrives, in the photos bucket.
    pub fn incoming_key(self) -> String {
        format!("{}{self}", key::INCOMING)
    }

    /// Where the checked original lives, in the photos bucket.
    pub fn photo_key(self) -> String {
        format!("{}{self}", key::PHOTOS)
    }

    /// Where the thumbnail lives, in the thumbnails bucket.
    pub fn thumbnail_key(self, format: ThumbnailFormat) -> String {
        format!("{self}{}", format.key_suffix())
    }

    /// Where the rendition with this long edge lives, in the thumbnails bucket.
    pub fn rendition_key(self, long_edge: u32, format: ThumbnailFormat) -> String {
        format!("{self}-{long_edge}{}", format.key_suffix())
    }

    /// Every key that the photo may have in the thumbnails bucket, whatever the gallery's settings were when they were made.
    pub fn thumbnail_keys(self) -> Vec<String> {
        let keys = |format| {
            let renditions = RENDITIONS.into_iter().map(move |edge| self.rendition_key(edge, format));
            std::iter::once(self.thumbnail_key(format)).chain(renditions)
        };
        ThumbnailFormat::ALL.into_iter().flat_map(keys).collect()
    }

    /// The photo that an incoming key belongs to; `None` for any key that the upload function did not choose.
    pub fn from_incoming_key(key: &str) -> Option<Self> {
        key.strip_prefix(key::INCOMING)?.parse().ok()
    }
}

impl FromStr for PhotoId {
    type Err = InvalidPhotoId;

    /// Strict: the crate also reads lower case and `I` for `1`, which would give one photo several names.
    fn from_str(text: &str) -> Result<Self, InvalidPhotoId> {
        let id = Ulid::from_string(text).map_err(|_| InvalidPhotoId)?;
        if id.to_string() == text { Ok(Self(id)) } else { Err(InvalidPhotoId) }
    }
}

impl fmt::Display for PhotoId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

    #[test]
    fn a_canonical_ulid_is_read_and_written_back() {
        let id: PhotoId = ID.parse().unwrap();
        assert_eq!(id.to_string(), ID);
        assert_eq!(id.created().to_string(), "2016-07-30T23:54:10.259Z");
        assert_eq!(PhotoId::from_incoming_key(&id.incoming_key()), Some(id));
    }

    #[test]
    fn every_key_of_the_thumbnails_bucket_is_known_from_the_id() {
        let id: PhotoId = ID.parse().unwrap();
        let names = ["", "-1024", "-2048"];
        let keys = [".jpg", ".webp"].map(|suffix| names.map(|name| format!("{ID}{name}{suffix}")));
        assert_eq!(id.thumbnail_keys(), keys.concat());
    }

    #[test]
    fn other_spellings_of_a_ulid_are_refused() {
        let lower = ID.to_lowercase();
        for text in [
            &lower,
            "",
            "01ARZ3NDEKTSV4RRFFQ69G5FA",
            "01ARZ3NDEKTSV4RRFFQ69G5FAVX",
            "8ZZZZZZZZZZZZZZZZZZZZZZZZZ",
            "0IARZ3NDEKTSV4RRFFQ69G5FAV",
            "01ARZ3NDEKTSV4RRFFQ69G5FA ",
            "../ARZ3NDEKTSV4RRFFQ69G5FAV",
        ] {
            assert_eq!(text.parse::<PhotoId>(), Err(InvalidPhotoId), "{text}");
        }
    }

    #[test]
    fn only_keys_directly_under_incoming_are_ours() {
        for key in [
            "incoming/",
            "incoming/x",
            "photos/01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "incoming/01ARZ3NDEKTSV4RRFFQ69G5FAV/x",
            "/incoming/01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "incoming/incoming/01ARZ3NDEKTSV4RRFFQ69G5FAV",
        ] {
            assert_eq!(PhotoId::from_incoming_key(key), None, "{key}");
        }
    }

    #[test]
    fn the_last_ulid_still_has_a_date() {
        let last: PhotoId = "7ZZZZZZZZZZZZZZZZZZZZZZZZZ".parse().unwrap();
        assert_eq!(last.created(), Timestamp::MAX);
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_accepts_only_its_own_output(text in ".{0,40}") {
            if let Ok(id) = text.parse::<PhotoId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }
}

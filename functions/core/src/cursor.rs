//! The cursor of a list: where the last page ended, opaque to the page that sends it back.
//!
//! It is not a secret and grants nothing, so it is not signed. The checksum tells damage and guesses from ours, and the
//! version lets a later format refuse this one politely.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::photo_id::PhotoId;
use crate::problem::{Code, Problem};

const VERSION: u8 = 1;
const ID_BYTES: usize = 26;
const CHECKSUM_BYTES: usize = 4;
/// Version, id, checksum, in base64: no honest cursor is longer.
const MAX_CHARACTERS: usize = 64;

/// The cursor for the page that begins after this photo.
pub fn after(last: PhotoId) -> String {
    let mut bytes = vec![VERSION];
    bytes.extend_from_slice(last.to_string().as_bytes());
    let checksum = checksum(&bytes);
    bytes.extend_from_slice(&checksum);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The photo that the cursor's page begins after.
pub fn read(cursor: &str) -> Result<PhotoId, Problem> {
    decode(cursor).ok_or_else(|| {
        Problem::new(
            Code::InvalidCursor,
            "Send nextCursor of the page before as it is, or no cursor for the first page.",
        )
    })
}

fn decode(cursor: &str) -> Option<PhotoId> {
    if cursor.len() > MAX_CHARACTERS {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    if bytes.len() != 1 + ID_BYTES + CHECKSUM_BYTES || bytes[0] != VERSION {
        return None;
    }
    let (content, sum) = bytes.split_at(1 + ID_BYTES);
    if sum != checksum(content) {
        return None;
    }
    std::str::from_utf8(&content[1..]).ok()?.parse().ok()
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let digest = Sha256::digest(bytes);
    std::array::from_fn(|index| digest[index])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_cursor_is_read_back() {
        let id = PhotoId::generate();
        assert_eq!(read(&after(id)), Ok(id));
    }

    #[test]
    fn odd_cursors_are_refused() {
        let good = after(PhotoId::generate());
        let longer = format!("{good}A");
        let padded = format!("{good}=");
        let cut = &good[..good.len() - 1];
        for cursor in [
            "",
            " ",
            "null",
            "0",
            "eyJwaG90b0lkIjoiMSJ9",
            "../../x",
            "💣",
            &longer,
            &padded,
            cut,
            &"A".repeat(100_000),
        ] {
            assert_eq!(read(cursor).unwrap_err().code, Code::InvalidCursor);
        }
    }

    proptest! {
        #[test]
        fn any_changed_character_is_noticed(position in 0usize..42, replacement in "[A-Za-z0-9_-]") {
            let good = after("01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap());
            let mut changed = good.clone();
            changed.replace_range(position % good.len()..=position % good.len(), &replacement);
            prop_assert_eq!(read(&changed).is_ok(), changed == good);
        }

        #[test]
        fn any_text_is_answered_without_panic(text in any::<String>()) {
            let _ = read(&text);
        }
    }
}

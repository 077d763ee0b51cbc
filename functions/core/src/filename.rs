//! The name of a visitor's file, made safe to show, store and send in headers. It never becomes part of a key.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Longest name in characters.
pub const MAX_CHARACTERS: usize = 255;
/// Longest name in UTF-8 bytes: percent-encoded it must fit in S3's 2 KB of metadata, which has three bytes for each.
const MAX_BYTES: usize = 600;
/// Longest ending that survives shortening, dot included.
const MAX_ENDING_BYTES: usize = 16;

/// RFC 3986's unreserved characters stay as they are.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A clean file name: not empty, one line, no path, no invisible or direction-changing characters, bounded length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filename(String);

impl Filename {
    /// Cleans what a visitor sent; `None` when nothing is left to call the photo by.
    pub fn clean(raw: &str) -> Option<Self> {
        // Browsers send bare names, but a path from anywhere (Windows included) must not survive.
        let base = raw.rsplit(['/', '\\']).next().unwrap_or_default();
        let visible: String = base
            .chars()
            .map(|c| if c.is_whitespace() { ' ' } else { c })
            .filter(|c| !is_hidden(*c))
            .collect();
        let trimmed = visible.trim();
        if trimmed.chars().all(|c| c == '.') {
            return None; // Also the empty name.
        }
        Some(Self(shorten(trimmed)))
    }

    /// For a file that came without a name.
    pub fn unnamed() -> Self {
        Self("photo".to_owned())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// For headers that carry ASCII only: percent-encoded UTF-8.
    pub fn to_header(&self) -> String {
        utf8_percent_encode(&self.0, ENCODED).to_string()
    }

    /// Reads [`Self::to_header`] back. Cleans again, as the header came through the visitor's hands.
    pub fn from_header(header: &str) -> Option<Self> {
        Self::clean(&percent_decode_str(header).decode_utf8_lossy())
    }
}

impl fmt::Display for Filename {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Control characters, and those that draw nothing or turn the direction of the text (`gpj.exe` shown as `exe.jpg`).
///
/// The zero-width joiner stays: emoji of families and several scripts need it.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180E}'
            | '\u{200B}' | '\u{200C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
            | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}'
            | '\u{E0000}'..='\u{E0FFF}' | '\u{F0000}'..='\u{10FFFF}' | '\u{E000}'..='\u{F8FF}' | '\u{FDD0}'..='\u{FDEF}')
}

/// Cuts a long name before its ending, so that it still reads as the file it was.
fn shorten(name: &str) -> String {
    if name.chars().count() <= MAX_CHARACTERS && name.len() <= MAX_BYTES {
        return name.to_owned();
    }
    let ending = name
        .rfind('.')
        .map(|dot| &name[dot..])
        .filter(|ending| ending.len() <= MAX_ENDING_BYTES)
        .unwrap_or_default();
    let characters = MAX_CHARACTERS - ending.chars().count();
    let mut short = String::new();
    for c in name.chars().take(characters) {
        if short.len() + c.len_utf8() + ending.len() > MAX_BYTES {
            break;
        }
        short.push(c);
    }
    short + ending
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn clean(raw: &str) -> Option<String> {
        Filename::clean(raw).map(|name| name.to_string())
    }

    #[test]
    fn honest_names_stay_as_they_are() {
        for name in [
            "IMG_1234.JPG",
            "Été à la mer (2).jpeg",
            "日本の夏.png",
            "👩‍👩‍👧 beach.webp",
            "no ending",
            ".hidden",
            "a+b&c=d.gif",
        ] {
            assert_eq!(clean(name).as_deref(), Some(name));
        }
    }

    #[test]
    fn paths_are_cut_to_their_last_part() {
        assert_eq!(clean("../../etc/passwd").as_deref(), Some("passwd"));
        assert_eq!(clean(r"C:\fakepath\cat.jpg").as_deref(), Some("cat.jpg"));
    }

    #[test]
    fn control_and_direction_characters_disappear() {
        assert_eq!(clean("a\0b\r\nX-Evil: 1.jpg").as_deref(), Some("ab  X-Evil: 1.jpg"));
        assert_eq!(clean("photo\u{202E}gpj.exe").as_deref(), Some("photogpj.exe"));
        assert_eq!(clean("\u{FEFF}a\u{200B}b\u{2066}.jpg").as_deref(), Some("ab.jpg"));
    }

    #[test]
    fn names_of_nothing_are_refused() {
        for name in ["", " ", ".", "..", "...", "\u{202E}", "folder/", "\\", "\n\t", "a/.."] {
            assert_eq!(clean(name), None, "{name:?}");
        }
    }

    #[test]
    fn long_names_keep_their_ending() {
        let short = clean(&format!("{}.jpeg", "x".repeat(1000))).unwrap();
        assert_eq!(short.len(), MAX_CHARACTERS);
        assert!(Filename::clean(&format!("{}.png", "夏".repeat(300))).unwrap().as_str().ends_with("夏.png"));
    }

    proptest! {
        #[test]
        fn any_name_becomes_clean_bounded_and_stable(raw in any::<String>()) {
            if let Some(name) = Filename::clean(&raw) {
                prop_assert!(name.as_str().chars().count() <= MAX_CHARACTERS);
                prop_assert!(name.to_header().len() <= 1800 && name.to_header().is_ascii());
                prop_assert!(!name.as_str().chars().any(|c| c.is_control() || c == '/' || c == '\\'));
                prop_assert_eq!(Filename::clean(name.as_str()).as_ref().map(|n| n.as_str().trim().to_owned()), Some(name.as_str().trim().to_owned()));
                prop_assert_eq!(Filename::from_header(&name.to_header()).is_some(), true);
            }
        }

        #[test]
        fn any_header_is_read_without_panic(header in any::<String>()) {
            let _ = Filename::from_header(&header);
        }
    }
}

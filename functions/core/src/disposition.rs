//! The `Content-Disposition` of an original: shown in the page, and saved under the visitor's name.

use std::fmt::Write as _;

use crate::filename::Filename;

/// `inline` with the name twice (RFC 6266): in ASCII for old clients, and in full.
pub fn inline(filename: &Filename) -> String {
    let mut header = String::from("inline; filename=\"");
    for c in filename.as_str().chars() {
        // Quotes and backslashes would end the quoted string early; `%` makes some clients decode it.
        header.push(if (c.is_ascii_graphic() || c == ' ') && !matches!(c, '"' | '\\' | '%') {
            c
        } else {
            '_'
        });
    }
    let _infallible = write!(header, "\"; filename*=UTF-8''{}", filename.to_header());
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_given_in_ascii_and_in_full() {
        let name = Filename::clean("Été \"100%\".jpg").unwrap();
        assert_eq!(
            inline(&name),
            "inline; filename=\"_t_ _100__.jpg\"; filename*=UTF-8''%C3%89t%C3%A9%20%22100%25%22.jpg"
        );
    }
}

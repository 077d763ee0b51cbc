//! Files that are made from code and checked in.

use std::path::Path;

/// Compares the part of `file` between the markers `name: begin` and `name: end` with `text`; with `UPDATE_GENERATED` set
/// writes it instead.
#[track_caller]
pub(crate) fn section(file: &str, name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    let content = std::fs::read_to_string(&path).unwrap();
    let begin = content.find(&format!("<!-- {name}: begin")).unwrap();
    let begin = begin + content[begin..].find("-->\n").unwrap() + 4;
    let end = content.find(&format!("<!-- {name}: end")).unwrap();
    let wanted = format!("\n{text}\n\n");
    if content[begin..end] == wanted {
        return;
    }
    assert!(std::env::var_os("UPDATE_GENERATED").is_some(), "{file} is out of date: run make generate");
    std::fs::write(&path, format!("{}{wanted}{}", &content[..begin], &content[end..])).unwrap();
}

//! What is cleaned is the same picture, and has nothing left to clean.

#![no_main]

use functions_imaging::{clean, probe};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(before) = probe(bytes) else { return };
    let cleaned = clean(bytes.to_vec(), &before);
    let after = probe(&cleaned).expect("a cleaned file has its header");
    assert_eq!(
        (after.kind, after.width, after.height, after.orientation, after.alpha),
        (before.kind, before.width, before.height, before.orientation, before.alpha)
    );
    assert!(clean(cleaned.clone(), &after) == cleaned, "cleaned twice is something else");
});

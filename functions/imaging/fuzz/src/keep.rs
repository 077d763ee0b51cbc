//! Everything that becomes of a stranger's file, as the thumbnail function does it.

#![no_main]

use functions_imaging::{Format, Limits, Refusal, Target, clean, details, probe, render};

const LIMITS: Limits =
    Limits { max_bytes: 1 << 20, max_side: 4000, max_pixels: 500_000, max_frames: 100, memory: 48 << 20 };

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Err(refusal) = keep(bytes) {
        assert_ne!(refusal.detail(), "the decoder panicked");
    }
});

fn keep(bytes: &[u8]) -> Result<(), Refusal> {
    LIMITS.check_file(bytes.len() as u64)?;
    let found = probe(bytes)?;
    LIMITS.check_probe(&found)?;
    details(bytes, &found);
    let cleaned = clean(bytes.to_vec(), &found);
    let again = probe(&cleaned)?;
    assert_eq!((again.kind, again.width, again.height), (found.kind, found.width, found.height));
    let target = |side| Target { max_width: side, max_height: side, format: Format::Jpeg, quality: 80 };
    let rendered = render(&cleaned, &again, &LIMITS, &[target(16), target(400)])?;
    assert_eq!(rendered.pictures.len(), 2);
    Ok(())
}

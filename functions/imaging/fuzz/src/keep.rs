//! Everything that becomes of a stranger's file, as the thumbnail function does it.

#![no_main]

use functions_imaging::{
    Arriving, Format, Limits, Refusal, Rendered, Target, clean, details, header_end, probe, render,
};

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
    let targets = [target(16), target(400)];
    let rendered = render(&cleaned, &again, &LIMITS, &targets);
    // A JPEG is decoded while it comes in, behind its cleaned header.
    if let Some(end) = header_end(bytes, &mut 0) {
        let mut coming = clean(bytes[..end].to_vec(), &found);
        let mut arriving = Arriving::new(&coming, &again, bytes.len() as u64, &LIMITS, &targets)?;
        for piece in bytes[end..].chunks(bytes.len() / 3 + 1) {
            coming.extend(piece);
            arriving.advance(&coming);
        }
        let coming = clean(coming, &again);
        assert_eq!(coming, cleaned);
        let bytes = |made: &Rendered| made.pictures.iter().map(|picture| picture.bytes.clone()).collect::<Vec<_>>();
        let (arrived, at_once) = (arriving.finish(&coming), rendered.as_ref());
        assert_eq!(arrived.as_ref().map(bytes), at_once.map(bytes));
    }
    assert_eq!(rendered?.pictures.len(), 2);
    Ok(())
}

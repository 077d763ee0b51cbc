//! Something to count instructions of: `tests/bench/instructions.py` runs it under valgrind.
//!
//! `instructions make FOLDER` writes a file of each kind, always the same. `instructions render FILE EDGES TIMES` makes pictures of
//! one, with these long edges (`400` or `400,1024`), so many times; 0 is all that is not counted. `instructions clean FILE TIMES`
//! cleans it.

use std::path::Path;

use functions_imaging::{Format, Limits, Target, clean, probe, render};
use image::DynamicImage;

#[path = "../src/testing.rs"]
#[expect(
    dead_code,
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "the tests' own"
)]
mod testing;

use testing::{Jpeg, lossy_webp, photo, png};

const LIMITS: Limits = Limits {
    max_bytes: 25 << 20,
    max_side: 12_000,
    max_pixels: 60_000_000,
    max_frames: 100,
    memory: 400 << 20,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["make", folder] => make(Path::new(folder)),
        ["render", file, edges, times] => {
            let bytes = std::fs::read(file)?;
            let target = |edge: &str| -> Result<Target, std::num::ParseIntError> {
                let edge = edge.parse()?;
                Ok(Target { max_width: edge, max_height: edge, format: Format::Jpeg, quality: 80 })
            };
            let targets = edges.split(',').map(target).collect::<Result<Vec<_>, _>>()?;
            for _ in 0..times.parse()? {
                let rendered = render(&bytes, &probe(&bytes)?, &LIMITS, &targets)?;
                assert!(rendered.complete && rendered.pictures.len() == targets.len());
            }
            Ok(())
        }
        ["clean", file, times] => {
            let bytes = std::fs::read(file)?;
            for _ in 0..times.parse()? {
                assert!(!clean(bytes.clone(), &probe(&bytes)?).is_empty());
            }
            Ok(())
        }
        _ => Err("instructions make FOLDER | render FILE EDGES TIMES | clean FILE TIMES".into()),
    }
}

fn make(folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let photo = DynamicImage::from(photo(1600, 1200));
    let jpeg = Jpeg { orientation: 6, ..Jpeg::default() };
    for (name, bytes) in [
        ("baseline.jpg", jpeg.encode(&photo)),
        ("progressive.jpg", Jpeg { progressive: true, ..jpeg }.encode(&photo)),
        ("photo.png", png(&photo)),
        ("photo.webp", lossy_webp(&photo, 85.0)),
    ] {
        std::fs::write(folder.join(name), bytes)?;
    }
    Ok(())
}

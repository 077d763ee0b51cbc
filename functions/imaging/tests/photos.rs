//! Photographs by people with cameras: what synthetic files lack is their detail, their noise and the programs that wrote them.
//!
//! They are those of the demo, of Debian's wallpaper packages (`tests/tools/sample-photos`). Where these cannot be fetched, painted
//! PNG files take their place, and the tests say so. With photographs there are two other decoders, for PNG one.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::unwrap_used,
    reason = "a test may fail, and its numbers are small"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use fast_image_resize::images::TypedImage;
use fast_image_resize::pixels::F32;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use functions_imaging::{Format, Limits, Target, clean, probe, render};
use image::RgbImage;

const LIMITS: Limits = Limits {
    max_bytes: 25 << 20,
    max_side: 12_000,
    max_pixels: 60_000_000,
    max_frames: 100,
    memory: 400 << 20,
};
/// Long edges of pictures in pixels.
const EDGES: [u32; 3] = [400, 1024, 2048];
/// Decibels that a picture has at least: the photographs' have 48.6 to 55.6, the painted ones' 54.6 to 60.
const BOUND: f64 = 48.0;

static PHOTOS: LazyLock<Vec<PathBuf>> = LazyLock::new(|| {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/tools/sample-photos");
    let output = Command::new(script).stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "{}", output.status);
    let folder = PathBuf::from(String::from_utf8(output.stdout).unwrap().trim_end());
    let mut files: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let named = |end: &str| {
        let ends = |file: &&PathBuf| file.to_string_lossy().ends_with(end);
        files.iter().filter(ends).cloned().collect::<Vec<_>>()
    };
    // Photographs come with their licences.
    let photos = if named(".copyright.txt").is_empty() {
        println!("There are no photographs here: these are painted.");
        named(".png")
    } else {
        named(".jpg")
    };
    assert_eq!(photos.len(), 12, "{}", folder.display());
    photos
});

/// What other decoders make of a file: `zune-jpeg` or `png`, by `image`; and `jpeg-decoder`.
fn seen(bytes: &[u8]) -> Vec<RgbImage> {
    let mut seen = vec![image::load_from_memory(bytes).unwrap().into_rgb8()];
    if bytes.starts_with(b"\xFF\xD8") {
        let (width, height) = seen[0].dimensions();
        let samples = jpeg_decoder::Decoder::new(bytes).decode().unwrap();
        seen.push(RgbImage::from_raw(width, height, samples).unwrap());
    }
    seen
}

/// By BT.601, as JPEG has it.
fn brightness(pixels: &RgbImage) -> TypedImage<'static, F32> {
    let level = |pixel: &image::Rgb<u8>| {
        let [red, green, blue] = pixel.0.map(f32::from);
        F32::new(0.299 * red + 0.587 * green + 0.114 * blue)
    };
    TypedImage::from_pixels(pixels.width(), pixels.height(), pixels.pixels().map(level).collect()).unwrap()
}

/// Made smaller without rounding.
fn reference(pixels: &RgbImage, (width, height): (u32, u32)) -> TypedImage<'static, F32> {
    let mut small = TypedImage::new(width, height);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
    Resizer::new().resize_typed(&brightness(pixels), &mut small, &options).unwrap();
    small
}

fn decibels(left: &TypedImage<'_, F32>, right: &TypedImage<'_, F32>) -> f64 {
    let square = |(left, right): (&F32, &F32)| f64::from(left.0 - right.0).powi(2);
    let mean = left.pixels().iter().zip(right.pixels()).map(square).sum::<f64>() / left.pixels().len() as f64;
    10.0 * (255.0 * 255.0 / mean).log10()
}

/// At quality 100 the encoder hides next to nothing.
///
/// To see it fail: begin the crop in `scale` half a pixel further right, and make it half a pixel narrower.
#[test]
fn pictures_are_what_full_decodes_by_others_show() {
    for photo in &*PHOTOS {
        let bytes = std::fs::read(photo).unwrap();
        let found = probe(&bytes).unwrap();
        let seen = seen(&bytes);
        let targets = EDGES.map(|edge| Target {
            max_width: edge,
            max_height: edge,
            format: Format::Jpeg,
            quality: 100,
        });
        let rendered = render(&bytes, &found, &LIMITS, &targets).unwrap();
        assert!(rendered.complete);
        for (target, picture) in targets.iter().zip(rendered.pictures) {
            let picture = image::load_from_memory(&picture.bytes).unwrap().into_rgb8();
            assert_eq!(picture.dimensions(), target.fit(found.width, found.height));
            for seen in &seen {
                let decibels = decibels(&brightness(&picture), &reference(seen, picture.dimensions()));
                assert!(decibels > BOUND, "{} at {}: {decibels:.1} dB", photo.display(), target.max_width);
            }
        }
    }
}

fn segment(data: &[u8]) -> Vec<u8> {
    [&[0xFF, 0xE1], &(data.len() as u16 + 2).to_be_bytes()[..], data].concat()
}

/// EXIF with a directory for the position, and XMP.
const PLACE: &[u8] =
    b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x88\x25\0\x04\0\0\0\x01\0\0\0\x1A\0\0\0\0\0\x01\0\x01\0\x02\0\0\0\x02N\0\0\0\0\0\0\0";
const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>52.516N</x:xmpmeta>";

/// A third of the photographs have EXIF; all get a position here, as a phone would have written it.
///
/// To see it fail: keep `APP1` in `clean::jpeg`.
#[test]
fn cleaning_leaves_the_pixels_and_nothing_that_tells_of_the_place() {
    for photo in &*PHOTOS {
        let mut bytes = std::fs::read(photo).unwrap();
        let before = seen(&bytes);
        if photo.extension().unwrap() == "jpg" {
            bytes = [&bytes[..2], &segment(PLACE), &segment(XMP), &bytes[2..]].concat();
        }
        let found = probe(&bytes).unwrap();
        let cleaned = clean(bytes, &found);
        for trace in [&b"Exif\0"[..], b"ns.adobe.com", b"52.516N", b"Canon", b"GIMP"] {
            let holds = cleaned.windows(trace.len()).any(|window| window == trace);
            assert!(!holds, "{}: {}", photo.display(), trace.escape_ascii());
        }
        assert!(seen(&cleaned) == before, "{}", photo.display());
    }
}

//! Files of every kind, as this gallery opens them.

use std::io::Cursor;

use functions_imaging::header_end;
use image::{DynamicImage, ImageFormat};

use super::*;

pub(crate) const SETTINGS: &[(&str, &str)] = &[
    ("TABLE", "pg"),
    ("PHOTOS_BUCKET", "photos"),
    ("THUMBNAILS_BUCKET", "thumbnails"),
    ("MAX_UPLOAD_BYTES", "100000"),
    ("CONTENT_TYPES", "image/jpeg,image/png,image/webp"),
    ("METADATA", "Clean"),
    ("MAX_WIDTH", "40"),
    ("MAX_HEIGHT", "40"),
    ("FORMAT", "JPEG"),
    ("QUALITY", "80"),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
];

fn rules(changed: &[(&'static str, &'static str)]) -> Rules {
    let value = |(name, value): &(&'static str, &'static str)| {
        (*name, changed.iter().find(|change| change.0 == *name).map_or(*value, |change| change.1))
    };
    let table: Vec<_> = SETTINGS.iter().map(value).collect();
    Rules::from_settings(&Settings::from_table(&table)).unwrap()
}

/// In pieces, as a file comes in.
fn open(rules: &Rules, bytes: &[u8], claimed: Option<ContentType>) -> Result<Opened, Refusal> {
    let mut opening = Opening::new(rules, claimed, bytes.len() as u64);
    bytes.chunks(1000).try_for_each(|piece| opening.push(piece))?;
    opening.finish()
}

fn encoded(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    DynamicImage::new_rgb8(width, height).write_to(&mut Cursor::new(&mut bytes), format).unwrap();
    bytes
}

pub(crate) fn png(width: u32, height: u32) -> Vec<u8> {
    encoded(width, height, ImageFormat::Png)
}

/// A big-endian directory's entry: tag, type, count, value or where it is.
fn entry(tag: u16, kind: u16, count: u32, value: [u8; 4]) -> Vec<u8> {
    [&tag.to_be_bytes()[..], &kind.to_be_bytes(), &count.to_be_bytes(), &value].concat()
}

/// As a phone writes it: turned, with the camera's name, exposure, a serial number and a position.
pub(crate) fn jpeg(width: u16, height: u16, orientation: u8) -> Vec<u8> {
    let at = |offset: u32| offset.to_be_bytes();
    let first = [
        entry(0x0110, 2, 13, at(200)),
        entry(0x0112, 3, 1, [0, orientation, 0, 0]),
        entry(0x8769, 4, 1, at(80)),
        entry(0x8825, 2, 8, at(260)),
    ];
    let exif = [
        entry(0x829A, 5, 1, at(220)),
        entry(0x829D, 5, 1, at(228)),
        entry(0x8827, 3, 1, [0, 200, 0, 0]),
        entry(0x9003, 2, 20, at(236)),
        entry(0xA431, 2, 5, at(272)),
    ];
    let mut tiff = [b"MM\0*\0\0\0\x08\0\x04".to_vec(), first.concat()].concat();
    tiff.resize(80, 0);
    tiff.extend([&b"\0\x05"[..], &exif.concat()].concat());
    tiff.resize(200, 0);
    tiff.extend(b"Canon EOS R5\0\0\0\0\0\0\0\0");
    tiff.extend([at(1), at(250), at(28), at(10)].concat());
    tiff.extend(b"2026:07:04 18:30:00\0\0\0\0\0");
    tiff.extend(b"52.516N\0\0\0\0\x004711\0");
    let mut bytes = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 95);
    encoder.add_exif_metadata(&tiff).unwrap();
    let pixels = vec![200; usize::from(width) * usize::from(height) * 3];
    encoder.encode(&pixels, width, height, jpeg_encoder::ColorType::Rgb).unwrap();
    bytes
}

#[test]
fn every_accepted_type_becomes_a_thumbnail_of_the_wanted_format() {
    let files = [
        (jpeg(160, 80, 6), ContentType::Jpeg, (80, 160)),
        (png(160, 80), ContentType::Png, (160, 80)),
        (encoded(160, 80, ImageFormat::WebP), ContentType::Webp, (160, 80)),
        (encoded(160, 80, ImageFormat::Gif), ContentType::Gif, (160, 80)),
    ];
    for (setting, format) in [("JPEG", ImageFormat::Jpeg), ("WEBP", ImageFormat::WebP)] {
        let types = "image/jpeg,image/png,image/webp,image/gif";
        let rules = rules(&[("FORMAT", setting), ("CONTENT_TYPES", types)]);
        for (bytes, kind, (width, height)) in &files {
            let made = open(&rules, bytes, Some(*kind)).unwrap();
            assert_eq!((made.proven, made.width, made.height, made.complete), (*kind, *width, *height, true));
            let small = image::load_from_memory_with_format(&made.thumbnail, format).unwrap();
            assert_eq!((small.width(), small.height()), (width / 4, height / 4));
        }
    }
}

#[test]
fn a_file_must_be_what_it_was_sent_as_and_what_the_gallery_accepts() {
    let rules = rules(&[("CONTENT_TYPES", "image/png")]);
    let jpeg = jpeg(16, 8, 1);
    let proven = ContentType::Jpeg;
    for claimed in [None, Some(ContentType::Png)] {
        assert_eq!(open(&rules, &jpeg, claimed).unwrap_err(), Refusal::OtherType { proven });
    }
    assert_eq!(open(&rules, &jpeg, Some(proven)).unwrap_err(), Refusal::TypeNotAccepted { proven });
    assert!(open(&rules, &png(16, 8), Some(ContentType::Png)).is_ok());
}

#[test]
fn a_refusal_waits_for_the_header_and_for_nothing_else() {
    let (rules, file) = (rules(&[]), jpeg(160, 80, 1));
    let end = header_end(&file, &mut 0).unwrap();
    let mut opening = Opening::new(&rules, Some(ContentType::Png), file.len() as u64);
    assert_eq!(opening.push(&file[..end - 1]), Ok(()));
    let proven = ContentType::Jpeg;
    assert_eq!(opening.push(&file[end - 1..end]), Err(Refusal::OtherType { proven }));
}

#[test]
fn the_original_is_cleaned_unless_the_spec_says_keep() {
    let tail = [jpeg(16, 8, 6), b"secret".to_vec()].concat();
    let cleaned = open(&rules(&[]), &tail, Some(ContentType::Jpeg)).unwrap().original;
    assert!(cleaned.len() < tail.len() && !cleaned.windows(6).any(|window| window == b"secret"));
    let kept = open(&rules(&[("METADATA", "Keep")]), &tail, Some(ContentType::Jpeg)).unwrap();
    assert_eq!((kept.original, kept.width, kept.height), (tail, 8, 16));
}

#[test]
fn renditions_are_larger_than_the_thumbnail_and_smaller_than_the_photo() {
    let large = rules(&[("MAX_WIDTH", "2000"), ("MAX_HEIGHT", "1000")]);
    for (size, usual, with_large_thumbnail) in [
        ((4032, 3024), &[1024, 2048][..], &[2048][..]),
        ((3024, 4032), &[1024, 2048], &[1024, 2048]),
        ((8000, 3000), &[1024, 2048], &[2048]),
        ((2048, 1536), &[1024], &[]),
        ((1025, 40), &[1024], &[]),
        ((1024, 1024), &[], &[]),
        ((16, 1600), &[1024], &[1024]),
    ] {
        assert_eq!(rules(&[]).renditions(size.0, size.1), usual, "{size:?}");
        assert_eq!(large.renditions(size.0, size.1), with_large_thumbnail, "{size:?}");
    }
}

#[test]
fn where_memory_is_short_there_are_fewer_renditions() {
    let photo = encoded(3000, 2600, ImageFormat::Png);
    let edges = |mib| {
        let rules = rules(&[("MAX_UPLOAD_BYTES", "60000000")]);
        let rules = Rules { limits: Limits { memory: mib * MIB, ..rules.limits }, ..rules };
        let opened = open(&rules, &photo, Some(ContentType::Png))?;
        Ok::<_, Refusal>(opened.renditions.iter().map(|(edge, _)| *edge).collect::<Vec<_>>())
    };
    assert_eq!(edges(512).unwrap(), [1024, 2048]);
    let fewer: Vec<_> = (1..64).filter_map(|mib| edges(mib).ok()).map(|edges| edges.len()).collect();
    assert!(fewer.is_sorted() && fewer.contains(&0) && fewer.contains(&1), "{fewer:?}");
}

#[test]
fn the_settings_bound_what_a_file_may_cost() {
    let rules = rules(&[("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"), ("MAX_UPLOAD_BYTES", "60000000")]);
    assert!(rules.check_file(60_000_001).unwrap_err().to_string().contains("larger than the 58 MB"));
    assert!(
        rules.check_file(50_000_000).unwrap_err().to_string().contains("too large for this gallery to open")
    );
    assert_eq!(rules.check_file(30_000_000), Ok(()));
}

#[test]
fn refusals_speak_to_the_visitor() {
    let proven = ContentType::Png;
    assert_eq!(
        Refusal::OtherType { proven }.to_string(),
        "The file is a PNG image, but was sent as another type."
    );
    assert_eq!(Refusal::TypeNotAccepted { proven }.to_string(), "This gallery does not accept PNG images.");
}

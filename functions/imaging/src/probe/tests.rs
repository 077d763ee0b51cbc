//! What headers say, and what is made of those that say nonsense.

use image::{DynamicImage, ImageFormat};
use proptest::prelude::*;

use super::*;
use crate::testing::{Jpeg, corners, each_kind, exif, file, lossy_webp, photo, png, with_chunk};

fn picture() -> DynamicImage {
    photo(45, 31).into()
}

#[test]
fn each_kind_tells_its_size() {
    let files = [
        (Jpeg::default().encode(&picture()), Kind::Jpeg),
        (Jpeg { progressive: true, ..Jpeg::default() }.encode(&picture()), Kind::Jpeg),
        (png(&picture()), Kind::Png),
        (lossy_webp(&picture(), 80.0), Kind::Webp),
        (lossy_webp(&corners(45, 31).into(), 80.0), Kind::Webp),
        (file(&picture(), ImageFormat::WebP), Kind::Webp),
        (file(&picture(), ImageFormat::Gif), Kind::Gif),
    ];
    for (bytes, kind) in files {
        let found = probe(&bytes).unwrap();
        assert_eq!((found.kind, found.width, found.height, found.frames), (kind, 45, 31, 1));
        assert_eq!((found.orientation, found.profile_bytes), (Orientation::Upright, 0));
    }
}

/// A WebP of the extended kind, with these chunks behind its header.
fn extended(flags: u8, chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut body = b"WEBPVP8X\x0A\0\0\0".to_vec();
    body.extend([flags, 0, 0, 0, 44, 0, 0, 30, 0, 0]);
    for (kind, data) in chunks {
        body.extend(*kind);
        body.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
        body.extend(*data);
        body.resize(body.len().next_multiple_of(2), 0);
    }
    [b"RIFF", &u32::try_from(body.len()).unwrap().to_le_bytes()[..], &body].concat()
}

#[test]
fn orientation_is_found_wherever_a_format_has_it() {
    let jpeg = Jpeg { orientation: 6, ..Jpeg::default() }.encode(&picture());
    let png = with_chunk(&png(&picture()), *b"eXIf", &exif(6));
    let prefixed = [b"Exif\0\0", &exif(6)[..]].concat();
    let webps = [extended(8, &[(b"EXIF", &exif(6))]), extended(8, &[(b"EXIF", &prefixed)])];
    for bytes in [jpeg, png].iter().chain(&webps) {
        let found = probe(bytes).unwrap();
        assert_eq!((found.orientation, found.upright()), (Orientation::Rotate90, (31, 45)));
    }
}

#[test]
fn a_second_orientation_in_a_jpeg_and_what_trails_behind_a_webp_do_not_count() {
    let mut jpeg = Jpeg::default().encode(&picture());
    let second = [b"\xFF\xE1\x00\x22Exif\0\0", &exif(6)[..]].concat();
    let scan = jpeg.windows(2).position(|window| window == b"\xFF\xDA").unwrap();
    jpeg.splice(scan..scan, second);
    assert_eq!(probe(&jpeg).unwrap().orientation, Orientation::Upright);
    let mut webp = extended(0, &[]);
    webp.extend(b"EXIF\x1A\0\0\0");
    webp.extend(exif(6));
    assert_eq!(probe(&webp).unwrap().orientation, Orientation::Upright);
}

#[test]
fn frames_and_transparency_are_told() {
    let mut gif = Vec::new();
    {
        let mut encoder = image::codecs::gif::GifEncoder::new(&mut gif);
        for _ in 0..3 {
            encoder.encode_frame(image::Frame::new(corners(8, 8))).unwrap();
        }
    }
    assert_eq!((probe(&gif).unwrap().frames, probe(&gif).unwrap().alpha), (3, true));
    let webp = extended(0x12, &[(b"ANMF", &[0; 20]), (b"ANMF", &[0; 20])]);
    assert_eq!((probe(&webp).unwrap().frames, probe(&webp).unwrap().alpha), (2, true));
    let animated = with_chunk(&png(&picture()), *b"acTL", &[0, 0, 0, 9, 0, 0, 0, 0]);
    assert_eq!((probe(&animated).unwrap().frames, probe(&animated).unwrap().alpha), (9, false));
    assert!(probe(&png(&corners(8, 8).into())).unwrap().alpha);
    assert!(probe(&file(&corners(8, 8).into(), ImageFormat::WebP)).unwrap().alpha);
}

#[test]
fn profiles_are_found_and_put_together() {
    let colours: Vec<u8> = (0..150_000_u32).map(|at| (at % 251) as u8).collect();
    let jpeg =
        Jpeg::default().raw(photo(45, 31).as_raw(), (45, 31), jpeg_encoder::ColorType::Rgb, Some(&colours));
    let mut squeezed = b"name\0\0".to_vec();
    {
        use std::io::Write as _;
        let mut zlib = flate2::write::ZlibEncoder::new(&mut squeezed, flate2::Compression::fast());
        zlib.write_all(&colours).unwrap();
    }
    let png = with_chunk(&png(&picture()), *b"iCCP", &squeezed);
    let webp = extended(0x20, &[(b"ICCP", &colours)]);
    for bytes in [jpeg.clone(), png, webp] {
        let found = probe(&bytes).unwrap();
        assert!(found.profile_bytes > 0);
        assert_eq!(profile(&bytes, &found).as_ref(), Some(&colours));
    }
    // A piece that is missing or there twice makes it worthless.
    let mut torn = jpeg;
    let piece = torn.windows(12).position(|window| window == b"ICC_PROFILE\0").unwrap();
    torn[piece + 12] = 2;
    assert_eq!(profile(&torn, &probe(&torn).unwrap()), None);
}

#[test]
fn a_profile_that_inflates_without_end_is_left_alone() {
    let mut squeezed = b"name\0\0".to_vec();
    {
        use std::io::Write as _;
        let mut zlib = flate2::write::ZlibEncoder::new(&mut squeezed, flate2::Compression::best());
        zlib.write_all(&vec![0; 20 << 20]).unwrap();
    }
    let bytes = with_chunk(&png(&picture()), *b"iCCP", &squeezed);
    assert_eq!(profile(&bytes, &probe(&bytes).unwrap()), None);
}

#[test]
fn a_header_that_is_cut_anywhere_is_refused_or_read_but_never_a_panic() {
    for file in each_kind() {
        for length in 0..file.len() {
            let _ = probe(&file[..length]);
        }
        assert!(probe(&file[..9.min(file.len())]).is_err());
    }
}

proptest! {
    #[test]
    fn no_header_panics(which in 0_usize..12, at in any::<prop::sample::Index>(), value: u32) {
        let mut file = each_kind().swap_remove(which);
        let at = at.index(file.len().min(120));
        for (byte, value) in file[at..].iter_mut().zip(value.to_le_bytes()) {
            *byte = value;
        }
        if let Ok(found) = probe(&file) {
            let _ = profile(&file, &found);
        }
    }
}

/// Found by libFuzzer: cleaning ends there, and what it left had no header.
#[test]
fn a_png_that_ends_before_its_pixels_is_refused() {
    let whole = png(&picture());
    assert!(probe(&whole).is_ok());
    assert!(matches!(probe(&with_chunk(&whole, *b"IEND", b"")), Err(Refusal::Damaged { .. })));
}

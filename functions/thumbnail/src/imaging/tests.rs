//! The image work on good, odd and hostile files.

use image::{Rgba, RgbaImage};
use proptest::prelude::*;

use super::*;

const TARGET: Target = Target { max_width: 40, max_height: 40, format: ThumbnailFormat::Jpeg, quality: 90 };
const LIMITS: Limits = Limits { max_side: 12_000, max_pixels: 60_000_000, memory: 400 << 20 };

/// Four corners of different colours: upper left red, upper right green, lower left blue, lower right white.
fn corners(width: u32, height: u32) -> RgbaImage {
    RgbaImage::from_fn(width, height, |x, y| match (x < width / 2, y < height / 2) {
        (true, true) => Rgba([255, 0, 0, 255]),
        (false, true) => Rgba([0, 255, 0, 255]),
        (true, false) => Rgba([0, 0, 255, 255]),
        (false, false) => Rgba([255, 255, 255, 255]),
    })
}

fn exif(orientation: u8) -> Vec<u8> {
    // A little-endian TIFF header and one directory with one entry: tag 0x0112, type SHORT, count 1.
    let mut tiff = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    tiff.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    tiff
}

pub(crate) fn jpeg(width: u16, height: u16, orientation: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 95);
    encoder.add_exif_metadata(&exif(orientation)).unwrap();
    let pixels = DynamicImage::from(corners(width.into(), height.into())).to_rgb8();
    encoder.encode(pixels.as_raw(), width, height, jpeg_encoder::ColorType::Rgb).unwrap();
    bytes
}

pub(crate) fn png(image: &DynamicImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    image.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
    bytes
}

fn make_jpeg(bytes: &[u8], kind: ContentType) -> (Thumbnail, image::RgbImage) {
    let thumbnail = thumbnail(bytes, kind, &LIMITS, &TARGET).unwrap();
    let small = image::load_from_memory_with_format(&thumbnail.bytes, ImageFormat::Jpeg).unwrap().to_rgb8();
    (thumbnail, small)
}

type Rgb = image::Rgb<u8>;

/// The nearest of the corner colours, by name.
fn colour(pixel: Rgb) -> &'static str {
    match pixel.0.map(|channel| channel > 127) {
        [true, false, false] => "red",
        [false, true, false] => "green",
        [false, false, true] => "blue",
        [true, true, true] => "white",
        _ => "other",
    }
}

#[test]
fn every_orientation_comes_out_upright() {
    // What the four corners show after the turn that the EXIF orientation asks for.
    let upright = [
        ["red", "green", "blue", "white"],
        ["green", "red", "white", "blue"],
        ["white", "blue", "green", "red"],
        ["blue", "white", "red", "green"],
        ["red", "blue", "green", "white"],
        ["blue", "red", "white", "green"],
        ["white", "green", "blue", "red"],
        ["green", "white", "red", "blue"],
    ];
    for (orientation, expected) in (1_u8..).zip(upright) {
        let (thumbnail, small) = make_jpeg(&jpeg(160, 80, orientation), ContentType::Jpeg);
        let (width, height) = if orientation < 5 { (160, 80) } else { (80, 160) };
        assert_eq!((thumbnail.width, thumbnail.height), (width, height), "orientation {orientation}");
        assert_eq!((small.width(), small.height()), (width / 4, height / 4), "orientation {orientation}");
        let (right, bottom) = (small.width() - 3, small.height() - 3);
        let seen =
            [(2, 2), (right, 2), (2, bottom), (right, bottom)].map(|(x, y)| colour(*small.get_pixel(x, y)));
        assert_eq!(seen, expected, "orientation {orientation}");
    }
}

#[test]
fn odd_orientations_are_taken_as_upright() {
    for orientation in [0, 9, 255] {
        assert_eq!(make_jpeg(&jpeg(16, 8, orientation), ContentType::Jpeg).0.width, 16);
    }
}

#[test]
fn small_images_are_not_enlarged_and_thin_ones_keep_a_pixel() {
    let (_, small) = make_jpeg(&png(&corners(10, 6).into()), ContentType::Png);
    assert_eq!(small.dimensions(), (10, 6));
    let (_, thin) = make_jpeg(&png(&corners(4000, 2).into()), ContentType::Png);
    assert_eq!(thin.dimensions(), (40, 1));
    let (_, one) = make_jpeg(&png(&corners(1, 1).into()), ContentType::Png);
    assert_eq!(one.dimensions(), (1, 1));
}

#[test]
fn transparency_becomes_white_in_jpeg_and_stays_in_webp() {
    let clear = DynamicImage::from(RgbaImage::from_pixel(80, 80, Rgba([0, 0, 0, 0])));
    let (_, small) = make_jpeg(&png(&clear), ContentType::Png);
    assert!(small.pixels().all(|pixel| pixel.0.iter().all(|channel| *channel > 250)));
    let half = DynamicImage::from(RgbaImage::from_pixel(80, 80, Rgba([255, 0, 0, 128])));
    let (_, small) = make_jpeg(&png(&half), ContentType::Png);
    let [red, green, _] = small.get_pixel(20, 20).0;
    assert!(red > 245 && (115..140).contains(&green), "half red over white is pink, not {red} {green}");
    let target = Target { format: ThumbnailFormat::Webp, ..TARGET };
    let webp = thumbnail(&png(&half), ContentType::Png, &LIMITS, &target).unwrap().bytes;
    let small = image::load_from_memory_with_format(&webp, ImageFormat::WebP).unwrap().to_rgba8();
    assert!((120..136).contains(&small.get_pixel(20, 20).0[3]));
}

#[test]
fn every_kind_of_png_pixel_is_taken() {
    let image = DynamicImage::from(corners(100, 50));
    let variants = [
        DynamicImage::from(image.to_luma8()),
        image.to_luma_alpha8().into(),
        image.to_rgb8().into(),
        image.to_luma16().into(),
        image.to_luma_alpha16().into(),
        image.to_rgb16().into(),
        image.to_rgba16().into(),
    ];
    for variant in variants {
        let (thumbnail, small) = make_jpeg(&png(&variant), ContentType::Png);
        assert_eq!((thumbnail.width, small.dimensions()), (100, (40, 20)), "{:?}", variant.color());
        assert_eq!(colour(*small.get_pixel(37, 17)), "white");
    }
}

#[test]
fn of_an_animation_the_first_frame_is_shown() {
    let mut gif = Vec::new();
    {
        let mut encoder = image::codecs::gif::GifEncoder::new(&mut gif);
        encoder.encode_frame(image::Frame::new(corners(80, 40))).unwrap();
        encoder.encode_frame(image::Frame::new(RgbaImage::from_pixel(80, 40, Rgba([0, 0, 0, 255])))).unwrap();
    }
    let (thumbnail, small) = make_jpeg(&gif, ContentType::Gif);
    assert_eq!((thumbnail.width, thumbnail.height), (80, 40));
    assert_eq!(colour(*small.get_pixel(2, 2)), "red");

    let config = webp::WebPConfig::new().unwrap();
    let mut encoder = webp::AnimEncoder::new(80, 40, &config);
    let (first, second) = (corners(80, 40), RgbaImage::from_pixel(80, 40, Rgba([0, 0, 0, 255])));
    encoder.add_frame(webp::AnimFrame::from_rgba(&first, 80, 40, 0));
    encoder.add_frame(webp::AnimFrame::from_rgba(&second, 80, 40, 100));
    let (_, small) = make_jpeg(&encoder.encode(), ContentType::Webp);
    assert_eq!(colour(*small.get_pixel(2, 2)), "red");
}

#[test]
fn lossy_and_lossless_webp_are_read() {
    let image = DynamicImage::from(corners(80, 40));
    let rgb = image.to_rgb8();
    for lossless in [false, true] {
        let bytes = webp::Encoder::from_rgb(rgb.as_raw(), 80, 40).encode_simple(lossless, 90.0).unwrap();
        let (_, small) = make_jpeg(&bytes, ContentType::Webp);
        assert_eq!(colour(*small.get_pixel(37, 17)), "white", "lossless {lossless}");
    }
}

#[test]
fn no_metadata_survives() {
    let mut original = jpeg(160, 80, 6);
    assert!(original.windows(4).any(|window| window == b"Exif"));
    original.extend_from_slice(b"<script>alert(1)</script>");
    for format in [ThumbnailFormat::Jpeg, ThumbnailFormat::Webp] {
        let bytes =
            thumbnail(&original, ContentType::Jpeg, &LIMITS, &Target { format, ..TARGET }).unwrap().bytes;
        assert!(!bytes.windows(4).any(|window| matches!(window, b"Exif" | b"EXIF" | b"<scr")));
    }
}

#[test]
fn lower_quality_makes_smaller_files_in_both_formats() {
    let noise = RgbaImage::from_fn(200, 200, |x, y| {
        let value = u8::try_from((x * 7919 + y * 104_729 + x * y * 31) % 251).unwrap();
        Rgba([value, value.wrapping_mul(3), value.wrapping_mul(7), 255])
    });
    let original = png(&noise.into());
    for format in [ThumbnailFormat::Jpeg, ThumbnailFormat::Webp] {
        let size = |quality| {
            let target = Target { format, quality, max_width: 200, max_height: 200 };
            thumbnail(&original, ContentType::Png, &LIMITS, &target).unwrap().bytes.len()
        };
        assert!(size(30) < size(95), "{format:?}");
    }
}

/// A PNG that claims these dimensions and holds next to nothing.
pub(crate) fn png_bomb(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = png(&corners(1, 1).into());
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let crc = crc32(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&crc.to_be_bytes());
    bytes
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 },
        )
    })
}

#[test]
fn bombs_are_refused_by_their_header() {
    for (width, height) in [(12_001, 1), (1, 12_001), (10_000, 10_000), (0x7FFF_FFFF, 0x7FFF_FFFF)] {
        let refusal = thumbnail(&png_bomb(width, height), ContentType::Png, &LIMITS, &TARGET).unwrap_err();
        assert!(matches!(refusal, Refusal::TooManyPixels { .. } | Refusal::Damaged { .. }), "{refusal:?}");
    }
    let mut gif = b"GIF89a\xFF\xFF\xFF\xFF\0\0\0".to_vec();
    gif.extend_from_slice(b",\0\0\0\0\xFF\xFF\xFF\xFF\0\x02\x02\x44\x01\0;");
    assert!(matches!(
        thumbnail(&gif, ContentType::Gif, &LIMITS, &TARGET),
        Err(Refusal::TooManyPixels { .. })
    ));
}

#[test]
fn what_does_not_fit_in_memory_is_refused_before_it_is_decoded() {
    let small = Limits { memory: 20 << 20, ..LIMITS };
    let refusal = thumbnail(&png_bomb(5000, 5000), ContentType::Png, &small, &TARGET).unwrap_err();
    assert_eq!(refusal, Refusal::TooMuchMemory);
    assert_eq!(small.check_file(u64::MAX), Err(Refusal::TooMuchMemory));
    assert_eq!(small.check_file(1 << 20), Ok(()));
}

#[test]
fn truncated_and_wrongly_labelled_files_end_as_a_refusal_or_a_picture_but_never_a_panic() {
    let image = DynamicImage::from(corners(64, 64));
    let files = [(jpeg(64, 64, 6), ContentType::Jpeg), (png(&image), ContentType::Png)];
    for (file, kind) in files {
        for length in 0..file.len() {
            let _ = make(&file[..length], kind, &LIMITS, &TARGET);
        }
        assert!(make(&file[..20], kind, &LIMITS, &TARGET).is_err());
        for other in ContentType::ALL.into_iter().filter(|other| *other != kind) {
            assert!(
                matches!(make(&file, other, &LIMITS, &TARGET), Err(Refusal::Damaged { .. })),
                "{kind} as {other}"
            );
        }
    }
}

#[test]
fn files_that_only_begin_like_an_image_are_refused() {
    for (bytes, kind) in [
        (&b"GIF89a<script>alert(1)</script>"[..], ContentType::Gif),
        (b"\xFF\xD8\xFF<html>", ContentType::Jpeg),
        (b"\x89PNG\r\n\x1A\nPK\x03\x04", ContentType::Png),
        (b"RIFF\xFF\xFF\xFF\xFFWEBP<svg onload=alert(1)>", ContentType::Webp),
        (b"%PDF-1.7", ContentType::Jpeg),
    ] {
        assert!(thumbnail(bytes, kind, &LIMITS, &TARGET).is_err(), "{kind}");
    }
}

#[test]
fn refusals_speak_to_the_visitor() {
    assert_eq!(
        Refusal::TooManyPixels { width: 20_000, height: 10, max_side: 12_000, max_megapixels: 60 }
            .to_string(),
        "The image has 20000 x 10 pixels. Up to 12000 a side and 60 megapixels are accepted."
    );
    assert_eq!(
        Refusal::TooManyBytes { limit: 25 << 20 }.to_string(),
        "The file is larger than the 25 MB that this gallery accepts."
    );
    assert_eq!(
        Refusal::OtherType { proven: ContentType::Png }.to_string(),
        "The file is a PNG image, but was sent as another type."
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damaged_files_never_panic(kind in 0_usize..4, flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20)) {
        let image = DynamicImage::from(corners(48, 32));
        let kind = ContentType::ALL[kind];
        let mut file = match kind {
            ContentType::Jpeg => jpeg(48, 32, 6),
            ContentType::Png => png(&image),
            ContentType::Webp => webp::Encoder::from_rgba(image.to_rgba8().as_raw(), 48, 32).encode_simple(false, 80.0).unwrap().to_vec(),
            ContentType::Gif => {
                let mut bytes = Vec::new();
                image.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Gif).unwrap();
                bytes
            }
        };
        for (at, value) in flips {
            let at = at.index(file.len());
            file[at] = value;
        }
        let limits = Limits { max_pixels: 4_000_000, ..LIMITS };
        let result = thumbnail(&file, kind, &limits, &TARGET);
        if let Ok(made) = result {
            let small = image::load_from_memory(&made.bytes).unwrap();
            prop_assert!(small.width() <= 40 && small.height() <= 40);
        }
    }

    #[test]
    fn thumbnails_fit_their_box_and_touch_it(width in 1_u32..12_000, height in 1_u32..12_000, max_width in 1_u32..4096, max_height in 1_u32..4096) {
        let target = Target { max_width, max_height, ..TARGET };
        let (w, h) = target.fit(width, height);
        prop_assert!((1..=max_width).contains(&w) && (1..=max_height).contains(&h) && w <= width && h <= height);
        prop_assert!(w == max_width || h == max_height || (w, h) == (width, height));
    }
}

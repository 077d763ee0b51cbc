//! Whole files in, pictures out, looked at with other decoders than made them.

use image::{DynamicImage, ImageFormat, RgbImage, Rgba, RgbaImage};
use jpeg_encoder::ColorType;

use crate::testing::{Jpeg, corners, file, lossy_webp, photo, png, with_chunk};
use crate::*;

const LIMITS: Limits = Limits {
    max_bytes: 25 << 20,
    max_side: 12_000,
    max_pixels: 60_000_000,
    max_frames: 100,
    memory: 400 << 20,
};
const TARGET: Target = Target { max_width: 40, max_height: 40, format: Format::Jpeg, quality: 90 };

fn made(bytes: &[u8], target: Target) -> Picture {
    let rendered = render(bytes, &probe(bytes).unwrap(), &LIMITS, &[target]).unwrap();
    assert!(rendered.complete);
    rendered.pictures.into_iter().next().unwrap()
}

fn look(picture: &Picture, format: ImageFormat) -> DynamicImage {
    let seen = image::load_from_memory_with_format(&picture.bytes, format).unwrap();
    assert_eq!((seen.width(), seen.height()), (picture.width, picture.height));
    seen
}

fn as_jpeg(bytes: &[u8]) -> RgbImage {
    let picture = made(bytes, TARGET);
    let seen = look(&picture, ImageFormat::Jpeg).to_rgb8();
    let second = jpeg_decoder::Decoder::new(&picture.bytes[..]).decode().unwrap();
    assert_eq!(second.len() % (seen.width() * seen.height()) as usize, 0);
    seen
}

/// The nearest of the corner colours, by name.
fn colour(pixel: image::Rgb<u8>) -> &'static str {
    match pixel.0.map(|channel| channel > 127) {
        [true, false, false] => "red",
        [false, true, false] => "green",
        [false, false, true] => "blue",
        [true, true, true] => "white",
        _ => "other",
    }
}

fn four_corners(seen: &RgbImage) -> [&'static str; 4] {
    let (right, bottom) = (seen.width() - 3, seen.height() - 3);
    [(2, 2), (right, 2), (2, bottom), (right, bottom)].map(|(x, y)| colour(*seen.get_pixel(x, y)))
}

#[test]
fn every_orientation_comes_out_upright_in_both_formats() {
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
    let picture = DynamicImage::from(corners(160, 80));
    for (orientation, expected) in (1_u8..).zip(upright) {
        let jpeg = Jpeg { orientation, ..Jpeg::default() };
        let files = [
            jpeg.encode(&picture),
            Jpeg { progressive: true, ..jpeg }.encode(&picture),
            with_chunk(&png(&picture), *b"eXIf", &testing::exif(orientation)),
        ];
        for bytes in files {
            for (format, other) in [(Format::Jpeg, ImageFormat::Jpeg), (Format::Webp, ImageFormat::WebP)] {
                let seen = look(&made(&bytes, Target { format, ..TARGET }), other).to_rgb8();
                let size = if orientation < 5 { (40, 20) } else { (20, 40) };
                assert_eq!(seen.dimensions(), size, "orientation {orientation}");
                assert_eq!(four_corners(&seen), expected, "orientation {orientation}");
            }
        }
    }
}

#[test]
fn odd_orientations_are_taken_as_upright() {
    for orientation in [0, 9, 255] {
        let bytes = Jpeg { orientation, ..Jpeg::default() }.encode(&corners(16, 8).into());
        assert_eq!(as_jpeg(&bytes).dimensions(), (16, 8));
    }
}

#[test]
fn small_images_are_not_enlarged_and_thin_ones_keep_a_pixel() {
    for (size, expected) in [
        ((10, 6), (10, 6)),
        ((40, 40), (40, 40)),
        ((41, 40), (40, 39)),
        ((4000, 2), (40, 1)),
        ((3, 9000), (1, 40)),
        ((1, 1), (1, 1)),
    ] {
        let picture = DynamicImage::from(corners(size.0, size.1));
        for bytes in [png(&picture), Jpeg::default().encode(&picture), file(&picture, ImageFormat::Gif)] {
            assert_eq!(as_jpeg(&bytes).dimensions(), expected, "{size:?}");
        }
    }
}

#[test]
fn transparency_becomes_white_in_jpeg_and_stays_in_webp() {
    let clear = DynamicImage::from(RgbaImage::from_pixel(80, 80, Rgba([0, 0, 0, 0])));
    let half = DynamicImage::from(RgbaImage::from_pixel(80, 80, Rgba([255, 0, 0, 128])));
    for write in [png, |picture: &DynamicImage| file(picture, ImageFormat::WebP)] {
        let seen = as_jpeg(&write(&clear));
        assert!(seen.pixels().all(|pixel| pixel.0.iter().all(|channel| *channel > 250)));
        let [red, green, _] = as_jpeg(&write(&half)).get_pixel(20, 20).0;
        assert!(red > 245 && (115..140).contains(&green), "half red over white is pink, not {red} {green}");
        let webp = made(&write(&half), Target { format: Format::Webp, ..TARGET });
        let seen = look(&webp, ImageFormat::WebP).to_rgba8();
        assert!((120..136).contains(&seen.get_pixel(20, 20).0[3]));
    }
}

/// To see it fail: average colours without their alpha.
#[test]
fn the_colour_of_what_is_transparent_does_not_leak() {
    let picture = RgbaImage::from_fn(320, 320, |x, _| {
        if x % 2 == 0 { Rgba([255, 255, 255, 255]) } else { Rgba([0, 0, 0, 0]) }
    });
    let picture = DynamicImage::from(picture);
    for bytes in [png(&picture), png(&picture.to_luma_alpha8().into()), file(&picture, ImageFormat::WebP)] {
        let darkest = as_jpeg(&bytes).pixels().flat_map(|pixel| pixel.0).min();
        assert!(darkest > Some(245), "{darkest:?}");
    }
}

#[test]
fn every_kind_of_png_pixel_is_taken() {
    let picture = DynamicImage::from(corners(100, 50));
    let variants = [
        DynamicImage::from(picture.to_luma8()),
        picture.to_luma_alpha8().into(),
        picture.to_rgb8().into(),
        picture.to_luma16().into(),
        picture.to_luma_alpha16().into(),
        picture.to_rgb16().into(),
        picture.to_rgba16().into(),
    ];
    for variant in variants {
        let seen = as_jpeg(&png(&variant));
        assert_eq!(seen.dimensions(), (40, 20), "{:?}", variant.color());
        assert_eq!(colour(*seen.get_pixel(37, 17)), "white");
        if variant.color().has_color() {
            assert_eq!(four_corners(&seen), ["red", "green", "blue", "white"]);
        }
    }
}

#[test]
fn png_palettes_few_bits_and_interlaced_files_are_taken() {
    let file = |colour, depth, palette: Option<&[u8]>, rows: &[u8]| {
        let mut bytes = Vec::new();
        let mut encoder = ::png::Encoder::new(&mut bytes, 16, 16);
        encoder.set_color(colour);
        encoder.set_depth(depth);
        if let Some(palette) = palette {
            encoder.set_palette(palette);
        }
        encoder.write_header().unwrap().write_image_data(rows).unwrap();
        bytes
    };
    // Left half 0, right half 1.
    let palette = file(
        ::png::ColorType::Indexed,
        ::png::BitDepth::One,
        Some(&[255, 0, 0, 0, 255, 0]),
        &[0, 255].repeat(16),
    );
    let seen = as_jpeg(&palette);
    assert_eq!(four_corners(&seen), ["red", "green", "red", "green"]);
    let grey =
        file(::png::ColorType::Grayscale, ::png::BitDepth::Two, None, &[0x55, 0x55, 0xFF, 0xFF].repeat(16));
    let seen = as_jpeg(&grey);
    assert!(seen.get_pixel(2, 8).0[0].abs_diff(85) < 4 && seen.get_pixel(13, 8).0[0] > 250);
    let interlaced = include_bytes!("../tests/data/interlaced.png");
    assert_eq!(four_corners(&as_jpeg(interlaced)), ["red", "green", "blue", "white"]);
}

/// The decoder would panic on it.
#[test]
fn a_png_whose_palette_ends_in_a_colour_is_refused() {
    let file = with_chunk(&png(&photo(45, 31).into()), *b"PLTE", &[1, 2, 3, 4]);
    let refusal = render(&file, &probe(&file).unwrap(), &LIMITS, &[TARGET]).unwrap_err();
    assert_eq!(refusal.detail(), "the palette is cut");
}

#[test]
fn of_an_animation_the_first_frame_is_shown() {
    let (first, second) = (corners(80, 40), RgbaImage::from_pixel(80, 40, Rgba([0, 0, 0, 255])));
    let mut gif = Vec::new();
    {
        let mut encoder = image::codecs::gif::GifEncoder::new(&mut gif);
        encoder.encode_frame(image::Frame::new(first.clone())).unwrap();
        encoder.encode_frame(image::Frame::new(second.clone())).unwrap();
    }
    let config = webp::WebPConfig::new().unwrap();
    let mut encoder = webp::AnimEncoder::new(80, 40, &config);
    encoder.add_frame(webp::AnimFrame::from_rgba(&first, 80, 40, 0));
    encoder.add_frame(webp::AnimFrame::from_rgba(&second, 80, 40, 100));
    for bytes in [gif, encoder.encode().to_vec()] {
        assert_eq!(probe(&bytes).unwrap().frames, 2);
        assert_eq!(four_corners(&as_jpeg(&bytes)), ["red", "green", "blue", "white"]);
    }
}

#[test]
fn lossy_and_lossless_webp_are_read() {
    let picture = DynamicImage::from(corners(80, 40)).to_rgb8().into();
    for bytes in [lossy_webp(&picture, 90.0), file(&picture, ImageFormat::WebP)] {
        assert_eq!(four_corners(&as_jpeg(&bytes)), ["red", "green", "blue", "white"]);
    }
}

#[test]
fn ink_becomes_light() {
    // No ink at all, cyan alone, all black: the encoder takes how much ink there is and inverts it as Adobe does.
    for (ink, expected) in
        [([0, 0, 0, 0], [255, 255, 255]), ([255, 0, 0, 0], [0, 255, 255]), ([0, 0, 0, 255], [0, 0, 0])]
    {
        for kind in [ColorType::Cmyk, ColorType::CmykAsYcck] {
            let jpeg = Jpeg { sampling: jpeg_encoder::SamplingFactor::F_1_1, ..Jpeg::default() };
            let bytes = jpeg.raw(&ink.repeat(64 * 64), (64, 64), kind, None);
            let seen = as_jpeg(&bytes).get_pixel(20, 20).0;
            assert!(
                seen.iter().zip(expected).all(|(seen, wanted)| seen.abs_diff(wanted) < 10),
                "{ink:?} {seen:?}"
            );
        }
    }
}

/// Display P3, as phones embed it: (200, 100, 100) of it is (215, 93, 97) of sRGB, by the primaries of both.
#[test]
fn wide_colours_are_converted_whatever_the_format_of_the_file() {
    let profile = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let pixels = [200, 100, 100].repeat(64 * 64);
    let jpeg = Jpeg { quality: 98, ..Jpeg::default() }.raw(&pixels, (64, 64), ColorType::Rgb, Some(&profile));
    let mut squeezed = b"p3\0\0".to_vec();
    {
        use std::io::Write as _;
        let mut zlib = flate2::write::ZlibEncoder::new(&mut squeezed, flate2::Compression::fast());
        zlib.write_all(&profile).unwrap();
    }
    let plain = DynamicImage::from(RgbImage::from_raw(64, 64, pixels).unwrap());
    for bytes in [jpeg, with_chunk(&png(&plain), *b"iCCP", &squeezed)] {
        let [red, green, blue] = as_jpeg(&bytes).get_pixel(20, 20).0;
        assert!(
            red.abs_diff(215) < 4 && green.abs_diff(93) < 4 && blue.abs_diff(97) < 4,
            "{red} {green} {blue}"
        );
    }
    assert!(as_jpeg(&png(&plain)).get_pixel(20, 20).0[0].abs_diff(200) < 4);
}

#[test]
fn no_metadata_survives() {
    let profile = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let mut original = Jpeg { orientation: 6, ..Jpeg::default() }.raw(
        photo(160, 80).as_raw(),
        (160, 80),
        ColorType::Rgb,
        Some(&profile),
    );
    let scan = original.windows(2).position(|window| window == b"\xFF\xDA").unwrap();
    let xmp = b"http://ns.adobe.com/xap/1.0/\0<exif:GPSLatitude>52,31N</exif:GPSLatitude>";
    let length = u16::try_from(xmp.len() + 2).unwrap().to_be_bytes();
    original.splice(scan..scan, [b"\xFF\xE1", &length[..], xmp, b"\xFF\xFE\x00\x0Cserial 123"].concat());
    original.extend_from_slice(b"<script>alert(1)</script>");
    for format in [Format::Jpeg, Format::Webp] {
        let bytes = made(&original, Target { format, ..TARGET }).bytes;
        for trace in [&b"Exif"[..], b"EXIF", b"GPS", b"serial", b"ICC", b"<scr", b"http"] {
            assert!(!bytes.windows(trace.len()).any(|window| window == trace));
        }
    }
}

#[test]
fn lower_quality_makes_smaller_files_in_both_formats() {
    let original = png(&photo(200, 200).into());
    for format in [Format::Jpeg, Format::Webp] {
        let size = |quality| made(&original, Target { format, quality, ..TARGET }).bytes.len();
        assert!(size(30) < size(95), "{format:?}");
    }
}

#[test]
fn several_pictures_come_from_one_decode() {
    let bytes = Jpeg { orientation: 6, ..Jpeg::default() }.encode(&photo(640, 480).into());
    let sizes = [(40, 40), (1024, 1024), (200, 100)];
    let targets = sizes.map(|(max_width, max_height)| Target { max_width, max_height, ..TARGET });
    let rendered = render(&bytes, &probe(&bytes).unwrap(), &LIMITS, &targets).unwrap();
    let made: Vec<_> = rendered.pictures.iter().map(|picture| (picture.width, picture.height)).collect();
    assert_eq!(made, [(30, 40), (480, 640), (75, 100)]);
    for picture in &rendered.pictures {
        look(picture, ImageFormat::Jpeg);
    }
    assert!(render(&bytes, &probe(&bytes).unwrap(), &LIMITS, &[]).unwrap().pictures.is_empty());
}

fn placeholder(bytes: &[u8], targets: &[Target]) -> Placeholder {
    render(bytes, &probe(bytes).unwrap(), &LIMITS, targets).unwrap().placeholder
}

/// To see it fail: make the placeholder before the picture is turned upright.
#[test]
fn placeholders_are_upright_whatever_the_file_and_its_pictures() {
    let upright = [
        ["red", "green", "blue", "white"],
        ["blue", "red", "white", "green"],
        ["white", "blue", "green", "red"],
        ["green", "white", "red", "blue"],
    ];
    let picture = DynamicImage::from(corners(320, 200));
    for (orientation, expected) in [1, 6, 3, 8].into_iter().zip(upright) {
        let jpeg = Jpeg { orientation, ..Jpeg::default() };
        let files = [
            jpeg.encode(&picture),
            Jpeg { progressive: true, ..jpeg }.encode(&picture),
            with_chunk(&png(&picture), *b"eXIf", &testing::exif(orientation)),
        ];
        for bytes in files {
            for targets in
                [&[][..], &[TARGET], &[Target { max_width: 200, max_height: 200, ..TARGET }, TARGET]]
            {
                let seen = placeholder(&bytes, targets);
                let (width, height, pixels) = thumbhash::thumb_hash_to_rgba(&seen.thumbhash).unwrap();
                assert_eq!(width > height, orientation < 5, "{orientation}");
                let pixels = RgbaImage::from_raw(width as u32, height as u32, pixels).unwrap();
                assert_eq!(four_corners(&DynamicImage::from(pixels).to_rgb8()), expected, "{orientation}");
            }
        }
    }
}

#[test]
fn placeholders_know_transparency_and_wide_colours() {
    let clear = png(&RgbaImage::from_pixel(80, 80, Rgba([0, 0, 0, 0])).into());
    assert_eq!(placeholder(&clear, &[TARGET]).color, [255; 3]);
    let profile = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let pixels = [200, 100, 100].repeat(64 * 64);
    let wide = Jpeg { quality: 98, ..Jpeg::default() }.raw(&pixels, (64, 64), ColorType::Rgb, Some(&profile));
    for targets in [&[][..], &[TARGET]] {
        let [red, green, blue] = placeholder(&wide, targets).color;
        assert!(
            red.abs_diff(215) < 4 && green.abs_diff(93) < 4 && blue.abs_diff(97) < 4,
            "{red} {green} {blue}"
        );
    }
}

/// Pictures of every kind of file against a full decode with the same filter. To see it fail: cut the last column of squares off
/// in `png`, or average two rows of one square only.
#[test]
fn pictures_look_like_the_photo() {
    let photo = DynamicImage::from(photo(647, 483));
    let reference = photo.resize_exact(160, 119, image::imageops::FilterType::Lanczos3).to_rgb8();
    let files = [
        (Jpeg { quality: 98, ..Jpeg::default() }.encode(&photo), 33.0),
        (png(&photo), 36.0),
        (png(&photo.to_rgba16().into()), 36.0),
        (file(&photo, ImageFormat::WebP), 36.0),
        (lossy_webp(&photo, 95.0), 32.0),
    ];
    for (at, (bytes, bound)) in files.into_iter().enumerate() {
        let target = Target { max_width: 160, max_height: 160, quality: 98, ..TARGET };
        let seen = look(&made(&bytes, target), ImageFormat::Jpeg).to_rgb8();
        let square = |(left, right): (&u8, &u8)| f64::from(left.abs_diff(*right)).powi(2);
        let mean = seen.as_raw().iter().zip(reference.as_raw()).map(square).sum::<f64>()
            / seen.as_raw().len() as f64;
        let decibels = 10.0 * (255.0 * 255.0 / mean).log10();
        assert!(decibels > bound, "file {at}: {decibels:.1} dB");
    }
}

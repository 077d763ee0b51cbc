//! Files full of secrets: none is left, and two decoders that share no code see the same pixels as before.

use image::{DynamicImage, ImageFormat};
use proptest::prelude::*;
use zune_png::PngDecoder;
use zune_png::zune_core::bytestream::ZCursor;
use zune_png::zune_core::result::DecodingResult;

use super::*;
use crate::exif::Orientation;
use crate::probe::probe;
use crate::testing::{
    Jpeg, Value, corners, crc32, each_kind, file, lossy_webp, photo, png, tiff, with_chunk,
};

const SECRET: &[u8] = b"SECRET 52.516N serial 4711";

fn cleaned(bytes: &[u8]) -> Vec<u8> {
    clean(bytes.to_vec(), &probe(bytes).unwrap())
}

fn holds(bytes: &[u8], trace: &[u8]) -> bool {
    bytes.windows(trace.len()).any(|window| window == trace)
}

/// EXIF as phones write it: position, maker notes, serial numbers, and which way is up.
fn telling(orientation: u8) -> Vec<u8> {
    let first = [
        (0x010F, Value::Bytes(SECRET)),
        (0x0112, Value::Short(orientation.into())),
        (0x8825, Value::Bytes(SECRET)),
    ];
    tiff(true, &first, &[(0x927C, Value::Bytes(SECRET)), (0xA431, Value::Bytes(SECRET))])
}

fn segment(marker: u8, parts: &[&[u8]]) -> Vec<u8> {
    let data = parts.concat();
    let length = u16::try_from(data.len() + 2).unwrap().to_be_bytes();
    [&[0xFF, marker], &length[..], &data].concat()
}

/// A JPEG of ours, with everything that cameras, phones and programs put beside the picture.
fn telling_jpeg(jpeg: Jpeg, orientation: u8) -> Vec<u8> {
    let plain = jpeg.encode(&photo(75, 50).into());
    let profile = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let thumbnail = [&b"JFIF\0\x01\x02\x00\x00\x48\x00\x48\x03\x03"[..], SECRET, &[0]].concat();
    let segments = [
        segment(0xE0, &[&thumbnail]),
        segment(0xE0, &[b"JFXX\0\x10", SECRET]),
        segment(0xE1, &[b"Exif\0\0", &telling(orientation)]),
        segment(0xE1, &[b"Exif\0\0", &telling(3)]),
        segment(0xE1, &[b"http://ns.adobe.com/xap/1.0/\0", SECRET]),
        segment(0xE2, &[b"ICC_PROFILE\0\x01\x01", &profile]),
        segment(0xE2, &[b"MPF\0", SECRET]),
        segment(0xE5, &[SECRET]),
        segment(0xED, &[b"Photoshop 3.0\x008BIM", SECRET]),
        segment(0xEE, &[b"Adobe\0\x64\0\0\0\0\x01", SECRET]),
        segment(0xFE, &[SECRET]),
        b"\xFF\xFF\xFF".to_vec(),
    ];
    let trailing = [&b"\0\0"[..], &plain, b"\0\0\0\x18ftypmp42", SECRET].concat();
    // Its own JFIF and EXIF, which the encoder writes first, go with the rest.
    [&plain[..2], &segments.concat(), &plain[2..], &trailing].concat()
}

fn jpeg_pixels(bytes: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let first = image::load_from_memory_with_format(bytes, ImageFormat::Jpeg).unwrap();
    (first.into_bytes(), jpeg_decoder::Decoder::new(bytes).decode().unwrap())
}

#[test]
fn a_jpeg_keeps_its_pixels_profile_and_orientation_and_nothing_else() {
    let sampling = jpeg_encoder::SamplingFactor::F_1_1;
    let kinds = [
        Jpeg::default(),
        Jpeg { progressive: true, ..Jpeg::default() },
        Jpeg { restart: 2, sampling, ..Jpeg::default() },
    ];
    for jpeg in kinds {
        for orientation in 1..=8 {
            let bytes = telling_jpeg(jpeg, orientation);
            let cleaned = cleaned(&bytes);
            assert!(holds(&bytes, SECRET) && !holds(&cleaned, b"SECRET"));
            for trace in [&b"JFXX"[..], b"http", b"MPF", b"8BIM", b"ftyp", b"\xFF\xFE"] {
                assert!(!holds(&cleaned[..2000.min(cleaned.len())], trace), "{trace:?}");
            }
            assert_eq!(jpeg_pixels(&cleaned), jpeg_pixels(&bytes));
            let (before, after) = (probe(&bytes).unwrap(), probe(&cleaned).unwrap());
            assert_eq!(after.orientation, Orientation::from_tag(orientation.into()));
            assert_eq!(before, after, "size and profile");
            assert_eq!(crate::probe::profile(&cleaned, &after), crate::probe::profile(&bytes, &before));
            assert_eq!(holds(&cleaned, b"Exif"), orientation != 1);
            assert_eq!(&cleaned[cleaned.len() - 2..], b"\xFF\xD9");
        }
    }
}

/// To see it fail: let `is_nothing` be true of zero and restart markers alone.
#[test]
fn nothing_is_lost_of_a_scan_s_damaged_data() {
    let mut bytes = Jpeg { restart: 2, ..Jpeg::default() }.encode(&photo(200, 150).into());
    let scan = bytes.windows(2).position(|pair| pair == b"\xFF\xDA").unwrap();
    // What looks like a segment of 500 bytes.
    bytes[scan + 40..scan + 44].copy_from_slice(b"\xFF\x6E\x01\xF4");
    assert!(cleaned(&bytes).ends_with(&bytes[scan..]));
}

/// Adobe's marker says what the planes of these mean; without it they would be shown in the wrong colours.
#[test]
fn ink_and_rgb_in_a_jpeg_stay_what_they_are() {
    use jpeg_encoder::ColorType;
    let samples: Vec<u8> = (0..32 * 32 * 4).map(|at: u32| (at % 251) as u8).collect();
    for (colour, channels) in [(ColorType::Cmyk, 4), (ColorType::CmykAsYcck, 4), (ColorType::Rgb, 3)] {
        let bytes = Jpeg::default().raw(&samples[..32 * 32 * channels], (32, 32), colour, None);
        assert_eq!(jpeg_pixels(&cleaned(&bytes)), jpeg_pixels(&bytes));
    }
}

#[test]
fn real_encoders_files_keep_every_scan() {
    for bytes in [
        &include_bytes!("../../tests/data/refined_420.jpg")[..],
        include_bytes!("../../tests/data/refined_444.jpg"),
    ] {
        assert_eq!(jpeg_pixels(&cleaned(bytes)), jpeg_pixels(bytes));
    }
}

fn png_pixels(bytes: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let first = image::load_from_memory_with_format(bytes, ImageFormat::Png).unwrap();
    let DecodingResult::U8(second) = PngDecoder::new(ZCursor::new(bytes)).decode().unwrap() else {
        panic!("8 bits");
    };
    (first.into_bytes(), second)
}

#[test]
fn a_png_keeps_its_pixels_colours_and_orientation_and_nothing_else() {
    let plain = png(&corners(40, 30).into());
    for orientation in [1, 6] {
        let mut bytes = plain.clone();
        for (kind, data) in [
            (b"tEXt", [b"GPS\0", SECRET].concat()),
            (b"zTXt", [b"GPS\0\0", SECRET].concat()),
            (b"iTXt", [b"XML:com.adobe.xmp\0\0\0\0\0", SECRET].concat()),
            (b"tIME", vec![7, 0xEA, 7, 4, 18, 30, 0]),
            (b"eXIf", telling(orientation)),
            (b"prVt", SECRET.to_vec()),
            (b"gAMA", vec![0, 0, 0xB1, 0x8F]),
        ] {
            bytes = with_chunk(&bytes, *kind, &data);
        }
        bytes.extend_from_slice(SECRET);
        let cleaned = cleaned(&bytes);
        assert!(!holds(&cleaned, b"SECRET") && holds(&cleaned, b"gAMA"));
        assert_eq!(png_pixels(&cleaned), png_pixels(&bytes));
        assert_eq!(probe(&cleaned), probe(&bytes));
        if orientation == 1 {
            assert_eq!(cleaned, with_chunk(&plain, *b"gAMA", &[0, 0, 0xB1, 0x8F]), "exactly the plain file");
        } else {
            let at = cleaned.windows(4).position(|kind| kind == b"eXIf").unwrap();
            let checksum = crc32(&cleaned[at..at + 30]);
            assert_eq!(cleaned[at + 30..at + 34], checksum.to_be_bytes());
        }
    }
}

#[test]
fn a_png_without_its_end_gets_one() {
    let whole = png(&photo(45, 31).into());
    let open = &whole[..whole.len() - 12];
    assert_eq!(cleaned(open), whole);
    // A chunk that is cut may be pixels; nothing can follow it.
    let cut = &whole[..whole.len() - 20];
    assert_eq!(cleaned(cut), cut);
}

/// A WebP of the extended kind from one of the simple kind.
fn telling_webp(simple: &[u8], flags: u8, orientation: u8) -> Vec<u8> {
    let chunk = |kind: &[u8; 4], data: &[u8]| {
        let padding = &[0][..data.len() % 2];
        [kind, &u32::try_from(data.len()).unwrap().to_le_bytes()[..], data, padding].concat()
    };
    let found = probe(simple).unwrap();
    let side = |pixels: u32| (pixels - 1).to_le_bytes();
    let (width, height) = (side(found.width), side(found.height));
    let head = [&[flags | 0x0C, 0, 0, 0], &width[..3], &height[..3]].concat();
    let body = [
        b"WEBP".to_vec(),
        chunk(b"VP8X", &head),
        chunk(b"EXIF", &telling(orientation)),
        simple[12..].to_vec(),
        chunk(b"XMP ", SECRET),
        chunk(b"what", SECRET),
    ]
    .concat();
    [b"RIFF", &u32::try_from(body.len()).unwrap().to_le_bytes()[..], &body, SECRET].concat()
}

fn webp_pixels(bytes: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let first = image::load_from_memory_with_format(bytes, ImageFormat::WebP).unwrap();
    (first.into_bytes(), ::webp::Decoder::new(bytes).decode().unwrap().to_vec())
}

#[test]
fn a_webp_keeps_its_pixels_and_orientation_and_nothing_else() {
    let (opaque, clear) = (DynamicImage::from(photo(45, 31)), DynamicImage::from(corners(45, 31)));
    for (simple, flags) in [
        (lossy_webp(&opaque, 80.0), 0),
        (file(&opaque, ImageFormat::WebP), 0),
        (file(&clear, ImageFormat::WebP), 0x10),
    ] {
        assert_eq!(cleaned(&simple), simple, "nothing to clean");
        for orientation in [1, 8] {
            let bytes = telling_webp(&simple, flags, orientation);
            let cleaned = cleaned(&bytes);
            assert!(!holds(&cleaned, b"SECRET") && !holds(&cleaned, b"XMP "));
            assert_eq!(webp_pixels(&cleaned), webp_pixels(&bytes));
            assert_eq!(probe(&cleaned).unwrap(), probe(&bytes).unwrap());
            let has_exif = if orientation == 1 { 0 } else { 8 };
            assert_eq!(cleaned[20], flags | has_exif, "flags");
            assert_eq!(cleaned[4..8], u32::try_from(cleaned.len() - 8).unwrap().to_le_bytes());
        }
    }
}

#[test]
fn an_animated_webp_keeps_its_frames_and_loses_what_hides_in_them() {
    let config = ::webp::WebPConfig::new().unwrap();
    let mut encoder = ::webp::AnimEncoder::new(40, 30, &config);
    let frames = [corners(40, 30), image::RgbaImage::from_pixel(40, 30, image::Rgba([9, 90, 200, 255]))];
    for (frame, time) in frames.iter().zip([0, 100]) {
        encoder.add_frame(::webp::AnimFrame::from_rgba(frame, 40, 30, time));
    }
    let plain = encoder.encode().to_vec();
    assert_eq!(cleaned(&plain), plain, "nothing to clean");
    // An unknown chunk at the end of the first frame.
    let at = plain.windows(4).position(|kind| kind == b"ANMF").unwrap();
    let size = u32::from_le_bytes(plain[at + 4..at + 8].try_into().unwrap()) as usize;
    let hidden = [b"hide", &26_u32.to_le_bytes()[..], SECRET].concat();
    let mut bytes = plain.clone();
    bytes.splice(at + 8 + size..at + 8 + size, hidden.iter().copied());
    bytes[at + 4..at + 8].copy_from_slice(&u32::try_from(size + hidden.len()).unwrap().to_le_bytes());
    let length = u32::try_from(bytes.len() - 8).unwrap().to_le_bytes();
    bytes[4..8].copy_from_slice(&length);
    assert_eq!(cleaned(&bytes), plain);
}

fn gif_pictures(bytes: &[u8]) -> Vec<(image::Delay, Vec<u8>)> {
    use image::AnimationDecoder as _;
    let decoder = image::codecs::gif::GifDecoder::new(std::io::Cursor::new(bytes)).unwrap();
    let frames = decoder.into_frames().map(|frame| frame.unwrap());
    frames.map(|frame| (frame.delay(), frame.into_buffer().into_raw())).collect()
}

#[test]
fn a_gif_keeps_its_frames_timing_and_repeats_and_nothing_else() {
    let mut plain = Vec::new();
    {
        let mut encoder = image::codecs::gif::GifEncoder::new(&mut plain);
        encoder.set_repeat(image::codecs::gif::Repeat::Infinite).unwrap();
        for pixel in [10, 200] {
            let frame = image::RgbaImage::from_pixel(20, 10, image::Rgba([pixel, 90, 0, 255]));
            let delay = image::Delay::from_numer_denom_ms(70, 1);
            encoder.encode_frame(image::Frame::from_parts(frame, 0, 0, delay)).unwrap();
        }
    }
    assert!(holds(&plain, b"NETSCAPE2.0"));
    assert_eq!(cleaned(&plain), plain, "nothing to clean");
    let pieces = |data: &[u8]| [&[u8::try_from(data.len()).unwrap()], data, &[0]].concat();
    let hidden = [
        [b"!\xFE".to_vec(), pieces(SECRET)].concat(),
        [b"!\xFF\x0BXMP DataXMP".to_vec(), pieces(SECRET)].concat(),
        [b"!\xFF\x0BNETSCAPE2.0\x03\x01\x00\x00".to_vec(), pieces(SECRET)].concat(),
        [b"!\x01".to_vec(), pieces(SECRET)].concat(),
    ];
    let begin = plain.windows(2).position(|pair| pair == b"!\xFF").unwrap();
    let mut bytes = plain.clone();
    bytes.splice(begin..begin, hidden.concat());
    bytes.extend_from_slice(SECRET);
    let cleaned = cleaned(&bytes);
    assert!(!holds(&cleaned, b"SECRET"));
    assert_eq!(gif_pictures(&cleaned), gif_pictures(&plain));
    // Said twice in the file, so it stays twice; all else is the plain file.
    let mut expected = plain;
    expected.splice(begin..begin, *b"!\xFF\x0BNETSCAPE2.0\x03\x01\x00\x00\x00");
    assert_eq!(cleaned, expected);
}

#[test]
fn cleaning_takes_no_second_copy_of_the_file() {
    for bytes in each_kind() {
        let capacity = bytes.capacity();
        let found = probe(&bytes).unwrap();
        assert!(clean(bytes, &found).capacity() <= capacity);
    }
}

/// Sooner or later somebody sends a directory that overlaps its own header: the block put in its place is longer.
#[test]
fn a_block_shorter_than_ours_makes_room() {
    let plain = Jpeg::default().encode(&photo(20, 20).into());
    let overlapping = segment(0xE1, &[b"Exif\0\0", b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0"]);
    let bytes = [&plain[..2], &overlapping, &plain[2..]].concat();
    let cleaned = cleaned(&bytes);
    assert_eq!(probe(&cleaned).unwrap().orientation, Orientation::Rotate90);
    assert_eq!(jpeg_pixels(&cleaned), jpeg_pixels(&bytes));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn broken_files_are_cleaned_once_and_for_all(which in 0_usize..16, at in any::<prop::sample::Index>(), value: u32, cut in any::<prop::sample::Index>()) {
        let mut files = each_kind();
        let photo = file(&photo(45, 31).into(), ImageFormat::WebP);
        files.extend([telling_jpeg(Jpeg::default(), 6), telling_jpeg(Jpeg { progressive: true, ..Jpeg::default() }, 1), telling_webp(&photo, 0, 6), with_chunk(&png(&corners(9, 9).into()), *b"eXIf", &telling(6))]);
        let mut bytes = files.swap_remove(which);
        let at = at.index(bytes.len());
        for (byte, value) in bytes[at..].iter_mut().zip(value.to_le_bytes()) {
            *byte = value;
        }
        if value % 4 == 0 {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(found) = probe(&bytes) {
            let once = clean(bytes.clone(), &found);
            prop_assert!(once.len() <= bytes.len() + 64);
            // What is left of a broken file may be none at all; else cleaning it again changes nothing.
            if let Ok(found) = probe(&once) {
                prop_assert_eq!(clean(once.clone(), &found), once);
            }
        }
    }

    /// What our decoder sees of a JPEG, however broken, is what it sees of the clean one.
    #[test]
    fn broken_jpegs_look_the_same_when_clean(at in any::<prop::sample::Index>(), value: u32) {
        let mut bytes = telling_jpeg(Jpeg { restart: 3, ..Jpeg::default() }, 6);
        let at = at.index(bytes.len());
        for (byte, value) in bytes[at..].iter_mut().zip(value.to_le_bytes()) {
            *byte = value;
        }
        let limits = crate::Limits { max_bytes: 1 << 20, max_side: 500, max_pixels: 100_000, max_frames: 1, memory: 64 << 20 };
        let target = crate::Target { max_width: 40, max_height: 40, format: crate::Format::Jpeg, quality: 80 };
        let made = |bytes: &[u8]| {
            let found = probe(bytes).ok()?;
            let rendered = crate::render(bytes, &found, &limits, &[target]).ok()?;
            Some(rendered.pictures.into_iter().map(|picture| picture.bytes).collect::<Vec<_>>())
        };
        if let Some(before) = made(&bytes) {
            prop_assert_eq!(made(&cleaned(&bytes)), Some(before));
        }
    }
}

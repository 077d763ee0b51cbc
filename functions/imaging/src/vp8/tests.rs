//! The decoder against libwebp's own encoder and against the decoder of the `image` crate, and on damaged files.

use std::io::Cursor;

use image::{DynamicImage, RgbImage};
use proptest::prelude::*;

use super::*;
use crate::model::Model;
use crate::probe::webp::lossy_frame;
use crate::small::{Small, halved};
use crate::testing::{lossy_webp, photo};

const PLENTY: u64 = 1 << 30;

fn planes(file: &[u8], size: (u32, u32), target: (u32, u32)) -> Vec<Raster> {
    decode(lossy_frame(file).unwrap(), size, Aim::upright(target), PLENTY).unwrap().unwrap()
}

fn decibels(left: &[u8], right: &[u8]) -> f64 {
    assert_eq!(left.len(), right.len());
    let square = |(left, right): (&u8, &u8)| f64::from(left.abs_diff(*right)).powi(2);
    let mean = left.iter().zip(right).map(square).sum::<f64>() / left.len() as f64;
    10.0 * (255.0 * 255.0 / mean.max(1e-9)).log10()
}

fn encoded(photo: &RgbImage, quality: f32, parts: i32, method: i32) -> Vec<u8> {
    let mut config = webp::WebPConfig::new().unwrap();
    (config.quality, config.partitions, config.method, config.segments) = (quality, parts, method, 4);
    let encoder = webp::Encoder::from_rgb(photo.as_raw(), photo.width(), photo.height());
    encoder.encode_advanced(&config).unwrap().to_vec()
}

/// Sizes that end within macroblocks, every number of parts, and qualities that use every kind of prediction. Of averaged pictures
/// only the smoothing is left out, which at high quality hardly does anything. To see it fail: change a number in `tables`, a
/// direction in `predict`.
#[test]
fn pictures_look_as_another_decoder_sees_them() {
    for (size, quality, parts, method) in [
        ((403, 301), 98.0, 0, 4),
        ((400, 304), 90.0, 1, 6),
        ((647, 483), 80.0, 2, 4),
        ((640, 480), 60.0, 3, 2),
        ((641, 481), 30.0, 0, 0),
    ] {
        let file = encoded(&photo(size.0, size.1), quality, parts, method);
        let whole = image::load_from_memory(&file).unwrap().to_rgb8();
        for target in [(size.0 / 4, size.1 / 4), (size.0 / 9, size.1 / 9), (size.0 / 33, size.1 / 33)] {
            let (width, height) = (size.0 as usize, size.1 as usize);
            let whole = Raster { width, height, channels: 3, samples: whole.as_raw().clone() };
            let reference = whole.resize(Aim::upright(target)).unwrap();
            let Small::YCbCr(seen) = Small::of_planes(planes(&file, size, target), Model::Video) else {
                panic!("no planes")
            };
            let seen = seen.map(|plane| plane.samples).concat();
            let expected = halved(&reference.samples, target);
            let (expected_brightness, expected_colour) = expected.split_at((target.0 * target.1) as usize);
            let (brightness, colour) = seen.split_at(expected_brightness.len());
            let close = (decibels(brightness, expected_brightness), decibels(colour, expected_colour));
            // Of very small pictures, the reference's colour has gone through a second filter.
            let bounds = if target.0 < 20 { (43.0, 28.0) } else { (46.0, 41.0) };
            assert!(
                close.0 > bounds.0 && close.1 > bounds.1,
                "{size:?} {quality} {target:?}: {close:.1?} dB"
            );
        }
    }
}

/// What another decoder makes of a file, with a sample of colour for each square of four pixels.
fn rgb(file: &[u8]) -> Vec<u8> {
    let mut options = image_webp::WebPDecodeOptions::default();
    options.lossy_upsampling = image_webp::UpsamplingMethod::Simple;
    let mut decoder = image_webp::WebPDecoder::new_with_options(Cursor::new(file), options).unwrap();
    let mut pixels = vec![0; decoder.output_buffer_size().unwrap()];
    decoder.read_image(&mut pixels).unwrap();
    pixels
}

/// The same formula as that decoder's.
fn as_rgb([y, u, v]: [u8; 3]) -> [u8; 3] {
    let [y, u, v] = [y, u, v].map(i32::from);
    let part = |value: i32, factor: i32| (value * factor) >> 8;
    [
        part(y, 19_077) + part(v, 26_149) - 14_234,
        part(y, 19_077) - part(u, 6419) - part(v, 13_320) + 8708,
        part(y, 19_077) + part(u, 33_050) - 17_685,
    ]
    .map(|level| (level >> 6).clamp(0, 255) as u8)
}

/// Every kind of smoothing, and none: not one sample is different. To see it fail: change a number in `smooth`, or smooth rows before
/// columns.
#[test]
fn whole_pictures_are_exactly_what_another_decoder_sees() {
    for (size, quality, simple, strength, sharpness) in [
        ((403, 301), 30.0, false, 60, 0),
        ((400, 304), 5.0, false, 100, 0),
        ((97, 65), 60.0, false, 80, 3),
        ((131, 240), 20.0, false, 100, 7),
        ((97, 65), 80.0, true, 60, 0),
        ((403, 301), 10.0, true, 100, 5),
        ((64, 48), 90.0, false, 0, 0),
        ((1, 1), 50.0, false, 60, 0),
        ((17, 3), 50.0, false, 60, 0),
    ] {
        let mut config = webp::WebPConfig::new().unwrap();
        (config.quality, config.segments, config.filter_type) = (quality, 4, i32::from(!simple));
        (config.filter_strength, config.filter_sharpness) = (strength, sharpness);
        let photo = photo(size.0, size.1);
        let encoder = webp::Encoder::from_rgb(photo.as_raw(), size.0, size.1);
        let file = encoder.encode_advanced(&config).unwrap().to_vec();
        let [y, u, v] = <[Raster; 3]>::try_from(planes(&file, size, size)).unwrap();
        let seen = (0..y.samples.len()).flat_map(|at| {
            let colour = at / y.width / 2 * u.width + at % y.width / 2;
            as_rgb([y.samples[at], u.samples[colour], v.samples[colour]])
        });
        assert!(seen.eq(rgb(&file)), "{size:?} {quality} {simple} {strength} {sharpness}");
    }
}

#[test]
fn what_it_was_not_made_for_is_left_to_others() {
    let file = lossy_webp(&DynamicImage::from(photo(400, 300)), 80.0);
    let frame = lossy_frame(&file).unwrap().to_vec();
    let open = |frame: &[u8], target| decode(frame, (400, 300), Aim::upright(target), PLENTY);
    assert!(open(&frame, (100, 75)).unwrap().is_ok());
    assert!(
        decode(&frame, (401, 300), Aim::upright((100, 75)), PLENTY).is_none(),
        "another size than the container says"
    );
    for (at, value) in [(0, frame[0] | 1), (3, 0), (10, frame[10] | 0x80)] {
        let mut odd = frame.clone();
        odd[at] = value;
        assert!(open(&odd, (100, 75)).is_none(), "byte {at}");
    }
    let aim = Aim::upright((100, 75));
    for aim in [aim, Aim::upright((300, 225))] {
        let needed = needed(&Plane::all((400, 300), aim), 25) as u64;
        assert!(decode(&frame, (400, 300), aim, needed).unwrap().is_ok());
        assert!(matches!(decode(&frame, (400, 300), aim, needed - 1), Some(Err(Refusal::TooMuchMemory))));
    }
}

#[test]
fn a_frame_that_ends_early_is_refused() {
    let file = lossy_webp(&DynamicImage::from(photo(400, 300)), 80.0);
    let frame = lossy_frame(&file).unwrap();
    for length in (0..frame.len() - 8).step_by(37) {
        assert!(
            !matches!(decode(&frame[..length], (400, 300), Aim::upright((100, 75)), PLENTY), Some(Ok(_))),
            "{length}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// They differ in what they cost only. No sign is the first bit of a file.
    #[test]
    fn bits_are_the_same_however_they_are_read(
        bytes in proptest::collection::vec(any::<u8>(), 0..60),
        ways in proptest::collection::vec((0_u8..3, any::<u8>()), 1..400),
    ) {
        let (mut bits, mut others) = (Bits::new(&bytes), Bits::new(&bytes));
        prop_assert_eq!(bits.flag(), others.flag());
        for (way, zero) in ways {
            let (wanted, read) = match way {
                0 => (bits.bit(zero), others.bit(zero)),
                1 => (bits.bit(zero), others.digit(zero) == 1),
                _ => {
                    others.refill();
                    let quick = [zero, zero ^ 0x55, 255].map(|zero| (bits.bit(zero), others.quick(zero)));
                    prop_assert!(quick.iter().all(|(wanted, read)| wanted == read));
                    (bits.bit(128), others.quick_sign() == -1)
                }
            };
            prop_assert_eq!(wanted, read);
            prop_assert_eq!(bits.is_exhausted(), others.is_exhausted());
        }
    }

    #[test]
    fn damaged_frames_never_panic(
        flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        side in 1_u32..97,
    ) {
        let file = encoded(&photo(97, 65), 70.0, 1, 4);
        let mut frame = lossy_frame(&file).unwrap().to_vec();
        for (at, value) in flips {
            let at = at.index(frame.len() - 10) + 10;
            frame[at] = value;
        }
        let _ = decode(&frame, (97, 65), Aim::upright((side, side)), PLENTY);
    }
}

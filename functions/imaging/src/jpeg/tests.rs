//! The decoder against two others, on files of every kind; then odd, cut and damaged files.

use image::{DynamicImage, RgbImage};
use jpeg_encoder::{ColorType, SamplingFactor};
use proptest::prelude::*;

use super::*;
use crate::raster::Raster;
use crate::small::{Small, halved};
use crate::testing::{Jpeg, photo};

const PLENTY: u64 = 1 << 30;
const SAMPLINGS: [SamplingFactor; 8] = [
    SamplingFactor::F_1_1,
    SamplingFactor::F_2_1,
    SamplingFactor::F_1_2,
    SamplingFactor::F_2_2,
    SamplingFactor::F_4_1,
    SamplingFactor::F_4_2,
    SamplingFactor::F_1_4,
    SamplingFactor::F_2_4,
];
const REFINED: [&[u8]; 3] = [
    include_bytes!("../../tests/data/refined_420.jpg"),
    include_bytes!("../../tests/data/refined_444.jpg"),
    include_bytes!("../../tests/data/refined_grey.jpg"),
];

fn ours(bytes: &[u8], target: (u32, u32)) -> Result<Decoded, Failure> {
    decode(bytes, &summary(bytes).unwrap(), Aim::upright(target), PLENTY)
}

fn exotic(bytes: &[u8]) -> &'static str {
    match ours(bytes, (8, 8)) {
        Err(Failure::Exotic(why)) => why,
        other => panic!("{other:?}"),
    }
}

/// Grey, RGB, or brightness and the two planes of colour, one after the other.
fn samples(decoded: &Decoded) -> Vec<u8> {
    match Small::of_planes(decoded.planes.clone(), decoded.model) {
        Small::YCbCr(planes) => planes.map(|plane| plane.samples).concat(),
        Small::Pixels(raster) => raster.samples,
    }
}

/// What the decoder of the `jpeg-decoder` crate makes of a file.
fn second(bytes: &[u8]) -> Vec<u8> {
    jpeg_decoder::Decoder::new(bytes).decode().unwrap()
}

/// What the decoder of the `image` crate (`zune-jpeg`) makes of a file, as grey or RGB.
fn third(bytes: &[u8]) -> Vec<u8> {
    image::load_from_memory(bytes).unwrap().into_bytes()
}

fn differences(left: &[u8], right: &[u8]) -> (f64, u8) {
    assert_eq!(left.len(), right.len());
    let each = || left.iter().zip(right).map(|(left, right)| left.abs_diff(*right));
    (each().map(f64::from).sum::<f64>() / left.len() as f64, each().max().unwrap())
}

fn decibels(left: &[u8], right: &[u8]) -> f64 {
    let square = |(left, right): (&u8, &u8)| f64::from(left.abs_diff(*right)).powi(2);
    let mean = left.iter().zip(right).map(square).sum::<f64>() / left.len() as f64;
    10.0 * (255.0 * 255.0 / mean.max(1e-9)).log10()
}

/// To see it fail: change any factor in `transform`, any offset in `layout`, or the order of `PLACES`.
///
/// Brightness agrees to a level of rounding. Colour planes at less than full size are enlarged by each decoder in its own way, which
/// on soft colours is a few levels where they change fastest; hence the two bounds.
#[test]
fn every_kind_of_file_looks_as_two_other_decoders_see_it() {
    for (width, height) in [(1, 1), (7, 9), (16, 16), (83, 61), (128, 97)] {
        let colour = DynamicImage::from(photo(width, height));
        for sampling in SAMPLINGS {
            for (progressive, separate, restart) in [
                (false, false, 0),
                (false, false, 3),
                (false, true, 0),
                (true, false, 0),
                (true, false, 2),
                (true, true, 0),
            ] {
                let jpeg = Jpeg { sampling, progressive, restart, separate, ..Jpeg::default() };
                let file = jpeg.encode(&colour);
                let decoded = ours(&file, (width, height)).unwrap();
                assert!(decoded.complete, "{jpeg:?} {width} x {height}");
                let seen = samples(&decoded);
                let (mean, worst) = differences(&seen, &halved(&second(&file), (width, height)));
                let bounds = if sampling == SamplingFactor::F_1_1 { (0.6, 4) } else { (2.5, 24) };
                assert!(mean <= bounds.0 && worst <= bounds.1, "{jpeg:?} {width} x {height}: {mean} {worst}");
                // It reads files with a scan for each plane wrongly, and four blocks a unit in some orders not at all.
                let known = matches!(
                    sampling,
                    SamplingFactor::F_1_1
                        | SamplingFactor::F_2_1
                        | SamplingFactor::F_1_2
                        | SamplingFactor::F_2_2
                );
                if known && !separate {
                    let (mean, worst) = differences(&seen, &halved(&third(&file), (width, height)));
                    assert!(
                        mean <= bounds.0 && worst <= bounds.1,
                        "{jpeg:?} {width} x {height}: {mean} {worst}"
                    );
                }
            }
        }
        let grey = DynamicImage::from(colour.to_luma8());
        for progressive in [false, true] {
            let file = Jpeg { progressive, ..Jpeg::default() }.encode(&grey);
            let decoded = ours(&file, (width, height)).unwrap();
            assert_eq!(decoded.model, Model::Grey);
            assert!(differences(&samples(&decoded), &second(&file)).1 <= 2);
        }
    }
}

/// By libjpeg (Pillow 13), with its usual script of scans: bits of coefficients in several scans, which no encoder in Rust writes.
#[test]
fn refined_scans_add_up_to_what_two_other_decoders_see() {
    for file in REFINED {
        let decoded = ours(file, (83, 61)).unwrap();
        let seen = samples(&decoded);
        assert!(decoded.complete);
        for other in [second(file), third(file)] {
            let other = if other.len() == 83 * 61 { other } else { halved(&other, (83, 61)) };
            let (mean, worst) = differences(&seen, &other);
            assert!(mean <= 1.8 && worst <= 24, "{mean} {worst}");
        }
        // Brightness has the full size in each, so nothing is enlarged; what is left is rounding.
        let mean = decoded.planes[0].samples.iter().map(|sample| f64::from(*sample)).sum::<f64>();
        assert!(mean > 0.0);
    }
    let grey = differences(&samples(&ours(REFINED[2], (83, 61)).unwrap()), &second(REFINED[2]));
    assert!(grey.1 <= 2, "{grey:?}");
}

/// A full decode, made smaller by the same filter: what a picture should look like.
fn reference(file: &[u8], (width, height): (u32, u32), target: (u32, u32)) -> Vec<u8> {
    let samples = second(file);
    let channels = samples.len() / (width * height) as usize;
    let whole = Raster { width: width as usize, height: height as usize, channels, samples };
    whole.resize(Aim::upright(target)).unwrap().samples
}

/// 35 dB is a difference of 4.5 levels, on a picture whose finest pattern is as strong as in few photos; photos reach 49.
/// To see it fail: take the crop to be whole samples, or 1 for `HALF_WAVE` and `BRIGHTNESS`.
#[test]
fn small_pictures_look_like_whole_ones_made_small() {
    for (width, height) in [(640, 480), (643, 477)] {
        for sampling in SAMPLINGS {
            for progressive in [false, true] {
                let file =
                    Jpeg { sampling, progressive, ..Jpeg::default() }.encode(&photo(width, height).into());
                for target in [(300, 224), (160, 119), (80, 60), (40, 30)] {
                    let seen = samples(&ours(&file, target).unwrap());
                    let expected = halved(&reference(&file, (width, height), target), target);
                    let close = decibels(&seen, &expected);
                    assert!(close > 35.0, "{sampling:?} {progressive} {width} {target:?}: {close:.1} dB");
                }
            }
        }
    }
}

#[test]
fn no_more_samples_are_made_than_the_target_needs() {
    let file = Jpeg::default().encode(&photo(1600, 1200).into());
    for (target, brightness, colour) in [(100, 200, 100), (101, 400, 100), (200, 400, 200), (800, 1600, 800)]
    {
        let frame = summary(&file).unwrap().frame;
        let plan = Plan::new(&frame, Model::YCbCr, Aim::upright((target, target * 3 / 4))).unwrap();
        let widths: Vec<f64> = plan.layouts.iter().map(|layout| layout.width).collect();
        assert_eq!(widths, [brightness.into(), colour.into(), colour.into()], "{target}");
    }
}

#[test]
fn of_a_progressive_file_most_scans_are_passed_over() {
    let blocks = |target| ours(REFINED[0], target).unwrap().blocks;
    let (all, few) = (blocks((83, 61)), blocks((5, 3)));
    assert!(few * 2 < all, "{few} of {all}");
}

#[test]
fn ink_and_plain_rgb_are_told_apart() {
    let rgb: Vec<u8> = photo(32, 32).into_raw();
    let mut file =
        Jpeg { sampling: SamplingFactor::F_1_1, ..Jpeg::default() }.raw(&rgb, (32, 32), ColorType::Rgb, None);
    assert_eq!(ours(&file, (32, 32)).unwrap().model, Model::YCbCr);
    // Without JFIF's marker the names of the planes count: in the frame and in the scan.
    let jfif = find(&file, b"\xFF\xE0");
    file[jfif + 4] = b'X';
    let (frame, scan) = (find(&file, b"\xFF\xC0"), find(&file, b"\xFF\xDA"));
    for (at, name) in [0, 1, 2].into_iter().zip(*b"RGB") {
        file[frame + 10 + at * 3] = name;
        file[scan + 5 + at * 2] = name;
    }
    assert_eq!(ours(&file, (32, 32)).unwrap().model, Model::Rgb);
    let ink: Vec<u8> = rgb.chunks(3).flat_map(|pixel| [pixel[0], pixel[1], pixel[2], 40]).collect();
    let model = |file: &[u8]| ours(file, (32, 32)).unwrap().model;
    for (colour, wanted) in
        [(ColorType::Cmyk, Model::Cmyk { inverted: true }), (ColorType::CmykAsYcck, Model::Ycck)]
    {
        let mut file =
            Jpeg { sampling: SamplingFactor::F_1_1, ..Jpeg::default() }.raw(&ink, (32, 32), colour, None);
        let decoded = ours(&file, (32, 32)).unwrap();
        assert_eq!(decoded.model, wanted);
        let (mean, worst) = differences(&samples(&decoded), &third(&file));
        assert!(mean < 3.0 && worst < 32, "{wanted:?}: {mean} {worst}");
        let adobe = find(&file, b"Adobe");
        // How the planes were made, in a number that does not exist.
        file[adobe + 11] = 199;
        assert_eq!(model(&file), Model::Ycck);
        file[adobe] = b'X';
        assert_eq!(model(&file), Model::Cmyk { inverted: false });
    }
}

fn find(file: &[u8], marker: &[u8]) -> usize {
    file.windows(marker.len()).position(|window| window == marker).unwrap()
}

/// Samples of brightness in a part of the rows.
fn rows(decoded: &Decoded, from: usize, to: usize) -> &[u8] {
    let plane = &decoded.planes[0];
    &plane.samples[from * plane.width..to * plane.width]
}

#[test]
fn a_file_that_ends_early_gives_what_is_there_and_says_so() {
    let picture = photo(128, 128).into();
    for progressive in [false, true] {
        let file = Jpeg { progressive, ..Jpeg::default() }.encode(&picture);
        let whole = ours(&file, (128, 128)).unwrap();
        let cut = ours(&file[..file.len() * 3 / 4], (128, 128)).unwrap();
        assert!(whole.complete && !cut.complete);
        if !progressive {
            assert_eq!(rows(&cut, 0, 64), rows(&whole, 0, 64));
            assert!(rows(&cut, 120, 128).iter().all(|sample| *sample == 128));
        }
    }
    let file = Jpeg::default().encode(&picture);
    let start = find(&file, b"\xFF\xDA");
    assert!(matches!(ours(&file[..start], (8, 8)), Err(Failure::Refused(_))));
    assert!(matches!(ours(&file[..start + 14], (8, 8)), Err(Failure::Refused(_))));
}

#[test]
fn behind_damage_a_restart_marker_sets_it_right() {
    let file = Jpeg { restart: 8, ..Jpeg::default() }.encode(&photo(128, 128).into());
    let whole = ours(&file, (128, 128)).unwrap();
    let marker = |number: u8| find(&file, &[0xFF, 0xD0 + number]);
    // A unit is 16 pixels high, eight make a row: an interval is a row of them.
    let mut damaged = file.clone();
    damaged[marker(1) + 4..marker(2) - 2].fill(0xA5);
    let mut lost = file.clone();
    lost.drain(marker(1)..marker(3));
    // A sector of a memory card that was erased, and what comes behind it looks like a marker.
    let mut erased = file.clone();
    erased[marker(1) + 4..marker(2) - 4].fill(0xFF);
    erased[marker(2) - 4] = 0x6E;
    for (broken, from, to) in [(damaged, 32, 48), (lost, 32, 64), (erased, 32, 48)] {
        let mended = ours(&broken, (128, 128)).unwrap();
        assert!(!mended.complete);
        assert_eq!(rows(&mended, 0, from), rows(&whole, 0, from));
        assert_ne!(rows(&mended, from, to), rows(&whole, from, to));
        assert_eq!(rows(&mended, to, 128), rows(&whole, to, 128));
    }
}

#[test]
fn a_segment_shorter_than_its_own_length_is_empty() {
    let mut file = Jpeg::default().encode(&photo(40, 40).into());
    file.splice(2..2, *b"\xFF\xFE\0\0");
    assert!(ours(&file, (40, 40)).unwrap().complete);
}

#[test]
fn odd_files_are_left_to_others_or_refused() {
    let file = Jpeg::default().encode(&photo(40, 40).into());
    let frame = find(&file, b"\xFF\xC0");
    let with = |at: usize, value: u8| {
        let mut file = file.clone();
        file[at] = value;
        file
    };
    assert!(exotic(&with(frame + 1, 0xC9)).contains("arithmetic"));
    assert!(exotic(&with(frame + 4, 12)).contains("12 bits"));
    for at in [frame + 5, frame + 6] {
        let mut flat = file.clone();
        flat[frame + 5..frame + 7].fill(0);
        assert!(exotic(&flat).contains("no size"), "{at}");
    }
    assert!(exotic(&with(frame + 11, 0x02)).contains("sampling"));
    assert!(exotic(&with(frame + 11, 0x44)).contains("too many blocks"));
    assert!(exotic(&with(find(&file, b"\xFF\xC4") + 1, 0xFE)).contains("missing table"));
    assert!(exotic(&with(find(&file, b"\xFF\xDB") + 1, 0xFE)).contains("missing table"));
    let mut twice = file.clone();
    twice.splice(frame..frame, file[frame..frame + 19].to_vec());
    assert!(exotic(&twice).contains("several frame headers"));
}

#[test]
fn memory_is_checked_before_it_is_taken() {
    let file = Jpeg::default().encode(&photo(400, 300).into());
    let summary = summary(&file).unwrap();
    let aim = Aim::upright((400, 300));
    let plan = Plan::new(&summary.frame, Model::YCbCr, aim).unwrap();
    let needed = plan.layouts.iter().map(|layout| Band::new(layout, aim).bytes()).sum::<usize>() as u64;
    assert!(decode(&file, &summary, aim, needed).is_ok());
    assert!(matches!(
        decode(&file, &summary, aim, needed - 1),
        Err(Failure::Refused(Refusal::TooMuchMemory))
    ));
}

#[test]
fn what_is_there_is_decoded_before_the_rest_is() {
    for jpeg in [Jpeg::default(), Jpeg { restart: 3, ..Jpeg::default() }] {
        let file = jpeg.encode(&photo(900, 700).into());
        let mut decoder = Decoder::new(&summary(&file).unwrap(), Aim::upright((90, 70)), PLENTY).unwrap();
        for (there, units) in [(file.len() / 2, 57 * 20), (file.len() - 5000, 57 * 40)] {
            decoder.advance(Input::beginning(&file[..there])).unwrap();
            let next = decoder.begun.as_ref().unwrap().walk.next;
            assert!(next > units && !decoder.done, "{next}");
        }
        decoder.advance(Input::beginning(&file)).unwrap();
        assert!(decoder.done && decoder.finish().unwrap().complete);
    }
}

/// To see it fail: leave `MAX_PASSES` or `MAX_SCANS` out.
#[test]
fn endless_scans_end() {
    let file = Jpeg { progressive: true, ..Jpeg::default() }.encode(&photo(64, 64).into());
    let start = find(&file, b"\xFF\xDA");
    let end = entropy_end(&file, segment(&file, start).unwrap().end);
    let scan = file[start..end].to_vec();
    let mut bomb = file[..end].to_vec();
    for _ in 0..5000 {
        bomb.extend(&scan);
    }
    let decoded = ours(&bomb, (64, 64)).unwrap();
    let blocks = ours(&file, (64, 64)).unwrap().planes.len() * 64 * (MAX_PASSES + 1);
    assert!(!decoded.complete && decoded.blocks <= blocks, "{}", decoded.blocks);
    // Scans that nobody needs are not gone through, but looking for them takes time as well.
    let needless = b"\xFF\xDA\x00\x08\x01\x01\x00\x3F\x3F\x00";
    let bomb = [&file[..end], &needless.repeat(5000)].concat();
    assert!(!ours(&bomb, (8, 8)).unwrap().complete);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn damaged_bits_never_panic_and_cost_no_more_than_good_ones(
        which in 0_usize..6,
        size in 1_u32..60,
        flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
    ) {
        let small: RgbImage = photo(45, 31);
        let mut file = match which {
            0 => Jpeg { restart: 2, ..Jpeg::default() }.encode(&small.into()),
            1 => Jpeg { separate: true, ..Jpeg::default() }.encode(&small.into()),
            2 => Jpeg { progressive: true, ..Jpeg::default() }.encode(&small.into()),
            other => REFINED[other - 3].to_vec(),
        };
        for (at, value) in flips {
            let at = at.index(file.len());
            file[at] = value;
        }
        if let Ok(summary) = summary(&file)
            && let Some(plan) = model(&summary).and_then(|model| Plan::new(&summary.frame, model, Aim::upright((size, size))))
            && let Ok(decoded) = decode(&file, &summary, Aim::upright((size, size)), 8 << 20)
        {
            prop_assert!(decoded.blocks <= plan.blocks() * (MAX_PASSES + 1));
        }
    }
}

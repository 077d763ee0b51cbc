//! What the page tells of a photo: when it was taken, with what, and how it was exposed. Never where, and no serial number.
//!
//! All of it was written by a stranger's program. It is taken only if it makes sense, in a form that it cannot break out of: texts
//! are letters, digits and common signs of bounded length, numbers are within what cameras do.

use crate::exif::{ASCII, Entry, LONG, RATIONAL, SHORT, Tiff};
use crate::probe::{self, Probe};

/// What EXIF says of the photo. `None` is what it does not say, or not sensibly.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Details {
    /// By the camera's clock, `2026-07-04T18:30:00`, with `+02:00` behind it if the camera knew. `DateTimeOriginal` and
    /// `OffsetTimeOriginal`.
    pub taken_at: Option<String>,
    /// Maker and model, at most [`MAX_TEXT`] characters. `Make` and `Model`.
    pub camera: Option<String>,
    /// As `camera`. `LensModel`.
    pub lens: Option<String>,
    /// In seconds, as people write it: `1/250`, `0.5`, `30`. `ExposureTime`.
    pub exposure_time: Option<String>,
    /// 0.1 to 1000. `FNumber`.
    pub f_number: Option<f64>,
    /// At least 1. `PhotographicSensitivity`.
    pub iso: Option<u32>,
    /// In millimetres, 0.1 to 20000. `FocalLength`.
    pub focal_length_mm: Option<f64>,
}

/// Characters of a text.
pub const MAX_TEXT: usize = 60;

const MAKE: u16 = 0x010F;
const MODEL: u16 = 0x0110;
const EXIF_DIRECTORY: u16 = 0x8769;
const EXPOSURE_TIME: u16 = 0x829A;
const F_NUMBER: u16 = 0x829D;
const ISO: u16 = 0x8827;
const TAKEN_AT: u16 = 0x9003;
const OFFSET: u16 = 0x9011;
const FOCAL_LENGTH: u16 = 0x920A;
const LENS_MODEL: u16 = 0xA434;

/// Reads what EXIF says of the photo.
pub fn details(bytes: &[u8], probe: &Probe) -> Details {
    probe::exif(bytes, probe.kind).and_then(Tiff::new).and_then(read).unwrap_or_default()
}

fn read(tiff: Tiff<'_>) -> Option<Details> {
    let (mut make, mut model, mut exif) = (None, None, None);
    for entry in tiff.entries(tiff.first()?) {
        match entry.tag {
            MAKE => make = text(tiff, entry),
            MODEL => model = text(tiff, entry),
            EXIF_DIRECTORY if entry.kind == LONG => exif = tiff.offset(entry.value),
            _ => {}
        }
    }
    let mut details = Details { camera: camera(make, model), ..Details::default() };
    let mut offset = None;
    for entry in exif.into_iter().flat_map(|directory| tiff.entries(directory)) {
        match entry.tag {
            EXPOSURE_TIME => details.exposure_time = fraction(tiff, entry).and_then(exposure_time),
            F_NUMBER => {
                details.f_number = fraction(tiff, entry).and_then(|value| within(value, 1000.0, 100.0));
            }
            ISO => details.iso = iso(tiff, entry),
            TAKEN_AT => details.taken_at = ascii(tiff, entry).and_then(date),
            OFFSET => offset = ascii(tiff, entry).and_then(zone),
            FOCAL_LENGTH => {
                details.focal_length_mm =
                    fraction(tiff, entry).and_then(|value| within(value, 20_000.0, 10.0));
            }
            LENS_MODEL => details.lens = text(tiff, entry),
            _ => {}
        }
    }
    if let (Some(time), Some(offset)) = (&mut details.taken_at, offset) {
        time.push_str(offset);
    }
    Some(details)
}

/// Most models begin with the maker's name already.
fn camera(make: Option<String>, model: Option<String>) -> Option<String> {
    match (make, model) {
        (Some(make), Some(model)) => {
            let first = |text: &str| text.split(' ').next().unwrap_or_default().to_lowercase();
            let whole = if first(&make) == first(&model) { model } else { format!("{make} {model}") };
            Some(whole.chars().take(MAX_TEXT).collect::<String>().trim_end().to_owned())
        }
        (make, model) => model.or(make),
    }
}

/// The bytes of a text, up to its end or the first zero.
fn ascii(tiff: Tiff<'_>, entry: Entry) -> Option<&[u8]> {
    if entry.kind != ASCII {
        return None;
    }
    // Nobody writes more that means something; the text must not be as long as a stranger likes.
    let count = usize::try_from(entry.count).ok()?.min(MAX_TEXT * 4);
    let at = if entry.count <= 4 { entry.value } else { tiff.offset(entry.value)? };
    tiff.bytes(at, count)?.split(|byte| *byte == 0).next()
}

/// A name that can stand in any text: letters, digits and the signs of ASCII, with single spaces.
fn text(tiff: Tiff<'_>, entry: Entry) -> Option<String> {
    let bytes = ascii(tiff, entry)?;
    let text = String::from_utf8_lossy(bytes);
    let plain = |c: char| c.is_ascii_graphic() || (c.is_alphanumeric() && !c.is_ascii());
    let words: Vec<String> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .map(|word| word.chars().filter(|c| plain(*c)).collect())
        .filter(|word: &String| !word.is_empty())
        .collect();
    let short: String = words.join(" ").chars().take(MAX_TEXT).collect();
    let short = short.trim_end();
    (!short.is_empty()).then(|| short.to_owned())
}

/// `2026:07:04 18:30:00` as RFC 3339 writes it.
fn date(text: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(text).ok()?;
    let shape = |(c, wanted): (char, char)| if wanted == '0' { c.is_ascii_digit() } else { c == wanted };
    let template = "0000:00:00 00:00:00";
    if text.len() != template.len() || !text.chars().zip(template.chars()).all(shape) {
        return None;
    }
    let number = |at: usize, count: usize| text.get(at..at + count)?.parse::<u16>().ok();
    let ranges =
        [(0, 4, 1..=9999), (5, 2, 1..=12), (8, 2, 1..=31), (11, 2, 0..=23), (14, 2, 0..=59), (17, 2, 0..=59)];
    let sensible =
        ranges.iter().all(|(at, count, range)| number(*at, *count).is_some_and(|n| range.contains(&n)));
    sensible.then(|| format!("{}-{}-{}T{}", &text[..4], &text[5..7], &text[8..10], &text[11..]))
}

/// `+02:00`.
fn zone(text: &[u8]) -> Option<&str> {
    let [b'+' | b'-', a, b, b':', c, d] = text else { return None };
    let digits = [a, b, c, d].iter().all(|digit| digit.is_ascii_digit());
    (digits && *a <= b'1' && *c <= b'5').then(|| std::str::from_utf8(text).ok())?
}

fn fraction(tiff: Tiff<'_>, entry: Entry) -> Option<f64> {
    if entry.kind != RATIONAL {
        return None;
    }
    let at = tiff.offset(entry.value)?;
    let (above, below) = (tiff.long(at)?, tiff.long(at.checked_add(4)?)?);
    (above > 0 && below > 0).then(|| f64::from(above) / f64::from(below))
}

/// A number of `0.1..=max`, with two or one digits behind the point.
fn within(value: f64, max: f64, steps: f64) -> Option<f64> {
    let value = (value * steps).round() / steps;
    (0.1..=max).contains(&value).then_some(value)
}

/// Up to a quarter of a second as a part of one, longer ones as a number.
fn exposure_time(seconds: f64) -> Option<String> {
    if !(0.000_001..=86_400.0).contains(&seconds) {
        return None;
    }
    if seconds <= 0.25 {
        return Some(format!("1/{:.0}", (1.0 / seconds).round()));
    }
    Some(((seconds * 10.0).round() / 10.0).to_string())
}

fn iso(tiff: Tiff<'_>, entry: Entry) -> Option<u32> {
    let value = match entry.kind {
        SHORT => tiff.short(entry.value).map(u32::from),
        LONG => tiff.long(entry.value),
        _ => None,
    };
    // 65535 stands for "more than fits".
    value.filter(|iso| (1..=10_000_000).contains(iso) && *iso != 65_535)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{Value, tiff};

    fn camera_block(little: bool) -> Vec<u8> {
        let exif = [
            (0x829A, Value::Fraction(10, 2500)),
            (0x829D, Value::Fraction(28, 10)),
            (0x8827, Value::Short(200)),
            (0x9003, Value::Text("2026:07:04 18:30:00")),
            (0x9011, Value::Text("+02:00")),
            (0x920A, Value::Fraction(350, 10)),
            (0xA431, Value::Text("serial 123")),
            (0xA434, Value::Text("EF35mm f/2")),
        ];
        tiff(little, &[(MAKE, Value::Text("Canon")), (MODEL, Value::Text("Canon EOS R5  "))], &exif)
    }

    #[test]
    fn a_cameras_block_is_read_in_both_byte_orders() {
        for little in [true, false] {
            let block = camera_block(little);
            assert_eq!(
                read(Tiff::new(&block).unwrap()).unwrap(),
                Details {
                    taken_at: Some("2026-07-04T18:30:00+02:00".into()),
                    camera: Some("Canon EOS R5".into()),
                    lens: Some("EF35mm f/2".into()),
                    exposure_time: Some("1/250".into()),
                    f_number: Some(2.8),
                    iso: Some(200),
                    focal_length_mm: Some(35.0),
                }
            );
        }
    }

    fn one(tag: u16, value: Value<'_>) -> Details {
        let block = tiff(true, &[], &[(tag, value)]);
        read(Tiff::new(&block).unwrap()).unwrap()
    }

    #[test]
    fn what_makes_no_sense_is_left_out() {
        for date in [
            "2026:13:04 18:30:00",
            "0000:00:00 00:00:00",
            "    :  :     :  :  ",
            "yesterday",
            "2026-07-04T18:30:00",
        ] {
            assert_eq!(one(TAKEN_AT, Value::Text(date)).taken_at, None, "{date}");
        }
        for (above, below) in [(0, 1), (1, 0), (0, 0), (u32::MAX, 1), (1, u32::MAX)] {
            let value = || Value::Fraction(above, below);
            assert_eq!(one(F_NUMBER, value()).f_number, None);
            assert_eq!(one(FOCAL_LENGTH, value()).focal_length_mm, None);
            assert_eq!(one(EXPOSURE_TIME, value()).exposure_time, None);
        }
        assert_eq!(one(ISO, Value::Short(0)).iso, None);
        assert_eq!(one(F_NUMBER, Value::Short(4)).f_number, None);
        assert_eq!(one(LENS_MODEL, Value::Text("\u{202E}\u{0}evil")).lens, None);
        assert_eq!(one(LENS_MODEL, Value::Text(" \t\n")).lens, None);
    }

    #[test]
    fn texts_cannot_break_out_and_are_short() {
        assert_eq!(one(LENS_MODEL, Value::Text("a\u{202E}b\u{7}  c")).lens.as_deref(), Some("ab c"));
        assert_eq!(one(LENS_MODEL, Value::Text("Été 50mm")).lens.as_deref(), Some("Été 50mm"));
        let long = "x".repeat(5000);
        assert_eq!(one(LENS_MODEL, Value::Text(&long)).lens.map(|lens| lens.len()), Some(MAX_TEXT));
        let both = [(MAKE, Value::Text(&long)), (MODEL, Value::Text("model"))];
        let block = tiff(true, &both, &[]);
        assert_eq!(
            read(Tiff::new(&block).unwrap()).unwrap().camera.map(|camera| camera.len()),
            Some(MAX_TEXT)
        );
    }

    #[test]
    fn exposure_times_read_as_people_write_them() {
        for (above, below, wanted) in
            [(1, 8000, "1/8000"), (1, 4, "1/4"), (3, 10, "0.3"), (1, 1, "1"), (25, 10, "2.5"), (30, 1, "30")]
        {
            assert_eq!(
                one(EXPOSURE_TIME, Value::Fraction(above, below)).exposure_time.as_deref(),
                Some(wanted)
            );
        }
    }

    #[test]
    fn a_maker_stands_before_a_model_that_does_not_name_it() {
        let camera = |make: &str, model: &str| camera(Some(make.into()), Some(model.into())).unwrap();
        assert_eq!(camera("Apple", "iPhone 17"), "Apple iPhone 17");
        assert_eq!(camera("NIKON CORPORATION", "NIKON Z 8"), "NIKON Z 8");
    }

    #[test]
    fn a_directory_that_is_its_own_child_ends() {
        let mut block = tiff(true, &[], &[]);
        let pointer = block.windows(2).position(|pair| pair == EXIF_DIRECTORY.to_le_bytes()).unwrap() + 8;
        block[pointer..pointer + 4].copy_from_slice(&8_u32.to_le_bytes());
        assert_eq!(read(Tiff::new(&block).unwrap()), Some(Details::default()));
        block[pointer..pointer + 4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(read(Tiff::new(&block).unwrap()), Some(Details::default()));
    }

    proptest! {
        #[test]
        fn no_block_panics(at in 0_usize..200, bytes in proptest::collection::vec(any::<u8>(), 1..16), little: bool) {
            let mut block = camera_block(little);
            let at = at % block.len();
            for (old, new) in block[at..].iter_mut().zip(&bytes) {
                *old = *new;
            }
            if let Some(details) = Tiff::new(&block).and_then(read) {
                for text in [details.camera, details.lens].into_iter().flatten() {
                    prop_assert!(!text.is_empty() && text.chars().count() <= MAX_TEXT);
                    prop_assert!(!text.contains(|c: char| c.is_control()));
                }
            }
        }
    }
}

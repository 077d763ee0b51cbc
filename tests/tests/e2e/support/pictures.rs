//! Photographs made for the tests: four coloured quarters, all different, so that a turned or mirrored picture shows.

use std::io::Cursor;

use anyhow::{Result, ensure};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};

/// Top left, top right, bottom left, bottom right.
pub const QUARTERS: [[u8; 3]; 4] = [[220, 30, 30], [30, 200, 40], [40, 60, 220], [240, 240, 240]];

/// A picture of this size, upright.
pub fn picture(width: u32, height: u32) -> DynamicImage {
    let quarter = |x: u32, y: u32| usize::from(x >= width / 2) + 2 * usize::from(y >= height / 2);
    RgbImage::from_fn(width, height, |x, y| Rgb(QUARTERS[quarter(x, y)])).into()
}

pub fn encoded(picture: &DynamicImage, format: ImageFormat) -> Result<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format)?;
    Ok(bytes.into_inner())
}

/// A JPEG as phones make it: stored on its side, with EXIF orientation 6, "turn a quarter clockwise to see me upright", and
/// nothing else that could be told. Width and height are those of the upright picture.
pub fn phone_jpeg(width: u32, height: u32) -> Result<Vec<u8>> {
    with_exif(width, height, b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0")
}

/// What no visitor may get to see.
pub const SECRET: &str = "52.516N 13.377E serial 4711";

/// The same with a camera's name and a date, and with a position and a serial number: in EXIF, in a comment, in XMP, and behind the end.
pub fn telling_jpeg(width: u32, height: u32) -> Result<Vec<u8>> {
    let entry = |tag: u16, kind: u16, count: usize, value: u32| {
        let count = u32::try_from(count).unwrap_or_default();
        [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes(), &value.to_le_bytes()].concat()
    };
    let (model, date) = (b"Phone 17\0\0\0\0", b"2026:07:04 18:30:00\0");
    let text = |offset: usize| u32::try_from(offset).unwrap_or_default();
    // Two directories: 8 + 2 + 4 x 12 + 4 = 62, and 2 + 2 x 12 + 4 behind it: 92.
    let (model_at, date_at) = (92, 92 + model.len());
    let secret_at = date_at + date.len();
    let first = [
        entry(0x0110, 2, model.len(), text(model_at)),
        entry(0x0112, 3, 1, 6),
        entry(0x8769, 4, 1, 62),
        entry(0x8825, 7, SECRET.len(), text(secret_at)),
    ];
    let exif = [entry(0x9003, 2, date.len(), text(date_at)), entry(0xA431, 2, SECRET.len(), text(secret_at))];
    let tiff = [
        &b"II*\0\x08\0\0\0\x04\0"[..],
        &first.concat(),
        &[0; 4],
        &[2, 0],
        &exif.concat(),
        &[0; 4],
        model,
        date,
        SECRET.as_bytes(),
    ]
    .concat();
    let jpeg = with_exif(width, height, &tiff)?;
    let (start, rest) = jpeg.split_at(2);
    let comment = segment(0xfe, &[SECRET.as_bytes()])?;
    let xmp = segment(0xe1, &[b"http://ns.adobe.com/xap/1.0/\0", SECRET.as_bytes()])?;
    Ok([start, &comment, &xmp, rest, b"ftypmp42", SECRET.as_bytes()].concat())
}

fn with_exif(width: u32, height: u32, tiff: &[u8]) -> Result<Vec<u8>> {
    let jpeg = encoded(&picture(width, height).rotate270(), ImageFormat::Jpeg)?;
    let (start, rest) = jpeg.split_at(2);
    Ok([start, &segment(0xe1, &[b"Exif\0\0", tiff])?, rest].concat())
}

fn segment(marker: u8, parts: &[&[u8]]) -> Result<Vec<u8>> {
    let data = parts.concat();
    let length = u16::try_from(2 + data.len())?.to_be_bytes();
    Ok([&[0xff, marker], &length[..], &data].concat())
}

/// Checks that a picture is upright, by the colour in the middle of each quarter.
pub fn ensure_upright(bytes: &[u8], size: (u32, u32)) -> Result<()> {
    let picture = image::load_from_memory(bytes)?.to_rgb8();
    ensure!(picture.dimensions() == size, "the picture is {:?}, not {size:?}", picture.dimensions());
    let (width, height) = size;
    for (quarter, want) in QUARTERS.iter().enumerate() {
        let (right, bottom) = (quarter % 2 == 1, quarter >= 2);
        let middle = |far: bool, length: u32| if far { length * 3 / 4 } else { length / 4 };
        let Rgb(seen) = picture.get_pixel(middle(right, width), middle(bottom, height));
        let close = seen.iter().zip(want).all(|(seen, want)| seen.abs_diff(*want) < 40);
        ensure!(close, "quarter {quarter} is {seen:?}, not {want:?}: the picture is not upright");
    }
    Ok(())
}

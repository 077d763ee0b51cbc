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

/// A JPEG as phones make it: stored on its side, with EXIF orientation 6, "turn a quarter clockwise to see me upright".
/// Width and height are those of the upright picture.
pub fn phone_jpeg(width: u32, height: u32) -> Result<Vec<u8>> {
    let stored = picture(width, height).rotate270();
    let jpeg = encoded(&stored, ImageFormat::Jpeg)?;
    // Big-endian TIFF with one entry: tag 0x0112 (orientation), type 3 (short), count 1, value 6.
    let tiff: [u8; 26] = [
        0x4d, 0x4d, 0x00, 0x2a, 0x00, 0x00, 0x00, 0x08, 0x00, 0x01, 0x01, 0x12, 0x00, 0x03, 0x00, 0x00, 0x00,
        0x01, 0x00, 0x06, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    ];
    let length = u16::try_from(2 + 6 + tiff.len())?.to_be_bytes();
    let (start, rest) = jpeg.split_at(2);
    Ok([start, &[0xff, 0xe1], &length, b"Exif\0\0", &tiff, rest].concat())
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

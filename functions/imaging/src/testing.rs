//! Files to test with, made on the spot: no photo of anybody has to be kept here.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, SamplingFactor};

/// Soft shapes in many colours, and a fine pattern in brightness, as photos have it: none of it finer in colour than 4:1:0 can hold.
pub(crate) fn photo(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let (x, y) = (x as f32, y as f32);
        let fine = 12.0 * ((x * 1.3 + y * 0.4).sin() + (x * 0.5 - y * 1.1).cos());
        Rgb([
            128.0 + 80.0 * (x / 19.0 + y / 31.0).sin() + fine,
            128.0 + 70.0 * (y / 23.0 - x / 41.0 + 1.0).sin() + fine,
            128.0 + 80.0 * (x / 37.0 + y / 17.0).cos() + fine,
        ]
        .map(|value| value as u8))
    })
}

/// Four corners of different colours: upper left red, upper right green, lower left blue, lower right white.
pub(crate) fn corners(width: u32, height: u32) -> RgbaImage {
    RgbaImage::from_fn(width, height, |x, y| match (x < width / 2, y < height / 2) {
        (true, true) => Rgba([255, 0, 0, 255]),
        (false, true) => Rgba([0, 255, 0, 255]),
        (true, false) => Rgba([0, 0, 255, 255]),
        (false, false) => Rgba([255, 255, 255, 255]),
    })
}

/// A TIFF header and one directory with one entry: tag 0x0112, type SHORT, count 1.
pub(crate) fn exif(orientation: u8) -> Vec<u8> {
    let mut tiff = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    tiff.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    tiff
}

/// A value of an EXIF entry.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'a> {
    Text(&'a str),
    Short(u16),
    Long(u32),
    Fraction(u32, u32),
    Bytes(&'a [u8]),
}

/// A TIFF block with a first directory, and below it the one of EXIF.
pub(crate) fn tiff(little: bool, first: &[(u16, Value<'_>)], exif: &[(u16, Value<'_>)]) -> Vec<u8> {
    let mut block = if little { b"II*\0\x08\0\0\0".to_vec() } else { b"MM\0*\0\0\0\x08".to_vec() };
    let next = 8 + 2 + 12 * (first.len() + 1) + 4;
    let far: usize = first.iter().map(|(_, value)| far(value, little).len()).sum();
    let pointer = (0x8769, Value::Long(u32::try_from(next + far).unwrap()));
    let entries: Vec<_> = first.iter().copied().chain([pointer]).collect();
    for entries in [&entries[..], exif] {
        directory(&mut block, little, entries);
    }
    block
}

fn number(value: u32, bytes: usize, little: bool) -> Vec<u8> {
    if little { value.to_le_bytes()[..bytes].to_vec() } else { value.to_be_bytes()[4 - bytes..].to_vec() }
}

/// What of a value does not fit into its entry.
fn far(value: &Value<'_>, little: bool) -> Vec<u8> {
    match value {
        Value::Text(text) if text.len() >= 4 => [text.as_bytes(), b"\0"].concat(),
        Value::Bytes(bytes) if bytes.len() > 4 => bytes.to_vec(),
        Value::Fraction(above, below) => [number(*above, 4, little), number(*below, 4, little)].concat(),
        Value::Text(_) | Value::Bytes(_) | Value::Short(_) | Value::Long(_) => Vec::new(),
    }
}

fn directory(block: &mut Vec<u8>, little: bool, entries: &[(u16, Value<'_>)]) {
    let mut at = block.len() + 2 + 12 * entries.len() + 4;
    let mut rest = Vec::new();
    block.extend(number(u32::try_from(entries.len()).unwrap(), 2, little));
    for (tag, value) in entries {
        let far = far(value, little);
        let (kind, count, near) = match value {
            Value::Text(text) => (2, text.len() + 1, text.as_bytes().to_vec()),
            Value::Short(value) => (3, 1, number((*value).into(), 2, little)),
            Value::Long(value) => (4, 1, number(*value, 4, little)),
            Value::Fraction(..) => (5, 1, Vec::new()),
            Value::Bytes(bytes) => (7, bytes.len(), bytes.to_vec()),
        };
        let mut near = if far.is_empty() { near } else { number(u32::try_from(at).unwrap(), 4, little) };
        near.resize(4, 0);
        block.extend(number((*tag).into(), 2, little));
        block.extend(number(kind, 2, little));
        block.extend(number(u32::try_from(count).unwrap(), 4, little));
        block.extend(near);
        at += far.len();
        rest.extend(far);
    }
    block.extend([0; 4]);
    block.extend(rest);
}

/// How to write a JPEG.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Jpeg {
    pub(crate) sampling: SamplingFactor,
    pub(crate) progressive: bool,
    /// Units between restart markers; 0 is none.
    pub(crate) restart: u16,
    /// A scan for each plane.
    pub(crate) separate: bool,
    pub(crate) orientation: u8,
    pub(crate) quality: u8,
}

impl Default for Jpeg {
    fn default() -> Self {
        Self {
            sampling: SamplingFactor::F_2_2,
            progressive: false,
            restart: 0,
            separate: false,
            orientation: 1,
            quality: 92,
        }
    }
}

impl Jpeg {
    pub(crate) fn encode(self, pixels: &DynamicImage) -> Vec<u8> {
        if pixels.color().has_color() {
            let pixels = pixels.to_rgb8();
            self.raw(pixels.as_raw(), pixels.dimensions(), ColorType::Rgb, None)
        } else {
            let pixels = pixels.to_luma8();
            self.raw(pixels.as_raw(), pixels.dimensions(), ColorType::Luma, None)
        }
    }

    pub(crate) fn raw(
        self,
        samples: &[u8],
        (width, height): (u32, u32),
        colour: ColorType,
        profile: Option<&[u8]>,
    ) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, self.quality);
        encoder.set_sampling_factor(self.sampling);
        encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
        encoder.set_progressive(self.progressive);
        encoder.set_optimized_huffman_tables(self.separate);
        encoder.set_restart_interval(self.restart);
        encoder.add_exif_metadata(&exif(self.orientation)).unwrap();
        if let Some(profile) = profile {
            encoder.add_icc_profile(profile).unwrap();
        }
        let side = |side: u32| u16::try_from(side).unwrap();
        encoder.encode(samples, side(width), side(height), colour).unwrap();
        bytes
    }
}

/// By the encoders of the `image` crate.
pub(crate) fn file(pixels: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    pixels.write_to(&mut Cursor::new(&mut bytes), format).unwrap();
    bytes
}

pub(crate) fn png(pixels: &DynamicImage) -> Vec<u8> {
    file(pixels, ImageFormat::Png)
}

pub(crate) fn lossy_webp(pixels: &DynamicImage, quality: f32) -> Vec<u8> {
    if pixels.color().has_alpha() {
        let pixels = pixels.to_rgba8();
        let encoder = webp::Encoder::from_rgba(pixels.as_raw(), pixels.width(), pixels.height());
        encoder.encode_simple(false, quality).unwrap().to_vec()
    } else {
        let pixels = pixels.to_rgb8();
        let encoder = webp::Encoder::from_rgb(pixels.as_raw(), pixels.width(), pixels.height());
        encoder.encode_simple(false, quality).unwrap().to_vec()
    }
}

/// A file of each kind, small enough to be broken a thousand times.
pub(crate) fn each_kind() -> Vec<Vec<u8>> {
    let small = DynamicImage::from(photo(45, 31));
    let clear = DynamicImage::from(corners(45, 31));
    let jpeg = Jpeg::default();
    vec![
        jpeg.encode(&small),
        Jpeg { restart: 2, orientation: 6, ..jpeg }.encode(&small),
        Jpeg { separate: true, ..jpeg }.encode(&small),
        Jpeg { progressive: true, ..jpeg }.encode(&small),
        include_bytes!("../tests/data/refined_420.jpg").to_vec(),
        include_bytes!("../tests/data/refined_444.jpg").to_vec(),
        png(&small),
        png(&clear),
        lossy_webp(&small, 80.0),
        lossy_webp(&clear, 80.0),
        file(&clear, ImageFormat::WebP),
        file(&clear, ImageFormat::Gif),
    ]
}

/// Puts a chunk behind the header of a PNG.
pub(crate) fn with_chunk(png: &[u8], kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let (head, tail) = png.split_at(33);
    let body = [&kind, data].concat();
    let length = u32::try_from(data.len()).unwrap().to_be_bytes();
    [head, &length, &body, &crc32(&body).to_be_bytes(), tail].concat()
}

pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 },
        )
    })
}

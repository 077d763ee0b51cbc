//! Decodes a picture whole, through the `image` crate: GIF and WebP (the first frame of an animation), and what is too
//! exotic for our own decoders. All of these decoders are safe Rust.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder as _, ImageError, ImageFormat, ImageReader};

use crate::kind::Kind;
use crate::probe::Probe;
use crate::raster::Raster;
use crate::refusal::Refusal;
use crate::scale::{Aim, Shape};

/// The pixels, and what else is in memory with them. JPEG: the coefficients of a progressive file, two bytes each. WebP: the planes
/// that RGB is made of, or the lossless picture with alpha; of an animation the canvas and the frame as well. GIF: the
/// frame; one that does not cover the screen is counted by the decoder.
const fn copies_of_pixels(probe: &Probe) -> u64 {
    match probe.kind {
        Kind::Jpeg => 3,
        Kind::Webp if probe.frames > 1 => 4,
        Kind::Webp => 3,
        Kind::Png | Kind::Gif => 2,
    }
}

/// Bytes that a lossy WebP can claim for a part of its data: 19 bits for the first, 24 for another (RFC 6386 section 9). They are
/// allocated before it is known whether the part is there.
const CLAIMED: u64 = (1 << 19) + (1 << 24);

/// Decodes for a small picture, within so many bytes of memory.
pub(crate) fn decode(bytes: &[u8], probe: &Probe, aim: Aim, memory: u64) -> Result<Raster, Refusal> {
    let (width, height) = (probe.width as usize, probe.height as usize);
    let smaller = aim.scaler(Shape::whole(4, width, height), false).bytes();
    // The decoders copy the file.
    let claimed = if probe.kind == Kind::Webp { CLAIMED } else { 0 };
    let left = memory.saturating_sub((bytes.len() + smaller) as u64 + claimed);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format(probe.kind));
    reader.limits(allocating(left));
    let mut decoder = reader.into_decoder().map_err(refusal)?;
    if decoder.dimensions() != (probe.width, probe.height) {
        return Err(Refusal::damaged("the header contradicts itself"));
    }
    let pixels = decoder.total_bytes();
    if pixels.saturating_mul(copies_of_pixels(probe)) > left {
        return Err(Refusal::TooMuchMemory);
    }
    // The pixels are ours, the rest may be the decoder's. A frame of a GIF can be larger than its screen; it is counted with the four
    // bytes of a pixel that it becomes, not with the one that it is made of.
    let rest = if probe.kind == Kind::Gif { (left - pixels) / 5 * 4 } else { left - pixels };
    decoder.set_limits(allocating(rest)).map_err(refusal)?;
    let image = DynamicImage::from_decoder(decoder).map_err(refusal)?;
    let (channels, samples) = match (image.color().has_alpha(), image.color().has_color()) {
        (true, _) => (4, image.into_rgba8().into_raw()),
        (false, true) => (3, image.into_rgb8().into_raw()),
        (false, false) => (1, image.into_luma8().into_raw()),
    };
    Raster { width, height, channels, samples }.resize(aim)
}

fn allocating(bytes: u64) -> image::Limits {
    let mut limits = image::Limits::default();
    limits.max_alloc = Some(bytes);
    limits
}

fn refusal(error: ImageError) -> Refusal {
    match error {
        ImageError::Limits(_) => Refusal::TooMuchMemory,
        error => Refusal::damaged(error),
    }
}

fn format(kind: Kind) -> ImageFormat {
    match kind {
        Kind::Jpeg => ImageFormat::Jpeg,
        Kind::Png => ImageFormat::Png,
        Kind::Webp => ImageFormat::WebP,
        Kind::Gif => ImageFormat::Gif,
    }
}

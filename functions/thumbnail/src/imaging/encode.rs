//! A small upright image to the bytes of a thumbnail.

use functions_core::content_type::ThumbnailFormat;
use image::{DynamicImage, Rgb, RgbImage};
use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, SamplingFactor};

use super::{Refusal, Target};

pub(super) fn encode(image: &DynamicImage, target: &Target) -> Result<Vec<u8>, Refusal> {
    match target.format {
        ThumbnailFormat::Jpeg => jpeg(&on_white(image), target.quality),
        ThumbnailFormat::Webp => webp(image, target.quality),
    }
}

/// 4:2:0 with averaged chroma: a fifth smaller than 4:4:4 with nothing to see. Not the optimised Huffman tables of this
/// encoder: they come as separate scans, which `zune-jpeg` reads wrongly.
fn jpeg(image: &RgbImage, quality: u8) -> Result<Vec<u8>, Refusal> {
    let side = |pixels: u32| u16::try_from(pixels).map_err(Refusal::damaged);
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, quality);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    encoder
        .encode(image.as_raw(), side(image.width())?, side(image.height())?, ColorType::Rgb)
        .map_err(Refusal::damaged)?;
    Ok(bytes)
}

fn webp(image: &DynamicImage, quality: u8) -> Result<Vec<u8>, Refusal> {
    let encoded = if image.color().has_alpha() {
        let rgba = image.to_rgba8();
        webp::Encoder::from_rgba(rgba.as_raw(), rgba.width(), rgba.height())
            .encode_simple(false, f32::from(quality))
    } else {
        let rgb = image.to_rgb8();
        webp::Encoder::from_rgb(rgb.as_raw(), rgb.width(), rgb.height())
            .encode_simple(false, f32::from(quality))
    };
    let encoded = encoded.map_err(|error| Refusal::damaged(format!("{error:?}")))?;
    Ok(encoded.to_vec())
}

/// JPEG has no transparency; the page's light background is the best guess at what should shine through.
fn on_white(image: &DynamicImage) -> RgbImage {
    if !image.color().has_alpha() {
        return image.to_rgb8();
    }
    let rgba = image.to_rgba8();
    RgbImage::from_fn(rgba.width(), rgba.height(), |x, y| {
        let [red, green, blue, alpha] = rgba.get_pixel(x, y).0;
        Rgb([red, green, blue].map(|channel| over_white(channel, alpha)))
    })
}

#[expect(clippy::cast_possible_truncation, reason = "an average of two bytes is a byte")]
fn over_white(channel: u8, alpha: u8) -> u8 {
    let (channel, alpha) = (u32::from(channel), u32::from(alpha));
    ((channel * alpha + 255 * (255 - alpha) + 127) / 255) as u8
}

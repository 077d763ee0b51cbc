//! A small upright picture to the bytes of a file. Written from samples, so nothing of the original's metadata is in it.
//!
//! JPEG: 4:2:0 with averaged colour, a fifth smaller than 4:4:4 with nothing to see. Not the optimised Huffman tables of this
//! encoder: they come as separate scans, which `zune-jpeg` reads wrongly.
//!
//! WebP: lossy, by libwebp; the pure Rust encoder of `image` writes lossless files only, about seven times as large. libwebp sees
//! nothing but our own pixels; all decoders are safe Rust.

use jpeg_encoder::{
    ChromaSubsamplingMethod, Encoder, ImageBuffer, JpegColorType, SamplingFactor, rgb_to_ycbcr,
};

use crate::colour::opaque;
use crate::raster::Raster;
use crate::refusal::Refusal;
use crate::small::Small;
use crate::target::{Format, Target};

pub(crate) fn encode(small: &Small, target: &Target) -> Result<Vec<u8>, Refusal> {
    let quality = target.quality.clamp(1, 100);
    match target.format {
        Format::Jpeg => match small {
            Small::YCbCr([y, cb, cr]) => jpeg(y, Rows::Planes([y, cb, cr]), quality),
            Small::Pixels(pixels) => jpeg(pixels, Rows::Pixels(pixels), quality),
        },
        Format::Webp => webp(&small.pixels(), quality),
    }
}

/// Where the encoder takes its rows from.
enum Rows<'a> {
    Planes([&'a Raster; 3]),
    Pixels(&'a Raster),
}

struct Buffer<'a> {
    width: u16,
    height: u16,
    rows: Rows<'a>,
}

impl ImageBuffer for Buffer<'_> {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        match self.rows {
            Rows::Pixels(Raster { channels: 1, .. }) => JpegColorType::Luma,
            Rows::Planes(_) | Rows::Pixels(_) => JpegColorType::Ycbcr,
        }
    }

    fn width(&self) -> u16 {
        self.width
    }

    fn height(&self) -> u16 {
        self.height
    }

    fn fill_buffers(&self, y: u16, buffers: &mut [Vec<u8>; 4]) {
        let row = |raster: &Raster, y: u16| {
            let size = raster.width * raster.channels;
            usize::from(y) * size..(usize::from(y) + 1) * size
        };
        match &self.rows {
            Rows::Planes([brightness, colours @ ..]) => {
                let [first, others @ ..] = buffers;
                first.extend_from_slice(&brightness.samples[row(brightness, y)]);
                // The encoder wants colour for every pixel, and makes one of four again.
                for (buffer, plane) in others.iter_mut().zip(colours) {
                    let start = buffer.len();
                    buffer.extend(plane.samples[row(plane, y / 2)].iter().flat_map(|sample| [*sample; 2]));
                    buffer.truncate(start + brightness.width);
                }
            }
            Rows::Pixels(pixels) => {
                let samples = &pixels.samples[row(pixels, y)];
                if pixels.channels == 1 {
                    buffers[0].extend_from_slice(samples);
                    return;
                }
                for pixel in samples.chunks_exact(pixels.channels) {
                    let [red, green, blue] = opaque(pixel);
                    let (y, cb, cr) = rgb_to_ycbcr(red, green, blue);
                    buffers[0].push(y);
                    buffers[1].push(cb);
                    buffers[2].push(cr);
                }
            }
        }
    }
}

fn jpeg(size: &Raster, rows: Rows<'_>, quality: u8) -> Result<Vec<u8>, Refusal> {
    let side = |pixels: usize| u16::try_from(pixels).map_err(Refusal::damaged);
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, quality);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    let buffer = Buffer { width: side(size.width)?, height: side(size.height)?, rows };
    encoder.encode_image(buffer).map_err(Refusal::damaged)?;
    Ok(bytes)
}

fn webp(pixels: &Raster, quality: u8) -> Result<Vec<u8>, Refusal> {
    let side = |pixels: usize| u32::try_from(pixels).map_err(Refusal::damaged);
    let (width, height) = (side(pixels.width)?, side(pixels.height)?);
    let quality = f32::from(quality);
    let encoded = match pixels.channels {
        1 => {
            let rgb: Vec<u8> = pixels.samples.iter().flat_map(|grey| [*grey; 3]).collect();
            webp::Encoder::from_rgb(&rgb, width, height).encode_simple(false, quality)
        }
        3 => webp::Encoder::from_rgb(&pixels.samples, width, height).encode_simple(false, quality),
        _ => webp::Encoder::from_rgba(&pixels.samples, width, height).encode_simple(false, quality),
    };
    let encoded = encoded.map_err(|error| Refusal::damaged(format!("{error:?}")))?;
    Ok(encoded.to_vec())
}

//! Image work without AWS: bytes in, a thumbnail or a refusal out. Everything read here was sent by a stranger.
//!
//! The order bounds what a file can cost: header first, then limits on pixels and memory, only then a full decode. The
//! thumbnail is resized before it is turned upright, since turning the original would cost more than all the rest. It
//! is written anew from pixels, so no metadata of the original (position, serial numbers, hidden pictures) survives.
//! Of a JPEG that ends early the decoder shows what is there, which is what a visitor's own viewer does too.
//! A colour profile is not applied yet: wide-gamut photos come out a little paler in the thumbnail.
//!
//! WebP thumbnails are lossy with the wanted quality, by libwebp: the pure Rust encoder of `image` writes lossless files
//! only, about seven times as large. libwebp sees nothing but our own pixels; all decoders are safe Rust.

mod encode;
mod limits;

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use functions_core::content_type::{ContentType, ThumbnailFormat};
use functions_core::contract::env;
use functions_core::settings::{SettingError, Settings};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader};

pub(crate) use limits::Limits;

/// What thumbnails should be.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// Box to fit in, in pixels of the upright photo. Smaller photos are not enlarged.
    pub(crate) max_width: u32,
    pub(crate) max_height: u32,
    pub(crate) format: ThumbnailFormat,
    /// 1 to 100.
    pub(crate) quality: u8,
}

impl Target {
    pub(crate) fn from_settings(settings: &Settings<'_>) -> Result<Self, SettingError> {
        let side = |name| {
            settings.parsed(name, "a number of pixels, 1 to 4096", |side: &u32| (1..=4096).contains(side))
        };
        let value = settings.required(env::FORMAT)?;
        let Some(format) = ThumbnailFormat::from_setting(&value) else {
            return Err(SettingError::Invalid { name: env::FORMAT, value, wanted: "JPEG or WEBP" });
        };
        Ok(Self {
            max_width: side(env::MAX_WIDTH)?,
            max_height: side(env::MAX_HEIGHT)?,
            format,
            quality: settings
                .parsed(env::QUALITY, "a number from 1 to 100", |quality: &u8| (1..=100).contains(quality))?,
        })
    }

    /// Size of the thumbnail of an upright photo: the largest of the same shape that fits, at least a pixel.
    fn fit(&self, width: u32, height: u32) -> (u32, u32) {
        let scale = (f64::from(self.max_width) / f64::from(width))
            .min(f64::from(self.max_height) / f64::from(height))
            .min(1.0);
        (scaled(width, scale, self.max_width), scaled(height, scale, self.max_height))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and the side it came from"
)]
fn scaled(side: u32, scale: f64, max: u32) -> u32 {
    ((f64::from(side) * scale).round() as u32).clamp(1, max)
}

/// A finished thumbnail.
#[derive(Debug)]
pub(crate) struct Thumbnail {
    /// Of the original, upright.
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// The encoded thumbnail.
    pub(crate) bytes: Vec<u8>,
}

/// Why a file does not become a photo. The text is for the visitor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("The file is larger than the {} MB that this gallery accepts.", limit.div_ceil(1 << 20))]
    TooManyBytes { limit: u64 },
    #[error(
        "The image has {width} x {height} pixels. Up to {max_side} a side and {max_megapixels} megapixels are accepted."
    )]
    TooManyPixels { width: u32, height: u32, max_side: u32, max_megapixels: u64 },
    #[error("The image is too large for this gallery to open.")]
    TooMuchMemory,
    #[error("The file is not an image of a known type.")]
    NotAnImage,
    #[error("The file is a {} image, but was sent as another type.", proven.name())]
    OtherType { proven: ContentType },
    #[error("This gallery does not accept {} images.", proven.name())]
    TypeNotAccepted { proven: ContentType },
    #[error("The image is damaged or incomplete.")]
    Damaged { detail: String },
}

impl Refusal {
    /// For the log only.
    pub(crate) fn detail(&self) -> &str {
        match self {
            Self::Damaged { detail } => detail,
            _ => "",
        }
    }

    fn damaged(error: impl std::fmt::Display) -> Self {
        Self::Damaged { detail: error.to_string() }
    }
}

/// Makes the thumbnail of a file whose first bytes say that it is a `kind`.
pub(crate) fn thumbnail(
    bytes: &[u8],
    kind: ContentType,
    limits: &Limits,
    target: &Target,
) -> Result<Thumbnail, Refusal> {
    // A decoder that panics on a file would do so on every retry: that is the file's fault and ends here.
    catch_unwind(AssertUnwindSafe(|| make(bytes, kind, limits, target)))
        .unwrap_or_else(|_| Err(Refusal::damaged("the decoder panicked")))
}

fn make(bytes: &[u8], kind: ContentType, limits: &Limits, target: &Target) -> Result<Thumbnail, Refusal> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format(kind));
    reader.limits(limits.for_decoder(bytes.len()));
    let mut decoder = reader.into_decoder().map_err(Refusal::damaged)?;
    let (width, height) = decoder.dimensions();
    limits.check_image(width, height, decoder.total_bytes(), bytes.len())?;
    // A photo with unreadable orientation is still a photo.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let (upright_width, upright_height) = if turns(orientation) { (height, width) } else { (width, height) };
    let (fit_width, fit_height) = target.fit(upright_width, upright_height);
    let (to_width, to_height) =
        if turns(orientation) { (fit_height, fit_width) } else { (fit_width, fit_height) };

    let original = DynamicImage::from_decoder(decoder).map_err(Refusal::damaged)?;
    let mut small = resize(original, to_width, to_height)?;
    small.apply_orientation(orientation);
    let bytes = encode::encode(&small, target)?;
    Ok(Thumbnail { width: upright_width, height: upright_height, bytes })
}

/// Whether width and height change places.
fn turns(orientation: Orientation) -> bool {
    match orientation {
        Orientation::NoTransforms
        | Orientation::Rotate180
        | Orientation::FlipHorizontal
        | Orientation::FlipVertical => false,
        Orientation::Rotate90
        | Orientation::Rotate270
        | Orientation::Rotate90FlipH
        | Orientation::Rotate270FlipH => true,
    }
}

fn resize(original: DynamicImage, width: u32, height: u32) -> Result<DynamicImage, Refusal> {
    if (original.width(), original.height()) == (width, height) {
        return Ok(original);
    }
    let mut small = DynamicImage::new(width, height, original.color());
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
    Resizer::new().resize(&original, &mut small, &options).map_err(Refusal::damaged)?;
    Ok(small)
}

fn format(kind: ContentType) -> ImageFormat {
    match kind {
        ContentType::Jpeg => ImageFormat::Jpeg,
        ContentType::Png => ImageFormat::Png,
        ContentType::Webp => ImageFormat::WebP,
        ContentType::Gif => ImageFormat::Gif,
    }
}

#[cfg(test)]
pub(crate) mod tests;

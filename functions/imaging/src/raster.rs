//! Small pictures between decoding and encoding: made smaller, turned upright, converted.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{U8, U8x3, U8x4};
use fast_image_resize::{FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};

use crate::colour::{ToSrgb, full_range, opaque, white_left_to_rgb, ycbcr_to_rgb};
use crate::exif::Orientation;
use crate::planes::{Model, Plane};
use crate::refusal::Refusal;

/// Samples in rows, 1, 3 (RGB) or 4 (RGBA) a pixel. Rows may have filling behind the picture, and the picture may end within
/// a sample.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    pub(crate) samples: &'a [u8],
    pub(crate) channels: usize,
    pub(crate) stride: usize,
    pub(crate) rows: usize,
    /// In pixels of the source.
    pub(crate) width: f64,
    pub(crate) height: f64,
}

/// Samples in rows, 1, 3 (RGB) or 4 (RGBA) a pixel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Raster {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) channels: usize,
    pub(crate) samples: Vec<u8>,
}

impl Source<'_> {
    /// By the Lanczos filter: the sharpest without visible rings.
    pub(crate) fn resize(&self, size: (u32, u32)) -> Result<Raster, Refusal> {
        // Of each kind of pixel by its name: chosen at run time, the filters for all others would come along, a megabyte of them.
        let samples = match self.channels {
            1 => self.resize_pixels::<U8>(size),
            3 => self.resize_pixels::<U8x3>(size),
            _ => self.resize_pixels::<U8x4>(size),
        }?;
        Ok(Raster { width: size.0 as usize, height: size.1 as usize, channels: self.channels, samples })
    }

    fn resize_pixels<P: PixelTrait>(&self, (width, height): (u32, u32)) -> Result<Vec<u8>, Refusal> {
        let side = |side: usize| u32::try_from(side).map_err(Refusal::damaged);
        let source = TypedImageRef::<P>::from_buffer(side(self.stride)?, side(self.rows)?, self.samples);
        let mut samples = vec![0; width as usize * height as usize * self.channels];
        let mut small =
            TypedImage::<P>::from_buffer(width, height, &mut samples).map_err(Refusal::damaged)?;
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3)).crop(
            0.0,
            0.0,
            self.width,
            self.height,
        );
        Resizer::new()
            .resize_typed(&source.map_err(Refusal::damaged)?, &mut small, &options)
            .map_err(Refusal::damaged)?;
        Ok(samples)
    }
}

impl Raster {
    #[expect(clippy::cast_precision_loss, reason = "sides of pictures are exact")]
    pub(crate) fn source(&self) -> Source<'_> {
        Source {
            samples: &self.samples,
            channels: self.channels,
            stride: self.width,
            rows: self.height,
            width: self.width as f64,
            height: self.height as f64,
        }
    }

    /// Turns the picture upright.
    fn upright(self, orientation: Orientation) -> Self {
        match self.channels {
            1 => self.turned::<1>(orientation),
            3 => self.turned::<3>(orientation),
            _ => self.turned::<4>(orientation),
        }
    }

    fn turned<const N: usize>(self, orientation: Orientation) -> Self {
        if orientation == Orientation::Upright {
            return self;
        }
        let (width, height) =
            if orientation.turns() { (self.height, self.width) } else { (self.width, self.height) };
        let (right, bottom) = (self.width.saturating_sub(1), self.height.saturating_sub(1));
        let (pixels, _) = self.samples.as_chunks::<N>();
        let mut samples = Vec::with_capacity(self.samples.len());
        for y in 0..height {
            for x in 0..width {
                let (column, row) = match orientation {
                    Orientation::Upright => (x, y),
                    Orientation::FlipHorizontal => (right - x, y),
                    Orientation::Rotate180 => (right - x, bottom - y),
                    Orientation::FlipVertical => (x, bottom - y),
                    Orientation::Transpose => (y, x),
                    Orientation::Rotate90 => (y, bottom - x),
                    Orientation::Transverse => (right - y, bottom - x),
                    Orientation::Rotate270 => (right - y, x),
                };
                samples.extend_from_slice(pixels.get(row * self.width + column).map_or(&[], |pixel| pixel));
            }
        }
        Self { width, height, channels: N, samples }
    }
}

/// A picture of the target's size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Small {
    /// One plane of brightness, two of colour, all of the picture's size.
    YCbCr([Raster; 3]),
    /// Grey, RGB or RGBA.
    Pixels(Raster),
}

impl Small {
    /// Makes planes smaller; the size is that of the stored orientation.
    pub(crate) fn of_planes(planes: &[Plane], model: Model, size: (u32, u32)) -> Result<Self, Refusal> {
        let planes = planes.iter().enumerate().map(|(index, plane)| {
            let mut small = Source {
                samples: &plane.samples,
                channels: 1,
                stride: plane.stride,
                rows: plane.rows,
                width: plane.width,
                height: plane.height,
            }
            .resize(size)?;
            if model == Model::Video {
                full_range(&mut small.samples, model.is_chroma(index));
            }
            Ok(small)
        });
        let planes = planes.collect::<Result<Vec<Raster>, Refusal>>()?;
        Ok(match (model, <[Raster; 3]>::try_from(planes)) {
            (Model::YCbCr | Model::Video, Ok(planes)) => Self::YCbCr(planes),
            (model, Ok(planes)) => Self::Pixels(interleave(&planes, model)),
            (model, Err(planes)) => Self::Pixels(interleave(&planes, model)),
        })
    }

    pub(crate) fn upright(self, orientation: Orientation) -> Self {
        match self {
            Self::YCbCr(planes) => Self::YCbCr(planes.map(|plane| plane.upright(orientation))),
            Self::Pixels(raster) => Self::Pixels(raster.upright(orientation)),
        }
    }

    pub(crate) fn into_srgb(self, conversion: &ToSrgb) -> Self {
        let mut pixels = self.into_pixels();
        if pixels.channels > 1 {
            conversion.apply(&mut pixels.samples, pixels.channels);
        }
        Self::Pixels(pixels)
    }

    /// Width and height in pixels.
    pub(crate) fn size(&self) -> (usize, usize) {
        let (Self::YCbCr([raster, ..]) | Self::Pixels(raster)) = self;
        (raster.width, raster.height)
    }

    /// The same once more, of another size: its pixels in RGB, on white where they are transparent.
    pub(crate) fn miniature(&self, size: (u32, u32)) -> Result<Vec<[u8; 3]>, Refusal> {
        let pixels = match self {
            Self::YCbCr(planes) => {
                let planes = planes.iter().map(|plane| plane.source().resize(size));
                interleave(&planes.collect::<Result<Vec<Raster>, Refusal>>()?, Model::YCbCr)
            }
            Self::Pixels(raster) => raster.source().resize(size)?,
        };
        Ok(pixels.samples.chunks_exact(pixels.channels).map(opaque).collect())
    }

    /// Grey, RGB or RGBA.
    pub(crate) fn into_pixels(self) -> Raster {
        match self {
            Self::YCbCr(planes) => interleave(&planes, Model::YCbCr),
            Self::Pixels(raster) => raster,
        }
    }
}

/// Planes of the same size to pixels.
fn interleave(planes: &[Raster], model: Model) -> Raster {
    let Some(first) = planes.first() else {
        return Raster { width: 0, height: 0, channels: 1, samples: Vec::new() };
    };
    let (width, height) = (first.width, first.height);
    let sample = |plane: usize, at: usize| {
        planes.get(plane).and_then(|plane| plane.samples.get(at)).copied().unwrap_or_default()
    };
    let three = |at| [sample(0, at), sample(1, at), sample(2, at)];
    let left = |value: u8, inverted: bool| if inverted { value } else { 255 - value };
    let pixel = |at: usize| match model {
        Model::Grey => [sample(0, at); 3],
        Model::Rgb => three(at),
        Model::YCbCr | Model::Video => ycbcr_to_rgb(three(at)),
        Model::Cmyk { inverted } => {
            white_left_to_rgb([0, 1, 2, 3].map(|plane| left(sample(plane, at), inverted)))
        }
        Model::Ycck => {
            let [cyan, magenta, yellow] = ycbcr_to_rgb(three(at)).map(|ink| 255 - ink);
            white_left_to_rgb([cyan, magenta, yellow, sample(3, at)])
        }
    };
    if model == Model::Grey {
        return Raster { width, height, channels: 1, samples: first.samples.clone() };
    }
    let samples = (0..width * height).flat_map(pixel).collect();
    Raster { width, height, channels: 3, samples }
}

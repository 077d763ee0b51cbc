//! The picture between decoding and encoding: of the target's size and upright. Its colours are converted here.

use std::borrow::Cow;

use jpeg_encoder::rgb_to_ycbcr;

use crate::colour::{ToSrgb, full_range, mean, opaque, white_left_to_rgb, ycbcr_to_rgb};
use crate::model::Model;
use crate::raster::Raster;
use crate::refusal::Refusal;
use crate::scale::Aim;

/// A picture of a target's size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Small {
    /// A plane of brightness, and two of colour at half its width and height, as JPEG stores them. Of an odd side, half of the last
    /// sample is beyond the picture.
    YCbCr([Raster; 3]),
    /// Grey, RGB or RGBA.
    Pixels(Raster),
}

impl Small {
    /// From planes that have their sizes: colour halved if the model says so.
    pub(crate) fn of_planes(mut planes: Vec<Raster>, model: Model) -> Self {
        if model == Model::Video {
            for (index, plane) in planes.iter_mut().enumerate() {
                full_range(&mut plane.samples, model.is_chroma(index));
            }
        }
        match (model, <[Raster; 3]>::try_from(planes)) {
            (Model::YCbCr | Model::Video, Ok(planes)) => Self::YCbCr(planes),
            (model, Ok(planes)) => Self::Pixels(interleave(&planes, model)),
            (model, Err(planes)) => Self::Pixels(interleave(&planes, model)),
        }
    }

    pub(crate) fn into_srgb(self, conversion: &ToSrgb) -> Self {
        match self {
            Self::YCbCr(mut planes) => {
                convert(&mut planes, conversion);
                Self::YCbCr(planes)
            }
            Self::Pixels(mut raster) => {
                if raster.channels > 1 {
                    conversion.apply(&mut raster.samples, raster.channels);
                }
                Self::Pixels(raster)
            }
        }
    }

    /// Width and height in pixels.
    pub(crate) fn size(&self) -> (usize, usize) {
        let (Self::YCbCr([raster, ..]) | Self::Pixels(raster)) = self;
        (raster.width, raster.height)
    }

    /// The same once more, of another size.
    pub(crate) fn resize(&self, size: (u32, u32)) -> Result<Self, Refusal> {
        let aim = Aim::upright(size);
        Ok(match self {
            Self::YCbCr([y, cb, cr]) => {
                let half = |plane: &Raster| plane.resize_half(self.size(), aim, true);
                Self::YCbCr([y.resize(aim)?, half(cb)?, half(cr)?])
            }
            Self::Pixels(raster) => Self::Pixels(raster.resize(aim)?),
        })
    }

    /// The same once more, of another size: its pixels in RGB, on white where they are transparent.
    pub(crate) fn miniature(&self, size: (u32, u32)) -> Result<Vec<[u8; 3]>, Refusal> {
        let aim = Aim::upright(size);
        let pixels = match self {
            Self::YCbCr([y, cb, cr]) => {
                let whole = |plane: &Raster| plane.resize_half(self.size(), aim, false);
                interleave(&[y.resize(aim)?, whole(cb)?, whole(cr)?], Model::YCbCr)
            }
            Self::Pixels(raster) => raster.resize(aim)?,
        };
        Ok(pixels.samples.chunks_exact(pixels.channels).map(opaque).collect())
    }

    /// Grey, RGB or RGBA.
    pub(crate) fn pixels(&self) -> Cow<'_, Raster> {
        match self {
            Self::YCbCr([y, cb, cr]) => {
                let mut samples = Vec::with_capacity(y.samples.len() * 3);
                for row in 0..y.height {
                    samples.extend(rgb_row(y, cb, cr, row).flatten());
                }
                Cow::Owned(Raster { width: y.width, height: y.height, channels: 3, samples })
            }
            Self::Pixels(raster) => Cow::Borrowed(raster),
        }
    }
}

/// A row of a picture with halved colour. A sample of colour stands for four pixels and is not smoothed: the encoders make one of
/// those four again.
fn rgb_row(y: &Raster, cb: &Raster, cr: &Raster, row: usize) -> impl Iterator<Item = [u8; 3]> {
    let of = |plane: &'_ Raster, row: usize| row * plane.width..(row + 1) * plane.width;
    let colours = cb.samples[of(cb, row / 2)].iter().zip(&cr.samples[of(cr, row / 2)]);
    let pairs = y.samples[of(y, row)].chunks(2).zip(colours);
    pairs.flat_map(|(pair, (cb, cr))| pair.iter().map(|y| ycbcr_to_rgb([*y, *cb, *cr])))
}

/// Converts colours where they are, two rows at a time: the whole in RGB would be twice as large.
fn convert([y, cb, cr]: &mut [Raster; 3], conversion: &ToSrgb) {
    let (width, half) = (y.width, cb.width);
    let mut pixels = Vec::with_capacity(width * 2 * 3);
    for pair in 0..cb.height {
        let rows = pair * 2..y.height.min(pair * 2 + 2);
        pixels.clear();
        for row in rows.clone() {
            pixels.extend(rgb_row(y, cb, cr, row).flatten());
        }
        conversion.apply(&mut pixels, 3);
        let mut sums = vec![[0_u32; 3]; half];
        let levels = &mut y.samples[rows.start * width..rows.end * width];
        for (line, pixels) in levels.chunks_exact_mut(width).zip(pixels.chunks_exact(width * 3)) {
            for (at, (level, pixel)) in line.iter_mut().zip(pixels.as_chunks::<3>().0).enumerate() {
                let (brightness, blue, red) = rgb_to_ycbcr(pixel[0], pixel[1], pixel[2]);
                *level = brightness;
                let [sum_of_blue, sum_of_red, count] = &mut sums[at / 2];
                (*sum_of_blue, *sum_of_red, *count) =
                    (*sum_of_blue + u32::from(blue), *sum_of_red + u32::from(red), *count + 1);
            }
        }
        let colours = pair * half..(pair + 1) * half;
        let planes = cb.samples[colours.clone()].iter_mut().zip(&mut cr.samples[colours]);
        for ((blue, red), [sum_of_blue, sum_of_red, count]) in planes.zip(sums) {
            (*blue, *red) = (mean(sum_of_blue, count), mean(sum_of_red, count));
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

/// RGB as brightness and, after it, two planes of colour at half the width and height, as JPEG and WebP store it.
#[cfg(test)]
pub(crate) fn halved(rgb: &[u8], (width, height): (u32, u32)) -> Vec<u8> {
    let (width, height) = (width as usize, height as usize);
    let planes: [Vec<f32>; 3] =
        [[0.299, 0.587, 0.114], [-0.168_736, -0.331_264, 0.5], [0.5, -0.418_688, -0.081_312]].map(
            |weights: [f32; 3]| {
                rgb.chunks(3)
                    .map(|pixel| {
                        pixel.iter().zip(weights).map(|(level, weight)| f32::from(*level) * weight).sum()
                    })
                    .collect()
            },
        );
    let mut samples: Vec<u8> = planes[0].iter().map(|level| level.round() as u8).collect();
    for plane in &planes[1..] {
        for (top, left) in
            (0..height).step_by(2).flat_map(|top| (0..width).step_by(2).map(move |left| (top, left)))
        {
            let square = (top..height.min(top + 2))
                .flat_map(|y| (left..width.min(left + 2)).map(move |x| y * width + x));
            let levels: Vec<f32> = square.map(|at| plane[at]).collect();
            samples.push((128.0 + levels.iter().sum::<f32>() / levels.len() as f32).round() as u8);
        }
    }
    samples
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::photo;

    /// In place, two rows at a time, and all at once as pixels. To see it fail: take the colours of the row below.
    #[test]
    fn colours_are_converted_where_they_are() {
        let profile = moxcms::ColorProfile::new_display_p3().encode().unwrap();
        let conversion = ToSrgb::new(&profile).unwrap();
        for (width, height) in [(83_u32, 61_u32), (64, 2), (1, 1)] {
            let (across, down) = (width as usize, height as usize);
            let samples = halved(photo(width, height).as_raw(), (width, height));
            let (brightness, colours) = samples.split_at(across * down);
            let (blue, red) = colours.split_at(colours.len() / 2);
            let plane = |width, height, samples: &[u8]| Raster {
                width,
                height,
                channels: 1,
                samples: samples.to_vec(),
            };
            let half = |samples| plane(across.div_ceil(2), down.div_ceil(2), samples);
            let small = Small::YCbCr([plane(across, down, brightness), half(blue), half(red)]);
            let mut pixels = small.pixels().into_owned().samples;
            conversion.apply(&mut pixels, 3);
            let Small::YCbCr(seen) = small.into_srgb(&conversion) else { panic!("other planes") };
            let seen = seen.map(|plane| plane.samples).concat();
            let expected = halved(&pixels, (width, height));
            assert_ne!(seen, samples);
            assert!(
                seen.len() == expected.len()
                    && seen.iter().zip(&expected).all(|(left, right)| left.abs_diff(*right) <= 1)
            );
        }
    }
}

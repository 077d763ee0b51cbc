//! Samples of a whole picture or plane, and turning it.

use crate::exif::Orientation;
use crate::refusal::Refusal;
use crate::scale::{Aim, Shape};

/// Samples in rows, 1, 3 (RGB) or 4 (RGBA) a pixel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Raster {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) channels: usize,
    pub(crate) samples: Vec<u8>,
}

/// Rows and columns that are turned at a time: as many as the processor's nearest cache holds.
const TILE: usize = 32;

impl Raster {
    /// The same in another size.
    pub(crate) fn resize(&self, aim: Aim) -> Result<Self, Refusal> {
        let mut scaler = aim.scaler(Shape::whole(self.channels, self.width, self.height), false);
        scaler.push(&self.samples)?;
        scaler.finish()
    }

    /// A halved plane of a picture of this size, for another size: halved again or not.
    pub(crate) fn resize_half(
        &self,
        (width, height): (usize, usize),
        aim: Aim,
        halved: bool,
    ) -> Result<Self, Refusal> {
        let shape = Shape::whole(self.channels, self.width, self.height);
        #[expect(clippy::cast_precision_loss, reason = "sides of pictures are exact")]
        let shape = Shape { width: width as f64 / 2.0, height: height as f64 / 2.0, ..shape };
        let mut scaler = aim.scaler(shape, halved);
        scaler.push(&self.samples)?;
        scaler.finish()
    }

    /// Turns the picture upright.
    pub(crate) fn upright(self, orientation: Orientation) -> Self {
        match self.channels {
            1 => self.turned::<1>(orientation),
            3 => self.turned::<3>(orientation),
            _ => self.turned::<4>(orientation),
        }
    }

    fn turned<const N: usize>(self, orientation: Orientation) -> Self {
        let (columns, rows) = orientation.reversed();
        let Self { width, height, channels, mut samples } = self;
        if orientation.turns() {
            let (pixels, _) = samples.as_chunks::<N>();
            let samples = transposed(pixels, (width, height), (columns, rows)).into_flattened();
            return Self { width: height, height: width, channels, samples };
        }
        let (pixels, _) = samples.as_chunks_mut::<N>();
        if rows {
            pixels.reverse();
        }
        if columns != rows {
            pixels.chunks_exact_mut(width.max(1)).for_each(<[_]>::reverse);
        }
        Self { width, height, channels, samples }
    }
}

/// Columns become rows; the last column the first row, or the last row the first column, if these are reversed.
fn transposed<const N: usize>(
    pixels: &[[u8; N]],
    (width, height): (usize, usize),
    (columns, rows): (bool, bool),
) -> Vec<[u8; N]> {
    let mut made = vec![[0; N]; pixels.len()];
    for (tile, lines) in made.chunks_mut((TILE * height).max(1)).enumerate() {
        for from in (0..height).step_by(TILE) {
            let to = height.min(from + TILE);
            for (line, target) in lines.chunks_exact_mut(height).enumerate() {
                let at = tile * TILE + line;
                let column = if columns { width - 1 - at } else { at };
                let source = pixels[from * width + column..].iter().step_by(width);
                if rows {
                    let target = target[height - to..height - from].iter_mut().rev();
                    target.zip(source).for_each(|(target, pixel)| *target = *pixel);
                } else {
                    target[from..to].iter_mut().zip(source).for_each(|(target, pixel)| *target = *pixel);
                }
            }
        }
    }
    made
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Where a pixel of the upright picture is in the stored one, by the definition of the EXIF tag: (right, bottom) are the last
    /// column and row of the stored picture.
    fn stored(
        orientation: Orientation,
        (x, y): (usize, usize),
        (right, bottom): (usize, usize),
    ) -> (usize, usize) {
        match orientation {
            Orientation::Upright => (x, y),
            Orientation::FlipHorizontal => (right - x, y),
            Orientation::Rotate180 => (right - x, bottom - y),
            Orientation::FlipVertical => (x, bottom - y),
            Orientation::Transpose => (y, x),
            Orientation::Rotate90 => (y, bottom - x),
            Orientation::Transverse => (right - y, bottom - x),
            Orientation::Rotate270 => (right - y, x),
        }
    }

    proptest! {
        #[test]
        fn every_pixel_comes_where_it_belongs(width in 1_usize..80, height in 1_usize..80, tag in 1_u16..=8) {
            let orientation = Orientation::from_tag(tag);
            let pixel = |x: usize, y: usize| [x as u8, y as u8, (x * y) as u8];
            let samples: Vec<u8> = (0..height).flat_map(|y| (0..width).flat_map(move |x| pixel(x, y))).collect();
            let turned = Raster { width, height, channels: 3, samples }.upright(orientation);
            let size = if orientation.turns() { (height, width) } else { (width, height) };
            prop_assert_eq!((turned.width, turned.height), size);
            for (at, seen) in turned.samples.chunks(3).enumerate() {
                let (x, y) = stored(orientation, (at % size.0, at / size.0), (width - 1, height - 1));
                prop_assert_eq!(seen, pixel(x, y));
            }
        }
    }
}

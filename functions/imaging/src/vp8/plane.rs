//! The planes of a frame while it is decoded: averaged when the picture is to be much smaller, smoothed otherwise.

use super::predict::{Area, ORIGIN, STRIDE};
use super::smooth::{Edges, Smoothed};
use crate::raster::Raster;
use crate::refusal::Refusal;
use crate::scale::{Aim, Scaler, Shape};

/// Samples of each direction that become one, at least, for planes to be averaged.
const LEAST: usize = 2;

/// A plane while it is decoded.
#[derive(Debug)]
pub(super) enum Plane {
    Averaged(Averaged),
    Smoothed(Smoothed),
}

impl Plane {
    /// Those of a picture. Brightness decides: where it is averaged, colours are as well, or left as they are.
    pub(super) fn all((width, height): (u32, u32), aim: Aim) -> [Self; 3] {
        let (width, height) = (width as usize, height as usize);
        let room = |width: usize, height: usize, factor: usize, most: usize| {
            let room = (width * 8 / (aim.width.max(1) as usize * factor))
                .min(height * 8 / (aim.height.max(1) as usize * factor));
            if room < 2 { 1 } else { 1 << room.ilog2().min(most.ilog2()) }
        };
        // Twice the target for brightness, 5/8 of it for colours, as for JPEG.
        let side = room(width, height, 16, 16);
        if side < LEAST {
            return [1, 2, 2].map(|halves| Self::Smoothed(Smoothed::new((width, height), halves, aim)));
        }
        let colour = room(width.div_ceil(2), height.div_ceil(2), 5, 8);
        [(1, side), (2, colour), (2, colour)]
            .map(|(halves, side)| Self::Averaged(Averaged::new((width, height), halves, side, aim)))
    }

    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Averaged(plane) => plane.bytes(),
            Self::Smoothed(plane) => plane.bytes(),
        }
    }

    pub(super) fn allocate(&mut self) {
        match self {
            Self::Averaged(plane) => plane.allocate(),
            Self::Smoothed(plane) => plane.allocate(),
        }
    }

    /// Takes in the samples of a macroblock.
    pub(super) fn take(&mut self, area: &Area, column: usize, row: usize) {
        match self {
            Self::Averaged(plane) => plane.take(area, column, row),
            Self::Smoothed(plane) => plane.take(area, column),
        }
    }

    /// Passes a row of macroblocks on. What of it is below the picture is left out by the filter.
    pub(super) fn end_row(&mut self, edges: &[Edges], simple: bool) {
        match self {
            Self::Averaged(plane) => plane.scaler.push(&plane.samples),
            Self::Smoothed(plane) => plane.end_row(edges, simple),
        }
    }

    pub(super) fn finish(self) -> Result<Raster, Refusal> {
        match self {
            Self::Averaged(plane) => plane.scaler.finish(),
            Self::Smoothed(plane) => plane.finish(),
        }
    }
}

/// Averages of a plane: one row of macroblocks at a time, which then goes to the filter.
#[derive(Debug)]
pub(super) struct Averaged {
    samples: Vec<u8>,
    stride: usize,
    scaler: Scaler,
    /// Samples of a macroblock's side: 16 or 8.
    block: usize,
    /// How many of them become one, in each direction: a power of two.
    side: usize,
    /// Samples of the whole plane.
    width: usize,
    height: usize,
}

impl Averaged {
    /// Of a plane with a whole or, for 2, half of the picture's width and height.
    #[expect(clippy::cast_precision_loss, reason = "sides of pictures are exact")]
    fn new((width, height): (usize, usize), halves: usize, side: usize, aim: Aim) -> Self {
        let exact = |pixels: usize| pixels as f64 / (halves * side) as f64;
        let (exact_width, exact_height) = (exact(width), exact(height));
        let (width, height) = (width.div_ceil(halves), height.div_ceil(halves));
        let (stride, rows) = (width.div_ceil(side), height.div_ceil(side));
        let shape = Shape { channels: 1, stride, rows, width: exact_width, height: exact_height };
        let scaler = aim.scaler(shape, halves == 2);
        Self { samples: Vec::new(), stride, scaler, block: 16 / halves, side, width, height }
    }

    fn length(&self) -> usize {
        self.stride * self.block / self.side
    }

    fn bytes(&self) -> usize {
        self.length() + self.scaler.bytes()
    }

    fn allocate(&mut self) {
        self.samples = vec![0; self.length()];
    }

    /// Takes in the samples of a macroblock.
    fn take(&mut self, area: &Area, column: usize, row: usize) {
        if (column + 1) * self.block > self.width || (row + 1) * self.block > self.height {
            return self.take_cut(area, column, row);
        }
        match (self.block, self.side) {
            (16, 2) => self.take_whole::<16, 2>(area, column),
            (16, 4) => self.take_whole::<16, 4>(area, column),
            (16, 8) => self.take_whole::<16, 8>(area, column),
            (16, 16) => self.take_whole::<16, 16>(area, column),
            (8, 1) => self.take_whole::<8, 1>(area, column),
            (8, 2) => self.take_whole::<8, 2>(area, column),
            (8, 4) => self.take_whole::<8, 4>(area, column),
            (8, 8) => self.take_whole::<8, 8>(area, column),
            _ => self.take_cut(area, column, row),
        }
    }

    /// All columns of samples at once, then those of each square: sums of up to 256 bytes, which have 16 bits.
    #[inline]
    fn take_whole<const BLOCK: usize, const SIDE: usize>(&mut self, area: &Area, column: usize) {
        for (y, line) in self.samples.chunks_exact_mut(self.stride).enumerate() {
            let mut sums = [0; BLOCK];
            for samples in area[ORIGIN + y * SIDE * STRIDE..].chunks(STRIDE).take(SIDE) {
                for (sum, sample) in sums.iter_mut().zip(&samples[..BLOCK]) {
                    *sum += u16::from(*sample);
                }
            }
            let averages = line[column * BLOCK / SIDE..].iter_mut();
            for (average, sums) in averages.zip(sums.as_chunks::<SIDE>().0) {
                *average = mean(sums.iter().sum(), SIDE * SIDE);
            }
        }
    }

    /// Squares at the right and at the bottom may be cut; they count with the samples that they have.
    fn take_cut(&mut self, area: &Area, column: usize, row: usize) {
        let Self { block, side, .. } = *self;
        let cut = |end: usize, from: usize| end.saturating_sub(from).min(side);
        for (y, line) in self.samples.chunks_exact_mut(self.stride).enumerate() {
            let height = cut(self.height, row * block + y * side);
            for (x, average) in line.iter_mut().skip(column * block / side).take(block / side).enumerate() {
                let width = cut(self.width, column * block + x * side);
                let lines = area[ORIGIN + y * side * STRIDE + x * side..].chunks(STRIDE).take(height);
                let sum = lines.flat_map(|samples| &samples[..width]).map(|sample| u16::from(*sample)).sum();
                *average = mean(sum, (width * height).max(1));
            }
        }
    }
}

#[inline]
fn mean(sum: u16, count: usize) -> u8 {
    u8::try_from((usize::from(sum) + count / 2) / count).unwrap_or(255)
}

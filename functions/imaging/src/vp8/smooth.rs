//! Smoothing (RFC 6386 section 15): what was decoded block by block shows their edges, and a decoder levels them out.
//!
//! A step across an edge is the encoder's if it is small and the samples on both sides of it are flat; else it is the photo's. Then the
//! samples next to it are moved towards each other. The next macroblock is predicted from the samples before that, so a row of
//! macroblocks is decoded first and smoothed then. Its last few samples wait for the row below, whose upper edge changes them again.

use super::predict::{Area, ORIGIN, STRIDE};
use crate::raster::Raster;
use crate::refusal::Refusal;
use crate::scale::{Aim, Scaler, Shape};

/// Samples to each side of an edge that are looked at. At most three of them change.
const REACH: usize = 4;

/// How much a macroblock is smoothed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Strength {
    /// Steps up to this are levelled: across the macroblock's edges to others, and across those within.
    outer: i16,
    inner: i16,
    /// Differences of neighbours up to this are flat.
    flat: i16,
    /// Larger differences next to an edge are detail, where less is changed.
    detail: i16,
}

impl Strength {
    /// Of a level from 0, which is `None`, to 63 and a sharpness from 0 to 7.
    pub(super) fn new(level: i32, sharpness: u8) -> Option<Self> {
        let level = i16::try_from(level.clamp(0, 63)).ok().filter(|level| *level > 0)?;
        let sharpness = i16::from(sharpness);
        let flat = match sharpness {
            0 => level,
            1..=4 => (level >> 1).min(9 - sharpness),
            _ => (level >> 2).min(9 - sharpness),
        };
        let flat = flat.max(1);
        let detail = if level >= 40 { 2 } else { i16::from(level >= 15) };
        Some(Self { outer: 2 * (level + 2) + flat, inner: 2 * level + flat, flat, detail })
    }
}

/// The edges of a macroblock.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Edges {
    pub(super) strength: Option<Strength>,
    /// Whether there are edges within: not if nothing was added to what one prediction made.
    pub(super) within: bool,
}

/// What is done at an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// One sample to each side. Frames for slow decoders have it for all edges of brightness, and none of colour.
    Simple,
    /// Up to three samples to each side.
    Outer,
    /// Up to two.
    Inner,
}

/// That, and the largest step that is levelled.
type How<'a> = (Kind, i16, &'a Strength);

/// Samples across an edge, four before and four behind it, at several places along it. Less 128: from -128 to 127.
type Across<const N: usize> = [[i16; N]; 2 * REACH];

/// A plane in its full size: one row of macroblocks at a time, and above it the last samples of the row before.
#[derive(Debug)]
pub(super) struct Smoothed {
    samples: Vec<u8>,
    stride: usize,
    /// Samples of a macroblock's side: 16 or 8.
    block: usize,
    /// The row of macroblocks that is there.
    row: usize,
    scaler: Scaler,
}

impl Smoothed {
    /// Of a plane with a whole or, for 2, half of the picture's width and height.
    #[expect(clippy::cast_precision_loss, reason = "sides of pictures are exact")]
    pub(super) fn new((width, height): (usize, usize), halves: usize, aim: Aim) -> Self {
        let block = 16 / halves;
        let stride = width.div_ceil(16) * block;
        let exact = |pixels: usize| pixels as f64 / halves as f64;
        let rows = height.div_ceil(halves);
        let shape = Shape { channels: 1, stride, rows, width: exact(width), height: exact(height) };
        Self { samples: Vec::new(), stride, block, row: 0, scaler: aim.scaler(shape, halves == 2) }
    }

    fn length(&self) -> usize {
        (REACH + self.block) * self.stride
    }

    pub(super) fn bytes(&self) -> usize {
        self.length() + self.scaler.bytes()
    }

    pub(super) fn allocate(&mut self) {
        self.samples = vec![0; self.length()];
    }

    /// Takes in the samples of a macroblock.
    pub(super) fn take(&mut self, area: &Area, column: usize) {
        let rows = self.samples[REACH * self.stride..].chunks_exact_mut(self.stride);
        for (row, samples) in rows.zip(area[ORIGIN..].chunks(STRIDE)) {
            row[column * self.block..][..self.block].copy_from_slice(&samples[..self.block]);
        }
    }

    /// Smooths the row of macroblocks, and passes on what will not change any more.
    pub(super) fn end_row(&mut self, edges: &[Edges], simple: bool) {
        match (self.block, simple) {
            (16, true) => self.smooth::<16>(edges, (Kind::Simple, Kind::Simple)),
            (16, false) => self.smooth::<16>(edges, (Kind::Outer, Kind::Inner)),
            (_, true) => {}
            (_, false) => self.smooth::<8>(edges, (Kind::Outer, Kind::Inner)),
        }
        let passed = if self.row == 0 { REACH } else { 0 } * self.stride;
        let kept = self.block * self.stride;
        self.scaler.push(&self.samples[passed..kept]);
        self.samples.copy_within(kept.., 0);
        self.row += 1;
    }

    pub(super) fn finish(mut self) -> Result<Raster, Refusal> {
        self.scaler.push(&self.samples[..REACH * self.stride]);
        self.scaler.finish()
    }

    /// From left to right, and of each macroblock the edges between columns first.
    fn smooth<const N: usize>(&mut self, edges: &[Edges], (outer, inner): (Kind, Kind)) {
        let Self { samples, stride, row, .. } = self;
        for (column, Edges { strength, within }) in edges.iter().enumerate() {
            let Some(strength) = strength else { continue };
            let (outer, inner) = ((outer, strength.outer, strength), (inner, strength.inner, strength));
            let left = column * N;
            if column > 0 {
                between_columns::<N>(samples, *stride, left, outer);
            }
            if *within {
                (4..N).step_by(4).for_each(|x| between_columns::<N>(samples, *stride, left + x, inner));
            }
            if *row > 0 {
                between_rows::<N>(samples, *stride, (left, REACH), outer);
            }
            if *within {
                let rows = (REACH + 4..REACH + N).step_by(4);
                rows.for_each(|y| between_rows::<N>(samples, *stride, (left, y), inner));
            }
        }
    }
}

/// The edge before a column, along all rows of the macroblock.
fn between_columns<const N: usize>(samples: &mut [u8], stride: usize, x: usize, how: How<'_>) {
    let mut across = [[0; N]; 2 * REACH];
    let rows = || (0..N).map(|y| (REACH + y) * stride + x - REACH);
    for (place, at) in rows().enumerate() {
        for (sample, samples) in samples[at..at + 2 * REACH].iter().zip(&mut across) {
            samples[place] = i16::from(*sample) - 128;
        }
    }
    if level(&mut across, how) {
        for (place, at) in rows().enumerate() {
            for (sample, samples) in samples[at..at + 2 * REACH].iter_mut().zip(&across) {
                *sample = as_byte(samples[place]);
            }
        }
    }
}

/// The edge above a row, along all columns of the macroblock.
fn between_rows<const N: usize>(samples: &mut [u8], stride: usize, (x, y): (usize, usize), how: How<'_>) {
    let mut across = [[0; N]; 2 * REACH];
    let rows = || (0..2 * REACH).map(|row| (y - REACH + row) * stride + x);
    for (across, at) in across.iter_mut().zip(rows()) {
        for (level, sample) in across.iter_mut().zip(&samples[at..at + N]) {
            *level = i16::from(*sample) - 128;
        }
    }
    if level(&mut across, how) {
        for (across, at) in across.iter().zip(rows()) {
            for (level, sample) in across.iter().zip(&mut samples[at..at + N]) {
                *sample = as_byte(*level);
            }
        }
    }
}

#[inline]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from -128 to 127, so 0 to 255")]
fn as_byte(level: i16) -> u8 {
    (level + 128) as u8
}

#[inline]
fn clamp(level: i16) -> i16 {
    level.clamp(-128, 127)
}

/// Levels the step of an edge, at all places at once: without a branch, so that the compiler can do many with one instruction. False if
/// there is nothing to do.
#[inline]
fn level<const N: usize>(across: &mut Across<N>, (kind, limit, strength): How<'_>) -> bool {
    let Strength { flat, detail, .. } = *strength;
    // All bits or none.
    let mut small = [0_i16; N];
    for place in 0..N {
        let [p3, p2, p1, p0, q0, q1, q2, q3] = across.each_ref().map(|samples| samples[place]);
        let step = 2 * (p0 - q0).abs() + (p1 - q1).abs() / 2;
        let before = (p3 - p2).abs().max((p2 - p1).abs()).max((p1 - p0).abs());
        let behind = (q3 - q2).abs().max((q2 - q1).abs()).max((q1 - q0).abs());
        let is_flat = kind == Kind::Simple || before.max(behind) <= flat;
        small[place] = -i16::from(step <= limit && is_flat);
    }
    if small == [0; N] {
        return false;
    }
    for place in 0..N {
        let [_, p2, p1, p0, q0, q1, q2, _] = across.each_ref().map(|samples| samples[place]);
        let small = small[place];
        let detailed = -i16::from((p1 - p0).abs().max((q1 - q0).abs()) > detail);
        let with_neighbours = clamp(clamp(p1 - q1) + 3 * (q0 - p0));
        // The two next to the edge, where there is detail and in simple frames.
        let narrow = |change: i16| (clamp(change + 4) >> 3, clamp(change + 3) >> 3);
        let moved = match kind {
            Kind::Simple => {
                let (behind, before) = narrow(with_neighbours & small);
                [0, 0, before, behind, 0, 0]
            }
            Kind::Inner => {
                let without = clamp(3 * (q0 - p0));
                let change = (with_neighbours & detailed) | (without & !detailed);
                let (behind, before) = narrow(change & small);
                let next = ((behind + 1) >> 1) & !detailed & small;
                [0, next, before, behind, next, 0]
            }
            Kind::Outer => {
                let (behind, before) = narrow(with_neighbours & detailed & small);
                let change = with_neighbours & !detailed & small;
                let wide = |share: i16| (share * change + 63) >> 7;
                let [first, second, third] = [wide(27), wide(18), wide(9)];
                [third, second, first + before, first + behind, second, third]
            }
        };
        for (at, (sample, moved)) in [p2, p1, p0, q0, q1, q2].into_iter().zip(moved).enumerate() {
            across[at + 1][place] = clamp(if at < 3 { sample + moved } else { sample - moved });
        }
    }
    true
}

//! A decoder for the photos in lossy WebP files, to be made much smaller.
//!
//! # What a lossy WebP is
//!
//! One frame of VP8 video (RFC 6386): a plane of brightness and two of colour at half the size, cut into *macroblocks* of 16 x 16
//! samples of brightness. Each is predicted from the samples above and to the left of it ([`predict`]); what is missing is written as
//! coefficients, as in JPEG but with an arithmetic code ([`bits`], [`residue`]).
//!
//! # Why our own decoder
//!
//! Every sample has to be made, since the next is predicted from it; there is no short cut as in JPEG. But a decoder for every
//! purpose spends half of its time on what a thumbnail does not show: smoothing the edges of blocks, enlarging the planes of colour,
//! turning everything into RGB. Prediction uses samples from before the smoothing, so it can be left out; its traces vanish when four
//! or more samples become one. Then each macroblock is averaged as soon as it is decoded ([`plane`]). For larger pictures, planes keep
//! their size and are smoothed ([`smooth`]). Each row of macroblocks goes to the filter, so that no large plane is ever in memory.
//!
//! # What it does not do
//!
//! `None` leaves a file to the decoder for every purpose: animations, transparency, and frames that make no sense.

mod bits;
mod header;
mod plane;
mod predict;
mod residue;
mod smooth;
mod tables;

use bits::Bits;
use header::{Header, Quantisation};
use plane::Plane;
use predict::{Area, Mode, ORIGIN, STRIDE, Small};
use residue::Block;
use smooth::Edges;

use crate::raster::Raster;
use crate::refusal::Refusal;
use crate::scale::Aim;

/// Samples of a macroblock's side in each plane.
const SIDES: [usize; 3] = [16, 8, 8];
/// What is above and to the left of the picture.
const BEYOND_TOP: u8 = 127;
const BEYOND_LEFT: u8 = 129;

/// Brightness and colours of a frame, made small, within so many bytes of memory. Values are those of video:
/// [`crate::model::Model::Video`].
pub(crate) fn decode(
    frame: &[u8],
    size: (u32, u32),
    aim: Aim,
    memory: u64,
) -> Option<Result<Vec<Raster>, Refusal>> {
    let (head, rest) = frame.split_first_chunk::<10>()?;
    let tag = u32::from_le_bytes([head[0], head[1], head[2], 0]);
    let side = |at: usize| u32::from(u16::from_le_bytes([head[at], head[at + 1]]) & 0x3FFF);
    if tag & 1 != 0 || head[3..6] != [0x9D, 0x01, 0x2A] || (side(6), side(8)) != size {
        return None;
    }
    let mut planes = Plane::all(size, aim);
    let across = (size.0 as usize).div_ceil(16);
    let needed = needed(&planes, across);
    if needed as u64 > memory {
        return Some(Err(Refusal::TooMuchMemory));
    }
    let (first, rest) = rest.split_at_checked((tag >> 5) as usize)?;
    let mut modes = Bits::new(first);
    let header = Header::read(&mut modes)?;
    let parts = parts(rest, header.parts)?;
    planes.iter_mut().for_each(Plane::allocate);
    let down = (size.1 as usize).div_ceil(16);
    let mut decoder = Decoder { header, modes, planes, across, down, areas: [[0; 17 * STRIDE]; 3] };
    let done = decoder.run(parts);
    Some(match done {
        Some(()) => decoder.planes.into_iter().map(Plane::finish).collect(),
        None => Err(Refusal::damaged("the data ends early")),
    })
}

/// Bytes of memory.
fn needed(planes: &[Plane; 3], across: usize) -> usize {
    planes.iter().map(Plane::bytes).sum::<usize>() + across * (size_of::<Above>() + size_of::<Edges>())
}

/// The parts that the coefficients are in: sizes of all but the last, three bytes each, then the parts (section 9.5).
fn parts(bytes: &[u8], count: usize) -> Option<Vec<Bits<'_>>> {
    let (sizes, mut rest) = bytes.split_at_checked((count - 1) * 3)?;
    let mut parts = Vec::with_capacity(count);
    for size in sizes.as_chunks::<3>().0 {
        let size = u32::from_le_bytes([size[0], size[1], size[2], 0]) as usize;
        let (part, after) = rest.split_at_checked(size)?;
        parts.push(Bits::new(part));
        rest = after;
    }
    parts.push(Bits::new(rest));
    Some(parts)
}

/// What macroblocks below need of the ones above.
#[derive(Debug, Clone, Copy)]
struct Above {
    /// The last row of samples.
    y: [u8; 16],
    colours: [[u8; 8]; 2],
    edge: Edge,
}

/// Of the blocks along an edge of a macroblock: how they were predicted, and which have coefficients.
#[derive(Debug, Clone, Copy, Default)]
struct Edge {
    modes: [Small; 4],
    y: [bool; 4],
    colours: [[bool; 2]; 2],
    means: bool,
}

/// A macroblock's header.
struct Macroblock {
    skip: bool,
    /// `None`: each block on its own.
    mode: Option<Mode>,
    small: [Small; 16],
    colour: Mode,
    segment: usize,
}

/// Coefficients of a macroblock: 16 blocks of brightness, 4 of each colour, and how many each has.
struct Residue {
    blocks: [Block; 24],
    counts: [usize; 24],
}

impl Residue {
    /// Whether anything is added to the prediction.
    fn is_something(&self) -> bool {
        self.blocks.iter().zip(&self.counts).any(|(block, count)| block[0] != 0 || *count > 1)
    }
}

struct Decoder<'a> {
    header: Header,
    modes: Bits<'a>,
    planes: [Plane; 3],
    /// Macroblocks of a row, and rows.
    across: usize,
    down: usize,
    /// The current macroblock in each plane, and what is around it.
    areas: [Area; 3],
}

impl Decoder<'_> {
    /// `None` if the data ends early.
    fn run(&mut self, mut parts: Vec<Bits<'_>>) -> Option<()> {
        let start = Above { y: [BEYOND_TOP; 16], colours: [[BEYOND_TOP; 8]; 2], edge: Edge::default() };
        let mut above = vec![start; self.across];
        let mut edges = vec![Edges::default(); self.across];
        let count = parts.len();
        for row in 0..self.down {
            let part = parts.get_mut(row % count)?;
            let mut left = Edge::default();
            self.begin_row(row);
            for column in 0..self.across {
                let block = self.macroblock(&mut above[column].edge, &mut left);
                let residue = self.residue(part, &block, (&mut above[column].edge, &mut left));
                self.borders(&above, column, row);
                self.rebuild(&block, residue.as_ref(), (row > 0, column > 0));
                self.keep(&mut above[column]);
                edges[column] = self.edges(&block, residue.as_ref());
                for (plane, area) in self.planes.iter_mut().zip(&self.areas) {
                    plane.take(area, column, row);
                }
            }
            if part.is_exhausted() || self.modes.is_exhausted() {
                return None;
            }
            let simple = self.header.simple;
            self.planes.iter_mut().for_each(|plane| plane.end_row(&edges, simple));
        }
        Some(())
    }

    /// What is to the left of a row's first macroblock: its last column, so to say.
    fn begin_row(&mut self, row: usize) {
        for (area, side) in self.areas.iter_mut().zip(SIDES) {
            // The corner belongs to the row above, in the first row to what is beyond the top.
            let corner = if row == 0 { BEYOND_TOP } else { BEYOND_LEFT };
            area[ORIGIN - STRIDE + side - 1] = corner;
            for y in 0..side {
                area[ORIGIN + y * STRIDE + side - 1] = BEYOND_LEFT;
            }
        }
    }

    /// Puts the samples around a macroblock in place: the left ones from the macroblock that was here before.
    fn borders(&mut self, above: &[Above], column: usize, row: usize) {
        let Some(here) = above.get(column) else { return };
        for (area, side) in self.areas.iter_mut().zip(SIDES) {
            for y in 0..=side {
                let at = ORIGIN - STRIDE + y * STRIDE;
                area[at - 1] = area[at + side - 1];
            }
        }
        let top = ORIGIN - STRIDE;
        let [y, colours @ ..] = &mut self.areas;
        y[top..top + 16].copy_from_slice(&here.y);
        // The blocks at the right take the samples above to the right of the macroblock, in all of its rows.
        let right = match above.get(column + 1) {
            _ if row == 0 => [BEYOND_TOP; 4],
            Some(next) => [next.y[0], next.y[1], next.y[2], next.y[3]],
            None => [here.y[15]; 4],
        };
        for row in [0, 4, 8, 12] {
            let at = top + row * STRIDE + 16;
            y[at..at + 4].copy_from_slice(&right);
        }
        for (area, samples) in colours.iter_mut().zip(&here.colours) {
            area[top..top + 8].copy_from_slice(samples);
        }
    }

    /// Keeps what the macroblock below needs.
    fn keep(&self, above: &mut Above) {
        let [y, colours @ ..] = &self.areas;
        let last = ORIGIN + 15 * STRIDE;
        above.y.copy_from_slice(&y[last..last + 16]);
        let last = ORIGIN + 7 * STRIDE;
        for (samples, area) in above.colours.iter_mut().zip(colours) {
            samples.copy_from_slice(&area[last..last + 8]);
        }
    }

    /// Reads a macroblock's header (sections 9.3, 11.2 to 11.4).
    fn macroblock(&mut self, above: &mut Edge, left: &mut Edge) -> Macroblock {
        let bits = &mut self.modes;
        let segment = self.header.segment_tree.map_or(0, |[first, low, high]| {
            if bits.bit(first) { 2 + usize::from(bits.bit(high)) } else { usize::from(bits.bit(low)) }
        });
        let skip = self.header.skip.is_some_and(|zero| bits.bit(zero));
        let mut small = [predict::MEAN; 16];
        let mode = if bits.bit(145) {
            let mode = if bits.bit(156) {
                if bits.bit(128) { Mode::Slope } else { Mode::Left }
            } else if bits.bit(163) {
                Mode::Above
            } else {
                Mode::Mean
            };
            let same = match mode {
                Mode::Mean => predict::MEAN,
                Mode::Above => predict::ABOVE,
                Mode::Left => predict::LEFT,
                Mode::Slope => predict::SLOPE,
            };
            (above.modes, left.modes) = ([same; 4], [same; 4]);
            Some(mode)
        } else {
            for (at, mode) in small.iter_mut().enumerate() {
                let (x, y) = (at % 4, at / 4);
                *mode = small_mode(bits, above.modes[x], left.modes[y]);
                (above.modes[x], left.modes[y]) = (*mode, *mode);
            }
            None
        };
        let colour = if !bits.bit(142) {
            Mode::Mean
        } else if !bits.bit(114) {
            Mode::Above
        } else if bits.bit(183) {
            Mode::Slope
        } else {
            Mode::Left
        };
        Macroblock { skip, mode, small, colour, segment: segment % 4 }
    }

    /// Reads a macroblock's coefficients (section 13). `None` if there are none.
    fn residue(
        &self,
        bits: &mut Bits<'_>,
        macroblock: &Macroblock,
        (above, left): (&mut Edge, &mut Edge),
    ) -> Option<Residue> {
        let own_means = macroblock.mode.is_some();
        if macroblock.skip {
            for edge in [above, left] {
                let means = edge.means && !own_means;
                *edge = Edge { modes: edge.modes, means, ..Edge::default() };
            }
            return None;
        }
        let Quantisation { brightness, means, colour } = self.header.segments[macroblock.segment];
        let kinds = &self.header.kinds;
        let mut residue = Residue { blocks: [[0; 16]; 24], counts: [0; 24] };
        let (kind, first) = if own_means {
            let mut block = [0; 16];
            let context = usize::from(above.means) + usize::from(left.means);
            let count = residue::coefficients(bits, &kinds[1], (0, context), (means, &mut block));
            (above.means, left.means) = (count > 0, count > 0);
            if count > 0 {
                for (block, mean) in residue.blocks.iter_mut().zip(residue::means(&block)) {
                    block[0] = mean;
                }
            }
            (&kinds[0], 1)
        } else {
            (&kinds[3], 0)
        };
        for (at, (block, count)) in residue.blocks[..16].iter_mut().zip(&mut residue.counts).enumerate() {
            let (above, left) = (&mut above.y[at % 4], &mut left.y[at / 4]);
            let context = usize::from(*above) + usize::from(*left);
            *count = residue::coefficients(bits, kind, (first, context), (brightness, block));
            (*above, *left) = (*count > first, *count > first);
        }
        for (at, (block, count)) in residue.blocks[16..].iter_mut().zip(&mut residue.counts[16..]).enumerate()
        {
            let (above, left) = (&mut above.colours[at / 4][at % 2], &mut left.colours[at / 4][at / 2 % 2]);
            let context = usize::from(*above) + usize::from(*left);
            *count = residue::coefficients(bits, &kinds[2], (0, context), (colour, block));
            (*above, *left) = (*count > 0, *count > 0);
        }
        Some(residue)
    }

    fn edges(&self, macroblock: &Macroblock, residue: Option<&Residue>) -> Edges {
        let each = macroblock.mode.is_none();
        let strength = self.header.strengths[macroblock.segment][usize::from(each)];
        Edges { strength, within: each || residue.is_some_and(Residue::is_something) }
    }

    /// Makes the samples.
    fn rebuild(&mut self, macroblock: &Macroblock, residue: Option<&Residue>, edges: (bool, bool)) {
        let [y, colours @ ..] = &mut self.areas;
        if let Some(mode) = macroblock.mode {
            predict::large::<16>(y, mode, edges);
        }
        for at in 0..16 {
            let place = ORIGIN + at / 4 * 4 * STRIDE + at % 4 * 4;
            if macroblock.mode.is_none() {
                predict::small(y, place, macroblock.small[at]);
            }
            add(y, place, residue, at);
        }
        for (index, area) in colours.iter_mut().enumerate() {
            predict::large::<8>(area, macroblock.colour, edges);
            for at in 0..4 {
                add(area, ORIGIN + at / 2 * 4 * STRIDE + at % 2 * 4, residue, 16 + index * 4 + at);
            }
        }
    }
}

#[inline]
fn add(area: &mut Area, place: usize, residue: Option<&Residue>, at: usize) {
    if let Some(residue) = residue {
        let block = &residue.blocks[at];
        if residue.counts[at] > 1 {
            residue::add(area, place, block);
        } else if block[0] != 0 {
            residue::add_mean(area, place, block[0]);
        }
    }
}

/// Section 11.2's tree.
fn small_mode(bits: &mut Bits<'_>, above: Small, left: Small) -> Small {
    let likely = &tables::SMALL_MODES[usize::from(above) % 10][usize::from(left) % 10];
    if !bits.bit(likely[0]) {
        predict::MEAN
    } else if !bits.bit(likely[1]) {
        predict::SLOPE
    } else if !bits.bit(likely[2]) {
        predict::ABOVE
    } else if !bits.bit(likely[3]) {
        if !bits.bit(likely[4]) {
            predict::LEFT
        } else if bits.bit(likely[5]) {
            predict::STEEP_RIGHT
        } else {
            predict::DOWN_RIGHT
        }
    } else if !bits.bit(likely[6]) {
        predict::DOWN_LEFT
    } else if !bits.bit(likely[7]) {
        predict::STEEP_LEFT
    } else if bits.bit(likely[8]) {
        predict::FLAT_UP
    } else {
        predict::FLAT_RIGHT
    }
}

#[cfg(test)]
mod tests;

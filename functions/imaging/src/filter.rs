//! The filter that makes rows and columns smaller: Lanczos with three lobes, the sharpest without visible rings.
//!
//! A sample that is made is a sum of those around its place, each with a weight: `weights` works them out once for all rows and once
//! for all columns. [`down`] adds up rows, [`across`] the samples of a row. Numbers are whole: weights have 14 bits behind the point,
//! and what is between the two passes has 6, as much as 16 bits hold. Before it is rounded, a sample is less than a tenth of a level
//! from what floating point numbers would make of it.
//!
//! Rows are added up first, because [`across`] takes longer for a sample and then has fewer to do. Both work on eight numbers at a time
//! (SSE2 or NEON, by `wide`).

use std::f64::consts::PI;
use std::ops::Range;

use wide::bytemuck::cast;
use wide::{i16x8, i32x4, u8x16};

use crate::lanes::{bytes, words};

/// Lobes of the filter, to each side, in samples of the smaller picture.
const LOBES: f64 = 3.0;
/// Bits behind the point of a weight. The largest is 1.3, at an edge: with its sign it fits in 16 bits.
const WEIGHT: i32 = 14;
/// Bits behind the point of a sample between the passes. Weights that are not negative add up to 1.28 at the most, so that a pass makes at
/// the most 1.28 * 255 of 255, and both 1.7 * 255: times 2^6, that fits in 16 bits.
const BETWEEN: i32 = 6;
/// More than a sum of weights is ever below zero.
const ABOVE: i32 = 1 << 16;
/// A share of a sample that is nothing but rounding.
pub(crate) const ROUNDING: f64 = 1e-6;
/// Samples that [`across`] adds up at a time.
const AT_ONCE: usize = 8;

/// Samples of a row that [`down`] works on at a time.
pub(crate) type Block = [u8; 16];
/// The same between the passes.
pub(crate) type WideBlock = [i16; 16];

/// What is made of a row or a column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Axis {
    /// Samples that come in.
    pub(crate) samples: usize,
    /// Samples that are made.
    pub(crate) count: usize,
    /// Where the first of them begins, and how much each takes, in samples that come in. Beyond the first and the last that come in, these
    /// are repeated.
    pub(crate) begin: f64,
    pub(crate) step: f64,
}

impl Axis {
    /// How far the filter reaches from the middle of a sample that is made, in samples that come in. If samples stay where they are,
    /// each is made of itself alone.
    fn reach(&self) -> f64 {
        let stays = (self.step - 1.0).abs() < ROUNDING && (self.begin - self.begin.round()).abs() < ROUNDING;
        if stays { 0.5 } else { LOBES * self.step.max(1.0) }
    }

    /// Samples that one is made of at the most, as a multiple.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "sides of pictures are exact"
    )]
    fn taps(&self, multiple: usize) -> usize {
        let most = (2.0 * self.reach()).ceil() as usize + 1;
        most.min(self.samples).next_multiple_of(multiple)
    }

    /// Of columns: samples that one is made of, the filling of [`across`] included.
    pub(crate) fn taps_across(&self) -> usize {
        self.taps(AT_ONCE)
    }

    /// Of rows: rows that one is made of at the most, or one more, as [`down`] takes them by twos.
    pub(crate) fn taps_down(&self) -> usize {
        self.taps(2)
    }
}

/// What each sample that is made is made of.
#[derive(Debug, Default)]
pub(crate) struct Weights {
    /// Weights of each.
    taps: usize,
    /// The number of the first sample of each, which never goes down.
    firsts: Vec<usize>,
    values: Vec<i16>,
}

impl Weights {
    pub(crate) fn across(axis: &Axis) -> Self {
        Self::new(axis, axis.taps_across())
    }

    pub(crate) fn down(axis: &Axis) -> Self {
        Self::new(axis, axis.taps_down())
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_possible_wrap,
        clippy::cast_precision_loss,
        reason = "sides of pictures are exact, and weights are small"
    )]
    fn new(axis: &Axis, taps: usize) -> Self {
        let (reach, scale) = (axis.reach(), axis.step.max(1.0));
        // The filter is cut where nothing comes in and the picture ends as well.
        let last = axis.samples.max(1) as i64 - 1;
        let low = ((axis.begin + ROUNDING).floor() as i64).min(0);
        let high = ((axis.begin + axis.step * axis.count as f64 - ROUNDING).ceil() as i64).max(last + 1);
        let mut values = Vec::with_capacity(axis.count * taps);
        let mut exact = vec![0.0; taps];
        let mut first_of = |number: usize| {
            let middle = axis.begin + axis.step * (number as f64 + 0.5);
            let (from, to) = ((middle - reach).floor() as i64, (middle + reach).ceil() as i64);
            let first = from.clamp(0, last);
            exact.fill(0.0);
            for at in from.max(low)..to.min(high) {
                let weight = lanczos((at as f64 + 0.5 - middle) / scale);
                if let Some(sum) = exact.get_mut((at.clamp(0, last) - first) as usize) {
                    *sum += weight;
                }
            }
            let all: f64 = exact.iter().sum();
            // Rounded so that none of all is lost: level areas keep their level.
            let (mut sum, mut given) = (0.0, 0);
            for weight in &exact {
                sum += weight / all;
                // Without a library's function for it, of which there would be a call a weight.
                let rounded = (sum * f64::from(1 << WEIGHT) + f64::from(ABOVE) + 0.5) as i32 - ABOVE;
                values.push((rounded - given) as i16);
                given = rounded;
            }
            first as usize
        };
        let firsts = (0..axis.count).map(&mut first_of).collect();
        Self { taps, firsts, values }
    }

    /// The rows that a row is made of. Those behind the last that comes in have no weight.
    pub(crate) fn span(&self, number: usize) -> Option<Range<usize>> {
        self.firsts.get(number).map(|first| *first..first + self.taps)
    }

    /// The same with the weights of two rows each, as [`down`] wants them; `place` tells where in the ring a row begins.
    pub(crate) fn pairs(&self, number: usize, place: impl Fn(usize) -> usize, pairs: &mut Vec<Pair>) {
        pairs.clear();
        let Some(rows) = self.span(number) else { return };
        let (weights, _) = self.values[number * self.taps..].as_chunks::<2>();
        for (row, [upper, lower]) in rows.step_by(2).zip(weights) {
            pairs.push(Pair { rows: [place(row), place(row + 1)], weights: alternating(*upper, *lower) });
        }
    }
}

/// Where two rows begin in the ring, in blocks, and their weights, one after the other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pair {
    rows: [usize; 2],
    weights: i16x8,
}

fn alternating(even: i16, odd: i16) -> i16x8 {
    i16x8::new([even, odd, even, odd, even, odd, even, odd])
}

/// Adds up rows of the ring.
pub(crate) fn down(ring: &[Block], pairs: &[Pair], line: &mut [WideBlock]) {
    for (column, block) in line.iter_mut().enumerate() {
        let mut sums = [i32x4::splat(1 << (WEIGHT - BETWEEN - 1)); 4];
        for Pair { rows: [upper, lower], weights } in pairs {
            let (Some(upper), Some(lower)) = (ring.get(upper + column), ring.get(lower + column)) else {
                break;
            };
            let (upper, lower) = (u8x16::new(*upper), u8x16::new(*lower));
            // Side by side, a product and the sum of two is one instruction.
            let (left, right) = (u8x16::unpack_low(upper, lower), u8x16::unpack_high(upper, lower));
            sums[0] += i16x8::from_u8x16_low(left).dot(*weights);
            sums[1] += i16x8::from_u8x16_high(left).dot(*weights);
            sums[2] += i16x8::from_u8x16_low(right).dot(*weights);
            sums[3] += i16x8::from_u8x16_high(right).dot(*weights);
        }
        let [a, b, c, d] = sums.map(|sum| sum >> (WEIGHT - BETWEEN));
        *block = cast([words([a, b]), words([c, d])]);
    }
}

/// Makes a row of what [`down`] gave. The line has as many samples behind the picture as the filter may reach; what they are does not
/// matter.
pub(crate) fn across(line: &[i16], weights: &Weights, row: &mut [u8]) {
    match weights.taps / AT_ONCE {
        1 => across_by(line, weights, row, 1),
        2 => across_by(line, weights, row, 2),
        3 => across_by(line, weights, row, 3),
        4 => across_by(line, weights, row, 4),
        steps => across_by(line, weights, row, steps),
    }
}

#[expect(clippy::inline_always, reason = "a loop whose number of steps is known is none")]
#[inline(always)]
fn across_by(line: &[i16], weights: &Weights, row: &mut [u8], steps: usize) {
    let (all, _) = weights.values.as_chunks::<AT_ONCE>();
    // Four sums that add up to a sample.
    let one = |first: usize, weights: &[[i16; AT_ONCE]]| {
        let Some(line) = line.get(first..first + steps * AT_ONCE) else { return i32x4::ZERO };
        let parts = line.as_chunks::<AT_ONCE>().0.iter().zip(weights);
        let sum = parts.fold(i32x4::splat(1 << (WEIGHT - 1)), |sum, (samples, weights)| {
            sum + i16x8::new(*samples).dot(i16x8::new(*weights))
        });
        sum >> WEIGHT
    };
    let of_two = i16x8::splat(1);
    let four = |firsts: &[usize; 4], weights: &[[i16; AT_ONCE]]| {
        let mut weights = weights.chunks_exact(steps);
        let [a, b, c, d] = firsts.map(|first| one(first, weights.next().unwrap_or_default()));
        let (ab, cd) = (words([a, b]).dot(of_two), words([c, d]).dot(of_two));
        words([ab, cd]).dot(of_two)
    };
    let half = i16x8::splat(1 << (BETWEEN - 1));
    let (firsts, last_firsts) = weights.firsts.as_chunks::<8>();
    let (eights, last) = row.as_chunks_mut::<8>();
    let mut groups = all.chunks_exact(steps * 8);
    for ((firsts, weights), samples) in firsts.iter().zip(&mut groups).zip(eights) {
        let ([left, right], _) = firsts.as_chunks::<4>() else { return };
        let (left_weights, right_weights) = weights.split_at(steps * 4);
        let eight = words([four(left, left_weights), four(right, right_weights)]);
        *samples = bytes((eight + half) >> BETWEEN);
    }
    for ((first, weights), sample) in last_firsts.iter().zip(groups.remainder().chunks_exact(steps)).zip(last)
    {
        let sum: i32 = one(*first, weights).to_array().iter().sum();
        *sample = u8::try_from(((sum + (1 << (BETWEEN - 1))) >> BETWEEN).clamp(0, 255)).unwrap_or(255);
    }
}

/// Places of [`LANCZOS`] from one whole number to the next: the error between two is less than a weight's last bit.
const PLACES: usize = 256;

/// sinc(x) sinc(x / 3), from 0 on. Two sines a weight would take as long as a small picture itself.
static LANCZOS: [f32; 3 * PLACES + 2] = {
    let mut table = [0.0; 3 * PLACES + 2];
    let mut at = 0;
    while at < 3 * PLACES {
        table[at] = lanczos_at(at);
        at += 1;
    }
    table
};

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a place of the table, and what is behind it"
)]
fn lanczos(x: f64) -> f64 {
    let at = x.abs() * PLACES as f64;
    let place = at as usize;
    let Some([left, right]) = LANCZOS.get(place..place + 2) else { return 0.0 };
    let (left, right) = (f64::from(*left), f64::from(*right));
    left + (at - place as f64) * (right - left)
}

/// At a place of the table. Of the sine of a third of the angle, that of the whole is known: sin 3a = 3 sin a - 4 sin^3 a.
#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a few digits are enough")]
const fn lanczos_at(place: usize) -> f32 {
    if place == 0 {
        return 1.0;
    }
    let x = place as f64 / PLACES as f64;
    let third = x / LOBES;
    let sine = sine(PI * if third < 0.5 { third } else { 1.0 - third });
    let square = sine * sine;
    (LOBES * square * (3.0 - 4.0 * square) / (PI * PI * x * x)) as f32
}

/// From 0 to half of pi, by Taylor's series: to the ninth digit.
const fn sine(angle: f64) -> f64 {
    const TERMS: [f64; 6] =
        [1.0 / 6_227_020_800.0, -1.0 / 39_916_800.0, 1.0 / 362_880.0, -1.0 / 5040.0, 1.0 / 120.0, -1.0 / 6.0];
    let square = angle * angle;
    let (mut sum, mut at) = (0.0, 0);
    while at < TERMS.len() {
        sum = (sum + TERMS[at]) * square;
        at += 1;
    }
    sum * angle + angle
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filter_is_lanczos() {
        let sinc = |x: f64| if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) };
        for step in -3200..=3200 {
            let x = f64::from(step) / 1000.0;
            let exact = if x.abs() < 3.0 { sinc(x) * sinc(x / 3.0) } else { 0.0 };
            assert!((lanczos(x) - exact).abs() < 1e-5, "{x}: {} {exact}", lanczos(x));
        }
    }
}

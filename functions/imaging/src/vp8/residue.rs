//! What is added to a prediction: coefficients, and the transforms that make samples of them (RFC 6386 sections 13 and 14).

use wide::i16x8;

use super::bits::Bits;
use super::header::Steps;
use super::predict::{Area, STRIDE};
use crate::lanes::bytes;

const ZIGZAG: [u8; 16] = [0, 1, 4, 8, 5, 2, 3, 6, 9, 12, 13, 10, 7, 11, 14, 15];
/// The band of each coefficient.
pub(super) const BANDS: [usize; 16] = [0, 1, 2, 3, 6, 4, 5, 6, 6, 6, 6, 6, 6, 6, 6, 7];
/// Large numbers: how likely each of their bits is 0.
const LARGE: [&[u8]; 4] = [
    &[173, 148, 140],
    &[176, 155, 140, 135],
    &[180, 157, 141, 134, 130],
    &[254, 254, 243, 230, 196, 177, 153, 140, 133, 130, 129],
];

/// The coefficients of a block of 4 x 4.
pub(super) type Block = [i16; 16];

/// Probabilities of one kind of block, for each coefficient and context.
pub(super) type Kind = [[[u8; 11]; 3]; 16];

/// Reads a block's coefficients from the `first` on; those that are not written stay as they are. How many there are, counted up to
/// the last that is not zero.
#[inline]
pub(super) fn coefficients(
    reader: &mut Bits<'_>,
    kind: &Kind,
    (first, context): (usize, usize),
    (steps, block): (Steps, &mut Block),
) -> usize {
    let mut bits = *reader;
    let mut at = first % 16;
    let mut likely = &kind[at][context % 3];
    let count = 'block: {
        loop {
            bits.refill();
            if !bits.quick(likely[0]) {
                break 'block at;
            }
            while !bits.quick(likely[1]) {
                at += 1;
                if at >= 16 {
                    break 'block 16;
                }
                likely = &kind[at][0];
                bits.refill();
            }
            let (size, context) = if bits.quick(likely[2]) { (larger(&mut bits, likely), 2) } else { (1, 1) };
            let value = size * bits.quick_sign() * steps[usize::from(at > 0)];
            block[usize::from(ZIGZAG[at]) % 16] = short(value);
            at += 1;
            if at >= 16 {
                break 'block 16;
            }
            likely = &kind[at][context];
        }
    };
    *reader = bits;
    count
}

/// A number above 1. Its sign is ready then.
#[inline]
fn larger(bits: &mut Bits<'_>, likely: &[u8; 11]) -> i32 {
    let number = if !bits.bit(likely[3]) {
        if bits.bit(likely[4]) { 3 + bits.digit(likely[5]) } else { 2 }
    } else if !bits.bit(likely[6]) {
        if bits.bit(likely[7]) { 7 + 2 * bits.digit(165) + bits.digit(145) } else { 5 + bits.digit(159) }
    } else {
        let upper = usize::from(bits.bit(likely[8]));
        let class = upper * 2 + usize::from(bits.bit(likely[9 + upper]));
        3 + (8 << class) + LARGE[class].iter().fold(0, |number, zero| number * 2 + bits.digit(*zero))
    };
    bits.refill();
    number
}

/// What does not fit was made to break decoders, and may be anything: the largest number times the largest step is less than 2^22.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "no encoder writes what is lost")]
const fn short(value: i32) -> i16 {
    value as i16
}

/// The 16 means of a macroblock's blocks, from the block that they are written in (section 14.3).
pub(super) fn means(block: &Block) -> [i16; 16] {
    let at = |index: usize| i32::from(block[index]);
    let mut half = [0; 16];
    for x in 0..4 {
        let (outer, inner) = (at(x) + at(12 + x), at(4 + x) + at(8 + x));
        let (outer_rest, inner_rest) = (at(x) - at(12 + x), at(4 + x) - at(8 + x));
        half[x] = outer + inner;
        half[4 + x] = outer_rest + inner_rest;
        half[8 + x] = outer - inner;
        half[12 + x] = outer_rest - inner_rest;
    }
    let mut means = [0; 16];
    for (means, half) in means.as_chunks_mut::<4>().0.iter_mut().zip(half.as_chunks::<4>().0) {
        let [a, b, c, d] = *half;
        let (outer, inner, inner_rest, outer_rest) = (a + 3 + d, b + c, b - c, a + 3 - d);
        *means = [outer + inner, outer_rest + inner_rest, outer - inner, outer_rest - inner_rest]
            .map(|value| short(value >> 3));
    }
    means
}

/// Adds a block to what was predicted (section 14.4).
#[inline]
pub(super) fn add(area: &mut Area, at: usize, block: &Block) {
    let rows: [Row; 4] = std::array::from_fn(|y| four(std::array::from_fn(|x| block[4 * y + x])));
    let [first, rest @ ..] = turned(transformed(rows));
    let [second, third, last] = rest;
    // 4: to round.
    let rows = turned(transformed([first + Row::splat(4), second, third, last]));
    for (y, row) in rows.into_iter().enumerate() {
        add_row(area, at + y * STRIDE, row >> 3_i32);
    }
}

/// The same for a block that is nothing but its mean.
#[inline]
pub(super) fn add_mean(area: &mut Area, at: usize, mean: i16) {
    let mean = (Row::splat(mean) + Row::splat(4)) >> 3_i32;
    for y in 0..4 {
        add_row(area, at + y * STRIDE, mean);
    }
}

/// Four values in one register, and four of which nothing is made. They hold 16 bits, as in libwebp: only blocks that no encoder writes
/// are too large for them.
type Row = i16x8;

#[inline]
fn four([a, b, c, d]: [i16; 4]) -> Row {
    Row::new([a, b, c, d, 0, 0, 0, 0])
}

/// One direction of the transform, for four columns at once.
#[inline]
fn transformed([a, b, c, d]: [Row; 4]) -> [Row; 4] {
    // sqrt(2) * cos(pi / 8) and sqrt(2) * sin(pi / 8), times 65536, less 65536: factors must have 16 bits.
    let long = |row: Row| row + row.mul_keep_high(Row::splat(20_091));
    let brief = |row: Row| row + row.mul_keep_high(Row::splat(-30_068));
    let (sum, difference) = (a + c, a - c);
    let (low, high) = (brief(b) - long(d), long(b) + brief(d));
    [sum + high, difference + low, difference - low, sum - high]
}

/// Rows become columns.
#[inline]
fn turned(rows: [Row; 4]) -> [Row; 4] {
    let rows = rows.map(Row::to_array);
    std::array::from_fn(|x| four(rows.map(|row| row[x])))
}

#[inline]
fn add_row(area: &mut Area, at: usize, row: Row) {
    let samples = &mut area[at..at + 4];
    let sums = four(std::array::from_fn(|x| samples[x].into())) + row;
    samples.copy_from_slice(&bytes(sums)[..4]);
}

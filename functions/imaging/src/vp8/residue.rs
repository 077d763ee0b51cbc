//! What is added to a prediction: coefficients, and the transforms that make samples of them (RFC 6386 sections 13 and 14).

use super::bits::Bits;
use super::header::Steps;
use super::predict::{Area, STRIDE, clamp};

const ZIGZAG: [u8; 16] = [0, 1, 4, 8, 5, 2, 3, 6, 9, 12, 13, 10, 7, 11, 14, 15];
/// The band of each coefficient, and of the one behind the last, which is not read.
pub(super) const BANDS: [usize; 17] = [0, 1, 2, 3, 6, 4, 5, 6, 6, 6, 6, 6, 6, 6, 6, 7, 0];
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
pub(super) type Kind = [[[u8; 11]; 3]; 17];

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
    let set = |at: usize, context: usize| &kind[at.min(16)][context.min(2)];
    let mut at = first;
    let mut likely = set(at, context);
    let count = 'block: {
        while at < 16 {
            if !bits.bit(likely[0]) {
                break 'block at;
            }
            while !bits.bit(likely[1]) {
                at += 1;
                if at == 16 {
                    break 'block 16;
                }
                likely = set(at, 0);
            }
            let (size, context) = if bits.bit(likely[2]) { (larger(&mut bits, likely), 2) } else { (1, 1) };
            let sign = -i32::from(bits.flag());
            let value = (size ^ sign) - sign;
            block[usize::from(ZIGZAG[at % 16]) % 16] = short(value * steps[usize::from(at > 0)]);
            at += 1;
            likely = set(at, context);
        }
        16
    };
    *reader = bits;
    count
}

/// A number above 1.
#[inline]
fn larger(bits: &mut Bits<'_>, likely: &[u8; 11]) -> i32 {
    if !bits.bit(likely[3]) {
        return if bits.bit(likely[4]) { 3 + i32::from(bits.bit(likely[5])) } else { 2 };
    }
    if !bits.bit(likely[6]) {
        return if bits.bit(likely[7]) {
            7 + 2 * i32::from(bits.bit(165)) + i32::from(bits.bit(145))
        } else {
            5 + i32::from(bits.bit(159))
        };
    }
    let upper = bits.bit(likely[8]);
    let class = usize::from(upper) * 2 + usize::from(bits.bit(likely[9 + usize::from(upper)]));
    let extra = LARGE[class].iter().fold(0, |number, zero| number * 2 + i32::from(bits.bit(*zero)));
    3 + (8 << class) + extra
}

/// The largest number times the largest step is less than 2^22; what does not fit was made to break decoders.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "clamped")]
fn short(value: i32) -> i16 {
    value.clamp(-32_768, 32_767) as i16
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
    // sqrt(2) * cos(pi / 8) - 1 and sqrt(2) * sin(pi / 8), times 65536. Only blocks that no encoder writes are too large for it.
    let long = |value: i32| value + (value.wrapping_mul(20_091) >> 16);
    let brief = |value: i32| value.wrapping_mul(35_468) >> 16;
    let turn = |[a, b, c, d]: [i32; 4]| {
        let (sum, difference) = (a + c, a - c);
        let (low, high) = (brief(b) - long(d), long(b) + brief(d));
        [sum + high, difference + low, difference - low, sum - high]
    };
    let mut half = [[0; 4]; 4];
    for x in 0..4 {
        half[x] = turn([0, 4, 8, 12].map(|row| i32::from(block[row + x])));
    }
    for y in 0..4 {
        let row = turn([half[0][y] + 4, half[1][y], half[2][y], half[3][y]]);
        let samples = &mut area[at + y * STRIDE..at + y * STRIDE + 4];
        for (sample, value) in samples.iter_mut().zip(row) {
            *sample = clamp(i32::from(*sample) + (value >> 3));
        }
    }
}

/// The same for a block that is nothing but its mean.
#[inline]
pub(super) fn add_mean(area: &mut Area, at: usize, mean: i16) {
    let mean = (i32::from(mean) + 4) >> 3;
    for y in 0..4 {
        for sample in &mut area[at + y * STRIDE..at + y * STRIDE + 4] {
            *sample = clamp(i32::from(*sample) + mean);
        }
    }
}

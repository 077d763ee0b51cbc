//! From frequencies back to samples, at the size that is wanted.
//!
//! A block of 8 x 8 samples is stored as 64 amplitudes of cosine waves: the first is the block's mean, the last the finest
//! chequered pattern. Adding the waves up gives the samples. Whoever wants the picture at a quarter of its size needs no
//! pattern that is finer than two samples a block: 2 x 2 samples are made from the 2 x 2 lowest frequencies, without ever
//! making the 64. The same goes for 1 x 1 and 4 x 4.

use wide::bytemuck::cast;
use wide::f32x4;

use super::header::ZIGZAG;
use crate::lanes::{bytes, words};

/// Samples of a block's side that can be made.
pub(super) const SIDES: [usize; 4] = [1, 2, 4, 8];

/// For a side: the last coefficient, in stored order, that it needs.
pub(super) const fn last_needed(side: usize) -> usize {
    match side {
        1 => 0,
        2 => 4,
        4 => 24,
        _ => 63,
    }
}

/// How much of a wave of half a block's height is kept when a block becomes 2 x 2 samples. 1 keeps all, which leaves sharp steps
/// from one block to the next; the mean of each quarter of the block would keep 0.906. In between comes closest to a picture that
/// was decoded whole and then made smaller.
const HALF_WAVE: f32 = 0.95;

/// Amplitudes of a block, column by column: the first eight are the waves that do not change from left to right.
pub(super) type Block = [f32; 64];

/// Where in a [`Block`] the coefficients stand, in stored order: in zigzag from low to high frequencies (ITU-T T.81 figure 5).
pub(super) const PLACES: [u8; 64] = places();

const fn places() -> [u8; 64] {
    let mut places = [0; 64];
    let mut at = 0;
    while at < 64 {
        places[at] = ZIGZAG[at] % 8 * 8 + ZIGZAG[at] / 8;
        at += 1;
    }
    places
}

/// Writes a block's samples into a plane, `side` x `side` of them, upper left at `at`.
#[inline]
pub(super) fn write(side: usize, block: &Block, plane: &mut [u8], at: (usize, usize)) {
    match side {
        1 => rows([[levels([block[0] / 8.0; 8])[0]]], plane, at),
        2 => {
            let [a, b, c, d, ..] = levels(cast([two(block); 2]));
            rows([[a, b], [c, d]], plane, at);
        }
        4 => rows(cast::<_, [[u8; 4]; 4]>(cast::<_, [[f32; 8]; 2]>(four(block)).map(levels)), plane, at),
        _ => rows(eight(block).map(levels), plane, at),
    }
}

#[inline]
fn rows<const N: usize>(block: [[u8; N]; N], plane: &mut [u8], (at, stride): (usize, usize)) {
    for (y, row) in block.iter().enumerate() {
        let from = at + y * stride;
        if let Some(samples) = plane.get_mut(from..from + N) {
            samples.copy_from_slice(row);
        }
    }
}

/// Samples from their distances to middle grey.
#[inline]
fn levels(values: [f32; 8]) -> [u8; 8] {
    // What is too large for a whole number would become the smallest; what is too small may.
    let whole = cast::<_, [f32x4; 2]>(values)
        .map(|values| (values + f32x4::splat(128.0)).fast_min(f32x4::splat(255.0)).fast_round_int());
    bytes(words(whole))
}

/// Two samples above two.
#[inline]
fn two(block: &Block) -> f32x4 {
    let factors = |[a, b, c, d]: [f32; 4]| f32x4::new([a / 8.0, b / 8.0, c / 8.0, d / 8.0]);
    let (one, half, both) = (1.0, HALF_WAVE, HALF_WAVE * HALF_WAVE);
    f32x4::splat(block[0]) * factors([one, one, one, one])
        + f32x4::splat(block[8]) * factors([half, -half, half, -half])
        + f32x4::splat(block[1]) * factors([half, half, -half, -half])
        + f32x4::splat(block[9]) * factors([both, -both, -both, both])
}

/// cos(n * pi / 16) / 2 for n = 1 to 7.
const C1: f32 = 0.490_392_64;
const C2: f32 = 0.461_939_77;
const C3: f32 = 0.415_734_8;
const C4: f32 = 0.353_553_4;
const C5: f32 = 0.277_785_12;
const C6: f32 = 0.191_341_72;
const C7: f32 = 0.097_545_16;

/// First for all columns what the waves from left to right add up to, then the same from top to bottom. Amplitudes of one frequency
/// stand together, so each step is done with eight of them at once.
#[inline]
fn eight(block: &Block) -> [[f32; 8]; 8] {
    let (columns, _) = block.as_chunks::<8>();
    let columns = std::array::from_fn(|column| columns[column]);
    eight_waves(&transposed(&eight_waves(&columns)))
}

#[inline]
fn four(block: &Block) -> [[f32; 4]; 4] {
    let columns = std::array::from_fn(|column| std::array::from_fn(|row| block[column * 8 + row]));
    four_waves(&transposed(&four_waves(&columns)))
}

#[inline]
fn transposed<const N: usize>(rows: &[[f32; N]; N]) -> [[f32; N]; N] {
    std::array::from_fn(|column| std::array::from_fn(|row| rows[row][column]))
}

/// The sum of some of the vectors, each by its factor.
#[inline]
fn sum<const N: usize, const M: usize>(terms: [(&[f32; N], f32); M]) -> [f32; N] {
    std::array::from_fn(|lane| terms.iter().map(|(vector, factor)| vector[lane] * factor).sum())
}

#[inline]
fn plus<const N: usize>(left: &[f32; N], right: &[f32; N]) -> [f32; N] {
    std::array::from_fn(|lane| left[lane] + right[lane])
}

#[inline]
fn minus<const N: usize>(left: &[f32; N], right: &[f32; N]) -> [f32; N] {
    std::array::from_fn(|lane| left[lane] - right[lane])
}

/// Waves of even frequency are the same from both ends, those of odd frequency change sign: half of the products are enough.
#[inline]
fn eight_waves<const N: usize>([w0, w1, w2, w3, w4, w5, w6, w7]: &[[f32; N]; 8]) -> [[f32; N]; 8] {
    let (low, high) = (sum([(w0, C4), (w4, C4)]), sum([(w0, C4), (w4, -C4)]));
    let (outer, inner) = (sum([(w2, C2), (w6, C6)]), sum([(w2, C6), (w6, -C2)]));
    let even = [plus(&low, &outer), plus(&high, &inner), minus(&high, &inner), minus(&low, &outer)];
    let odd = [
        sum([(w1, C1), (w3, C3), (w5, C5), (w7, C7)]),
        sum([(w1, C3), (w3, -C7), (w5, -C1), (w7, -C5)]),
        sum([(w1, C5), (w3, -C1), (w5, C7), (w7, C3)]),
        sum([(w1, C7), (w3, -C5), (w5, C3), (w7, -C1)]),
    ];
    [
        plus(&even[0], &odd[0]),
        plus(&even[1], &odd[1]),
        plus(&even[2], &odd[2]),
        plus(&even[3], &odd[3]),
        minus(&even[3], &odd[3]),
        minus(&even[2], &odd[2]),
        minus(&even[1], &odd[1]),
        minus(&even[0], &odd[0]),
    ]
}

/// The same for blocks of 4, scaled so that blocks of 8 become such.
#[inline]
fn four_waves<const N: usize>([w0, w1, w2, w3]: &[[f32; N]; 4]) -> [[f32; N]; 4] {
    let (low, high) = (sum([(w0, C4), (w2, C4)]), sum([(w0, C4), (w2, -C4)]));
    let (outer, inner) = (sum([(w1, C2), (w3, C6)]), sum([(w1, C6), (w3, -C2)]));
    [plus(&low, &outer), plus(&high, &inner), minus(&high, &inner), minus(&low, &outer)]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition of the transform, wave by wave (ITU-T T.81 A.3.3).
    fn defined(block: &[f32; 64], x: f32, y: f32) -> f32 {
        let scale = |u: usize| if u == 0 { std::f32::consts::FRAC_1_SQRT_2 } else { 1.0 };
        let wave = |u: usize, at: f32| ((2.0 * at + 1.0) * u as f32 * std::f32::consts::PI / 16.0).cos();
        let sum: f32 = (0..64)
            .map(|at| {
                let (u, v) = (at / 8, at % 8);
                block[at] * scale(u) * scale(v) * wave(u, x) * wave(v, y)
            })
            .sum();
        sum / 4.0 + 128.0
    }

    fn sample(side: usize, block: &[f32; 64]) -> Vec<u8> {
        let mut plane = vec![0; side * side];
        write(side, block, &mut plane, (0, side));
        plane
    }

    #[test]
    fn eight_samples_are_what_the_standard_says() {
        for at in 0..64 {
            let mut block = [0.0; 64];
            block[at] = 300.0;
            block[0] += 40.0;
            for (index, seen) in sample(8, &block).into_iter().enumerate() {
                let exact = defined(&block, (index % 8) as f32, (index / 8) as f32);
                assert!((f32::from(seen) - exact.clamp(0.0, 255.0)).abs() <= 0.51, "{at} {index}");
            }
        }
    }

    #[test]
    fn low_frequencies_look_the_same_at_every_size() {
        let mut block = [0.0; 64];
        (block[0], block[1], block[8], block[9]) = (100.0, 200.0, -80.0, 30.0);
        let exact = sample(8, &block);
        for side in [2, 4] {
            let small = sample(side, &block);
            let step = 8 / side;
            for (index, seen) in small.into_iter().enumerate() {
                let (left, top) = (index % side * step, index / side * step);
                let mean = (0..step * step)
                    .map(|at| u32::from(exact[(top + at / step) * 8 + left + at % step]))
                    .sum::<u32>() as f32
                    / (step * step) as f32;
                assert!((f32::from(seen) - mean).abs() < 5.0, "{side} {index}: {seen} {mean}");
            }
        }
        // 140.5: halves become even.
        assert_eq!(sample(1, &block), [140]);
    }

    #[test]
    fn absurd_amplitudes_end_as_black_or_white() {
        for value in [f32::MAX, -1e9, 2e9] {
            for side in SIDES {
                assert!(sample(side, &[value; 64]).iter().any(|sample| matches!(sample, 0 | 255)));
            }
        }
    }
}

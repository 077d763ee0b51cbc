//! From frequencies back to samples, at the size that is wanted.
//!
//! A block of 8 x 8 samples is stored as 64 amplitudes of cosine waves: the first is the block's mean, the last the finest
//! chequered pattern. Adding the waves up gives the samples. Whoever wants the picture at a quarter of its size needs no
//! pattern that is finer than two samples a block: 2 x 2 samples are made from the 2 x 2 lowest frequencies, without ever
//! making the 64. The same goes for 1 x 1 and 4 x 4.

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

/// Writes a block's samples into a plane, `side` x `side` of them, upper left at `at`.
#[inline]
pub(super) fn write(side: usize, block: &[f32; 64], plane: &mut [u8], (at, stride): (usize, usize)) {
    match side {
        1 => {
            if let Some(sample) = plane.get_mut(at) {
                *sample = level(block[0] / 8.0);
            }
        }
        2 => two(block, plane, (at, stride)),
        4 => separable(&FOUR, block, plane, (at, stride)),
        _ => separable(&EIGHT, block, plane, (at, stride)),
    }
}

/// A sample from its distance to middle grey.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` keeps it between 0 and 255"
)]
fn level(value: f32) -> u8 {
    (value + 128.5) as u8
}

#[inline]
fn two(block: &[f32; 64], plane: &mut [u8], (at, stride): (usize, usize)) {
    let mean = block[0] / 8.0;
    let across = block[1] * (HALF_WAVE / 8.0);
    let down = block[8] * (HALF_WAVE / 8.0);
    let both = block[9] * (HALF_WAVE * HALF_WAVE / 8.0);
    let rows = [
        [mean + across + down + both, mean - across + down - both],
        [mean + across - down - both, mean - across - down + both],
    ];
    for (y, row) in rows.into_iter().enumerate() {
        if let Some(samples) = plane.get_mut(at + y * stride..at + y * stride + 2) {
            samples.copy_from_slice(&row.map(level));
        }
    }
}

/// `waves[u][x]`: the wave of frequency `u` at sample `x`, scaled so that blocks of 8 become blocks of `N`.
type Waves<const N: usize> = [[f32; N]; N];

/// cos(n * pi / 16) / 2 for n = 1 to 7.
const C1: f32 = 0.490_392_64;
const C2: f32 = 0.461_939_77;
const C3: f32 = 0.415_734_8;
const C4: f32 = 0.353_553_4;
const C5: f32 = 0.277_785_12;
const C6: f32 = 0.191_341_72;
const C7: f32 = 0.097_545_16;

const FOUR: Waves<4> = [[C4, C4, C4, C4], [C2, C6, -C6, -C2], [C4, -C4, -C4, C4], [C6, -C2, C2, -C6]];

const EIGHT: Waves<8> = [
    [C4, C4, C4, C4, C4, C4, C4, C4],
    [C1, C3, C5, C7, -C7, -C5, -C3, -C1],
    [C2, C6, -C6, -C2, -C2, -C6, C6, C2],
    [C3, -C7, -C1, -C5, C5, C1, C7, -C3],
    [C4, -C4, -C4, C4, C4, -C4, -C4, C4],
    [C5, -C1, C7, C3, -C3, -C7, C1, -C5],
    [C6, -C2, C2, -C6, -C6, C2, -C2, C6],
    [C7, -C5, C3, -C1, C1, -C3, C5, -C7],
];

/// Rows first, then columns: 2 x N additions a sample instead of N x N.
fn separable<const N: usize>(
    waves: &Waves<N>,
    block: &[f32; 64],
    plane: &mut [u8],
    (at, stride): (usize, usize),
) {
    let mut rows = [[0.0; N]; N];
    for (row, coefficients) in rows.iter_mut().zip(block.chunks_exact(8)) {
        for (coefficient, wave) in coefficients.iter().zip(waves) {
            for (sample, amplitude) in row.iter_mut().zip(wave) {
                *sample += coefficient * amplitude;
            }
        }
    }
    for y in 0..N {
        let mut samples = [0.0; N];
        for (row, wave) in rows.iter().zip(waves) {
            for (sample, value) in samples.iter_mut().zip(row) {
                *sample += value * wave[y];
            }
        }
        if let Some(target) = plane.get_mut(at + y * stride..at + y * stride + N) {
            target.copy_from_slice(&samples.map(level));
        }
    }
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
                let (v, u) = (at / 8, at % 8);
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
        assert_eq!(sample(1, &block), [141]);
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

//! What a block is expected to look like, from the samples above and to the left of it (RFC 6386 section 12).

/// How a macroblock, or its colours, are predicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// The mean of what is around.
    Mean,
    /// The row above.
    Above,
    /// The column to the left.
    Left,
    /// The row above, raised and lowered as the column to the left.
    Slope,
}

/// How a block of 4 x 4 is predicted: an index of [`super::tables::SMALL_MODES`].
pub(super) type Small = u8;
pub(super) const MEAN: Small = 0;
pub(super) const SLOPE: Small = 1;
pub(super) const ABOVE: Small = 2;
pub(super) const LEFT: Small = 3;
pub(super) const DOWN_LEFT: Small = 4;
pub(super) const DOWN_RIGHT: Small = 5;
pub(super) const STEEP_RIGHT: Small = 6;
pub(super) const STEEP_LEFT: Small = 7;
pub(super) const FLAT_RIGHT: Small = 8;
pub(super) const FLAT_UP: Small = 9;

/// Samples of a row of [`Area`].
pub(super) const STRIDE: usize = 32;
/// Where the samples of a macroblock begin: behind the row above and the column to the left.
pub(super) const ORIGIN: usize = STRIDE + 8;
/// A macroblock with the row above it, the column to the left, and four samples above to the right.
pub(super) type Area = [u8; 17 * STRIDE];

#[inline]
fn clamp(value: i32) -> u8 {
    u8::try_from(value.clamp(0, 255)).unwrap_or_default()
}

/// Predicts `SIDE` x `SIDE` samples; `edges` says whether there is something above, and to the left.
pub(super) fn large<const SIDE: usize>(area: &mut Area, mode: Mode, edges: (bool, bool)) {
    let mut above = [0; SIDE];
    above.copy_from_slice(&area[ORIGIN - STRIDE..ORIGIN - STRIDE + SIDE]);
    let left: [u8; SIDE] = std::array::from_fn(|y| area[ORIGIN + y * STRIDE - 1]);
    let corner = i32::from(area[ORIGIN - STRIDE - 1]);
    let mean = mean(&above, &left, edges);
    for (y, left) in left.into_iter().enumerate() {
        let row = &mut area[ORIGIN + y * STRIDE..ORIGIN + y * STRIDE + SIDE];
        match mode {
            Mode::Mean => row.fill(mean),
            Mode::Above => row.copy_from_slice(&above),
            Mode::Left => row.fill(left),
            Mode::Slope => {
                let rise = i32::from(left) - corner;
                for (sample, above) in row.iter_mut().zip(&above) {
                    *sample = clamp(i32::from(*above) + rise);
                }
            }
        }
    }
}

fn mean(above: &[u8], left: &[u8], edges: (bool, bool)) -> u8 {
    let sum = |samples: &[u8]| samples.iter().map(|sample| u32::from(*sample)).sum::<u32>();
    let side = u32::try_from(above.len()).unwrap_or(16);
    let (sum, count) = match edges {
        (true, true) => (sum(above) + sum(left), 2 * side),
        (true, false) => (sum(above), side),
        (false, true) => (sum(left), side),
        (false, false) => return 128,
    };
    u8::try_from((sum + count / 2) / count).unwrap_or(255)
}

/// Predicts the 4 x 4 samples at a place of the area.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "means of bytes are bytes")]
pub(super) fn small(area: &mut Area, at: usize, mode: Small) {
    // From the lower left over the corner to the upper right.
    let mut edge = [0_u8; 13];
    for (y, sample) in edge[..4].iter_mut().rev().enumerate() {
        *sample = area[at + y * STRIDE - 1];
    }
    edge[4..].copy_from_slice(&area[at - STRIDE - 1..at - STRIDE + 8]);
    let e = |at: usize| u32::from(edge[at]);
    let two = |a: usize| ((e(a) + e(a + 1) + 1) >> 1) as u8;
    // The weighted mean around a sample.
    let three = |a: usize| ((e(a - 1) + 2 * e(a) + e(a + 1) + 2) >> 2) as u8;
    let ends = |a: usize, b: usize| ((e(a) + 3 * e(b) + 2) >> 2) as u8;
    let rows: [[u8; 4]; 4] = match mode {
        MEAN => {
            let sum: u32 = (0..4).map(|at| e(at) + e(at + 5)).sum();
            [[((sum + 4) >> 3) as u8; 4]; 4]
        }
        SLOPE => std::array::from_fn(|y| {
            let rise = i32::from(edge[3 - y]) - i32::from(edge[4]);
            std::array::from_fn(|x| clamp(i32::from(edge[5 + x]) + rise))
        }),
        ABOVE => [[three(5), three(6), three(7), three(8)]; 4],
        LEFT => [[three(3); 4], [three(2); 4], [three(1); 4], [ends(1, 0); 4]],
        DOWN_LEFT => {
            let wave = [three(6), three(7), three(8), three(9), three(10), three(11), ends(11, 12)];
            std::array::from_fn(|y| [wave[y], wave[y + 1], wave[y + 2], wave[y + 3]])
        }
        DOWN_RIGHT => {
            let wave = [three(1), three(2), three(3), three(4), three(5), three(6), three(7)];
            std::array::from_fn(|y| [wave[3 - y], wave[4 - y], wave[5 - y], wave[6 - y]])
        }
        STEEP_RIGHT => [
            [two(4), two(5), two(6), two(7)],
            [three(4), three(5), three(6), three(7)],
            [three(3), two(4), two(5), two(6)],
            [three(2), three(4), three(5), three(6)],
        ],
        STEEP_LEFT => [
            [two(5), two(6), two(7), two(8)],
            [three(6), three(7), three(8), three(9)],
            [two(6), two(7), two(8), three(10)],
            [three(7), three(8), three(9), three(11)],
        ],
        FLAT_RIGHT => [
            [two(3), three(4), three(5), three(6)],
            [two(2), three(3), two(3), three(4)],
            [two(1), three(2), two(2), three(3)],
            [two(0), three(1), two(1), three(2)],
        ],
        _ => [
            [two(2), three(2), two(1), three(1)],
            [two(1), three(1), two(0), ends(1, 0)],
            [two(0), ends(1, 0), edge[0], edge[0]],
            [edge[0]; 4],
        ],
    };
    for (y, row) in rows.into_iter().enumerate() {
        area[at + y * STRIDE..at + y * STRIDE + 4].copy_from_slice(&row);
    }
}

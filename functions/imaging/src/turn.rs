//! Turns pictures upright, while they are made.

use crate::exif::Orientation;

/// Rows that are turned at a time: as many as the processor's nearest cache holds.
pub(crate) const TILE: usize = 32;

/// Puts some rows of a stored picture where they belong in the upright one. The size is that of the stored picture, `first` the
/// number of the first of the rows.
pub(crate) fn place<const N: usize>(
    rows: &[[u8; N]],
    first: usize,
    (width, height): (usize, usize),
    orientation: Orientation,
    picture: &mut [[u8; N]],
) {
    let (columns, from_below) = orientation.reversed();
    let count = rows.len() / width.max(1);
    // Where rows come to lie: as rows again or as columns, counted from above or from the left.
    let span = |from: usize, to: usize| {
        if from_below { height - first - to..height - first - from } else { first + from..first + to }
    };
    if !orientation.turns() {
        for (number, row) in rows.chunks_exact(width.max(1)).enumerate() {
            let at = span(number, number + 1).start * width;
            let target = &mut picture[at..at + width];
            target.copy_from_slice(row);
            if columns {
                target.reverse();
            }
        }
        return;
    }
    for from in (0..count).step_by(TILE) {
        let to = count.min(from + TILE);
        let span = span(from, to);
        for column in 0..width {
            let line = if columns { width - 1 - column } else { column } * height;
            let target = &mut picture[line + span.start..line + span.end];
            let source = rows[from * width + column..].iter().step_by(width);
            if from_below {
                target.iter_mut().rev().zip(source).for_each(|(target, pixel)| *target = *pixel);
            } else {
                target.iter_mut().zip(source).for_each(|(target, pixel)| *target = *pixel);
            }
        }
    }
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
        fn every_pixel_comes_where_it_belongs(
            width in 1_usize..80,
            height in 1_usize..80,
            at_once in 1_usize..80,
            tag in 1_u16..=8,
        ) {
            let orientation = Orientation::from_tag(tag);
            let pixel = |x: usize, y: usize| [x as u8, y as u8, (x * y) as u8];
            let pixels: Vec<[u8; 3]> = (0..height).flat_map(|y| (0..width).map(move |x| pixel(x, y))).collect();
            let mut turned = vec![[0; 3]; pixels.len()];
            for (number, rows) in pixels.chunks(width * at_once).enumerate() {
                place(rows, number * at_once, (width, height), orientation, &mut turned);
            }
            let across = if orientation.turns() { height } else { width };
            for (at, seen) in turned.into_iter().enumerate() {
                let (x, y) = stored(orientation, (at % across, at / across), (width - 1, height - 1));
                prop_assert_eq!(seen, pixel(x, y));
            }
        }
    }
}

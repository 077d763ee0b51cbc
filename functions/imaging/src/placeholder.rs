//! What stands for a photo until a picture of it is there: a blurred likeness of some 25 bytes, and one colour.
//!
//! Both are made of the smallest picture that is made anyway, made smaller once more, so they cost next to nothing.

use thumbhash::rgba_to_thumb_hash;

use crate::refusal::Refusal;
use crate::small::Small;
use crate::target::{Format, Target};

/// What stands for a photo until a picture of it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placeholder {
    /// A blurred likeness of the upright photo in sRGB, as [ThumbHash](https://evanw.github.io/thumbhash/): 16 to 25 bytes. What is
    /// transparent lies on white.
    pub thumbhash: Vec<u8>,
    /// Red, green and blue in sRGB of the colour that the photo has most of.
    pub color: [u8; 3],
}

/// More pixels would not change anything: the likeness has at most seven waves a side, and the time grows with the pixels. The
/// format's own limit is 100 a side.
pub(crate) const ENOUGH: Target = Target { max_width: 64, max_height: 64, format: Format::Jpeg, quality: 80 };

impl Placeholder {
    /// Of a picture that is upright and in sRGB.
    pub(crate) fn of(small: &Small) -> Result<Self, Refusal> {
        let (width, height) = small.size();
        let side = |side: usize| u32::try_from(side.max(1)).map_err(Refusal::damaged);
        let (width, height) = ENOUGH.fit(side(width)?, side(height)?);
        let pixels = small.miniature((width, height))?;
        let rgba: Vec<u8> = pixels.iter().flat_map(|[red, green, blue]| [*red, *green, *blue, 255]).collect();
        let thumbhash = rgba_to_thumb_hash(width as usize, height as usize, &rgba);
        Ok(Self { thumbhash, color: dominant(&pixels) })
    }
}

/// Levels of a channel that count as about the same colour: 32, and cubes of that size begin at every 16th level.
const STEP: u8 = 16;
/// Cubes in each direction: the first and the last reach beyond the colours that there are.
const CUBES: usize = 256 / STEP as usize + 1;

/// The mean of those pixels that have about the same colour, of the colour that most have. Colours are counted in cubes of 32 levels
/// a side. Cubes overlap by half, so each colour is in eight of them, and in one it is well inside: a sky that gets lighter is
/// not cut in two by an edge between cubes.
fn dominant(pixels: &[[u8; 3]]) -> [u8; 3] {
    let cubes = |[red, green, blue]: [u8; 3]| -> [usize; 8] {
        std::array::from_fn(|corner| {
            let along = |level: u8, axis: usize| usize::from(level / STEP) + (corner >> axis & 1);
            (along(red, 0) * CUBES + along(green, 1)) * CUBES + along(blue, 2)
        })
    };
    let mut counts = vec![0_u32; CUBES * CUBES * CUBES];
    for cube in pixels.iter().flat_map(|pixel| cubes(*pixel)) {
        if let Some(count) = counts.get_mut(cube) {
            *count += 1;
        }
    }
    let fullest = counts.iter().enumerate().max_by_key(|(_, count)| **count).map_or(0, |(cube, _)| cube);
    let (mut sums, mut count) = ([0_u32; 3], 0);
    for pixel in pixels.iter().filter(|pixel| cubes(**pixel).contains(&fullest)) {
        for (sum, level) in sums.iter_mut().zip(pixel) {
            *sum += u32::from(*level);
        }
        count += 1;
    }
    sums.map(|sum| u8::try_from((sum + count / 2) / count.max(1)).unwrap_or(255))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::raster::Raster;
    use crate::testing::photo;

    fn of(width: usize, height: usize, channels: usize, samples: Vec<u8>) -> Placeholder {
        Placeholder::of(&Small::Pixels(Raster { width, height, channels, samples })).unwrap()
    }

    #[test]
    fn the_likeness_is_that_of_the_larger_picture() {
        for (width, height) in [(400, 300), (300, 400), (64, 48), (61, 64), (400, 400)] {
            let picture = photo(width, height);
            let seen = of(width as usize, height as usize, 3, picture.clone().into_raw()).thumbhash;
            assert!((16..=25).contains(&seen.len()), "{} bytes", seen.len());
            // As large as the format allows.
            let scale = 100.0 / width.max(height) as f32;
            let side = |side: u32| ((side as f32 * scale).round() as u32).max(1);
            let large = image::imageops::resize(
                &picture,
                side(width),
                side(height),
                image::imageops::FilterType::Lanczos3,
            );
            let rgba = image::DynamicImage::from(large.clone()).to_rgba8();
            let expected = rgba_to_thumb_hash(large.width() as usize, large.height() as usize, rgba.as_raw());
            let pixels = |hash: &[u8]| thumbhash::thumb_hash_to_rgba(hash).unwrap();
            let (ours, theirs) = (pixels(&seen), pixels(&expected));
            assert_eq!((ours.0, ours.1), (theirs.0, theirs.1));
            let worst =
                ours.2.iter().zip(&theirs.2).map(|(ours, theirs)| ours.abs_diff(*theirs)).max().unwrap();
            assert!(worst <= 24, "{width} x {height}: {worst}");
        }
    }

    /// A sky across the edge between two cubes against a field that is smaller but of one colour. To see it fail: let cubes not overlap.
    #[test]
    fn a_colour_that_changes_a_little_is_one_colour() {
        let sky = (0..600).map(|at: u32| [100, 150, 212 + (at % 24) as u8]);
        let field = (0..400).map(|_| [60, 120, 40]);
        let pixels: Vec<[u8; 3]> = sky.chain(field).collect();
        let [red, green, blue] = dominant(&pixels);
        assert_eq!((red, green), (100, 150));
        assert!((220..228).contains(&blue), "{blue}");
        assert_eq!(dominant(&[[7, 8, 9]; 5]), [7, 8, 9]);
        assert_eq!(dominant(&[[0; 3]]), [0; 3]);
        assert_eq!(dominant(&[[255; 3]]), [255; 3]);
    }

    proptest! {
        #[test]
        fn any_picture_has_a_placeholder(
            width in 1_usize..150,
            height in 1_usize..150,
            channels in prop::sample::select(vec![1_usize, 3, 4]),
            seed in any::<u64>(),
        ) {
            let mut state = seed | 1;
            let samples: Vec<u8> = std::iter::repeat_with(|| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 56) as u8
            })
            .take(width * height * channels)
            .collect();
            let seen = of(width, height, channels, samples);
            let (across, down, _) = thumbhash::thumb_hash_to_rgba(&seen.thumbhash).unwrap();
            prop_assert!((across >= down) == (width >= height) || across == down, "{across} x {down}");
        }

        /// The colour lies among the pixels, and as many as in the fullest of cubes that do not overlap are near it.
        #[test]
        fn the_colour_is_one_that_many_pixels_have(pixels in prop::collection::vec(any::<[u8; 3]>(), 1..300)) {
            let found = dominant(&pixels);
            let near = |pixel: &[u8; 3]| pixel.iter().zip(found).all(|(level, found)| level.abs_diff(found) < 2 * STEP);
            let mut counts = std::collections::HashMap::<[u8; 3], usize>::new();
            for pixel in &pixels {
                *counts.entry(pixel.map(|level| level / (2 * STEP))).or_default() += 1;
            }
            let fullest = counts.values().max().copied().unwrap_or_default();
            prop_assert!(pixels.iter().filter(|pixel| near(pixel)).count() >= fullest);
        }
    }
}

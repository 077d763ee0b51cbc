//! Makes a picture smaller while its rows come in, so that the large one is never in memory.
//!
//! The filter is Lanczos with three lobes: the sharpest without visible rings. It is `fast_image_resize`'s, which wants a whole picture;
//! it gets strips of some hundred rows, each with as many rows of the next above and below as the filter reaches.

use std::f64::consts::PI;

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{U8, U8x3, U8x4};
use fast_image_resize::{Filter, FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};

use crate::exif::Orientation;
use crate::raster::Raster;
use crate::refusal::Refusal;
use crate::turn::place;

/// Lobes of the filter, to each side, in samples of the smaller picture.
const LOBES: f64 = 3.0;
/// Rows of a strip, without those that belong to the next as well; of a halved plane half as many. For each strip, the filter's weights
/// are worked out anew: with 64 rows, three pictures of 12 megapixels take a fourteenth more time, with 256 rows 2.5 MB more memory.
const STRIP: usize = 96;
/// A share of a sample that is nothing but rounding.
const ROUNDING: f64 = 1e-6;

/// Samples in rows as they come in, 1, 3 (RGB) or 4 (RGBA) a pixel. Rows may have filling behind the picture, and the picture may
/// end within a sample.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) channels: usize,
    /// Pixels of a row, filling included.
    pub(crate) stride: usize,
    pub(crate) rows: usize,
    /// How much of it is picture, in pixels of this shape; seldom whole numbers.
    pub(crate) width: f64,
    pub(crate) height: f64,
}

impl Shape {
    /// A picture without filling.
    #[expect(clippy::cast_precision_loss, reason = "sides of pictures are exact")]
    pub(crate) fn whole(channels: usize, width: usize, height: usize) -> Self {
        Self { channels, stride: width, rows: height, width: width as f64, height: height as f64 }
    }
}

/// The picture that is made: its size in the orientation that the file is stored in, and how it will be turned.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Aim {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) orientation: Orientation,
}

impl Aim {
    /// A picture that stays as it is.
    pub(crate) fn upright((width, height): (u32, u32)) -> Self {
        Self { width, height, orientation: Orientation::Upright }
    }

    /// To this size or, if the plane is halved, to half of it. An odd side has a last sample of which half is beyond the picture:
    /// at its right or lower end when it is upright, wherever that is in the file.
    pub(crate) fn scaler(&self, shape: Shape, halved: bool) -> Scaler {
        let (across, down) = self.orientation.reversed();
        Scaler::new(
            shape,
            Axis::new((shape.width, shape.stride), self.width, halved, across),
            Axis::new((shape.height, shape.rows), self.height, halved, down),
            self.orientation,
            if halved { STRIP / 2 } else { STRIP },
        )
    }
}

/// What is made of a row or a column.
#[derive(Debug, Clone, Copy)]
struct Axis {
    /// Samples that are made.
    count: usize,
    /// Where the first of them begins, and how much each takes, in samples that come in, with those before.
    begin: f64,
    step: f64,
    /// How often the first and the last that come in are repeated: for what is beyond the picture.
    before: usize,
    after: usize,
}

impl Axis {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "sides of pictures are exact"
    )]
    fn new((extent, samples): (f64, usize), pixels: u32, halved: bool, reversed: bool) -> Self {
        let pixel = extent / f64::from(pixels.max(1));
        let (count, step) = if halved { (pixels.div_ceil(2), 2.0 * pixel) } else { (pixels, pixel) };
        let begin = if halved && reversed && !pixels.is_multiple_of(2) { -pixel } else { 0.0 };
        let beyond = |distance: f64| (distance - ROUNDING).max(0.0).ceil() as usize;
        let before = beyond(-begin);
        let after = beyond(begin + step * f64::from(count) - samples as f64);
        Self { count: count as usize, begin: begin + before as f64, step, before, after }
    }

    /// How far the filter reaches from the middle of a sample that is made, in samples that come in.
    fn reach(&self) -> f64 {
        LOBES * self.step.max(1.0)
    }
}

/// A plane or a picture that is made smaller.
#[derive(Debug)]
pub(crate) struct Scaler {
    shape: Shape,
    across: Axis,
    down: Axis,
    orientation: Orientation,
    /// Rows of a strip.
    strip: usize,
    /// Rows that came in, without those that are repeated.
    received: usize,
    /// The rows that are held, and the number of the first of them.
    held: Vec<u8>,
    first: usize,
    /// Rows that were made.
    made: usize,
    /// The rows that are made at the moment, if they have to be turned, and the picture.
    stored: Vec<u8>,
    samples: Vec<u8>,
    resizer: Resizer,
}

impl Scaler {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "sides of pictures are exact"
    )]
    fn new(shape: Shape, across: Axis, down: Axis, orientation: Orientation, rows: usize) -> Self {
        // Eight that are made at least, so that what the filter reaches above and below does not outweigh them by far.
        let own = rows.max((8.0 * down.step).ceil() as usize);
        let strip = own + (2.0 * down.reach()).ceil() as usize + 2;
        let strip = strip.min(down.before + shape.rows + down.after);
        Self {
            shape,
            across,
            down,
            orientation,
            strip,
            received: 0,
            held: Vec::new(),
            first: 0,
            made: 0,
            stored: Vec::new(),
            samples: Vec::new(),
            resizer: Resizer::new(),
        }
    }

    /// Bytes that it takes at the most: the strip, the same with its colours weighed by alpha, between the two passes of the filter
    /// and before it is turned, and the picture.
    pub(crate) fn bytes(&self) -> usize {
        let strips = if self.shape.channels == 4 { 4 } else { 3 };
        (self.strip + self.down.before + self.down.after) * self.row() * strips + self.all()
    }

    /// Bytes of a row that is held.
    fn row(&self) -> usize {
        (self.across.before + self.shape.stride + self.across.after) * self.shape.channels
    }

    /// Bytes of a row that is made.
    fn made_row(&self) -> usize {
        self.across.count * self.shape.channels
    }

    fn all(&self) -> usize {
        self.made_row() * self.down.count
    }

    /// Takes in the next rows. More than the shape has are left out.
    pub(crate) fn push(&mut self, rows: &[u8]) -> Result<(), Refusal> {
        if self.received == 0 {
            let rows = self.strip + self.down.before + self.down.after;
            self.held.reserve_exact(rows * self.row());
            self.samples = vec![0; self.all()];
        }
        let length = (self.shape.stride * self.shape.channels).max(1);
        for row in rows.chunks_exact(length).take(self.shape.rows - self.received) {
            let before = if self.received == 0 { self.down.before } else { 0 };
            self.received += 1;
            let last = self.received == self.shape.rows;
            let after = if last { self.down.after } else { 0 };
            for _ in 0..=before + after {
                self.hold(row);
            }
            if last || self.held.len() >= self.strip * self.row() {
                self.make(last)?;
            }
        }
        Ok(())
    }

    fn hold(&mut self, row: &[u8]) {
        let channels = self.shape.channels;
        let (first, last) = (&row[..channels], &row[row.len() - channels..]);
        (0..self.across.before).for_each(|_| self.held.extend_from_slice(first));
        self.held.extend_from_slice(row);
        (0..self.across.after).for_each(|_| self.held.extend_from_slice(last));
    }

    /// Makes the rows for which everything is there.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "sides of pictures are exact"
    )]
    fn make(&mut self, last: bool) -> Result<(), Refusal> {
        let Axis { count, begin, step, .. } = self.down;
        let (reach, row) = (self.down.reach(), self.row());
        let rows = self.held.len() / row.max(1);
        let known = (self.first + rows) as f64;
        let ready = ((known - reach - begin) / step + 0.5 - ROUNDING).max(0.0).floor() as usize;
        let end = if last { count } else { ready.min(count) };
        if end <= self.made {
            return Ok(());
        }
        let top = begin + step * self.made as f64 - self.first as f64;
        let crop = Crop {
            left: self.across.begin,
            top,
            width: (self.across.step * self.across.count as f64)
                .min((row / self.shape.channels) as f64 - self.across.begin),
            height: (step * (end - self.made) as f64).min(rows as f64 - top),
        };
        // Of each kind of pixel by its name: chosen at run time, the filters for all others would come along, a megabyte of them.
        match self.shape.channels {
            1 => self.make_strip::<U8, 1>(crop, end),
            3 => self.make_strip::<U8x3, 3>(crop, end),
            _ => self.make_strip::<U8x4, 4>(crop, end),
        }?;
        self.made = end;
        let next = (begin + step * (end as f64 + 0.5) - reach).max(0.0).floor() as usize;
        let passed = next.saturating_sub(self.first).min(rows);
        self.held.drain(..passed * row);
        self.first += passed;
        Ok(())
    }

    /// Makes the rows from those that are made up to this one.
    fn make_strip<P: PixelTrait, const N: usize>(&mut self, crop: Crop, end: usize) -> Result<(), Refusal> {
        let side = |side: usize| u32::try_from(side).map_err(Refusal::damaged);
        let (row, made_row) = (self.row(), self.made_row());
        let (width, height) = (side(row / N)?, side(self.held.len() / row.max(1))?);
        let source = TypedImageRef::<P>::from_buffer(width, height, &self.held).map_err(Refusal::damaged)?;
        let upright = self.orientation == Orientation::Upright;
        let rows = if upright {
            &mut self.samples[self.made * made_row..end * made_row]
        } else {
            self.stored.resize((end - self.made) * made_row, 0);
            &mut self.stored[..]
        };
        let (width, height) = (side(self.across.count)?, side(end - self.made)?);
        let mut small = TypedImage::<P>::from_buffer(width, height, rows).map_err(Refusal::damaged)?;
        let filter = Filter::new("Lanczos", lanczos, LOBES).map_err(Refusal::damaged)?;
        let options = ResizeOptions::new()
            .resize_alg(ResizeAlg::Convolution(FilterType::Custom(filter)))
            .crop(crop.left, crop.top, crop.width, crop.height);
        self.resizer.resize_typed(&source, &mut small, &options).map_err(Refusal::damaged)?;
        if !upright {
            let size = (self.across.count, self.down.count);
            let (rows, _) = self.stored.as_chunks::<N>();
            place(rows, self.made, size, self.orientation, self.samples.as_chunks_mut::<N>().0);
        }
        Ok(())
    }

    /// The small picture, upright.
    pub(crate) fn finish(self) -> Result<Raster, Refusal> {
        if self.made < self.down.count {
            return Err(Refusal::damaged("rows are missing"));
        }
        let (across, down) = (self.across.count, self.down.count);
        let (width, height) = if self.orientation.turns() { (down, across) } else { (across, down) };
        Ok(Raster { width, height, channels: self.shape.channels, samples: self.samples })
    }
}

/// What of a strip is made smaller.
#[derive(Debug, Clone, Copy)]
struct Crop {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

/// Places of [`LANCZOS`] from one whole number to the next: the error between two is less than a weight's last bit.
const PLACES: usize = 256;

/// sinc(x) sinc(x / 3), from 0 on. The library's own asks for two sines a weight, which for strips takes as long as the filter itself.
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
    use proptest::prelude::*;

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

    /// The same picture at once, by the library's own filter.
    fn at_once(samples: &[u8], shape: Shape, (width, height): (u32, u32)) -> Vec<u8> {
        let source =
            TypedImageRef::<U8>::from_buffer(shape.stride as u32, shape.rows as u32, samples).unwrap();
        let mut made = vec![0; (width * height) as usize];
        let mut small = TypedImage::<U8>::from_buffer(width, height, &mut made).unwrap();
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3)).crop(
            0.0,
            0.0,
            shape.width,
            shape.height,
        );
        Resizer::new().resize_typed(&source, &mut small, &options).unwrap();
        made
    }

    fn noise(count: usize, mut state: u64) -> Vec<u8> {
        let next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        };
        std::iter::repeat_with(next).take(count).collect()
    }

    proptest! {
        /// To see it fail: let the filter reach two lobes only when rows are dropped or waited for.
        #[test]
        fn strips_add_up_to_the_picture(
            (stride, rows) in (1_usize..90, 1_usize..400),
            (width, height) in (1_u32..120, 1_u32..300),
            (right, bottom) in (0.0..1.0, 0.0..1.0),
            strip in 1_usize..80,
            seed in any::<u64>(),
        ) {
            let shape = Shape { channels: 1, stride, rows, width: stride as f64 - right, height: rows as f64 - bottom };
            let samples = noise(stride * rows, seed);
            let mut scaler = Aim::upright((width, height)).scaler(shape, false);
            scaler.strip = scaler.strip.min(strip);
            samples.chunks(stride * 3).for_each(|rows| scaler.push(rows).unwrap());
            let made = scaler.finish().unwrap().samples;
            let expected = at_once(&samples, shape, (width, height));
            let differences: Vec<u8> = made.iter().zip(&expected).map(|(left, right)| left.abs_diff(*right)).collect();
            let (worst, sum) = (differences.iter().max(), differences.iter().map(|each| u32::from(*each)).sum::<u32>());
            // How finely weights are rounded depends on the largest of them all, which is another in each strip.
            prop_assert!(made.len() == expected.len() && worst <= Some(&2) && sum as usize <= made.len() / 20 + 8, "{worst:?} {sum}");
        }

        /// A ramp of colour stays where it is, whatever the size, the turn and the way to get there. To see it fail: begin at 0
        /// in a reversed axis.
        #[test]
        fn halved_planes_stay_in_place(width in 1_u32..60, stored in 30_usize..90, tag in 1_u16..=8) {
            let orientation = Orientation::from_tag(tag);
            let shape = Shape { channels: 1, stride: stored, rows: stored, width: stored as f64, height: stored as f64 };
            let level = |at: f64| 40.0 + 170.0 * at.clamp(0.0, 1.0);
            let row: Vec<u8> = (0..stored).map(|x| level((x as f64 + 0.5) / stored as f64).round() as u8).collect();
            let mut scaler = Aim { width, height: 1, orientation }.scaler(shape, true);
            for _ in 0..stored {
                scaler.push(&row).unwrap();
            }
            let mut made = scaler.finish().unwrap().samples;
            prop_assert_eq!(made.len(), width.div_ceil(2) as usize);
            if orientation.reversed().0 {
                made.reverse();
            }
            let pixel = 1.0 / f64::from(width);
            let shift = if orientation.reversed().0 && width % 2 == 1 { -pixel } else { 0.0 };
            // Towards the edges the ramp ends, and the filter rings.
            let inner = made.iter().enumerate().filter(|(at, _)| (4..made.len().saturating_sub(4)).contains(at));
            for (at, seen) in inner {
                let exact = level(shift + (2 * at + 1) as f64 * pixel);
                prop_assert!((f64::from(*seen) - exact).abs() < 3.0, "{at} of {}: {seen} {exact}", made.len());
            }
        }
    }
}

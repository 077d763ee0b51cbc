//! Makes a picture smaller while its rows come in, so that the large one is never in memory: each row that is made is made as soon as
//! the last of those it takes is there. Only the latest rows are held, as many as the filter reaches over.

use crate::colour::{unweighed, weighed};
use crate::exif::Orientation;
use crate::filter::{Axis, Block, Pair, ROUNDING, Weights, WideBlock, across, down};
use crate::raster::Raster;
use crate::refusal::Refusal;
use crate::turn::{TILE, place};

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
        Scaler {
            channels: shape.channels,
            stride: shape.stride,
            across: axis((shape.width, shape.stride), self.width, halved, across),
            down: axis((shape.height, shape.rows), self.height, halved, down),
            orientation: self.orientation,
            received: 0,
            made: 0,
            memory: Memory::default(),
        }
    }
}

/// Of a side of which so much is picture, among so many samples. The last may be picture in part; those behind it are filling.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "sides of pictures are exact")]
fn axis((extent, samples): (f64, usize), pixels: u32, halved: bool, reversed: bool) -> Axis {
    let pixel = extent / f64::from(pixels.max(1));
    let (count, step) = if halved { (pixels.div_ceil(2), 2.0 * pixel) } else { (pixels, pixel) };
    let begin = if halved && reversed && !pixels.is_multiple_of(2) { -pixel } else { 0.0 };
    let samples = samples.min((extent - ROUNDING).ceil().max(1.0) as usize);
    Axis { samples, count: count as usize, begin, step }
}

/// A plane or a picture that is made smaller.
#[derive(Debug)]
pub(crate) struct Scaler {
    channels: usize,
    /// Pixels of a row that comes in.
    stride: usize,
    across: Axis,
    down: Axis,
    orientation: Orientation,
    /// Rows that came in.
    received: usize,
    /// Rows that were made.
    made: usize,
    memory: Memory,
}

/// What is allocated when the first row comes in.
#[derive(Debug, Default)]
struct Memory {
    columns: Weights,
    rows: Weights,
    /// The latest rows that came in, each in the place of the one that is needed no more, and of those the ones that a row is made of.
    ring: Vec<Block>,
    pairs: Vec<Pair>,
    /// A row between the two passes of the filter, with as much behind it as the filter may reach.
    line: Vec<WideBlock>,
    /// If there are several, a channel of the same, and what is made of it.
    channel: Vec<i16>,
    row: Vec<u8>,
    /// The latest rows that were made, if they have to be turned.
    stored: Vec<u8>,
    /// The picture.
    samples: Vec<u8>,
}

impl Scaler {
    /// Bytes that it takes at the most.
    pub(crate) fn bytes(&self) -> usize {
        let weights = |axis: &Axis, taps: usize| axis.count * (taps * size_of::<i16>() + size_of::<usize>());
        weights(&self.across, self.across.taps_across())
            + weights(&self.down, self.down.taps_down())
            + self.ring() * size_of::<Block>()
            + self.down.taps_down() / 2 * size_of::<Pair>()
            + self.line() * size_of::<WideBlock>()
            + self.channel() * size_of::<i16>()
            + self.across.count
            + self.stored()
            + self.all()
    }

    /// Blocks of a row.
    fn blocks(&self) -> usize {
        (self.across.samples * self.channels).div_ceil(size_of::<Block>())
    }

    fn ring(&self) -> usize {
        self.blocks() * self.down.taps_down()
    }

    fn line(&self) -> usize {
        self.blocks() + self.across.taps_across().div_ceil(size_of::<Block>())
    }

    /// Samples of a separated channel.
    fn channel(&self) -> usize {
        if self.channels == 1 { 0 } else { self.across.samples + self.across.taps_across() }
    }

    /// Bytes of a row that is made.
    fn made_row(&self) -> usize {
        self.across.count * self.channels
    }

    fn stored(&self) -> usize {
        if self.orientation == Orientation::Upright { 0 } else { TILE.min(self.down.count) * self.made_row() }
    }

    fn all(&self) -> usize {
        self.made_row() * self.down.count
    }

    fn allocate(&mut self) {
        self.memory = Memory {
            columns: Weights::across(&self.across),
            rows: Weights::down(&self.down),
            ring: vec![[0; 16]; self.ring()],
            pairs: Vec::with_capacity(self.down.taps_down() / 2),
            line: vec![[0; 16]; self.line()],
            channel: vec![0; self.channel()],
            row: vec![0; self.across.count],
            stored: vec![0; self.stored()],
            samples: vec![0; self.all()],
        };
    }

    /// Takes in the next rows. What is below the picture is left out.
    pub(crate) fn push(&mut self, rows: &[u8]) {
        if self.received == 0 {
            self.allocate();
        }
        let length = (self.stride * self.channels).max(1);
        for row in rows.chunks_exact(length).take(self.down.samples - self.received) {
            self.hold(row);
            self.received += 1;
            let last = self.received == self.down.samples;
            while self.memory.rows.span(self.made).is_some_and(|rows| last || rows.end <= self.received) {
                self.make();
            }
        }
    }

    /// Puts a row in its place.
    fn hold(&mut self, row: &[u8]) {
        let (blocks, taps) = (self.blocks(), self.down.taps_down());
        let begin = self.received % taps * blocks;
        let place = self.memory.ring[begin..begin + blocks].as_flattened_mut();
        let used = self.across.samples * self.channels;
        if self.channels == 4 {
            for (held, pixel) in place.as_chunks_mut::<4>().0.iter_mut().zip(row[..used].as_chunks::<4>().0) {
                *held = weighed(*pixel);
            }
        } else {
            place[..used].copy_from_slice(&row[..used]);
        }
    }

    /// Makes the next row: everything is there for it.
    fn make(&mut self) {
        let (blocks, taps, made_row) = (self.blocks(), self.down.taps_down(), self.made_row());
        let Memory { columns, rows, ring, pairs, line, channel, row, stored, samples } = &mut self.memory;
        rows.pairs(self.made, |row| row % taps * blocks, pairs);
        down(ring, pairs, &mut line[..blocks]);
        let upright = self.orientation == Orientation::Upright;
        let (picture, number) = if upright { (samples, self.made) } else { (stored, self.made % TILE) };
        let made = &mut picture[number * made_row..(number + 1) * made_row];
        let line = line.as_flattened();
        match self.channels {
            1 => across(line, columns, made),
            3 => across_channels::<3>(line, columns, (channel, row), made.as_chunks_mut().0),
            _ => {
                let (pixels, _) = made.as_chunks_mut();
                across_channels::<4>(line, columns, (channel, row), pixels);
                for pixel in pixels {
                    *pixel = unweighed(*pixel);
                }
            }
        }
        self.made += 1;
        if !upright && (number + 1 == TILE || self.made == self.down.count) {
            self.turn(number + 1);
        }
    }

    /// Puts the rows that are stored into the picture.
    fn turn(&mut self, rows: usize) {
        let (size, orientation) = ((self.across.count, self.down.count), self.orientation);
        let (first, Memory { stored, samples, .. }) = (self.made - rows, &mut self.memory);
        let stored = &stored[..rows * size.0 * self.channels];
        match self.channels {
            1 => place(stored.as_chunks::<1>().0, first, size, orientation, samples.as_chunks_mut().0),
            3 => place(stored.as_chunks::<3>().0, first, size, orientation, samples.as_chunks_mut().0),
            _ => place(stored.as_chunks::<4>().0, first, size, orientation, samples.as_chunks_mut().0),
        }
    }

    /// The small picture, upright.
    pub(crate) fn finish(self) -> Result<Raster, Refusal> {
        if self.made < self.down.count {
            return Err(Refusal::damaged("rows are missing"));
        }
        let (across, down) = (self.across.count, self.down.count);
        let (width, height) = if self.orientation.turns() { (down, across) } else { (across, down) };
        Ok(Raster { width, height, channels: self.channels, samples: self.memory.samples })
    }
}

/// Makes a row of several channels, one after the other, each in a place of its own.
fn across_channels<const N: usize>(
    line: &[i16],
    columns: &Weights,
    (channel, row): (&mut [i16], &mut [u8]),
    made: &mut [[u8; N]],
) {
    let (pixels, _) = line.as_chunks::<N>();
    for index in 0..N {
        channel.iter_mut().zip(pixels).for_each(|(sample, pixel)| *sample = pixel[index]);
        across(channel, columns, row);
        made.iter_mut().zip(row.iter()).for_each(|(pixel, sample)| pixel[index] = *sample);
    }
}

#[cfg(test)]
mod tests {
    use fast_image_resize::images::TypedImage;
    use fast_image_resize::pixels::F32;
    use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
    use proptest::prelude::*;

    use super::*;

    /// A channel of the picture at once, by another filter and in floating point numbers.
    fn at_once(samples: &[u8], shape: Shape, channel: usize, (width, height): (u32, u32)) -> Vec<f32> {
        let (across, down) = (shape.width.ceil() as usize, shape.height.ceil() as usize);
        let places = (0..down).flat_map(|row| (0..across).map(move |column| row * shape.stride + column));
        let pixels = places.map(|at| F32::new(samples[at * shape.channels + channel].into())).collect();
        let source = TypedImage::from_pixels(across as u32, down as u32, pixels).unwrap();
        let mut small = TypedImage::<F32>::new(width, height);
        let algorithm = ResizeAlg::Convolution(FilterType::Lanczos3);
        let options = ResizeOptions::new().resize_alg(algorithm).crop(0.0, 0.0, shape.width, shape.height);
        Resizer::new().resize_typed(&source, &mut small, &options).unwrap();
        small.pixels().iter().map(|pixel| pixel.0).collect()
    }

    fn noise(count: usize, mut state: u64) -> Vec<u8> {
        let next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        };
        std::iter::repeat_with(next).take(count).collect()
    }

    proptest! {
        /// Half a level is what rounding takes, and a bit of another the weights'. What is filling does not matter. To see it fail: let
        /// an axis have all the samples that come in.
        #[test]
        fn rows_add_up_to_the_picture(
            (stride, rows) in (1_usize..90, 1_usize..300),
            (width, height) in (1_u32..120, 1_u32..300),
            (right, bottom) in (0.0..1.0, 0.0..1.0),
            (columns, below) in (0_usize..9, 0_usize..9),
            channels in prop_oneof![Just(1_usize), Just(3), Just(4)],
            at_once_rows in 1_usize..20,
            seed in any::<u64>(),
        ) {
            let (extent, down) = (stride as f64 - right, rows as f64 - bottom);
            let shape = Shape { channels, stride: stride + columns, rows: rows + below, width: extent, height: down };
            let mut samples = noise(shape.stride * shape.rows * channels, seed);
            let mut scaler = Aim::upright((width, height)).scaler(shape, false);
            samples.chunks(shape.stride * channels * at_once_rows).for_each(|rows| scaler.push(rows));
            let mut made = scaler.finish().unwrap().samples;
            prop_assert_eq!(made.len(), width as usize * height as usize * channels);
            if channels == 4 {
                samples.as_chunks_mut::<4>().0.iter_mut().for_each(|pixel| *pixel = weighed(*pixel));
                made.as_chunks_mut::<4>().0.iter_mut().for_each(|pixel| *pixel = weighed(*pixel));
            }
            for channel in 0..channels {
                let expected = at_once(&samples, shape, channel, (width, height));
                for (at, exact) in expected.iter().enumerate() {
                    let pixel = &made[at * channels..(at + 1) * channels];
                    // No colour can be brighter than it is opaque; and divided by that and multiplied again, it is rounded twice.
                    let (most, bound) = if channels == 4 { (f32::from(pixel[3]), 1.6) } else { (255.0, 0.6) };
                    let difference = f32::from(pixel[channel]) - exact.clamp(0.0, most);
                    prop_assert!(difference.abs() < bound, "{at} {channel}: {} {exact}", pixel[channel]);
                }
            }
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
                scaler.push(&row);
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

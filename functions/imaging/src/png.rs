//! PNG, row by row: each row is averaged as it is read and goes to the filter, so the whole is never in memory.
//!
//! Squares of pixels become one, as large as leaves twice the target's size for the Lanczos filter. The last column and row of
//! squares may be cut; they count with the pixels they have, and the filter is told the exact size. An interlaced file has no rows
//! until its end and is decoded whole.

use std::io::Cursor;

use png::{ColorType, Decoder, Transformations};

use crate::colour::mean;
use crate::raster::Raster;
use crate::refusal::Refusal;
use crate::scale::{Aim, Scaler, Shape};

/// Bytes that the decoder may take for itself: a row before, and chunks that it holds whole.
const DECODER: usize = 8 << 20;

/// Decodes for a small picture, within so many bytes of memory.
pub(crate) fn decode(bytes: &[u8], aim: Aim, memory: u64) -> Result<Raster, Refusal> {
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), png::Limits { bytes: DECODER });
    // Read elsewhere, with bounds, or not at all.
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    // Palettes and few bits to 8 bits, 16 bits to 8.
    decoder.set_transformations(Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(refusal)?;
    // The decoder panics on a cut entry.
    if reader.info().palette.as_ref().is_some_and(|palette| !palette.len().is_multiple_of(3)) {
        return Err(Refusal::damaged("the palette is cut"));
    }
    let (width, height) = reader.info().size();
    let (colour, _) = reader.output_color_type();
    let mut squares = Squares::new((width, height), aim, colour);
    let whole = if reader.info().interlaced { squares.whole_bytes() } else { 0 };
    let needed = whole.saturating_add(squares.bytes()).saturating_add(DECODER);
    if u64::try_from(needed).map_or(true, |needed| needed > memory) {
        return Err(Refusal::TooMuchMemory);
    }
    if reader.info().interlaced {
        let size = reader.output_buffer_size().ok_or(Refusal::TooMuchMemory)?;
        let mut pixels = vec![0; size];
        let info = reader.next_frame(&mut pixels).map_err(refusal)?;
        pixels.chunks_exact(info.line_size.max(1)).for_each(|row| squares.add(row));
    } else {
        for _ in 0..height {
            let row = reader.next_row().map_err(refusal)?;
            squares.add(row.ok_or_else(|| Refusal::damaged("rows are missing"))?.data());
        }
    }
    squares.scaler.finish()
}

fn refusal(error: png::DecodingError) -> Refusal {
    match error {
        png::DecodingError::LimitsExceeded => Refusal::TooMuchMemory,
        error => Refusal::damaged(error),
    }
}

/// Sums of squares of pixels.
struct Squares {
    width: usize,
    height: usize,
    /// Pixels of a square's side.
    side: usize,
    /// Channels as read, 1 to 4, and as written, 1, 3 or 4.
    read: usize,
    written: usize,
    /// Of the current row of squares: for each column and channel, what its rows add up to.
    columns: Vec<u16>,
    /// The same with transparency, for each square: of transparent pixels the colour does not count.
    weighed: Vec<[u32; 4]>,
    /// Rows that came in, and how many of them are in the current squares.
    rows: usize,
    depth: usize,
    /// The current row of squares when it is done, and where it goes.
    samples: Vec<u8>,
    scaler: Scaler,
}

impl Squares {
    #[expect(clippy::cast_precision_loss, reason = "sides of pictures are exact")]
    fn new((width, height): (u32, u32), aim: Aim, colour: ColorType) -> Self {
        let room = (width / (2 * aim.width.max(1))).min(height / (2 * aim.height.max(1)));
        // Sums of 255 a row stay below 2^16, of 255 * 255 a pixel below 2^32.
        let side = room.clamp(1, 128) as usize;
        let (read, written) = match colour {
            ColorType::Grayscale | ColorType::Indexed => (1, 1),
            ColorType::GrayscaleAlpha => (2, 4),
            ColorType::Rgb => (3, 3),
            ColorType::Rgba => (4, 4),
        };
        let (width, height) = (width as usize, height as usize);
        let (across, opaque) = (width.div_ceil(side), read == 1 || read == 3);
        let shape = Shape {
            channels: written,
            stride: across,
            rows: height.div_ceil(side),
            width: width as f64 / side as f64,
            height: height as f64 / side as f64,
        };
        Self {
            width,
            height,
            side,
            read,
            written,
            columns: if opaque { vec![0; width * read] } else { Vec::new() },
            weighed: if opaque { Vec::new() } else { vec![[0; 4]; across] },
            rows: 0,
            depth: 0,
            samples: Vec::new(),
            scaler: aim.scaler(shape, false),
        }
    }

    /// Bytes that making it smaller takes.
    fn bytes(&self) -> usize {
        size_of_val(&*self.columns)
            + size_of_val(&*self.weighed)
            + self.width.div_ceil(self.side) * self.written
            + self.scaler.bytes()
    }

    /// Bytes that the whole picture takes.
    fn whole_bytes(&self) -> usize {
        self.width * self.height * self.read
    }

    fn add(&mut self, row: &[u8]) {
        if self.side == 1 && self.read == self.written {
            return self.scaler.push(row);
        }
        for (sum, level) in self.columns.iter_mut().zip(row) {
            *sum += u16::from(*level);
        }
        for (sums, pixels) in self.weighed.iter_mut().zip(row.chunks(self.side * self.read)) {
            for pixel in pixels.chunks_exact(self.read) {
                let (alpha, colours) = pixel.split_last().unwrap_or((&0, &[]));
                for (sum, value) in sums.iter_mut().zip(colours) {
                    *sum += u32::from(*value) * u32::from(*alpha);
                }
                sums[3] += u32::from(*alpha);
            }
        }
        self.rows += 1;
        self.depth += 1;
        if self.depth == self.side || self.rows == self.height {
            self.flush();
        }
    }

    /// Passes a row of squares on.
    fn flush(&mut self) {
        let depth = u32::try_from(self.depth).unwrap_or_default();
        self.samples.clear();
        for columns in self.columns.chunks(self.side * self.read) {
            let mut sums = [0_u32; 3];
            for pixel in columns.chunks_exact(self.read) {
                for (sum, column) in sums.iter_mut().zip(pixel) {
                    *sum += u32::from(*column);
                }
            }
            let pixels = u32::try_from(columns.len() / self.read).unwrap_or_default() * depth;
            self.samples.extend(sums[..self.read].iter().map(|sum| mean(*sum, pixels)));
        }
        for (square, sums) in self.weighed.iter_mut().enumerate() {
            let [a, b, c, alpha] = std::mem::take(sums);
            let across = self.side.min(self.width - square * self.side);
            let colours = if self.read == 2 { [a; 3] } else { [a, b, c] };
            self.samples.extend(colours.map(|sum| mean(sum, alpha)));
            self.samples.push(mean(alpha, u32::try_from(across).unwrap_or_default() * depth));
        }
        self.columns.fill(0);
        self.depth = 0;
        self.scaler.push(&self.samples);
    }
}

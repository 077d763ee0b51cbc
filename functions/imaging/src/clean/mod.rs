//! Takes everything out of a file that is not the picture, without touching the picture.
//!
//! A photo from a phone says where it was taken, which phone it was, and often holds a second, smaller picture from before it was cut;
//! behind its end may be a film. Whoever opens the gallery could read all of that. So the stored original loses it: the file's blocks
//! are kept or dropped as they are, and nothing is decoded or encoded again, so every pixel stays the same.
//!
//! The rule is a short list of what is kept, never a list of what is dropped: a kind of block that nobody has thought of goes.
//!
//! | | kept | dropped, for example |
//! |---|---|---|
//! | JPEG | tables, frames, scans; JFIF without its thumbnail; Adobe's marker; the ICC profile | EXIF with thumbnail and maker notes, XMP, IPTC, MPF, comments, all behind the end: second pictures, films |
//! | PNG | chunks of pixels, palette, transparency, colours, animation, resolution | `eXIf`, `tEXt`, `zTXt`, `iTXt`, `tIME`, private chunks, all behind `IEND` |
//! | WebP | the bit streams, alpha, animation, the ICC profile | `EXIF`, `XMP `, unknown chunks, all behind the container |
//! | GIF | screen, palettes, images, their timing, how often to repeat | comments, text, XMP and other applications', all behind the trailer |
//!
//! Which way is up stays: a block of EXIF that says nothing else takes the place of the first.
//!
//! What it does not do: look into the picture (a watermark, a hidden message in the pixels or in an ICC profile stays), and mend damaged
//! files. A file that ends early is cleaned as far as it goes.

mod gif;
mod jpeg;
mod png;
mod webp;

use crate::kind::Kind;
use crate::probe::Probe;

/// Cleans the file that the probe was made of. In place: it takes no more memory than the file.
pub fn clean(bytes: Vec<u8>, probe: &Probe) -> Vec<u8> {
    let file = Rewriter { bytes, read: 0, written: 0 };
    match probe.kind {
        Kind::Jpeg => jpeg::clean(file, probe.orientation),
        Kind::Png => png::clean(file, probe.orientation),
        Kind::Webp => webp::clean(file, probe.orientation),
        Kind::Gif => gif::clean(file),
    }
}

/// A file that is read and written at once, from its beginning to its end. What is written is never longer than what was read, but
/// for a few bytes of a strange file.
struct Rewriter {
    bytes: Vec<u8>,
    read: usize,
    written: usize,
}

impl Rewriter {
    /// What was not read yet.
    fn rest(&self) -> &[u8] {
        self.bytes.get(self.read..).unwrap_or_default()
    }

    /// The next bytes stay, or as many as there are.
    fn keep(&mut self, count: usize) {
        let count = count.min(self.bytes.len() - self.read);
        self.bytes.copy_within(self.read..self.read + count, self.written);
        self.read += count;
        self.written += count;
    }

    /// The next bytes go, or as many as there are.
    fn skip(&mut self, count: usize) {
        self.read += count.min(self.bytes.len() - self.read);
    }

    /// New bytes.
    fn put(&mut self, new: &[u8]) {
        let end = self.written + new.len();
        if end <= self.read {
            self.bytes[self.written..end].copy_from_slice(new);
        } else {
            self.bytes.splice(self.written..self.read, new.iter().copied());
            self.read = end;
        }
        self.written = end;
    }

    /// Changes bytes that were written before.
    fn patch(&mut self, at: usize, new: &[u8]) {
        if at + new.len() <= self.written {
            self.bytes[at..at + new.len()].copy_from_slice(new);
        }
    }

    /// The new file. What was not read goes.
    fn finish(mut self) -> Vec<u8> {
        self.bytes.truncate(self.written);
        self.bytes
    }
}

#[cfg(test)]
mod tests;

//! The bits of the entropy-coded data.
//!
//! In the file, every byte `FF` of the data is followed by a zero, so that markers can be found. Taking these zeros out
//! while reading bits would cost a comparison a byte; so it is done beforehand, for a window of some kilobytes at a time,
//! with a search for `FF` that looks at many bytes at once. The window is small enough to stay in the processor's cache
//! and keeps the file from being in memory twice.
//!
//! The file may still be coming in. Before each unit of blocks there is a look at whether enough of it is there, so that a unit is
//! never left in its middle.

use super::Input;
use super::header::is_nothing;

const WINDOW: usize = 32 << 10;
/// More than any unit of blocks can take: ten blocks ([`super::MAX_UNIT`]) of 64 coefficients of at most 16 + 15 bits are less
/// than 2600 bytes.
const MARGIN: usize = 4096;

/// Reads bits, most significant first.
#[derive(Debug)]
pub(super) struct Bits<'a> {
    input: Input<'a>,
    /// Where in the input the window ends.
    next: usize,
    /// As long as [`WINDOW`] and [`MARGIN`] together.
    window: Box<[u8]>,
    /// Bytes of the window that are data.
    filled: usize,
    /// Whether the data ends with the window: zeros follow.
    ended: bool,
    /// Whether nothing can be read before more of the file has come in.
    waiting: bool,
    /// Byte of the window that is taken next.
    at: usize,
    /// Bits taken but not used, from the top.
    held: u64,
    count: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(input: Input<'a>, from: usize) -> Self {
        let window = vec![0; WINDOW + MARGIN].into_boxed_slice();
        Self { input, next: from, window, filled: 0, ended: false, waiting: false, at: 0, held: 0, count: 0 }
    }

    /// The same place in the same file, of which more or nothing is there.
    pub(super) fn with(self, input: Input<'_>) -> Bits<'_> {
        let Self { input: _, next, window, filled, ended, waiting: _, at, held, count } = self;
        Bits { input, next, window, filled, ended, waiting: false, at, held, count }
    }

    /// Makes sure that a whole unit can be read. False if the data has ended before its bits did, or [waits](Self::is_waiting).
    #[inline]
    pub(super) fn prepare(&mut self) -> bool {
        if self.filled.saturating_sub(self.at) < MARGIN && !self.ended {
            self.fill();
        }
        !self.is_exhausted() && !self.waiting
    }

    /// Whether more of the file is needed, and may come in.
    pub(super) fn is_waiting(&self) -> bool {
        self.waiting
    }

    /// Whether more bits were used than there are.
    #[inline]
    pub(super) fn is_exhausted(&self) -> bool {
        self.ended && self.at * 8 > self.filled * 8 + self.count as usize
    }

    /// Whether no bit of data is left but the filling of the last byte.
    pub(super) fn is_at_end(&self) -> bool {
        self.ended && self.at * 8 + 8 > self.filled * 8 + self.count as usize
    }

    #[cold]
    fn fill(&mut self) {
        self.window.copy_within(self.at..self.filled, 0);
        self.filled -= self.at;
        self.at = 0;
        while self.filled < WINDOW && !self.ended {
            let room = WINDOW - self.filled;
            let rest = self.input.bytes.get(self.next..).unwrap_or_default();
            let rest = &rest[..rest.len().min(room)];
            let plain = memchr::memchr(0xFF, rest).unwrap_or(rest.len());
            self.window[self.filled..self.filled + plain].copy_from_slice(&rest[..plain]);
            self.filled += plain;
            self.next += plain;
            let left = rest.len() - plain;
            if left < 2 && self.input.more && self.filled < WINDOW {
                break;
            }
            if left > 0 {
                self.stuffed();
            } else if rest.is_empty() {
                self.ended = true;
            }
        }
        self.waiting = !self.ended && self.filled < MARGIN;
        if self.ended {
            // No more than can be read before the end is noticed: there may be a restart marker every few bytes.
            self.window[self.filled..self.filled + MARGIN].fill(0);
        }
    }

    /// At an `FF`: data if a zero follows, else a marker, where the data ends.
    fn stuffed(&mut self) {
        if self.input.bytes.get(self.next + 1) == Some(&0) {
            self.window[self.filled] = 0xFF;
            self.filled += 1;
            self.next += 2;
        } else {
            self.ended = true;
        }
    }

    /// Holds at least 56 bits.
    #[inline]
    pub(super) fn refill(&mut self) {
        if let Some(bytes) = self.window.get(self.at..self.at + 8) {
            let mut word = [0; 8];
            word.copy_from_slice(bytes);
            self.held |= u64::from_be_bytes(word) >> self.count;
            self.at += ((63 - self.count) >> 3) as usize;
            self.count |= 0b11_1000;
        }
    }

    /// The next bits as an index of a table. `BITS` must be held.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "fewer bits than a `usize` has")]
    pub(super) fn index<const BITS: u32>(&self) -> usize {
        (self.held >> (64 - BITS)) as usize
    }

    /// The next 16 bits.
    #[inline]
    pub(super) fn peek16(&self) -> u32 {
        (self.held >> 48) as u32
    }

    /// Passes bits that are held: at most 56 between two refills.
    #[inline]
    pub(super) fn pass(&mut self, bits: u32) {
        self.held <<= bits & 63;
        self.count = self.count.wrapping_sub(bits);
    }

    /// Takes up to 16 bits that are held.
    #[inline]
    pub(super) fn take(&mut self, bits: u32) -> u32 {
        let value = (self.held >> 32 >> (32 - bits)) as u32;
        self.pass(bits);
        value
    }

    /// Goes on behind the next restart marker, whatever is left before it. Its number, or `None` if there is no further one
    /// in this scan, or it [waits](Self::is_waiting).
    pub(super) fn restart(&mut self) -> Option<u8> {
        let bytes = self.input.bytes;
        self.waiting = self.input.more;
        let number = loop {
            // What was looked at is not looked at again, however often more comes in.
            let rest = bytes.get(self.next..)?;
            self.next += memchr::memchr(0xFF, rest).unwrap_or(rest.len());
            match bytes.get(self.next + 1)? {
                code @ 0xD0..=0xD7 => break code - 0xD0,
                code if is_nothing(*code) => self.next += 1,
                _ => {
                    self.waiting = false;
                    return None;
                }
            }
        };
        (self.next, self.filled, self.at, self.held, self.count) = (self.next + 2, 0, 0, 0, 0);
        (self.ended, self.waiting) = (false, false);
        Some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(input: &[u8]) -> (Vec<u8>, bool) {
        let mut bits = Bits::new(Input::whole(input), 0);
        let mut bytes = Vec::new();
        while bits.prepare() && !bits.is_at_end() {
            bits.refill();
            bytes.push(u8::try_from(bits.take(8)).unwrap());
        }
        (bytes, bits.restart().is_some())
    }

    #[test]
    fn stuffing_goes_and_markers_end_the_data() {
        assert_eq!(all(b"\x12\xFF\x00\x34\xFF\xD9\x56"), (vec![0x12, 0xFF, 0x34], false));
        assert_eq!(all(b"\x12\xFF\xD0\x56"), (vec![0x12], true));
        assert_eq!(all(b""), (vec![], false));
        assert_eq!(all(b"\xFF"), (vec![], false));
        let long: Vec<u8> = (0..200_000_u32).map(|at| u8::try_from(at * 7 % 255).unwrap()).collect();
        assert_eq!(all(&long), (long, false));
        assert_eq!(all(&[0xFF, 0].repeat(100_000)).0, vec![0xFF; 100_000]);
    }

    #[test]
    fn what_is_read_behind_the_end_is_zero_and_known() {
        let mut bits = Bits::new(Input::whole(b"\xF0"), 0);
        assert!(bits.prepare());
        bits.refill();
        assert_eq!(bits.take(12), 0xF00);
        assert!(bits.is_exhausted() && !bits.prepare());
    }
}

//! VP8's arithmetic code: each bit is written with the probability that it is 0, and takes less of the file the likelier it was
//! (RFC 6386 section 7).
//!
//! Each bit has to wait for the range that the one before left, and a photo is a hundred million of them: what is between two ranges
//! is all that matters. It is a multiplication, a shift, a subtraction and a look-up. The rest is about what the processor guesses: it
//! goes on with the likelier bit before it knows, and starts again if it was the other. So bits that decide what comes next are
//! branches ([`Bits::quick`]), and those that nobody can guess are calculated ([`Bits::digit`], [`Bits::quick_sign`]).

/// Reads bits. A copy of it is cheap, so loops can keep it in registers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    /// Bytes taken so far, those behind the end included, which are zero.
    taken: usize,
    /// What was taken and not used, from the top; the upper 8 bits are compared. Behind `spare` there may already be the beginning of
    /// the next byte.
    value: u64,
    /// The range that the next bit divides, less 1: 127 to 254.
    range: u32,
    /// Bits in `value` behind the 8 that are compared; below 0 when more must be taken.
    spare: i32,
}

/// How far a range less 1 must be shifted to be 128 at least, and what it is then, less 1.
static SHIFTS: [u8; 256] = table(false);
static RANGES: [u8; 256] = table(true);

#[expect(
    clippy::cast_possible_truncation,
    reason = "a byte that is shifted until its first bit is at the top"
)]
const fn table(ranges: bool) -> [u8; 256] {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 255 {
        let shift = (at as u8 + 1).leading_zeros() as u8;
        table[at] = if ranges { ((at as u8 + 1) << shift) - 1 } else { shift };
        at += 1;
    }
    table
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let mut bits = Self { bytes, taken: 0, value: 0, range: 254, spare: -8 };
        bits.fill();
        bits
    }

    /// Whether more was looked at than there is. An encoder's last bits may lie in up to two bytes that it did not write.
    pub(super) fn is_exhausted(&self) -> bool {
        let looked_at = (8 * self.taken as u64).saturating_add_signed(-i64::from(self.spare));
        looked_at.div_ceil(8) > self.bytes.len() as u64 + 2
    }

    /// Takes as many whole bytes as fit.
    #[inline]
    fn fill(&mut self) {
        let next = match self.bytes.get(self.taken..self.taken + 8) {
            Some(bytes) => {
                let mut word = [0; 8];
                word.copy_from_slice(bytes);
                u64::from_be_bytes(word)
            }
            None => last_bytes(self.bytes, self.taken),
        };
        // -7 to 20 bits were spare: 1 to 28 are held, or none in the beginning.
        let held = (self.spare + 8).cast_unsigned() % 64;
        let bytes = (63 - held) / 8;
        self.value |= next >> held;
        self.taken += bytes as usize;
        self.spare += (8 * bytes).cast_signed();
    }

    /// Makes four of the quick bits ready: each shifts by 7 at most, and behind the last one more may be missing.
    #[inline]
    pub(super) fn refill(&mut self) {
        if self.spare < 3 * 7 {
            self.fill();
        }
    }

    /// The next bit, which is 0 with a probability of `zero` / 256, if it is [ready](Self::refill).
    #[inline]
    pub(super) fn quick(&mut self, zero: u8) -> bool {
        let split = (self.range * u32::from(zero)) >> 8;
        // Said twice, so that it stays a branch.
        if self.value >> 56 > u64::from(split) {
            self.value -= u64::from(split + 1) << 56;
            self.shrink(self.range - split - 1);
            true
        } else {
            self.shrink(split);
            false
        }
    }

    /// The next bit, which is 0 with a probability of `zero` / 256.
    #[inline]
    pub(super) fn bit(&mut self, zero: u8) -> bool {
        if self.spare < 0 {
            self.fill();
        }
        self.quick(zero)
    }

    /// The same, without a branch.
    #[inline]
    pub(super) fn digit(&mut self, zero: u8) -> i32 {
        if self.spare < 0 {
            self.fill();
        }
        let split = (self.range * u32::from(zero)) >> 8;
        let one = self.calculated(split);
        let range = split ^ ((split ^ (self.range - split - 1)) & one.wrapping_neg());
        self.shrink(range);
        one.cast_signed()
    }

    /// A sign, 1 or -1, if it is [ready](Self::refill) and not a file's first bit: since no later range is 254, half of it is always
    /// shifted by one.
    #[inline]
    pub(super) fn quick_sign(&mut self) -> i32 {
        let split = self.range / 2;
        let one = self.calculated(split);
        self.value <<= 1;
        self.spare -= 1;
        self.range = (self.range - one) | 1;
        1 - 2 * one.cast_signed()
    }

    /// The bit at this division of the range, taken out of the value without a branch.
    #[inline]
    fn calculated(&mut self, split: u32) -> u32 {
        let one = self.value >> 56 > u64::from(split);
        self.value -= (u64::from(split + 1) << 56) & u64::from(one).wrapping_neg();
        one.into()
    }

    /// Back to a range of at least 128.
    #[inline]
    fn shrink(&mut self, range: u32) {
        let at = range as usize % 256;
        let shift = SHIFTS[at];
        self.range = RANGES[at].into();
        self.value <<= shift;
        self.spare -= i32::from(shift);
    }

    /// A bit that says nothing about itself.
    pub(super) fn flag(&mut self) -> bool {
        self.bit(128)
    }

    /// A number of so many bits, at most 8.
    pub(super) fn number(&mut self, bits: u32) -> u8 {
        (0..bits).fold(0, |number, _| number << 1 | u8::from(self.flag()))
    }

    /// A number and its sign, if a flag says that there is one.
    pub(super) fn optional(&mut self, bits: u32) -> Option<i32> {
        self.flag().then(|| {
            let number = i32::from(self.number(bits));
            if self.flag() { -number } else { number }
        })
    }
}

/// Takes the parts of [`Bits`] and not the whole, which could not stay in registers otherwise.
#[cold]
fn last_bytes(bytes: &[u8], from: usize) -> u64 {
    (0..8).fold(0, |word, at| word << 8 | u64::from(bytes.get(from + at).copied().unwrap_or_default()))
}

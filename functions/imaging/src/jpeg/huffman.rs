//! Codes of varying length, and the tables that read several of them at once.
//!
//! A JPEG's numbers are written as a *symbol* (a Huffman code of 1 to 16 bits) and some *extra bits*. For the first
//! coefficient of a block the symbol is the number of extra bits; for the others it also holds a *run*: how many zeros come
//! before. Two symbols have no number: `00` says that the block ends here, `F0` is sixteen zeros.
//!
//! Looking bits up one code at a time would be the slowest part of everything. So the next bits of the file are taken as an
//! index into a table which says at once what they mean:
//! - [`Values`] gives a whole coefficient: run, value and how many bits it took.
//! - [`Skips`] is for coefficients that nobody needs: how many of them, and of bits, go by. One look-up often passes two or
//!   three coefficients. At a twelfth of the size, this is where most of a photo's bits go.
//!
//! What does not fit in the index goes the slow way, [`Codes::symbol`].

/// Index bits of the tables: 8192 entries cover almost everything that cameras write, and stay in the processor's cache.
pub(super) const INDEX_BITS: u32 = 13;
const ENTRIES: usize = 1 << INDEX_BITS;

/// A table as the file holds it: how many codes of each length, and their symbols.
#[derive(Debug, Clone)]
pub(super) struct Spec {
    counts: [u8; 16],
    symbols: [u8; 256],
}

impl Spec {
    /// Reads one; `None` if it promises more codes than there can be.
    pub(super) fn parse(data: &[u8]) -> Option<(Self, &[u8])> {
        let (counts, rest) = data.split_first_chunk::<16>()?;
        let total: usize = counts.iter().map(|count| usize::from(*count)).sum();
        let (list, rest) = rest.split_at_checked(total)?;
        let mut symbols = [0; 256];
        symbols.get_mut(..total)?.copy_from_slice(list);
        let mut free: u32 = 1;
        for count in counts {
            free = (free * 2).checked_sub(u32::from(*count))?;
        }
        Some((Self { counts: *counts, symbols }, rest))
    }
}

/// Every code of a table, ready to be found.
#[derive(Debug)]
pub(super) struct Codes {
    /// For an index: `symbol << 8 | length` of the code that it begins with; 0 if that is longer.
    short: Box<[u16; ENTRIES]>,
    /// For each length: the first 16 bits that are too large for it.
    ends: [u32; 17],
    /// For each length: what to add to a code to get the position of its symbol.
    offsets: [i32; 17],
    symbols: [u8; 256],
}

impl Codes {
    /// Codes are not written down: those of a length follow each other, and the next length continues where they end.
    pub(super) fn new(spec: &Spec) -> Self {
        let (mut short, mut ends, mut offsets) = (boxed(), [0; 17], [0; 17]);
        let (mut code, mut position, mut filled) = (0_i32, 0_i32, 0_usize);
        for (length, count) in (1_u32..).zip(spec.counts) {
            let at = length as usize;
            offsets[at] = position - code;
            for symbol in spec.symbols.iter().skip(position.unsigned_abs() as usize).take(count.into()) {
                if length <= INDEX_BITS {
                    let next = filled + (ENTRIES >> length);
                    short[filled..next].fill(u16::from(*symbol) << 8 | small(length));
                    filled = next;
                }
            }
            position += i32::from(count);
            code += i32::from(count);
            ends[at] = code.cast_unsigned() << (16 - length);
            code *= 2;
        }
        Self { short, ends, offsets, symbols: spec.symbols }
    }

    /// The symbol that 16 bits begin with, and its length; `None` if no code looks like that.
    #[inline]
    pub(super) fn symbol(&self, bits: u32) -> Option<(u32, u32)> {
        let entry = u32::from(self.short[(bits >> (16 - INDEX_BITS)) as usize % ENTRIES]);
        if entry == 0 { self.long(bits) } else { Some((entry >> 8, entry & 0xFF)) }
    }

    #[cold]
    fn long(&self, bits: u32) -> Option<(u32, u32)> {
        let length = (1..=16).find(|length| bits < self.ends[*length])?;
        let code = (bits >> (16 - length)).cast_signed();
        let position = usize::try_from(code + self.offsets[length]).ok()?;
        Some((u32::from(*self.symbols.get(position)?), u32::try_from(length).ok()?))
    }

    /// The symbol that an index holds whole, some bits in.
    fn symbol_within(&self, index: usize, from: u32) -> Option<(u32, u32)> {
        let entry = u32::from(self.short[(index << from) % ENTRIES]);
        (entry != 0 && from + (entry & 0xFF) <= INDEX_BITS).then_some((entry >> 8, entry & 0xFF))
    }
}

/// The number that extra bits stand for: the upper half of the range is positive, the lower half negative.
pub(super) fn extend(bits: u32, size: u32) -> i32 {
    let value = bits.cast_signed();
    if size == 0 || value >= 1 << (size - 1) { value } else { value - (1 << size) + 1 }
}

/// A coefficient: `value << 16 | run << 8 | bits`; 0 where the bits do not fit. A run of 64 ends the block.
#[derive(Debug)]
pub(super) struct Values {
    pub(super) codes: Codes,
    table: Box<[u32; ENTRIES]>,
}

impl Values {
    /// For the first coefficient of blocks: its symbols hold no run.
    pub(super) fn first(spec: &Spec) -> Self {
        Self::new(spec, |symbol| Some((0, symbol)))
    }

    /// For the others.
    pub(super) fn others(spec: &Spec) -> Self {
        Self::new(spec, |symbol| {
            let (run, size) = (symbol >> 4, symbol & 15);
            Some(if size == 0 && run < 15 { (END_OF_BLOCK, 0) } else { (run, size) })
        })
    }

    /// For a band of the others in a progressive file, where the end of several blocks at once goes the slow way.
    pub(super) fn band(spec: &Spec) -> Self {
        Self::new(spec, |symbol| match (symbol >> 4, symbol & 15) {
            (0, 0) => Some((END_OF_BLOCK, 0)),
            (1..15, 0) => None,
            (run, size) => Some((run, size)),
        })
    }

    fn new(spec: &Spec, meaning: impl Fn(u32) -> Option<(u32, u32)>) -> Self {
        let codes = Codes::new(spec);
        let mut table = boxed();
        for (index, entry) in table.iter_mut().enumerate() {
            let Some((symbol, length)) = codes.symbol_within(index, 0) else { continue };
            let Some((run, size)) = meaning(symbol) else { continue };
            let bits = length + size;
            if bits <= INDEX_BITS {
                let extra =
                    (u32::try_from(index).unwrap_or_default() >> (INDEX_BITS - bits)) & ((1 << size) - 1);
                *entry = extend(extra, size).cast_unsigned() << 16 | run << 8 | bits;
            }
        }
        Self { codes, table }
    }

    #[inline]
    pub(super) fn look_up(&self, index: usize) -> u32 {
        self.table[index % ENTRIES]
    }
}

/// As a run: behind the last coefficient, wherever it is added.
pub(super) const END_OF_BLOCK: u32 = 64;

/// Coefficients to pass: `count << 4 | bits`. 64 is added to the count if the block ends there. An entry of [`Skips::SLOW`]
/// passes nothing.
#[derive(Debug)]
pub(super) struct Skips {
    table: Box<[u16; ENTRIES]>,
}

impl Skips {
    /// More than a block can hold, whatever it is added to.
    pub(super) const SLOW: u16 = 200 << 4;

    pub(super) fn new(values: &Values) -> Self {
        let mut table = boxed();
        for (index, entry) in table.iter_mut().enumerate() {
            *entry = Self::entry(&values.codes, index);
        }
        Self { table }
    }

    fn entry(codes: &Codes, index: usize) -> u16 {
        let (mut count, mut bits) = (0, 0);
        while let Some((symbol, length)) = codes.symbol_within(index, bits) {
            let (run, size) = (small(symbol >> 4), symbol & 15);
            if size == 0 && run < 15 {
                return (count + 64) << 4 | small(bits + length);
            }
            if bits + length + size > INDEX_BITS || count + run + 1 >= 64 {
                break;
            }
            bits += length + size;
            count += run + 1;
        }
        if bits == 0 { Self::SLOW } else { count << 4 | small(bits) }
    }

    #[inline]
    pub(super) fn look_up(&self, index: usize) -> u32 {
        self.table[index % ENTRIES].into()
    }
}

fn small(bits: u32) -> u16 {
    u16::try_from(bits).unwrap_or_default()
}

fn boxed<T: Copy + Default>() -> Box<[T; ENTRIES]> {
    Box::new([T::default(); ENTRIES])
}

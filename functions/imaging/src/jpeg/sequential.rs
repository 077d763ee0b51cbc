//! Baseline JPEG: each block is written whole, so it can become samples as soon as it is read.

use super::band::Band;
use super::bits::Bits;
use super::header::{Scan, Tables};
use super::huffman::{END_OF_BLOCK, INDEX_BITS, Skips, Values, extend};
use super::layout::Plan;
use super::transform::{Block, PLACES, last_needed, write};
use super::walk::Units;

/// The tables that a scan uses, built once each.
#[derive(Debug, Default)]
pub(super) struct Built {
    first: [Option<Values>; 4],
    others: [Option<(Values, Skips)>; 4],
}

impl Built {
    /// `None` if one is missing in the file.
    pub(super) fn new(scan: &Scan, tables: &Tables) -> Option<Self> {
        let mut built = Self::default();
        for (_, dc, ac) in scan.parts() {
            let (dc, ac) = (usize::from(*dc), usize::from(*ac));
            if built.first[dc].is_none() {
                built.first[dc] = Some(Values::first(tables.dc[dc].as_ref()?));
            }
            if built.others[ac].is_none() {
                let values = Values::others(tables.ac[ac].as_ref()?);
                let skips = Skips::new(&values);
                built.others[ac] = Some((values, skips));
            }
        }
        Some(built)
    }
}

/// One plane while a scan is decoded.
#[derive(Debug)]
struct Lane<'a> {
    band: &'a mut Band,
    first: &'a Values,
    others: &'a Values,
    skips: &'a Skips,
    /// Steps of the coefficients, in stored order.
    steps: [f32; 64],
    /// Blocks hold the difference of their mean to that of the block before.
    mean: i32,
    block: Block,
}

/// The planes of a scan.
#[derive(Debug)]
pub(super) struct Sequential<'a> {
    lanes: Vec<Lane<'a>>,
    /// Units of a row.
    across: usize,
    interleaved: bool,
}

impl<'a> Sequential<'a> {
    /// `None` if a table is missing. The means are those of the scan's planes where it was left, 0 at its beginning.
    pub(super) fn new(
        plan: &Plan,
        scan: &Scan,
        tables: (&Tables, &'a Built),
        (bands, means): (&'a mut [Band], [i32; 4]),
    ) -> Option<Self> {
        let (tables, built) = tables;
        let mut lanes = Vec::with_capacity(4);
        let mut bands: Vec<Option<&mut Band>> = bands.iter_mut().map(Some).collect();
        for ((index, dc, ac), mean) in scan.parts().iter().zip(means) {
            let index = usize::from(*index);
            let band = bands.get_mut(index)?.take()?;
            let steps = tables.quantisation.get(band.layout.table)?.as_ref()?.map(f32::from);
            let (others, skips) = built.others[usize::from(*ac)].as_ref()?;
            let first = built.first[usize::from(*dc)].as_ref()?;
            lanes.push(Lane { band, first, others, skips, steps, mean, block: [0.0; 64] });
        }
        let interleaved = lanes.len() > 1;
        let across = if interleaved { plan.across } else { lanes.first()?.band.layout.own_across };
        Some(Self { lanes, across, interleaved })
    }

    /// Of the scan's planes, to go on from.
    pub(super) fn means(&self) -> [i32; 4] {
        std::array::from_fn(|at| self.lanes.get(at).map_or(0, |lane| lane.mean))
    }
}

impl Units for Sequential<'_> {
    fn restart(&mut self) {
        for lane in &mut self.lanes {
            lane.mean = 0;
        }
    }

    fn across(&self) -> usize {
        self.across
    }

    #[inline]
    fn unit(&mut self, bits: &mut Bits<'_>, (left, top): (usize, usize)) -> bool {
        for lane in &mut self.lanes {
            let layout = lane.band.layout;
            // A scan of one plane has the blocks of a unit in rows of their own.
            let (across, down, unit, first) = if self.interleaved {
                (layout.across, layout.down, top, 0)
            } else {
                (1, 1, top / layout.down, top % layout.down)
            };
            lane.band.turn_to(unit);
            for y in first..first + down {
                for x in 0..across {
                    if !lane.block(bits, left * across + x, y) {
                        return false;
                    }
                }
            }
        }
        true
    }
}

impl Lane<'_> {
    /// Decodes the block in a column and row of the band's blocks.
    #[inline]
    fn block(&mut self, bits: &mut Bits<'_>, column: usize, row: usize) -> bool {
        let side = self.band.layout.side;
        let good = match side {
            1 => self.coefficients::<{ last_needed(1) }>(bits),
            2 => self.coefficients::<{ last_needed(2) }>(bits),
            4 => self.coefficients::<{ last_needed(4) }>(bits),
            _ => self.coefficients::<{ last_needed(8) }>(bits),
        };
        if good {
            let at = (row * self.band.stride + column) * side;
            write(side, &self.block, &mut self.band.samples, (at, self.band.stride));
        }
        good
    }

    /// Reads the coefficients up to `LAST` and passes the others.
    #[inline]
    fn coefficients<const LAST: usize>(&mut self, bits: &mut Bits<'_>) -> bool {
        bits.refill();
        let Some((_, difference)) = number(bits, self.first, false) else { return false };
        self.mean = self.mean.wrapping_add(difference).clamp(-32_768, 32_767);
        self.clear::<LAST>();
        self.block[0] = short(self.mean) * self.steps[0];
        let mut next = 1;
        while next as usize <= LAST {
            bits.refill();
            let Some((run, value)) = number(bits, self.others, true) else { return false };
            next += run;
            if next >= 64 {
                return true;
            }
            let at = next as usize % 64;
            if at <= LAST {
                self.block[usize::from(PLACES[at]) % 64] = short(value) * self.steps[at];
            }
            next += 1;
        }
        self.pass(bits, next)
    }

    #[inline]
    fn clear<const LAST: usize>(&mut self) {
        match LAST {
            0 => {}
            4 => (self.block[1], self.block[8], self.block[9]) = (0.0, 0.0, 0.0),
            _ => self.block = [0.0; 64],
        }
    }

    /// Passes the rest of a block, from its coefficient `next`.
    #[inline]
    fn pass(&self, bits: &mut Bits<'_>, mut next: u32) -> bool {
        'refill: while next < 64 {
            bits.refill();
            for _ in 0..4 {
                let entry = self.skips.look_up(bits.index::<INDEX_BITS>());
                let count = entry >> 4;
                let behind = next + count;
                if behind < 64 {
                    next = behind;
                    bits.pass(entry & 15);
                    continue;
                }
                // Either the block ends here, or the entry reaches into the next block, or it is a long code.
                if behind == 64 || (count >= 64 && behind < 128) {
                    bits.pass(entry & 15);
                    return true;
                }
                bits.refill();
                let Some((run, _)) = number(bits, self.others, true) else { return false };
                next += run + 1;
                continue 'refill;
            }
        }
        true
    }
}

/// The next run and value; `None` if no code looks like that. At most 31 bits, which must be held.
#[inline]
pub(super) fn number(bits: &mut Bits<'_>, values: &Values, runs: bool) -> Option<(u32, i32)> {
    let entry = values.look_up(bits.index::<INDEX_BITS>());
    if entry & 0xFF != 0 {
        bits.pass(entry & 0xFF);
        return Some((entry >> 8 & 0xFF, entry.cast_signed() >> 16));
    }
    long_number(bits, values, runs)
}

#[cold]
#[inline(never)]
fn long_number(bits: &mut Bits<'_>, values: &Values, runs: bool) -> Option<(u32, i32)> {
    let (symbol, length) = values.codes.symbol(bits.peek16())?;
    bits.pass(length);
    let (run, size) = if runs { (symbol >> 4, symbol & 15) } else { (0, symbol) };
    if runs && size == 0 && run < 15 {
        return Some((END_OF_BLOCK, 0));
    }
    (size <= 16).then(|| (run, extend(bits.take(size), size)))
}

/// A number of at most 16 bits, which a float holds exactly.
#[inline]
#[expect(clippy::cast_precision_loss, reason = "24 bits are exact")]
fn short(value: i32) -> f32 {
    value as f32
}

//! Progressive JPEG: the picture is written several times, each time with more detail.
//!
//! A scan holds either the means of all blocks or a band of the other coefficients of one plane, and either their upper bits or
//! one more bit of each (a *refinement*). A decoder that shows the whole picture has to hold every coefficient of every block
//! until the last scan. Here only the low ones are held, and most scans are not even read, which is why progressive files are
//! cheaper to make thumbnails of than others.
//!
//! Which scans are read is decided beforehand, from their headers ([`needed`]): those with a coefficient that is needed, and
//! refinements of such as long as the step between two values would be visible. A refinement holds a bit for every coefficient
//! that is not zero *so far*, so reading it takes having read all earlier scans of its band; for that, a bit a coefficient is
//! remembered ([`Store::seen`]), not the coefficient.

use super::band::Band as Rows;
use super::bits::Bits;
use super::header::{Scan, Tables};
use super::huffman::{INDEX_BITS, Spec, Values, extend};
use super::layout::{Layout, Plan};
use super::sequential::number;
use super::transform::{PLACES, write};
use super::walk::Units;

/// A coarser step than this between two values of a coefficient is refined if the file can. In the units of coefficients, of
/// which 8 are one level of brightness in the mean of a block. Files of quality 50 and more stay below it; leaving their refinements
/// out costs 1 to 3 dB of more than 50, before encoding, and saves two thirds of the time.
const VISIBLE: u32 = 64;

/// The coefficients of a plane.
#[derive(Debug)]
pub(super) struct Store {
    layout: Layout,
    /// The first few of each block, in stored order.
    kept: Vec<i16>,
    /// For each block, a bit a coefficient: not zero so far. Empty if no refinement will ask.
    seen: Vec<u64>,
    /// Bits that are still missing of each coefficient.
    missing: [u8; 64],
    /// Steps, from the table that holds when the plane is first met.
    steps: Option<[u16; 64]>,
    /// The mean of the block before.
    mean: i32,
}

impl Store {
    /// Bytes that a store takes at the most.
    pub(super) fn bytes(layout: &Layout) -> usize {
        let seen = if layout.kept() == 1 { 0 } else { 8 };
        layout.blocks() * (layout.kept() * 2 + seen)
    }

    pub(super) fn new(layout: &Layout) -> Self {
        Self {
            layout: *layout,
            kept: vec![0; layout.blocks() * layout.kept()],
            seen: Vec::new(),
            missing: [0; 64],
            steps: None,
            mean: 0,
        }
    }

    /// Takes the memory to remember what refinements will ask for.
    pub(super) fn remember(&mut self) {
        self.seen = vec![0; self.layout.blocks()];
    }

    /// Makes the samples. False if nothing is known of the plane.
    pub(super) fn finish(self, rows: &mut Rows) -> bool {
        let Some(steps) = self.steps else { return false };
        let Layout { all_across, down, side, .. } = self.layout;
        // What was left out of a number is as likely large as small: take the middle. The mean is taken as it is.
        let middles = self.missing.map(|bits| f32::from((1_u16 << bits) - 1) / 2.0);
        let place = |(at, (step, middle)): (usize, (u16, f32))| {
            let step = f32::from(step);
            (usize::from(PLACES[at]), step, if at == 0 { 0.0 } else { middle * step })
        };
        let places: Vec<_> = steps.into_iter().zip(middles).enumerate().map(place).collect();
        let mut block = [0.0; 64];
        for (at, kept) in self.kept.chunks_exact(self.layout.kept()).enumerate() {
            for (value, (place, step, middle)) in kept.iter().zip(&places) {
                block[*place] = f32::from(*value) * step + f32::from(value.signum()) * middle;
            }
            let (row, column) = (at / all_across, at % all_across);
            rows.turn_to(row / down);
            let corner = (row % down * rows.stride + column) * side;
            write(side, &block, &mut rows.samples, (corner, rows.stride));
        }
        true
    }
}

/// Which of a file's scans are needed, and which planes have refinements among them. Goes backwards, since a scan may be needed by a
/// later one.
pub(super) fn needed(scans: &[Scan], plan: &Plan, tables: &Tables) -> (Vec<bool>, [bool; 4]) {
    // Of each plane, the coefficients that are refined later.
    let mut history = [0_u64; 4];
    let mut needed = vec![false; scans.len()];
    for (scan, needed) in scans.iter().zip(&mut needed).rev() {
        let &[(plane, _, _), ..] = scan.parts() else { continue };
        let Some(layout) = plan.layouts.get(usize::from(plane)) else { continue };
        let history = &mut history[usize::from(plane)];
        let low = band(1, layout.kept() - 1);
        let own = band(scan.first.into(), scan.last.into());
        *needed = if scan.first == 0 || own & *history != 0 {
            true
        } else if scan.before == 0 {
            own & low != 0
        } else {
            own & low != 0 && (layout.side == 8 || coarsest(tables, layout) << scan.before.min(15) > VISIBLE)
        };
        if *needed && scan.first > 0 && scan.before > 0 {
            *history |= own;
        }
    }
    (needed, history.map(|refined| refined != 0))
}

/// The largest step of the coefficients that are kept.
fn coarsest(tables: &Tables, layout: &Layout) -> u32 {
    let table = tables.quantisation.get(layout.table).and_then(Option::as_ref);
    table.map_or(u32::from(u16::MAX), |table| {
        table[1..layout.kept().max(2)].iter().copied().max().unwrap_or(1).into()
    })
}

/// A bit for each coefficient from the first to the last; none if they are the wrong way round.
fn band(first: usize, last: usize) -> u64 {
    if first > last || last > 63 { 0 } else { (u64::MAX >> (63 - last)) & (u64::MAX << first) }
}

/// What a scan is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Means,
    MeansRefined,
    Band,
    BandRefined,
}

/// A scan of a progressive file while it is decoded.
#[derive(Debug)]
pub(super) struct Progressive<'a> {
    stores: Vec<(&'a mut Store, Option<Values>)>,
    kind: Kind,
    across: usize,
    interleaved: bool,
    first: u32,
    last: u32,
    /// Bits that are missing after this scan.
    shift: u32,
    /// Blocks that have nothing more in this band, the current one included.
    empty: u32,
}

impl<'a> Progressive<'a> {
    /// `None` if a table is missing or the scan's header makes no sense.
    pub(super) fn new(plan: &Plan, scan: &Scan, tables: &Tables, stores: &'a mut [Store]) -> Option<Self> {
        let kind = match (scan.first, scan.before) {
            (0, 0) => Kind::Means,
            (0, _) => Kind::MeansRefined,
            (_, 0) => Kind::Band,
            _ => Kind::BandRefined,
        };
        let interleaved = scan.parts().len() > 1;
        let sound = if scan.first == 0 { scan.last == 0 } else { !interleaved };
        if !sound || (scan.before != 0 && scan.before != scan.after + 1) {
            return None;
        }
        let mut stores: Vec<Option<&mut Store>> = stores.iter_mut().map(Some).collect();
        let mut chosen = Vec::with_capacity(4);
        for (index, dc, ac) in scan.parts() {
            let store = stores.get_mut(usize::from(*index))?.take()?;
            if store.steps.is_none() {
                store.steps = Some(*tables.quantisation.get(store.layout.table)?.as_ref()?);
            }
            store.missing[usize::from(scan.first)..=usize::from(scan.last)].fill(scan.after);
            let table = |of: fn(&Spec) -> Values, spec: &Option<Spec>| spec.as_ref().map(of);
            let values = match kind {
                Kind::Means => Some(table(Values::first, &tables.dc[usize::from(*dc)])?),
                Kind::MeansRefined => None,
                Kind::Band | Kind::BandRefined => Some(table(Values::band, &tables.ac[usize::from(*ac)])?),
            };
            chosen.push((store, values));
        }
        let across = if interleaved { plan.across } else { chosen.first()?.0.layout.own_across };
        Some(Self {
            stores: chosen,
            kind,
            across,
            interleaved,
            first: scan.first.into(),
            last: scan.last.into(),
            shift: scan.after.into(),
            empty: 0,
        })
    }
}

impl Units for Progressive<'_> {
    fn restart(&mut self) {
        self.empty = 0;
        for (store, _) in &mut self.stores {
            store.mean = 0;
        }
    }

    fn across(&self) -> usize {
        self.across
    }

    #[inline]
    fn unit(&mut self, bits: &mut Bits<'_>, (left, top): (usize, usize)) -> bool {
        let (kind, interleaved, shift) = (self.kind, self.interleaved, self.shift);
        let band = (self.first, self.last);
        for (store, values) in &mut self.stores {
            let (across, down) = if interleaved { (store.layout.across, store.layout.down) } else { (1, 1) };
            for y in 0..down {
                for x in 0..across {
                    let at = (top * down + y) * store.layout.all_across + left * across + x;
                    let good = match (kind, values.as_ref()) {
                        (Kind::Means, Some(values)) => store.mean(bits, values, at, shift),
                        (Kind::Band, Some(values)) => {
                            store.band(bits, values, at, (band, shift, &mut self.empty))
                        }
                        (Kind::BandRefined, Some(values)) => {
                            store.refine(bits, values, at, (band, shift, &mut self.empty))
                        }
                        _ => store.refine_mean(bits, at, shift),
                    };
                    if !good {
                        return false;
                    }
                }
            }
        }
        true
    }
}

/// First and last coefficient, the shift, and the blocks that are known to be empty.
type Band<'a> = ((u32, u32), u32, &'a mut u32);

impl Store {
    #[inline]
    fn mean(&mut self, bits: &mut Bits<'_>, values: &Values, at: usize, shift: u32) -> bool {
        bits.refill();
        let Some((_, difference)) = number(bits, values, false) else { return false };
        self.mean = self.mean.wrapping_add(difference).clamp(-32_768, 32_767);
        self.set(at, 0, self.mean, shift);
        true
    }

    #[inline]
    fn refine_mean(&mut self, bits: &mut Bits<'_>, at: usize, shift: u32) -> bool {
        bits.refill();
        if bits.take(1) == 1
            && let Some(mean) = self.kept.get_mut(at * self.layout.kept())
        {
            *mean |= 1 << shift;
        }
        true
    }

    #[inline]
    fn band(&mut self, bits: &mut Bits<'_>, values: &Values, at: usize, band: Band<'_>) -> bool {
        let ((mut next, last), shift, empty) = band;
        if *empty > 0 {
            *empty -= 1;
            return true;
        }
        while next <= last {
            bits.refill();
            let entry = values.look_up(bits.index::<INDEX_BITS>());
            if entry & 0xFF != 0 {
                bits.pass(entry & 0xFF);
                next += entry >> 8 & 0xFF;
                // Sixteen zeros have no value.
                let value = entry.cast_signed() >> 16;
                if value != 0 && next <= last {
                    self.set(at, next, value, shift);
                }
                next += 1;
                continue;
            }
            let Some((symbol, length)) = values.codes.symbol(bits.peek16()) else { return false };
            bits.pass(length);
            let (run, size) = (symbol >> 4, symbol & 15);
            if size == 0 && run < 15 {
                *empty = (1 << run) - 1 + bits.take(run);
                return true;
            }
            next += run;
            if size > 0 && next <= last {
                self.set(at, next, extend(bits.take(size), size), shift);
            }
            next += 1;
        }
        true
    }

    /// One more bit of each coefficient that is not zero, and those that become so.
    #[inline]
    fn refine(&mut self, bits: &mut Bits<'_>, values: &Values, at: usize, band: Band<'_>) -> bool {
        let ((mut next, last), shift, empty) = band;
        while *empty == 0 && next <= last {
            bits.refill();
            let Some((symbol, length)) = values.codes.symbol(bits.peek16()) else { return false };
            bits.pass(length);
            let (zeros, size) = (symbol >> 4, symbol & 15);
            if size == 0 && zeros < 15 {
                *empty = (1 << zeros) + bits.take(zeros);
                break;
            }
            let value = if size > 0 { bits.take(1).cast_signed() * 2 - 1 } else { 0 };
            next = self.pass_zeros(bits, at, (next, last, shift), zeros);
            if value != 0 && next <= last {
                self.set(at, next, value, shift);
            }
            next += 1;
        }
        if *empty > 0 {
            *empty -= 1;
            self.pass_zeros(bits, at, (next, last, shift), 64);
        }
        true
    }

    /// Goes to the coefficient behind so many zeros, refining those between. Where that is.
    #[inline]
    fn pass_zeros(&mut self, bits: &mut Bits<'_>, at: usize, band: (u32, u32, u32), zeros: u32) -> u32 {
        let (next, last, shift) = band;
        let seen = self.seen.get(at).copied().unwrap_or_default();
        let rest = self::band(next as usize, last as usize);
        let mut open = !seen & rest;
        for _ in 0..zeros {
            open &= open.saturating_sub(1);
        }
        let end = open.trailing_zeros().min(last + 1);
        let mut known = if end < 64 { seen & rest & ((1 << end) - 1) } else { seen & rest };
        while known != 0 {
            // A bit for each of them; as many at once as are held.
            let count = known.count_ones().min(16);
            bits.refill();
            let corrections = bits.take(count);
            for bit in (0..count).rev() {
                if corrections >> bit & 1 == 1 {
                    self.correct(at, known.trailing_zeros(), shift);
                }
                known &= known - 1;
            }
        }
        end
    }

    #[inline]
    fn correct(&mut self, at: usize, index: u32, shift: u32) {
        let kept = self.layout.kept();
        if (index as usize) < kept
            && let Some(value) = self.kept.get_mut(at * kept + index as usize)
            && *value & (1 << shift) == 0
        {
            *value = value.saturating_add(value.signum() << shift);
        }
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "clamped before")]
    fn set(&mut self, at: usize, index: u32, value: i32, shift: u32) {
        if index > 0
            && let Some(seen) = self.seen.get_mut(at)
        {
            *seen |= 1 << (index & 63);
        }
        let kept = self.layout.kept();
        if (index as usize) < kept
            && let Some(slot) = self.kept.get_mut(at * kept + index as usize)
        {
            *slot = (value << shift).clamp(-32_768, 32_767) as i16;
        }
    }
}

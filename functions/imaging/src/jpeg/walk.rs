//! Walks through a scan, unit by unit, and mends what restart markers allow to mend.
//!
//! A camera may write a *restart marker* every so many units: there, everything starts anew, so damage before it does no harm
//! behind it. Markers are numbered 0 to 7, which tells how many are lost when some are.

use super::bits::Bits;

/// Something that decodes units of a scan.
pub(super) trait Units {
    /// At the beginning and at each restart marker.
    fn restart(&mut self);
    /// Units of a row.
    fn across(&self) -> usize;
    /// Decodes the unit in a column and row of units; false if the bits make no sense.
    fn unit(&mut self, bits: &mut Bits<'_>, at: (usize, usize)) -> bool;
}

/// What came of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Walked {
    /// Units that were decoded.
    pub(super) units: usize,
    /// Whether these are all.
    pub(super) complete: bool,
}

/// Decodes `count` units; a restart marker is expected every `interval` of them, unless that is 0.
pub(super) fn walk(bits: &mut Bits<'_>, units: &mut impl Units, count: usize, interval: usize) -> Walked {
    let interval = if interval == 0 { count.max(1) } else { interval };
    let across = units.across().max(1);
    let (mut begin, mut decoded) = (0, 0);
    let mut complete = true;
    while begin < count {
        units.restart();
        let end = count.min(begin + interval);
        let (mut left, mut top) = (begin % across, begin / across);
        let good = (begin..end).take_while(|_| {
            let good = bits.prepare() && units.unit(bits, (left, top));
            left += 1;
            if left == across {
                (left, top) = (0, top + 1);
            }
            good
        });
        let good = good.count();
        // The last unit may have been made of the zeros behind the end.
        decoded += good - usize::from(good > 0 && bits.is_exhausted());
        complete &= good == end - begin && !bits.is_exhausted();
        begin += interval;
        if begin < count {
            // Data that nobody needed is damage as well.
            bits.prepare();
            complete &= bits.is_at_end();
            let Some(number) = bits.restart() else { return Walked { units: decoded, complete: false } };
            let lost = usize::from(number).wrapping_sub(begin / interval - 1) % 8;
            complete &= lost == 0;
            // A number from before the expected one is damage as well; going on in order is the best guess.
            begin += if lost < 4 { lost * interval } else { 0 };
        }
    }
    Walked { units: decoded, complete }
}

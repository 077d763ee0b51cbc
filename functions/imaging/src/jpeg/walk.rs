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

/// Where a walk through a scan is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Walk {
    count: usize,
    interval: usize,
    /// Where the current interval begins, and the unit that is next.
    begin: usize,
    pub(super) next: usize,
    /// Units that were decoded.
    pub(super) decoded: usize,
    /// Whether these are all, and nothing was lost between them.
    pub(super) complete: bool,
}

impl Walk {
    /// Of so many units; a restart marker is expected every `interval` of them, unless that is 0.
    pub(super) fn new(count: usize, interval: usize) -> Self {
        let interval = if interval == 0 { count.max(1) } else { interval };
        Self { count, interval, begin: 0, next: 0, decoded: 0, complete: true }
    }

    /// Decodes units up to the end of the scan, or as far as the file is there: then false.
    pub(super) fn go_on(&mut self, bits: &mut Bits<'_>, units: &mut impl Units) -> bool {
        let across = units.across().max(1);
        while self.begin < self.count {
            if self.next < self.begin + self.interval {
                if self.next == self.begin {
                    units.restart();
                }
                let end = self.count.min(self.begin + self.interval);
                let (mut left, mut top) = (self.next % across, self.next / across);
                let good = (self.next..end).take_while(|_| {
                    let good = bits.prepare() && units.unit(bits, (left, top));
                    left += 1;
                    if left == across {
                        (left, top) = (0, top + 1);
                    }
                    good
                });
                self.next += good.count();
                if bits.is_waiting() {
                    return false;
                }
                let good = self.next - self.begin;
                // The last unit may have been made of the zeros behind the end.
                self.decoded += good - usize::from(good > 0 && bits.is_exhausted());
                self.complete &= self.next == end && !bits.is_exhausted();
                self.next = self.begin + self.interval;
            }
            if self.next >= self.count {
                break;
            }
            // Data that nobody needed is damage as well.
            bits.prepare();
            if bits.is_waiting() {
                return false;
            }
            self.complete &= bits.is_at_end();
            let Some(number) = bits.restart() else {
                self.complete &= bits.is_waiting();
                return !bits.is_waiting();
            };
            let lost = usize::from(number).wrapping_sub(self.next / self.interval - 1) % 8;
            self.complete &= lost == 0;
            // A number from before the expected one is damage as well; going on in order is the best guess.
            self.next += if lost < 4 { lost * self.interval } else { 0 };
            self.begin = self.next;
        }
        true
    }
}

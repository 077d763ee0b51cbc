//! A plane while it is decoded: one row of units at a time, which then goes to whoever makes it smaller.

use super::layout::Layout;
use crate::raster::Raster;
use crate::refusal::Refusal;
use crate::scale::{Aim, Scaler};

/// What is missing in a file that ends early shows as middle grey.
const MISSING: u8 = 128;

/// A row of units of a plane.
#[derive(Debug)]
pub(super) struct Band {
    pub(super) layout: Layout,
    pub(super) samples: Vec<u8>,
    pub(super) stride: usize,
    /// The number of the row of units that the samples are of.
    row: usize,
    scaler: Scaler,
}

impl Band {
    pub(super) fn new(layout: &Layout, aim: Aim) -> Self {
        let shape = layout.shape();
        let scaler = aim.scaler(shape, layout.halved);
        Self { layout: *layout, samples: Vec::new(), stride: shape.stride, row: 0, scaler }
    }

    /// Bytes that it takes at the most.
    pub(super) fn bytes(&self) -> usize {
        self.length() + self.scaler.bytes()
    }

    fn length(&self) -> usize {
        self.stride * self.layout.down * self.layout.side
    }

    /// Takes the memory for the samples.
    pub(super) fn allocate(&mut self) {
        self.samples = vec![MISSING; self.length()];
    }

    /// Goes on to a row of units. Rows go downwards only.
    #[inline]
    pub(super) fn turn_to(&mut self, row: usize) {
        while self.row < row {
            self.scaler.push(&self.samples);
            self.samples.fill(MISSING);
            self.row += 1;
        }
    }

    /// The plane in its small size.
    pub(super) fn finish(mut self) -> Result<Raster, Refusal> {
        self.turn_to(self.layout.all_down / self.layout.down.max(1));
        self.scaler.finish()
    }
}

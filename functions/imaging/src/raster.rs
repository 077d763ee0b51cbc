//! Samples of a whole picture or plane.

use crate::refusal::Refusal;
use crate::scale::{Aim, Shape};

/// Samples in rows, 1, 3 (RGB) or 4 (RGBA) a pixel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Raster {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) channels: usize,
    pub(crate) samples: Vec<u8>,
}

impl Raster {
    /// The same in another size.
    pub(crate) fn resize(&self, aim: Aim) -> Result<Self, Refusal> {
        let mut scaler = aim.scaler(Shape::whole(self.channels, self.width, self.height), false);
        scaler.push(&self.samples);
        scaler.finish()
    }

    /// A halved plane of a picture of this size, for another size: halved again or not.
    pub(crate) fn resize_half(
        &self,
        (width, height): (usize, usize),
        aim: Aim,
        halved: bool,
    ) -> Result<Self, Refusal> {
        let shape = Shape::whole(self.channels, self.width, self.height);
        #[expect(clippy::cast_precision_loss, reason = "sides of pictures are exact")]
        let shape = Shape { width: width as f64 / 2.0, height: height as f64 / 2.0, ..shape };
        let mut scaler = aim.scaler(shape, halved);
        scaler.push(&self.samples);
        scaler.finish()
    }
}

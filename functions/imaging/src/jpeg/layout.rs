//! Which planes a picture has, how large each comes out, and what that takes.

use super::header::{Component, Frame, Summary};
use super::transform::{SIDES, last_needed};
use crate::model::Model;
use crate::scale::{Aim, Shape};

/// The rules of libjpeg, which everybody follows: markers first, then the components' names.
pub(super) fn model(summary: &Summary) -> Option<Model> {
    let ids: Vec<u8> = summary.frame.components().iter().map(|component| component.id).collect();
    match (summary.frame.count, summary.adobe) {
        (1, _) => Some(Model::Grey),
        (3, _) if summary.jfif => Some(Model::YCbCr),
        (3, Some(0)) => Some(Model::Rgb),
        (3, None) if ids == *b"RGB" => Some(Model::Rgb),
        (3, _) => Some(Model::YCbCr),
        (4, None) => Some(Model::Cmyk { inverted: false }),
        (4, Some(0)) => Some(Model::Cmyk { inverted: true }),
        (4, Some(_)) => Some(Model::Ycck),
        _ => None,
    }
}

/// Planes leave this much for the Lanczos filter to work with. Twice the target loses nothing that can be seen against a full
/// decode (49 dB before encoding); the target's own size would (38 dB).
const BRIGHTNESS: f64 = 2.0;
/// Colour ends at half the resolution anyway, in JPEG as in WebP, and the eye is easy with it.
const COLOUR: f64 = 1.25 / 2.0;

/// How one plane is made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    /// Blocks of a unit.
    pub(super) across: usize,
    pub(super) down: usize,
    /// Blocks that hold picture: those of scans with this plane alone.
    pub(super) own_across: usize,
    pub(super) own_down: usize,
    /// Blocks of whole units.
    pub(super) all_across: usize,
    pub(super) all_down: usize,
    /// Samples made of a block: `side` x `side`.
    pub(super) side: usize,
    /// Number of the quantisation table.
    pub(super) table: usize,
    /// Whether the small picture has it at half its width and height.
    pub(super) halved: bool,
    pub(super) width: f64,
    height: f64,
}

impl Layout {
    pub(super) fn blocks(&self) -> usize {
        self.all_across * self.all_down
    }

    /// The plane as it is decoded.
    pub(super) fn shape(&self) -> Shape {
        Shape {
            channels: 1,
            stride: self.all_across * self.side,
            rows: self.all_down * self.side,
            width: self.width,
            height: self.height,
        }
    }

    /// Coefficients of a block that are kept.
    pub(super) fn kept(&self) -> usize {
        last_needed(self.side) + 1
    }
}

/// Units of the whole picture, across and down, and the layout of each plane for a picture of this size.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) across: usize,
    pub(super) down: usize,
    pub(super) layouts: Vec<Layout>,
}

impl Plan {
    /// `None` if the frame header makes no sense.
    pub(super) fn new(frame: &Frame, model: Model, aim: Aim) -> Option<Self> {
        let components = frame.components();
        let sound = |factor: u8| (1..=4).contains(&factor);
        if !components.iter().all(|component| sound(component.across) && sound(component.down)) {
            return None;
        }
        let max_across = components.iter().map(|component| component.across).max()?;
        let max_down = components.iter().map(|component| component.down).max()?;
        let across = usize::from(frame.width).div_ceil(usize::from(max_across) * 8);
        let down = usize::from(frame.height).div_ceil(usize::from(max_down) * 8);
        let layout = |(index, component): (usize, &Component)| {
            let share = |side: u16, factor: u8, max: u8| f64::from(side) * f64::from(factor) / f64::from(max);
            let own = |side: u16, factor: u8, max: u8| {
                (usize::from(side) * usize::from(factor)).div_ceil(usize::from(max) * 8)
            };
            let width = share(frame.width, component.across, max_across);
            let height = share(frame.height, component.down, max_down);
            let factor = if model.is_chroma(index) { COLOUR } else { BRIGHTNESS };
            let side = side((width, height), (aim.width, aim.height), factor);
            Layout {
                across: component.across.into(),
                down: component.down.into(),
                own_across: own(frame.width, component.across, max_across),
                own_down: own(frame.height, component.down, max_down),
                all_across: across * usize::from(component.across),
                all_down: down * usize::from(component.down),
                side,
                table: component.table.into(),
                halved: model.is_halved(index),
                width: width * scale(side),
                height: height * scale(side),
            }
        };
        Some(Self { across, down, layouts: components.iter().enumerate().map(layout).collect() })
    }

    /// Blocks of all planes.
    pub(super) fn blocks(&self) -> usize {
        self.layouts.iter().map(Layout::blocks).sum()
    }
}

/// The smallest side that leaves enough samples for the target, else all there are.
fn side((width, height): (f64, f64), target: (u32, u32), factor: f64) -> usize {
    let enough = |side: &usize| {
        let scale = scale(*side);
        width * scale >= f64::from(target.0) * factor && height * scale >= f64::from(target.1) * factor
    };
    SIDES.into_iter().find(enough).unwrap_or(8)
}

fn scale(side: usize) -> f64 {
    match side {
        1 => 0.125,
        2 => 0.25,
        4 => 0.5,
        _ => 1.0,
    }
}

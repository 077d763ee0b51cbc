//! The frame's header: sizes, steps, probabilities (RFC 6386 sections 9 and 19.2).

use super::bits::Bits;
use super::residue::{BANDS, Kind};
use super::smooth::Strength;
use super::tables::{DEFAULTS, FIRST_STEPS, OTHER_STEPS, Probabilities, UPDATES};

/// Steps of the first coefficient and of the others.
pub(super) type Steps = [i32; 2];

/// Steps of a segment's blocks.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Quantisation {
    pub(super) brightness: Steps,
    /// The means of the blocks of brightness, when those have a block of their own.
    pub(super) means: Steps,
    pub(super) colour: Steps,
}

/// How much macroblocks of a segment are smoothed: those with one prediction, and those with one for each block.
pub(super) type Strengths = [Option<Strength>; 2];

/// What the macroblocks are read with.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) segments: [Quantisation; 4],
    pub(super) strengths: [Strengths; 4],
    /// Whether there is one kind of smoothing only.
    pub(super) simple: bool,
    /// Probabilities of a macroblock's segment, if each says which it has.
    pub(super) segment_tree: Option<[u8; 3]>,
    pub(super) kinds: [Kind; 4],
    /// Probability that a macroblock has coefficients, if each says so.
    pub(super) skip: Option<u8>,
    /// Parts that the coefficients are in: 1, 2, 4 or 8.
    pub(super) parts: usize,
}

impl Header {
    /// `None` for an unknown kind of colours.
    pub(super) fn read(bits: &mut Bits<'_>) -> Option<Self> {
        if bits.flag() {
            return None;
        }
        // Whether samples can be taken to be in range; clamping does no harm.
        bits.flag();
        let (mut levels, mut strengths, mut segmented, mut absolute) = ([0; 4], [0; 4], false, false);
        let mut segment_tree = None;
        if bits.flag() {
            segmented = true;
            let (tree, values) = (bits.flag(), bits.flag());
            if values {
                absolute = bits.flag();
                levels = std::array::from_fn(|_| bits.optional(7).unwrap_or_default());
                strengths = std::array::from_fn(|_| bits.optional(6).unwrap_or_default());
            }
            if tree {
                segment_tree = Some(std::array::from_fn(|_| if bits.flag() { bits.number(8) } else { 255 }));
            }
        }
        // Smoothing: kind, strength, sharpness, and changes for a frame as this and for a prediction for each block.
        let (simple, strength, sharpness) = (bits.flag(), i32::from(bits.number(6)), bits.number(3));
        let mut changes = [0; 8];
        if bits.flag() && bits.flag() {
            changes = std::array::from_fn(|_| bits.optional(6).unwrap_or_default());
        }
        let [all, _, _, _, each, ..] = changes;
        let strengths = strengths.map(|own| {
            let base = if segmented && absolute { own } else { strength + own };
            // A frame of strength 0 is not smoothed, whatever its segments say.
            let of = |level: i32| Strength::new(if strength > 0 { level } else { 0 }, sharpness);
            [of(base.clamp(0, 63) + all), of(base.clamp(0, 63) + all + each)]
        });
        let parts = 1 << bits.number(2);
        let level = i32::from(bits.number(7));
        let deltas = std::array::from_fn(|_| bits.optional(4).unwrap_or_default());
        let segments = levels.map(|own| {
            let base = if segmented && absolute { own } else { level + own };
            quantisation(base, deltas)
        });
        // Whether the probabilities are kept for the next frame: there is none.
        bits.flag();
        let kinds = kinds(&probabilities(bits));
        let skip = bits.flag().then(|| bits.number(8));
        Some(Self { segments, strengths, simple, segment_tree, kinds, skip, parts })
    }
}

/// Section 14.1.
fn quantisation(base: i32, [y, means, means_others, colour, colour_others]: [i32; 5]) -> Quantisation {
    let step = |table: &[i16; 128], level: i32| {
        let level = usize::try_from(level.clamp(0, 127)).unwrap_or_default();
        i32::from(table[level % 128])
    };
    Quantisation {
        brightness: [step(&FIRST_STEPS, base + y), step(&OTHER_STEPS, base)],
        means: [
            step(&FIRST_STEPS, base + means) * 2,
            (step(&OTHER_STEPS, base + means_others) * 155 / 100).max(8),
        ],
        colour: [step(&FIRST_STEPS, base + colour).min(132), step(&OTHER_STEPS, base + colour_others)],
    }
}

/// Each coefficient's probabilities, from those of its band.
fn kinds(probabilities: &Probabilities) -> [Kind; 4] {
    std::array::from_fn(|kind| BANDS.map(|band| probabilities[kind][band]))
}

fn probabilities(bits: &mut Bits<'_>) -> Box<Probabilities> {
    let mut probabilities = Box::new(DEFAULTS);
    let known = probabilities.as_flattened_mut().as_flattened_mut().as_flattened_mut();
    let updates = UPDATES.as_flattened().as_flattened().as_flattened();
    for (probability, update) in known.iter_mut().zip(updates) {
        if bits.bit(*update) {
            *probability = bits.number(8);
        }
    }
    probabilities
}

//! A JPEG decoder that reads no more than a small picture needs.
//!
//! # What a JPEG is
//!
//! A picture of 12 megapixels is first turned into one plane of brightness and two of colour, the latter usually at half the
//! width and height. Each plane is cut into blocks of 8 x 8 samples, and each block is written as a sum of 64 waves, from its
//! mean to the finest pattern ([`transform`]). The amplitudes (*coefficients*) are rounded to multiples of a *step*, which leaves
//! most of them zero, and are written from low to high frequencies in codes of varying length ([`huffman`]).
//!
//! # Why our own decoder
//!
//! Somebody who wants 400 pixels of 4000 needs two samples a block, so 4 of its 64 coefficients. Decoders for every purpose spend
//! most of their time on the other 60. This one passes over them several at a time, makes 2 x 2 samples of the rest and never
//! turns them into RGB: the planes are made smaller and encoded as they are. In a progressive file, most of the bytes are not even
//! looked at ([`progressive`]). Photos of 12 megapixels take half of the time of libvips on libjpeg-turbo, progressive ones 0.12, and
//! a few megabytes of memory (`docs/benchmarks.md`); in safe Rust, and the thumbnails look at least as good.
//!
//! # How it goes
//!
//! 1. [`summary`] reads the header: size, planes, orientation, profile. Nothing is allocated.
//! 2. [`layout`] decides for each plane how many samples of a block are made: 1, 2, 4 or 8 a side, the fewest that leave twice the
//!    target's size for the Lanczos filter. The memory that this takes is known now and checked.
//! 3. [`bits`] takes the stuffing out of the data, a window at a time. [`walk`] goes through the units of a scan and finds its way
//!    again behind damage. [`sequential`] and [`progressive`] decode the blocks.
//!    Where the file is still coming in, they stop between two units and go on when more is there ([`Decoder::advance`]).
//! 4. Each row of units goes to the filter as soon as it is decoded ([`band`]), with the plane's exact size: a picture 4033 pixels wide
//!    is 1008.25 samples at a quarter.
//!
//! # What it does not do
//!
//! Arithmetic coding, 12 bits, lossless and hierarchical files, a frame header behind the data or tables that are missing are
//! [`Failure::Exotic`]: the caller tries a decoder for every purpose. A file that ends early or is damaged gives what is there
//! ([`Decoded::complete`] is false), since that is what a visitor's own viewer shows; without a single block it is refused.
//! Time is bounded by the bytes of the file, by [`MAX_SCANS`] and by [`MAX_PASSES`] over its blocks.

mod band;
mod bits;
mod header;
mod huffman;
mod layout;
mod progressive;
mod sequential;
mod transform;
mod walk;

use band::Band;
use bits::Bits;
use header::{
    DHT, DQT, DRI, EOI, Frame, SOF0, SOF1, SOF2, SOS, Scan, Segment, Tables, entropy_end, segment,
    segment_start,
};
pub(crate) use header::{Summary, exif, header_end, profile, summary};
use layout::{Plan, model};
use progressive::{Progressive, Store};
use sequential::{Built, Sequential};
use walk::Walk;

/// The segments of a file, for whoever has to do with them and not with the picture.
pub(crate) mod segments {
    pub(crate) use super::header::{
        APP0, APP1, APP2, APP14, DNL, DQT, DRI, EOI, EXIF, ICC, SOS, entropy_end, segment,
    };
}

use crate::model::Model;
use crate::raster::Raster;
use crate::refusal::Refusal;
use crate::scale::Aim;

/// How often all blocks may be gone through. Encoders write up to 13 scans that are needed here, few of them with all planes.
const MAX_PASSES: usize = 24;
/// Scans that are looked at. Encoders write about ten; each coefficient and each bit of four planes on its own would be some
/// thousands, and nobody does that.
const MAX_SCANS: usize = 1000;
/// Blocks of a unit with several planes (T.81 B.2.3).
const MAX_UNIT: usize = 10;
const MISSING_TABLE: Failure = Failure::Exotic("a missing table");

/// The planes of a picture, made small.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) planes: Vec<Raster>,
    pub(crate) model: Model,
    /// False if the file ends early or is damaged, so that a part of the picture is missing or wrong.
    pub(crate) complete: bool,
    /// Blocks that were gone through.
    #[cfg(test)]
    blocks: usize,
}

/// Why there are no planes.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A rare kind of file, or one that contradicts itself: another decoder may know better.
    Exotic(&'static str),
    Refused(Refusal),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// A file, or as much of it as has come in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Input<'a> {
    bytes: &'a [u8],
    /// Whether there may be more behind it.
    more: bool,
}

impl<'a> Input<'a> {
    const NOTHING: Input<'static> = Input { bytes: &[], more: true };

    pub(crate) fn whole(bytes: &'a [u8]) -> Self {
        Self { bytes, more: false }
    }

    pub(crate) fn beginning(bytes: &'a [u8]) -> Self {
        Self { bytes, more: true }
    }
}

/// Decodes a file for a small picture, within so many bytes of memory.
pub(crate) fn decode(bytes: &[u8], summary: &Summary, aim: Aim, memory: u64) -> Result<Decoded, Failure> {
    let mut decoder = Decoder::new(summary, aim, memory)?;
    decoder.advance(Input::whole(bytes))?;
    decoder.finish()
}

/// The work in progress.
#[derive(Debug)]
pub(crate) struct Decoder {
    frame: Frame,
    model: Model,
    plan: Plan,
    tables: Tables,
    bands: Vec<Band>,
    /// For progressive files only.
    stores: Vec<Store>,
    /// Where the next segment is looked for, and how many scans and frame headers were before.
    at: usize,
    scans: usize,
    frames: usize,
    /// Which scans of a progressive file are needed.
    needed: Option<Vec<bool>>,
    /// The scan that the bytes ended in.
    begun: Option<Begun>,
    /// Whether nothing that is left is worth reading.
    done: bool,
    /// Units that were decoded of each plane.
    decoded: Vec<usize>,
    blocks: usize,
    complete: bool,
}

/// A scan of a file that is not progressive, somewhere in its middle.
#[derive(Debug)]
struct Begun {
    scan: Scan,
    built: Built,
    means: [i32; 4],
    bits: Bits<'static>,
    walk: Walk,
}

impl Decoder {
    /// For a small picture, within so many bytes of memory.
    pub(crate) fn new(summary: &Summary, aim: Aim, memory: u64) -> Result<Self, Failure> {
        let Frame { marker, precision, width, height, .. } = summary.frame;
        if !matches!(marker, SOF0 | SOF1 | SOF2) || precision != 8 {
            return Err(Failure::Exotic("arithmetic, lossless, hierarchical or 12 bits"));
        }
        if width == 0 || height == 0 {
            return Err(Failure::Exotic("no size in the frame header"));
        }
        let model = model(summary).ok_or(Failure::Exotic("an unknown number of planes"))?;
        let plan =
            Plan::new(&summary.frame, model, aim).ok_or(Failure::Exotic("impossible sampling factors"))?;
        let progressive = marker == SOF2;
        let stores = if progressive { plan.layouts.iter().map(Store::bytes).sum() } else { 0 };
        let mut bands: Vec<Band> = plan.layouts.iter().map(|layout| Band::new(layout, aim)).collect();
        let needed = stores + bands.iter().map(Band::bytes).sum::<usize>();
        if needed as u64 > memory {
            return Err(Failure::Refused(Refusal::TooMuchMemory));
        }
        bands.iter_mut().for_each(Band::allocate);
        Ok(Self {
            frame: summary.frame,
            model,
            tables: Tables::default(),
            bands,
            stores: if progressive { plan.layouts.iter().map(Store::new).collect() } else { Vec::new() },
            at: 0,
            scans: 0,
            frames: 0,
            needed: None,
            begun: None,
            done: false,
            decoded: vec![0; plan.layouts.len()],
            blocks: 0,
            complete: true,
            plan,
        })
    }

    /// Decodes what is there: all of a whole file; of the beginning of one, its first scan as far as it goes, if that holds all planes
    /// for good. Other files are few, and wait for their end. Each input begins with the one before.
    pub(crate) fn advance(&mut self, input: Input<'_>) -> Result<(), Failure> {
        if let Some(begun) = self.begun.take() {
            self.go_on(begun, input)?;
        }
        while !self.done && self.begun.is_none() {
            // What was searched is not searched again, however often more comes in.
            self.at = segment_start(input.bytes, self.at);
            let Some(segment) = segment(input.bytes, self.at) else {
                if !input.more {
                    self.end_early();
                }
                return Ok(());
            };
            match segment.marker {
                DHT | DQT | DRI => self.complete &= self.tables.update(segment),
                SOS if input.more && !self.is_all(segment) => return Ok(()),
                SOS => {
                    self.scan(segment, input)?;
                    continue;
                }
                EOI => self.done = true,
                marker if Frame::is(marker) => {
                    self.frames += 1;
                    if self.frames > 1 {
                        return Err(Failure::Exotic("several frame headers"));
                    }
                }
                _ => {}
            }
            self.at = segment.end;
        }
        Ok(())
    }

    /// Whether a scan is the only one.
    fn is_all(&self, segment: Segment<'_>) -> bool {
        self.stores.is_empty()
            && Scan::parse(segment.data, &self.frame)
                .is_some_and(|scan| scan.parts().len() == self.plan.layouts.len())
    }

    /// Reads the scans' headers ahead, and the tables as they are at the end.
    fn needed_scans(&self, bytes: &[u8]) -> (Vec<bool>, [bool; 4]) {
        let (mut scans, mut tables, mut at) = (Vec::new(), Tables::default(), 0);
        while let Some(segment) = segment(bytes, at) {
            at = segment.end;
            match segment.marker {
                DQT => {
                    tables.update(segment);
                }
                EOI => break,
                SOS if scans.len() >= MAX_SCANS => break,
                SOS => {
                    // A header that makes no sense ends the decoding when it is met.
                    let Some(scan) = Scan::parse(segment.data, &self.frame) else { break };
                    scans.push(scan);
                    at = entropy_end(bytes, at);
                }
                _ => {}
            }
        }
        progressive::needed(&scans, &self.plan, &tables)
    }

    /// Decodes a scan if it is needed.
    fn scan(&mut self, segment: Segment<'_>, input: Input<'_>) -> Result<(), Failure> {
        if !self.stores.is_empty() {
            if self.needed.is_none() {
                let (needed, refined) = self.needed_scans(input.bytes);
                self.needed = Some(needed);
                let refined = self.stores.iter_mut().zip(refined).filter(|(_, refined)| *refined);
                refined.for_each(|(store, _)| store.remember());
            }
            if self.needed.as_ref().and_then(|needed| needed.get(self.scans)) == Some(&false) {
                self.pass(segment.end, input);
                return Ok(());
            }
        }
        let scan = Scan::parse(segment.data, &self.frame).filter(|_| self.scans < MAX_SCANS);
        let Some(scan) = scan else {
            self.end_early();
            return Ok(());
        };
        if scan.parts().len() > 1 && self.unit_blocks(&scan) > MAX_UNIT {
            return Err(Failure::Exotic("too many blocks a unit"));
        }
        let (units, blocks) = self.extent(&scan);
        let again = |(index, _, _): &(u8, u8, u8)| self.decoded[usize::from(*index)] > 0;
        if self.stores.is_empty() && scan.parts().iter().any(again) {
            // What was decoded once is there.
            self.complete = false;
            self.pass(segment.end, input);
            return Ok(());
        }
        self.blocks += blocks;
        if self.blocks > self.plan.blocks() * MAX_PASSES {
            self.end_early();
            return Ok(());
        }
        let mut walk = Walk::new(units, usize::from(self.tables.restart));
        if self.stores.is_empty() {
            let built = Built::new(&scan, &self.tables).ok_or(MISSING_TABLE)?;
            let bits = Bits::new(Input::NOTHING, segment.end);
            self.at = segment.end;
            return self.go_on(Begun { scan, built, means: [0; 4], bits, walk }, input);
        }
        let mut units =
            Progressive::new(&self.plan, &scan, &self.tables, &mut self.stores).ok_or(MISSING_TABLE)?;
        walk.go_on(&mut Bits::new(input, segment.end), &mut units);
        self.count(&scan, &walk);
        self.pass(segment.end, input);
        Ok(())
    }

    /// Decodes a scan on from where the bytes ended; it is [begun](Self::begun) still if they end in it again.
    fn go_on(&mut self, begun: Begun, input: Input<'_>) -> Result<(), Failure> {
        let Begun { scan, built, means, bits, mut walk } = begun;
        let mut bits = bits.with(input);
        let bands = (&mut self.bands[..], means);
        let mut units =
            Sequential::new(&self.plan, &scan, (&self.tables, &built), bands).ok_or(MISSING_TABLE)?;
        if !walk.go_on(&mut bits, &mut units) {
            let means = units.means();
            self.begun = Some(Begun { scan, built, means, bits: bits.with(Input::NOTHING), walk });
            return Ok(());
        }
        self.count(&scan, &walk);
        // Most files have one scan with everything: what is behind it does not matter.
        self.done = self.decoded.iter().all(|units| *units > 0);
        if !self.done {
            self.pass(self.at, input);
        }
        Ok(())
    }

    fn count(&mut self, scan: &Scan, walk: &Walk) {
        self.complete &= walk.complete;
        for (index, _, _) in scan.parts() {
            self.decoded[usize::from(*index)] += walk.decoded;
        }
    }

    /// Goes behind the data of a scan. While that comes in, its end is not known: searching for the next segment leads there too.
    fn pass(&mut self, data: usize, input: Input<'_>) {
        self.scans += 1;
        self.at = if input.more { data } else { entropy_end(input.bytes, data) };
    }

    /// What is left is not read, though the file has not said that it ends: a part of it is missing or wrong.
    fn end_early(&mut self) {
        self.complete = false;
        self.done = true;
    }

    /// Units of a scan, and blocks. A scan of one plane has no filling blocks, and a unit is a block.
    fn extent(&self, scan: &Scan) -> (usize, usize) {
        match scan.parts() {
            [(index, _, _)] => {
                let layout = &self.plan.layouts[usize::from(*index)];
                let blocks = layout.own_across * layout.own_down;
                (blocks, blocks)
            }
            parts => {
                let blocks = parts.iter().map(|part| self.plan.layouts[usize::from(part.0)].blocks()).sum();
                (self.plan.across * self.plan.down, blocks)
            }
        }
    }

    fn unit_blocks(&self, scan: &Scan) -> usize {
        let layouts = scan.parts().iter().filter_map(|part| self.plan.layouts.get(usize::from(part.0)));
        layouts.map(|layout| layout.across * layout.down).sum()
    }

    pub(crate) fn finish(self) -> Result<Decoded, Failure> {
        let Self { model, mut bands, stores, decoded, mut complete, .. } = self;
        // Nothing of the first plane is nothing of the picture.
        if decoded.first().is_none_or(|units| *units == 0) {
            return Err(Failure::Refused(Refusal::damaged("no picture behind the header")));
        }
        complete &= decoded.iter().all(|units| *units > 0);
        for (store, band) in stores.into_iter().zip(&mut bands) {
            complete &= store.finish(band);
        }
        let planes =
            bands.into_iter().map(Band::finish).collect::<Result<_, _>>().map_err(Failure::Refused)?;
        Ok(Decoded {
            planes,
            model,
            complete,
            #[cfg(test)]
            blocks: self.blocks,
        })
    }
}

#[cfg(test)]
mod tests;

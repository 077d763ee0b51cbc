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
//! looked at ([`progressive`]). Photos of 12 megapixels take 0.51 of the time of libvips on libjpeg-turbo, progressive ones 0.12, and
//! a few megabytes of memory (`docs/benchmarks.md`); in safe Rust, and the thumbnails look at least as good.
//!
//! # How it goes
//!
//! 1. [`summary`] reads the header: size, planes, orientation, profile. Nothing is allocated.
//! 2. [`layout`] decides for each plane how many samples of a block are made: 1, 2, 4 or 8 a side, the fewest that leave twice the
//!    target's size for the Lanczos filter. The memory that this takes is known now and checked.
//! 3. [`bits`] takes the stuffing out of the data, a window at a time. [`walk`] goes through the units of a scan and finds its way
//!    again behind damage. [`sequential`] and [`progressive`] decode the blocks.
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
use header::{DHT, DQT, DRI, EOI, Frame, SOF0, SOF1, SOF2, SOS, Scan, Segment, Tables, entropy_end, segment};
pub(crate) use header::{Summary, exif, profile, summary};
use layout::{Plan, model};
use progressive::{Progressive, Store};
use sequential::{Built, Sequential};
use walk::walk;

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

/// Decodes a file for a small picture, within so many bytes of memory.
pub(crate) fn decode(bytes: &[u8], summary: &Summary, aim: Aim, memory: u64) -> Result<Decoded, Failure> {
    let Frame { marker, precision, width, height, .. } = summary.frame;
    if !matches!(marker, SOF0 | SOF1 | SOF2) || precision != 8 {
        return Err(Failure::Exotic("arithmetic, lossless, hierarchical or 12 bits"));
    }
    if width == 0 || height == 0 {
        return Err(Failure::Exotic("no size in the frame header"));
    }
    let model = model(summary).ok_or(Failure::Exotic("an unknown number of planes"))?;
    let plan = Plan::new(&summary.frame, model, aim).ok_or(Failure::Exotic("impossible sampling factors"))?;
    let progressive = marker == SOF2;
    let stores = if progressive { plan.layouts.iter().map(Store::bytes).sum() } else { 0 };
    let mut bands: Vec<Band> = plan.layouts.iter().map(|layout| Band::new(layout, aim)).collect();
    let needed = stores + bands.iter().map(Band::bytes).sum::<usize>();
    if needed as u64 > memory {
        return Err(Failure::Refused(Refusal::TooMuchMemory));
    }
    bands.iter_mut().for_each(Band::allocate);
    let mut decoder = Decoder {
        bytes,
        frame: summary.frame,
        tables: Tables::default(),
        bands,
        stores: if progressive { plan.layouts.iter().map(Store::new).collect() } else { Vec::new() },
        decoded: vec![0; plan.layouts.len()],
        blocks: 0,
        complete: true,
        plan,
    };
    decoder.run(progressive)?;
    decoder.finish(model)
}

/// The work in progress.
struct Decoder<'a> {
    bytes: &'a [u8],
    frame: Frame,
    plan: Plan,
    tables: Tables,
    bands: Vec<Band>,
    /// For progressive files only.
    stores: Vec<Store>,
    /// Units that were decoded of each plane.
    decoded: Vec<usize>,
    blocks: usize,
    complete: bool,
}

impl Decoder<'_> {
    fn run(&mut self, progressive: bool) -> Result<(), Failure> {
        let needed = if progressive { self.needed_scans() } else { Vec::new() };
        let (mut at, mut number, mut frames) = (0, 0, 0);
        while let Some(segment) = segment(self.bytes, at) {
            at = segment.end;
            match segment.marker {
                DHT | DQT | DRI => self.complete &= self.tables.update(segment),
                SOS if number >= MAX_SCANS => break,
                SOS => {
                    if needed.get(number).copied().unwrap_or(true) && !self.scan(segment)? {
                        return Ok(());
                    }
                    number += 1;
                    // Most files have one scan with everything: what is behind it does not matter.
                    if !progressive && self.decoded.iter().all(|units| *units > 0) {
                        return Ok(());
                    }
                    at = entropy_end(self.bytes, at);
                }
                EOI => return Ok(()),
                marker if Frame::is(marker) => {
                    frames += 1;
                    if frames > 1 {
                        return Err(Failure::Exotic("several frame headers"));
                    }
                }
                _ => {}
            }
        }
        self.complete = false;
        Ok(())
    }

    /// Reads the scans' headers ahead, and the tables as they are at the end.
    fn needed_scans(&self) -> Vec<bool> {
        let (mut scans, mut tables, mut at) = (Vec::new(), Tables::default(), 0);
        while let Some(segment) = segment(self.bytes, at) {
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
                    at = entropy_end(self.bytes, at);
                }
                _ => {}
            }
        }
        progressive::needed(&scans, &self.plan, &tables)
    }

    /// Decodes a scan. False if nothing behind it is worth reading.
    fn scan(&mut self, segment: Segment<'_>) -> Result<bool, Failure> {
        let Some(scan) = Scan::parse(segment.data, &self.frame) else {
            self.complete = false;
            return Ok(false);
        };
        if scan.parts().len() > 1 && self.unit_blocks(&scan) > MAX_UNIT {
            return Err(Failure::Exotic("too many blocks a unit"));
        }
        let (units, blocks) = self.extent(&scan);
        let again = |(index, _, _): &(u8, u8, u8)| self.decoded[usize::from(*index)] > 0;
        if self.stores.is_empty() && scan.parts().iter().any(again) {
            // What was decoded once is there.
            self.complete = false;
            return Ok(true);
        }
        self.blocks += blocks;
        if self.blocks > self.plan.blocks() * MAX_PASSES {
            self.complete = false;
            return Ok(false);
        }
        let mut bits = Bits::new(self.bytes, segment.end);
        let interval = usize::from(self.tables.restart);
        let walked = if self.stores.is_empty() {
            Built::new(&scan, &self.tables).and_then(|built| {
                let tables = (&self.tables, &built);
                let mut decoder = Sequential::new(&self.plan, &scan, tables, &mut self.bands)?;
                Some(walk(&mut bits, &mut decoder, units, interval))
            })
        } else {
            Progressive::new(&self.plan, &scan, &self.tables, &mut self.stores)
                .map(|mut decoder| walk(&mut bits, &mut decoder, units, interval))
        };
        let walked = walked.ok_or(Failure::Exotic("a missing table"))?;
        self.complete &= walked.complete;
        for (index, _, _) in scan.parts() {
            self.decoded[usize::from(*index)] += walked.units;
        }
        Ok(true)
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

    fn finish(self, model: Model) -> Result<Decoded, Failure> {
        let Self { mut bands, stores, decoded, mut complete, .. } = self;
        // Nothing of the first plane is nothing of the picture.
        if decoded.first().is_none_or(|units| *units == 0) {
            return Err(Failure::Refused(Refusal::damaged("no picture behind the header")));
        }
        complete &= decoded.iter().all(|units| *units > 0);
        for (store, band) in stores.into_iter().zip(&mut bands) {
            complete &= store.finish(band).map_err(Failure::Refused)?;
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

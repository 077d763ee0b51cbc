//! Decoding a JPEG while it comes in, in time that would be spent waiting. What is not decoded ahead, because all of it is needed first
//! or because it is rare, waits for its end: progressive files, planes in scans of their own, all other kinds.

use crate::jpeg::{self, Failure, Input};
use crate::kind::Kind;
use crate::limits::Limits;
use crate::probe::Probe;
use crate::refusal::Refusal;
use crate::render::{Job, Original, Rendered, careful};
use crate::target::Target;

/// Pictures of a JPEG that is still coming in: what is there of it is decoded meanwhile.
///
/// ```
/// # use functions_imaging::{Arriving, Limits, Refusal, Rendered, Target, header_end, probe};
/// # fn pictures(chunks: impl Iterator<Item = Vec<u8>>, size: u64, limits: &Limits, targets: &[Target]) -> Result<Rendered, Refusal> {
/// let (mut bytes, mut searched, mut arriving) = (Vec::new(), 0, None);
/// for chunk in chunks {
///     bytes.extend(chunk);
///     match &mut arriving {
///         None if header_end(&bytes, &mut searched).is_some() => arriving = Some(Arriving::new(&bytes, &probe(&bytes)?, size, limits, targets)?),
///         None => {}
///         Some(arriving) => arriving.advance(&bytes),
///     }
/// }
/// match arriving {
///     Some(arriving) => arriving.finish(&bytes),
///     None => functions_imaging::render(&bytes, &probe(&bytes)?, limits, targets),
/// }
/// # }
/// # let limits = Limits { max_bytes: 1000, max_side: 100, max_pixels: 10_000, max_frames: 1, memory: 1 << 20 };
/// # assert!(pictures([b"<ht".to_vec(), b"ml>".to_vec()].into_iter(), 6, &limits, &[]).is_err());
/// ```
#[derive(Debug)]
pub struct Arriving {
    probe: Probe,
    job: Job,
    decoder: Result<jpeg::Decoder, Failure>,
}

/// Where the header of a JPEG ends, if it is there: from then on, [`Arriving`] can begin. `None` for all other files.
///
/// `searched` is 0 at first and then whatever it was left as, so that nothing is searched again when more of the file is there.
pub fn header_end(bytes: &[u8], searched: &mut usize) -> Option<usize> {
    Kind::sniff(bytes).is_ok_and(|kind| kind == Kind::Jpeg).then(|| jpeg::header_end(bytes, searched))?
}

impl Arriving {
    /// Begins with a header, the probe that was made of it, and as many bytes as the file will have.
    pub fn new(
        bytes: &[u8],
        probe: &Probe,
        size: u64,
        limits: &Limits,
        targets: &[Target],
    ) -> Result<Self, Refusal> {
        limits.check_file(size)?;
        limits.check_probe(probe)?;
        let job = Job::new(probe, limits, targets, size)?;
        let decoder = match jpeg::Decoder::new(&jpeg::summary(bytes)?, job.aim, job.memory) {
            Err(Failure::Refused(refusal)) => return Err(refusal),
            decoder => decoder,
        };
        let mut arriving = Self { probe: *probe, job, decoder };
        arriving.advance(bytes);
        Ok(arriving)
    }

    /// Takes what is there by now: the same bytes and more behind them.
    pub fn advance(&mut self, bytes: &[u8]) {
        self.go_on(Input::beginning(bytes));
    }

    fn go_on(&mut self, input: Input<'_>) {
        if let Ok(decoder) = &mut self.decoder
            && let Err(failure) = careful(|| decoder.advance(input))
        {
            self.decoder = Err(failure);
        }
    }

    /// Makes the pictures, now that the file is complete.
    pub fn finish(mut self, bytes: &[u8]) -> Result<Rendered, Refusal> {
        self.go_on(Input::whole(bytes));
        let Self { probe, job, decoder } = self;
        careful(|| {
            let decoded = decoder.and_then(jpeg::Decoder::finish);
            job.finish(bytes, &probe, Original::of_jpeg(decoded, bytes, &probe, job.aim, job.memory)?)
        })
    }
}

#[cfg(test)]
mod tests {
    use jpeg_encoder::SamplingFactor;
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{Jpeg, photo};
    use crate::{Format, clean, probe, render};

    const LIMITS: Limits =
        Limits { max_bytes: 1 << 20, max_side: 1000, max_pixels: 1_000_000, max_frames: 1, memory: 8 << 20 };
    const TARGETS: [Target; 2] = [
        Target { max_width: 40, max_height: 40, format: Format::Jpeg, quality: 80 },
        Target { max_width: 200, max_height: 200, format: Format::Jpeg, quality: 80 },
    ];

    type Seen = Result<(Vec<Vec<u8>>, bool), Refusal>;

    fn seen(rendered: Result<Rendered, Refusal>) -> Seen {
        rendered.map(|Rendered { pictures, complete, .. }| {
            (pictures.into_iter().map(|picture| picture.bytes).collect(), complete)
        })
    }

    /// In pieces of these sizes, again and again. `None` if the header has no end.
    fn in_pieces(file: &[u8], sizes: &[usize]) -> Result<Option<Rendered>, Refusal> {
        let (mut there, mut searched, mut arriving) = (0, 0, None::<Arriving>);
        for size in sizes.iter().cycle() {
            there = file.len().min(there + size);
            let bytes = &file[..there];
            if let Some(arriving) = &mut arriving {
                arriving.advance(bytes);
            } else if header_end(bytes, &mut searched).is_some() {
                let size = file.len() as u64;
                arriving = Some(Arriving::new(bytes, &probe(bytes)?, size, &LIMITS, &TARGETS)?);
            }
            if there == file.len() {
                break;
            }
        }
        arriving.map(|arriving| arriving.finish(file)).transpose()
    }

    fn files() -> impl Strategy<Value = Vec<u8>> {
        let jpeg = |sampling, restart, progressive, separate| Jpeg {
            sampling,
            restart,
            progressive,
            separate,
            orientation: 6,
            ..Jpeg::default()
        };
        prop_oneof![
            Just(jpeg(SamplingFactor::F_2_2, 0, false, false)),
            Just(jpeg(SamplingFactor::F_1_1, 0, false, false)),
            Just(jpeg(SamplingFactor::F_2_2, 1, false, false)),
            Just(jpeg(SamplingFactor::F_2_1, 19, false, false)),
            Just(jpeg(SamplingFactor::F_2_2, 0, true, false)),
            Just(jpeg(SamplingFactor::F_2_2, 5, false, true)),
        ]
        .prop_map(|jpeg| jpeg.encode(&photo(301, 203).into()))
    }

    proptest! {
        /// Whole, damaged or cut off, and with something behind. To see it fail: take an `FF` at the end of what is there for data in
        /// `Bits::fill`, or let `Bits::restart` begin anew where the data has not come in.
        #[test]
        fn in_pieces_and_at_once_is_the_same(
            file in files(),
            sizes in prop::collection::vec(prop_oneof![1_usize..30, 1_usize..9000], 1..8),
            damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
            cut in prop::option::of(any::<prop::sample::Index>()),
            behind in any::<bool>(),
        ) {
            let mut file = file;
            for (at, value) in damage {
                let at = at.index(file.len());
                file[at] = value;
            }
            if let Some(cut) = cut {
                file.truncate(cut.index(file.len()));
            } else if behind {
                file.extend_from_within(..);
            }
            if let Some(pieces) = in_pieces(&file, &sizes).transpose() {
                let at_once = probe(&file).and_then(|found| render(&file, &found, &LIMITS, &TARGETS));
                prop_assert!(seen(pieces) == seen(at_once));
            }
        }

        /// Whoever cleans the header before the rest is there decodes what will be kept. To see it fail: cut behind the `FF` of a marker.
        #[test]
        fn a_header_can_be_cleaned_before_the_rest(file in files(), orientation in 1_u8..=8, junk in prop::collection::vec(0_u8..255, 0..40)) {
            let comment = [&b"\xFF\xFE\0\x06abcd"[..], &junk].concat();
            let exif = crate::testing::exif(orientation);
            let exif = [&b"\xFF\xE1"[..], &u16::try_from(8 + exif.len()).unwrap().to_be_bytes(), b"Exif\0\0", &exif].concat();
            let mut file = file;
            file.splice(2..2, [comment, exif].concat());
            file.extend(b"\xFF\xD8 a second picture");
            let end = header_end(&file, &mut 0).unwrap();
            let found = probe(&file[..end]).unwrap();
            prop_assert_eq!(found, probe(&file).unwrap());
            let head = clean(file[..end].to_vec(), &found);
            let in_two = clean([&head[..], &file[end..]].concat(), &found);
            prop_assert!(in_two.starts_with(&head) && in_two == clean(file, &found));
        }
    }
}

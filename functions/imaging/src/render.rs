//! From a file to pictures: limits, one decode for the largest, turning and colours; then the smaller ones, and encoding.

use std::cmp::Reverse;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::colour::ToSrgb;
use crate::encode::encode;
use crate::jpeg::{self, Decoded, Failure};
use crate::kind::Kind;
use crate::limits::Limits;
use crate::model::Model;
use crate::placeholder::{self, Placeholder};
use crate::png;
use crate::probe::{self, Probe};
use crate::raster::Raster;
use crate::refusal::Refusal;
use crate::scale::Aim;
use crate::small::Small;
use crate::target::Target;
use crate::vp8;
use crate::whole;

/// Pictures of a photo.
#[derive(Debug)]
pub struct Rendered {
    /// One for each target, in their order.
    pub pictures: Vec<Picture>,
    /// What stands for the photo until a picture is there.
    pub placeholder: Placeholder,
    /// False if the file ends early or is damaged, so that a part of the photo is missing or wrong.
    pub complete: bool,
}

/// A finished picture.
#[derive(Debug)]
pub struct Picture {
    /// In pixels, upright.
    pub width: u32,
    pub height: u32,
    /// The encoded file.
    pub bytes: Vec<u8>,
}

/// Makes pictures of the file that the probe was made of. The file is decoded once, for the largest of them.
pub fn render(bytes: &[u8], probe: &Probe, limits: &Limits, targets: &[Target]) -> Result<Rendered, Refusal> {
    limits.check_file(bytes.len() as u64)?;
    limits.check_probe(probe)?;
    careful(|| {
        let job = Job::new(probe, limits, targets, bytes.len() as u64)?;
        job.finish(bytes, probe, Original::decode(bytes, probe, job.aim, job.memory)?)
    })
}

/// Our own code does not panic, but there are several decoders by others. One that panics on a file would do so on every retry: that
/// is the file's fault and ends here.
pub(crate) fn careful<T, E: From<Refusal>>(work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    let panicked = || E::from(Refusal::damaged("the decoder panicked"));
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(panicked()))
}

/// What is made of a file.
#[derive(Debug)]
pub(crate) struct Job {
    targets: Vec<Target>,
    sizes: Vec<(u32, u32)>,
    /// How the largest picture is made.
    pub(crate) aim: Aim,
    /// Bytes that decoding may take.
    pub(crate) memory: u64,
}

impl Job {
    pub(crate) fn new(
        probe: &Probe,
        limits: &Limits,
        targets: &[Target],
        file_bytes: u64,
    ) -> Result<Self, Refusal> {
        let (width, height) = probe.upright();
        let sizes: Vec<(u32, u32)> = targets.iter().map(|target| target.fit(width, height)).collect();
        // Without a target there is still a placeholder to make.
        let largest = sizes.iter().copied().max().unwrap_or_else(|| placeholder::ENOUGH.fit(width, height));
        let memory =
            limits.left(file_bytes).checked_sub(results(largest, &sizes)).ok_or(Refusal::TooMuchMemory)?;
        let (width, height) = if probe.orientation.turns() { (largest.1, largest.0) } else { largest };
        let aim = Aim { width, height, orientation: probe.orientation };
        Ok(Self { targets: targets.to_vec(), sizes, aim, memory })
    }

    pub(crate) fn finish(
        &self,
        bytes: &[u8],
        probe: &Probe,
        original: Original,
    ) -> Result<Rendered, Refusal> {
        let Original { mut picture, takes_profiles, complete } = original;
        let profile = if takes_profiles { probe::profile(bytes, probe) } else { None };
        if let Some(conversion) = profile.and_then(|profile| ToSrgb::new(&profile)) {
            picture = picture.into_srgb(&conversion);
        }
        // From large to small, each of the one before: what is left of that is more than twice what the next can show, or nearly, and
        // it is a few times smaller than the original.
        let Self { targets, sizes, .. } = self;
        let mut order: Vec<usize> = (0..targets.len()).collect();
        order.sort_by_key(|index| Reverse(sizes[*index]));
        let mut groups: Vec<&[usize]> = order.chunk_by(|left, right| sizes[*left] == sizes[*right]).collect();
        let mut smaller: Vec<Small> = Vec::new();
        for group in groups.iter().skip(1) {
            let next = smaller.last().unwrap_or(&picture).resize(sizes[group[0]])?;
            smaller.push(next);
        }
        let placeholder = Placeholder::of(smaller.last().unwrap_or(&picture))?;
        // The smallest is encoded and dropped first, so that least is in memory beside the largest and its file.
        let mut pictures: Vec<Option<Picture>> = targets.iter().map(|_| None).collect();
        while let Some(group) = groups.pop() {
            let small = smaller.pop();
            for index in group {
                let bytes = encode(small.as_ref().unwrap_or(&picture), &targets[*index])?;
                let (width, height) = sizes[*index];
                pictures[*index] = Some(Picture { width, height, bytes });
            }
        }
        Ok(Rendered { pictures: pictures.into_iter().flatten().collect(), placeholder, complete })
    }
}

/// Bytes that making the pictures takes, beside what decoding does: the largest as three or four bytes a pixel, the next,
/// and all of them encoded, which even for noise is less than two bytes a pixel.
fn results(largest: (u32, u32), sizes: &[(u32, u32)]) -> u64 {
    let pixels = |(width, height): (u32, u32)| u64::from(width) * u64::from(height);
    pixels(largest) * 8 + sizes.iter().copied().map(pixels).sum::<u64>() * 2
}

/// What a file shows, in the size of the largest picture, upright.
pub(crate) struct Original {
    picture: Small,
    /// The profile of a file with ink or grey is for that; here it is RGB or grey already.
    takes_profiles: bool,
    complete: bool,
}

impl Original {
    fn decode(bytes: &[u8], probe: &Probe, aim: Aim, memory: u64) -> Result<Self, Refusal> {
        let whole = || whole::decode(bytes, probe, aim, memory).map(Self::of_pixels);
        match probe.kind {
            Kind::Jpeg => {
                let decoded = jpeg::decode(bytes, &jpeg::summary(bytes)?, aim, memory);
                Self::of_jpeg(decoded, bytes, probe, aim, memory)
            }
            Kind::Png => png::decode(bytes, aim, memory).map(Self::of_pixels),
            Kind::Webp if probe.alpha || probe.frames > 1 => whole(),
            Kind::Webp => probe::webp::lossy_frame(bytes)
                .and_then(|frame| vp8::decode(frame, (probe.width, probe.height), aim, memory))
                .map_or_else(whole, |decoded| Ok(Self::of_planes(decoded?, Model::Video, true))),
            Kind::Gif => whole(),
        }
    }

    /// What our own decoder made of a JPEG, or another makes of one that is too rare for it.
    pub(crate) fn of_jpeg(
        decoded: Result<Decoded, Failure>,
        bytes: &[u8],
        probe: &Probe,
        aim: Aim,
        memory: u64,
    ) -> Result<Self, Refusal> {
        match decoded {
            Ok(decoded) => Ok(Self::of_planes(decoded.planes, decoded.model, decoded.complete)),
            Err(Failure::Refused(refusal)) => Err(refusal),
            Err(Failure::Exotic(why)) => {
                let pixels = whole::decode(bytes, probe, aim, memory).map_err(|refusal| match refusal {
                    Refusal::Damaged { detail } => Refusal::damaged(format!("{why}; {detail}")),
                    other => other,
                });
                pixels.map(Self::of_pixels)
            }
        }
    }

    fn of_pixels(raster: Raster) -> Self {
        Self { picture: Small::Pixels(raster), takes_profiles: true, complete: true }
    }

    fn of_planes(planes: Vec<Raster>, model: Model, complete: bool) -> Self {
        Self {
            picture: Small::of_planes(planes, model),
            takes_profiles: matches!(model, Model::YCbCr | Model::Video | Model::Rgb),
            complete,
        }
    }
}

//! From a file to pictures: limits, one decode for the largest, turning and colours; then the smaller ones, and encoding.

use std::cmp::Reverse;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::colour::ToSrgb;
use crate::encode::encode;
use crate::jpeg::{self, Failure};
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
    // Our own code does not panic, but these are several decoders by others. One that panics on a file would do so on every
    // retry: that is the file's fault and ends here.
    catch_unwind(AssertUnwindSafe(|| make(bytes, probe, limits, targets)))
        .unwrap_or_else(|_| Err(Refusal::damaged("the decoder panicked")))
}

fn make(bytes: &[u8], probe: &Probe, limits: &Limits, targets: &[Target]) -> Result<Rendered, Refusal> {
    let (width, height) = probe.upright();
    let sizes: Vec<(u32, u32)> = targets.iter().map(|target| target.fit(width, height)).collect();
    // Without a target there is still a placeholder to make.
    let largest = sizes.iter().copied().max().unwrap_or_else(|| placeholder::ENOUGH.fit(width, height));
    let memory =
        limits.left(bytes.len()).checked_sub(results(largest, &sizes)).ok_or(Refusal::TooMuchMemory)?;
    let Original { mut picture, takes_profiles, complete } = Original::decode(bytes, probe, largest, memory)?;
    let profile = if takes_profiles { probe::profile(bytes, probe) } else { None };
    if let Some(conversion) = profile.and_then(|profile| ToSrgb::new(&profile)) {
        picture = picture.into_srgb(&conversion);
    }
    // From large to small, each of the one before: what is left of that is more than twice what the next can show, or nearly, and
    // it is a few times smaller than the original.
    let mut order: Vec<usize> = (0..targets.len()).collect();
    order.sort_by_key(|index| Reverse(sizes[*index]));
    let mut pictures: Vec<Option<Picture>> = targets.iter().map(|_| None).collect();
    let mut size = largest;
    for index in order {
        if sizes[index] != size {
            size = sizes[index];
            picture = picture.resize(size)?;
        }
        let bytes = encode(&picture, &targets[index])?;
        pictures[index] = Some(Picture { width: size.0, height: size.1, bytes });
    }
    let placeholder = Placeholder::of(&picture)?;
    Ok(Rendered { pictures: pictures.into_iter().flatten().collect(), placeholder, complete })
}

/// Bytes that making the pictures takes, beside what decoding does: the largest as three or four bytes a pixel, the next,
/// and all of them encoded, which even for noise is less than two bytes a pixel.
fn results(largest: (u32, u32), sizes: &[(u32, u32)]) -> u64 {
    let pixels = |(width, height): (u32, u32)| u64::from(width) * u64::from(height);
    pixels(largest) * 8 + sizes.iter().copied().map(pixels).sum::<u64>() * 2
}

/// What a file shows, in the size of the largest picture, upright.
struct Original {
    picture: Small,
    /// The profile of a file with ink or grey is for that; here it is RGB or grey already.
    takes_profiles: bool,
    complete: bool,
}

impl Original {
    fn decode(bytes: &[u8], probe: &Probe, upright: (u32, u32), memory: u64) -> Result<Self, Refusal> {
        let (width, height) =
            if probe.orientation.turns() { (upright.1, upright.0) } else { (upright.0, upright.1) };
        let aim = Aim { width, height, orientation: probe.orientation };
        let pixels =
            |raster: Raster| Self { picture: Small::Pixels(raster), takes_profiles: true, complete: true };
        let planes = |planes: Vec<Raster>, model: Model, complete: bool| Self {
            picture: Small::of_planes(planes, model),
            takes_profiles: matches!(model, Model::YCbCr | Model::Video | Model::Rgb),
            complete,
        };
        let whole = || whole::decode(bytes, probe, aim, memory).map(pixels);
        match probe.kind {
            Kind::Jpeg => {
                let summary = jpeg::summary(bytes)?;
                match jpeg::decode(bytes, &summary, aim, memory) {
                    Ok(decoded) => Ok(planes(decoded.planes, decoded.model, decoded.complete)),
                    Err(Failure::Refused(refusal)) => Err(refusal),
                    Err(Failure::Exotic(why)) => whole().map_err(|refusal| match refusal {
                        Refusal::Damaged { detail } => Refusal::damaged(format!("{why}; {detail}")),
                        other => other,
                    }),
                }
            }
            Kind::Png => png::decode(bytes, aim, memory).map(pixels),
            Kind::Webp if probe.alpha || probe.frames > 1 => whole(),
            Kind::Webp => probe::webp::lossy_frame(bytes)
                .and_then(|frame| vp8::decode(frame, (probe.width, probe.height), aim, memory))
                .map_or_else(whole, |decoded| Ok(planes(decoded?, Model::Video, true))),
            Kind::Gif => whole(),
        }
    }
}

//! From a file to pictures: limits, one decode, and for each picture resizing, turning, colours, encoding.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::colour::ToSrgb;
use crate::encode::encode;
use crate::jpeg::{self, Decoded, Failure};
use crate::kind::Kind;
use crate::limits::Limits;
use crate::placeholder::{self, Placeholder};
use crate::planes::{Model, Plane};
use crate::png::Boxed;
use crate::probe::{self, Probe};
use crate::raster::Small;
use crate::refusal::Refusal;
use crate::target::Target;
use crate::vp8;
use crate::whole::Whole;

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
    let stored = |target: &Target| {
        let (upright_width, upright_height) = probe.upright();
        let (width, height) = target.fit(upright_width, upright_height);
        if probe.orientation.turns() { (height, width) } else { (width, height) }
    };
    let sizes: Vec<(u32, u32)> = targets.iter().map(stored).collect();
    // Without a target there is still a placeholder to make.
    let largest = sizes.iter().copied().max().unwrap_or_else(|| stored(&placeholder::ENOUGH));
    let smallest = sizes.iter().copied().min().unwrap_or(largest);
    let memory = limits.left(bytes.len()).checked_sub(results(&sizes)).ok_or(Refusal::TooMuchMemory)?;
    let original = Original::decode(bytes, probe, largest, memory)?;
    let profile = probe::profile(bytes, probe);
    let conversion = profile.and_then(|profile| ToSrgb::new(&profile)).filter(|_| original.takes_profiles());
    let upright = |size: (u32, u32)| -> Result<Small, Refusal> {
        let mut small = original.resize(size)?;
        if let Some(conversion) = &conversion {
            small = small.into_srgb(conversion);
        }
        Ok(small.upright(probe.orientation))
    };
    let mut placeholder = None;
    let mut picture = |(target, size): (&Target, &(u32, u32))| {
        let small = upright(*size)?;
        if *size == smallest && placeholder.is_none() {
            placeholder = Some(Placeholder::of(&small)?);
        }
        let bytes = encode(small, target)?;
        let (width, height) = if probe.orientation.turns() { (size.1, size.0) } else { *size };
        Ok(Picture { width, height, bytes })
    };
    let pictures = targets.iter().zip(&sizes).map(&mut picture).collect::<Result<_, _>>()?;
    let placeholder = match placeholder {
        Some(placeholder) => placeholder,
        None => Placeholder::of(&upright(smallest)?)?,
    };
    Ok(Rendered { pictures, placeholder, complete: original.is_complete() })
}

/// Bytes that making the pictures takes, beside what was decoded: the largest as three or four bytes a pixel, the same turned or
/// converted, and all of them encoded, which even for noise is less than two bytes a pixel.
fn results(sizes: &[(u32, u32)]) -> u64 {
    let pixels = sizes.iter().map(|(width, height)| u64::from(*width) * u64::from(*height));
    pixels.clone().max().unwrap_or_default() * 8 + pixels.sum::<u64>() * 2
}

/// A decoded file.
enum Original {
    Planes { planes: Vec<Plane>, model: Model, complete: bool },
    Boxed(Boxed),
    Whole(Whole),
}

impl Original {
    fn decode(bytes: &[u8], probe: &Probe, target: (u32, u32), memory: u64) -> Result<Self, Refusal> {
        let whole = || Whole::decode(bytes, probe, memory).map(Self::Whole);
        match probe.kind {
            Kind::Jpeg => {
                let summary = jpeg::summary(bytes)?;
                match jpeg::decode(bytes, &summary, target, memory) {
                    Ok(Decoded { planes, model, complete, .. }) => {
                        Ok(Self::Planes { planes, model, complete })
                    }
                    Err(Failure::Refused(refusal)) => Err(refusal),
                    Err(Failure::Exotic(why)) => whole().map_err(|refusal| match refusal {
                        Refusal::Damaged { detail } => Refusal::damaged(format!("{why}; {detail}")),
                        other => other,
                    }),
                }
            }
            Kind::Png => Boxed::decode(bytes, target, memory).map(Self::Boxed),
            Kind::Webp if probe.alpha || probe.frames > 1 => whole(),
            Kind::Webp => probe::webp::lossy_frame(bytes)
                .and_then(|frame| vp8::decode(frame, (probe.width, probe.height), target, memory))
                .map_or_else(whole, |planes| {
                    Ok(Self::Planes { planes: planes?, model: Model::Video, complete: true })
                }),
            Kind::Gif => whole(),
        }
    }

    fn resize(&self, size: (u32, u32)) -> Result<Small, Refusal> {
        match self {
            Self::Planes { planes, model, .. } => Small::of_planes(planes, *model, size),
            Self::Boxed(boxed) => boxed.source().resize(size).map(Small::Pixels),
            Self::Whole(whole) => whole.resize(size),
        }
    }

    /// The profile of a file with ink or grey is for that; here it is RGB or grey already.
    fn takes_profiles(&self) -> bool {
        match self {
            Self::Planes { model, .. } => matches!(model, Model::YCbCr | Model::Video | Model::Rgb),
            Self::Boxed(_) | Self::Whole(_) => true,
        }
    }

    fn is_complete(&self) -> bool {
        match self {
            Self::Planes { complete, .. } => *complete,
            Self::Boxed(_) | Self::Whole(_) => true,
        }
    }
}

//! What this gallery makes of a file: bytes in, a photo or a refusal out.
//!
//! The image work, and the care that strangers' files take, are in `functions_imaging`. Here is what a gallery's settings add: the
//! types that it accepts, that a file must be what it was sent as, what becomes of its metadata, and how much memory there is.

mod opening;

use functions_core::content_type::{ContentType, ThumbnailFormat};
use functions_core::contract::{RENDITIONS, env};
use functions_core::settings::{SettingError, Settings};
use functions_core::upload_request::UploadLimits;
use functions_imaging::{Details, Format, Limits, Placeholder, Target};

pub(crate) use opening::Opening;

const MIB: u64 = 1 << 20;
/// The process itself, its buffers and connections, rounded up.
const OWN_MEMORY: u64 = 48 * MIB;
/// What Lambda calls the memory that a function was given.
const MEMORY: &str = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE";

/// What a gallery accepts, and what its thumbnails are.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    limits: Limits,
    accepted: Vec<ContentType>,
    /// Whether everything that is not the picture is taken out of originals.
    clean: bool,
    target: Target,
    pub(crate) format: ThumbnailFormat,
}

/// A file that was opened.
#[derive(Debug)]
pub(crate) struct Opened {
    /// What the original is.
    pub(crate) proven: ContentType,
    /// Of the original, upright.
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// False if the original ends early or is damaged, and only a part of it is to be seen.
    pub(crate) complete: bool,
    /// What the original says of how it was taken.
    pub(crate) details: Details,
    /// The original as it is kept: these very bytes were checked.
    pub(crate) original: Vec<u8>,
    /// The encoded thumbnail.
    pub(crate) thumbnail: Vec<u8>,
    /// Larger pictures, encoded, by their long edges in pixels.
    pub(crate) renditions: Vec<(u32, Vec<u8>)>,
    pub(crate) placeholder: Placeholder,
}

/// Why a file does not become a photo. The text is for the visitor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("The file is a {} image, but was sent as another type.", proven.name())]
    OtherType { proven: ContentType },
    #[error("This gallery does not accept {} images.", proven.name())]
    TypeNotAccepted { proven: ContentType },
    #[error(transparent)]
    Image(#[from] functions_imaging::Refusal),
}

impl Refusal {
    /// For metrics.
    pub(crate) const fn name(&self) -> &'static str {
        use functions_imaging::Refusal as Image;
        match self {
            Self::OtherType { .. } => "OtherType",
            Self::TypeNotAccepted { .. } => "TypeNotAccepted",
            Self::Image(Image::TooManyBytes { .. }) => "TooManyBytes",
            Self::Image(Image::TooManyPixels { .. }) => "TooManyPixels",
            Self::Image(Image::TooManyFrames { .. }) => "TooManyFrames",
            Self::Image(Image::TooMuchMemory) => "TooMuchMemory",
            Self::Image(Image::NotAnImage) => "NotAnImage",
            Self::Image(Image::CannotOpen { .. }) => "CannotOpen",
            Self::Image(Image::Damaged { .. }) => "Damaged",
        }
    }

    /// For the log only.
    pub(crate) fn detail(&self) -> &str {
        match self {
            Self::OtherType { .. } | Self::TypeNotAccepted { .. } => "",
            Self::Image(refusal) => refusal.detail(),
        }
    }
}

impl Rules {
    /// The memory comes from Lambda; local stand-ins set it too. Beyond it Lambda would kill the process, again at each retry, and
    /// the photo would never become anything.
    pub(crate) fn from_settings(settings: &Settings<'_>) -> Result<Self, SettingError> {
        let side = |name| {
            settings.parsed(name, "a number of pixels, 1 to 4096", |side: &u32| (1..=4096).contains(side))
        };
        let value = settings.required(env::FORMAT)?;
        let Some(format) = ThumbnailFormat::from_setting(&value) else {
            return Err(SettingError::Invalid { name: env::FORMAT, value, wanted: "JPEG or WEBP" });
        };
        let value = settings.required(env::METADATA)?;
        let clean = match value.as_str() {
            env::METADATA_CLEAN => true,
            env::METADATA_KEEP => false,
            _ => return Err(SettingError::Invalid { name: env::METADATA, value, wanted: "Clean or Keep" }),
        };
        let memory: u64 = settings
            .parsed(MEMORY, "a number of MiB, at least 128", |mib: &u64| (128..=1 << 20).contains(mib))?;
        let UploadLimits { max_bytes, content_types: accepted, .. } = settings.upload_limits()?;
        let limits = Limits {
            max_bytes,
            max_side: 12_000,
            max_pixels: 60_000_000,
            max_frames: 10_000,
            memory: memory * MIB - OWN_MEMORY,
        };
        let target = Target {
            max_width: side(env::MAX_WIDTH)?,
            max_height: side(env::MAX_HEIGHT)?,
            format: match format {
                ThumbnailFormat::Jpeg => Format::Jpeg,
                ThumbnailFormat::Webp => Format::Webp,
            },
            quality: settings
                .parsed(env::QUALITY, "a number from 1 to 100", |quality: &u8| (1..=100).contains(quality))?,
        };
        Ok(Self { limits, accepted, clean, target, format })
    }

    /// Before a byte is read.
    pub(crate) fn check_file(&self, bytes: u64) -> Result<(), Refusal> {
        Ok(self.limits.check_file(bytes)?)
    }

    /// Better a photo without its largest rendition than none.
    fn fitting<T>(
        &self,
        edges: &mut Vec<u32>,
        make: impl Fn(&[Target]) -> Result<T, functions_imaging::Refusal>,
    ) -> Result<T, Refusal> {
        loop {
            let renditions = edges.iter().map(|edge| self.rendition(*edge));
            match make(&std::iter::once(self.target).chain(renditions).collect::<Vec<_>>()) {
                Err(functions_imaging::Refusal::TooMuchMemory) if !edges.is_empty() => drop(edges.pop()),
                made => return Ok(made?),
            }
        }
    }

    /// Long edges of the renditions that an upright photo of this size has.
    fn renditions(&self, width: u32, height: u32) -> Vec<u32> {
        let (thumbnail_width, thumbnail_height) = self.target.fit(width, height);
        let (thumbnail, photo) = (thumbnail_width.max(thumbnail_height), width.max(height));
        RENDITIONS.into_iter().filter(|edge| (thumbnail + 1..photo).contains(edge)).collect()
    }

    fn rendition(&self, edge: u32) -> Target {
        Target { max_width: edge, max_height: edge, ..self.target }
    }
}

#[cfg(test)]
pub(crate) mod tests;

//! Why a file does not become a picture.

/// Why a file does not become a picture. The text is for the person who sent it; [`Refusal::detail`] is for the log.
/// No refusal can be mended by trying again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("The file is larger than the {} MB that this gallery accepts.", limit.div_ceil(1 << 20))]
    TooManyBytes { limit: u64 },
    #[error(
        "The image has {width} x {height} pixels. Up to {max_side} a side and {max_megapixels} megapixels are accepted."
    )]
    TooManyPixels { width: u32, height: u32, max_side: u32, max_megapixels: u64 },
    #[error("The animation has more than {limit} frames.")]
    TooManyFrames { limit: u32 },
    #[error("The image is too large for this gallery to open.")]
    TooMuchMemory,
    #[error("The file is not an image of a known type.")]
    NotAnImage,
    #[error("The file is a {name} image, which this gallery cannot open. A JPEG of it would do.")]
    CannotOpen { name: &'static str },
    #[error("The image is damaged or incomplete.")]
    Damaged { detail: String },
}

impl Refusal {
    /// What exactly is wrong, as far as known; for the log only.
    pub fn detail(&self) -> &str {
        match self {
            Self::Damaged { detail } => detail,
            Self::TooManyBytes { .. }
            | Self::TooManyPixels { .. }
            | Self::TooManyFrames { .. }
            | Self::TooMuchMemory
            | Self::NotAnImage
            | Self::CannotOpen { .. } => "",
        }
    }

    pub(crate) fn damaged(error: impl std::fmt::Display) -> Self {
        Self::Damaged { detail: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_speak_to_the_visitor() {
        assert_eq!(
            Refusal::TooManyPixels { width: 20_000, height: 10, max_side: 12_000, max_megapixels: 60 }
                .to_string(),
            "The image has 20000 x 10 pixels. Up to 12000 a side and 60 megapixels are accepted."
        );
        assert_eq!(
            Refusal::TooManyBytes { limit: 25 << 20 }.to_string(),
            "The file is larger than the 25 MB that this gallery accepts."
        );
        assert_eq!(
            Refusal::CannotOpen { name: "HEIC" }.to_string(),
            "The file is a HEIC image, which this gallery cannot open. A JPEG of it would do."
        );
    }
}

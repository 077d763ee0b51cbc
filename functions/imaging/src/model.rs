//! What the planes of a picture mean.

/// How the planes make colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Model {
    Grey,
    /// Brightness, and differences of blue and red, in the full range from 0 to 255.
    YCbCr,
    /// The same in the range of video: 16 to 235, differences to 240.
    Video,
    Rgb,
    /// Ink; Adobe's programs store how much is left white instead.
    Cmyk {
        inverted: bool,
    },
    /// Brightness and colours of the three inks, and how much white black leaves. Only Adobe's marker tells it, so only this way
    /// round is known.
    Ycck,
}

impl Model {
    /// Whether a plane holds only the colour of something whose brightness another plane holds.
    pub(crate) fn is_chroma(self, index: usize) -> bool {
        match self {
            Self::YCbCr | Self::Video | Self::Ycck => matches!(index, 1 | 2),
            Self::Grey | Self::Rgb | Self::Cmyk { .. } => false,
        }
    }

    /// Whether a plane is kept at half the picture's width and height, as JPEG and WebP store it.
    pub(crate) fn is_halved(self, index: usize) -> bool {
        self != Self::Ycck && self.is_chroma(index)
    }
}

//! What pictures should be made.

/// Encoding of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Without transparency: what shines through becomes white.
    Jpeg,
    /// Lossy, with transparency.
    Webp,
}

/// A picture to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// Box to fit in, in pixels of the upright photo, 1 to 65535. Smaller photos are not enlarged.
    pub max_width: u32,
    pub max_height: u32,
    pub format: Format,
    /// 1 to 100, as JPEG encoders count it.
    pub quality: u8,
}

impl Target {
    /// Width and height in pixels of the picture of an upright photo: the largest of the same shape that fits, at least a pixel.
    pub fn fit(&self, width: u32, height: u32) -> (u32, u32) {
        let (max_width, max_height) = (self.max_width.max(1), self.max_height.max(1));
        let scale =
            (f64::from(max_width) / f64::from(width)).min(f64::from(max_height) / f64::from(height)).min(1.0);
        (scaled(width, scale, max_width), scaled(height, scale, max_height))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and the side it came from"
)]
fn scaled(side: u32, scale: f64, max: u32) -> u32 {
    ((f64::from(side) * scale).round() as u32).clamp(1, max)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pictures_fit_their_box_and_touch_it(width in 1_u32..12_000, height in 1_u32..12_000, max_width in 1_u32..4096, max_height in 1_u32..4096) {
            let target = Target { max_width, max_height, format: Format::Jpeg, quality: 80 };
            let (w, h) = target.fit(width, height);
            prop_assert!((1..=max_width).contains(&w) && (1..=max_height).contains(&h) && w <= width && h <= height);
            prop_assert!(w == max_width || h == max_height || (w, h) == (width, height));
        }
    }
}

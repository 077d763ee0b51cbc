//! Colours: embedded profiles, and the models that JPEG stores.
//!
//! Pictures are made in sRGB, which is what everything without a profile is taken for. A photo with a wider range of colours, as
//! phones make them, is converted; otherwise it would come out pale. That happens on the small picture, where it costs next to
//! nothing. Grey and ink (CMYK) profiles are not applied: grey looks much the same without, and for ink a plain conversion stands
//! in, as in most browsers.

use std::sync::Arc;

use moxcms::{ColorProfile, DataColorSpace, Layout, Transform8BitExecutor, TransformOptions};

/// Differences up to this, of 255, are nothing to convert for.
const SAME: u8 = 2;
/// Pixels that are converted at once: they are copied before.
const PIECE: usize = 1 << 14;

/// Converts RGB of some profile to sRGB.
pub(crate) struct ToSrgb {
    rgb: Arc<Transform8BitExecutor>,
    rgba: Arc<Transform8BitExecutor>,
}

impl ToSrgb {
    /// `None` if the profile is damaged, of something else than RGB, or so close to sRGB that nothing would change.
    pub(crate) fn new(profile: &[u8]) -> Option<Self> {
        let profile = ColorProfile::new_from_slice(profile).ok()?;
        if profile.color_space != DataColorSpace::Rgb {
            return None;
        }
        let srgb = ColorProfile::new_srgb();
        let transform =
            |layout| profile.create_transform_8bit(layout, &srgb, layout, TransformOptions::default()).ok();
        let found = Self { rgb: transform(Layout::Rgb)?, rgba: transform(Layout::Rgba)? };
        found.changes_something().then_some(found)
    }

    fn changes_something(&self) -> bool {
        const LEVELS: [u8; 5] = [0, 64, 128, 192, 255];
        let samples: Vec<u8> = LEVELS
            .into_iter()
            .flat_map(|red| LEVELS.map(|green| LEVELS.map(|blue| [red, green, blue])))
            .flatten()
            .flatten()
            .collect();
        let mut converted = samples.clone();
        self.apply(&mut converted, 3);
        samples.iter().zip(&converted).any(|(before, after)| before.abs_diff(*after) > SAME)
    }

    /// Converts pixels of 3 or 4 channels. What cannot be converted stays as it is.
    pub(crate) fn apply(&self, pixels: &mut [u8], channels: usize) {
        let transform = if channels == 3 { &self.rgb } else { &self.rgba };
        let mut before = Vec::new();
        for pixels in pixels.chunks_mut(PIECE * channels) {
            before.clear();
            before.extend_from_slice(pixels);
            if transform.transform(&before, pixels).is_err() {
                pixels.copy_from_slice(&before);
            }
        }
    }
}

/// ITU-R BT.601 over the full range, as JFIF has it.
pub(crate) fn ycbcr_to_rgb([y, cb, cr]: [u8; 3]) -> [u8; 3] {
    const HALF: i32 = 1 << 15;
    let (y, cb, cr) = (i32::from(y) << 16, i32::from(cb) - 128, i32::from(cr) - 128);
    [y + 91_881 * cr + HALF, y - 22_554 * cb - 46_802 * cr + HALF, y + 116_130 * cb + HALF]
        .map(|value| byte(value >> 16))
}

/// From the range of video (16 to 235, differences to 240) to the full one.
pub(crate) fn full_range(samples: &mut [u8], difference: bool) {
    let (low, zero, steps) = if difference { (128, 128, 224) } else { (16, 0, 219) };
    let value = |sample: usize| {
        let distance = i32::try_from(sample).unwrap_or_default() - low;
        byte(zero + (distance * 255 * 2 + steps).div_euclid(steps * 2))
    };
    let table: [u8; 256] = std::array::from_fn(value);
    for sample in samples {
        *sample = table[usize::from(*sample)];
    }
}

/// Ink on white paper. The values say how much white is left.
pub(crate) fn white_left_to_rgb([cyan, magenta, yellow, black]: [u8; 4]) -> [u8; 3] {
    [cyan, magenta, yellow].map(|ink| share(ink, black))
}

/// A pixel of which the colours count as much as it is opaque: those of a transparent one do not show at the edge of another.
pub(crate) fn weighed([red, green, blue, alpha]: [u8; 4]) -> [u8; 4] {
    let [red, green, blue] = [red, green, blue].map(|colour| share(colour, alpha));
    [red, green, blue, alpha]
}

/// The same pixel as it was.
pub(crate) fn unweighed([red, green, blue, alpha]: [u8; 4]) -> [u8; 4] {
    let [red, green, blue] = [red, green, blue].map(|colour| mean(u32::from(colour) * 255, alpha.into()));
    [red, green, blue, alpha]
}

/// So many 255ths of a level, rounded.
fn share(level: u8, of: u8) -> u8 {
    byte((i32::from(level) * i32::from(of) + 127) / 255)
}

/// What levels of such a sum and weight are on average, rounded.
#[inline]
pub(crate) fn mean(sum: u32, weight: u32) -> u8 {
    u8::try_from((sum + weight / 2) / weight.max(1)).unwrap_or(255)
}

/// JPEG has no transparency; white is the best guess at what should shine through.
fn over_white([red, green, blue, alpha]: [u8; 4]) -> [u8; 3] {
    let (alpha, rest) = (i32::from(alpha), 255 - i32::from(alpha));
    [red, green, blue].map(|channel| byte((i32::from(channel) * alpha + 255 * rest + 127) / 255))
}

/// RGB of a pixel that is grey, RGB or RGBA.
pub(crate) fn opaque(pixel: &[u8]) -> [u8; 3] {
    match *pixel {
        [grey] => [grey; 3],
        [red, green, blue] => [red, green, blue],
        [red, green, blue, alpha] => over_white([red, green, blue, alpha]),
        _ => [0; 3],
    }
}

#[expect(clippy::cast_sign_loss, reason = "clamped")]
fn byte(value: i32) -> u8 {
    value.clamp(0, 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_colours_become_stronger_and_srgb_stays() {
        let p3 = ColorProfile::new_display_p3().encode().unwrap();
        let mut pixels = [200, 100, 100];
        ToSrgb::new(&p3).unwrap().apply(&mut pixels, 3);
        assert!(pixels[0] > 205 && pixels[1] < 97, "{pixels:?}");
        assert!(ToSrgb::new(&ColorProfile::new_srgb().encode().unwrap()).is_none());
        assert!(ToSrgb::new(b"no profile").is_none());
    }

    #[test]
    fn primary_colours_come_out_as_such() {
        assert_eq!(ycbcr_to_rgb([76, 85, 255]), [254, 0, 0]);
        assert_eq!(ycbcr_to_rgb([255, 128, 128]), [255, 255, 255]);
        let mut levels = [0, 16, 126, 235, 255];
        full_range(&mut levels, false);
        assert_eq!(levels, [0, 0, 128, 255, 255]);
        let mut differences = [0, 16, 128, 240, 255];
        full_range(&mut differences, true);
        assert_eq!(differences, [0, 1, 128, 255, 255]);
        assert_eq!(white_left_to_rgb([0, 255, 255, 255]), [0, 255, 255]);
        assert_eq!(white_left_to_rgb([255, 255, 255, 0]), [0, 0, 0]);
        assert_eq!(over_white([255, 0, 0, 128]), [255, 127, 127]);
    }
}

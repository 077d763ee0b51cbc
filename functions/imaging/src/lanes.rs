//! Numbers in registers, made narrower: what does not fit becomes the largest or the smallest that does.

use wide::bytemuck::cast;
use wide::{i16x8, i32x4, u8x16};

/// To 16 bits each.
#[inline]
pub(crate) fn words(numbers: [i32x4; 2]) -> i16x8 {
    i16x8::from_i32x8_saturate(cast(numbers))
}

/// To a byte each.
#[inline]
pub(crate) fn bytes(numbers: i16x8) -> [u8; 8] {
    let [bytes, _] = cast::<_, [[u8; 8]; 2]>(u8x16::narrow_i16x8(numbers, numbers));
    bytes
}

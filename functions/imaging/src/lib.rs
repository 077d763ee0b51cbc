//! Pictures of photos, from files that strangers send. No AWS, no I/O, no unsafe code, and no panic, whatever the bytes.
//!
//! ```
//! # use functions_imaging::{Format, Limits, Refusal, Target, probe, render};
//! # fn thumbnail(bytes: &[u8]) -> Result<Vec<u8>, Refusal> {
//! let limits = Limits { max_bytes: 25 << 20, max_side: 12_000, max_pixels: 60_000_000, max_frames: 1000, memory: 400 << 20 };
//! let target = Target { max_width: 400, max_height: 400, format: Format::Jpeg, quality: 80 };
//! let found = probe(bytes)?;                                   // the header; nothing is allocated
//! let rendered = render(bytes, &found, &limits, &[target])?;   // limits, then pixels
//! # Ok(rendered.pictures.into_iter().next().unwrap().bytes)
//! # }
//! # assert!(thumbnail(b"<html>").is_err());
//! ```
//!
//! The order bounds what a file can cost: [`probe`] reads the header and allocates nothing. [`Limits`] are checked against that.
//! Then the file is decoded once, at the size that the largest picture needs; what that takes is known and checked before it is
//! allocated. JPEG and lossy WebP have decoders of their own (modules `jpeg` and `vp8`) which do only what a small picture
//! needs; PNG is averaged row by row; the rest is decoded whole by the `image` crate. A JPEG can be decoded while it comes in
//! ([`Arriving`]).
//!
//! Rows go to the filter as they are decoded (`scale`, `filter`) and, turned upright, into the largest picture (`turn`), which is the
//! largest thing in memory. Its colours are converted (`small`); smaller pictures are made of it, one of the other. Pictures are written anew
//! from samples, so no metadata of the original (position, serial numbers, hidden pictures) survives. [`clean`] takes the same out of
//! the original itself, and [`details`] reads the little of it that may be told.
//!
//! A JPEG that ends early gives what is there and says so. Any other damaged file is refused.

#![cfg_attr(
    test,
    expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the numbers of tests are small"
    )
)]

mod arriving;
mod clean;
mod colour;
mod details;
mod encode;
mod exif;
mod filter;
mod jpeg;
mod kind;
mod lanes;
mod limits;
mod model;
mod placeholder;
mod png;
mod probe;
mod raster;
mod refusal;
mod render;
mod scale;
mod small;
mod target;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod turn;
mod vp8;
mod whole;

pub use arriving::{Arriving, header_end};
pub use clean::clean;
pub use details::{Details, MAX_TEXT, details};
pub use exif::Orientation;
pub use kind::Kind;
pub use limits::Limits;
pub use placeholder::Placeholder;
pub use probe::{Probe, probe};
pub use refusal::Refusal;
pub use render::{Picture, Rendered, render};
pub use target::{Format, Target};

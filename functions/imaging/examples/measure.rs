//! What pictures cost, for `make bench` and for whoever changes something here.
//!
//! `measure photogallery|plain EDGES QUALITY RUNS FILE [OUT]` makes pictures of the file so many times, after once to warm up, and
//! prints JSON: milliseconds of processor time of each time, and the most megabytes of memory beside the file. `EDGES` are their long
//! edges in pixels, `400` or, from the smallest, `400,1024,2048`; `OUT` gets the first. `plain` is a full decode by the `image` crate
//! with `fast_image_resize` and the same encoder. Memory counts only with no warm-up, so with 0 runs.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "times and sides are small"
)]

use cpu_time::ThreadTime;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use functions_imaging::{Format, Limits, Target, probe, render};
use image::{DynamicImage, ImageDecoder as _};
use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, SamplingFactor};

const LIMITS: Limits = Limits {
    max_bytes: 100 << 20,
    max_side: 12_000,
    max_pixels: 60_000_000,
    max_frames: 1000,
    memory: 2 << 30,
};

type Pictures = Result<Vec<Vec<u8>>, Box<dyn std::error::Error>>;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [variant, edges, quality, runs, file, out @ ..] = arguments.as_slice() else {
        return Err("measure photogallery|plain EDGES QUALITY RUNS FILE [OUT]".into());
    };
    let make = match variant.as_str() {
        "photogallery" => photogallery,
        "plain" => plain,
        other => return Err(format!("no variant {other}").into()),
    };
    let edges = edges.split(',').map(str::parse).collect::<Result<Vec<u32>, _>>()?;
    let quality = quality.parse()?;
    let bytes = std::fs::read(file)?;
    let before = status("VmRSS:")?;
    let made = make(&bytes, &edges, quality)?;
    let peak = status("VmHWM:")?.saturating_sub(before);
    if let [out] = out {
        std::fs::write(out, &made[0])?;
    }
    let mut times = Vec::new();
    for _ in 0..runs.parse()? {
        let start = ThreadTime::now();
        make(&bytes, &edges, quality)?;
        times.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    println!("{{\"cpu_ms\": {times:?}, \"peak_mb\": {:.1}}}", peak as f64 / 1024.0);
    Ok(())
}

fn photogallery(bytes: &[u8], edges: &[u32], quality: u8) -> Pictures {
    let target = |edge: &u32| Target { max_width: *edge, max_height: *edge, format: Format::Jpeg, quality };
    let targets: Vec<Target> = edges.iter().map(target).collect();
    let rendered = render(bytes, &probe(bytes)?, &LIMITS, &targets)?;
    Ok(rendered.pictures.into_iter().map(|picture| picture.bytes).collect())
}

/// Decode everything; then for each picture make it smaller, turn it, encode it.
fn plain(bytes: &[u8], edges: &[u32], quality: u8) -> Pictures {
    let reader = image::ImageReader::new(std::io::Cursor::new(bytes)).with_guessed_format()?;
    let mut decoder = reader.into_decoder()?;
    let orientation = decoder.orientation()?;
    let original = DynamicImage::from_decoder(decoder)?;
    let picture = |edge: &u32| {
        let scale = f64::from(*edge) / f64::from(original.width().max(original.height()));
        let side = |side: u32| (f64::from(side) * scale.min(1.0)).round().max(1.0) as u32;
        let mut small = DynamicImage::new(side(original.width()), side(original.height()), original.color());
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
        Resizer::new().resize(&original, &mut small, &options)?;
        small.apply_orientation(orientation);
        let pixels = small.to_rgb8();
        let mut encoded = Vec::new();
        let mut encoder = Encoder::new(&mut encoded, quality);
        encoder.set_sampling_factor(SamplingFactor::F_2_2);
        encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
        encoder.encode(pixels.as_raw(), pixels.width() as u16, pixels.height() as u16, ColorType::Rgb)?;
        Ok(encoded)
    };
    edges.iter().map(picture).collect()
}

/// Kilobytes of this process, by a line of its status.
fn status(name: &str) -> Result<u64, Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)).ok_or("no such line")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

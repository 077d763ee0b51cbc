//! Files that want to cost more than they may: time and memory of each are measured.
//!
//! `IMAGING_FUZZ=1000000` breaks that many files instead of a few thousand, `IMAGING_FUZZ_SEED` begins elsewhere. A file that fails
//! is made again by its number alone.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::unwrap_used,
    reason = "a test may fail, and its numbers are small"
)]

use std::sync::{Mutex, MutexGuard, PoisonError};

use functions_imaging::{Format, Limits, Refusal, Rendered, Target, probe, render};
use image::{DynamicImage, ImageFormat, RgbaImage};
use jpeg_encoder::SamplingFactor;
use peak_alloc::PeakAlloc;

#[path = "../src/testing.rs"]
mod testing;

use testing::{Jpeg, corners, crc32, each_kind, file, lossy_webp, photo, png, with_chunk};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;
/// Memory is that of the whole process, so one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

const MIB: u64 = 1 << 20;
const LIMITS: Limits = Limits {
    max_bytes: 25 * MIB,
    max_side: 12_000,
    max_pixels: 60_000_000,
    max_frames: 100,
    memory: 400 * MIB,
};
const TARGET: Target = Target { max_width: 400, max_height: 400, format: Format::Jpeg, quality: 80 };

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn open(bytes: &[u8], limits: &Limits) -> Result<Rendered, Refusal> {
    probe(bytes).and_then(|found| render(bytes, &found, limits, &[TARGET]))
}

/// What a file costs: its pictures, bytes of memory at the most, and seconds of processor time.
fn cost(bytes: &[u8], limits: &Limits) -> (Result<Rendered, Refusal>, u64, f64) {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let start = processor_seconds();
    let result = open(bytes, limits);
    let seconds = processor_seconds() - start;
    (result, MEMORY.peak_usage().saturating_sub(before) as u64, seconds)
}

/// Of this thread: other work on the machine does not count.
fn processor_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}

/// What the test runner's other threads may take meanwhile.
const NOISE: u64 = 16 << 10;

/// To see it fail: allocate anything in `probe` before `Limits` are checked.
#[test]
fn probing_allocates_nothing() {
    let _alone = alone();
    for bytes in each_kind() {
        let before = MEMORY.current_usage();
        MEMORY.reset_peak_usage();
        probe(&bytes).unwrap();
        assert!(MEMORY.peak_usage().saturating_sub(before) as u64 <= NOISE);
    }
}

#[test]
fn bombs_are_refused_by_their_header() {
    let _alone = alone();
    let mut jpeg = Jpeg::default().encode(&photo(16, 16).into());
    let frame = jpeg.windows(2).position(|window| window == b"\xFF\xC0").unwrap();
    jpeg[frame + 5..frame + 9].fill(0xFF);
    let mut gif = b"GIF89a\xFF\xFF\xFF\xFF\0\0\0".to_vec();
    gif.extend_from_slice(b",\0\0\0\0\xFF\xFF\xFF\xFF\0\x02\x02\x44\x01\0;");
    let webp = b"RIFF\x16\0\0\0WEBPVP8L\x0A\0\0\0\x2F\xFF\xFF\xFF\x0F\0\0\0\0\0".to_vec();
    let mut files = vec![jpeg, gif, webp];
    for (width, height) in [(12_001, 1), (1, 12_001), (10_000, 10_000), (0x7FFF_FFFF, 0x7FFF_FFFF)] {
        files.push(png_bomb(width, height));
    }
    for bytes in files {
        let (result, memory, _) = cost(&bytes, &LIMITS);
        assert!(matches!(result, Err(Refusal::TooManyPixels { .. })), "{result:?}");
        assert!(memory <= NOISE, "{memory} bytes for {:?}", &bytes[..4]);
    }
    assert!(matches!(open(&png_bomb(0, 5), &LIMITS), Err(Refusal::Damaged { .. })));
    let limits = Limits { max_bytes: 100, ..LIMITS };
    assert_eq!(
        open(&png(&corners(64, 64).into()), &limits).unwrap_err(),
        Refusal::TooManyBytes { limit: 100 }
    );
}

#[test]
fn what_does_not_fit_in_memory_is_refused_before_it_is_decoded() {
    let _alone = alone();
    let limits = Limits { memory: 12 * MIB, ..LIMITS };
    let clear = DynamicImage::from(RgbaImage::new(2000, 2000));
    for bytes in [file(&clear, ImageFormat::WebP), file(&clear, ImageFormat::Gif)] {
        let (result, memory, _) = cost(&bytes, &limits);
        assert_eq!(result.unwrap_err(), Refusal::TooMuchMemory);
        assert!(memory < 2 * MIB, "{memory}");
    }
    assert_eq!(limits.check_file(u64::MAX), Err(Refusal::TooManyBytes { limit: LIMITS.max_bytes }));
    assert_eq!(limits.check_file(7 * MIB), Err(Refusal::TooMuchMemory));
    assert_eq!(limits.check_file(MIB), Ok(()));
}

/// Found by the fuzzing below: a screen of one pixel, and a frame that is larger than memory allows.
#[test]
fn a_frame_larger_than_its_screen_counts_as_well() {
    let _alone = alone();
    let mut gif = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xFF\xFF\xFF".to_vec();
    gif.extend_from_slice(b",\0\0\0\0\xD0\x07\xD0\x07\0\x02\x02\x44\x01\0;");
    let (result, memory, _) = cost(&gif, &Limits { memory: 12 * MIB, ..LIMITS });
    assert_eq!(result.unwrap_err(), Refusal::TooMuchMemory);
    assert!(memory < 2 * MIB, "{memory}");
}

#[test]
fn too_many_frames_are_refused() {
    let _alone = alone();
    let mut gif = file(&corners(8, 8).into(), ImageFormat::Gif);
    gif.pop();
    let frame = b",\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0";
    gif.extend(frame.repeat(100));
    gif.push(b';');
    assert_eq!(open(&gif, &LIMITS).unwrap_err(), Refusal::TooManyFrames { limit: 100 });
    let png = with_chunk(&png(&corners(8, 8).into()), *b"acTL", &[0xFF; 8]);
    assert_eq!(open(&png, &LIMITS).unwrap_err(), Refusal::TooManyFrames { limit: 100 });
}

/// Small files that claim to hold much, within the limits: what they cost is bounded by the limits, not by their claims.
#[test]
fn large_claims_cost_little() {
    let _alone = alone();
    for progressive in [false, true] {
        let jpeg = Jpeg { progressive, sampling: SamplingFactor::F_1_1, ..Jpeg::default() };
        let mut bytes = jpeg.encode(&photo(64, 64).into());
        let marker: &[u8] = if progressive { b"\xFF\xC2" } else { b"\xFF\xC0" };
        let frame = bytes.windows(2).position(|window| window == marker).unwrap();
        bytes[frame + 5..frame + 9].copy_from_slice(&[0x13, 0x88, 0x2E, 0xE0]);
        let (result, memory, seconds) = cost(&bytes, &LIMITS);
        assert!(!result.unwrap().complete);
        assert!(memory < 40 * MIB && seconds < 2.0, "{memory} bytes, {seconds} s");
    }
    let (result, memory, seconds) = cost(&png_bomb(12_000, 5000), &LIMITS);
    assert!(matches!(result, Err(Refusal::Damaged { .. })));
    assert!(memory < 10 * MIB && seconds < 1.0);
}

fn squeezed(bytes: usize) -> Vec<u8> {
    use std::io::Write as _;
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    zlib.write_all(&vec![0; bytes]).unwrap();
    zlib.finish().unwrap()
}

#[test]
fn what_inflates_without_end_is_cut_off() {
    let _alone = alone();
    let bomb = squeezed(200 << 20);
    let small = png(&corners(64, 64).into());
    for (kind, head) in
        [(b"iCCP", &b"x\0\0"[..]), (b"zTXt", b"x\0\0"), (b"iTXt", b"x\0\x01\0\0\0"), (b"IDAT", b"")]
    {
        let bytes = with_chunk(&small, *kind, &[head, &bomb].concat());
        let (result, memory, seconds) = cost(&bytes, &LIMITS);
        assert!(memory < 16 * MIB && seconds < 2.0, "{kind:?}: {memory} bytes, {seconds} s");
        assert!(result.is_ok() || kind == b"IDAT");
    }
}

#[test]
fn files_that_only_begin_like_an_image_are_refused() {
    let _alone = alone();
    for bytes in [
        &b"GIF89a<script>alert(1)</script>"[..],
        b"\xFF\xD8\xFF<html>",
        b"\xFF\xD8\xFF\xE0\x00\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0%PDF-1.7",
        b"\x89PNG\r\n\x1A\nPK\x03\x04",
        b"RIFF\xFF\xFF\xFF\xFFWEBP<svg onload=alert(1)>",
        b"%PDF-1.7",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"PK\x03\x04",
        b"\0\0\0\x18ftypheic\0\0\0\0",
        b"",
    ] {
        assert!(open(bytes, &LIMITS).is_err());
    }
}

#[test]
fn what_trails_behind_an_image_does_not_matter() {
    let _alone = alone();
    for bytes in each_kind() {
        let plain = open(&bytes, &LIMITS).unwrap().pictures.swap_remove(0).bytes;
        for tail in [&b"PK\x03\x04 a zip"[..], b"<script>alert(1)</script>", b"%PDF-1.7", &[0xFF; 3000]] {
            let longer = open(&[&bytes, tail].concat(), &LIMITS).unwrap().pictures.swap_remove(0).bytes;
            assert_eq!(longer, plain);
        }
    }
}

#[test]
fn absurd_exif_does_not_matter() {
    let _alone = alone();
    let jpeg = Jpeg::default().encode(&photo(32, 32).into());
    let exif = jpeg.windows(6).position(|window| window == b"Exif\0\0").unwrap() + 6;
    let blocks: [&[u8]; 5] = [
        // A directory at itself, at the end of everything, with more entries than there are bytes, and a chain to itself.
        b"II*\0\0\0\0\0",
        b"II*\0\xFF\xFF\xFF\xFF",
        b"II*\0\x08\0\0\0\xFF\xFF",
        b"II*\0\x08\0\0\0\0\0\x08\0\0\0",
        b"\0\0\0\0\0\0\0\0",
    ];
    for block in blocks {
        let mut bytes = jpeg.clone();
        bytes[exif..exif + block.len()].copy_from_slice(block);
        let rendered = open(&bytes, &LIMITS).unwrap();
        assert_eq!((rendered.pictures[0].width, rendered.complete), (32, true));
    }
}

#[test]
fn files_that_end_early_are_refused_or_shown_but_never_a_panic() {
    let _alone = alone();
    for bytes in each_kind() {
        for length in 0..bytes.len() {
            match open(&bytes[..length], &LIMITS) {
                Ok(rendered) => look(&rendered),
                Err(refusal) => assert_ne!(refusal.detail(), "the decoder panicked"),
            }
        }
        assert!(open(&bytes[..20], &LIMITS).is_err());
    }
}

/// Whatever is made can be opened.
fn look(rendered: &Rendered) {
    for picture in &rendered.pictures {
        let seen = image::load_from_memory(&picture.bytes).unwrap();
        assert_eq!((seen.width(), seen.height()), (picture.width, picture.height));
        assert!((1..=400).contains(&seen.width()) && (1..=400).contains(&seen.height()));
    }
}

#[test]
fn broken_files_of_every_kind_stay_within_their_bounds() {
    let _alone = alone();
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse().ok());
    let (count, seed) =
        (number("IMAGING_FUZZ").unwrap_or(4000), number("IMAGING_FUZZ_SEED").unwrap_or(0_u64));
    let limits = Limits { max_pixels: 1_000_000, max_side: 4000, memory: 32 * MIB, ..LIMITS };
    let files = each_kind();
    let (mut opened, mut slowest) = (0_u64, 0.0_f64);
    for input in seed..seed + count {
        let mut numbers = Numbers(input);
        let mut bytes = files[numbers.below(files.len())].clone();
        numbers.damage(&mut bytes);
        let (result, memory, seconds) = cost(&bytes, &limits);
        assert!(memory + bytes.len() as u64 <= limits.memory, "input {input}: {memory} bytes");
        assert!(seconds < 1.0, "input {input}: {seconds} s");
        slowest = slowest.max(seconds);
        match result {
            Ok(rendered) => {
                opened += 1;
                look(&rendered);
            }
            Err(refusal) => assert_ne!(refusal.detail(), "the decoder panicked", "input {input}"),
        }
    }
    println!("{count} files, {opened} could be opened, the slowest took {:.0} ms", slowest * 1000.0);
    // Neither all nor none: otherwise the files are not broken, or broken too much to get anywhere.
    assert!(opened * 10 > count && opened * 10 < count * 9, "{opened} of {count}");
}

#[test]
fn a_large_photo_takes_a_few_megabytes() {
    let _alone = alone();
    let photo = DynamicImage::from(photo(4032, 3024));
    let baseline = Jpeg { orientation: 6, ..Jpeg::default() };
    let cases = [
        ("baseline JPEG", baseline.encode(&photo), 4),
        ("progressive JPEG", Jpeg { progressive: true, ..baseline }.encode(&photo), 8),
        ("PNG", png(&photo), 6),
        ("lossy WebP", lossy_webp(&photo, 85.0), 6),
    ];
    for (name, bytes, bound) in cases {
        let (result, memory, _) = cost(&bytes, &Limits { max_bytes: 100 * MIB, ..LIMITS });
        assert!(result.unwrap().complete);
        println!("{name}: {:.1} MiB beside the file", memory as f64 / MIB as f64);
        assert!(memory < bound * MIB, "{name}: {memory} bytes");
    }
}

/// A PNG that claims these dimensions and holds next to nothing.
fn png_bomb(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = png(&corners(1, 1).into());
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let crc = crc32(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&crc.to_be_bytes());
    bytes
}

/// Numbers that only look random, so that a failure can be repeated (`SplitMix64`).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap()
    }

    /// Breaks a file: bytes, bits, runs, pieces cut out, doubled or moved, and the end cut off.
    fn damage(&mut self, file: &mut Vec<u8>) {
        for _ in 0..=self.below(6) {
            let at = self.below(file.len());
            let count = self.below(24).min(file.len() - at);
            match self.below(8) {
                0 => file[at] = self.next() as u8,
                1 => file[at] ^= 1 << self.below(8),
                2 => file[at] = [0, 0xFF, 0x7F, 0x80][self.below(4)],
                3 => drop(file.drain(at..at + count)),
                4 => {
                    let piece = file[at..at + count].to_vec();
                    let to = self.below(file.len());
                    file.splice(to..to, piece);
                }
                5 => file[at..at + count].fill(self.next() as u8),
                6 => file[at..at + count].reverse(),
                _ => file.truncate(at.max(file.len() / 2)),
            }
            if file.is_empty() {
                file.push(0);
            }
        }
    }
}

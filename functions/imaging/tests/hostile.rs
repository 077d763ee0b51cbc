//! Files that want to cost more than they may: time and memory of each are measured.
//!
//! `make fuzz` breaks a million files instead of a few thousand: `IMAGING_FUZZ` says how many, `IMAGING_FUZZ_SEED` where to begin. A
//! file that fails is kept in `target/fuzz`, and is made again by its number alone.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::unwrap_used,
    reason = "a test may fail, and its numbers are small"
)]

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use functions_imaging::{
    Arriving, Format, Limits, Refusal, Rendered, Target, clean, details, header_end, probe, render,
};
use image::{DynamicImage, ImageFormat, RgbaImage};
use jpeg_encoder::SamplingFactor;
use peak_alloc::PeakAlloc;

#[path = "../src/testing.rs"]
mod testing;

use testing::{Jpeg, Value, corners, crc32, each_kind, file, lossy_webp, photo, png, tiff, with_chunk};

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

/// Everything that becomes of a stranger's file, as the thumbnail function does it: read, cleaned, and made into pictures of all sizes.
fn keep(bytes: Vec<u8>, limits: &Limits) -> Result<Rendered, Refusal> {
    limits.check_file(bytes.len() as u64)?;
    let found = probe(&bytes)?;
    limits.check_probe(&found)?;
    let told = details(&bytes, &found);
    for text in [told.taken_at, told.camera, told.lens, told.exposure_time].into_iter().flatten() {
        assert!(!text.is_empty() && text.len() <= 300 && !text.contains(char::is_control), "{text:?}");
    }
    let Some(end) = header_end(&bytes, &mut 0) else {
        let cleaned = clean(bytes, &found);
        let found = probe(&cleaned)?;
        return render(&cleaned, &found, limits, &sizes());
    };
    // Its header is cleaned first and the rest comes in in pieces.
    let mut cleaned = clean(bytes[..end].to_vec(), &found);
    let again = probe(&cleaned)?;
    let mut arriving = Arriving::new(&cleaned, &again, bytes.len() as u64, limits, &sizes())?;
    for piece in bytes[end..].chunks(bytes.len() / 3 + 1) {
        cleaned.extend(piece);
        arriving.advance(&cleaned);
    }
    let cleaned = clean(cleaned, &again);
    let made = arriving.finish(&cleaned);
    // Some are made at once as well: two decodes take twice as long.
    if bytes.len().is_multiple_of(8) {
        let at_once = render(&clean(bytes, &found), &again, limits, &sizes());
        assert!(pictures(&made) == pictures(&at_once), "in pieces {made:?}, at once {at_once:?}");
    }
    made
}

fn pictures(made: &Result<Rendered, Refusal>) -> Result<(bool, Vec<&[u8]>), &Refusal> {
    let made = made.as_ref()?;
    Ok((made.complete, made.pictures.iter().map(|picture| &picture.bytes[..]).collect()))
}

/// Those of the thumbnail function.
fn sizes() -> [Target; 3] {
    [400, 1024, 2048].map(|side| Target { max_width: side, max_height: side, ..TARGET })
}

/// What a file costs: its pictures, bytes of memory at the most, and seconds of processor time.
fn cost(bytes: &[u8], limits: &Limits) -> (Result<Rendered, Refusal>, u64, f64) {
    cost_of(|| open(bytes, limits))
}

fn cost_of<T>(work: impl FnOnce() -> T) -> (T, u64, f64) {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let start = processor_seconds();
    let result = work();
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

/// Found by the fuzzing below: a screen of one pixel, and a frame that is larger than memory allows; or that would fit alone, without
/// the numbers of its colours.
#[test]
fn a_frame_larger_than_its_screen_counts_as_well() {
    let _alone = alone();
    for (width, height) in [(2000_u16, 2000_u16), (1600, 1700)] {
        let mut gif = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xFF\xFF\xFF,\0\0\0\0".to_vec();
        gif.extend([width.to_le_bytes(), height.to_le_bytes()].concat());
        gif.extend_from_slice(b"\0\x02\x02\x44\x01\0;");
        let (result, memory, _) = cost(&gif, &Limits { memory: 12 * MIB, ..LIMITS });
        assert_eq!(result.unwrap_err(), Refusal::TooMuchMemory);
        assert!(memory < 2 * MIB, "{memory}");
    }
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
        let rendered = keep(bytes, &LIMITS).unwrap();
        assert_eq!((rendered.pictures[0].width, rendered.complete), (32, true));
    }
}

/// A directory of 65535 entries, each a text or a directory that is the whole block again.
#[test]
fn exif_that_points_at_itself_costs_nothing() {
    let _alone = alone();
    let mut block = b"II*\0\x08\0\0\0\xFF\xFF".to_vec();
    for entry in 0..5000 {
        let tag: u16 = [0x8769, 0x0110, 0x010F][entry % 3];
        let kind: u16 = if tag == 0x8769 { 4 } else { 2 };
        block
            .extend([&tag.to_le_bytes()[..], &kind.to_le_bytes(), &[0xFF; 4], &8_u32.to_le_bytes()].concat());
    }
    let plain = Jpeg::default().encode(&photo(32, 32).into());
    let length = u16::try_from(block.len() + 8).unwrap().to_be_bytes();
    let bytes = [&plain[..2], b"\xFF\xE1", &length, b"Exif\0\0", &block, &plain[2..]].concat();
    let found = probe(&bytes).unwrap();
    let (_, memory, seconds) = cost_of(|| details(&bytes, &found));
    assert!(memory <= NOISE && seconds < 0.1, "{memory} bytes, {seconds} s");
    assert!(keep(bytes, &LIMITS).unwrap().complete);
}

/// Millions of blocks, as small as they come, kept and dropped ones in turns. To see it fail: splice them out one by one.
#[test]
fn cleaning_takes_no_memory_and_a_time_that_grows_with_the_file_alone() {
    let _alone = alone();
    let jpeg = Jpeg::default().encode(&photo(32, 32).into());
    let segments =
        b"\xFF\xDD\0\x04\0\0\xFF\xFE\0\x02\xFF\xE0\0\x12JFIF\0\x01\x02\0\0\x48\0\x48\0\0\0\0".repeat(500_000);
    let jpeg = [&jpeg[..2], &segments, &jpeg[2..]].concat();
    let image = png(&corners(32, 32).into());
    let chunks = [&[0; 4], &b"pHYs"[..], &[0; 8], b"prVt", &[0; 4]].concat().repeat(700_000);
    let image = [&image[..33], &chunks, &image[33..]].concat();
    let gif = file(&corners(32, 32).into(), ImageFormat::Gif);
    let palette = 13 + if gif[10] & 0x80 == 0 { 0 } else { 3 << ((gif[10] & 7) + 1) };
    let blocks = b"!\xFE\0!\xF9\x04\0\0\0\0\0".repeat(1_500_000);
    let gif = [&gif[..palette], &blocks, &gif[palette..]].concat();
    for bytes in [jpeg, image, gif] {
        let found = probe(&bytes).unwrap();
        let (before, kind) = (bytes.len(), found.kind);
        let (cleaned, memory, seconds) = cost_of(|| clean(bytes, &found));
        assert!(cleaned.len() < before, "{kind:?}");
        assert!(memory <= NOISE && seconds < 2.0, "{kind:?}: {memory} bytes, {seconds} s");
    }
}

/// Whatever hides behind an image header is no picture to us, and what hides behind a picture is not kept.
/// A header without an end, and a scan without a unit: neither is searched anew with each piece. To see it fail: begin at 0, or at the
/// scan's data, each time.
#[test]
fn what_comes_in_takes_a_time_that_grows_with_the_file_alone() {
    const PIECE: usize = 16 << 10;
    let _alone = alone();
    let filling = b"\xFF\0".repeat(10 << 20);
    let jpeg = Jpeg::default().encode(&photo(32, 32).into());
    let end = header_end(&jpeg, &mut 0).unwrap();
    let pieces = |file: &[u8]| (PIECE..file.len()).step_by(PIECE).collect::<Vec<_>>();

    let file = [&jpeg[..2], &filling].concat();
    let mut searched = 0;
    let (found, _, seconds) =
        cost_of(|| pieces(&file).iter().any(|there| header_end(&file[..*there], &mut searched).is_some()));
    assert!(!found && seconds < 2.0, "{seconds} s");

    let file = [&jpeg[..end], &filling].concat();
    let found = probe(&file).unwrap();
    let mut arriving = Arriving::new(&file[..end], &found, file.len() as u64, &LIMITS, &sizes()).unwrap();
    let ((), _, seconds) =
        cost_of(|| pieces(&file).iter().for_each(|there| arriving.advance(&file[..*there])));
    assert!(arriving.finish(&file).is_err() && seconds < 2.0, "{seconds} s");
}

#[test]
fn what_is_kept_of_a_polyglot_is_the_picture() {
    let _alone = alone();
    for bytes in each_kind() {
        for tail in
            [&b"PK\x03\x04 a zip"[..], b"<script>alert(1)</script>", b"%PDF-1.7", b"<svg onload=alert(1)>"]
        {
            let found = probe(&bytes).unwrap();
            let kept = clean([&bytes, tail].concat(), &found);
            assert!(!kept.windows(tail.len()).any(|window| window == tail));
        }
    }
    let jpeg = Jpeg::default().encode(&photo(32, 32).into());
    let page = b"\xFF\xFE\0\x31<!doctype html><script>alert(1)</script><!--   ";
    let bytes = [&jpeg[..2], page, &jpeg[2..]].concat();
    let kept = clean(bytes.clone(), &probe(&bytes).unwrap());
    assert!(!kept.windows(4).any(|window| window == b"<scr"));
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
        assert!((1..=2048).contains(&seen.width()) && (1..=2048).contains(&seen.height()));
    }
}

/// Files to break: small ones of each kind, and some full of metadata.
fn seeds() -> Vec<Vec<u8>> {
    let first = [
        (0x010F, Value::Text("Canon")),
        (0x0110, Value::Text("Canon EOS R5")),
        (0x0112, Value::Short(6)),
        (0x8825, Value::Long(8)),
    ];
    let exif = [
        (0x829A, Value::Fraction(1, 250)),
        (0x9003, Value::Text("2026:07:04 18:30:00")),
        (0x927C, Value::Bytes(b"maker notes")),
    ];
    let jpeg = Jpeg { restart: 3, ..Jpeg::default() }.encode(&photo(75, 50).into());
    let jpeg = |little| {
        let block = tiff(little, &first, &exif);
        let length = u16::try_from(block.len() + 8).unwrap().to_be_bytes();
        [&jpeg[..2], b"\xFF\xE1", &length, b"Exif\0\0", &block, b"\xFF\xED\0\x04ab", &jpeg[2..], b"trailing"]
            .concat()
    };
    let mut files = each_kind();
    files.extend([jpeg(true), jpeg(false)]);
    files.push(with_chunk(&png(&corners(40, 30).into()), *b"eXIf", &tiff(true, &first, &exif)));
    files
}

/// What `tests/tools/fuzz guided` begins with.
#[test]
#[ignore = "it tests nothing"]
fn write_a_corpus() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/fuzz/corpus");
    std::fs::create_dir_all(&folder).unwrap();
    let odd: [&[u8]; 3] = [
        include_bytes!("data/refined_420.jpg"),
        include_bytes!("data/refined_grey.jpg"),
        include_bytes!("data/interlaced.png"),
    ];
    for (number, bytes) in seeds().into_iter().chain(odd.map(<[u8]>::to_vec)).enumerate() {
        std::fs::write(folder.join(format!("seed-{number}")), bytes).unwrap();
    }
}

/// Large enough for pictures between thumbnail and original.
fn large() -> Vec<Vec<u8>> {
    let photo = DynamicImage::from(photo(1100, 700));
    vec![
        Jpeg::default().encode(&photo),
        Jpeg { progressive: true, ..Jpeg::default() }.encode(&photo),
        lossy_webp(&photo, 80.0),
    ]
}

/// The file that is opened at the moment.
struct Broken {
    number: u64,
    since: Instant,
    bytes: Vec<u8>,
}

static BROKEN: Mutex<Option<Broken>> = Mutex::new(None);
/// So long may one take on the busiest machine; the bound on its processor time is much less.
const STUCK: Duration = Duration::from_secs(60);

impl Broken {
    fn set(number: u64, bytes: &[u8]) {
        let broken = Self { number, since: Instant::now(), bytes: bytes.to_vec() };
        *BROKEN.lock().unwrap_or_else(PoisonError::into_inner) = Some(broken);
    }

    fn save(&self, why: &str) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/fuzz");
        let file = folder.join(format!("{}.bin", self.number));
        let saved = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&file, &self.bytes));
        eprintln!("input {} {why}: {} {saved:?}", self.number, file.display());
    }
}

/// Saves the file that makes something panic, a bound included, or that has no end; then there would be nobody to save it.
fn watch() {
    let others = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if let Some(broken) = &*BROKEN.lock().unwrap_or_else(PoisonError::into_inner) {
            broken.save("failed");
        }
        others(panic);
    }));
    std::thread::spawn(|| {
        loop {
            std::thread::sleep(Duration::from_secs(1));
            if let Some(broken) = &*BROKEN.lock().unwrap_or_else(PoisonError::into_inner)
                && broken.since.elapsed() > STUCK
            {
                broken.save("has no end");
                std::process::abort();
            }
        }
    });
}

#[test]
fn broken_files_of_every_kind_stay_within_their_bounds() {
    let _alone = alone();
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse().ok());
    let (count, seed) =
        (number("IMAGING_FUZZ").unwrap_or(4000), number("IMAGING_FUZZ_SEED").unwrap_or(0_u64));
    let limits = Limits { max_pixels: 1_000_000, max_side: 4000, memory: 48 * MIB, ..LIMITS };
    let (files, large) = (seeds(), large());
    watch();
    let (mut opened, mut slowest, mut largest) = (0_u64, 0.0_f64, 0);
    for input in seed..seed + count {
        let mut numbers = Numbers(input);
        let set = if numbers.below(100) == 0 { &large } else { &files };
        let mut bytes = set[numbers.below(set.len())].clone();
        numbers.damage(&mut bytes);
        let size = bytes.len() as u64;
        Broken::set(input, &bytes);
        let (result, memory, seconds) = cost_of(|| keep(bytes, &limits));
        assert!(memory + size <= limits.memory, "input {input}: {memory} bytes");
        largest = largest.max(memory);
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
    println!(
        "{count} files, {opened} could be opened, the slowest took {:.0} ms, the largest {:.1} MiB",
        slowest * 1000.0,
        largest as f64 / MIB as f64
    );
    *BROKEN.lock().unwrap_or_else(PoisonError::into_inner) = None;
    // Neither all nor none: otherwise the files are not broken, or broken too much to get anywhere.
    assert!(count < 1000 || (opened * 10 > count && opened * 10 < count * 9), "{opened} of {count}");
}

/// The thumbnail alone, and with the renditions of 1024 and 2048 pixels. To see it fail: hold all rows in `scale`.
#[test]
fn a_large_photo_takes_a_few_megabytes() {
    let _alone = alone();
    let photo = DynamicImage::from(photo(4032, 3024));
    let baseline = Jpeg { orientation: 6, ..Jpeg::default() };
    // Without a bound for several: a progressive file is all coefficients until its last scan, and a lossy WebP that is not made
    // at least four times smaller is decoded whole.
    let cases = [
        ("baseline JPEG", baseline.encode(&photo), 4, Some(12)),
        ("progressive JPEG", Jpeg { progressive: true, ..baseline }.encode(&photo), 8, None),
        ("PNG", png(&photo), 6, Some(24)),
        ("lossy WebP", lossy_webp(&photo, 85.0), 6, None),
    ];
    let limits = Limits { max_bytes: 100 * MIB, ..LIMITS };
    let several = sizes();
    for (name, bytes, one, bound) in cases {
        for (targets, bound) in [(&[TARGET][..], Some(one)), (&several, bound)] {
            let (result, memory, _) =
                cost_of(|| probe(&bytes).and_then(|found| render(&bytes, &found, &limits, targets)));
            assert!(result.unwrap().complete);
            println!(
                "{name}, {} pictures: {:.1} MiB beside the file",
                targets.len(),
                memory as f64 / MIB as f64
            );
            assert!(bound.is_none_or(|bound| memory < bound * MIB), "{name}: {memory} bytes");
        }
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

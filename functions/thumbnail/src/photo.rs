//! What this gallery makes of a file: bytes in, a photo or a refusal out.
//!
//! The image work, and the care that strangers' files take, are in `functions_imaging`. Here is what a gallery's settings add: the
//! types that it accepts, that a file must be what it was sent as, what becomes of its metadata, and how much memory there is.

use functions_core::content_type::{ContentType, ThumbnailFormat};
use functions_core::contract::{RENDITIONS, env};
use functions_core::settings::{SettingError, Settings};
use functions_core::upload_request::UploadLimits;
use functions_imaging::{
    Arriving, Details, Format, Kind, Limits, Placeholder, Probe, Rendered, Target, clean, details,
    header_end, probe, render,
};

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

    /// Begins with a file of so many bytes, of which none is there yet.
    pub(crate) fn opening(&self, claimed: Option<ContentType>, size: u64) -> Opening<'_> {
        let bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        Opening { rules: self, claimed, size, bytes, searched: 0, header: None, arriving: None }
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

/// A file that is coming in.
///
/// A JPEG is checked and decoded while it does. It is the cleaned file that is decoded, and what is kept is what was checked: so the
/// header is cleaned as soon as it is there, and what trails behind the picture in the end, which moves nothing.
#[derive(Debug)]
pub(crate) struct Opening<'a> {
    rules: &'a Rules,
    claimed: Option<ContentType>,
    /// Bytes that it will have.
    size: u64,
    bytes: Vec<u8>,
    /// How far the end of the header was looked for.
    searched: usize,
    header: Option<Header>,
    arriving: Option<Arriving>,
}

/// What the beginning of a file says.
#[derive(Debug)]
struct Header {
    proven: ContentType,
    /// In the cleaned file.
    found: Probe,
    /// In the file as it came.
    details: Details,
    /// Of the renditions that will be made.
    edges: Vec<u32>,
}

impl Opening<'_> {
    /// Takes the next bytes. After a refusal the rest need not be read.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        self.bytes.extend_from_slice(bytes);
        if let Some(arriving) = &mut self.arriving {
            arriving.advance(&self.bytes);
        } else if let Some(end) = header_end(&self.bytes, &mut self.searched) {
            let rest = self.bytes.split_off(end);
            let mut header = self.check()?;
            self.bytes.extend(rest);
            let arriving = self.rules.fitting(&mut header.edges, |targets| {
                Arriving::new(&self.bytes, &header.found, self.size, &self.rules.limits, targets)
            });
            self.arriving = Some(arriving?);
            self.header = Some(header);
        }
        Ok(())
    }

    /// Checks the file from the outside in, first bytes and header, and cleans what is there of it.
    fn check(&mut self) -> Result<Header, Refusal> {
        let Self { rules, bytes, .. } = self;
        let proven = content_type(Kind::sniff(bytes)?);
        if self.claimed != Some(proven) {
            return Err(Refusal::OtherType { proven });
        }
        if !rules.accepted.contains(&proven) {
            return Err(Refusal::TypeNotAccepted { proven });
        }
        let mut found = probe(bytes)?;
        rules.limits.check_probe(&found)?;
        let details = details(bytes, &found);
        if rules.clean {
            *bytes = clean(std::mem::take(bytes), &found);
            found = probe(bytes)?;
        }
        let (width, height) = found.upright();
        Ok(Header { proven, found, details, edges: rules.renditions(width, height) })
    }

    /// Makes a photo of it, now that all of it is there.
    pub(crate) fn finish(mut self) -> Result<Opened, Refusal> {
        let mut header = match self.header.take() {
            Some(header) => header,
            None => self.check()?,
        };
        let Self { rules, mut bytes, arriving, .. } = self;
        let arrived = arriving.map(|arriving| {
            if rules.clean {
                bytes = clean(std::mem::take(&mut bytes), &header.found);
            }
            arriving.finish(&bytes)
        });
        let Rendered { pictures, placeholder, complete } = match arrived {
            // The decoder for rare files takes more.
            None | Some(Err(functions_imaging::Refusal::TooMuchMemory)) => rules
                .fitting(&mut header.edges, |targets| {
                    render(&bytes, &header.found, &rules.limits, targets)
                })?,
            Some(rendered) => rendered?,
        };
        let Header { proven, found, details, edges } = header;
        let (width, height) = found.upright();
        let mut pictures = pictures.into_iter().map(|picture| picture.bytes);
        let thumbnail = pictures.next().unwrap_or_default();
        let renditions = edges.into_iter().zip(pictures).collect();
        let original = bytes;
        Ok(Opened { proven, width, height, complete, details, original, thumbnail, renditions, placeholder })
    }
}

fn content_type(kind: Kind) -> ContentType {
    match kind {
        Kind::Jpeg => ContentType::Jpeg,
        Kind::Png => ContentType::Png,
        Kind::Webp => ContentType::Webp,
        Kind::Gif => ContentType::Gif,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Cursor;

    use image::{DynamicImage, ImageFormat};

    use super::*;

    pub(crate) const SETTINGS: &[(&str, &str)] = &[
        ("TABLE", "pg"),
        ("PHOTOS_BUCKET", "photos"),
        ("THUMBNAILS_BUCKET", "thumbnails"),
        ("MAX_UPLOAD_BYTES", "100000"),
        ("CONTENT_TYPES", "image/jpeg,image/png,image/webp"),
        ("METADATA", "Clean"),
        ("MAX_WIDTH", "40"),
        ("MAX_HEIGHT", "40"),
        ("FORMAT", "JPEG"),
        ("QUALITY", "80"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
    ];

    fn rules(changed: &[(&'static str, &'static str)]) -> Rules {
        let value = |(name, value): &(&'static str, &'static str)| {
            (*name, changed.iter().find(|change| change.0 == *name).map_or(*value, |change| change.1))
        };
        let table: Vec<_> = SETTINGS.iter().map(value).collect();
        Rules::from_settings(&Settings::from_table(&table)).unwrap()
    }

    /// In pieces, as a file comes in.
    fn open(rules: &Rules, bytes: &[u8], claimed: Option<ContentType>) -> Result<Opened, Refusal> {
        let mut opening = rules.opening(claimed, bytes.len() as u64);
        bytes.chunks(1000).try_for_each(|piece| opening.push(piece))?;
        opening.finish()
    }

    fn encoded(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Vec::new();
        DynamicImage::new_rgb8(width, height).write_to(&mut Cursor::new(&mut bytes), format).unwrap();
        bytes
    }

    pub(crate) fn png(width: u32, height: u32) -> Vec<u8> {
        encoded(width, height, ImageFormat::Png)
    }

    /// A big-endian directory's entry: tag, type, count, value or where it is.
    fn entry(tag: u16, kind: u16, count: u32, value: [u8; 4]) -> Vec<u8> {
        [&tag.to_be_bytes()[..], &kind.to_be_bytes(), &count.to_be_bytes(), &value].concat()
    }

    /// As a phone writes it: turned, with the camera's name, exposure, a serial number and a position.
    pub(crate) fn jpeg(width: u16, height: u16, orientation: u8) -> Vec<u8> {
        let at = |offset: u32| offset.to_be_bytes();
        let first = [
            entry(0x0110, 2, 13, at(200)),
            entry(0x0112, 3, 1, [0, orientation, 0, 0]),
            entry(0x8769, 4, 1, at(80)),
            entry(0x8825, 2, 8, at(260)),
        ];
        let exif = [
            entry(0x829A, 5, 1, at(220)),
            entry(0x829D, 5, 1, at(228)),
            entry(0x8827, 3, 1, [0, 200, 0, 0]),
            entry(0x9003, 2, 20, at(236)),
            entry(0xA431, 2, 5, at(272)),
        ];
        let mut tiff = [b"MM\0*\0\0\0\x08\0\x04".to_vec(), first.concat()].concat();
        tiff.resize(80, 0);
        tiff.extend([&b"\0\x05"[..], &exif.concat()].concat());
        tiff.resize(200, 0);
        tiff.extend(b"Canon EOS R5\0\0\0\0\0\0\0\0");
        tiff.extend([at(1), at(250), at(28), at(10)].concat());
        tiff.extend(b"2026:07:04 18:30:00\0\0\0\0\0");
        tiff.extend(b"52.516N\0\0\0\0\x004711\0");
        let mut bytes = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 95);
        encoder.add_exif_metadata(&tiff).unwrap();
        let pixels = vec![200; usize::from(width) * usize::from(height) * 3];
        encoder.encode(&pixels, width, height, jpeg_encoder::ColorType::Rgb).unwrap();
        bytes
    }

    #[test]
    fn every_accepted_type_becomes_a_thumbnail_of_the_wanted_format() {
        let files = [
            (jpeg(160, 80, 6), ContentType::Jpeg, (80, 160)),
            (png(160, 80), ContentType::Png, (160, 80)),
            (encoded(160, 80, ImageFormat::WebP), ContentType::Webp, (160, 80)),
            (encoded(160, 80, ImageFormat::Gif), ContentType::Gif, (160, 80)),
        ];
        for (setting, format) in [("JPEG", ImageFormat::Jpeg), ("WEBP", ImageFormat::WebP)] {
            let types = "image/jpeg,image/png,image/webp,image/gif";
            let rules = rules(&[("FORMAT", setting), ("CONTENT_TYPES", types)]);
            for (bytes, kind, (width, height)) in &files {
                let made = open(&rules, bytes, Some(*kind)).unwrap();
                assert_eq!(
                    (made.proven, made.width, made.height, made.complete),
                    (*kind, *width, *height, true)
                );
                let small = image::load_from_memory_with_format(&made.thumbnail, format).unwrap();
                assert_eq!((small.width(), small.height()), (width / 4, height / 4));
            }
        }
    }

    #[test]
    fn a_file_must_be_what_it_was_sent_as_and_what_the_gallery_accepts() {
        let rules = rules(&[("CONTENT_TYPES", "image/png")]);
        let jpeg = jpeg(16, 8, 1);
        let proven = ContentType::Jpeg;
        for claimed in [None, Some(ContentType::Png)] {
            assert_eq!(open(&rules, &jpeg, claimed).unwrap_err(), Refusal::OtherType { proven });
        }
        assert_eq!(open(&rules, &jpeg, Some(proven)).unwrap_err(), Refusal::TypeNotAccepted { proven });
        assert!(open(&rules, &png(16, 8), Some(ContentType::Png)).is_ok());
    }

    #[test]
    fn a_refusal_waits_for_the_header_and_for_nothing_else() {
        let (rules, file) = (rules(&[]), jpeg(160, 80, 1));
        let end = header_end(&file, &mut 0).unwrap();
        let mut opening = rules.opening(Some(ContentType::Png), file.len() as u64);
        assert_eq!(opening.push(&file[..end - 1]), Ok(()));
        let proven = ContentType::Jpeg;
        assert_eq!(opening.push(&file[end - 1..end]), Err(Refusal::OtherType { proven }));
    }

    #[test]
    fn the_original_is_cleaned_unless_the_spec_says_keep() {
        let tail = [jpeg(16, 8, 6), b"secret".to_vec()].concat();
        let cleaned = open(&rules(&[]), &tail, Some(ContentType::Jpeg)).unwrap().original;
        assert!(cleaned.len() < tail.len() && !cleaned.windows(6).any(|window| window == b"secret"));
        let kept = open(&rules(&[("METADATA", "Keep")]), &tail, Some(ContentType::Jpeg)).unwrap();
        assert_eq!((kept.original, kept.width, kept.height), (tail, 8, 16));
    }

    #[test]
    fn renditions_are_larger_than_the_thumbnail_and_smaller_than_the_photo() {
        let large = rules(&[("MAX_WIDTH", "2000"), ("MAX_HEIGHT", "1000")]);
        for (size, usual, with_large_thumbnail) in [
            ((4032, 3024), &[1024, 2048][..], &[2048][..]),
            ((3024, 4032), &[1024, 2048], &[1024, 2048]),
            ((8000, 3000), &[1024, 2048], &[2048]),
            ((2048, 1536), &[1024], &[]),
            ((1025, 40), &[1024], &[]),
            ((1024, 1024), &[], &[]),
            ((16, 1600), &[1024], &[1024]),
        ] {
            assert_eq!(rules(&[]).renditions(size.0, size.1), usual, "{size:?}");
            assert_eq!(large.renditions(size.0, size.1), with_large_thumbnail, "{size:?}");
        }
    }

    #[test]
    fn where_memory_is_short_there_are_fewer_renditions() {
        let photo = encoded(3000, 2600, ImageFormat::Png);
        let edges = |mib| {
            let rules = rules(&[("MAX_UPLOAD_BYTES", "60000000")]);
            let rules = Rules { limits: Limits { memory: mib * MIB, ..rules.limits }, ..rules };
            let opened = open(&rules, &photo, Some(ContentType::Png))?;
            Ok::<_, Refusal>(opened.renditions.iter().map(|(edge, _)| *edge).collect::<Vec<_>>())
        };
        assert_eq!(edges(512).unwrap(), [1024, 2048]);
        let fewer: Vec<_> = (1..64).filter_map(|mib| edges(mib).ok()).map(|edges| edges.len()).collect();
        assert!(fewer.is_sorted() && fewer.contains(&0) && fewer.contains(&1), "{fewer:?}");
    }

    #[test]
    fn the_settings_bound_what_a_file_may_cost() {
        let rules = rules(&[("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"), ("MAX_UPLOAD_BYTES", "60000000")]);
        assert!(rules.check_file(60_000_001).unwrap_err().to_string().contains("larger than the 58 MB"));
        assert!(
            rules
                .check_file(50_000_000)
                .unwrap_err()
                .to_string()
                .contains("too large for this gallery to open")
        );
        assert_eq!(rules.check_file(30_000_000), Ok(()));
    }

    #[test]
    fn refusals_speak_to_the_visitor() {
        let proven = ContentType::Png;
        assert_eq!(
            Refusal::OtherType { proven }.to_string(),
            "The file is a PNG image, but was sent as another type."
        );
        assert_eq!(
            Refusal::TypeNotAccepted { proven }.to_string(),
            "This gallery does not accept PNG images."
        );
    }
}

//! A file on its way from S3 to a photo.

use functions_core::content_type::ContentType;
use functions_imaging::{
    Arriving, Details, Kind, Probe, Rendered, clean, details, header_end, probe, render,
};

use super::{Opened, Refusal, Rules};

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

impl<'a> Opening<'a> {
    /// Begins with a file of so many bytes, of which none is there yet.
    pub(crate) fn new(rules: &'a Rules, claimed: Option<ContentType>, size: u64) -> Self {
        let bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        Self { rules, claimed, size, bytes, searched: 0, header: None, arriving: None }
    }

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

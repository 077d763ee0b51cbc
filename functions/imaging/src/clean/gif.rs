//! GIF: a screen, then blocks: extensions and images, each with its data in pieces of up to 255 bytes (`GIF89a`).

use super::Rewriter;
use crate::probe::gif::{palette, pieces};

/// Size and flags of the screen.
const SCREEN: usize = 13;
/// Place, size and flags of an image.
const IMAGE: usize = 10;

const TIMING: u8 = 0xF9;
const APPLICATION: u8 = 0xFF;

pub(super) fn clean(mut file: Rewriter) -> Vec<u8> {
    let colours = palette(file.rest().get(10).copied().unwrap_or_default());
    file.keep(SCREEN + colours);
    loop {
        match file.rest() {
            [b'!', label, data @ ..] => {
                let size = 2 + pieces(data);
                let replaced = match *label {
                    TIMING => timing(data),
                    APPLICATION => repeats(data),
                    _ => None,
                };
                file.skip(size);
                if let Some(block) = replaced {
                    file.put(&block);
                }
            }
            [b',', _, _, _, _, _, _, _, _, flags, data @ ..] => {
                // The palette, and a byte with the size of the codes.
                let before = palette(*flags) + 1;
                let size = IMAGE + before + pieces(data.get(before..).unwrap_or_default());
                file.keep(size);
            }
            [b';', ..] => {
                file.keep(1);
                return file.finish();
            }
            _ => return file.finish(),
        }
    }
}

/// How an image is shown, and for how long: exactly one piece of four bytes.
fn timing(data: &[u8]) -> Option<Vec<u8>> {
    let [4, flags, low, high, transparent, ..] = data else { return None };
    Some(vec![b'!', TIMING, 4, *flags, *low, *high, *transparent, 0])
}

/// How often an animation repeats, by the one application whose block means something to everybody.
fn repeats(data: &[u8]) -> Option<Vec<u8>> {
    let (name, rest) = data.split_first_chunk::<12>()?;
    let [3, 1, low, high, ..] = rest else { return None };
    let known = matches!(name, b"\x0BNETSCAPE2.0" | b"\x0BANIMEXTS1.0");
    known.then(|| [&[b'!', APPLICATION], &name[..], &[3, 1, *low, *high, 0]].concat())
}

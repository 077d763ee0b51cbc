/**
 * Reads what a file is from its first bytes: the type by its magic bytes (a name can lie), and the size at which it is
 * shown, so that its place in the grid is right before anything is decoded. Answers `undefined` for what it cannot
 * tell; the gallery's own function has the last word on every file.
 */

export interface Inspection {
  contentType: string | undefined;
  /** As shown, after EXIF rotation; 0 when unknown. */
  width: number;
  height: number;
}

/** EXIF with a thumbnail and a colour profile come before a JPEG's size, seldom more than this. */
const HEAD_BYTES = 512 * 1024;

export async function inspectFile(file: Blob): Promise<Inspection> {
  return inspectBytes(new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer()));
}

const ascii = (bytes: Uint8Array, start: number, length: number) =>
  String.fromCharCode(...bytes.subarray(start, start + length));

const ISO_BRANDS: Record<string, string> = {
  avif: "image/avif",
  avis: "image/avif",
  heic: "image/heic",
  heix: "image/heic",
  hevc: "image/heic",
  mif1: "image/heic",
  msf1: "image/heic",
};

export function sniffType(bytes: Uint8Array): string | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) return "image/jpeg";
  if (ascii(bytes, 0, 8) === "\x89PNG\r\n\x1a\n") return "image/png";
  if (/^GIF8[79]a$/.test(ascii(bytes, 0, 6))) return "image/gif";
  if (ascii(bytes, 0, 4) === "RIFF" && ascii(bytes, 8, 4) === "WEBP") return "image/webp";
  if (ascii(bytes, 4, 4) === "ftyp") return ISO_BRANDS[ascii(bytes, 8, 4)];
  if (/^(II\*\0|MM\0\*)$/.test(ascii(bytes, 0, 4))) return "image/tiff";
  if (ascii(bytes, 0, 2) === "BM") return "image/bmp";
  return undefined;
}

type Size = { width: number; height: number };

export function inspectBytes(bytes: Uint8Array): Inspection {
  const contentType = sniffType(bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let size: Size | undefined;
  try {
    if (contentType === "image/jpeg") size = jpegSize(view);
    else if (contentType === "image/png") size = { width: view.getUint32(16), height: view.getUint32(20) };
    else if (contentType === "image/gif")
      size = { width: view.getUint16(6, true), height: view.getUint16(8, true) };
    else if (contentType === "image/webp") size = webpSize(bytes, view);
  } catch (error) {
    // Reading past the end of a truncated file; anything else is a mistake of ours.
    if (!(error instanceof RangeError)) throw error;
  }
  return { contentType, width: size?.width ?? 0, height: size?.height ?? 0 };
}

const APP1 = 0xe1;
/** Start-of-frame markers are C0 to CF, except for three tables that live among them. */
const isFrame = (marker: number) => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);

function jpegSize(view: DataView): Size | undefined {
  let offset = 2;
  let isTurned = false;
  for (;;) {
    if (view.getUint8(offset) !== 0xff) return undefined;
    const marker = view.getUint8(offset + 1);
    // Any number of fill bytes may come before a marker.
    if (marker === 0xff) {
      offset += 1;
      continue;
    }
    const length = view.getUint16(offset + 2);
    if (marker === APP1) isTurned ||= exifOrientation(view, offset + 4) >= 5;
    if (isFrame(marker)) {
      const height = view.getUint16(offset + 5);
      const width = view.getUint16(offset + 7);
      return isTurned ? { width: height, height: width } : { width, height };
    }
    offset += 2 + length;
  }
}

const ORIENTATION_TAG = 0x0112;

/** 1 to 8, or 0 when this APP1 is not EXIF or does not say; 5 to 8 are turned by a quarter. */
function exifOrientation(view: DataView, start: number): number {
  const isExif = view.getUint32(start) === 0x45786966 && view.getUint16(start + 4) === 0;
  if (!isExif) return 0;
  const tiff = start + 6;
  const little = view.getUint16(tiff) === 0x4949;
  const directory = tiff + view.getUint32(tiff + 4, little);
  const count = view.getUint16(directory, little);
  for (let entry = 0; entry < count; entry += 1) {
    const at = directory + 2 + entry * 12;
    if (view.getUint16(at, little) === ORIENTATION_TAG) return view.getUint16(at + 8, little);
  }
  return 0;
}

function webpSize(bytes: Uint8Array, view: DataView): Size | undefined {
  const uint24 = (offset: number) => view.getUint16(offset, true) | (view.getUint8(offset + 2) << 16);
  switch (ascii(bytes, 12, 4)) {
    case "VP8 ":
      return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
    case "VP8L": {
      const bits = view.getUint32(21, true);
      return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
    }
    case "VP8X":
      return { width: uint24(24) + 1, height: uint24(27) + 1 };
    default:
      return undefined;
  }
}

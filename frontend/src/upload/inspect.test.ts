import { describe, expect, it } from "vitest";
import { inspectBytes, inspectFile, sniffType } from "./inspect";

const text = (value: string) => [...value].map((character) => character.charCodeAt(0));
const uint16 = (value: number) => [value >> 8, value & 255];
const bytes = (...parts: number[][]) => new Uint8Array(parts.flat());

const tiff = (orientation: number, little: boolean) => {
  const pair = (value: number) => (little ? uint16(value).reverse() : uint16(value));
  const four = (value: number) => (little ? [value, 0, 0, 0] : [0, 0, 0, value]);
  return [
    ...text(little ? "II" : "MM"),
    ...pair(42),
    ...four(8),
    ...pair(1),
    ...pair(0x0112),
    ...pair(3),
    ...four(1),
    ...pair(orientation),
    0,
    0,
  ];
};
const segment = (marker: number, payload: number[]) => [
  0xff,
  marker,
  ...uint16(payload.length + 2),
  ...payload,
];
const frame = segment(0xc0, [8, ...uint16(800), ...uint16(1200), 3]);
const exif = (orientation: number, little = false) =>
  segment(0xe1, [...text("Exif\0\0"), ...tiff(orientation, little)]);
const jpeg = (...segments: number[][]) => bytes([0xff, 0xd8], ...segments);

describe("inspectBytes", () => {
  it("reads a JPEG's size past its other segments", () => {
    const found = inspectBytes(jpeg(segment(0xe0, text("JFIF\0")), segment(0xc4, [0, 0, 0]), frame));
    expect(found).toEqual({ contentType: "image/jpeg", width: 1200, height: 800 });
  });

  it("turns a JPEG as its EXIF orientation says, in either byte order", () => {
    for (const little of [false, true]) {
      for (const orientation of [1, 2, 3, 4]) {
        expect(inspectBytes(jpeg(exif(orientation, little), frame))).toMatchObject({
          width: 1200,
          height: 800,
        });
      }
      for (const orientation of [5, 6, 7, 8]) {
        expect(inspectBytes(jpeg(exif(orientation, little), frame))).toMatchObject({
          width: 800,
          height: 1200,
        });
      }
    }
  });

  it("reads PNG, GIF and all three kinds of WebP", () => {
    const png = bytes(text("\x89PNG\r\n\x1a\n"), [0, 0, 0, 13], text("IHDR"), [0, 0, 4, 0], [0, 0, 2, 0]);
    expect(inspectBytes(png)).toEqual({ contentType: "image/png", width: 1024, height: 512 });
    const gif = bytes(text("GIF89a"), [0x40, 0x01, 0xf0, 0x00]);
    expect(inspectBytes(gif)).toEqual({ contentType: "image/gif", width: 320, height: 240 });
    const webp = (kind: string, rest: number[]) =>
      bytes(text("RIFF"), [0, 0, 0, 0], text(`WEBP${kind}`), rest);
    const lossy = webp("VP8 ", [0, 0, 0, 0, 0, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00]);
    const lossless = webp("VP8L", [0, 0, 0, 0, 0x2f, 0x3f, 0xc1, 0x3b, 0x00]);
    const extended = webp("VP8X", [0, 0, 0, 0, 0, 0, 0, 0, 0x3f, 0x01, 0x00, 0xef, 0x00, 0x00]);
    for (const file of [lossy, lossless, extended]) {
      expect(inspectBytes(file)).toEqual({ contentType: "image/webp", width: 320, height: 240 });
    }
  });

  it("survives every file that was cut short", () => {
    const whole = jpeg(exif(6), frame);
    for (let length = 0; length < whole.length; length += 1) {
      const { width, height } = inspectBytes(whole.subarray(0, length));
      expect([width, height].every(Number.isFinite)).toBe(true);
    }
  });

  it("survives noise after good magic bytes", () => {
    for (let seed = 1; seed < 200; seed += 1) {
      const noise = Array.from({ length: 64 }, (_, index) => (seed * 7919 + index * 104729) % 256);
      expect(() => inspectBytes(jpeg(noise))).not.toThrow();
      expect(() => inspectBytes(bytes(text("RIFF\0\0\0\0WEBP"), noise))).not.toThrow();
    }
  });
});

it("the type comes from the bytes, whatever the name says", async () => {
  const file = new File([jpeg(frame)], "holiday.png", { type: "image/png" });
  expect((await inspectFile(file)).contentType).toBe("image/jpeg");
  expect(sniffType(bytes([0, 0, 0, 24], text("ftypheic")))).toBe("image/heic");
  expect(sniffType(bytes([0, 0, 0, 24], text("ftypavif")))).toBe("image/avif");
  expect(sniffType(bytes(text("%PDF-1.7")))).toBeUndefined();
  expect(sniffType(bytes(text("<svg xmlns=")))).toBeUndefined();
});

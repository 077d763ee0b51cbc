import { expect, it } from "vitest";
import { formatBytes, formatBytesOver, formatDate, formatTypes, typeName } from "./format";

const MB = 1024 * 1024;

it("sizes read as people say them", () => {
  expect(formatBytes(12)).toBe("12 bytes");
  expect(formatBytes(40 * 1024)).toBe("40 KB");
  expect(formatBytes(3.42 * MB)).toBe("3.4 MB");
  expect(formatBytes(25 * MB)).toBe("25 MB");
});

it("a size over the limit never reads the same as the limit", () => {
  expect(formatBytesOver(32 * MB, 25 * MB)).toBe("32 MB");
  expect(formatBytesOver(25 * MB + 1, 25 * MB)).toBe("25.1 MB");
  expect(formatBytesOver(25.4 * MB, 25 * MB)).toBe("25.4 MB");
});

it("a date that makes no sense is left out", () => {
  expect(formatDate("2026-07-04T12:00:00Z", "en-GB")).toBe("4 July 2026");
  expect(formatDate("soon")).toBe("");
  expect(formatDate("")).toBe("");
});

it("types are named and listed in words", () => {
  expect(formatTypes(["image/jpeg", "image/png", "image/webp"])).toBe("JPEG, PNG and WebP");
  expect(formatTypes(["image/jpeg"])).toBe("JPEG");
  expect(typeName("image/jxl")).toBe("JXL");
});

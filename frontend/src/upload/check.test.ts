import { expect, it } from "vitest";
import { whyNot } from "./check";

const MB = 1024 * 1024;
const limits = { maxUploadBytes: 25 * MB, contentTypes: ["image/jpeg", "image/png"] };

it("accepts what the gallery takes, up to the very byte", () => {
  expect(whyNot({ size: 25 * MB, contentType: "image/jpeg" }, limits)).toBeUndefined();
});

it("says the size and the limit", () => {
  expect(whyNot({ size: 32 * MB, contentType: "image/jpeg" }, limits)).toBe(
    "This photo is 32 MB; the limit here is 25 MB.",
  );
  expect(whyNot({ size: 25 * MB + 1, contentType: "image/png" }, limits)).toBe(
    "This photo is 25.1 MB; the limit here is 25 MB.",
  );
});

it("says what the file is and what is taken", () => {
  expect(whyNot({ size: 9, contentType: "image/heic" }, limits)).toBe(
    "This is a HEIC file; this gallery takes JPEG and PNG.",
  );
  expect(whyNot({ size: 9, contentType: undefined }, limits)).toBe(
    "This is not a photo this gallery can show. It takes JPEG and PNG.",
  );
  expect(whyNot({ size: 0, contentType: undefined }, limits)).toBe("This file is empty.");
});

import { describe, expect, it } from "vitest";
import { coveringWidth, sourceFor, srcset } from "./sources";

const LIMIT = { maxWidthPixels: 400, maxHeightPixels: 400 };
const rendition = (edge: number, ratio: number) => ({
  width: Math.round(ratio > 1 ? edge : edge * ratio),
  height: Math.round(ratio > 1 ? edge / ratio : edge),
  url: `https://s3/${edge}`,
});
function photo(width: number, height: number, edges: number[]) {
  const renditions = edges.map((edge) => rendition(edge, width / height));
  return { width, height, renditions, thumbnailUrl: "https://s3/thumbnail", url: "https://s3/original" };
}
const large = photo(6000, 4000, [1024, 2048]);
const middling = photo(1600, 1200, [1024]);
const earlier = photo(6000, 4000, []);

describe("srcset", () => {
  it("names thumbnail and renditions with their widths, and never the original", () => {
    expect(srcset(large, LIMIT)).toBe(
      "https://s3/thumbnail 400w, https://s3/1024 1024w, https://s3/2048 2048w",
    );
    const portrait = srcset(photo(3000, 4000, [1024]), { maxWidthPixels: 600, maxHeightPixels: 400 });
    expect(portrait).toBe("https://s3/thumbnail 300w, https://s3/1024 768w");
  });

  it("is not needed where there is nothing to choose from", () => {
    expect(srcset(earlier, LIMIT)).toBeUndefined();
    expect(srcset({ ...large, thumbnailUrl: undefined }, LIMIT)).toBeUndefined();
  });
});

describe("coveringWidth", () => {
  it("counts what sticks out of the box", () => {
    expect(coveringWidth({ width: 3000, height: 2000 }, { width: 300, height: 200 })).toBe(300);
    expect(coveringWidth({ width: 9000, height: 1000 }, { width: 640, height: 200 })).toBe(1800);
    expect(coveringWidth({ width: 1000, height: 9000 }, { width: 100, height: 200 })).toBe(100);
  });

  it("is the box's where the photo's size is unknown", () => {
    expect(coveringWidth({ width: 0, height: 0 }, { width: 300, height: 200 })).toBe(300);
  });
});

describe("sourceFor", () => {
  const urlFor = (...question: Parameters<typeof sourceFor>) => sourceFor(...question)?.url;

  it("takes the smallest picture that is sharp", () => {
    expect(urlFor(large, 360, false)).toBe("https://s3/1024");
    expect(urlFor(large, 1100, false)).toBe("https://s3/1024");
    expect(urlFor(large, 1440, false)).toBe("https://s3/2048");
  });

  it("takes a heavy original only when someone zooms in further than the renditions go", () => {
    expect(urlFor(large, 5120, false)).toBe("https://s3/2048");
    expect(urlFor(large, 2000, true)).toBe("https://s3/2048");
    expect(urlFor(large, 2880, true)).toBe("https://s3/original");
  });

  it("takes an original that is no larger than a rendition may be wherever it is needed", () => {
    expect(urlFor(middling, 1000, false)).toBe("https://s3/1024");
    expect(urlFor(middling, 1440, false)).toBe("https://s3/original");
  });

  it("takes the original of photos from before there were renditions", () => {
    expect(urlFor(earlier, 300, false)).toBe("https://s3/original");
    expect(urlFor(photo(800, 600, []), 300, false)).toBe("https://s3/original");
  });

  it("makes do with the thumbnail where there is nothing else", () => {
    expect(urlFor({ ...earlier, url: undefined }, 300, false)).toBe("https://s3/thumbnail");
    expect(sourceFor({ ...earlier, url: undefined, thumbnailUrl: undefined }, 300, false)).toBeUndefined();
  });
});

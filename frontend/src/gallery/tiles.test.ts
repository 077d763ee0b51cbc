import { expect, it } from "vitest";
import type { Upload } from "../upload/queue";
import type { LibraryPhoto } from "./library";
import { makeTiles, openable } from "./tiles";

const photo = (photoId: string, status: "ready" | "failed" = "ready") =>
  ({ photoId, filename: photoId, status, width: 300, height: 200 }) as LibraryPhoto;
const upload = (id: string, photoId?: string) => ({ id, photoId, width: 200, height: 300 }) as Upload;
const none: ReadonlySet<string> = new Set();
const keys = (tiles: { key: string }[]) => tiles.map((tile) => tile.key).join();

it("a photo keeps its tile, place and shape from upload to list", () => {
  const before = makeTiles({
    photos: [photo("A")],
    uploads: [upload("u2", "C"), upload("u1", "B")],
    removed: none,
  });
  const after = makeTiles({
    photos: [photo("C"), photo("B"), photo("A")],
    uploads: [upload("u2", "C"), upload("u1", "B")],
    removed: none,
  });
  expect(keys(before)).toBe("u2,u1,A");
  expect(keys(after)).toBe("u2,u1,A");
  expect(after.map((tile) => tile.ratio)).toEqual(before.map((tile) => tile.ratio));
  expect(after[0]?.photo?.photoId).toBe("C");
});

it("removed photos are gone, whether listed or just uploaded", () => {
  const tiles = makeTiles({
    photos: [photo("B"), photo("A")],
    uploads: [upload("u1", "B")],
    removed: new Set(["A", "B"]),
  });
  expect(tiles).toEqual([]);
});

it("only ready photos can be opened", () => {
  const tiles = makeTiles({
    photos: [photo("B", "failed"), photo("A")],
    uploads: [upload("u1")],
    removed: none,
  });
  expect(openable(tiles).map((known) => known.photoId)).toEqual(["A"]);
});

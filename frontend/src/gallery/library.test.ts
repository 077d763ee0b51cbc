import { expect, it } from "vitest";
import type { Photo } from "../api/types";
import { append, EMPTY_LIBRARY, LINK_LIFETIME_MS, mergeNewest, renewLinks } from "./library";

const photo = (photoId: string, link = "old"): Photo => ({
  photoId,
  filename: `${photoId}.jpg`,
  uploadDate: "2026-07-04T12:00:00Z",
  fileSize: 1,
  contentType: "image/jpeg",
  width: 3,
  height: 2,
  thumbhash: undefined,
  dominantColor: undefined,
  renditions: [{ width: 1024, height: 683, url: `https://s3/${photoId}-1024?${link}` }],
  status: "ready",
  reason: undefined,
  thumbnailUrl: `https://s3/${photoId}?${link}`,
  url: undefined,
});
const page = (ids: string, nextCursor: string | null = null, link = "old") => ({
  photos: [...ids].map((id) => photo(id, link)),
  nextCursor,
});
const ids = (library: { photos: { photoId: string }[] }) =>
  library.photos.map((known) => known.photoId).join("");

const twoPages = append(mergeNewest(EMPTY_LIBRARY, { page: page("HGF", "f"), cursor: null, now: 0 }), {
  page: page("EDC", "c"),
  cursor: "f",
  now: 0,
});

it("pages follow each other, and a photo seen twice is shown once", () => {
  expect(ids(twoPages)).toBe("HGFEDC");
  expect(twoPages.nextCursor).toBe("c");
  expect(ids(append(twoPages, { page: page("CBA"), cursor: "c", now: 0 }))).toBe("HGFEDCBA");
});

it("the newest page brings what is new and takes what others deleted, and leaves older pages alone", () => {
  const merged = mergeNewest(twoPages, { page: page("JIH", "h"), cursor: null, now: 1 });
  expect(ids(merged)).toBe("JIHGFEDC");
  expect(merged.nextCursor).toBe("c");
  const withoutG = mergeNewest(twoPages, { page: page("IHF", "f"), cursor: null, now: 1 });
  expect(ids(withoutG)).toBe("IHFEDC");
});

it("a newest page that is the whole list replaces everything", () => {
  const merged = mergeNewest(twoPages, { page: page("D"), cursor: null, now: 1 });
  expect(ids(merged)).toBe("D");
  expect(merged.nextCursor).toBeNull();
});

it("links are kept while they are good, so that pictures are not loaded twice", () => {
  const soon = mergeNewest(twoPages, { page: page("HGF", "f", "new"), cursor: null, now: LINK_LIFETIME_MS });
  expect(soon.photos[0]?.thumbnailUrl).toContain("old");
  expect(soon.photos[0]?.renditions[0]?.url).toContain("old");
  const late = mergeNewest(twoPages, {
    page: page("HGF", "f", "new"),
    cursor: null,
    now: LINK_LIFETIME_MS + 1,
  });
  expect(late.photos[0]?.thumbnailUrl).toContain("new");
  expect(late.photos[0]?.renditions[0]?.url).toContain("new");
});

it("renewing changes links and nothing else", () => {
  const renewed = renewLinks(twoPages, { page: page("ZEDC", "c", "new"), cursor: "f", now: 9 });
  expect(ids(renewed)).toBe("HGFEDC");
  expect(renewed.photos.map((known) => known.thumbnailUrl?.split("?")[1]).join()).toBe(
    "old,old,old,new,new,new",
  );
  expect(renewed.photos.at(-1)?.renditions[0]?.url).toContain("new");
});

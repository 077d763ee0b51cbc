import { expect, it } from "vitest";
import { afterFailure, firstPicture, type Links, type PictureState } from "./picture";

const links: Links = { thumbnailUrl: "https://s3/thumbnail", renditions: [], url: "https://s3/photo" };
const rendition = { width: 1024, height: 683, url: "https://s3/photo-1024" };

function failAll(start: PictureState, linksAreOld: boolean, available = links): string[] {
  const seen: string[] = [];
  let state = start;
  while (state.source !== "none" && seen.length < 10) {
    const { next, renew } = afterFailure(state, available, linksAreOld && !state.renewed);
    seen.push(renew ? `renew, ${next.source}` : next.source);
    state = next;
  }
  return seen;
}

it("a missing thumbnail falls back to the photo, then to fresh links, then to a placeholder", () => {
  expect(failAll(firstPicture(links), false)).toEqual(["full", "renew, thumbnail", "full", "none"]);
});

it("old links are renewed before anything else is tried", () => {
  expect(failAll(firstPicture(links), true)).toEqual(["renew, thumbnail", "full", "none"]);
});

it("renditions come before the thumbnail alone, so that a missing one leaves no hole", () => {
  const more = { ...links, renditions: [rendition] };
  const steps = ["thumbnail", "full", "renew, best", "thumbnail", "full", "none"];
  expect(failAll(firstPicture(more), false, more)).toEqual(steps);
  expect(firstPicture({ ...more, thumbnailUrl: undefined }).source).toBe("full");
});

it("a photo without any link is a placeholder at once", () => {
  expect(firstPicture({ ...links, thumbnailUrl: undefined, url: undefined }).source).toBe("none");
  expect(firstPicture({ ...links, thumbnailUrl: undefined }).source).toBe("full");
});

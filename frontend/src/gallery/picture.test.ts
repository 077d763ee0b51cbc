import { expect, it } from "vitest";
import { afterFailure, firstPicture, type PictureState } from "./picture";

const links = { thumbnailUrl: "https://s3/thumbnail", url: "https://s3/photo" };

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

it("a photo without any link is a placeholder at once", () => {
  expect(firstPicture({ thumbnailUrl: undefined, url: undefined }).source).toBe("none");
  expect(firstPicture({ thumbnailUrl: undefined, url: "https://s3/photo" }).source).toBe("full");
});

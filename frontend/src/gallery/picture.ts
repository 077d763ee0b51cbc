/**
 * What a tile shows when its picture will not load: the best of thumbnail and renditions, then the thumbnail alone, then
 * the full-size photo (a gallery made anew over retained photos has no thumbnails yet), then, with links renewed once,
 * all of them again, then a quiet placeholder.
 */

import type { Photo } from "../api/types";

export interface PictureState {
  source: "best" | "thumbnail" | "full" | "none";
  /** Links were renewed since the last picture that loaded. */
  renewed: boolean;
}

export type Links = Pick<Photo, "thumbnailUrl" | "renditions" | "url">;

export interface PictureStep {
  next: PictureState;
  /** The links should be renewed before `next` is tried. */
  renew: boolean;
}

function firstSource({ thumbnailUrl, renditions, url }: Links): PictureState["source"] {
  if (thumbnailUrl === undefined) return url === undefined ? "none" : "full";
  return renditions.length > 0 ? "best" : "thumbnail";
}

export const firstPicture = (links: Links, renewed = false): PictureState => ({
  source: firstSource(links),
  renewed,
});

export function afterFailure(state: PictureState, links: Links, linksAreOld: boolean): PictureStep {
  if (linksAreOld && !state.renewed) return { next: firstPicture(links, true), renew: true };
  if (state.source === "best") return { next: { ...state, source: "thumbnail" }, renew: false };
  if (state.source === "thumbnail" && links.url !== undefined) {
    return { next: { ...state, source: "full" }, renew: false };
  }
  if (!state.renewed) return { next: firstPicture(links, true), renew: true };
  return { next: { source: "none", renewed: true }, renew: false };
}

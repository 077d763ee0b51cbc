/**
 * What a tile shows when its picture will not load: thumbnail, then the full-size photo (a gallery made anew over
 * retained photos has no thumbnails yet), then, with links renewed once, both again, then a quiet placeholder.
 */

export interface PictureState {
  source: "thumbnail" | "full" | "none";
  /** Links were renewed since the last picture that loaded. */
  renewed: boolean;
}

export interface Links {
  thumbnailUrl: string | undefined;
  url: string | undefined;
}

export interface PictureStep {
  next: PictureState;
  /** The links should be renewed before `next` is tried. */
  renew: boolean;
}

export const firstPicture = (links: Links, renewed = false): PictureState => ({
  source: links.thumbnailUrl !== undefined ? "thumbnail" : links.url !== undefined ? "full" : "none",
  renewed,
});

export function afterFailure(state: PictureState, links: Links, linksAreOld: boolean): PictureStep {
  if (linksAreOld && !state.renewed) return { next: firstPicture(links, true), renew: true };
  if (state.source === "thumbnail" && links.url !== undefined) {
    return { next: { ...state, source: "full" }, renew: false };
  }
  if (!state.renewed) return { next: firstPicture(links, true), renew: true };
  return { next: { source: "none", renewed: true }, renew: false };
}

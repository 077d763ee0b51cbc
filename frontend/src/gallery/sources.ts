/**
 * Which of a photo's pictures suits the place where it is shown. Photos that were made before there were renditions
 * have a thumbnail and the original.
 */
import type { Photo, ThumbnailLimit } from "../api/types";

interface Size {
  width: number;
  height: number;
}

type Pictures = Pick<Photo, "width" | "height" | "thumbnailUrl" | "renditions" | "url">;

/** One picture of a photo. */
export interface Source {
  url: string;
  /** Pixels. */
  width: number;
}

/** The long edge from which on an original is shown only to those who zoom beyond the largest rendition. */
const LARGE = 2048;
/** A picture this much narrower than its place is not visibly less sharp. */
const ENOUGH = 0.9;

/** How wide the thumbnail is: the list does not say it, but how it was made. */
function thumbnailWidth(photo: Size, { maxWidthPixels, maxHeightPixels }: ThumbnailLimit): number {
  const scale = Math.min(1, maxWidthPixels / photo.width, maxHeightPixels / photo.height);
  return Math.max(1, Math.round(photo.width * scale));
}

/** For an `<img>` that leaves the choice to the browser; undefined when there is none. */
export function srcset(photo: Pictures, limit: ThumbnailLimit): string | undefined {
  const { thumbnailUrl, renditions } = photo;
  if (thumbnailUrl === undefined || renditions.length === 0) return undefined;
  const thumbnail = { url: thumbnailUrl, width: thumbnailWidth(photo, limit) };
  return [thumbnail, ...renditions].map(({ url, width }) => `${url} ${width}w`).join(", ");
}

/** How wide the photo is when it covers the box, in CSS pixels. What of it sticks out of the box counts, too. */
export function coveringWidth(photo: Size, box: Size): number {
  const ratio = photo.width / photo.height;
  return Math.ceil(Math.max(box.width, ratio > 0 && Number.isFinite(ratio) ? box.height * ratio : 0));
}

/**
 * The smallest picture that is sharp at this width in device pixels. An original that is larger than all renditions is
 * many times heavier than they are, so it comes only when someone zooms in further than they go.
 */
export function sourceFor(photo: Pictures, width: number, isZoomed: boolean): Source | undefined {
  const { renditions, url, thumbnailUrl } = photo;
  const isHeavy = renditions.length > 0 && Math.max(photo.width, photo.height) > LARGE;
  const sources: Source[] = [...renditions];
  if (url !== undefined && !(isHeavy && !isZoomed)) sources.push({ url, width: photo.width });
  const best = sources.find((source) => source.width >= width * ENOUGH) ?? sources.at(-1);
  if (best !== undefined) return best;
  return thumbnailUrl === undefined ? undefined : { url: thumbnailUrl, width: 0 };
}

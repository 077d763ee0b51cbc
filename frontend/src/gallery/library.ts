/**
 * The photos known so far, newest first, and how pages of the list are merged into them.
 *
 * The links in a photo are presigned and die after an hour. A newer answer carries new links for the same picture, and
 * taking them would make the browser load it again, so a link is kept until it is old.
 */
import type { Photo, PhotoPage } from "../api/types";

export interface LibraryPhoto extends Photo {
  /** The cursor of the page it came with: asking for that page again renews its links. */
  pageCursor: string | null;
  /** When its links were made, in milliseconds since the epoch. */
  linkedAt: number;
}

export interface Library {
  photos: LibraryPhoto[];
  nextCursor: string | null;
}

export const EMPTY_LIBRARY: Library = { photos: [], nextCursor: null };

/** Links last an hour; renewed a little before, so that none dies between the check and the use. */
export const LINK_LIFETIME_MS = 50 * 60 * 1000;

export const hasOldLinks = (photo: LibraryPhoto, now: number) => now - photo.linkedAt > LINK_LIFETIME_MS;

interface Arrival {
  page: PhotoPage;
  cursor: string | null;
  now: number;
}

function adopt(known: LibraryPhoto | undefined, photo: Photo, { cursor, now }: Arrival): LibraryPhoto {
  const fresh = { ...photo, pageCursor: cursor, linkedAt: now };
  const keepsLinks = known !== undefined && !hasOldLinks(known, now) && known.status === photo.status;
  if (!keepsLinks) return fresh;
  return { ...fresh, ...linksOf(known), linkedAt: known.linkedAt };
}

const linksOf = ({ thumbnailUrl, renditions, url }: Photo) => ({ thumbnailUrl, renditions, url });

const indexById = (photos: readonly LibraryPhoto[]) => new Map(photos.map((photo) => [photo.photoId, photo]));

/** The next page, after the ones known. A photo that moved between pages is not shown twice. */
export function append(library: Library, arrival: Arrival): Library {
  const known = indexById(library.photos);
  const added = arrival.page.photos
    .filter((photo) => !known.has(photo.photoId))
    .map((photo) => adopt(undefined, photo, arrival));
  return { photos: [...library.photos, ...added], nextCursor: arrival.page.nextCursor };
}

/**
 * The newest page, asked for again. It is the truth for the stretch it covers: what is missing from it was deleted by
 * someone else. Older photos stay as they are.
 */
export function mergeNewest(library: Library, arrival: Arrival): Library {
  const { page } = arrival;
  const known = indexById(library.photos);
  const newest = page.photos.map((photo) => adopt(known.get(photo.photoId), photo, arrival));
  const oldestId = page.photos.at(-1)?.photoId;
  const older =
    page.nextCursor === null || oldestId === undefined
      ? []
      : library.photos.filter((photo) => photo.photoId < oldestId);
  return {
    photos: [...newest, ...older],
    nextCursor: older.length > 0 ? library.nextCursor : page.nextCursor,
  };
}

/** New links for the photos of a page that was asked for again; nothing is added, moved or removed. */
export function renewLinks(library: Library, { page, now }: Arrival): Library {
  const renewed = new Map(page.photos.map((photo) => [photo.photoId, photo]));
  const photos = library.photos.map((photo) => {
    const answer = renewed.get(photo.photoId);
    return answer === undefined ? photo : { ...photo, ...linksOf(answer), linkedAt: now };
  });
  return { ...library, photos };
}

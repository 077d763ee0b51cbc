/**
 * What the grid shows, in order: photos added in this visit first (in the order they were added, so that nothing jumps
 * when they become ready), then the list. A photo keeps its tile, and so its place, from first preview to thumbnail.
 */
import type { Upload } from "../upload/queue";
import { displayRatio } from "./layout";
import type { LibraryPhoto } from "./library";

export interface Tile {
  key: string;
  ratio: number;
  photo: LibraryPhoto | undefined;
  upload: Upload | undefined;
}

export interface TileSources {
  photos: readonly LibraryPhoto[];
  uploads: readonly Upload[];
  removed: ReadonlySet<string>;
}

function ratioOf(photo: LibraryPhoto | undefined, upload: Upload | undefined): number {
  // The upload's own size wins while it is known: the thumbnail's may differ by a rounded pixel, and that would move the row.
  const size = upload !== undefined && upload.width > 0 ? upload : photo;
  return displayRatio(size?.width ?? 0, size?.height ?? 0);
}

export function makeTiles({ photos, uploads, removed }: TileSources): Tile[] {
  const byId = new Map(photos.map((photo) => [photo.photoId, photo]));
  const claimed = new Set<string>();
  const tiles: Tile[] = [];
  for (const upload of uploads) {
    const photo = upload.photoId === undefined ? undefined : byId.get(upload.photoId);
    if (photo !== undefined) claimed.add(photo.photoId);
    if (upload.photoId !== undefined && removed.has(upload.photoId)) continue;
    tiles.push({ key: upload.id, ratio: ratioOf(photo, upload), photo, upload });
  }
  for (const photo of photos) {
    if (claimed.has(photo.photoId) || removed.has(photo.photoId)) continue;
    tiles.push({ key: photo.photoId, ratio: ratioOf(photo, undefined), photo, upload: undefined });
  }
  return tiles;
}

/** The photos one can open, in the order of the grid. */
export const openable = (tiles: readonly Tile[]): LibraryPhoto[] =>
  tiles.map((tile) => tile.photo).filter((photo) => photo?.status === "ready") as LibraryPhoto[];

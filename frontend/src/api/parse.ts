/**
 * Turns JSON of unknown shape into the types the page works with.
 * A row that makes no sense is left out instead of breaking the page; a page that makes no sense is an error.
 */
import type { GalleryConfig, Photo, PhotoPage, Rendition, UploadTicket } from "./types";

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const text = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;
const amount = (value: unknown): number =>
  typeof value === "number" && Number.isFinite(value) && value > 0 ? value : 0;

/** Only addresses the browser may load as a picture or post to; never `javascript:` and the like. */
function address(value: unknown): string | undefined {
  const candidate = text(value);
  return candidate !== undefined && /^(https?:\/\/|\/(?!\/))/i.test(candidate) ? candidate : undefined;
}

/** At least the five bytes that every ThumbHash has, and no more than one can be long. */
function thumbhash(value: unknown): string | undefined {
  const candidate = text(value);
  if (candidate === undefined || candidate.length > 48 || candidate.length % 4 !== 0) return undefined;
  return /^[A-Za-z0-9+/]{7,}={0,2}$/.test(candidate) ? candidate : undefined;
}

function colour(value: unknown): string | undefined {
  const candidate = text(value);
  return candidate !== undefined && /^#[0-9a-f]{6}$/i.test(candidate) ? candidate : undefined;
}

function parseRendition(value: unknown): Rendition | undefined {
  if (!isObject(value)) return undefined;
  const [width, height, url] = [amount(value.width), amount(value.height), address(value.url)];
  return width > 0 && height > 0 && url !== undefined ? { width, height, url } : undefined;
}

/** Of no use without the photo's own size: then nothing tells how wide the other pictures are. */
function parseRenditions(photo: Json): Rendition[] {
  if (!Array.isArray(photo.renditions) || !amount(photo.width) || !amount(photo.height)) return [];
  const renditions = photo.renditions.map(parseRendition).filter((rendition) => rendition !== undefined);
  return renditions.sort((left, right) => left.width - right.width);
}

function parsePhoto(value: unknown): Photo | undefined {
  if (!isObject(value)) return undefined;
  const photoId = text(value.photoId);
  if (photoId === undefined) return undefined;
  return {
    photoId,
    filename: text(value.filename) ?? photoId,
    uploadDate: text(value.uploadDate) ?? "",
    fileSize: amount(value.fileSize),
    contentType: text(value.contentType) ?? "",
    width: amount(value.width),
    height: amount(value.height),
    thumbhash: thumbhash(value.thumbhash),
    dominantColor: colour(value.dominantColor),
    renditions: parseRenditions(value),
    status: value.status === "failed" ? "failed" : "ready",
    reason: text(value.reason),
    thumbnailUrl: address(value.thumbnailUrl),
    url: address(value.url),
  };
}

export function parsePhotoPage(value: unknown): PhotoPage | undefined {
  if (!isObject(value) || !Array.isArray(value.photos)) return undefined;
  const photos = value.photos.map(parsePhoto).filter((photo) => photo !== undefined);
  return { photos, nextCursor: text(value.nextCursor) ?? null };
}

export function parseUploadTicket(value: unknown): UploadTicket | undefined {
  if (!isObject(value) || !isObject(value.fields)) return undefined;
  const photoId = text(value.photoId);
  const url = address(value.url);
  if (photoId === undefined || url === undefined) return undefined;
  const fields: Record<string, string> = {};
  for (const [name, field] of Object.entries(value.fields)) {
    if (typeof field === "string") fields[name] = field;
  }
  return { photoId, url, fields };
}

const DEFAULT_MAX_UPLOAD_BYTES = 25 * 1024 * 1024;
const DEFAULT_CONTENT_TYPES = ["image/jpeg", "image/png", "image/webp", "image/gif"];
const DEFAULT_THUMBNAIL_PIXELS = 400;

export function parseConfig(value: unknown): GalleryConfig | undefined {
  if (!isObject(value)) return undefined;
  const thumbnail = isObject(value.thumbnail) ? value.thumbnail : {};
  const contentTypes = Array.isArray(value.contentTypes)
    ? value.contentTypes.filter((type): type is string => typeof type === "string")
    : [];
  return {
    title: text(value.title) ?? "Photos",
    apiBase: (address(value.apiBase) ?? "/api").replace(/\/+$/, ""),
    maxUploadBytes: amount(value.maxUploadBytes) || DEFAULT_MAX_UPLOAD_BYTES,
    contentTypes: contentTypes.length > 0 ? contentTypes : DEFAULT_CONTENT_TYPES,
    thumbnail: {
      maxWidthPixels: amount(thumbnail.maxWidthPixels) || DEFAULT_THUMBNAIL_PIXELS,
      maxHeightPixels: amount(thumbnail.maxHeightPixels) || DEFAULT_THUMBNAIL_PIXELS,
    },
  };
}

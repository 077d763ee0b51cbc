/** What the gallery's API says. Mirrors the functions' answers; optional means the function may leave it out. */

export interface GalleryConfig {
  title: string;
  apiBase: string;
  maxUploadBytes: number;
  contentTypes: string[];
  thumbnail: ThumbnailLimit;
}

/** Box that new thumbnails fit in. */
export interface ThumbnailLimit {
  maxWidthPixels: number;
  maxHeightPixels: number;
}

/** A picture between the thumbnail and the original. */
export interface Rendition {
  width: number;
  height: number;
  /** Presigned, as the others. */
  url: string;
}

export interface Photo {
  /** A ULID: sorts by the time the upload was asked for. */
  photoId: string;
  filename: string;
  /** RFC 3339. */
  uploadDate: string;
  fileSize: number;
  contentType: string;
  /** After EXIF rotation; 0 when unknown. */
  width: number;
  height: number;
  /** ThumbHash, base64: what to show until there is a picture. Photos made before it have none, as the next two. */
  thumbhash: string | undefined;
  /** `#rrggbb`. */
  dominantColor: string | undefined;
  /** The smallest first. */
  renditions: Rendition[];
  status: "ready" | "failed";
  /** Why it failed, in words for the visitor. */
  reason: string | undefined;
  /** Presigned, good for about an hour. */
  thumbnailUrl: string | undefined;
  url: string | undefined;
}

export interface PhotoPage {
  photos: Photo[];
  nextCursor: string | null;
}

export interface UploadRequest {
  filename: string;
  contentType: string;
  size: number;
}

/** A presigned POST: the form fields, then `file` last. */
export interface UploadTicket {
  photoId: string;
  url: string;
  fields: Record<string, string>;
}

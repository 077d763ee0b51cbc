/** What the gallery's API says. Mirrors the functions' answers; optional means the function may leave it out. */

export interface GalleryConfig {
  title: string;
  apiBase: string;
  maxUploadBytes: number;
  contentTypes: string[];
  thumbnail: { maxWidthPixels: number; maxHeightPixels: number };
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

/** The photos added in this visit and what became of each: a reducer, newest first. */

export type UploadStatus =
  | "waiting"
  | "sending"
  /** Stored; the gallery is making its thumbnail. */
  | "preparing"
  /** The same, for longer than usual. */
  | "slow"
  /** In the list. */
  | "ready"
  | "failed";

export interface Upload {
  id: string;
  file: File;
  filename: string;
  contentType: string;
  /** As shown, after EXIF rotation; 0 when unknown. */
  width: number;
  height: number;
  status: UploadStatus;
  /** 0 to 1. */
  progress: number;
  /** Words, when failed. */
  reason: string | undefined;
  photoId: string | undefined;
  /** Object URL of a small local picture. */
  previewUrl: string | undefined;
}

export type NewUpload = Pick<Upload, "id" | "file" | "filename" | "contentType" | "width" | "height">;

export type UploadEvent =
  | { type: "added"; uploads: readonly NewUpload[] }
  | { type: "previewed"; id: string; previewUrl: string; width: number; height: number }
  | { type: "signed"; id: string; photoId: string }
  | { type: "progressed"; id: string; progress: number }
  | { type: "stored"; id: string }
  | { type: "slowed"; photoId: string }
  | { type: "listed"; photoIds: ReadonlySet<string> }
  | { type: "failed"; id: string; reason: string }
  | { type: "retried"; id: string }
  | { type: "dropped"; id: string };

function change(uploads: readonly Upload[], id: string, next: (upload: Upload) => Partial<Upload>): Upload[] {
  return uploads.map((upload) => (upload.id === id ? { ...upload, ...next(upload) } : upload));
}

const isAwaited = (upload: Upload) => upload.status === "preparing" || upload.status === "slow";

export function reduceUploads(uploads: readonly Upload[], event: UploadEvent): Upload[] {
  switch (event.type) {
    case "added": {
      const fresh = event.uploads.map(
        (upload): Upload => ({
          ...upload,
          status: "waiting",
          progress: 0,
          reason: undefined,
          photoId: undefined,
          previewUrl: undefined,
        }),
      );
      // The last one added gets the newest id from the API, so it is the first here, as it will be after a reload.
      return [...fresh.reverse(), ...uploads];
    }
    case "previewed":
      return change(uploads, event.id, (upload) => ({
        previewUrl: event.previewUrl,
        width: upload.width || event.width,
        height: upload.height || event.height,
      }));
    case "signed":
      return change(uploads, event.id, () => ({ status: "sending", photoId: event.photoId }));
    case "progressed":
      // Progress never runs backwards, not even when a request is sent again.
      return change(uploads, event.id, (upload) => ({ progress: Math.max(upload.progress, event.progress) }));
    case "stored":
      return change(uploads, event.id, () => ({ status: "preparing", progress: 1 }));
    case "slowed":
      return uploads.map((upload) =>
        upload.photoId === event.photoId && isAwaited(upload) ? { ...upload, status: "slow" } : upload,
      );
    case "listed":
      return uploads.map((upload) =>
        upload.photoId !== undefined && event.photoIds.has(upload.photoId) && isAwaited(upload)
          ? { ...upload, status: "ready" }
          : upload,
      );
    case "failed":
      return change(uploads, event.id, () => ({
        status: "failed",
        reason: event.reason,
        photoId: undefined,
      }));
    case "retried":
      return change(uploads, event.id, () => ({ status: "waiting", progress: 0, reason: undefined }));
    case "dropped":
      return uploads.filter((upload) => upload.id !== event.id);
  }
}

export const isActive = (upload: Upload) => upload.status === "waiting" || upload.status === "sending";

export interface UploadSummary {
  active: number;
  failed: number;
  /** Of all bytes still to send or sent in this batch, 0 to 1. */
  progress: number;
}

export function summarize(uploads: readonly Upload[]): UploadSummary {
  const active = uploads.filter(isActive);
  const bytes = active.reduce((total, upload) => total + upload.file.size, 0);
  const sent = active.reduce((total, upload) => total + upload.file.size * upload.progress, 0);
  return {
    active: active.length,
    failed: uploads.filter((upload) => upload.status === "failed").length,
    progress: bytes > 0 ? sent / bytes : 0,
  };
}

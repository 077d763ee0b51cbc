/**
 * Sends files to S3 with presigned POST forms. Uppy does the work (four at a time, three attempts with growing pauses,
 * waiting while offline, real progress); this module is all that knows Uppy, and loads with it when first needed.
 */
import AwsS3 from "@uppy/aws-s3";
import Uppy from "@uppy/core";
import type { UploadTicket } from "../api/types";

const AT_ONCE = 4;

export interface TransportHooks {
  /** Asked just before a file is sent, since tickets expire soon; asked again for each retry. */
  sign(id: string): Promise<UploadTicket>;
  onProgress(id: string, progress: number): void;
  onStored(id: string): void;
  onFailed(id: string, error: unknown): void;
}

export interface Transport {
  send(id: string, file: File, contentType: string): void;
  cancel(id: string): void;
}

type Meta = { uploadId: string };
type Body = Record<string, never>;

export function createTransport(hooks: TransportHooks): Transport {
  const fileIds = new Map<string, string>();
  const uppy = new Uppy<Meta, Body>({ autoProceed: true, logger: { debug() {}, warn() {}, error() {} } });

  uppy.use(AwsS3, {
    limit: AT_ONCE,
    shouldUseMultipart: false,
    generateObjectKey: (file) => String(file.meta.uploadId),
    async signRequest({ key }) {
      const { url, fields } = await hooks.sign(key);
      return { url, fields };
    },
  });

  const forget = (id: string) => {
    const fileId = fileIds.get(id);
    fileIds.delete(id);
    if (fileId !== undefined) uppy.removeFile(fileId);
  };

  uppy.on("upload-progress", (file, progress) => {
    if (file === undefined || !progress.bytesTotal) return;
    hooks.onProgress(file.meta.uploadId, progress.bytesUploaded / progress.bytesTotal);
  });
  uppy.on("upload-success", (file) => {
    if (file === undefined) return;
    hooks.onStored(file.meta.uploadId);
    forget(file.meta.uploadId);
  });
  uppy.on("upload-error", (file, error) => {
    if (file === undefined) return;
    hooks.onFailed(file.meta.uploadId, error);
    forget(file.meta.uploadId);
  });

  return {
    send(id, file, contentType) {
      // Uppy tells files apart by name, type, size and path; the path makes two copies of one file two uploads.
      const meta = { uploadId: id, relativePath: id };
      fileIds.set(id, uppy.addFile({ name: file.name, type: contentType, data: file, meta }));
    },
    cancel: forget,
  };
}

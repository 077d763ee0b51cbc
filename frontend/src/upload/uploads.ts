/**
 * Takes files from the visitor to the gallery: looks at them, refuses with words what cannot work, shows the rest at
 * once, sends them, and keeps the queue's state. Knows nothing of the page.
 */
import type { Client } from "../api/client";
import type { GalleryConfig } from "../api/types";
import { errorWords } from "../api/words";
import { strings } from "../strings";
import { whyNot } from "./check";
import { inspectFile } from "./inspect";
import { makePreview } from "./preview";
import { isActive, type NewUpload, reduceUploads, type Upload, type UploadEvent } from "./queue";
import type { Transport } from "./transport";

export interface Refusal {
  filename: string;
  words: string;
}

export interface UploadsOptions {
  client: Client;
  config: GalleryConfig;
  onChange(uploads: Upload[]): void;
  onRefused(refusals: Refusal[]): void;
  onStored(upload: Upload): void;
  onFailed(upload: Upload): void;
}

const HANDFUL = 20;

export class Uploads {
  #uploads: Upload[] = [];
  #transport: Promise<Transport> | undefined;
  #lastId = 0;
  readonly #options: UploadsOptions;

  constructor(options: UploadsOptions) {
    this.#options = options;
  }

  get all(): readonly Upload[] {
    return this.#uploads;
  }

  get isBusy(): boolean {
    return this.#uploads.some(isActive);
  }

  async add(files: readonly File[]): Promise<void> {
    // In handfuls, so that the first of five hundred photos appear while the last are still being looked at.
    for (let start = 0; start < files.length; start += HANDFUL) {
      await this.#addHandful(files.slice(start, start + HANDFUL));
    }
  }

  retry(id: string): void {
    const upload = this.#find(id);
    if (upload?.status !== "failed") return;
    this.apply({ type: "retried", id });
    void this.#send(upload);
  }

  retryAll(): void {
    // Oldest first, as they were sent the first time.
    for (const { id } of [...this.#uploads].reverse()) this.retry(id);
  }

  drop(id: string): void {
    const previewUrl = this.#find(id)?.previewUrl;
    if (previewUrl !== undefined) URL.revokeObjectURL(previewUrl);
    void this.#transport?.then((transport) => transport.cancel(id));
    this.apply({ type: "dropped", id });
  }

  apply(event: UploadEvent): void {
    this.#uploads = reduceUploads(this.#uploads, event);
    this.#options.onChange(this.#uploads);
  }

  async #addHandful(files: readonly File[]): Promise<void> {
    const refusals: Refusal[] = [];
    const uploads: NewUpload[] = [];
    for (const upload of await Promise.all(files.map((file) => this.#admit(file)))) {
      if ("words" in upload) refusals.push(upload);
      else uploads.push(upload);
    }
    if (refusals.length > 0) this.#options.onRefused(refusals);
    if (uploads.length === 0) return;
    this.apply({ type: "added", uploads });
    for (const upload of uploads) {
      void this.#send(upload);
      void this.#preview(upload);
    }
  }

  #find(id: string): Upload | undefined {
    return this.#uploads.find((upload) => upload.id === id);
  }

  async #admit(file: File): Promise<NewUpload | Refusal> {
    try {
      const { contentType, width, height } = await inspectFile(file);
      const words = whyNot({ size: file.size, contentType }, this.#options.config);
      if (words !== undefined || contentType === undefined) {
        return { filename: file.name, words: words ?? strings.unreadableFile };
      }
      this.#lastId += 1;
      return { id: `upload-${this.#lastId}`, file, filename: file.name, contentType, width, height };
    } catch {
      // A folder, or a file that was moved away since.
      return { filename: file.name, words: strings.unreadableFile };
    }
  }

  async #preview({ id, file }: NewUpload): Promise<void> {
    const preview = await makePreview(file);
    if (preview === undefined) return;
    if (this.#find(id) === undefined) URL.revokeObjectURL(preview.url);
    else
      this.apply({
        type: "previewed",
        id,
        previewUrl: preview.url,
        width: preview.width,
        height: preview.height,
      });
  }

  async #send({ id, file, contentType }: NewUpload): Promise<void> {
    try {
      this.#transport ??= this.#startTransport();
      const transport = await this.#transport;
      if (this.#find(id) !== undefined) transport.send(id, file, contentType);
    } catch {
      // The uploader's own script would not load: the next try asks for it again.
      this.#transport = undefined;
      this.#fail(id, strings.noConnection);
    }
  }

  async #startTransport(): Promise<Transport> {
    const { createTransport } = await import("./transport");
    return createTransport({
      sign: (id) => this.#sign(id),
      onProgress: (id, progress) => this.apply({ type: "progressed", id, progress }),
      onStored: (id) => {
        this.apply({ type: "stored", id });
        const upload = this.#find(id);
        if (upload !== undefined) this.#options.onStored(upload);
      },
      onFailed: (id, error) => this.#fail(id, uploadWords(error)),
    });
  }

  async #sign(id: string) {
    const upload = this.#find(id);
    if (upload === undefined) throw new Error("failed to sign: the upload was dropped");
    const { filename, contentType, file } = upload;
    const ticket = await this.#options.client.upload({ filename, contentType, size: file.size });
    this.apply({ type: "signed", id, photoId: ticket.photoId });
    return ticket;
  }

  #fail(id: string, reason: string): void {
    this.apply({ type: "failed", id, reason });
    const upload = this.#find(id);
    if (upload !== undefined) this.#options.onFailed(upload);
  }
}

/** The API's errors have words of their own; the rest comes from the storage or from the way there. */
function uploadWords(error: unknown): string {
  if (!(error instanceof Error)) return strings.storageRefused;
  if (error.name === "ApiError") return errorWords(error);
  return error.name === "S3NetworkError" ? strings.noConnection : strings.storageRefused;
}

/**
 * The gallery as the page knows it: one state and the actions on it. Joins the list, the uploads and the deletes; draws
 * nothing.
 */
import { type Client, createClient, loadConfig } from "../api/client";
import type { GalleryConfig } from "../api/types";
import { errorWords } from "../api/words";
import { strings } from "../strings";
import type { Upload } from "../upload/queue";
import { type Refusal, Uploads } from "../upload/uploads";
import { Deletions } from "./deletions";
import {
  append,
  EMPTY_LIBRARY,
  hasOldLinks,
  type Library,
  type LibraryPhoto,
  mergeNewest,
  renewLinks,
} from "./library";
import { Poller } from "./poller";
import { Store } from "./store";

export interface Toast {
  id: string;
  words: string;
  /** Shown with Undo for this photo. */
  undo: string | undefined;
}

export interface GalleryState {
  config: GalleryConfig | undefined;
  phase: "loading" | "ready" | "failed";
  more: "idle" | "loading" | "failed";
  library: Library;
  uploads: readonly Upload[];
  /** Photos taken off the page: to be deleted, or deleted. */
  removed: ReadonlySet<string>;
  toasts: readonly Toast[];
  refusals: readonly Refusal[];
  isOnline: boolean;
  /** Said to screen readers. */
  announcement: string;
}

const TOAST_MS = 6000;
/** Back after this long, the page looks for what others did meanwhile. */
const AWAY_MS = 2 * 60 * 1000;
const MAX_PAGES_PER_LOOK = 5;

export class Gallery {
  readonly store = new Store<GalleryState>({
    config: undefined,
    phase: "loading",
    more: "idle",
    library: EMPTY_LIBRARY,
    uploads: [],
    removed: new Set(),
    toasts: [],
    refusals: [],
    isOnline: true,
    announcement: "",
  });
  #client: Client | undefined;
  #uploads: Uploads | undefined;
  #lastLook = 0;
  #lastToast = 0;
  readonly #renewing = new Map<string | null, Promise<void>>();

  readonly #poller = new Poller({
    look: () => this.#look(),
    giveUp: (photoId) => this.#uploads?.apply({ type: "slowed", photoId }),
  });

  readonly #deletions = new Deletions({
    remove: async (id, keepalive) => this.#client?.remove(id, { keepalive }),
    onCommitted: (id) => this.#dropToast(`delete-${id}`),
    onDeleted: (id) => this.#forgetUpload(id),
    onFailed: (id, error) => {
      const filename = this.#filename(id);
      this.#putBack(id);
      this.#say(strings.deleteFailed(filename, errorWords(error)));
    },
  });

  get state(): GalleryState {
    return this.store.value;
  }

  async load(): Promise<void> {
    this.store.update({ phase: "loading" });
    try {
      const config = this.state.config ?? (await loadConfig());
      this.#client ??= createClient(config.apiBase);
      this.#uploads ??= this.#makeUploads(this.#client, config);
      this.store.update({ config });
      const page = await this.#client.list();
      this.#lastLook = Date.now();
      const library = mergeNewest(this.state.library, { page, cursor: null, now: this.#lastLook });
      this.store.update({ phase: "ready", library });
    } catch {
      this.store.update({ phase: "failed" });
    }
  }

  async loadMore(): Promise<void> {
    const { more, library, phase } = this.state;
    const cursor = library.nextCursor;
    if (this.#client === undefined || phase !== "ready" || more === "loading" || cursor === null) return;
    this.store.update({ more: "loading" });
    try {
      const page = await this.#client.list(cursor);
      // A look at the newest page may have changed the library meanwhile; only a page that still follows it is added.
      const now = this.state.library;
      const follows = now.nextCursor === cursor;
      this.store.update({
        more: "idle",
        library: follows ? append(now, { page, cursor, now: Date.now() }) : now,
      });
    } catch {
      this.store.update({ more: "failed" });
    }
  }

  /** New links for photos whose links are old, or all whose picture just failed. One request per page of the list. */
  async renew(photos: readonly LibraryPhoto[], force = false): Promise<void> {
    const now = Date.now();
    const cursors = new Set(
      photos.filter((photo) => force || hasOldLinks(photo, now)).map((photo) => photo.pageCursor),
    );
    await Promise.all([...cursors].map((cursor) => this.#renewPage(cursor)));
  }

  addFiles(files: readonly File[]): void {
    void this.#uploads?.add(files);
  }

  retryUpload(id: string): void {
    this.#uploads?.retry(id);
  }

  retryAllUploads(): void {
    this.#uploads?.retryAll();
  }

  dropUpload(id: string): void {
    this.#uploads?.drop(id);
  }

  dropFailedUploads(): void {
    for (const upload of this.state.uploads) if (upload.status === "failed") this.dropUpload(upload.id);
  }

  dismissRefusals(): void {
    this.store.update({ refusals: [] });
  }

  /** Takes the photo off the page; Undo brings it back until the delete is sent. */
  remove(photoId: string): void {
    const words = strings.deleted(this.#filename(photoId));
    this.#deletions.start(photoId);
    this.store.update({ removed: new Set(this.state.removed).add(photoId) });
    this.#toast({ id: `delete-${photoId}`, words, undo: photoId });
  }

  undo(photoId: string): void {
    if (!this.#deletions.undo(photoId)) return;
    this.#putBack(photoId);
    this.#dropToast(`delete-${photoId}`);
    this.store.update({ announcement: strings.restored(this.#filename(photoId)) });
  }

  undoLast(): void {
    const last = this.state.toasts.findLast((toast) => toast.undo !== undefined);
    if (last?.undo !== undefined) this.undo(last.undo);
  }

  /** Takes a photo that failed to be prepared off the page and out of the gallery. */
  dismissFailed(photoId: string): void {
    this.store.update({ removed: new Set(this.state.removed).add(photoId) });
    this.#deletions.now(photoId);
  }

  holdToast(photoId: string): void {
    this.#deletions.pause(photoId);
  }

  releaseToast(photoId: string): void {
    this.#deletions.resume(photoId);
  }

  pageHidden(): void {
    this.#deletions.flush();
  }

  async pageShown(): Promise<void> {
    const { phase } = this.state;
    if (phase !== "ready" || Date.now() - this.#lastLook < AWAY_MS) return;
    // Nobody asked for this look, so nobody is told when it fails.
    await this.#look().catch(() => undefined);
  }

  setOnline(isOnline: boolean): void {
    this.store.update({ isOnline });
    if (!isOnline) return;
    if (this.state.phase === "failed") void this.load();
    else if (this.state.more === "failed") void this.loadMore();
  }

  get isUploading(): boolean {
    return this.#uploads?.isBusy ?? false;
  }

  #makeUploads(client: Client, config: GalleryConfig): Uploads {
    return new Uploads({
      client,
      config,
      onChange: (uploads) => this.store.update({ uploads }),
      onRefused: (refusals) => {
        const words = refusals.map(({ filename, words }) => `${filename}: ${words}`).join(" ");
        this.store.update({ refusals: [...this.state.refusals, ...refusals], announcement: words });
      },
      onStored: ({ photoId }) => {
        if (photoId !== undefined) this.#poller.await(photoId);
      },
      onFailed: ({ filename, reason }) =>
        this.store.update({ announcement: strings.notAddedPhoto(filename, reason ?? "") }),
    });
  }

  /** Asks for the newest photos, and for as many pages as it takes to reach the oldest one that is awaited. */
  async #look(): Promise<void> {
    const client = this.#client;
    if (client === undefined) return;
    const awaited = this.state.uploads
      .filter((upload) => upload.status === "preparing")
      .map(({ photoId }) => photoId ?? "");
    const oldest = awaited.sort()[0];
    let cursor: string | null = null;
    const found = new Set<string>();
    for (let pages = 0; pages < MAX_PAGES_PER_LOOK; pages += 1) {
      const page = await client.list(cursor);
      const now = Date.now();
      if (cursor === null) {
        this.#lastLook = now;
        this.store.update({ library: mergeNewest(this.state.library, { page, cursor, now }) });
      } else if (this.state.library.nextCursor === cursor) {
        this.store.update({ library: append(this.state.library, { page, cursor, now }) });
      }
      for (const photo of page.photos) found.add(photo.photoId);
      const reached = page.photos.at(-1)?.photoId ?? "";
      cursor = page.nextCursor;
      if (cursor === null || oldest === undefined || reached <= oldest) break;
    }
    this.#uploads?.apply({ type: "listed", photoIds: found });
    for (const photoId of found) this.#poller.settle(photoId);
  }

  #renewPage(cursor: string | null): Promise<void> {
    const running = this.#renewing.get(cursor);
    if (running !== undefined || this.#client === undefined) return running ?? Promise.resolve();
    const request = this.#renewFrom(this.#client, cursor)
      // The picture that asked shows its placeholder; the next one that fails asks again.
      .catch(() => undefined)
      .finally(() => this.#renewing.delete(cursor));
    this.#renewing.set(cursor, request);
    return request;
  }

  /** The photos that came with this page, though newer ones may have pushed some of them to the pages after it. */
  async #renewFrom(client: Client, pageCursor: string | null): Promise<void> {
    const members = this.state.library.photos.filter((photo) => photo.pageCursor === pageCursor);
    const oldest = members.at(-1)?.photoId ?? "";
    let cursor = pageCursor;
    for (let pages = 0; pages < MAX_PAGES_PER_LOOK; pages += 1) {
      const page = await client.list(cursor);
      this.store.update({ library: renewLinks(this.state.library, { page, cursor, now: Date.now() }) });
      cursor = page.nextCursor;
      if (cursor === null || (page.photos.at(-1)?.photoId ?? "") <= oldest) return;
    }
  }

  #filename(photoId: string): string {
    const { library, uploads } = this.state;
    const known = library.photos.find((photo) => photo.photoId === photoId);
    return (known ?? uploads.find((upload) => upload.photoId === photoId))?.filename ?? "";
  }

  #putBack(photoId: string): void {
    const removed = new Set(this.state.removed);
    removed.delete(photoId);
    this.store.update({ removed });
  }

  #forgetUpload(photoId: string): void {
    const upload = this.state.uploads.find((candidate) => candidate.photoId === photoId);
    if (upload !== undefined) this.#uploads?.drop(upload.id);
  }

  #toast(toast: Toast): void {
    this.store.update({ toasts: [...this.state.toasts, toast], announcement: toast.words });
  }

  #dropToast(id: string): void {
    this.store.update({ toasts: this.state.toasts.filter((toast) => toast.id !== id) });
  }

  /** A toast that only tells. */
  #say(words: string): void {
    this.#lastToast += 1;
    const id = `words-${this.#lastToast}`;
    this.#toast({ id, words, undo: undefined });
    setTimeout(() => this.#dropToast(id), TOAST_MS);
  }

  /** Words from the page itself, such as a viewer that would not load. */
  tell(words: string): void {
    this.#say(words);
  }
}

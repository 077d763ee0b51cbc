/**
 * Deletes with time to think again. The photo leaves the page at once; the API hears of it when the time for Undo is
 * over, or when the page is left or hidden, whichever comes first, so that a closed tab loses no delete.
 */

export const UNDO_MS = 8000;

export interface DeletionsOptions {
  /** `keepalive`: the page may be on its way out. */
  remove(id: string, keepalive: boolean): Promise<void>;
  /** Undo is no longer possible. */
  onCommitted(id: string): void;
  onDeleted(id: string): void;
  onFailed(id: string, error: unknown): void;
}

interface Pending {
  timer: ReturnType<typeof setTimeout> | undefined;
}

export class Deletions {
  readonly #options: DeletionsOptions;
  readonly #pending = new Map<string, Pending>();

  constructor(options: DeletionsOptions) {
    this.#options = options;
  }

  start(id: string): void {
    if (!this.#pending.has(id)) this.#pending.set(id, { timer: this.#countdown(id) });
  }

  /** False when it is too late. */
  undo(id: string): boolean {
    const pending = this.#pending.get(id);
    if (pending === undefined) return false;
    clearTimeout(pending.timer);
    return this.#pending.delete(id);
  }

  /** The visitor is at the toast: no countdown takes Undo away from under their finger. */
  pause(id: string): void {
    const pending = this.#pending.get(id);
    clearTimeout(pending?.timer);
  }

  resume(id: string): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    clearTimeout(pending.timer);
    pending.timer = this.#countdown(id);
  }

  /** The page is going away or out of sight: now or never. */
  flush(): void {
    for (const id of [...this.#pending.keys()]) void this.#commit(id, true);
  }

  /** At once, without Undo: for photos that could not be prepared and are only being dismissed. */
  now(id: string): void {
    this.undo(id);
    this.#pending.set(id, { timer: undefined });
    void this.#commit(id, false);
  }

  #countdown(id: string): ReturnType<typeof setTimeout> {
    return setTimeout(() => void this.#commit(id, false), UNDO_MS);
  }

  async #commit(id: string, keepalive: boolean): Promise<void> {
    if (!this.undo(id)) return;
    this.#options.onCommitted(id);
    try {
      await this.#options.remove(id, keepalive);
      this.#options.onDeleted(id);
    } catch (error) {
      this.#options.onFailed(id, error);
    }
  }
}

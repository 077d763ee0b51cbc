/**
 * Asks again and again until nothing is awaited: soon at first, then ever slower. Each awaited photo has two minutes;
 * after that it is given up, which the page words as "still being prepared".
 */

const FIRST_DELAY_MS = 1000;
const LONGEST_DELAY_MS = 15_000;
export const PATIENCE_MS = 120_000;

export interface PollerOptions {
  /** Looks once; calls `settle` for each photo that has arrived. */
  look(): Promise<void>;
  giveUp(id: string): void;
  now?: () => number;
}

export class Poller {
  readonly #awaited = new Map<string, number>();
  readonly #options: PollerOptions;
  readonly #now: () => number;
  #delay = FIRST_DELAY_MS;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: PollerOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** A new photo makes the next look soon again. */
  await(id: string): void {
    this.#awaited.set(id, this.#now());
    this.#delay = FIRST_DELAY_MS;
    this.#schedule();
  }

  settle(id: string): void {
    this.#awaited.delete(id);
    if (this.#awaited.size === 0) this.#stop();
  }

  get waiting(): number {
    return this.#awaited.size;
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #schedule(): void {
    this.#stop();
    this.#timer = setTimeout(() => void this.#tick(), this.#delay);
  }

  async #tick(): Promise<void> {
    this.#delay = Math.min(this.#delay * 2, LONGEST_DELAY_MS);
    const timer = this.#timer;
    // A look that fails is a look in vain: the next one may do better.
    await this.#options.look().catch(() => undefined);
    for (const [id, since] of this.#awaited) {
      if (this.#now() - since < PATIENCE_MS) continue;
      this.#awaited.delete(id);
      this.#options.giveUp(id);
    }
    // While looking, another photo may have come and set the timer itself.
    if (this.#awaited.size > 0 && timer === this.#timer) this.#schedule();
  }
}

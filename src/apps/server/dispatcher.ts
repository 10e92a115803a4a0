/**
 * Keeps tag builds moving: a wake-up names one, `advance` takes it as far as it can go. One at a time for each tag
 * build, a few at once in all. What fails unexpectedly is tried again later, with growing pauses.
 */
export type DispatcherOptions = {
  readonly advance: (tagBuild: number) => Promise<void>;
  readonly onError: (tagBuild: number, error: unknown, retryIn: number) => void;
  /** Most tag builds at once. */
  readonly width: number;
};

const shortestPause = 1000;
const longestPause = 300_000;

export class Dispatcher {
  readonly #options: DispatcherOptions;
  /** Waiting to be taken up, in the order they were named. */
  readonly #waiting = new Set<number>();
  readonly #running = new Map<number, Promise<void>>();
  readonly #failures = new Map<number, number>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #closed = false;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  /** Says that a tag build may be able to go on. One that is running is looked at once more afterwards. */
  wake(tagBuild: number): void {
    if (this.#closed) return;
    this.#waiting.add(tagBuild);
    this.#fill();
  }

  /** Takes up nothing more and waits for what is running. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    await Promise.all(this.#running.values());
  }

  #fill(): void {
    for (const tagBuild of this.#waiting) {
      if (this.#closed || this.#running.size >= this.#options.width) return;
      if (this.#running.has(tagBuild)) continue;
      this.#waiting.delete(tagBuild);
      this.#running.set(tagBuild, this.#run(tagBuild));
    }
  }

  async #run(tagBuild: number): Promise<void> {
    try {
      await this.#options.advance(tagBuild);
      this.#failures.delete(tagBuild);
    } catch (error) {
      this.#wakeLater(tagBuild, error);
    } finally {
      this.#running.delete(tagBuild);
      this.#fill();
    }
  }

  #wakeLater(tagBuild: number, error: unknown): void {
    const failures = (this.#failures.get(tagBuild) ?? 0) + 1;
    this.#failures.set(tagBuild, failures);
    const pause = Math.min(longestPause, shortestPause * 2 ** (failures - 1));
    this.#options.onError(tagBuild, error, pause);
    if (this.#closed) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.wake(tagBuild);
    }, pause);
    this.#timers.add(timer);
  }
}

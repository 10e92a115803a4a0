/** Decoded frames that were used last, up to a number of bytes. */
export class FrameCache {
  readonly #most: number;
  readonly #frames = new Map<number, Buffer>();
  #bytes = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get(frame: number): Buffer | undefined {
    const bytes = this.#frames.get(frame);
    if (bytes === undefined) return undefined;
    this.#frames.delete(frame);
    this.#frames.set(frame, bytes);
    return bytes;
  }

  add(frame: number, bytes: Buffer): void {
    if (bytes.length > this.#most / 2 || this.#frames.has(frame)) return;
    this.#frames.set(frame, bytes);
    this.#bytes += bytes.length;
    for (const [oldest, { length }] of this.#frames) {
      if (this.#bytes <= this.#most) break;
      this.#frames.delete(oldest);
      this.#bytes -= length;
    }
  }
}

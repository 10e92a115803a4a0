/** Bytes that come piece by piece, read by counts. Holds at most one piece, and what a single `take` asks for. */
import { concat } from '../../kit/concat.ts';

export class ByteSource {
  /** Bytes that were read or passed over. */
  position = 0;
  readonly #pieces: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  /** The next bytes, fewer only at the end. */
  async take(length: number): Promise<Uint8Array> {
    if (this.#rest.length >= length) return this.#cut(length);
    const parts: Uint8Array[] = [];
    let missing = length;
    while (missing > 0 && (await this.#fill())) {
      const part = this.#cut(Math.min(missing, this.#rest.length));
      parts.push(part);
      missing -= part.length;
    }
    return parts.length === 1 ? parts[0]! : concat(parts);
  }

  /** Passes over bytes; gives how many there were. */
  async skip(length: number): Promise<number> {
    let missing = length;
    while (missing > 0 && (await this.#fill())) missing -= this.#cut(Math.min(missing, this.#rest.length)).length;
    return length - missing;
  }

  /** The next bytes as they come, fewer only at the end. */
  async *stream(length: number): AsyncGenerator<Uint8Array> {
    let missing = length;
    while (missing > 0 && (await this.#fill())) {
      const part = this.#cut(Math.min(missing, this.#rest.length));
      missing -= part.length;
      yield part;
    }
  }

  async atEnd(): Promise<boolean> {
    return !(await this.#fill());
  }

  /** Nothing more is wanted. */
  async close(): Promise<void> {
    await this.#pieces.return?.();
  }

  #cut(length: number): Uint8Array {
    const part = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    this.position += length;
    return part;
  }

  async #fill(): Promise<boolean> {
    while (this.#rest.length === 0) {
      const next = await this.#pieces.next();
      if (next.done === true) return false;
      this.#rest = next.value;
    }
    return true;
  }
}

/** A stream read by numbers of bytes, never holding more than was asked for and one chunk. */
import { SheafError } from '../../kit/error.ts';

export class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array();

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#chunks = source[Symbol.asyncIterator]();
  }

  /** Exactly so many bytes. Throws `cut-off` when there are fewer. */
  async read(size: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(size);
    for (let at = 0; at < size;) {
      const part = await this.#take(size - at);
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }

  async skip(size: number): Promise<void> {
    for (let left = size; left > 0;) left -= (await this.#take(left)).length;
  }

  /** Lets go of the source; nothing can be read after it. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  /** At least one byte, at most `most`. */
  async #take(most: number): Promise<Uint8Array> {
    while (this.#chunk.length === 0) {
      const next = await this.#chunks.next();
      if (next.done === true) throw new SheafError('cut-off', 'Cannot read a file: it ends too early');
      this.#chunk = next.value;
    }
    const part = this.#chunk.subarray(0, most);
    this.#chunk = this.#chunk.subarray(part.length);
    return part;
  }
}

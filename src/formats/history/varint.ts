/**
 * Whole numbers in as few bytes as they need: seven bits a byte, the lowest first, the top bit set on all but the last.
 * Signed ones are folded (0, -1, 1, -2, …) so that small ones stay small.
 */
import { SheafError } from '../../kit/error.ts';

export class VarintWriter {
  #bytes = new Uint8Array(256);
  #length = 0;

  /** `value` is a whole number from 0 to 2^53 - 1. */
  put(value: number): void {
    this.#reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      // Not by shifting: that would cut numbers to 32 bits.
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length++] = rest;
  }

  /** `value` is a whole number between -2^52 and 2^52. */
  putSigned(value: number): void {
    this.put(value < 0 ? -2 * value - 1 : 2 * value);
  }

  putBytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + count));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}

/** Throws `bad-frame` when the bytes end too early or a number is larger than 2^53 - 1. */
export class VarintReader {
  readonly #bytes: Uint8Array;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#position === this.#bytes.length;
  }

  next(): number {
    let value = 0;
    let scale = 1;
    while (true) {
      const byte = this.#bytes[this.#position++];
      if (byte === undefined) throw badFrame('it ends in the middle of a number');
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
      scale *= 0x80;
    }
    if (value > Number.MAX_SAFE_INTEGER) throw badFrame('a number is too large');
    return value;
  }

  nextSigned(): number {
    const folded = this.next();
    return folded % 2 === 0 ? folded / 2 : -(folded + 1) / 2;
  }

  take(count: number): Uint8Array {
    const end = this.#position + count;
    if (end > this.#bytes.length) throw badFrame('it ends too early');
    const part = this.#bytes.subarray(this.#position, end);
    this.#position = end;
    return part;
  }
}

export function badFrame(reason: string): SheafError {
  return new SheafError('bad-frame', `Cannot read a frame of the index store: ${reason}`);
}

/** How an index is cut into pieces. Joined again, the pieces are the index. */
import { SheafError } from '../../kit/error.ts';
import type { Split } from './types.ts';

/** More pieces than any index of a distribution has; a file of blank lines would have them. */
const mostPieces = 2 ** 23;
/** Bytes of a piece of lines: on average, and at most. */
const usualPiece = 2048;
const largestPiece = 64 * 1024;

/** Where each piece ends, in order; the last end is the length. Throws `over-limit`. */
export function cutIndex(bytes: Buffer, split: Split): Uint32Array {
  return split === 'stanzas' ? cutStanzas(bytes) : cutLines(bytes);
}

/** After each blank line: after each two LF that follow each other, found from left to right. */
function cutStanzas(bytes: Buffer): Uint32Array {
  const ends = new Ends(bytes.length);
  for (let start = 0; start < bytes.length;) {
    const found = bytes.indexOf('\n\n', start, 'latin1');
    start = found === -1 ? bytes.length : found + 2;
    ends.add(start);
  }
  return ends.finish();
}

/**
 * After a line whose hash says so. A line is cut off with a chance that grows with its length, so that pieces have the
 * same average size whatever the lines are like; what stands in other lines has no say, so that a change moves no cut
 * but its own. A piece that grows too large is cut wherever it is.
 */
function cutLines(bytes: Buffer): Uint32Array {
  const ends = new Ends(bytes.length);
  const share = 2 ** 32 / usualPiece;
  let piece = 0;
  let line = 0;
  let hash = 0;
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index]!;
    hash = Math.imul(hash ^ byte, 0x5bd1e995);
    hash ^= hash >>> 15;
    const end = index + 1;
    if (byte !== 10) {
      if (end - piece === largestPiece) ends.add((piece = end));
      continue;
    }
    if (hash >>> 0 < (end - line) * share || end - piece === largestPiece) ends.add((piece = end));
    line = end;
    hash = 0;
  }
  if (piece < bytes.length) ends.add(bytes.length);
  return ends.finish();
}

class Ends {
  #ends: Uint32Array;
  #count = 0;

  constructor(length: number) {
    this.#ends = new Uint32Array(Math.ceil(length / 512) + 16);
  }

  add(end: number): void {
    if (this.#count === mostPieces) {
      throw new SheafError('over-limit', `Cannot store an index: it has more than ${mostPieces} pieces`);
    }
    if (this.#count === this.#ends.length) {
      const larger = new Uint32Array(2 * this.#ends.length);
      larger.set(this.#ends);
      this.#ends = larger;
    }
    this.#ends[this.#count++] = end;
  }

  finish(): Uint32Array {
    return this.#ends.slice(0, this.#count);
  }
}

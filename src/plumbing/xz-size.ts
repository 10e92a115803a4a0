/**
 * How large an .xz file becomes, read from its chunk headers without decoding anything: the decoder in use has no
 * limit of its own, and a few kilobytes can stand for gigabytes. The .xz File Format 1.2.1; LZMA2 chunks as in the
 * reference decoder (XZ for Java, LZMA2InputStream), which produces exactly what these headers say.
 */
import { SheafError } from '../kit/error.ts';
import { Walker, type Walk, type Want } from './compressed-walk.ts';

/** `xz -9` uses 64 MiB. The decoder allocates what the header asks for. */
export const largestDictionary = 128 * 2 ** 20;

/** Section 2.1.1.2: bytes of the integrity check after each block, by its id. */
const checkSizes = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64] as const;

/** Bytes after decoding. Throws `bad-xz` for what is not .xz, cut short, or asks for too large a dictionary. */
export function xzUncompressedSize(bytes: Uint8Array): number {
  const counter = new XzCounter();
  counter.feed(bytes);
  counter.end();
  return counter.size;
}

/** The same for bytes that come piece by piece. */
export class XzCounter {
  /** Bytes that a decoder can give for what was fed until now, at most one chunk (2 MiB) too many. */
  size = 0;
  readonly #walker: Walker;

  constructor() {
    this.#walker = new Walker(this.#streams(), (position) => bad(`it ends early, at byte ${position}`));
  }

  feed(bytes: Uint8Array): void {
    this.#walker.feed(bytes);
  }

  /** Throws `bad-xz` when the data may not end here. */
  end(): void {
    this.#walker.end();
  }

  *#streams(): Walk {
    let header = yield { take: 12 };
    for (;;) {
      yield* this.#stream(header);
      // Section 2.2: streams may be followed by zero bytes in groups of four.
      let four = yield { take: 4, mayEnd: true };
      while (four.every((byte) => byte === 0)) four = yield { take: 4, mayEnd: true };
      const rest = yield { take: 8 };
      header = Uint8Array.of(...four, ...rest);
    }
  }

  /** Section 2.1: header, blocks, index, footer. */
  *#stream(header: Uint8Array): Walk {
    const magic = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00];
    if (!magic.every((byte, index) => header[index] === byte)) throw bad('it does not begin with the magic bytes');
    const checkSize = checkSizes[header[7]! & 0x0f]!;
    let blocks = 0;
    for (; ; blocks++) {
      const start = this.#walker.position;
      const [length] = yield { take: 1 };
      // Section 4.1: a zero begins the index instead.
      if (length === 0) break;
      readBlockHeader(yield { take: length! * 4 + 3 });
      yield* this.#chunks();
      const used = this.#walker.position - start;
      yield { skip: ((4 - (used % 4)) % 4) + checkSize };
    }
    yield* this.#index(blocks);
    yield { skip: 12 };
  }

  /** The LZMA2 chunks of one block: each begins with its sizes. */
  *#chunks(): Walk {
    for (;;) {
      const [control] = (yield { take: 1 }) as [number] & Uint8Array;
      if (control === 0) return;
      if (control > 2 && control < 0x80) throw bad('an LZMA2 chunk has an unknown control byte');
      if (control >= 0x80) {
        const sizes = yield { take: 4 };
        this.size += ((control & 0x1f) << 16) + integer16(sizes, 0) + 1;
        yield { skip: integer16(sizes, 2) + 1 + (control >= 0xc0 ? 1 : 0) };
      } else {
        const low = integer16(yield { take: 2 }, 0) + 1;
        this.size += low;
        yield { skip: low };
      }
    }
  }

  /** Section 4: its sizes are checked by the decoder; here only its length matters. */
  *#index(blocks: number): Walk {
    const start = this.#walker.position - 1;
    const [count] = yield* this.#integers(1);
    if (count !== blocks) throw bad(`its index tells of ${count} blocks, but ${blocks} are there`);
    for (let left = blocks; left > 0; left--) yield* this.#integers(2);
    const used = this.#walker.position - start;
    yield { skip: ((4 - (used % 4)) % 4) + 4 };
  }

  *#integers(count: number): Generator<Want, number[], Uint8Array> {
    const values: number[] = [];
    while (values.length < count) {
      const bytes: number[] = [];
      do bytes.push((yield { take: 1 })[0]!);
      while (bytes.at(-1)! >= 0x80 && bytes.length < 9);
      values.push(new Header(Uint8Array.from(bytes)).integer());
    }
    return values;
  }
}

/** Section 3.1, without its first byte. Only the filters matter here: LZMA2 last, with a dictionary that fits. */
function readBlockHeader(bytes: Uint8Array): void {
  // The last four bytes are the CRC32.
  const header = new Header(bytes.subarray(0, -4));
  const flags = header.byte();
  if ((flags & 0x3c) !== 0) throw bad('a block header has reserved flags');
  if ((flags & 0x40) !== 0) header.integer();
  if ((flags & 0x80) !== 0) header.integer();
  let last = -1;
  for (let count = (flags & 0x03) + 1; count > 0; count--) {
    last = header.integer();
    const properties = header.take(header.integer());
    // Section 5.3.1: the size of the dictionary in one byte.
    if (last === 0x21 && dictionarySize(properties[0] ?? 255) > largestDictionary) {
      throw bad(`it needs a dictionary of more than ${largestDictionary} bytes`);
    }
  }
  if (last !== 0x21) throw bad('a block is not LZMA2');
}

function dictionarySize(bits: number): number {
  return bits > 40 ? Infinity : (2 | (bits & 1)) * 2 ** (Math.floor(bits / 2) + 11);
}

function integer16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

/** The bytes of a header that is here as a whole. */
class Header {
  readonly #bytes: Uint8Array;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  byte(): number {
    return this.take(1)[0]!;
  }

  take(length: number): Uint8Array {
    const end = this.#position + length;
    if (end > this.#bytes.length) throw bad('a block header is longer than it says');
    const taken = this.#bytes.subarray(this.#position, end);
    this.#position = end;
    return taken;
  }

  /** Section 1.2: seven bits a byte, the lowest first, at most nine bytes. */
  integer(): number {
    let value = 0;
    for (let index = 0; index < 9; index++) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** (7 * index);
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) throw bad('it holds a number that is too large');
        return value;
      }
    }
    throw bad('it holds a number that is too long');
  }
}

function bad(state: string): SheafError {
  return new SheafError('bad-xz', `Cannot read .xz data: ${state}`);
}

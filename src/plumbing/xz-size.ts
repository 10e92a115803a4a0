/**
 * How large an .xz file becomes, read from its chunk headers without decoding anything: the decoder in use has no
 * limit of its own, and a few kilobytes can stand for gigabytes. The .xz File Format 1.2.1; LZMA2 chunks as in the
 * reference decoder (XZ for Java, LZMA2InputStream), which produces exactly what these headers say.
 */
import { SheafError } from '../kit/error.ts';

/** `xz -9` uses 64 MiB. The decoder allocates what the header asks for. */
const largestDictionary = 128 * 2 ** 20;

/** Section 2.1.1.2: bytes of the integrity check after each block, by its id. */
const checkSizes = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64] as const;

/** Bytes after decoding. Throws `bad-xz` for what is not .xz, cut short, or asks for too large a dictionary. */
export function xzUncompressedSize(bytes: Uint8Array): number {
  const reader = new Reader(bytes);
  let size = 0;
  do {
    size += readStream(reader);
    // Section 2.2: streams may be followed by zero bytes in groups of four.
    while (!reader.atEnd && reader.peek() === 0) reader.take(4);
  } while (!reader.atEnd);
  return size;
}

/** Section 2.1: header, blocks, index, footer. */
function readStream(reader: Reader): number {
  const header = reader.take(12);
  const magic = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00];
  if (!magic.every((byte, index) => header[index] === byte)) throw bad('it does not begin with the magic bytes');
  const checkSize = checkSizes[header[7]! & 0x0f]!;
  let size = 0;
  while (reader.peek() !== 0) {
    const start = reader.position;
    readBlockHeader(reader);
    size += readChunks(reader);
    reader.take((4 - ((reader.position - start) % 4)) % 4);
    reader.take(checkSize);
  }
  skipIndex(reader);
  reader.take(12);
  return size;
}

/** Section 3.1. Only the filters matter here: LZMA2 last, with a dictionary that fits. */
function readBlockHeader(reader: Reader): void {
  const start = reader.position;
  const length = (reader.byte() + 1) * 4;
  const flags = reader.byte();
  if ((flags & 0x3c) !== 0) throw bad('a block header has reserved flags');
  if ((flags & 0x40) !== 0) reader.integer();
  if ((flags & 0x80) !== 0) reader.integer();
  let last = -1;
  for (let count = (flags & 0x03) + 1; count > 0; count--) {
    last = reader.integer();
    const properties = reader.take(reader.integer());
    // Section 5.3.1: the size of the dictionary in one byte.
    if (last === 0x21 && dictionarySize(properties[0] ?? 255) > largestDictionary) {
      throw bad(`it needs a dictionary of more than ${largestDictionary} bytes`);
    }
  }
  if (last !== 0x21) throw bad('a block is not LZMA2');
  const used = reader.position - start;
  if (used > length - 4) throw bad('a block header is longer than it says');
  reader.take(length - used);
}

function dictionarySize(bits: number): number {
  return bits > 40 ? Infinity : (2 | (bits & 1)) * 2 ** (Math.floor(bits / 2) + 11);
}

/** The LZMA2 chunks of one block: each begins with its sizes. */
function readChunks(reader: Reader): number {
  let size = 0;
  for (;;) {
    const control = reader.byte();
    if (control === 0) return size;
    if (control > 2 && control < 0x80) throw bad('an LZMA2 chunk has an unknown control byte');
    const low = reader.integer16() + 1;
    if (control >= 0x80) {
      const compressed = reader.integer16() + 1;
      size += ((control & 0x1f) << 16) + low;
      reader.take(compressed + (control >= 0xc0 ? 1 : 0));
    } else {
      size += low;
      reader.take(low);
    }
  }
}

/** Section 4: its numbers are checked by the decoder; here only its length matters. */
function skipIndex(reader: Reader): void {
  const start = reader.position;
  reader.take(1);
  for (let count = reader.integer(); count > 0; count--) {
    reader.integer();
    reader.integer();
  }
  reader.take((4 - ((reader.position - start) % 4)) % 4);
  reader.take(4);
}

class Reader {
  readonly #bytes: Uint8Array;
  position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.position === this.#bytes.length;
  }

  peek(): number {
    const byte = this.#bytes[this.position];
    if (byte === undefined) throw bad(`it ends early, at byte ${this.position}`);
    return byte;
  }

  byte(): number {
    const byte = this.peek();
    this.position++;
    return byte;
  }

  integer16(): number {
    return (this.byte() << 8) | this.byte();
  }

  take(length: number): Uint8Array {
    const end = this.position + length;
    if (end > this.#bytes.length) throw bad(`it ends early, at byte ${this.#bytes.length}`);
    const taken = this.#bytes.subarray(this.position, end);
    this.position = end;
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

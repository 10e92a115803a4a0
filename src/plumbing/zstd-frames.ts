/**
 * Where the frames of a .zst file end. RFC 8878 section 3.1: a file may be several frames one behind the other, as
 * parallel compressors write them, and skippable frames between them; the decoder of Node stops, without a word, behind
 * the first of either.
 */
import { SheafError } from '../kit/error.ts';
import { Walker, type Walk } from './compressed-walk.ts';

/** `bytes` are the next of one frame; `last` with its last ones. */
export type FramePart = { readonly bytes: Uint8Array; readonly last: boolean };

type Kind = 'data' | 'skippable';

/** Each costs a decoder; a file of 64 MB written by several threads has a dozen. */
const mostFrames = 10_000;

/** Splits bytes that come piece by piece into parts of frames; skippable frames are left out. Throws `bad-zstd`. */
export class ZstdSplitter {
  readonly #walker: Walker;
  #fed = 0;
  #frames = 0;
  /** Ends of frames that lie in the bytes fed last. */
  #ends: { readonly position: number; readonly kind: Kind }[] = [];
  /** Of the frame that the walk is in, once its magic number is there. */
  #kind: Kind | undefined;
  /** The first bytes of a magic number that is not there as a whole. */
  #held: Uint8Array = new Uint8Array();

  constructor() {
    this.#walker = new Walker(this.#walk(), (position) => bad(`it ends early, at byte ${position}`));
  }

  feed(bytes: Uint8Array): FramePart[] {
    this.#ends = [];
    this.#walker.feed(bytes);
    const start = this.#fed - this.#held.length;
    const all = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    this.#fed += bytes.length;
    const parts: FramePart[] = [];
    let from = 0;
    for (const { position, kind } of this.#ends) {
      const to = position - start;
      if (kind === 'data') parts.push({ bytes: all.subarray(from, to), last: true });
      from = to;
    }
    const rest = all.subarray(from);
    this.#held = this.#kind === undefined ? rest.slice() : new Uint8Array();
    if (rest.length > 0 && this.#kind === 'data') parts.push({ bytes: rest, last: false });
    return parts;
  }

  /** Throws `bad-zstd` when the data may not end here. */
  end(): void {
    this.#walker.end();
  }

  *#walk(): Walk {
    for (let mayEnd = false; ; mayEnd = true) {
      const magic = yield { take: 4, mayEnd };
      if (++this.#frames > mostFrames) throw bad(`it has more than ${mostFrames} frames`);
      const kind = kindOf(magic);
      if (kind === undefined) throw bad(`at byte ${this.#walker.position - 4}, no frame begins`);
      this.#kind = kind;
      // Section 3.1.2: a skippable frame is its magic number, its size and that many bytes.
      if (kind === 'skippable') yield { skip: littleEndian(yield { take: 4 }) };
      else yield* frame();
      this.#ends.push({ position: this.#walker.position, kind });
      this.#kind = undefined;
    }
  }
}

function kindOf(magic: Uint8Array): Kind | undefined {
  if (hasBytes(magic, 0, [0x28, 0xb5, 0x2f, 0xfd])) return 'data';
  return (magic[0]! & 0xf0) === 0x50 && hasBytes(magic, 1, [0x2a, 0x4d, 0x18]) ? 'skippable' : undefined;
}

/** Section 3.1.1, behind the magic number: header, blocks, checksum. */
function* frame(): Walk {
  const [descriptor] = (yield { take: 1 }) as [number] & Uint8Array;
  const singleSegment = (descriptor & 0x20) !== 0;
  const window = singleSegment ? 0 : 1;
  const dictionary = [0, 1, 2, 4][descriptor & 0x03]!;
  const contentSize = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
  yield { skip: window + dictionary + contentSize };
  for (;;) {
    const block = littleEndian(yield { take: 3 });
    const type = (block >> 1) & 0x03;
    if (type === 3) throw bad('a block is of the reserved type');
    yield { skip: type === 1 ? 1 : block >> 3 };
    if ((block & 1) === 1) break;
  }
  if ((descriptor & 0x04) !== 0) yield { skip: 4 };
}

function hasBytes(bytes: Uint8Array, at: number, wanted: readonly number[]): boolean {
  return wanted.every((byte, index) => bytes[at + index] === byte);
}

function littleEndian(bytes: Uint8Array): number {
  return bytes.reduceRight((value, byte) => value * 256 + byte, 0);
}

function bad(state: string): SheafError {
  return new SheafError('bad-zstd', `Cannot read .zst data: ${state}`);
}

/**
 * The bytes of one archive of both packages, decompressed. Of .xz in blocks, as dpkg-deb makes it, several blocks are
 * decompressed at the same time, and one that both packages have only once. All else comes as one stream.
 */
import { createHash } from 'node:crypto';

import {
  joinXz,
  readXzIndex,
  xzEndSize,
  xzFooterSize,
  xzHeaderSize,
  type XzBlockPlace,
  type XzPlaces,
} from '../../formats/container/xz-stream.ts';
import { memberCompression } from '../../formats/deb/deb-members.ts';
import { SheafError } from '../../kit/error.ts';
import { both } from './both.ts';
import type { DebMember } from './members.ts';
import type { CompareDeps, CompareLimits, DebInput } from './ports.ts';
import { Turns } from './turns.ts';

export type Packed = { readonly input: DebInput; readonly member: DebMember };

type Bytes = AsyncIterable<Uint8Array>;

/** dpkg-deb makes blocks of 24 MiB; larger ones are not held as a whole. */
const largestBlock = 32 * 2 ** 20;
/** Of smaller ones on average, each costs more to begin with than is won. */
const leastBlock = 2 ** 18;
/** Compressed; for less, a program takes longer to start than to run. */
const worthProgram = 2 ** 18;
const largestIndex = 2 ** 20;
/** Each more takes one block more of either package into memory. */
const mostProcessors = 4;

/** What is wrong with the bytes is thrown when they are read: `bad-compression` or `over-limit`. */
export async function unpackBoth(
  left: Packed,
  right: Packed,
  deps: CompareDeps,
  limits: CompareLimits,
): Promise<readonly [Bytes, Bytes]> {
  const [one, other] = await both(placesOf(left, limits), placesOf(right, limits));
  const ahead = Math.min(deps.processors ?? 1, mostProcessors);
  const records = new Set(one?.blocks.map(recordOf));
  const likely = new Set(other?.blocks.map(recordOf).filter((record) => records.has(record)));
  const shared = new SharedBlocks(likely, 2 * (ahead + 1));
  const turns = new Turns(ahead);
  const unpack = (packed: Packed, places: XzPlaces | undefined) =>
    places === undefined
      ? unpackWhole(packed, deps, limits)
      : unpackBlocks(packed, places, { deps, limits, shared, turns, ahead });
  return [unpack(left, one), unpack(right, other)];
}

function unpackWhole(packed: Packed, { decompress }: CompareDeps, { bytes: limit }: CompareLimits): Bytes {
  const { name, size } = packed.member;
  return decompress(bytesOf(packed, 0, size), { kind: memberCompression(name), limit, size, file: whereOf(packed) });
}

function bytesOf({ input, member: { offset } }: Packed, from: number, to: number): Bytes {
  return input.open(offset + from, offset + to);
}

const whereOf = ({ input, member }: Packed) => `${input.name}: ${member.name}`;

/** Undefined for what is better read as a whole, be it to say what is wrong with it. */
async function placesOf(packed: Packed, limits: CompareLimits): Promise<XzPlaces | undefined> {
  const { name, size } = packed.member;
  if (memberCompression(name) !== 'xz' || size < xzHeaderSize + xzFooterSize) return undefined;
  const read = async (from: number, to: number) => collect(bytesOf(packed, from, to), to - from);
  try {
    const endSize = xzEndSize(await read(size - xzFooterSize, size));
    if (endSize > Math.min(size, largestIndex)) return undefined;
    const places = readXzIndex(await read(0, xzHeaderSize), await read(size - endSize, size), size);
    const total = places.blocks.reduce((sum, { uncompressedSize }) => sum + uncompressedSize, 0);
    const fits = total <= limits.bytes && total >= (places.blocks.length - 1) * leastBlock;
    return fits ? places : undefined;
  } catch (error) {
    if (error instanceof SheafError) return undefined;
    throw error;
  }
}

type Taken = {
  readonly deps: CompareDeps;
  readonly limits: CompareLimits;
  readonly shared: SharedBlocks;
  readonly turns: Turns;
  /** Blocks behind the one that is read. */
  readonly ahead: number;
};

async function* unpackBlocks(packed: Packed, { check, blocks }: XzPlaces, taken: Taken): AsyncGenerator<Uint8Array> {
  const { deps, limits, shared, turns, ahead } = taken;
  const compressed = ({ offset, end }: XzBlockPlace) => bytesOf(packed, offset, end);
  const stream = (place: XzBlockPlace) =>
    around(joinXz({ check, blocks: [{ ...place, bytes: new Uint8Array() }] }), compressed(place));
  const unpack = (place: XzBlockPlace): Bytes => {
    const size = place.end - place.offset;
    return deps.decompress(stream(place), { kind: 'xz', limit: limits.bytes, size, file: whereOf(packed) });
  };
  const unpackHeld = async (place: XzBlockPlace) => {
    const { uncompressedSize: size } = place;
    const fast = place.end - place.offset < worthProgram ? undefined : deps.decompressBlock?.(stream(place), size);
    return (await fast) ?? collect(unpack(place), size);
  };
  const hold = async (place: XzBlockPlace) => {
    const held = () => turns.take(() => unpackHeld(place));
    return shared.take(place, check, () => compressed(place), held);
  };
  const waiting: (Promise<Uint8Array> | undefined)[] = [];
  let started = 0;
  try {
    for (const [index, place] of blocks.entries()) {
      for (; started < blocks.length && started <= index + ahead; started++) {
        const next = blocks[started]!;
        const held = next.uncompressedSize > largestBlock ? undefined : hold(next);
        // Told when its turn comes to be read.
        held?.catch(() => {});
        waiting.push(held);
      }
      const held = waiting.shift();
      if (held === undefined) yield* unpack(place);
      else yield await held;
    }
  } finally {
    await Promise.allSettled(waiting.map(async (held) => held));
  }
}

/** A block between what stands before it and behind it in a stream of its own. */
async function* around([header, ...end]: readonly Uint8Array[], block: Bytes): AsyncGenerator<Uint8Array> {
  yield header!;
  yield* block;
  yield* end;
}

/** Throws `bad-compression` for more or fewer bytes. */
async function collect(pieces: Bytes, size: number): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafeSlow(size);
  let at = 0;
  for await (const piece of pieces) {
    if (at + piece.length > size) break;
    bytes.set(piece, at);
    at += piece.length;
  }
  if (at !== size) throw new SheafError('bad-compression', `Cannot read a block of .xz: it is not of ${size} bytes`);
  return bytes;
}

/** Decompressed blocks that the other package may want too. */
class SharedBlocks {
  readonly #likely: ReadonlySet<string>;
  readonly #most: number;
  readonly #held = new Map<string, Promise<Uint8Array>>();

  constructor(likely: ReadonlySet<string>, most: number) {
    this.#likely = likely;
    this.#most = most;
  }

  async take(
    place: XzBlockPlace,
    check: number,
    compressed: () => Bytes,
    unpack: () => Promise<Uint8Array>,
  ): Promise<Uint8Array> {
    const record = recordOf(place);
    if (!this.#likely.has(record)) return unpack();
    const hash = createHash('sha256');
    for await (const piece of compressed()) hash.update(piece);
    const key = `${check} ${record} ${hash.digest('hex')}`;
    const known = this.#held.get(key);
    this.#held.delete(key);
    if (known !== undefined) return known;
    const bytes = unpack();
    this.#held.set(key, bytes);
    const [oldest] = this.#held.keys();
    if (this.#held.size > this.#most) this.#held.delete(oldest!);
    return bytes;
  }
}

/** What an index tells of a block: without it being the same, the block cannot be. */
const recordOf = ({ unpaddedSize, uncompressedSize }: XzBlockPlace) => `${unpaddedSize} ${uncompressedSize}`;

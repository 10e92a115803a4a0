/**
 * The new version of an index: changed from the one before, or made anew from everything that is to stand in it. Either
 * gives the same blocks. Of a large index only some blocks are held in memory uncompressed.
 */
import { createHash } from 'node:crypto';

import { sha256, type Sha256 } from '../kit/digest.ts';
import { all } from './all.ts';
import { changeBlocks, type BlockEdit } from './change-blocks.ts';
import { hashChanged } from './hash-index.ts';
import { cutRuns, type Runs } from './index-runs.ts';
import type { SuitePaths } from './layout.ts';
import { blockSize, packOne, type Block } from './pack-index.ts';
import { changeCopy, startCopy, type PlainIndex } from './plain-copy.ts';
import type { ArchiveDeps, PackBlock } from './ports.ts';

/** The index before; `sha256` is that of its content. */
export type PreviousIndex = { readonly sha256: Sha256; readonly plain: PlainIndex; readonly blocks: readonly Block[] };

/** Where an index differs from the one before: some blocks have given way to others. */
export type IndexEdit = {
  /** Lines that come before it in the old index. */
  readonly line: number;
  readonly before: Uint8Array;
  readonly blocks: readonly Uint8Array[];
};

export type MadeIndex<T> = {
  readonly size: number;
  readonly sha256: Sha256;
  /** What was done with its blocks. */
  readonly used: T;
  /** In order; undefined when there was no index before, or when nearly all of it is another. */
  readonly edits: readonly IndexEdit[] | undefined;
  /** Lets the uncompressed copy be that of this index. */
  readonly keepCopy: () => Promise<void>;
};

/** Blocks that are with the encoders: as many as these are, and some more that wait. */
const atOnce = 4;

type Place = { readonly paths: SuitePaths; readonly path: string };

/** What is done with the blocks of a new index as soon as all are there. */
type UseBlocks<T> = (blocks: readonly Block[]) => Promise<T>;

/** Undefined when what is to stand in it stands there already. */
export async function changeIndex<T>(
  deps: ArchiveDeps,
  { paths, path }: Place,
  { plain, blocks, sha256: digest }: PreviousIndex,
  runs: Runs,
  use: UseBlocks<T>,
): Promise<MadeIndex<T> | undefined> {
  const old = {
    count: blocks.length,
    firstName: (number: number) => plain.blocks[number]!.name,
    size: (number: number) => plain.blocks[number]!.size,
    read: (first: number, end: number) => plain.read(first, end),
  };
  const edits = await changeBlocks(old, runs, blockSize);
  if (edits.length === 0) return undefined;
  // Both at once: encoders and the disk work on other threads while the whole is hashed here.
  const [used, hashed] = await Promise.allSettled([
    packEdits(edits, blocks, deps.packBlock).then((packed) => use(replaced(blocks, edits, packed))),
    hashChanged(plain, digest, edits),
  ]);
  // A damaged copy comes first: without it everything is done once more.
  if (hashed.status === 'rejected') throw hashed.reason;
  if (used.status === 'rejected') throw used.reason;
  return {
    ...hashed.value,
    used: used.value,
    edits: edits.map((edit) => ({ line: linesBefore(plain, edit.first), before: edit.before, blocks: edit.blocks })),
    keepCopy: () => changeCopy(deps, paths, path, hashed.value, plain, edits),
  };
}

/** `runs` in the order of their names. */
export async function makeIndex<T>(
  deps: ArchiveDeps,
  { paths, path }: Place,
  previous: PreviousIndex | undefined,
  runs: AsyncIterable<readonly [string, string]> | Iterable<readonly [string, string]>,
  use: UseBlocks<T>,
): Promise<MadeIndex<T>> {
  const found = await hashBlocks(previous);
  const known = new Map([...found].map(([digest, number]) => [digest, previous!.blocks[number]!]));
  const hash = createHash('sha256');
  const copy = startCopy(deps.files, paths, path);
  const blocks: Block[] = [];
  const edits = new WholeEdits(previous, found);
  const packing: Promise<Block>[] = [];
  let size = 0;
  try {
    for await (const bytes of cutRuns(runs, blockSize, atOnce)) {
      hash.update(bytes);
      size += bytes.length;
      await edits.add(bytes);
      if (packing.length === atOnce) blocks.push(await packing.shift()!);
      packing.push(packOne(bytes, known, deps.packBlock));
      await copy.add(bytes);
    }
    while (packing.length > 0) blocks.push(await packing.shift()!);
  } finally {
    await Promise.allSettled(packing);
  }
  const digest = hash.digest('hex') as Sha256;
  return {
    ...{ size, sha256: digest, used: await use(blocks), edits: await edits.end() },
    keepCopy: () => copy.finish(digest),
  };
}

async function packEdits(
  edits: readonly BlockEdit[],
  blocks: readonly Block[],
  pack: PackBlock,
): Promise<readonly (readonly Block[])[]> {
  const packed: (readonly Block[])[] = [];
  for (const edit of edits) {
    const known = new Map<Sha256, Block>();
    let at = 0;
    for (const block of blocks.slice(edit.first, edit.end)) {
      known.set(sha256(edit.before.subarray(at, (at += block.gzip.uncompressedSize))), block);
    }
    const done: Block[] = [];
    for (let next = 0; next < edit.blocks.length; next += 4) {
      done.push(...(await all(edit.blocks.slice(next, next + 4), (bytes) => packOne(bytes, known, pack))));
    }
    packed.push(done);
  }
  return packed;
}

function replaced(
  blocks: readonly Block[],
  edits: readonly BlockEdit[],
  packed: readonly (readonly Block[])[],
): Block[] {
  const made: Block[] = [];
  let next = 0;
  for (const [number, { first, end }] of edits.entries()) {
    made.push(...blocks.slice(next, first), ...packed[number]!);
    next = end;
  }
  return [...made, ...blocks.slice(next)];
}

/** The numbers of its blocks, by the hash of their content. */
async function hashBlocks(previous: PreviousIndex | undefined): Promise<Map<Sha256, number>> {
  const found = new Map<Sha256, number>();
  if (previous === undefined) return found;
  for (let number = 0; number < previous.blocks.length; number++) {
    found.set(sha256(await previous.plain.read(number, number + 1)), number);
  }
  return found;
}

/** So many bytes that differ in one place are no small change any more. */
const mostEdited = 16 * 2 ** 20;

/** What making an index anew has changed: told by the blocks that are as before. */
class WholeEdits {
  readonly #previous: PreviousIndex | undefined;
  readonly #found: ReadonlyMap<Sha256, number>;
  readonly #edits: IndexEdit[] = [];
  #fresh: Uint8Array[] = [];
  #size = 0;
  #next = 0;
  #large: boolean;

  constructor(previous: PreviousIndex | undefined, found: ReadonlyMap<Sha256, number>) {
    this.#previous = previous;
    this.#found = found;
    this.#large = previous === undefined;
  }

  /** The bytes may change afterwards. */
  async add(bytes: Uint8Array): Promise<void> {
    if (this.#large) return;
    const number = this.#found.get(sha256(bytes));
    // One that has moved to the front was replaced already.
    if (number !== undefined && number >= this.#next) {
      await this.#replace(number);
      this.#next = number + 1;
      return;
    }
    this.#fresh.push(bytes.slice());
    this.#count(bytes.length);
  }

  async end(): Promise<readonly IndexEdit[] | undefined> {
    if (!this.#large) await this.#replace(this.#previous!.blocks.length);
    return this.#large ? undefined : this.#edits;
  }

  async #replace(end: number): Promise<void> {
    const { plain } = this.#previous!;
    for (const { size } of plain.blocks.slice(this.#next, end)) this.#count(size);
    if (this.#large || (this.#fresh.length === 0 && end === this.#next)) return;
    const before = await plain.read(this.#next, end);
    this.#edits.push({ line: linesBefore(plain, this.#next), before, blocks: this.#fresh });
    this.#fresh = [];
    this.#next = end;
  }

  #count(size: number): void {
    this.#size += size;
    if (this.#size <= mostEdited) return;
    this.#large = true;
    this.#fresh = [];
    this.#edits.length = 0;
  }
}

function linesBefore(plain: PlainIndex, end: number): number {
  let lines = 0;
  for (let number = 0; number < end; number++) lines += plain.blocks[number]!.lines;
  return lines;
}

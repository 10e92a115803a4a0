/**
 * The content of an index, block by block. That of a large one lies uncompressed beside the archive, so that changing a
 * package does not begin with decompressing everything. It is a copy that may be lost at any time, is not flushed to the
 * disk, and is believed only as far as the check sums in the compressed index agree.
 *
 * In the copy's file, blocks lie in any order and a table at the end says where; a change adds its blocks and another table
 * behind what is there.
 */
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

import type { ReleaseFile } from '../formats/deb/release.ts';
import { sha256, type Sha256 } from '../kit/digest.ts';
import { SheafError } from '../kit/error.ts';
import { nameAt } from './index-runs.ts';
import type { SuitePaths } from './layout.ts';
import type { Block } from './pack-index.ts';
import type { ArchiveDeps, OpenFile, TreeFiles } from './ports.ts';

/** Smaller ones are decompressed as fast. */
const leastSize = 2 ** 20;

/** So much is read or written in one go. */
const chunkSize = 2 ** 20;

export type PlainBlock = {
  /** Position in the copy. */
  readonly at: number;
  readonly size: number;
  readonly lines: number;
  /** Of the package that it begins with. */
  readonly name: string;
};

export interface PlainIndex {
  readonly blocks: readonly PlainBlock[];
  /** Content of the blocks from `first` to before `end`. Throws `damaged-copy`. */
  read(first: number, end: number): Promise<Uint8Array>;
  /** The same in pieces, each of which lasts until the next is asked for. Throws `damaged-copy`. */
  pieces(first: number, end: number): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

/** Code of the error when the copy does not hold what it should; it is gone then, and opening the index makes another. */
export const damagedCopy = 'damaged-copy';

/** The index `path`, from its copy or else from its .gz; undefined when that is damaged. */
export async function openPlain(
  { files, compression }: ArchiveDeps,
  paths: SuitePaths,
  path: string,
  plain: ReleaseFile,
  packed: { readonly blocks: readonly Block[]; readonly gzip: Uint8Array },
): Promise<PlainIndex | undefined> {
  if (plain.size < leastSize) {
    const index = tryTo(() => compression.gunzip(packed.gzip, Math.max(plain.size, 1)));
    return index === undefined || sha256(index) !== plain.sha256 ? undefined : new PlainInMemory(index, packed.blocks);
  }
  const place = copyOf(paths, path);
  const found = await PlainCopy.open(files, place, plain.sha256, packed.blocks);
  if (found !== undefined) return found;
  const writer = startCopy(files, paths, path);
  for (const { gzip } of packed.blocks) {
    const bytes = tryTo(() => compression.gunzip(gzip.bytes, Math.max(gzip.uncompressedSize, 1)));
    if (bytes === undefined) return undefined;
    await writer.add(bytes);
  }
  await writer.finish(plain.sha256);
  return PlainCopy.open(files, place, plain.sha256, packed.blocks);
}

/** A copy of an index that is made block by block; nothing is there of it before it is finished, or when it is small. */
export function startCopy(files: TreeFiles, paths: SuitePaths, path: string): CopyWriter {
  return new CopyWriter(files, copyOf(paths, path));
}

export type PlainEdit = { readonly first: number; readonly end: number; readonly blocks: readonly Uint8Array[] };

/** Makes the copy of the old index that of the new one. */
export async function changeCopy(
  { files }: ArchiveDeps,
  paths: SuitePaths,
  path: string,
  plain: Omit<ReleaseFile, 'path'>,
  old: PlainIndex,
  edits: readonly PlainEdit[],
): Promise<void> {
  if (!(old instanceof PlainCopy)) return;
  const place = copyOf(paths, path);
  // Half of it would be blocks that are gone: the next change begins another.
  if (plain.size < leastSize || old.size > 2 * plain.size + 8 * 2 ** 20) return files.remove(place);
  const [blocks, parts]: [PlainBlock[], Uint8Array[]] = [[], []];
  let at = old.size;
  let next = 0;
  for (const edit of edits) {
    blocks.push(...old.blocks.slice(next, edit.first));
    for (const bytes of edit.blocks) {
      blocks.push(describeBlock(bytes, at));
      parts.push(bytes);
      at += bytes.length;
    }
    next = edit.end;
  }
  blocks.push(...old.blocks.slice(next));
  await files.keep(place, old.size, [...parts, formatTable(plain.sha256, blocks)]);
}

class CopyWriter {
  readonly #files: TreeFiles;
  readonly #place: string;
  /** The copy of the index before may still be read. */
  readonly #temporary: string;
  readonly #blocks: PlainBlock[] = [];
  #size = 0;

  constructor(files: TreeFiles, place: string) {
    this.#files = files;
    this.#place = place;
    this.#temporary = `${place}.new`;
  }

  async add(bytes: Uint8Array): Promise<void> {
    this.#blocks.push(describeBlock(bytes, this.#size));
    await this.#files.keep(this.#temporary, this.#size, [bytes]);
    this.#size += bytes.length;
  }

  async finish(digest: Sha256): Promise<void> {
    await this.#files.remove(this.#place);
    if (this.#size < leastSize) return this.#files.remove(this.#temporary);
    await this.#files.keep(this.#temporary, this.#size, [formatTable(digest, this.#blocks)]);
    await this.#files.rename(this.#temporary, this.#place);
  }
}

class PlainInMemory implements PlainIndex {
  readonly blocks: readonly PlainBlock[];
  readonly #index: Uint8Array;

  constructor(index: Uint8Array, packed: readonly Block[]) {
    this.#index = index;
    let at = 0;
    this.blocks = packed.map(({ gzip: { uncompressedSize: size } }) => {
      const block = describeBlock(index.subarray(at, at + size), at);
      at += size;
      return block;
    });
  }

  async read(first: number, end: number): Promise<Uint8Array> {
    const [start, stop] = [this.blocks[first], this.blocks[end]];
    return start === undefined ? new Uint8Array() : this.#index.subarray(start.at, stop?.at);
  }

  async *pieces(first: number, end: number): AsyncGenerator<Uint8Array> {
    yield await this.read(first, end);
  }

  async close(): Promise<void> {}
}

class PlainCopy implements PlainIndex {
  readonly blocks: readonly PlainBlock[];
  readonly size: number;
  readonly #file: OpenFile;
  readonly #packed: readonly Block[];
  readonly #discard: () => Promise<void>;
  #buffers: Uint8Array[] = [];

  private constructor(
    file: OpenFile,
    blocks: readonly PlainBlock[],
    packed: readonly Block[],
    discard: () => Promise<void>,
  ) {
    this.#file = file;
    this.size = file.size;
    this.blocks = blocks;
    this.#packed = packed;
    this.#discard = discard;
  }

  /** Undefined when it is not the copy of these blocks. */
  static async open(
    files: TreeFiles,
    place: string,
    digest: Sha256,
    packed: readonly Block[],
  ): Promise<PlainCopy | undefined> {
    const file = await files.open(place);
    if (file === undefined) return undefined;
    try {
      const table = await readTable(file);
      if (
        table?.sha256 === digest &&
        table.blocks.length === packed.length &&
        packed.every(({ gzip }, number) => table.blocks[number]?.size === gzip.uncompressedSize)
      )
        return new PlainCopy(file, table.blocks, packed, () => files.remove(place));
    } catch (error) {
      await file.close();
      throw error;
    }
    await file.close();
    return undefined;
  }

  async read(first: number, end: number): Promise<Uint8Array> {
    const size = this.blocks.slice(first, end).reduce((sum, block) => sum + block.size, 0);
    const bytes = new Uint8Array(size);
    let position = 0;
    for await (const piece of this.pieces(first, end)) {
      bytes.set(piece, position);
      position += piece.length;
    }
    return bytes;
  }

  /** The next is read while one is looked at. */
  async *pieces(first: number, end: number): AsyncGenerator<Uint8Array> {
    let reading = this.#start(first, end, 0);
    try {
      for (let turn = 1; reading !== undefined; turn++) {
        const { from, to, bytes, done } = reading;
        const count = await done;
        reading = this.#start(to, end, turn % 2);
        if (count < bytes.length || !this.#agrees(from, to, bytes)) {
          await this.#discard();
          throw new SheafError(damagedCopy, 'Cannot use the uncompressed copy of an index: it holds something else');
        }
        yield bytes;
      }
    } finally {
      await reading?.done.catch(() => {});
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  #start(from: number, end: number, buffer: number) {
    const start = this.blocks[from];
    if (from >= end || start === undefined) return undefined;
    let to = from + 1;
    let { size } = start;
    for (; to < end; to++) {
      const block = this.blocks[to]!;
      if (block.at !== start.at + size || size + block.size > chunkSize) break;
      size += block.size;
    }
    if ((this.#buffers[buffer]?.length ?? 0) < size) this.#buffers[buffer] = new Uint8Array(Math.max(size, chunkSize));
    const bytes = this.#buffers[buffer]!.subarray(0, size);
    return { from, to, bytes, done: this.#file.read(bytes, start.at) };
  }

  /** RFC 1952: each member of the .gz, whose own hash is compared, ends with the CRC-32 of what is in it. */
  #agrees(from: number, to: number, bytes: Uint8Array): boolean {
    let position = 0;
    for (let number = from; number < to; number++) {
      const { gzip } = this.#packed[number]!;
      const { buffer, byteOffset, length } = gzip.bytes;
      const part = bytes.subarray(position, (position += gzip.uncompressedSize));
      if (crc32(part) !== new DataView(buffer, byteOffset, length).getUint32(length - 8, true)) return false;
    }
    return true;
  }
}

function describeBlock(bytes: Uint8Array, at: number): PlainBlock {
  let lines = 0;
  for (let end = bytes.indexOf(lf); end !== -1; end = bytes.indexOf(lf, end + 1)) lines++;
  return { at, size: bytes.length, lines, name: bytes.length === 0 ? '' : nameAt(bytes, 0) };
}

const lf = 0x0a;

type Table = { readonly sha256: string; readonly blocks: readonly PlainBlock[] };

/** JSON, its length, its CRC-32. */
function formatTable(digest: Sha256, blocks: readonly PlainBlock[]): Uint8Array {
  const rows = blocks.map(({ at, size, lines, name }) => [at, size, lines, name]);
  const json = Buffer.from(JSON.stringify([digest, rows]));
  const footer = Buffer.alloc(footerSize);
  footer.writeUInt32LE(json.length, 0);
  footer.writeUInt32LE(crc32(json), 4);
  return Buffer.concat([json, footer]);
}

const footerSize = 8;

async function readTable(file: OpenFile): Promise<Table | undefined> {
  const footer = Buffer.alloc(footerSize);
  if (file.size < footerSize || (await file.read(footer, file.size - footerSize)) < footerSize) return undefined;
  const length = footer.readUInt32LE(0);
  const start = file.size - footerSize - length;
  if (start < 0 || length > 64 * 2 ** 20) return undefined;
  const json = Buffer.alloc(length);
  if ((await file.read(json, start)) < length || crc32(json) !== footer.readUInt32LE(4)) return undefined;
  // What has this check sum was written above.
  const [digest, rows] = JSON.parse(json.toString()) as [string, readonly [number, number, number, string][]];
  return { sha256: digest, blocks: rows.map(([at, size, lines, name]) => ({ at, size, lines, name })) };
}

/** The .gz may be damaged: its hash is compared meanwhile. */
function tryTo<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof SheafError) return undefined;
    throw error;
  }
}

/** Labels of components and architectures have no `_`. */
function copyOf(paths: SuitePaths, path: string): string {
  return join(paths.copies, path.replaceAll('/', '_'));
}

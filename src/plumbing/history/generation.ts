/**
 * One log file, as one process sees it: the file, its catalog, and its frames decoded. The log only grows; compaction
 * writes another one with a higher number and removes this, which whoever has it open may read to the end.
 */
import { crc32 } from 'node:zlib';

import { parseChangedList, parseWholeList } from '../../formats/history/recipe.ts';
import type { Sha256 } from '../../kit/digest.ts';
import { describeError, SheafError } from '../../kit/error.ts';
import { Catalog, type Body, type PieceFrame, type Recipe } from './catalog.ts';
import type { LogFile } from './files.ts';
import { FrameCache } from './frame-cache.ts';
import { scanLog, scanStore } from './scan.ts';
import { decompress } from './zstd.ts';

/** Frames that are decoded at the same time, by other threads. */
const atOnce = 4;

export class Generation {
  readonly path: string;
  readonly number: number;
  readonly id: string;
  readonly catalog = new Catalog();
  readonly damages: string[] = [];
  readonly #file: LogFile;
  readonly #cache: FrameCache;
  /** Lists that a recipe may build on soon. */
  readonly #lists = new Map<number, Uint32Array>();
  #end: number;
  #size = 0;
  #refreshing: Promise<void> | undefined;
  #users = 1;

  private constructor(path: string, number: number, file: LogFile, store: { id: string; end: number }, cache: number) {
    this.path = path;
    this.number = number;
    this.#file = file;
    this.id = store.id;
    this.#end = store.end;
    this.#cache = new FrameCache(cache);
  }

  /** Takes the file over. Throws `index-store-damaged`. */
  static async open(path: string, number: number, file: LogFile, cacheBytes: number): Promise<Generation> {
    try {
      const generation = new Generation(path, number, file, await scanStore(file, path), cacheBytes);
      await generation.refresh();
      return generation;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Where the next frame belongs. */
  get end(): number {
    return this.#end;
  }

  /** Reads what was appended since. False when the file was removed meanwhile. */
  async refresh(): Promise<boolean> {
    const { size, removed } = await this.#file.stat();
    while (size !== this.#size) {
      this.#refreshing ??= this.#readOn(size).finally(() => (this.#refreshing = undefined));
      await this.#refreshing;
    }
    return !removed;
  }

  async #readOn(size: number): Promise<void> {
    const { end, damages } = await scanLog(this.#file, this.catalog, this.#end);
    this.#end = end;
    this.damages.push(...damages);
    this.#size = size;
  }

  /** The file stays open until `work` is done, also when the store has turned to another one. */
  async use<T>(work: () => Promise<T>): Promise<T> {
    this.#users++;
    try {
      return await work();
    } finally {
      await this.release();
    }
  }

  async release(): Promise<void> {
    if (--this.#users === 0) await this.#file.close();
  }

  /** The pieces of an index, in order. Throws `index-corrupt`. */
  async list(recipe: Recipe): Promise<Uint32Array> {
    const chain: Recipe[] = [];
    let list: Uint32Array | undefined;
    for (let at: Recipe = recipe; ;) {
      list = this.#lists.get(at.place);
      if (list !== undefined) break;
      chain.push(at);
      if (at.base === undefined) break;
      const base = this.catalog.recipes[at.base];
      if (base === undefined || base.place >= at.place) {
        throw this.#corrupt(recipe, 'the recipe that its own builds on is lost');
      }
      at = base;
    }
    for (const next of chain.toReversed()) {
      const bytes = await this.#body(next, next.listLength);
      list = list === undefined ? parseWholeList(bytes, next.pieces) : parseChangedList(list, bytes, next.pieces);
    }
    this.#keep(recipe.place, list!);
    return list!;
  }

  #keep(place: number, list: Uint32Array): void {
    this.#lists.delete(place);
    this.#lists.set(place, list);
    const [oldest] = this.#lists.keys();
    if (this.#lists.size > 4) this.#lists.delete(oldest!);
  }

  /**
   * Gives each of these frames once, decoded, in no order; a frame is decoded after those of its predecessors, whose
   * pieces are held as long as they are needed. Throws `index-corrupt`; with `onCorrupt` that is called instead.
   */
  async visit(
    wanted: Iterable<number>,
    onFrame: (frame: number, bytes: Buffer) => void,
    onCorrupt?: (frame: number, error: SheafError) => void,
  ): Promise<void> {
    const asked = new Set(wanted);
    const { levels, needed, cached } = this.#planVisit(asked);
    const held = new Map<number, Buffer>();
    for (const frames of levels) {
      const queue = frames[Symbol.iterator]();
      const work = async () => {
        for (const frame of queue) {
          try {
            const bytes = cached.get(frame) ?? (await this.#decode(frame, held));
            for (const piece of needed.get(frame) ?? []) held.set(piece, Buffer.from(this.cutOut(bytes, piece)));
            if (asked.has(frame)) onFrame(frame, bytes);
          } catch (error) {
            if (onCorrupt === undefined || !(error instanceof SheafError)) throw error;
            onCorrupt(frame, error);
          }
        }
      };
      await Promise.all(Array.from({ length: Math.min(atOnce, frames.length) }, work));
    }
  }

  /**
   * The frames asked for and all that they build on, by level; the predecessors that are needed, by the frame they are
   * in; and the frames that need no decoding, which must not be forgotten meanwhile.
   */
  #planVisit(asked: ReadonlySet<number>) {
    const levels: Set<number>[] = [];
    const needed = new Map<number, Set<number>>();
    const cached = new Map<number, Buffer>();
    const add = (frame: number) => (levels[this.#frame(frame).level] ??= new Set()).add(frame);
    for (const frame of asked) add(frame);
    for (let level = levels.length - 1; level > 0; level--) {
      for (const frame of levels[level] ?? []) {
        const bytes = this.#cache.get(frame);
        if (bytes !== undefined) {
          cached.set(frame, bytes);
          continue;
        }
        for (const piece of this.#predecessorsOf(frame)) {
          const home = this.catalog.frameOf(piece);
          if (home === undefined) continue;
          add(home);
          const pieces = needed.get(home) ?? new Set();
          needed.set(home, pieces.add(piece));
        }
      }
    }
    const sorted = Array.from(levels, (level) => [...(level ?? [])].toSorted((a, b) => a - b));
    return { levels: sorted, needed, cached };
  }

  #frame(frame: number): PieceFrame {
    return this.catalog.frames[frame]!;
  }

  /** Each once, in the order of the pieces that they help. */
  #predecessorsOf(frame: number): Set<number> {
    const predecessors = new Set<number>();
    if (this.#frame(frame).level === 0) return predecessors;
    for (const number of this.#frame(frame).numbers) {
      const predecessor = this.catalog.predecessorOf(number);
      if (predecessor !== undefined) predecessors.add(predecessor);
    }
    return predecessors;
  }

  /** A piece of a decoded frame. */
  cutOut(bytes: Buffer, piece: number): Buffer {
    const offset = this.catalog.offsetOf(piece);
    return bytes.subarray(offset, offset + this.catalog.lengthOf(piece));
  }

  async #decode(frame: number, held: ReadonlyMap<number, Buffer>): Promise<Buffer> {
    const cached = this.#cache.get(frame);
    if (cached !== undefined) return cached;
    const about = this.#frame(frame);
    const dictionary: Buffer[] = [];
    for (const piece of this.#predecessorsOf(frame)) {
      const bytes = held.get(piece);
      if (bytes === undefined) throw this.#corrupt(about, `piece ${piece}, which it builds on, cannot be read`);
      dictionary.push(bytes);
    }
    const bytes = await this.#body(about, about.rawLength, about.level === 0 ? undefined : Buffer.concat(dictionary));
    this.#cache.add(frame, bytes);
    return bytes;
  }

  async #body(body: Body, length: number, dictionary?: Buffer): Promise<Buffer> {
    const bytes = await this.readBody(body);
    let decoded: Buffer;
    try {
      decoded = body.codec === 'stored' ? bytes : await decompress(bytes, length, dictionary);
    } catch (cause) {
      throw this.#corrupt(body, `it cannot be decompressed: ${describeError(cause)}`, cause);
    }
    if (decoded.length !== length) throw this.#corrupt(body, `it has ${decoded.length} bytes instead of ${length}`);
    return decoded;
  }

  /** As it stands in the file, its checksum compared. Throws `index-corrupt`. */
  async readBody(body: Body): Promise<Buffer> {
    const bytes = Buffer.allocUnsafeSlow(body.bodyLength);
    const count = await this.#file.read(bytes, body.bodyOffset);
    if (count < bytes.length) throw this.#corrupt(body, 'the file ends before it');
    if (crc32(bytes) !== body.bodySum) throw this.#corrupt(body, 'its checksum differs');
    return bytes;
  }

  #corrupt(body: Body, reason: string, cause?: unknown): SheafError {
    return new SheafError('index-corrupt', `Cannot read a frame of the index store: ${reason}`, {
      place: { file: this.path, offset: body.offset },
      hint: 'Fetch the index again: what is damaged is then stored anew.',
      cause,
    });
  }
}

export type IndexParts = { readonly recipe: Recipe; readonly list: Uint32Array };

/** The index in one piece, in a buffer from `allocate`, not yet compared with its hash. Throws `index-corrupt`. */
export async function joinPieces(
  generation: Generation,
  { recipe, list }: IndexParts,
  allocate: (size: number) => Buffer,
): Promise<Buffer> {
  const { catalog } = generation;
  const runs = runsByFrame(generation, list, recipe.sha256 as Sha256);
  let size = 0;
  for (const number of list) size += catalog.lengthOf(number);
  if (size !== recipe.size) {
    throw new SheafError('index-corrupt', `Cannot read index ${recipe.sha256}: its pieces have ${size} bytes in all`, {
      place: { file: generation.path, offset: recipe.offset },
    });
  }
  const joined = allocate(size);
  await generation.visit(runs.keys(), (frame, bytes) => {
    for (const { from, to, at } of runs.get(frame)!) bytes.copy(joined, at, from, to);
  });
  return joined;
}

/** Bytes `from` up to `to` of a frame stand at byte `at` of an index. */
export type CopyRun = { readonly from: number; readonly to: number; readonly at: number };

/** Where the pieces of a list come from, by frame; neighbours in the same frame as one. Throws `index-corrupt`. */
export function runsByFrame({ catalog, path }: Generation, list: Uint32Array, of: Sha256): Map<number, CopyRun[]> {
  const runs = new Map<number, CopyRun[]>();
  let at = 0;
  let [frame, from, to, start] = [-1, 0, 0, 0];
  const close = () => {
    if (to === from) return;
    const known = runs.get(frame);
    if (known === undefined) runs.set(frame, [{ from, to, at: start }]);
    else known.push({ from, to, at: start });
  };
  for (const number of list) {
    const home = catalog.frameOf(number);
    if (home === undefined) {
      throw new SheafError('index-corrupt', `Cannot read index ${of}: its piece ${number} is lost`, {
        place: { file: path },
      });
    }
    const offset = catalog.offsetOf(number);
    const length = catalog.lengthOf(number);
    if (home !== frame || offset !== to) {
      close();
      [frame, from, start] = [home, offset, at];
    }
    to = offset + length;
    at += length;
  }
  close();
  return runs;
}

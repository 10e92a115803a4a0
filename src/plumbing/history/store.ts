/**
 * Every index ever, byte for byte: a directory with one append-only log. One process writes at a time, held by a file
 * lock; any number read meanwhile, and never wait. See docs/index-history.md.
 */
import { join } from 'node:path';

import { sha256, type Sha256 } from '../../kit/digest.ts';
import { describeError, SheafError } from '../../kit/error.ts';
import { withFileLock } from '../file-lock.ts';
import { Appender } from './append.ts';
import type { Recipe } from './catalog.ts';
import { checkSameIndex, copyCompacted, isCompact } from './compact.ts';
import { logFiles, type LogFiles } from './files.ts';
import { Generation, joinPieces } from './generation.ts';
import { newestLog, removeLeftovers, startLog, logAt, type Log } from './logs.ts';
import { PieceTable } from './piece-table.ts';
import { preparePut } from './put.ts';
import type { OnProgress, PutOptions, StoredIndex, StoreProblem, StoreReport, StoreStats } from './types.ts';

export type StoreOptions = {
  /** Most bytes of decoded frames that are kept in memory. */
  readonly cacheBytes?: number;
  readonly files?: LogFiles;
};

/** Opens the store in this directory, or makes one. Throws `index-store-damaged`. */
export async function openIndexStore(directory: string, options: StoreOptions = {}): Promise<FileIndexStore> {
  const settings = { cacheBytes: 12 * 2 ** 20, files: logFiles, ...options };
  await settings.files.makeDirectory(directory);
  const log = (await newestLog(settings.files, directory)) ?? (await makeStore(settings.files, directory));
  return new FileIndexStore(directory, settings, await openGeneration(directory, settings, log));
}

async function makeStore(files: LogFiles, directory: string): Promise<Log> {
  return withFileLock(join(directory, 'lock'), async () => {
    const made = await newestLog(files, directory);
    if (made !== undefined) return made;
    const log = logAt(directory, 1);
    await (await startLog(files, log)).publish();
    return log;
  });
}

type Settings = Required<StoreOptions>;

/** A compaction may replace the log between its listing and its opening: then the next one is there. */
async function openGeneration(directory: string, { files, cacheBytes }: Settings, log: Log): Promise<Generation> {
  for (let next: Log | undefined = log; next !== undefined;) {
    const file = await files.open(next.path, 'read');
    if (file !== undefined) return Generation.open(next.path, next.number, file, cacheBytes);
    const newest = await newestLog(files, directory);
    next = newest?.number === next.number ? undefined : newest;
  }
  throw new SheafError('index-store-damaged', `Cannot open the index store ${directory}: it has no log`);
}

export class FileIndexStore {
  readonly id: string;
  readonly #directory: string;
  readonly #settings: Settings;
  #generation: Generation;
  #table: PieceTable;
  #turning: Promise<void> | undefined;
  /** The end of the last write, so that writes of this process come one after the other. */
  #writing: Promise<unknown> = Promise.resolve();
  /** From where on the log may not be on the disk although it reads as if it were: a flush failed. */
  #doubtful: { readonly path: string; readonly from: number } | undefined;
  #closed = false;
  /** Where all indexes are read one after the other, more memory saves most of the time. */
  readonly #proving: Settings;

  constructor(directory: string, settings: Settings, generation: Generation) {
    this.#directory = directory;
    this.#settings = settings;
    this.#proving = { ...settings, cacheBytes: Math.max(settings.cacheBytes, 256 * 2 ** 20) };
    this.#generation = generation;
    this.#table = new PieceTable(generation.catalog);
    this.id = generation.id;
  }

  /** See IndexStore in src/history/ports.ts. Throws `index-mismatch`, `over-limit`. */
  async put(bytes: Uint8Array, options: PutOptions): Promise<StoredIndex> {
    const found = sha256(bytes);
    if (found !== options.sha256) {
      throw new SheafError(
        'index-mismatch',
        `Cannot store an index: its SHA-256 is ${found}, expected ${options.sha256}`,
      );
    }
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return this.#write(async () => (await this.#findWhole(options.sha256)) ?? this.#append(buffer, options));
  }

  async info(digest: Sha256): Promise<StoredIndex | undefined> {
    return this.#use(async ({ catalog }) => {
      const recipe = catalog.recipe(digest);
      return recipe === undefined ? undefined : toStored(recipe);
    });
  }

  async read(digest: Sha256): Promise<Buffer> {
    return this.#use(async (generation) => {
      const recipe = this.#recipe(generation, digest);
      return readIndex(generation, recipe);
    });
  }

  async pieces(digest: Sha256): Promise<Uint32Array> {
    return this.#use(async (generation) => (await generation.list(this.#recipe(generation, digest))).slice());
  }

  async readPieces(numbers: readonly number[] | Uint32Array): Promise<Buffer[]> {
    return this.#use(async (generation) => {
      const pieces = new Map<number, Buffer>();
      const byFrame = Map.groupBy(new Set<number>(numbers), (piece) => {
        const frame = generation.catalog.frameOf(piece);
        if (frame !== undefined) return frame;
        throw new SheafError('piece-missing', `Cannot read piece ${piece} of the index store: there is none`);
      });
      await generation.visit(byFrame.keys(), (frame, bytes) => {
        // Copies: a slice would keep its whole frame in memory.
        for (const piece of byFrame.get(frame)!) pieces.set(piece, Buffer.from(generation.cutOut(bytes, piece)));
      });
      return Array.from(numbers, (piece) => pieces.get(piece)!);
    });
  }

  async stats(): Promise<StoreStats> {
    return this.#use(async (generation) => statsOf(generation));
  }

  /**
   * Reads every index and compares its hash. What is wrong is in the report; nothing is changed. `onProgress` is told
   * how many of the indexes are read.
   */
  async verify(onProgress?: OnProgress): Promise<StoreReport> {
    return this.#use(async ({ number, path, catalog, end }) => {
      // Not from what is in memory: the whole log once more.
      const fresh = await openGeneration(this.#directory, this.#proving, { number, path });
      try {
        return { ...statsOf({ catalog, end }), problems: await findProblems(fresh, onProgress) };
      } finally {
        await fresh.release();
      }
    });
  }

  /**
   * Writes the log anew, smaller and quicker to read, and removes the old one once every index was read from the new.
   * Says how many bytes it had before and has now. Writers wait; readers go on. Throws `index-corrupt` when an index
   * cannot be read: then nothing has changed.
   */
  async compact(onProgress?: OnProgress): Promise<{ readonly before: number; readonly after: number }> {
    return this.#write(() =>
      withFileLock(join(this.#directory, 'lock'), () =>
        this.#use(async (generation) => {
          const { files } = this.#settings;
          await removeLeftovers(files, this.#directory, generation);
          if (isCompact(generation)) return { before: generation.end, after: generation.end };
          const log = logAt(this.#directory, generation.number + 1);
          try {
            const after = await this.#compactInto(generation, log, onProgress);
            await this.#turn();
            await removeLeftovers(files, this.#directory, log);
            return { before: generation.end, after };
          } catch (error) {
            await files.remove(`${log.path}.tmp`).catch(() => {});
            throw error;
          }
        }),
      ),
    );
  }

  async #compactInto(generation: Generation, log: Log, onProgress?: OnProgress): Promise<number> {
    const { appender, temporary, publish } = await startLog(this.#settings.files, log, this.id);
    try {
      await copyCompacted(generation, appender);
      await appender.sync();
      const copy = await openGeneration(this.#directory, this.#proving, { ...log, path: temporary });
      try {
        const recipes = generation.catalog.current();
        const memory = scratch();
        for (const [index, recipe] of recipes.entries()) {
          await readIndex(copy, await checkSameIndex(generation, copy, recipe), memory);
          onProgress?.(index + 1, recipes.length);
        }
      } finally {
        await copy.release();
      }
    } catch (error) {
      await appender.close();
      throw error;
    }
    await publish();
    return appender.end;
  }

  /** Ends the use of the log when the calls that are under way are done. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#generation.release();
  }

  #recipe({ catalog }: Generation, digest: Sha256): Recipe {
    const recipe = catalog.recipe(digest);
    if (recipe !== undefined) return recipe;
    throw new SheafError('index-missing', `Cannot read index ${digest}: it is not in ${this.#directory}`);
  }

  /** One after the other, and while no other process writes. */
  async #write<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#writing.then(work, work);
    this.#writing = turn.catch(() => {});
    return turn;
  }

  async #findWhole(digest: Sha256): Promise<StoredIndex | undefined> {
    return this.#use(async (generation) => {
      const recipe = generation.catalog.recipe(digest);
      if (recipe === undefined || this.#doubtful !== undefined) return undefined;
      try {
        await readIndex(generation, recipe);
        return toStored(recipe);
      } catch (error) {
        // What cannot be read is stored again.
        if (error instanceof SheafError && error.code === 'index-corrupt') return undefined;
        throw error;
      }
    });
  }

  async #append(bytes: Buffer, options: PutOptions): Promise<StoredIndex> {
    return withFileLock(join(this.#directory, 'lock'), () =>
      this.#use(async (generation) => {
        const { files } = this.#settings;
        await removeLeftovers(files, this.#directory, generation);
        const { path } = generation;
        const doubtful = this.#doubtful?.path === path ? this.#doubtful.from : undefined;
        const appender = await Appender.open(files, path, generation.end, doubtful);
        this.#doubtful = undefined;
        try {
          return (
            (await this.#findWhole(options.sha256)) ?? (await this.#putAt({ generation, appender }, bytes, options))
          );
        } finally {
          await appender.close();
        }
      }),
    );
  }

  async #putAt(
    { generation, appender }: { readonly generation: Generation; readonly appender: Appender },
    bytes: Buffer,
    options: PutOptions,
  ): Promise<StoredIndex> {
    const start = appender.end;
    const target = { generation, table: this.#table, appender };
    const frame = await preparePut(target, bytes, options).catch(async (error: unknown) => {
      await appender.undo();
      throw error;
    });
    const offset = appender.end;
    try {
      await appender.add(frame);
      await appender.sync();
      await appender.check(offset, frame);
    } catch (error) {
      // A recipe that stands there whole may have been seen by a reader already: it stays, and is flushed again.
      await generation.refresh().catch(() => {});
      if (generation.end > start) this.#doubtful = { path: generation.path, from: start };
      else await appender.undo();
      throw error;
    }
    await generation.refresh();
    const recipe = generation.catalog.recipe(options.sha256);
    if (recipe?.offset === offset) return toStored(recipe);
    throw new SheafError('index-corrupt', `Cannot store index ${options.sha256}: its recipe reads differently`, {
      place: { file: generation.path, offset },
      kind: 'environment',
    });
  }

  /** With the newest log as it stands now; it stays open until `work` is done. */
  async #use<T>(work: (generation: Generation) => Promise<T>): Promise<T> {
    if (this.#closed) throw new SheafError('index-store-closed', 'Cannot use the index store: it was closed');
    this.#turning ??= this.#turn().finally(() => (this.#turning = undefined));
    await this.#turning;
    const generation = this.#generation;
    return generation.use(() => work(generation));
  }

  async #turn(): Promise<void> {
    const log = await newestLog(this.#settings.files, this.#directory);
    if (log !== undefined && log.number !== this.#generation.number) {
      const next = await openGeneration(this.#directory, this.#settings, log);
      if (next.id !== this.id) {
        await next.release();
        throw new SheafError('index-store-damaged', `Cannot use ${log.path}: it belongs to another store`);
      }
      const before = this.#generation;
      this.#generation = next;
      this.#table = new PieceTable(next.catalog);
      await before.release();
      return;
    }
    await this.#generation.refresh();
  }
}

async function readIndex(
  generation: Generation,
  recipe: Recipe,
  allocate: (size: number) => Buffer = Buffer.allocUnsafeSlow,
): Promise<Buffer> {
  const bytes = await joinPieces(generation, { recipe, list: await generation.list(recipe) }, allocate);
  const found = sha256(bytes);
  if (found === recipe.sha256) return bytes;
  throw new SheafError('index-corrupt', `Cannot read index ${recipe.sha256}: what is stored has SHA-256 ${found}`, {
    place: { file: generation.path, offset: recipe.offset },
    hint: 'Fetch the index again: what is damaged is then stored anew.',
  });
}

function statsOf({ catalog, end }: Pick<Generation, 'catalog' | 'end'>): StoreStats {
  return { indexes: catalog.indexes, pieces: catalog.next - 1, bytes: end, rawBytes: catalog.rawBytes };
}

async function findProblems(generation: Generation, onProgress?: OnProgress): Promise<StoreProblem[]> {
  const problems: StoreProblem[] = generation.damages.map((message) => ({ message: `${generation.path}: ${message}` }));
  const recipes = generation.catalog.current();
  const memory = scratch();
  for (const [index, recipe] of recipes.entries()) {
    try {
      await readIndex(generation, recipe, memory);
    } catch (error) {
      if (!(error instanceof SheafError)) throw error;
      problems.push({ sha256: recipe.sha256 as Sha256, message: describeError(error) });
    }
    onProgress?.(index + 1, recipes.length);
  }
  return problems;
}

/** The same memory for one index after the other. */
function scratch(): (size: number) => Buffer {
  let memory = Buffer.alloc(0);
  return (size) => {
    if (memory.length < size) memory = Buffer.allocUnsafeSlow(Math.ceil(1.1 * size));
    return memory.subarray(0, size);
  };
}

function toStored({ sha256: digest, size, split, pieces, newPieces }: Recipe): StoredIndex {
  return { sha256: digest as Sha256, size, split, pieces, newPieces };
}

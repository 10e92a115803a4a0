/**
 * `.deb` files by their SHA-256 in a cache directory: fetched a few at a time, resumed where a connection broke, and
 * hashed again on every use, so that nothing need be flushed to disk and a spoilt file is only a file to fetch again.
 */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, mkdir, open, rename, rm, stat, utimes, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';

import { formatSize } from '../kit/bytes.ts';
import { diskFull, isDiskFull } from '../kit/disk-full.ts';
import { SheafError } from '../kit/error.ts';
import type { LockedPackage } from '../model/lock.ts';

export type DebCacheOptions = {
  readonly directory: string;
  /** Fetches at once; default 6. */
  readonly parallel?: number;
  /** Most bytes of one package; default 4 GiB. */
  readonly limit?: number;
  /** Milliseconds without a byte before a connection counts as broken; default 30 s. */
  readonly patience?: number;
};

export type FetchOptions = {
  /**
   * Addresses of archives, the lock's own among them: a package that is gone from one of them is asked for under the same
   * path in the others.
   */
  readonly archives?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: FetchProgress) => void) | undefined;
  /** Files that are there now and verified: first all that were there before. */
  readonly onFiles?: ((arrived: readonly Arrived[]) => void) | undefined;
};

export type Arrived = { readonly package: LockedPackage; readonly path: string };

/** Bytes that had to be fetched, and how many of them are here. */
export type FetchProgress = { readonly done: number; readonly total: number };

const attempts = 4;

/** For a package that no archive of its lock has any more. */
export const whoHasIt =
  'Whoever has built this root before has it in ~/.cache/sheaf/debs, the distribution that published it in ' +
  'state/blobs, and https://snapshot.debian.org keeps all that Debian ever published';

/** Whether this package, as it was locked, is in none of the archives that were asked: all of them answered. */
export function isGone(error: unknown): error is SheafError {
  if (!(error instanceof SheafError)) return false;
  return error.code === 'deb-mismatch' || (error.code === 'deb-unavailable' && error.cause instanceof Refusal);
}

export class DebCache {
  readonly #directory: string;
  readonly #parallel: number;
  readonly #limit: number;
  readonly #patience: number;

  constructor(options: DebCacheOptions) {
    this.#directory = options.directory;
    this.#parallel = options.parallel ?? 6;
    this.#limit = options.limit ?? 4 * 2 ** 30;
    this.#patience = options.patience ?? 30_000;
  }

  path(sha256: string): string {
    return join(this.#directory, sha256.slice(0, 2), `${sha256}.deb`);
  }

  /**
   * Paths in the packages' order. Throws `deb-unavailable`, which says what each address answered, `deb-mismatch`, which
   * says what address lied, and `disk-full`, all of kind environment. What was fetched before stays.
   */
  async fetch(packages: readonly LockedPackage[], options: FetchOptions = {}): Promise<string[]> {
    const here = await inParallel(packages, 4, async (each) => this.#has(each));
    const missing = packages.filter((_, index) => !here[index]);
    const arrived = (each: LockedPackage) => ({ package: each, path: this.path(each.sha256) });
    options.onFiles?.(packages.filter((_, index) => here[index]).map(arrived));
    const total = missing.reduce((sum, each) => sum + each.size, 0);
    let done = 0;
    const report = (bytes: number) => {
      done += bytes;
      options.onProgress?.({ done, total });
    };
    if (total > 0) report(0);
    // The largest first, so that none is left for the end.
    const order = missing.toSorted((a, b) => b.size - a.size);
    const failed = new AbortController();
    const signal = AbortSignal.any([failed.signal, ...(options.signal === undefined ? [] : [options.signal])]);
    const work = { signal, report, archives: options.archives ?? [] };
    let left = missing;
    await inParallel(order, this.#parallel, async (each) => {
      if (failed.signal.aborted) return;
      try {
        await this.#place(each, async (temporary) => this.#fetchOne(each, temporary, work));
        left = left.filter((other) => other !== each);
        options.onFiles?.([arrived(each)]);
      } catch (error) {
        failed.abort(error);
      }
    });
    // The first failure called off all others, whose own errors say nothing.
    const error: unknown = failed.signal.reason;
    if (isDiskFull(error)) {
      const size = formatSize(left.reduce((sum, each) => sum + each.size, 0));
      const needs = `what is still to be fetched needs ${size}`;
      throw await diskFull('keep packages', { directory: this.#directory, needs }, error);
    }
    if (failed.signal.aborted) throw error;
    return packages.map((each) => this.path(each.sha256));
  }

  /** Takes in a file of this machine; false when it is not the package's. Throws `disk-full`. */
  async take(each: LockedPackage, source: string): Promise<boolean> {
    try {
      return await this.#place(each, async (temporary) => {
        await copyFile(source, temporary);
        return (await hashFile(temporary)) === each.sha256;
      });
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      const needs = `${label(each)} needs ${formatSize(each.size)}`;
      throw await diskFull('keep packages', { directory: this.#directory, needs }, error);
    }
  }

  /** Gives the file its name when `fill` says that it is the right one. */
  async #place(each: LockedPackage, fill: (temporary: string) => Promise<boolean>): Promise<boolean> {
    const target = this.path(each.sha256);
    const temporary = `${target}.${randomUUID()}.part`;
    await mkdir(dirname(target), { recursive: true });
    try {
      const isRight = await fill(temporary);
      if (isRight) await rename(temporary, target);
      return isRight;
    } finally {
      await rm(temporary, { force: true });
    }
  }

  async #has(each: LockedPackage): Promise<boolean> {
    const path = this.path(each.sha256);
    const size = await stat(path).then(
      (found) => found.size,
      () => undefined,
    );
    if (size === undefined) return false;
    if (size !== each.size || (await hashFile(path)) !== each.sha256) {
      await rm(path, { force: true });
      return false;
    }
    const now = new Date();
    await utimes(path, now, now).catch(() => {});
    return true;
  }

  async #fetchOne(each: LockedPackage, temporary: string, work: Work): Promise<boolean> {
    if (each.size > this.#limit) {
      throw new SheafError('deb-unavailable', `Cannot fetch ${label(each)}: it is larger than ${this.#limit} bytes`);
    }
    const answers: string[] = [];
    let refused: Refusal | undefined = new Refusal('no archive has it');
    for (const url of addressesOf(each, work.archives)) {
      const answer = await this.#download({ each, url, temporary }, work);
      if (answer === undefined) {
        if ((await hashFile(temporary)) === each.sha256) return true;
        throw new SheafError('deb-mismatch', `Cannot use ${label(each)}: ${url} is not the file that was locked`, {
          kind: 'environment',
          hint: 'The archive changed a file in place or something on the way changed it. Solve again, or use a snapshot.',
        });
      }
      answers.push(`from ${url}: ${reason(answer)}`);
      if (!(answer instanceof Refusal)) refused = undefined;
    }
    throw new SheafError('deb-unavailable', `Cannot fetch ${label(each)} ${answers.join('; ')}`, {
      kind: 'environment',
      hint: `Archives drop superseded versions: solve again for the current ones, or use a snapshot address. ${whoHasIt}.`,
      cause: refused,
    });
  }

  /** Writes the file from one address; what is wrong when it cannot be had there. Throws the errors of the disk. */
  async #download({ each, url, temporary }: Wanted, { signal, report }: Work): Promise<unknown> {
    const file = await open(temporary, 'w', 0o644);
    let offset = 0;
    try {
      for (let attempt = 1; ; attempt++) {
        try {
          for await (const chunk of this.#chunks(url, offset, signal)) {
            if (offset + chunk.length > each.size) throw new Refusal(`it is larger than the ${each.size} bytes locked`);
            await writeWhole(file, chunk, offset);
            offset += chunk.length;
            report(chunk.length);
          }
          if (offset === each.size) return undefined;
          throw new Error(`the connection ended after ${offset} of ${each.size} bytes`);
        } catch (error) {
          signal.throwIfAborted();
          if (isDiskFull(error)) throw error;
          if (error instanceof Refusal || attempt === attempts) {
            report(-offset);
            return error;
          }
          await delay(250 * 4 ** (attempt - 1), undefined, { signal });
        }
      }
    } finally {
      await file.close();
    }
  }

  /** The file's bytes from an offset on. */
  async *#chunks(url: string, offset: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const stalled = new AbortController();
    const timer = setTimeout(() => stalled.abort(new Error('no byte came for a long time')), this.#patience);
    try {
      const response = await fetch(url, {
        headers: offset > 0 ? { range: `bytes=${offset}-` } : {},
        signal: AbortSignal.any([signal, stalled.signal]),
      });
      const resumed = offset > 0 && response.status === 206;
      if (!resumed && response.status !== 200) {
        await response.body?.cancel();
        const text = `the server answered ${response.status}`;
        throw response.status >= 400 && response.status < 500 && response.status !== 429
          ? new Refusal(text)
          : new Error(text);
      }
      let skip = resumed ? 0 : offset;
      for await (const chunk of response.body ?? []) {
        timer.refresh();
        const kept = chunk.subarray(Math.min(skip, chunk.length));
        skip -= chunk.length - kept.length;
        if (kept.length > 0) yield kept;
      }
    } finally {
      clearTimeout(timer);
    }
  }
}

/** What all fetches at once have in common. */
type Work = {
  readonly signal: AbortSignal;
  readonly report: (bytes: number) => void;
  readonly archives: readonly string[];
};

type Wanted = { readonly each: LockedPackage; readonly url: string; readonly temporary: string };

/** What another attempt would not change. */
class Refusal extends Error {}

function label(each: LockedPackage): string {
  return `${each.name} ${each.version} (${each.architecture})`;
}

function reason(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
  return `${error instanceof Error ? error.message : String(error)}${cause}`;
}

/** Where the lock says it was, then its place in the other archives. */
function addressesOf({ url }: LockedPackage, archives: readonly string[]): string[] {
  const roots = archives.map((each) => each.replace(/\/*$/, '/'));
  const home = roots.find((each) => url.startsWith(each));
  const path = home === undefined ? undefined : url.slice(home.length);
  return [...new Set([url, ...(path === undefined ? [] : roots.map((each) => `${each}${path}`))])];
}

/** One write may take less than it was given: on a disk that is nearly full, the rest says so. */
async function writeWhole(file: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < chunk.length;) {
    done += (await file.write(chunk, done, chunk.length - done, position + done)).bytesWritten;
  }
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 2 ** 20 }), hash);
  return hash.digest('hex');
}

/** Runs `work` over items, a few at a time; the results keep their order. The first failure is thrown when all have ended. */
async function inParallel<T, R>(items: readonly T[], width: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const lane = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index]!);
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: Math.min(width, items.length) }, lane));
  const failure = lanes.find((each) => each.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
  return results;
}

/**
 * Packages on their way into the store: while some are fetched, those that are there are unpacked, all that came meanwhile at
 * once.
 */
import { chmod, copyFile, link } from 'node:fs/promises';
import { join } from 'node:path';

import type { LockedPackage } from '../model/lock.ts';
import { makeOpenDirectory } from './inside.ts';
import { debsOf, type BuildDeps } from './install.ts';
import type { RootOptions } from './materialise.ts';
import type { Described } from './order.ts';
import type { Arrived } from './ports.ts';
import { debFileName, unpackPackages, type Stored } from './unpack.ts';

/**
 * Fetches packages and unpacks them into the store; what they say of themselves, in their order. `niceness` is nice(1)'s, for
 * work beside something that is waited for.
 */
export async function preparePackages(
  deps: BuildDeps,
  packages: readonly LockedPackage[],
  options: RootOptions,
  niceness = 0,
): Promise<Described<Stored>[]> {
  const directory = debsOf(deps);
  await makeOpenDirectory(directory);
  const stop = new AbortController();
  const arrivals = new Batches<Arrived>();
  const fetching = deps.debs
    .fetch(packages, {
      signal: AbortSignal.any([stop.signal, ...(options.signal === undefined ? [] : [options.signal])]),
      archives: deps.sources.map(({ url }) => url),
      onProgress: (progress) => options.onProgress?.({ step: 'fetch', progress }),
      onFiles: (files) => arrivals.add(files),
    })
    .finally(() => arrivals.end());
  const described = new Map<string, Described<Stored>>();
  const unpacking = (async () => {
    for await (const files of arrivals) {
      if (arrivals.ended) options.onProgress?.({ step: 'unpack', packages: packages.length });
      await Promise.all(
        files.map(async ({ package: each, path }) => placeFile(path, join(directory, debFileName(each)))),
      );
      const some = files.map((file) => file.package);
      for (const each of await unpackPackages(deps, directory, some, niceness))
        described.set(each.file.locked.sha256, each);
    }
  })();
  unpacking.catch((error: unknown) => stop.abort(error));
  // Whichever failed first is the reason why the other did.
  const [fetched, unpacked] = await Promise.allSettled([fetching, unpacking]);
  if (unpacked.status === 'rejected') throw unpacked.reason;
  if (fetched.status === 'rejected') throw fetched.reason;
  return packages.map((each) => described.get(each.sha256)!);
}

/** By another name at another place, readable for root of the namespace. */
async function placeFile(path: string, target: string): Promise<void> {
  await link(path, target).catch(async () => copyFile(path, target));
  await chmod(target, 0o644);
}

/** What was added since the last look, all at once. */
class Batches<T> implements AsyncIterable<readonly T[]> {
  ended = false;
  #waiting: T[] = [];
  #wake = () => {};

  add(some: readonly T[]): void {
    this.#waiting.push(...some);
    this.#wake();
  }

  end(): void {
    this.ended = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<readonly T[]> {
    while (!this.ended || this.#waiting.length > 0) {
      if (this.#waiting.length > 0) yield this.#waiting.splice(0);
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

/** Packages of a lock: from the places of this machine that have them, then from where the lock says they were. */
import { randomUUID } from 'node:crypto';
import { copyFile, mkdir, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { SheafError } from '../../../kit/error.ts';
import type { LockedPackage } from '../../../model/lock.ts';
import { DebCache } from '../../../plumbing/deb-cache.ts';
import type { DebStore, FetchOptions } from '../../../root/mod.ts';

const aptCache = '/var/cache/apt/archives';

export class LocalDebs implements DebStore {
  readonly #cache: DebCache;
  readonly #places: readonly string[];

  /**
   * `places` are directories of packages: by their names, as apt keeps them, or by their hashes, as a distribution keeps
   * its blobs and another machine its cache.
   */
  constructor(directory: string, places: readonly string[]) {
    this.#cache = new DebCache({ directory });
    this.#places = [...places, aptCache];
  }

  /** Throws what the cache throws; `deb-unavailable` says who was asked and who else could have the file. */
  async fetch(packages: readonly LockedPackage[], options: FetchOptions): Promise<string[]> {
    for (const each of packages) await this.#bring(each);
    return this.#cache.fetch(packages, options).catch((thrown: unknown) => {
      // Of several fetches at once the first failure calls off the others.
      const error = thrown instanceof Error && thrown.name === 'AbortError' ? (thrown.cause ?? thrown) : thrown;
      if (!(error instanceof SheafError) || error.code !== 'deb-unavailable') throw error;
      throw new SheafError(error.code, error.message, {
        kind: error.kind,
        hint:
          `It is not in ${this.#places.join(', ')} either. Whoever has built this root before has it in ` +
          '~/.cache/sheaf/debs, the distribution that published it in state/blobs, and https://snapshot.debian.org ' +
          'keeps all that Debian ever published: fetch it into a folder, and name that with --from.',
        cause: error,
      });
    });
  }

  /** The cache hashes each file when it is used, so a wrong one does no harm. */
  async #bring(each: LockedPackage): Promise<void> {
    const target = this.#cache.path(each.sha256);
    if ((await sizeOf(target)) === each.size) return;
    const file = `${each.name}_${each.version.replaceAll(':', '%3a')}_${each.architecture}.deb`;
    const hashed = join(each.sha256.slice(0, 2), each.sha256);
    for (const source of this.#places.flatMap((place) =>
      [file, hashed, `${hashed}.deb`].map((it) => join(place, it)),
    )) {
      if ((await sizeOf(source)) !== each.size) continue;
      await mkdir(dirname(target), { recursive: true });
      const temporary = `${target}.${randomUUID()}.part`;
      await copyFile(source, temporary);
      await rename(temporary, target);
      return;
    }
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    (found) => (found.isFile() ? found.size : undefined),
    () => undefined,
  );
}

/** Packages of a lock: from the places of this machine that have them, then from where the lock says they were. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';

import { SheafError } from '../../../kit/error.ts';
import type { LockedPackage } from '../../../model/lock.ts';
import { DebCache, whoHasIt } from '../../../plumbing/deb-cache.ts';
import { isFolder } from '../../../plumbing/is-folder.ts';
import type { DebStore, FetchOptions } from '../../../root/mod.ts';
import { pathsOf } from '../../paths.ts';
import { findDirectory } from '../context.ts';

const aptCache = '/var/cache/apt/archives';

/** With the folders that `--from` named, and the files of the distribution around, if there is one. Throws `usage`. */
export async function openDebs(
  cache: string,
  { from = [], dir }: { readonly from?: readonly string[] | undefined; readonly dir?: string | undefined },
): Promise<LocalDebs> {
  await checkFolders('--from', from);
  const directory = await findDirectory(dir).catch(() => undefined);
  const places = [...from, ...(directory === undefined ? [] : [pathsOf(directory).blobs])];
  return new LocalDebs(join(cache, 'debs'), places, '--from');
}

/** Throws `usage`. */
export async function checkFolders(option: string, folders: readonly string[]): Promise<void> {
  for (const folder of folders) {
    if (await isFolder(folder)) continue;
    throw new SheafError('usage', `Cannot take packages from ${folder}: there is no such folder`, {
      kind: 'usage',
      hint: `${option} names a folder that has .deb files.`,
    });
  }
}

export class LocalDebs implements DebStore {
  readonly #cache: DebCache;
  readonly #places: readonly string[];
  readonly #wayOut: string;

  /**
   * `places` are directories of packages: by their names, as apt keeps them, or by their hashes, as a distribution keeps
   * its blobs and another machine its cache. `option` is what names one on the command line, where there is such a thing.
   */
  constructor(directory: string, places: readonly string[], option?: '--from' | '--debs') {
    this.#cache = new DebCache({ directory });
    this.#places = [...places, aptCache];
    this.#wayOut =
      option === undefined ? `fetch it into ${aptCache}` : `fetch it into a folder, and name that with ${option}`;
  }

  /** Throws what the cache throws; `deb-unavailable` says who was asked and who else could have the file. */
  async fetch(packages: readonly LockedPackage[], options: FetchOptions): Promise<string[]> {
    const wrong: string[] = [];
    for (const each of packages) wrong.push(...(await this.#bring(each)));
    return this.#cache.fetch(packages, options).catch((error: unknown) => {
      if (!(error instanceof SheafError) || error.code !== 'deb-unavailable') throw error;
      throw new SheafError(error.code, error.message, {
        kind: error.kind,
        hint:
          wrong.map((path) => `${path} is not the file that was locked. `).join('') +
          `It is not in ${this.#places.join(', ')} either. ${whoHasIt}: ${this.#wayOut}.`,
        cause: error.cause,
      });
    });
  }

  /** Files that were passed over: of the right name and size, and not the package. */
  async #bring(each: LockedPackage): Promise<string[]> {
    if ((await sizeOf(this.#cache.path(each.sha256))) === each.size) return [];
    const file = `${each.name}_${each.version.replaceAll(':', '%3a')}_${each.architecture}.deb`;
    const hashed = join(each.sha256.slice(0, 2), each.sha256);
    const names = [file, hashed, `${hashed}.deb`];
    const wrong: string[] = [];
    for (const source of this.#places.flatMap((place) => names.map((name) => join(place, name)))) {
      if ((await sizeOf(source)) !== each.size) continue;
      if (await this.#cache.take(each, source)) break;
      wrong.push(source);
    }
    return wrong;
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    (found) => (found.isFile() ? found.size : undefined),
    () => undefined,
  );
}

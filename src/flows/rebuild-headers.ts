/** What has changed in the headers of an environment since a time, as far as its source packages tell. */
import type { Sha256 } from '../kit/digest.ts';
import { SheafError } from '../kit/error.ts';
import { lockedEntry, parseLock } from '../lock/mod.ts';
import type { HeaderPatch } from '../model/job.ts';
import type { LockedPackage } from '../model/lock.ts';
import { isPackageName, isVersion } from '../model/names.ts';
import { installedPatch, laterPatches } from '../rebuild/mod.ts';
import { fetchSource, type OriginalDeps } from './rebuild-original.ts';

export type HeaderDeps = OriginalDeps & {
  /** Of debian/, the changelog and the patches, by their paths in it. Throws what reading an archive throws. */
  readonly readDebian: (path: string, name: string) => Promise<ReadonlyMap<string, string>>;
  /** The headers of packages, as `usr/include/stdio.h`. Throws what fetching and reading packages throw. */
  readonly listHeaders: (packages: readonly LockedPackage[]) => Promise<readonly string[]>;
};

/** Of all patches of one source: they travel as one argument of a command. */
const largestText = 2 ** 15;

/**
 * Patches of the lock's libraries that are younger than `since` (seconds since the epoch) and change headers that are
 * installed, in the order in which they can be taken back. Nothing of sources that are not to be had.
 */
export async function findHeaderPatches(deps: HeaderDeps, lock: Sha256, since: number): Promise<HeaderPatch[]> {
  const { packages } = parseLock((await deps.blobs.read(lock)).toString(), 'lock');
  const libraries = packages.filter(({ name }) => name.endsWith('-dev'));
  const found: HeaderPatch[] = [];
  for (const members of Map.groupBy(libraries, (each) => lockedEntry(each).source).values()) {
    try {
      found.push(...(await patchesOf(deps, members, since)));
    } catch (error) {
      deps.signal.throwIfAborted();
      if (!(error instanceof SheafError)) throw error;
    }
  }
  return found;
}

async function patchesOf(deps: HeaderDeps, members: readonly LockedPackage[], since: number): Promise<HeaderPatch[]> {
  const { source, sourceVersion: version } = lockedEntry(members[0]!);
  if (!isPackageName(source) || !isVersion(version)) return [];
  // Of what is not format 3.0 (quilt) there is no such file.
  const [archive] = await fetchSource(deps, { source, version }, (name) => /\.debian\.tar\.\w+$/.test(name));
  if (archive === undefined) return [];
  const later = laterPatches(await deps.readDebian(await deps.blobs.bring(archive.sha256), archive.name), since);
  if (later.length === 0) return [];
  const installed = await deps.listHeaders(members);
  const patches = later.flatMap((each): HeaderPatch[] => {
    const text = installedPatch(each, installed);
    return text === undefined ? [] : [{ source, version, patch: each.patch, text }];
  });
  return patches.reduce((size, { text }) => size + text.length, 0) > largestText ? [] : patches;
}

/** What has changed in the headers of an environment since a time, as far as its source packages tell. */
import type { Sha256 } from '../kit/digest.ts';
import { SheafError } from '../kit/error.ts';
import { lockedEntry, parseLock } from '../lock/mod.ts';
import type { HeaderPatch } from '../model/job.ts';
import type { LockedPackage } from '../model/lock.ts';
import { isPackageName, isVersion } from '../model/names.ts';
import { headerNames, installedPatches, laterPatches } from '../rebuild/mod.ts';
import { fetchSource, type OriginalDeps } from './rebuild-original.ts';

export type HeaderDeps = OriginalDeps & {
  /** Of debian/, the changelog and the patches, by their paths in it. Throws what reading an archive throws. */
  readonly readDebian: (path: string, name: string) => Promise<ReadonlyMap<string, string>>;
  /** Headers of packages with one of these names, by their paths: `usr/include/stdio.h`. Throws what reading packages throws. */
  readonly readHeaders: (
    packages: readonly LockedPackage[],
    names: ReadonlySet<string>,
  ) => Promise<ReadonlyMap<string, string>>;
};

/** Of all together: they travel as one argument of a command. */
const largestText = 2 ** 16;

/**
 * Patches of the lock's libraries that are younger than `since` (seconds since the epoch) and change headers that are
 * installed, in the order in which they can be taken back. Nothing of sources that are not to be had.
 */
export async function findHeaderPatches(deps: HeaderDeps, lock: Sha256, since: number): Promise<HeaderPatch[]> {
  const { packages } = parseLock((await deps.blobs.read(lock)).toString(), 'lock');
  const libraries = packages.filter(({ name }) => name.endsWith('-dev'));
  const found: HeaderPatch[] = [];
  let size = 0;
  for (const members of Map.groupBy(libraries, (each) => lockedEntry(each).source).values()) {
    try {
      const patches = await patchesOf(deps, members, since);
      const more = patches.reduce((sum, { text }) => sum + text.length, 0);
      if (size + more > largestText) continue;
      size += more;
      found.push(...patches);
    } catch (error) {
      deps.signal.throwIfAborted();
      if (!(error instanceof SheafError)) throw error;
      if (error.code === 'mirror-unreachable') break;
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
  const installed = await deps.readHeaders(members, new Set(later.flatMap(headerNames)));
  return installedPatches(later, installed).map((each) => ({ source, version, ...each }));
}

/** Changelogs of locked packages: out of this user's cache of packages, which fetches those that are not there. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';

import type { ChangelogPort } from '../../../flows/compare-changelogs.ts';
import { SheafError } from '../../../kit/error.ts';
import type { LockedPackage } from '../../../model/lock.ts';
import { changelogReader } from '../../../plumbing/changelogs.ts';
import { DebCache } from '../../../plumbing/deb-cache.ts';
import { cacheDirectory } from '../../roots.ts';
import { startProgress } from '../progress.ts';

/** A larger package is not fetched for its changelog alone. */
const largestFetched = 32 * 2 ** 20;

export type ChangelogOptions = { readonly json: boolean; readonly signal?: AbortSignal };

/** What cannot be fetched is absent: a comparison does not fail by it. */
export function lockChangelogs(packages: readonly LockedPackage[], options: ChangelogOptions): ChangelogPort {
  const debs = new DebCache({ directory: join(cacheDirectory(), 'debs') });
  const known = new Map<string, LockedPackage>(packages.map((each) => [each.sha256, each]));
  const read = changelogReader({
    info: async (sha256) => {
      const found = await stat(debs.path(sha256)).catch(() => undefined);
      return found && { sha256, size: found.size };
    },
    bring: async (sha256) => debs.path(sha256),
    read: () => Promise.reject(notHere()),
    stream: () => {
      throw notHere();
    },
  });
  const { signal } = options;
  return async (question) => {
    if (signal?.aborted === true) return { state: 'absent' };
    const wanted = known.get(question.sha256);
    if (question.kind !== 'binary' || wanted === undefined) return { state: 'absent' };
    if (!(await bring(debs, wanted, options))) return { state: 'absent' };
    return read(question);
  };
}

async function bring(debs: DebCache, wanted: LockedPackage, { json, signal }: ChangelogOptions): Promise<boolean> {
  // The cache hashes what it has: a spoilt file is fetched again.
  const isHere = await stat(debs.path(wanted.sha256)).then(
    () => true,
    () => false,
  );
  if (!isHere && wanted.size > largestFetched) return false;
  const progress = startProgress({ json, unit: 'bytes' });
  try {
    await debs.fetch([wanted], {
      signal,
      onProgress: ({ done, total }) => progress.at(`Fetching ${wanted.name} for its changelog`, done, total),
    });
    return true;
  } catch (error) {
    if (error instanceof SheafError || signal?.aborted === true) return false;
    throw error;
  } finally {
    progress.end();
  }
}

/** Locks have no source packages. */
function notHere(): SheafError {
  return new SheafError('no-source', 'Cannot read a source package: only binary packages are here');
}

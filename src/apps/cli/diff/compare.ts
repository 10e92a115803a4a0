/** A comparison for the command line: paths alone need neither a distribution nor a database. */
import { open, stat } from 'node:fs/promises';

import { comparePlaces, type CompareOptions, type PlaceComparison } from '../../../flows/compare-places.ts';
import { noIndex } from '../../../flows/compare-open.ts';
import { SheafError } from '../../../kit/error.ts';
import { lockHead } from '../../../lock/mod.ts';
import { indexFiles } from '../../../plumbing/index-files.ts';
import { withHouse, type HasOptions } from '../context.ts';
import { throwUnreadable } from '../unreadable.ts';

type Places = readonly [string | undefined, string];

export async function compareNamed(
  command: HasOptions,
  [a, b]: Places,
  options: CompareOptions,
): Promise<PlaceComparison> {
  await refuseLocks(a, b);
  const named = await findNamed(a, b);
  if (named === undefined) return comparePlaces({ files: indexFiles }, a, b, options).catch(throwUnreadable);
  try {
    return await withHouse(command, async ({ history, distribution, blobs }) => {
      const { changelogReader } = await import('../../../plumbing/changelogs.ts');
      const deps = { history: { ...history, distribution }, files: indexFiles, changelogs: changelogReader(blobs) };
      return comparePlaces(deps, a, b, options).catch(throwUnreadable);
    });
  } catch (error) {
    if (error instanceof SheafError && error.code === 'no-distribution') {
      const instead = await indexFiles.instead(named);
      throw instead === undefined ? unknownPlace(named, error) : noIndex(named, instead, error);
    }
    throw error;
  }
}

export function isEqual({ total, alarms }: PlaceComparison): boolean {
  return total === 0 && alarms.length === 0;
}

/** A lock would be read as an index, without what only a lock says. Throws `is-lock`. */
async function refuseLocks(...places: Places): Promise<void> {
  const files = places.filter((each) => each !== undefined);
  for (const file of files) {
    if (!(await isLock(file))) continue;
    const words = files.length === 2 ? files.join(' ') : `${file} OTHER.lock`;
    throw new SheafError('is-lock', `Cannot compare ${file} as an index: it is a lock`, {
      kind: 'usage',
      hint: `Two locks are compared by: sheaf lock diff ${words}`,
    });
  }
}

/** Nothing is read from a pipe: whoever comes next would miss it. */
async function isLock(path: string): Promise<boolean> {
  if ((await stat(path).catch(() => undefined))?.isFile() !== true) return false;
  const file = await open(path).catch(() => undefined);
  if (file === undefined) return false;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(lockHead.length));
    return buffer.toString('latin1', 0, bytesRead) === lockHead;
  } finally {
    await file.close();
  }
}

/** The first place that is no path. Nothing is read here: that a file is no index is said when it is read. */
async function findNamed(...places: readonly (string | undefined)[]): Promise<string | undefined> {
  for (const place of places) {
    if (place !== undefined && !(await indexFiles.has(place))) return place;
  }
  return undefined;
}

function unknownPlace(place: string, cause: SheafError): SheafError {
  const state = 'there is no such index file or folder, and no distribution that could know such a suite';
  return new SheafError('unknown-place', `Cannot find "${place}": ${state}`, {
    kind: 'usage',
    hint: 'Name a path that exists, or the folder of the distribution by -C DIR or SHEAF_DIR.',
    cause,
  });
}

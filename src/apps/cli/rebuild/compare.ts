/** The packages that two places name, compared one with one. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { parseChanges } from '../../../formats/deb/changes.ts';
import { SheafError } from '../../../kit/error.ts';
import { pairFiles } from '../../../rebuild/compare/mod.ts';
import { compareDebFiles, type FileComparison } from '../../compare-debs.ts';
import { throwUnreadable } from '../unreadable.ts';

export type PlaceComparison = {
  readonly equal: boolean;
  readonly files: readonly FileComparison[];
  /** Names of packages that have no partner. */
  readonly onlyLeft: readonly string[];
  readonly onlyRight: readonly string[];
};

/** Throws `no-such-package` for a place that is none and what the formats throw for a file that is no package, both of kind usage. */
export async function comparePlaces(left: string, right: string): Promise<PlaceComparison> {
  const { pairs, onlyLeft, onlyRight } = pairFiles(await findDebs(left), await findDebs(right));
  const files: FileComparison[] = [];
  // One pair after the other: each keeps two processors busy.
  for (const pair of pairs) {
    files.push(await compareDebFiles(pair.left, pair.right).catch(throwUnreadable));
  }
  return {
    equal: files.every(({ equal }) => equal) && onlyLeft.length + onlyRight.length === 0,
    files,
    onlyLeft: onlyLeft.map((path) => basename(path)),
    onlyRight: onlyRight.map((path) => basename(path)),
  };
}

async function findDebs(place: string): Promise<string[]> {
  const found = await stat(place).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
  });
  if (found === undefined) throw noPackage(place, 'there is no such file or folder');
  if (found.isFile() && !place.endsWith('.changes')) return [place];
  // A package is read from several places at once.
  if (!found.isFile() && !found.isDirectory()) throw noPackage(place, 'it is neither a file nor a folder');
  const [names, folder] = found.isDirectory()
    ? [await readdir(place), place]
    : [await filesOf(place).catch(throwUnreadable), dirname(place)];
  const debs = names.filter((name) => /\.u?deb$/.test(name)).map((name) => join(folder, name));
  if (debs.length === 0) throw noPackage(place, found.isDirectory() ? 'no .deb is in it' : 'it lists no .deb');
  return debs;
}

async function filesOf(changes: string): Promise<string[]> {
  return parseChanges(await readFile(changes, 'utf8'), changes).files.map(({ name }) => name);
}

function noPackage(place: string, state: string): SheafError {
  return new SheafError('no-such-package', `Cannot compare ${place}: ${state}`, {
    kind: 'usage',
    hint: 'Name two .deb files, or two folders or .changes files with some beside them.',
    place: { file: place },
  });
}

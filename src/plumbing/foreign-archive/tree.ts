/** A published archive on this machine's disk, made by whatever program: `dists/` and the files that its indexes name. */
import { createReadStream } from 'node:fs';
import { open, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';

import { SheafError } from '../../kit/error.ts';
import { isFolder } from '../is-folder.ts';

export type ForeignTree = {
  /** The folder as somebody named it. */
  readonly directory: string;
  readonly suites: readonly FoundSuite[];
  /** Undefined when it is not there. Throws `foreign-file` for what is no file, too large, or outside of the archive. */
  readonly read: (path: string, limit: number) => Promise<Uint8Array | undefined>;
  /** Bytes of a file, undefined when it is not there. Throws `foreign-file`. */
  readonly size: (path: string) => Promise<number | undefined>;
  /** The bytes of a file. Throws `foreign-file`. */
  readonly stream: (path: string) => AsyncIterable<Uint8Array>;
};

export type FoundSuite = {
  /** Below `dists/`. */
  readonly name: string;
  /** Links to it there. */
  readonly aliases: readonly string[];
};

/** `dists/stable/updates/…` is the deepest there ever was. */
const deepest = 3;
const mostFolders = 2000;

/** Throws `no-such-folder`, `flat-archive`, `not-an-archive`. */
export async function openForeignTree(directory: string): Promise<ForeignTree> {
  const root = await realpath(directory).catch(() => undefined);
  if (root === undefined || !(await stat(root)).isDirectory()) {
    throw new SheafError('no-such-folder', `Cannot import ${directory}: there is no such folder`, { kind: 'usage' });
  }
  if (!(await isFolder(join(root, 'dists')))) throw await noArchive(directory, root);
  // Large pools often lie on a disk of their own, behind a link in the archive's folder.
  const pool = await realpath(join(root, 'pool')).catch(() => root);
  const resolve = (path: string) => resolveInside([root, pool], root, path);
  return {
    directory,
    suites: await findSuites(join(root, 'dists')),
    read: async (path, limit) => {
      const file = await resolve(path);
      if (file === undefined) return undefined;
      if (file.size > limit) throw refused(path, `it has ${file.size} bytes, at most ${limit} are read`);
      return readFile(file.path);
    },
    size: async (path) => (await resolve(path))?.size,
    stream: (path) => streamOf(path, resolve),
  };
}

async function* streamOf(
  path: string,
  resolve: (path: string) => Promise<{ readonly path: string } | undefined>,
): AsyncGenerator<Uint8Array> {
  const file = await resolve(path);
  if (file === undefined) throw refused(path, 'it is not there any more');
  yield* createReadStream(file.path, { highWaterMark: 2 ** 20 }) as AsyncIterable<Uint8Array>;
}

async function resolveInside(
  folders: readonly string[],
  root: string,
  path: string,
): Promise<{ readonly path: string; readonly size: number } | undefined> {
  let real: string;
  try {
    real = await realpath(join(root, path));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw refused(path, (error as Error).message);
  }
  if (!folders.some((folder) => real.startsWith(folder + sep)))
    throw refused(path, `it leads out of the archive, to ${real}`);
  const facts = await stat(real);
  if (!facts.isFile()) throw refused(path, 'it is not a file');
  const handle = await open(real, 'r').catch((error: Error) => {
    throw refused(path, error.message);
  });
  await handle.close();
  return { path: real, size: facts.size };
}

function refused(path: string, state: string): SheafError {
  return new SheafError('foreign-file', `Cannot read ${path}: ${state}`, { place: { file: path } });
}

/** Folders with a Release file; links to one are other names of it. A suite may lie in another's: `stable/updates`. */
async function findSuites(dists: string): Promise<readonly FoundSuite[]> {
  const found = new Map<string, { name: string; linked: boolean; aliases: string[] }>();
  const waiting = [''];
  const suites = new Set<string>();
  let looked = 0;
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    for (const entry of (await readdir(join(dists, next), { withFileTypes: true })).toSorted(byName)) {
      const name = next === '' ? entry.name : `${next}/${entry.name}`;
      const path = join(dists, name);
      const linked = entry.isSymbolicLink();
      if ((!linked && !entry.isDirectory()) || !(await isFolder(path))) continue;
      if (++looked > mostFolders) return toSuites(found.values());
      if (!(await hasRelease(path))) {
        // Below the components of a suite lie Release files of its architectures.
        if (!linked && name.split('/').length < deepest && !suites.has(next)) waiting.push(name);
        continue;
      }
      if (!linked) {
        suites.add(name);
        waiting.push(name);
      }
      const real = await realpath(path);
      const other = found.get(real);
      if (other === undefined) found.set(real, { name, linked, aliases: [] });
      else if (other.linked && !linked) found.set(real, { name, linked, aliases: [...other.aliases, other.name] });
      else other.aliases.push(name);
    }
  }
  return toSuites(found.values());
}

function toSuites(found: Iterable<FoundSuite>): FoundSuite[] {
  return [...found].map(({ name, aliases }) => ({ name, aliases })).toSorted(byName);
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : 1;
}

async function hasRelease(folder: string): Promise<boolean> {
  return (await isThere(join(folder, 'InRelease'))) || (await isThere(join(folder, 'Release')));
}

async function noArchive(directory: string, root: string): Promise<SheafError> {
  const has = async (...names: readonly string[]) => {
    for (const name of names) if (await isThere(join(root, name))) return true;
    return false;
  };
  if (await has('Packages', 'Packages.gz', 'Packages.xz', 'Packages.bz2')) {
    return new SheafError('flat-archive', `Cannot import ${directory}: it is a flat archive, without dists/`, {
      hint: 'Its packages come in as an upload: sheaf suite include SUITE --unsigned --without-source FILE…; clients then need another line than "./".',
    });
  }
  const other = (await has('conf/distributions')) ? 'reprepro' : (await has('public', 'db')) ? 'aptly' : undefined;
  return new SheafError('not-an-archive', `Cannot import ${directory}: it has no folder dists/`, {
    kind: 'usage',
    hint:
      other === undefined
        ? 'Name the folder that clients have in their sources, the one that holds dists/ and pool/.'
        : `It looks like a folder of ${other}: sheaf import ${other} ${directory}`,
  });
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/**
 * Indexes that somebody saved, as they lie on the disk: a tree, a folder of dated trees, or a git repository with one
 * state of the tree per commit. Only files whose names are those of indexes and Release files are listed.
 */
import { createHash } from 'node:crypto';
import { opendir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, join, sep } from 'node:path';

import { hashOfId, parseTree } from '../formats/git/mod.ts';
import { SheafError } from '../kit/error.ts';
import { parseObjectId, type ObjectId } from '../model/names.ts';
import { gitArguments, gitEnvironment } from './git/command.ts';
import { CatFile } from './git/objects.ts';
import { isFolder } from './is-folder.ts';
import { runChecked } from './process.ts';

/** One state of a tree of indexes. */
export type SavedTree = {
  /** For people: the folder, or the repository with a commit. */
  readonly label: string;
  /** What the folder's name or the commit says of its time. */
  readonly date: Date | undefined;
  /** Relative names with `/`, sorted. */
  readonly paths: readonly string[];
  /** The bytes as they are. Throws `saved-file-too-large`, `saved-file-missing`. */
  readonly read: (path: string, limit: number) => Promise<Uint8Array>;
};

export type SavedTrees = {
  /** How many there are at most: commits that change no index are passed over. */
  readonly count: number;
  /** Oldest first, as far as they are dated. */
  readonly trees: AsyncIterable<SavedTree>;
  readonly close: () => Promise<void>;
};

const wanted =
  /^(?:InRelease|Release|Release\.gpg|(?:Packages|Sources|Contents-[^/]+|Translation-[^/]+?)(?:\.[a-z0-9]{1,4})?)$/;
const mostFiles = 200_000;
const deepest = 12;

/** Throws `no-such-folder`, `git-failed`. Close what comes back. */
export async function openSavedTrees(directory: string): Promise<SavedTrees> {
  const root = await realpath(directory).catch(() => undefined);
  if (root === undefined || !(await stat(root)).isDirectory()) {
    throw new SheafError('no-such-folder', `Cannot import ${directory}: there is no such folder`, { kind: 'usage' });
  }
  for (const repository of [join(root, '.git'), root]) {
    if (await isRepository(repository)) return openRepository(directory, repository);
  }
  const folders = await datedFolders(root);
  // What lies beside the dated folders is a tree too.
  const rest = await openFolder(root, directory, undefined, new Set(folders.map(({ name }) => name)));
  async function* trees(): AsyncGenerator<SavedTree> {
    if (rest.paths.length > 0 || folders.length === 0) yield rest;
    for (const { name, date } of folders) yield openFolder(join(root!, name), join(directory, name), date);
  }
  return { count: folders.length + (rest.paths.length > 0 ? 1 : 0), trees: trees(), close: async () => {} };
}

function isWanted(path: string): boolean {
  const name = basename(path);
  // apt's own lists: the whole address is the name.
  const listed = name.lastIndexOf('_');
  return wanted.test(name) || (name.includes('_dists_') && wanted.test(name.slice(listed + 1)));
}

/**
 * `2026-01-31`, `20260131`, `20260131T120000Z`, `2026-01-31T12:00:00Z`, `2026-01-31_12-00`: a moment, UTC; undefined
 * for what is no date of the calendar.
 */
export function parseDatedName(name: string): Date | undefined {
  const match =
    /^(\d{4})(-?)(\d\d)\2(\d\d)(?:[T_. -](\d\d)[:.-]?(\d\d)(?:[:.-]?(\d\d))?)?Z?$/.exec(name) ??
    /^(\d{4})()(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z?$/.exec(name);
  if (match === null) return undefined;
  const [year, , month, day, hour = '00', minute = '00', second = '00'] = match.slice(1);
  const date = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  // A 31 February rolls over into March.
  return Number.isNaN(date.getTime()) || date.getUTCDate() !== Number(day) ? undefined : date;
}

async function datedFolders(root: string): Promise<{ name: string; date: Date }[]> {
  const found: { name: string; date: Date }[] = [];
  for await (const entry of await opendir(root)) {
    const date = parseDatedName(entry.name);
    if (date === undefined) continue;
    if (await isFolder(join(root, entry.name))) {
      found.push({ name: entry.name, date });
    }
  }
  return found.toSorted((a, b) => a.date.getTime() - b.date.getTime() || (a.name < b.name ? -1 : 1));
}

async function openFolder(
  root: string,
  label: string,
  date: Date | undefined,
  skip: ReadonlySet<string> = new Set(),
): Promise<SavedTree> {
  const real = await realpath(root);
  const paths: string[] = [];
  // A whole mirror is mostly pool.
  const hasDists = await isFolder(join(real, 'dists'));
  await walk(real, hasDists ? 'dists' : '', { paths, skip });
  return {
    ...{ label, date, paths: paths.toSorted() },
    read: async (path, limit) => {
      const file = await realpath(join(real, path));
      if (!file.startsWith(real + sep)) throw missing(join(label, path), 'it is a link that leads out of the folder');
      const { size } = await stat(file);
      if (size > limit) throw tooLarge(join(label, path), size, limit);
      return readFile(file);
    },
  };
}

type Walk = { readonly paths: string[]; readonly skip: ReadonlySet<string> };

/** Links to files are followed, links to folders are not: what they lead to has its own name here, or is elsewhere. */
async function walk(root: string, below: string, { paths, skip }: Walk): Promise<void> {
  if (below.split('/').length > deepest) return;
  for await (const entry of await opendir(join(root, below))) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) {
      if (entry.name !== 'by-hash' && entry.name !== '.git' && !(below === '' && skip.has(entry.name))) {
        await walk(root, path, { paths, skip });
      }
    } else if ((entry.isFile() || entry.isSymbolicLink()) && isWanted(entry.name)) {
      if (entry.isSymbolicLink() && (await stat(join(root, path)).catch(() => undefined))?.isFile() !== true) continue;
      paths.push(path);
    }
    if (paths.length > mostFiles) {
      throw new SheafError('too-many-files', `Cannot import ${root}: it has more than ${mostFiles} index files`);
    }
  }
}

async function isRepository(directory: string): Promise<boolean> {
  const kinds = await Promise.all(
    ['HEAD', 'objects', 'refs'].map((name) => stat(join(directory, name)).catch(() => undefined)),
  );
  return kinds[0]?.isFile() === true && kinds[1]?.isDirectory() === true && kinds[2]?.isDirectory() === true;
}

/** Along the first parents of HEAD, oldest first. */
async function openRepository(label: string, directory: string): Promise<SavedTrees> {
  const env = gitEnvironment(process.env);
  const log = ['log', '--reverse', '--first-parent', '--format=%H %T %ct', 'HEAD', '--'];
  const text = await runChecked(['git', ...gitArguments([`--git-dir=${directory}`, ...log])], {
    env,
    limit: 256 * 2 ** 20,
  }).catch((error: unknown) => {
    throw new SheafError(
      'git-failed',
      `Cannot import ${label}: git cannot list its commits: ${(error as Error).message}`,
      {
        cause: error,
        hint: 'The history of HEAD is what is read: a repository without commits has none.',
      },
    );
  });
  const commits = text
    .trim()
    .split('\n')
    .filter((line) => line !== '');
  const objects = new CatFile(directory, env);
  const read = async (id: ObjectId, name: string, limit: number) => {
    const info = await objects.info(id);
    if (info !== undefined && info.size > limit) throw tooLarge(name, info.size, limit);
    const { bytes } = await objects.read(id, limit);
    return (await readLargeFile(directory, bytes, name, limit)) ?? bytes;
  };
  async function* trees(): AsyncGenerator<SavedTree> {
    const listTree = treeLister(objects);
    let before = '';
    for (const line of commits) {
      const [commit = '', tree = '', seconds] = line.split(' ');
      const files = await listTree(parseObjectId(tree));
      const now = JSON.stringify(files);
      if (now === before) continue;
      before = now;
      const ids = new Map(files);
      const name = `${label} at ${commit.slice(0, 12)}`;
      yield {
        label: name,
        date: new Date(Number(seconds) * 1000),
        paths: [...ids.keys()].toSorted(),
        read: async (path, limit) => {
          const id = ids.get(path);
          if (id === undefined) throw missing(`${name}: ${path}`, 'the commit has no such file');
          return read(id, `${name}: ${path}`, limit);
        },
      };
    }
  }
  return { count: commits.length, trees: trees(), close: () => objects.close() };
}

type TreeFile = readonly [path: string, id: ObjectId];

/** Lists trees; what is below a folder that has not changed since the commit before is not read again. */
function treeLister(objects: CatFile): (tree: ObjectId) => Promise<readonly TreeFile[]> {
  let known = new Map<string, readonly TreeFile[]>();
  return async (tree) => {
    const next = new Map<string, readonly TreeFile[]>();
    async function list(id: ObjectId, depth: number): Promise<readonly TreeFile[]> {
      const found = next.get(id) ?? known.get(id);
      const files = found ?? (await readTree(id, depth));
      next.set(id, files);
      return files;
    }
    async function readTree(id: ObjectId, depth: number): Promise<readonly TreeFile[]> {
      const { bytes } = await objects.read(id, 64 * 2 ** 20);
      const files: TreeFile[] = [];
      for (const entry of parseTree(bytes, hashOfId(id))) {
        if (entry.kind === 'directory' && depth < deepest && entry.name !== 'by-hash') {
          const below = await list(parseObjectId(entry.id), depth + 1);
          for (const [path, file] of below) files.push([`${entry.name}/${path}`, file]);
        } else if ((entry.kind === 'file' || entry.kind === 'executable') && isWanted(entry.name)) {
          files.push([entry.name, parseObjectId(entry.id)]);
        }
        if (files.length > mostFiles) {
          throw new SheafError('too-many-files', `Cannot import a commit: it has more than ${mostFiles} index files`);
        }
      }
      return files;
    }
    const files = await list(tree, 0);
    // Those below unchanged folders are still needed for the commit after.
    for (const [id, below] of known) if (!next.has(id) && next.size < 10_000) next.set(id, below);
    known = next;
    return files;
  };
}

/** A file that Git LFS keeps beside the repository; undefined for what is no pointer to one. */
async function readLargeFile(directory: string, pointer: Uint8Array, name: string, limit: number) {
  if (pointer.length > 1024) return undefined;
  const match =
    /^version https:\/\/git-lfs\.github\.com\/spec\/v1\n(?:.*\n)*?oid sha256:([0-9a-f]{64})\nsize (\d+)\n/.exec(
      Buffer.from(pointer).toString('latin1'),
    );
  if (match === null) return undefined;
  const [, oid = '', size = '0'] = match;
  if (Number(size) > limit) throw tooLarge(name, Number(size), limit);
  const file = join(directory, 'lfs/objects', oid.slice(0, 2), oid.slice(2, 4), oid);
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw new SheafError('saved-file-missing', `Cannot read ${name}: Git LFS has not fetched it`, {
      hint: 'Fetch the files of all commits first: git lfs fetch --all',
      cause,
    });
  });
  if (createHash('sha256').update(bytes).digest('hex') !== oid) throw missing(name, 'the copy of Git LFS is damaged');
  return bytes;
}

function missing(name: string, state: string): SheafError {
  return new SheafError('saved-file-missing', `Cannot read ${name}: ${state}`);
}

function tooLarge(name: string, size: number, limit: number): SheafError {
  return new SheafError('saved-file-too-large', `Cannot read ${name}: it has ${size} bytes, more than ${limit}`);
}

/**
 * Packages and Sources on the disk: one file, a folder of such files (as apt keeps them), or a `dists` tree. Compressed or
 * not; what a file is, is told by what it holds, not by its name.
 */
import type { Dirent } from 'node:fs';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';

import { binaryHead, sourceHead } from '../formats/deb/index-entry.ts';
import { IndexFields } from '../formats/deb/index-fields.ts';
import { readIndex } from '../formats/deb/index-read.ts';
import { endOfStanza } from '../formats/deb/index-scan.ts';
import { readDirectory, readFilename } from '../formats/deb/index-values.ts';
import { SheafError } from '../kit/error.ts';
import type { PackageEntry } from '../model/index-history.ts';
import { decompressIndex } from './decompress.ts';

export type FileIndex = {
  readonly path: string;
  readonly kind: PackageEntry['kind'];
  /** Which architectures it lists, `all` among them; none for sources, or where it is empty. */
  readonly architectures: readonly string[];
  /** Throws as the readers of indexes do, with file and line. */
  readonly read: () => Promise<readonly PackageEntry[]>;
};

export type IndexFilePort = {
  /**
   * The indexes at a path; undefined when there is nothing, or nothing that is an index. Throws `which-suite` for a tree
   * of several suites.
   */
  readonly find: (path: string) => Promise<readonly FileIndex[] | undefined>;
  /** What is at a path where no index was found; undefined when nothing is. */
  readonly instead: (path: string) => Promise<string | undefined>;
};

/** `has` looks at names only: what a file holds is said when it is read. */
export const indexFiles: IndexFilePort & { readonly has: (path: string) => Promise<boolean> } = {
  find: findIndexFiles,
  has: hasIndexFiles,
  instead: whatIsThere,
};

const largestFile = 256 * 2 ** 20;
const largestIndex = 512 * 2 ** 20;
/** A tree has a hundred indexes or so; what has many more is none. */
const mostFiles = 2000;
/** In the order of how fast they are read. */
const suffixes = ['', '.zst', '.gz', '.xz', '.bz2'];
const indexName = /^(?:.*_)?(Packages|Sources)(\.(?:xz|gz|zst|bz2))?$/;

async function findIndexFiles(path: string): Promise<readonly FileIndex[] | undefined> {
  const { tree, bare } = await listPath(path);
  if (tree.length > 0) return tree;
  return bare.length === 0 ? undefined : Promise.all(bare.map(openBareFile));
}

async function hasIndexFiles(path: string): Promise<boolean> {
  const { tree, bare } = await listPath(path);
  return tree.length + bare.length > 0;
}

async function whatIsThere(path: string): Promise<string | undefined> {
  try {
    const found = await stat(path);
    if (!found.isDirectory()) return 'what is there is neither a file nor a folder';
    await readdir(path);
    return 'the folder there holds no Packages or Sources';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? 'this user may not read it' : undefined;
  }
}

/** The indexes of a tree, or the files that have to be read to know what they are. */
async function listPath(
  path: string,
): Promise<{ readonly tree: readonly FileIndex[]; readonly bare: readonly string[] }> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile() === true) return { tree: [], bare: [path] };
  if (found?.isDirectory() !== true) return { tree: [], bare: [] };
  const dists = await suiteFolders(join(path, 'dists'));
  if (dists.length > 1) throw whichSuite(path, dists);
  const tree = await findTree(dists[0] === undefined ? path : join(path, 'dists', dists[0]), '', 0);
  const bare = tree.length > 0 ? [] : bestNames(await filesIn(path)).map((name) => join(path, name));
  return { tree, bare };
}

/** One name for each suite: `stable` is often a link to the folder of its codename. */
async function suiteFolders(dists: string): Promise<string[]> {
  const names = (await entriesOf(dists)).filter((each) => each.isDirectory() || each.isSymbolicLink());
  const targets = new Map<string, string>();
  // Folders before links to them.
  for (const { name } of names.toSorted((a, b) => Number(a.isSymbolicLink()) - Number(b.isSymbolicLink()))) {
    const target = await realpath(join(dists, name)).catch(() => undefined);
    if (target !== undefined && !targets.has(target)) targets.set(target, name);
  }
  return [...targets.values()].sort();
}

/** `COMPONENT/binary-ARCH/Packages` and `COMPONENT/source/Sources` below a suite's folder; a component may have slashes. */
async function findTree(suite: string, component: string, depth: number): Promise<FileIndex[]> {
  const found: FileIndex[] = [];
  for (const { name } of (await entriesOf(join(suite, component))).filter((each) => !each.isFile())) {
    const folder = join(suite, component, name);
    const architecture = /^binary-([a-z0-9-]+)$/.exec(name)?.[1];
    if (component !== '' && (architecture !== undefined || name === 'source')) {
      const wanted = architecture === undefined ? 'Sources' : 'Packages';
      const best = bestNames(await filesIn(folder)).find((each) => each.startsWith(wanted));
      if (best !== undefined) found.push(treeIndex(join(folder, best), component, architecture));
    } else if (depth < 2 && !['by-hash', 'debian-installer', 'i18n', 'dep11'].includes(name)) {
      found.push(...(await findTree(suite, join(component, name), depth + 1)));
    }
    if (found.length > mostFiles) {
      throw new SheafError('bad-tree', `Cannot read ${suite}: it holds more than ${mostFiles} indexes`);
    }
  }
  return found;
}

function treeIndex(path: string, component: string, architecture: string | undefined): FileIndex {
  const kind = architecture === undefined ? 'source' : 'binary';
  return {
    ...{ path, kind },
    architectures: architecture === undefined ? [] : [architecture],
    read: async () => readEntries(await readBytes(path), kind, path, component),
  };
}

/** A file outside of a tree has to be read before it is known what it is. */
async function openBareFile(path: string): Promise<FileIndex> {
  const bytes = await readBytes(path);
  const kind = kindOf(bytes, path);
  const entries = readEntries(bytes, kind, path, undefined);
  return {
    ...{ path, kind },
    architectures: kind === 'source' ? [] : [...new Set(entries.map(({ architecture }) => architecture))].sort(),
    read: async () => entries,
  };
}

async function readBytes(path: string): Promise<Uint8Array> {
  const { size } = await stat(path);
  if (size > largestFile) {
    throw new SheafError('over-limit', `Cannot read ${path}: it is larger than ${largestFile} bytes`);
  }
  return decompressIndex(await readFile(path), largestIndex, path);
}

/** By the fields of its first stanza; an empty file by its name. */
function kindOf(bytes: Uint8Array, path: string): PackageEntry['kind'] {
  const text = new TextDecoder().decode(bytes.subarray(0, endOfStanza(bytes, 0)));
  if (/^Filename:/im.test(text)) return 'binary';
  if (/^(?:Directory|Checksums-Sha256|Files|Format):/im.test(text)) return 'source';
  return basename(path).includes('Sources') ? 'source' : 'binary';
}

function readEntries(
  bytes: Uint8Array,
  kind: PackageEntry['kind'],
  file: string,
  component: string | undefined,
): PackageEntry[] {
  const read = kind === 'binary' ? readBinary : readSource;
  return [...readIndex(bytes, new IndexFields(file, true), {}, (fields) => read(fields, component))];
}

function readBinary(fields: IndexFields, component: string | undefined): PackageEntry {
  return { kind: 'binary', ...binaryHead(fields), component: component ?? poolComponent(readFilename(fields)) };
}

function readSource(fields: IndexFields, component: string | undefined): PackageEntry {
  const directory = () => `${readDirectory(fields) ?? ''}/`;
  return { kind: 'source', ...sourceHead(fields), component: component ?? poolComponent(directory()) };
}

/** `pool/main/h/hello/…`: what archives of one layout call their pools; empty where that says nothing. */
function poolComponent(filename: string | undefined): string {
  return /^pool\/(?:updates\/)?((?!lib.\/)[a-z][a-z-]{3,})\//.exec(filename ?? '')?.[1] ?? '';
}

/** Of each index, the name that is read fastest. */
function bestNames(names: readonly string[]): string[] {
  const found = new Map<string, string>();
  for (const name of names) {
    const suffix = indexName.exec(name)?.[2] ?? '';
    const index = name.slice(0, name.length - suffix.length);
    const other = found.get(index);
    const rank = (each: string) => suffixes.indexOf(each.slice(index.length));
    if (indexName.test(name) && (other === undefined || rank(name) < rank(other))) found.set(index, name);
  }
  return [...found.values()].sort();
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await entriesOf(folder);
  return entries.filter((each) => each.isFile() || each.isSymbolicLink()).map(({ name }) => name);
}

/** None for what is no folder. */
async function entriesOf(folder: string): Promise<Dirent[]> {
  return readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
    throw error;
  });
}

function whichSuite(path: string, suites: readonly string[]): SheafError {
  const paths = suites.slice(0, 10).map((suite) => join(path, 'dists', suite));
  return new SheafError('which-suite', `Cannot compare ${path}: it is a tree of ${suites.length} suites`, {
    kind: 'usage',
    hint: `Name one of them: ${paths.join(', ')}${suites.length > 10 ? ', …' : ''}`,
  });
}

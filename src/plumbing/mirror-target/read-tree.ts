/** A published tree as it is on the disk. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

import { parseSha256, type Sha256 } from '../../kit/digest.ts';
import type { TreeEntry } from '../../model/mirror.ts';

/**
 * Everything below a repository's folder, without names that are still being written. Pointers are read first and the
 * pool last: what a snapshot names was there before a pointer led to it, so a publication at the same time does no harm.
 */
export async function readTree(root: string): Promise<TreeEntry[]> {
  const found: TreeEntry[] = [];
  const first = ['dists', 'snapshot', 'by-hash'];
  for (const name of first) await walk(root, name, found);
  const others = await list(root);
  for (const { name } of others) if (!first.includes(name) && name !== 'pool') await walk(root, name, found);
  await walk(root, 'pool', found);
  const folders = new Set(found.map(({ path }) => path.split('/').slice(0, 3).join('/')));
  return found.filter((entry) => {
    const [, suite] = /^snapshot\/([^/]+)\/\d+$/.exec(entry.path) ?? [];
    return entry.kind === 'file' || suite === undefined || folders.has(`snapshot/${suite}/${entry.target}`);
  });
}

/** Only the pointers and the numbers of snapshots: what says how new everything is. */
export async function readPointers(root: string): Promise<TreeEntry[]> {
  const found: TreeEntry[] = [];
  await walk(root, 'dists', found);
  for (const { name: suite } of await list(join(root, 'snapshot'))) {
    for (const { name } of await list(join(root, 'snapshot', suite))) {
      if (/^\d+$/.test(name)) await walk(root, `snapshot/${suite}/${name}`, found);
    }
  }
  return found;
}

async function walk(root: string, path: string, found: TreeEntry[]): Promise<void> {
  if (/\.tmp$|(?:^|\/)\.[^/]*$/.test(path)) return;
  const source = join(root, path);
  const facts = await unlessMissing(lstat(source));
  if (facts === undefined) return;
  if (facts.isSymbolicLink()) found.push({ kind: 'link', path, target: await readlink(source) });
  else if (facts.isFile()) found.push({ kind: 'file', path, source, size: facts.size });
  else if (facts.isDirectory()) {
    for (const { name } of await list(source)) await walk(root, `${path}/${name}`, found);
  }
}

async function list(folder: string): Promise<{ readonly name: string }[]> {
  const entries = (await unlessMissing(readdir(folder, { withFileTypes: true }))) ?? [];
  return entries.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** SHA-256 of a file's bytes. */
export async function hashFile(source: string): Promise<Sha256> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(source, { highWaterMark: 2 ** 18 }), hash);
  return parseSha256(hash.digest('hex'));
}

/** Undefined instead of a failure when there is nothing of this name. */
export async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

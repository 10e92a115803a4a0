/**
 * A published repository as plain files in another folder, which any static server or `file:` can serve. Files first,
 * then whole snapshots, the pointers last: who reads it meanwhile has one consistent suite, the old or the new.
 *
 *     DIR/REPOSITORY/pool/…                        what the exported snapshots name
 *                    by-hash/SHA256/…
 *                    snapshot/SUITE/ID/dists/…
 *                    dists/SUITE → ../snapshot/SUITE/ID/dists/SUITE
 *                    key.asc, key.gpg
 */
import { dirname, join } from 'node:path';

import { repositoryDirectory } from '../archive/mod.ts';
import { readPackagesIndex } from '../formats/deb/packages-index.ts';
import { parseRelease, type ReleaseFile } from '../formats/deb/release.ts';
import { readSourcesIndex } from '../formats/deb/sources-index.ts';
import { diskFull, isDiskFull } from '../kit/disk-full.ts';
import { SheafError } from '../kit/error.ts';
import type { Distribution } from '../model/distribution.ts';
import { isSnapshotId, type Label, type SnapshotId, type SuiteName } from '../model/names.ts';
import type { ExportTree } from '../plumbing/export-tree.ts';

export type ExportDeps = {
  readonly distribution: Pick<Distribution, 'repositories' | 'suites'>;
  /** The folder that holds one archive tree for each repository. */
  readonly directory: string;
  readonly tree: ExportTree;
  readonly gunzip: (bytes: Uint8Array, limit: number) => Uint8Array;
};

export type ExportOptions = {
  /** All of them when it is not said. */
  readonly repository?: Label | undefined;
  /** Every suite as it was at this moment; otherwise as it is. */
  readonly at?: SnapshotId | undefined;
  /** Takes away what no exported snapshot needs, and snapshots that are not exported now. */
  readonly remove?: boolean;
  readonly onProgress?: (what: string, done: number, total: number) => void;
  readonly signal?: AbortSignal;
};

export type ExportedRepository = {
  readonly repository: Label;
  readonly suites: readonly { readonly suite: SuiteName; readonly snapshotId: SnapshotId }[];
  /** Packages, sources and indexes by their hash that the suites need. */
  readonly files: number;
  /** Those that were not there before; `copied` of them, since hard links are not possible. */
  readonly added: number;
  readonly copied: number;
  /** Bytes of the added ones. */
  readonly bytes: number;
  readonly removed: number;
};

/** Names the folder as ours: what somebody else put somewhere is never mixed with, or taken away. */
const marker = '.sheaf-export';

/** Who holds this file's lock fills the folder. */
const lock = '.sheaf-export.lock';

/** Copies grow here and are then renamed; what a killed run has left goes with the next one. */
const workshop = '.sheaf-export.tmp';

/**
 * Adds to `target` what it lacks; run again after each publication. Throws `not-an-export` when a folder is somebody
 * else's, `file-missing` when the archive lacks a file that its index names, `no-links` where there are no symbolic links,
 * `nothing-published`, `unknown-repository`.
 */
export async function exportArchive(
  deps: ExportDeps,
  target: string,
  options: ExportOptions = {},
): Promise<ExportedRepository[]> {
  const repositories = [...deps.distribution.repositories.keys()].filter(
    (name) => options.repository === undefined || name === options.repository,
  );
  if (repositories.length === 0) {
    throw new SheafError('unknown-repository', `Cannot export repository "${options.repository}": there is none`, {
      kind: 'usage',
      hint: `There are: ${[...deps.distribution.repositories.keys()].join(', ')}`,
    });
  }
  const done: ExportedRepository[] = [];
  try {
    for (const repository of repositories) {
      const exported = await exportRepository(deps, repository, join(target, repository), options);
      if (exported !== undefined) done.push(exported);
    }
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    throw await diskFull('export', { directory: target, needs: 'what is there stays as it was' }, error);
  }
  if (done.length === 0) {
    const when = options.at === undefined ? '' : ` at ${options.at}`;
    throw new SheafError('nothing-published', `Cannot export to ${target}: nothing was published${when}`);
  }
  return done;
}

type Chosen = { readonly suite: SuiteName; readonly snapshotId: SnapshotId };

async function exportRepository(
  deps: ExportDeps,
  repository: Label,
  target: string,
  options: ExportOptions,
): Promise<ExportedRepository | undefined> {
  const { tree } = deps;
  const root = repositoryDirectory(deps.directory, repository);
  if ((await chooseSnapshots(deps, repository, root, options.at)).length === 0) return undefined;
  await tree.checkApart(root, target);
  await claim(tree, target);
  // An older run that ended last would lead clients back, or take away what a newer one has brought.
  const waits = setTimeout(() => options.onProgress?.(`Waiting for another export into ${target}`, 0, 1), 1000);
  const work = async () => {
    clearTimeout(waits);
    try {
      await prepare(tree, target);
      return await fill(deps, repository, root, target, options);
    } finally {
      await tree.remove(join(target, workshop));
    }
  };
  try {
    return await tree.alone(join(target, lock), work, options.signal);
  } finally {
    clearTimeout(waits);
  }
}

async function fill(
  deps: ExportDeps,
  repository: Label,
  root: string,
  target: string,
  options: ExportOptions,
): Promise<ExportedRepository> {
  const { tree } = deps;
  const chosen = await chooseSnapshots(deps, repository, root, options.at);
  const needed = new Set<string>();
  for (const snapshot of chosen) for (const path of await filesOf(deps, root, snapshot)) needed.add(path);

  const count = { files: 0, added: 0, copied: 0, bytes: 0 };
  const directories = new Set<string>();
  const carry = async (path: string) => {
    const outcome = await tree.carry(join(root, path), join(target, path), join(target, workshop));
    count.files++;
    if (outcome.kind === 'there') return;
    count.added++;
    count.bytes += outcome.bytes;
    if (outcome.kind === 'copied') count.copied++;
    for (let at = path; at.includes('/');) {
      at = at.slice(0, at.lastIndexOf('/'));
      directories.add(join(target, at));
    }
    directories.add(target);
  };
  const paths = [...needed];
  const step = 64;
  for (let start = 0; start < paths.length; start += step) {
    options.signal?.throwIfAborted();
    options.onProgress?.(`Exporting ${repository}`, start, paths.length);
    await Promise.all(paths.slice(start, start + step).map(carry));
  }
  options.onProgress?.(`Exporting ${repository}`, paths.length, paths.length);
  for (const directory of directories) await tree.sync(directory);

  for (const snapshot of chosen) await placeSnapshot(tree, root, target, snapshot);
  for (const { name, kind } of await tree.list(root)) {
    if (kind === 'file' && !name.endsWith('.tmp'))
      await tree.place(join(target, name), (await tree.readBytes(join(root, name)))!);
  }
  await point(tree, root, target, chosen);
  const removed = options.remove === true ? await removeOthers(tree, target, chosen, needed) : 0;
  return { repository, suites: chosen, ...count, removed };
}

/** A folder that is new, empty or an export of ours, and not inside another one. */
async function claim(tree: ExportTree, target: string): Promise<void> {
  const around = dirname(target);
  if ((await tree.list(around)).some(({ name }) => name === marker)) {
    throw new SheafError('not-an-export', `Cannot export into ${target}: ${around} is an exported repository itself`, {
      kind: 'usage',
      place: { file: around },
      hint: `Name the folder that it is in: ${dirname(around)}`,
    });
  }
  const entries = await tree.list(target);
  if (entries.some(({ name }) => name === marker)) return;
  if (entries.length > 0) {
    throw new SheafError('not-an-export', `Cannot export into ${target}: it holds files that no export put there`, {
      kind: 'usage',
      place: { file: target },
      hint: 'Name a folder that is new or empty, or one of an earlier export.',
    });
  }
  await tree.makeDirectory(target);
  await tree.place(join(target, marker), 'Written by: sheaf archive export. The whole folder is its own.\n');
}

/** What a killed run has left goes, and what cannot be finished does not begin. */
async function prepare(tree: ExportTree, target: string): Promise<void> {
  await tree.remove(join(target, workshop));
  await tree.makeDirectory(join(target, workshop));
  const snapshots = (await tree.list(join(target, 'snapshot'))).map(({ name }) => join('snapshot', name));
  for (const folder of ['', 'dists', ...snapshots]) {
    for (const { name } of await tree.list(join(target, folder))) {
      if (leftover.test(name)) await tree.remove(join(target, folder, name));
    }
  }
  await tree.checkLinks(join(target, workshop), target);
}

/** As `place`, `symlink` and a staged snapshot are called until they are whole. */
const leftover = /\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.tmp$/;

async function chooseSnapshots(
  { distribution, tree }: ExportDeps,
  repository: Label,
  root: string,
  at: SnapshotId | undefined,
): Promise<Chosen[]> {
  const chosen: Chosen[] = [];
  for (const { name: suite, repository: its } of distribution.suites.values()) {
    if (its !== repository) continue;
    const entries = await tree.list(join(root, 'snapshot', suite));
    const ids = entries.map(({ name }) => name).filter(isSnapshotId);
    const [snapshotId] =
      at === undefined
        ? [await newest(tree, root, suite)]
        : ids
            .filter((id) => id <= at)
            .toSorted()
            .slice(-1);
    if (snapshotId !== undefined) chosen.push({ suite, snapshotId });
  }
  return chosen;
}

/** Where the pointer leads: what clients see now. */
async function newest(tree: ExportTree, root: string, suite: SuiteName): Promise<SnapshotId | undefined> {
  const id = /^\.\.\/snapshot\/[^/]+\/([^/]+)\//.exec((await tree.readLink(join(root, 'dists', suite))) ?? '')?.[1];
  return id !== undefined && isSnapshotId(id) ? id : undefined;
}

function releaseDirectory({ suite, snapshotId }: Chosen): string {
  return join('snapshot', suite, snapshotId, 'dists', suite);
}

/** Every file that the snapshot needs beside its own folder: packages, sources, and indexes by their hash. */
async function filesOf(deps: ExportDeps, root: string, snapshot: Chosen): Promise<Set<string>> {
  const { tree } = deps;
  const directory = join(root, releaseDirectory(snapshot));
  const release = parseRelease(new TextDecoder().decode(await mustRead(tree, join(directory, 'Release'))), 'Release');
  const paths = new Set<string>();
  for (const file of release.files) {
    const byHash = join('by-hash', 'SHA256', file.sha256);
    if (await tree.exists(join(root, byHash))) paths.add(byHash);
    const kind = /\/(Packages|Sources)$/.exec(file.path)?.[1];
    if (kind === undefined) continue;
    const index = await readIndex(deps, directory, file);
    if (kind === 'Packages') {
      for (const { filename } of readPackagesIndex(index, file.path)) add(paths, filename);
    } else {
      for (const source of readSourcesIndex(index, file.path)) {
        for (const { name } of source.files) add(paths, `${source.directory}/${name}`);
      }
    }
  }
  return paths;
}

/** Indexes were checked when they were written; still nothing that one names may lie outside, or among the indexes. */
function add(paths: Set<string>, path: string | undefined): void {
  if (path === undefined) return;
  const parts = path.split('/');
  const outside = parts.some((part) => part === '' || part === '.' || part === '..') || parts.length < 2;
  if (outside || ['dists', 'snapshot', 'by-hash'].includes(parts[0]!)) {
    throw new SheafError('bad-path', `Cannot export "${path.slice(0, 200)}": it is no place for a package`);
  }
  paths.add(path);
}

async function readIndex(deps: ExportDeps, directory: string, file: ReleaseFile): Promise<Uint8Array> {
  const packed = await deps.tree.readBytes(join(directory, `${file.path}.gz`));
  if (packed !== undefined) return deps.gunzip(packed, Math.max(file.size, 1));
  return mustRead(deps.tree, join(directory, file.path));
}

async function mustRead(tree: ExportTree, path: string): Promise<Uint8Array> {
  const bytes = await tree.readBytes(path);
  if (bytes !== undefined) return bytes;
  throw new SheafError('file-missing', `Cannot export: ${path} is not there`, {
    kind: 'environment',
    place: { file: path },
    hint: 'Restore the archive folder from a copy.',
  });
}

/** A snapshot's folder appears whole or not at all. */
async function placeSnapshot(
  tree: ExportTree,
  root: string,
  target: string,
  { suite, snapshotId }: Chosen,
): Promise<void> {
  const folder = join('snapshot', suite, snapshotId);
  const place = join(target, folder);
  if (!(await tree.exists(place))) {
    const staged = `${place}.${tree.unique()}.tmp`;
    try {
      await carryFolder(tree, join(root, folder), staged, join(target, workshop));
      await tree.renameUnlessThere(staged, place);
    } finally {
      await tree.remove(staged);
    }
    await tree.sync(join(target, 'snapshot', suite));
  }
  for (const { name, kind } of await tree.list(join(root, 'snapshot', suite))) {
    const link = join('snapshot', suite, name);
    if (kind === 'link' && (await tree.readLink(join(root, link))) === snapshotId) {
      await tree.symlink(snapshotId, join(target, link));
    }
  }
}

async function carryFolder(tree: ExportTree, from: string, to: string, by: string): Promise<void> {
  await tree.makeDirectory(to);
  for (const { name, kind } of await tree.list(from)) {
    const [source, place] = [join(from, name), join(to, name)];
    if (kind === 'folder') await carryFolder(tree, source, place, by);
    else if (kind === 'link') await tree.symlink((await tree.readLink(source))!, place);
    else await tree.carry(source, place, by);
  }
  await tree.sync(to);
}

/** The suites' pointers, and the links beside them that give one another name. */
async function point(tree: ExportTree, root: string, target: string, chosen: readonly Chosen[]): Promise<void> {
  const dists = join(target, 'dists');
  await tree.makeDirectory(dists);
  for (const snapshot of chosen) {
    const goal = `../${releaseDirectory(snapshot)}`;
    const place = join(dists, snapshot.suite);
    if ((await tree.readLink(place)) !== goal) await tree.symlink(goal, place);
  }
  for (const { name, kind } of await tree.list(join(root, 'dists'))) {
    const goal = kind === 'link' ? await tree.readLink(join(root, 'dists', name)) : undefined;
    if (goal !== undefined && chosen.some(({ suite }) => suite === goal)) await tree.symlink(goal, join(dists, name));
  }
  await tree.sync(dists);
}

/** Pointers go first and files last, so that nothing ever leads to what is gone. */
async function removeOthers(
  tree: ExportTree,
  target: string,
  chosen: readonly Chosen[],
  needed: ReadonlySet<string>,
): Promise<number> {
  let removed = 0;
  const take = async (path: string) => {
    await tree.remove(join(target, path));
    removed++;
  };
  const kept = new Map(chosen.map(({ suite, snapshotId }) => [suite as string, snapshotId as string]));
  for (const { name, kind } of await tree.list(join(target, 'dists'))) {
    const goal = kind === 'link' ? await tree.readLink(join(target, 'dists', name)) : undefined;
    if (!kept.has(name) && !kept.has(goal ?? '')) await take(join('dists', name));
  }
  for (const { name: suite } of await tree.list(join(target, 'snapshot'))) {
    for (const { name, kind } of await tree.list(join(target, 'snapshot', suite))) {
      const path = join('snapshot', suite, name);
      const id = kind === 'link' ? await tree.readLink(join(target, path)) : name;
      if (id !== kept.get(suite)) await take(path);
    }
  }
  for (const folder of ['by-hash', 'pool']) {
    const walk = async (path: string): Promise<void> => {
      for (const { name, kind } of await tree.list(join(target, path))) {
        const each = join(path, name);
        if (kind === 'folder') await walk(each);
        else if (!needed.has(each)) await take(each);
      }
      await tree.removeIfEmpty(join(target, path));
    };
    await walk(folder);
  }
  return removed;
}

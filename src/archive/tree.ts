/**
 * Writing one snapshot. Nothing here is seen by a client: files in the pool and by hash are not named by any index
 * before the snapshot is in place, and the snapshot itself is written under a name that is not served.
 */
import { dirname, join } from 'node:path';

import { formatRelease, type ReleaseFile } from '../formats/deb/release.ts';
import { sha256, type Sha256 } from '../kit/digest.ts';
import type { Suite } from '../model/distribution.ts';
import type { Content } from './content.ts';
import { formatIndexes, type IndexFile } from './index-files.ts';
import { byHashTarget, type SuitePaths } from './layout.ts';
import type { ArchiveDeps } from './ports.ts';
import { listedFiles, releaseFields } from './release.ts';
import { snapshotIdTime, type SnapshotTime } from './snapshot-time.ts';

export type NewTree = {
  readonly suite: Suite;
  readonly paths: SuitePaths;
  readonly content: Content;
  readonly time: SnapshotTime;
  readonly validUntil: Date;
  /** The Release before this one: indexes that did not change are not compressed again. */
  readonly previousRelease: string | undefined;
};

/** Hash of the InRelease file. When this returns, everything is on the disk for good. */
export async function writeTree(deps: ArchiveDeps, tree: NewTree): Promise<Sha256> {
  const staged = tree.paths.staged(tree.time.id);
  const suiteDirectory = join(staged, 'dists', tree.suite.name);
  await deps.files.makeDirectory(suiteDirectory);
  await deps.files.makeDirectory(tree.paths.byHash);
  await linkPool(deps, tree);
  const indexes = formatIndexes(tree.suite, tree.content);
  const known = listedFiles(tree.previousRelease);
  const listed = await all(indexes.map((index) => writeIndex(deps, tree, suiteDirectory, index, known)));
  await deps.files.symlink('../../../pool', join(staged, 'pool'));
  if (tree.suite.codename !== tree.suite.name) {
    await deps.files.symlink(tree.suite.name, join(staged, 'dists', tree.suite.codename));
  }
  const inRelease = await writeRelease(deps, tree, suiteDirectory, listed.flat());
  await syncTree(deps, tree, suiteDirectory, indexes);
  return inRelease;
}

/** Files of packages that are new in the suite get their names in the pool. */
async function linkPool(deps: ArchiveDeps, { paths, content }: NewTree): Promise<void> {
  const sources = content.sources
    .filter((source) => source.state === 'PENDING')
    .flatMap((source) =>
      source.files.map((file) => ({ path: `${source.directory}/${file.name}`, digest: file.sha256 })),
    );
  const binaries = content.binaries
    .filter((binary) => binary.state === 'PENDING')
    .map((binary) => ({ path: binary.filename, digest: binary.sha256 as Sha256 }));
  const directories = new Set<string>();
  await deps.files.makeDirectory(join(paths.root, 'pool'));
  for (const { path, digest } of [...sources, ...binaries]) {
    const target = join(paths.root, path);
    const directory = dirname(target);
    if (!directories.has(directory)) await deps.files.makeDirectory(directory);
    directories.add(directory);
    await deps.files.link(deps.blobs.path(digest), target);
  }
  await syncAll(deps, withParents(directories, paths.root));
}

/** An index in its three forms: once by hash for the whole repository, and by name in the snapshot. */
async function writeIndex(
  deps: ArchiveDeps,
  { paths }: NewTree,
  suiteDirectory: string,
  index: IndexFile,
  known: ReadonlyMap<string, ReleaseFile>,
): Promise<ReleaseFile[]> {
  const directory = join(suiteDirectory, index.directory);
  await deps.files.makeDirectory(directory);
  const path = `${index.directory}/${index.name}`;
  const bytes = Buffer.from(index.text);
  const digest = sha256(bytes);
  const before = known.get(path)?.sha256 === digest;
  const { gzip, xz } = deps.compression;
  const forms = await all([
    placeByHash(deps, paths, path, bytes, digest),
    packIndex(deps, paths, `${path}.gz`, before ? known.get(`${path}.gz`) : undefined, () => gzip(bytes)),
    packIndex(deps, paths, `${path}.xz`, before ? known.get(`${path}.xz`) : undefined, () => xz(bytes)),
  ]);
  for (const form of forms) {
    await deps.files.link(join(paths.byHash, form.sha256), join(suiteDirectory, form.path));
  }
  await deps.files.symlink(byHashTarget(index.directory), join(directory, 'by-hash'));
  return forms;
}

/** `same` is the file as it was in the snapshot before, when it holds the same text. */
async function packIndex(
  deps: ArchiveDeps,
  paths: SuitePaths,
  path: string,
  same: ReleaseFile | undefined,
  compress: () => Promise<Uint8Array>,
): Promise<ReleaseFile> {
  if (same !== undefined && (await deps.files.size(join(paths.byHash, same.sha256))) === same.size) return same;
  const packed = await compress();
  return placeByHash(deps, paths, path, packed, sha256(packed));
}

/** A file that is there under its hash is complete: names appear only for whole files. */
async function placeByHash(
  deps: ArchiveDeps,
  paths: SuitePaths,
  path: string,
  bytes: Uint8Array,
  digest: Sha256,
): Promise<ReleaseFile> {
  const place = join(paths.byHash, digest);
  if ((await deps.files.size(place)) !== bytes.length) await deps.files.place(place, bytes);
  return { path, size: bytes.length, sha256: digest };
}

/**
 * Their time of modification is the snapshot's, which is another for each: a client that asks "has it changed since"
 * by the second gets the truth.
 */
async function writeRelease(
  deps: ArchiveDeps,
  { suite, time, validUntil }: NewTree,
  suiteDirectory: string,
  files: readonly ReleaseFile[],
): Promise<Sha256> {
  const text = formatRelease({ ...releaseFields(deps.distribution, suite), date: time.date, validUntil, files });
  const signer = await deps.signer(suite.repository);
  const inRelease = await signer.clearsign(text, time.date);
  const signature = await signer.detach(Buffer.from(text), time.date);
  const modified = snapshotIdTime(time.id);
  await all([
    deps.files.place(join(suiteDirectory, 'Release'), text, modified),
    deps.files.place(join(suiteDirectory, 'Release.gpg'), signature, modified),
    deps.files.place(join(suiteDirectory, 'InRelease'), inRelease, modified),
  ]);
  return sha256(inRelease);
}

async function syncTree(
  deps: ArchiveDeps,
  { paths, time }: NewTree,
  suiteDirectory: string,
  indexes: readonly IndexFile[],
): Promise<void> {
  const directories = new Set([suiteDirectory, ...indexes.map((index) => join(suiteDirectory, index.directory))]);
  const staged = paths.staged(time.id);
  const shared = withParents(new Set([paths.snapshots, paths.byHash]), paths.root);
  await syncAll(deps, [...withParents(directories, staged), ...shared]);
}

/** All at once: the disk then writes its journal few times. */
async function syncAll(deps: ArchiveDeps, directories: readonly string[]): Promise<void> {
  await all(directories.map((directory) => deps.files.sync(directory)));
}

/** The directories, and all between them and `root`, `root` itself too. */
function withParents(directories: ReadonlySet<string>, root: string): string[] {
  const found = new Set<string>([root]);
  for (const start of directories) {
    for (let directory = start; directory.length > root.length; directory = dirname(directory)) found.add(directory);
  }
  return [...found];
}

/** Waits for all, also when one fails: nothing must write on while the caller cleans up. */
async function all<T>(work: readonly Promise<T>[]): Promise<T[]> {
  const results = await Promise.allSettled(work);
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}

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
  for (const directory of withParents(directories, paths.root)) await deps.files.sync(directory);
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
  const plain = { path, size: bytes.length, sha256: sha256(bytes) };
  const before = known.get(path)?.sha256 === plain.sha256;
  const forms: ReleaseFile[] = [plain];
  await placeByHash(deps, paths, plain, bytes);
  for (const [suffix, compress] of [
    ['.gz', deps.compression.gzip],
    ['.xz', deps.compression.xz],
  ] as const) {
    const same = before ? known.get(path + suffix) : undefined;
    if (same !== undefined && (await deps.files.size(join(paths.byHash, same.sha256))) === same.size) {
      forms.push(same);
      continue;
    }
    const packed = await compress(bytes);
    const form = { path: path + suffix, size: packed.length, sha256: sha256(packed) };
    await placeByHash(deps, paths, form, packed);
    forms.push(form);
  }
  for (const form of forms) {
    await deps.files.link(join(paths.byHash, form.sha256), join(suiteDirectory, form.path));
  }
  await deps.files.symlink(byHashTarget(index.directory), join(directory, 'by-hash'));
  return forms;
}

/** A file that is there under its hash is complete: names appear only for whole files. */
async function placeByHash(deps: ArchiveDeps, paths: SuitePaths, file: ReleaseFile, bytes: Uint8Array): Promise<void> {
  const path = join(paths.byHash, file.sha256);
  if ((await deps.files.size(path)) !== file.size) await deps.files.place(path, bytes);
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
  await deps.files.place(join(suiteDirectory, 'Release'), text, modified);
  await deps.files.place(join(suiteDirectory, 'Release.gpg'), signature, modified);
  await deps.files.place(join(suiteDirectory, 'InRelease'), inRelease, modified);
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
  for (const directory of withParents(directories, staged)) await deps.files.sync(directory);
  for (const directory of withParents(new Set([paths.snapshots, paths.byHash]), paths.root)) {
    await deps.files.sync(directory);
  }
}

/** The directories, and all between them and `root`, `root` itself too; the deepest first. */
function withParents(directories: ReadonlySet<string>, root: string): string[] {
  const found = new Set<string>([root]);
  for (const start of directories) {
    for (let directory = start; directory.length > root.length; directory = dirname(directory)) found.add(directory);
  }
  return [...found].toSorted((a, b) => b.length - a.length);
}

/** Waits for all, also when one fails: nothing must write on while the caller cleans up. */
async function all<T>(work: readonly Promise<T>[]): Promise<T[]> {
  const results = await Promise.allSettled(work);
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}

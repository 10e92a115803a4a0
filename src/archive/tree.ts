/**
 * Writing one snapshot. Nothing here is seen by a client: files in the pool and by hash are not named by any index
 * before the snapshot is in place, and the snapshot itself is written under a name that is not served.
 */
import { dirname, join } from 'node:path';

import { formatRelease, type ReleaseFile } from '../formats/deb/release.ts';
import { sha256, type Sha256 } from '../kit/digest.ts';
import type { Suite } from '../model/distribution.ts';
import { snapshotTime } from '../model/names.ts';
import { all } from './all.ts';
import type { Content } from './content.ts';
import { writeContents } from './contents-index.ts';
import { indexRuns, type IndexRuns } from './index-files.ts';
import type { SuitePaths } from './layout.ts';
import { writePdiffs } from './pdiff.ts';
import type { ArchiveDeps } from './ports.ts';
import { listedFiles, releaseFields } from './release.ts';
import type { SnapshotTime } from './snapshot-time.ts';
import { wholeIndexes } from './whole-indexes.ts';
import { writeIndex } from './write-index.ts';

export type NewTree = {
  readonly suite: Suite;
  readonly paths: SuitePaths;
  /** Everything in it, in outline; or, when `before` is there, what it has of those packages. All others are as before. */
  readonly content: Content;
  readonly before: Content | undefined;
  readonly time: SnapshotTime;
  readonly validUntil: Date;
  /** The Release before this one: what did not change is not compressed again. */
  readonly previousRelease: string | undefined;
};

/** Hash of the InRelease file. When this returns, everything is on the disk for good. Throws `lost-index`. */
export async function writeTree(deps: ArchiveDeps, tree: NewTree): Promise<Sha256> {
  const staged = tree.paths.staged(tree.time.id);
  const suiteDirectory = join(staged, 'dists', tree.suite.name);
  await deps.files.makeDirectory(suiteDirectory);
  await deps.files.makeDirectory(tree.paths.byHash);
  await linkPool(deps, tree);
  const indexes =
    tree.before === undefined
      ? wholeIndexes(deps.db, tree.suite, tree.content)
      : indexRuns(tree.suite, tree.content, tree.before);
  const known = listedFiles(tree.previousRelease);
  const write = async (index: IndexRuns) => {
    const { forms, change } = await writeIndex(deps, tree, index, known);
    return [...forms, ...(await writePdiffs(deps, tree, forms, change, known))];
  };
  // Of large ones the compressed forms are in memory, so few at once.
  const isLarge = (index: IndexRuns) =>
    index.sorted !== undefined ||
    index.runs.size > 5000 ||
    (known.get(`${index.directory}/${index.name}`)?.size ?? 0) > 8 * 2 ** 20;
  const small = indexes.filter((index) => !isLarge(index));
  const [some, others] = await Promise.allSettled([
    all(small, write),
    all(indexes.filter(isLarge), write, tree.before === undefined ? 1 : 2),
  ]);
  if (some.status === 'rejected') throw some.reason;
  if (others.status === 'rejected') throw others.reason;
  const listed = [...some.value, ...others.value, await writeContents(deps, tree, known)];
  await deps.files.symlink('../../../pool', join(staged, 'pool'));
  if (tree.suite.codename !== tree.suite.name) {
    await deps.files.symlink(tree.suite.name, join(staged, 'dists', tree.suite.codename));
  }
  const inRelease = await writeRelease(deps, tree, suiteDirectory, listed.flat());
  await syncTree(deps, tree, suiteDirectory, listed.flat());
  return inRelease;
}

/** Files of packages that are new in the suite get their names in the pool. */
async function linkPool(deps: ArchiveDeps, { paths, content }: NewTree): Promise<void> {
  const directories = new Set<string>();
  await deps.files.makeDirectory(join(paths.root, 'pool'));
  for (const { path, digest } of newFiles(content)) {
    const target = join(paths.root, path);
    const directory = dirname(target);
    if (!directories.has(directory)) await deps.files.makeDirectory(directory);
    directories.add(directory);
    await deps.files.link(await deps.blobs.bring(digest), target);
  }
  await syncAll(deps, withParents(directories, paths.root));
}

function* newFiles({ sources, binaries }: Content): Generator<{ readonly path: string; readonly digest: Sha256 }> {
  for (const { state, directory, files } of sources) {
    if (state !== 'PENDING') continue;
    for (const { name, sha256: digest } of files) yield { path: `${directory}/${name}`, digest };
  }
  for (const { state, filename, sha256: digest } of binaries) {
    if (state === 'PENDING') yield { path: filename, digest: digest as Sha256 };
  }
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
  const modified = snapshotTime(time.id);
  const written = Object.entries({ Release: text, 'Release.gpg': signature, InRelease: inRelease });
  await all(written, ([name, content]) => deps.files.place(join(suiteDirectory, name), content, modified));
  return sha256(inRelease);
}

async function syncTree(
  deps: ArchiveDeps,
  { paths, time }: NewTree,
  suiteDirectory: string,
  files: readonly ReleaseFile[],
): Promise<void> {
  const directories = new Set([suiteDirectory, ...files.map(({ path }) => join(suiteDirectory, dirname(path)))]);
  const staged = paths.staged(time.id);
  const shared = withParents(new Set([paths.snapshots, paths.byHash]), paths.root);
  await syncAll(deps, [...withParents(directories, staged), ...shared]);
}

/** Many at once: the disk then writes its journal few times. */
async function syncAll(deps: ArchiveDeps, directories: readonly string[]): Promise<void> {
  await all(directories, (directory) => deps.files.sync(directory));
}

/** The directories, and all between them and `root`, `root` itself too. */
function withParents(directories: ReadonlySet<string>, root: string): string[] {
  const found = new Set<string>([root]);
  for (const start of directories) {
    for (let directory = start; directory.length > root.length; directory = dirname(directory)) found.add(directory);
  }
  return [...found];
}

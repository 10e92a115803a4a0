/**
 * Writing one snapshot. Nothing here is seen by a client: files in the pool and by hash are not named by any index
 * before the snapshot is in place, and the snapshot itself is written under a name that is not served.
 */
import { dirname, join } from 'node:path';

import { formatRelease, type ReleaseFile } from '../formats/deb/release.ts';
import { sha256, type Sha256 } from '../kit/digest.ts';
import { SheafError } from '../kit/error.ts';
import type { Suite } from '../model/distribution.ts';
import type { Content } from './content.ts';
import { indexRuns, type IndexRuns, type Names } from './index-files.ts';
import { replaceRuns, type Runs } from './index-runs.ts';
import { byHashTarget, type SuitePaths } from './layout.ts';
import { knownBlocks, packIndex, type KnownBlocks } from './pack-index.ts';
import type { ArchiveDeps } from './ports.ts';
import { listedFiles, releaseFields } from './release.ts';
import { snapshotIdTime, type SnapshotTime } from './snapshot-time.ts';

export type NewTree = {
  readonly suite: Suite;
  readonly paths: SuitePaths;
  /** Everything in it; or, when `names` is there, what it has of these packages. All others are as before. */
  readonly content: Content;
  readonly names: Names | undefined;
  readonly time: SnapshotTime;
  readonly validUntil: Date;
  /** The Release before this one: what did not change is not compressed again. */
  readonly previousRelease: string | undefined;
};

/** An index of the snapshot before cannot be read: the whole suite can still be written. */
export const lostIndex = 'lost-index';

/** Hash of the InRelease file. When this returns, everything is on the disk for good. Throws `lost-index`. */
export async function writeTree(deps: ArchiveDeps, tree: NewTree): Promise<Sha256> {
  const staged = tree.paths.staged(tree.time.id);
  const suiteDirectory = join(staged, 'dists', tree.suite.name);
  await deps.files.makeDirectory(suiteDirectory);
  await deps.files.makeDirectory(tree.paths.byHash);
  await linkPool(deps, tree);
  const indexes = indexRuns(tree.suite, tree.content, tree.names);
  const known = listedFiles(tree.previousRelease);
  const write = (index: IndexRuns) => writeIndex(deps, tree, suiteDirectory, index, known);
  const isLarge = (index: IndexRuns) =>
    index.runs.size > 5000 || (known.get(`${index.directory}/${index.name}`)?.size ?? 0) > 8 * 2 ** 20;
  const listed = await all(indexes.filter((index) => !isLarge(index)).map(write));
  // One after the other: each is held in memory as a whole.
  for (const index of indexes.filter(isLarge)) listed.push(await write(index));
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

/**
 * An index in its compressed forms: once by hash for the whole repository, and by name in the snapshot. The Release file
 * names the uncompressed one too, which nobody fetches.
 */
async function writeIndex(
  deps: ArchiveDeps,
  { paths, names }: NewTree,
  suiteDirectory: string,
  index: IndexRuns,
  known: ReadonlyMap<string, ReleaseFile>,
): Promise<ReleaseFile[]> {
  const directory = join(suiteDirectory, index.directory);
  await deps.files.makeDirectory(directory);
  const path = `${index.directory}/${index.name}`;
  const before = await previousForms(deps, paths, path, known);
  const forms = await packedForms(deps, paths, path, index.runs, names === undefined ? 'whole' : 'changed', before);
  for (const form of forms.filter((each) => each.path !== path)) {
    await deps.files.link(join(paths.byHash, form.sha256), join(suiteDirectory, form.path));
  }
  await deps.files.symlink(byHashTarget(index.directory), join(directory, 'by-hash'));
  return forms;
}

/** An index as the snapshot before has it; the compressed forms are on the disk. */
type Forms = { readonly plain: ReleaseFile; readonly gzip: ReleaseFile; readonly xz: ReleaseFile };

async function previousForms(
  deps: ArchiveDeps,
  paths: SuitePaths,
  path: string,
  known: ReadonlyMap<string, ReleaseFile>,
): Promise<Forms | undefined> {
  const [plain, gzip, xz] = [known.get(path), known.get(`${path}.gz`), known.get(`${path}.xz`)];
  if (plain === undefined || gzip === undefined || xz === undefined) return undefined;
  const sizes = await all([gzip, xz].map((each) => deps.files.size(join(paths.byHash, each.sha256))));
  return sizes[0] === gzip.size && sizes[1] === xz.size ? { plain, gzip, xz } : undefined;
}

async function packedForms(
  deps: ArchiveDeps,
  paths: SuitePaths,
  path: string,
  runs: Runs,
  extent: 'whole' | 'changed',
  before: Forms | undefined,
): Promise<ReleaseFile[]> {
  if (extent === 'changed' && before === undefined) throw lost(path);
  if (extent === 'changed' && runs.size === 0) return Object.values(before!);
  const previous = before && (await readPrevious(deps, paths, before));
  if (extent === 'changed' && previous === undefined) throw lost(path);
  const bytes = Buffer.concat(replaceRuns(extent === 'changed' ? previous!.index : new Uint8Array(), runs));
  const plain = { path, size: bytes.length, sha256: sha256(bytes) };
  if (before?.plain.sha256 === plain.sha256) return Object.values(before);
  const known: KnownBlocks = previous === undefined ? new Map() : knownBlocks(previous.index, previous.packed);
  const { gzip, xz } = await packIndex(bytes, known, deps.packBlock);
  return [
    plain,
    ...(await all([
      placeByHash(deps, paths, `${path}.gz`, gzip, sha256(gzip)),
      placeByHash(deps, paths, `${path}.xz`, xz, sha256(xz)),
    ])),
  ];
}

/** Undefined when the files are not what they were: then nothing may be built on them. */
async function readPrevious(deps: ArchiveDeps, paths: SuitePaths, { plain, gzip, xz }: Forms) {
  const [packedGzip, packedXz] = await all(
    [gzip, xz].map((each) => deps.files.readBytes(join(paths.byHash, each.sha256))),
  );
  if (packedGzip === undefined || packedXz === undefined) return undefined;
  if (sha256(packedGzip) !== gzip.sha256 || sha256(packedXz) !== xz.sha256) return undefined;
  const index = deps.compression.gunzip(packedGzip, Math.max(plain.size, 1));
  return sha256(index) === plain.sha256 ? { index, packed: { gzip: packedGzip, xz: packedXz } } : undefined;
}

function lost(path: string): SheafError {
  return new SheafError(lostIndex, `Cannot change ${path}: the snapshot before does not have it as its Release says`);
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
  indexes: readonly IndexRuns[],
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

/**
 * Contents indexes: which package has which file. Debian's RepositoryFormat, "Contents" indices: one for each component
 * and architecture, and one for `all`, whose packages are in no other: clients of an archive that names `all` among its
 * architectures fetch both. As in Debian's archive they are compressed
 * as .gz only.
 */
import { join } from 'node:path';

import { splitGzipMembers, type GzipMember } from '../formats/container/gzip-members.ts';
import { contentsName } from '../formats/deb/contents.ts';
import { field, parseStanza } from '../formats/deb/deb822.ts';
import type { ReleaseFile } from '../formats/deb/release.ts';
import { sha256 } from '../kit/digest.ts';
import { SheafError } from '../kit/error.ts';
import { changeContents } from './contents-blocks.ts';
import { ContentsChanges } from './contents-changes.ts';
import type { BinaryEntry } from './content.ts';
import { byHashTarget } from './layout.ts';
import { contentsIndex } from './optional-indexes.ts';
import { findPaths, readMissingContents, type ByteText } from './package-contents.ts';
import type { ArchiveDeps } from './ports.ts';
import type { NewTree } from './tree.ts';
import { linkByHash, lostIndex, placeByHash } from './write-index.ts';

/**
 * Those of a suite: changed from those of the snapshot before, or anew, which gives the same bytes. One in whose packages
 * nothing has changed is not read. None when the suite has none. Throws `lost-index`.
 */
export async function writeContents(
  deps: ArchiveDeps,
  tree: NewTree,
  known: ReadonlyMap<string, ReleaseFile>,
): Promise<ReleaseFile[]> {
  const { suite, paths, time } = tree;
  if (suite.contents !== true) return [];
  const suiteDirectory = join(paths.staged(time.id), 'dists', suite.name);
  const written: ReleaseFile[] = [];
  for (const component of suite.components) {
    const directory = join(suiteDirectory, component);
    await deps.files.makeDirectory(directory);
    // One after the other: each may be held in memory.
    for (const architecture of ['all', ...suite.architectures]) {
      const path = contentsIndex(component, architecture);
      const forms = (plain = known.get(path), gzip = known.get(`${path}.gz`)) => plain && gzip && { plain, gzip };
      const isHere = (each: BinaryEntry) => each.component === component && each.architecture === architecture;
      const now = tree.content.binaries.filter(isHere);
      const before = tree.before?.binaries.filter((each) => each.state === 'PUBLISHED' && isHere(each));
      const { plain, gzip } = await writeOne(deps, tree, { path, now, before, known: forms() });
      await linkByHash(deps, join(paths.byHash, gzip.sha256), join(suiteDirectory, gzip.path));
      written.push(plain, gzip);
    }
    await deps.files.symlink(byHashTarget(component), join(directory, 'by-hash'));
  }
  return written;
}

/** As for other indexes, Release names the uncompressed one too, which nobody fetches. */
type Forms = { readonly plain: ReleaseFile; readonly gzip: ReleaseFile };

type Index = {
  readonly path: string;
  readonly now: readonly BinaryEntry[];
  /** Of the packages that may have changed, those that the snapshot before has; undefined when all are looked at anew. */
  readonly before: readonly BinaryEntry[] | undefined;
  readonly known: Forms | undefined;
};

async function writeOne(deps: ArchiveDeps, { paths }: NewTree, index: Index): Promise<Forms> {
  const { path, before, known } = index;
  const place = known && join(paths.byHash, known.gzip.sha256);
  if (before !== undefined && (place === undefined || (await deps.files.size(place)) !== known!.gzip.size))
    throw lost(path);
  const changes = before === undefined ? await allPaths(deps, index.now) : await changedPaths(deps, before, index.now);
  if (before !== undefined && changes.isEmpty) return known!;
  const blocks = before === undefined ? [] : await readBlocks(deps, place!, known!.gzip);
  const { members, size, sha256: digest } = await changeContents(blocks, changes.sorted());
  const parts = members.map((member) => member.bytes);
  return { plain: { path, size, sha256: digest }, gzip: await placeByHash(deps, paths, `${path}.gz`, parts) };
}

async function allPaths(deps: ArchiveDeps, entries: readonly BinaryEntry[]): Promise<ContentsChanges> {
  await readMissingContents(deps, entries);
  const changes = new ContentsChanges();
  for (const some of partsOf(entries)) {
    const paths = await findPaths(deps, some);
    for (const entry of some) changes.add(paths.get(entry.sha256)!, nameOf(entry), true);
  }
  return changes;
}

/**
 * Of a package that comes in another version only the paths that not both have. All versions of a name are looked at
 * together: an index may have several.
 */
async function changedPaths(
  deps: ArchiveDeps,
  before: readonly BinaryEntry[],
  now: readonly BinaryEntry[],
): Promise<ContentsChanges> {
  const [old, fresh] = [Map.groupBy(before, ({ name }) => name), Map.groupBy(now, ({ name }) => name)];
  const entriesOf = (name: string) => [...(old.get(name) ?? []), ...(fresh.get(name) ?? [])];
  const names = [...new Set([...old.keys(), ...fresh.keys()])].filter(
    (name) => identity(old.get(name) ?? []) !== identity(fresh.get(name) ?? []),
  );
  await readMissingContents(deps, names.flatMap(entriesOf));
  const changes = new ContentsChanges();
  for (const some of partsOf(names)) {
    const paths = await findPaths(deps, some.flatMap(entriesOf));
    for (const name of some) {
      const [were, are] = [pathsByName(old.get(name) ?? [], paths), pathsByName(fresh.get(name) ?? [], paths)];
      for (const [listed, those] of were) changes.add(without(those, are.get(listed)), listed, false);
      for (const [listed, those] of are) changes.add(without(those, were.get(listed)), listed, true);
    }
  }
  return changes;
}

/** As many as are held in memory with all their paths. */
function partsOf<T>(things: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(things.length / 100) }, (_, number) =>
    things.slice(number * 100, number * 100 + 100),
  );
}

function identity(entries: readonly BinaryEntry[]): string {
  return entries.map((entry) => `${entry.sha256} ${nameOf(entry)}`).toSorted().join('\n'); // prettier-ignore
}

/** Two versions of a package may have different sections, and so different names in the index. */
function pathsByName(
  entries: readonly BinaryEntry[],
  paths: ReadonlyMap<string, ByteText>,
): ReadonlyMap<string, ReadonlySet<ByteText>> {
  const groups = Map.groupBy(entries, nameOf);
  return new Map(
    [...groups].map(([name, those]) => [
      name,
      new Set(those.flatMap((entry) => paths.get(entry.sha256)!.split('\n').slice(0, -1))),
    ]),
  );
}

function without(paths: ReadonlySet<ByteText>, others: ReadonlySet<ByteText> | undefined): ByteText {
  return [...paths].map((path) => (others?.has(path) === true ? '' : `${path}\n`)).join('');
}

function nameOf({ control, name }: BinaryEntry): string {
  return contentsName(field(parseStanza(control), 'Section'), name);
}

async function readBlocks({ files }: ArchiveDeps, place: string, { path, sha256: hash }: ReleaseFile) {
  const bytes = await files.readBytes(place);
  if (bytes === undefined || sha256(bytes) !== hash) throw lost(path);
  try {
    return splitGzipMembers(bytes).filter((member: GzipMember) => member.uncompressedSize > 0);
  } catch (error) {
    if (!(error instanceof SheafError)) throw error;
    throw lost(path);
  }
}

function lost(path: string): SheafError {
  return new SheafError(lostIndex, `Cannot change ${path}: the snapshot before does not have it as its Release says`);
}

/**
 * Writing one index of a snapshot: changed from that of the snapshot before, or anew. Either gives the same bytes.
 */
import { createHash, webcrypto } from 'node:crypto';
import { join } from 'node:path';

import type { ReleaseFile } from '../formats/deb/release.ts';
import type { Sha256 } from '../kit/digest.ts';
import { SheafError } from '../kit/error.ts';
import { order } from '../kit/order.ts';
import { all } from './all.ts';
import type { IndexRuns } from './index-files.ts';
import type { Runs } from './index-runs.ts';
import { byHashTarget, type SuitePaths } from './layout.ts';
import { changeIndex, makeIndex, type IndexEdit, type PreviousIndex } from './make-index.ts';
import { joinPacked, splitPacked, type Block } from './pack-index.ts';
import { damagedCopy, openPlain } from './plain-copy.ts';
import type { ArchiveDeps } from './ports.ts';
import type { NewTree } from './tree.ts';

/** An index of the snapshot before cannot be read: the whole suite can still be written. */
export const lostIndex = 'lost-index';

/** The index before, when it was another. */
export type IndexChange = { readonly from: ReleaseFile; readonly edits: readonly IndexEdit[] | undefined };

type WrittenIndex = { readonly forms: readonly ReleaseFile[]; readonly change: IndexChange | undefined };

/**
 * An index in its compressed forms: once by hash for the whole repository, and by name in the snapshot. The Release file
 * names the uncompressed one too, which nobody fetches.
 */
export async function writeIndex(
  deps: ArchiveDeps,
  { paths, before: contentBefore, time, suite }: NewTree,
  index: IndexRuns,
  known: ReadonlyMap<string, ReleaseFile>,
): Promise<WrittenIndex> {
  const suiteDirectory = join(paths.staged(time.id), 'dists', suite.name);
  const directory = join(suiteDirectory, index.directory);
  await deps.files.makeDirectory(directory);
  const path = `${index.directory}/${index.name}`;
  const before = await previousForms(deps, paths, path, known);
  const extent = contentBefore === undefined ? 'whole' : 'changed';
  const written = await packedForms(deps, paths, index, extent, before);
  for (const form of written.forms.filter((each) => each.path !== path)) {
    await linkByHash(deps, join(paths.byHash, form.sha256), join(suiteDirectory, form.path));
  }
  await deps.files.symlink(byHashTarget(index.directory), join(directory, 'by-hash'));
  return written;
}

/**
 * Two publications may place the same index at the same moment: one file then takes the other's name just while the other
 * is being linked, and the system says that it is not there.
 */
export async function linkByHash({ files }: ArchiveDeps, source: string, path: string): Promise<void> {
  for (let left = 5; ; left--) {
    try {
      return await files.link(source, path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || left === 0) throw error;
    }
  }
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
  const sizes = await all([gzip, xz], (each) => deps.files.size(join(paths.byHash, each.sha256)));
  return sizes[0] === gzip.size && sizes[1] === xz.size ? { plain, gzip, xz } : undefined;
}

async function packedForms(
  deps: ArchiveDeps,
  paths: SuitePaths,
  { directory, name, runs, sorted }: IndexRuns,
  extent: 'whole' | 'changed',
  before: Forms | undefined,
): Promise<WrittenIndex> {
  const path = `${directory}/${name}`;
  if (extent === 'changed' && before === undefined) throw lost(path);
  if (extent === 'changed' && runs.size === 0) return { forms: Object.values(before!), change: undefined };
  const place = { paths, path };
  return withPrevious(deps, paths, path, before, async (previous) => {
    if (extent === 'changed' && previous === undefined) throw lost(path);
    // What has just been written is checked while it is changed; it is not believed before both are done.
    if (extent === 'whole' && (await previous?.isWhole) === false) previous = undefined;
    // Of a change both forms are hashed at the same time; of a whole one memory is what counts.
    const form = (parts: readonly Uint8Array[]) => (extent === 'changed' ? Buffer.concat(parts) : parts);
    const placeForms = async (blocks: readonly Block[]) => {
      // Named by their hash, files that nothing comes to name do no harm; wrong ones would.
      if ((await previous?.isWhole) === false) throw lost(path);
      const packed = await joinPacked(blocks, deps.packBlock);
      const files = [[`${path}.gz`, packed.gzip] as const, [`${path}.xz`, packed.xz] as const];
      return all(files, ([file, parts]) => placeByHash(deps, paths, file, form(parts)));
    };
    const made =
      extent === 'changed'
        ? await changeIndex(deps, place, previous!, runs, placeForms)
        : await makeIndex(deps, place, previous, sorted?.() ?? sortedRuns(runs), placeForms);
    if (made === undefined) return { forms: Object.values(before!), change: undefined };
    const { size, sha256, used, edits, keepCopy } = made;
    await keepCopy();
    const plain = { path, size, sha256 };
    const isSame = before?.plain.sha256 === sha256;
    return {
      forms: isSame ? [plain, before.gzip, before.xz] : [plain, ...used],
      change: isSame || before === undefined ? undefined : { from: before.plain, edits },
    };
  });
}

type Previous = PreviousIndex & {
  /** Whether its files are what they were: if not, nothing may be built on them. */
  readonly isWhole: Promise<boolean>;
};

/** With the index before, undefined when its files cannot be read. */
async function withPrevious<T>(
  deps: ArchiveDeps,
  paths: SuitePaths,
  path: string,
  before: Forms | undefined,
  work: (previous: Previous | undefined) => Promise<T>,
): Promise<T> {
  for (;;) {
    const previous = before && (await readPrevious(deps, paths, path, before));
    try {
      return await work(previous);
    } catch (error) {
      // Its copy is gone now, and is made again from the .gz.
      if (!(error instanceof SheafError) || error.code !== damagedCopy) throw error;
    } finally {
      await previous?.isWhole;
      await previous?.plain.close();
    }
  }
}

async function readPrevious(
  deps: ArchiveDeps,
  paths: SuitePaths,
  path: string,
  { plain, gzip, xz }: Forms,
): Promise<Previous | undefined> {
  const [packedGzip, packedXz] = await all([gzip, xz], (form) => deps.files.readBytes(join(paths.byHash, form.sha256)));
  if (packedGzip === undefined || packedXz === undefined) return undefined;
  const blocks = splitPacked({ gzip: packedGzip, xz: packedXz });
  if (blocks === undefined) return undefined;
  const digests = Promise.all([digestOf(packedGzip), digestOf(packedXz)]);
  const isWhole = digests.then(([ofGzip, ofXz]) => ofGzip === gzip.sha256 && ofXz === xz.sha256);
  const index = await openPlain(deps, paths, path, plain, { blocks, gzip: packedGzip });
  return index && { sha256: plain.sha256, plain: index, blocks, isWhole };
}

/** Bytes in one piece on another thread; parts, of which there may be very many, here. */
async function digestOf(bytes: Uint8Array | readonly Uint8Array[]): Promise<Sha256> {
  if (bytes instanceof Uint8Array) {
    const digest = await webcrypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
    return Buffer.from(digest).toString('hex') as Sha256;
  }
  const hash = createHash('sha256');
  for (const part of bytes) hash.update(part);
  return hash.digest('hex') as Sha256;
}

// eslint-disable-next-line @typescript-eslint/require-await
async function* sortedRuns(runs: Runs): AsyncGenerator<readonly [string, string]> {
  for (const name of [...runs.keys()].toSorted(order)) yield [name, runs.get(name)!];
}

function lost(path: string): SheafError {
  return new SheafError(lostIndex, `Cannot change ${path}: the snapshot before does not have it as its Release says`);
}

/** A file that is there under its hash is complete: names appear only for whole files. */
export async function placeByHash(
  deps: ArchiveDeps,
  paths: SuitePaths,
  path: string,
  bytes: Uint8Array | readonly Uint8Array[],
): Promise<ReleaseFile> {
  const parts = bytes instanceof Uint8Array ? [bytes] : bytes;
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  const digest = await digestOf(bytes);
  const place = join(paths.byHash, digest);
  if ((await deps.files.size(place)) !== size) await deps.files.place(place, parts);
  return { path, size, sha256: digest };
}

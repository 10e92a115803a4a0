/**
 * Writing one index of a snapshot: changed from that of the snapshot before, or anew. Either gives the same bytes.
 */
import { createHash, webcrypto } from 'node:crypto';
import { join } from 'node:path';

import type { ReleaseFile } from '../formats/deb/release.ts';
import { sha256, type Sha256 } from '../kit/digest.ts';
import { SheafError } from '../kit/error.ts';
import { all } from './all.ts';
import { changeBlocks } from './change-blocks.ts';
import type { IndexRuns } from './index-files.ts';
import { blockEnds, replaceRuns, type Runs } from './index-runs.ts';
import { byHashTarget, type SuitePaths } from './layout.ts';
import { blockSize, joinPacked, packOne, splitPacked, type Block } from './pack-index.ts';
import { keepPlain, readPlain } from './plain-copy.ts';
import type { ArchiveDeps } from './ports.ts';
import type { NewTree } from './tree.ts';

/** An index of the snapshot before cannot be read: the whole suite can still be written. */
export const lostIndex = 'lost-index';

/**
 * An index in its compressed forms: once by hash for the whole repository, and by name in the snapshot. The Release file
 * names the uncompressed one too, which nobody fetches.
 */
export async function writeIndex(
  deps: ArchiveDeps,
  { paths, before: contentBefore, time, suite }: NewTree,
  index: IndexRuns,
  known: ReadonlyMap<string, ReleaseFile>,
): Promise<ReleaseFile[]> {
  const suiteDirectory = join(paths.staged(time.id), 'dists', suite.name);
  const directory = join(suiteDirectory, index.directory);
  await deps.files.makeDirectory(directory);
  const path = `${index.directory}/${index.name}`;
  const before = await previousForms(deps, paths, path, known);
  const extent = contentBefore === undefined ? 'whole' : 'changed';
  const forms = await packedForms(deps, paths, path, index.runs, extent, before);
  for (const form of forms.filter((each) => each.path !== path)) {
    await linkByHash(deps, join(paths.byHash, form.sha256), join(suiteDirectory, form.path));
  }
  await deps.files.symlink(byHashTarget(index.directory), join(directory, 'by-hash'));
  return forms;
}

/**
 * Two publications may place the same index at the same moment: one file then takes the other's name just while the other
 * is being linked, and the system says that it is not there.
 */
async function linkByHash({ files }: ArchiveDeps, source: string, path: string): Promise<void> {
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
  path: string,
  runs: Runs,
  extent: 'whole' | 'changed',
  before: Forms | undefined,
): Promise<ReleaseFile[]> {
  if (extent === 'changed' && before === undefined) throw lost(path);
  if (extent === 'changed' && runs.size === 0) return Object.values(before!);
  const previous = before && (await readPrevious(deps, paths, before));
  if (extent === 'changed' && previous === undefined) throw lost(path);
  const parts = extent === 'changed' ? changedParts(previous!, runs) : wholeParts(runs);
  // Both at once: the encoders work on other threads while the whole is hashed here.
  const packing = packParts(deps, parts, previous);
  const plain = { path, ...digestOf(parts) };
  const blocks = await packing;
  if (before?.plain.sha256 === plain.sha256) return Object.values(before);
  const { gzip, xz } = await joinPacked(blocks, deps.packBlock);
  const keeping = keepPlain(
    deps,
    paths,
    plain,
    before?.plain,
    parts.map(({ bytes }) => bytes),
  );
  const files = [[`${path}.gz`, gzip] as const, [`${path}.xz`, xz] as const];
  const placing = all(files, ([name, bytes]) => placeByHash(deps, paths, name, bytes));
  const [placed] = await bothOf(placing, keeping);
  return [plain, ...placed];
}

/** A block of the index that is made, and how it was packed when it is one of the index before. */
type Part = { readonly bytes: Uint8Array; readonly packed: Block | undefined };

/** The index before. */
type Previous = { readonly index: Uint8Array; readonly ends: readonly number[]; readonly blocks: readonly Block[] };

function changedParts({ index, ends, blocks }: Previous, runs: Runs): Part[] {
  return changeBlocks(index, ends, runs, blockSize).map((each) =>
    'old' in each
      ? { bytes: index.subarray(each.old === 0 ? 0 : ends[each.old - 1]!, ends[each.old]), packed: blocks[each.old]! }
      : { bytes: each.bytes, packed: undefined },
  );
}

function wholeParts(runs: Runs): Part[] {
  const index = Buffer.concat(replaceRuns(new Uint8Array(), runs));
  let start = 0;
  return blockEnds(index, blockSize).map((end) => ({ bytes: index.subarray(start, (start = end)), packed: undefined }));
}

async function packParts(
  deps: ArchiveDeps,
  parts: readonly Part[],
  previous: Previous | undefined,
): Promise<readonly Block[]> {
  const fresh = parts.filter((part) => part.packed === undefined);
  const taken = new Set(parts.map((part) => part.packed));
  const known = new Map<Sha256, Block>();
  for (const [number, block] of previous?.blocks.entries() ?? []) {
    if (taken.has(block)) continue;
    const start = number === 0 ? 0 : previous!.ends[number - 1]!;
    known.set(sha256(previous!.index.subarray(start, previous!.ends[number])), block);
  }
  const packed = new Map<Part, Block>();
  // A few at once: as many as there are processors, by a guess that costs little memory.
  for (let at = 0; at < fresh.length; at += 4) {
    const some = fresh.slice(at, at + 4);
    const done = await all(some, (part) => packOne(part.bytes, known, deps.packBlock));
    for (const [number, part] of some.entries()) packed.set(part, done[number]!);
  }
  return parts.map((part) => part.packed ?? packed.get(part)!);
}

function digestOf(parts: readonly Part[]): { readonly size: number; readonly sha256: Sha256 } {
  const hash = createHash('sha256');
  let size = 0;
  for (const { bytes } of parts) {
    hash.update(bytes);
    size += bytes.length;
  }
  return { size, sha256: hash.digest('hex') as Sha256 };
}

/** Undefined when the files are not what they were: then nothing may be built on them. */
async function readPrevious(
  deps: ArchiveDeps,
  paths: SuitePaths,
  { plain, gzip, xz }: Forms,
): Promise<Previous | undefined> {
  const [packedGzip, packedXz] = await all([gzip, xz], (each) => deps.files.readBytes(join(paths.byHash, each.sha256)));
  if (packedGzip === undefined || packedXz === undefined) return undefined;
  const checking = all([packedGzip, packedXz], backgroundSha256);
  const blocks = splitPacked({ gzip: packedGzip, xz: packedXz });
  const reading = blocks && readPlain(deps, paths, plain, { blocks, gzip: packedGzip });
  const [digests, index] = await bothOf(checking, reading ?? Promise.resolve(undefined));
  if (digests[0] !== gzip.sha256 || digests[1] !== xz.sha256) return undefined;
  if (blocks === undefined || index === undefined) return undefined;
  let end = 0;
  return { index, blocks, ends: blocks.map((block) => (end += block.gzip.uncompressedSize)) };
}

/** When one fails, the other is still waited for. */
async function bothOf<A, B>(one: Promise<A>, other: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([one, other]);
  return Promise.all([one, other]);
}

/** On another thread. */
async function backgroundSha256(bytes: Uint8Array): Promise<Sha256> {
  return Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)).toString(
    'hex',
  ) as Sha256;
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
): Promise<ReleaseFile> {
  const digest = await backgroundSha256(bytes);
  const place = join(paths.byHash, digest);
  if ((await deps.files.size(place)) !== bytes.length) await deps.files.place(place, bytes);
  return { path, size: bytes.length, sha256: digest };
}

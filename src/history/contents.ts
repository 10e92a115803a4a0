/**
 * Which package of a snapshot has which file, from the Contents indexes as they are kept: 1.6 million lines each. A path
 * is found by halving, a package's files by the pieces that the database knows of; names and parts of paths are looked
 * for in all of it, a few pieces at a time.
 */
import { setImmediate as breathe } from 'node:timers/promises';

import { findPath, pathsOfPackage, readContents, searchPaths, type ContentsEntry } from '../formats/deb/contents.ts';
import { SheafError } from '../kit/error.ts';
import type { SnapshotRef } from '../model/index-history.ts';
import type { DifferDeps } from './differ.ts';
import { contains, toPieceSet, type PieceSet } from './piece-set.ts';
import type { IndexStore } from './ports.ts';
import { contentsPieces } from './store/contents.ts';
import { indexesAt } from './store/indexes.ts';
import type { IndexAt } from './types.ts';

/** One of the three. */
export type ContentsQuery = {
  /** A whole path, with or without the slash before it. */
  readonly path?: string;
  /** The last part of a path. */
  readonly name?: string;
  /** Any part of a path. */
  readonly substring?: string;
  readonly limit: number;
};

export type FoundFile = { readonly path: string; readonly packages: string[] };

/** By path, without the slash before it. Empty where Contents is not followed. */
export async function searchContents(deps: DifferDeps, ref: SnapshotRef, query: ContentsQuery): Promise<FoundFile[]> {
  const found = new Map<string, Set<string>>();
  for (const index of await contentsAt(deps, ref)) {
    for await (const entry of searchIndex(deps.store, index, query)) {
      const packages = found.get(entry.path);
      if (packages === undefined && found.size >= query.limit) break;
      found.set(entry.path, new Set([...(packages ?? []), ...entry.packages]));
    }
  }
  const files = [...found].map(([path, packages]) => ({ path, packages: [...packages].toSorted() }));
  return files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** Paths of a package's files, sorted; undefined where Contents is not followed. */
export async function filesOf(
  deps: DifferDeps,
  ref: SnapshotRef,
  packageName: string,
  limit: number,
): Promise<string[] | undefined> {
  const indexes = await contentsAt(deps, ref);
  if (indexes.length === 0) return undefined;
  const pieces = toPieceSet(Uint32Array.from(await contentsPieces(deps.db, packageName)));
  const paths = new Set<string>();
  for (const { sha256 } of indexes) {
    const present = toPieceSet(await deps.store.pieces(sha256));
    const wanted = pieces.filter((piece) => contains(present, piece));
    for await (const block of readBlocks(deps.store, wanted)) {
      for (const path of pathsOfPackage(block, packageName)) paths.add(path);
      if (paths.size >= limit) break;
    }
  }
  return [...paths].toSorted().slice(0, limit);
}

/** The packages that pieces of a Contents index list, each with its pieces. */
export async function readPackagePieces(store: IndexStore, pieces: PieceSet): Promise<Map<string, number[]>> {
  const found = new Map<string, number[]>();
  for (let start = 0; start < pieces.length; start += portion) {
    const numbers = pieces.subarray(start, start + portion);
    for (const [at, bytes] of (await store.readPieces(numbers)).entries()) {
      for (const name of packagesIn(bytes)) {
        const known = found.get(name);
        if (known === undefined) found.set(name, [numbers[at]!]);
        else known.push(numbers[at]!);
      }
    }
    await breathe();
  }
  return found;
}

/** So many pieces are in memory at once: about two megabytes. */
const portion = 1000;

/** Contents of source packages are no files that anything installs. */
async function contentsAt({ db }: DifferDeps, ref: SnapshotRef): Promise<IndexAt[]> {
  const indexes = await indexesAt(db, ref);
  return indexes.filter(({ kind, architecture }) => kind === 'contents' && architecture !== 'source');
}

/** Old archives begin with free text, and a line that says nothing should not hide the files of all others. */
function packagesIn(bytes: Uint8Array): Set<string> {
  const names = new Set<string>();
  try {
    for (const { packages } of readContents(bytes)) for (const name of packages) names.add(name);
  } catch (error) {
    if (!(error instanceof SheafError)) throw error;
  }
  return names;
}

async function* searchIndex(
  store: IndexStore,
  { sha256 }: IndexAt,
  { path, name, substring, limit }: ContentsQuery,
): AsyncGenerator<ContentsEntry> {
  const pieces = await store.pieces(sha256);
  if (path !== undefined) {
    const entry = await findByHalving(store, pieces, path.replace(/^\/+/, ''));
    if (entry !== undefined) yield entry;
    return;
  }
  const needle = name ?? substring ?? '';
  if (needle === '') return;
  let left = limit;
  for await (const block of readBlocks(store, pieces)) {
    for (const entry of searchPaths(block, needle)) {
      if (name !== undefined && entry.path !== name && !entry.path.endsWith(`/${name}`)) continue;
      yield entry;
      if (--left === 0) return;
    }
  }
}

/** Whole lines, a few pieces at a time; others may work in between. */
async function* readBlocks(store: IndexStore, pieces: Uint32Array): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < pieces.length; start += portion) {
    yield Buffer.concat(await store.readPieces(pieces.subarray(start, start + portion)));
    await breathe();
  }
}

/** In a file sorted by the bytes of its paths: the last piece that does not begin behind the path. */
async function findByHalving(store: IndexStore, pieces: Uint32Array, path: string): Promise<ContentsEntry | undefined> {
  let [low, high] = [0, pieces.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    const first = firstPath(await readPiece(store, pieces[middle]!));
    if (first !== undefined && Buffer.compare(Buffer.from(first), Buffer.from(path)) > 0) high = middle;
    else low = middle;
  }
  return low < pieces.length ? findPath(await readPiece(store, pieces[low]!), path) : undefined;
}

function firstPath(piece: Uint8Array): string | undefined {
  try {
    const [first] = readContents(piece);
    return first?.path;
  } catch (error) {
    if (error instanceof SheafError) return undefined;
    throw error;
  }
}

async function readPiece(store: IndexStore, piece: number): Promise<Buffer> {
  const [bytes] = await store.readPieces([piece]);
  return bytes!;
}

/** Saved index files into the store, each checked against the Release file that lists it. */
import type { CompressedDeps } from '../history/compressed-ports.ts';
import { keepCompressed } from '../history/compressed.ts';
import { sha256, type Sha256 } from '../kit/digest.ts';
import type { Upstream } from '../model/distribution.ts';
import type { IndexContent } from '../model/index-history.ts';
import type { SavedTree } from '../plumbing/import-sources.ts';
import { chooseIndexes, type ParsedRelease, type WantedIndex } from '../sync/choose-indexes.ts';
import type { Decompress } from '../sync/mod.ts';
import { Refusal, toRefusal } from './import-report.ts';
import { nameIndexes, savedSuffixes, type SavedIndex, type SavedSuite } from './import-tree.ts';

export type FoundIndex = SavedIndex & {
  /** What the Release file lists, by the endings of the file names: the empty one is the index itself. */
  readonly listed: ReadonlyMap<string, { readonly sha256: Sha256; readonly size: number }> | undefined;
};

/** Those that are followed: as the Release file lists them, else as they are called. Throws a refusal for none. */
export function findIndexes(saved: SavedSuite, release: ParsedRelease | undefined, upstream: Upstream): FoundIndex[] {
  const found =
    release === undefined
      ? nameIndexes(saved.files, upstream).map((each) => ({ ...each, listed: undefined }))
      : listedIndexes(saved, chooseIndexes(release, upstream).wanted);
  if (found.length > 0) return found;
  if (release !== undefined) {
    throw new Refusal('no-index', 'There is a Release file, but none of the indexes that are followed.');
  }
  throw new Refusal(
    'no-index',
    'There are indexes, but none that is followed.',
    'A lone Packages file belongs into COMPONENT/binary-ARCHITECTURE/ when several are followed.',
  );
}

function listedIndexes({ files }: SavedSuite, wanted: readonly WantedIndex[]): FoundIndex[] {
  const lone = (kind: 'packages' | 'sources', file: string) =>
    // A lone file is the one index of its kind, where only one can be meant.
    wanted.filter(({ name }) => name.kind === kind).length === 1 ? file : undefined;
  const alone = { packages: lone('packages', 'Packages'), sources: lone('sources', 'Sources') } as const;
  return wanted.flatMap(({ name, plain, candidates }) => {
    const listed = new Map(candidates.map(({ compression, file }) => [compression as string, file]));
    if (plain !== undefined) listed.set('', plain);
    const called = [name.path, name.kind === 'packages' || name.kind === 'sources' ? alone[name.kind] : undefined];
    const here = called.flatMap((path) => savedSuffixes.flatMap((suffix) => files.get(`${path}${suffix}`) ?? []));
    return here.length === 0 ? [] : [{ name, listed, files: here }];
  });
}

export type StoreFileDeps = CompressedDeps & { readonly decompress: Decompress };

export type StoreFileOptions = {
  readonly successorOf: Sha256 | undefined;
  readonly onFile: (path: string) => void;
};

const largestFile = 1024 ** 3;
const largestIndex = 2 ** 31 - 1;

/**
 * The index out of the first of its files that is good; compressed files that the Release file lists are kept too. Throws
 * the first refusal when none is good.
 */
export async function storeIndex(
  deps: StoreFileDeps,
  tree: SavedTree,
  index: FoundIndex,
  { successorOf, onFile }: StoreFileOptions,
): Promise<IndexContent> {
  let content: IndexContent | undefined;
  let refusal: Refusal | undefined;
  for (const path of index.files) {
    onFile(path);
    try {
      content = await storeFile(deps, tree, index, { path, content, successorOf });
    } catch (error) {
      refusal ??= toRefusal(error, path);
    }
  }
  if (content !== undefined) return content;
  throw refusal ?? new Refusal('no-index', `None of the files of ${index.name.path} could be read.`);
}

type StoreFile = {
  readonly path: string;
  /** What came out of a file before this one. */
  readonly content: IndexContent | undefined;
  readonly successorOf: Sha256 | undefined;
};

async function storeFile(
  deps: StoreFileDeps,
  tree: SavedTree,
  index: FoundIndex,
  { path, content, successorOf }: StoreFile,
): Promise<IndexContent | undefined> {
  const packed = await tree.read(path, largestFile);
  const suffix = savedSuffixes.find((each) => each !== '' && path.endsWith(each)) ?? '';
  const packedHash = suffix === '' ? undefined : sha256(packed);
  const isListed = packedHash !== undefined && index.listed?.get(suffix)?.sha256 === packedHash;
  // Another compressed file of an index that is here says nothing new.
  if (content !== undefined && !isListed) return content;
  const bytes = suffix === '' ? packed : await deps.decompress(packed, largestIndex, path);
  const digest = sha256(bytes);
  checkListed(index, { path, digest, isListed });
  if (content !== undefined && content.sha256 !== digest) return content;
  const split = index.name.kind === 'packages' || index.name.kind === 'sources' ? 'stanzas' : 'lines';
  if (content === undefined) await deps.store.put(bytes, { sha256: digest, split, successorOf });
  if (isListed) await keepCompressed(deps, { sha256: packedHash, bytes: packed, of: digest });
  return content ?? { ...index.name, sha256: digest, size: bytes.length };
}

function checkListed(
  { listed, name }: FoundIndex,
  { path, digest, isListed }: { readonly path: string; readonly digest: Sha256; readonly isListed: boolean },
): void {
  const plain = listed?.get('');
  if (listed === undefined || plain?.sha256 === digest || (plain === undefined && isListed)) return;
  const state =
    plain === undefined ? 'that lists other bytes' : `its SHA-256 is ${digest}, but that lists ${plain.sha256}`;
  throw new Refusal(
    'index-mismatch',
    `It is not the ${name.path} of its Release file: ${state}.`,
    'Indexes and Release files that were saved at different times do not fit each other.',
    path,
  );
}

/** One index of a suite from a mirror: compressed as it is there, every byte checked against the Release file. */
import { sha256, type Sha256 } from '../kit/digest.ts';
import { describeError, SheafError } from '../kit/error.ts';
import type { WantedIndex } from './choose-indexes.ts';
import type { Decompress, Mirror, MirrorFile, MirrorOptions } from './ports.ts';

export type IndexSource = {
  readonly mirror: Mirror;
  readonly decompress: Decompress;
  /** The folder of the Release file, with a slash at its end. */
  readonly base: string;
  /** Whether the Release file says `Acquire-By-Hash: yes`: then files of a moment ago are still there. */
  readonly byHash: boolean;
  readonly options: MirrorOptions;
};

export type FetchedIndex = {
  readonly sha256: Sha256;
  readonly bytes: Uint8Array;
  /** The compressed file that was fetched; absent when it is the index itself. */
  readonly compressed: { readonly sha256: Sha256; readonly bytes: Uint8Array } | undefined;
  readonly discard: () => Promise<void>;
};

type Candidate = WantedIndex['candidates'][number];

/** No index is larger than this, whatever a Release file says. */
const largestIndex = 2 ** 31 - 1;

/**
 * The compressed files one after another until one is there and good; the result is that of `use`, which is given the
 * way to open it. Throws `mirror-inconsistent` when the mirror has none of the files that the Release file lists: it is
 * in the middle of an update; `index-mismatch` when they are there and do not hold what the Release file says.
 */
export async function fetchIndex<T>(
  source: IndexSource,
  wanted: WantedIndex,
  use: (open: () => Promise<FetchedIndex>) => Promise<T>,
): Promise<T> {
  const failures: SheafError[] = [];
  for (const candidate of wanted.candidates) {
    try {
      const file = await fetchListed(source, candidate.file);
      if (file === undefined) continue;
      return await use(() => openIndex(source, wanted, candidate, file));
    } catch (error) {
      if (!(error instanceof SheafError) || !mayHaveAnother.has(error.code)) throw error;
      failures.push(error);
    }
  }
  const lasting = failures.find(({ code }) => code !== 'mirror-mismatch');
  if (lasting !== undefined) throw lasting;
  const state = failures[0] === undefined ? 'the mirror does not have it' : describeError(failures[0]);
  throw inconsistent(wanted.name.path, state);
}

/** Failures of one compressed file that say nothing of the others. */
const mayHaveAnother = new Set(['mirror-mismatch', 'index-mismatch', 'bad-compression', 'over-limit', 'bad-index']);

export function inconsistent(path: string, state: string): SheafError {
  return new SheafError('mirror-inconsistent', `Cannot fetch ${path} as the Release file lists it: ${state}`, {
    kind: 'environment',
    hint: 'The mirror may be in the middle of an update, or of several servers that differ: try again later or ask another mirror.',
  });
}

/** A file that the Release file lists, by its hash where the archive has that, else by its name. */
export async function fetchListed(
  { mirror, base, byHash, options }: Pick<IndexSource, 'mirror' | 'base' | 'byHash' | 'options'>,
  { path, sha256: digest, size }: { readonly path: string; readonly sha256: Sha256; readonly size: number },
): Promise<MirrorFile | undefined> {
  if (size > largestIndex) {
    throw new SheafError('bad-index', `Cannot fetch ${path}: ${size} bytes are more than any index has`);
  }
  if (byHash) {
    const directory = path.slice(0, path.lastIndexOf('/') + 1);
    const found = await mirror
      .fetch(`${base}${directory}by-hash/SHA256/${digest}`, { sha256: digest, size }, options)
      .catch((error: unknown) => {
        if (error instanceof SheafError && error.code === 'mirror-mismatch') return undefined;
        throw error;
      });
    if (found !== undefined) return found;
  }
  return mirror.fetch(`${base}${encodePath(path)}`, { sha256: digest, size }, options);
}

/** For an address: Release files and indexes may name files with any character. */
export function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/').replaceAll('%3A', ':');
}

async function openIndex(
  source: IndexSource,
  wanted: WantedIndex,
  candidate: Candidate,
  fetched: MirrorFile,
): Promise<FetchedIndex> {
  try {
    const packed = await fetched.bytes();
    const { sha256: digest, bytes } = await unpackIndex(source.decompress, wanted, candidate, packed);
    const compressed = candidate.compression === '' ? undefined : { sha256: candidate.file.sha256, bytes: packed };
    return { sha256: digest, bytes, compressed, discard: () => fetched.discard() };
  } catch (error) {
    // What is no good now is none at the next attempt.
    await fetched.discard();
    throw error;
  }
}

async function unpackIndex(
  decompress: Decompress,
  { plain, name }: WantedIndex,
  { compression, file }: Candidate,
  packed: Uint8Array,
) {
  if (compression === '') return { sha256: file.sha256, bytes: packed };
  const bytes = await decompress(packed, plain === undefined ? mostInside(file.size) : plain.size, file.path);
  const digest = sha256(bytes);
  if (plain === undefined || digest === plain.sha256) return { sha256: digest, bytes };
  throw new SheafError(
    'index-mismatch',
    `Cannot take ${name.path}: ${file.path} holds a file with SHA-256 ${digest}, but the Release file lists ${plain.sha256}`,
    { hint: 'The archive contradicts itself: tell its owner.' },
  );
}

/** Where the Release file does not tell: indexes are text that becomes some ten times smaller. */
function mostInside(size: number): number {
  return Math.min(largestIndex, Math.max(64 * 2 ** 20, size * 100));
}

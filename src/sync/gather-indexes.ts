/** Brings every followed index of a Release file into the store: what is there already costs nothing. */
import type { Sha256 } from '../kit/digest.ts';
import type { IndexContent } from '../model/index-history.ts';
import type { WantedIndex } from './choose-indexes.ts';
import { fetchIndex, type FetchedIndex, type IndexSource } from './fetch-index.ts';
import { fetchPatches } from './patches.ts';
import type { IndexShelf } from './ports.ts';

export type GatherDeps = IndexSource & {
  readonly shelf: IndexShelf;
  /** The index that a compressed file holds, where that is known. */
  readonly indexesInside: (compressed: readonly Sha256[]) => Promise<readonly Sha256[]>;
  /** Called with each compressed file that was fetched, once its index is in the store. */
  readonly keepCompressed: (file: {
    readonly sha256: Sha256;
    readonly bytes: Uint8Array;
    readonly of: Sha256;
  }) => Promise<void>;
  /** By path, what the suite's newest version held. */
  readonly previous: ReadonlyMap<string, Sha256>;
  readonly onProgress: (progress: { readonly path: string; readonly done: number; readonly total: number }) => void;
};

export type Gathered = {
  readonly indexes: readonly IndexContent[];
  /** How many of them the store did not have. */
  readonly added: number;
};

/** At once, as many as the mirror has connections for. */
const lanes = 2;

/**
 * Throws what `fetchIndex` and the store throw; what was stored until then stays, and the next call goes on from there.
 */
export async function gatherIndexes(deps: GatherDeps, wanted: readonly WantedIndex[]): Promise<Gathered> {
  const here = new Map<WantedIndex, IndexContent>();
  for (const each of wanted) {
    const content = await findHere(deps, each);
    if (content !== undefined) here.set(each, content);
  }
  // The largest first, so that none is left for the end. One of two files with the same content is enough.
  const needed = new Map<string, WantedIndex[]>();
  for (const each of wanted.toSorted((a, b) => sizeOf(b) - sizeOf(a))) {
    const key = each.candidates[0]!.file.sha256;
    if (!here.has(each)) needed.set(key, [...(needed.get(key) ?? []), each]);
  }
  const gathering = new Gathering(
    deps,
    [...needed.values()].map((same) => same[0]!),
  );
  await inLanes([...needed.values()], deps.options.signal, async (same, signal) => {
    const { sha256, size } = await gathering.bring(same[0]!, signal);
    for (const each of same) here.set(each, { ...each.name, sha256, size });
  });
  return { indexes: wanted.map((each) => here.get(each)!), added: needed.size };
}

function sizeOf(wanted: WantedIndex): number {
  return wanted.candidates[0]!.file.size;
}

async function findHere(deps: GatherDeps, wanted: WantedIndex): Promise<IndexContent | undefined> {
  const possible =
    wanted.plain === undefined
      ? await deps.indexesInside(wanted.candidates.map(({ file }) => file.sha256))
      : [wanted.plain.sha256];
  for (const sha256 of possible) {
    const found = await deps.shelf.info(sha256);
    if (found !== undefined) return { ...wanted.name, sha256, size: found.size };
  }
  return undefined;
}

type Stored = { readonly sha256: Sha256; readonly size: number };

class Gathering {
  readonly #deps: GatherDeps;
  readonly #total: number;
  #done = 0;
  /** One index at a time is held in memory as a whole. */
  #turn: Promise<unknown> = Promise.resolve();
  /** False once the mirror did not have a patch that it had announced: it will not have the others. */
  #patches = true;

  constructor(deps: GatherDeps, needed: readonly WantedIndex[]) {
    this.#deps = deps;
    this.#total = needed.reduce((sum, each) => sum + sizeOf(each), 0);
  }

  async bring(wanted: WantedIndex, signal: AbortSignal): Promise<Stored> {
    const { onProgress, options } = this.#deps;
    const { path } = wanted.name;
    onProgress({ path, done: this.#done, total: this.#total });
    const onBytes = (count: number) => {
      this.#done = Math.min(this.#total, this.#done + count);
      options.onBytes?.(count);
      onProgress({ path, done: this.#done, total: this.#total });
    };
    const source: GatherDeps = { ...this.#deps, options: { ...options, signal, onBytes } };
    if (wanted.plain?.size === 0) return this.#store(wanted, emptyIndex(wanted.plain.sha256));
    return (await this.#patch(source, wanted)) ?? this.#fetch(source, wanted);
  }

  async #patch(source: GatherDeps, wanted: WantedIndex): Promise<Stored | undefined> {
    const { previous, shelf } = this.#deps;
    const from = previous.get(wanted.name.path);
    if (!this.#patches || from === undefined) return undefined;
    const patches = await fetchPatches(source, wanted, from);
    if (patches === 'missing') this.#patches = false;
    if (typeof patches === 'string') return undefined;
    return this.#inTurn(async () => {
      const index = await patches.apply(await shelf.read(from));
      return index === undefined ? undefined : this.#store(wanted, index);
    });
  }

  #fetch(source: GatherDeps, wanted: WantedIndex): Promise<Stored> {
    return fetchIndex(source, wanted, (open) => this.#inTurn(async () => this.#store(wanted, await open())));
  }

  async #store(wanted: WantedIndex, { sha256, bytes, compressed, discard }: FetchedIndex): Promise<Stored> {
    const successorOf = this.#deps.previous.get(wanted.name.path);
    const split = wanted.name.kind === 'contents' ? 'lines' : 'stanzas';
    await this.#deps.shelf.put(bytes, { sha256, split, successorOf });
    if (compressed !== undefined) await this.#deps.keepCompressed({ ...compressed, of: sha256 });
    await discard();
    return { sha256, size: bytes.length };
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {});
    return result;
  }
}

function emptyIndex(sha256: Sha256): FetchedIndex {
  return { sha256, bytes: new Uint8Array(), compressed: undefined, discard: async () => {} };
}

/** The first failure stops the others, and is thrown when all have ended. */
async function inLanes<T>(
  items: readonly T[],
  outer: AbortSignal | undefined,
  work: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const failed = new AbortController();
  const signal = AbortSignal.any([failed.signal, ...(outer === undefined ? [] : [outer])]);
  let next = 0;
  let failure: { readonly error: unknown } | undefined;
  const lane = async () => {
    while (next < items.length && failure === undefined) {
      try {
        await work(items[next++]!, signal);
      } catch (error) {
        failure ??= { error };
        failed.abort();
      }
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  if (failure !== undefined) throw failure.error;
}

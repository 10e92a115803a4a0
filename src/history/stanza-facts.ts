/** What the pieces of an index say of packages, read in bounded portions. */
import { readEntry, type IndexEntry } from '../formats/deb/index-entry.ts';
import { SheafError } from '../kit/error.ts';
import { relationFields } from '../model/relation-field.ts';
import type { IndexStore } from './ports.ts';

export type StanzaFacts = Omit<IndexEntry, 'filename' | 'relations'> & {
  readonly piece: number;
  readonly kind: 'binary' | 'source';
};

const fieldCount = 16;
const fieldNumbers: ReadonlyMap<string, number> = new Map(relationFields.map((field, number) => [field, number]));

/** Who names whom: gathered from many pieces, so that it can be written in the order of the targets. */
export class RelationTargets {
  /** How many relations are held. */
  size = 0;
  /** By target: piece and field in one number, for a first load has a million of them. */
  readonly #found = new Map<string, number[]>();
  /** Who names, by piece. */
  readonly #names = new Map<number, string>();

  add(piece: number, { name, relations }: IndexEntry): void {
    if (relations.length > 0) this.#names.set(piece, copyText(name));
    this.size += relations.length;
    for (const { target, field } of relations) {
      const number = piece * fieldCount + fieldNumbers.get(field)!;
      const found = this.#found.get(target);
      if (found === undefined) this.#found.set(copyText(target), [number]);
      else found.push(number);
    }
  }

  clear(): void {
    this.size = 0;
    this.#found.clear();
    this.#names.clear();
  }

  targets(): string[] {
    return [...this.#found.keys()].toSorted();
  }

  *of(target: string): Generator<{ readonly piece: number; readonly name: string; readonly field: number }> {
    for (const number of this.#found.get(target)!) {
      const piece = Math.floor(number / fieldCount);
      yield { piece, name: this.#names.get(piece)!, field: number % fieldCount };
    }
  }
}

/** A part of a string keeps the whole string alive, here the whole stanza; a copy does not. */
function copyText(text: string): string {
  return Buffer.from(text).toString();
}

/** So many pieces are in memory at once. */
const portion = 2000;

/**
 * Reads pieces, and hands over what they say in portions. Pieces without a field are passed over. `path` is that of
 * their index. Throws `bad-index` for a piece that is no stanza.
 */
export async function* readFacts(
  store: IndexStore,
  pieces: readonly number[],
  { kind, path }: { readonly kind: 'binary' | 'source'; readonly path: string },
  relations: RelationTargets,
): AsyncGenerator<StanzaFacts[]> {
  for (let start = 0; start < pieces.length; start += portion) {
    const numbers = pieces.slice(start, start + portion);
    const facts: StanzaFacts[] = [];
    for (const [at, bytes] of (await store.readPieces(numbers)).entries()) {
      const entry = readStanzaEntry(bytes, kind, path);
      if (entry === undefined) continue;
      const piece = numbers[at]!;
      relations.add(piece, entry);
      facts.push({ ...entry, piece, kind });
    }
    yield facts;
  }
}

function readStanzaEntry(bytes: Uint8Array, kind: 'binary' | 'source', path: string): IndexEntry | undefined {
  try {
    return readEntry(bytes, kind, path);
  } catch (error) {
    if (!(error instanceof SheafError)) throw error;
    const start = new TextDecoder().decode(bytes.subarray(0, 80)).split('\n', 1)[0]!;
    throw new SheafError('bad-index', `${error.message} (in the stanza that begins with ${JSON.stringify(start)})`, {
      place: { file: path },
      hint: 'The index is kept as it is, but its snapshot is not: nothing can be said of its packages.',
      cause: error,
    });
  }
}

/**
 * Brings the entries of two archives together by their paths, in one reading of both. Archives of dpkg are in order, so
 * that two alike are read side by side and nothing waits; what comes elsewhere in the other one waits for it.
 */
import { createHash } from 'node:crypto';

import type { StreamedTarEntry } from '../../formats/container/tar.ts';
import type { TarEntry } from '../../formats/container/tar-header.ts';
import { order } from '../../kit/order.ts';
import { both } from './both.ts';

export type HeldEntry = Omit<TarEntry, 'offset'> & {
  /** The content; without it where it was too much to hold. */
  readonly bytes?: Uint8Array;
  /** Of the content, where it is not held. */
  readonly sha256?: string;
};

/** What there is under a path; one of the two may be missing. */
export type EntryPair = { readonly left?: HeldEntry; readonly right?: HeldEntry };

export type PairLimits = { readonly file: number; readonly waiting: number };

export type Pairing = {
  readonly pairs: AsyncGenerator<EntryPair>;
  /** Of the paths that both have, the first that does not come in the same order; only after all pairs were read. */
  readonly outOfOrder: () => string | undefined;
};

type Entries = AsyncIterator<StreamedTarEntry>;

export function pairEntries(left: Entries, right: Entries, limits: PairLimits): Pairing {
  const sides = [new Side(left, limits), new Side(right, limits)] as const;
  return { pairs: pairsOf(...sides), outOfOrder: () => firstOutOfOrder(...sides) };
}

async function* pairsOf(left: Side, right: Side): AsyncGenerator<EntryPair> {
  try {
    while (!left.ended || !right.ended) {
      const first = left.ended ? 1 : right.ended ? -1 : order(left.key, right.key);
      // Both at once, so that both are decompressed at the same time.
      const [one, other] = await both(first <= 0 ? left.next() : undefined, first >= 0 ? right.next() : undefined);
      if (one !== undefined && other !== undefined && one.path === other.path) {
        yield { left: one, right: other };
        continue;
      }
      if (one !== undefined) yield* matched(one, left, right, (held) => ({ left: one, right: held }));
      if (other !== undefined) yield* matched(other, right, left, (held) => ({ left: held, right: other }));
    }
    for (const held of left.rest()) yield { left: held };
    for (const held of right.rest()) yield { right: held };
  } finally {
    await both(left.close(), right.close());
  }
}

function* matched(
  entry: HeldEntry,
  own: Side,
  other: Side,
  pair: (held: HeldEntry) => EntryPair,
): Generator<EntryPair> {
  const held = other.take(entry.path);
  if (held === undefined) own.keep(entry);
  else yield pair(held);
}

class Side {
  ended = false;
  /** Where it is, in dpkg's order. */
  key = '';
  /** Every path, in the order it came. */
  readonly paths: string[] = [];
  readonly #entries: Entries;
  readonly #limits: PairLimits;
  readonly #waiting = new Map<string, HeldEntry>();
  #bytes = 0;

  constructor(entries: Entries, limits: PairLimits) {
    this.#entries = entries;
    this.#limits = limits;
  }

  async next(): Promise<HeldEntry | undefined> {
    const next = await this.#entries.next();
    if (next.done === true) {
      this.ended = true;
      return undefined;
    }
    const entry = next.value;
    this.key = keyOf(entry);
    this.paths.push(entry.path);
    return hold(entry, this.#limits.file);
  }

  keep(entry: HeldEntry): void {
    const size = entry.bytes?.length ?? 0;
    const fits = this.#bytes + size <= this.#limits.waiting;
    if (fits) this.#bytes += size;
    this.#waiting.set(entry.path, fits ? ownBytes(entry) : withoutBytes(entry));
  }

  take(path: string): HeldEntry | undefined {
    const held = this.#waiting.get(path);
    this.#waiting.delete(path);
    this.#bytes -= held?.bytes?.length ?? 0;
    return held;
  }

  rest(): Iterable<HeldEntry> {
    return this.#waiting.values();
  }

  async close(): Promise<void> {
    await this.#entries.return?.();
  }
}

/** dpkg-deb packs symbolic links last, and everything by name, folder by folder. */
function keyOf({ path, type }: StreamedTarEntry): string {
  return `${type === 'symlink' ? 1 : 0}\0${path.replaceAll('/', '\0')}`;
}

async function hold({ content, ...entry }: StreamedTarEntry, most: number): Promise<HeldEntry> {
  if (entry.type !== 'file') return entry;
  if (entry.size > most) {
    const hash = createHash('sha256');
    for await (const piece of content) hash.update(piece);
    return { ...entry, sha256: hash.digest('hex') };
  }
  let bytes = new Uint8Array();
  let at = 0;
  for await (const piece of content) {
    // What came in one piece need not be copied.
    if (piece.length === entry.size) return { ...entry, bytes: piece };
    if (at === 0) bytes = new Uint8Array(entry.size);
    bytes.set(piece, at);
    at += piece.length;
  }
  return { ...entry, bytes };
}

/** What was not copied is part of a larger piece, which would wait with it. */
function ownBytes({ bytes, ...entry }: HeldEntry): HeldEntry {
  return bytes === undefined ? entry : { ...entry, bytes: new Uint8Array(bytes) };
}

function withoutBytes({ bytes, ...entry }: HeldEntry): HeldEntry {
  return bytes === undefined ? entry : { ...entry, sha256: digestOf({ ...entry, bytes }) };
}

export function digestOf({ bytes, sha256 }: HeldEntry): string {
  return sha256 ?? createHash('sha256').update(bytes!).digest('hex');
}

function firstOutOfOrder(left: Side, right: Side): string | undefined {
  const [ofLeft, ofRight] = [new Set(left.paths), new Set(right.paths)];
  const common = left.paths.filter((path) => ofRight.has(path));
  const others = right.paths.filter((path) => ofLeft.has(path));
  return common.find((path, index) => path !== others[index]);
}

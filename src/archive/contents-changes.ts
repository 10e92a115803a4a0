/**
 * What changes in a Contents index: records of a path, a package and whether it is listed there from now on, in the order
 * of their bytes. A suite may have many millions, so that they are sorted part by part, and the parts kept compressed.
 */
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';

import type { ByteText } from './package-contents.ts';

export type ContentsChange = {
  readonly path: ByteText;
  /** As the index calls it: `section/name`. */
  readonly name: string;
  readonly listed: boolean;
};

/** Bytes of records that are sorted at a time. */
const partSize = 2 * 2 ** 20;
/** Bytes of records that are decompressed at a time. */
const pieceSize = 64 * 1024;

export class ContentsChanges {
  readonly #parts: Uint8Array[][] = [];
  #records: string[] = [];
  #size = 0;

  /** `paths`: each with LF behind it. */
  add(paths: ByteText, name: string, listed: boolean): void {
    if (paths === '') return;
    // White space that no path holds parts the fields: it comes before all other characters, so records sort by path.
    const records = paths.replaceAll('\n', `\t${name}\t${listed ? '+' : '-'}\n`);
    for (const record of records.slice(0, -1).split('\n')) this.#records.push(record);
    this.#size += records.length;
    if (this.#size < partSize) return;
    this.#parts.push(pack(this.#records.toSorted()));
    this.#records = [];
    this.#size = 0;
  }

  get isEmpty(): boolean {
    return this.#parts.length === 0 && this.#records.length === 0;
  }

  /** All of them, by path and then by name. */
  *sorted(): Generator<ContentsChange, void, undefined> {
    for (const record of merge([...this.#parts.map(unpack), this.#records.toSorted().values()])) {
      const end = record.indexOf('\t');
      yield { path: record.slice(0, end), name: record.slice(end + 1, -2), listed: record.endsWith('+') };
    }
  }
}

function pack(records: readonly string[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let [from, size] = [0, 0];
  for (const [at, record] of records.entries()) {
    size += record.length + 1;
    if (size < pieceSize && at < records.length - 1) continue;
    pieces.push(zstdCompressSync(Buffer.from(records.slice(from, at + 1).join('\n'), 'latin1')));
    [from, size] = [at + 1, 0];
  }
  return pieces;
}

function* unpack(pieces: readonly Uint8Array[]): Generator<string, void, undefined> {
  for (const piece of pieces) yield* zstdDecompressSync(piece).toString('latin1').split('\n');
}

type Source = { readonly rest: Iterator<string>; record: string };

/** A heap of the sources, the one with the least record first. */
function* merge(iterators: readonly Iterator<string>[]): Generator<string, void, undefined> {
  const heap: Source[] = [];
  for (const rest of iterators) {
    const next = rest.next();
    if (next.done !== true) heap.push({ rest, record: next.value });
  }
  heap.sort((a, b) => (a.record < b.record ? -1 : 1));
  for (let top = heap[0]; top !== undefined; top = heap[0]) {
    yield top.record;
    const next = top.rest.next();
    if (next.done !== true) top.record = next.value;
    else {
      const last = heap.pop()!;
      if (last === top) continue;
      heap[0] = last;
    }
    sink(heap);
  }
}

function sink(heap: Source[]): void {
  const moving = heap[0]!;
  let at = 0;
  for (;;) {
    let child = at * 2 + 1;
    if (child + 1 < heap.length && heap[child + 1]!.record < heap[child]!.record) child++;
    if (child >= heap.length || moving.record <= heap[child]!.record) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = moving;
}

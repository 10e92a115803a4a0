/** Which pieces of an index the store has already: found by checksum, then compared byte for byte with what is stored. */
import { crc32 } from 'node:zlib';

import type { CopyRun, Generation } from './generation.ts';
import type { PieceTable } from './piece-table.ts';

/** An index cut into pieces. */
export type CutIndex = {
  readonly bytes: Buffer;
  /** Where each piece ends. */
  readonly ends: Uint32Array;
  readonly sums: Uint32Array;
};

export function sumPieces(bytes: Buffer, ends: Uint32Array): CutIndex {
  const sums = new Uint32Array(ends.length);
  let start = 0;
  for (let index = 0; index < ends.length; index++) {
    const end = ends[index]!;
    sums[index] = crc32(bytes.subarray(start, end));
    start = end;
  }
  return { bytes, ends, sums };
}

export function startOf({ ends }: CutIndex, index: number): number {
  return index === 0 ? 0 : ends[index - 1]!;
}

export function pieceAt(cut: CutIndex, index: number): Buffer {
  return cut.bytes.subarray(startOf(cut, index), cut.ends[index]);
}

/**
 * The number of each piece, or 0 for one that is not in the store. Pieces of `before` are preferred, so that an index
 * keeps the numbers of its predecessor. A piece that cannot be read counts as not there.
 */
export async function matchPieces(
  generation: Generation,
  table: PieceTable,
  cut: CutIndex,
  before: Uint32Array,
): Promise<Uint32Array> {
  const { catalog } = generation;
  const known = new Uint8Array(catalog.next);
  for (const piece of before) known[piece] = 1;
  const isKnown = (piece: number) => known[piece] === 1;
  table.update();
  const numbers = new Uint32Array(cut.ends.length);
  for (let index = 0; index < numbers.length; index++) {
    const length = cut.ends[index]! - startOf(cut, index);
    numbers[index] = table.find(cut.sums[index]!, length, isKnown);
  }
  const runs = matchedRuns(generation, cut, numbers);
  const forget = ({ first, count }: MatchedRun) => numbers.fill(0, first, first + count);
  await generation.visit(
    runs.keys(),
    (frame, stored) => {
      for (const run of runs.get(frame)!) {
        if (isSame(cut.bytes, stored, run)) continue;
        for (let index = run.first; index < run.first + run.count; index++) {
          if (!pieceAt(cut, index).equals(generation.cutOut(stored, numbers[index]!))) numbers[index] = 0;
        }
      }
    },
    (frame) => runs.get(frame)?.forEach(forget),
  );
  return numbers;
}

/** A copy of stored bytes that stands in the index as pieces `first` and so on. */
type MatchedRun = CopyRun & { readonly first: number; readonly count: number };

function isSame(bytes: Buffer, stored: Buffer, { from, to, at }: CopyRun): boolean {
  return stored.compare(bytes, at, at + to - from, from, to) === 0;
}

function matchedRuns({ catalog }: Generation, cut: CutIndex, numbers: Uint32Array): Map<number, MatchedRun[]> {
  const runs = new Map<number, MatchedRun[]>();
  let first = 0;
  let frame = -1;
  let to = 0;
  const close = (end: number) => {
    if (frame === -1 || first === end) return;
    const at = startOf(cut, first);
    const run = { from: to - (startOf(cut, end) - at), to, at, first, count: end - first };
    const known = runs.get(frame);
    if (known === undefined) runs.set(frame, [run]);
    else known.push(run);
  };
  for (let index = 0; index < numbers.length; index++) {
    const number = numbers[index]!;
    const home = number === 0 ? -1 : catalog.frameOf(number)!;
    const offset = catalog.offsetOf(number);
    if (home !== frame || offset !== to) {
      close(index);
      first = index;
      frame = home;
    }
    to = offset + catalog.lengthOf(number);
  }
  close(numbers.length);
  return runs;
}

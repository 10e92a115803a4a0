/**
 * What a new piece is probably a changed form of: compressed with that piece at hand, it takes a fifth of the bytes. Any
 * answer is right; good ones save space.
 */
import { changesOf, type ListChange } from '../../formats/history/recipe.ts';
import type { Generation } from './generation.ts';
import { pieceAt, type CutIndex } from './match.ts';
import type { Split } from './types.ts';

/** A frame may build on frames that build on frames, and no further: so that a piece is read in a few steps. */
const highestLevel = 2;
/** Pieces above this many bytes help nobody: what they cost to read is more than they save. */
const largestHelp = 2 ** 20;

/** By place in the new index, the predecessor of each new piece (whose number is 0) that has one. */
export async function findPredecessors(
  generation: Generation,
  options: {
    readonly cut: CutIndex;
    readonly numbers: Uint32Array;
    readonly before: Uint32Array;
    readonly split: Split;
  },
): Promise<Map<number, number>> {
  const { cut, numbers, before, split } = options;
  const { catalog } = generation;
  const stays = new Uint8Array(catalog.next);
  for (const number of numbers) stays[number] = 1;
  const gaps = gapsOf(changesOf(before, numbers), before, numbers, stays);
  const names = split === 'stanzas' ? await namesOf(generation, gaps) : new Map<string, number[]>();
  const found = new Map<number, number>();
  const used = new Set<number>();
  for (const index of split === 'stanzas' ? gaps.flatMap(({ came }) => came) : []) {
    const piece = names.get(firstLine(pieceAt(cut, index)))?.shift();
    if (piece === undefined) continue;
    found.set(index, piece);
    used.add(piece);
  }
  // The others by their place: `linux-image-6.12.9` stands where `linux-image-6.12.8` stood.
  for (const { gone, came } of gaps) {
    const spare = gone.filter((piece) => !used.has(piece));
    const unnamed = came.filter((index) => !found.has(index));
    for (const [place, index] of unnamed.entries()) {
      const piece = spare[Math.floor((place * spare.length) / unnamed.length)] ?? neighbour(numbers, index);
      if (piece !== undefined) found.set(index, piece);
    }
  }
  for (const [index, piece] of found) {
    const help = helpful(generation, piece);
    if (help === undefined) found.delete(index);
    else found.set(index, help);
  }
  return found;
}

/** The stanza of a new package is at least written like the one that stands before it. */
function neighbour(numbers: Uint32Array, index: number): number | undefined {
  for (let before = index - 1; before >= 0 && before > index - 100; before--) {
    if (numbers[before] !== 0) return numbers[before];
  }
  return undefined;
}

/** Between two pieces that stay: pieces that went, and places of pieces that are new. */
type Gap = { readonly gone: readonly number[]; readonly came: readonly number[] };

function gapsOf(
  changes: readonly ListChange[],
  before: Uint32Array,
  numbers: Uint32Array,
  stays: Uint8Array,
): readonly Gap[] {
  const gaps: Gap[] = [];
  let at = 0;
  for (const { keep, drop, from, to } of changes) {
    at += keep;
    const gone = [...before.subarray(at, at + drop)].filter((piece) => stays[piece] === 0);
    at += drop;
    const came: number[] = [];
    for (let index = from; index < to; index++) if (numbers[index] === 0) came.push(index);
    if (gone.length + came.length > 0) gaps.push({ gone, came });
  }
  return gaps;
}

/** The pieces that went, by their first line: `Package: hello`. Those that cannot be read are left out. */
async function namesOf(generation: Generation, gaps: readonly Gap[]): Promise<Map<string, number[]>> {
  const byFrame = new Map<number, number[]>();
  for (const piece of gaps.flatMap(({ gone }) => gone)) {
    const frame = generation.catalog.frameOf(piece);
    if (frame === undefined) continue;
    const pieces = byFrame.get(frame);
    if (pieces === undefined) byFrame.set(frame, [piece]);
    else pieces.push(piece);
  }
  const names = new Map<string, number[]>();
  await generation.visit(
    byFrame.keys(),
    (frame, bytes) => {
      for (const piece of byFrame.get(frame)!) {
        const name = firstLine(generation.cutOut(bytes, piece));
        const pieces = names.get(name);
        if (pieces === undefined) names.set(name, [piece]);
        else pieces.push(piece);
      }
    },
    () => {},
  );
  return names;
}

function firstLine(piece: Buffer): string {
  const end = piece.indexOf(10);
  return piece.toString('latin1', 0, Math.min(end === -1 ? piece.length : end, 200));
}

/** The piece, or the one it builds on itself where it lies too high; undefined when neither is of use. */
function helpful({ catalog }: Generation, piece: number): number | undefined {
  let help: number | undefined = piece;
  while (help !== undefined) {
    const frame = catalog.frames[catalog.frameOf(help) ?? -1];
    if (frame !== undefined && frame.level < highestLevel) break;
    help = catalog.predecessorOf(help);
  }
  return help !== undefined && catalog.lengthOf(help) <= largestHelp ? help : undefined;
}

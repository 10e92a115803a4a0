/** Sets of piece numbers as sorted arrays without repetition: linear time, no object for each of 65,000 numbers. Pure. */

export type PieceSet = Uint32Array;

export const noPieces: PieceSet = new Uint32Array(0);

/** One stanza may stand several times in an index: its number is in the set once. */
export function toPieceSet(pieces: Uint32Array): PieceSet {
  const sorted = pieces.toSorted();
  let length = 0;
  for (const piece of sorted) {
    if (length === 0 || sorted[length - 1] !== piece) sorted[length++] = piece;
  }
  return sorted.subarray(0, length);
}

/** What is in the first but not in the second. */
export function without(set: PieceSet, other: PieceSet): PieceSet {
  return select(set, other, false);
}

/** What is in both. */
export function common(set: PieceSet, other: PieceSet): PieceSet {
  return select(set, other, true);
}

export function union(sets: readonly PieceSet[]): PieceSet {
  if (sets.length < 2) return sets[0] ?? noPieces;
  const all = new Uint32Array(sets.reduce((sum, set) => sum + set.length, 0));
  let length = 0;
  for (const set of sets) {
    all.set(set, length);
    length += set.length;
  }
  return toPieceSet(all);
}

export function contains(set: PieceSet, piece: number): boolean {
  let [low, high] = [0, set.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (set[middle]! < piece) low = middle + 1;
    else high = middle;
  }
  return set[low] === piece;
}

function select(set: PieceSet, other: PieceSet, wanted: boolean): PieceSet {
  const found = new Uint32Array(set.length);
  let length = 0;
  let at = 0;
  for (const piece of set) {
    while (at < other.length && other[at]! < piece) at++;
    if ((at < other.length && other[at] === piece) === wanted) found[length++] = piece;
  }
  return found.subarray(0, length);
}

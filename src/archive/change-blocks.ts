/**
 * Changing an index block by block. A change of some packages moves cuts up to the next anchor at most (see `blockEnds`):
 * all blocks behind it are taken over without being looked at.
 */
import { concat } from '../kit/concat.ts';
import { order } from '../kit/order.ts';
import { blockEnds, isAnchor, replaceRuns, type Runs } from './index-runs.ts';

/** The blocks of the old index. */
export type OldBlocks = {
  readonly count: number;
  /** Name of the package that the block begins with. */
  readonly firstName: (number: number) => string;
  readonly size: (number: number) => number;
  /** Content of these blocks, one behind the other. */
  readonly read: (first: number, end: number) => Promise<Uint8Array>;
};

/** Blocks from `first` to before `end` give way to others; either may be none. */
export type BlockEdit = {
  readonly first: number;
  readonly end: number;
  /** What the old ones held. */
  readonly before: Uint8Array;
  readonly blocks: readonly Uint8Array[];
};

/**
 * What comes out, from the first block to the last, is what `blockEnds` of the new index would give. No edit begins or
 * ends with a block that stays the same.
 */
export async function changeBlocks(old: OldBlocks, runs: Runs, target: number): Promise<readonly BlockEdit[]> {
  const edits: BlockEdit[] = [];
  for (const { first, last, names } of affectedBlocks(old, runs, target)) {
    const end = Math.min(last + 1, old.count);
    const before = await old.read(first, end);
    const changed = new Map(names.map((name) => [name, runs.get(name)!]));
    const bytes = concat(replaceRuns(before, changed));
    const blocks: Uint8Array[] = [];
    let from = 0;
    for (const cut of blockEnds(bytes, target)) blocks.push(bytes.subarray(from, (from = cut)));
    if (Buffer.compare(bytes, before) !== 0) edits.push(trim(old, { first, end, before, blocks }));
  }
  return edits;
}

/** Without the blocks at both ends that are as before. */
function trim(old: OldBlocks, { first, end, before, blocks }: BlockEdit): BlockEdit {
  let [from, to, start, stop] = [0, blocks.length, 0, before.length];
  const isSame = (number: number, at: number, block: Uint8Array) =>
    old.size(number) === block.length && Buffer.compare(block, before.subarray(at, at + block.length)) === 0;
  while (first < end && from < to && isSame(first, start, blocks[from]!)) {
    start += old.size(first++);
    from++;
  }
  while (first < end && from < to && isSame(end - 1, stop - old.size(end - 1), blocks[to - 1]!)) {
    stop -= old.size(--end);
    to--;
  }
  return { first, end, before: before.subarray(start, stop), blocks: blocks.slice(from, to) };
}

type Affected = { readonly first: number; last: number; readonly names: string[] };

/** Groups of neighbouring blocks, from the first on, with the names that change in each. */
function affectedBlocks({ count, firstName }: OldBlocks, runs: Runs, target: number): Affected[] {
  const groups: Affected[] = [];
  for (const name of [...runs.keys()].toSorted(order)) {
    let [low, high] = [0, Math.max(0, count - 1)];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (order(firstName(middle), name) <= 0) low = middle;
      else high = middle - 1;
    }
    // When the package that a block begins with goes, the block before reaches further.
    const first = low > 0 && firstName(low) === name ? low - 1 : low;
    let group = groups.at(-1);
    if (group === undefined || first > group.last + 1) groups.push((group = { first, last: low, names: [] }));
    group.names.push(name);
    group.last = Math.max(group.last, low);
    while (group.last + 1 < count && !isAnchor(firstName(group.last + 1), target)) group.last++;
  }
  return groups;
}

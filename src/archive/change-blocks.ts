/**
 * Changing an index block by block. Where blocks end depends on the names in them alone (see `blockEnds`), so a change of
 * some packages moves only the cuts beside them: all other blocks are taken over without being looked at.
 */
import { order } from '../kit/order.ts';
import { blockEnds, nameAt, replaceRuns, type Runs } from './index-runs.ts';

/** Blocks one behind the other: the old one of that number, or new bytes. */
export type ChangedBlock = { readonly old: number } | { readonly bytes: Uint8Array };

/** `ends` are where the blocks of the old index end; what comes out is what `blockEnds` of the new index would give. */
export function changeBlocks(
  index: Uint8Array,
  ends: readonly number[],
  runs: Runs,
  target: number,
): readonly ChangedBlock[] {
  const blocks: ChangedBlock[] = [];
  const start = (number: number) => (number === 0 ? 0 : ends[number - 1]!);
  let next = 0;
  for (const { first, last, names } of affectedBlocks(index, ends, runs)) {
    while (next < first) blocks.push({ old: next++ });
    const changed = new Map(names.map((name) => [name, runs.get(name)!]));
    const bytes = joined(replaceRuns(index.subarray(start(first), ends[last] ?? 0), changed));
    let from = 0;
    for (const end of blockEnds(bytes, target)) blocks.push({ bytes: bytes.subarray(from, (from = end)) });
    next = last + 1;
  }
  while (next < ends.length) blocks.push({ old: next++ });
  return blocks;
}

type Affected = { readonly first: number; last: number; readonly names: string[] };

/** Groups of neighbouring blocks, from the first on, with the names that change in each. */
function affectedBlocks(index: Uint8Array, ends: readonly number[], runs: Runs): Affected[] {
  const groups: Affected[] = [];
  const firstName = (number: number) => nameAt(index, number === 0 ? 0 : ends[number - 1]!);
  for (const name of [...runs.keys()].toSorted(order)) {
    let [low, high] = [0, ends.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (order(firstName(middle), name) <= 0) low = middle;
      else high = middle - 1;
    }
    // When the package that a block begins with goes, the block before reaches further.
    const first = low > 0 && firstName(low) === name ? low - 1 : low;
    const group = groups.at(-1);
    if (group !== undefined && first <= group.last + 1) {
      group.last = Math.max(group.last, low);
      group.names.push(name);
    } else groups.push({ first, last: low, names: [name] });
  }
  return groups;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let position = 0;
  for (const part of parts) {
    bytes.set(part, position);
    position += part.length;
  }
  return bytes;
}

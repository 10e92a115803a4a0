/** Which entries of one list and of the other are the same package. */
import type { PackageEntry } from '../model/index-history.ts';

/** One side may be empty, never both. */
export type Pair = { readonly left: readonly PackageEntry[]; readonly right: readonly PackageEntry[] };

/**
 * Pairs all entries of one name and kind. The same architecture belongs together. What is left over of `all` on one
 * side belongs to each architecture that is left over on the other: a machine of that architecture has the one
 * instead of the other, so the package changed its architecture and was neither removed nor added.
 */
export function pairArchitectures(left: readonly PackageEntry[], right: readonly PackageEntry[]): Pair[] {
  if (isPlain(left, right)) return [{ left, right }];
  const lefts = Map.groupBy(left, ({ architecture }) => architecture);
  const rights = Map.groupBy(right, ({ architecture }) => architecture);
  const pairs: Pair[] = [];
  for (const [architecture, entries] of lefts) {
    const other = rights.get(architecture);
    if (other === undefined) continue;
    pairs.push({ left: entries, right: other });
    lefts.delete(architecture);
    rights.delete(architecture);
  }
  pairs.push(...pairAll(lefts, rights));
  pairs.push(...pairAll(rights, lefts).map((pair) => ({ left: pair.right, right: pair.left })));
  for (const entries of lefts.values()) pairs.push({ left: entries, right: [] });
  for (const entries of rights.values()) pairs.push({ left: [], right: entries });
  return pairs;
}

/** Takes what it pairs out of both. */
function pairAll(one: Map<string, PackageEntry[]>, other: Map<string, PackageEntry[]>): Pair[] {
  const all = one.get('all');
  if (all === undefined || other.size === 0) return [];
  const pairs = [...other.values()].map((entries) => ({ left: all, right: entries }));
  one.delete('all');
  other.clear();
  return pairs;
}

/** Nearly every name: one entry on each side, or on one side only. */
function isPlain(left: readonly PackageEntry[], right: readonly PackageEntry[]): boolean {
  if (left.length > 1 || right.length > 1) return false;
  const [old, now] = [left[0], right[0]];
  return old === undefined || now === undefined || old.architecture === now.architecture;
}

/** What one list of indexes says of packages that another does not. */
import type { IndexKind, PackageEntry } from '../model/index-history.ts';
import { pieceReader, type PieceReader } from './piece-reader.ts';
import { common, contains, union, without, type PieceSet } from './piece-set.ts';
import type { HistoryDeps } from './ports.ts';
import { readEntries, readEntriesByName } from './store/entries.ts';
import type { IndexAt } from './types.ts';

export type DifferingEntries = {
  readonly left: PackageEntry[];
  readonly right: PackageEntry[];
  /** Entries that both sides have and that are in neither list. */
  readonly same: number;
};

export type DifferDeps = Pick<HistoryDeps, 'db' | 'store'>;

/**
 * Entries that only one side has; by the numbers of their pieces, so that neighbours cost what they differ in. Entries
 * that both have are left out, unless other versions of the same package differ: those are in both lists, for it takes
 * all versions of a package to say what became of it. A stanza that stands in several indexes of one component counts
 * once. Only Packages and Sources are looked at.
 */
export async function differingEntries(
  { db, store }: DifferDeps,
  left: readonly IndexAt[],
  right: readonly IndexAt[],
  pieces: PieceReader = pieceReader(store),
): Promise<DifferingEntries> {
  const groups = groupIndexes(left, right);
  const parts = await Promise.all(groups.map((group) => differingGroup(db, group, pieces)));
  return {
    left: parts.flatMap((part) => part.left),
    right: parts.flatMap((part) => part.right),
    same: parts.reduce((sum, part) => sum + part.same, 0),
  };
}

async function differingGroup(db: HistoryDeps['db'], group: Group, pieces: PieceReader): Promise<DifferingEntries> {
  const sides = { left: await allPieces(pieces, group.left), right: await allPieces(pieces, group.right) };
  const both = common(sides.left, sides.right);
  const [left, right] = await Promise.all([
    readEntries(db, without(sides.left, both), group),
    readEntries(db, without(sides.right, both), group),
  ]);
  const others = await otherVersions(db, group, [left, right], both);
  return { left: left.concat(others), right: right.concat(others), same: both.length - others.length };
}

type Group = {
  readonly kind: PackageEntry['kind'];
  readonly component: string;
  readonly left: IndexAt[];
  readonly right: IndexAt[];
};

function groupIndexes(left: readonly IndexAt[], right: readonly IndexAt[]): Group[] {
  const groups = new Map<string, Group>();
  for (const [side, indexes] of [
    ['left', left],
    ['right', right],
  ] as const) {
    for (const index of indexes) {
      const kind = entryKind(index.kind);
      if (kind === undefined) continue;
      const key = `${kind} ${index.component}`;
      const group = groups.get(key) ?? { kind, component: index.component, left: [], right: [] };
      groups.set(key, group);
      group[side].push(index);
    }
  }
  return [...groups.values()];
}

/** What an index lists, if it lists packages. */
export function entryKind(kind: IndexKind): PackageEntry['kind'] | undefined {
  if (kind === 'packages') return 'binary';
  return kind === 'sources' ? 'source' : undefined;
}

async function allPieces(pieces: PieceReader, indexes: readonly IndexAt[]): Promise<PieceSet> {
  return union(await Promise.all(indexes.map((index) => pieces(index.sha256))));
}

/** Entries that both sides have, of packages that the lists have other versions of. */
async function otherVersions(
  db: HistoryDeps['db'],
  group: Group,
  lists: readonly (readonly PackageEntry[])[],
  both: PieceSet,
): Promise<PackageEntry[]> {
  const differing = lists.reduce((sum, list) => sum + list.length, 0);
  if (both.length === 0 || differing === 0) return [];
  if (both.length < differing) {
    const shared = Map.groupBy(await readEntries(db, both, group), (entry) => entry.name);
    const others: PackageEntry[] = [];
    for (const { name } of lists.flat()) {
      others.push(...(shared.get(name) ?? []));
      shared.delete(name);
    }
    return others;
  }
  const names = new Set(lists.flat().map((entry) => entry.name));
  const found = await readEntriesByName(db, [...names], group);
  return found.filter((entry) => contains(both, entry.piece!));
}

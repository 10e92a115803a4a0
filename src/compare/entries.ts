/** The difference between two lists of packages. Pure: where the lists come from is others' business. */
import { order } from '../kit/order.ts';
import type { ChangeCounts, PackageEntry, SnapshotChanges } from '../model/index-history.ts';
import {
  countByClass,
  sourceOf,
  type ChangeClass,
  type CountsByKind,
  type PackageChange,
  type PackageKind,
  type PackageSide,
} from './change.ts';
import { newestOf, orderVersions, type Newest } from './newest.ts';
import { pairArchitectures, type Pair } from './pair.ts';

export type Comparison = {
  /** By source package; of each its own change first, then its binary packages by name and architecture. */
  readonly changes: readonly PackageChange[];
  readonly counts: CountsByKind;
  /** Packages that are the same on both sides. */
  readonly same: Readonly<Record<PackageKind, number>>;
};

/**
 * Compares two lists in any order. A package is a name of one kind and architecture; where several versions of it stand
 * in a list, the newest counts. Entries that both lists have may be left out of both, as long as they are left out for
 * all versions of that name: then only `same` is less.
 */
export function compareEntries(left: readonly PackageEntry[], right: readonly PackageEntry[]): Comparison {
  const changes: PackageChange[] = [];
  const same = { binary: 0, source: 0 };
  for (const kind of ['source', 'binary'] as const) {
    for (const pair of pairs(left, right, kind)) {
      const change = judge(pair, kind);
      if (change === undefined) same[kind]++;
      else changes.push(change);
    }
  }
  changes.sort(inOrder);
  return { changes, counts: countByClass(changes), same };
}

/** How many packages changed from entries that left to entries that came; see `compareEntries` on what may be left out. */
export function countChanges(left: readonly PackageEntry[], came: readonly PackageEntry[]): SnapshotChanges {
  const { binary, source } = compareEntries(left, came).counts;
  return { binary: withoutMoved(binary), source: withoutMoved(source) };
}

function withoutMoved({ added, removed, upgraded, downgraded, altered }: ChangeCounts): ChangeCounts {
  return { added, removed, upgraded, downgraded, altered };
}

function* pairs(left: readonly PackageEntry[], right: readonly PackageEntry[], kind: PackageKind): Generator<Pair> {
  const names = new Map<string, { left: PackageEntry[]; right: PackageEntry[] }>();
  const add = (side: 'left' | 'right', entry: PackageEntry) => {
    const found = names.get(entry.name);
    if (found !== undefined) found[side].push(entry);
    else names.set(entry.name, side === 'left' ? { left: [entry], right: [] } : { left: [], right: [entry] });
  };
  for (const entry of left) if (entry.kind === kind) add('left', entry);
  for (const entry of right) if (entry.kind === kind) add('right', entry);
  for (const each of names.values()) yield* pairArchitectures(each.left, each.right);
}

function judge(pair: Pair, kind: PackageKind): PackageChange | undefined {
  if (pair.left.length === 0) return toChange('added', kind, undefined, newestOf(pair.right));
  if (pair.right.length === 0) return toChange('removed', kind, newestOf(pair.left), undefined);
  const [left, right] = [newestOf(pair.left), newestOf(pair.right)];
  const versions = orderVersions(left.entries[0]!.version, right.entries[0]!.version);
  if (versions !== 0) return toChange(versions < 0 ? 'upgraded' : 'downgraded', kind, left, right);
  // Another architecture is another build, of which nobody expects the same bytes.
  if (left.entries[0]!.architecture !== right.entries[0]!.architecture) return toChange('moved', kind, left, right);
  const bytes = bytesKey([...left.entries, ...right.entries]);
  if (differs(left, right, bytes)) return toChange('altered', kind, odd(left, right, bytes), odd(right, left, bytes));
  if (saysComponent(left, right) && differs(left, right, component)) {
    return toChange('moved', kind, odd(left, right, component), odd(right, left, component));
  }
  return undefined;
}

type Key = (entry: PackageEntry) => string;

const component: Key = (entry) => entry.component;

/** A file outside of an archive's tree may not say what component its packages are of. */
function saysComponent(...sides: readonly Newest[]): boolean {
  return sides.every(({ entries }) => entries.every((entry) => entry.component !== ''));
}

/** By SHA-256; by size where an old index gives none. */
function bytesKey(entries: readonly PackageEntry[]): Key {
  return entries.some(({ sha256 }) => sha256 === '') ? ({ size }) => String(size) : ({ sha256 }) => sha256;
}

function differs(left: Newest, right: Newest, key: Key): boolean {
  if (left.entries.length === 1 && right.entries.length === 1) return key(left.entries[0]!) !== key(right.entries[0]!);
  const [lefts, rights] = [new Set(left.entries.map(key)), new Set(right.entries.map(key))];
  return lefts.size !== rights.size || [...lefts].some((each) => !rights.has(each));
}

/** With the entry in front that the other side does not have, which is the one to tell. */
function odd(newest: Newest, other: Newest, key: Key): Newest {
  const others = new Set(other.entries.map(key));
  const found = newest.entries.find((entry) => !others.has(key(entry)));
  return found === undefined ? newest : { ...newest, entries: [found] };
}

function toChange(
  change: ChangeClass,
  kind: PackageKind,
  old: Newest | undefined,
  now: Newest | undefined,
): PackageChange {
  const { name } = (now ?? old!).entries[0]!;
  if (old === undefined) return { change, kind, name, new: toSide(now!) };
  if (now === undefined) return { change, kind, name, old: toSide(old) };
  return { change, kind, name, old: toSide(old), new: toSide(now) };
}

function toSide({ entries, also }: Newest): PackageSide {
  const { version, architecture, component: within, source, sourceVersion, sha256, size } = entries[0]!;
  const side = { version, architecture, component: within, source, sourceVersion, sha256, size };
  return also.length === 0 ? side : { ...side, also };
}

function inOrder(a: PackageChange, b: PackageChange): number {
  if (a === b) return 0;
  return (
    order(sourceOf(a), sourceOf(b)) ||
    order(b.kind, a.kind) ||
    order(a.name, b.name) ||
    order((a.new ?? a.old!).architecture, (b.new ?? b.old!).architecture) ||
    order((a.old ?? a.new!).architecture, (b.old ?? b.new!).architecture)
  );
}

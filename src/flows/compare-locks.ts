/** What differs between two files of locks, architecture by architecture. */
import {
  compareEntries,
  fixedIn,
  groupBySource,
  type Comparison,
  type Counts,
  type PackageChange,
  type SourceGroup,
} from '../compare/mod.ts';
import { lockedEntry } from '../lock/mod.ts';
import { order } from '../kit/order.ts';
import { installedSize, type Lock, type LockedPackage } from '../model/lock.ts';
import { readGroupChangelog, type ChangelogPort, type GroupChangelog } from './compare-changelogs.ts';

/** Bytes to fetch, and bytes on the disk once installed, which packages only estimate. */
export type LockSizes = { readonly download: number; readonly installed: number };

export type LockChange = PackageChange & {
  /** What there is more on the newer side; negative when less. */
  readonly sizes: LockSizes;
};

export type LockSourceChange = SourceGroup<LockChange> & {
  readonly changelog?: GroupChangelog;
  /** CVEs that the changelog's new entries name. */
  readonly fixed?: readonly string[];
};

export type ArchitectureChange = {
  readonly architecture: string;
  /** Where only one file has a lock for this architecture. */
  readonly only?: 'left' | 'right';
  readonly counts: Counts;
  readonly same: number;
  /** Of all packages together, before and after. */
  readonly sizes: { readonly left: LockSizes; readonly right: LockSizes };
  readonly sources: readonly LockSourceChange[];
};

type Request = NonNullable<Lock['request']>;

export type LockComparison = {
  /** By name. */
  readonly architectures: readonly ArchitectureChange[];
  /** The same version with other bytes. */
  readonly alarms: readonly LockChange[];
  /** Whose packages these are, such as `debian/trixie@20260912T075541Z`, where that is not the same. */
  readonly places?: { readonly left: readonly string[]; readonly right: readonly string[] };
  /** What was asked for, where that is not the same. */
  readonly requests?: { readonly left: readonly Request[]; readonly right: readonly Request[] };
};

/** Changelogs are read where there is a port and the files are here. */
export async function compareLocks(
  left: readonly Lock[],
  right: readonly Lock[],
  changelogs?: ChangelogPort,
): Promise<LockComparison> {
  const names = [...new Set([...left, ...right].map(({ architecture }) => architecture))].toSorted(order);
  const architectures: ArchitectureChange[] = [];
  for (const name of names) {
    const of = (locks: readonly Lock[]) => locks.find(({ architecture }) => architecture === name);
    architectures.push(await compareArchitecture(of(left), of(right), changelogs));
  }
  const all = architectures.flatMap(({ sources }) => sources).flatMap(({ changes }) => changes);
  const places = { left: placesOf(left), right: placesOf(right) };
  const requests = { left: requestsOf(left), right: requestsOf(right) };
  return {
    architectures,
    alarms: all.filter(({ change }) => change === 'altered'),
    ...(isSame(places) ? {} : { places }),
    ...(isSame(requests) ? {} : { requests }),
  };
}

/** Whether the same packages are in both: other snapshots with the same packages are no difference. */
export function isSameContent({ architectures }: LockComparison): boolean {
  return architectures.every(({ only, sources }) => only === undefined && sources.length === 0);
}

async function compareArchitecture(
  left: Lock | undefined,
  right: Lock | undefined,
  changelogs: ChangelogPort | undefined,
): Promise<ArchitectureChange> {
  const [old, now] = [left?.packages ?? [], right?.packages ?? []];
  const { changes, counts, same }: Comparison = compareEntries(old.map(lockedEntry), now.map(lockedEntry));
  const sizes = { left: sizesOf(old), right: sizesOf(now) };
  const [olds, nows] = [bySide(old), bySide(now)];
  const sized = changes.map((change) => ({
    ...change,
    sizes: {
      download: (change.new?.size ?? 0) - (change.old?.size ?? 0),
      installed: (nows.get(keyOf(change, change.new)) ?? 0) - (olds.get(keyOf(change, change.old)) ?? 0),
    },
  }));
  const sources: LockSourceChange[] = [];
  for (const group of groupBySource(sized)) sources.push(await withChangelog(group, changelogs));
  return {
    architecture: (left ?? right!).architecture,
    ...(left === undefined ? { only: 'right' } : right === undefined ? { only: 'left' } : {}),
    ...{ counts: counts.binary, same: same.binary, sizes, sources },
  };
}

async function withChangelog(
  group: SourceGroup<LockChange>,
  read: ChangelogPort | undefined,
): Promise<LockSourceChange> {
  if (read === undefined) return group;
  const changelog = await readGroupChangelog(read, group);
  if (changelog === undefined) return group;
  const fixed = fixedIn(changelog.entries ?? []);
  return { ...group, changelog, ...(fixed.length === 0 ? {} : { fixed }) };
}

function bySide(packages: readonly LockedPackage[]): ReadonlyMap<string, number> {
  return new Map(packages.map((each) => [keyOf(each, each), installedSize(each)]));
}

function keyOf({ name }: { readonly name: string }, side: { readonly architecture: string } | undefined): string {
  return `${name}:${side?.architecture}`;
}

function sizesOf(packages: readonly LockedPackage[]): LockSizes {
  return {
    download: packages.reduce((sum, { size }) => sum + size, 0),
    installed: packages.reduce((sum, each) => sum + installedSize(each), 0),
  };
}

function placesOf(locks: readonly Lock[]): string[] {
  const places = locks.flatMap(({ sources }) =>
    sources.map(({ snapshot, suite, url, date }) => snapshot ?? `${suite} of ${url}${date === '' ? '' : ` (${date})`}`),
  );
  return [...new Set(places)].toSorted(order);
}

function requestsOf(locks: readonly Lock[]): Request[] {
  const known = new Map(locks.flatMap(({ request }) => (request ? [[JSON.stringify(request), request] as const] : [])));
  return [...known.values()];
}

function isSame({ left, right }: { readonly left: unknown; readonly right: unknown }): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}

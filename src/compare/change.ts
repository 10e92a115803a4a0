/** What happened to one package between two lists of packages, and how many of each there are. */
import type { ChangeCounts, PackageEntry } from '../model/index-history.ts';

/**
 * `altered`: the same version with other bytes, which an archive must never do. `moved`: the same version in another
 * component, or of another architecture (`all` became `amd64` without a new version).
 */
export const changeClasses = ['added', 'removed', 'upgraded', 'downgraded', 'altered', 'moved'] as const;
export type ChangeClass = (typeof changeClasses)[number];

export type PackageKind = PackageEntry['kind'];

/** A package as one of the two lists has it. */
export type PackageSide = Pick<
  PackageEntry,
  'version' | 'architecture' | 'component' | 'source' | 'sourceVersion' | 'sha256' | 'size'
> & {
  /** Older versions of the same package that stand beside it, newest first. */
  readonly also?: readonly string[];
};

export type PackageChange = {
  readonly change: ChangeClass;
  readonly kind: PackageKind;
  readonly name: string;
  /** Absent when it was added. */
  readonly old?: PackageSide;
  /** Absent when it was removed. */
  readonly new?: PackageSide;
};

export type Counts = ChangeCounts & { readonly moved: number };
export type CountsByKind = Readonly<Record<PackageKind, Counts>>;

export function countByClass(changes: readonly PackageChange[]): CountsByKind {
  const counts = { binary: zero(), source: zero() };
  for (const { kind, change } of changes) counts[kind][change]++;
  return counts;
}

function zero(): Record<ChangeClass, number> {
  return { added: 0, removed: 0, upgraded: 0, downgraded: 0, altered: 0, moved: 0 };
}

/** The source package that a change belongs to: as the newer list says it, where that one has the package. */
export function sourceOf(change: PackageChange): string {
  return (change.new ?? change.old!).source;
}

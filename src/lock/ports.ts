/** What the lock room asks of the world. */
import type { KeptSource, LockedPackage, LockSource } from '../model/lock.ts';
import type { Architecture } from '../model/names.ts';
import type { PackageClass } from './variant.ts';

/** One suite, or several of one archive. */
export type PackageSource = {
  readonly url: string;
  readonly suites: readonly string[];
  readonly components: readonly string[];
  /** File with the keys that its Release must be signed with. */
  readonly keyring: string;
};

export type SolverRequest = {
  readonly architecture: string;
  readonly upstream: readonly PackageSource[];
  readonly own: readonly PackageSource[];
  /** Comma-separated dependencies as in Build-Depends, restrictions included. */
  readonly depends: string;
  readonly conflicts: string;
};

export type SolverAnswer =
  | { readonly kind: 'solved'; readonly packages: readonly LockedPackage[]; readonly sources: readonly LockSource[] }
  | { readonly kind: 'unmet'; readonly explanation: string };

/** Chooses packages for an empty system that gets all essential packages and the request's; no recommendations. */
export interface Solver {
  solve(request: SolverRequest): Promise<SolverAnswer>;
}

export type SnapshotRequest = {
  readonly architecture: Architecture;
  /** Further ones that packages may be of. */
  readonly foreign: readonly Architecture[];
  /** Of several that have the same file, the first is taken. */
  readonly sources: readonly KeptSource[];
  /** As apt takes them. */
  readonly packages: readonly string[];
  /** Packages of these classes come too. */
  readonly classes: readonly PackageClass[];
  readonly recommends: boolean;
  readonly exclude: readonly string[];
  /** Versions that are taken wherever a source has them. */
  readonly keep: readonly LockedPackage[];
  /** As in Build-Depends and Build-Conflicts: must hold too. `packages` are plain names then. */
  readonly needs?: Needs | undefined;
};

export type Needs = { readonly depends: string; readonly conflicts: string };

export type SnapshotAnswer =
  /** With all fields of their stanzas. */
  | { readonly kind: 'solved'; readonly packages: readonly LockedPackage[] }
  /** `kept`: names of packages that cannot be in the versions of `keep`. */
  | { readonly kind: 'unmet'; readonly explanation: string; readonly kept?: readonly string[] };

/** What apt would install in an empty system that knows these snapshots and nothing else. */
export interface SnapshotSolver {
  solve(request: SnapshotRequest): Promise<SnapshotAnswer>;
}

/** What the lock room asks of the world. */
import type { LockedPackage, LockSource } from '../model/lock.ts';

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

/** What the root room asks of the world. */
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

/** `.deb` files by their hash. */
export interface DebStore {
  /**
   * The paths of these packages' files, in their order; what is missing is fetched first. Each file has the hash and size
   * that the lock says.
   */
  fetch(packages: readonly LockedPackage[], options: FetchOptions): Promise<string[]>;
}

export type FetchOptions = {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: FetchProgress) => void) | undefined;
};

/** Bytes that had to be fetched, and how many of them are here. */
export type FetchProgress = { readonly done: number; readonly total: number };

/** Runs `work` while no other process holds the lock of `file`. */
export type WithLock = <T>(file: string, work: () => Promise<T>) => Promise<T>;

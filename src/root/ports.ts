/** What the root room asks of the world. */
import type { LockedPackage } from '../model/lock.ts';
import type { FetchOptions } from '../plumbing/deb-cache.ts';

export type { Arrived, FetchOptions, FetchProgress } from '../plumbing/deb-cache.ts';

/** `.deb` files by their hash. */
export interface DebStore {
  /**
   * The paths of these packages' files, in their order; what is missing is fetched first. Each file has the hash and size
   * that the lock says.
   */
  fetch(packages: readonly LockedPackage[], options: FetchOptions): Promise<string[]>;
}

/** Runs `work` while no other process holds the lock of `file`. */
export type WithLock = <T>(file: string, work: () => Promise<T>) => Promise<T>;

/** What the root room asks of the world. */
import type { LockedPackage } from '../model/lock.ts';

/** `.deb` files by their hash. */
export interface DebStore {
  /**
   * The paths of these packages' files, in their order; what is missing is fetched first. Each file has the hash and size
   * that the lock says.
   */
  fetch(packages: readonly LockedPackage[], options: FetchOptions): Promise<string[]>;
}

export type FetchOptions = {
  /** Addresses of archives that may have a package when the one of its address does not. */
  readonly archives?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: FetchProgress) => void) | undefined;
  /** Files that are there now and verified: first all that were there before. */
  readonly onFiles?: ((arrived: readonly Arrived[]) => void) | undefined;
};

export type Arrived = { readonly package: LockedPackage; readonly path: string };

/** Bytes that had to be fetched, and how many of them are here. */
export type FetchProgress = { readonly done: number; readonly total: number };

/** Runs `work` while no other process holds the lock of `file`. */
export type WithLock = <T>(file: string, work: () => Promise<T>) => Promise<T>;

/** A lock: an exact list of packages and the snapshots it came from. */
import type { Sha256 } from '../kit/digest.ts';
import type { Architecture, PackageName, Version } from './names.ts';

export type LockedPackage = {
  readonly name: PackageName;
  readonly version: Version;
  readonly architecture: Architecture;
  readonly sha256: Sha256;
  readonly size: number;
  /** Where it was when the lock was made. */
  readonly url: string;
};

/** A Release that vouched for the packages. */
export type LockSource = {
  readonly url: string;
  readonly suite: string;
  /** SHA-256 of the InRelease file. */
  readonly inRelease: Sha256;
  /** The Release's Date field. */
  readonly date: string;
};

export type Lock = {
  /** The architecture it was solved for. */
  readonly architecture: Architecture;
  readonly sources: readonly LockSource[];
  /** Sorted by name, then architecture. */
  readonly packages: readonly LockedPackage[];
};

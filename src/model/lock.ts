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
  /** What else its index says of it: name and value, the value as `formats/deb/deb822.ts` has it. */
  readonly fields?: readonly (readonly [string, string])[];
};

/** In bytes, as the package says it, which is an estimate; 0 where it does not. */
export function installedSize(locked: LockedPackage): number {
  const kib = lockedField(locked, 'Installed-Size');
  return kib !== undefined && /^\d{1,12}$/.test(kib) ? Number(kib) * 1024 : 0;
}

/** Names are compared without regard to case (Policy 5.1). */
export function lockedField({ fields = [] }: LockedPackage, name: string): string | undefined {
  const wanted = name.toLowerCase();
  return fields.find(([each]) => each.toLowerCase() === wanted)?.[1];
}

/** A Release that vouched for the packages. */
export type LockSource = {
  readonly url: string;
  readonly suite: string;
  readonly components?: readonly string[];
  /** The snapshot in the history, such as `debian/trixie@20260912T075541Z`, where it is kept. */
  readonly snapshot?: string;
  /** SHA-256 of the InRelease file. */
  readonly inRelease: Sha256;
  /** Fingerprints of the keys that signed it and were believed. */
  readonly keys?: readonly string[];
  /** The Release's Date field. */
  readonly date: string;
};

/** How much of a system comes beside the packages that are named; the names are mmdebstrap's. */
export type Variant =
  | 'essential'
  | 'apt'
  | 'required'
  | 'minbase'
  | 'buildd'
  | 'important'
  | 'debootstrap'
  | 'standard';

/** What was asked for, beside all essential packages. */
export type LockRequest = {
  /** As apt takes them: `nginx`, `hello=2.10-3`, `libc6:i386`. */
  readonly packages: readonly string[];
  readonly variant?: Variant;
  /** Whether recommended packages come too. */
  readonly recommends: boolean;
  /** Packages that must not come. */
  readonly exclude: readonly string[];
};

export type Lock = {
  /** The architecture it was solved for. */
  readonly architecture: Architecture;
  readonly sources: readonly LockSource[];
  readonly request?: LockRequest;
  /** Sorted by name, then architecture. */
  readonly packages: readonly LockedPackage[];
};

/** A snapshot as the history has it: which Release it was, and which package indexes. */
export type KeptSource = {
  /** Of the archive: what the paths of files are relative to. */
  readonly url: string;
  readonly suite: string;
  readonly components: readonly string[];
  /** The InRelease file. */
  readonly release: Sha256;
  /** Packages of the architectures that are asked for, and of `all`; `path` without compression. */
  readonly indexes: readonly {
    readonly path: string;
    readonly architecture: string;
    readonly sha256: Sha256;
    readonly size: number;
  }[];
};

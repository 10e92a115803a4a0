/** What the rebuild room asks of the rest of the house. */
import type { Sha256 } from '../kit/digest.ts';
import type { PackageName, Version } from '../model/names.ts';
import type { CauseKind } from '../model/rebuild.ts';
import type { Said } from './compare/mod.ts';

/** Verifies an Ed25519 signature by a raw public key in base64. */
export type VerifySignature = (publicKey: string, bytes: Uint8Array, signature: Uint8Array) => boolean;

export interface StatementBlobs {
  putBytes(bytes: string): Promise<{ readonly sha256: Sha256 }>;
}

/** What a published package says of the machine that it was built on. */
export type DebFacts = {
  /** Seconds since the epoch that its archive is of: SOURCE_DATE_EPOCH of its build. */
  readonly date: number;
  /** Its changelog of this architecture, where it has one: that of a binary-only upload. */
  readonly changelogEntry?: string;
  /** Directories below /build that stand in its files, each once. */
  readonly buildPaths: readonly string[];
  /** What debhelper signed maintainer scripts and triggers with: `13.9.1`. */
  readonly debhelper?: string;
  /** What its manual pages say of pod2man: `Pod::Man 4.14 (Pod::Simple 3.42), perl v5.34.0`. */
  readonly pod2man?: string;
  /** The version of perl that dh_perl demands of a module that was compiled for it: `5.36.0-5`. */
  readonly perl?: string;
  /** What libtool calls itself in `.la` files: `2.4.7 Debian-2.4.7-5`. */
  readonly libtool?: string;
};

/** Throws what reading a `.deb` throws. `source`: the name of its source package. */
export type ReadDebFacts = (path: string, source: string) => Promise<DebFacts>;

export type PackageVersion = { readonly name: PackageName; readonly version: Version };

/** Of one source in an environment: a version that is older than the one there, and its packages of the environment. */
export type OlderSource = {
  readonly source: string;
  readonly version: string;
  readonly packages: readonly PackageVersion[];
};

/** A source in an environment, as it is there, and its packages of the environment. */
export type LockedSource = { readonly source: string; readonly version: string; readonly packages: readonly string[] };

/** Why two packages may differ. */
export type Hint = { readonly kind: CauseKind; readonly detail: string };

export type Difference = {
  /** The comparison as a document for people and programs. */
  readonly document: object;
  /** How much differs: fewer is nearer. */
  readonly count: number;
  /** Most plausible first. */
  readonly hints: readonly Hint[];
  /** What both say at one place. */
  readonly said: Said;
  /** Where they differ, for people; undefined where that is too much to be told. */
  readonly places: readonly string[] | undefined;
};

/** Paths of two `.deb` files that differ, and the name of both. */
export type CompareDebs = (original: string, rebuilt: string, name: string) => Promise<Difference>;

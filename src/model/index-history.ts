/** Indexes over time: whose they are, where they stand, and what they say of a package. */
import type { Sha256 } from '../kit/digest.ts';
import type { SnapshotId } from './names.ts';

/** A suite of ours (`origin` is empty) or of an upstream (`origin` is its name in sheaf.toml). */
export type SuiteRef = { readonly origin: string; readonly suite: string };

/** One version of a suite: for an upstream, its id is the `Date` of its Release file. */
export type SnapshotRef = SuiteRef & { readonly snapshotId: SnapshotId };

export type IndexKind = 'packages' | 'sources' | 'contents' | 'translation' | 'other';

/** An index file of a suite, whatever its content at a moment. */
export type IndexName = {
  /** Without compression, relative to the Release file: `main/binary-amd64/Packages`. */
  readonly path: string;
  readonly kind: IndexKind;
  readonly component: string;
  /** `source` for Sources; empty where it does not apply. */
  readonly architecture: string;
};

/** An index file with the content that it has in a snapshot: the SHA-256 and bytes of the uncompressed file. */
export type IndexContent = IndexName & { readonly sha256: Sha256; readonly size: number };

/** What an index says of one package. */
export type PackageEntry = {
  readonly kind: 'binary' | 'source';
  readonly name: string;
  readonly version: string;
  /** Of a source package: `source`. */
  readonly architecture: string;
  /** The source package it was built from; of a source package, itself. */
  readonly source: string;
  readonly sourceVersion: string;
  /** Of the `.deb`; of a source package, of its `.dsc`. Empty where the index gives no SHA-256. */
  readonly sha256: string;
  readonly size: number;
  readonly component: string;
  /** Number of its stanza in the store; absent where the index is only a file. */
  readonly piece?: number;
};

/** How many packages a snapshot differs in from the one before, by what happened to them. */
export type ChangeCounts = {
  readonly added: number;
  readonly removed: number;
  readonly upgraded: number;
  readonly downgraded: number;
  /** Same version, other bytes. */
  readonly altered: number;
};
export type SnapshotChanges = { readonly binary: ChangeCounts; readonly source: ChangeCounts };

/** `debian/trixie`, or `stable` for a suite of ours. */
export function formatSuiteRef({ origin, suite }: SuiteRef): string {
  return origin === '' ? suite : `${origin}/${suite}`;
}

/** `debian/trixie@20260912T075541Z`. */
export function formatSnapshotRef(ref: SnapshotRef): string {
  return `${formatSuiteRef(ref)}@${ref.snapshotId}`;
}

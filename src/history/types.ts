/** What the history is told, and what it answers. */
import type { Sha256 } from '../kit/digest.ts';
import type { IndexContent, PackageEntry, SnapshotChanges, SnapshotRef } from '../model/index-history.ts';
import type { SnapshotId } from '../model/names.ts';

/** One version of a suite as somebody saw it; its indexes are in the store already. */
export type NewSnapshot = SnapshotRef & {
  readonly codename?: string | undefined;
  readonly validUntil?: Date | undefined;
  readonly seenAt: Date;
  /** The InRelease (or Release) file, in the store. */
  readonly release?: Sha256 | undefined;
  /** Fingerprints of the keys that vouched for it. */
  readonly signedBy: readonly string[];
  readonly indexes: readonly IndexContent[];
};

export type RecordedSnapshot = {
  /** `known`: all of it was recorded before. */
  readonly kind: 'recorded' | 'known';
  /** Against the snapshot before, when there is one. */
  readonly changes?: SnapshotChanges;
  /** Those that this snapshot raised. */
  readonly alarms: readonly HashAlarm[];
};

/** A package version that had two files in one origin. */
export type HashAlarm = {
  readonly origin: string;
  readonly kind: 'binary' | 'source';
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** All that were seen, in alphabetical order. */
  readonly sha256: readonly string[];
  readonly seenAt: Date;
};

export type TrackedSuite = {
  readonly origin: string;
  readonly suite: string;
  readonly codename?: string;
  readonly newest: SnapshotId;
  readonly snapshots: number;
  /** Entries of all its Packages, and of all its Sources, in the newest snapshot. */
  readonly binaries: number;
  readonly sources: number;
};

export type SnapshotView = SnapshotRef & {
  readonly codename?: string;
  readonly validUntil?: Date;
  readonly seenAt: Date;
  readonly release?: Sha256;
  readonly signedBy: readonly string[];
  readonly changes?: SnapshotChanges;
};

/** An index file as a snapshot has it, and in which snapshots it had this content: [since, until). */
export type IndexAt = IndexContent & {
  /** Its number in the database. */
  readonly index: number;
  readonly since: SnapshotId;
  readonly until?: SnapshotId;
};

/** Where a package version was, in which snapshots: [since, until). Without `until` it is there still. */
export type Sighting = {
  readonly origin: string;
  readonly suite: string;
  readonly component: string;
  readonly entry: PackageEntry;
  readonly since: SnapshotId;
  readonly until?: SnapshotId;
};

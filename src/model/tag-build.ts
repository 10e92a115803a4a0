/** A tag build: a build asked for by a signed git tag, from its notification to its last package. */
import type { Label, ObjectId, PackageName, SuiteName, Version } from './names.ts';

/**
 * `RECEIVED`: a notification came, nothing is checked yet. `REJECTED`: refused, with all reasons. `ACCEPTED`: admitted,
 * jobs are under way or have failed. `DONE`: everything it makes is published. `DUPLICATE`: a replay of one accepted before.
 */
export type TagBuildState = 'RECEIVED' | 'REJECTED' | 'ACCEPTED' | 'DONE' | 'DUPLICATE';

export const refusalCodes = [
  'bad-address',
  'fetch-failed',
  'bad-tag-name',
  'tag-not-found',
  'lightweight-tag',
  'unsigned-tag',
  'bad-signature',
  'wrong-object',
  'unknown-key',
  'weak-key',
  'expired-key',
  'revoked-key',
  'not-yet-valid-key',
  'no-permission',
  'tag-version-mismatch',
  'distribution-mismatch',
  'version-not-greater',
  'version-reused',
  'tag-moved',
  'bad-source-name',
  'source-not-allowed',
  'missing-debian',
  'bad-changelog',
  'bad-control',
  'nothing-to-build',
  'missing-upstream-tag',
  'upstream-mismatch',
  'commit-not-found',
  'suite-frozen',
  'unknown-suite',
  'over-limit',
  'submodule',
  'unsafe-path',
  'unsafe-symlink',
] as const;
export type RefusalCode = (typeof refusalCodes)[number];

/** One reason against an admission: what is wrong, seen where, and the way out. */
export type Refusal = {
  readonly code: RefusalCode;
  /** What is wrong, with the values that were seen. One or two sentences. */
  readonly message: string;
  /** What the person can do about it. */
  readonly hint: string;
};

export type TagSignature = {
  readonly kind: 'openpgp' | 'ssh';
  /** OpenPGP: 40 or 64 upper-case hex of the primary key. SSH: `SHA256:…`. */
  readonly fingerprint: string;
  /** When the signature says it was made; for SSH the tagger's date. */
  readonly created: Date;
};

/** What intake found out about a tag that it admits. */
export type Admission = {
  readonly source: PackageName;
  readonly version: Version;
  readonly tagObject: ObjectId;
  readonly commit: ObjectId;
  readonly tree: ObjectId;
  /** The tree of the upstream tag, when the upstream tarball is to be made from it. */
  readonly upstreamTree: ObjectId | undefined;
  /** The date of the changelog entry, in seconds since the epoch. */
  readonly sourceDateEpoch: number;
  readonly signer: Label;
  readonly signature: TagSignature;
};

export type TagRequest = {
  readonly repository: string;
  readonly tag: string;
  readonly suite: string;
  /** Who told us: `cli`, `hook`, or the webhook's kind. */
  readonly origin: string;
  /** The tag's object id as the notification claims it, if it does. */
  readonly claimedObject?: string;
};

/** A source that a person uploaded: it goes the same way, without a tag. */
export type UploadedSource = {
  readonly source: PackageName;
  readonly version: Version;
  readonly sourceDateEpoch: number;
  /** The `.changes`, or the `.dsc` when there was none. */
  readonly name: string;
  readonly sha256: string;
  /** Whose doing it was: `signed by alice`. */
  readonly by: string;
};

export type TagBuildId = number;

export type TagBuild = TagRequest & {
  readonly id: TagBuildId;
  readonly receivedAt: Date;
  readonly judgedAt: Date | undefined;
  readonly state: TagBuildState;
  readonly refusals: readonly Refusal[];
  /** Only when ACCEPTED or DONE. */
  readonly admission: Admission | undefined;
  /** Instead of an admission, when it was uploaded. */
  readonly upload: UploadedSource | undefined;
  readonly duplicateOf: TagBuildId | undefined;
};

export type { SuiteName };

/** Why a Release file was not taken: a value, because it is expected to happen and is recorded. */

export type SyncRefusalCode =
  /** Of signatures: see plumbing/signature/release.ts. */
  | 'unsigned'
  | 'bad-signature'
  | 'unknown-key'
  | 'weak-key'
  | 'expired-key'
  | 'revoked-key'
  | 'not-yet-valid-key'
  /** It cannot be read, or gives no SHA-256. */
  | 'bad-release'
  | 'no-sha256'
  /** It is of another suite than the one that was asked for. */
  | 'wrong-suite'
  | 'release-from-future'
  | 'clock-set-back'
  /** Older than one that was seen. */
  | 'release-replayed'
  /** It has the date of one that was seen, and says something else. */
  | 'release-altered'
  | 'release-expired'
  /** It has no index of a component or architecture that is followed. */
  | 'index-not-listed';

export type SyncRefusal = {
  readonly code: SyncRefusalCode;
  /** One plain sentence. */
  readonly message: string;
  /** What the reader can do about it, as a sentence. */
  readonly hint: string;
};

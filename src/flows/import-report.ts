/** What an import says: what became of it, and every reason against a tree. */
import type { RecordedSnapshot } from '../history/mod.ts';
import { describeError, SheafError } from '../kit/error.ts';
import type { SnapshotChanges, SnapshotRef } from '../model/index-history.ts';

export type ImportedSnapshot = SnapshotRef & {
  /** Keys that vouch for it; empty when nobody does. */
  readonly signedBy: readonly string[];
  readonly indexes: number;
  /** Of its indexes, uncompressed. */
  readonly bytes: number;
  readonly changes: SnapshotChanges | undefined;
  readonly alarms: RecordedSnapshot['alarms'];
};

export type ImportProblem = {
  readonly tree: string;
  /** In the tree; absent where no single file or folder is at fault. */
  readonly file: string | undefined;
  readonly code: string;
  readonly message: string;
  readonly hint: string | undefined;
};

export type ImportReport = {
  readonly trees: number;
  readonly recorded: readonly ImportedSnapshot[];
  /** Snapshots that the history had already. */
  readonly known: number;
  /** Suites that are in the trees and not followed. */
  readonly leftOut: readonly string[];
  readonly problems: readonly ImportProblem[];
};

/** A reason against a tree or one of its files: expected, and no reason against the next tree. */
export class Refusal extends Error {
  readonly code: string;
  readonly hint: string | undefined;
  readonly file: string | undefined;

  constructor(code: string, message: string, hint?: string, file?: string) {
    super(message);
    this.code = code;
    this.hint = hint;
    this.file = file;
  }
}

/** Of these, no other tree would be free. */
const lasting = new Set(['aborted', 'keyring-unreadable', 'program-missing', 'lock-timeout', 'history-mismatch']);

/** What is wrong with a file, as a refusal. Throws what is wrong with the world. */
export function toRefusal(error: unknown, file?: string): Refusal {
  if (error instanceof Refusal) return error;
  if (!(error instanceof SheafError) || lasting.has(error.code)) throw error;
  return new Refusal(error.code, describeError(error), error.hint, file);
}

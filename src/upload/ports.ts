/** What judging an upload needs of the world. */
import type { Distribution, Person } from '../model/distribution.ts';
import type { InputFile } from '../model/job.ts';
import type { LintianReport } from '../model/lintian.ts';
import type { Label } from '../model/names.ts';
import type { Blobs } from '../plumbing/blobs.ts';

/** Who signed a cleartext document, and the text that is signed. */
export type DocumentSignature = {
  /** Whose key made the signature; only when it fits the text, whatever else is wrong with the key. */
  readonly signer: Label | undefined;
  /** Exactly what is signed; undefined when nothing is. */
  readonly text: string | undefined;
  /** Sentences; empty: a good signature of a valid key. */
  readonly problems: readonly string[];
  /** Of the key that made it; only together with a signer. */
  readonly signature?: { readonly kind: 'openpgp'; readonly fingerprint: string; readonly created: Date } | undefined;
};

/** Throws only when something is wrong with the machine. */
export type VerifyDocument = (bytes: Uint8Array, people: readonly Person[], now: Date) => Promise<DocumentSignature>;

export type UploadDeps = {
  readonly distribution: Distribution;
  readonly blobs: Pick<Blobs, 'read'>;
  readonly verifyDocument: VerifyDocument;
};

/**
 * Looks at an upload's files. Throws `lintian-failed` when they cannot be looked at, and what is wrong with the machine
 * (kind environment).
 */
export type RunLintian = (blobs: Pick<Blobs, 'bring'>, files: readonly InputFile[]) => Promise<LintianReport>;

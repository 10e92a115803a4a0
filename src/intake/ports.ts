/** What intake needs of the world. */
import type { Db } from './store.ts';
import type { Clock } from '../kit/clock.ts';
import type { Distribution } from '../model/distribution.ts';
import type { Blobs } from '../plumbing/blobs.ts';
import type { GitFetcher } from '../plumbing/git/port.ts';
import type { SignatureVerifier } from '../plumbing/signature/port.ts';

export type { FetchOutcome, GitFetcher, GitObjects, ObjectInfo, WorkingTree } from '../plumbing/git/port.ts';
export type { SignatureReport, SignatureVerifier } from '../plumbing/signature/port.ts';

export type IntakeDeps = {
  readonly db: Db;
  readonly distribution: Distribution;
  readonly git: GitFetcher;
  readonly signatures: SignatureVerifier;
  readonly blobs: Pick<Blobs, 'put' | 'info'>;
  readonly clock: Clock;
};

/** A signed statement of a rebuild becomes part of what is known, once. */
import { isDeepStrictEqual } from 'node:util';

import { SheafError } from '../kit/error.ts';
import type { Distribution } from '../model/distribution.ts';
import type { RebuildResult } from '../model/rebuild.ts';
import type { StatementBlobs, VerifySignature } from './ports.ts';
import { readRebuild, type Rebuilder } from './statement.ts';
import { insertRebuild, type Db } from './store.ts';

export type RecordDeps = {
  readonly db: Db;
  readonly blobs: StatementBlobs;
  readonly distribution: Pick<Distribution, 'notifiers'>;
  readonly verify: VerifySignature;
  readonly now: () => Date;
};

export type RecordOptions = {
  /** Whose key must have signed. */
  readonly rebuilder: Rebuilder;
  readonly job?: number;
  /** Who asked for it, for the audit trail. */
  readonly actor?: string;
};

/**
 * Records what our own rebuild ended with. `envelope` must say exactly this, signed by `rebuilder`; the same envelope
 * again changes nothing. Returns the rebuild's id. Throws what `readRebuild` throws, `statement-mismatch`, `replayed`.
 */
export async function recordRebuild(
  deps: RecordDeps,
  result: RebuildResult,
  envelope: string,
  { rebuilder, job, actor }: RecordOptions,
): Promise<number> {
  const { said } = readRebuild(envelope, [rebuilder], deps.verify);
  if (said.rebuilder !== rebuilder.name || !isDeepStrictEqual(said.result, result)) {
    throw new SheafError(
      'statement-mismatch',
      `Cannot record the rebuild of ${result.source} ${result.version}: its statement says something else`,
    );
  }
  const { sha256 } = await deps.blobs.putBytes(envelope);
  return insertRebuild(deps, { ...said, statement: sha256, origin: 'own', place: result.place, job, actor });
}

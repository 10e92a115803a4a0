/** A rebuild that this house made becomes a signed statement in its database. */
import { randomUUID } from 'node:crypto';

import type { RebuildResult } from '../../model/rebuild.ts';
import { verifyEd25519 } from '../../plumbing/keys.ts';
import { recordRebuild, signRebuild } from '../../rebuild/mod.ts';
import type { House } from '../house.ts';
import { openRebuilder } from '../rebuilder.ts';

type RecordHouse = Pick<House, 'db' | 'blobs' | 'clock' | 'distribution' | 'paths'>;

export type RecordWho = {
  readonly actor: string;
  /** What the statement calls this rebuild; a new name when not said. */
  readonly invocation?: string;
  readonly job?: number | undefined;
};

/** Signed by the key of this house. Answers the rebuild's id. Throws `bad-key`, and what recording throws. */
export async function recordResult(
  { db, blobs, clock, distribution, paths }: RecordHouse,
  result: RebuildResult,
  { actor, invocation = randomUUID(), job }: RecordWho,
): Promise<number> {
  const rebuilder = await openRebuilder(paths, distribution);
  const envelope = signRebuild({ rebuilder: rebuilder.name, invocation, result }, rebuilder.sign);
  const deps = { db, blobs, distribution, verify: verifyEd25519, now: clock.now };
  return recordRebuild(deps, result, envelope, { rebuilder, actor, ...(job === undefined ? {} : { job }) });
}

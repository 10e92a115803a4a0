/** A rebuild that was made here becomes a signed statement in the distribution's database. */
import { randomUUID } from 'node:crypto';

import type { RebuildResult } from '../../../model/rebuild.ts';
import { verifyEd25519 } from '../../../plumbing/keys.ts';
import { recordRebuild, signRebuild } from '../../../rebuild/mod.ts';
import type { House } from '../../house.ts';
import { openRebuilder } from '../../rebuilder.ts';
import { commandLineActor } from '../actor.ts';

type RecordHouse = Pick<House, 'db' | 'blobs' | 'clock' | 'distribution' | 'paths'>;

/** Signed by the key of this house. Throws `bad-key`, and what recording throws. */
export async function recordResult(house: RecordHouse, result: RebuildResult): Promise<void> {
  const { db, blobs, clock, distribution, paths } = house;
  const rebuilder = await openRebuilder(paths, distribution);
  const said = { rebuilder: rebuilder.name, invocation: randomUUID(), result };
  const deps = { db, blobs, distribution, verify: verifyEd25519, now: clock.now };
  await recordRebuild(deps, result, signRebuild(said, rebuilder.sign), { rebuilder, actor: commandLineActor() });
}

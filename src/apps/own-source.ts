/** A suite as a source of its own build dependencies: its newest snapshot, by an address that never changes. */
import { join } from 'node:path';

import { newestSnapshot, repositoryDirectory } from '../archive/mod.ts';
import type { Db } from '../db/connect.ts';
import type { SolveRequest } from '../lock/mod.ts';
import type { Distribution, Suite } from '../model/distribution.ts';
import type { Paths } from './paths.ts';

export type OwnSource = SolveRequest['own'][number];

/** Undefined while nothing is published. */
export async function ownSource(
  db: Db,
  distribution: Distribution,
  paths: Paths,
  suite: Suite,
): Promise<OwnSource | undefined> {
  const snapshot = await newestSnapshot(db, suite.name);
  if (snapshot === undefined || snapshot.packages === 0) return undefined;
  return {
    url: `${distribution.url}/snapshot/${suite.name}@${snapshot.number}/`,
    suite: suite.name,
    components: suite.components,
    keyring: join(repositoryDirectory(paths.archive, suite.repository), 'key.gpg'),
  };
}

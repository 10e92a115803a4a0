/** A suite as a source of its own build dependencies, for a command that starts neither a database nor a server. */
import { access, constants } from 'node:fs/promises';

import { describeError } from '../kit/error.ts';
import type { Distribution, Suite } from '../model/distribution.ts';
import type { OwnSource } from './own-source.ts';
import { databaseAddress } from './database-address.ts';
import type { Paths } from './paths.ts';

/** `missing` says in half a sentence why it cannot be had; neither is there while nothing is published. */
export type OwnSourceHere = { readonly source?: OwnSource | undefined; readonly missing?: string };

/** Milliseconds. */
const patience = 3000;

/** Never throws. */
export async function ownSourceHere(distribution: Distribution, paths: Paths, suite: Suite): Promise<OwnSourceHere> {
  try {
    const config = await findDatabase(paths);
    if (config === undefined) return { missing: 'its database is not running here' };
    const [{ connect }, { ownSource }] = await Promise.all([import('../db/connect.ts'), import('./own-source.ts')]);
    const connection = connect({ ...config, connectionTimeoutMillis: patience }, { max: 1 });
    const source = await ownSource(connection.db, distribution, paths, suite).finally(connection.close);
    if (source === undefined) return {};
    await access(source.keyring, constants.R_OK);
    const file = `${source.url}dists/${suite.name}/InRelease`;
    const answer = await fetch(file, { method: 'HEAD', signal: AbortSignal.timeout(patience) }).catch(() => undefined);
    return answer?.ok === true ? { source } : { missing: `its server does not answer at ${distribution.url}` };
  } catch (error) {
    return { missing: describeError(error) };
  }
}

async function findDatabase({ postgres }: Paths) {
  const url = databaseAddress();
  if (url !== undefined) return { connectionString: url };
  const isThere = await access(postgres).then(
    () => true,
    () => false,
  );
  // Loaded only where there is something to find.
  return isThere ? (await import('../plumbing/postgres/cluster.ts')).findCluster(postgres) : undefined;
}

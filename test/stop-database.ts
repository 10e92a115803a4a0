/** Stops the cluster that the tests shared, unless others are still using it. */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';

import pg from 'pg';

import { startCluster } from '../src/plumbing/postgres/cluster.ts';
import { testClusterDirectory } from './database.ts';

if (existsSync(testClusterDirectory)) {
  const cluster = await startCluster(testClusterDirectory);
  if (!(await isUsed(cluster.connection))) {
    await cluster.stop({ always: true });
    await rm(testClusterDirectory, { recursive: true, force: true });
  }
}

/** Another run of tests on this machine. */
async function isUsed(connection: pg.ClientConfig): Promise<boolean> {
  const client = new pg.Client({ ...connection, database: 'postgres' });
  await client.connect();
  try {
    const { rows } = await client.query(
      `select 1 from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`,
    );
    return rows.length > 0;
  } finally {
    await client.end();
  }
}

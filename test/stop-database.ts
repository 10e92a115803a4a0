/** Stops the cluster that the tests shared. */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';

import { startCluster } from '../src/plumbing/postgres/cluster.ts';
import { testClusterDirectory } from './database.ts';

if (existsSync(testClusterDirectory)) {
  const cluster = await startCluster(testClusterDirectory);
  await cluster.stop({ always: true });
  await rm(testClusterDirectory, { recursive: true, force: true });
}

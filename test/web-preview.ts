/** Serves the pages over a seeded database on a loopback port, to look at them: `node test/web-preview.ts [empty]`. */
import { serve } from '@hono/node-server';

import { webPages } from '../src/apps/web/mod.ts';
import { testDatabase } from './database.ts';
import { seedRebuilds } from './seed-rebuilds.ts';
import { seedHistory, seedUpstreams } from './seed-history.ts';
import { seed, seedDistribution } from './seed.ts';
import { testWebDeps } from './web-deps.ts';

const isEmpty = process.argv.includes('empty');
const database = await testDatabase();
if (!isEmpty) await seed(database.db);
const distribution = isEmpty ? seedDistribution() : seedDistribution({ upstreams: seedUpstreams });
const { deps, blobs, close } = await testWebDeps(database, distribution);
if (!isEmpty) {
  await seedHistory(deps.history);
  await seedRebuilds(database.db, blobs);
}
const pages = webPages({ ...deps, report: (error) => console.error(error) });
const server = serve(
  { fetch: pages.app.fetch, hostname: '127.0.0.1', port: Number(process.env['PORT'] ?? 8099) },
  (info) => console.log(`http://127.0.0.1:${info.port}/`),
);
process.once('SIGTERM', () => process.emit('SIGINT'));
process.once('SIGINT', () => {
  server.close();
  void pages
    .close()
    .then(close)
    .then(database.close)
    .then(() => process.exit(0));
});

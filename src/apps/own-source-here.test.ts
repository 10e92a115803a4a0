import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { testDatabase } from '../../test/database.ts';
import { seedSnapshot } from '../../test/seed.ts';
import { toyDistribution } from '../../test/toy-archive.ts';
import { ownSourceHere } from './own-source-here.ts';
import { pathsOf } from './paths.ts';

const directory = await mkdtemp(join(tmpdir(), 'sheaf-own-source-'));
const database = await testDatabase();
const asked: string[] = [];
const server = createServer((request, response) => {
  asked.push(`${request.method} ${request.url}`);
  response.end();
}).listen(0, '127.0.0.1');
await once(server, 'listening');
after(async () => {
  server.close();
  delete process.env['SHEAF_DATABASE_URL'];
  await database.close();
  await rm(directory, { recursive: true });
});

const paths = pathsOf(directory);
const distribution = toyDistribution(directory);
const [suite] = distribution.suites.values();
const here = async (url: string) => ownSourceHere({ ...distribution, url }, paths, suite!);
const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

test('ownSourceHere starts no database, and says that there is none', async () => {
  assert.deepEqual(await here(address), { missing: 'its database is not running here' });
  await mkdir(paths.postgres, { recursive: true });
  assert.deepEqual(await here(address), { missing: 'its database is not running here' });
  process.env['SHEAF_DATABASE_URL'] = 'postgresql://127.0.0.1:1/none';
  assert.match((await here(address)).missing!, /ECONNREFUSED/);
});

test('ownSourceHere has the newest snapshot where a server shows it', async () => {
  process.env['SHEAF_DATABASE_URL'] = database.url;
  assert.deepEqual(await here(address), {});
  for (const number of [7, 8]) {
    await seedSnapshot(database.db, suite!.name, number, new Date(`2026-11-0${number}T10:00:00Z`), 1);
  }
  assert.match((await here(address)).missing!, /key\.gpg/);
  const keys = join(paths.archive, suite!.repository);
  await mkdir(keys, { recursive: true });
  await writeFile(join(keys, 'key.gpg'), '');
  assert.match((await here('http://127.0.0.1:1')).missing!, /server does not answer at http:\/\/127\.0\.0\.1:1/);
  const { source, missing } = await here(address);
  assert.deepEqual([source?.url, missing], [`${address}/snapshot/${suite!.name}@8/`, undefined]);
  assert.deepEqual(asked, [`HEAD /snapshot/${suite!.name}@8/dists/${suite!.name}/InRelease`]);
});

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import type { Hono } from 'hono';

import { testDatabase, type TestDatabase } from '../../../test/database.ts';
import { seed, seedDistribution, seedNow } from '../../../test/seed.ts';
import { metrics } from './metrics.ts';

let database: TestDatabase;
let app: Hono;
let looks = 0;

before(async () => {
  database = await testDatabase();
  await seed(database.db);
  const now = () => {
    looks += 1;
    return seedNow;
  };
  const distribution = seedDistribution();
  const keys = [
    { fingerprint: 'A'.repeat(40), expires: new Date(2_000_000_000_000) },
    { fingerprint: 'B'.repeat(40), expires: undefined },
  ];
  app = metrics({ db: database.db, distribution, now, signer: async () => ({ keys }) });
});
after(() => database.close());

/** Prometheus, exposition formats, text 0.0.4: a name, labels in braces, a number. */
async function scrape(): Promise<ReadonlyMap<string, number>> {
  const response = await app.request('/metrics');
  assert.equal(response.status, 200);
  assert.match(response.headers.get('content-type')!, /^text\/plain; version=0\.0\.4/);
  const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const [, name, value] = /^([a-z_0-9]+(?:\{[^}]*\})?) (\S+)$/.exec(line) ?? assert.fail(line);
      return [name!, Number(value)];
    }),
  );
}

test('it says what moves, waits and is stuck, who builds, and how long each Release is good', async () => {
  const seen = await scrape();
  assert.equal(seen.get('sheaf_tag_builds{state="stuck"}'), 2);
  assert.equal(seen.get('sheaf_workers{activity="busy"}'), 1);
  assert.equal(seen.get('sheaf_suite_snapshot_number{suite="stable"}'), 2);
  const { valid_until } = await database.db
    .selectFrom('snapshot')
    .select('valid_until')
    .where('suite', '=', 'stable')
    .where('number', '=', 2)
    .executeTakeFirstOrThrow();
  assert.equal(seen.get('sheaf_suite_valid_until_timestamp_seconds{suite="stable"}'), valid_until.getTime() / 1000);
  assert.deepEqual(
    [...seen.keys()].filter((name) => name.startsWith('sheaf_') && !name.endsWith('}')),
    [],
  );
  const key = `sheaf_signing_key_expires_timestamp_seconds{repository="main",fingerprint="${'A'.repeat(40)}"}`;
  assert.equal(seen.get(key), 2_000_000_000);
  assert.ok(
    [...seen.keys()].every((name) => !name.includes('BBBB')),
    'one that never expires',
  );
  assert.ok(seen.get('process_resident_memory_bytes')! > 0);
});

test('what waits is counted anew each time, and what is gone is nought', async () => {
  const before = await scrape();
  const [name, count] = [...before].find(([each, value]) => each.startsWith('sheaf_jobs_waiting') && value > 0)!;
  await database.db.updateTable('job').set({ state: 'Cancelled' }).where('state', '=', 'Needs-Build').execute();
  assert.equal((await scrape()).get(name), 0, `${name} was ${count}`);
});

test('many who ask at once cost one look at the database', async () => {
  looks = 0;
  await Promise.all(Array.from({ length: 50 }, () => scrape()));
  assert.equal(looks, 1);
  await scrape();
  assert.equal(looks, 2);
});

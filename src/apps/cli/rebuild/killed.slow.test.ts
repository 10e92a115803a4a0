/** `sheaf rebuild run` killed at several points: the same command goes on, and nothing is left over. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { sql } from 'kysely';

import { testDatabase, type TestDatabase } from '../../../../test/database.ts';
import { rebuildWorld, type RebuildWorld } from '../../../../test/rebuild-world.ts';
import { testCache } from '../../../../test/small-root.ts';
import { findRebuilds } from '../../../rebuild/mod.ts';

const checkout = join(import.meta.dirname, '../../../..');
let world: RebuildWorld;
let database: TestDatabase;
let folder: string;
const killed: number[] = [];

before(async () => {
  [world, database] = await Promise.all([rebuildWorld(), testDatabase()]);
  folder = await world.publish('toy', ['sleep 0.5'], {});
  assert.equal(await sheaf('init', 'grove').ended, 0);
});
after(async () => {
  await database.close();
  await world.close();
});

function sheaf(...words: string[]) {
  const child = spawn(join(checkout, 'sheaf'), words, {
    cwd: world.directory,
    env: { ...process.env, SHEAF_DATABASE_URL: database.url, SHEAF_CACHE: testCache },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const told = { text: '' };
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (told.text += chunk));
  return { child, told, ended: once(child, 'exit').then(([code]) => code as number | null) };
}

const run = () => sheaf('-C', 'grove', 'rebuild', 'run', folder, '--lock', world.lockFile, '--output', 'output');
const output = (name: string) => join(world.directory, 'output', name);
const scratchOf = (pids: readonly number[]) =>
  readdirSync(join(testCache, 'scratch')).filter((name) => pids.includes(Number(name.split('-')[0])));
const results = () => {
  const found = readdirSync(join(world.directory, 'grove/state/rebuild/builds'), { recursive: true }) as string[];
  return found.filter((path) => path.endsWith('result.json')).length;
};

/** Kills the command as soon as this holds. */
async function killWhen(holds: (told: string, pid: number) => boolean): Promise<void> {
  const { child, told, ended } = run();
  while (!holds(told.text, child.pid!)) {
    assert.equal(child.exitCode, null, told.text);
    await sleep(5);
  }
  child.kill('SIGKILL');
  killed.push(child.pid!);
  await ended;
}

test('sheaf rebuild run goes on wherever it was killed, and records one rebuild', async () => {
  await killWhen((told) => told.includes('Looking for the source'));
  await killWhen((_, pid) => scratchOf([pid]).length > 0);
  assert.equal(results(), 0);
  await database.db.transaction().execute(async (trx) => {
    await sql`lock table rebuild in access exclusive mode`.execute(trx);
    // It waits to record what it has written.
    await killWhen(() => existsSync(output('result.json')));
  });
  assert.equal(results(), 1);
  assert.deepEqual(await findRebuilds(database.db, {}), []);
  const { told, ended } = run();
  assert.equal(await ended, 0, told.text);
  assert.equal(results(), 1);
  const [recorded, ...others] = await findRebuilds(database.db, {});
  assert.deepEqual(others, []);
  assert.deepEqual(JSON.parse(readFileSync(output('result.json'), 'utf8')), recorded!.result);
  assert.ok(existsSync(output('files/toy_1_all.deb')));
  assert.deepEqual(scratchOf(killed), []);
});

import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { testDatabase } from '../../../test/database.ts';
import { amd64, noNotifiers } from '../../../test/jobs.ts';
import { until } from '../../../test/until.ts';
import { systemClock } from '../../kit/clock.ts';
import { parsePackageName, parseVersion } from '../../model/names.ts';
import { addTasks, findTask, giveUpTask, putTaskOff } from '../../rebuild/mod.ts';
import { RebuildDesk, type RebuildDeskOptions } from './rebuild-desk.ts';

const database = await testDatabase();
const { db, pool } = database;
const telling = { db, distribution: noNotifiers, now: systemClock.now };
after(() => database.close());
beforeEach(() => db.deleteFrom('rebuild_task').execute());

async function ask(...sources: string[]): Promise<number[]> {
  const how = { place: 'stable@1', dependencies: [], nocheck: false, plain: false, experiments: 0, priority: 0 };
  const what = { version: parseVersion('1'), architecture: amd64, suite: 'stable' };
  const asked = sources.map((source) => ({ source: parsePackageName(source), ...what, ...how }));
  return (await addTasks(telling, asked, 'ann')).map(({ id }) => id);
}

function open(run: RebuildDeskOptions['run']): { readonly desk: RebuildDesk; readonly errors: unknown[] } {
  const errors: unknown[] = [];
  const onError = (error: unknown): void => void errors.push(error);
  return { desk: new RebuildDesk({ db, pool, clock: systemClock, run, onError }), errors };
}

test('RebuildDesk works on what is asked for before and after it opened, each once', async () => {
  const seen: number[] = [];
  const before = await ask('one');
  const { desk, errors } = open(async ({ id }) => {
    seen.push(id);
    await giveUpTask(telling, id, 'enough');
  });
  await until(() => seen.length === 1);
  const later = await ask('two', 'three');
  desk.wake();
  await until(async () => (await findTask(db, later[1]!)).state === 'given-up');
  await desk.close();
  assert.deepEqual([seen, errors], [[...before, ...later], []]);
});

test('RebuildDesk leaves what is running when it closes, for the next one to go on with', async () => {
  const [id] = await ask('one');
  let isWaiting = false;
  const first = open(async (_, wakes, signal) => {
    isWaiting = true;
    await wakes.beyond(wakes.count() + 1000, signal);
  });
  await until(() => isWaiting);
  let other: number | undefined;
  const looked = Promise.withResolvers<void>();
  const second = open(async (task) => {
    other = task.id;
    await looked.promise;
    await giveUpTask(telling, task.id, 'enough');
  });
  await sleep(50);
  assert.equal(other, undefined, 'one desk at a time');
  await first.desk.close();
  await until(() => other === id);
  assert.equal((await findTask(db, id!)).state, 'running');
  looked.resolve();
  await second.desk.close();
  assert.deepEqual([first.errors, second.errors], [[], []]);
  assert.equal((await findTask(db, id!)).attempts, 1);
});

test('RebuildDesk goes on after its connection broke', async () => {
  const seen: number[] = [];
  const { desk } = open(async ({ id }) => {
    seen.push(id);
    await giveUpTask(telling, id, 'enough');
  });
  await ask('one');
  desk.wake();
  await until(() => seen.length === 1);
  const ended = await pool.query(
    `select pg_terminate_backend(pid) from pg_locks
     where locktype = 'advisory' and granted and database = (select oid from pg_database where datname = current_database())`,
  );
  assert.equal(ended.rows.length, 1);
  await ask('two');
  await until(() => {
    desk.wake();
    return seen.length === 2;
  });
  await desk.close();
});

test('RebuildDesk has those that wait for other workers looked at when there are others', async () => {
  const [id] = await ask('one');
  let runs = 0;
  const { desk } = open(async (task) => {
    if (++runs === 1) await putTaskOff(db, task.id, 'no pool', 'workers');
    else await giveUpTask(telling, task.id, 'enough');
  });
  await until(async () => (await findTask(db, id!)).reason === 'no pool');
  desk.wake();
  await sleep(50);
  assert.equal(runs, 1);
  desk.workersChanged();
  await until(() => runs === 2);
  await desk.close();
});

import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';

import { testDatabase } from '../../test/database.ts';
import { amd64, noNotifiers, start, after as later } from '../../test/jobs.ts';
import { rebuildResult, recordResults, testRebuilder } from '../../test/rebuilds.ts';
import { sha256 } from '../kit/digest.ts';
import { parsePackageName, parseVersion } from '../model/names.ts';
import {
  addTasks,
  countTasks,
  findTask,
  findUnjudged,
  finishTask,
  giveUpTask,
  listTasks,
  putTaskOff,
  takeTask,
  wakeTasksWithoutPool,
  type NewTask,
} from './mod.ts';

const database = await testDatabase();
const { db } = database;
const deps = { db, distribution: noNotifiers, now: () => start };
after(() => database.close());
beforeEach(async () => {
  for (const table of ['event', 'rebuild_task', 'rebuild_file', 'rebuild', 'publication', 'binary_package'] as const) {
    await db.deleteFrom(table).execute();
  }
});

const newTask = (source: string, changes: Partial<NewTask> = {}): NewTask => ({
  ...{ source: parsePackageName(source), version: parseVersion('1'), architecture: amd64 },
  ...{ suite: 'stable', place: 'stable@20261121T100000Z', dependencies: [], nocheck: false, plain: false },
  ...{ experiments: 4, priority: 0, ...changes },
});
const ask = async (...tasks: NewTask[]) => (await addTasks(deps, tasks, 'ann')).map(({ id }) => id);

async function record(name: string): Promise<number> {
  const blobs = { putBytes: async (bytes: string) => ({ sha256: sha256(bytes) }) };
  const [id] = await recordResults({ db, blobs, now: () => start }, testRebuilder('house'), [rebuildResult({ name })]);
  return id!;
}

test('addTasks has one task for what is asked for twice, with the higher priority, until it has ended', async () => {
  const [first] = await ask(newTask('toy'));
  assert.deepEqual(await ask(newTask('toy', { priority: 5 }), newTask('other')), [first, first! + 2]);
  assert.equal((await findTask(db, first!)).priority, 5);
  assert.deepEqual(await ask(newTask('toy', { priority: -5 })), [first]);
  assert.equal((await findTask(db, first!)).priority, 5);
  await giveUpTask(deps, first!, 'no');
  assert.notDeepEqual(await ask(newTask('toy')), [first]);
  const { message } = await db.selectFrom('event').select('message').orderBy('id').executeTakeFirstOrThrow();
  assert.equal(message, 'Rebuilds of stable were asked for by ann: toy 1 (amd64)');
});

test('takeTask takes the most urgent first, then the oldest, and what was running when nobody has it in hand', async () => {
  const [low, high, same] = await ask(
    newTask('low'),
    newTask('high', { priority: 9 }),
    newTask('same', { priority: 9 }),
  );
  const one = await takeTask(db, [], start);
  assert.deepEqual([one?.id, one?.state, one?.attempts], [high, 'running', 1]);
  assert.equal((await takeTask(db, [high!], start))?.id, same);
  assert.equal((await takeTask(db, [high!, same!], start))?.id, low);
  assert.equal(await takeTask(db, [high!, same!, low!], start), undefined);
  const again = await takeTask(db, [], start);
  assert.deepEqual([again?.id, again?.attempts], [high, 1]);
});

test('putTaskOff lets a task wait for its time, or for other workers', async () => {
  const [paused, poolless] = await ask(newTask('paused'), newTask('poolless'));
  for (const _ of [1, 2]) await takeTask(db, [paused!].slice(0, _ - 1), start);
  await putTaskOff(db, paused!, 'later', later(1000));
  await putTaskOff(db, poolless!, 'no pool', 'workers');
  assert.equal(await takeTask(db, [], later(999)), undefined);
  assert.deepEqual((await takeTask(db, [], later(1000)))?.attempts, 2);
  await wakeTasksWithoutPool(db);
  const woken = await takeTask(db, [paused!], start);
  assert.deepEqual([woken?.id, woken?.attempts], [poolless, 1]);
});

test('finishTask ends a running task once; a cancelled one is not finished', async () => {
  const [id, cancelled] = await ask(newTask('toy'), newTask('other'));
  await takeTask(db, [], start);
  await takeTask(db, [id!], start);
  const rebuild = await record('toy');
  assert.equal(await finishTask(db, id!, rebuild, 'reproduced', start), true);
  assert.equal(await finishTask(db, id!, rebuild, 'reproduced', start), false);
  await giveUpTask(deps, cancelled!, 'Cancelled by ann', 'ann');
  assert.equal(await finishTask(db, cancelled!, rebuild, 'reproduced', start), false);
  await giveUpTask(deps, id!, 'too late');
  assert.deepEqual([(await findTask(db, id!)).state, (await findTask(db, cancelled!)).state], ['done', 'given-up']);
});

test('listTasks and countTasks know those that wait and run', async () => {
  const [first] = await ask(newTask('toy'), newTask('other', { suite: 'next' }));
  await takeTask(db, [], start);
  assert.deepEqual((await listTasks(db, {})).map(({ source, state }) => [source, state]), [['toy', 'running'], ['other', 'waiting']]); // prettier-ignore
  assert.deepEqual((await listTasks(db, { suite: 'next' })).length, 1);
  assert.deepEqual([...(await countTasks(db))], [['next', { waiting: 1, running: 0 }], ['stable', { waiting: 0, running: 1 }]]); // prettier-ignore
  await giveUpTask(deps, first!, 'no');
  assert.deepEqual((await listTasks(db, {})).length, 1);
  assert.deepEqual((await listTasks(db, { ids: [first!] })).map(({ state }) => state), ['given-up']); // prettier-ignore
  await assert.rejects(findTask(db, 0), { code: 'no-such-task' });
});

test('findUnjudged finds what is published, has no verdict of this house and was never asked for', async () => {
  for (const [name, architecture] of [
    ['judged', 'amd64'],
    ['asked', 'amd64'],
    ['new', 'arm64'],
    ['shared', 'all'],
  ] as const) {
    const { id } = await db
      .insertInto('binary_package')
      .values({
        ...{ repository: 'main', name, version: '2.10-3', architecture, source: name, source_version: '2.10-3' },
        ...{ component: 'main', control: '', filename: name, sha256: sha256(`${name} 2.10-3`), size: 1 },
        ...{ job: null, attempt: null, accepted_at: start },
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    const publication = { suite: 'stable', source_package: null, binary_package: id, state: 'PUBLISHED' as const };
    await db
      .insertInto('publication')
      .values({ ...publication, created_at: start })
      .execute();
  }
  await record('judged');
  const [asked] = await ask(newTask('asked', { version: parseVersion('2.10-3') }));
  await giveUpTask(deps, asked!, 'it cannot be built');
  assert.deepEqual(
    (await findUnjudged(db, 'stable', 'amd64')).map(({ source, architecture }) => [source, architecture]),
    [
      ['new', 'arm64'],
      ['shared', 'amd64'],
    ],
  );
});

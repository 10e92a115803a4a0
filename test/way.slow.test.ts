/** The whole way of a package, with the real server and worker, and with both of them killed at every step. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';

import { until } from './until.ts';
import { makeWorld, type Process, type World } from './world.ts';

const minutes = 60_000;

/** Every event that a tag build without trouble leaves, in their order; the server is killed at the first of each. */
const steps = [
  'tag-received',
  'tag-accepted',
  'job-created',
  'job-started',
  'job-built',
  'package-accepted',
  'suite-published',
] as const;

let world: World;
before(async () => {
  world = await makeWorld({ build: ['lease = "5s"', 'attempts = 20'] });
});
after(() => world.close());

test(
  'a package that needs one of the same suite waits for it and is then built',
  { timeout: 10 * minutes },
  async () => {
    const server = await world.startServer();
    const worker = await world.startWorker();
    const needy = await world.release({ name: 'toy-needy', version: '1', buildDepends: 'toy-needed (>= 1)' });
    await report(needy);
    await until(async () => (await states('toy-needy')).includes('BD-Uninstallable'));
    const [waiting] = await jobs('toy-needy', 'binary');
    assert.match(waiting!.reason, /toy-needed/);

    await report(await world.release({ name: 'toy-needed', version: '1' }));
    await until(async () => (await tagBuildState('toy-needy')) === 'DONE');
    assert.deepEqual(await published(), ['toy-needed 1', 'toy-needy 1']);
    await worker.stop();
    await server.stop();
  },
);

for (const step of steps) {
  test(
    `kill -9 of the server after ${step} loses nothing and does nothing twice`,
    { timeout: 5 * minutes },
    async () => {
      const name = `toy-${step}`;
      let server = await world.startServer();
      const worker = await world.startWorker();
      await report(await world.release({ name, version: '1' }));
      await until(async () => (await events(name)).includes(step));
      await server.kill();
      server = await world.startServer();
      await until(async () => (await tagBuildState(name)) === 'DONE');
      await expectWhole(name);
      await stopAll(worker, server);
    },
  );
}

test(
  'kill -9 of a worker hands its job to the next attempt when the lease ends',
  { timeout: 5 * minutes },
  async () => {
    const server = await world.startServer();
    const first = await world.startWorker();
    await report(await world.release({ name: 'toy-orphan', version: '1', recipe: ['sleep 4'] }));
    await until(async () => (await jobs('toy-orphan', 'binary'))[0]?.state === 'Building');
    await sleep(500);
    await first.kill();
    const second = await world.startWorker();
    await until(async () => (await tagBuildState('toy-orphan')) === 'DONE');
    const [job] = await jobs('toy-orphan', 'binary');
    assert.ok(job!.attempt >= 2);
    await expectWhole('toy-orphan');
    await stopAll(second, server);
  },
);

test('two servers on one database do nothing twice', { timeout: 5 * minutes }, async () => {
  const one = await world.startServer();
  const two = await world.startSecondServer();
  const worker = await world.startWorker();
  const names = ['toy-a', 'toy-b', 'toy-c'];
  for (const name of names) await report(await world.release({ name, version: '1' }));
  for (const name of names) await until(async () => (await tagBuildState(name)) === 'DONE');
  for (const name of names) await expectWhole(name);
  await stopAll(worker, one, two);
});

test(
  'a rebuild waits for a pool that did not build the original, and is then made and recorded once',
  { timeout: 5 * minutes },
  async () => {
    const server = await world.startServer();
    const worker = await world.startWorker();
    await world.sheaf('rebuild', 'queue', 'toy-needed', '--from', 'stable', '--workers');
    await until(async () => (await rebuildTask('toy-needed'))?.reason.includes('pool') === true);
    const { tasks } = JSON.parse(await world.sheaf('rebuild', 'list', '--waiting', '--json')) as Waiting;
    assert.deepEqual(
      tasks.map(({ state, reason }) => [state, reason]),
      [
        [
          'waiting',
          'Only pool default has workers for amd64, and built the original: enrol one in another with sheaf worker enroll --pool NAME',
        ],
      ],
    );
    const other = await world.startWorker('other', 'second');
    await expectRebuiltOnce('toy-needed');
    await stopAll(other, worker, server);
  },
);

test(
  'kill -9 of server and worker at every step of a rebuild loses nothing and builds nothing twice',
  { timeout: 5 * minutes },
  async () => {
    let server = await world.startServer();
    await world.sheaf('rebuild', 'queue', 'toy-orphan', '--from', 'stable', '--workers');
    // Asked for, and waiting for a worker.
    await until(() => isRebuildJob('Needs-Build'));
    await server.kill();
    server = await world.startServer();
    let worker = await world.startWorker('other');
    // Being built.
    await until(() => isRebuildJob('Building'));
    await sleep(500);
    await worker.kill();
    worker = await world.startWorker('other');
    await until(() => isRebuildJob('Building', 2));
    await server.kill();
    server = await world.startServer();
    // Built, and not recorded.
    const blocker = await world.database.pool.connect();
    await blocker.query('begin; lock table rebuild in exclusive mode');
    await until(() => isRebuildJob('Built'));
    await until(isBlocked);
    await server.kill();
    await blocker.query('rollback');
    blocker.release();
    server = await world.startServer();
    await expectRebuiltOnce('toy-orphan');
    await stopAll(worker, server);
  },
);

type Waiting = { readonly tasks: readonly { readonly state: string; readonly reason: string }[] };

async function rebuildTask(source: string) {
  const tasks = await world.database.db.selectFrom('rebuild_task').selectAll().where('source', '=', source).execute();
  assert.ok(tasks.length <= 1);
  return tasks[0];
}

/** The job of the newest rebuild. */
async function isRebuildJob(state: string, attempt?: number): Promise<boolean> {
  const job = await world.database.db
    .selectFrom('job')
    .select(['state', 'attempt'])
    .where('rebuild_task', 'is not', null)
    .orderBy('id', 'desc')
    .executeTakeFirst();
  return job?.state === state && (attempt ?? job.attempt) === job.attempt;
}

async function isBlocked(): Promise<boolean> {
  const waits = "select from pg_locks where relation = 'rebuild'::regclass and not granted";
  return (await world.database.pool.query(waits)).rows.length > 0;
}

/** One task, one rebuild, one job that was built once, in the other pool; and what is published is what was published. */
async function expectRebuiltOnce(source: string): Promise<void> {
  const { db } = world.database;
  await until(async () => ['done', 'given-up'].includes((await rebuildTask(source))!.state));
  const task = (await rebuildTask(source))!;
  assert.deepEqual([task.state, task.reason, task.attempts], ['done', `${source} 1 (amd64) was reproduced`, 1]);
  const rebuilds = await db
    .selectFrom('rebuild')
    .select(['id', 'verdict', 'job'])
    .where('source', '=', source)
    .execute();
  const built = await db
    .selectFrom('attempt')
    .innerJoin('job', 'job.id', 'attempt.job')
    .select(['job.id', 'job.pool', 'job.state', 'attempt.worker'])
    .where('job.rebuild_task', '=', task.id)
    .where('attempt.outcome', '=', 'built')
    .execute();
  assert.deepEqual(built, [{ id: rebuilds[0]!.job, pool: 'second', state: 'Built', worker: 'other' }]);
  assert.deepEqual(rebuilds, [{ id: task.rebuild, verdict: 'reproduced', job: built[0]!.id }]);
  await expectWhole(source);
}

async function stopAll(...processes: readonly Process[]): Promise<void> {
  for (const each of processes) await each.stop();
}

/** What `sheaf intake tag` writes down, without waiting for the answer. */
async function report({ repository, tag }: { repository: string; tag: string }): Promise<void> {
  await world.sheaf('intake', 'tag', repository, tag, '--suite', 'stable', '--no-wait');
}

/** Exactly one of everything, published, with the server's folder at the database's newest snapshot. */
async function expectWhole(name: string): Promise<void> {
  const made = await jobs(name);
  assert.deepEqual(made.map((job) => `${job.kind} ${job.state}`).sort(), ['binary Installed', 'source Installed']);
  for (const { id } of made) {
    const built = await world.database.db
      .selectFrom('attempt')
      .select('number')
      .where('job', '=', id)
      .where('outcome', '=', 'built')
      .execute();
    assert.equal(built.length, 1, `job ${id} was built once`);
  }
  const packages = await world.database.db.selectFrom('binary_package').select('id').where('name', '=', name).execute();
  assert.equal(packages.length, 1);
  assert.ok((await published()).includes(`${name} 1`));
}

/** Names and versions that a client sees. */
async function published(): Promise<string[]> {
  const response = await fetch(`${world.url}/main/dists/stable/main/binary-amd64/Packages.gz`);
  const text = gunzipSync(await response.bytes()).toString();
  return [...text.matchAll(/^Package: (\S+)$[^]*?^Version: (\S+)$/gm)].map((match) => `${match[1]} ${match[2]}`).sort();
}

async function tagBuildState(source: string): Promise<string | undefined> {
  const row = await world.database.db
    .selectFrom('tag_build')
    .select(['state', 'refusals'])
    .where('source', '=', source)
    .executeTakeFirst();
  assert.notEqual(row?.state, 'REJECTED', JSON.stringify(row?.refusals));
  return row?.state;
}

async function jobs(source: string, kind?: 'source' | 'binary') {
  const rows = await world.database.db
    .selectFrom('job')
    .innerJoin('tag_build', 'tag_build.id', 'job.tag_build')
    .select(['job.id', 'job.kind', 'job.state', 'job.reason', 'job.attempt'])
    .where('tag_build.source', '=', source)
    .execute();
  const ended = rows.find((row) => ['Failed', 'Build-Attempted', 'Cancelled'].includes(row.state));
  assert.equal(ended, undefined, `${source}: ${ended?.state}: ${ended?.reason}`);
  return rows.filter((row) => kind === undefined || row.kind === kind);
}

async function states(source: string): Promise<string[]> {
  return (await jobs(source)).map((job) => job.state);
}

async function events(name: string): Promise<string[]> {
  const rows = await world.database.db
    .selectFrom('event')
    .leftJoin('tag_build', 'tag_build.id', 'event.tag_build')
    .select(['event.kind', 'event.suite'])
    .where((eb) =>
      eb.or([
        eb('tag_build.tag', '=', 'debian/1').and('tag_build.repository', 'like', `%/${name}`),
        // A publication is of the suite, not of one package.
        eb('event.kind', '=', 'suite-published').and(
          'event.id',
          '>',
          eb
            .selectFrom('event as first')
            .select((e) => e.fn.max('first.id').as('id'))
            .where('first.kind', '=', 'package-accepted'),
        ),
      ]),
    )
    .execute();
  return rows.map((row) => row.kind);
}

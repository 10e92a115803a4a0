import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { testDatabase } from '../../test/database.ts';
import { amd64, approvedWorker, defaultPool, jobSpec, leaseMs, noNotifiers, start } from '../../test/jobs.ts';
import { until } from '../../test/until.ts';
import {
  addJob,
  appendLog,
  approveWorker,
  cancelJob,
  claim,
  completeAttempt,
  disableWorker,
  retryJob,
  showJob,
  type CheckedResult,
} from '../build/mod.ts';
import { sha256 } from '../kit/digest.ts';
import type { BuildSpec, Lease } from '../model/job.ts';
import { parseLabel, parsePackageName, parseVersion, type Label } from '../model/names.ts';
import { Blobs } from '../plumbing/blobs.ts';
import { addTasks, giveUpTask, takeTask } from '../rebuild/mod.ts';
import { runOnWorkers, type OnWorkersDeps } from './rebuild-on-workers.ts';

const directory = await mkdtemp(join(tmpdir(), 'sheaf-on-workers-'));
const database = await testDatabase();
const { db } = database;
const blobs = new Blobs(directory);
const deb = { name: 'toy_1_amd64.deb', ...(await blobs.putBytes('toy')) };
const one = await approvedWorker(db, 'one');
const two = await approvedWorker(db, 'two');
const second = parseLabel('second');
after(async () => {
  await database.close();
  await rm(directory, { recursive: true });
});
beforeEach(async () => {
  const tables = ['event', 'statement', 'binary_package', 'log_chunk', 'attempt', 'job', 'rebuild_task'] as const;
  for (const table of tables) await db.deleteFrom(table).execute();
  await approveWorker(db, 'one', start, noNotifiers, defaultPool);
  await approveWorker(db, 'two', start, noNotifiers, second);
});

const { origin: _, ...spec } = jobSpec({ kind: 'binary', builds: 'any' });
const result: CheckedResult = {
  ...{ outcome: 'built', files: [deb], provenance: '', timings: {} },
  statement: { sha256: sha256('statement'), predicateType: 'p' },
};
const environment: CheckedResult = { outcome: 'failed', fault: 'environment', reason: 'no mirror', timings: {} };

async function deps(changes: Partial<OnWorkersDeps> = {}): Promise<OnWorkersDeps> {
  const what = { source: parsePackageName('toy'), version: parseVersion('1'), architecture: amd64, suite: 'stable' };
  const how = { place: 'stable@1', dependencies: [], nocheck: false, plain: false, experiments: 0, priority: 3 };
  await addTasks({ db, distribution: noNotifiers, now: () => start }, [{ ...what, ...how }], 'ann');
  return {
    ...{ db, blobs, clock: { now: () => start }, distribution: noNotifiers, attempts: 1 },
    ...{ task: (await takeTask(db, [], start))!, originals: [], onJob: () => {}, signal: new AbortController().signal },
    wakes: { count: () => 0, beyond: () => sleep(5) },
    ...changes,
  };
}

async function lease(worker: Label, pool: Label): Promise<Lease> {
  return until(async () => claim(db, { worker, architectures: ['amd64'], pool, leaseMs, now: start }));
}

async function work(worker: Label, pool: Label, end: CheckedResult): Promise<Lease> {
  const held = await lease(worker, pool);
  const holder = { job: held.job, attempt: held.attempt, worker };
  await appendLog(db, holder, { position: 0, bytes: Buffer.from('a log\n') });
  await completeAttempt(db, holder, end, start, noNotifiers);
  return held;
}

/** The originals were built by worker `one` in the default pool. */
async function publish(): Promise<void> {
  const added = { tagBuild: undefined, spec: jobSpec(), pool: defaultPool, priority: 0, maxAttempts: 1 };
  await addJob(db, { ...added, state: 'Needs-Build', reason: '' }, start, noNotifiers);
  const { job } = await work(one.name, defaultPool, result);
  await db
    .insertInto('binary_package')
    .values({
      ...{ repository: 'main', name: 'toy', version: '1', architecture: 'amd64', source: 'toy', source_version: '1' },
      ...{ component: 'main', control: '', filename: 'x', sha256: deb.sha256, size: 3, job, attempt: 1 },
      accepted_at: start,
    })
    .execute();
}

test('runOnWorkers has a pool build that did not build the original, and finds the same build again', async () => {
  await publish();
  const asked = await deps({ originals: [deb.sha256] });
  const [built, held] = await Promise.all([runOnWorkers(asked)(spec, 0), work(two.name, second, result)]);
  assert.ok(built.outcome === 'built');
  assert.deepEqual(built.files, [{ ...deb, path: blobs.path(deb.sha256) }]);
  assert.equal(await readFile(built.log, 'utf8'), 'a log\n');
  assert.deepEqual(held.spec.origin, { rebuild: asked.task.id, place: 'stable', signer: 'ann' });
  // As after a restart; and with other limits, which are not of what is built.
  const jobs: number[] = [];
  const again = runOnWorkers({ ...asked, onJob: (job) => void jobs.push(job) });
  assert.deepEqual(await again({ ...spec, limits: { ...spec.limits, wall: 1 } }, 0), built);
  assert.deepEqual(jobs, [held.job]);
  const [other] = await Promise.all([again(spec, 1), work(two.name, second, result)]);
  assert.equal(other.outcome, 'built');
  assert.notEqual(jobs.at(-1), held.job);
});

test('runOnWorkers says that nobody may build it', async () => {
  await publish();
  await disableWorker(db, 'two', start, noNotifiers);
  const asked = await deps({ originals: [deb.sha256] });
  await assert.rejects(runOnWorkers(asked)(spec, 0), { code: 'no-pool', message: /^Only pool default has workers/ });
});

test('runOnWorkers does not take the word of a worker that built the original and was moved meanwhile', async () => {
  await publish();
  const [waits, done] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const beyond = async () => {
    waits.resolve();
    return done.promise;
  };
  const asked = await deps({ originals: [deb.sha256], wakes: { count: () => 0, beyond } });
  const running = assert.rejects(runOnWorkers(asked)(spec, 0), { code: 'build-interrupted' });
  await waits.promise;
  await approveWorker(db, 'one', start, noNotifiers, second);
  await work(one.name, second, result);
  done.resolve();
  await running;
  await approveWorker(db, 'one', start, noNotifiers, defaultPool);
  await approveWorker(db, 'two', start, noNotifiers, parseLabel('third'));
  const [built] = await Promise.all([runOnWorkers(asked)(spec, 0), work(two.name, parseLabel('third'), result)]);
  assert.equal(built.outcome, 'built');
});

test('runOnWorkers moves a job that waits when the last worker of its pool has gone', async () => {
  const only = async () => (await db.selectFrom('job').select(['id', 'pool']).execute())[0];
  await approveWorker(db, 'one', start, noNotifiers, parseLabel('third'));
  const asked = await deps();
  const running = runOnWorkers(asked)(spec, 0);
  assert.equal((await until(only)).pool, 'second');
  await disableWorker(db, 'two', start, noNotifiers);
  await work(one.name, parseLabel('third'), result);
  assert.equal((await running).outcome, 'built');
});

test('runOnWorkers tries a job again that failed by no fault of the package, with the next run', async () => {
  const asked = await deps();
  const run = async (end: CheckedResult, build: BuildSpec = spec) => {
    const [settled] = await Promise.allSettled([runOnWorkers(asked)(build, 0), work(one.name, defaultPool, end)]);
    return settled;
  };
  await disableWorker(db, 'two', start, noNotifiers);
  const first = await run(environment);
  assert.equal(first.status === 'rejected' && first.reason.code, 'build-interrupted');
  const next = await run(result);
  assert.equal(next.status === 'fulfilled' && next.value.outcome, 'built');
  const failing = { ...spec, sourceDateEpoch: 1 };
  const failed = await run({ ...environment, fault: 'package', reason: 'make: error' }, failing);
  assert.deepEqual(failed.status === 'fulfilled' && { ...failed.value, log: '' }, {
    ...{ outcome: 'failed', reason: 'make: error', seconds: 0, log: '' },
  });
});

test('runOnWorkers ends with a job that a person cancels, and adds none for a task that has ended', async () => {
  const asked = await deps();
  const run = runOnWorkers({ ...asked, onJob: (job) => void cancelJob(db, job, 'ann', start, noNotifiers) });
  await assert.rejects(run(spec, 0), { code: 'job-cancelled' });
  await giveUpTask({ db, distribution: noNotifiers, now: () => start }, asked.task.id, 'no');
  await assert.rejects(run(spec, 1), { code: 'task-ended' });
  const jobs = await db.selectFrom('job').select('id').execute();
  assert.equal(jobs.length, 1);
  assert.equal((await showJob(db, jobs[0]!.id))?.state, 'Cancelled');
  await assert.rejects(retryJob(db, jobs[0]!.id, 1, start, noNotifiers), { code: 'task-ended' });
});

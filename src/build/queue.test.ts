import assert from 'node:assert/strict';
import { after as afterAll, beforeEach, test } from 'node:test';

import { testDatabase } from '../../test/database.ts';
import { sha256 } from '../kit/digest.ts';
import type { Lease } from '../model/job.ts';
import { parseArchitecture, parseLabel } from '../model/names.ts';
import {
  addJob,
  cancelJob,
  claim,
  completeAttempt,
  disableWorker,
  expireLeases,
  heartbeat,
  listJobs,
  reconcileWorker,
  releaseLease,
  retryJob,
  setJobState,
  showJob,
  type CheckedResult,
  type Holder,
} from './mod.ts';
import {
  add,
  after,
  amd64,
  approvedWorker,
  claimFor,
  defaultPool,
  jobSpec,
  leaseMs,
  newJob,
  noNotifiers,
  start,
  tagBuild,
} from '../../test/jobs.ts';

const { db, close } = await testDatabase();
afterAll(close);
const one = (await approvedWorker(db, 'one')).name;
const two = (await approvedWorker(db, 'two')).name;

beforeEach(async () => {
  for (const table of ['delivery', 'event', 'statement', 'log_chunk', 'attempt', 'job', 'tag_build'] as const) {
    await db.deleteFrom(table).execute();
  }
});

const built: CheckedResult = {
  outcome: 'built',
  files: [{ name: 'hello_2.10-3.dsc', sha256: sha256('dsc'), size: 3 }],
  provenance: '{}',
  timings: { build: 5 },
  statement: { sha256: sha256('envelope'), predicateType: 'https://slsa.dev/provenance/v1' },
};
const failed = (fault: 'package' | 'environment' | 'worker'): CheckedResult => ({
  outcome: 'failed',
  fault,
  reason: 'It broke',
  timings: {},
});
const holder = (lease: Lease | undefined, worker = one): Holder => ({
  job: lease!.job,
  attempt: lease!.attempt,
  worker,
});
const complete = (who: Holder, result: CheckedResult, now = start) =>
  completeAttempt(db, who, result, now, noNotifiers);
const kinds = async (): Promise<string[]> =>
  (await db.selectFrom('event').select('kind').orderBy('id').execute()).map(({ kind }) => kind);
const stateOf = async (id: number) => {
  const { state, attempt, notBefore } = (await showJob(db, id))!;
  return { state, attempt, notBefore };
};

test('addJob adds a job once for each thing that a tag build makes', async () => {
  const build = await tagBuild(db);
  const first = await add(db, { tagBuild: build });
  assert.equal(await add(db, { tagBuild: build }), first);
  assert.notEqual(await add(db, { tagBuild: build, spec: jobSpec({ kind: 'binary', builds: 'any' }) }), first);
  assert.deepEqual(await kinds(), ['job-created', 'job-created']);
});

test('addJob makes an uninstallable job ready once it is called with a solved lock', async () => {
  const build = await tagBuild(db);
  const id = await add(db, { tagBuild: build, state: 'BD-Uninstallable', reason: 'libfoo-dev is missing' });
  assert.equal(await claimFor(db, one), undefined);
  await add(db, { tagBuild: build, state: 'BD-Uninstallable', reason: 'libfoo-dev is missing' });
  assert.equal(await add(db, { tagBuild: build, spec: jobSpec({ lock: sha256('solved') }) }), id);
  assert.deepEqual(await kinds(), ['job-uninstallable', 'job-requeued']);
  assert.equal((await claimFor(db, one))?.spec.lock, sha256('solved'));
});

test('addJob tells the notifiers of failures about an uninstallable job', async () => {
  const notifier = {
    name: parseLabel('hook'),
    on: ['failure' as const],
    target: { kind: 'webhook' as const, url: 'http://127.0.0.1/', secretFile: undefined },
  };
  await addJob(db, newJob({ state: 'BD-Uninstallable' }), start, { notifiers: new Map([[notifier.name, notifier]]) });
  assert.equal((await db.selectFrom('delivery').selectAll().execute()).length, 1);
});

test('claim takes the highest priority first, then the oldest', async () => {
  const low = await add(db, { priority: -1 });
  const old = await add(db);
  const young = await add(db);
  const high = await add(db, { priority: 5 });
  const order = [];
  for (let count = 0; count < 4; count++) order.push((await claimFor(db, one))?.job);
  assert.deepEqual(order, [high, old, young, low]);
  assert.equal(await claimFor(db, one), undefined);
});

test('claim looks only for jobs of its pool and its architectures', async () => {
  await add(db, { pool: parseLabel('other') });
  await add(db, { spec: jobSpec({ architecture: parseArchitecture('arm64') }) });
  assert.equal(await claimFor(db, one), undefined);
  const claimer = { worker: one, pool: 'default', leaseMs, now: start };
  assert.equal((await claim(db, { ...claimer, architectures: ['amd64', 'arm64'] }))?.spec.architecture, 'arm64');
});

test('claim gives one job to one of many claimers at the same time, and each job once', async () => {
  for (let count = 0; count < 20; count++) await add(db);
  const leases = await Promise.all(Array.from({ length: 30 }, (_, n) => claimFor(db, n % 2 === 0 ? one : two)));
  const jobs = leases.filter((lease) => lease !== undefined).map((lease) => lease.job);
  // A claimer may find every candidate locked by others and go away; none may be given twice.
  assert.equal(new Set(jobs).size, jobs.length);
  for (let claims = 0; claims <= 20; claims += 1) {
    const lease = await claimFor(db, one);
    if (lease === undefined) break;
    jobs.push(lease.job);
  }
  assert.equal(new Set(jobs).size, 20);
  assert.equal(jobs.length, 20);
});

test('claim records the attempt and says in a sentence that it began', async () => {
  const build = await tagBuild(db);
  const id = await add(db, { tagBuild: build });
  await claimFor(db, one);
  const job = await showJob(db, id);
  assert.deepEqual(
    job?.attempts.map(({ number, worker, outcome }) => ({ number, worker, outcome })),
    [{ number: 1, worker: 'one', outcome: undefined }],
  );
  const event = await db.selectFrom('event').selectAll().where('kind', '=', 'job-started').executeTakeFirstOrThrow();
  assert.equal(event.message, 'hello 2.10-3 (source, amd64) is being built by worker one, attempt 1');
  assert.deepEqual([event.job, event.tag_build, event.suite, event.source], [id, build, 'stable', 'hello']);
});

test('heartbeat extends the lease, and tells others and earlier attempts that theirs is lost', async () => {
  const id = await add(db);
  const lease = await claimFor(db, one);
  assert.equal(await heartbeat(db, holder(lease), leaseMs, after(50_000)), 'ok');
  assert.equal(await expireLeases(db, after(70_000), noNotifiers), 0);
  assert.equal(await heartbeat(db, holder(lease, two), leaseMs, start), 'lost');
  assert.equal(await expireLeases(db, after(110_000), noNotifiers), 1);
  assert.equal(await heartbeat(db, holder(lease), leaseMs, after(111_000)), 'lost');
  const second = await claimFor(db, one, after(112_000));
  assert.deepEqual([second?.job, second?.attempt], [id, 2]);
  assert.equal(await heartbeat(db, holder(lease), leaseMs, after(113_000)), 'lost');
  assert.equal(await heartbeat(db, holder(second), leaseMs, after(113_000)), 'ok');
});

test('completeAttempt records a result, its files and its statement, once', async () => {
  const id = await add(db);
  const lease = await claimFor(db, one);
  assert.deepEqual(await complete(holder(lease), built), { kind: 'accepted' });
  assert.deepEqual(await complete(holder(lease), built), { kind: 'accepted' });
  assert.deepEqual(await complete(holder(lease), failed('package')), { kind: 'accepted' });
  const job = await showJob(db, id);
  assert.equal(job?.state, 'Built');
  assert.deepEqual(job?.attempts[0]?.files, built.files);
  assert.equal(job?.attempts[0]?.provenance, sha256('envelope'));
  const statements = await db.selectFrom('statement').selectAll().execute();
  assert.deepEqual(
    statements.map((row) => [row.subject_name, row.subject_sha256, row.signer, row.job]),
    [['hello_2.10-3.dsc', sha256('dsc'), 'one', id]],
  );
  assert.deepEqual(await kinds(), ['job-created', 'job-started', 'job-built']);
});

test('completeAttempt takes a result after the time of its lease, as long as nobody took that away', async () => {
  const id = await add(db);
  const lease = await claimFor(db, one);
  assert.deepEqual(await complete(holder(lease), built, after(10 * leaseMs)), { kind: 'accepted' });
  assert.equal((await stateOf(id)).state, 'Built');
});

test('completeAttempt refuses whoever does not hold the current lease', async () => {
  const id = await add(db);
  const lease = await claimFor(db, one);
  assert.deepEqual(await complete(holder(lease, two), built), { kind: 'lost' });
  assert.deepEqual(await complete({ ...holder(lease), attempt: 2 }, built), { kind: 'lost' });
  assert.deepEqual(await complete({ ...holder(lease), job: id + 1000 }, built), { kind: 'lost' });
  await expireLeases(db, after(leaseMs), noNotifiers);
  const second = await claimFor(db, two, after(leaseMs));
  assert.deepEqual(await complete(holder(lease), built, after(leaseMs)), { kind: 'lost' }, 'another holds it now');
  assert.deepEqual(await complete(holder(second, two), built, after(leaseMs)), { kind: 'accepted' });
  assert.deepEqual(await complete(holder(lease), built, after(leaseMs)), { kind: 'lost' });
  assert.deepEqual(
    (await showJob(db, id))?.attempts.map(({ outcome }) => outcome),
    ['expired', 'built'],
  );
});

test('completeAttempt accepts one of two completions at the same time and answers both alike', async () => {
  const id = await add(db);
  const lease = await claimFor(db, one);
  const answers = await Promise.all([complete(holder(lease), built), complete(holder(lease), built)]);
  assert.deepEqual(answers, [{ kind: 'accepted' }, { kind: 'accepted' }]);
  assert.equal((await kinds()).filter((kind) => kind === 'job-built').length, 1);
  assert.equal((await stateOf(id)).state, 'Built');
});

test("completeAttempt ends a job by the package's own fault at once", async () => {
  const id = await add(db);
  await complete(holder(await claimFor(db, one)), failed('package'));
  assert.deepEqual(await stateOf(id), { state: 'Build-Attempted', attempt: 1, notBefore: undefined });
  assert.ok((await kinds()).includes('job-failed'));
});

for (const fault of ['environment', 'worker'] as const) {
  test(`completeAttempt tries again after a pause when the fault is the ${fault}'s, and gives up at the limit`, async () => {
    const id = await add(db);
    const pauses = [30_000, 60_000];
    let now = start;
    for (const [index, pause] of pauses.entries()) {
      await complete(holder(await claimFor(db, one, now)), failed(fault), now);
      const next = new Date(now.getTime() + pause);
      assert.deepEqual(await stateOf(id), { state: 'Needs-Build', attempt: index + 1, notBefore: next });
      assert.equal(await claimFor(db, one, new Date(next.getTime() - 1)), undefined);
      now = next;
    }
    await complete(holder(await claimFor(db, one, now)), failed(fault), now);
    assert.equal((await stateOf(id)).state, 'Failed');
    assert.equal(await claimFor(db, one, after(24 * 3600_000)), undefined);
  });
}

test('completeAttempt keeps a refused result out, blames the worker and answers a repetition alike', async () => {
  const id = await add(db);
  const lease = await claimFor(db, one);
  const refused: CheckedResult = { outcome: 'refused', reason: 'a file\nis missing', timings: {} };
  assert.deepEqual(await complete(holder(lease), refused), { kind: 'refused', reason: 'a file is missing' });
  assert.deepEqual(await complete(holder(lease), built), { kind: 'refused', reason: 'a file is missing' });
  const job = await showJob(db, id);
  assert.deepEqual(
    [job?.state, job?.attempts[0]?.outcome, job?.attempts[0]?.fault],
    ['Needs-Build', 'refused', 'worker'],
  );
  assert.ok((await kinds()).includes('result-refused'));
});

test('expireLeases makes the job of a dead worker ready at once, and gives up at the limit', async () => {
  const id = await add(db);
  for (let attempt = 1; attempt <= 3; attempt++) {
    const now = after(attempt * leaseMs);
    assert.equal((await claimFor(db, one, now))?.attempt, attempt);
    assert.equal(await expireLeases(db, new Date(now.getTime() + leaseMs), noNotifiers), 1);
  }
  assert.equal((await stateOf(id)).state, 'Failed');
  assert.equal(await expireLeases(db, after(24 * 3600_000), noNotifiers), 0);
});

test('expireLeases from two servers at the same time takes each lease back once', async () => {
  for (let count = 0; count < 10; count++) await add(db);
  for (let count = 0; count < 10; count++) await claimFor(db, one);
  const counts = await Promise.all([1, 2, 3].map(() => expireLeases(db, after(leaseMs), noNotifiers)));
  assert.equal(
    counts.reduce((sum, count) => sum + count),
    10,
  );
  const jobs = await listJobs(db);
  assert.ok(jobs.every((job) => job.state === 'Needs-Build' && job.attempt === 1));
});

test('reconcileWorker hands a lease out again when its answer was lost, and takes back what had begun', async () => {
  const id = await add(db);
  const lease = await claimFor(db, one);
  const claimer = { worker: one, architectures: ['amd64'], pool: 'default', leaseMs };
  const running = [{ job: id, attempt: 1 }];
  assert.equal(await reconcileWorker(db, claimer, running, after(1), noNotifiers), undefined);
  const again = await reconcileWorker(db, claimer, [], after(1), noNotifiers);
  assert.deepEqual(again, { ...lease, expiresAt: after(1 + leaseMs) });
  await db.updateTable('attempt').set({ log_bytes: 10 }).execute();
  assert.equal(await reconcileWorker(db, claimer, [], after(2), noNotifiers), undefined);
  assert.equal((await stateOf(id)).state, 'Needs-Build');
});

test('reconcileWorker takes a lease back from a worker that ends each time it hears of it', async () => {
  const id = await add(db);
  await claimFor(db, one);
  const claimer = { worker: one, architectures: ['amd64'], pool: 'default', leaseMs };
  assert.equal((await reconcileWorker(db, claimer, [], after(leaseMs - 1), noNotifiers))?.job, id);
  assert.equal(await reconcileWorker(db, claimer, [], after(leaseMs), noNotifiers), undefined);
  assert.equal((await stateOf(id)).state, 'Needs-Build');
});

test('releaseLease makes the job ready without counting the attempt', async () => {
  const id = await add(db, { maxAttempts: 1 });
  const lease = await claimFor(db, one);
  assert.equal(await releaseLease(db, holder(lease, two), start, noNotifiers), false);
  assert.equal(await releaseLease(db, holder(lease), start, noNotifiers), true);
  assert.equal(await releaseLease(db, holder(lease), start, noNotifiers), false);
  assert.deepEqual(await stateOf(id), { state: 'Needs-Build', attempt: 1, notBefore: undefined });
  await complete(holder(await claimFor(db, two), two), failed('environment'));
  assert.equal((await stateOf(id)).state, 'Failed');
});

test('cancelJob ends a waiting job, and a running one whose worker then hears of it', async () => {
  const waiting = await add(db);
  await cancelJob(db, waiting, 'ann', start, noNotifiers);
  assert.equal(await claimFor(db, one), undefined);
  const running = await add(db);
  const lease = await claimFor(db, one);
  await cancelJob(db, running, 'ann', start, noNotifiers);
  await cancelJob(db, running, 'ann', start, noNotifiers);
  assert.equal(await heartbeat(db, holder(lease), leaseMs, start), 'cancelled');
  assert.deepEqual(await complete(holder(lease), built), { kind: 'cancelled' });
  assert.equal((await stateOf(running)).state, 'Cancelled');
  assert.equal((await kinds()).filter((kind) => kind === 'job-cancelled').length, 2);
});

test('cancelJob and retryJob say why they cannot', async () => {
  await assert.rejects(cancelJob(db, 0, 'ann', start, noNotifiers), { code: 'no-such-job' });
  const id = await add(db);
  const lease = await claimFor(db, one);
  await assert.rejects(retryJob(db, id, 3, start, noNotifiers), { code: 'wrong-job-state' });
  await complete(holder(lease), built);
  await assert.rejects(cancelJob(db, id, 'ann', start, noNotifiers), {
    code: 'wrong-job-state',
    message: `Cannot cancel job ${id}: it is in state Built`,
  });
});

test('retryJob gives a failed job its full number of attempts again', async () => {
  const id = await add(db, { maxAttempts: 1 });
  await complete(holder(await claimFor(db, one)), failed('package'));
  await retryJob(db, id, 2, start, noNotifiers);
  await complete(holder(await claimFor(db, one)), failed('environment'));
  assert.equal((await stateOf(id)).state, 'Needs-Build');
  await retryJob(db, id, 2, start, noNotifiers);
  assert.equal((await claimFor(db, one))?.attempt, 3);
});

test('retryJob asks for build dependencies again that a cancelled job never had', async () => {
  const spec = jobSpec({ kind: 'binary', builds: 'any', lock: sha256('base') });
  const build = await tagBuild(db);
  const id = await add(db, { tagBuild: build, spec, state: 'BD-Uninstallable', reason: 'libfoo-dev is missing' });
  const other = await add(db, { tagBuild: build, spec: { ...spec, builds: 'all', lock: sha256('solved') } });
  for (const each of [id, other]) await cancelJob(db, each, 'ann', start, noNotifiers);
  assert.equal(await retryJob(db, id, 3, start, noNotifiers), 'BD-Uninstallable');
  assert.equal(await claimFor(db, one), undefined);
  // What the flow does with apt's answer.
  await add(db, { tagBuild: build, spec: { ...spec, lock: sha256('found') } });
  assert.equal((await claimFor(db, one))?.spec.lock, sha256('found'));
  assert.equal(await retryJob(db, other, 3, start, noNotifiers), 'Needs-Build');
  assert.equal((await claimFor(db, one))?.spec.lock, sha256('solved'));
});

test('retryJob refuses a job that its tag was done without: nobody would take what it builds', async () => {
  const build = await tagBuild(db, 'debian/9');
  const id = await add(db, { tagBuild: build });
  await cancelJob(db, id, 'the upload of its packages', start, noNotifiers);
  await db.updateTable('tag_build').set({ state: 'DONE' }).where('id', '=', build).execute();
  await assert.rejects(retryJob(db, id, 3, start, noNotifiers), {
    code: 'tag-done',
    message: `Cannot retry job ${id}: hello 2.10-3 was published without it`,
    hint: /Release the next version of hello/,
  });
  assert.equal((await stateOf(id)).state, 'Cancelled');
});

test('disableWorker takes back what the worker was building', async () => {
  const name = (await approvedWorker(db, 'three')).name;
  const id = await add(db);
  const lease = await claimFor(db, name);
  await disableWorker(db, 'three', start, noNotifiers);
  assert.equal((await stateOf(id)).state, 'Needs-Build');
  assert.equal(await heartbeat(db, holder(lease, name), leaseMs, start), 'lost');
});

test('setJobState leads a built job to Installed and knows no way back', async () => {
  const id = await add(db);
  await assert.rejects(setJobState(db, id, 'Uploaded', 'x', start, noNotifiers), { code: 'wrong-job-state' });
  await complete(holder(await claimFor(db, one)), built);
  for (const state of ['Uploaded', 'Uploaded', 'Installed'] as const) {
    await setJobState(db, id, state, 'It is in the archive', start, noNotifiers);
    assert.equal((await stateOf(id)).state, state);
  }
  await assert.rejects(setJobState(db, id, 'Needs-Build', 'x', start, noNotifiers), { code: 'wrong-job-state' });
});

test('listJobs gives the newest first and keeps to its filter', async () => {
  const build = await tagBuild(db);
  const first = await add(db, { tagBuild: build });
  const second = await add(db);
  const ids = async (filter: Parameters<typeof listJobs>[1]): Promise<number[]> =>
    (await listJobs(db, filter)).map(({ id }) => id);
  assert.deepEqual(await ids({}), [second, first]);
  assert.deepEqual(await ids({ tagBuild: build }), [first]);
  assert.deepEqual(await ids({ before: second }), [first]);
  assert.deepEqual(await ids({ source: 'hello', limit: 1 }), [second]);
  assert.deepEqual(await ids({ source: 'other' }), []);
  await claimFor(db, one);
  assert.deepEqual(await ids({ states: ['Building'], worker: 'one' }), [first]);
});

test('a change of the queue that fails midway leaves nothing behind', async () => {
  const id = await add(db);
  const lease = await claimFor(db, one);
  // A trigger stands for the disk that fails at the last write of each transaction.
  const { sql } = await import('kysely');
  await sql`create function refuse() returns trigger language plpgsql as $$ begin raise exception 'disk full'; end $$`.execute(
    db,
  );
  const changes: Record<string, () => Promise<unknown>> = {
    complete: () => complete(holder(lease), built),
    fail: () => complete(holder(lease), failed('worker')),
    expire: () => expireLeases(db, after(leaseMs), noNotifiers),
    release: () => releaseLease(db, holder(lease), start, noNotifiers),
    cancel: () => cancelJob(db, id, 'ann', start, noNotifiers),
    claim: () => claimFor(db, two),
    add: () => add(db, { pool: defaultPool, spec: jobSpec({ architecture: amd64 }) }),
  };
  await add(db, { priority: -9 });
  const before = await db.selectFrom('job').selectAll().orderBy('id').execute();
  await sql`create trigger refuse_event before insert on event for each row execute function refuse()`.execute(db);
  try {
    for (const [name, change] of Object.entries(changes)) {
      await assert.rejects(change(), /disk full/, name);
      assert.deepEqual(await db.selectFrom('job').selectAll().orderBy('id').execute(), before, name);
      assert.equal((await showJob(db, id))?.attempts[0]?.outcome, undefined, name);
    }
  } finally {
    await sql`drop function refuse() cascade`.execute(db);
  }
  assert.deepEqual(await complete(holder(lease), built), { kind: 'accepted' });
});

import assert from 'node:assert/strict';
import { after as afterAll, test } from 'node:test';

import { testDatabase } from '../../test/database.ts';
import { appendLog, cancelJob, completeAttempt, expireLeases, readLog, type Holder } from './mod.ts';
import { add, after, approvedWorker, claimFor, leaseMs, noNotifiers, start } from '../../test/jobs.ts';

const { db, close } = await testDatabase();
afterAll(close);
const worker = (await approvedWorker(db, 'one')).name;

async function begin(): Promise<Holder> {
  await add(db);
  const lease = (await claimFor(db, worker))!;
  return { job: lease.job, attempt: lease.attempt, worker };
}
const append = (holder: Holder, position: number, text: string) =>
  appendLog(db, holder, { position, bytes: Buffer.from(text) });
const text = async (holder: Holder, position = 0, limit?: number): Promise<string | undefined> =>
  (await readLog(db, holder.job, { position, ...(limit === undefined ? {} : { limit }) }))?.bytes.toString();

test('appendLog adds at the end only: a repeated chunk is skipped, a gap is refused', async () => {
  const holder = await begin();
  assert.deepEqual(await append(holder, 0, 'hello '), { kind: 'ok', position: 6 });
  assert.deepEqual(await append(holder, 0, 'hello '), { kind: 'ok', position: 6 });
  assert.deepEqual(await append(holder, 8, 'x'), { kind: 'gap', position: 6 });
  assert.deepEqual(await append(holder, 3, 'lo world'), { kind: 'ok', position: 11 });
  assert.equal(await text(holder), 'hello world');
});

test('appendLog stores a chunk once when it comes twice at the same time', async () => {
  const holder = await begin();
  await Promise.all([append(holder, 0, 'abc'), append(holder, 0, 'abc'), append(holder, 0, 'abc')]);
  assert.equal(await text(holder), 'abc');
});

test('appendLog takes nothing from another worker, another attempt or after the lease was taken away', async () => {
  const holder = await begin();
  const other = (await approvedWorker(db, 'two')).name;
  assert.deepEqual(await append({ ...holder, worker: other }, 0, 'x'), { kind: 'lost' });
  assert.deepEqual(await append({ ...holder, attempt: 2 }, 0, 'x'), { kind: 'lost' });
  assert.equal(await text(holder), '');
  await cancelJob(db, holder.job, 'ann', start, noNotifiers);
  assert.deepEqual(await append(holder, 0, 'x'), { kind: 'cancelled' });
  const late = await begin();
  await expireLeases(db, after(leaseMs), noNotifiers);
  assert.deepEqual(await append(late, 0, 'x'), { kind: 'lost' });
  await cancelJob(db, late.job, 'ann', start, noNotifiers);
});

test('appendLog keeps no more than the limit', async () => {
  const holder = await begin();
  const most = 1000 + 64 * 1024;
  assert.deepEqual(await append(holder, 0, 'x'.repeat(most)), { kind: 'ok', position: most });
  assert.deepEqual(await append(holder, most, 'y'), { kind: 'full', position: most });
});

test('readLog gives any part from any position, and says when there is no more to come', async () => {
  const holder = await begin();
  const whole = Array.from({ length: 40 }, (_, n) => `line ${n}\n`).join('');
  for (let at = 0; at < whole.length; at += 7) await append(holder, at, whole.slice(at, at + 7));
  assert.equal(await text(holder), whole);
  for (const position of [0, 1, 6, 7, 8, 100, whole.length]) {
    assert.equal(await text(holder, position, 20), whole.slice(position, position + 20));
  }
  let next = 0;
  let read = '';
  for (let reads = 0; reads <= whole.length; reads += 1) {
    const part = (await readLog(db, holder.job, { position: next, limit: 10 }))!;
    assert.equal(part.ended, false);
    if (part.bytes.length === 0) break;
    read += part.bytes.toString();
    next = part.next;
  }
  assert.equal(read, whole);
  await completeAttempt(
    db,
    holder,
    { outcome: 'failed', fault: 'package', reason: 'x', timings: {} },
    start,
    noNotifiers,
  );
  const end = await readLog(db, holder.job, { position: whole.length });
  assert.deepEqual([end?.ended, end?.size, end?.next], [true, whole.length, whole.length]);
});

test('readLog knows the logs of earlier attempts, and that there is none', async () => {
  const holder = await begin();
  await append(holder, 0, 'first');
  await completeAttempt(
    db,
    holder,
    { outcome: 'failed', fault: 'environment', reason: 'x', timings: {} },
    start,
    noNotifiers,
  );
  const lease = (await claimFor(db, worker, after(30_000)))!;
  await append({ ...holder, attempt: lease.attempt }, 0, 'second');
  assert.equal(await text(holder), 'second');
  assert.equal((await readLog(db, holder.job, { attempt: 1, position: 0 }))?.bytes.toString(), 'first');
  assert.equal(await readLog(db, holder.job, { attempt: 7, position: 0 }), undefined);
});

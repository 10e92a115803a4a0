import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after as afterAll, test } from 'node:test';

import { testDatabase } from '../../test/database.ts';
import { parseLabel } from '../model/names.ts';
import { toSigningKey } from '../plumbing/keys.ts';
import {
  admitRequest,
  approveWorker,
  createEnrolmentToken,
  disableWorker,
  enrolWorker,
  findWorker,
  forgetNonces,
  listWorkers,
} from './mod.ts';
import { after, amd64, approvedWorker, defaultPool, noNotifiers, start } from '../../test/jobs.ts';

const { db, close } = await testDatabase();
afterAll(close);

const newKey = (): string => toSigningKey(generateKeyPairSync('ed25519').privateKey).publicKey;
const enrol = (token: string, name: string, publicKey: string, now = start) =>
  enrolWorker(
    db,
    { token, name: parseLabel(name), publicKey, architectures: [amd64], pool: defaultPool },
    now,
    noNotifiers,
  );

test('enrolWorker takes a token once, and answers the same enrolment again alike', async () => {
  const token = await createEnrolmentToken(db, 1000, start);
  const key = newKey();
  assert.deepEqual(await enrol(token, 'a', key), { kind: 'enrolled', state: 'pending' });
  assert.deepEqual(await enrol(token, 'a', key), { kind: 'enrolled', state: 'pending' });
  assert.deepEqual(await enrol(token, 'b', newKey()), { kind: 'refused', code: 'bad-token' });
  assert.deepEqual(await enrol(token, 'a', newKey()), { kind: 'refused', code: 'bad-token' });
  assert.equal((await listWorkers(db)).length, 1);
});

test('enrolWorker refuses an unknown and an expired token, a name and a key in use', async () => {
  const key = newKey();
  assert.deepEqual(await enrol('made-up', 'c', key), { kind: 'refused', code: 'bad-token' });
  const token = await createEnrolmentToken(db, 1000, start);
  assert.deepEqual(await enrol(token, 'c', key, after(1000)), { kind: 'refused', code: 'bad-token' });
  await enrol(token, 'c', key);
  const next = await createEnrolmentToken(db, 1000, start);
  assert.deepEqual(await enrol(next, 'c', newKey()), { kind: 'refused', code: 'name-taken' });
  assert.deepEqual(await enrol(next, 'd', key), { kind: 'refused', code: 'key-taken' });
  assert.deepEqual(await enrol(next, 'd', newKey()), { kind: 'enrolled', state: 'pending' }, 'the token is still good');
});

test('createEnrolmentToken does not store the token', async () => {
  const token = await createEnrolmentToken(db, 1000, start);
  const rows = JSON.stringify(await db.selectFrom('enrolment_token').selectAll().execute());
  assert.ok(!rows.includes(token));
});

test('admitRequest lets an approved worker in once for each nonce, and nobody else', async () => {
  const token = await createEnrolmentToken(db, 1000, start);
  const worker = parseLabel('e');
  await enrol(token, 'e', newKey());
  const admit = async (nonce: string, now = start) => (await admitRequest(db, { worker, nonce }, now)).kind;
  assert.equal(await admit('1'), 'not-approved');
  await approveWorker(db, 'e', start, noNotifiers);
  assert.equal(await admit('1'), 'admitted');
  assert.equal(await admit('1'), 'replayed');
  assert.deepEqual((await findWorker(db, 'e'))?.lastSeenAt, start);
  await disableWorker(db, 'e', start, noNotifiers);
  assert.equal(await admit('2'), 'not-approved');
  await approveWorker(db, 'e', start, noNotifiers);
  assert.equal(await admit('1'), 'replayed', 'the pause does not forget nonces');
  assert.equal(await admit('2'), 'admitted');
  const answers = await Promise.all(Array.from({ length: 10 }, () => admit('3')));
  assert.equal(answers.filter((answer) => answer === 'admitted').length, 1);
  await forgetNonces(db, after(1));
  assert.equal(await admit('3'), 'admitted');
});

test('approveWorker and disableWorker record each change once and know no strangers', async () => {
  await approvedWorker(db, 'f');
  const count = async (): Promise<number> => (await db.selectFrom('event').selectAll().execute()).length;
  const before = await count();
  await approveWorker(db, 'f', start, noNotifiers);
  await disableWorker(db, 'f', start, noNotifiers);
  await disableWorker(db, 'f', start, noNotifiers);
  assert.equal(await count(), before + 1);
  await approveWorker(db, 'f', start, noNotifiers, parseLabel('trusted'));
  assert.equal((await findWorker(db, 'f'))?.pool, 'trusted');
  await assert.rejects(approveWorker(db, 'nobody', start, noNotifiers), { code: 'no-such-worker' });
  await assert.rejects(disableWorker(db, 'nobody', start, noNotifiers), { code: 'no-such-worker' });
});

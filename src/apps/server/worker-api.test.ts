import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after as afterAll, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { serve } from '@hono/node-server';
import { Hono } from 'hono';

import { testDatabase } from '../../../test/database.ts';
import { add, amd64, approvedWorker, defaultPool, jobSpec, noNotifiers } from '../../../test/jobs.ts';
import {
  cancelJob,
  claim,
  createEnrolmentToken,
  disableWorker,
  findWorker,
  readLog,
  showJob,
  toStatement,
} from '../../build/mod.ts';
import { signStatement } from '../../formats/attestation/signed-statement.ts';
import { systemClock } from '../../kit/clock.ts';
import { sha256, type Sha256 } from '../../kit/digest.ts';
import type { AttemptResult, InputFile, JobSpec, Lease } from '../../model/job.ts';
import type { Lock } from '../../model/lock.ts';
import { parseLabel } from '../../model/names.ts';
import { Blobs } from '../../plumbing/blobs.ts';
import { emptyBody, signRequest } from '../../plumbing/http-signature.ts';
import { toSigningKey, type SigningKey } from '../../plumbing/keys.ts';
import { WorkerClient } from '../../plumbing/worker-client.ts';
import { formatLock, parseLock } from '../../lock/mod.ts';
import { LeaseDesk } from './lease-desk.ts';
import { workerApi } from './worker-api.ts';

const directory = await mkdtemp(join(tmpdir(), 'sheaf-worker-api-'));
const database = await testDatabase();
const { db, pool } = database;
const blobs = new Blobs(join(directory, 'blobs'));
const errors: unknown[] = [];
const onError = (error: unknown): void => void errors.push(error);
const deskOptions = { db, pool, clock: systemClock, distribution: noNotifiers, leaseMs: 60_000, onError };
const desk = await LeaseDesk.open(deskOptions);
const distribution = { ...noNotifiers, url: 'http://sheaf.test' };
const app = new Hono().route(
  '/api/worker',
  workerApi({ db, blobs, clock: systemClock, distribution, desk, parseLock, onError }),
);
const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' });
await once(server, 'listening');
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

const one = await approvedWorker(db, 'one');
const two = await approvedWorker(db, 'two');
const clients: WorkerClient[] = [];
const clientOf = (worker: { name: string; key: SigningKey }): WorkerClient => {
  const client = new WorkerClient({
    server: origin,
    signer: { keyId: worker.name, sign: worker.key.sign },
    clock: systemClock,
  });
  clients.push(client);
  return client;
};
const client = clientOf(one);
const other = clientOf(two);

afterAll(async () => {
  for (const each of clients) each.close();
  await desk.close();
  await new Promise((resolve) => server.close(resolve));
  await database.close();
  await rm(directory, { recursive: true });
});

beforeEach(async () => {
  errors.length = 0;
  for (const table of ['event', 'statement', 'log_chunk', 'attempt', 'job'] as const)
    await db.deleteFrom(table).execute();
});

const lock: Lock = {
  architecture: amd64,
  sources: [],
  packages: [
    {
      name: 'dash',
      version: '0.5',
      architecture: 'amd64',
      sha256: sha256('dash'),
      size: 4,
      url: 'http://m/dash.deb',
    } as never,
  ],
};

async function storedSpec(changes: Partial<JobSpec> = {}): Promise<JobSpec> {
  const tree = await blobs.putBytes('tree');
  const { sha256: lockDigest } = await blobs.putBytes(formatLock(lock));
  return jobSpec({ inputs: [{ name: 'tree.tar', ...tree }], lock: lockDigest, baseLock: lockDigest, ...changes });
}

async function lease(): Promise<Lease & { builderId: string }> {
  await add(db, { spec: await storedSpec() });
  const answer = await client.lease([], 5000);
  assert.ok(answer);
  return { ...answer.lease, builderId: answer.builderId };
}

type Made = InputFile & { readonly path: string };

async function file(name: string, content: string): Promise<Made> {
  const path = join(directory, randomBytes(8).toString('hex'));
  await writeFile(path, content);
  return { name, sha256: sha256(content), size: content.length, path };
}

/** What `dpkg-source -b` leaves: a .dsc and the tarball it names. */
async function sourceFiles(version = '2.10-3', content = `tarball ${version}`): Promise<[Made, Made]> {
  const tar = await file('hello_2.10.orig.tar.gz', content);
  const line = (sum: string): string => ` ${sum} ${tar.size} ${tar.name}\n`;
  const text =
    `Format: 3.0 (quilt)\nSource: hello\nBinary: hello\nArchitecture: any\nVersion: ${version}\n` +
    `Checksums-Sha256:\n${line(tar.sha256)}Files:\n${line('d41d8cd98f00b204e9800998ecf8427e')}`;
  return [await file(`hello_${version}.dsc`, text), tar];
}

async function resultOf(
  held: Lease & { builderId: string },
  files: readonly Made[],
  changes: { key?: SigningKey; log?: Sha256; builderId?: string; spec?: JobSpec; lock?: Lock } = {},
): Promise<AttemptResult> {
  const times = { startedOn: '2026-11-21T10:00:00Z', finishedOn: '2026-11-21T10:00:01Z', sandbox: 'unshare' };
  const plain = files.map(({ name, sha256: digest, size }) => ({ name, sha256: digest, size }));
  const statement = toStatement({ ...held, lock, files: plain, log: emptyBody, ...changes }, times);
  const provenance = signStatement(statement, 'one', (changes.key ?? one.key).sign);
  return { outcome: 'built', files: plain, provenance, timings: { build: 3 } };
}

test('workerApi leads a job from its lease over its files to its completion', async () => {
  const held = await lease();
  assert.equal(held.attempt, 1);
  const target = join(directory, 'tree');
  await client.fetchBlob(held, held.spec.inputs[0]!.sha256, target, 100);
  assert.equal(await readFile(target, 'utf8'), 'tree');
  assert.equal(await client.heartbeat(held, 0), 'ok');
  assert.deepEqual(await client.appendLog(held, 0, Buffer.from('hello\n')), { kind: 'ok', position: 6 });
  const files = await sourceFiles();
  for (const each of files) await client.putFile(held, each);
  const result = await resultOf(held, files, { log: sha256('hello\n') });
  assert.deepEqual(await client.complete(held, result), { kind: 'accepted' });
  assert.deepEqual(await client.complete(held, result), { kind: 'accepted' });
  const job = await showJob(db, held.job);
  assert.equal(job?.state, 'Built');
  assert.deepEqual(
    job?.attempts[0]?.files,
    files.map(({ name, sha256, size }) => ({ name, sha256, size })),
  );
  assert.ok(await blobs.info(job!.attempts[0]!.provenance as Sha256));
  assert.equal((await readLog(db, held.job, { position: 0 }))?.bytes.toString(), 'hello\n');
  assert.deepEqual(errors, []);
});

for (const [what, change, reason] of [
  ['without a file', async (files: Made[]) => ({ files: files.slice(0, 1) }), /orig\.tar\.gz is missing/],
  [
    'with a further file',
    async (files: Made[]) => ({ files: [...files, await file('evil.deb', 'x')] }),
    /evil\.deb is not listed/,
  ],
  ['of another version', async () => ({ files: await sourceFiles('2.10-4') }), /hello_2\.10-3\.dsc is missing/],
  [
    'with a file of another name',
    async ([dsc, tar]: Made[]) => ({ files: [dsc!, { ...tar!, name: 'x.tar.gz' }] }),
    /orig\.tar\.gz is missing/,
  ],
  [
    'that was not uploaded',
    async () => {
      const files = await sourceFiles('2.10-3', 'never seen');
      return { files, upload: files.slice(0, 1) };
    },
    /orig\.tar\.gz was not uploaded/,
  ],
  [
    'with a file that is known here and that it did not bring',
    async () => {
      const files = await sourceFiles('2.10-3', 'published');
      await blobs.putBytes('published');
      return { files, upload: files.slice(0, 1) };
    },
    /^hello_2\.10\.orig\.tar\.gz was not uploaded$/,
  ],
  [
    'with a wrong size',
    async ([dsc, tar]: Made[]) => ({ files: [dsc!, { ...tar!, size: 1 }], upload: [dsc!, tar!] }),
    /has 14 bytes, not 1/,
  ],
  ['signed by another worker', async (files: Made[]) => ({ files, key: two.key }), /not signed by the worker/],
  ['about another log', async (files: Made[]) => ({ files, log: sha256('other') }), /byproducts differ/],
  ['as another builder', async (files: Made[]) => ({ files, builderId: 'http://other' }), /builder is not this worker/],
  [
    'about another tag',
    async (files: Made[]) => ({ files, spec: jobSpec({ origin: { ...jobSpec().origin, tag: 'x' } }) }),
    /external parameters differ/,
  ],
  ['about another lock', async (files: Made[]) => ({ files, lock: { ...lock, packages: [] } }), /dependencies differ/],
] as [string, (files: Made[]) => Promise<{ files: Made[]; upload?: Made[] }>, RegExp][]) {
  test(`workerApi refuses a result ${what}`, async () => {
    const held = await lease();
    const { files, upload, ...changes } = await change(await sourceFiles());
    for (const each of upload ?? files) await client.putFile(held, each);
    const answer = await client.complete(held, await resultOf(held, files, changes));
    assert.equal(answer.kind, 'refused');
    assert.match((answer as { reason: string }).reason, reason);
    const job = await showJob(db, held.job);
    assert.deepEqual(
      [job?.state, job?.attempts[0]?.outcome, job?.attempts[0]?.fault],
      ['Needs-Build', 'refused', 'worker'],
    );
    const kinds = await db.selectFrom('event').select('kind').execute();
    assert.ok(kinds.some(({ kind }) => kind === 'result-refused'));
    assert.equal((await db.selectFrom('statement').selectAll().execute()).length, 0);
  });
}

test('workerApi does not take what an earlier attempt brought for what this one did', async () => {
  const held = await lease();
  const files = await sourceFiles();
  for (const each of files) await client.putFile(held, each);
  await client.release(held);
  const again = await client.lease([], 5000);
  assert.equal(again?.lease.attempt, 2);
  const answer = await client.complete(again.lease, await resultOf({ ...held, ...again.lease }, files));
  assert.equal(answer.kind, 'refused');
  assert.match((answer as { reason: string }).reason, /was not uploaded/);
});

test('workerApi serves and takes nothing without the current lease', async () => {
  const held = await lease();
  const files = await sourceFiles();
  const target = join(directory, 'stolen');
  const digest = held.spec.inputs[0]!.sha256;
  await assert.rejects(other.fetchBlob(held, digest, target, 100), { code: 'lost' });
  await assert.rejects(other.putFile(held, files[0]), { code: 'lost' });
  await assert.rejects(client.fetchBlob({ ...held, attempt: 2 }, digest, target, 100), { code: 'lost' });
  assert.equal(await other.heartbeat(held, 0), 'lost');
  assert.deepEqual(await other.appendLog(held, 0, Buffer.from('x')), { kind: 'lost' });
  assert.deepEqual(await other.complete(held, await resultOf(held, files)), { kind: 'lost' });
  assert.equal((await showJob(db, held.job))?.state, 'Building');
});

test('workerApi serves only blobs that the lease names', async () => {
  const held = await lease();
  const foreign = await blobs.putBytes('the secret of another job');
  await assert.rejects(client.fetchBlob(held, foreign.sha256, join(directory, 'foreign'), 100), {
    code: 'no-such-blob',
  });
});

test('workerApi refuses an upload whose bytes have another hash, and one that is too large', async () => {
  const held = await lease();
  const made = await file('a', 'aaaa');
  await writeFile(made.path, 'bbbb');
  await assert.rejects(client.putFile(held, made), { code: 'blob-mismatch' });
  assert.equal(await blobs.info(made.sha256), undefined);
  await db
    .updateTable('job')
    .set({ spec: JSON.stringify({ ...held.spec, limits: { ...held.spec.limits, disk: 9 } }) })
    .execute();
  await client.putFile(held, await file('b', 'cccc'));
  await assert.rejects(client.putFile(held, await file('c', 'dd')), { code: 'too-large' });
});

type Raw = {
  method: string;
  path: string;
  body?: string;
  key?: SigningKey;
  keyId?: string;
  created?: Date;
  nonce?: string;
};

function signed({ method, path, body, ...signer }: Raw): RequestInit {
  const url = new URL(path, origin);
  const moment = {
    created: signer.created ?? new Date(),
    nonce: signer.nonce ?? randomBytes(18).toString('base64url'),
  };
  const request = {
    method,
    path: url.pathname,
    query: url.search,
    body: body === undefined ? emptyBody : sha256(body),
  };
  const headers = signRequest(request, { keyId: signer.keyId ?? 'one', sign: (signer.key ?? one.key).sign }, moment);
  return { method, headers, ...(body === undefined ? {} : { body }) };
}

async function codeOf(path: string, init: RequestInit): Promise<string> {
  const response = await fetch(origin + path, init);
  const answer = (await response.json()) as { error?: { code: string } };
  return answer.error === undefined ? 'ok' : `${response.status} ${answer.error.code}`;
}

const beat = { method: 'POST', path: '/api/worker/jobs/1/attempts/1/heartbeat', body: '{"wait":0}' };

test('workerApi refuses a request that was made before', async () => {
  const request = signed(beat);
  assert.equal(await codeOf(beat.path, request), 'ok');
  assert.equal(await codeOf(beat.path, request), '401 replayed');
});

test('workerApi refuses requests without a signature, by a wrong key, by a stranger and from another time', async () => {
  assert.equal(await codeOf(beat.path, { method: 'POST', body: beat.body }), '401 unsigned');
  assert.equal(await codeOf(beat.path, signed({ ...beat, key: two.key })), '401 bad-signature');
  assert.equal(await codeOf(beat.path, signed({ ...beat, keyId: 'stranger' })), '401 bad-signature');
  const early = new Date(Date.now() - 6 * 60_000);
  assert.equal(await codeOf(beat.path, signed({ ...beat, created: early })), '401 clock-skew');
});

test('workerApi refuses a body, a path and a query that were not signed', async () => {
  assert.equal(await codeOf(beat.path, { ...signed(beat), body: '{"wait":1}' }), '401 bad-signature');
  assert.equal(await codeOf('/api/worker/jobs/2/attempts/1/heartbeat', signed(beat)), '401 bad-signature');
  assert.equal(await codeOf(`${beat.path}?x=1`, signed(beat)), '401 bad-signature');
});

test('workerApi refuses bodies of another form, and bounds them', async () => {
  for (const body of ['', 'x', '[]', '{}', '{"wait":-1}', '{"wait":1e9}', '{"wait":0,"more":1}']) {
    assert.equal(await codeOf(beat.path, signed({ ...beat, body })), '400 bad-request', body);
  }
  const large = JSON.stringify({ wait: 0, more: 'x'.repeat(70_000) });
  assert.equal(await codeOf(beat.path, signed({ ...beat, body: large })), '413 too-large');
  assert.equal(
    await codeOf(
      '/api/worker/jobs/x/attempts/1/heartbeat',
      signed({ ...beat, path: '/api/worker/jobs/x/attempts/1/heartbeat' }),
    ),
    '400 bad-request',
  );
  assert.equal(await codeOf('/api/worker/nothing', signed({ ...beat, path: '/api/worker/nothing' })), '404 not-found');
});

test('workerApi enrols who has a token and the key, who then waits for approval', async () => {
  const key = toSigningKey(generateKeyPairSync('ed25519').privateKey);
  const token = await createEnrolmentToken(db, 60_000, new Date());
  const request = {
    token,
    name: parseLabel('new'),
    publicKey: key.publicKey,
    architectures: [amd64],
    pool: defaultPool,
  };
  const newcomer = clientOf({ name: 'new', key });
  await assert.rejects(clientOf({ name: 'new', key: two.key }).enrol(request), { code: 'bad-signature' });
  await assert.rejects(newcomer.enrol({ ...request, token: 'a'.repeat(43) }), { code: 'bad-token' });
  assert.deepEqual(await newcomer.enrol(request), { name: 'new', state: 'pending' });
  await assert.rejects(newcomer.lease([], 0), { code: 'worker-pending', hint: 'sheaf worker approve new' });
});

test('workerApi refuses a disabled worker at once, also while it waits', async () => {
  const worker = await approvedWorker(db, 'bad');
  const bad = clientOf(worker);
  const waiting = bad.lease([], 3000);
  await sleep(100);
  await disableWorker(db, 'bad', new Date(), noNotifiers);
  await add(db, { spec: await storedSpec() });
  const helper = await client.lease([], 3000);
  assert.ok(helper, 'the job goes to a worker that may build');
  assert.equal(await waiting, undefined);
  await assert.rejects(bad.lease([], 0), { code: 'worker-disabled' });
});

test('LeaseDesk wakes a waiting worker when a job comes, without its clock', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const still = await LeaseDesk.open(deskOptions);
  t.after(() => still.close());
  const worker = (await findWorker(db, 'one'))!;
  const waiting = still.lease(worker, [], 20_000, new AbortController().signal);
  await sleep(200);
  await add(db, { spec: await storedSpec() });
  assert.ok(await waiting);
});

test('LeaseDesk gives workers time to renew their leases after it stood still', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  let now = Date.now();
  const clock = { now: () => new Date(now) };
  const slept = await LeaseDesk.open({ ...deskOptions, clock });
  t.after(() => slept.close());
  const job = await add(db, { spec: await storedSpec() });
  const claimer = { worker: one.name, architectures: [amd64], pool: 'default', leaseMs: 60_000, now: clock.now() };
  assert.equal((await claim(db, claimer))?.job, job);
  const state = async () => (await showJob(db, job))!;
  const step = async (milliseconds: number) => {
    now += milliseconds;
    t.mock.timers.tick(2000);
    await sleep(20);
    return (await state()).state;
  };
  for (let tick = 0; tick < 10; tick++) assert.equal(await step(2000), 'Building');
  const woke = now + 3_600_000;
  await step(3_600_000);
  for (let tick = 0; tick < 100 && (await step(2000)) === 'Building'; tick++);
  const [attempt] = (await state()).attempts;
  assert.equal(attempt?.outcome, 'expired');
  assert.ok(attempt.finishedAt!.getTime() - woke > 10_000, attempt.finishedAt?.toISOString());
});

test('LeaseDesk sends a worker away when its time is up, and when nothing is there', async () => {
  assert.equal(await client.lease([], 0), undefined);
  assert.equal(await client.lease([], 50), undefined);
});

test('LeaseDesk gives every job to one of many waiting workers, and asks the database little', async () => {
  const workers = await Promise.all(Array.from({ length: 40 }, (_, n) => approvedWorker(db, `crowd-${n}`)));
  const crowd = workers.map(clientOf);
  const waiting = crowd.map((each) => each.lease([], 4000));
  await sleep(500);
  const spec = await storedSpec();
  for (let count = 0; count < 40; count++) await add(db, { spec });
  const leases = await Promise.all(waiting);
  assert.equal(new Set(leases.map((each) => each?.lease.job)).size, 40);
  assert.ok(leases.every((each) => each !== undefined));
});

test('heartbeat tells a worker at once that its job was cancelled', { timeout: 15_000 }, async () => {
  const held = await lease();
  const waiting = client.heartbeat(held, 20_000);
  await sleep(100);
  await cancelJob(db, held.job, 'ann', new Date(), noNotifiers);
  assert.equal(await waiting, 'cancelled');
});

test('lease hands out again what a worker never heard of', async () => {
  const held = await lease();
  const again = await client.lease([], 0);
  assert.deepEqual([again?.lease.job, again?.lease.attempt], [held.job, held.attempt]);
  assert.equal(await client.lease([{ job: held.job, attempt: held.attempt }], 0), undefined);
});

test('lease hands back what a worker of an older version does not know, and says so', async () => {
  const later = { conditions: { moon: 'full' } as JobSpec['conditions'] & {} };
  const id = await add(db, { spec: await storedSpec(later) });
  await assert.rejects(client.lease([], 5000), {
    code: 'unknown-job',
    message: /does not know this kind of job \(conditions: Unrecognized key: "moon"\)/,
    hint: /the version of Sheaf that the server has/,
  });
  const job = (await showJob(db, id))!;
  assert.equal(job.state, 'Needs-Build');
  assert.match(job.reason, /does not know this kind of job/);
  assert.equal(await client.lease([], 0), undefined);
});

test('release makes the job ready for the next', async () => {
  const held = await lease();
  await client.release(held);
  const next = await other.lease([], 2000);
  assert.deepEqual([next?.lease.job, next?.lease.attempt], [held.job, 2]);
});

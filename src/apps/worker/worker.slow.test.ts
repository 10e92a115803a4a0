import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after as afterAll, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';

import { serve } from '@hono/node-server';
import { Hono } from 'hono';

import { testDatabase } from '../../../test/database.ts';
import { amd64, approvedWorker, defaultPool, jobSpec, noNotifiers } from '../../../test/jobs.ts';
import { until } from '../../../test/until.ts';
import { addJob, cancelJob, checkProvenance, readLog, showJob, type JobDetails } from '../../build/mod.ts';
import { parseProvenance } from '../../formats/attestation/provenance.ts';
import { parseEnvelope } from '../../formats/attestation/dsse.ts';
import { parseStatement } from '../../formats/attestation/statement.ts';
import { systemClock } from '../../kit/clock.ts';
import { sha256, type Sha256 } from '../../kit/digest.ts';
import type { InputFile, JobSpec } from '../../model/job.ts';
import { parseLabel, parsePackageName, parseVersion } from '../../model/names.ts';
import { createApt } from '../../plumbing/apt.ts';
import { Blobs } from '../../plumbing/blobs.ts';
import { verifyEd25519 } from '../../plumbing/keys.ts';
import { run } from '../../plumbing/process.ts';
import { formatLock, parseLock, solve } from '../../lock/mod.ts';
import { LeaseDesk } from '../server/lease-desk.ts';
import { workerApi } from '../server/worker-api.ts';
import { openRuntime, runWorker } from './mod.ts';

const mirror = 'http://deb.debian.org/debian';
const cache = join(tmpdir(), `sheaf-test-cache-${process.getuid!()}`);
const directory = await mkdtemp(join(tmpdir(), 'sheaf-worker-'));
await chmod(directory, 0o755);
const database = await testDatabase();
const { db, pool } = database;
const blobs = new Blobs(join(directory, 'blobs'));
const said: string[] = [];
const onError = (error: unknown): void => void said.push(String(error));
const desk = await LeaseDesk.open({
  db,
  pool,
  clock: systemClock,
  distribution: noNotifiers,
  leaseMs: 10_000,
  onError,
});
const distribution = { ...noNotifiers, url: 'http://sheaf.test' };
const api = workerApi({ db, blobs, clock: systemClock, distribution, desk, parseLock, onError });
const server = serve({ fetch: new Hono().route('/api/worker', api).fetch, port: 0, hostname: '127.0.0.1' });
await once(server, 'listening');
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const { name, key } = await approvedWorker(db, 'one');
const stop = new AbortController();
let worker: Promise<void> | undefined;

const limits = {
  wall: 600_000,
  silence: 300_000,
  memory: 4 * 2 ** 30,
  disk: 8 * 2 ** 30,
  log: 2 ** 24,
  processes: 1000,
};
let base: Sha256;

before(async () => {
  base = await lockOf('');
  // What a worker that was killed left behind.
  await mkdir(join(directory, 'work', 'attempts', '7-1', 'scratch'), { recursive: true });
  const runtime = await openRuntime({ sandbox: 'unshare', cache });
  worker = runWorker({
    settings: { server: origin, name },
    key,
    runtime,
    work: join(directory, 'work'),
    slots: 1,
    parallel: 2,
    clock: systemClock,
    signal: stop.signal,
    grace: 1000,
    say: (line) => void said.push(line),
  });
});

afterAll(async () => {
  stop.abort();
  await worker;
  await desk.close();
  await new Promise((resolve) => server.close(resolve));
  await database.close();
  await rm(directory, { recursive: true });
});

async function lockOf(buildDepends: string): Promise<Sha256> {
  const solver = createApt({ directory: join(cache, 'apt') });
  const answer = await solve(
    { solver },
    {
      architecture: amd64,
      upstream: {
        name: parseLabel('debian'),
        url: mirror,
        suites: ['bookworm'],
        components: ['main'],
        keyring: '/usr/share/keyrings/debian-archive-keyring.gpg',
      },
      own: [],
      packages: ['build-essential', 'fakeroot'],
      buildDepends,
      buildConflicts: '',
    },
  );
  assert.equal(answer.kind, 'solved');
  return (await blobs.putBytes(formatLock(answer.lock))).sha256;
}

async function finished(id: number, timeout = 300_000): Promise<JobDetails> {
  for (const end = Date.now() + timeout; Date.now() < end; await sleep(100)) {
    const job = (await showJob(db, id))!;
    if (!['Needs-Build', 'Building'].includes(job.state) || job.attempts.some((each) => each.outcome !== undefined)) {
      return job;
    }
  }
  throw new Error(`job ${id} does not end: ${said.join('\n')}`);
}

async function logOf(id: number): Promise<string> {
  return (await readLog(db, id, { position: 0, limit: 2 ** 24 }))!.bytes.toString();
}

async function addFor(spec: Partial<JobSpec>): Promise<number> {
  const job = {
    tagBuild: undefined,
    spec: jobSpec({ limits, lock: base, baseLock: base, ...spec }),
    pool: defaultPool,
    priority: 0,
    maxAttempts: 1,
    state: 'Needs-Build' as const,
    reason: '',
  };
  return addJob(db, job, new Date(), noNotifiers);
}

/** A blob of a tarball of the tree that `write` makes below `NAME-VERSION/`. */
async function treeOf(top: string, write: (tree: string) => Promise<void>): Promise<InputFile> {
  const place = await mkdtemp(join(directory, 'tree-'));
  await mkdir(join(place, top, 'debian', 'source'), { recursive: true });
  await write(join(place, top));
  await run([
    'tar',
    '--sort=name',
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    '-C',
    place,
    '-cf',
    join(place, 'tree.tar'),
    '--',
    top,
  ]);
  return { name: 'tree.tar', ...(await blobs.putBytes(await readFile(join(place, 'tree.tar')))) };
}

const addReadme = (tree: string): Promise<void> => writeFile(join(tree, 'README'), 'Of no use.\n');

/** A version with a revision has an upstream tarball, of the README. */
const toy = (rules: string, version = '1.0'): Promise<InputFile> =>
  treeOf('toy-1.0', async (tree) => {
    const isNative = !version.includes('-');
    const control =
      `Source: toy\nSection: misc\nPriority: optional\nMaintainer: Ann <ann@example.org>\n` +
      `Standards-Version: 4.6.2\nRules-Requires-Root: no\n\nPackage: toy\nArchitecture: all\nDescription: toy\n A toy.\n`;
    const changelog = `toy (${version}) stable; urgency=low\n\n  * New.\n\n -- Ann <ann@example.org>  Sat, 21 Nov 2026 10:00:00 +0000\n`;
    await writeFile(join(tree, 'debian/control'), control);
    await writeFile(join(tree, 'debian/changelog'), changelog);
    await writeFile(join(tree, 'debian/source/format'), `3.0 (${isNative ? 'native' : 'quilt'})\n`);
    await writeFile(join(tree, 'debian/rules'), `#!/usr/bin/make -f\n${rules}`, { mode: 0o755 });
    if (!isNative) await addReadme(tree);
  });

const goodRules =
  'clean build build-indep build-arch binary-arch:\n' +
  'binary binary-indep:\n' +
  '\tmkdir -p debian/toy/DEBIAN\n' +
  '\tid > debian/toy/id; ! ls /sys/class/net/eth0\n' +
  '\tdpkg-gencontrol -Pdebian/toy\n' +
  '\tdpkg-deb --build debian/toy ..\n';

const toySpec = { source: parsePackageName('toy'), version: parseVersion('1.0') };

async function toySource(rules: string): Promise<readonly InputFile[]> {
  const id = await addFor({ ...toySpec, inputs: [await toy(rules)] });
  const job = await finished(id);
  assert.equal(job.state, 'Built', `${job.reason}\n${await logOf(id).catch(() => '')}\n${said.join('\n')}`);
  return job.attempts[0]!.files;
}

const binary = (inputs: readonly InputFile[], more: Partial<JobSpec> = {}): Promise<number> =>
  addFor({ ...toySpec, kind: 'binary', builds: 'all', inputs, ...more });

test('runWorker builds a native source package and its binary package, and the server accepts them', async () => {
  const files = await toySource(goodRules);
  assert.deepEqual(files.map((file) => file.name).sort(), ['toy_1.0.dsc', 'toy_1.0.tar.xz']);
  const id = await binary(files);
  const job = await finished(id);
  const log = await logOf(id);
  assert.equal(job.state, 'Built', log);
  assert.deepEqual(job.attempts[0]!.files.map((file) => file.name).sort(), [
    'toy_1.0_all.buildinfo',
    'toy_1.0_all.changes',
    'toy_1.0_all.deb',
  ]);
  assert.match(log, /^\| toy 1\.0 \(binary, amd64\)/m);
  assert.match(log, /^Lock: sha256:[0-9a-f]{64}$/m);
  assert.match(log, /^Status: successful$/m);
  const timings = job.attempts[0]!.timings;
  assert.deepEqual(Object.keys(timings).sort(), ['build', 'collect', 'fetch', 'root', 'upload']);
});

test('runWorker signs provenance that names the tag, the commit, the lock and every package', async () => {
  const files = await toySource(goodRules);
  const id = await binary(files);
  const job = await finished(id);
  const attempt = job.attempts[0]!;
  const envelope = (await blobs.read(attempt.provenance as Sha256)).toString();
  const lock = parseLock((await blobs.read(job.spec.lock)).toString());
  const predicate = parseProvenance(parseStatement(parseEnvelope(envelope).payload));
  const names = predicate.buildDefinition.resolvedDependencies.map((each) => each.name);
  assert.ok(['source', 'lock', 'base lock', 'toy_1.0.dsc'].every((each) => names.includes(each)));
  assert.equal(names.length, 5 + lock.packages.length);
  const facts = {
    job: id,
    attempt: 1,
    spec: job.spec,
    lock,
    files: attempt.files,
    builderId: 'http://sheaf.test/workers/one',
    log: sha256(await logOf(id)),
  };
  assert.deepEqual(checkProvenance(envelope, facts, key.publicKey, verifyEd25519), []);
});

test("runWorker blames a failing build on the package, and gives the build's words in the log", async () => {
  const broken = await toySource('%:\n\t@echo this is why\n\t@false\n');
  const job = await finished(await binary(broken));
  assert.deepEqual([job.state, job.attempts[0]!.fault], ['Build-Attempted', 'package']);
  assert.match(job.reason, /exit code 2/);
  const log = await logOf(job.id);
  assert.match(log, /this is why/);
  assert.match(log, /^Fault: package$/m);
});

for (const [limit, rules, value] of [
  ['wall', '%:\n\tsleep 1d\n', 2000],
  ['silence', '%:\n\tsleep 1d\n', 2000],
  ['log', '%:\n\tyes\n', 100_000],
  ['disk', '%:\n\tdd if=/dev/zero of=big bs=1M count=200; sleep 5\n', 50 * 2 ** 20],
] as const) {
  test(`runWorker ends a build that is over its limit of ${limit}, as the package's fault`, async () => {
    const files = await toySource(rules.replace('%:', 'clean:\n%:'));
    const job = await finished(await binary(files, { limits: { ...limits, [limit]: value } }));
    assert.deepEqual([job.state, job.attempts[0]!.fault], ['Build-Attempted', 'package'], job.reason);
    assert.match(job.reason, /Over a limit/);
  });
}

test('runWorker blames the environment when the root cannot be made', async () => {
  const lock = parseLock((await blobs.read(base)).toString());
  const [first, ...rest] = lock.packages;
  const gone = { ...first!, sha256: sha256('gone'), url: 'http://127.0.0.1:9/gone.deb' };
  const { sha256: digest } = await blobs.putBytes(formatLock({ ...lock, packages: [gone, ...rest] }));
  const job = await finished(
    await addFor({ ...toySpec, inputs: [await toy(goodRules)], lock: digest, baseLock: digest }),
  );
  assert.deepEqual([job.state, job.attempts[0]!.fault], ['Failed', 'environment'], job.reason);
  await until(() => said.includes(`Job ${job.id}, attempt 1: failed`));
  const told = said.filter((line) =>
    line.startsWith(`Job ${job.id}: the build failed, by the fault of the environment: `),
  );
  assert.equal(told.length, 1, said.join('\n'));
});

test('runWorker ends a build when its job is cancelled', { timeout: 60_000 }, async () => {
  const files = await toySource('clean:\n%:\n\tsleep 1d\n');
  const id = await binary(files);
  await until(async () => (await logOf(id).catch(() => '')).includes('sleep 1d'));
  await cancelJob(db, id, 'ann', new Date(), noNotifiers);
  await until(() => said.includes(`Job ${id}, attempt 1: cancelled`));
  assert.equal((await showJob(db, id))?.state, 'Cancelled');
});

test('runWorker builds a tree with its upstream tarball, in a root with what it needs beyond the base', async () => {
  const upstream = gzipSync(await blobs.read((await treeOf('toy-1.0', addReadme)).sha256));
  const orig = { name: 'toy_1.0.orig.tar.gz', ...(await blobs.putBytes(upstream)) };
  const version = parseVersion('1.0-1');
  const tree = await toy(goodRules.replace('id >', 'hello; id >'), version);
  const source = await finished(await addFor({ ...toySpec, version, inputs: [tree, orig] }));
  assert.equal(source.state, 'Built', await logOf(source.id));
  const dsc = source.attempts[0]!.files;
  assert.equal(dsc.find((file) => file.name === orig.name)?.sha256, orig.sha256);
  const job = await finished(await binary(dsc, { version, lock: await lockOf('hello') }));
  const log = await logOf(job.id);
  assert.equal(job.state, 'Built', log);
  assert.match(log, /^Hello, world!$/m);
  assert.ok(job.attempts[0]!.files.some((file) => file.name === 'toy_1.0-1_all.deb'));
});

test('runWorker removes what a killed worker left, and what it built itself', async () => {
  const left = () => readdir(join(directory, 'work', 'attempts'));
  // The server knows a result a moment before the worker has tidied up after it.
  await until(async () => (await left()).length === 0);
});

test('runWorker hands its lease back when it is stopped', async () => {
  const id = await binary(await toySource('clean:\n%:\n\tsleep 1d\n'));
  await until(async () => (await logOf(id).catch(() => '')).includes('sleep 1d'));
  stop.abort();
  await worker;
  const job = await showJob(db, id);
  assert.deepEqual([job?.state, job?.attempts[0]?.outcome], ['Needs-Build', 'expired']);
  assert.match(job!.reason, /handed it back/);
  assert.deepEqual(await readdir(join(directory, 'work', 'attempts')), []);
});

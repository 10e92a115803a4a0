/** Real rebuilds of a package that is built in a second, in a real build root, without a distribution. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';

import { debian, hostArchitecture, rootDeps, testApt } from '../../../../test/small-root.ts';
import { writeToyPackage } from '../../../../test/toy-package.ts';
import type { RebuildDeps } from '../../../flows/rebuild.ts';
import { systemClock } from '../../../kit/clock.ts';
import { sha256, type Sha256 } from '../../../kit/digest.ts';
import { formatLock, solve } from '../../../lock/mod.ts';
import type { BuildConditions, BuildSpec } from '../../../model/job.ts';
import { parsePackageName, parseVersion } from '../../../model/names.ts';
import { Blobs } from '../../../plumbing/blobs.ts';
import { createUnshareSandbox } from '../../../plumbing/sandbox/unshare.ts';
import { materialise } from '../../../root/mod.ts';
import { createRunner } from '../../rebuild/runner.ts';
import { runRebuild } from './run.ts';
import type { Workshop } from './workshop.ts';

const execute = promisify(execFile);
const directory = await mkdtemp(join(tmpdir(), 'sheaf-rebuild-'));
await chmod(directory, 0o755);
const sandbox = createUnshareSandbox();
const lockFile = join(directory, 'build.lock');
const limits = { wall: 60_000, silence: 60_000, memory: 2 ** 31, disk: 2 ** 30, log: 2 ** 20, processes: 500 };
const blobs = new Blobs(join(directory, 'blobs'));
let lock: Sha256;
let folder: string;
let dated: string;

before(async () => {
  process.umask(0o022);
  const packages = ['build-essential', 'fakeroot'];
  const request = { upstream: debian('bookworm'), own: [], packages, buildDepends: '', buildConflicts: '' };
  const answer = await solve({ solver: testApt() }, { ...request, architecture: hostArchitecture });
  assert.ok(answer.kind === 'solved');
  await writeFile(lockFile, formatLock(answer.lock));
  lock = (await blobs.putBytes(formatLock(answer.lock))).sha256;
  // A day that is over: no later build has the same bytes by itself.
  const clock = Date.parse('2026-03-01T12:00Z') / 1000;
  folder = await publish('toy', ['sleep 1', 'date +%F > README', 'locale >> README'], { clock, locale: 'POSIX' });
  dated = await publish('clocktoy', ['date +%F > README'], { clock });
});
after(() => sandbox.remove(directory));

const workshop = (name: string, more: Partial<Workshop & Pick<RebuildDeps, 'limits'>> = {}): Workshop => ({
  ...{ house: undefined, blobs, sandbox, limits, debs: rootDeps().debs, signal: new AbortController().signal },
  progress: { at: () => {}, line: () => {}, end: () => {} },
  root: { materialise: (wanted, base, options) => materialise(rootDeps(), wanted, base, { signal: options.signal }) },
  directory: join(directory, name),
  ...more,
});

const flags = { from: [], lock: lockFile, experiments: 6 };

/** A folder with the source of a toy package whose recipe is this, and a .deb that was built of it. */
async function publish(name: string, recipe: readonly string[], conditions: BuildConditions): Promise<string> {
  const published = join(directory, `${name}-published`);
  const tree = join(directory, name, `${name}-1`);
  await mkdir(published);
  await mkdir(tree, { recursive: true });
  await writeToyPackage(tree, { name, version: '1', distribution: 'stable', recipe });
  const tar = join(published, `${name}_1.tar.xz`);
  await execute('tar', ['-C', join(directory, name), '-cJf', tar, `${name}-1`]);
  const bytes = await readFile(tar);
  const dsc = `Format: 3.0 (native)\nSource: ${name}\nBinary: ${name}\nArchitecture: all\nVersion: 1\nMaintainer: T <t@toy.invalid>\nChecksums-Sha256:\n ${sha256(bytes)} ${bytes.length} ${name}_1.tar.xz\nFiles:\n 0123456789abcdef0123456789abcdef ${bytes.length} ${name}_1.tar.xz\n`;
  await writeFile(join(published, `${name}_1.dsc`), dsc);
  const inputs = await Promise.all(
    [`${name}_1.dsc`, `${name}_1.tar.xz`].map(async (file) => ({
      name: file,
      ...(await blobs.put(createReadStream(join(published, file)))),
    })),
  );
  const spec: BuildSpec = {
    ...{ kind: 'binary', source: parsePackageName(name), version: parseVersion('1'), architecture: hostArchitecture },
    ...{ builds: 'all', inputs, lock, baseLock: lock, limits, sourceDateEpoch: Date.parse('2026-03-01T10:00Z') / 1000 },
    conditions,
  };
  const run = createRunner({
    ...workshop(`first-${name}`),
    ...{ clock: systemClock, parallel: 1, again: false },
    newScratch: async () => join(directory, `scratch-${name}`),
  });
  const built = await run(spec, 0);
  assert.ok(built.outcome === 'built', await readFile(built.log, 'utf8'));
  const deb = built.files.find((file) => file.name.endsWith('.deb'))!;
  await copyFile(deb.path, join(published, deb.name));
  return published;
}

const builds = async (name: string) => (await readdir(join(directory, name, 'builds'), { recursive: true })).filter((path) => path.endsWith('result.json')); // prettier-ignore

test('runRebuild restores the day that the published file is of', async () => {
  const { result } = await runRebuild(workshop('clock'), dated, flags);
  assert.equal(result.verdict, 'reproduced');
  assert.equal(result.conditions['clock'], '2026-03-01T10:00:00.000Z');
  assert.equal((await builds('clock')).length, 1);
});

test('runRebuild confirms that the locale was the cause, and does nothing twice', async () => {
  const output = join(directory, 'output');
  const { result } = await runRebuild(workshop('locale'), folder, { ...flags, output, diffoscope: true });
  assert.equal(result.verdict, 'reproduced');
  assert.equal(result.conditions['locale'], 'POSIX');
  assert.deepEqual(result.causes.map(({ kind, confirmed }) => [kind, confirmed]), [['locale', true]]); // prettier-ignore
  assert.deepEqual(JSON.parse(await readFile(join(output, 'result.json'), 'utf8')), result);
  assert.match((await blobs.read(result.diffoscope!)).toString(), /-LC_ALL=POSIX\n/);
  assert.match(await readFile(join(output, 'toy_1_all.deb.html'), 'utf8'), /POSIX/);
  const made = await builds('locale');
  const again = await runRebuild(workshop('locale'), folder, flags);
  assert.deepEqual(again.result.files, result.files);
  assert.deepEqual(await builds('locale'), made);
});

test('runRebuild goes on after it was ended in the midst of a build', async () => {
  const ending = new AbortController();
  const first = runRebuild(workshop('ended', { signal: ending.signal }), folder, flags);
  setTimeout(() => ending.abort(), 500);
  await assert.rejects(first);
  const { result } = await runRebuild(workshop('ended'), folder, { ...flags, experiments: 0 });
  assert.equal(result.verdict, 'differs');
  assert.equal((await builds('ended')).length, 1);
});

test('runRebuild ends a build that writes too much, and has the verdict failed', async () => {
  const tight = { ...limits, log: 200 };
  const { result } = await runRebuild(workshop('flood', { limits: tight }), folder, flags);
  assert.equal(result.verdict, 'failed');
  assert.match(result.reason!, /^Over a limit: /);
  assert.deepEqual(result.causes, []);
});

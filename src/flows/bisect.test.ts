/** Bisections on toy snapshots with apt as the solver; what a root would do is said by the test. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';

import { historyWorld, toyBinary, type HistoryWorld, type ToyEntry } from '../../test/history-world.ts';
import { seedUpstream } from '../../test/seed-history.ts';
import { seedDistribution } from '../../test/seed.ts';
import type { Verdict } from '../bisect/mod.ts';
import { formatRelease } from '../formats/deb/release.ts';
import { sha256 } from '../kit/digest.ts';
import { checkLockSpec } from '../lock/spec.ts';
import { toSnapshotId } from '../model/names.ts';
import { createSnapshotApt } from '../plumbing/apt/snapshots.ts';
import { bisect, type BisectDeps } from './bisect.ts';
import type { TestRun } from './test-in-root.ts';

const directory = mkdtempSync(join(tmpdir(), 'sheaf-bisect-'));
let world: HistoryWorld;
let suite: string;
let suites = 0;
let tested: string[];

before(async () => {
  world = await historyWorld();
});
beforeEach(() => {
  suite = `suite${++suites}`;
  tested = [];
});
after(async () => {
  await world.close();
  rmSync(directory, { recursive: true });
});

/** A snapshot of a day in September, with an essential package beside these. */
async function record(day: number, packages: readonly ToyEntry[], of = suite): Promise<void> {
  const date = new Date(Date.UTC(2026, 8, day));
  const entries = [{ name: 'base', fields: { Essential: 'yes' } }, ...packages];
  const name = { path: 'main/binary-amd64/Packages', kind: 'packages' as const, component: 'main' };
  const index = await world.keep({ ...name, architecture: 'amd64' }, entries.map(toyBinary).join(''));
  const release = formatRelease({
    ...{ suite: of, date, architectures: ['amd64'], components: ['main'], files: [index] },
  });
  await world.store.put(Buffer.from(release), { sha256: sha256(release), split: 'lines' });
  const snapshot = { origin: 'debian', suite: of, snapshotId: toSnapshotId(date), signedBy: ['KEY'] };
  await world.record({ ...snapshot, release: sha256(release), indexes: [index] }, []);
}

/** Bisects from the first day to the last; `judge` sees which version of each package is installed. */
async function run(
  [good, bad]: readonly [number, number],
  judge: (versions: Readonly<Record<string, string>>) => Verdict,
  words: { readonly packages: readonly string[]; readonly from?: readonly string[] },
) {
  const upstream = seedUpstream('debian', { suites: Array.from({ length: suites }, (_, at) => `suite${at + 1}`) });
  const memory = new Map<string, TestRun>();
  const deps: BisectDeps = {
    lock: {
      db: world.db,
      distribution: seedDistribution({ upstreams: new Map([[upstream.name, upstream]]) }),
      solver: createSnapshotApt({ directory: join(directory, suite), read: async (hash) => world.store.read(hash) }),
    },
    runTest: async ({ packages }) => {
      const versions = Object.fromEntries(packages.map((each) => [each.name, each.version]));
      tested.push(packages.map(({ name, version }) => `${name} ${version}`).join(', '));
      const verdict = judge(versions);
      return { verdict, code: { good: 0, bad: 1, skip: 125 }[verdict], duration: 1 };
    },
    memory: { read: async (key) => memory.get(key), write: async (key, each) => void memory.set(key, each) },
    changelogs: () => async () => ({ state: 'absent' }),
    report: () => {},
    signal: new AbortController().signal,
  };
  const place = `debian/${suite}`;
  const spec = checkLockSpec({
    ...{ from: [place], variant: 'essential', architectures: ['amd64'], recommends: undefined, exclude: undefined },
    ...words,
  });
  const dayOf = (day: number) => `2026-09-${String(day).padStart(2, '0')}`;
  return bisect(deps, { spec, place, good: dayOf(good), bad: dayOf(bad) });
}

const names = (found: Awaited<ReturnType<typeof run>>) =>
  found.culprits.map(({ source, oldVersion, newVersion }) => `${source} ${oldVersion ?? '-'} ${newVersion ?? '-'}`);

test('bisect tries equal packages once, and walks to the one that changed', async () => {
  for (let day = 1; day <= 16; day++) {
    await record(day, [
      { name: 'app', version: day < 10 ? '1' : '2' },
      { name: 'elsewhere', version: String(day) },
    ]);
  }
  const found = await run([1, 16], ({ app }) => (app === '1' ? 'good' : 'bad'), { packages: ['app'] });
  assert.deepEqual(names(found), ['app 1 2']);
  assert.equal(found.good.snapshot, `debian/${suite}@20260909T000000Z`);
  assert.deepEqual(tested, ['app 1, base 1.0-1', 'app 2, base 1.0-1']);
  assert.ok(found.tries.length <= 8, String(found.tries.length));
});

test('bisect names all packages that cannot be moved one without the other', async () => {
  const both = (version: string): ToyEntry[] => [
    { name: 'app', version, depends: `lib (= ${version})` },
    { name: 'lib', version },
    { name: 'other', version },
  ];
  await record(1, both('1'));
  await record(2, both('2'));
  const found = await run([1, 2], ({ lib }) => (lib === '1' ? 'good' : 'bad'), { packages: ['app', 'other'] });
  assert.deepEqual([names(found), found.alone, found.changed], [['lib 1 2', 'app 1 2'], true, 3]);
});

test('bisect says when a package fails only together with others', async () => {
  const of = (version: string): ToyEntry[] => ['aa', 'bb', 'cc', 'dd'].map((name) => ({ name, version }));
  await record(1, of('1'));
  await record(2, of('2'));
  const found = await run([1, 2], ({ aa, cc }) => (aa === '2' && cc === '2' ? 'bad' : 'good'), {
    packages: ['aa', 'bb', 'cc', 'dd'],
  });
  assert.deepEqual([names(found), found.alone], [['cc 1 2'], false]);
});

test('bisect finds what came and what went', async () => {
  await record(1, [{ name: 'app', version: '1', depends: 'helper' }, { name: 'helper' }]);
  await record(2, [{ name: 'app', version: '2', depends: 'novel' }, { name: 'helper' }, { name: 'novel' }]);
  const gone = await run([1, 2], ({ helper }) => (helper === undefined ? 'bad' : 'good'), { packages: ['app'] });
  assert.deepEqual(names(gone), ['helper 1.0-1 -']);
  const came = await run([1, 2], ({ novel }) => (novel === undefined ? 'good' : 'bad'), { packages: ['app'] });
  assert.deepEqual(names(came), ['novel - 1.0-1']);
});

test('bisect passes over snapshots that apt or the test says nothing of', async () => {
  await record(1, [{ name: 'app', version: '1' }]);
  await record(2, [{ name: 'app', version: '2', depends: 'nowhere' }]);
  await record(3, [{ name: 'app', version: '3' }]);
  await record(4, [{ name: 'app', version: '4' }]);
  const found = await run([1, 4], ({ app }) => (app === '4' ? 'bad' : app === '3' ? 'skip' : 'good'), {
    packages: ['app'],
  });
  assert.deepEqual(
    [names(found), found.skipped],
    [['app 1 4'], [`debian/${suite}@20260902T000000Z`, `debian/${suite}@20260903T000000Z`]],
  );
  assert.match(found.tries.find(({ lock }) => lock === undefined)!.reason!, /nowhere/);
});

test('bisect takes other suites as they were at that time', async () => {
  const other = `suite${++suites}`;
  for (const day of [1, 2, 3]) await record(day, [{ name: 'app' }]);
  await record(1, [{ name: 'extra', version: '1' }], other);
  await record(3, [{ name: 'extra', version: '3' }], other);
  const found = await run([1, 3], ({ extra }) => (extra === '1' ? 'good' : 'bad'), {
    packages: ['app', 'extra'],
    from: [`debian/${suite}`, `debian/${other}`],
  });
  assert.deepEqual([names(found), found.bad.snapshot], [['extra 1 3'], `debian/${suite}@20260903T000000Z`]);
});

test('bisect refuses ends that are not what they are said to be', async () => {
  await record(1, [{ name: 'app', version: '1' }]);
  await record(2, [{ name: 'app', version: '2' }]);
  const packages = ['app'];
  await assert.rejects(
    run([1, 2], () => 'bad', { packages }),
    {
      code: 'bisect-ends',
      message: /fails in the good snapshot already, .*@20260901T000000Z \(exit code 1\)/,
    },
  );
  await assert.rejects(
    run([1, 2], () => 'good', { packages }),
    { code: 'bisect-ends', message: /does not fail/ },
  );
  await assert.rejects(
    run([1, 2], () => 'skip', { packages }),
    { code: 'bisect-ends', message: /nothing can be said/ },
  );
  await assert.rejects(
    run([2, 1], () => 'good', { packages }),
    { code: 'no-snapshots-between' },
  );
});

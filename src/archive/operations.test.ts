import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';

import fc from 'fast-check';

import { readSuite } from '../../test/published-tree.ts';
import { addQuickPackages, type QuickSource } from '../../test/quick-packages.ts';
import { toyArchive, toyDeps, toyPackage, type ToyArchive } from '../../test/toy-archive.ts';
import { parseArchitecture, parseSuiteName } from '../model/names.ts';
import { acceptBinaries, acceptSource, copyPackages, publishSuite, removePackages, rollBack } from './mod.ts';
import { listedFiles } from './release.ts';

const now = new Date('2026-11-21T03:00:00Z');
const by = { by: 'root', reason: 'a test', dryRun: false };

async function open(t: TestContext): Promise<ToyArchive> {
  const toy = await toyArchive();
  t.after(toy.close);
  return toy;
}

async function add({ deps }: ToyArchive, name: string, version: string): Promise<void> {
  const requests = await toyPackage(deps.blobs, name, version);
  assert.equal((await acceptSource(deps, requests.source, now)).kind, 'accepted');
  const accepted = await acceptBinaries(deps, requests.binaries, now);
  assert.equal(accepted.kind, 'accepted', JSON.stringify(accepted));
}

const seen = async (toy: ToyArchive, number?: number) => {
  const root = join(toy.directory, 'archive/main');
  const { packages, sources } = await readSuite(
    number === undefined ? root : join(root, `snapshot/stable/${number}`),
    'stable',
  );
  return [...packages, ...sources].toSorted();
};

const states = async (toy: ToyArchive, name: string) =>
  (
    await toy.database.pool.query(
      `select b.version, p.state, p.last_snapshot from publication p join binary_package b on b.id = p.binary_package
         where b.name = $1 order by p.id`,
      [name],
    )
  ).rows.map((row) => `${row.version} ${row.state} ${row.last_snapshot ?? ''}`.trim());

test('removePackages publishes the suite without a package, and leaves history and pool alone', async (t) => {
  const toy = await open(t);
  await add(toy, 'alpha', '1');
  await publishSuite(toy.deps, 'stable', now);
  await add(toy, 'alpha', '2');
  await add(toy, 'beta', '1');
  await publishSuite(toy.deps, 'stable', now);
  const request = { ...by, suite: 'stable', packages: ['alpha'], of: 'source' } as const;
  const dry = await removePackages(toy.deps, { ...request, dryRun: true }, now);
  assert.deepEqual(dry.kind === 'done' && dry.leaving, ['alpha 2 amd64', 'alpha 2 source']);
  assert.deepEqual(await seen(toy), ['alpha_2', 'alpha_2_amd64', 'beta_1', 'beta_1_amd64']);
  const done = await removePackages(toy.deps, request, now);
  assert.ok(done.kind === 'done' && done.number === 3);
  assert.deepEqual(await seen(toy), ['beta_1', 'beta_1_amd64']);
  assert.deepEqual(await seen(toy, 2), ['alpha_2', 'alpha_2_amd64', 'beta_1', 'beta_1_amd64']);
  assert.deepEqual(await states(toy, 'alpha'), ['1 SUPERSEDED 2', '2 DELETED 3']);
  assert.deepEqual(await removePackages(toy.deps, request, now), { ...done, leaving: [] });
  await add(toy, 'gamma', '1');
  await publishSuite(toy.deps, 'stable', now);
  assert.deepEqual(await seen(toy), ['beta_1', 'beta_1_amd64', 'gamma_1', 'gamma_1_amd64']);
  await assert.rejects(removePackages(toy.deps, { ...request, packages: ['nothing'] }, now), {
    code: 'not-in-suite',
  });
  const { rows } = await toy.database.pool.query(`select message from event where kind = 'packages-removed'`);
  assert.deepEqual(rows, [{ message: 'alpha 2 amd64, alpha 2 source removed from stable by root: a test' }]);
});

test('a removed version does not come back by a build that ends later, a newer one may come', async (t) => {
  const toy = await open(t);
  const { deps } = toy;
  const requests = await toyPackage(deps.blobs, 'alpha', '1', [
    { name: 'alpha' },
    { name: 'alpha-doc', architecture: 'all' },
  ]);
  await acceptSource(deps, requests.source, now);
  await acceptBinaries(deps, (await toyPackage(deps.blobs, 'alpha', '1')).binaries, now);
  await publishSuite(deps, 'stable', now);
  await removePackages(deps, { ...by, suite: 'stable', packages: ['alpha'], of: 'source' }, now);
  const late = await acceptBinaries(deps, requests.binaries, now);
  assert.equal(late.kind, 'refused');
  assert.match(late.reasons.join(), /Source alpha 1 was removed from suite "stable"/);
  await publishSuite(deps, 'stable', now);
  assert.deepEqual(await seen(toy), []);
  await add(toy, 'alpha', '2');
  await publishSuite(deps, 'stable', now);
  assert.deepEqual(await seen(toy), ['alpha_2', 'alpha_2_amd64']);
});

test('a removal that was decided but not published is carried out by the next publication', async (t) => {
  const toy = await open(t);
  await add(toy, 'alpha', '1');
  await publishSuite(toy.deps, 'stable', now);
  const broken = {
    ...toy.deps,
    files: { ...toy.deps.files, place: () => Promise.reject(new Error('disk full')) },
  };
  const request = { ...by, suite: 'stable', packages: ['alpha'], of: 'source' } as const;
  await assert.rejects(removePackages(broken, request, now), /disk full/);
  assert.deepEqual(await seen(toy), ['alpha_1', 'alpha_1_amd64']);
  assert.equal((await publishSuite(toy.deps, 'stable', now)).kind, 'published');
  assert.deepEqual(await seen(toy), []);
});

test('rollBack publishes exactly the versions of an older snapshot, and later ones go on from there', async (t) => {
  const toy = await open(t);
  await add(toy, 'alpha', '1');
  await publishSuite(toy.deps, 'stable', now);
  await add(toy, 'alpha', '2');
  await add(toy, 'beta', '1');
  await publishSuite(toy.deps, 'stable', now);
  const request = { ...by, suite: 'stable', snapshot: 'stable@1' };
  const dry = await rollBack(toy.deps, { ...request, dryRun: true }, now);
  assert.ok(dry.kind === 'done');
  assert.deepEqual(dry.entering, ['alpha 1 amd64', 'alpha 1 source']);
  assert.deepEqual(dry.leaving, ['alpha 2 amd64', 'alpha 2 source', 'beta 1 amd64', 'beta 1 source']);
  const done = await rollBack(toy.deps, request, now);
  assert.ok(done.kind === 'done' && done.number === 3);
  assert.deepEqual(await seen(toy), ['alpha_1', 'alpha_1_amd64']);
  assert.deepEqual(await states(toy, 'alpha'), ['1 SUPERSEDED 2', '2 DELETED 3', '1 PUBLISHED']);
  const again = await rollBack(toy.deps, request, now);
  assert.ok(again.kind === 'done' && again.number === 3 && again.entering.length + again.leaving.length === 0);
  await add(toy, 'gamma', '1');
  await publishSuite(toy.deps, 'stable', now);
  assert.deepEqual(await seen(toy), ['alpha_1', 'alpha_1_amd64', 'gamma_1', 'gamma_1_amd64']);
  await rollBack(toy.deps, { ...request, snapshot: '2' }, now);
  assert.deepEqual(await seen(toy), await seen(toy, 2));
  await assert.rejects(rollBack(toy.deps, { ...request, snapshot: '99' }, now), {
    code: 'no-snapshot',
  });
  await assert.rejects(rollBack(toy.deps, { ...request, snapshot: 'other@1' }, now), {
    code: 'no-snapshot',
  });
});

test('what was superseded after a snapshot does not come back by a late build once the suite is rolled back to it', async (t) => {
  const toy = await open(t);
  const { deps } = toy;
  const publish = () => publishSuite(deps, 'stable', now);
  await add(toy, 'alpha', '1');
  await publish();
  const both = [{ name: 'alpha' }, { name: 'alpha-doc', architecture: 'all' }];
  const second = await toyPackage(deps.blobs, 'alpha', '2', both);
  await acceptSource(deps, second.source, now);
  await acceptBinaries(deps, (await toyPackage(deps.blobs, 'alpha', '2')).binaries, now);
  await publish();
  await add(toy, 'alpha', '3');
  await publish();
  assert.deepEqual(await states(toy, 'alpha'), ['1 SUPERSEDED 2', '2 SUPERSEDED 3', '3 PUBLISHED']);
  await rollBack(deps, { ...by, suite: 'stable', snapshot: '1' }, now);
  const late = await acceptBinaries(deps, second.binaries, now);
  assert.equal(late.kind, 'refused', JSON.stringify(late));
  assert.match(late.reasons.join(), /Source alpha 2 was removed from suite "stable"/);
  await publish();
  assert.deepEqual(await seen(toy), ['alpha_1', 'alpha_1_amd64']);
  // Back where it was, it may.
  await rollBack(deps, { ...by, suite: 'stable', snapshot: '2' }, now);
  assert.equal((await acceptBinaries(deps, second.binaries, now)).kind, 'accepted');
  await publish();
  assert.deepEqual(await seen(toy), ['alpha-doc_2_all', 'alpha_2', 'alpha_2_amd64']);
});

test('in a suite of all versions, exactly what is named is removed, and a rollback brings all back', async (t) => {
  const toy = await toyArchive({ versions: 'all' });
  t.after(toy.close);
  for (const version of ['1', '3', '2']) {
    await add(toy, 'alpha', version);
    await publishSuite(toy.deps, 'stable', now);
  }
  assert.deepEqual(await seen(toy), [
    'alpha_1',
    'alpha_1_amd64',
    'alpha_2',
    'alpha_2_amd64',
    'alpha_3',
    'alpha_3_amd64',
  ]);
  const remove = (packages: string[], of: 'source' | 'binary' = 'source') =>
    removePackages(toy.deps, { ...by, suite: 'stable', packages, of }, now);
  await remove(['alpha=2']);
  assert.deepEqual(await seen(toy), ['alpha_1', 'alpha_1_amd64', 'alpha_3', 'alpha_3_amd64']);
  await remove(['alpha=3'], 'binary');
  assert.deepEqual(await seen(toy), ['alpha_1', 'alpha_1_amd64', 'alpha_3']);
  await rollBack(toy.deps, { ...by, suite: 'stable', snapshot: '3' }, now);
  assert.deepEqual(await seen(toy), await seen(toy, 3));
  await rollBack(toy.deps, { ...by, suite: 'stable', snapshot: '2' }, now);
  assert.deepEqual(await seen(toy), ['alpha_1', 'alpha_1_amd64', 'alpha_3', 'alpha_3_amd64']);
  await remove(['alpha']);
  assert.deepEqual(await seen(toy), []);
});

test('copyPackages out of a suite of all versions takes all into another such, and the highest into one of the latest', async (t) => {
  const toy = await toyArchive({ versions: 'all' });
  t.after(toy.close);
  const stable = [...toy.deps.distribution.suites.values()][0]!;
  const suites = (['all', 'latest'] as const).map((versions) => ({
    ...stable,
    ...{ name: parseSuiteName(versions), codename: parseSuiteName(versions), versions },
  }));
  const distribution = {
    ...toy.deps.distribution,
    suites: new Map([stable, ...suites].map((suite) => [suite.name, suite])),
  };
  const deps = { ...toy.deps, distribution };
  for (const version of ['1', '3', '2']) await add(toy, 'alpha', version);
  for (const suite of distribution.suites.keys()) await publishSuite(deps, suite, now);
  const copy = (from: string, to: string, name: string) =>
    copyPackages(deps, { ...by, from, to, packages: [name] }, now);
  const inSuite = async (suite: string) =>
    (await readSuite(join(toy.directory, 'archive/main'), suite)).packages.map((each) => each.split('_')[1]);
  await copy('stable', 'latest', 'alpha');
  assert.deepEqual(await inSuite('latest'), ['3']);
  const lower = await copy('stable', 'latest', 'alpha=2');
  assert.ok(lower.kind === 'refused' && /suite "latest" has the higher version 3/.test(lower.reasons.join()));
  await copy('stable', 'all', 'alpha=3');
  await copy('stable', 'all', 'alpha=1');
  assert.deepEqual(await inSuite('all'), ['1', '3']);
  const rest = await copy('stable', 'all', 'alpha');
  assert.deepEqual(rest.kind === 'done' && rest.entering, ['alpha 2 source', 'alpha 2 amd64']);
  assert.deepEqual(await inSuite('all'), ['1', '2', '3']);
});

test('after the end of its life a suite refuses to be changed in any way', async (t) => {
  const toy = await open(t);
  await add(toy, 'alpha', '1');
  await publishSuite(toy.deps, 'stable', now);
  const deps = toyDeps(toy.directory, toy.database.db, { endOfLife: now });
  const refused = [
    await removePackages(deps, { ...by, suite: 'stable', packages: ['alpha'], of: 'source' }, now),
    await rollBack(deps, { ...by, suite: 'stable', snapshot: '1' }, now),
    await copyPackages(deps, { ...by, from: 'stable', to: 'stable', packages: ['alpha'] }, now),
  ];
  for (const each of refused) {
    assert.ok(each.kind === 'refused' && /end of its life on 2026-11-21/.test(each.reasons.join()));
  }
  assert.deepEqual(await seen(toy), ['alpha_1', 'alpha_1_amd64']);
  assert.deepEqual(await states(toy, 'alpha'), ['1 PUBLISHED']);
});

const source: fc.Arbitrary<QuickSource> = fc.record({
  name: fc.constantFrom('alpha', 'beta', 'gamma', 'delta'),
  version: fc.constantFrom('1', '2', '3~rc1', '10'),
  component: fc.constantFrom('main', 'contrib'),
  binaries: fc.uniqueArray(
    fc.record({
      name: fc.constantFrom('alpha', 'beta', 'libalpha', 'shared', 'tools'),
      version: fc.constantFrom('1', '2', '4'),
      architecture: fc.constantFrom('amd64', 'arm64', 'all'),
    }),
    { selector: (each) => `${each.name} ${each.architecture}`, minLength: 1, maxLength: 3 },
  ),
});
const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('add' as const),
      sources: fc.array(source, { minLength: 1, maxLength: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const), pick: fc.nat(20) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('rollback' as const), pick: fc.nat(20) }) },
);

for (const versions of ['latest', 'all'] as const)
  test(`through random histories of packages, removals and rollbacks (${versions}): what was decided lasts, and changing gives what writing anew gives`, async () => {
    const settings = {
      versions,
      architectures: ['amd64', 'arm64'].map(parseArchitecture),
      components: ['main', 'contrib'],
    };
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 8 }), async (steps) => {
        const toy = await toyArchive(settings);
        const { deps } = toy;
        const live = async () =>
          (
            await toy.database.pool.query(
              `select distinct s.name from publication p join source_package s on s.id = p.source_package where p.state = 'PUBLISHED' order by 1`,
            )
          ).rows.map((row) => row.name as string);
        try {
          await publishSuite(deps, 'stable', now);
          let gone = new Set<string>();
          for (const each of steps) {
            const { number } = await publishSuite(deps, 'stable', now);
            if (each.kind === 'add') {
              for (const one of each.sources) await addQuickPackages(deps, 'stable', one, now);
              await publishSuite(deps, 'stable', now);
            } else if (each.kind === 'rollback') {
              const target = 1 + (each.pick % number);
              const before = await seen(toy, target);
              const later = await seen(toy);
              await rollBack(deps, { ...by, suite: 'stable', snapshot: String(target) }, now);
              assert.deepEqual(await seen(toy), before, `rolled back to ${target}`);
              gone = new Set(later.filter((name) => !before.includes(name)));
              for (const name of before) gone.delete(name);
            } else {
              const names = await live();
              if (names.length === 0) continue;
              const name = names[each.pick % names.length]!;
              await removePackages(deps, { ...by, suite: 'stable', packages: [name], of: 'source' }, now);
              assert.ok(!(await live()).includes(name));
            }
            const files = () =>
              listedFiles(readFileSync(join(toy.directory, 'archive/main/dists/stable/Release'), 'utf8'));
            const byChange = files();
            await publishSuite(deps, 'stable', now, { whole: true });
            assert.deepEqual(files(), byChange);
            for (const name of await seen(toy)) assert.ok(!gone.has(name), `${name} came back by itself`);
          }
        } finally {
          await toy.close();
        }
      }),
      { numRuns: 6 },
    );
  });

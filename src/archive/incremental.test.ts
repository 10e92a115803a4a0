import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';

import fc from 'fast-check';

import { readSuite } from '../../test/published-tree.ts';
import { addQuickPackages, fillSuite, type QuickSource } from '../../test/quick-packages.ts';
import { toyArchive, toyDeps, type ToyArchive } from '../../test/toy-archive.ts';
import { parseArchitecture } from '../model/names.ts';
import { publishSuite } from './mod.ts';
import { listedFiles } from './release.ts';

const start = new Date('2026-11-21T03:00:00Z');
const settings = { architectures: ['amd64', 'arm64'].map(parseArchitecture), components: ['main', 'contrib'] };

async function open(t: TestContext): Promise<ToyArchive> {
  const toy = await toyArchive(settings);
  t.after(toy.close);
  return toy;
}

function files(toy: ToyArchive) {
  return listedFiles(readFileSync(join(toy.directory, 'archive/main/dists/stable/Release'), 'utf8'));
}

// Few names, so that sources take binaries from each other and versions follow one another.
const source: fc.Arbitrary<QuickSource> = fc.record({
  name: fc.constantFrom('alpha', 'beta', 'gamma', 'delta'),
  version: fc.constantFrom('1', '2', '3~rc1', '10'),
  component: fc.constantFrom('main', 'contrib'),
  binaries: fc.uniqueArray(
    fc.record({
      name: fc.constantFrom('alpha', 'beta', 'libalpha', 'shared', 'shared-data', 'tools'),
      version: fc.constantFrom('1', '2', '4'),
      architecture: fc.constantFrom('amd64', 'arm64', 'all'),
    }),
    { selector: (each) => `${each.name} ${each.architecture}`, minLength: 1, maxLength: 4 },
  ),
});

test('changing the last snapshot gives what writing the suite anew gives, through random histories', async (t) => {
  let number = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(source, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 6 }),
      async (steps) => {
        const toy = await toyArchive(settings);
        try {
          await publishSuite(toy.deps, 'stable', start);
          for (const step of steps) {
            for (const each of step) await addQuickPackages(toy.deps, 'stable', each, start);
            const changed = await publishSuite(toy.deps, 'stable', start);
            const byChange = files(toy);
            const whole = await publishSuite(toy.deps, 'stable', start, { whole: true });
            assert.equal(whole.kind, 'published');
            assert.deepEqual(files(toy), byChange, `step ${number}`);
            if (changed.kind === 'published') assert.equal(changed.packages, whole.packages);
            number++;
          }
        } finally {
          await toy.close();
        }
      },
    ),
    { numRuns: 8 },
  );
  t.diagnostic(`${number} publications compared`);
});

const step = fc.record({
  versions: fc.constantFrom('all' as const, 'all' as const, 'latest' as const),
  sources: fc.array(source, { minLength: 0, maxLength: 3 }),
});

test('also in a suite of all versions, and when it becomes one and ceases to be one', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 7 }), async (steps) => {
      const toy = await toyArchive(settings);
      try {
        await publishSuite(toy.deps, 'stable', start);
        let before: readonly string[] = [];
        for (const { versions, sources } of steps) {
          const deps = toyDeps(toy.directory, toy.database.db, { ...settings, versions });
          for (const each of sources) await addQuickPackages(deps, 'stable', each, start);
          const waiting = await pendingBinaries(toy);
          await publishSuite(deps, 'stable', start);
          const byChange = files(toy);
          const { packages, sources: inSources } = await readSuite(join(toy.directory, 'archive/main'), 'stable');
          const union = [...new Set([...before, ...waiting])].toSorted();
          const newest = new Map(union.map((each) => [each.replace(/_[^_]*_/, '_'), each]));
          if (versions === 'all') assert.deepEqual(packages, union);
          else assert.equal(packages.length, new Set(packages.map((each) => each.replace(/_[^_]*_/, '_'))).size);
          assert.ok(versions === 'all' || packages.length <= newest.size);
          assert.deepEqual(await lackingSources(toy), [], 'the source of every binary is there');
          assert.ok(inSources.length > 0 || packages.length === 0);
          await publishSuite(deps, 'stable', start, { whole: true });
          assert.deepEqual(files(toy), byChange);
          before = packages;
        }
      } finally {
        await toy.close();
      }
    }),
    { numRuns: 8 },
  );
});

async function pendingBinaries(toy: ToyArchive): Promise<string[]> {
  const { rows } = await toy.database.pool.query(
    `select b.name || '_' || b.version || '_' || b.architecture as name
       from publication p join binary_package b on b.id = p.binary_package where p.state = 'PENDING'`,
  );
  return rows.map((row) => row.name as string);
}

async function lackingSources(toy: ToyArchive): Promise<unknown[]> {
  const { rows } = await toy.database.pool.query(
    `select b.source, b.source_version from publication p join binary_package b on b.id = p.binary_package
       where p.state = 'PUBLISHED' and not exists (select 1 from publication q join source_package s
         on s.id = q.source_package where q.state = 'PUBLISHED' and s.name = b.source and s.version = b.source_version)`,
  );
  return rows;
}

test('a suite of all versions lists them oldest first, its Release says so, and the latest are left when it no longer is one', async (t) => {
  const toy = await open(t);
  const all = toyDeps(toy.directory, toy.database.db, { ...settings, versions: 'all' });
  const add = (version: string) =>
    addQuickPackages(
      toy.deps,
      'stable',
      { name: 'alpha', version, component: 'main', binaries: [{ name: 'alpha', version, architecture: 'amd64' }] },
      start,
    );
  const listed = (index: string) =>
    gunzipSync(readFileSync(join(toy.directory, 'archive/main/dists/stable/main', index)))
      .toString()
      .match(/(?<=^Version: ).*$/gm);
  for (const version of ['10', '2', '3~rc1']) {
    await add(version);
    await publishSuite(all, 'stable', start);
  }
  assert.deepEqual(listed('binary-amd64/Packages.gz'), ['2', '3~rc1', '10']);
  assert.deepEqual(listed('source/Sources.gz'), ['2', '3~rc1', '10']);
  const release = () => readFileSync(join(toy.directory, 'archive/main/dists/stable/Release'), 'utf8');
  assert.match(release(), /^Package-Versions: all$/m);
  const latest = await publishSuite(toy.deps, 'stable', start);
  assert.ok(latest.kind === 'published' && latest.reason === 'packages');
  assert.deepEqual([listed('binary-amd64/Packages.gz'), listed('source/Sources.gz')], [['10'], ['10']]);
  assert.doesNotMatch(release(), /Package-Versions/);
  const again = await publishSuite(all, 'stable', start);
  assert.ok(again.kind === 'published' && again.reason === 'settings');
  assert.deepEqual(listed('binary-amd64/Packages.gz'), ['10'], 'what had ended before stays away');
});

test('a lost or damaged index of the last snapshot is no reason to stop: the suite is written anew', async (t) => {
  const toy = await open(t);
  const add = (name: string) =>
    addQuickPackages(
      toy.deps,
      'stable',
      { name, version: '1', component: 'main', binaries: [{ name, version: '1', architecture: 'amd64' }] },
      start,
    );
  const index = () => files(toy).get('main/binary-amd64/Packages.gz')!;
  const byHash = () => join(toy.directory, 'archive/main/by-hash/SHA256', index().sha256);
  await add('alpha');
  await publishSuite(toy.deps, 'stable', start);
  const before = byHash();
  rmSync(before);
  await add('beta');
  await publishSuite(toy.deps, 'stable', start);
  writeFileSync(byHash(), Buffer.alloc(index().size));
  await add('gamma');
  await publishSuite(toy.deps, 'stable', start);
  const seen = await readSuite(join(toy.directory, 'archive/main'), 'stable');
  assert.deepEqual(seen.packages, ['alpha_1_amd64', 'beta_1_amd64', 'gamma_1_amd64']);
});

test('the uncompressed copy of a large index is believed only as far as it agrees with the index', async (t) => {
  const toy = await open(t);
  const packages = Array.from({ length: 1500 }, (_, number) => {
    const name = `package-${String(number).padStart(4, '0')}`;
    const control = `Package: ${name}\nVersion: 1\nArchitecture: amd64\nDescription: ${'of no use '.repeat(80).trim()}\n`;
    return { name, version: '1', architecture: 'amd64', source: name, sourceVersion: '1', control };
  });
  await fillSuite(toy.deps, 'stable', packages, start);
  await publishSuite(toy.deps, 'stable', start);
  const copies = join(toy.directory, 'archive/.copies/stable');
  const damages: ((file: string) => void)[] = [
    (file) => rmSync(file),
    (file) => writeFileSync(file, readFileSync(file).fill(0, 1000, 1001)),
    (file) => writeFileSync(file, readFileSync(file).subarray(0, -100)),
  ];
  for (const [number, damage] of damages.entries()) {
    const [copy, ...others] = readdirSync(copies);
    assert.deepEqual(others, [], 'one index here is large enough for a copy, and only the newest is kept');
    damage(join(copies, copy!));
    const name = `package-1${number}`;
    const binaries = [{ name, version: '1', architecture: 'amd64' }];
    await addQuickPackages(toy.deps, 'stable', { name, version: '1', component: 'main', binaries }, start);
    await publishSuite(toy.deps, 'stable', start);
    const byChange = files(toy);
    await publishSuite(toy.deps, 'stable', start, { whole: true });
    assert.deepEqual(files(toy), byChange, `damage ${number}`);
  }
});

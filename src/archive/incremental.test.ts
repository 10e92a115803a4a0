import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';

import fc from 'fast-check';

import { readSuite } from '../../test/published-tree.ts';
import { addQuickPackages, fillSuite, type QuickSource } from '../../test/quick-packages.ts';
import { toyArchive, type ToyArchive } from '../../test/toy-archive.ts';
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

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';

import fc from 'fast-check';

import { addQuickPackages, fillSuite } from '../../test/quick-packages.ts';
import { toyArchive, toyDeps, type ToyArchive } from '../../test/toy-archive.ts';
import { applyEdScript } from '../formats/deb/ed-script.ts';
import { parsePdiffIndex, planPatches, type PdiffIndex } from '../formats/deb/pdiff.ts';
import type { Suite } from '../model/distribution.ts';
import { parseArchitecture } from '../model/names.ts';
import { publishSuite } from './mod.ts';
import { listedFiles } from './release.ts';

const start = new Date('2026-11-21T03:00:00Z');
const packages = 'main/binary-amd64/Packages';
const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** An archive of some packages whose every index is remembered. */
class Patched {
  readonly toy: ToyArchive;
  /** Every version that was ever published, by its hash. */
  readonly versions = new Map<string, Buffer>();

  constructor(toy: ToyArchive) {
    this.toy = toy;
  }

  get dists(): string {
    return join(this.toy.directory, 'archive/main/dists/stable');
  }

  async add(name: string, version: string): Promise<void> {
    const binaries = [{ name, version, architecture: 'amd64' }];
    await addQuickPackages(this.toy.deps, 'stable', { name, version, component: 'main', binaries }, start);
  }

  async publish(options: { readonly whole?: boolean; readonly settings?: Partial<Suite> } = {}): Promise<void> {
    const deps =
      options.settings === undefined
        ? this.toy.deps
        : toyDeps(this.toy.directory, this.toy.database.db, options.settings);
    await publishSuite(deps, 'stable', start, { whole: options.whole === true, force: true });
    for (const path of this.files().keys()) {
      if (!path.endsWith('.gz')) continue;
      const bytes = gunzipSync(readFileSync(join(this.dists, path)));
      this.versions.set(hash(bytes), bytes);
    }
  }

  files() {
    return listedFiles(readFileSync(join(this.dists, 'Release'), 'utf8'));
  }

  index(path = packages): PdiffIndex | undefined {
    const listed = this.files().get(`${path}.diff/Index`);
    if (listed === undefined) return undefined;
    const bytes = readFileSync(join(this.dists, listed.path));
    assert.deepEqual([hash(bytes), bytes.length], [listed.sha256, listed.size]);
    assert.deepEqual(readFileSync(join(this.dists, `${path}.diff/by-hash/SHA256`, listed.sha256)), bytes);
    return parsePdiffIndex(bytes.toString());
  }

  /** Every version that an Index speaks of leads to the newest, byte for byte. How many they are. */
  check(path = packages): number {
    const index = this.index(path);
    if (index === undefined) return 0;
    const newest = this.files().get(path)!;
    assert.equal(index.current.sha256, newest.sha256);
    assert.ok(index.patches.length > 0);
    const size = index.patches.reduce((sum, { download }) => sum + download!.size, 0);
    assert.ok(size <= this.files().get(`${path}.xz`)!.size, 'apt would fetch the whole instead');
    // apt joins them in the order of their files' names.
    const names = index.patches.map(({ name }) => name);
    assert.deepEqual(names, names.toSorted());
    for (const { from } of index.patches) {
      let text: Uint8Array = this.versions.get(from.sha256)!;
      for (const step of planPatches(index, from.sha256)!) {
        const packed = readFileSync(join(this.dists, `${path}.diff`, step.downloadName));
        assert.deepEqual([hash(packed), packed.length], [step.downloadSha256, step.downloadSize]);
        const byHash = join(this.dists, `${path}.diff/by-hash/SHA256`, hash(packed));
        assert.deepEqual(readFileSync(byHash), packed);
        const script = gunzipSync(packed);
        assert.deepEqual([hash(script), script.length], [step.sha256, step.size]);
        text = applyEdScript(text, script, { bytes: 2 ** 24 }, step.name);
        assert.deepEqual([hash(text), text.length], [step.result.sha256, step.result.size]);
      }
      assert.equal(hash(text), newest.sha256);
    }
    return index.patches.length;
  }
}

async function open(t: TestContext | undefined, settings: Partial<Suite>, count = 300): Promise<Patched> {
  const patched = new Patched(await toyArchive(settings));
  t?.after(patched.toy.close);
  const filling = Array.from({ length: count }, (_, number) => {
    const name = `package-${String(number).padStart(4, '0')}`;
    const noise = createHash('sha512').update(name).digest('hex');
    const control = `Package: ${name}\nVersion: 1\nArchitecture: amd64\nDescription: ${noise.repeat(4)}\n`;
    return { name, version: '1', architecture: 'amd64', source: name, sourceVersion: '1', control };
  });
  await fillSuite(patched.toy.deps, 'stable', filling, start);
  await patched.publish();
  return patched;
}

const step = fc.record({
  added: fc.array(
    fc.record({
      name: fc.constantFrom('a', 'package-0000', 'package-0007', 'package-0008', 'package-0299', 'zz'),
      version: fc.constantFrom('2', '3', '10'),
    }),
    { maxLength: 3 },
  ),
  whole: fc.boolean(),
});

test('patches lead from every past version to the newest, through random histories', async (t) => {
  let followed = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 7 }), async (steps) => {
      const patched = await open(undefined, { pdiffs: 4, architectures: ['amd64', 'arm64'].map(parseArchitecture) });
      try {
        for (const { added, whole } of steps) {
          const before = patched.files().get(packages)!;
          for (const { name, version } of added) await patched.add(name, version);
          await patched.publish({ whole });
          const changed = patched.files().get(packages)!.sha256 !== before.sha256;
          const count = patched.check();
          if (changed) assert.ok(patched.index()!.patches.at(-1)!.from.sha256 === before.sha256);
          assert.ok(count <= 4);
          followed += count + patched.check('main/source/Sources');
          assert.equal(patched.check('main/binary-arm64/Packages'), 0, 'it is empty');
        }
      } finally {
        await patched.toy.close();
      }
    }),
    { numRuns: 4 },
  );
  assert.ok(followed > 10);
  t.diagnostic(`${followed} past versions followed`);
});

test('a publication that changes no package keeps the patches; the settings say how many there are', async (t) => {
  const patched = await open(t, { pdiffs: 3 });
  assert.equal(patched.check(), 0);
  for (const version of ['2', '3', '4', '5']) {
    await patched.add('package-0100', version);
    await patched.publish();
  }
  assert.equal(patched.check(), 3);
  const listed = patched.files().get(`${packages}.diff/Index`);
  // The oldest stays one publication longer, for clients that have read the Index before.
  assert.equal(readdirSync(join(patched.dists, `${packages}.diff`)).length, 3 + 1 + 2);
  await patched.publish();
  assert.equal(patched.check(), 3);
  assert.deepEqual(patched.files().get(`${packages}.diff/Index`), listed);
  assert.equal(readdirSync(join(patched.dists, `${packages}.diff`)).length, 3 + 2);
  await patched.publish({ settings: { pdiffs: 1 } });
  assert.equal(patched.check(), 1);
  await patched.publish({ settings: { pdiffs: 0 } });
  assert.equal(patched.check(), 0);
  assert.ok(!existsSync(join(patched.dists, `${packages}.diff`)));
  await patched.publish();
  await patched.add('package-0100', '6');
  await patched.publish();
  assert.equal(patched.check(), 1, 'it begins anew');
});

test('patches that together cost more than the whole index are not announced', async (t) => {
  const patched = await open(t, { pdiffs: 28 }, 20);
  let most = 0;
  for (let round = 2; round < 25; round++) {
    for (const number of [1, 2, 3]) await patched.add(`package-000${number}`, String(round));
    await patched.publish();
    const count = patched.check();
    assert.ok(count > 0);
    most = Math.max(most, count);
  }
  assert.ok(most < 28, `${most} patches`);
});

test('lost patches, a lost Index and a lost past version end the history, never the publication', async (t) => {
  const patched = await open(t, { pdiffs: 28 });
  const byHash = (digest: string) => join(patched.toy.directory, 'archive/main/by-hash/SHA256', digest);
  let round = 2;
  const next = async () => {
    await patched.add('package-0150', String(round++));
    await patched.publish();
    return patched.check();
  };
  for (const count of [1, 2, 3, 4]) assert.equal(await next(), count);
  rmSync(byHash(patched.index()!.patches[1]!.download!.sha256));
  assert.equal(await next(), 3, 'the two that are newer than the lost one, and the new one');
  writeFileSync(byHash(patched.files().get(`${packages}.diff/Index`)!.sha256), 'damaged');
  assert.equal(await next(), 1);
  assert.equal(await next(), 2);
  rmSync(byHash(patched.files().get(`${packages}.diff/Index`)!.sha256));
  assert.equal(await next(), 1);
  assert.equal(await next(), 2);
  const lost = byHash(patched.files().get(`${packages}.gz`)!.sha256);
  rmSync(lost);
  assert.equal(await next(), 0, 'what was published before cannot be read');
  assert.equal(await next(), 1);
});

test('patches of a large index are right, whatever becomes of its uncompressed copy', async (t) => {
  const patched = await open(t, { pdiffs: 28 }, 2000);
  assert.ok(patched.files().get(packages)!.size > 2 ** 20);
  const copy = join(patched.toy.directory, 'archive/.copies/stable', packages.replaceAll('/', '_'));
  const damages: (() => void)[] = [() => {}, () => rmSync(copy), () => writeFileSync(copy, 'damaged')];
  for (const [number, damage] of damages.entries()) {
    assert.ok(existsSync(copy));
    damage();
    await patched.add(`package-1${number}`, '2');
    await patched.add('package-1999', String(number + 2));
    await patched.publish();
    assert.equal(patched.check(), number + 1);
  }
});

test('patches are where every index of their suite is: by name in each snapshot, and by hash for all', async (t) => {
  const patched = await open(t, { pdiffs: 28 });
  await patched.add('package-0001', '2');
  await patched.publish();
  const directory = join(patched.dists, `${packages}.diff`);
  const [patch] = patched.index()!.patches;
  assert.deepEqual(readdirSync(directory).toSorted(), [`${patch!.name}.gz`, 'Index', 'by-hash'].toSorted());
  assert.ok(existsSync(join(dirname(patched.dists), '../by-hash/SHA256', patch!.download!.sha256)));
  assert.match(patch!.name, /^\d{8}T\d{6}Z$/);
});

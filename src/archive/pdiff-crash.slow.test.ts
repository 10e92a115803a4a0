/** Publications with patches that fail or die at every step: what is seen is always true, and the history goes on. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';

import { faultyDb, faultyFiles, Faults, type FaultMode } from '../../test/faults.ts';
import { addQuickPackages, fillSuite } from '../../test/quick-packages.ts';
import { toyArchive, toyDeps, type ToyArchive } from '../../test/toy-archive.ts';
import { applyEdScript } from '../formats/deb/ed-script.ts';
import { parsePdiffIndex, planPatches } from '../formats/deb/pdiff.ts';
import { publishSuite, reconcile } from './mod.ts';
import { listedFiles } from './release.ts';

const settings = { pdiffs: 3 };
const start = Date.parse('2026-11-21T03:00:00Z');
const packages = 'main/binary-amd64/Packages';
const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

class Rounds {
  readonly toy: ToyArchive;
  round = 0;
  readonly versions = new Map<string, Buffer>();

  constructor(toy: ToyArchive) {
    this.toy = toy;
  }

  get now(): Date {
    return new Date(start + this.round * 60_000);
  }

  async add(): Promise<void> {
    const version = String(++this.round);
    const binaries = [{ name: 'package-030', version, architecture: 'amd64' }];
    const source = { name: 'package-030', version, component: 'main', binaries };
    await addQuickPackages(this.toy.deps, 'stable', source, this.now);
  }

  /** All that a client finds leads to what Release says; how many past versions do. */
  check(what: string): number {
    const dists = join(this.toy.directory, 'archive/main/dists/stable');
    const files = listedFiles(readFileSync(join(dists, 'Release'), 'utf8'));
    const newest = gunzipSync(readFileSync(join(dists, `${packages}.gz`)));
    assert.equal(hash(newest), files.get(packages)!.sha256, what);
    this.versions.set(hash(newest), newest);
    const listed = files.get(`${packages}.diff/Index`);
    if (listed === undefined) return 0;
    const bytes = readFileSync(join(dists, `${packages}.diff/by-hash/SHA256`, listed.sha256));
    assert.deepEqual(readFileSync(join(dists, listed.path)), bytes, what);
    assert.equal(hash(bytes), listed.sha256, what);
    const index = parsePdiffIndex(bytes.toString());
    for (const { from } of index.patches) {
      let text: Uint8Array = this.versions.get(from.sha256)!;
      for (const { downloadName, downloadSha256 } of planPatches(index, from.sha256)!) {
        const packed = readFileSync(join(dists, `${packages}.diff`, downloadName));
        assert.equal(hash(packed), downloadSha256, what);
        text = applyEdScript(text, gunzipSync(packed), { bytes: 2 ** 20 });
      }
      assert.equal(hash(text), hash(newest), what);
    }
    return index.patches.length;
  }

  /** How a server does it when it starts again. */
  async recover(what: string): Promise<void> {
    const deps = toyDeps(this.toy.directory, this.toy.database.db, settings);
    await reconcile(deps);
    this.check(`${what}, after reconcile`);
    await publishSuite(deps, 'stable', this.now);
    assert.equal(this.check(what), 3, what);
  }
}

async function begin(t: TestContext): Promise<{ rounds: Rounds; steps: number }> {
  const rounds = new Rounds(await toyArchive(settings));
  t.after(rounds.toy.close);
  const filling = Array.from({ length: 60 }, (_, number) => {
    const name = `package-${String(number).padStart(3, '0')}`;
    const noise = createHash('sha512').update(name).digest('hex');
    const control = `Package: ${name}\nVersion: 0\nArchitecture: amd64\nDescription: ${noise}\n`;
    return { name, version: '0', architecture: 'amd64', source: name, sourceVersion: '0', control };
  });
  await fillSuite(rounds.toy.deps, 'stable', filling, rounds.now);
  for (let count = 0; count < 4; count++) {
    await publishSuite(rounds.toy.deps, 'stable', rounds.now);
    assert.equal(rounds.check('at the beginning'), count);
    await rounds.add();
  }
  const faults = new Faults(0, 'before');
  await publishSuite(withFaults(rounds, faults), 'stable', rounds.now);
  assert.ok(faults.count > 60, `${faults.count} steps`);
  return { rounds, steps: faults.count };
}

function withFaults({ toy }: Rounds, faults: Faults) {
  return { ...toy.deps, db: faultyDb(toy.database.pool, faults), files: faultyFiles(toy.deps.files, faults) };
}

for (const mode of ['before', 'after', 'full'] satisfies FaultMode[]) {
  test(`patches are true whatever write of a publication fails (${mode})`, async (t) => {
    const { rounds, steps } = await begin(t);
    // The state before a step is the one after the step before it.
    for (let step = mode === 'after' ? 2 : 1; step <= steps; step += mode === 'full' ? 3 : 2) {
      await rounds.add();
      const outcome = await publishSuite(withFaults(rounds, new Faults(step, mode)), 'stable', rounds.now).then(
        () => 'done',
        (error: Error) => error.message,
      );
      rounds.check(`step ${step}: ${outcome}`);
      await rounds.recover(`step ${step}: ${outcome}`);
    }
  });
}

test('patches are true after kill -9 at any step', async (t) => {
  const { rounds, steps } = await begin(t);
  for (let step = 1; step <= steps; step += 4) {
    await rounds.add();
    const { directory, database } = rounds.toy;
    const argv = [directory, database.url, String(step), rounds.now.toISOString(), JSON.stringify(settings)];
    const child = spawn(process.execPath, [join(import.meta.dirname, 'testdata/publish-and-die.ts'), ...argv], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
    assert.equal(signal, 'SIGKILL', `step ${step}`);
    rounds.check(`killed at step ${step}`);
    await rounds.recover(`killed at step ${step}`);
  }
});

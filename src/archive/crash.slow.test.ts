import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';

import { faultyDb, faultyFiles, Faults, type FaultMode } from '../../test/faults.ts';
import { fingerprint, readSuite } from '../../test/published-tree.ts';
import { toyArchive, toyDeps, toyPackage, type ToyArchive } from '../../test/toy-archive.ts';
import type { Blobs } from '../plumbing/blobs.ts';
import { acceptBinaries, acceptSource, publishSuite, reconcile, type ArchiveDeps } from './mod.ts';

const start = new Date('2026-11-21T03:00:00Z');

/** One archive that lives through every fault: each round accepts a new version, fails while publishing it, recovers. */
class Rounds {
  readonly toy: ToyArchive;
  round = 0;
  /** Fingerprints of every snapshot ever seen published. */
  readonly seen = new Map<string, ReadonlyMap<string, string>>();

  constructor(toy: ToyArchive) {
    this.toy = toy;
  }

  get now(): Date {
    return new Date(start.getTime() + this.round * 60_000);
  }

  get root(): string {
    return join(this.toy.directory, 'archive/main');
  }

  /** Accepts version `round` of a package whose old binaries end in both ways. */
  async accept(): Promise<void> {
    this.round++;
    const requests = await version(this.toy.deps.blobs, this.round);
    assert.equal((await acceptSource(this.toy.deps, requests.source, this.now)).kind, 'accepted');
    assert.equal((await acceptBinaries(this.toy.deps, requests.binaries, this.now)).kind, 'accepted');
  }

  packages(round: number): string[] {
    return [`alpha-${round}_${round}_all`, `alpha_${round}_amd64`];
  }

  /** What a client sees is the old suite or the new one, whole. */
  async checkVisible(what: string): Promise<void> {
    const seen = await readSuite(this.root, 'stable');
    const expected = [this.packages(this.round), ...(this.round === 1 ? [[]] : [this.packages(this.round - 1)])];
    assert.ok(
      expected.some((packages) => packages.join() === seen.packages.join()),
      `${what}: ${seen.packages.join()}`,
    );
  }

  /** After recovery: the new suite is there, all older snapshots are as they were, and disk and database agree. */
  async checkRecovered(what: string): Promise<void> {
    assert.deepEqual((await readSuite(this.root, 'stable')).packages, this.packages(this.round), what);
    assert.deepEqual((await readSuite(this.root, 'stable')).sources, [`alpha_${this.round}`], what);
    const { rows } = await this.toy.database.pool.query(
      `select number, snapshot_id as id, state from snapshot order by number`,
    );
    assert.deepEqual(
      rows.map((row) => row.number),
      rows.map((_, index) => index + 1),
      what,
    );
    assert.ok(
      rows.every((row) => row.state === 'published'),
      what,
    );
    const names = await readdir(join(this.root, 'snapshot/stable'));
    assert.deepEqual(names.toSorted(), rows.flatMap((row) => [row.id as string, String(row.number)]).toSorted(), what);
    await this.checkSnapshots(
      rows.slice(-3).map((row) => row.id as string),
      what,
    );
    const live = await this.toy.database.pool.query(
      `select count(*) filter (where state = 'PUBLISHED')::int as published,
         count(*) filter (where state = 'PENDING')::int as pending from publication`,
    );
    assert.deepEqual(live.rows, [{ published: 3, pending: 0 }], what);
  }

  /** No snapshot that was ever seen may change. */
  async checkSnapshots(ids: readonly string[], what: string): Promise<void> {
    for (const id of ids) {
      const now = await fingerprint(join(this.root, 'snapshot/stable', id));
      assert.deepEqual(now, this.seen.get(id) ?? now, `${what}: snapshot ${id} has changed`);
      this.seen.set(id, now);
    }
  }

  /** How a server does it when it starts again. */
  async recover(what: string): Promise<void> {
    const deps = toyDeps(this.toy.directory, this.toy.database.db);
    await reconcile(deps);
    await this.checkVisible(`${what}, after reconcile`);
    await publishSuite(deps, 'stable', this.now);
    await this.checkRecovered(what);
  }
}

/** All archives here share their blobs, so that each version is made once. */
const blobs = await mkdtemp(join(tmpdir(), 'sheaf-blobs-'));
test.after(() => rm(blobs, { recursive: true }));
const versions = new Map<number, ReturnType<typeof toyPackage>>();

function version(blobs: Blobs, round: number): ReturnType<typeof toyPackage> {
  const binaries = [{ name: 'alpha' }, { name: `alpha-${round}`, architecture: 'all' }];
  const made = versions.get(round) ?? toyPackage(blobs, 'alpha', String(round), binaries);
  versions.set(round, made);
  return made;
}

async function begin(t: TestContext): Promise<Rounds> {
  const rounds = new Rounds(await toyArchive());
  await symlink(blobs, join(rounds.toy.directory, 'blobs'));
  t.after(rounds.toy.close);
  await rounds.accept();
  await publishSuite(rounds.toy.deps, 'stable', rounds.now);
  await rounds.checkRecovered('at the beginning');
  return rounds;
}

function withFaults(rounds: Rounds, faults: Faults): ArchiveDeps {
  const { deps, database } = rounds.toy;
  return { ...deps, db: faultyDb(database.pool, faults), files: faultyFiles(deps.files, faults) };
}

/** Steps of one publication without a fault. */
async function countSteps(rounds: Rounds): Promise<number> {
  await rounds.accept();
  const faults = new Faults(0, 'before');
  await publishSuite(withFaults(rounds, faults), 'stable', rounds.now);
  await rounds.checkRecovered('without a fault');
  assert.ok(faults.count > 40, `${faults.count} steps`);
  return faults.count;
}

for (const mode of ['before', 'after', 'full'] satisfies FaultMode[]) {
  test(`publishSuite recovers from every write that fails (${mode})`, async (t) => {
    const rounds = await begin(t);
    const steps = await countSteps(rounds);
    let failures = 0;
    // A disk that is full stays so: most steps then fail at the same next write.
    for (let step = 1; step <= steps; step += mode === 'full' ? 3 : 1) {
      await rounds.accept();
      const outcome = await publishSuite(withFaults(rounds, new Faults(step, mode)), 'stable', rounds.now).then(
        () => 'done',
        (error: Error) => error.message,
      );
      if (outcome !== 'done') failures++;
      await rounds.checkVisible(`step ${step}: ${outcome}`);
      await rounds.recover(`step ${step}: ${outcome}`);
    }
    await rounds.checkSnapshots([...rounds.seen.keys()], 'at the end');
    // The last statement gives the lock back; its failure is not one of the publication.
    assert.ok(failures >= (mode === 'full' ? steps / 4 : steps - 1), `${failures} of ${steps} steps failed`);
  });
}

async function publishAndDie({ toy, now }: Rounds, step: number): Promise<void> {
  const script = join(import.meta.dirname, 'testdata/publish-and-die.ts');
  const words = [script, toy.directory, toy.database.url, String(step), now.toISOString()];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'inherit', 'inherit'] });
  const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
  assert.equal(signal, 'SIGKILL', `step ${step}`);
}

test('publishSuite recovers from kill -9 at every step', async (t) => {
  const rounds = await begin(t);
  const steps = await countSteps(rounds);
  for (let step = 1; step <= steps; step++) {
    await rounds.accept();
    // A process is really killed at each sixth step; at the others only nothing more comes of it.
    if (step % 6 === 1) {
      await publishAndDie(rounds, step);
    } else {
      const faults = new Faults(step, 'gone');
      await publishSuite(withFaults(rounds, faults), 'stable', rounds.now).catch(() => {});
      assert.ok(faults.count >= step, `step ${step} was not reached`);
    }
    await rounds.checkVisible(`killed at step ${step}`);
    await rounds.recover(`killed at step ${step}`);
  }
  await rounds.checkSnapshots([...rounds.seen.keys()], 'at the end');
});

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';

import { sql } from 'kysely';

import { toyArchive, toyPackage, type ToyArchive } from '../../test/toy-archive.ts';
import { until } from '../../test/until.ts';
import type { Suite } from '../model/distribution.ts';
import { parseSuiteName } from '../model/names.ts';
import { acceptBinaries, acceptSource, publishSuite } from '../archive/mod.ts';
import { withSuiteLock } from '../archive/store.ts';
import { countChanges } from '../compare/mod.ts';
import { entriesAt, listSnapshots, locate, whereWas } from '../history/mod.ts';
import { gunzip } from '../plumbing/compression.ts';
import { openIndexStore } from '../plumbing/history/store.ts';
import { loadSigner } from '../plumbing/signer.ts';
import { recordPublications } from './record-publication.ts';

const start = new Date('2026-11-21T03:00:00Z');
const later = (seconds: number) => new Date(start.getTime() + seconds * 1000);

async function open(t: TestContext, settings: Partial<Suite> = {}) {
  const toy = await toyArchive(settings);
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-history-'));
  const store = await openIndexStore(directory);
  t.after(async () => {
    await store.close();
    await toy.close();
    await rm(directory, { recursive: true });
  });
  const { db } = toy.database;
  const signer = (repository: string) => loadSigner(join(toy.directory, `${repository}.asc`));
  const deps = { db, store, countChanges, directory: toy.deps.directory, readFile, gunzip, signer };
  return { toy, db, store, deps };
}

async function publish({ deps }: ToyArchive, name: string, version: string, at: Date): Promise<void> {
  const requests = await toyPackage(deps.blobs, name, version);
  assert.equal((await acceptSource(deps, requests.source, at)).kind, 'accepted');
  assert.equal((await acceptBinaries(deps, requests.binaries, at)).kind, 'accepted');
  assert.equal((await publishSuite(deps, 'stable', at)).kind, 'published');
}

test('recordPublications records what was published, once, in order, with who signed it', async (t) => {
  const { toy, db, store, deps } = await open(t);
  assert.equal(await recordPublications(deps), 0);
  await publish(toy, 'alpha', '1.0', start);
  await publish(toy, 'beta', '1.0', later(10));
  assert.equal(await recordPublications(deps), 2);
  await publish(toy, 'alpha', '1.1', later(20));
  assert.equal(await recordPublications(deps), 1);
  assert.equal(await recordPublications(deps), 0);

  const stable = { origin: '', suite: 'stable' };
  const snapshots = await listSnapshots(db, stable, { limit: 10 });
  const { fingerprint } = await deps.signer('main');
  assert.deepEqual(
    snapshots.map((each) => [
      each.snapshotId,
      each.signedBy,
      each.changes?.binary.added,
      each.changes?.binary.upgraded,
    ]),
    [
      ['20261121T030020Z', [fingerprint], 0, 1],
      ['20261121T030010Z', [fingerprint], 1, 0],
      ['20261121T030000Z', [fingerprint], undefined, undefined],
    ],
  );
  const inRelease = await store.read(snapshots[0]!.release!);
  assert.ok(inRelease.equals(await readFile(join(deps.directory, 'main/dists/stable/InRelease'))));

  const second = await locate({ db, distribution: toy.deps.distribution }, 'stable@2');
  const names = async (ref: typeof second) =>
    (await entriesAt(deps, ref, { kind: 'binary' })).map((each) => `${each.name} ${each.version}`);
  assert.deepEqual(await names(second), ['alpha 1.0', 'beta 1.0']);
  const [newest, old] = await whereWas(db, { name: 'alpha', kind: 'binary' });
  assert.deepEqual([newest?.entry.version, newest?.since, newest?.until], ['1.1', '20261121T030020Z', undefined]);
  assert.deepEqual([old?.entry.version, old?.since, old?.until], ['1.0', '20261121T030000Z', '20261121T030020Z']);
});

test('recordPublications keeps Translation-en, and leaves Contents to the archive', async (t) => {
  const { toy, db, store, deps } = await open(t, { contents: true, translation: true });
  await publish(toy, 'alpha', '1.0', start);
  assert.equal(await recordPublications(deps), 1);
  const indexes = await db.selectFrom('history_index').select(['path', 'kind']).orderBy('path').execute();
  assert.deepEqual(
    indexes.map(({ kind }) => kind),
    ['packages', 'packages', 'translation', 'sources'],
  );
  const release = await readFile(join(deps.directory, 'main/dists/stable/Release'), 'utf8');
  const digest = /([0-9a-f]{64}) +\d+ main\/i18n\/Translation-en$/m.exec(release)![1]!;
  assert.match((await store.read(digest as never)).toString(), /^Description-en: toy package alpha$/m);
});

test('recordPublications waits for a snapshot that is committed and not yet in place', async (t) => {
  const { toy, db, deps } = await open(t);
  await publish(toy, 'alpha', '1.0', start);
  const folder = join(deps.directory, 'main/snapshot/stable/20261121T030000Z');
  await rename(folder, `${folder}.tmp`);
  const locked = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  const publisher = withSuiteLock(db, parseSuiteName('stable'), () => {
    locked.resolve();
    return held.promise;
  });
  await locked.promise;
  const recorded = recordPublications(deps);
  const waiting = sql`select 1 from pg_locks where locktype = 'advisory' and not granted
    and database = (select oid from pg_database where datname = current_database())`;
  try {
    await until(async () => (await waiting.execute(db)).rows.length);
    await rename(`${folder}.tmp`, folder);
  } finally {
    held.resolve();
  }
  await publisher;
  assert.equal(await recorded, 1);
});

test('recordPublications says which file of a snapshot is missing', async (t) => {
  const { toy, deps } = await open(t);
  await publish(toy, 'alpha', '1.0', start);
  const path = join(deps.directory, 'main/snapshot/stable/20261121T030000Z/dists/stable/InRelease');
  await rm(path);
  await assert.rejects(recordPublications(deps), { code: 'snapshot-missing', place: { file: path } });
});

test('recordPublications records other suites when one cannot be, and that one once its file is back', async (t) => {
  const { toy, db, deps } = await open(t);
  await publish(toy, 'alpha', '1.0', start);
  const [stable] = toy.deps.distribution.suites.values();
  const zeta: Suite = { ...stable!, name: parseSuiteName('zeta') };
  const suites = new Map([stable!, zeta].map((suite) => [suite.name, suite]));
  const both = { ...toy.deps, distribution: { ...toy.deps.distribution, suites } };
  assert.equal((await publishSuite(both, 'zeta', later(10))).kind, 'published');
  const path = join(deps.directory, 'main/snapshot/stable/20261121T030000Z/dists/stable/InRelease');
  await rename(path, `${path}.lost`);
  await assert.rejects(recordPublications(deps), { code: 'snapshot-missing', place: { file: path } });
  const recorded = async (suite: string) => (await listSnapshots(db, { origin: '', suite }, { limit: 10 })).length;
  assert.deepEqual([await recorded('stable'), await recorded('zeta')], [0, 1]);
  await rename(`${path}.lost`, path);
  assert.equal(await recordPublications(deps), 1);
  assert.equal(await recorded('stable'), 1);
});

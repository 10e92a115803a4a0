import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';

import { fingerprint, readSuite } from '../../test/published-tree.ts';
import { toyArchive, toyDeps, toyPackage, type ToyArchive, type ToyBinary } from '../../test/toy-archive.ts';
import type { Suite } from '../model/distribution.ts';
import { parseArchitecture, parseSuiteName } from '../model/names.ts';
import {
  acceptBinaries,
  acceptSource,
  checkDatabase,
  publishSuite,
  reconcile,
  type Publication,
  type Published,
} from './mod.ts';

const start = new Date('2026-11-21T03:00:00Z');
const later = (seconds: number) => new Date(start.getTime() + seconds * 1000);
const day = 86_400;

async function open(t: TestContext, settings: Partial<Suite> = {}): Promise<ToyArchive> {
  const toy = await toyArchive(settings);
  t.after(toy.close);
  return toy;
}

async function add(
  { deps }: ToyArchive,
  name: string,
  version: string,
  binaries?: readonly ToyBinary[],
): Promise<void> {
  const requests = await toyPackage(deps.blobs, name, version, binaries);
  assert.equal((await acceptSource(deps, requests.source, start)).kind, 'accepted');
  assert.equal((await acceptBinaries(deps, requests.binaries, start)).kind, 'accepted');
}

function published(publication: Publication) {
  assert.equal(publication.kind, 'published');
  return publication;
}

const main = (toy: ToyArchive, ...path: string[]) => join(toy.directory, 'archive/main', ...path);
const states = async (toy: ToyArchive) =>
  (
    await toy.database.pool.query(
      `select coalesce(s.name || '_' || s.version, b.name || '_' || b.version || '_' || b.architecture) as name,
         p.state, p.first_snapshot, p.last_snapshot
       from publication p left join source_package s on s.id = p.source_package
         left join binary_package b on b.id = p.binary_package order by p.id`,
    )
  ).rows.map((row) => [row.name, row.state, row.first_snapshot, row.last_snapshot]);

test('publishSuite makes a first snapshot even of an empty suite, so that clients find it', async (t) => {
  const toy = await open(t);
  const first = published(await publishSuite(toy.deps, 'stable', start));
  assert.deepEqual([first.reason, first.number, first.snapshotId], ['first', 1, '20261121T030000Z']);
  assert.deepEqual((await readSuite(main(toy), 'stable')).packages, []);
  assert.equal((await publishSuite(toy.deps, 'stable', later(1))).kind, 'unchanged');
});

test('publishSuite publishes what was accepted, and only that', async (t) => {
  const toy = await open(t);
  await add(toy, 'alpha', '1.0', [{ name: 'alpha' }, { name: 'alpha-doc', architecture: 'all' }]);
  const first = published(await publishSuite(toy.deps, 'stable', start));
  const seen = await readSuite(main(toy), 'stable');
  assert.deepEqual(seen.packages, ['alpha-doc_1.0_all', 'alpha_1.0_amd64']);
  assert.deepEqual(seen.sources, ['alpha_1.0']);
  assert.equal(first.packages, 2);
  const { rows } = await toy.database.pool.query('select number, state, in_release_sha256, packages from snapshot');
  const digest = execFileSync('sha256sum', ['--', main(toy, 'dists/stable/InRelease')], { encoding: 'utf8' }).slice(
    0,
    64,
  );
  assert.deepEqual(rows, [{ number: 1, state: 'published', in_release_sha256: digest, packages: 2 }]);
  const events = await toy.database.pool.query(`select message from event where kind = 'suite-published'`);
  assert.deepEqual(
    events.rows.map((row) => row.message),
    ['Suite stable published as stable@1: 3 packages new, 0 ended, 2 in all'],
  );
});

test('publishSuite supersedes older versions, and keeps every file and every snapshot', async (t) => {
  const toy = await open(t);
  await add(toy, 'alpha', '1.0', [{ name: 'alpha' }, { name: 'alpha-old' }]);
  const first = published(await publishSuite(toy.deps, 'stable', start));
  const before = await fingerprint(main(toy, 'snapshot/stable', first.snapshotId));
  await add(toy, 'alpha', '1.1');
  const second = published(await publishSuite(toy.deps, 'stable', later(60)));
  assert.deepEqual((await readSuite(main(toy), 'stable')).packages, ['alpha_1.1_amd64']);
  assert.deepEqual(await states(toy), [
    ['alpha_1.0', 'SUPERSEDED', 1, 2],
    ['alpha_1.0_amd64', 'SUPERSEDED', 1, 2],
    ['alpha-old_1.0_amd64', 'OBSOLETE', 1, 2],
    ['alpha_1.1', 'PUBLISHED', 2, null],
    ['alpha_1.1_amd64', 'PUBLISHED', 2, null],
  ]);
  assert.deepEqual(await fingerprint(main(toy, 'snapshot/stable', first.snapshotId)), before);
  for (const name of [first.snapshotId, '1']) {
    const seen = await readSuite(main(toy, 'snapshot/stable', name), 'stable');
    assert.deepEqual(seen.packages, ['alpha-old_1.0_amd64', 'alpha_1.0_amd64']);
  }
  assert.equal(readlinkSync(main(toy, 'snapshot/stable/2')), second.snapshotId);
});

test('publishSuite keeps old indexes fetchable by hash below the moved pointer', async (t) => {
  const toy = await open(t);
  await add(toy, 'alpha', '1.0');
  await publishSuite(toy.deps, 'stable', start);
  const old = readFileSync(main(toy, 'dists/stable/main/binary-amd64/Packages.xz'));
  const digest = execFileSync('sha256sum', { input: old, encoding: 'utf8' }).slice(0, 64);
  await add(toy, 'alpha', '1.1');
  await publishSuite(toy.deps, 'stable', later(60));
  assert.deepEqual(readFileSync(main(toy, 'dists/stable/main/binary-amd64/by-hash/SHA256', digest)), old);
});

test('publishSuite holds a source back until its first binaries come', async (t) => {
  const toy = await open(t);
  const requests = await toyPackage(toy.deps.blobs, 'alpha', '1.0');
  await acceptSource(toy.deps, requests.source, start);
  await publishSuite(toy.deps, 'stable', start);
  assert.deepEqual((await readSuite(main(toy), 'stable')).sources, []);
  assert.equal((await publishSuite(toy.deps, 'stable', later(5))).kind, 'unchanged');
  await acceptBinaries(toy.deps, requests.binaries, later(6));
  assert.equal(published(await publishSuite(toy.deps, 'stable', later(7))).reason, 'packages');
  assert.deepEqual((await readSuite(main(toy), 'stable')).sources, ['alpha_1.0']);
});

test('publishSuite puts packages for all into every architecture, as Release says', async (t) => {
  const toy = await open(t, { architectures: ['amd64', 'arm64'].map(parseArchitecture) });
  await add(toy, 'alpha', '1.0', [{ name: 'alpha' }, { name: 'alpha-doc', architecture: 'all' }]);
  await publishSuite(toy.deps, 'stable', start);
  const names = (architecture: string) =>
    gunzipSync(readFileSync(main(toy, `dists/stable/main/binary-${architecture}/Packages.gz`)))
      .toString()
      .match(/^Package: .*$/gm);
  assert.deepEqual(names('amd64'), ['Package: alpha', 'Package: alpha-doc']);
  assert.deepEqual(names('arm64'), ['Package: alpha-doc']);
  assert.deepEqual(names('all'), ['Package: alpha-doc']);
  const release = readFileSync(main(toy, 'dists/stable/Release'), 'utf8');
  assert.match(release, /^Architectures: all amd64 arm64$/m);
  assert.match(release, /^No-Support-for-Architecture-all: Packages$/m);
  assert.match(release, /^Acquire-By-Hash: yes$/m);
  assert.doesNotMatch(release, /^(MD5Sum|SHA1):/m);
});

test('publishSuite writes Release files that gpgv accepts by the key beside them', async (t) => {
  const toy = await open(t);
  await publishSuite(toy.deps, 'stable', start);
  const keyring = main(toy, 'key.gpg');
  execFileSync('gpgv', ['--quiet', '--keyring', keyring, main(toy, 'dists/stable/InRelease')], { stdio: 'ignore' });
  const signed = [main(toy, 'dists/stable/Release.gpg'), main(toy, 'dists/stable/Release')];
  execFileSync('gpgv', ['--quiet', '--keyring', keyring, ...signed], { stdio: 'ignore' });
  assert.match(readFileSync(main(toy, 'key.asc'), 'utf8'), /^-----BEGIN PGP PUBLIC KEY BLOCK-----/);
});

test('publishSuite gives snapshots of one second different ids and times of modification', async (t) => {
  const toy = await open(t);
  const snapshots = [];
  for (const version of ['1', '2', '3']) {
    await add(toy, 'alpha', version);
    snapshots.push(published(await publishSuite(toy.deps, 'stable', start)));
  }
  assert.deepEqual(
    snapshots.map((each) => each.snapshotId),
    ['20261121T030000Z', '20261121T030001Z', '20261121T030002Z'],
  );
  const times = snapshots.map(
    (each) => statSync(main(toy, 'snapshot/stable', each.snapshotId, 'dists/stable/InRelease')).mtimeMs,
  );
  assert.deepEqual(
    times,
    [0, 1, 2].map((seconds) => later(seconds).getTime()),
  );
});

test('publishSuite refuses a clock that was set back, and changes nothing', async (t) => {
  const toy = await open(t);
  await publishSuite(toy.deps, 'stable', start);
  await add(toy, 'alpha', '1.0');
  const before = await fingerprint(main(toy));
  await assert.rejects(publishSuite(toy.deps, 'stable', later(-day)), { code: 'clock-set-back' });
  assert.deepEqual(await fingerprint(main(toy)), before);
  assert.equal(published(await publishSuite(toy.deps, 'stable', later(1))).number, 2);
});

test('publishSuite renews a Release before it expires, also of a frozen suite, and repeats the content', async (t) => {
  const toy = await open(t, { frozen: true });
  await add(toy, 'alpha', '1.0');
  await publishSuite(toy.deps, 'stable', start);
  assert.equal((await publishSuite(toy.deps, 'stable', later(4 * day))).kind, 'unchanged');
  const index = (name: string) => statSync(main(toy, 'dists/stable/main/binary-amd64', name)).ino;
  const before = ['Packages.gz', 'Packages.xz'].map(index);
  const renewed = published(await publishSuite(toy.deps, 'stable', later(5 * day)));
  assert.deepEqual([renewed.reason, renewed.number, renewed.validUntil], ['renewal', 2, later(12 * day)]);
  assert.match(
    readFileSync(main(toy, 'dists/stable/Release'), 'utf8'),
    /^Valid-Until: Thu, 03 Dec 2026 03:00:00 UTC$/m,
  );
  assert.deepEqual(['Packages.gz', 'Packages.xz'].map(index), before);
  assert.deepEqual((await readSuite(main(toy), 'stable')).packages, ['alpha_1.0_amd64']);
});

test('publishSuite renews a frozen suite until the end of its life, and then neither renews nor publishes', async (t) => {
  const endOfLife = later(11 * day);
  const toy = await open(t, { frozen: true, endOfLife });
  await add(toy, 'alpha', '1.0');
  await publishSuite(toy.deps, 'stable', start);
  assert.equal(published(await publishSuite(toy.deps, 'stable', later(5 * day))).reason, 'renewal');
  const last = published(await publishSuite(toy.deps, 'stable', later(10 * day)));
  assert.deepEqual([last.reason, last.validUntil], ['renewal', later(17 * day)]);
  const before = await fingerprint(main(toy));
  for (const time of [11 * day, 15 * day, 400 * day]) {
    assert.deepEqual(await publishSuite(toy.deps, 'stable', later(time)), {
      ...{ kind: 'unchanged', number: 3, snapshotId: last.snapshotId },
    });
    await assert.rejects(publishSuite(toy.deps, 'stable', later(time), { force: true }), { code: 'end-of-life' });
  }
  const requests = await toyPackage(toy.deps.blobs, 'alpha', '2.0');
  const refused = await acceptSource(toy.deps, requests.source, later(12 * day));
  assert.equal(refused.kind, 'refused');
  assert.match(refused.reasons.join(), /came to the end of its life on 2026-12-02/);
  // Accepted while it lived, and never published.
  await acceptSource(toy.deps, requests.source, later(10 * day));
  await acceptBinaries(toy.deps, requests.binaries, later(10 * day));
  await assert.rejects(publishSuite(toy.deps, 'stable', later(12 * day)), {
    code: 'end-of-life',
    message: /^Cannot publish suite "stable": Suite "stable" came to the end of its life on 2026-12-02/,
  });
  assert.deepEqual(await fingerprint(main(toy)), before);
  const extended = toyDeps(toy.directory, toy.database.db, { frozen: true, endOfLife: later(20 * day) });
  assert.equal(published(await publishSuite(extended, 'stable', later(12 * day))).reason, 'packages');
});

test('publishSuite publishes again when asked to, and when the settings say something else', async (t) => {
  const toy = await open(t);
  await publishSuite(toy.deps, 'stable', start);
  assert.equal(published(await publishSuite(toy.deps, 'stable', later(1), { force: true })).reason, 'forced');
  const other = toyDeps(toy.directory, toy.database.db, { codename: parseSuiteName('toy'), description: 'Another' });
  assert.equal(published(await publishSuite(other, 'stable', later(2))).reason, 'settings');
  assert.equal((await publishSuite(other, 'stable', later(3))).kind, 'unchanged');
  const { inRelease } = await readSuite(main(toy), 'toy');
  assert.match(inRelease, /^Codename: toy\nDate/m);
  assert.equal((await readSuite(main(toy, 'snapshot/stable/3'), 'toy')).inRelease, inRelease);
});

test('publishSuite counts what its indexes list, and lists again what an architecture that comes back has', async (t) => {
  const both = { architectures: ['amd64', 'arm64'].map(parseArchitecture) };
  const toy = await open(t, both);
  await add(toy, 'alpha', '1.0', [{ name: 'alpha' }, { name: 'alpha-doc', architecture: 'all' }]);
  const count = async (deps: typeof toy.deps, minutes: number) =>
    published(await publishSuite(deps, 'stable', later(minutes), { force: true })).packages;
  const arm64 = toyDeps(toy.directory, toy.database.db, { architectures: [parseArchitecture('arm64')] });
  const counts = [await count(toy.deps, 0), await count(arm64, 1), await count(arm64, 2)];
  assert.deepEqual(counts, [2, 1, 1]);
  await add(toy, 'beta', '1.0', [{ name: 'beta' }]);
  assert.equal(await count(arm64, 3), 1);
  assert.equal(await count(toy.deps, 4), 3);
});

test('publishSuite tells which jobs and tag builds are settled, inside the transaction that settles them', async (t) => {
  const toy = await open(t);
  const { rows } = await toy.database.pool.query(
    `insert into tag_build (repository, tag, suite, origin, received_at, state, source, version)
       values ('r', 't', 'stable', 'cli', now(), 'ACCEPTED', 'alpha', '1.0') returning id`,
  );
  const tagBuild = rows[0].id as number;
  const job = (
    await toy.database.pool.query(
      `insert into job (tag_build, kind, architecture, builds, state, spec, max_attempts, created_at)
         values ($1, 'binary', 'amd64', 'any+all', 'Uploaded', '{}', 1, now()) returning id`,
      [tagBuild],
    )
  ).rows[0].id as number;
  const requests = await toyPackage(toy.deps.blobs, 'alpha', '1.0');
  await acceptSource(toy.deps, { ...requests.source, tagBuild }, start);
  await acceptBinaries(toy.deps, { ...requests.binaries, tagBuild, job, attempt: 1 }, start);
  const told: Published[] = [];
  const deps = {
    ...toy.deps,
    onPublished: async (transaction: typeof toy.deps.db, each: Published) => {
      told.push(each);
      await transaction
        .updateTable('job')
        .set({ state: 'Installed' })
        .where('id', 'in', [...each.jobs])
        .execute();
      if (told.length === 1) throw new Error('stopped');
    },
  };
  await assert.rejects(publishSuite(deps, 'stable', start), /stopped/);
  const state = async () => (await toy.database.pool.query('select state from job')).rows[0].state;
  assert.equal(await state(), 'Uploaded');
  assert.equal(existsSync(main(toy, 'dists/stable')), false);
  const publication = published(await publishSuite(deps, 'stable', later(1)));
  assert.deepEqual([publication.jobs, publication.tagBuilds], [[job], [tagBuild]]);
  assert.equal(await state(), 'Installed');
  assert.equal(publication.number, 1);
});

test('publishSuite in many processes at once makes one snapshot of one change', async (t) => {
  const toy = await open(t);
  await add(toy, 'alpha', '1.0');
  const all = await Promise.all(Array.from({ length: 5 }, () => publishSuite(toy.deps, 'stable', start)));
  assert.deepEqual(all.map((each) => each.kind).toSorted(), [
    'published',
    'unchanged',
    'unchanged',
    'unchanged',
    'unchanged',
  ]);
  assert.deepEqual(readdirSync(main(toy, 'snapshot/stable')).toSorted(), ['1', '20261121T030000Z']);
});

test('publishSuite shows a client that reads all the time one consistent suite after another', async (t) => {
  const toy = await open(t);
  await add(toy, 'alpha', '0');
  await publishSuite(toy.deps, 'stable', start);
  let publishing = true;
  const seen = new Set<string>();
  const client = (async () => {
    while (publishing) {
      // One look at the pointer, as a client that fetches everything by hash from one InRelease.
      const snapshot = join(main(toy, 'dists'), readlinkSync(main(toy, 'dists/stable')), '../..');
      seen.add((await readSuite(snapshot, 'stable')).packages.join());
    }
  })();
  for (let version = 1; version <= 8; version++) {
    await add(toy, 'alpha', String(version));
    await publishSuite(toy.deps, 'stable', later(version));
  }
  publishing = false;
  await client;
  assert.ok(seen.size > 1);
  for (const packages of seen) assert.match(packages, /^alpha_\d_amd64$/);
});

test('checkDatabase and publishSuite refuse a folder that is ahead of its database', async (t) => {
  const toy = await open(t);
  const suites = [...toy.deps.distribution.suites.values()];
  await checkDatabase(toy.deps, suites);
  await publishSuite(toy.deps, 'stable', start);
  await checkDatabase(toy.deps, suites);
  await toy.database.pool.query('delete from snapshot');
  const before = await fingerprint(main(toy));
  await assert.rejects(checkDatabase(toy.deps, suites), { code: 'archive-ahead' });
  await assert.rejects(publishSuite(toy.deps, 'stable', later(60)), { code: 'archive-ahead' });
  assert.deepEqual(await fingerprint(main(toy)), before);
});

test('a database restored from an old copy goes on once the link to what came after it is removed', async (t) => {
  const toy = await open(t);
  await publishSuite(toy.deps, 'stable', start);
  await publishSuite(toy.deps, 'stable', later(60), { force: true });
  await publishSuite(toy.deps, 'stable', later(120), { force: true });
  await toy.database.pool.query('delete from snapshot where number > 1');
  const hint = /go on without what was published since: remove that link, and publish/;
  await assert.rejects(publishSuite(toy.deps, 'stable', later(180)), { code: 'archive-ahead', hint });
  await rm(main(toy, 'dists/stable'));
  const next = published(await publishSuite(toy.deps, 'stable', later(180), { force: true }));
  assert.equal(next.number, 2);
  assert.equal(readlinkSync(main(toy, 'snapshot/stable/2')), next.snapshotId);
  assert.match(readlinkSync(main(toy, 'dists/stable')), new RegExp(next.snapshotId));
});

test('publishSuite never replaces a file of the pool', async (t) => {
  const toy = await open(t);
  await add(toy, 'alpha', '1.0');
  mkdirSync(main(toy, 'pool/main/a/alpha'), { recursive: true });
  await writeFile(main(toy, 'pool/main/a/alpha/alpha_1.0_amd64.deb'), 'somebody else put this here');
  await assert.rejects(publishSuite(toy.deps, 'stable', start), { code: 'file-differs' });
  assert.equal(readFileSync(main(toy, 'pool/main/a/alpha/alpha_1.0_amd64.deb'), 'utf8'), 'somebody else put this here');
});

test('reconcile moves the pointer to what the database says', async (t) => {
  const toy = await open(t);
  const first = published(await publishSuite(toy.deps, 'stable', start));
  await add(toy, 'alpha', '1.0');
  const second = published(await publishSuite(toy.deps, 'stable', later(5)));
  // As a crash between commit and pointer leaves it.
  await rm(main(toy, 'dists/stable'));
  symlinkSync(`../snapshot/stable/${first.snapshotId}/dists/stable`, main(toy, 'dists/stable'));
  renameSync(main(toy, 'snapshot/stable', second.snapshotId), main(toy, 'snapshot/stable', `${second.snapshotId}.tmp`));
  await rm(main(toy, 'snapshot/stable/2'));
  await reconcile(toy.deps);
  assert.deepEqual((await readSuite(main(toy), 'stable')).packages, ['alpha_1.0_amd64']);
  assert.equal(readlinkSync(main(toy, 'snapshot/stable/2')), second.snapshotId);
});

test('reconcile says so when a committed snapshot is gone from the disk', async (t) => {
  const toy = await open(t);
  const first = published(await publishSuite(toy.deps, 'stable', start));
  await rm(main(toy, 'snapshot/stable', first.snapshotId), { recursive: true });
  await assert.rejects(reconcile(toy.deps), { code: 'snapshot-missing' });
});

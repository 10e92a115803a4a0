import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';

import { archiveServer } from '../../../../test/archive-server.ts';
import { toyDistribution } from '../../../../test/toy-archive.ts';
import type { Suite } from '../../../model/distribution.ts';
import { parseMoment, parseSuiteName, type SnapshotId } from '../../../model/names.ts';
import { Moments, newestNotAfter } from './moments.ts';

const directory = await mkdtemp(join(tmpdir(), 'sheaf-moments-'));
test.after(() => rm(directory, { recursive: true }));
const repository = join(directory, 'main');

/** Two suites of one repository: stable at 1, 2 and 4 o'clock, testing (codename next) at 3. */
const published: readonly (readonly [string, string])[] = [
  ['stable', '20261121T010000Z'],
  ['stable', '20261121T020000Z'],
  ['testing', '20261121T030000Z'],
  ['stable', '20261121T040000Z'],
];
async function publish(suite: string, id: string): Promise<void> {
  const dists = join(repository, 'snapshot', suite, id, 'dists');
  await mkdir(join(dists, suite), { recursive: true });
  await writeFile(join(dists, suite, 'InRelease'), `${suite} ${id}`);
  if (suite === 'testing') await symlink('testing', join(dists, 'next'));
}
for (const [suite, id] of published) await publish(suite, id);
await mkdir(join(repository, 'snapshot/stable/20261121T050000Z.tmp/dists/stable'), { recursive: true });
await symlink('20261121T010000Z', join(repository, 'snapshot/stable/1'));
await mkdir(join(repository, 'pool'));
await writeFile(join(repository, 'pool/file'), 'pooled');
await writeFile(join(repository, 'key.asc'), 'key');

const toy = toyDistribution(directory);
const stable = [...toy.suites.values()][0]!;
const testing: Suite = { ...stable, name: parseSuiteName('testing'), codename: parseSuiteName('next') };
/** A moment that is not settled yet is not remembered either. */
let now = new Date('2026-11-21T04:10:00Z');
const distribution = { ...toy, suites: new Map([stable, testing].map((suite) => [suite.name, suite])) };
const server = await archiveServer(() => ({ directory, distribution, now: () => now }));
test.after(server.close);
const get = (path: string) => fetch(server.url + path, { redirect: 'manual' });

const cases: readonly (readonly [string, number, string])[] = [
  ['/archive/main/20261121T020000Z/dists/stable/InRelease', 200, 'stable 20261121T020000Z'],
  ['/archive/main/20261121T030000Z/dists/stable/InRelease', 200, 'stable 20261121T020000Z'],
  ['/archive/main/20261121T030000Z/dists/testing/InRelease', 200, 'testing 20261121T030000Z'],
  ['/archive/main/20261121T040000Z/dists/testing/InRelease', 200, 'testing 20261121T030000Z'],
  ['/archive/main/20261121T040000Z/dists/next/InRelease', 200, 'testing 20261121T030000Z'],
  ['/archive/main/20261121T040000Z/dists/stable/InRelease', 200, 'stable 20261121T040000Z'],
  ['/archive/main/20261121T040000Z/pool/file', 200, 'pooled'],
  ['/archive/main/20261121T040000Z/key.asc', 200, 'key'],
  // There was no such suite then; nothing at all; nothing finished.
  ['/archive/main/20261121T020000Z/dists/testing/InRelease', 404, ''],
  ['/archive/main/20261121T005959Z/dists/stable/InRelease', 404, ''],
  ['/archive/main/20261321T005959Z/dists/stable/InRelease', 404, ''],
  ['/archive/main/20261121T025959Z/dists/stable/x%20y', 302, '/archive/main/20261121T020000Z/dists/stable/x%20y'],
  ['/archive/main/20261122/pool/file', 302, '/archive/main/20261121T040000Z/pool/file'],
  ['/archive/main/20261121T050000Z/', 302, '/archive/main/20261121T040000Z/'],
  ['/snapshot/stable@20261121T030000Z/dists/x', 302, '/snapshot/stable@20261121T020000Z/dists/x'],
  ['/snapshot/stable@20261121T005959Z/dists/x', 404, ''],
  ['/snapshot/stable@1/dists/stable/InRelease', 200, 'stable 20261121T010000Z'],
  ['/snapshot/stable@2/dists/stable/InRelease', 404, ''],
];
for (const [path, status, expected] of cases) {
  test(`archiveFiles answers ${path} with ${status}`, async () => {
    const response = await get(path);
    assert.equal(response.status, status);
    if (status === 200) assert.equal(await response.text(), expected);
    if (status === 302) {
      assert.equal(response.headers.get('location'), expected);
      assert.equal(response.headers.get('cache-control'), 'no-cache');
    }
  });
}

test('archiveFiles lists the moments of a repository, and what was there at one', async () => {
  const links = async (path: string) =>
    [...(await (await get(path)).text()).matchAll(/<a href="([^"]+)"/g)].map((match) => match[1]);
  assert.deepEqual(
    await links('/archive/main/'),
    published.map(([, id]) => `${id}/`).toSorted((a, b) => (a < b ? -1 : 1)),
  );
  assert.deepEqual(await links('/archive/main/20261121T020000Z/'), ['../', 'dists/', 'key.asc', 'key.gpg', 'pool/']);
  assert.deepEqual(await links('/archive/main/20261121T020000Z/dists/'), ['../', 'stable/']);
  assert.deepEqual(await links('/archive/main/20261121T030000Z/dists/'), ['../', 'next/', 'stable/', 'testing/']);
});

test('archiveFiles goes on with what a suite published that left the settings, or has another codename now', async (t) => {
  const later: Suite = { ...testing, codename: parseSuiteName('last') };
  for (const suites of [[stable], [stable, later]]) {
    const settings = { ...toy, suites: new Map(suites.map((suite) => [suite.name, suite])) };
    const server = await archiveServer(() => ({ directory, distribution: settings, now: () => now }));
    t.after(server.close);
    for (const path of [
      '/snapshot/testing@20261121T030000Z/dists/testing/InRelease',
      '/archive/main/20261121T040000Z/dists/testing/InRelease',
      '/archive/main/20261121T040000Z/dists/next/InRelease',
    ]) {
      assert.equal(await (await fetch(server.url + path)).text(), 'testing 20261121T030000Z', path);
    }
    for (const path of ['/archive/main/20261121T040000Z/dists/last/InRelease', '/snapshot/gone@20261121/dists/x']) {
      assert.equal((await fetch(server.url + path)).status, 404, path);
    }
  }
});

test('archiveFiles says for ever only of a moment that no publication can still come into', async () => {
  const path = '/archive/main/20261121T040000Z/dists/stable/InRelease';
  const forHowLong = async () => (await get(path)).headers.get('cache-control');
  now = new Date('2026-11-21T04:10:00Z');
  assert.equal(await forHowLong(), 'no-cache');
  assert.equal(await forHowLong(), 'no-cache');
  now = new Date('2026-11-21T12:00:00Z');
  assert.match((await forHowLong())!, /immutable/);
});

test('Moments sees every publication, also two within one tick of the clock', async () => {
  const moments = new Moments();
  const folder = join(directory, 'ticks');
  await mkdir(folder);
  // As if nothing had happened for long: what was read then is kept.
  const long = new Date('2026-01-01T00:00:00Z');
  await utimes(folder, long, long);
  assert.deepEqual(await moments.ids(folder), []);
  for (const id of ['20261121T010000Z', '20261121T010001Z', '20261121T010002Z']) {
    await mkdir(join(folder, id));
    assert.equal((await moments.ids(folder)).at(-1), id);
  }
  assert.deepEqual(await moments.ids(join(directory, 'nothing')), []);
});

test('newestNotAfter and parseMoment', () => {
  const ids = published.map(([, id]) => id as SnapshotId);
  assert.equal(newestNotAfter(ids, '20261121T005959Z'), undefined);
  assert.equal(newestNotAfter(ids, '20261121T010000Z'), ids[0]);
  assert.equal(newestNotAfter(ids, '20261121T035959Z'), ids[2]);
  assert.equal(newestNotAfter(ids, '20991121T000000Z'), ids[3]);
  assert.equal(newestNotAfter([], '20991121T000000Z'), undefined);
  assert.equal(parseMoment('20261121'), '20261121T000000Z');
  for (const bad of ['', '7', '20261321', '2026112', '20261121T250000Z', '20261121T000000z'])
    assert.equal(parseMoment(bad), undefined, bad);
});

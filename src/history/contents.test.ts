import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { historyWorld, type HistoryWorld } from '../../test/history-world.ts';
import type { SnapshotId } from '../model/names.ts';
import { filesOf, searchContents } from './mod.ts';

let world: HistoryWorld;
const ref = (day: number) => ({ origin: 'debian', suite: 'trixie', snapshotId: `2026010${day}T000000Z` as SnapshotId });
const contents = { path: 'main/Contents-amd64', kind: 'contents', component: 'main', architecture: 'amd64' } as const;

/** Enough lines for many pieces, sorted as archives sort them. */
function lines(extra: readonly string[] = []): string {
  const made = Array.from(
    { length: 3000 },
    (_, number) => `usr/share/doc/package${number % 500}/file${number}.txt  doc/package${number % 500}`,
  );
  return [...made, ...extra]
    .toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .join('\n')
    .concat('\n');
}

const special = [
  'bin/sh  shells/dash,shells/bash',
  'usr/lib/a file with spaces  libs/spacious',
  'usr/bin/é  utils/accent',
];

before(async () => {
  world = await historyWorld();
  await world.record({ ...ref(1), indexes: [await world.keep(contents, lines(special))] }, []);
  const other = await world.keep(
    { ...contents, path: 'main/Contents-all', architecture: 'all' },
    'bin/sh  shells/sash\nusr/share/zoo  misc/package7\n',
  );
  const source = await world.keep(
    { ...contents, path: 'main/Contents-source', architecture: 'source' },
    'debian/rules  package7\n',
  );
  await world.record({ ...ref(2), indexes: [await world.keep(contents, lines()), other, source] }, []);
  await world.record(ref(3), [{ name: 'package7' }]);
});
after(() => world.close());

test('searchContents finds a path, with and without its slash, in the snapshot asked for', async () => {
  const find = (day: number, path: string) => searchContents(world.deps, ref(day), { path, limit: 10 });
  assert.deepEqual(await find(1, '/bin/sh'), [{ path: 'bin/sh', packages: ['bash', 'dash'] }]);
  assert.deepEqual(await find(2, 'bin/sh'), [{ path: 'bin/sh', packages: ['sash'] }]);
  assert.deepEqual(await find(1, 'usr/lib/a file with spaces'), [
    { path: 'usr/lib/a file with spaces', packages: ['spacious'] },
  ]);
  assert.deepEqual(await find(1, 'usr/bin/é'), [{ path: 'usr/bin/é', packages: ['accent'] }]);
  assert.deepEqual(await find(1, 'usr/share/doc/package7/file7'), []);
  for (const number of [0, 1, 1499, 2999]) {
    const path = `usr/share/doc/package${number % 500}/file${number}.txt`;
    assert.deepEqual(await find(1, path), [{ path, packages: [`package${number % 500}`] }]);
  }
});

test('searchContents finds file names and parts of paths, up to a limit', async () => {
  const find = async (query: { name?: string; substring?: string }, limit = 10) =>
    (await searchContents(world.deps, ref(1), { ...query, limit })).map(({ path }) => path);
  assert.deepEqual(await find({ name: 'file2999.txt' }), ['usr/share/doc/package499/file2999.txt']);
  assert.deepEqual(await find({ name: 'ile2999.txt' }), []);
  assert.deepEqual(await find({ name: 'sh' }), ['bin/sh']);
  const expected = [299, 2990, 2995, 2999].map((number) => `usr/share/doc/package${number % 500}/file${number}.txt`);
  const found = await find({ substring: 'file299' }, 100);
  assert.equal(found.length, 11);
  for (const path of expected) assert.ok(found.includes(path), path);
  assert.equal((await find({ substring: 'share' }, 7)).length, 7);
  assert.deepEqual(await find({ substring: 'shells' }), []);
  assert.deepEqual(await find({ name: '' }), []);
});

test('filesOf gives the files of a package in that snapshot, and undefined where Contents is not followed', async () => {
  const files = [7, 507, 1007, 1507, 2007, 2507].map((number) => `usr/share/doc/package7/file${number}.txt`);
  assert.deepEqual(await filesOf(world.deps, ref(1), 'package7', 100), files.toSorted());
  assert.deepEqual(await filesOf(world.deps, ref(2), 'package7', 100), [...files, 'usr/share/zoo'].toSorted());
  assert.deepEqual(await filesOf(world.deps, ref(1), 'bash', 100), ['bin/sh']);
  assert.deepEqual(await filesOf(world.deps, ref(2), 'bash', 100), []);
  assert.equal((await filesOf(world.deps, ref(1), 'package7', 2))?.length, 2);
  assert.equal(await filesOf(world.deps, ref(3), 'package7', 100), undefined);
});

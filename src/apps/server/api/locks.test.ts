import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { judgeOf, type Ask } from '../../../../test/api-judge.ts';
import { testDatabase, type TestDatabase } from '../../../../test/database.ts';
import { locked, lockOf, seedLocks, unnamedLock } from '../../../../test/seed-locks.ts';
import { seed } from '../../../../test/seed.ts';
import { testWebDeps } from '../../../../test/web-deps.ts';
import { formatLock } from '../../../lock/mod.ts';
import { jsonApi } from '../api.ts';

let database: TestDatabase;
let web: Awaited<ReturnType<typeof testWebDeps>>;
let ask: Ask;
let older: string;
let newer: string;

before(async () => {
  database = await testDatabase();
  await seed(database.db);
  web = await testWebDeps(database);
  ({ older, newer } = await seedLocks(database.db, web.blobs));
  ({ ask } = await judgeOf(jsonApi(web.deps)));
});
after(async () => {
  await web.close();
  await database.close();
});

test('locks are paged to their end, and one tells its packages and what uses it', async () => {
  const seen: { sha256: string; jobs: number; packages?: number; size?: number }[] = [];
  for (let next = ''; ;) {
    const page = await ask(`/locks?limit=2${next}`, '/locks');
    seen.push(...page.items);
    if (page.next === undefined) break;
    next = `&after=${page.next}`;
  }
  const [first, last] = [seen.find(({ sha256 }) => sha256 === newer)!, seen.at(-1)!];
  assert.deepEqual([seen[0], first.jobs, first.packages, first.size], [first, 2, 2, 40_001_000]);
  assert.equal(last.sha256, older);
  assert.equal(seen.find(({ sha256 }) => sha256 === unnamedLock)!.packages, undefined);

  const lock = await ask(`/locks/${newer}`, '/locks/{sha256}');
  assert.deepEqual(
    lock.packages.map(({ name, version }: Record<string, string>) => `${name} ${version}`),
    ['gcc-14 14.2', 'libnew 1'],
  );
  assert.deepEqual([lock.sources[0].snapshot, lock.jobs.length], ['debian/trixie@20260801T000000Z', 2]);
});

test('a lock tells what differs from another, as sheaf lock diff does', async () => {
  const { architectures } = await ask(`/locks/${newer}/changes?from=${older}`, '/locks/{sha256}/changes');
  const [{ counts, sizes, sources }] = architectures;
  assert.deepEqual([counts.added, counts.removed, counts.upgraded], [1, 1, 1]);
  assert.equal(sizes.right.download - sizes.left.download, 9_996_000);
  const [gcc] = sources;
  assert.deepEqual([gcc.source, gcc.oldVersion, gcc.newVersion], ['gcc-14', '14.1', '14.2']);
});

test('locks that no job names, and files that are not here, are not there', async () => {
  const { sha256: secret } = await web.blobs.putBytes(formatLock(lockOf(locked('aa', '1', 1))));
  for (const sha256 of [secret, unnamedLock]) {
    assert.equal((await ask(`/locks/${sha256}`, '/locks/{sha256}', 404)).error.code, 'not-found');
    await ask(`/locks/${sha256}/changes?from=${newer}`, '/locks/{sha256}/changes', 404);
    await ask(`/locks/${newer}/changes?from=${sha256}`, '/locks/{sha256}/changes', 404);
  }
  await ask('/locks/none', '/locks/{sha256}', 400);
  await ask(`/locks/${newer}/changes`, '/locks/{sha256}/changes', 400);
});

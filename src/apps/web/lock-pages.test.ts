import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { testDatabase, type TestDatabase } from '../../../test/database.ts';
import { checkHtml } from '../../../test/html.ts';
import { locked, lockOf, seedLocks, unnamedLock } from '../../../test/seed-locks.ts';
import { seed } from '../../../test/seed.ts';
import { testWebDeps } from '../../../test/web-deps.ts';
import { sha256, type Sha256 } from '../../kit/digest.ts';
import { formatLock } from '../../lock/mod.ts';
import { webPages, type WebPages } from './mod.ts';

let database: TestDatabase;
let web: Awaited<ReturnType<typeof testWebDeps>>;
let pages: WebPages;
let older: Sha256;
let newer: Sha256;

before(async () => {
  database = await testDatabase();
  await seed(database.db);
  web = await testWebDeps(database);
  ({ older, newer } = await seedLocks(database.db, web.blobs));
  pages = webPages(web.deps);
});
after(async () => {
  await pages.close();
  await web.close();
  await database.close();
});

async function words(path: string, status = 200): Promise<string> {
  const response = await pages.app.request(path);
  const html = await response.text();
  assert.deepEqual(web.reported, []);
  assert.equal(response.status, status, path);
  checkHtml(html, path);
  return html.replaceAll(/<title>.*?<\/title>|<[^>]*>/g, ' ').replaceAll(/\s+/g, ' ');
}

test('/locks lists the environments of builds, those used last first', async () => {
  const text = await words('/locks');
  const [first, last] = [text.indexOf(newer), text.indexOf(older)];
  assert.ok(first > 0 && last > first);
  assert.match(text.slice(first, first + 300), /2 packages 38 MiB 2 jobs /);
});

test('/lock/SHA256 shows its packages, who vouches for it and what uses it', async () => {
  const text = await words(`/lock/${newer}`);
  for (const part of [
    /Packages 2 To download 38 MiB/,
    /gcc-14 38 MiB 100 %/,
    /libnew 1000 B <1 %|libnew 1000 B &lt;1 %/,
  ])
    assert.match(text, part);
  assert.match(text, /Who vouches for it Suite trixie .* debian\/trixie@20260801T000000Z/);
  assert.match(text, /What uses it .* Packages .* gcc-14 :amd64 14\.2 38 MiB/);
});

test('/lock/A...B shows what differs, as the form does', async () => {
  const expected =
    / 1 added +1 removed +1 upgraded +\+9\.5 MiB to download .* gcc-14 :amd64 upgraded 14\.1 → 14\.2 \+9\.5 MiB/;
  assert.match(await words(`/lock/${older}...${newer}`), expected);
  assert.match(await words(`/lock/${newer}?with=${older}`), expected);
  assert.match(await words(`/lock/${newer}?with=${newer}`), /Both have the same packages/);
  assert.match(await words(`/lock/${newer}?with=${sha256('x')}`), /The lock to compare with is not here/);
});

test('/lock shows nothing but locks that jobs name', async () => {
  const { sha256: secret } = await web.blobs.putBytes(formatLock(lockOf(locked('aa', '1', 1))));
  await words(`/lock/${secret}`, 404);
  await words('/lock/none', 404);
  await words(`/lock/${older}...${newer}...${newer}`, 404);
  assert.match(await words(`/lock/${unnamedLock}`, 404), /The file of this lock is not here. .* What uses it/);
});

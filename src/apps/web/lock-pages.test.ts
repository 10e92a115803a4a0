import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { sql } from 'kysely';

import { testDatabase, type TestDatabase } from '../../../test/database.ts';
import { checkHtml } from '../../../test/html.ts';
import { seed } from '../../../test/seed.ts';
import { testWebDeps } from '../../../test/web-deps.ts';
import { sha256, type Sha256 } from '../../kit/digest.ts';
import { formatLock } from '../../lock/mod.ts';
import type { Lock, LockedPackage } from '../../model/lock.ts';
import { parseArchitecture, parsePackageName, parseVersion } from '../../model/names.ts';
import { webPages, type WebPages } from './mod.ts';

let database: TestDatabase;
let web: Awaited<ReturnType<typeof testWebDeps>>;
let pages: WebPages;
let older: Sha256;
let newer: Sha256;
const unnamed = sha256('lock binary amd64');

function locked(name: string, version: string, size: number): LockedPackage {
  const architecture = parseArchitecture('amd64');
  const file = `http://deb.example.org/pool/${name}.deb`;
  const bytes = sha256(`${name} ${version}`);
  return { name: parsePackageName(name), version: parseVersion(version), architecture, sha256: bytes, size, url: file };
}

function lockOf(...packages: readonly LockedPackage[]): Lock {
  const source = { url: 'http://deb.example.org', suite: 'trixie', inRelease: sha256('r'), date: 'Sat, 01 Aug 2026' };
  const snapshot = 'debian/trixie@20260801T000000Z';
  return { architecture: parseArchitecture('amd64'), sources: [{ ...source, snapshot }], packages };
}

before(async () => {
  database = await testDatabase();
  await seed(database.db);
  web = await testWebDeps(database);
  const put = async (lock: Lock) => (await web.blobs.putBytes(formatLock(lock))).sha256;
  older = await put(lockOf(locked('gcc-14', '14.1', 30_000_000), locked('libold', '1', 5000)));
  newer = await put(lockOf(locked('gcc-14', '14.2', 40_000_000), locked('libnew', '1', 1000)));
  const { rows } = await sql<{ id: number }>`select id from job order by id`.execute(database.db);
  const set = (lock: string, id: number) =>
    sql`update job set spec = jsonb_set(spec::jsonb, '{lock}', to_jsonb(${lock}::text)) where id = ${id}`.execute(
      database.db,
    );
  await set(older, rows.at(0)!.id);
  await set(newer, rows.at(-1)!.id);
  await set(newer, rows.at(-2)!.id);
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
  assert.match(await words(`/lock/${unnamed}`, 404), /The file of this lock is not here. .* What uses it/);
});

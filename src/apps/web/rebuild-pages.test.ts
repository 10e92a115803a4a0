import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { testDatabase, type TestDatabase } from '../../../test/database.ts';
import { rebuildResult, recordResults, testRebuilder } from '../../../test/rebuilds.ts';
import { seedRebuilds } from '../../../test/seed-rebuilds.ts';
import { seed, seedDistribution } from '../../../test/seed.ts';
import { testWebDeps } from '../../../test/web-deps.ts';
import { pageReader } from '../../../test/web-pages.ts';
import { amd64, noNotifiers } from '../../../test/jobs.ts';
import { parseLabel, parsePackageName, parseVersion } from '../../model/names.ts';
import type { RebuildResult } from '../../model/rebuild.ts';
import { addTasks, putTaskOff, signRebuild, takeTask } from '../../rebuild/mod.ts';
import { webPages, type WebPages } from './mod.ts';

let database: TestDatabase;
let web: Awaited<ReturnType<typeof testWebDeps>>;
let pages: WebPages;
let ids: number[];
const far = testRebuilder('far');

before(async () => {
  database = await testDatabase();
  await seed(database.db);
  const name = parseLabel('far');
  const named = { name, publicKey: far.publicKey, validAfter: undefined, validBefore: undefined, isRevoked: false };
  web = await testWebDeps(database, seedDistribution({ rebuilders: new Map([[name, named]]) }));
  ids = await seedRebuilds(database.db, web.blobs);
  pages = webPages(web.deps);
});
after(async () => {
  await pages.close();
  await web.close();
  await database.close();
});

const page = pageReader(
  () => pages,
  () => web.reported,
);

test('/rebuilds says how much was reproduced, what keeps the rest from it, and the verdict on every file', async () => {
  const html = await page('/rebuilds');
  for (const words of [/debian\/trixie/, /66\.6 %/, /dependency/, /clock \(the year of the build/, /2:9\.1-1/]) {
    assert.match(html, words);
  }
  assert.match(html, /<polygon class="reproduced" points="0,75 .* 100,25 100,100 .* 0,100"/);
});

test('/rebuilds and the page of a package say what workers are still to rebuild, and why it waits', async () => {
  assert.doesNotMatch(await page('/rebuilds'), /id="waiting"/);
  const [tagBuild] = await database.db.selectFrom('tag_build').selectAll().where('state', '=', 'DONE').execute();
  const { source, version, suite } = tagBuild!;
  const task = { source: parsePackageName(source!), version: parseVersion(version!), architecture: amd64, suite };
  const how = { place: `${suite}@20261121T100000Z`, dependencies: [], nocheck: false, plain: false, experiments: 4 };
  const telling = { db: database.db, distribution: noNotifiers, now: web.deps.now };
  const [added] = await addTasks(telling, [{ ...task, ...how, priority: 0 }], 'ann');
  await takeTask(database.db, [], web.deps.now());
  await putTaskOff(database.db, added!.id, 'Only pool <default> has workers', 'workers');
  for (const path of ['/rebuilds', `/package/${source}`]) {
    assert.match(await page(path), /Only pool &lt;default&gt; has workers/, path);
  }
  assert.match(await page('/rebuilds'), /0 being made, 1\s+waiting\./);
});

test('the page of a rebuild says of what differs by itself that it was built twice', async () => {
  const causes = [{ kind: 'unstable', detail: 'two rebuilds differ', confirmed: true }] as const;
  const deps = { db: database.db, blobs: web.blobs, now: web.deps.now };
  const [id] = await recordResults(deps, far, [rebuildResult({ name: 'dice', verdict: 'differs', causes })]);
  const html = await page(`/rebuild/${id}`);
  assert.match(html, /the same build, made twice, gave different bytes/);
  assert.doesNotMatch(html, /with it restored/);
});

test('the page of a package that only an upstream has says what its rebuilds found', async () => {
  const html = await page('/package/zlib1g');
  for (const words of [/No suite of ours has it/, /id="rebuilds"/, /rebuild \d+<\/a> for arm64/])
    assert.match(html, words);
  await page('/package/never-rebuilt', 404);
});

test('/rebuilds is filtered by verdict, cause, place, architecture and name', async () => {
  for (const [query, there, notThere] of [
    ['verdict=differs', /vim/, /zlib1g/],
    ['cause=locale', /vim/, /zlib1g/],
    ['place=stable', /hello/, /zlib1g/],
    ['architecture=arm64', /zlib1g/, /vim/],
    ['contains=zl', /zlib1g/, /2:9\.1-1/],
  ] as const) {
    const [, list] = (await page(`/rebuilds?${query}`)).split('id="files"');
    assert.match(list!, there, query);
    assert.doesNotMatch(list!, notThere, query);
  }
  assert.match(await page('/rebuilds?contains=nothing'), /No such rebuild/);
  assert.match(await page('/rebuilds?verdict=nonsense'), /zlib1g/);
});

test('/rebuild/ID has the difference in words beside the log, the causes and the experiments', async () => {
  const html = await page(`/rebuild/${ids[1]}`);
  for (const words of [
    /other content \(elf/,
    /2026 &lt;b&gt;&amp;/,
    /step 199/,
    /restored, the bytes agreed/,
    /no experiment/,
    />41 s</,
  ]) {
    assert.match(html, words);
  }
  assert.match(html, new RegExp(`rebuild ${ids[0]}<`));
  await page('/rebuild/99999', 404);
  const [, log] = /href="(\/rebuild\/\d+\/blob\/[0-9a-f]{64})">Whole, as text.*?id="log"/s.exec(html)!;
  assert.equal((await pages.app.request(log!)).headers.get('Content-Type'), 'text/plain; charset=utf-8');
});

test('what another rebuilder names is not read: it could name any blob', async () => {
  const { sha256 } = await web.blobs.putBytes('nobody is to see this');
  const result = rebuildResult({ log: sha256, difference: sha256, name: 'zsh', verdict: 'differs' });
  const envelope = signRebuild({ rebuilder: 'far', invocation: '1', result }, far.sign);
  const { id } = await web.deps.actions.acceptRebuild(envelope, {});
  assert.doesNotMatch(await page(`/rebuild/${id}`), /nobody is to see/);
  await page(`/rebuild/${id}/blob/${sha256}`, 404);
  await page(`/rebuild/${ids[1]}/blob/${sha256}`, 404);
});

test("the way of a package ends with its rebuilds, each rebuilder's newest", async () => {
  const html = await page('/package/hello');
  assert.match(html, /Rebuilt for amd64/);
  assert.match(html, /anvil: hello 2\.10-3 \(amd64\) differs: clock/);
  assert.doesNotMatch(html, /debhelper 13\.11\.4/);
});

test('the pages of a package and of a rebuild have what others say, by their names for our suite, and whether it counts', async () => {
  const { files } = rebuildResult();
  await database.db
    .updateTable('binary_package')
    .set({ sha256: files[0]!.original.sha256 })
    .where('name', '=', 'hello')
    .where('version', '=', '2.10-3')
    .execute();
  const say = (result: RebuildResult, invocation: string) =>
    web.deps.actions.acceptRebuild(signRebuild({ rebuilder: 'far', invocation, result }, far.sign), {});
  const { id } = await say(rebuildResult({ place: 'fieldos/stable' }), 'pages 1');
  const later = { startedOn: '2026-01-05T00:00:00Z', finishedOn: '2026-01-05T00:00:00Z' };
  await say(rebuildResult({ ...later, verdict: 'unknown', reason: 'no .buildinfo' }), 'pages 2');
  assert.match(await page('/package/hello'), /far, another rebuilder: hello 2\.10-3 \(amd64\) was reproduced/);
  assert.match(await page(`/rebuild/${ids[1]}`), /by\s+far, another rebuilder\s/);
  assert.match(await page('/rebuilds?place=stable&contains=hello'), new RegExp(`rebuild/${id}`));
  await database.db.updateTable('rebuild').set({ key: 'revoked' }).where('origin', '=', 'foreign').execute();
  assert.match(await page('/package/hello'), /far, another rebuilder, whose word counts no longer: hello/);
});

test('a badge says the share of a place, and that a place is not known', async () => {
  const badge = await pages.app.request('/badge/rebuild/debian/trixie/amd64.svg');
  assert.equal(badge.headers.get('Content-Type'), 'image/svg+xml');
  assert.match(await badge.text(), /<title>reproduced: 66\.6 %<\/title>/);
  assert.equal((await pages.app.request('/badge/rebuild/stable/amd64.svg')).status, 200);
  const other = await pages.app.request('/badge/rebuild/nowhere/amd64.svg');
  assert.deepEqual([other.status, /reproduced: unknown/.test(await other.text())], [404, true]);
});

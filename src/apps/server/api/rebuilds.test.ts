import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import type { OpenAPIHono } from '@hono/zod-openapi';

import { judgeOf, type Ask } from '../../../../test/api-judge.ts';
import { testDatabase, type TestDatabase } from '../../../../test/database.ts';
import { rebuildResult, recordResults, testRebuilder } from '../../../../test/rebuilds.ts';
import { seed, seedDistribution } from '../../../../test/seed.ts';
import { testWebDeps } from '../../../../test/web-deps.ts';
import { amd64, noNotifiers } from '../../../../test/jobs.ts';
import { parseLabel, parsePackageName, parseVersion } from '../../../model/names.ts';
import { addTasks, signRebuild } from '../../../rebuild/mod.ts';
import { jsonApi } from '../api.ts';

let database: TestDatabase;
let web: Awaited<ReturnType<typeof testWebDeps>>;
let api: OpenAPIHono;
let ask: Ask;
const far = testRebuilder('far');
const one = testRebuilder('one');
const zlib = rebuildResult({
  ...{ name: 'zlib', verdict: 'differs', place: 'debian/bookworm', reason: 'a build-id' },
  ...{ causes: [{ kind: 'clock', detail: '', confirmed: true }] },
});

before(async () => {
  database = await testDatabase();
  await seed(database.db);
  const name = parseLabel('far');
  const rebuilder = { name, publicKey: far.publicKey, validAfter: undefined, validBefore: undefined, isRevoked: false };
  web = await testWebDeps(database, { ...seedDistribution(), rebuilders: new Map([[name, rebuilder]]) });
  api = jsonApi(web.deps);
  ({ ask } = await judgeOf(api));
  await recordResults({ ...web.deps, blobs: web.blobs }, one, [
    rebuildResult({ finishedOn: '2026-01-01T00:02:00Z' }),
    zlib,
  ]);
});
after(async () => {
  await web.close();
  await database.close();
});

test('every question about rebuilds is answered as the document says', async () => {
  const { items, next } = await ask('/rebuilds?limit=1', '/rebuilds');
  assert.equal(items[0].name, 'hello');
  assert.equal((await ask(`/rebuilds?after=${encodeURIComponent(next)}`, '/rebuilds')).items[0].name, 'zlib');
  assert.equal((await ask('/rebuilds?verdict=differs&cause=clock', '/rebuilds')).items.length, 1);
  assert.equal((await ask('/rebuilds?cause=locale', '/rebuilds')).items.length, 0);
  await ask('/rebuilds?cause=weather', '/rebuilds', 400);
  await ask('/rebuilds?contains=%00', '/rebuilds', 400);
  const { result, statement } = await ask(`/rebuilds/${items[0].rebuild}`, '/rebuilds/{id}');
  assert.equal(result.source, 'hello');
  await ask('/rebuilds/9999', '/rebuilds/{id}', 404);
  const { sha256 } = items[0];
  assert.equal((await ask(`/rebuilds/about/${sha256}`, '/rebuilds/about/{sha256}')).items.length, 1);
  const envelope = await (await api.request(`/api/v1/rebuilds/statements/${statement}`)).text();
  assert.match(envelope, /"payloadType":"application\/vnd.in-toto\+json"/);
  assert.equal((await api.request(`/api/v1/rebuilds/statements/${sha256}`)).status, 404);
  const { items: counts } = await ask('/rebuilds/counts', '/rebuilds/counts');
  assert.deepEqual(counts.at(0), {
    place: 'debian/bookworm',
    architecture: 'amd64',
    counts: { reproduced: 0, differs: 1, unknown: 0, failed: 0 },
  });
});

test('rebuilds that workers are to make are listed, with why they wait', async () => {
  assert.deepEqual(await ask('/rebuilds/tasks', '/rebuilds/tasks'), { items: [] });
  const task = { source: parsePackageName('toy'), version: parseVersion('1'), architecture: amd64, suite: 'stable' };
  const how = { place: 'stable@20261121T100000Z', dependencies: [], nocheck: false, plain: false, experiments: 4 };
  const telling = { db: database.db, distribution: noNotifiers, now: web.deps.now };
  const [added] = await addTasks(telling, [{ ...task, ...how, priority: 0 }], 'ann');
  const { items } = await ask('/rebuilds/tasks?source=toy', '/rebuilds/tasks');
  assert.deepEqual(
    [items[0].reason, items[0].state, items[0].invocation],
    ['Waits for the server', 'waiting', undefined],
  );
  assert.deepEqual(await ask(`/rebuilds/tasks/${added!.id}`, '/rebuilds/tasks/{id}'), items[0]);
  await ask('/rebuilds/tasks/9999', '/rebuilds/tasks/{id}', 404);
});

test('a statement of a named rebuilder is taken, and one of nobody is not', async () => {
  const path = '/rebuilds/statements';
  const sign = (by: typeof far, invocation: string) =>
    JSON.parse(signRebuild({ rebuilder: by.name, invocation, result: zlib }, by.sign)) as object;
  const { rebuild, rebuilder } = await ask(path, path, 200, { body: sign(far, 'a') });
  assert.equal(rebuilder, 'far');
  assert.equal((await ask(path, path, 200, { body: sign(far, 'a') })).rebuild, rebuild);
  const refused = await ask(path, path, 403, { body: sign(testRebuilder('far'), 'b') });
  assert.equal(refused.error.code, 'bad-signature');
  await ask(path, path, 400, { body: { payloadType: 'x', payload: '', signatures: [{ sig: '' }] } });
  await ask(path, path, 413, { body: { payload: 'x'.repeat(4 * 2 ** 20) } });
  for (const [type, body] of [
    ['application/json', '{"payloadType":'],
    ['application/x-www-form-urlencoded', '{}'],
  ] as const) {
    const said = await api.request(`/api/v1${path}`, { method: 'POST', headers: { 'content-type': type }, body });
    assert.ok(said.status === 400 || said.status === 415, type);
    assert.equal(((await said.json()) as { error: { code: string } }).error.code, 'bad-request');
  }
});

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import type { OpenAPIHono } from '@hono/zod-openapi';

import { judgeOf, type Ask } from '../../../../test/api-judge.ts';
import { testDatabase, type TestDatabase } from '../../../../test/database.ts';
import { hostile, seedHistory, seedUpstreams } from '../../../../test/seed-history.ts';
import { seedDistribution } from '../../../../test/seed.ts';
import { testWebDeps } from '../../../../test/web-deps.ts';
import { isSha256, sha256 } from '../../../kit/digest.ts';
import { jsonApi } from '../api.ts';

let database: TestDatabase;
let web: Awaited<ReturnType<typeof testWebDeps>>;
let api: OpenAPIHono;
let ask: Ask;

before(async () => {
  database = await testDatabase();
  web = await testWebDeps(database, seedDistribution({ upstreams: seedUpstreams }));
  await seedHistory(web.deps.history);
  api = jsonApi(web.deps);
  ({ ask } = await judgeOf(api));
});
after(async () => {
  await web.close();
  await database.close();
});

test('upstreams and their looks answer as the document says', async () => {
  const { items } = await ask('/upstreams', '/upstreams');
  assert.deepEqual(
    items.map((each: { name: string }) => each.name),
    ['debian', 'partner'],
  );
  const debian = await ask('/upstreams/debian', '/upstreams/{name}');
  assert.equal(debian.suites[0].tracked.newest, '20261115T090000Z');
  assert.equal(debian.suites[0].check.outcome, 'unchanged');
  assert.equal((await ask('/upstreams/nobody', '/upstreams/{name}', 404)).error.code, 'not-found');
  const checks = await ask('/upstreams/debian/checks?suite=trixie', '/upstreams/{name}/checks');
  assert.equal(checks.items.find((each: { code?: string }) => each.code !== undefined).code, 'release-replayed');
  const suites = await ask('/tracked-suites', '/tracked-suites');
  assert.equal(suites.items.length, 3);
  assert.equal((await ask('/alarms', '/alarms')).items[0].name, 'hello');
});

test('snapshots are paged to their end, and one tells its changes and indexes', async () => {
  const seen: string[] = [];
  for (let next = ''; ;) {
    const page = await ask(`/snapshots?place=debian/trixie&limit=3${next}`, '/snapshots');
    seen.push(...page.items.map((each: { snapshotId: string }) => each.snapshotId));
    if (page.next === undefined) break;
    next = `&after=${page.next}`;
  }
  assert.deepEqual(seen, ['20261115T090000Z', '20261003T090000Z', '20260912T075541Z', '20260801T081500Z']);
  const one = await ask('/snapshot?place=debian/trixie@2026-10-20', '/snapshot');
  assert.equal(one.snapshotId, '20261003T090000Z');
  assert.equal(one.previous, '20260912T075541Z');
  assert.deepEqual(one.changes.binary, { added: 1, removed: 0, upgraded: 2, downgraded: 0, altered: 0 });
  assert.equal(one.indexes.length, 3);
  assert.equal((await ask('/snapshots?place=nowhere', '/snapshots', 404)).error.code, 'unknown-place');
  assert.equal((await ask('/snapshot?place=', '/snapshot', 400)).error.code, 'bad-request');
  assert.equal((await ask('/snapshots?place=debian/trixie&after=x', '/snapshots', 400)).error.code, 'bad-request');
});

test('an index is given out byte for byte, for ever where its place is exact', async () => {
  const { items } = await ask('/indexes?place=debian/trixie', '/indexes');
  for (const { path, sha256: digest, size } of items) {
    const query = new URLSearchParams({ place: 'debian/trixie@20261115T090000Z', path }).toString();
    const response = await api.request(`/api/v1/index?${query}`);
    const bytes = new Uint8Array(await response.arrayBuffer());
    assert.equal(sha256(bytes), digest);
    assert.equal(bytes.length, size);
    assert.equal(response.headers.get('ETag'), `"${digest}"`);
    assert.match(response.headers.get('Cache-Control') ?? '', /immutable/);
    assert.match(response.headers.get('Content-Disposition') ?? '', /^attachment/);
    const again = await api.request(`/api/v1/index?${query}`, { headers: { 'If-None-Match': `"${digest}"` } });
    assert.equal(again.status, 304);
  }
  const newest = await api.request('/api/v1/index?place=debian/trixie&path=main/binary-amd64/Packages');
  assert.equal(newest.headers.get('Cache-Control'), 'no-cache');
  assert.equal((await api.request('/api/v1/index?place=debian/trixie&path=../../etc/passwd')).status, 404);
});

test('a damaged index is never given out whole', async () => {
  const reported: unknown[] = [];
  const { store } = web.deps.history;
  const damaged = {
    id: store.id,
    put: store.put.bind(store),
    info: store.info.bind(store),
    read: store.read.bind(store),
    pieces: store.pieces.bind(store),
    readPieces: async (numbers: readonly number[] | Uint32Array) =>
      (await store.readPieces(numbers)).map((piece) =>
        Buffer.from(piece.toString('latin1').replace('hello', 'hullo'), 'latin1'),
      ),
  };
  const broken = jsonApi({
    ...web.deps,
    history: { ...web.deps.history, store: damaged },
    report: (error) => reported.push(error),
  });
  const response = await broken.request('/api/v1/index?place=debian/trixie&path=main/binary-amd64/Packages');
  await assert.rejects(response.arrayBuffer());
  assert.equal((reported[0] as { code: string }).code, 'index-corrupt');
});

test('packages tell where they were, and which hashes they had', async () => {
  const hello = await ask('/binaries/hello?origin=debian&suite=trixie', '/binaries/{name}');
  assert.deepEqual(
    hello.sightings.map((each: { entry: { version: string } }) => each.entry.version),
    ['2.10-5', '2.10-5', '2.10-4', '2.10-3'],
  );
  const doubled = hello.hashes.find((each: { sha256: string[] }) => each.sha256.length === 2);
  assert.equal(doubled.version, '2.10-5');
  const [digest] = doubled.sha256;
  assert.ok(isSha256(digest));
  const found = await ask(`/by-hash/${digest}`, '/by-hash/{sha256}');
  assert.equal(found.items[0].entry.name, 'hello');
  assert.equal((await ask(`/by-hash/${sha256('nothing')}`, '/by-hash/{sha256}')).items.length, 0);
  assert.equal((await ask('/sources/glibc', '/sources/{name}')).sightings[0].entry.kind, 'source');
  assert.equal((await ask('/binaries/nothing', '/binaries/{name}', 404)).error.code, 'not-found');
  assert.equal((await ask('/sources/nothing', '/sources/{name}', 404)).error.code, 'not-found');
});

test('a snapshot’s packages, stanzas and relations are read', async () => {
  const entries = await ask('/entries?place=debian/trixie&kind=binary&contains=ost', '/entries');
  assert.deepEqual(
    entries.items.map((each: { name: string }) => each.name),
    ['hostile', 'postfix'],
  );
  const stanza = await api.request('/api/v1/stanza?place=debian/trixie&kind=binary&name=hostile');
  assert.equal((await stanza.text()).trimEnd(), hostile.trimEnd());
  assert.match(stanza.headers.get('Content-Type') ?? '', /^text\/plain/);
  assert.equal((await api.request('/api/v1/stanza?place=debian/trixie&kind=binary&name=nothing')).status, 404);
  const relations = await ask('/relations?place=debian/trixie&to=libc6&limit=2', '/relations');
  assert.equal(relations.total, 3);
  const rest = await ask(
    `/relations?place=debian/trixie&to=libc6&limit=2&after=${encodeURIComponent(relations.next)}`,
    '/relations',
  );
  assert.deepEqual(
    [...relations.items, ...rest.items]
      .map((each: { field: string; entry: { name: string } }) => `${each.entry.name} ${each.field}`)
      .toSorted(),
    ['exim4-daemon-light Depends', 'hello Depends', 'postfix Depends'],
  );
});

test('names and files are found', async () => {
  const names = (await ask('/search?q=Hel', '/search')).items;
  assert.deepEqual(names.map((each: { kind: string }) => each.kind).toSorted(), ['binary', 'source']);
  const files = async (query: string) => (await ask(`/files?place=debian/trixie&${query}`, '/files')).items;
  assert.deepEqual(await files('path=usr/bin/hello'), [{ path: 'usr/bin/hello', packages: ['hello'] }]);
  assert.equal((await files('name=sendmail'))[0].packages.length, 2);
  assert.equal((await files('contains=share/doc')).length, 1);
  assert.equal((await files('package=hello')).length, 2);
  assert.equal((await ask('/files?place=debian/sid&name=hello', '/files', 404)).error.code, 'not-found');
  assert.equal((await ask('/files?place=debian/trixie', '/files', 400)).error.code, 'bad-request');
  assert.equal((await ask('/files?place=debian/trixie&contains=ab', '/files', 400)).error.code, 'bad-request');
});

test('two places are compared, and a snapshot with the one before it', async () => {
  const changed = await ask('/compare?b=debian/trixie@20261003T090000Z', '/compare');
  assert.equal(changed.counts.binary.upgraded, 2);
  assert.equal(changed.left.snapshotId, '20260912T075541Z');
  const both = await ask(
    '/compare?a=debian/trixie&b=debian/sid&kinds=binary&only=upgraded,removed&names=hel*',
    '/compare',
  );
  assert.deepEqual(
    both.sources.map((each: { source: string }) => each.source),
    ['hello'],
  );
  assert.equal((await ask('/compare?b=nowhere', '/compare', 404)).error.code, 'unknown-place');
  assert.equal((await ask('/compare?b=debian/trixie&only=nonsense', '/compare', 400)).error.code, 'bad-request');
  assert.equal(
    (await ask('/compare?b=debian/trixie@20260801T081500Z', '/compare', 400)).error.code,
    'no-earlier-snapshot',
  );
  // Paths are for the command line: whoever asks over the network reads no files of ours.
  assert.equal((await ask('/compare?a=/etc&b=debian/trixie', '/compare', 404)).error.code, 'unknown-place');
});

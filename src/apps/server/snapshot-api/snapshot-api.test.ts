import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';

import type { Hono } from 'hono';

import { seedHistory, seedUpstreams } from '../../../../test/seed-history.ts';
import { toyArchive, toyPackage, type ToyArchive } from '../../../../test/toy-archive.ts';
import { testWebDeps } from '../../../../test/web-deps.ts';
import { acceptBinaries, acceptSource, publishSuite } from '../../../archive/mod.ts';
import { parseSha256, sha256 } from '../../../kit/digest.ts';
import { snapshotApi } from './mod.ts';

let toy: ToyArchive;
let web: Awaited<ReturnType<typeof testWebDeps>>;
let api: Hono;
const ids: string[] = [];

async function add(version: string, publish: boolean, at: string): Promise<void> {
  const { deps } = toy;
  const now = new Date(at);
  const requests = await toyPackage(deps.blobs, 'toy', version, [
    { name: 'toy' },
    { name: 'toy-data', architecture: 'all', version: `${version}+d` },
  ]);
  assert.equal((await acceptSource(deps, requests.source, now)).kind, 'accepted');
  assert.equal((await acceptBinaries(deps, requests.binaries, now)).kind, 'accepted');
  if (!publish) return;
  const done = await publishSuite(deps, 'stable', now);
  assert.equal(done.kind, 'published');
  ids.push(done.snapshotId);
}

before(async () => {
  toy = await toyArchive();
  web = await testWebDeps(toy.database);
  await seedHistory(web.deps.history);
  await add('1:1.9', true, '2026-11-01T00:00:00Z');
  await add('1:1.10', true, '2026-11-02T00:00:00Z');
  await add('2.0', false, '2026-11-03T00:00:00Z');
  api = snapshotApi({
    ...{ db: toy.deps.db, blobs: toy.deps.blobs, directory: toy.deps.directory, history: web.deps.history },
    distribution: { upstreams: seedUpstreams },
  });
});
after(async () => {
  await web.close();
  await toy.close();
});

// oxlint-disable-next-line typescript/no-explicit-any -- whatever JSON says is compared as a whole.
type Json = any;

async function get(path: string): Promise<Json> {
  const response = await api.request(path);
  assert.equal(response.status, 200, path);
  const { _comment, ...rest } = (await response.json()) as Json;
  assert.equal(typeof _comment, 'string');
  return rest;
}

async function bytes(hash: string): Promise<Buffer> {
  const response = await api.request(`/file/${hash}`);
  assert.equal(response.status, 200);
  return Buffer.from(await response.arrayBuffer());
}

const sha1 = (content: Uint8Array) => createHash('sha1').update(content).digest('hex');

test('snapshotApi lists source packages and their versions, the newest first', async () => {
  const { result } = await get('/mr/package/');
  assert.deepEqual(
    result.filter((each: { package: string }) => ['toy', 'hello'].includes(each.package)),
    [{ package: 'hello' }, { package: 'toy' }],
  );
  for (const path of ['/mr/package/toy/', '/mr/package/toy']) {
    assert.deepEqual(await get(path), { package: 'toy', result: [{ version: '1:1.10' }, { version: '1:1.9' }] });
  }
});

test('snapshotApi tells the files of a source package, and gives them by SHA-1 and SHA-256', async () => {
  const found = await get('/mr/package/toy/1:1.10/srcfiles?fileinfo=1');
  assert.deepEqual([found.package, found.version, found.result.length], ['toy', '1:1.10', 2]);
  assert.deepEqual(
    Object.keys(found.fileinfo).toSorted(),
    found.result.map(({ hash }: { hash: string }) => hash).toSorted(),
  );
  for (const [hash, [info, ...others]] of Object.entries<Json>(found.fileinfo)) {
    assert.match(info.name, /^toy_1\.10\.(?:dsc|tar\.xz)$/);
    const { name, size, sha256: digest, ...rest } = info;
    assert.deepEqual(rest, { archive_name: 'main', path: '/pool/main/t/toy', first_seen: ids[1] });
    assert.equal(others.length, 0);
    const content = await bytes(hash);
    assert.deepEqual([hash, digest, size], [sha1(content), sha256(content), content.length], name);
    assert.deepEqual(await bytes(digest), content);
    assert.deepEqual((await get(`/mr/file/${hash}/info`)).result, [info]);
    assert.deepEqual(await get(`/mr/file/${digest}/info`), { hash: digest, result: [info] });
  }
  assert.equal((await get('/mr/package/toy/1%3A1.10/srcfiles')).fileinfo, undefined);
});

test('snapshotApi tells the binary packages of a source package', async () => {
  assert.deepEqual((await get('/mr/package/toy/1:1.9/binpackages')).result, [
    { name: 'toy', version: '1:1.9' },
    { name: 'toy-data', version: '1:1.9+d' },
  ]);
  const files = await get('/mr/package/toy/1:1.9/binfiles/toy-data/1:1.9+d?fileinfo=1');
  const [{ hash }] = files.result;
  const { fileinfo, ...rest } = files;
  assert.deepEqual(rest, {
    ...{ package: 'toy', version: '1:1.9', binary: 'toy-data', binary_version: '1:1.9+d' },
    result: [{ architecture: 'all', hash }],
  });
  const content = await bytes(hash);
  assert.equal(hash, sha1(content));
  assert.deepEqual(fileinfo[hash], [
    {
      ...{ name: 'toy-data_1.9+d_all.deb', archive_name: 'main', path: '/pool/main/t/toy', size: content.length },
      ...{ first_seen: ids[0], sha256: sha256(content) },
    },
  ]);
  const all = await get('/mr/package/toy/1:1.9/allfiles?fileinfo=1');
  assert.equal(all.result.source.length, 2);
  assert.deepEqual(all.result.binaries[1], { name: 'toy-data', version: '1:1.9+d', files: rest.result });
  assert.equal(Object.keys(all.fileinfo).length, 4);
});

test('snapshotApi finds binary packages by their own name', async () => {
  assert.deepEqual((await get('/mr/binary/toy-data/')).result, [
    { source: 'toy', version: '1:1.10', binary_version: '1:1.10+d', name: 'toy-data' },
    { source: 'toy', version: '1:1.9', binary_version: '1:1.9+d', name: 'toy-data' },
  ]);
  const { fileinfo, ...files } = await get('/mr/binary/toy/1:1.9/binfiles?fileinfo=1');
  const [{ hash }] = files.result;
  assert.deepEqual(files, { binary: 'toy', binary_version: '1:1.9', result: [{ architecture: 'amd64', hash }] });
  assert.equal(fileinfo[hash][0].name, 'toy_1.9_amd64.deb');
});

test('snapshotApi tells when something was published', async () => {
  assert.deepEqual((await get('/mr/timestamp')).result, { main: ids });
  assert.deepEqual((await get(`/mr/timestamp/?archive=main&after=${ids[1]}`)).result, { main: [ids[1]] });
  assert.deepEqual((await get(`/mr/timestamp?before=20261101T000000Z`)).result, { main: [ids[0]] });
  assert.equal((await api.request('/mr/timestamp?archive=other')).status, 404);
});

test('snapshotApi knows what upstreams had, by SHA-256, and leads to their files', async () => {
  const versions: string[] = (await get('/mr/package/hello/')).result.map((each: { version: string }) => each.version);
  const found = await get(`/mr/package/hello/${versions[0]}/srcfiles?fileinfo=1`);
  const name = `hello_${versions[0]}.orig.tar.xz`;
  const [info] = found.fileinfo[sha256(name)];
  assert.deepEqual([info.archive_name, info.path, info.name], ['debian', '/pool/main/h/hello', name]);
  const response = await api.request(`/file/${sha256(name)}`);
  assert.equal(response.status, 302);
  assert.equal(response.headers.get('location'), `http://deb.example.org/debian/pool/main/h/hello/${name}`);
  const binaries = await get('/mr/binary/libc6/');
  assert.equal(binaries.result[0].source, 'glibc');
  const { binary_version: version } = binaries.result[0];
  const { result, fileinfo } = await get(`/mr/binary/libc6/${version}/binfiles?fileinfo=1`);
  assert.equal(fileinfo[result[0].hash][0].name, `libc6_${version}_amd64.deb`);
  assert.equal((await get(`/mr/file/${result[0].hash}/info`)).result[0].size, 53_080);
});

test('snapshotApi keeps to itself what was never published, and answers 404 to what is not', async () => {
  const hidden = (await toyPackage(toy.deps.blobs, 'toy', '2.0')).source.files[0]!;
  const content = await toy.deps.blobs.read(parseSha256(hidden.sha256));
  for (const path of [
    '/mr/package/none/',
    '/mr/package/toy/2.0/srcfiles',
    '/mr/package/toy/2.0/allfiles',
    '/mr/package/toy/2.0/binpackages',
    '/mr/package/toy/2.0/binfiles/toy/2.0',
    '/mr/package/toy/1:1.9/binfiles/toy/2.0',
    '/mr/binary/none/',
    '/mr/binary/toy/2.0/binfiles',
    `/mr/file/${hidden.sha256}/info`,
    `/file/${hidden.sha256}`,
    `/file/${sha1(content)}`,
    `/file/${'0'.repeat(40)}`,
    `/file/${'0'.repeat(64)}`,
    '/file/..%2f..%2fmain.asc',
    '/mr/file/x/info',
  ]) {
    assert.equal((await api.request(path)).status, 404, path);
  }
});

test('snapshotApi gives parts of a file, and 304', async () => {
  const { result } = await get('/mr/binary/toy/1:1.9/binfiles');
  const path = `/file/${result[0].hash}`;
  const whole = await api.request(path);
  const etag = whole.headers.get('etag')!;
  const content = Buffer.from(await whole.arrayBuffer());
  assert.equal(etag, `"${sha256(content)}"`);
  const part = await api.request(path, { headers: { range: 'bytes=-10' } });
  assert.equal(part.status, 206);
  assert.deepEqual(Buffer.from(await part.arrayBuffer()), content.subarray(-10));
  assert.equal((await api.request(path, { headers: { 'if-none-match': etag } })).status, 304);
  const head = await api.request(path, { method: 'HEAD' });
  assert.deepEqual([head.status, head.headers.get('content-length')], [200, String(content.length)]);
});

import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { sha256 } from '../kit/digest.ts';
import type { LockedPackage } from '../model/lock.ts';
import { parseArchitecture, parsePackageName, parseVersion } from '../model/names.ts';
import { DebCache } from './deb-cache.ts';

type Answer = (request: IncomingMessage, response: ServerResponse, count: number) => void;

async function world(t: TestContext, answer: Answer) {
  let count = 0;
  const server = createServer((request, response) => answer(request, response, ++count));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-debs-'));
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    await rm(directory, { recursive: true });
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const cache = new DebCache({ directory, patience: 500 });
  const files = async () =>
    (await readdir(directory, { recursive: true, withFileTypes: true })).filter((each) => each.isFile());
  const package_ = (bytes: Buffer, name = 'hello'): LockedPackage => ({
    name: parsePackageName(name),
    version: parseVersion('1:2.0-1'),
    architecture: parseArchitecture('amd64'),
    sha256: sha256(bytes),
    size: bytes.length,
    url: `${url}/${name}.deb`,
  });
  return { cache, files, package_, requests: () => count };
}

const body = Buffer.alloc(300_000, 'abcdefg');

test('fetch brings a file once, and again when it was spoilt', async (t) => {
  const { cache, package_, requests } = await world(t, (_, response) => response.end(body));
  const [path] = await cache.fetch([package_(body)]);
  assert.deepEqual(await readFile(path!), body);
  await cache.fetch([package_(body)]);
  assert.equal(requests(), 1);
  await writeFile(path!, Buffer.alloc(body.length));
  await cache.fetch([package_(body)]);
  assert.deepEqual([requests(), await readFile(path!)], [2, body]);
});

test('fetch goes on where a connection broke', async (t) => {
  const ranges: (string | undefined)[] = [];
  const { cache, package_ } = await world(t, (request, response, count) => {
    ranges.push(request.headers.range);
    if (count === 1) {
      response.writeHead(200, { 'content-length': body.length });
      response.write(body.subarray(0, 100_000), () => setTimeout(() => response.destroy(), 50));
      return;
    }
    const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    response.writeHead(206).end(body.subarray(start));
  });
  const [path] = await cache.fetch([package_(body)]);
  assert.deepEqual(await readFile(path!), body);
  assert.match(ranges[1] ?? '', /^bytes=[1-9]\d*-$/);
});

test('fetch starts over where a server knows no ranges, and waits no longer than its patience', async (t) => {
  const { cache, package_ } = await world(t, (_, response, count) => {
    if (count > 1) return void response.end(body);
    response.writeHead(200, { 'content-length': body.length });
    response.write(body.subarray(0, 1000));
  });
  const [path] = await cache.fetch([package_(body)]);
  assert.deepEqual(await readFile(path!), body);
});

test('fetch refuses another file of the same size, a longer one and a missing one, and keeps nothing', async (t) => {
  const { cache, files, package_ } = await world(t, (request, response) => {
    if (request.url === '/other.deb') response.end(Buffer.alloc(body.length));
    else if (request.url === '/longer.deb') response.end(Buffer.concat([body, body]));
    else response.writeHead(404).end();
  });
  await assert.rejects(cache.fetch([package_(body, 'other')]), {
    code: 'deb-mismatch',
    kind: 'environment',
    message: /other 1:2\.0-1/,
  });
  await assert.rejects(cache.fetch([package_(body, 'longer')]), { code: 'deb-unavailable', message: /larger than/ });
  await assert.rejects(cache.fetch([package_(body, 'missing')]), { code: 'deb-unavailable', message: /answered 404/ });
  assert.deepEqual(await files(), []);
});

test('fetch reports how far it is and can be called off', async (t) => {
  const { cache, package_ } = await world(t, (request, response) => {
    if (request.url === '/hello.deb') response.end(body);
  });
  const seen: number[] = [];
  await cache.fetch([package_(body)], { onProgress: ({ done, total }) => seen.push(done / total) });
  assert.deepEqual([seen[0], seen.at(-1)], [0, 1]);
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 50);
  await assert.rejects(cache.fetch([package_(Buffer.from('x'), 'hanging')], { signal: controller.signal }), {
    name: 'AbortError',
  });
});

import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { sha256 } from '../kit/digest.ts';
import type { LockedPackage } from '../model/lock.ts';
import { parseArchitecture, parsePackageName, parseVersion } from '../model/names.ts';
import { DebCache } from './deb-cache.ts';
import { runChecked } from './process.ts';

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
  return { cache, directory, files, package_, url, requests: () => count };
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

test('fetch asks the other archives of a lock, and says what each of them answered', async (t) => {
  const { cache, package_, url } = await world(t, (request, response) => {
    if (request.url === '/mirror/pool/kept.deb') response.end(body);
    else response.writeHead(request.url!.startsWith('/mirror/') ? 410 : 404).end();
  });
  const archives = [`${url}/archive/`, `${url}/mirror`];
  const at = (name: string) => ({ ...package_(body, name), url: `${url}/archive/pool/${name}.deb` });
  let last = 0;
  const onProgress = ({ done, total }: { done: number; total: number }) => (last = done / total);
  const [path] = await cache.fetch([at('kept')], { archives, onProgress });
  assert.deepEqual([await readFile(path!), last], [body, 1]);
  await assert.rejects(cache.fetch([{ ...at('gone'), sha256: sha256('gone') }], { archives }), {
    code: 'deb-unavailable',
    message: `Cannot fetch gone 1:2.0-1 (amd64) from ${url}/archive/pool/gone.deb: the server answered 404; from ${url}/mirror/pool/gone.deb: the server answered 410`,
  });
});

test('fetch throws what failed first, not that the others were called off', async (t) => {
  const { cache, package_ } = await world(t, (request, response) => {
    // The first one is about to be tried again when the second one fails.
    if (request.url === '/first.deb') response.writeHead(503).end();
    else setTimeout(() => response.writeHead(404).end(), 100);
  });
  const wanted = ['first', 'second'].map((name) => package_(Buffer.from(name.padEnd(9)), name));
  await assert.rejects(cache.fetch(wanted), { code: 'deb-unavailable', message: /second.*answered 404/ });
});

const notRoot = process.getuid!() === 0 ? false : 'only root can mount a small disk';

test(
  'fetch says which disk is full and what is needed, keeps nothing half, and goes on',
  { skip: notRoot },
  async (t) => {
    const { cache, directory, files, package_ } = await world(t, (_, response) => response.end(body));
    await mkdir(directory, { recursive: true });
    await runChecked(['mount', '-t', 'tmpfs', '-o', 'size=200k', 'tmpfs', directory]);
    try {
      await assert.rejects(cache.fetch([package_(body)]), {
        ...{ code: 'disk-full', kind: 'environment' },
        message: `Cannot keep packages: no room left on the disk of ${directory} (200 KiB free); what is still to be fetched needs 293 KiB`,
      });
      assert.deepEqual(await files(), []);
      await writeFile(join(directory, 'source'), body.subarray(0, 150_000));
      await assert.rejects(cache.take(package_(body), join(directory, 'source')), { code: 'disk-full' });
      await rm(join(directory, 'source'));
      await runChecked(['mount', '-o', 'remount,size=1m', directory]);
      const [path] = await cache.fetch([package_(body)]);
      assert.deepEqual(await readFile(path!), body);
    } finally {
      await runChecked(['umount', directory]);
    }
  },
);

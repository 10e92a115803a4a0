import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { createServer, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';

import { archiveServer } from '../../../test/archive-server.ts';
import { SheafError } from '../../kit/error.ts';
import { toyDistribution } from '../../../test/toy-archive.ts';
import { archiveFiles } from './archive-files.ts';

const directory = await mkdtemp(join(tmpdir(), 'sheaf-files-'));
const archive = join(directory, 'archive');
const deb = Buffer.from(Array.from({ length: 1000 }, (_, index) => index % 256));
const id = '20261121T030000Z';
const modified = new Date('2026-11-21T03:00:00Z');

async function file(path: string, bytes: Uint8Array | string): Promise<void> {
  const target = join(archive, 'main', path);
  await mkdir(join(target, '..'), { recursive: true });
  await writeFile(target, bytes);
  await utimes(target, modified, modified);
}

await file('pool/main/h/hello/hello_2.10~rc1+b1_amd64.deb', deb);
await file('by-hash/SHA256/abc', 'index');
await file(`snapshot/stable/${id}/dists/stable/InRelease`, 'release');
await file(`snapshot/stable/${id}/dists/stable/main/binary-amd64/Packages.xz`, 'packed');
await file(`snapshot/stable/20261121T030001Z.tmp/dists/stable/InRelease`, 'unfinished');
await file('pool/main/e/empty/<script>.dsc', '');
await mkdir(join(archive, 'main/dists'));
await symlink(`../snapshot/stable/${id}/dists/stable`, join(archive, 'main/dists/stable'));
await symlink('../../../pool', join(archive, `main/snapshot/stable/${id}/pool`));
await symlink(id, join(archive, 'main/snapshot/stable/7'));
await symlink(
  '../../../../../../../by-hash',
  join(archive, `main/snapshot/stable/${id}/dists/stable/main/binary-amd64/by-hash`),
);
await writeFile(join(directory, 'secret'), 'secret');
await symlink('../../secret', join(archive, 'main/leak'));
await mkdir(join(archive, 'private'));
await writeFile(join(archive, 'private/file'), 'not a repository of the settings');

const files = archiveFiles({ distribution: toyDistribution(directory), directory: archive }, (_, response) => {
  response.end('a page');
});
const server = createServer(files).listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;
test.after(async () => {
  server.close();
  await rm(directory, { recursive: true });
});

type Answer = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: Buffer };

/** The path goes out as it is: fetch would tidy it up. */
function get(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, path, method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks) }),
      );
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end();
  });
}

const largePath = '/main/pool/main/l/long/long_1_amd64.deb';
await file(largePath.slice(6), Buffer.alloc(700_001, 'long'));
const debPath = '/main/pool/main/h/hello/hello_2.10~rc1+b1_amd64.deb';

test('archiveFiles serves a package with its type, size, and for ever', async () => {
  for (const path of [
    debPath,
    debPath.replace('~', '%7e').replace('+', '%2B'),
    `/snapshot/stable@${id}${debPath.slice(5)}`,
  ]) {
    const { status, headers, body } = await get(path);
    assert.equal(status, 200, path);
    assert.deepEqual(body, deb);
    assert.equal(headers['content-type'], 'application/vnd.debian.binary-package');
    assert.equal(headers['content-length'], '1000');
    assert.match(headers['cache-control']!, /immutable/);
    assert.equal(headers['last-modified'], 'Sat, 21 Nov 2026 03:00:00 GMT');
  }
});

test('archiveFiles lets nobody keep the pointer, and serves it as text', async () => {
  const { headers, body } = await get('/main/dists/stable/InRelease');
  assert.equal(body.toString(), 'release');
  assert.equal(headers['cache-control'], 'no-cache');
  assert.equal(headers['content-type'], 'text/plain; charset=utf-8');
});

test('archiveFiles finds a snapshot by its id and by its number, and indexes by hash', async () => {
  for (const name of [id, '7']) {
    const { headers, body } = await get(`/snapshot/stable@${name}/dists/stable/InRelease`);
    assert.equal(body.toString(), 'release');
    assert.match(headers['cache-control']!, /immutable/);
  }
  const { headers, body } = await get('/main/dists/stable/main/binary-amd64/by-hash/SHA256/abc');
  assert.equal(body.toString(), 'index');
  assert.match(headers['cache-control']!, /immutable/);
});

test('archiveFiles answers HEAD as GET without a body', async () => {
  const [head, whole] = [await get(debPath, {}, 'HEAD'), await get(debPath)];
  assert.equal(head.body.length, 0);
  const { date: _a, ...left } = head.headers;
  const { date: _b, ...right } = whole.headers;
  assert.deepEqual(left, right);
});

const ranges: readonly [string, number, string | undefined, Buffer | undefined][] = [
  ['bytes=0-9', 206, 'bytes 0-9/1000', deb.subarray(0, 10)],
  ['bytes=990-', 206, 'bytes 990-999/1000', deb.subarray(990)],
  ['bytes=-5', 206, 'bytes 995-999/1000', deb.subarray(995)],
  ['bytes=-5000', 206, 'bytes 0-999/1000', deb],
  ['bytes=999-5000', 206, 'bytes 999-999/1000', deb.subarray(999)],
  ['bytes=1000-', 416, 'bytes */1000', Buffer.alloc(0)],
  ['bytes=-0', 416, 'bytes */1000', Buffer.alloc(0)],
  ['bytes=5-2', 200, undefined, deb],
  // More bytes than the whole: the whole is simpler.
  ['bytes=0-799,100-999', 200, undefined, deb],
  ['bytes=2000-,5-9', 206, 'bytes 5-9/1000', deb.subarray(5, 10)],
  ['bytes=2000-,3000-', 416, 'bytes */1000', Buffer.alloc(0)],
  ['bytes=0-1,x', 200, undefined, deb],
  ['bytes=99999999999999999999-', 416, 'bytes */1000', Buffer.alloc(0)],
  ['lines=0-1', 200, undefined, deb],
  ['bytes=-', 200, undefined, deb],
];
for (const [range, status, contentRange, body] of ranges) {
  test(`archiveFiles answers the range ${range} with ${status}`, async () => {
    const answer = await get(debPath, { range });
    assert.equal(answer.status, status);
    assert.equal(answer.headers['content-range'], contentRange);
    assert.deepEqual(answer.body, body);
  });
}

test('archiveFiles answers several ranges in one body of parts', async () => {
  for (const path of [debPath, largePath]) {
    const whole = (await get(path)).body;
    const { status, headers, body } = await get(path, { range: 'bytes=0-9, 990-999 ,-5' });
    assert.equal(status, 206);
    assert.equal(Number(headers['content-length']), body.length);
    const boundary = /^multipart\/byteranges; boundary=(\w+)$/.exec(headers['content-type']!)![1]!;
    const parts = body.toString('latin1').split(`--${boundary}`);
    assert.deepEqual([parts.length, parts[0], parts.at(-1)], [5, '', '--\r\n']);
    const size = whole.length;
    for (const [index, [start, end]] of [
      [0, 9],
      [990, 999],
      [size - 5, size - 1],
    ].entries()) {
      const [head, content] = parts[index + 1]!.split('\r\n\r\n');
      assert.equal(
        head,
        `\r\nContent-Type: application/vnd.debian.binary-package\r\nContent-Range: bytes ${start}-${end}/${size}`,
      );
      assert.equal(content, `${whole.subarray(start, end! + 1).toString('latin1')}\r\n`);
    }
  }
});

test('archiveFiles continues a download only of the same file', async () => {
  const { headers } = await get(debPath);
  const range = 'bytes=500-';
  assert.equal((await get(debPath, { range, 'if-range': headers.etag! })).status, 206);
  assert.equal((await get(debPath, { range, 'if-range': headers['last-modified']! })).status, 206);
  assert.equal((await get(debPath, { range, 'if-range': '"other"' })).status, 200);
  assert.equal((await get(debPath, { range, 'if-range': 'Sat, 21 Nov 2026 02:59:59 GMT' })).status, 200);
});

test('archiveFiles answers 304 to who has the file', async () => {
  const { headers } = await get(debPath);
  const unchanged = async (asked: Record<string, string>) => (await get(debPath, asked)).status === 304;
  assert.ok(await unchanged({ 'if-none-match': headers.etag! }));
  assert.ok(await unchanged({ 'if-none-match': `"a", W/${headers.etag}` }));
  assert.ok(await unchanged({ 'if-none-match': '*' }));
  assert.ok(await unchanged({ 'if-modified-since': headers['last-modified']! }));
  assert.ok(!(await unchanged({ 'if-none-match': '"a"' })));
  assert.ok(!(await unchanged({ 'if-none-match': '"a"', 'if-modified-since': headers['last-modified']! })));
  assert.ok(!(await unchanged({ 'if-modified-since': 'Sat, 21 Nov 2026 02:59:59 GMT' })));
  // Another file, newer or older than this one, is what such a client has.
  assert.ok(!(await unchanged({ 'if-modified-since': 'Sat, 21 Nov 2026 03:00:01 GMT' })));
});

for (const path of [
  '/main/../../secret',
  '/main/%2e%2e/%2e%2e/secret',
  '/main/..%2f..%2fsecret',
  '/main/pool/../../../secret',
  '/main/leak',
  '/main/%00',
  '/main/pool/%',
  '/main/snapshot/stable/20261121T030001Z.tmp/dists/stable/InRelease',
  '/snapshot/stable@20261121T025959Z/dists/stable/InRelease',
  '/archive/main/20261121T025959Z/dists/stable/InRelease',
  `/archive/main/${id}/dists/none/InRelease`,
  `/archive/main/${id}/snapshot/stable/`,
  `/archive/main/${id}/leak`,
  `/archive/main/${id}/pool/../../../secret`,
  `/archive/main/${id}/pool/%2e%2e/%2e%2e/secret`,
  '/archive/main/7/dists/stable/InRelease',
  '/snapshot/stable@7/../../../../secret',
  '/snapshot/stable@7/%2e%2e/%2e%2e/%2e%2e/%2e%2e/secret',
  `/main/dists/stable/InRelease/`,
  '/main/dists/none/InRelease',
  `/main/${'a'.repeat(5000)}`,
]) {
  test(`archiveFiles has nothing at ${path.slice(0, 60)}`, async () => {
    const { status, body } = await get(path);
    // What Node's URL tidies up may lead out of the archive altogether: then it is a page's.
    assert.ok(status === 404 || body.toString() === 'a page', `${status} ${body.toString()}`);
  });
}

test('archiveFiles leaves to others what is not the archive', async () => {
  for (const path of [
    '/',
    '/main',
    '/main/',
    '/private/file',
    '/snapshot/',
    '/snapshot/other@7/x',
    '/packages/main/pool',
    '/archive',
    '/archive/other/20261121T030000Z/',
    '/snapshot/stable@x/',
  ]) {
    assert.equal((await get(path)).body.toString(), 'a page', path);
  }
});

test('archiveFiles lets its files only be read, and leaves what is sent elsewhere to others', async () => {
  for (const path of [debPath, '/main/pool/', `/snapshot/stable@${id}${debPath.slice(5)}`, '/archive/main/']) {
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      // Also when the file has just been asked for.
      await get(path);
      const { status, headers } = await get(path, {}, method);
      assert.deepEqual([status, headers.allow], [405, 'GET, HEAD'], `${method} ${path}`);
    }
  }
  assert.equal((await get('/upload/stable/hello.deb', {}, 'PUT')).body.toString(), 'a page');
});

test('archiveFiles names an index by its hash, and no two files alike', async () => {
  const hash = 'ab'.repeat(32);
  await file(`by-hash/SHA256/${hash}`, 'index');
  const found = await get(`/main/dists/stable/main/binary-amd64/by-hash/SHA256/${hash}`);
  assert.equal(found.headers.etag, `"${hash}"`);
  assert.notEqual((await get(debPath)).headers.etag, (await get(largePath)).headers.etag);
});

test('archiveFiles sees at once that a pointer has moved, or that a file is another', async () => {
  const next = '20261121T040000Z';
  await file(`snapshot/stable/${next}/dists/stable/InRelease`, 'newer release');
  const { headers } = await get('/main/dists/stable/InRelease');
  await rm(join(archive, 'main/dists/stable'));
  await symlink(`../snapshot/stable/${next}/dists/stable`, join(archive, 'main/dists/stable'));
  const moved = await get('/main/dists/stable/InRelease', { 'if-none-match': headers.etag! });
  assert.equal(moved.body.toString(), 'newer release');
  await file(`snapshot/stable/${next}/dists/stable/InRelease`, 'mended release');
  assert.equal((await get('/main/dists/stable/InRelease')).body.toString(), 'mended release');
  await rm(join(archive, 'main/dists/stable'));
  await rm(join(archive, `main/snapshot/stable/${next}`), { recursive: true });
  assert.equal((await get('/main/dists/stable/InRelease')).status, 404);
  await symlink(`../snapshot/stable/${id}/dists/stable`, join(archive, 'main/dists/stable'));
});

test('archiveFiles brings back what the pool keeps elsewhere, under each of its names', async () => {
  const asked: string[] = [];
  const recall = async (repository: string, path: string) => {
    asked.push(`${repository} ${path}`);
    if (!path.endsWith('away.deb')) return false;
    await file(path, 'back');
    return true;
  };
  const distribution = toyDistribution(directory);
  const other = await archiveServer(() => ({ distribution, directory: archive, recall }));
  test.after(other.close);
  const path = 'pool/main/a/away/away.deb';
  for (const url of [`/main/${path}`, `/snapshot/stable@${id}/${path}`]) {
    await rm(join(archive, 'main', path), { force: true });
    assert.equal(await (await fetch(other.url + url)).text(), 'back', url);
    assert.equal(await (await fetch(other.url + url)).text(), 'back', url);
  }
  assert.equal((await fetch(`${other.url}/main/pool/none`)).status, 404);
  assert.equal((await fetch(`${other.url}/main/dists/none`)).status, 404);
  assert.deepEqual(asked, [`main ${path}`, `main ${path}`, 'main pool/none']);
});

test('archiveFiles tells a storage that does not answer from a fault of its own', async () => {
  let fault: Error = new SheafError('bucket-failed', 'Cannot reach the blobs', { kind: 'environment' });
  const distribution = toyDistribution(directory);
  const recall = () => Promise.reject(fault);
  const other = await archiveServer(() => ({ distribution, directory: archive, recall }));
  test.after(other.close);
  assert.equal((await fetch(`${other.url}/main/pool/none`)).status, 503);
  fault = new Error('a mistake');
  assert.equal((await fetch(`${other.url}/main/pool/none`)).status, 500);
});

test('archiveFiles takes several slashes for one', async () => {
  const same = await get('/main/dists/stable/InRelease');
  for (const url of [
    '//main/dists/stable/InRelease',
    '/main//dists//stable/InRelease',
    `/snapshot//stable@${id}//dists/stable/InRelease`,
  ]) {
    assert.deepEqual((await get(url)).body, same.body, url);
  }
  assert.equal((await get('/main//pool/../../secret')).status, 404);
  assert.equal((await get('/main/dists/stable/InRelease//')).status, 404);
});

test('archiveFiles lists a folder, with names that cannot become markup', async () => {
  assert.equal((await get('/main/pool/main')).headers.location, 'main/');
  const { headers, body } = await get('/main/pool/main/e/empty/');
  assert.equal(headers['content-type'], 'text/html; charset=utf-8');
  assert.ok(body.includes('<a href="%3Cscript%3E.dsc">&lt;script&gt;.dsc</a>'), body.toString());
  assert.match((await get('/main/snapshot/stable/')).body.toString(), /20261121T030000Z\//);
  assert.doesNotMatch((await get('/main/snapshot/stable/')).body.toString(), /tmp/);
  assert.equal((await get('/main/pool/main/e/empty/%3Cscript%3E.dsc')).status, 200);
});

test('archiveFiles leads upwards only where a folder is', async () => {
  for (const url of [`/snapshot/stable@${id}/`, '/snapshot/stable@7/', '/archive/main/']) {
    const { status, body } = await get(url);
    assert.equal(status, 200, url);
    assert.ok(!body.includes('"../"'), url);
  }
  for (const url of [
    `/archive/main/${id}/`,
    `/snapshot/stable@${id}/dists/`,
    '/main/pool/',
    '/main/snapshot/stable/',
  ]) {
    assert.ok((await get(url)).body.includes('"../"'), url);
  }
});

const openFiles = () =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(archive);
    } catch {
      return false;
    }
  }).length;

test('archiveFiles gives its files back when clients go away', async () => {
  await file('pool/main/l/large/large_1_amd64.deb', Buffer.alloc(30_000_000));
  const before = process.memoryUsage().rss;
  await Promise.all(
    Array.from(
      { length: 20 },
      () =>
        new Promise<void>((resolve, reject) => {
          const request = httpRequest(
            { host: '127.0.0.1', port, path: '/main/pool/main/l/large/large_1_amd64.deb' },
            (response) => {
              // Reads a little and goes: what was not asked for must not pile up in memory.
              response.once('data', () => {
                response.pause();
                setTimeout(() => {
                  response.destroy();
                  resolve();
                }, 200);
              });
            },
          );
          request.on('error', reject);
          request.end();
        }),
    ),
  );
  assert.ok(process.memoryUsage().rss - before < 200_000_000);
  for (let wait = 0; wait < 50 && openFiles() > 0; wait++) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(openFiles(), 0);
});

test('archiveFiles gives the files back of answers that wait behind another', async () => {
  const path = '/main/pool/main/l/large/large_1_amd64.deb';
  await file(path.slice(6), Buffer.alloc(30_000_000));
  const socket = connect(port, '127.0.0.1');
  socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`.repeat(3));
  await once(socket, 'data');
  socket.pause();
  assert.ok(openFiles() > 0);
  socket.destroy();
  for (let wait = 0; wait < 50 && openFiles() > 0; wait++) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(openFiles(), 0);
});

test('archiveFiles answers requests of one connection in their order, small between large', async () => {
  const paths = [largePath, debPath, largePath, '/main/dists/stable/InRelease', debPath];
  const expected = await Promise.all(paths.map(async (path) => (await get(path)).body));
  const socket = connect(port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  const requests = paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n`);
  socket.write(`${requests.join('\r\n')}Connection: close\r\n\r\n`);
  await once(socket, 'close');
  let rest = Buffer.concat(chunks);
  for (const body of expected) {
    const start = rest.indexOf('\r\n\r\n') + 4;
    assert.deepEqual(rest.subarray(start, start + body.length), body);
    rest = rest.subarray(start + body.length);
  }
  assert.equal(rest.length, 0);
});

import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';

import { FakeMirror, misbehaviours as bad } from '../../../test/fake-mirror.ts';
import { sha256 } from '../../kit/digest.ts';
import { createMirrorClient, type MirrorClientOptions } from './client.ts';

const bytes = Buffer.from(Array.from({ length: 20_000 }, (_, index) => `line ${index}\n`).join(''));
const expect = { sha256: sha256(bytes), size: bytes.length };

let mirror: FakeMirror;
let directory: string;
before(async () => {
  mirror = await FakeMirror.start();
  directory = await mkdtemp(join(tmpdir(), 'sheaf-mirror-'));
});
after(async () => {
  await mirror.close();
  await rm(directory, { recursive: true });
});
beforeEach(async () => {
  mirror.behave();
  mirror.files.clear();
  mirror.files.set('a', bytes);
  mirror.requests.length = 0;
  mirror.validators = true;
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory);
});

function client(options: Partial<MirrorClientOptions> = {}) {
  return createMirrorClient({ directory, version: '1.2.3', pauses: [1, 1, 1], stall: 2000, ...options });
}
const url = (path = 'a') => `${mirror.url}/${path}`;
const begun = (size: number, from = bytes) => writeFile(join(directory, expect.sha256), from.subarray(0, size));
const fetched = async (options: Partial<MirrorClientOptions> = {}, path = 'a') =>
  (await client(options).fetch(url(path), expect))?.bytes();

describe('MirrorClient.fetch', () => {
  it('fetches a file, says who it is, and leaves nothing behind when told to', async () => {
    let count = 0;
    const file = await client().fetch(url(), expect, { onBytes: (more) => (count += more) });
    assert.deepEqual(Buffer.from(await file!.bytes()), bytes);
    assert.equal(count, bytes.length);
    assert.equal(mirror.requests[0]!.headers['user-agent'], 'sheaf/1.2.3');
    assert.equal(mirror.requests[0]!.headers['accept-encoding'], 'identity');
    await file!.discard();
    assert.deepEqual(await readdir(directory), []);
  });

  it('gives undefined for a file that is not there', async () => {
    for (const status of [404, 410, 403]) {
      mirror.behave();
      mirror.misbehave(/./, bad.status(status));
      assert.equal(await fetched(), undefined);
    }
  });

  it('does not ask for an empty file', async () => {
    const empty = { sha256: sha256(''), size: 0 };
    assert.equal((await (await client().fetch(url('none'), empty))!.bytes()).length, 0);
    assert.deepEqual(mirror.asked(), []);
  });

  it('goes on where an earlier process ended', async () => {
    await begun(100_000);
    assert.deepEqual(await fetched(), bytes);
    assert.equal(mirror.requests[0]!.headers.range, 'bytes=100000-');
    assert.equal(mirror.requests[0]!.status, 206);
  });

  it('uses what is there as a whole without asking', async () => {
    await begun(bytes.length);
    assert.deepEqual(await fetched(), bytes);
    assert.deepEqual(mirror.asked(), []);
  });

  it('begins anew when what is there is of something else', async () => {
    for (const size of [10, bytes.length, bytes.length + 5]) {
      await begun(size, Buffer.alloc(bytes.length + 5, 'x'));
      assert.deepEqual(await fetched(), bytes, String(size));
    }
  });

  it('resumes a broken connection until all is there, as long as each attempt brings more', async () => {
    mirror.misbehave(/./, bad.breaks(), 6);
    assert.deepEqual(await fetched(), bytes);
    const ranges = mirror.requests.map(({ headers }) => headers.range);
    assert.equal(ranges[0], undefined);
    assert.ok(ranges.slice(1).every((range) => /^bytes=[1-9]/.test(range!)));
    assert.equal(mirror.requests.length, 7);
  });

  it('sends the ETag of a resumed file as If-Range', async () => {
    mirror.misbehave(
      /./,
      (request, response, file) => {
        response.setHeader('etag', `"${sha256(file!).slice(0, 20)}"`);
        bad.breaks()(request, response, file);
      },
      1,
    );
    assert.deepEqual(await fetched(), bytes);
    assert.equal(mirror.requests[1]!.headers['if-range'], `"${expect.sha256.slice(0, 20)}"`);
  });

  it('is not taken in by a mirror that handles ranges wrongly', async () => {
    for (const lie of [bad.ignoresRange(), bad.wrongRange(), bad.lyingRange(), bad.status(416)]) {
      mirror.behave();
      await begun(50_000);
      mirror.misbehave(/./, lie, 1);
      assert.deepEqual(await fetched(), bytes);
      await rm(join(directory, expect.sha256));
    }
  });

  it('refuses other bytes, shorter ones and longer ones after a second attempt past all caches', async () => {
    const wrong = Buffer.from(bytes);
    wrong[77]! ^= 1;
    for (const other of [wrong, bytes.subarray(1), Buffer.concat([bytes, bytes])]) {
      mirror.behave();
      mirror.requests.length = 0;
      mirror.misbehave(/./, bad.sends(other));
      await assert.rejects(fetched(), { code: 'mirror-mismatch', kind: 'environment' });
      assert.deepEqual(
        mirror.requests.map(({ headers }) => headers['cache-control']),
        [undefined, 'no-cache'],
      );
      assert.deepEqual(await readdir(directory), [expect.sha256]);
    }
  });

  it('refuses a file without length that is too long, without reading it all', async () => {
    mirror.misbehave(/./, (_request, response) => {
      const more = () => {
        while (!response.destroyed && response.write(bytes));
        response.once('drain', more);
      };
      more();
    });
    await assert.rejects(fetched(), { code: 'mirror-mismatch' });
  });

  it('takes half a file that calls itself whole for half a file', async () => {
    mirror.misbehave(/./, bad.half(), 2);
    // Without a length it can only be seen that too little came: it is asked for the rest.
    assert.deepEqual(await fetched(), bytes);
    mirror.misbehave(/./, bad.half());
    await rm(join(directory, expect.sha256));
    await assert.rejects(fetched(), { code: 'mirror-unreachable', message: /sent \d+ of \d+ bytes/ });
  });

  it('tries again after statuses that pass, and gives up after a few', async () => {
    mirror.misbehave(/./, bad.status(503), 3);
    assert.deepEqual(await fetched(), bytes);
    await rm(join(directory, expect.sha256));
    mirror.misbehave(/./, bad.status(502));
    await assert.rejects(fetched(), { code: 'mirror-unreachable', message: /status 502/ });
  });

  it('waits as long as Retry-After asks, and leaves when that is too long', async () => {
    mirror.misbehave(/./, bad.status(429, { 'retry-after': '1' }), 1);
    const start = Date.now();
    assert.deepEqual(await fetched(), bytes);
    assert.ok(Date.now() - start >= 990);
    await rm(join(directory, expect.sha256));
    mirror.behave();
    const soon = new Date(Date.now() + 3600_000).toUTCString();
    for (const later of ['3600', soon]) {
      mirror.requests.length = 0;
      mirror.misbehave(/./, bad.status(503, { 'retry-after': later }));
      await assert.rejects(fetched(), { code: 'mirror-busy', message: /come back in 3[56]\d\d s/ });
      assert.equal(mirror.requests.length, 1);
    }
  });

  it('gives up on a mirror that sends nothing more', async () => {
    mirror.misbehave(/./, bad.stalls());
    await assert.rejects(fetched({ stall: 60, pauses: [] }), {
      code: 'mirror-unreachable',
      message: /less than 1024 bytes/,
    });
    mirror.behave();
    mirror.misbehave(/./, () => {});
    await assert.rejects(fetched({ stall: 60, pauses: [] }), { code: 'mirror-unreachable' });
  });

  it('gives up on a mirror that drips', async () => {
    mirror.misbehave(/./, (_request, response) => {
      response.writeHead(200, { 'content-length': bytes.length });
      const timer = setInterval(() => response.write('x'), 10);
      response.on('close', () => clearInterval(timer));
    });
    await assert.rejects(fetched({ stall: 100, pauses: [] }), { code: 'mirror-unreachable' });
  });

  it('says when nobody is there', async () => {
    const error = { code: 'mirror-unreachable', kind: 'environment', message: /ECONNREFUSED|ENOTFOUND|EAI_AGAIN/ };
    await assert.rejects(client({ pauses: [1] }).fetch('http://127.0.0.1:1/a', expect), error);
  });

  it('can be called off at any time', async () => {
    const before = AbortSignal.abort();
    await assert.rejects(client().fetch(url(), expect, { signal: before }), { code: 'aborted' });
    const during = new AbortController();
    mirror.misbehave(/./, bad.stalls());
    const fetching = client().fetch(url(), expect, { signal: during.signal, onBytes: () => during.abort() });
    await assert.rejects(fetching, { code: 'aborted' });
    mirror.behave();
    const waiting = new AbortController();
    mirror.misbehave(/./, (request, response, file) => {
      bad.status(500)(request, response, file);
      setImmediate(() => waiting.abort());
    });
    const paused = client({ pauses: [60_000] }).fetch(url(), expect, { signal: waiting.signal });
    await assert.rejects(paused, { code: 'aborted' });
  });

  it('has two connections to a mirror and no more', async () => {
    let open = 0;
    let most = 0;
    mirror.misbehave(/./, (_request, response, file) => {
      most = Math.max(most, ++open);
      setTimeout(() => {
        open--;
        response.end(file);
      }, 20);
    });
    const one = client();
    const files = Array.from({ length: 6 }, (_, index) => Buffer.from(`file ${index}`));
    for (const [index, file] of files.entries()) mirror.files.set(`f${index}`, file);
    await Promise.all(
      files.map((file, index) => one.fetch(url(`f${index}`), { sha256: sha256(file), size: file.length })),
    );
    assert.equal(most, 2);
  });

  it('removes begun downloads that nobody went on with', async () => {
    await begun(5);
    const old = new Date(Date.now() - 30 * 86_400_000);
    const forgotten = join(directory, sha256('forgotten'));
    await writeFile(forgotten, 'x');
    await utimes(forgotten, old, old);
    await fetched();
    assert.deepEqual(await readdir(directory), [expect.sha256]);
  });
});

describe('MirrorClient redirections', () => {
  it('follows a few, to http and https only', async () => {
    mirror.misbehave(/^a$/, bad.redirects('/archive/b'));
    mirror.files.set('b', bytes);
    assert.deepEqual(await fetched(), bytes);
    for (const location of [
      'file:///etc/passwd',
      'ftp://example.org/a',
      'http://user:secret@127.0.0.1/a',
      'http://[',
    ]) {
      mirror.behave();
      mirror.misbehave(/^a$/, bad.redirects(location));
      await rm(join(directory, expect.sha256), { force: true });
      await assert.rejects(fetched(), (error: Error & { code: string }) => {
        assert.equal(error.code, 'mirror-refused');
        assert.ok(!error.message.includes('secret'));
        return true;
      });
    }
  });

  it('refuses to go round in circles', async () => {
    mirror.misbehave(/^a$/, bad.redirects('/archive/a'));
    await assert.rejects(fetched(), { code: 'mirror-refused', message: /more than 5 times/ });
    assert.equal(mirror.requests.length, 6);
  });
});

describe('MirrorClient.read', () => {
  const read = (options: { readonly limit?: number; readonly known?: ReturnType<typeof sha256> } = {}) =>
    client().read(url(), { limit: 2 ** 20, ...options });

  it('asks conditionally when it has the bytes that the validator came with', async () => {
    const first = await read({ known: sha256('something else') });
    assert.equal(first.kind, 'file');
    assert.deepEqual(await read({ known: expect.sha256 }), { kind: 'same' });
    assert.equal(mirror.requests[1]!.status, 304);
    mirror.files.set('a', Buffer.from('new'));
    const changed = await read({ known: expect.sha256 });
    assert.ok(changed.kind === 'file' && Buffer.from(changed.bytes).toString() === 'new');
    // The validator now belongs to the new bytes.
    assert.equal((await read({ known: expect.sha256 })).kind, 'file');
    assert.equal(mirror.requests[3]!.headers['if-none-match'], undefined);
  });

  it('asks by date where the mirror gives only that', async () => {
    const date = 'Sat, 12 Sep 2026 07:55:41 GMT';
    mirror.misbehave(/./, (request, response, file) => {
      if (request.headers['if-modified-since'] === date) response.writeHead(304).end();
      else response.setHeader('last-modified', date).end(file);
    });
    assert.equal((await read()).kind, 'file');
    assert.deepEqual(await read({ known: expect.sha256 }), { kind: 'same' });
  });

  it('refuses what is larger than the limit, said or not', async () => {
    await assert.rejects(read({ limit: 100 }), { code: 'mirror-too-large' });
  });

  it('tries a cut answer again, and says what is missing', async () => {
    mirror.misbehave(/./, bad.breaks(), 2);
    const answer = await read();
    assert.ok(answer.kind === 'file' && bytes.equals(answer.bytes));
    mirror.files.delete('a');
    assert.deepEqual(await read(), { kind: 'missing', status: 404 });
    mirror.misbehave(/./, bad.status(401));
    await assert.rejects(read(), { code: 'mirror-refused', message: /status 401/ });
  });
});

describe('MirrorClient on file: addresses', () => {
  it('reads and fetches like a mirror does, and never removes the file', async () => {
    await begun(bytes.length);
    const address = pathToFileURL(join(directory, expect.sha256)).href;
    const one = client();
    const answer = await one.read(address, { limit: bytes.length });
    assert.ok(answer.kind === 'file' && bytes.equals(answer.bytes));
    await assert.rejects(one.read(address, { limit: 5 }), { code: 'mirror-too-large' });
    const file = (await one.fetch(address, expect))!;
    await file.discard();
    assert.deepEqual(Buffer.from(await file.bytes()), bytes);
    await assert.rejects(one.fetch(address, { ...expect, size: 3 }), { code: 'mirror-mismatch' });
    await assert.rejects(one.fetch(address, { ...expect, sha256: sha256('') }), { code: 'mirror-mismatch' });
    assert.deepEqual(await one.read(`${address}x`, { limit: 5 }), { kind: 'missing', status: 404 });
    assert.equal(await one.fetch(pathToFileURL(directory).href, expect), undefined);
  });
});

describe('MirrorClient through a proxy', () => {
  it('asks the proxy that the environment names', async () => {
    const asked: string[] = [];
    const proxy = createServer((request, response) => {
      asked.push(request.url!);
      response.end(bytes);
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    try {
      const one = client({ proxies: { http_proxy: address } });
      const file = await one.fetch('http://archive.example/debian/a', expect);
      assert.deepEqual(Buffer.from(await file!.bytes()), bytes);
      assert.deepEqual(asked, ['http://archive.example/debian/a']);
    } finally {
      proxy.closeAllConnections();
      proxy.close();
    }
  });
});

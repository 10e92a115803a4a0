import assert from 'node:assert/strict';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';

import { doubleCredentials, s3Double } from '../../test/s3-double.ts';
import { sha256 } from '../kit/digest.ts';
import { stateOfCache, tidyBlobs } from './blob-cache.ts';
import { Blobs } from './blobs.ts';
import { blobBucket } from './s3/blob-bucket.ts';

/** Far ahead: that a test reads a file just now must not count as lately. */
const now = new Date(Date.now() + 100 * 86_400_000);

async function open(t: TestContext, options: { checksums?: boolean } = {}) {
  const double = await s3Double(options);
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-blobs-'));
  t.after(async () => {
    await double.close();
    await rm(directory, { recursive: true });
  });
  const url = `${double.url}/grove`;
  const settings = { url, region: 'us-east-1', credentials: doubleCredentials, now: () => now, pause: 1, parts: 1000 };
  const bucket = blobBucket(settings);
  const blobs = new Blobs(directory, bucket);
  const key = (text: string | Buffer) => `grove/blobs/${sha256(text).slice(0, 2)}/${sha256(text)}`;
  /** As if nobody had used it for long. */
  const age = async (text: string, days: number) => {
    const time = new Date(now.getTime() - days * 86_400_000);
    await utimes(blobs.path(sha256(text)), time, time);
  };
  return { double, directory, bucket, blobs, key, age };
}

async function read(blobs: Blobs, text: string | Buffer): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of blobs.stream(sha256(text))) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

test('a blob is in the bucket before it has a name here, and comes back from there', async (t) => {
  const { double, blobs, key } = await open(t);
  const large = 'x'.repeat(3500);
  for (const text of ['one', large, '']) {
    double.onPut((put) => {
      assert.equal(put, key(text));
      assert.ok(!existsSync(blobs.path(sha256(text))));
    });
    await blobs.putBytes(text);
    assert.equal(double.objects.get(key(text))?.bytes.toString(), text);
    await rm(blobs.path(sha256(text)));
    assert.deepEqual(await blobs.info(sha256(text)), { sha256: sha256(text), size: text.length });
    assert.equal((await blobs.read(sha256(text))).toString(), text);
    await rm(blobs.path(sha256(text)));
    assert.equal(await read(blobs, text), text);
  }
  assert.equal(await blobs.info(sha256('never')), undefined);
  await assert.rejects(blobs.read(sha256('never')), { code: 'blob-missing' });
  await blobs.remove(sha256('one'));
  assert.equal(await blobs.info(sha256('one')), undefined);
});

test('a bucket that does not take a blob leaves none here; one that gives other bytes is not believed', async (t) => {
  const { double, blobs, directory, key } = await open(t);
  const left = () => readdirSync(directory, { recursive: true, withFileTypes: true }).filter((each) => each.isFile());
  for (const fault of ['full', 'internal', 'cut', 'wrong-bytes'] as const) {
    double.misbehave((method) => (method === 'PUT' ? fault : undefined));
    await assert.rejects(blobs.putBytes(fault), { code: 'bucket-failed' });
    assert.deepEqual(left(), [], fault);
    double.misbehave(() => undefined);
    assert.equal(await blobs.info(sha256(fault)), undefined, 'a bucket that took other bytes does not have the blob');
    await blobs.putBytes(fault);
    await rm(blobs.path(sha256(fault)));
  }
  // Taken, and the answer lost: sent again.
  double.misbehave((_, __, count) => (count % 2 === 1 ? 'after' : undefined));
  await blobs.putBytes('one');
  double.misbehave(() => undefined);
  await rm(blobs.path(sha256('one')));
  let cuts = 2;
  double.misbehave((method) => (method === 'GET' && cuts-- > 0 ? 'after' : undefined));
  assert.equal((await blobs.read(sha256('one'))).toString(), 'one');

  await rm(blobs.path(sha256('one')));
  double.misbehave(() => undefined);
  double.objects.set(key('one'), { ...double.objects.get(key('one'))!, bytes: Buffer.from('two') });
  await assert.rejects(blobs.read(sha256('one')), { code: 'blob-corrupt' });
  assert.deepEqual(left(), []);
});

for (const checksums of [true, false]) {
  test(`tidyBlobs sends what the bucket lacks and frees what was not used for longest (checksums: ${checksums})`, async (t) => {
    const { bucket, blobs, double, key, age } = await open(t, { checksums });
    // From before there was a bucket.
    const before = new Blobs(blobs.directory);
    for (const text of ['a'.repeat(100), 'b'.repeat(100), 'c'.repeat(100), 'd'.repeat(100)])
      await before.putBytes(text);
    await age('a'.repeat(100), 3);
    await age('b'.repeat(100), 9);
    await age('c'.repeat(100), 5);
    await age('d'.repeat(100), 0);
    writeFileSync(join(blobs.directory, 'a-stranger'), 'not a blob');
    assert.deepEqual(await stateOfCache({ blobs, bucket }), {
      here: { count: 4, bytes: 400 },
      bucket: { count: 0, bytes: 0 },
      missing: { count: 4, bytes: 400 },
    });

    const withdrawn: string[] = [];
    const cache = {
      blobs,
      bucket,
      limit: 250,
      withdraw: async (some: readonly string[]) => void withdrawn.push(...some),
    };
    double.misbehave((method) => (method === 'GET' ? 'internal' : undefined));
    await assert.rejects(stateOfCache({ blobs, bucket }), { code: 'bucket-failed' });
    double.misbehave((method, _, count) => (method === 'PUT' && count > 3 ? 'internal' : undefined));
    await assert.rejects(tidyBlobs(cache, now), { code: 'bucket-failed' });
    assert.deepEqual(withdrawn, [], 'nothing leaves the disk before the bucket has everything');
    double.misbehave(() => undefined);
    const report = await tidyBlobs(cache, now);
    assert.deepEqual(report.freed, { count: 2, bytes: 200 });
    assert.deepEqual(report.here, { count: 2, bytes: 200 });
    assert.deepEqual(withdrawn, [sha256('b'.repeat(100)), sha256('c'.repeat(100))]);
    assert.ok(double.objects.has(key('a'.repeat(100))));
    assert.deepEqual((await stateOfCache({ blobs, bucket })).missing, { count: 0, bytes: 0 });

    // What somebody used within the hour stays, however small the limit.
    const strict = await tidyBlobs({ ...cache, limit: 1 }, now);
    assert.deepEqual(strict.here, { count: 1, bytes: 100 });
    assert.equal(await read(blobs, 'b'.repeat(100)), 'b'.repeat(100));
  });
}

test('of two that tidy at once none frees what the other is about to send', async (t) => {
  const { bucket, blobs, age } = await open(t);
  const before = new Blobs(blobs.directory);
  for (const text of ['one', 'two', 'three']) {
    await before.putBytes(text);
    await age(text, 9);
  }
  const cache = { blobs, bucket, limit: 0, withdraw: async () => {} };
  let other: Promise<unknown> | undefined;
  const slow = {
    ...bucket,
    put: async (...args: Parameters<typeof bucket.put>) => {
      other ??= tidyBlobs(cache, now);
      await Promise.race([other, setTimeout(300)]);
      return bucket.put(...args);
    },
  };
  const report = await tidyBlobs({ ...cache, bucket: slow }, now);
  await other;
  assert.deepEqual([report.sent.count, report.freed.count], [3, 3]);
  assert.equal((await stateOfCache({ blobs, bucket })).bucket.count, 3);
});

/** A bucket of OpenStack Swift as a mirror and as storage. With SHEAF_TEST_SWIFT=1: its packages take a minute. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { mirrorWorld, seeObjects, someMirror, type MirrorWorld } from '../../test/mirror-world.ts';
import { startSwift, type Swift, type SwiftBucket } from '../../test/swift.ts';
import { sha256 } from '../kit/digest.ts';
import { s3Target } from '../plumbing/mirror-target/s3.ts';
import { blobBucket } from '../plumbing/s3/blob-bucket.ts';
import { S3Client } from '../plumbing/s3/client.ts';
import { pushMirror } from './push-mirror.ts';

const skip = process.env['SHEAF_TEST_SWIFT'] === '1' ? false : 'a minute long: SHEAF_TEST_SWIFT=1 runs it';
const plain = { verify: false, delete: false };
let directory: string;
let swift: Swift;
let world: MirrorWorld;

before(async () => {
  if (skip !== false) return;
  directory = await mkdtemp(join(tmpdir(), 'sheaf-mirror-swift-'));
  world = await mirrorWorld();
  await world.publish();
  swift = await startSwift();
});
after(async () => {
  if (skip !== false) return;
  await swift.close();
  await world.close();
  await rm(directory, { recursive: true });
});

/** Every object, as a client gets it. */
async function objects(bucket: SwiftBucket): Promise<ReadonlyMap<string, Buffer>> {
  const client = new S3Client(bucket);
  const found = new Map<string, Buffer>();
  for await (const { path } of s3Target(bucket).list()) {
    const chunks: Uint8Array[] = [];
    assert.ok(await client.download(path, () => (chunk) => chunks.push(chunk)), path);
    found.set(path, Buffer.concat(chunks));
  }
  return found;
}

test('pushMirror keeps a bucket of Swift as the archive is, and finds what is wrong there', { skip }, async () => {
  const bucket = await swift.bucket('mirror');
  const deps = world.deps(s3Target(bucket), join(directory, 'memory'));
  const versions = async () => {
    const found = await objects(bucket);
    return seeObjects((path) => found.get(path));
  };
  const first = await pushMirror(deps, someMirror, plain);
  assert.equal(first.brought, first.names);
  assert.deepEqual(await versions(), ['1:1+x~1']);
  assert.equal((await pushMirror(deps, someMirror, plain)).brought, 0);
  await world.publish();
  await pushMirror(deps, someMirror, plain);
  assert.deepEqual(await versions(), ['1:2+x~1']);

  const client = new S3Client(bucket);
  const put = (key: string, text: string) =>
    client.call({ method: 'PUT', key, body: { blob: new Blob([text]), sha256: sha256(text) } });
  const hurt = [...(await objects(bucket)).keys()].find((path) => path.endsWith('.deb'))!;
  await put(hurt, 'other bytes');
  await put('pool/stray', 'nobody published this');
  const mended = await pushMirror(deps, someMirror, { verify: true, delete: true });
  assert.deepEqual([mended.brought, mended.removed], [1, 1]);
  assert.deepEqual(await versions(), ['1:2+x~1']);
  const forgotten = await pushMirror(world.deps(s3Target(bucket), join(directory, 'none')), someMirror, plain);
  assert.deepEqual([forgotten.brought, forgotten.checked], [0, forgotten.names]);
});

async function all<T>(things: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const each of things) found.push(each);
  return found;
}

test('blobBucket keeps files in Swift, in one piece and in parts', { skip }, async () => {
  // Swift takes parts of 5 MiB and more.
  const blobs = blobBucket({ ...(await swift.bucket('storage')), parts: 5 * 2 ** 20 });
  const held: { readonly sha256: string; readonly size: number }[] = [];
  for (const size of [0, 1000, 12 * 2 ** 20]) {
    const bytes = randomBytes(size);
    const source = join(directory, `blob-${size}`);
    await writeFile(source, bytes);
    await blobs.put(sha256(bytes), source, size);
    held.push({ sha256: sha256(bytes), size });
    assert.equal(await blobs.size(sha256(bytes)), size);
    assert.ok(await blobs.fetch(sha256(bytes), `${source}.back`));
    assert.deepEqual(await readFile(`${source}.back`), bytes);
  }
  const bySha256 = (a: { readonly sha256: string }, b: { readonly sha256: string }) => (a.sha256 < b.sha256 ? -1 : 1);
  assert.deepEqual(await all(blobs.list()), held.toSorted(bySha256));
  const gone = sha256(await readFile(join(directory, 'blob-1000')));
  await blobs.remove(gone);
  assert.equal(await blobs.size(gone), undefined);
  assert.equal(await blobs.fetch(gone, join(directory, 'gone')), false);
});

test('s3Target says what Swift refuses', { skip }, async () => {
  const bucket = await swift.bucket('refusing');
  const wrong = { ...bucket, credentials: { ...bucket.credentials, secretKey: 'guess' } };
  await assert.rejects(all(s3Target(wrong).list()), { code: 'mirror-denied' });
  const none = { ...bucket, url: bucket.url.replace('refusing', 'no-such-bucket') };
  await assert.rejects(all(s3Target(none).list()), { code: 'mirror-failed', message: /does not exist/ });
});

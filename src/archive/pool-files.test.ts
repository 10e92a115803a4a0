import assert from 'node:assert/strict';
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';

import { doubleCredentials, s3Double } from '../../test/s3-double.ts';
import { toyArchive, toyPackage } from '../../test/toy-archive.ts';
import { sha256 } from '../kit/digest.ts';
import { parseLabel } from '../model/names.ts';
import { tidyBlobs } from '../plumbing/blob-cache.ts';
import { Blobs } from '../plumbing/blobs.ts';
import { blobBucket } from '../plumbing/s3/blob-bucket.ts';
import { acceptBinaries, acceptSource, publishSuite, recallPool, recallPoolFile, withdrawPoolFiles } from './mod.ts';

const now = new Date('2026-11-21T03:00:00Z');
const main = parseLabel('main');

test('with a bucket the pool on the disk may be empty, and every file of it comes back under its name', async (t) => {
  const toy = await toyArchive();
  const double = await s3Double();
  t.after(async () => {
    await toy.close();
    await double.close();
  });
  const settings = { url: double.url, region: 'us-east-1', credentials: doubleCredentials, now: () => now, pause: 1 };
  const bucket = blobBucket(settings);
  const blobs = new Blobs(toy.deps.blobs.directory, bucket);
  const deps = { ...toy.deps, blobs };
  const add = async (name: string) => {
    const requests = await toyPackage(blobs, name, '1');
    assert.equal((await acceptSource(deps, requests.source, now)).kind, 'accepted');
    assert.equal((await acceptBinaries(deps, requests.binaries, now)).kind, 'accepted');
  };
  await add('alpha');
  await publishSuite(deps, 'stable', now);
  const root = join(toy.directory, 'archive/main');
  const files = async () =>
    (await readdir(join(root, 'pool'), { recursive: true, withFileTypes: true })).filter((each) => each.isFile());
  const before = (await files()).map(({ parentPath, name }) => {
    const path = join(parentPath, name);
    return { path, sha256: sha256(readFileSync(path)) };
  });
  assert.ok(before.length >= 3);

  const withdraw = (digests: Parameters<typeof withdrawPoolFiles>[1]) => withdrawPoolFiles(deps, digests);
  const later = new Date(Date.now() + 2 * 3600_000);
  const { here } = await tidyBlobs({ blobs, bucket, limit: 0, withdraw }, later);
  assert.equal(here.count, 0);
  assert.deepEqual(await files(), []);

  // What is accepted while its blobs are away: here, an upload that waited for long.
  await add('beta');
  await rm(blobs.directory, { recursive: true });
  const served = readlinkSync(join(root, 'dists/stable'));
  double.misbehave((method) => (method === 'GET' ? 'internal' : undefined));
  await assert.rejects(publishSuite(deps, 'stable', now), { code: 'bucket-failed' });
  assert.equal(readlinkSync(join(root, 'dists/stable')), served, 'the one before is served');
  double.misbehave(() => undefined);
  assert.equal((await publishSuite(deps, 'stable', now)).kind, 'published');
  assert.notEqual(readlinkSync(join(root, 'dists/stable')), served);
  assert.ok((await files()).some(({ name }) => name === 'beta_1_amd64.deb'));

  const [first, ...others] = before;
  const relative = first!.path.slice(root.length + 1);
  assert.equal(await recallPoolFile(deps, main, relative), true);
  assert.equal(sha256(readFileSync(first!.path)), first!.sha256);
  assert.equal(await recallPoolFile(deps, main, 'pool/main/n/nothing.deb'), false);
  assert.equal(await recallPoolFile(deps, main, '../../blobs'), false);
  assert.ok(others.every(({ path }) => !existsSync(path)));
  let done = 0;
  await recallPool(deps, main, () => (done += 1));
  for (const each of before) assert.equal(sha256(readFileSync(each.path)), each.sha256);
  assert.equal(done, (await files()).length);
});

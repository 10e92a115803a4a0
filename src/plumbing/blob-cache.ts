/** Keeping the folder of blobs the cache of a bucket: everything is in the bucket, and only so much is here. */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { isSha256, type Sha256 } from '../kit/digest.ts';
import type { Blobs } from './blobs.ts';
import { withFileLock } from './file-lock.ts';
import type { BlobBucket } from './s3/blob-bucket.ts';

export type BlobCache = {
  readonly blobs: Blobs;
  readonly bucket: BlobBucket;
  /** Most bytes that stay on the disk. */
  readonly limit: number;
  /** Takes away all other names that these blobs have on the disk. */
  readonly withdraw: (digests: readonly Sha256[]) => Promise<void>;
};

/** Counts and bytes. */
export type BlobCounts = { readonly count: number; readonly bytes: number };

export type CacheState = {
  readonly here: BlobCounts;
  readonly bucket: BlobCounts;
  /** Here, and not in the bucket: from before it was chosen. */
  readonly missing: BlobCounts;
};

export type TidyReport = { readonly sent: BlobCounts; readonly freed: BlobCounts; readonly here: BlobCounts };

export type TidyOptions = {
  readonly signal?: AbortSignal | undefined;
  /** Bytes sent, of how many. */
  readonly onProgress?: (done: number, total: number) => void;
};

type Local = { readonly sha256: Sha256; readonly size: number; readonly used: number };

/** Whoever has just asked for a blob may be about to use its path. */
const untouched = 3600_000;
const batch = 200;
/** To send everything takes long: who waits is told rather than kept. */
const patience = 10_000;

export async function countLocalBlobs({ directory }: Pick<Blobs, 'directory'>): Promise<BlobCounts> {
  return countOf(await listLocal(directory));
}

export async function stateOfCache({ blobs, bucket }: Pick<BlobCache, 'blobs' | 'bucket'>): Promise<CacheState> {
  const local = await listLocal(blobs.directory);
  const held = await sizesIn(bucket);
  return {
    here: countOf(local),
    bucket: { count: held.size, bytes: [...held.values()].reduce((sum, size) => sum + size, 0) },
    missing: countOf(local.filter(({ sha256, size }) => held.get(sha256) !== size)),
  };
}

/**
 * Sends what the bucket does not have, then frees the disk of what was not used for longest. Can be stopped and begun again.
 * One at a time: another would free what this one is about to send. Throws `lock-timeout`.
 */
export async function tidyBlobs(cache: BlobCache, now: Date, options: TidyOptions = {}): Promise<TidyReport> {
  return withFileLock(join(cache.blobs.directory, 'tidy.lock'), () => tidy(cache, now, options), patience);
}

async function tidy(
  { blobs, bucket, limit, withdraw }: BlobCache,
  now: Date,
  { signal, onProgress }: TidyOptions,
): Promise<TidyReport> {
  const local = await listLocal(blobs.directory);
  const held = await sizesIn(bucket);
  const missing = local.filter(({ sha256, size }) => held.get(sha256) !== size);
  const total = countOf(missing).bytes;
  let done = 0;
  for (const { sha256, size } of missing) {
    signal?.throwIfAborted();
    await bucket.put(sha256, blobs.path(sha256), size);
    onProgress?.((done += size), total);
  }
  const freed = toFree(local, limit, now);
  for (let at = 0; at < freed.length; at += batch) {
    signal?.throwIfAborted();
    const some = freed.slice(at, at + batch).map(({ sha256 }) => sha256);
    await withdraw(some);
    for (const sha256 of some) await rm(blobs.path(sha256), { force: true });
  }
  const gone = new Set(freed);
  return { sent: countOf(missing), freed: countOf(freed), here: countOf(local.filter((each) => !gone.has(each))) };
}

function toFree(local: readonly Local[], limit: number, now: Date): Local[] {
  let excess = countOf(local).bytes - limit;
  const oldest = local.filter(({ used }) => now.getTime() - used > untouched).toSorted((a, b) => a.used - b.used);
  const freed: Local[] = [];
  for (const each of oldest) {
    if (excess <= 0) break;
    excess -= each.size;
    freed.push(each);
  }
  return freed;
}

async function listLocal(directory: string): Promise<Local[]> {
  const found: Local[] = [];
  for (const folder of await names(directory)) {
    if (!/^[0-9a-f]{2}$/.test(folder)) continue;
    for (const name of await names(join(directory, folder))) {
      if (!isSha256(name)) continue;
      const known = await stat(join(directory, folder, name)).catch(absent);
      // Somebody else is tidying up, too.
      if (known === undefined) continue;
      found.push({ sha256: name, size: known.size, used: Math.max(known.atimeMs, known.mtimeMs) });
    }
  }
  return found;
}

async function names(directory: string): Promise<string[]> {
  return (await readdir(directory).catch(absent)) ?? [];
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

async function sizesIn(bucket: BlobBucket): Promise<ReadonlyMap<Sha256, number>> {
  const held = new Map<Sha256, number>();
  for await (const { sha256, size } of bucket.list()) held.set(sha256, size);
  return held;
}

function countOf(some: readonly { readonly size: number }[]): BlobCounts {
  return { count: some.length, bytes: some.reduce((sum, { size }) => sum + size, 0) };
}

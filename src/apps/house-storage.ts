/** The wiring of blobs: a folder, or a bucket of which the folder is a cache. */
import { recallPool, recallPoolFile, withdrawPoolFiles, type ArchiveDeps } from '../archive/mod.ts';
import type { Clock } from '../kit/clock.ts';
import type { Sha256 } from '../kit/digest.ts';
import type { Distribution } from '../model/distribution.ts';
import type { Label } from '../model/names.ts';
import { stateOfCache, tidyBlobs, type CacheState, type TidyOptions, type TidyReport } from '../plumbing/blob-cache.ts';
import { Blobs } from '../plumbing/blobs.ts';
import { blobBucket, type BlobBucket } from '../plumbing/s3/blob-bucket.ts';
import { bucketCredentials } from '../plumbing/s3/credentials.ts';
import type { Paths } from './paths.ts';

/** What there is to do where a bucket has the blobs. */
export type Storage = {
  /** Address of the bucket. */
  readonly where: string;
  /** Most bytes on this disk. */
  readonly limit: number;
  readonly state: () => Promise<CacheState>;
  readonly tidy: (options?: TidyOptions) => Promise<TidyReport>;
  /** Puts a file of a pool back on the disk; false when the archive has none of that path. */
  readonly recall: (repository: Label, path: string) => Promise<boolean>;
  /** All of a repository's pool. */
  readonly recallAll: (repository: Label) => Promise<void>;
};

/** Throws `no-access-key`, `no-secret`, `secret-exposed`. */
export async function openBlobs({ storage }: Distribution, paths: Paths, { now }: Clock) {
  if (storage === undefined) return { blobs: new Blobs(paths.blobs), bucket: undefined };
  const credentials = await bucketCredentials('storage', storage, process.env);
  const bucket = blobBucket({ url: storage.bucket, region: storage.region, credentials, now });
  return { blobs: new Blobs(paths.blobs, bucket), bucket };
}

export function openStorage(archive: ArchiveDeps, bucket: BlobBucket | undefined, { now }: Clock): Storage | undefined {
  const { blobs, distribution } = archive;
  if (bucket === undefined || distribution.storage === undefined) return undefined;
  const limit = distribution.storage.cache;
  const cache = {
    blobs,
    bucket,
    limit,
    withdraw: (digests: readonly Sha256[]) => withdrawPoolFiles(archive, digests),
  };
  return {
    where: bucket.where,
    limit,
    state: () => stateOfCache(cache),
    tidy: (options) => tidyBlobs(cache, now(), options),
    recall: (repository, path) => recallPoolFile(archive, repository, path),
    recallAll: (repository) => recallPool(archive, repository),
  };
}

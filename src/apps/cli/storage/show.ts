/** How many files are where. */
import { formatSize } from '../../../kit/bytes.ts';
import { countLocalBlobs, type BlobCounts } from '../../../plumbing/blob-cache.ts';
import type { House } from '../../house.ts';
import { count } from '../upstream/words.ts';

export type StorageDocument = {
  readonly here: BlobCounts;
  /** Null: files are kept on this disk alone. */
  readonly bucket:
    | (BlobCounts & { readonly address: string; readonly missing: BlobCounts; readonly cache: number })
    | null;
};

/** Throws `bucket-failed`. */
export async function readStorage({ storage, blobs }: Pick<House, 'storage' | 'blobs'>): Promise<StorageDocument> {
  if (storage === undefined) return { here: await countLocalBlobs(blobs), bucket: null };
  const { here, bucket, missing } = await storage.state();
  return { here, bucket: { ...bucket, address: storage.where, missing, cache: storage.limit } };
}

export function formatStorage({ here, bucket }: StorageDocument): string[] {
  const onDisk = `${formatCounts(here)} on this disk`;
  if (bucket === null) return [`${onDisk}. No bucket: see [storage] in docs/write-a-policy.md.`];
  return [
    `${onDisk}, of ${formatSize(bucket.cache)} at most`,
    `${formatCounts(bucket)} in ${bucket.address}`,
    bucket.missing.count === 0
      ? 'The bucket has everything.'
      : `The bucket lacks ${formatCounts(bucket.missing)}: sheaf storage tidy`,
  ];
}

export function formatCounts({ count: files, bytes }: BlobCounts): string {
  return `${count(files, 'file')} (${formatSize(bytes)})`;
}

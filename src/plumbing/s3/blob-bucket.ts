/** Blobs in a bucket, under `blobs/aa/aabb…`. */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';

import type { Sha256 } from '../../kit/digest.ts';
import { SheafError } from '../../kit/error.ts';
import { s3Target } from '../mirror-target/s3.ts';
import { S3Client, type S3Settings } from './client.ts';

export type BlobBucket = ReturnType<typeof blobBucket>;

export function blobBucket(settings: S3Settings & { readonly parts?: number }) {
  const client = new S3Client(settings);
  const target = s3Target(settings);
  const where = settings.url;
  return {
    where,

    /**
     * From a file on the disk; when this returns, the bucket has said that it holds these bytes. Throws `bucket-failed`;
     * bytes that were spoiled on their way are taken out again, since whoever finds the key takes it for the blob.
     */
    async put(sha256: Sha256, source: string, size: number): Promise<void> {
      const path = keyOf(sha256);
      await told(where, async () => {
        try {
          await target.put({ kind: 'file', path, source, size, sha256 });
        } catch (error) {
          if (error instanceof SheafError && error.code === 'mirror-wrong-bytes') await target.remove(path);
          throw error;
        }
      });
    },

    /** Bytes of a blob, or undefined when the bucket does not have it. Throws `bucket-failed`. */
    async size(sha256: Sha256): Promise<number | undefined> {
      const { status, headers } = await told(where, () => client.call({ method: 'HEAD', key: keyOf(sha256) }));
      return status === 200 ? Number(headers.get('content-length')) : undefined;
    },

    /**
     * Writes a blob to a new file at `path` and syncs it; false when the bucket does not have it. Throws `bucket-failed`,
     * and `blob-corrupt` when the bucket gives other bytes.
     */
    async fetch(sha256: Sha256, path: string): Promise<boolean> {
      const file = await open(path, 'wx', 0o644);
      try {
        let hash = createHash('sha256');
        const found = await told(where, () =>
          client.download(keyOf(sha256), async () => {
            hash = createHash('sha256');
            await file.truncate(0);
            let position = 0;
            return async (chunk) => {
              hash.update(chunk);
              await writeAt(file, chunk, position);
              position += chunk.length;
            };
          }),
        );
        if (!found) return false;
        if (hash.digest('hex') !== sha256) {
          throw new SheafError('blob-corrupt', `Cannot read blob ${sha256}: the bytes in ${where} have another hash`, {
            hint: `Put the right file there as ${keyOf(sha256)}, from a mirror or an export. If it was never published, remove it there and send it again.`,
          });
        }
        await file.sync();
        return true;
      } finally {
        await file.close();
      }
    },

    async remove(sha256: Sha256): Promise<void> {
      await told(where, () => target.remove(keyOf(sha256)));
    },

    /** Every blob that the bucket has, in the order of their hashes. Throws `bucket-failed`. */
    async *list(): AsyncGenerator<{ readonly sha256: Sha256; readonly size: number }> {
      const all = target.list();
      for (;;) {
        const { done, value: held } = await told(where, () => all.next());
        if (done === true) return;
        const sha256 = /^blobs\/[0-9a-f]{2}\/([0-9a-f]{64})$/.exec(held.path)?.[1];
        if (sha256 !== undefined && held.kind === 'file') yield { sha256: sha256 as Sha256, size: held.size };
      }
    },
  };
}

type Handle = Awaited<ReturnType<typeof open>>;

async function writeAt(file: Handle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}

function keyOf(sha256: Sha256): string {
  return `blobs/${sha256.slice(0, 2)}/${sha256}`;
}

/** The client speaks of pushing to a mirror; here it is the storage that does not answer. */
async function told<T>(where: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof SheafError) || error.code === 'mirror-source') throw error;
    throw new SheafError('bucket-failed', `Cannot reach the blobs in ${where}: ${error.message}`, {
      kind: 'environment',
      hint: 'Look at [storage] in sheaf.toml and at the store itself. Nothing is lost: what was under way is tried again.',
      cause: error,
    });
  }
}

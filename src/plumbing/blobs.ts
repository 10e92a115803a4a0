/**
 * Blobs: files by their SHA-256, in a folder `aa/aabb…`. Written to a temporary name, fsynced, linked into place;
 * a blob that exists is never written again.
 */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, type ReadStream } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';

import { parseSha256, sha256, type Sha256 } from '../kit/digest.ts';
import { SheafError } from '../kit/error.ts';

export type BlobInfo = { readonly sha256: Sha256; readonly size: number };

export type PutOptions = {
  /** Refuse the bytes unless they have this hash. */
  readonly expect?: Sha256;
  /** Refuse more bytes than this. */
  readonly limit?: number;
};

export class Blobs {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  path(digest: Sha256): string {
    return join(this.directory, digest.slice(0, 2), digest);
  }

  /** Stores a stream. Throws `blob-mismatch` or `blob-too-large`; then nothing is kept. */
  async put(source: AsyncIterable<Uint8Array>, options: PutOptions = {}): Promise<BlobInfo> {
    const incoming = join(this.directory, 'incoming');
    await mkdir(incoming, { recursive: true });
    const temporary = join(incoming, randomUUID());
    const hash = createHash('sha256');
    let size = 0;
    const file = await open(temporary, 'wx', 0o644);
    try {
      // Not through a write stream: closing a handle waits for ever for a stream over it.
      for await (const chunk of source) {
        size += chunk.length;
        if (options.limit !== undefined && size > options.limit) {
          throw new SheafError('blob-too-large', `Cannot store a file: it is larger than ${options.limit} bytes`);
        }
        hash.update(chunk);
        await file.appendFile(chunk);
      }
      const digest = parseSha256(hash.digest('hex'));
      if (options.expect !== undefined && options.expect !== digest) {
        throw new SheafError(
          'blob-mismatch',
          `Cannot store a file: its SHA-256 is ${digest}, expected ${options.expect}`,
        );
      }
      await file.sync();
      const target = this.path(digest);
      await mkdir(join(this.directory, digest.slice(0, 2)), { recursive: true });
      await rename(temporary, target);
      await syncDirectory(join(this.directory, digest.slice(0, 2)));
      return { sha256: digest, size };
    } catch (error) {
      await unlink(temporary).catch(() => {});
      throw error;
    } finally {
      await file.close();
    }
  }

  async putBytes(bytes: Uint8Array | string): Promise<BlobInfo> {
    const buffer = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
    const digest = sha256(buffer);
    const found = await this.info(digest);
    return found ?? this.put(once(buffer), { expect: digest });
  }

  /** Size of a blob, or undefined when it is not here. */
  async info(digest: Sha256): Promise<BlobInfo | undefined> {
    try {
      return { sha256: digest, size: (await stat(this.path(digest))).size };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** For bytes that can be made again. No error when it is not here. */
  async remove(digest: Sha256): Promise<void> {
    await rm(this.path(digest), { force: true });
  }

  stream(digest: Sha256): ReadStream {
    return createReadStream(this.path(digest));
  }

  /** A whole blob, its hash checked. Throws `blob-missing` or `blob-corrupt`. */
  async read(digest: Sha256): Promise<Buffer> {
    let bytes: Buffer;
    try {
      bytes = await readFile(this.path(digest));
    } catch (error) {
      throw new SheafError('blob-missing', `Cannot read blob ${digest}: it is not in ${this.directory}`, {
        cause: error,
      });
    }
    if (sha256(bytes) !== digest) {
      throw new SheafError('blob-corrupt', `Cannot read blob ${digest}: the bytes on disk have another hash`, {
        place: { file: this.path(digest) },
      });
    }
    return bytes;
  }
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}

/** Makes a rename in this directory survive a power cut. */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

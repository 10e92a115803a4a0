/**
 * Blobs: files by their SHA-256, in a folder `aa/aabb…`. Written to a temporary name, fsynced, linked into place;
 * a blob that exists is never written again. A bucket may be what keeps them: then a blob is in it before anybody hears
 * of it, and the folder has those used last.
 */
import { createHash, randomUUID } from 'node:crypto';
import { closeSync, createReadStream, fsync, openSync, renameSync, writeFileSync } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';

import { parseSha256, sha256, type Sha256 } from '../kit/digest.ts';
import { SheafError } from '../kit/error.ts';
import type { BlobBucket } from './s3/blob-bucket.ts';

const sync = promisify(fsync);

export type BlobInfo = { readonly sha256: Sha256; readonly size: number };

export type PutOptions = {
  /** Refuse the bytes unless they have this hash. */
  readonly expect?: Sha256;
  /** Refuse more bytes than this. */
  readonly limit?: number;
  /** What the file is called when it is refused. */
  readonly name?: string;
};

export class Blobs {
  readonly directory: string;
  readonly #bucket: BlobBucket | undefined;

  /** With a bucket, that has every blob, and the folder is a cache of it. */
  constructor(directory: string, bucket?: BlobBucket) {
    this.directory = directory;
    this.#bucket = bucket;
  }

  /** Where a blob is, if it is on the disk. */
  path(digest: Sha256): string {
    return join(this.directory, digest.slice(0, 2), digest);
  }

  /** Stores a stream. Throws `blob-mismatch` or `blob-too-large`; then nothing is kept. */
  async put(source: AsyncIterable<Uint8Array>, options: PutOptions = {}): Promise<BlobInfo> {
    const { name = 'a file' } = options;
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
          throw new SheafError('blob-too-large', `Cannot store ${name}: it is larger than ${options.limit} bytes`);
        }
        hash.update(chunk);
        await file.appendFile(chunk);
      }
      const digest = parseSha256(hash.digest('hex'));
      if (options.expect !== undefined && options.expect !== digest) {
        throw new SheafError(
          'blob-mismatch',
          `Cannot store ${name}: its SHA-256 is ${digest}, expected ${options.expect}`,
        );
      }
      await file.sync();
      await this.#bucket?.put(digest, temporary, size);
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

  /**
   * For a command that stores many small files: some at a time, each directory synced once. Returns the hashes in their order; `isNew`
   * where the bytes were written now, else some are there under the hash already.
   */
  async putAll(all: readonly Uint8Array[]): Promise<readonly (BlobInfo & { readonly isNew: boolean })[]> {
    const digests = all.map((bytes) => sha256(bytes));
    const missing = new Map<Sha256, Uint8Array>();
    for (const [at, digest] of digests.entries()) {
      if (!missing.has(digest) && (await this.info(digest)) === undefined) missing.set(digest, all[at]!);
    }
    const incoming = join(this.directory, 'incoming');
    await mkdir(incoming, { recursive: true });
    const directories = new Set([...missing.keys()].map((digest) => dirname(this.path(digest))));
    for (const directory of directories) await mkdir(directory, { recursive: true });
    const queue = missing.entries();
    const write = async () => {
      for (const [digest, bytes] of queue) await this.#write(join(incoming, randomUUID()), digest, bytes);
    };
    await Promise.all(Array.from({ length: 4 }, write));
    for (const directory of directories) await syncDirectory(directory);
    return digests.map((digest, at) => ({ sha256: digest, size: all[at]!.length, isNew: missing.has(digest) }));
  }

  /** Only what waits for the disk is left to another thread: with small files, handing over costs more than the rest. */
  async #write(temporary: string, digest: Sha256, bytes: Uint8Array): Promise<void> {
    try {
      const file = openSync(temporary, 'wx', 0o644);
      try {
        writeFileSync(file, bytes);
        await sync(file);
      } finally {
        closeSync(file);
      }
      await this.#bucket?.put(digest, temporary, bytes.length);
      renameSync(temporary, this.path(digest));
    } catch (error) {
      await unlink(temporary).catch(() => {});
      throw error;
    }
  }

  /** Size of a blob, or undefined when there is none. */
  async info(digest: Sha256): Promise<BlobInfo | undefined> {
    const size = (await this.#sizeHere(digest)) ?? (await this.#bucket?.size(digest));
    return size === undefined ? undefined : { sha256: digest, size };
  }

  async #sizeHere(digest: Sha256): Promise<number | undefined> {
    try {
      return (await stat(this.path(digest))).size;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** The path of a blob that is on the disk now, brought from the bucket if need be. Throws `blob-missing`. */
  async bring(digest: Sha256): Promise<string> {
    const path = this.path(digest);
    if ((await this.#sizeHere(digest)) !== undefined) return path;
    const incoming = join(this.directory, 'incoming');
    await mkdir(incoming, { recursive: true });
    const temporary = join(incoming, randomUUID());
    try {
      if ((await this.#bucket?.fetch(digest, temporary)) !== true) throw this.#missing(digest);
      await mkdir(dirname(path), { recursive: true });
      await rename(temporary, path);
    } finally {
      await rm(temporary, { force: true });
    }
    return path;
  }

  #missing(digest: Sha256, cause?: unknown): SheafError {
    const where = this.#bucket === undefined ? this.directory : this.#bucket.where;
    return new SheafError('blob-missing', `Cannot read blob ${digest}: it is not in ${where}`, { cause });
  }

  /** For bytes that can be made again. No error when it is not here. */
  async remove(digest: Sha256): Promise<void> {
    await this.#bucket?.remove(digest);
    await rm(this.path(digest), { force: true });
  }

  stream(digest: Sha256): Readable {
    return this.#bucket === undefined ? createReadStream(this.path(digest)) : Readable.from(this.#chunks(digest));
  }

  async *#chunks(digest: Sha256): AsyncGenerator<Buffer> {
    yield* createReadStream(await this.bring(digest));
  }

  /** A whole blob, its hash checked. Throws `blob-missing` or `blob-corrupt`. */
  async read(digest: Sha256): Promise<Buffer> {
    let bytes: Buffer;
    try {
      bytes = await readFile(this.#bucket === undefined ? this.path(digest) : await this.bring(digest));
    } catch (error) {
      throw error instanceof SheafError ? error : this.#missing(digest, error);
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

/** Files that are being fetched, each under the SHA-256 it must have in the end; what came is kept for the next run. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

import { sha256, type Sha256 } from '../../kit/digest.ts';
import { SheafError } from '../../kit/error.ts';

/** A begun download that nobody went on with for this long, in milliseconds, is removed. */
const keptFor = 14 * 86_400_000;

/** Two processes may write one file: they write the same bytes at the same places, and the hash is checked at the end. */
export class PartialFile {
  readonly #path: string;
  readonly #handle: FileHandle;
  /** Bytes so far. */
  size: number;

  private constructor(path: string, handle: FileHandle, size: number) {
    this.#path = path;
    this.#handle = handle;
    this.size = size;
  }

  static async open(directory: string, digest: Sha256): Promise<PartialFile> {
    await mkdir(directory, { recursive: true });
    const path = join(directory, digest);
    const handle = await open(path, 'r+').catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      return open(path, 'w+', 0o644);
    });
    return new PartialFile(path, handle, (await handle.stat()).size);
  }

  async append(chunk: Uint8Array): Promise<void> {
    for (let done = 0; done < chunk.length;) {
      const { bytesWritten } = await this.#handle.write(chunk, done, chunk.length - done, this.size);
      done += bytesWritten;
      this.size += bytesWritten;
    }
  }

  async clear(): Promise<void> {
    await this.#handle.truncate(0);
    this.size = 0;
  }

  hash(): Promise<string> {
    return hashFile(this.#path);
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 2 ** 20 }), hash);
  return hash.digest('hex');
}

/** A file whose hash was found to be right. `mine`: it is only ours, and may be removed. */
export function fetchedFile(path: string, digest: Sha256, mine: boolean) {
  return {
    bytes: async (): Promise<Uint8Array> => {
      const bytes = await readFile(path);
      if (sha256(bytes) !== digest) {
        throw new SheafError('mirror-mismatch', `Cannot use ${path}: it changed after it was checked`);
      }
      return bytes;
    },
    stream: (): AsyncIterable<Uint8Array> => createReadStream(path, { highWaterMark: 2 ** 20 }),
    discard: async (): Promise<void> => {
      if (mine) await rm(path, { force: true });
    },
  };
}

/** Removes downloads that were given up long ago. */
export async function removeOldPartials(directory: string, now: Date): Promise<void> {
  for (const name of await readdir(directory).catch(() => [])) {
    if (!/^[0-9a-f]{64}$/.test(name)) continue;
    const path = join(directory, name);
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined && now.getTime() - found.mtimeMs > keptFor) await rm(path, { force: true });
  }
}

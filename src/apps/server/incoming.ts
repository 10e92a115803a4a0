/**
 * The place for files that uploads have sent and nobody has judged yet: never served, bounded in size, count and age.
 *
 * A file lies at SUITE/NAME/SHA256. The `.changes` names its files with their hashes, so what several uploaders send at
 * once under one name does not mix, and a file that was sent before a restart is still there.
 */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, rmdir, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';

import { parseSha256 } from '../../kit/digest.ts';
import { SheafError } from '../../kit/error.ts';
import type { InputFile } from '../../model/job.ts';
import type { SuiteName } from '../../model/names.ts';

export type IncomingLimits = {
  /** Bytes of one file, and of everything that waits. */
  readonly file: number;
  readonly total: number;
  readonly files: number;
  /** Milliseconds after which a file that no `.changes` has asked for is dropped. */
  readonly age: number;
};

export const incomingLimits: IncomingLimits = { file: 2 ** 32, total: 2 ** 35, files: 20_000, age: 24 * 3_600_000 };

export class Incoming {
  readonly #directory: string;
  readonly #limits: IncomingLimits;
  /** Bytes that are just being received: they count before they are there. */
  #receiving = 0;
  #requests = 0;

  constructor(directory: string, limits: IncomingLimits = incomingLimits) {
    this.#directory = directory;
    this.#limits = limits;
  }

  /**
   * `name` must be a plain file name; `announced` is how many bytes are said to come, if it is said. Throws
   * `incoming-full`, `file-too-large`; then nothing is kept.
   */
  async put(
    suite: SuiteName,
    name: string,
    bytes: AsyncIterable<Uint8Array>,
    now: Date,
    announced = 0,
  ): Promise<InputFile> {
    const tooLarge = () =>
      new SheafError('file-too-large', `Cannot take ${name}: it is larger than ${this.#limits.file} bytes`);
    if (announced > this.#limits.file) throw tooLarge();
    const used = await this.sweep(now);
    if (used.files + this.#requests >= this.#limits.files) throw full();
    if (used.bytes + this.#receiving + announced > this.#limits.total) throw full();
    const parts = join(this.#directory, '.parts');
    await mkdir(parts, { recursive: true, mode: 0o700 });
    const part = join(parts, randomUUID());
    const hash = createHash('sha256');
    let size = 0;
    this.#requests++;
    const file = await open(part, 'wx', 0o600);
    try {
      for await (const chunk of bytes) {
        size += chunk.length;
        this.#receiving += chunk.length;
        if (size > this.#limits.file) throw tooLarge();
        if (used.bytes + this.#receiving > this.#limits.total) throw full();
        hash.update(chunk);
        await file.appendFile(chunk);
      }
      await file.sync();
      const sha256 = parseSha256(hash.digest('hex'));
      const folder = join(this.#directory, suite, name);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await utimes(part, now, now);
      await rename(part, join(folder, sha256));
      return { name, sha256, size };
    } finally {
      this.#requests--;
      this.#receiving -= size;
      await file.close();
      await rm(part, { force: true });
    }
  }

  /** The path of a file with exactly these bytes, if it was sent. */
  async find(suite: SuiteName, file: InputFile): Promise<string | undefined> {
    const path = join(this.#directory, suite, file.name, file.sha256);
    return (await sizeOf(path)) === file.size ? path : undefined;
  }

  async drop(suite: SuiteName, files: readonly InputFile[]): Promise<void> {
    for (const { name, sha256 } of files) {
      await rm(join(this.#directory, suite, name, sha256), { force: true });
      // Not empty while another upload's file of this name waits.
      await rmdir(join(this.#directory, suite, name)).catch(() => {});
    }
  }

  /** Drops what is too old. Returns what is left. */
  async sweep(now: Date): Promise<{ readonly files: number; readonly bytes: number }> {
    let files = 0;
    let bytes = 0;
    const entries = await readdir(this.#directory, { recursive: true, withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      const found = await stat(path).catch(() => undefined);
      if (found === undefined) continue;
      if (now.getTime() - found.mtimeMs > this.#limits.age) {
        await rm(path, { force: true });
        await rmdir(entry.parentPath).catch(() => {});
      } else if (!entry.parentPath.endsWith('.parts')) {
        files += 1;
        bytes += found.size;
      }
    }
    return { files, bytes };
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    (found) => found.size,
    () => undefined,
  );
}

function full(): SheafError {
  return new SheafError('incoming-full', 'Cannot take the file: the place for uploads is full; try again later');
}

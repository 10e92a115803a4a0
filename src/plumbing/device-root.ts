/**
 * The files of a system below a folder: no link leads out of it, nothing but regular files is opened. Every call to the
 * disk is made at once, without a turn through the thread pool: there are a hundred thousand small files.
 */
import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';

import { SheafError } from '../kit/error.ts';

type Digest = { readonly digest: string } | 'missing' | 'not-a-file' | 'unreadable';

const mostLinks = 40;
/** Milliseconds after which others get a turn: an interrupt, a progress bar. */
const turn = 50;

export class DeviceRoot {
  readonly #root: string;
  /** Folders as they really are, relative to the root; undefined: there is no such folder. */
  readonly #folders = new Map<string, string | undefined>();
  readonly #buffer = Buffer.allocUnsafe(2 ** 18);
  #turned = performance.now();

  constructor(root: string) {
    this.#root = resolve(root);
  }

  async read(path: string, limit: number): Promise<Uint8Array | undefined> {
    const found = this.#open(path, (file) => {
      const parts: Buffer[] = [];
      let size = 0;
      for (;;) {
        const bytesRead = readSync(file, this.#buffer, 0, this.#buffer.length, null);
        size += bytesRead;
        if (size > limit) throw this.#unreadable(path, `it is larger than ${limit} bytes`);
        if (bytesRead === 0) return Buffer.concat(parts);
        parts.push(Buffer.from(this.#buffer.subarray(0, bytesRead)));
      }
    });
    return typeof found === 'string' ? undefined : found;
  }

  async list(path: string): Promise<readonly string[]> {
    const folder = this.#folder(path);
    if (folder === undefined) return [];
    try {
      return readdirSync(join(this.#root, folder)).sort();
    } catch (error) {
      if (isMissing(error)) return [];
      throw this.#unreadable(path, wordsOf(error), error);
    }
  }

  async digest(path: string, algorithm: 'md5' | 'sha256'): Promise<Digest> {
    if (performance.now() - this.#turned > turn) {
      await setImmediate();
      this.#turned = performance.now();
    }
    try {
      return this.#open(path, (file) => {
        const hash = createHash(algorithm);
        for (;;) {
          const bytesRead = readSync(file, this.#buffer, 0, this.#buffer.length, null);
          if (bytesRead === 0) return { digest: hash.digest('hex') };
          hash.update(this.#buffer.subarray(0, bytesRead));
        }
      });
    } catch (error) {
      if (error instanceof SheafError) return 'unreadable';
      throw error;
    }
  }

  #open<T>(path: string, use: (file: number) => T): T | 'missing' | 'not-a-file' {
    const real = this.#resolve(path, 0);
    if (real === undefined) return 'missing';
    try {
      // A pipe must not make us wait, and a link put there meanwhile must not be followed.
      const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
      const file = openSync(join(this.#root, real), flags);
      try {
        return fstatSync(file).isFile() ? use(file) : 'not-a-file';
      } finally {
        closeSync(file);
      }
    } catch (error) {
      if (error instanceof SheafError) throw error;
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ELOOP' || code === 'ENXIO' || code === 'EISDIR') return 'not-a-file';
      if (isMissing(error)) return 'missing';
      throw this.#unreadable(path, wordsOf(error), error);
    }
  }

  /** Relative to the root, without a link in it; undefined when there is no such thing. */
  #resolve(path: string, links: number): string | undefined {
    const parts = path.split('/').filter((part) => part !== '' && part !== '.');
    const name = parts.at(-1);
    if (name === undefined) return '';
    if (parts.includes('..')) return this.#walk(parts, links);
    const folder = this.#folder(parts.slice(0, -1).join('/'), links);
    return folder === undefined ? undefined : this.#step(folder, name, links);
  }

  #folder(path: string, links = 0): string | undefined {
    if (this.#folders.has(path)) return this.#folders.get(path);
    const found = this.#resolve(path, links);
    // Behind many links it may be only their number that ended the way.
    if (links === 0) this.#folders.set(path, found);
    return found;
  }

  #walk(parts: readonly string[], links: number): string | undefined {
    let at: string | undefined = '';
    for (const part of parts) {
      if (at === undefined) return undefined;
      at = part === '..' ? at.split('/').slice(0, -1).join('/') : this.#step(at, part, links);
    }
    return at;
  }

  #step(folder: string, name: string, links: number): string | undefined {
    const path = folder === '' ? name : `${folder}/${name}`;
    if (path.length > 4096 || path.includes('\0')) return undefined;
    try {
      const found = lstatSync(join(this.#root, path), { throwIfNoEntry: false });
      if (found === undefined) return undefined;
      if (!found.isSymbolicLink()) return path;
      if (links >= mostLinks) return undefined;
      const target = readlinkSync(join(this.#root, path));
      return this.#resolve(target.startsWith('/') ? target : `${folder}/${target}`, links + 1);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw this.#unreadable(path, wordsOf(error), error);
    }
  }

  #unreadable(path: string, state: string, cause?: unknown): SheafError {
    const file = join(this.#root, path);
    return new SheafError('device-file', `Cannot read ${file}: ${state}`, {
      kind: 'environment',
      place: { file },
      hint: 'The files of a system are read as root, or as whoever may read them all.',
      cause,
    });
  }
}

function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG';
}

function wordsOf(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'EACCES' || code === 'EPERM' ? 'permission denied' : (code ?? String(error));
}

/** A folder of published files on a local disk: see `TreeFiles` in archive/ports.ts for the contract. */
import { createHash, randomUUID } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import {
  access,
  copyFile,
  link,
  mkdir,
  open,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  unlink,
  type FileHandle,
} from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';

import { SheafError } from '../kit/error.ts';
import { syncDirectory } from './blobs.ts';

export const treeFiles = {
  makeDirectory: async (path: string): Promise<void> => {
    await mkdir(path, { recursive: true });
  },

  place: (path: string, bytes: Uint8Array | string | readonly Uint8Array[], modified?: Date): Promise<void> =>
    underAnotherName(path, async (temporary) => {
      const file = await open(temporary, 'wx', 0o644);
      try {
        await (Array.isArray(bytes) ? writeParts(file, bytes, 0) : file.writeFile(bytes as Uint8Array | string));
        if (modified !== undefined) await file.utimes(modified, modified);
        await file.sync();
      } finally {
        await file.close();
      }
    }),

  keep: async (path: string, position: number, parts: readonly Uint8Array[]): Promise<void> => {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(path, constants.O_CREAT | constants.O_WRONLY, 0o644);
    try {
      await file.truncate(position);
      await writeParts(file, parts, position);
    } finally {
      await file.close();
    }
  },

  open: async (path: string) => {
    const file = await unlessMissing(open(path, 'r'));
    if (file === undefined) return undefined;
    try {
      const { size } = await file.stat();
      return {
        size,
        read: (into: Uint8Array, position: number) => fill(file, into, position),
        close: () => file.close(),
      };
    } catch (error) {
      await file.close();
      throw error;
    }
  },

  link: async (source: string, path: string): Promise<void> => {
    try {
      await link(source, path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST') return checkSame(source, path);
      // Another file system, too many links, or a file system without hard links.
      if (code !== 'EXDEV' && code !== 'EMLINK' && code !== 'EPERM') throw error;
      await copy(source, path);
    }
  },

  /** As `link`, for people who may write to it: never the same file, but sharing its blocks where the file system can. */
  copy: async (source: string, path: string): Promise<void> =>
    (await treeFiles.exists(path)) ? checkSame(source, path) : copy(source, path),

  symlink: (target: string, path: string): Promise<void> =>
    underAnotherName(path, (temporary) => symlink(target, temporary)),

  rename: async (from: string, to: string): Promise<void> => {
    // rename(2) would replace a file or an empty directory.
    if (await treeFiles.exists(to)) {
      throw new SheafError('file-exists', `Cannot rename ${from}: ${to} exists`, { place: { file: to } });
    }
    await rename(from, to);
  },

  remove: (path: string): Promise<void> => rm(path, { recursive: true, force: true }),

  sync: syncDirectory,

  size: async (path: string): Promise<number | undefined> => (await unlessMissing(stat(path)))?.size,

  exists: async (path: string): Promise<boolean> =>
    access(path).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return false;
        throw error;
      },
    ),

  readLink: (path: string): Promise<string | undefined> => unlessMissing(readlink(path)),

  read: (path: string): Promise<string | undefined> => unlessMissing(readFile(path, 'utf8')),

  readBytes: (path: string): Promise<Buffer | undefined> => unlessMissing(readAll(path)),
};

/** In one go: `readFile` would read a large file in a hundred pieces. */
async function readAll(path: string): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    if (size === 0) return Buffer.alloc(0);
    const bytes = Buffer.allocUnsafeSlow(size);
    return bytes.subarray(0, await fill(file, bytes, 0));
  } finally {
    await file.close();
  }
}

/** Fewer bytes only at the end of the file. */
async function fill(file: FileHandle, into: Uint8Array, position: number): Promise<number> {
  let filled = 0;
  while (filled < into.length) {
    const { bytesRead } = await file.read(into, filled, into.length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled;
}

/** writev(2) may write less than all on a disk that is filling. */
async function writeParts(file: FileHandle, parts: readonly Uint8Array[], position: number): Promise<void> {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  if (size === 0) return;
  const { bytesWritten } = await file.writev([...parts], position);
  if (bytesWritten < size)
    await file.write(Buffer.concat(parts), bytesWritten, size - bytesWritten, position + bytesWritten);
}

/** Makes something under a name of its own beside the path, then moves it there in one step. */
async function underAnotherName(path: string, make: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await make(temporary);
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => {});
    throw error;
  }
}

async function copy(source: string, path: string): Promise<void> {
  await underAnotherName(path, async (temporary) => {
    await copyFile(source, temporary, constants.COPYFILE_FICLONE);
    const file = await open(temporary, 'r+');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  });
}

async function checkSame(source: string, path: string): Promise<void> {
  const [left, right] = await Promise.all([stat(source, { bigint: true }), stat(path, { bigint: true })]);
  if (left.dev === right.dev && left.ino === right.ino) return;
  if (left.size === right.size && (await digest(source)) === (await digest(path))) return;
  throw new SheafError('file-differs', `Cannot publish ${path}: the file is there already with other bytes`, {
    place: { file: path },
    hint: `Compare it with ${source}; a published file must never change.`,
  });
}

async function digest(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

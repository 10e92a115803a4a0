/** What the index store asks of the disk. Tests put faults between. */
import { mkdir, open, readdir, rename, unlink, type FileHandle } from 'node:fs/promises';

import { syncDirectory } from '../blobs.ts';

export interface LogFile {
  /** Fills the buffer from the file, as far as the file goes; says how many bytes that were. */
  read(buffer: Uint8Array, position: number): Promise<number>;
  /** Writes all of the bytes. When it throws, any part of them may have been written. */
  write(bytes: Uint8Array, position: number): Promise<void>;
  sync(): Promise<void>;
  truncate(size: number): Promise<void>;
  /** `removed` is true when the file has no name any more. */
  stat(): Promise<{ readonly size: number; readonly removed: boolean }>;
  close(): Promise<void>;
}

export interface LogFiles {
  makeDirectory(path: string): Promise<void>;
  /** Names in the directory. */
  list(directory: string): Promise<string[]>;
  /** Undefined when there is no such file. */
  open(path: string, mode: 'read' | 'write'): Promise<LogFile | undefined>;
  /** A new, empty file in place of one that may be there. */
  create(path: string): Promise<LogFile>;
  rename(from: string, to: string): Promise<void>;
  /** No error when there is no such file. */
  remove(path: string): Promise<void>;
  syncDirectory(path: string): Promise<void>;
}

export const logFiles: LogFiles = {
  async makeDirectory(path) {
    await mkdir(path, { recursive: true });
  },
  list: (directory) => readdir(directory),
  async open(path, mode) {
    try {
      return logFile(await open(path, mode === 'read' ? 'r' : 'r+'));
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  },
  create: async (path) => logFile(await open(path, 'w+', 0o644)),
  rename,
  async remove(path) {
    await unlink(path).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
    });
  },
  syncDirectory,
};

function logFile(handle: FileHandle): LogFile {
  return {
    async read(buffer, position) {
      let done = 0;
      while (done < buffer.length) {
        const { bytesRead } = await handle.read(buffer, done, buffer.length - done, position + done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
      return done;
    },
    async write(bytes, position) {
      for (let done = 0; done < bytes.length;) {
        done += (await handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
      }
    },
    sync: () => handle.sync(),
    truncate: (size) => handle.truncate(size),
    async stat() {
      const { size, nlink } = await handle.stat();
      return { size, removed: nlink === 0 };
    },
    close: () => handle.close(),
  };
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}

/** Locks from files. */
import type { Lock } from '../../../model/lock.ts';
import { open, type FileHandle } from 'node:fs/promises';

import { SheafError } from '../../../kit/error.ts';
import { parseLocks } from '../../../lock/mod.ts';
import { throwUnreadable } from '../unreadable.ts';

/** 100,000 packages with long stanzas. */
const largest = 256 * 2 ** 20;

export type LockFile = { readonly text: string; readonly locks: readonly Lock[] };

/** All locks of a file, which may be a pipe. Throws `no-lock`, `bad-lock`. */
export async function readLocks(file: string): Promise<LockFile> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file);
    const text = await readAll(handle, file);
    return { text, locks: parseLocks(text, file) };
  } catch (error) {
    if (error instanceof SheafError) throwUnreadable(error);
    const { code, message } = error as NodeJS.ErrnoException;
    throw new SheafError('no-lock', `Cannot read the lock ${file}: ${code === 'ENOENT' ? 'there is none' : message}`, {
      kind: 'usage',
      hint: 'A lock is a file that sheaf lock create makes; for suites there are sheaf diff and sheaf suite show.',
      cause: error,
    });
  } finally {
    await handle?.close();
  }
}

async function readAll(handle: FileHandle, file: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of handle.createReadStream({ autoClose: false }) as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > largest) throw new SheafError('bad-lock', `Cannot read the lock ${file}: it is larger than 256 MiB`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

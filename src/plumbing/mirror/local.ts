/** Mirrors on this machine's disk: `file:` addresses. */
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import type { Sha256 } from '../../kit/digest.ts';
import { SheafError } from '../../kit/error.ts';
import { fetchedFile, hashFile } from './partial.ts';
import { formatBytes } from './words.ts';

const missing = { kind: 'missing', status: 404 } as const;

export async function readLocal(url: string, limit: number) {
  return withFile(url, async (handle, path) => {
    const { size } = await handle.stat();
    if (size > limit) throw tooLarge(path, limit);
    const bytes = Buffer.alloc(size);
    const { bytesRead } = await handle.read(bytes, 0, size, 0);
    return { kind: 'file', bytes: bytes.subarray(0, bytesRead) } as const;
  });
}

export async function fetchLocal(url: string, expect: { readonly sha256: Sha256; readonly size: number }) {
  const result = await withFile(url, async (handle, path) => {
    const { size } = await handle.stat();
    const state = size === expect.size ? await hashState(path, expect.sha256) : `it has ${formatBytes(size)}`;
    if (state !== undefined) {
      throw new SheafError('mirror-mismatch', `Cannot take ${path}: ${state}, expected ${formatBytes(expect.size)}`);
    }
    return { kind: 'file', path } as const;
  });
  return result.kind === 'missing' ? undefined : fetchedFile(result.path, expect.sha256, false);
}

async function hashState(path: string, expected: Sha256): Promise<string | undefined> {
  const digest = await hashFile(path);
  return digest === expected ? undefined : `its SHA-256 is ${digest}, not ${expected}`;
}

async function withFile<T>(url: string, use: (handle: FileHandle, path: string) => Promise<T>) {
  const path = fileURLToPath(url);
  let handle: FileHandle;
  try {
    // A pipe must not hold us up.
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return missing;
    throw new SheafError('mirror-refused', `Cannot read ${path}: ${(error as Error).message}`, {
      kind: 'environment',
      cause: error,
    });
  }
  try {
    return (await handle.stat()).isFile() ? await use(handle, path) : missing;
  } finally {
    await handle.close();
  }
}

function tooLarge(path: string, limit: number): SheafError {
  return new SheafError('mirror-too-large', `Cannot read ${path}: it is larger than ${formatBytes(limit)}`, {
    kind: 'environment',
  });
}

/** Reading a distribution's folder from disk. */
import { accessSync, closeSync, constants, openSync, readSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { SheafError } from '../kit/error.ts';
import type { Distribution } from '../model/distribution.ts';
import { parseDistribution } from './distribution.ts';
import type { FileFacts } from './files.ts';

const settingsFile = 'sheaf.toml';

export type ReadOptions = {
  /** Whether all files that it names must be there; default true. A copy of the folder from git has no secrets. */
  readonly files?: boolean;
};

/** Throws `no-distribution` when the folder has no sheaf.toml, `bad-settings` when it is wrong. */
export async function readDistribution(directory: string, { files = true }: ReadOptions = {}): Promise<Distribution> {
  const folder = resolve(directory);
  const file = join(folder, settingsFile);
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    throw new SheafError(
      'no-distribution',
      `Cannot read the distribution in ${folder}: it has no readable ${settingsFile}`,
      {
        kind: 'usage',
        hint: 'Name its folder by -C or SHEAF_DIR, or make a distribution with: sheaf init DIR',
        cause: error,
      },
    );
  }
  return parseDistribution(decode(bytes, file), file, folder, files ? lookAtFile : undefined);
}

/** TOML is UTF-8. */
function decode(bytes: Buffer, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    const line = bytes.toString('utf8').split('\ufffd', 1)[0]!.split('\n').length;
    throw new SheafError('bad-settings', 'Cannot read settings: this is not UTF-8', {
      kind: 'usage',
      place: { file, line },
      hint: 'Save the file in the encoding UTF-8.',
      cause,
    });
  }
}

function lookAtFile(path: string): FileFacts | undefined {
  let facts;
  try {
    facts = statSync(path);
  } catch (error) {
    // A folder on the way that may not be entered: something may be there, but not for us.
    if ((error as NodeJS.ErrnoException).code === 'EACCES') {
      return { kind: 'file', readable: false, mode: 0, size: 0, head: '' };
    }
    return undefined;
  }
  const kind = facts.isFile() ? 'file' : facts.isDirectory() ? 'folder' : 'other';
  const readable = isReadable(path);
  const head = kind === 'file' && readable ? readHead(path) : '';
  return { kind, readable, mode: facts.mode & 0o7777, size: facts.size, head };
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

function readHead(path: string): string {
  const descriptor = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(4096);
    return buffer.toString('latin1', 0, readSync(descriptor, buffer));
  } finally {
    closeSync(descriptor);
  }
}

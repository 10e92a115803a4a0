/** Configured roots and downloaded packages of this user, shared by everything on this machine that needs them. */
import { constants } from 'node:fs';
import { access, mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

import { SheafError } from '../kit/error.ts';
import { DebCache } from '../plumbing/deb-cache.ts';
import { withFileLock } from '../plumbing/file-lock.ts';
import type { Sandbox } from '../plumbing/sandbox/port.ts';
import type { RootDeps } from '../root/mod.ts';

/** `$SHEAF_CACHE`, or `sheaf` in the user's cache folder (XDG Base Directory Specification). */
export function cacheDirectory(): string {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  return process.env['SHEAF_CACHE'] ?? join(cache, 'sheaf');
}

/** The same, made where it is missing and looked at before anything is. Throws `cache-unusable`. */
export async function openCache(directory = cacheDirectory()): Promise<string> {
  try {
    await mkdir(directory, { recursive: true });
    for (const name of ['.', 'debs', 'locks', 'roots', 'scratch']) {
      await access(join(directory, name), constants.W_OK | constants.X_OK).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
      });
    }
  } catch (cause) {
    throw new SheafError('cache-unusable', `Cannot use the cache ${directory}: ${(cause as Error).message}`, {
      kind: 'environment',
      hint: 'It has to be a folder of this user alone; SHEAF_CACHE names another.',
      cause,
    });
  }
  return directory;
}

export function rootDeps(sandbox: Sandbox, directory = cacheDirectory()): RootDeps {
  return {
    sandbox,
    debs: new DebCache({ directory: join(directory, 'debs') }),
    withLock: withFileLock,
    directory,
  };
}

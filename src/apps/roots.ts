/** Configured roots and downloaded packages of this user, shared by everything on this machine that needs them. */
import { homedir } from 'node:os';
import { join } from 'node:path';

import { DebCache } from '../plumbing/deb-cache.ts';
import { withFileLock } from '../plumbing/file-lock.ts';
import type { Sandbox } from '../plumbing/sandbox/port.ts';
import type { RootDeps } from '../root/mod.ts';

/** `$SHEAF_CACHE`, or `sheaf` in the user's cache folder (XDG Base Directory Specification). */
export function cacheDirectory(): string {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  return process.env['SHEAF_CACHE'] ?? join(cache, 'sheaf');
}

export function rootDeps(sandbox: Sandbox, directory = cacheDirectory()): RootDeps {
  return {
    sandbox,
    debs: new DebCache({ directory: join(directory, 'debs') }),
    withLock: withFileLock,
    directory,
  };
}

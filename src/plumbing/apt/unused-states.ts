/**
 * The solver's states that nobody needs any more. Their names come from the settings and from the version of Sheaf: each
 * change of an upstream or of an architecture makes others, and some 100 MB of indexes stay behind.
 */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { withFileLock } from '../file-lock.ts';

/** Longer than any upstream that is built on is left alone; made again, a state costs a fetch of its indexes. */
const longestRest = 30 * 24 * 3600_000;

/** Removes the states below `directory` whose indexes were last fetched long ago. */
export async function forgetUnusedStates(directory: string, now: Date): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true }).catch(() => [])) {
    const state = join(directory, entry.name);
    if (!entry.isDirectory() || !/^[0-9a-f]{24}$/.test(entry.name) || !(await rests(state, now))) continue;
    await withFileLock(join(state, 'lock'), async () => {
      if (await rests(state, now)) await rm(state, { recursive: true, force: true });
    });
  }
}

async function rests(state: string, now: Date): Promise<boolean> {
  const fetched = (await stat(join(state, 'stamps/upstream')).catch(() => undefined)) ?? (await stat(state));
  return now.getTime() - fetched.mtimeMs > longestRest;
}
